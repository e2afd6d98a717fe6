//! Characters for plates: from a DIN-like face where one is installed (Debian's fonts-opendin), from own strokes else.
//!
//! A character is drawn into a box: its cap height fills the box, and the width of `0` fills the box's width, so that every face comes out in
//! the proportions of the plate and not of the face. Chinese characters come from a CJK face; without one they are drawn as a framed blank.

use std::path::Path;

use ab_glyph::{Font, FontVec, PxScale, ScaleFont};

/// Where faces are looked for, best first.
const LATIN_FACES: &[&str] = &["/usr/share/fonts/truetype/opendin/OSP-DIN.ttf"];
const CJK_FACES: &[&str] = &[
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Bold.ttc",
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
];
/// Largest face that is read, bytes.
const MAX_FACE_BYTES: u64 = 64 << 20;
/// Stroke width of the own strokes as a share of the height.
const STROKE_SHARE: f32 = 0.125;

/// Coverage of one character, 0 to 1, row by row.
#[derive(Clone, Debug)]
pub struct Mask {
    pub width: u32,
    pub height: u32,
    pub coverage: Vec<f32>,
}

impl Mask {
    fn empty(width: u32, height: u32) -> Mask {
        Mask { width, height, coverage: vec![0.0; (width * height) as usize] }
    }

    fn add(&mut self, x: i64, y: i64, coverage: f32) {
        if x >= 0 && y >= 0 && x < i64::from(self.width) && y < i64::from(self.height) {
            let place = (y * i64::from(self.width) + x) as usize;
            self.coverage[place] = (self.coverage[place] + coverage).min(1.0);
        }
    }
}

/// The faces at hand.
pub struct Faces {
    latin: Option<FontVec>,
    cjk: Option<FontVec>,
}

impl Faces {
    /// Own strokes only.
    pub fn strokes() -> Faces {
        Faces { latin: None, cjk: None }
    }

    /// The faces installed here; a configured one comes first.
    pub fn load(configured: Option<&Path>) -> Faces {
        let latin = configured.into_iter().chain(LATIN_FACES.iter().map(Path::new)).find_map(read_face);
        let cjk = CJK_FACES.iter().map(Path::new).find_map(read_face);
        if latin.is_none() {
            tracing::info!("no DIN-like face is installed: plates are drawn with own strokes");
        }
        Faces { latin, cjk }
    }

    /// Draws a character into a box of pixels.
    pub fn draw(&self, character: char, width: u32, height: u32) -> Mask {
        match character {
            '-' | '\u{2013}' => bar(width, height),
            '.' | '\u{b7}' => dot(width, height),
            _ if character.is_ascii() => match &self.latin {
                Some(face) => from_face(face, character, width, height, Some('0')),
                None => strokes(character, width, height),
            },
            _ => match &self.cjk {
                Some(face) => from_face(face, character, width, height, None),
                None => frame(width, height),
            },
        }
    }
}

fn read_face(path: &Path) -> Option<FontVec> {
    let length = std::fs::metadata(path).ok()?.len();
    if length > MAX_FACE_BYTES {
        return None;
    }
    FontVec::try_from_vec_and_index(std::fs::read(path).ok()?, 0).ok()
}

/// Scales the outline so that the reference character (or the character itself) fills the box; narrower ones stand in its middle.
fn from_face(face: &FontVec, character: char, width: u32, height: u32, reference: Option<char>) -> Mask {
    let probe = PxScale::from(200.0);
    let bounds_of = |character: char, scale: PxScale| {
        let glyph = face.glyph_id(character).with_scale_and_position(scale, ab_glyph::point(0.0, 0.0));
        face.outline_glyph(glyph).map(|outline| outline.px_bounds())
    };
    let Some(reference) = bounds_of(reference.unwrap_or(character), probe) else { return frame(width, height) };
    let scale =
        PxScale { x: probe.x * width as f32 / reference.width().max(1.0), y: probe.y * height as f32 / reference.height().max(1.0) };
    let glyph = face.as_scaled(scale).scaled_glyph(character);
    let mut mask = Mask::empty(width, height);
    if let Some(outline) = face.outline_glyph(glyph) {
        let bounds = outline.px_bounds();
        // Wide characters (M, W) are squeezed into the box, as on plates.
        let squeeze = (width as f32 / bounds.width().max(1.0)).min(1.0);
        let left = (width as f32 - bounds.width() * squeeze) / 2.0;
        let top = (height as f32 - bounds.height()) / 2.0;
        outline.draw(|x, y, coverage| {
            let at = (left + x as f32 * squeeze) as i64;
            mask.add(at, (top.max(0.0) + y as f32) as i64, coverage * squeeze);
        });
    }
    mask
}

fn bar(width: u32, height: u32) -> Mask {
    let mut mask = Mask::empty(width, height);
    let (top, bottom) = (height * 45 / 100, height * 56 / 100);
    for y in top..bottom {
        for x in width / 10..width - width / 10 {
            mask.add(i64::from(x), i64::from(y), 1.0);
        }
    }
    mask
}

fn dot(width: u32, height: u32) -> Mask {
    let mut mask = Mask::empty(width, height);
    let radius = (width as f32 * 0.42).min(height as f32 * 0.08);
    let (cx, cy) = (width as f32 / 2.0, height as f32 / 2.0);
    for y in 0..height {
        for x in 0..width {
            let distance = ((x as f32 + 0.5 - cx).powi(2) + (y as f32 + 0.5 - cy).powi(2)).sqrt();
            mask.add(i64::from(x), i64::from(y), (radius + 0.5 - distance).clamp(0.0, 1.0));
        }
    }
    mask
}

fn frame(width: u32, height: u32) -> Mask {
    let mut mask = Mask::empty(width, height);
    let edge = (width / 8).max(1);
    for y in 0..height {
        for x in 0..width {
            if x < edge || y < edge || x >= width - edge || y >= height - edge {
                mask.add(i64::from(x), i64::from(y), 1.0);
            }
        }
    }
    mask
}

/// Own strokes on a grid of 0 to 4 by 0 to 7, polylines separated by `|`, points as two digits, narrow and upright.
fn polylines(character: char) -> &'static str {
    match character {
        '0' | 'O' => "01 10 30 41 46 37 17 06 01",
        '1' => "11 20 27|20 24",
        '2' => "01 10 30 41 42 07 47",
        '3' => "00 40 23 33 44 46 37 17 06",
        '4' => "30 05 45|33 37",
        '5' => "40 00 03 33 44 46 37 07",
        '6' => "30 04 06 17 37 46 44 33 13 04",
        '7' => "00 40 17",
        '8' => "10 30 41 42 33 13 02 01 10|13 04 06 17 37 46 44 33",
        '9' => "17 43 41 30 10 01 03 14 34 43",
        'A' => "07 20 47|15 35",
        'B' => "00 07 37 46 44 33 03|33 42 41 30 00",
        'C' => "41 30 10 01 06 17 37 46",
        'D' => "00 07 27 45 42 20 00",
        'E' => "40 00 07 47|03 33",
        'F' => "40 00 07|03 33",
        'G' => "41 30 10 01 06 17 37 46 44 24",
        'H' => "00 07|40 47|03 43",
        'I' => "20 27",
        'J' => "40 46 37 17 06",
        'K' => "00 07|40 04|13 47",
        'L' => "00 07 47",
        'M' => "07 00 24 40 47",
        'N' => "07 00 47 40",
        'P' => "07 00 30 41 43 34 04",
        'Q' => "01 10 30 41 46 37 17 06 01|25 47",
        'R' => "07 00 30 41 43 34 04|24 47",
        'S' => "41 30 10 01 02 13 33 44 46 37 17 06",
        'T' => "00 40|20 27",
        'U' => "00 06 17 37 46 40",
        'V' => "00 27 40",
        'W' => "00 17 23 37 40",
        'X' => "00 47|40 07",
        'Y' => "00 23 40|23 27",
        'Z' => "00 40 07 47",
        _ => "00 40 47 07 00",
    }
}

fn strokes(character: char, width: u32, height: u32) -> Mask {
    let half = height as f32 * STROKE_SHARE / 2.0;
    let place = |point: &str| {
        let digit = |at: usize| point.as_bytes().get(at).map_or(0.0, |byte| f32::from(byte.saturating_sub(b'0')));
        let x = half + digit(0) / 4.0 * (width as f32 - 2.0 * half);
        let y = half + digit(1) / 7.0 * (height as f32 - 2.0 * half);
        (x, y)
    };
    let mut segments = Vec::new();
    for line in polylines(character).split('|') {
        let points: Vec<_> = line.split(' ').map(place).collect();
        segments.extend(points.windows(2).map(|pair| (pair[0], pair[1])));
    }
    let mut mask = Mask::empty(width, height);
    for y in 0..height {
        for x in 0..width {
            let at = (x as f32 + 0.5, y as f32 + 0.5);
            let nearest = segments.iter().map(|segment| distance(at, *segment)).fold(f32::INFINITY, f32::min);
            mask.add(i64::from(x), i64::from(y), (half + 0.5 - nearest).clamp(0.0, 1.0));
        }
    }
    mask
}

fn distance(point: (f32, f32), (a, b): ((f32, f32), (f32, f32))) -> f32 {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let length = (dx * dx + dy * dy).max(1e-6);
    let along = (((point.0 - a.0) * dx + (point.1 - a.1) * dy) / length).clamp(0.0, 1.0);
    let (ex, ey) = (point.0 - a.0 - along * dx, point.1 - a.1 - along * dy);
    (ex * ex + ey * ey).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_plate_character_is_drawn_and_differs_from_the_others() {
        for faces in [Faces::strokes(), Faces::load(None)] {
            let all: Vec<char> = "0123456789ABCDEFGHKLMNPRSTUVXYZ".chars().collect();
            let masks: Vec<Mask> = all.iter().map(|character| faces.draw(*character, 40, 80)).collect();
            for (index, mask) in masks.iter().enumerate() {
                let ink: f32 = mask.coverage.iter().sum::<f32>() / 3_200.0;
                assert!((0.08..0.85).contains(&ink), "{}: {ink}", all[index]);
                for (other, second) in masks.iter().enumerate().skip(index + 1) {
                    let difference: f32 = mask.coverage.iter().zip(&second.coverage).map(|(a, b)| (a - b).abs()).sum();
                    assert!(difference > 40.0, "{} and {}", all[index], all[other]);
                }
            }
        }
    }

    /// `make setup` installs a CJK face; without one these are framed blanks, all alike.
    #[test]
    fn chinese_characters_of_plates_are_drawn_where_a_face_is_installed() {
        let faces = Faces::load(None);
        if faces.cjk.is_none() {
            eprintln!("skipped: none of {CJK_FACES:?} is installed");
            return;
        }
        let all: Vec<char> = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼挂学警港澳领使".chars().collect();
        let masks: Vec<Mask> = all.iter().map(|character| faces.draw(*character, 40, 80)).collect();
        let blank = frame(40, 80);
        let apart = |a: &Mask, b: &Mask| a.coverage.iter().zip(&b.coverage).map(|(a, b)| (a - b).abs()).sum::<f32>();
        for (index, mask) in masks.iter().enumerate() {
            assert!(apart(mask, &blank) > 100.0, "{} is a framed blank", all[index]);
            for (other, second) in masks.iter().enumerate().skip(index + 1) {
                assert!(apart(mask, second) > 40.0, "{} and {}", all[index], all[other]);
            }
        }
    }
}
