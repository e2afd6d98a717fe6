//! Settings of weighing, with defaults and bounds. Weights in grams, times in milliseconds.

use serde::{Deserialize, Serialize};

/// When a reading counts as a weighing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightRules {
    /// Samples of a steady run differ by no more than this. 1 to 1,000,000.
    pub band_grams: i64,
    /// Without a flag of the indicator: a steady run lasts at least this long. 500 to 60,000.
    pub window_ms: u64,
    /// ... and holds at least this many samples. 2 to 1,000.
    pub min_samples: u16,
    /// With a flag of the indicator: this many stable samples in a row. 1 to 100.
    pub flag_min_samples: u16,
    /// No frame for this long is no weight. 200 to 10,000.
    pub stale_after_ms: u64,
    /// A silence of this length counts as a restart of the indicator. At least `stale_after_ms`, at most 60,000.
    pub restart_gap_ms: u64,
    /// The platform is at zero within this. 0 to 1,000,000, and below `min_vehicle_grams`.
    pub zero_band_grams: i64,
    /// Less than this is no vehicle. 1 to 10,000,000.
    pub min_vehicle_grams: i64,
    /// More than this is overload, whatever the indicator says. Up to 1,000,000,000, and above `min_vehicle_grams`.
    pub max_grams: i64,
    /// Both platform ends must have been quiet for this long. 0 to 60,000.
    pub ends_quiet_ms: u64,
    /// A site without platform ends accepts, by name, that nobody sees whether the vehicle is wholly on.
    pub accept_without_ends: bool,
    /// The indicator's format does not mark gross and net; a person compared it with the display, and it sends gross.
    pub unmarked_is_gross: bool,
}

impl Default for WeightRules {
    /// For a truck scale of 20 kg divisions sending 5 to 10 frames a second: a band of two divisions, zero within five,
    /// stale after two seconds, nothing accepted that is not seen.
    fn default() -> Self {
        Self {
            band_grams: 40_000,
            window_ms: 2000,
            min_samples: 5,
            flag_min_samples: 3,
            stale_after_ms: 2000,
            restart_gap_ms: 3000,
            zero_band_grams: 100_000,
            min_vehicle_grams: 500_000,
            max_grams: 120_000_000,
            ends_quiet_ms: 500,
            accept_without_ends: false,
            unmarked_is_gross: false,
        }
    }
}

/// A setting outside its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{setting} is {value}; {min} to {max} are possible")]
pub struct WeightRulesError {
    /// The field's name.
    pub setting: &'static str,
    /// As given.
    pub value: i64,
    /// Lowest possible.
    pub min: i64,
    /// Highest possible.
    pub max: i64,
}

impl WeightRules {
    /// The first setting outside its bounds.
    pub fn validate(&self) -> Result<(), WeightRulesError> {
        let ms = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        for (setting, value, min, max) in [
            ("band_grams", self.band_grams, 1, 1_000_000),
            ("window_ms", ms(self.window_ms), 500, 60_000),
            ("min_samples", i64::from(self.min_samples), 2, 1000),
            ("flag_min_samples", i64::from(self.flag_min_samples), 1, 100),
            ("stale_after_ms", ms(self.stale_after_ms), 200, 10_000),
            ("restart_gap_ms", ms(self.restart_gap_ms), ms(self.stale_after_ms), 60_000),
            ("min_vehicle_grams", self.min_vehicle_grams, 1, 10_000_000),
            ("zero_band_grams", self.zero_band_grams, 0, self.min_vehicle_grams.min(1_000_001) - 1),
            ("max_grams", self.max_grams, self.min_vehicle_grams.saturating_add(1), 1_000_000_000),
            ("ends_quiet_ms", ms(self.ends_quiet_ms), 0, 60_000),
        ] {
            if !(min..=max).contains(&value) {
                return Err(WeightRulesError { setting, value, min, max });
            }
        }
        Ok(())
    }
}
