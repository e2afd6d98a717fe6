//! What the cameras show: drawn trucks with plates, or real pictures, as JPEG frames.
//!
//! A [`Studio`] belongs to one camera. It draws only when the scene changed; a scene that stands still is sent as [`GRAIN_VARIANTS`] frames in turn
//! that differ by sensor noise, so that a living camera never repeats itself exactly and a frozen one does.

pub mod glyph;
pub mod plate;
pub mod scene;
pub mod server;

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, Rgb, RgbImage};

use crate::config::{Camera, CameraSource, LooksAt};
use crate::sim::Sim;
use crate::world::vehicle::Vehicle;
use glyph::Faces;
use plate::{Lines, Plate};
use scene::{FARTHEST_M, Face, Lens, NEAREST_M};

/// Frames of one standing scene that differ by noise.
pub const GRAIN_VARIANTS: usize = 4;
/// Most pictures of a folder that are shown.
pub const MAX_FOLDER_PICTURES: usize = 2_000;
/// Most plates kept drawn.
const MAX_PLATES: usize = 64;
const JPEG_QUALITY: u8 = 85;
/// A vehicle's photo is shown while its face is nearer than this, m.
const PHOTO_WITHIN_M: f64 = 14.0;

#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error("folder {} cannot be read", path.display())]
    Folder { path: PathBuf, source: std::io::Error },
    #[error("folder {} holds no .jpg, .jpeg or .png", path.display())]
    Empty { path: PathBuf },
}

/// A vehicle as a camera needs it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Seen {
    depth_cm: i64,
    length_cm: i64,
    vehicle: u64,
    /// The cab is shown, not the doors.
    nose: bool,
    plate: Option<Plate>,
    photo: Option<String>,
}

/// Everything that decides a frame.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct View {
    /// Far to near.
    seen: Vec<Seen>,
    black: bool,
    covered: bool,
    moved: bool,
    blurred: bool,
    /// Per mille.
    dirt: u32,
    /// Per mille.
    night: u32,
    folder_index: usize,
}

/// Draws one camera's frames.
pub struct Studio {
    looks_at: LooksAt,
    size: [u32; 2],
    lens: Lens,
    faces: Arc<Faces>,
    road: RgbImage,
    plates: HashMap<(Plate, u32), RgbImage>,
    photos: Option<PathBuf>,
    folder: Vec<PathBuf>,
    folder_hold_ms: u64,
    name: String,
    shown: Option<View>,
    base: RgbImage,
    variants: Vec<Arc<Vec<u8>>>,
    turn: usize,
}

impl Studio {
    pub fn new(camera: &Camera, faces: Arc<Faces>, photos: Option<PathBuf>) -> Result<Studio, SourceError> {
        let folder = match (&camera.source, &camera.folder) {
            (CameraSource::Folder, Some(path)) => pictures_of(path)?,
            _ => Vec::new(),
        };
        let lens = match camera.looks_at {
            LooksAt::Front => Lens::new(camera.size, 1.1, 2.3, 8.0, 1.15, 1.9),
            LooksAt::Rear => Lens::new(camera.size, -0.9, 2.8, 8.5, 1.0, 2.0),
        };
        let road = scene::road(&lens, camera.size);
        Ok(Studio {
            looks_at: camera.looks_at,
            size: camera.size,
            lens,
            faces,
            base: road.clone(),
            road,
            plates: HashMap::new(),
            photos,
            folder,
            folder_hold_ms: camera.folder_hold_ms,
            name: camera.name.clone(),
            shown: None,
            variants: Vec::new(),
            turn: 0,
        })
    }

    /// What this camera would show now.
    pub fn view(&self, sim: &Sim) -> View {
        let knobs = &sim.world.knobs;
        let share = |name: &str| (knobs.camera(&self.name, name).unwrap_or(0.0) * 1_000.0) as u32;
        let geometry = sim.world.geometry();
        // The front camera stands behind the boom and looks back, the rear one before the platform and looks ahead.
        let front = self.looks_at == LooksAt::Front;
        let place_m = if front { geometry.stop_line_m + 8.0 } else { geometry.platform_m[0] - 5.0 };
        let mut seen: Vec<Seen> = sim.world.vehicles().iter().filter_map(|vehicle| self.see(vehicle, place_m, front)).collect();
        seen.sort_by_key(|one| -one.depth_cm);
        let folder_index =
            if self.folder.is_empty() { 0 } else { (sim.world.now_ms() / self.folder_hold_ms.max(1)) as usize % self.folder.len() };
        let on = |name: &str| knobs.camera(&self.name, name).is_some();
        View {
            seen,
            black: on("black"),
            covered: on("covered"),
            moved: on("moved"),
            blurred: on("blurred"),
            dirt: share("dirty_plate"),
            night: share("night"),
            folder_index,
        }
    }

    fn see(&self, vehicle: &Vehicle, place_m: f64, front: bool) -> Option<Seen> {
        let (low, high) = vehicle.extent_m();
        // The face shown is the one nearer to the camera: the lane's far end of a vehicle for the front camera.
        let depth_m = if front { place_m - high } else { low - place_m };
        if !(NEAREST_M..FARTHEST_M).contains(&depth_m) {
            return None;
        }
        let shows_nose = front == (vehicle.heading > 0.0);
        let (text, colour, lines) = if shows_nose {
            (vehicle.spec.plate.as_str(), vehicle.spec.plate_colour, Lines::One)
        } else if vehicle.spec.trailer_plate.is_some() {
            (vehicle.spec.rear_plate(), vehicle.spec.trailer_plate_colour, Lines::Two)
        } else {
            (vehicle.spec.rear_plate(), vehicle.spec.plate_colour, Lines::Two)
        };
        let photo = if front { &vehicle.spec.front_photo } else { &vehicle.spec.rear_photo };
        Some(Seen {
            depth_cm: (depth_m * 100.0).round() as i64,
            length_cm: (vehicle.spec.whole_length_m() * 100.0) as i64,
            vehicle: vehicle.id,
            nose: shows_nose,
            plate: (!text.is_empty()).then(|| Plate { text: text.to_owned(), colour, lines }),
            photo: photo.clone(),
        })
    }

    /// The next frame of a view, as JPEG.
    pub fn frame(&mut self, view: &View) -> Arc<Vec<u8>> {
        if self.shown.as_ref() != Some(view) {
            self.base = self.draw(view);
            self.variants.clear();
            self.shown = Some(view.clone());
        }
        self.turn = (self.turn + 1) % GRAIN_VARIANTS;
        if let Some(ready) = self.variants.get(self.turn) {
            return ready.clone();
        }
        let strength = if view.black { 1 } else { 3 + view.night / 100 };
        let encoded = Arc::new(encode(&grain(&self.base, strength, self.variants.len() as u64 + 1)));
        self.variants.push(encoded.clone());
        encoded
    }

    fn draw(&mut self, view: &View) -> RgbImage {
        if view.black {
            return RgbImage::new(self.size[0], self.size[1]);
        }
        if view.covered {
            return bag(self.size);
        }
        let mut image = self.photo(view).or_else(|| self.folder_picture(view)).unwrap_or_else(|| self.draw_lane(view));
        if view.moved {
            image = aside(&image);
        }
        if view.blurred {
            image = image::imageops::blur(&image, f64::from(self.size[0]) as f32 / 200.0);
        }
        if view.night > 0 {
            let keep = 1.0 - 0.93 * f64::from(view.night) / 1_000.0;
            image.iter_mut().for_each(|byte| *byte = (f64::from(*byte) * keep) as u8);
        }
        image
    }

    fn draw_lane(&mut self, view: &View) -> RgbImage {
        let mut image = self.road.clone();
        for one in &view.seen {
            let face = if one.nose { Face::Front } else { Face::Rear };
            let paint = [Rgb([32, 92, 168]), Rgb([170, 40, 34]), Rgb([224, 224, 220]), Rgb([36, 120, 84])][(one.vehicle % 4) as usize];
            let (depth_m, length_m) = (one.depth_cm as f64 / 100.0, one.length_cm as f64 / 100.0);
            let picture = one.plate.as_ref().map(|plate| (self.plate(plate, view.dirt), plate.size_mm()));
            let plate = picture.as_ref().map(|(picture, size_mm)| (picture, *size_mm));
            scene::vehicle(&mut image, &self.lens, face, depth_m, length_m, paint, plate);
        }
        image
    }

    fn plate(&mut self, plate: &Plate, dirt: u32) -> RgbImage {
        let key = (plate.clone(), dirt);
        if let Some(drawn) = self.plates.get(&key) {
            return drawn.clone();
        }
        let mut drawn = plate.draw(&self.faces);
        if dirt > 0 {
            let seed = plate.text.bytes().fold(7u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
            scene::dirty(&mut drawn, f64::from(dirt) / 1_000.0, seed);
        }
        if self.plates.len() >= MAX_PLATES {
            self.plates.clear();
        }
        self.plates.insert(key, drawn.clone());
        drawn
    }

    /// The photo named by the nearest vehicle that has one.
    fn photo(&self, view: &View) -> Option<RgbImage> {
        let nearest = view.seen.iter().rev().find(|one| one.photo.is_some())?;
        if nearest.depth_cm as f64 / 100.0 > PHOTO_WITHIN_M {
            return None;
        }
        let name = Path::new(nearest.photo.as_deref()?);
        let within = name.components().all(|part| matches!(part, Component::Normal(_)));
        let path = self.photos.as_ref().filter(|_| within)?.join(name);
        self.open(&path)
    }

    fn folder_picture(&self, view: &View) -> Option<RgbImage> {
        self.open(self.folder.get(view.folder_index)?)
    }

    fn open(&self, path: &Path) -> Option<RgbImage> {
        match image::open(path) {
            Ok(picture) => Some(fit(&picture.to_rgb8(), self.size)),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "the picture cannot be shown");
                None
            }
        }
    }
}

fn pictures_of(path: &Path) -> Result<Vec<PathBuf>, SourceError> {
    let unreadable = |source| SourceError::Folder { path: path.to_owned(), source };
    let mut pictures = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or("").to_ascii_lowercase();
        if matches!(ending.as_str(), "jpg" | "jpeg" | "png") {
            pictures.push(file);
        }
    }
    pictures.sort();
    pictures.truncate(MAX_FOLDER_PICTURES);
    if pictures.is_empty() { Err(SourceError::Empty { path: path.to_owned() }) } else { Ok(pictures) }
}

/// Brings a picture into the frame without changing its proportions.
fn fit(picture: &RgbImage, size: [u32; 2]) -> RgbImage {
    let scale = f64::min(f64::from(size[0]) / f64::from(picture.width()), f64::from(size[1]) / f64::from(picture.height()));
    let side = |length: u32| ((f64::from(length) * scale) as u32).max(1);
    let (width, height) = (side(picture.width()), side(picture.height()));
    let scaled = image::imageops::resize(picture, width, height, image::imageops::FilterType::Triangle);
    let mut framed = RgbImage::from_pixel(size[0], size[1], Rgb([64, 64, 64]));
    image::imageops::replace(&mut framed, &scaled, i64::from((size[0] - width) / 2), i64::from((size[1] - height) / 2));
    framed
}

/// A bag right before the lens: out of focus, lighter to one side.
fn bag(size: [u32; 2]) -> RgbImage {
    RgbImage::from_fn(size[0], size[1], |x, y| {
        let level = 70 + 60 * x / size[0].max(1) + 25 * y / size[1].max(1);
        Rgb([level as u8, (level * 9 / 10) as u8, (level * 8 / 10) as u8])
    })
}

/// What the camera sees when it is turned by a tenth of its picture; the rim is continued.
fn aside(image: &RgbImage) -> RgbImage {
    let by = image.width() / 10;
    RgbImage::from_fn(image.width(), image.height(), |x, y| *image.get_pixel((x + by).min(image.width() - 1), y))
}

/// Sensor noise of this strength (levels either way).
fn grain(base: &RgbImage, strength: u32, seed: u64) -> RgbImage {
    let mut noisy = base.clone();
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let span = i32::try_from(2 * strength + 1).unwrap_or(1);
    for pixel in noisy.chunks_exact_mut(3) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let shift = ((state >> 33) as i32).rem_euclid(span) - span / 2;
        for channel in pixel {
            *channel = (i32::from(*channel) + shift).clamp(0, 255) as u8;
        }
    }
    noisy
}

fn encode(image: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
    // Writing to memory with a size checked in the settings does not fail; an empty frame would be seen as a fault of the camera.
    if let Err(error) = encoder.encode(image, image.width(), image.height(), ExtendedColorType::Rgb8) {
        tracing::error!(%error, "a frame could not be encoded");
        return Vec::new();
    }
    bytes
}

#[cfg(test)]
mod tests;
