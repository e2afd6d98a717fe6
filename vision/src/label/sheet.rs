//! `labels.csv`: what stands on the plates of a folder's photos, as `make train FINETUNE=FOLDER` reads it.
//!
//! ```text
//! file,plate_text,x,y,w,h,kind,lines,colour,source,licence,train_ok,x1,y1,x2,y2,x3,y3,x4,y4
//! gate-7.jpg,12C34567,225,243,190,63,truck,1,white,,,yes,225.2,243.0,415.1,245.5,414.8,306.0,225.4,303.2
//! yard.jpg,,,,,,,,,,,,,,,,,,,
//! ```
//! One row a plate, several a photo. `x,y,w,h` is the plate's bounding box in whole pixels, `x1` to `y4` its corners (top left, top right, bottom
//! right, bottom left) in pixels of the photo turned upright. A photo without a plate has one row with everything but `file` empty. Fields with a
//! comma or a quote stand in quotes, doubled inside (RFC 4180). A sheet that ends with `train_ok` is taken too and gets the corners' columns
//! when it is next written. Rows of photos that are not looked at are kept as they are. The file is replaced in one step, never edited in place.

use crate::geometry::{Quad, bounds};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// The file's name.
pub const SHEET: &str = "labels.csv";
const HEADING: &str = "file,plate_text,x,y,w,h,kind,lines,colour,source,licence,train_ok,x1,y1,x2,y2,x3,y3,x4,y4";
const COLUMNS: usize = 20;
const COLUMNS_WITHOUT_CORNERS: usize = 12;
/// Largest sheet that is read.
pub const MAX_SHEET_BYTES: u64 = 32 * 1024 * 1024;
/// Most plates of a photo.
pub const MAX_PLATES_PER_PHOTO: usize = 16;

/// Why there is no sheet.
#[derive(Debug, Error)]
pub enum SheetError {
    /// It cannot be read.
    #[error("{file}: {reason}")]
    Read {
        /// The sheet.
        file: PathBuf,
        /// Why.
        #[source]
        reason: std::io::Error,
    },
    /// It cannot be written; the old one stands.
    #[error("{file}: cannot be written, what stood in it stands: {reason}")]
    Write {
        /// The sheet.
        file: PathBuf,
        /// Why.
        #[source]
        reason: std::io::Error,
    },
    /// Over [`MAX_SHEET_BYTES`].
    #[error("{file}: more than {MAX_SHEET_BYTES} bytes")]
    TooLarge {
        /// The sheet.
        file: PathBuf,
    },
    /// Its first line is another one.
    #[error("{file}: the first line is not {HEADING}")]
    Heading {
        /// The sheet.
        file: PathBuf,
    },
    /// A line that is no row.
    #[error("{file}: line {line}: {what}")]
    Row {
        /// The sheet.
        file: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        what: &'static str,
    },
}

/// A plate of a photo.
#[derive(Debug, Clone, PartialEq)]
pub struct Labelled {
    /// Without separators.
    pub text: String,
    /// car, truck, trailer, motorbike, ...
    pub kind: String,
    /// 1 or 2.
    pub lines: u8,
    /// Of the ground.
    pub colour: String,
    /// In pixels of the photo; none where the sheet has only a box, or not even that.
    pub corners: Option<Quad>,
    /// May it be trained on?
    pub train_ok: bool,
    /// Where the photo is from, and under which licence: kept as they were.
    pub origin: [String; 2],
}

/// A row, field by field.
#[derive(Debug, Clone, PartialEq)]
struct Row([String; COLUMNS]);

/// The rows in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sheet {
    rows: Vec<Row>,
}

impl Sheet {
    /// Reads the folder's sheet; an absent one is empty.
    pub fn read(folder: &Path) -> Result<Self, SheetError> {
        let file = folder.join(SHEET);
        let failed = |reason| SheetError::Read { file: file.clone(), reason };
        let opened = match File::open(&file) {
            Ok(opened) => opened,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(failed(error)),
        };
        let mut text = String::new();
        opened.take(MAX_SHEET_BYTES + 1).read_to_string(&mut text).map_err(failed)?;
        if text.len() as u64 > MAX_SHEET_BYTES {
            return Err(SheetError::TooLarge { file });
        }
        Self::parse(&text, &file)
    }

    fn parse(text: &str, file: &Path) -> Result<Self, SheetError> {
        // a spreadsheet puts a mark before the first line
        let mut lines = text.trim_start_matches('\u{feff}').lines().enumerate();
        let heading = lines.next().map_or(HEADING, |(_, line)| line.trim_end());
        let columns =
            [COLUMNS, COLUMNS_WITHOUT_CORNERS].into_iter().find(|&columns| heading.split(',').eq(HEADING.split(',').take(columns)));
        let Some(columns) = columns else { return Err(SheetError::Heading { file: file.to_owned() }) };
        let mut rows = Vec::new();
        for (number, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
            let wrong = |what| SheetError::Row { file: file.to_owned(), line: number + 1, what };
            let mut fields = fields(line).ok_or_else(|| wrong("a quote that does not end"))?;
            if fields.len() != columns || fields[0].is_empty() {
                return Err(wrong("not as many fields as the first line, or no file's name"));
            }
            fields.resize(COLUMNS, String::new());
            rows.push(Row(fields.try_into().map_err(|_| wrong("not as many fields as the first line"))?));
        }
        Ok(Self { rows })
    }

    /// Is anything said of this photo?
    pub fn names(&self, photo: &str) -> bool {
        self.rows.iter().any(|row| row.0[0] == photo)
    }

    /// The photo's plates.
    pub fn plates(&self, photo: &str) -> Vec<Labelled> {
        self.rows.iter().filter(|row| row.0[0] == photo && row.0[1..].iter().any(|field| !field.is_empty())).map(Row::labelled).collect()
    }

    /// From now on these are the photo's plates; none at all is said too.
    pub fn set(&mut self, photo: &str, plates: &[Labelled]) {
        let at = self.rows.iter().position(|row| row.0[0] == photo).unwrap_or(self.rows.len());
        self.rows.retain(|row| row.0[0] != photo);
        let mut rows: Vec<Row> = plates.iter().map(|plate| Row::of(photo, plate)).collect();
        if rows.is_empty() {
            let mut row = Row(Default::default());
            row.0[0] = photo.to_owned();
            rows.push(row);
        }
        self.rows.splice(at..at, rows);
    }

    /// Replaces the folder's sheet in one step: a crash leaves the old one or the new one.
    pub fn write(&self, folder: &Path) -> Result<(), SheetError> {
        let file = folder.join(SHEET);
        let beside = folder.join(format!(".{SHEET}.new"));
        let write = || {
            let mut out = File::create(&beside)?;
            out.write_all(self.text().as_bytes())?;
            out.sync_all()?;
            fs::rename(&beside, &file)?;
            File::open(folder)?.sync_all()
        };
        write().map_err(|reason| SheetError::Write { file: file.clone(), reason })
    }

    fn text(&self) -> String {
        let mut text = format!("{HEADING}\n");
        for row in &self.rows {
            text.push_str(&row.0.each_ref().map(|field| quoted(field)).join(","));
            text.push('\n');
        }
        text
    }
}

impl Row {
    fn labelled(&self) -> Labelled {
        let number = |at: usize| self.0[at].parse::<f32>().ok().filter(|value| value.is_finite());
        let corner = |k: usize| Some([number(12 + 2 * k)?, number(13 + 2 * k)?]);
        let corners = || Some([corner(0)?, corner(1)?, corner(2)?, corner(3)?]);
        let in_box = || {
            let [x, y, w, h] = [number(2)?, number(3)?, number(4)?, number(5)?];
            Some([[x, y], [x + w, y], [x + w, y + h], [x, y + h]])
        };
        Labelled {
            text: self.0[1].clone(),
            kind: self.0[6].clone(),
            lines: if self.0[7] == "2" { 2 } else { 1 },
            colour: self.0[8].clone(),
            corners: corners().or_else(in_box),
            train_ok: self.0[11] != "no",
            origin: [self.0[9].clone(), self.0[10].clone()],
        }
    }

    fn of(photo: &str, plate: &Labelled) -> Self {
        let mut row = Self(Default::default());
        row.0[0] = photo.to_owned();
        row.0[1].clone_from(&plate.text);
        if let Some(quad) = &plate.corners {
            let (low, high) = bounds(quad);
            let (low, high) = (low.map(f32::round), high.map(f32::round));
            for (field, value) in row.0[2..6].iter_mut().zip([low[0], low[1], high[0] - low[0], high[1] - low[1]]) {
                *field = format!("{value:.0}");
            }
            for (field, value) in row.0[12..].iter_mut().zip(quad.iter().flatten()) {
                *field = format!("{value:.1}");
            }
        }
        row.0[6].clone_from(&plate.kind);
        row.0[7] = plate.lines.to_string();
        row.0[8].clone_from(&plate.colour);
        row.0[9..11].clone_from_slice(&plate.origin);
        row.0[11] = if plate.train_ok { "yes" } else { "no" }.to_owned();
        row
    }
}

fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field.to_owned() }
}

/// The fields of a line; `None` where a quote does not end.
fn fields(line: &str) -> Option<Vec<String>> {
    let mut fields = vec![String::new()];
    let mut within = false;
    let mut symbols = line.trim_end_matches('\r').chars().peekable();
    while let Some(symbol) = symbols.next() {
        let field = fields.last_mut()?;
        match symbol {
            '"' if within && symbols.peek() == Some(&'"') => {
                symbols.next();
                field.push('"');
            }
            '"' if within || field.is_empty() => within = !within,
            ',' if !within => fields.push(String::new()),
            other => field.push(other),
        }
    }
    (!within).then_some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Sheet, SheetError> {
        Sheet::parse(text, Path::new("labels.csv"))
    }

    fn plate(text: &str) -> Labelled {
        Labelled {
            text: text.into(),
            kind: "truck".into(),
            lines: 1,
            colour: "white".into(),
            corners: Some([[225.25, 243.0], [415.1, 245.5], [414.8, 306.0], [225.4, 303.2]]),
            train_ok: true,
            origin: Default::default(),
        }
    }

    #[test]
    fn what_was_said_of_other_photos_stays_and_what_was_said_of_this_one_is_replaced_in_its_place() {
        let kept = "\"a, b.jpg\",29A12345,1,2,30,40,car,2,yellow,\"the \"\"gate\"\"\",ours,no,,,,,,,,";
        let mut sheet = parse(&format!("{HEADING}\n{kept}\nc.jpg,,,,,,,,,,,,,,,,,,,\nd.jpg,,,,,,,,,,,,,,,,,,,\n")).unwrap();
        sheet.set("c.jpg", &[plate("12C34567"), plate("12R01234")]);
        sheet.set("e.jpg", &[]);
        let text = sheet.text();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1], kept);
        assert_eq!(lines[2], "c.jpg,12C34567,225,243,190,63,truck,1,white,,,yes,225.2,243.0,415.1,245.5,414.8,306.0,225.4,303.2");
        assert!(lines[3].starts_with("c.jpg,12R01234,") && lines[4].starts_with("d.jpg,,"));
        assert_eq!(lines[5], "e.jpg,,,,,,,,,,,,,,,,,,,");
        assert_eq!(parse(&text).unwrap(), sheet);
        assert!(sheet.names("e.jpg") && sheet.plates("e.jpg").is_empty() && !sheet.names("f.jpg"));
        let before = &sheet.plates("a, b.jpg")[0];
        assert_eq!((before.train_ok, before.lines, before.origin[0].as_str()), (false, 2, "the \"gate\""));
        assert_eq!(before.corners, Some([[1.0, 2.0], [31.0, 2.0], [31.0, 42.0], [1.0, 42.0]]), "a box is better than nothing");
    }

    #[test]
    fn a_sheet_without_corners_and_one_that_a_spreadsheet_wrote_are_taken() {
        let short: Vec<&str> = HEADING.split(',').take(12).collect();
        let sheet = parse(&format!("\u{feff}{}\r\na.jpg,29A12345,1,2,30,40,car,1,white,,,yes\r\n", short.join(","))).unwrap();
        assert_eq!(sheet.plates("a.jpg")[0].text, "29A12345");
        assert!(sheet.text().lines().nth(1).unwrap().ends_with("yes,,,,,,,,"));
    }

    #[test]
    fn what_is_no_sheet_is_told_with_its_line() {
        let told = |text: &str| parse(text).unwrap_err().to_string();
        assert!(told("file;plate_text\n").starts_with("labels.csv: the first line is not file,plate_text"));
        assert!(told(&format!("{HEADING}\na.jpg,\"29A\n")).contains("line 2: a quote"));
        assert!(told(&format!("{HEADING}\n\na.jpg,29A\n")).contains("line 3: not as many fields"));
    }

    #[test]
    fn a_sheet_is_replaced_whole_and_an_absent_one_is_empty() {
        let folder = tempfile::tempdir().unwrap();
        let mut sheet = Sheet::read(folder.path()).unwrap();
        sheet.set("a.jpg", &[plate("12C34567")]);
        sheet.write(folder.path()).unwrap();
        assert_eq!(Sheet::read(folder.path()).unwrap().text(), sheet.text(), "corners are kept to a tenth of a pixel");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
        let gone = folder.path().join("gone");
        assert!(sheet.write(&gone).unwrap_err().to_string().contains("gone/labels.csv: cannot be written, what stood in it stands"));
    }
}
