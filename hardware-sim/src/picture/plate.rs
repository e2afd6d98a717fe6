//! Plates as objects: form, colour and layout from the text.
//!
//! | form | size, mm | layout |
//! |---|---|---|
//! | Vietnam, long | 520 x 110 | `12C-123.45` |
//! | Vietnam, short | 330 x 165 | `12C` over `123.45` |
//! | China, one line | 440 x 140 | `桂A·12345` |
//! | China, two lines (large vehicles' rear, trailers) | 440 x 220 | `桂·A` over `12345` |
//!
//! Separators in the given text are ignored and set as the form has them. A text that fits no form is set on one line or halved over two.
//! Sizes: QCVN 08:2024/BCA and GA 36-2018 as quoted by public sources.

use image::{Rgb, RgbImage};

use super::glyph::Faces;
use crate::world::vehicle::PlateColour;

/// Pixels per millimetre at which a plate is made.
const PIXELS_PER_MM: f64 = 2.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lines {
    One,
    Two,
}

/// A plate to be made.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Plate {
    pub text: String,
    pub colour: PlateColour,
    pub lines: Lines,
}

impl Plate {
    /// Width and height, mm.
    pub fn size_mm(&self) -> (f64, f64) {
        match (is_chinese(&self.text), self.lines) {
            (false, Lines::One) => (520.0, 110.0),
            (false, Lines::Two) => (330.0, 165.0),
            (true, Lines::One) => (440.0, 140.0),
            (true, Lines::Two) => (440.0, 220.0),
        }
    }

    /// The rows as printed, separators set.
    pub fn rows(&self) -> Vec<String> {
        let bare: Vec<char> = self.text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect();
        let string = |part: &[char]| part.iter().collect::<String>();
        if is_chinese(&self.text) && bare.len() > 3 {
            return match self.lines {
                Lines::One => vec![format!("{}\u{b7}{}", string(&bare[..2]), string(&bare[2..]))],
                Lines::Two => vec![format!("{}\u{b7}{}", bare[0], bare[1]), string(&bare[2..])],
            };
        }
        let head = head_length(&bare);
        let number = &bare[head..];
        let dotted = if number.len() == 5 { format!("{}.{}", string(&number[..3]), string(&number[3..])) } else { string(number) };
        match (self.lines, head) {
            (Lines::One, 0) => vec![string(&bare)],
            (Lines::One, _) => vec![format!("{}-{dotted}", string(&bare[..head]))],
            (Lines::Two, 0) => {
                let half = bare.len() / 2;
                vec![string(&bare[..half]), string(&bare[half..])]
            }
            (Lines::Two, _) => vec![string(&bare[..head]), dotted],
        }
    }

    /// Makes the plate.
    pub fn draw(&self, faces: &Faces) -> RgbImage {
        let (width_mm, height_mm) = self.size_mm();
        let (width, height) = ((width_mm * PIXELS_PER_MM) as u32, (height_mm * PIXELS_PER_MM) as u32);
        let (ground, ink) = colours(self.colour, is_chinese(&self.text));
        let mut image = RgbImage::from_pixel(width, height, ground);
        border(&mut image, ink);
        let rows = self.rows();
        let margin = 14.0 * PIXELS_PER_MM;
        let row_height = (f64::from(height) - 2.0 * margin) / rows.len() as f64;
        for (index, row) in rows.iter().enumerate() {
            let top = margin + index as f64 * row_height;
            let upper_chinese = is_chinese(&self.text) && rows.len() == 2 && index == 0;
            let fill = if upper_chinese { 0.72 } else { 0.90 };
            set_row(&mut image, faces, row, (margin, top, f64::from(width) - 2.0 * margin, row_height), fill, ink);
        }
        image
    }
}

/// Province and series: two digits, one or two letters, then four or five digits; 0 where the text has another form.
fn head_length(bare: &[char]) -> usize {
    let digits = |part: &[char]| part.iter().all(char::is_ascii_digit);
    for letters in 1..=2 {
        let head = 2 + letters;
        if bare.len() >= head + 4
            && bare.len() <= head + 5
            && digits(&bare[..2])
            && bare[2..head].iter().all(char::is_ascii_uppercase)
            && digits(&bare[head..])
        {
            return head;
        }
    }
    0
}

fn is_chinese(text: &str) -> bool {
    text.chars().next().is_some_and(|first| !first.is_ascii())
}

fn colours(colour: PlateColour, chinese: bool) -> (Rgb<u8>, Rgb<u8>) {
    let (white, black) = (Rgb([236, 238, 236]), Rgb([18, 18, 20]));
    match colour {
        PlateColour::White => (white, black),
        PlateColour::Yellow => (Rgb([240, 190, 28]), black),
        PlateColour::Blue => (if chinese { Rgb([20, 62, 170]) } else { Rgb([28, 92, 170]) }, white),
        PlateColour::Red => (Rgb([176, 24, 28]), white),
    }
}

/// A rounded line inside the edge.
fn border(image: &mut RgbImage, ink: Rgb<u8>) {
    let (width, height) = (f64::from(image.width()), f64::from(image.height()));
    let (inset, line, radius) = (4.0 * PIXELS_PER_MM, 2.5 * PIXELS_PER_MM, 10.0 * PIXELS_PER_MM);
    for (x, y, pixel) in image.enumerate_pixels_mut() {
        let dx = ((f64::from(x) + 0.5 - width / 2.0).abs() - (width / 2.0 - inset - radius)).max(0.0);
        let dy = ((f64::from(y) + 0.5 - height / 2.0).abs() - (height / 2.0 - inset - radius)).max(0.0);
        let outside = (dx * dx + dy * dy).sqrt() - radius;
        if outside <= 0.0 && outside > -line {
            *pixel = ink;
        }
    }
}

/// Sets a row of characters into a box (left, top, width, height), pixels.
fn set_row(image: &mut RgbImage, faces: &Faces, row: &str, (left, top, width, height): (f64, f64, f64, f64), fill: f64, ink: Rgb<u8>) {
    let share = |character: char| match character {
        '-' => 0.45,
        '.' | '\u{b7}' => 0.28,
        _ if character.is_ascii() => 1.0,
        _ => 1.15,
    };
    let count = row.chars().count();
    if count == 0 {
        return;
    }
    let glyph_height = height * fill;
    let units: f64 = row.chars().map(share).sum();
    let gap_share = 0.22;
    let natural = glyph_height * 0.56;
    let unit = natural.min(width / (units + gap_share * (count as f64 - 1.0)));
    let gap = unit * gap_share;
    let used = unit * units + gap * (count as f64 - 1.0);
    let mut x = left + (width - used) / 2.0;
    let y = top + (height - glyph_height) / 2.0;
    for character in row.chars() {
        let cell = unit * share(character);
        let mask = faces.draw(character, cell.round().max(2.0) as u32, glyph_height.round().max(4.0) as u32);
        for row in 0..mask.height {
            for column in 0..mask.width {
                let (px, py) = (x as u32 + column, y as u32 + row);
                let coverage = mask.coverage[(row * mask.width + column) as usize];
                if coverage > 0.0 && px < image.width() && py < image.height() {
                    let pixel = image.get_pixel_mut(px, py);
                    for (channel, ink) in pixel.0.iter_mut().zip(ink.0) {
                        *channel = (f32::from(*channel) * (1.0 - coverage) + f32::from(ink) * coverage) as u8;
                    }
                }
            }
        }
        x += cell + gap;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str, lines: Lines) -> Vec<String> {
        Plate { text: text.to_owned(), colour: PlateColour::Yellow, lines }.rows()
    }

    #[test]
    fn rows_are_set_as_the_form_has_them() {
        for (text, lines, expected) in [
            ("12C12345", Lines::One, vec!["12C-123.45"]),
            ("12c-123.45", Lines::Two, vec!["12C", "123.45"]),
            ("29A-1234", Lines::One, vec!["29A-1234"]),
            ("12RM01234", Lines::Two, vec!["12RM", "012.34"]),
            ("桂A12345", Lines::One, vec!["桂A·12345"]),
            ("桂F·1234挂", Lines::Two, vec!["桂·F", "1234挂"]),
            ("TC1234", Lines::One, vec!["TC1234"]),
        ] {
            assert_eq!(rows(text, lines), expected, "{text}");
        }
    }

    #[test]
    fn a_plate_has_its_size_its_ground_and_ink_on_it() {
        let plate = Plate { text: "12C-123.45".to_owned(), colour: PlateColour::Yellow, lines: Lines::One };
        let image = plate.draw(&Faces::strokes());
        assert_eq!(image.dimensions(), (1_040, 220));
        let dark = image.pixels().filter(|pixel| pixel.0[0] < 80).count() as f64 / f64::from(1_040 * 220);
        assert!((0.1..0.45).contains(&dark), "{dark}");
    }
}
