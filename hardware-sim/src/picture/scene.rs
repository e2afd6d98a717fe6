//! The lane as a camera sees it: a pinhole camera, the road, and trucks as boxes with plates.
//!
//! Coordinates of a picture: depth along the lane away from the camera, across to the picture's right, up; metres. Both cameras look along
//! the lane (the front one against the direction of travel), so one vehicle is the same box seen at its nearest face. The camera stands aside
//! of the lane and above it and is turned towards the place it watches, so that plates come out slightly turned, as in life.

use image::{Rgb, RgbImage};

type Point = [f64; 3];

/// Nearer than this a vehicle is beneath or beside the camera and not drawn.
pub const NEAREST_M: f64 = 2.5;
/// Farther than this a vehicle is not drawn.
pub const FARTHEST_M: f64 = 45.0;

/// A camera's place and lens.
#[derive(Clone, Debug)]
pub struct Lens {
    place: Point,
    forward: Point,
    right: Point,
    up: Point,
    focal_px: f64,
    centre: (f64, f64),
}

impl Lens {
    /// Stands `across_m` beside and `up_m` above the lane, looks at the point `aim_up_m` above the middle of the lane at depth `aim_m`.
    /// `focal` is the focal length in picture widths.
    pub fn new(size: [u32; 2], across_m: f64, up_m: f64, aim_m: f64, aim_up_m: f64, focal: f64) -> Lens {
        let yaw = (-across_m).atan2(aim_m);
        let pitch = (up_m - aim_up_m).atan2(aim_m);
        Lens {
            place: [0.0, across_m, up_m],
            forward: [pitch.cos() * yaw.cos(), pitch.cos() * yaw.sin(), -pitch.sin()],
            right: [-yaw.sin(), yaw.cos(), 0.0],
            up: [pitch.sin() * yaw.cos(), pitch.sin() * yaw.sin(), pitch.cos()],
            focal_px: focal * f64::from(size[0]),
            centre: (f64::from(size[0]) / 2.0, f64::from(size[1]) / 2.0),
        }
    }

    /// Picture coordinates of a point; none behind the camera.
    pub fn project(&self, point: Point) -> Option<(f64, f64)> {
        let q = [point[0] - self.place[0], point[1] - self.place[1], point[2] - self.place[2]];
        let depth = dot(q, self.forward);
        (depth > 0.3).then(|| {
            let scale = self.focal_px / depth;
            (self.centre.0 + dot(q, self.right) * scale, self.centre.1 - dot(q, self.up) * scale)
        })
    }

    fn ray(&self, u: f64, v: f64) -> Point {
        let (a, b) = ((u - self.centre.0) / self.focal_px, (self.centre.1 - v) / self.focal_px);
        std::array::from_fn(|axis| self.forward[axis] + self.right[axis] * a + self.up[axis] * b)
    }

    /// Where the ray through a pixel meets the upright plane across the lane at this depth: (across, up).
    fn on_plane(&self, u: f64, v: f64, depth_m: f64) -> (f64, f64) {
        let ray = self.ray(u, v);
        let t = depth_m / ray[0];
        (self.place[1] + ray[1] * t, self.place[2] + ray[2] * t)
    }
}

fn dot(a: Point, b: Point) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// The empty lane.
pub fn road(lens: &Lens, size: [u32; 2]) -> RgbImage {
    RgbImage::from_fn(size[0], size[1], |x, y| {
        let ray = lens.ray(f64::from(x), f64::from(y));
        let t = -lens.place[2] / ray[2];
        if ray[2] >= -1e-6 || t * ray[0] > 70.0 {
            let shade = 150.0 + 60.0 * (ray[2] * 3.0).clamp(0.0, 1.0);
            return Rgb([shade as u8, (shade + 6.0) as u8, (shade + 14.0) as u8]);
        }
        let (depth, across) = (ray[0] * t, lens.place[1] + ray[1] * t);
        let grain = speckle((depth * 18.0) as i64, (across * 18.0) as i64) * 14.0;
        let line = (across.abs() - 1.9).abs() < 0.07;
        let kerb = across.abs() > 2.4;
        let base = if line {
            196.0
        } else if kerb {
            128.0
        } else {
            78.0
        };
        let shade = (base + grain) as u8;
        Rgb([shade, shade, shade.saturating_add(3)])
    })
}

/// A fixed pseudo-random value in 0 to 1 for a cell.
fn speckle(a: i64, b: i64) -> f64 {
    let mut hash = (a as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (b as u64).wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
    hash ^= hash >> 29;
    hash = hash.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (hash >> 40) as f64 / f64::from(1 << 24)
}

/// Which face of a vehicle is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Face {
    /// A cab.
    Front,
    /// The doors of a body.
    Rear,
}

/// Draws a vehicle whose shown face stands at `depth_m` and whose body reaches `length_m` behind it, with its plate.
pub fn vehicle(
    image: &mut RgbImage,
    lens: &Lens,
    face: Face,
    depth_m: f64,
    length_m: f64,
    paint: Rgb<u8>,
    plate: Option<(&RgbImage, (f64, f64))>,
) {
    let far = depth_m + length_m;
    let side = if lens.place[1] > 0.0 { 1.25 } else { -1.25 };
    let dark = |share: f64| Rgb(paint.0.map(|channel| (f64::from(channel) * share) as u8));
    let upright = |depth: f64, left: f64, right: f64, low: f64, high: f64| {
        [[depth, left, high], [depth, right, high], [depth, right, low], [depth, left, low]]
    };
    let flank = |near: f64, far: f64, low: f64, high: f64| [[near, side, high], [far, side, high], [far, side, low], [near, side, low]];
    let body = Rgb([188, 190, 186]);
    // The shadow under the vehicle, then from far to near.
    quad(image, lens, &[[far, -1.3, 0.01], [far, 1.3, 0.01], [depth_m, 1.3, 0.01], [depth_m, -1.3, 0.01]], Rgb([34, 34, 36]));
    match face {
        Face::Front => {
            let cab = depth_m + 2.3_f64.min(length_m);
            quad(image, lens, &flank(cab, far, 1.0, 3.8), Rgb([150, 152, 150]));
            quad(image, lens, &upright(cab, -1.25, 1.25, 1.0, 3.8), body);
            quad(image, lens, &flank(depth_m, cab, 0.45, 3.1), dark(0.6));
            quad(image, lens, &upright(depth_m, -1.22, 1.22, 0.45, 3.1), paint);
            quad(image, lens, &upright(depth_m, -1.08, 1.08, 1.85, 2.75), Rgb([26, 34, 44]));
            quad(image, lens, &upright(depth_m, -0.75, 0.75, 1.0, 1.55), Rgb([44, 46, 50]));
            quad(image, lens, &upright(depth_m, -1.22, 1.22, 0.45, 0.85), dark(0.45));
            for left in [-1.12, 0.82] {
                quad(image, lens, &upright(depth_m, left, left + 0.3, 0.9, 1.15), Rgb([244, 244, 226]));
            }
        }
        Face::Rear => {
            quad(image, lens, &flank(depth_m, far, 1.0, 3.8), Rgb([150, 152, 150]));
            quad(image, lens, &upright(depth_m, -1.25, 1.25, 1.0, 3.8), body);
            quad(image, lens, &upright(depth_m, -0.02, 0.02, 1.1, 3.7), Rgb([90, 92, 92]));
            quad(image, lens, &upright(depth_m, -1.2, 1.2, 0.5, 0.98), Rgb([40, 40, 42]));
            for left in [-1.15, 0.9] {
                quad(image, lens, &upright(depth_m, left, left + 0.25, 0.7, 0.9), Rgb([168, 22, 22]));
            }
        }
    }
    if let Some((picture, (width_mm, height_mm))) = plate {
        let middle = if face == Face::Front { 0.65 } else { 0.74 };
        put_plate(image, lens, depth_m - 0.02, middle, picture, (width_mm / 1_000.0, height_mm / 1_000.0));
    }
}

/// Fills a flat four-sided shape; nothing where a corner lies behind the camera.
fn quad(image: &mut RgbImage, lens: &Lens, corners: &[Point; 4], colour: Rgb<u8>) {
    let mut points = [(0.0, 0.0); 4];
    for (point, corner) in points.iter_mut().zip(corners) {
        match lens.project(*corner) {
            Some(projected) => *point = projected,
            None => return,
        }
    }
    let low = points.iter().map(|p| p.1).fold(f64::INFINITY, f64::min).max(0.0) as u32;
    let high = points.iter().map(|p| p.1).fold(f64::NEG_INFINITY, f64::max).min(f64::from(image.height())).max(0.0) as u32;
    for y in low..high {
        let at = f64::from(y) + 0.5;
        let mut span = (f64::INFINITY, f64::NEG_INFINITY);
        for (index, a) in points.iter().enumerate() {
            let b = points[(index + 1) % 4];
            if (a.1 <= at) != (b.1 <= at) {
                let x = a.0 + (at - a.1) / (b.1 - a.1) * (b.0 - a.0);
                span = (span.0.min(x), span.1.max(x));
            }
        }
        let (from, to) = (span.0.max(0.0).ceil(), span.1.min(f64::from(image.width())));
        let mut x = from;
        while x < to {
            image.put_pixel(x as u32, y, colour);
            x += 1.0;
        }
    }
}

/// Puts a plate's picture onto the face.
fn put_plate(image: &mut RgbImage, lens: &Lens, depth_m: f64, middle_up_m: f64, picture: &RgbImage, (width_m, height_m): (f64, f64)) {
    let corner = |across: f64, up: f64| lens.project([depth_m, across, up]);
    let half = width_m / 2.0;
    let (low, high) = (middle_up_m - height_m / 2.0, middle_up_m + height_m / 2.0);
    let (Some(a), Some(b), Some(c), Some(d)) = (corner(-half, high), corner(half, high), corner(half, low), corner(-half, low)) else {
        return;
    };
    let pixels = (b.0 - a.0).abs().max(2.0);
    // Brought to about twice its size in the picture first, so that sampling does not alias.
    let share = (pixels * 2.0 / f64::from(picture.width())).min(1.0);
    let small = (f64::from(picture.width()) * share) as u32;
    let scaled = image::imageops::resize(
        picture,
        small.max(2),
        ((f64::from(picture.height()) * share) as u32).max(2),
        image::imageops::FilterType::Triangle,
    );
    let bound = |value: f64, limit: u32| value.clamp(0.0, f64::from(limit)) as u32;
    let all = [a, b, c, d];
    let left = all.iter().map(|p| p.0).fold(f64::INFINITY, f64::min).floor();
    let right = all.iter().map(|p| p.0).fold(f64::NEG_INFINITY, f64::max).ceil();
    let top = all.iter().map(|p| p.1).fold(f64::INFINITY, f64::min).floor();
    let bottom = all.iter().map(|p| p.1).fold(f64::NEG_INFINITY, f64::max).ceil();
    for y in bound(top, image.height())..bound(bottom, image.height()) {
        for x in bound(left, image.width())..bound(right, image.width()) {
            let mut sum = [0.0; 4];
            for (dx, dy) in [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)] {
                let (across, up) = lens.on_plane(f64::from(x) + dx, f64::from(y) + dy, depth_m);
                let (u, v) = ((across + half) / width_m, (high - up) / height_m);
                if (0.0..1.0).contains(&u) && (0.0..1.0).contains(&v) {
                    let pixel = scaled.get_pixel((u * f64::from(scaled.width())) as u32, (v * f64::from(scaled.height())) as u32);
                    for (total, channel) in sum.iter_mut().zip(pixel.0) {
                        *total += f64::from(channel);
                    }
                    sum[3] += 1.0;
                }
            }
            if sum[3] > 0.0 {
                let under = image.get_pixel_mut(x, y);
                let cover = sum[3] / 4.0;
                for (channel, total) in under.0.iter_mut().zip(sum) {
                    *channel = (f64::from(*channel) * (1.0 - cover) + total / sum[3] * cover) as u8;
                }
            }
        }
    }
}

/// Dirt over a plate: blotches that cover about this share.
pub fn dirty(picture: &mut RgbImage, share: f64, seed: u64) {
    let (width, height) = picture.dimensions();
    let count = (share * 40.0) as u64;
    for blotch in 0..count {
        let random = |salt: i64| speckle((seed.wrapping_add(blotch)) as i64, salt);
        let (cx, cy) = (random(1) * f64::from(width), random(2) * f64::from(height));
        let radius = (0.10 + 0.22 * random(3)) * f64::from(height);
        for y in 0..height {
            for x in 0..width {
                let distance = ((f64::from(x) - cx).powi(2) + (f64::from(y) - cy).powi(2)).sqrt();
                let cover = ((radius - distance) / (radius * 0.5)).clamp(0.0, 1.0) * 0.96;
                if cover > 0.0 {
                    let pixel = picture.get_pixel_mut(x, y);
                    for (channel, mud) in pixel.0.iter_mut().zip([96.0, 78.0, 58.0]) {
                        *channel = (f64::from(*channel) * (1.0 - cover) + mud * cover) as u8;
                    }
                }
            }
        }
    }
}
