//! Made pictures of a lane: the simulator's road and trucks, a gate around them, and everything that happens to a camera.

#![allow(dead_code)]

use borderlane_vision::condition::grey::small_grey;
use borderlane_vision::condition::measure::Grey;
use hardware_sim::picture::glyph::Faces;
use hardware_sim::picture::plate::{Lines, Plate};
use hardware_sim::picture::scene::{self, Face, Lens};
use hardware_sim::world::vehicle::PlateColour;
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, Rgb, RgbImage};

pub const SIZE: [u32; 2] = [1280, 720];

/// Where the camera stands and looks; a move of the camera is another one.
#[derive(Clone, Copy)]
pub struct Eye {
    pub across_m: f64,
    pub up_m: f64,
    pub aim_m: f64,
    pub aim_up_m: f64,
    pub focal: f64,
    pub turn: f64,
}

pub const EYE: Eye = Eye { across_m: 1.1, up_m: 2.3, aim_m: 8.0, aim_up_m: 1.15, focal: 1.15 * 0.8, turn: 0.0 };

impl Eye {
    fn lens(&self) -> Lens {
        Lens::new(SIZE, self.across_m, self.up_m, self.aim_m, self.aim_up_m, self.focal)
    }
}

fn random(state: &mut u64) -> f32 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    ((*state >> 40) as f32) / (1_u32 << 24) as f32
}

/// The empty lane; `furnished`: with booths, bollards and a far building, else the bare road of the simulator.
pub fn lane(eye: &Eye, furnished: bool) -> RgbImage {
    let lens = eye.lens();
    let mut picture = scene::road(&lens, SIZE);
    if furnished {
        for (depth, across, width, height, colour) in [
            (30.0, 0.0, 24.0, 6.0, [120, 112, 100]),
            (18.0, -4.6, 2.4, 3.0, [196, 190, 176]),
            (18.0, 4.8, 2.4, 3.0, [70, 96, 130]),
            (12.0, -3.2, 0.3, 1.1, [220, 180, 40]),
            (12.0, 3.2, 0.3, 1.1, [220, 180, 40]),
            (8.0, -2.9, 0.3, 1.1, [220, 180, 40]),
            (8.0, 2.9, 0.3, 1.1, [220, 180, 40]),
            (6.0, -2.5, 0.25, 1.0, [200, 40, 30]),
        ] {
            upright(&mut picture, &lens, depth, across, width, height, colour);
        }
    }
    turned(&picture, eye.turn)
}

/// A box's face with windows, upright in the scene.
fn upright(picture: &mut RgbImage, lens: &Lens, depth: f64, across: f64, width: f64, height: f64, colour: [u8; 3]) {
    let Some((left, top)) = lens.project([depth, across - width / 2.0, height]) else { return };
    let Some((right, bottom)) = lens.project([depth, across + width / 2.0, 0.0]) else { return };
    let (left, right) = (left.min(right), left.max(right));
    for y in top.max(0.0) as u32..bottom.clamp(0.0, f64::from(SIZE[1])) as u32 {
        for x in left.max(0.0) as u32..right.clamp(0.0, f64::from(SIZE[0])) as u32 {
            let (u, v) = ((f64::from(x) - left) / (right - left), (f64::from(y) - top) / (bottom - top));
            let columns = (width * 1.5).max(1.0);
            let window = width > 1.0 && (0.2..0.7).contains(&v) && (u * columns).fract() > 0.35;
            let stripe = width < 1.0 && (v * 4.0).fract() > 0.5;
            let share = if window {
                0.35
            } else if stripe {
                0.5
            } else {
                1.0
            };
            picture.put_pixel(x, y, Rgb(colour.map(|c| (f64::from(c) * share) as u8)));
        }
    }
}

/// A truck whose face stands so far away, with its plate.
pub fn truck(empty: &RgbImage, eye: &Eye, depth_m: f64, face: Face) -> RgbImage {
    let mut picture = empty.clone();
    let plate =
        Plate { text: "12C34567".into(), colour: PlateColour::White, lines: if face == Face::Front { Lines::One } else { Lines::Two } };
    let drawn = plate.draw(&Faces::load(None));
    scene::vehicle(&mut picture, &eye.lens(), face, depth_m, 14.0, Rgb([170, 40, 34]), Some((&drawn, plate.size_mm())));
    picture
}

/// The flank of a box trailer over the whole picture: ribs, a rail and a little writing on plain sheet.
pub fn flank(paint: [u8; 3]) -> RgbImage {
    RgbImage::from_fn(SIZE[0], SIZE[1], |x, y| {
        let rib = x % 210 < 10;
        let rail = (560..592).contains(&y);
        let writing = (250..330).contains(&y) && (400..900).contains(&x) && (x / 14 + y / 20) % 3 == 0;
        let share = if rail || writing {
            0.45
        } else if rib {
            0.8
        } else {
            1.0 - 0.1 * f64::from(y) / 720.0
        };
        Rgb(paint.map(|c| (f64::from(c) * share) as u8))
    })
}

pub fn each(picture: &RgbImage, mut change: impl FnMut(u32, u32, [f32; 3]) -> [f32; 3]) -> RgbImage {
    RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
        let pixel = picture.get_pixel(x, y).0.map(f32::from);
        Rgb(change(x, y, pixel).map(|c| c.round().clamp(0.0, 255.0) as u8))
    })
}

pub fn noise(picture: &RgbImage, levels: f32, seed: u64) -> RgbImage {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    each(picture, |_, _, p| {
        let by = (0..4).map(|_| random(&mut state) - 0.5).sum::<f32>() * 1.7 * levels;
        p.map(|c| c + by)
    })
}

pub fn blurred(picture: &RgbImage, sigma: f32) -> RgbImage {
    image::imageops::blur(picture, sigma)
}

pub fn lit(picture: &RgbImage, gain: f32, lift: f32) -> RgbImage {
    each(picture, |_, _, p| p.map(|c| c * gain + lift))
}

/// Night under two lamps: most is dark, two pools are not; noisy.
pub fn night(picture: &RgbImage, gain: f32, seed: u64) -> RgbImage {
    let lamps = each(picture, |x, y, p| {
        let pool = |cx: f32, cy: f32, r: f32| (-((x as f32 - cx) / r).powi(2) - ((y as f32 - cy) / (0.6 * r)).powi(2)).exp();
        let light = gain * (0.35 + 1.6 * pool(380.0, 420.0, 330.0) + 1.2 * pool(980.0, 360.0, 260.0));
        p.map(|c| c * light + 2.0)
    });
    noise(&lamps, 5.0, seed)
}

/// A vehicle's headlights at night, straight into the lens.
pub fn headlights(picture: &RgbImage) -> RgbImage {
    each(picture, |x, y, p| {
        let lamp = |cx: f32| {
            let d = (x as f32 - cx).hypot(y as f32 - 470.0);
            if d < 38.0 { 400.0 } else { 190.0 * (-d / 90.0).exp() }
        };
        p.map(|c| c + lamp(480.0) + lamp(800.0))
    })
}

pub fn rain(picture: &RgbImage, seed: u64) -> RgbImage {
    let mut wet = lit(picture, 0.72, 26.0);
    let mut state = seed.wrapping_mul(0xD134_2543_DE82_EF95) | 1;
    for _ in 0..900 {
        let (x, y) = (random(&mut state) * 1280.0, random(&mut state) * 720.0);
        for step in 0..(18.0 + random(&mut state) * 26.0) as u32 {
            let (px, py) = ((x + step as f32 * 0.2) as u32, y as u32 + step);
            if px < SIZE[0] && py < SIZE[1] {
                let pixel = wet.get_pixel_mut(px, py);
                *pixel = Rgb(pixel.0.map(|c| c.saturating_add(42)));
            }
        }
    }
    noise(&wet, 3.0, seed)
}

/// Soft spots of dirt on the glass; the same ones for a seed.
pub fn dirty(picture: &RgbImage, spots: usize, seed: u64) -> RgbImage {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let blobs: Vec<[f32; 3]> =
        (0..spots).map(|_| [random(&mut state) * 1280.0, random(&mut state) * 720.0, 90.0 + random(&mut state) * 110.0]).collect();
    let soft = blurred(picture, 14.0);
    let mut out = picture.clone();
    for (x, y, pixel) in out.enumerate_pixels_mut() {
        let cover =
            blobs.iter().map(|[cx, cy, r]| (1.6 - 1.6 * (x as f32 - cx).hypot(y as f32 - cy) / r).clamp(0.0, 1.0)).fold(0.0, f32::max)
                * 0.97;
        let behind = soft.get_pixel(x, y).0;
        *pixel = Rgb(std::array::from_fn(|c| {
            let mud = f32::from(behind[c]) * 0.25 + [62.0, 54.0, 44.0][c];
            (f32::from(pixel.0[c]) * (1.0 - cover) + mud * cover) as u8
        }));
    }
    out
}

/// A hand, tape or bag right before the lens: out of focus, brighter to one side.
pub fn covered(level: f32, slope: f32) -> RgbImage {
    RgbImage::from_fn(SIZE[0], SIZE[1], |x, y| {
        let bright = level + slope * (x as f32 / 1280.0 - 0.5) + slope * 0.5 * (y as f32 / 720.0 - 0.5);
        Rgb([bright, bright * 0.85, bright * 0.75].map(|c| c.clamp(0.0, 255.0) as u8))
    })
}

/// Turned about its middle, radians; what comes in from outside is the rim continued.
pub fn turned(picture: &RgbImage, radians: f64) -> RgbImage {
    warped(picture, radians, 1.0, 0.0, 0.0)
}

pub fn warped(picture: &RgbImage, radians: f64, zoom: f64, dx: f64, dy: f64) -> RgbImage {
    if radians == 0.0 && zoom == 1.0 && dx == 0.0 && dy == 0.0 {
        return picture.clone();
    }
    let (cx, cy) = (f64::from(SIZE[0]) / 2.0, f64::from(SIZE[1]) / 2.0);
    let (sin, cos) = radians.sin_cos();
    RgbImage::from_fn(SIZE[0], SIZE[1], |x, y| {
        let (u, v) = (f64::from(x) - cx - dx, f64::from(y) - cy - dy);
        let (u, v) = ((u * cos + v * sin) / zoom + cx, (v * cos - u * sin) / zoom + cy);
        *picture.get_pixel(u.clamp(0.0, 1279.0) as u32, v.clamp(0.0, 719.0) as u32)
    })
}

pub fn jpeg(picture: &RgbImage, quality: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality).encode(picture, picture.width(), picture.height(), ExtendedColorType::Rgb8).unwrap();
    bytes
}

/// As the worker would see it: sensor noise, JPEG, decoded, made small and grey.
pub fn seen(picture: &RgbImage, seed: u64) -> Grey {
    let bytes = jpeg(&noise(picture, 2.5, seed), 80);
    small_grey(&borderlane_vision::picture::decode(&bytes).unwrap()).unwrap().unwrap()
}
