//! Picture files by their own structure: which format, how large, whether whole. Nothing is decoded here.
//!
//! | format | size from | whole when | several pictures in one file |
//! |---|---|---|---|
//! | JPEG (ITU T.81) | frame header | the end mark follows the first scan; at most [`MAX_SCANS`] scans | - |
//! | PNG (1.2) | IHDR | chunks reach IEND | an animated PNG is its default picture |
//! | BMP | BITMAPINFOHEADER or OS/2 header | the file is as long as its header says | - |
//! | TIFF (6.0) | first directory | every strip or tile lies in the file | the first picture |
//! | WebP | VP8, VP8L or VP8X header | the file is as long as RIFF says | an animation is refused |
//!
//! The format is found by the first bytes and never by name. GIF, HEIC, AVIF, JPEG 2000 and PDF are told by name and refused.

use thiserror::Error;

/// Scans of a progressive JPEG; a plain one has up to four, an encoder's usual progressive one ten. Every scan costs a pass over the picture.
pub const MAX_SCANS: usize = 64;
/// Strips or tiles of a TIFF.
const MAX_STRIPS: usize = 100_000;

/// Why bytes are no whole picture of a format that is taken.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum FormatError {
    /// Nothing.
    #[error("is empty")]
    Empty,
    /// None of the formats.
    #[error("is not a picture: neither JPEG, PNG, BMP, TIFF nor WebP")]
    NotAPicture,
    /// A format that is known and not taken.
    #[error("is {0}, which is not taken: save it as JPEG or PNG")]
    NotTaken(&'static str),
    /// Ends before the picture does.
    #[error("is cut short: the {0} picture has no end")]
    Truncated(&'static str),
    /// What stands in it contradicts itself.
    #[error("is a broken {0}: {1}")]
    Broken(&'static str, &'static str),
}

/// Width and height as the file states them; an error where it is none of the formats or not whole.
pub fn inspect(bytes: &[u8]) -> Result<(u32, u32), FormatError> {
    match bytes {
        [] => Err(FormatError::Empty),
        [0xff, 0xd8, 0xff, ..] => inspect_jpeg(bytes),
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => inspect_png(bytes),
        [b'B', b'M', ..] => inspect_bmp(bytes),
        [b'I', b'I', 42, 0, ..] => Tiff { bytes, big_endian: false }.inspect(),
        [b'M', b'M', 0, 42, ..] => Tiff { bytes, big_endian: true }.inspect(),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => inspect_webp(bytes),
        [b'G', b'I', b'F', b'8', ..] => Err(FormatError::NotTaken("a GIF")),
        [b'%', b'P', b'D', b'F', ..] => Err(FormatError::NotTaken("a PDF")),
        [0, 0, 0, 0x0c, b'j', b'P', ..] => Err(FormatError::NotTaken("a JPEG 2000 picture")),
        _ if is_heif(bytes) => Err(FormatError::NotTaken("an HEIC or AVIF picture")),
        _ => Err(FormatError::NotAPicture),
    }
}

/// ISO base media whose brand is one of still pictures (HEIC, AVIF).
pub fn is_heif(head: &[u8]) -> bool {
    let brands: [&[u8]; 8] = [b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis"];
    head.get(4..8) == Some(b"ftyp") && head.get(8..12).is_some_and(|brand| brands.contains(&brand))
}

fn be_u16(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 2).map(|two| u32::from(u16::from_be_bytes([two[0], two[1]])))
}

fn le_u16(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 2).map(|two| u32::from(u16::from_le_bytes([two[0], two[1]])))
}

fn be_u32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4).map(|four| u32::from_be_bytes([four[0], four[1], four[2], four[3]]))
}

fn le_u32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4).map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]]))
}

/// Walks the segments to the frame header and the first scan, then counts the scans up to the end mark (annex B).
fn inspect_jpeg(bytes: &[u8]) -> Result<(u32, u32), FormatError> {
    let cut = FormatError::Truncated("JPEG");
    let mut at = 2;
    let mut size = None;
    loop {
        let (Some(&0xff), Some(&marker)) = (bytes.get(at), bytes.get(at + 1)) else { return Err(cut) };
        if marker == 0xff {
            at += 1;
            continue;
        }
        let Some(length) = be_u16(bytes, at + 2) else { return Err(cut) };
        let is_frame = (0xc0..=0xcf).contains(&marker) && !matches!(marker, 0xc4 | 0xc8 | 0xcc);
        if is_frame {
            let (Some(height), Some(width)) = (be_u16(bytes, at + 5), be_u16(bytes, at + 7)) else { return Err(cut) };
            size = Some((width, height));
        }
        at += 2 + length as usize;
        if marker == 0xda {
            break;
        }
    }
    let size = size.ok_or(FormatError::Broken("JPEG", "it has no frame"))?;
    let mut scans = 1;
    let rest = bytes.get(at..).ok_or(cut.clone())?;
    for pair in rest.windows(2).filter(|pair| pair[0] == 0xff) {
        match pair[1] {
            0xd9 => return Ok(size),
            0xda => scans += 1,
            _ => {}
        }
        if scans > MAX_SCANS {
            return Err(FormatError::Broken("JPEG", "it has more than 64 scans"));
        }
    }
    Err(cut)
}

/// IHDR is first and IEND last (PNG 1.2, chapter 11).
fn inspect_png(bytes: &[u8]) -> Result<(u32, u32), FormatError> {
    let (Some(width), Some(height)) = (be_u32(bytes, 16), be_u32(bytes, 20)) else { return Err(FormatError::Truncated("PNG")) };
    let mut at = 8;
    while let (Some(length), Some(name)) = (be_u32(bytes, at), bytes.get(at + 4..at + 8)) {
        let end = at + 12 + length as usize;
        if end > bytes.len() {
            break;
        }
        if name == b"IEND" {
            return Ok((width, height));
        }
        at = end;
    }
    Err(FormatError::Truncated("PNG"))
}

/// Header with the file's size and the picture's (BITMAPINFOHEADER: 32 bits each, a negative height is top-down; OS/2: 16 bits each).
fn inspect_bmp(bytes: &[u8]) -> Result<(u32, u32), FormatError> {
    let cut = FormatError::Truncated("BMP");
    let (Some(stated), Some(header)) = (le_u32(bytes, 2), le_u32(bytes, 14)) else { return Err(cut) };
    let size = if header == 12 {
        (le_u16(bytes, 18), le_u16(bytes, 20))
    } else {
        (le_u32(bytes, 18), le_u32(bytes, 22).map(|height| height.cast_signed().unsigned_abs()))
    };
    let (Some(width), Some(height)) = size else { return Err(cut) };
    if stated as usize > bytes.len() {
        return Err(cut);
    }
    Ok((width.cast_signed().unsigned_abs(), height))
}

/// Lossy, lossless and extended form (developers.google.com/speed/webp/docs/riff_container).
fn inspect_webp(bytes: &[u8]) -> Result<(u32, u32), FormatError> {
    let cut = FormatError::Truncated("WebP");
    let (Some(stated), Some(kind), Some(first)) = (le_u32(bytes, 4), bytes.get(12..16), bytes.get(20..30)) else { return Err(cut) };
    if stated as usize + 8 > bytes.len() {
        return Err(cut);
    }
    let three = |at: usize| u32::from_le_bytes([first[at], first[at + 1], first[at + 2], 0]);
    match kind {
        b"VP8 " if first[3..6] == [0x9d, 0x01, 0x2a] => {
            Ok((u32::from(u16::from_le_bytes([first[6], first[7]])) & 0x3fff, u32::from(u16::from_le_bytes([first[8], first[9]])) & 0x3fff))
        }
        b"VP8L" if first[0] == 0x2f => {
            let bits = u32::from_le_bytes([first[1], first[2], first[3], first[4]]);
            Ok(((bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1))
        }
        b"VP8X" if first[0] & 0x02 != 0 => Err(FormatError::NotTaken("an animated WebP")),
        b"VP8X" => Ok((three(4) + 1, three(7) + 1)),
        _ => Err(FormatError::Broken("WebP", "it has no picture")),
    }
}

const TIFF_WIDTH: u32 = 256;
const TIFF_HEIGHT: u32 = 257;
/// Where the strips, and where the tiles are; each tag is followed by that of their lengths six (tiles: one) further on.
const TIFF_STRIPS: (u32, u32) = (273, 279);
const TIFF_TILES: (u32, u32) = (324, 325);

struct Tiff<'a> {
    bytes: &'a [u8],
    big_endian: bool,
}

/// A row of a TIFF's directory.
#[derive(Clone, Copy)]
struct TiffEntry {
    /// Bytes of one value.
    width: usize,
    count: usize,
    /// Where the values are.
    at: usize,
}

impl Tiff<'_> {
    fn short(&self, at: usize) -> Option<u32> {
        if self.big_endian { be_u16(self.bytes, at) } else { le_u16(self.bytes, at) }
    }

    fn long(&self, at: usize) -> Option<u32> {
        if self.big_endian { be_u32(self.bytes, at) } else { le_u32(self.bytes, at) }
    }

    fn entry(&self, directory: usize, tag: u32) -> Option<TiffEntry> {
        let rows = self.short(directory)? as usize;
        let row = (0..rows).map(|row| directory + 2 + 12 * row).find(|&row| self.short(row) == Some(tag))?;
        let width = if self.short(row + 2)? == 3 { 2 } else { 4 };
        let count = self.long(row + 4)? as usize;
        let at = if width * count <= 4 { row + 8 } else { self.long(row + 8)? as usize };
        Some(TiffEntry { width, count, at })
    }

    fn value(&self, entry: TiffEntry, number: usize) -> Option<u32> {
        let at = entry.at.checked_add(entry.width * number)?;
        if entry.width == 2 { self.short(at) } else { self.long(at) }
    }

    fn inspect(&self) -> Result<(u32, u32), FormatError> {
        let cut = FormatError::Truncated("TIFF");
        let directory = self.long(4).ok_or(cut.clone())? as usize;
        let rows = self.short(directory).ok_or(cut.clone())? as usize;
        if directory + 2 + 12 * rows > self.bytes.len() {
            return Err(cut);
        }
        let number = |tag| self.entry(directory, tag).and_then(|entry| self.value(entry, 0));
        let (Some(width), Some(height)) = (number(TIFF_WIDTH), number(TIFF_HEIGHT)) else {
            return Err(FormatError::Broken("TIFF", "it states no size"));
        };
        let parts = [TIFF_STRIPS, TIFF_TILES]
            .into_iter()
            .find_map(|(places, lengths)| Some((self.entry(directory, places)?, self.entry(directory, lengths)?)));
        let Some((places, lengths)) = parts else { return Err(FormatError::Broken("TIFF", "it has no strips or tiles")) };
        if places.count != lengths.count || places.count > MAX_STRIPS {
            return Err(FormatError::Broken("TIFF", "its strips or tiles do not agree or are too many"));
        }
        for part in 0..places.count {
            let end = self.value(places, part).zip(self.value(lengths, part)).map(|(at, length)| u64::from(at) + u64::from(length));
            if end.is_none_or(|end| end > self.bytes.len() as u64) {
                return Err(cut);
            }
        }
        Ok((width, height))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_that_are_not_taken_are_told_by_name() {
        let told = |bytes: &[u8]| inspect(bytes).unwrap_err().to_string();
        assert!(told(b"GIF89a and so on").starts_with("is a GIF, which is not taken"));
        assert!(told(b"%PDF-1.7").starts_with("is a PDF"));
        assert!(told(b"\0\0\0\x18ftypheic\0\0\0\0").starts_with("is an HEIC or AVIF picture"));
        assert!(told(b"RIFF\x20\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0\0\0\0\0\0\0aaaaaaaaaa").starts_with("is an animated WebP"));
        assert_eq!(inspect(b""), Err(FormatError::Empty));
        assert_eq!(inspect(b"words"), Err(FormatError::NotAPicture));
    }

    #[test]
    fn a_jpeg_of_endless_scans_is_refused() {
        let frame = [0xff, 0xc2, 0, 11, 8, 0, 64, 0, 64, 1, 1, 0x11, 0];
        let scan = [0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0, 0x55];
        let jpeg = |scans: usize| [&[0xff, 0xd8][..], &frame, &scan.repeat(scans), &[0xff, 0xd9]].concat();
        assert_eq!(inspect(&jpeg(MAX_SCANS)), Ok((64, 64)));
        assert!(matches!(inspect(&jpeg(MAX_SCANS + 1)), Err(FormatError::Broken("JPEG", _))));
    }

    #[test]
    fn the_size_of_an_os2_bitmap_is_its_own() {
        let mut bytes = b"BM\x1e\0\0\0\0\0\0\0\x1a\0\0\0\x0c\0\0\0\x28\0\x14\0\x01\0\x18\0".to_vec();
        bytes.resize(30, 0);
        assert_eq!(inspect(&bytes), Ok((40, 20)));
    }

    #[test]
    fn a_tiff_whose_strip_lies_outside_is_cut() {
        let row = |tag: u8, value: u8| [tag, 1, 3, 0, 1, 0, 0, 0, value, 0, 0, 0];
        let mut bytes = b"II*\0\x08\0\0\0\x04\0".to_vec();
        for (tag, value) in [(0, 40), (1, 20), (17, 8), (23, 50)] {
            bytes.extend(row(tag, value));
        }
        assert_eq!(bytes.len(), 58);
        assert_eq!(inspect(&bytes), Ok((40, 20)));
        bytes[54] = 51;
        assert_eq!(inspect(&bytes), Err(FormatError::Truncated("TIFF")));
    }
}
