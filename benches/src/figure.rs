//! One figure: a value, a peer measured in the same run, and the aim it is held against.

use serde::Serialize;

/// Why a figure could not be measured.
pub type Fail = Box<dyn std::error::Error + Send + Sync>;

/// What a figure is held against.
#[derive(Debug, Clone, Copy)]
pub enum Aim {
    /// `value / peer` at most.
    RatioAtMost(f64),
    /// The value itself at most.
    ValueAtMost(f64),
    /// The value itself at least.
    ValueAtLeast(f64),
}

/// One row of `bench.json`.
#[derive(Debug, Serialize)]
pub struct Figure {
    name: &'static str,
    value: f64,
    unit: &'static str,
    peer: f64,
    ratio: f64,
    #[serde(skip)]
    aim: Aim,
}

impl Figure {
    /// A figure; numbers are kept to four significant digits, the ratio to three decimals.
    pub fn new(name: &'static str, (value, unit): (f64, &'static str), peer: f64, aim: Aim) -> Self {
        let ratio = (value / peer * 1_000.0).round() / 1_000.0;
        Self { name, value: rounded(value), unit, peer: rounded(peer), ratio, aim }
    }

    fn reaches_aim(&self) -> bool {
        match self.aim {
            Aim::RatioAtMost(most) => self.ratio <= most,
            Aim::ValueAtMost(most) => self.value <= most,
            Aim::ValueAtLeast(least) => self.value >= least,
        }
    }

    /// The heading of [`Figure::line`].
    pub fn heading() -> String {
        format!("{:<24} {:>14} {:<9} {:>14} {:>10}  aim", "name", "value", "unit", "peer", "ratio")
    }

    /// The figure as a line of the table.
    pub fn line(&self) -> String {
        let aim = match self.aim {
            Aim::RatioAtMost(most) => format!("ratio <= {most}"),
            Aim::ValueAtMost(most) => format!("value <= {most}"),
            Aim::ValueAtLeast(least) => format!("value >= {least}"),
        };
        let reached = if self.reaches_aim() { "reached" } else { "MISSED" };
        format!("{:<24} {:>14} {:<9} {:>14} {:>10}  {aim}: {reached}", self.name, self.value, self.unit, self.peer, self.ratio)
    }
}

fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let scale = 10_f64.powf(3.0 - value.abs().log10().floor());
    (value * scale).round() / scale
}

/// The value below which this share of the values lies; sorts them.
pub fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = (values.len() as f64 * share).ceil() as usize;
    values.get(at.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}
