//! A network run by `rten` on one thread, its input and outputs checked against the manifest before it is used.
//!
//! Pictures come from OpenCV; the computing does not: `docs/decisions/0012-networks-by-rten.md`.

use crate::manifest::VerifiedModel;
use opencv::core::{Mat, MatTraitConstManual, Size, Vec3b};
use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, ValueOrView};
use rten_tensor::prelude::*;
use rten_tensor::{NdTensorView, Tensor};
use std::sync::Arc;
use thiserror::Error;

/// Input values become (value - `INPUT_MEAN`) / `INPUT_SPREAD`, in the order red, green, blue.
const INPUT_MEAN: f32 = 127.5;
const INPUT_SPREAD: f32 = 64.0;
/// A camera's worker may take one core and no more.
const THREADS: usize = 1;
const CHANNELS: usize = 3;

/// Why a network cannot be used.
#[derive(Debug, Error)]
pub enum NetworkError {
    /// The file is no network that can be run.
    #[error("{model}: cannot be loaded: {reason}")]
    Load {
        /// File of the model.
        model: String,
        /// Why, in one line.
        reason: String,
    },
    /// The computing, or the preparing of its input, fails.
    #[error("{model}: cannot be run: {reason}")]
    Run {
        /// File of the model.
        model: String,
        /// Why, in one line.
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

/// An output that is asked for.
struct Output {
    name: String,
    node: NodeId,
    values: usize,
}

/// A loaded network with a fixed input size.
pub struct Network {
    net: Model,
    threads: Arc<ThreadPool>,
    model: String,
    input: NodeId,
    outputs: Vec<Output>,
    size: Size,
    /// The input's values: red plane, green plane, blue plane. Kept, so that a frame allocates nothing here.
    planes: Vec<f32>,
}

impl Network {
    /// Loads it and runs it once over an empty picture; `outputs` are names and expected numbers of values.
    pub fn load(verified: &VerifiedModel, outputs: &[(&str, usize)]) -> Result<Self, NetworkError> {
        let model = verified.entry.file.clone();
        let failed = |reason: String| NetworkError::Load { model: model.clone(), reason: one_line(&reason) };
        let mut options = ModelOptions::with_all_ops();
        options.prepack_weights(true);
        let net = options.load(verified.bytes.clone()).map_err(|error| failed(error.to_string()))?;
        let &[input] = net.input_ids() else {
            return Err(failed(format!("{} inputs instead of one", net.input_ids().len())));
        };
        let find = |&(name, values): &(&str, usize)| match net.find_node(name) {
            Some(node) => Ok(Output { name: name.into(), node, values }),
            None => Err(failed(format!("it has no output {name}"))),
        };
        let outputs = outputs.iter().map(find).collect::<Result<Vec<_>, _>>()?;
        let [width, height] = verified.entry.input.map(i32::from);
        let planes = vec![0.0; CHANNELS * usize::from(verified.entry.input[0]) * usize::from(verified.entry.input[1])];
        let threads = Arc::new(ThreadPool::with_num_threads(THREADS));
        let mut network = Self { net, threads, model, input, outputs, size: Size::new(width, height), planes };
        network.compute()?;
        Ok(network)
    }

    /// Input size in pixels, width and height.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Computes the outputs for an 8-bit BGR picture of exactly [`Network::size`].
    pub fn run(&mut self, picture: &Mat) -> Result<Vec<Vec<f32>>, NetworkError> {
        self.fill(picture)?;
        self.compute()
    }

    /// The same for a network that takes pictures of several sizes: from now on its input is `size` and its outputs have `values` each.
    pub fn run_sized(&mut self, picture: &Mat, size: Size, values: &[usize]) -> Result<Vec<Vec<f32>>, NetworkError> {
        self.size = size;
        self.planes.resize(CHANNELS * (size.width * size.height) as usize, 0.0);
        for (output, &values) in self.outputs.iter_mut().zip(values) {
            output.values = values;
        }
        self.run(picture)
    }

    fn fill(&mut self, picture: &Mat) -> Result<(), NetworkError> {
        let failed = |reason: String| NetworkError::Run { model: self.model.clone(), reason };
        let pixels = picture.data_typed::<Vec3b>().map_err(|error| failed(brief(&error)))?;
        let plane = self.planes.len() / CHANNELS;
        if pixels.len() != plane {
            return Err(failed(format!("a picture of {} pixels for an input of {plane}", pixels.len())));
        }
        let (red, rest) = self.planes.split_at_mut(plane);
        let (green, blue) = rest.split_at_mut(plane);
        for (pixel, ((red, green), blue)) in pixels.iter().zip(red.iter_mut().zip(green).zip(blue)) {
            let value = |channel: usize| (f32::from(pixel[channel]) - INPUT_MEAN) / INPUT_SPREAD;
            (*blue, *green, *red) = (value(0), value(1), value(2));
        }
        Ok(())
    }

    fn compute(&mut self) -> Result<Vec<Vec<f32>>, NetworkError> {
        let failed = |reason: String| NetworkError::Run { model: self.model.clone(), reason: one_line(&reason) };
        let shape = [1, CHANNELS, self.size.height as usize, self.size.width as usize];
        let input = NdTensorView::from_data(shape, self.planes.as_slice());
        let nodes: Vec<NodeId> = self.outputs.iter().map(|output| output.node).collect();
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&self.threads)));
        let inputs = vec![(self.input, ValueOrView::from(input.as_dyn()))];
        let computed = self.net.run(inputs, &nodes, Some(options)).map_err(|error| failed(error.to_string()))?;
        let mut values = Vec::with_capacity(self.outputs.len());
        for (output, value) in self.outputs.iter().zip(computed) {
            let tensor: Tensor<f32> = value.try_into().map_err(|_| failed(format!("{} is not of floats", output.name)))?;
            let data = tensor.to_vec();
            if data.len() != output.values || data.iter().any(|value| !value.is_finite()) {
                let (model, output_name) = (self.model.clone(), output.name.clone());
                return Err(NetworkError::Shape { model, output: output_name, found: data.len(), expected: output.values });
            }
            values.push(data);
        }
        Ok(values)
    }
}

/// OpenCV's message without its source position, in one line.
pub fn brief(error: &opencv::Error) -> String {
    one_line(&error.message)
}

fn one_line(reason: &str) -> String {
    reason.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect()
}
