//! `borderlane-vision reads`: frames in, the reads that the worker would send of them out. For measuring, by the same eyes and tracks as in the lane.
//!
//! Frames come on standard input, each as a line of JSON and then the bytes of a JPEG, PNG or BMP file, until the input ends:
//!
//! ```text
//! {"vehicle":7,"at_ms":125,"bytes":48213}\n <48213 bytes>
//! ```
//!
//! or from folders: every folder is a vehicle, counted from 0, its pictures in the order of their names, [`FOLDER_FRAME_MS`] apart. With another
//! vehicle the tracks begin anew. Of every read one line goes out, as soon as it is made:
//!
//! ```text
//! {"vehicle":7,"at_ms":125,"read":{...}}        read: lane_link::camera::PlateRead
//! ```
//!
//! A frame that is no picture is told on standard error and counted; the next one is read. What is no frame's line ends the work: the
//! next frame could not be found.

use crate::eyes::{Eyes, EyesError};
use crate::picture;
use crate::source::{Frame, Pixels};
use crate::track::Tracks;
use crate::worker::{plate_read, surely_read};
use lane_link::camera::PlateRead;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;
use thiserror::Error;

/// Time between the pictures of a folder.
pub const FOLDER_FRAME_MS: u64 = 125;
const MAX_HEADER_BYTES: u64 = 512;

/// Why the work ended before its input did.
#[derive(Debug, Error)]
pub enum ReadsError {
    /// Input or output.
    #[error("cannot read frames or write reads: {0}")]
    Pipe(#[from] std::io::Error),
    /// Not the line of a frame.
    #[error("frame {frame}: not the line of a frame: {reason}")]
    Header {
        /// Counted from 1.
        frame: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// The picture's bytes end before they are all there.
    #[error("frame {frame}: the input ends within it")]
    Short {
        /// Counted from 1.
        frame: u64,
    },
    /// A folder that cannot be listed.
    #[error("{folder}: {reason}")]
    Folder {
        /// Which.
        folder: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// The computing.
    #[error(transparent)]
    Eyes(#[from] EyesError),
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    vehicle: u64,
    at_ms: u64,
    bytes: u64,
}

#[derive(Serialize)]
struct ReadLine {
    vehicle: u64,
    at_ms: u64,
    read: PlateRead,
}

/// What became of the frames.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// Frames that were looked at.
    pub frames: u64,
    /// Frames that were no pictures.
    pub bad_frames: u64,
    /// Lines written.
    pub reads: u64,
}

/// Reads what comes through `input`.
pub fn answer_stream(eyes: &mut Eyes, input: impl Read, out: &mut impl Write, complaints: &mut impl Write) -> Result<Counted, ReadsError> {
    let mut input = std::io::BufReader::new(input);
    let mut work = Work::new(out, complaints);
    while let Some((header, bytes)) = next_frame(&mut input, work.seen() + 1)? {
        work.look(eyes, header.vehicle, header.at_ms, bytes)?;
    }
    work.end()
}

/// Reads the pictures of folders.
pub fn answer_folders(
    eyes: &mut Eyes,
    folders: &[PathBuf],
    out: &mut impl Write,
    complaints: &mut impl Write,
) -> Result<Counted, ReadsError> {
    let mut work = Work::new(out, complaints);
    for (vehicle, folder) in (0_u64..).zip(folders) {
        for (nth, file) in (0_u64..).zip(pictures(folder)?) {
            let bytes = std::fs::read(file)?;
            work.look(eyes, vehicle, nth * FOLDER_FRAME_MS, bytes)?;
        }
    }
    work.end()
}

fn pictures(folder: &Path) -> Result<Vec<PathBuf>, ReadsError> {
    let failed = |reason| ReadsError::Folder { folder: folder.to_owned(), reason };
    let entries = std::fs::read_dir(folder).map_err(failed)?;
    let mut files = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>().map_err(failed)?;
    files.retain(|file| file.is_file());
    files.sort();
    Ok(files)
}

/// `None` at the end of the input.
fn next_frame(input: &mut impl BufRead, frame: u64) -> Result<Option<(Header, Vec<u8>)>, ReadsError> {
    let mut line = Vec::new();
    input.by_ref().take(MAX_HEADER_BYTES).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    let wrong = |reason: String| ReadsError::Header { frame, reason };
    let header: Header = serde_json::from_slice(&line).map_err(|error| wrong(error.to_string()))?;
    if header.bytes > picture::MAX_PICTURE_BYTES {
        return Err(wrong(format!("{} bytes, more than {}", header.bytes, picture::MAX_PICTURE_BYTES)));
    }
    let mut bytes = Vec::new();
    input.by_ref().take(header.bytes).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == header.bytes { Ok(Some((header, bytes))) } else { Err(ReadsError::Short { frame }) }
}

struct Work<'a, O, C> {
    out: &'a mut O,
    complaints: &'a mut C,
    vehicle: Option<u64>,
    tracks: Tracks,
    counted: Counted,
}

impl<'a, O: Write, C: Write> Work<'a, O, C> {
    fn new(out: &'a mut O, complaints: &'a mut C) -> Self {
        Self { out, complaints, vehicle: None, tracks: Tracks::new(), counted: Counted::default() }
    }

    const fn seen(&self) -> u64 {
        self.counted.frames + self.counted.bad_frames
    }

    fn look(&mut self, eyes: &mut Eyes, vehicle: u64, at_ms: u64, bytes: Vec<u8>) -> Result<(), ReadsError> {
        if self.vehicle != Some(vehicle) {
            self.vehicle = Some(vehicle);
            self.tracks = Tracks::new();
        }
        let mat = match picture::decode(&bytes) {
            Ok(mat) => mat,
            Err(error) => {
                self.counted.bad_frames += 1;
                writeln!(self.complaints, "vehicle {vehicle} at {at_ms} ms: {error}")?;
                return Ok(());
            }
        };
        self.counted.frames += 1;
        let frame = Frame { number: self.seen(), at: Instant::now(), pixels: Pixels::Encoded(bytes) };
        let sightings = eyes.look(&mat)?;
        let plates: Vec<_> = sightings.iter().map(|sighting| (sighting.quad, surely_read(sighting))).collect();
        for (track, sighting) in self.tracks.follow_read(&plates, at_ms).into_iter().zip(&sightings) {
            let line = ReadLine { vehicle, at_ms, read: plate_read(track, &frame, sighting) };
            writeln!(self.out, "{}", serde_json::to_string(&line).map_err(std::io::Error::from)?)?;
            self.counted.reads += 1;
        }
        Ok(())
    }

    fn end(self) -> Result<Counted, ReadsError> {
        self.out.flush()?;
        Ok(self.counted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(bytes: &[u8]) -> Result<Vec<(u64, usize)>, ReadsError> {
        let (mut input, mut found) = (bytes, Vec::new());
        while let Some((header, picture)) = next_frame(&mut input, found.len() as u64 + 1)? {
            found.push((header.at_ms, picture.len()));
        }
        Ok(found)
    }

    #[test]
    fn frames_follow_one_another() {
        let stream = b"{\"vehicle\":1,\"at_ms\":0,\"bytes\":3}\nabc{\"vehicle\":1,\"at_ms\":125,\"bytes\":0}\n";
        assert_eq!(frames(stream).unwrap(), [(0, 3), (125, 0)]);
        assert_eq!(frames(b"").unwrap(), []);
    }

    #[test]
    fn a_stream_that_cannot_be_followed_says_at_which_frame() {
        for (stream, want) in [
            (&b"{\"vehicle\":1,\"at_ms\":0,\"bytes\":3}\nab"[..], "frame 1: the input ends within it"),
            (b"{\"vehicle\":1,\"at_ms\":0,\"bytes\":1}\nxnonsense\n", "frame 2: not the line of a frame"),
            (b"{\"vehicle\":1,\"at_ms\":0,\"bytes\":99999999999}\n", "more than"),
            (b"{\"vehicle\":-1,\"at_ms\":0,\"bytes\":1}\n", "frame 1: not the line of a frame"),
        ] {
            let error = frames(stream).unwrap_err().to_string();
            assert!(error.contains(want), "{error}");
        }
        let endless = [b'x'; 2_000];
        assert!(frames(&endless).unwrap_err().to_string().contains("frame 1"), "a line is bounded");
    }
}
