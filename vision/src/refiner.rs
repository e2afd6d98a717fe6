//! Looks closer at a plate that the detector found: its corners, and whether it is a plate at all.
//!
//! The network is given the plate with its surroundings ([`ModelEntry::surroundings`](crate::manifest::ModelEntry) times as large, pulled straight) and answers with
//! nine values: how far each corner is from where it would be if it had been found rightly (x, y in units of [`UNIT_PX`], top left first,
//! clockwise), and the logit of "a plate". What it corrects it is shown again, up to [`MAX_LOOKS`] times, while a corner
//! still moves by [`FAR`] or more.

use crate::detector::Detection;
use crate::geometry::{Projection, Quad, cut, is_plausible, surroundings, unit};
use crate::manifest::VerifiedModel;
use crate::network::{Network, NetworkError, brief};
use opencv::core::Mat;

/// Unit of the corners' offsets in pixels of the input.
const UNIT_PX: f32 = 32.0;
const VALUES: usize = 9;
/// Most looks at a plate.
const MAX_LOOKS: usize = 4;
/// A logit of "a plate" below this needs no second look.
const NO_PLATE: f32 = -2.0;
/// In units of [`UNIT_PX`].
const FAR: f32 = 0.3;
/// Less likely a plate than this is none.
const MIN_PLATE: f32 = 0.35;

/// The refiner.
pub struct Refiner {
    network: Network,
    surroundings: f32,
}

impl Refiner {
    /// Loads and checks the network.
    pub fn load(model: &VerifiedModel) -> Result<Self, NetworkError> {
        let network = Network::load(model, &[("corners", VALUES)])?;
        Ok(Self { network, surroundings: model.entry.surroundings })
    }

    /// The same plate with better corners; `None` where it is no plate after all.
    pub fn refine(&mut self, frame: &Mat, found: Detection) -> Result<Option<Detection>, NetworkError> {
        let size = self.network.size();
        let whole = unit(size.width as f32, size.height as f32);
        let nominal = surroundings(&whole, 1.0 / self.surroundings);
        let failed = |error: opencv::Error| NetworkError::Run { model: "refiner input".into(), reason: brief(&error) };
        let mut quad = found.quad;
        let mut plate = 0.0;
        for _ in 0..MAX_LOOKS {
            let around = surroundings(&quad, self.surroundings);
            let answer = self.network.run(&cut(frame, &around, size).map_err(failed)?)?;
            let back = Projection::between(&whole, &around).map_err(failed)?;
            quad = corrected(&nominal, &answer[0]).map(|corner| back.apply(corner));
            if !is_plausible(&quad) {
                return Ok(None);
            }
            plate = 1.0 / (1.0 + (-answer[0][VALUES - 1]).exp());
            if answer[0][VALUES - 1] < NO_PLATE || answer[0][..VALUES - 1].iter().all(|moved| moved.abs() < FAR) {
                break;
            }
        }
        Ok((plate >= MIN_PLATE).then(|| Detection { quad, confidence: (found.confidence * plate).sqrt() }))
    }
}

fn corrected(nominal: &Quad, answer: &[f32]) -> Quad {
    [0, 1, 2, 3].map(|corner| [0, 1].map(|k| nominal[corner][k] + answer[2 * corner + k] * UNIT_PX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_move_by_the_answer() {
        let nominal = surroundings(&unit(128.0, 64.0), 0.625);
        assert_eq!(nominal, [[24.0, 12.0], [104.0, 12.0], [104.0, 52.0], [24.0, 52.0]]);
        let answer = [0.25, 0.0, 0.0, -0.125, 0.0, 0.0, 0.0, 0.0, 3.0];
        assert_eq!(corrected(&nominal, &answer), [[32.0, 12.0], [104.0, 8.0], [104.0, 52.0], [24.0, 52.0]]);
    }
}
