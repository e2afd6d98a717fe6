//! The pictures as a viewer would judge them.

use super::*;
use crate::config::Config;
use crate::world::vehicle::{PlateColour, VehicleSpec};

fn lane() -> (Config, Sim) {
    let config = Config::default();
    let mut sim = Sim::new(&config);
    let spec = VehicleSpec {
        plate: "12C-123.45".to_owned(),
        trailer_plate: Some("12R-012.34".to_owned()),
        plate_colour: PlateColour::Yellow,
        trailer_plate_colour: PlateColour::White,
        ..VehicleSpec::default()
    };
    sim.world.spawn(spec).unwrap();
    sim.step(30_000);
    (config, sim)
}

fn studio(config: &Config, index: usize) -> Studio {
    Studio::new(&config.cameras[index], Arc::new(Faces::load(None)), None).unwrap()
}

fn decoded(jpeg: &[u8]) -> RgbImage {
    image::load_from_memory(jpeg).unwrap().to_rgb8()
}

fn mean(image: &RgbImage) -> f64 {
    image.iter().map(|byte| f64::from(*byte)).sum::<f64>() / image.len() as f64
}

fn difference(a: &RgbImage, b: &RgbImage) -> f64 {
    a.iter().zip(b.iter()).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / a.len() as f64
}

/// Yellow of the front plate.
fn yellow(image: &RgbImage) -> usize {
    image.pixels().filter(|pixel| pixel.0[0] > 190 && pixel.0[1] > 140 && pixel.0[2] < 110).count()
}

#[test]
fn the_front_camera_shows_a_plate_wide_enough_to_read() {
    let (config, mut sim) = lane();
    let mut studio = studio(&config, 0);
    let shown = decoded(&studio.frame(&studio.view(&sim)));
    assert_eq!(shown.dimensions(), (1_280, 720));
    assert!(yellow(&shown) > 1_500, "{}", yellow(&shown));
    if let Ok(folder) = std::env::var("HARDWARE_SIM_PICTURES") {
        let mut rear = super::tests::studio(&config, 1);
        std::fs::write(format!("{folder}/front.jpg"), &*studio.frame(&studio.view(&sim))).unwrap();
        std::fs::write(format!("{folder}/rear.jpg"), &*rear.frame(&rear.view(&sim))).unwrap();
    }
    let id = sim.world.vehicles()[0].id;
    sim.world.remove(id).unwrap();
    let empty = decoded(&studio.frame(&studio.view(&sim)));
    assert!(yellow(&empty) < 50);
}

#[test]
fn a_standing_scene_never_repeats_the_frame_before_and_keeps_its_frames() {
    let (config, sim) = lane();
    let mut studio = studio(&config, 1);
    let view = studio.view(&sim);
    let frames: Vec<_> = (0..12).map(|_| studio.frame(&view)).collect();
    assert!(frames.windows(2).all(|pair| pair[0] != pair[1]));
    assert!(Arc::ptr_eq(&frames[11], &frames[11 - GRAIN_VARIANTS]));
}

#[test]
fn black_night_and_dirt_show() {
    let (config, mut sim) = lane();
    let mut studio = studio(&config, 0);
    let day = decoded(&studio.frame(&studio.view(&sim)));
    sim.world.knobs.turn_on("front_night", Some(1.0)).unwrap();
    let night = decoded(&studio.frame(&studio.view(&sim)));
    assert!(mean(&night) < mean(&day) * 0.35);
    sim.world.knobs.turn_on("front_black", None).unwrap();
    assert!(mean(&decoded(&studio.frame(&studio.view(&sim)))) < 3.0);
    sim.world.knobs.clear();
    sim.world.knobs.turn_on("front_dirty_plate", Some(0.9)).unwrap();
    let dirty = decoded(&studio.frame(&studio.view(&sim)));
    assert!(yellow(&dirty) < yellow(&day) * 2 / 3, "{} of {}", yellow(&dirty), yellow(&day));
    assert!(difference(&dirty, &day) < 8.0, "only the plate is dirty");
}

#[test]
fn a_folder_is_shown_in_order_and_a_vehicle_may_bring_its_photo() {
    let folder = tempfile::tempdir().unwrap();
    for (name, colour) in [("a.png", [200, 0, 0]), ("b.png", [0, 0, 200])] {
        RgbImage::from_pixel(300, 100, Rgb(colour)).save(folder.path().join(name)).unwrap();
    }
    let (mut config, mut sim) = lane();
    config.cameras[0].source = CameraSource::Folder;
    config.cameras[0].folder = Some(folder.path().to_owned());
    let mut shows = Studio::new(&config.cameras[0], Arc::new(Faces::strokes()), None).unwrap();
    let first = *decoded(&shows.frame(&shows.view(&sim))).get_pixel(640, 360);
    sim.step(2_000);
    let second = *decoded(&shows.frame(&shows.view(&sim))).get_pixel(640, 360);
    assert_ne!(first.0[0] > 128, second.0[0] > 128, "{first:?} {second:?}");

    let config = Config::default();
    let mut sim = Sim::new(&config);
    let mut brings = Studio::new(&config.cameras[0], Arc::new(Faces::strokes()), Some(folder.path().to_owned())).unwrap();
    let spec = |photo: &str| VehicleSpec { front_photo: Some(photo.to_owned()), ..VehicleSpec::default() };
    sim.world.spawn(spec("a.png")).unwrap();
    sim.step(20_000);
    assert!(decoded(&brings.frame(&brings.view(&sim))).get_pixel(640, 360).0[0] > 180);
    sim.world.reset(None);
    sim.world.spawn(spec("../a.png")).unwrap();
    sim.step(20_000);
    let refused = decoded(&brings.frame(&brings.view(&sim)));
    assert!(
        refused.get_pixel(640, 360).0 != [200, 0, 0] && difference(&refused, &RgbImage::from_pixel(1_280, 720, Rgb([200, 0, 0]))) > 30.0
    );
}

#[test]
fn an_empty_or_missing_folder_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut camera = Config::default().cameras[0].clone();
    camera.source = CameraSource::Folder;
    camera.folder = Some(folder.path().to_owned());
    assert!(matches!(Studio::new(&camera, Arc::new(Faces::strokes()), None), Err(SourceError::Empty { .. })));
    camera.folder = Some(folder.path().join("missing"));
    assert!(matches!(Studio::new(&camera, Arc::new(Faces::strokes()), None), Err(SourceError::Folder { .. })));
}
