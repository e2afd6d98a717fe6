//! Detector, refiner and reader together: a frame in, the plates on it out.

use crate::detector::{Detection, Detector, thin_out};
use crate::geometry::{Quad, bounds, unit};
use crate::manifest::{ManifestError, Models};
use crate::measure::measure;
use crate::network::{NetworkError, brief};
use crate::reader::{Reader, Reading};
use crate::refiner::Refiner;
use lane_core::plate::{Sight, WorthRules};
use lane_link::camera::{ModelDigest, PlateLayout, PlateSight};
use opencv::core::{Mat, MatTraitConst, Size};
use std::path::Path;
use thiserror::Error;

/// A plate narrower than this in the frame cannot be read: of two lines, five characters of six pixels.
pub const MIN_PLATE_WIDTH_PX: f32 = 28.0;
/// Fewer characters are no plate.
pub const MIN_CHARACTERS: usize = 4;
/// What reads with less confidence is no plate: the reader knows writing from grilles better than the detector does.
pub const MIN_READ_CONFIDENCE: f32 = 0.05;

/// Why no plates can be read.
#[derive(Debug, Error)]
pub enum EyesError {
    /// The models.
    #[error(transparent)]
    Models(#[from] ManifestError),
    /// The computing.
    #[error(transparent)]
    Network(#[from] NetworkError),
}

/// A plate on a frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Sighting {
    /// Corners in pixels of the frame.
    pub quad: Quad,
    /// The detector's certainty, 0 to 1.
    pub detector_confidence: f32,
    /// What stands on it.
    pub reading: Reading,
    /// What was measured of it.
    pub sight: PlateSight,
    /// What this sight is worth against a perfect one, above 0 to 1, by the rules that the lane has built in.
    pub quality: f32,
}

/// Reads plates. Lives on one thread.
pub struct Eyes {
    detector: Detector,
    refiner: Refiner,
    reader: Reader,
    digests: Vec<ModelDigest>,
}

impl Eyes {
    /// Loads and verifies the models of `folder`.
    pub fn open(folder: &Path) -> Result<Self, EyesError> {
        let models = Models::load(folder)?;
        let digests = [&models.detector, &models.refiner, &models.reader];
        let digests = digests.map(|model| ModelDigest { file: model.entry.file.clone(), sha256: model.entry.sha256.clone() }).to_vec();
        let detector = Detector::load(&models.detector)?;
        let refiner = Refiner::load(&models.refiner)?;
        Ok(Self { detector, refiner, reader: Reader::load(&models.reader)?, digests })
    }

    /// What was loaded.
    pub fn digests(&self) -> Vec<ModelDigest> {
        self.digests.clone()
    }

    /// The plates of an 8-bit BGR frame, surest first. What is narrower than [`MIN_PLATE_WIDTH_PX`], reads as fewer than [`MIN_CHARACTERS`] or with less than
    /// [`MIN_READ_CONFIDENCE`] is left out.
    pub fn look(&mut self, frame: &Mat) -> Result<Vec<Sighting>, EyesError> {
        let mut plates = Vec::new();
        for found in self.detector.find(frame)? {
            let refined = self.refiner.refine(frame, found)?;
            plates.extend(refined.filter(|plate| width(&plate.quad) >= MIN_PLATE_WIDTH_PX));
        }
        let mut sightings = Vec::new();
        for detection in thin_out(plates) {
            let sighting = self.read(frame, detection)?;
            let reading = &sighting.reading;
            if reading.confidence >= MIN_READ_CONFIDENCE && reading.text.chars().count() >= MIN_CHARACTERS {
                sightings.push(sighting);
            }
        }
        let worth = |sighting: &Sighting| sighting.detector_confidence * sighting.reading.confidence;
        sightings.sort_by(|a, b| worth(b).total_cmp(&worth(a)));
        Ok(sightings)
    }

    /// Takes the whole frame for a plate that somebody else has cut out.
    pub fn read_crop(&mut self, frame: &Mat) -> Result<Sighting, EyesError> {
        let (w, h) = (frame.cols() as f32, frame.rows() as f32);
        self.read(frame, Detection { quad: unit(w, h), confidence: 1.0 })
    }

    fn read(&mut self, frame: &Mat, detection: Detection) -> Result<Sighting, EyesError> {
        let Detection { quad, confidence } = detection;
        let straight = self.reader.straighten(frame, &quad)?;
        let reading = self.reader.read(&straight)?;
        let size = Size::new(frame.cols(), frame.rows());
        let failed = |error| NetworkError::Run { model: "measures".into(), reason: brief(&error) };
        let sight = measure(size, &quad, &straight).map_err(failed)?;
        let quality = f32::from(core_sight(&quad, reading.layout, &sight).worth_permille(&WorthRules::default())) / 1000.0;
        Ok(Sighting { quad, detector_confidence: confidence, reading, sight, quality })
    }
}

/// As the lane weighs it.
fn core_sight(quad: &Quad, layout: PlateLayout, sight: &PlateSight) -> Sight {
    lane_link::camera::core_sight(&quad.map(|corner| corner.map(|value| value.round() as i32)), layout, sight)
}

fn width(quad: &Quad) -> f32 {
    let (low, high) = bounds(quad);
    high[0] - low[0]
}
