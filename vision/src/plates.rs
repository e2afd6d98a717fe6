//! `borderlane-vision plates`: pictures and videos in, one answer a file out.
//!
//! With `--json` one object a line on stdout, in the order of the files:
//! `{"file","plates":[{"text","confidence","box":[x,y,w,h],"lines","country","colour","others":[{"text","confidence"}]}],"ms"}`, or
//! `{"file","error"}`. `confidence` is the probability of exactly this text, `box` in pixels (of the picture turned upright), `lines` 1 or 2,
//! `country` (`VN`, `CN`) and `colour` of the ground null where the picture does not show them clearly, `ms` the time from decoded
//! frame to text (of a video: of all frames that were looked at). Errors are also told on stderr; the other files are still read.

use crate::eyes::{Eyes, EyesError, Sighting};
use crate::geometry::{Quad, bounds};
use crate::picture;
use crate::source::{Opened, SourceError, Video, open_file};
use crate::track::Tracks;
use lane_core::plate::{PlateText, grammar};
use lane_link::camera::{PlateColour, PlateCountry, PlateLayout};
use opencv::core::Mat;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;
use thiserror::Error;

/// Frames of a video that are looked at, a second.
const LOOKS_PER_SECOND: f64 = 5.0;
/// Less likely texts are no answer, when they are a plate of Vietnam or China by its grammar; the lane hears of them too
/// ([`crate::eyes::MIN_READ_CONFIDENCE`]), because frames add up.
const MIN_ANSWER_CONFIDENCE: f64 = 0.4;
/// The same for a text that fits no grammar: most of these are emblems and signs.
const MIN_ODD_ANSWER_CONFIDENCE: f64 = 0.9;
/// Frames of a video that are decoded at most.
const MAX_VIDEO_FRAMES: u64 = 9_000;

/// Why a file has no answer.
#[derive(Debug, Error)]
pub enum PlatesError {
    /// The file.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The computing.
    #[error(transparent)]
    Eyes(#[from] EyesError),
}

/// A plate in a file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlateAnswer {
    /// Its text, without separators.
    pub text: String,
    /// Probability of exactly this text.
    pub confidence: f64,
    /// Left, top, width, height in pixels.
    #[serde(rename = "box")]
    pub place: [i32; 4],
    /// 1 or 2.
    pub lines: u8,
    /// Where the picture shows it clearly.
    pub country: Option<PlateCountry>,
    /// Of the ground, where the picture shows it clearly.
    pub colour: Option<PlateColour>,
    /// The next likely texts, likeliest first.
    pub others: Vec<OtherText>,
}

/// A text that the plate could also bear.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OtherText {
    /// Its text.
    pub text: String,
    /// Probability of exactly this text.
    pub confidence: f64,
}

/// What was found in a file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FileAnswer {
    /// As given.
    pub file: String,
    /// Surest detection first.
    pub plates: Vec<PlateAnswer>,
    /// Milliseconds from decoded frame to text.
    pub ms: f64,
}

#[derive(Serialize)]
struct FileError<'a> {
    file: &'a str,
    error: &'a str,
}

/// How the files are to be read and told.
#[derive(Debug, Clone, Copy)]
pub struct PlatesOptions {
    /// JSON lines instead of words.
    pub json: bool,
    /// Every picture is a plate that is already cut out.
    pub crops: bool,
}

/// Answers every file; true where none failed.
pub fn answer_files(
    eyes: &mut Eyes,
    files: &[PathBuf],
    options: PlatesOptions,
    out: &mut impl Write,
    complaints: &mut impl Write,
) -> std::io::Result<bool> {
    let mut all_good = true;
    for path in files {
        let file = path.display().to_string();
        match answer_file(eyes, path, options.crops) {
            Ok(answer) if options.json => writeln!(out, "{}", serde_json::to_string(&answer)?)?,
            Ok(answer) => tell(&answer, out)?,
            Err(error) => {
                all_good = false;
                let error = error.to_string();
                writeln!(complaints, "{file}: {error}")?;
                if options.json {
                    writeln!(out, "{}", serde_json::to_string(&FileError { file: &file, error: &error })?)?;
                }
            }
        }
    }
    out.flush()?;
    Ok(all_good)
}

fn tell(answer: &FileAnswer, out: &mut impl Write) -> std::io::Result<()> {
    if answer.plates.is_empty() {
        writeln!(out, "{}: no plate ({} ms)", answer.file, answer.ms)?;
    }
    for plate in &answer.plates {
        let [x, y, w, h] = plate.place;
        writeln!(out, "{}: {} {:.1} % at {x},{y} {w}x{h} ({} ms)", answer.file, plate.text, plate.confidence * 100.0, answer.ms)?;
    }
    Ok(())
}

/// Answers one file.
pub fn answer_file(eyes: &mut Eyes, path: &Path, crops: bool) -> Result<FileAnswer, PlatesError> {
    let (plates, ms) = match open_file(path)? {
        Opened::Picture(bytes) => {
            let frame = picture::decode(&bytes).map_err(SourceError::from)?;
            let began = Instant::now();
            let sightings = look(eyes, &frame, crops)?;
            (sightings.iter().map(plate_answer).filter(|answer| crops || is_answer(answer)).collect(), milliseconds(began))
        }
        Opened::Video(path) => answer_video(eyes, &path, crops)?,
    };
    Ok(FileAnswer { file: path.display().to_string(), plates, ms: (ms * 10.0).round() / 10.0 })
}

fn look(eyes: &mut Eyes, frame: &Mat, crops: bool) -> Result<Vec<Sighting>, EyesError> {
    if crops { Ok(vec![eyes.read_crop(frame)?]) } else { eyes.look(frame) }
}

fn milliseconds(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1000.0
}

fn plate_answer(sighting: &Sighting) -> PlateAnswer {
    let (low, high) = bounds(&sighting.quad);
    let place = [low[0], low[1], high[0] - low[0], high[1] - low[1]].map(|value| value.round() as i32);
    let reading = &sighting.reading;
    let other = |(text, confidence): &(String, f32)| OtherText { text: text.clone(), confidence: rounded(f64::from(*confidence)) };
    let others = reading.others.iter().map(other).collect();
    PlateAnswer {
        text: reading.text.clone(),
        confidence: rounded(f64::from(reading.confidence)),
        place,
        lines: if reading.layout == PlateLayout::TwoLine { 2 } else { 1 },
        country: reading.country,
        colour: reading.colour,
        others,
    }
}

fn is_answer(answer: &PlateAnswer) -> bool {
    let fits = PlateText::parse(&answer.text).is_ok_and(|text| !grammar::fits(&text).is_empty());
    answer.confidence >= if fits { MIN_ANSWER_CONFIDENCE } else { MIN_ODD_ANSWER_CONFIDENCE }
}

fn rounded(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

/// One track of a video: the votes of its frames for each text, and the best sight of each.
#[derive(Default)]
struct Votes {
    weight: f64,
    texts: BTreeMap<String, (f64, PlateAnswer)>,
}

/// Follows the plates through the frames; of each track the text with the most weight is the answer.
fn answer_video(eyes: &mut Eyes, path: &Path, crops: bool) -> Result<(Vec<PlateAnswer>, f64), PlatesError> {
    let mut video = Video::open(path)?;
    let stride = (video.fps() / LOOKS_PER_SECOND).round().max(1.0) as u64;
    let frame_ms = 1000.0 / video.fps();
    let mut tracks = Tracks::new();
    let mut votes: BTreeMap<u64, Votes> = BTreeMap::new();
    let mut ms = 0.0;
    for number in 0..MAX_VIDEO_FRAMES {
        let Some(frame) = video.next_frame()? else { break };
        if number % stride != 0 {
            continue;
        }
        let began = Instant::now();
        let sightings = look(eyes, &frame, crops)?;
        ms += milliseconds(began);
        let quads: Vec<Quad> = sightings.iter().map(|sighting| sighting.quad).collect();
        for (track, sighting) in tracks.follow(&quads, (number as f64 * frame_ms) as u64).into_iter().zip(&sightings) {
            vote(votes.entry(track).or_default(), sighting);
        }
    }
    Ok((elect(votes).into_iter().filter(is_answer).collect(), ms))
}

fn vote(votes: &mut Votes, sighting: &Sighting) {
    let weight = f64::from(sighting.reading.confidence * sighting.quality);
    votes.weight += weight;
    let answer = plate_answer(sighting);
    let (sum, best) = votes.texts.entry(answer.text.clone()).or_insert_with(|| (0.0, answer.clone()));
    *sum += weight;
    if answer.confidence > best.confidence {
        *best = answer;
    }
}

fn elect(votes: BTreeMap<u64, Votes>) -> Vec<PlateAnswer> {
    let mut elected: Vec<(f64, PlateAnswer)> = votes
        .into_values()
        .filter_map(|track| {
            let (sum, best) = track.texts.into_values().max_by(|a, b| a.0.total_cmp(&b.0))?;
            // a text that other frames contradict is worth less than its best frame says
            let confidence = rounded(best.confidence * if track.weight > 0.0 { sum / track.weight } else { 0.0 });
            Some((sum, PlateAnswer { confidence, ..best }))
        })
        .collect();
    elected.sort_by(|a, b| b.0.total_cmp(&a.0));
    elected.into_iter().map(|(_, answer)| answer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reader::Reading;

    const SIGHT: lane_link::camera::PlateSight = lane_link::camera::PlateSight {
        width_px: 100,
        height_px: 30,
        sharpness_permille: 200,
        contrast: 100,
        lean_permille: 0,
        taper_permille: 0,
        inside_permille: 1000,
        glare_permille: 0,
        dark_permille: 0,
    };

    fn sighting(text: &str, confidence: f32) -> Sighting {
        let reading = Reading {
            text: text.into(),
            confidence,
            layout: PlateLayout::OneLine,
            others: vec![("12C12346".into(), 0.1)],
            country: None,
            colour: Some(PlateColour::White),
            slots: vec![],
        };
        Sighting {
            quad: [[10.4, 5.0], [110.0, 5.0], [110.0, 35.0], [10.4, 35.0]],
            detector_confidence: 0.9,
            reading,
            sight: SIGHT,
            quality: 1.0,
        }
    }

    #[test]
    fn the_text_most_frames_agree_on_is_elected() {
        let mut track = Votes::default();
        for (text, confidence) in [("12C12345", 0.6), ("12C12346", 0.9), ("12C12345", 0.7)] {
            vote(&mut track, &sighting(text, confidence));
        }
        let elected = elect(BTreeMap::from([(1, track)]));
        assert_eq!(elected.len(), 1);
        assert_eq!(elected[0].text, "12C12345");
        assert!((elected[0].confidence - 0.7 * 1.3 / 2.2).abs() < 0.001, "{}", elected[0].confidence);
        assert_eq!(elected[0].place, [10, 5, 100, 30]);
    }

    #[test]
    fn what_is_no_plate_by_any_grammar_has_to_be_read_much_surer() {
        let told = |text, confidence| is_answer(&plate_answer(&sighting(text, confidence)));
        assert!(told("12C34567", 0.41) && !told("12C34567", 0.39));
        assert!(told("ISUZU", 0.91) && !told("ISUZU", 0.89));
    }

    #[test]
    fn an_answer_is_the_documented_json() {
        let answer = FileAnswer { file: "a.jpg".into(), plates: vec![plate_answer(&sighting("12C12345", 0.5))], ms: 12.5 };
        let json = serde_json::to_string(&answer).unwrap();
        assert_eq!(
            json,
            r#"{"file":"a.jpg","plates":[{"text":"12C12345","confidence":0.5,"box":[10,5,100,30],"lines":1,"country":null,"colour":"white","others":[{"text":"12C12346","confidence":0.1}]}],"ms":12.5}"#
        );
    }
}
