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
    /// The value itself at least, and above the peer where there is one.
    ValueAtLeastAndAbovePeer(f64),
    /// None: told to be known.
    Told,
}

/// How often something was so, of how many; with the bounds of 95 % certainty (Wilson's score interval).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Count {
    hits: u64,
    of: u64,
    low: f64,
    high: f64,
}

impl Count {
    /// `hits` at most `of`.
    pub fn new(hits: u64, of: u64) -> Self {
        let (low, high) = wilson(hits, of);
        Self { hits, of, low, high }
    }

    /// The share; 0 of none.
    pub fn share(&self) -> f64 {
        self.hits as f64 / self.of.max(1) as f64
    }
}

/// 97.5 % of a normal distribution lie below so many standard deviations.
const Z: f64 = 1.959_964;

/// Wilson's score interval of 95 % (E. B. Wilson 1927): it stays within 0 and 1 and says something of 0 hits too. Of nothing nothing is known.
pub fn wilson(hits: u64, of: u64) -> (f64, f64) {
    if of == 0 {
        return (0.0, 1.0);
    }
    let (n, p) = (of as f64, hits as f64 / of as f64);
    let centre = p + Z * Z / (2.0 * n);
    let reach = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    let whole = 1.0 + Z * Z / n;
    (((centre - reach) / whole).max(0.0), ((centre + reach) / whole).min(1.0))
}

/// One row of `bench.json`.
#[derive(Debug, Serialize)]
pub struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    /// Null where there is none.
    peer: f64,
    ratio: f64,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    count: Option<Count>,
    #[serde(skip)]
    aim: Aim,
}

impl Figure {
    /// A figure; numbers are kept to four significant digits, the ratio to three decimals.
    pub fn new(name: impl Into<String>, (value, unit): (f64, &'static str), peer: f64, aim: Aim) -> Self {
        let ratio = (value / peer * 1_000.0).round() / 1_000.0;
        Self { name: name.into(), value: rounded(value), unit, peer: rounded(peer), ratio, count: None, aim }
    }

    /// A share with its bounds; `peer` is not a number where there is none.
    pub fn share(name: impl Into<String>, count: Count, peer: f64, aim: Aim) -> Self {
        Self { count: Some(count), ..Self::new(name, (count.share(), "share"), peer, aim) }
    }

    fn reaches_aim(&self) -> bool {
        match self.aim {
            Aim::RatioAtMost(most) => self.ratio <= most,
            Aim::ValueAtMost(most) => self.value <= most,
            Aim::ValueAtLeast(least) => self.value >= least,
            Aim::ValueAtLeastAndAbovePeer(least) => self.value >= least && (self.peer.is_nan() || self.value > self.peer),
            Aim::Told => true,
        }
    }

    /// The heading of [`Figure::line`].
    pub fn heading() -> String {
        format!("{:<40} {:>14} {:<9} {:>14} {:>10}  aim", "name", "value", "unit", "peer", "ratio")
    }

    /// The figure as a line of the table.
    pub fn line(&self) -> String {
        let aim = match self.aim {
            Aim::RatioAtMost(most) => format!("ratio <= {most}"),
            Aim::ValueAtMost(most) => format!("value <= {most}"),
            Aim::ValueAtLeast(least) => format!("value >= {least}"),
            Aim::ValueAtLeastAndAbovePeer(least) => format!("value >= {least} and > peer"),
            Aim::Told => String::new(),
        };
        let reached = match self.aim {
            Aim::Told => "",
            _ if self.reaches_aim() => ": reached",
            _ => ": MISSED",
        };
        let or_dash = |value: f64| if value.is_finite() { value.to_string() } else { "-".to_owned() };
        let (peer, ratio) = (or_dash(self.peer), or_dash(self.ratio));
        let count =
            self.count.map(|count| format!("  {} of {}, 95 %: {} to {}", count.hits, count.of, brief(count.low), brief(count.high)));
        let count = count.unwrap_or_default();
        format!("{:<40} {:>14} {:<9} {peer:>14} {ratio:>10}  {aim}{reached}{count}", self.name, self.value, self.unit)
    }
}

/// A share as the table has it: small ones, which are what is asked of a wrong opening, with their power of ten.
fn brief(share: f64) -> String {
    if share == 0.0 || share >= 0.001 { format!("{share:.4}") } else { format!("{share:.1e}") }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilsons_bounds_are_those_of_the_books() {
        let near = |(low, high): (f64, f64), want: (f64, f64)| (low - want.0).abs() < 5e-4 && (high - want.1).abs() < 5e-4;
        assert!(near(wilson(8, 10), (0.4902, 0.9433)));
        assert!(near(wilson(179, 184), (0.9379, 0.9883)));
        assert!(near(wilson(10, 10), (0.7225, 1.0)));
        let (low, high) = wilson(0, 1_000_000);
        assert!(low == 0.0 && (high - 3.8415e-6).abs() < 1e-8, "{high}");
        assert_eq!(wilson(0, 0), (0.0, 1.0));
    }

    #[test]
    fn a_share_carries_its_count_into_the_row() {
        let row = serde_json::to_value(Figure::share("x", Count::new(1, 4), f64::NAN, Aim::Told)).unwrap();
        assert_eq!((row["value"].as_f64(), row["hits"].as_u64(), row["of"].as_u64()), (Some(0.25), Some(1), Some(4)));
        assert!(row["peer"].is_null() && row["low"].as_f64().unwrap() < 0.25);
        let plain = serde_json::to_value(Figure::new("y", (2.0, "ms"), 4.0, Aim::Told)).unwrap();
        assert!(plain.get("hits").is_none(), "{plain}");
        let line = Figure::share("z", Count::new(0, 1_000_000), 1e-5, Aim::ValueAtMost(1e-5)).line();
        assert!(line.contains("reached  0 of 1000000, 95 %: 0.0000 to 3.8e-6"), "{line}");
    }

    #[test]
    fn a_quantile_is_one_of_the_values() {
        let mut values = [4.0, 1.0, 3.0, 2.0];
        assert_eq!((quantile(&mut values, 0.5), quantile(&mut values, 0.95)), (2.0, 4.0));
    }
}
