//! A network on OpenCV's own CPU backend, its input and outputs checked against the manifest before it is used.

use crate::manifest::VerifiedModel;
use opencv::core::{Mat, MatTraitConst, MatTraitConstManual, Scalar, Size, Vector};
use opencv::dnn::{self, Net, NetTrait};
use thiserror::Error;

/// Input values become (value - `INPUT_MEAN`) / `INPUT_SPREAD`, in the order red, green, blue.
const INPUT_MEAN: f64 = 127.5;
const INPUT_SPREAD: f64 = 64.0;

/// Why a network cannot be used.
#[derive(Debug, Error)]
pub enum NetworkError {
    /// OpenCV does not take the file.
    #[error("{model}: OpenCV cannot load it: {reason}")]
    Load {
        /// File of the model.
        model: String,
        /// OpenCV's words.
        reason: String,
    },
    /// OpenCV fails while computing.
    #[error("{model}: OpenCV cannot run it: {reason}")]
    Run {
        /// File of the model.
        model: String,
        /// OpenCV's words.
        reason: String,
    },
    /// An output is not as large as the manifest makes it.
    #[error("{model}: output {output} has {found} values, not {expected}: the model does not fit its manifest")]
    Shape {
        /// File of the model.
        model: String,
        /// The output.
        output: String,
        /// As computed.
        found: usize,
        /// As the manifest makes it.
        expected: usize,
    },
}

/// A loaded network with a fixed input size.
pub struct Network {
    net: Net,
    model: String,
    width: i32,
    height: i32,
    outputs: Vector<String>,
    lengths: Vec<usize>,
}

impl Network {
    /// Loads it and runs it once over an empty picture; `outputs` are names and expected numbers of values.
    pub fn load(verified: &VerifiedModel, outputs: &[(&str, usize)]) -> Result<Self, NetworkError> {
        let model = verified.entry.file.clone();
        let failed = |error: opencv::Error| NetworkError::Load { model: model.clone(), reason: brief(&error) };
        let mut net = dnn::read_net_from_onnx_buffer(&Vector::from_slice(&verified.bytes)).map_err(failed)?;
        net.set_preferable_backend(dnn::DNN_BACKEND_OPENCV).map_err(failed)?;
        net.set_preferable_target(dnn::DNN_TARGET_CPU).map_err(failed)?;
        let [width, height] = verified.entry.input.map(i32::from);
        let mut network = Self {
            net,
            model: model.clone(),
            width,
            height,
            outputs: outputs.iter().map(|(name, _)| *name).collect(),
            lengths: outputs.iter().map(|(_, length)| *length).collect(),
        };
        let empty = Mat::new_rows_cols_with_default(height, width, opencv::core::CV_8UC3, Scalar::all(0.0)).map_err(failed)?;
        network.run(&empty)?;
        Ok(network)
    }

    /// Input size in pixels, width and height.
    pub fn size(&self) -> Size {
        Size::new(self.width, self.height)
    }

    /// Computes the outputs for an 8-bit BGR picture of exactly [`Network::size`].
    pub fn run(&mut self, picture: &Mat) -> Result<Vec<Vec<f32>>, NetworkError> {
        let mut computed = Vector::<Mat>::new();
        self.forward(picture, &mut computed).map_err(|error| NetworkError::Run { model: self.model.clone(), reason: brief(&error) })?;
        let mut values = Vec::with_capacity(self.lengths.len());
        for (index, &expected) in self.lengths.iter().enumerate() {
            let data = computed.get(index).and_then(|mat| Ok(mat.data_typed::<f32>()?.to_vec()));
            let data = data.map_err(|error| NetworkError::Run { model: self.model.clone(), reason: brief(&error) })?;
            if data.len() != expected || data.iter().any(|value| !value.is_finite()) {
                let output = self.outputs.get(index).unwrap_or_default();
                return Err(NetworkError::Shape { model: self.model.clone(), output, found: data.len(), expected });
            }
            values.push(data);
        }
        Ok(values)
    }

    fn forward(&mut self, picture: &Mat, computed: &mut Vector<Mat>) -> opencv::Result<()> {
        debug_assert_eq!(picture.size()?, self.size());
        let blob =
            dnn::blob_from_image(picture, 1.0 / INPUT_SPREAD, self.size(), Scalar::all(INPUT_MEAN), true, false, opencv::core::CV_32F)?;
        self.net.set_input(&blob, "", 1.0, Scalar::all(0.0))?;
        self.net.forward(computed, &self.outputs)
    }
}

/// OpenCV's message without its source position, in one line.
pub fn brief(error: &opencv::Error) -> String {
    error.message.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect()
}
