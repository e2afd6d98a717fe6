//! What the page asks: the folder's photos, a photo with what is known or proposed of its plates, and what the person says of them.
//!
//! | asked | answered |
//! |---|---|
//! | `GET photos` | `{"folder","photos":[{"file","done","error"}],"kinds","colours"}` |
//! | `GET photo/N` | `{"file","width","height","saved","plates":[{"text","kind","lines","colour","corners","train_ok","sure"}]}`, or `{"file","error"}` |
//! | `GET picture/N` | the photo, turned upright, as a JPEG of at most [`SHOWN_SIDE_PX`] |
//! | `POST photo/N` | `{"plates":[...]}` (none: no plate on it) is written into the sheet; `{"done":12}`, or 400 and why not |
//! | `POST end` | the program ends |

use super::http::{Answer, Request};
use super::sheet::{Labelled, MAX_PLATES_PER_PHOTO, Sheet};
use super::{LabelError, MAX_PHOTOS};
use crate::eyes::{Eyes, Sighting};
use crate::geometry::{Quad, is_plausible};
use crate::picture;
use crate::source::{Opened, SourceError, open_file};
use lane_core::plate::grammar::{Class, fits};
use lane_core::plate::{Form, PlateText};
use lane_link::camera::{PlateColour, PlateLayout};
use opencv::core::{Mat, MatTraitConst, Size};
use opencv::imgproc;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

const ENDINGS: [&str; 7] = ["jpg", "jpeg", "png", "bmp", "tif", "tiff", "webp"];
const KINDS: [&str; 6] = ["truck", "trailer", "car", "bus", "motorbike", "other"];
const COLOURS: [&str; 6] = ["white", "yellow", "blue", "green", "red", "black"];
/// Longer side of the picture that the page gets.
pub const SHOWN_SIDE_PX: i32 = 4_096;
const SHOWN_JPEG_QUALITY: i32 = 90;
/// What reads with less probability is only proposed where nothing else is.
const MIN_PROPOSED: f32 = 0.2;
/// A plate's text has at least so many symbols, and no more than the reader has places.
const MIN_SYMBOLS: usize = 4;
const MAX_SYMBOLS: usize = 10;
/// Least side of a plate: `make train` refuses a sheet with a smaller one.
const MIN_PLATE_SIDE_PX: f32 = 4.0;

const PAGE: [(&str, &str, &str); 3] = [
    ("", "text/html; charset=utf-8", include_str!("page/page.html")),
    ("page.js", "text/javascript; charset=utf-8", include_str!("page/page.js")),
    ("page.css", "text/css; charset=utf-8", include_str!("page/page.css")),
];

#[derive(Debug, Clone, Serialize)]
struct Photo {
    file: String,
    done: bool,
    error: Option<String>,
}

/// A plate on its way to or from the page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plate {
    text: String,
    kind: String,
    lines: u8,
    colour: String,
    /// Top left, top right, bottom right, bottom left, in pixels of the photo.
    corners: Option<Quad>,
    train_ok: bool,
    #[serde(default)]
    origin: [String; 2],
    /// Of a proposal: the probability of exactly this text.
    #[serde(default)]
    sure: Option<f32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    plates: Vec<Plate>,
}

/// The photos of a folder, the networks and the sheet.
pub struct Desk {
    eyes: Eyes,
    folder: PathBuf,
    /// Held so that nobody else labels the folder at the same time.
    _lock: File,
    photos: Vec<Photo>,
    /// The photo that was decoded last.
    decoded: Option<(usize, Mat)>,
    over: bool,
}

impl Desk {
    /// Lists the folder's photos and what was said of them before.
    pub fn open(eyes: Eyes, folder: &Path) -> Result<Self, LabelError> {
        let failed = |reason| LabelError::Folder { folder: folder.to_owned(), reason };
        let lock = File::open(folder).map_err(failed)?;
        let mut files = photos_of(folder).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(LabelError::InUse { folder: folder.to_owned() }),
            Err(fs::TryLockError::Error(reason)) => return Err(failed(reason)),
        }
        if files.is_empty() {
            return Err(LabelError::NoPhotos { folder: folder.to_owned() });
        }
        if files.len() > MAX_PHOTOS {
            return Err(LabelError::TooManyPhotos { folder: folder.to_owned() });
        }
        files.sort();
        let sheet = Sheet::read(folder)?;
        // a folder that cannot be written is told now, not after the first photo
        sheet.write(folder)?;
        let photos = files.into_iter().map(|file| Photo { done: sheet.names(&file), file, error: None }).collect();
        Ok(Self { eyes, folder: folder.to_owned(), _lock: lock, photos, decoded: None, over: false })
    }

    /// Photos that something was said of, and all.
    pub fn progress(&self) -> (usize, usize) {
        (self.photos.iter().filter(|photo| photo.done).count(), self.photos.len())
    }

    /// Photos that could not be read so far.
    pub fn unreadable(&self) -> usize {
        self.photos.iter().filter(|photo| photo.error.is_some()).count()
    }

    /// Did the person end it?
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Answers a request whose path is one of the table's; unreadable photos are told on `told` too.
    pub fn answer(&mut self, request: &Request, told: &mut impl Write) -> Answer {
        let get = request.method == "GET";
        if let Some((_, kind, page)) = PAGE.iter().find(|(path, ..)| get && *path == request.path) {
            return Answer { status: 200, kind, body: page.as_bytes().to_vec() };
        }
        let (what, number) = request.path.split_once('/').unwrap_or((&request.path, ""));
        let number = number.parse().ok().filter(|number: &usize| *number < self.photos.len());
        match (request.method.as_str(), what, number) {
            ("GET", "photos", None) => self.list(),
            ("GET", "photo", Some(number)) => self.show(number, told),
            ("GET", "picture", Some(number)) => self.picture(number),
            ("POST", "photo", Some(number)) => self.say(number, &request.body),
            ("POST", "end", None) => {
                self.over = true;
                Answer::json(&serde_json::json!({}))
            }
            _ => Answer::words(404, "nothing of this name"),
        }
    }

    fn list(&self) -> Answer {
        let folder = self.folder.display().to_string();
        Answer::json(&serde_json::json!({"folder": folder, "photos": self.photos, "kinds": KINDS, "colours": COLOURS}))
    }

    fn show(&mut self, number: usize, told: &mut impl Write) -> Answer {
        let file = self.photos[number].file.clone();
        match self.plates(number) {
            Ok((size, saved, plates)) => Answer::json(&serde_json::json!({
                "file": file, "width": size.width, "height": size.height, "saved": saved, "plates": plates
            })),
            Err(error) => {
                if self.photos[number].error.is_none() {
                    // nothing is left to say it to if standard error is gone too
                    let _told = writeln!(told, "{}: {error}", self.folder.join(&file).display());
                }
                self.photos[number].error = Some(error.clone());
                Answer::json(&serde_json::json!({"file": file, "error": error}))
            }
        }
    }

    /// The photo's size, whether something was said of it, and what was said or else is proposed.
    fn plates(&mut self, number: usize) -> Result<(Size, bool, Vec<Plate>), String> {
        self.decode(number)?;
        let Some((_, frame)) = &self.decoded else { return Err("is not decoded".into()) };
        let size = Size::new(frame.cols(), frame.rows());
        let photo = &self.photos[number];
        if photo.done {
            let sheet = Sheet::read(&self.folder).map_err(|error| error.to_string())?;
            return Ok((size, true, sheet.plates(&photo.file).into_iter().map(Plate::from).collect()));
        }
        let seen = self.eyes.look(frame).map_err(|error| error.to_string())?;
        let clear = seen.iter().filter(|sighting| sighting.reading.confidence >= MIN_PROPOSED).count();
        Ok((size, false, seen.iter().take(clear.max(1)).map(proposed).collect()))
    }

    fn decode(&mut self, number: usize) -> Result<(), String> {
        if self.decoded.as_ref().is_some_and(|(decoded, _)| *decoded == number) {
            return Ok(());
        }
        self.decoded = None;
        let path = self.folder.join(&self.photos[number].file);
        if fs::symlink_metadata(&path).is_ok_and(|about| about.is_symlink()) {
            return Err("is a link: only what lies in the folder is read".into());
        }
        let frame = match open_file(&path).map_err(|error| error.to_string())? {
            Opened::Picture(bytes) => picture::decode(&bytes).map_err(|error| SourceError::from(error).to_string())?,
            Opened::Video(_) => return Err("is a video, not a photo".into()),
        };
        self.decoded = Some((number, frame));
        Ok(())
    }

    fn picture(&mut self, number: usize) -> Answer {
        match self.decode(number).and_then(|()| self.shown().map_err(|error| error.to_string())) {
            Ok(body) => Answer { status: 200, kind: "image/jpeg", body },
            Err(error) => Answer::words(400, error),
        }
    }

    fn shown(&self) -> Result<Vec<u8>, picture::PictureError> {
        let Some((_, frame)) = &self.decoded else { return Ok(Vec::new()) };
        let longer = frame.cols().max(frame.rows());
        if longer <= SHOWN_SIDE_PX {
            return picture::encode_jpeg(frame, SHOWN_JPEG_QUALITY);
        }
        let scale = f64::from(SHOWN_SIDE_PX) / f64::from(longer);
        let mut small = Mat::default();
        imgproc::resize(frame, &mut small, Size::default(), scale, scale, imgproc::INTER_AREA)
            .map_err(|error| picture::PictureError::Decode(crate::network::brief(&error)))?;
        picture::encode_jpeg(&small, SHOWN_JPEG_QUALITY)
    }

    fn say(&mut self, number: usize, body: &[u8]) -> Answer {
        let plates = match said(body) {
            Ok(plates) => plates,
            Err(why) => return Answer::words(400, why),
        };
        // read anew: what others wrote meanwhile is kept
        let written = Sheet::read(&self.folder).and_then(|mut sheet| {
            sheet.set(&self.photos[number].file, &plates);
            sheet.write(&self.folder)
        });
        match written {
            Ok(()) => {
                self.photos[number].done = true;
                Answer::json(&serde_json::json!({"done": self.progress().0}))
            }
            Err(error) => Answer::words(500, error),
        }
    }
}

/// Names of the photos that lie in the folder itself; a name that is not UTF-8 or has a line's end cannot stand in the sheet.
fn photos_of(folder: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
        let ending = Path::new(&name).extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
        let is_photo = ENDINGS.contains(&ending.as_str()) && !name.starts_with('.') && !name.contains(|c: char| c.is_control());
        if is_photo && entry.file_type()?.is_file() && names.len() <= MAX_PHOTOS {
            names.push(name);
        }
    }
    Ok(names)
}

/// What the models make of a plate.
fn proposed(sighting: &Sighting) -> Plate {
    let reading = &sighting.reading;
    let forms = PlateText::parse(&reading.text).map(|text| fits(&text)).unwrap_or_default();
    let all = |class: Class| !forms.is_empty() && forms.iter().all(|form: Form| form.class() == class);
    let kind = if all(Class::Trailer) {
        "trailer"
    } else if all(Class::Motorcycle) {
        "motorbike"
    } else {
        "truck"
    };
    let colour = match reading.colour {
        Some(PlateColour::Yellow) => "yellow",
        Some(PlateColour::Blue) => "blue",
        Some(PlateColour::Green) => "green",
        Some(PlateColour::Red) => "red",
        Some(PlateColour::Black) => "black",
        Some(PlateColour::White) | None => "white",
    };
    Plate {
        text: reading.text.clone(),
        kind: kind.into(),
        lines: if reading.layout == PlateLayout::TwoLine { 2 } else { 1 },
        colour: colour.into(),
        corners: Some(sighting.quad),
        train_ok: true,
        origin: Default::default(),
        sure: Some(reading.confidence),
    }
}

/// What a person said, checked; or why it cannot be taken.
fn said(body: &[u8]) -> Result<Vec<Labelled>, String> {
    let said: Said = serde_json::from_slice(body).map_err(|error| format!("not what the page sends: {error}"))?;
    if said.plates.len() > MAX_PLATES_PER_PHOTO {
        return Err(format!("more than {MAX_PLATES_PER_PHOTO} plates"));
    }
    let plates = said.plates.into_iter().map(checked).collect::<Result<Vec<_>, _>>()?;
    let again =
        |(at, plate): (usize, &Labelled)| plates[..at].iter().any(|other| other.text == plate.text && other.corners == plate.corners);
    if plates.iter().enumerate().any(again) { Err("the same plate twice".into()) } else { Ok(plates) }
}

/// What `make train` takes too: sides of some length, the first corner at the top left.
fn is_upright(quad: &Quad) -> bool {
    let side = |k: usize| (quad[(k + 1) % 4][0] - quad[k][0]).hypot(quad[(k + 1) % 4][1] - quad[k][1]);
    is_plausible(quad) && (0..4).all(|k| side(k) >= MIN_PLATE_SIDE_PX) && quad[1][0] - quad[0][0] + quad[2][0] - quad[3][0] > 0.0
}

fn checked(plate: Plate) -> Result<Labelled, String> {
    let text = PlateText::parse(&plate.text).map_err(|error| format!("{}: {error}", plate.text))?;
    if !(MIN_SYMBOLS..=MAX_SYMBOLS).contains(&text.symbol_count()) {
        return Err(format!("{text}: fewer than {MIN_SYMBOLS} characters or more than {MAX_SYMBOLS}"));
    }
    let corners = plate.corners.filter(is_upright).ok_or_else(|| format!("{text}: the four corners are no plate"))?;
    if !is_word(&plate.kind) || !COLOURS.contains(&plate.colour.as_str()) || !(1..=2).contains(&plate.lines) {
        return Err(format!("{text}: kind, colour or number of lines is unknown"));
    }
    let Plate { kind, lines, colour, train_ok, origin, .. } = plate;
    if origin.iter().any(|field| field.contains(|c: char| c.is_control())) {
        return Err(format!("{text}: source or licence with a line's end"));
    }
    Ok(Labelled { text: text.to_string(), kind, lines, colour, corners: Some(corners), train_ok, origin })
}

/// A kind that the page knows, or one that stood in the sheet before.
fn is_word(kind: &str) -> bool {
    (1..=20).contains(&kind.len()) && kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

impl From<Labelled> for Plate {
    fn from(plate: Labelled) -> Self {
        let Labelled { text, kind, lines, colour, corners, train_ok, origin } = plate;
        Self { text, kind, lines, colour, corners, train_ok, origin, sure: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLATE: &str = r#"{"text":"12c-345.67","kind":"truck","lines":1,"colour":"white","train_ok":true,
        "corners":[[10,10],[90,12],[90,30],[10,28]]}"#;

    #[test]
    fn what_a_person_says_is_checked() {
        let with = |from: &str, to: &str| said(format!(r#"{{"plates":[{}]}}"#, PLATE.replace(from, to)).as_bytes());
        let good = with("", "").unwrap();
        assert_eq!((good[0].text.as_str(), good[0].train_ok), ("12C34567", true));
        assert_eq!(said(br#"{"plates":[]}"#).unwrap(), []);
        for (from, to, why) in [
            ("12c-345.67", "12", "fewer than"),
            ("12c-345.67", "12C34567890", "more than 10"),
            ("12c-345.67", "12C!", "is on no plate"),
            ("12c-345.67", "=HYPERLINK(1)", "is on no plate"),
            ("[90,12]", "[1,12]", "corners"),
            ("[10,10],[90,12],[90,30],[10,28]", "[90,30],[10,28],[10,10],[90,12]", "corners"),
            ("[90,30],[10,28]", "[90,13],[10,28]", "corners"),
            ("truck", "=1+1", "kind"),
            ("\"lines\":1", "\"lines\":3", "lines"),
            ("white", "pink", "colour"),
            ("\"text\"", "\"texts\"", "not what the page sends"),
        ] {
            let told = with(from, to).unwrap_err();
            assert!(told.contains(why), "{to}: {told}");
        }
        assert!(said(format!(r#"{{"plates":[{PLATE},{PLATE}]}}"#).as_bytes()).unwrap_err().contains("twice"));
        let many = format!(r#"{{"plates":[{}]}}"#, [PLATE; MAX_PLATES_PER_PHOTO + 1].join(","));
        assert!(said(many.as_bytes()).unwrap_err().contains("more than 16"));
    }

    #[test]
    fn only_photos_that_lie_in_the_folder_are_listed() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.JPG", "a.png", ".hidden.jpg", "words.txt", "labels.csv", "line\nend.jpg"] {
            fs::write(folder.path().join(name), b"x").unwrap();
        }
        std::os::unix::fs::symlink("/etc/hostname", folder.path().join("link.jpg")).unwrap();
        fs::create_dir(folder.path().join("folder.jpg")).unwrap();
        let mut names = photos_of(folder.path()).unwrap();
        names.sort();
        assert_eq!(names, ["a.png", "b.JPG"]);
    }
}
