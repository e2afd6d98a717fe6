//! Weight: when a reading of the indicator is a weighing of the one vehicle on the platform, and else why not.
//!
//! # Terms
//! * *sample*: one frame of the indicator; *run*: the latest samples that lie within `band_grams` of each other and say
//!   the same about motion;
//! * *steady*: the run is long enough. If the indicator has a flag of its own, `flag_min_samples` in a row must carry it (a
//!   single stable frame of a moving truck is known from the field), and "moving" is believed absolutely. If it has none,
//!   the run must last `window_ms` and hold `min_samples`;
//! * *zero seen*: the platform was steady within `zero_band_grams` of 0 since the last weighing and since any restart of the
//!   lane or the indicator (I17: an indicator may zero itself under a truck). A silence of `restart_gap_ms` counts as a
//!   restart: nobody knows what the indicator did. Zero with a vehicle counted on the platform is no zero seen, and a
//!   number far below zero takes a zero back: it was made under a load;
//! * *wholly on*: one vehicle on the platform, and both platform ends quiet for `ends_quiet_ms`. A change of either begins a
//!   new run: what was steady belongs to what stood there before.
//!
//! # States
//! ```text
//!                 steady sample inside zero band
//!   ZeroNotSeen ───────────────────────────────▶ ZeroSeen ──┐ weighing() is Ok while the run is steady
//!        ▲                                          │       │ and the vehicle wholly on
//!        └──────────────────────────────────────────┘◀──────┘
//!          take() · on_restart() · silence of restart_gap_ms
//!          zero not captured · below minus zero_band_grams
//! ```
//! A weighing is *taken* once by the passage it belongs to ([`Weight::take`]); the next one needs zero again.
//!
//! # What an absence takes away
//! | absent | then |
//! |---|---|
//! | platform ends (either) | wholly-on is unknown: no weighing, unless `accept_without_ends` (accepted by name at the site) |
//! | the lane's count of vehicles | no weighing |
//! | indicator's motion flag | numeric steadiness, which needs longer |
//! | gross/net in the frame | no weighing, unless `unmarked_is_gross` (a person compared it with the display) |
//! | frames for `stale_after_ms` | no weighing |
//!
//! A missing, moving, net, overloaded or underloaded weight is never a number: [`Reading`] carries grams in one variant only,
//! and [`Weight::weighing`] gives grams or a reason.

use crate::ids::Digest;
use crate::time::Mono;
use serde::{Deserialize, Serialize};

mod rules;
pub use rules::{WeightRules, WeightRulesError};

/// What the indicator says of motion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Stable {
    /// Stable, by its own flag.
    Yes,
    /// Moving, by its own flag (or, in several makes, by the absence of a unit).
    No,
    /// The format has no such flag.
    Unknown,
}

/// Which weight the indicator shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Shown {
    /// Gross.
    Gross,
    /// Net: a tare is subtracted.
    Net,
    /// A tare itself.
    Tare,
    /// The format does not say.
    Unknown,
}

/// What one frame says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Reading {
    /// A number.
    Value {
        /// As displayed, in grams; negative below zero.
        grams: i64,
        /// Motion.
        stable: Stable,
        /// Gross or net.
        shown: Shown,
    },
    /// Above the indicator's range.
    Overload,
    /// Below its range.
    Underload,
    /// The indicator has not captured zero since power came: its 0 is not a weight.
    ZeroNotCaptured,
    /// Another problem that the indicator reports.
    Problem,
}

/// One frame of the indicator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sample {
    /// When its last byte came.
    pub acquired_at: Mono,
    /// What it says.
    pub reading: Reading,
    /// Digest of its raw bytes, for the record of the weighing.
    pub raw: Digest,
}

/// One end of the platform: a beam or loop that a vehicle reaching over the end interrupts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum PlatformEnd {
    /// Nothing reaches over it.
    Quiet,
    /// Something does.
    Active,
    /// It exists and is not known: stale or faulty.
    Unknown,
    /// The lane has none.
    Absent,
}

/// Vehicles on the platform, as the lane counts them; tractor and trailer are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Vehicles {
    /// None.
    None,
    /// Exactly one.
    One,
    /// More than one.
    Several,
    /// Not known.
    Unknown,
}

/// What made a weighing steady.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Steadiness {
    /// The indicator's own flag.
    IndicatorFlag,
    /// The numbers: the format has no flag.
    Numbers,
}

/// A weighing of one vehicle wholly on the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Weighing {
    /// Gross weight in grams.
    pub gross_grams: i64,
    /// When the frame came that says so.
    pub acquired_at: Mono,
    /// Since when the weight was steady; a passage that began later did not make it (I10).
    pub steady_since: Mono,
    /// How it was known to be steady.
    pub steadiness: Steadiness,
    /// Digest of the frame's raw bytes.
    pub raw: Digest,
    /// The platform ends confirmed that the vehicle was wholly on; `false`: the lane has none, and the rule accepts that.
    pub ends_confirmed: bool,
}

/// Why there is no weighing. In this order of precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum WeightUnknown {
    /// No frame for `stale_after_ms`, or none at all.
    Silent,
    /// The indicator reports a problem.
    IndicatorProblem,
    /// The indicator has not captured zero since power came.
    ZeroNotCaptured,
    /// Overload, by the indicator or above `max_grams`.
    Overload,
    /// Underload, by the indicator or below minus `zero_band_grams`.
    Underload,
    /// Net is shown, not gross.
    NetShown,
    /// A tare is shown.
    TareShown,
    /// Gross or net: the format does not say, and nobody vouched for it.
    GrossNotMarked,
    /// The platform carries less than `min_vehicle_grams`.
    PlatformEmpty,
    /// The lane does not know how many vehicles are on the platform.
    VehiclesUnknown,
    /// The lane sees no vehicle on the platform.
    NoVehicle,
    /// More than one vehicle is on the platform.
    SeveralVehicles,
    /// A vehicle reaches over an end of the platform.
    NotWhollyOn,
    /// An end of the platform is stale, faulty or absent: nobody knows whether the vehicle is wholly on.
    WhollyOnUnknown,
    /// The platform was not at zero since the last weighing or a restart.
    NotZeroBefore,
    /// Moving, by the indicator's flag.
    Moving,
    /// Not steady for long enough yet.
    Settling,
}

/// The latest samples that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Run {
    low_grams: i64,
    high_grams: i64,
    since: Mono,
    /// Saturates at what the rules ask for.
    samples: u16,
    steadiness: Steadiness,
}

/// What became of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SampleUse {
    /// It is the latest.
    Used,
    /// Older than the latest, or from the future: dropped.
    OutOfOrder,
}

/// The scale of one lane. See the module's header.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Weight {
    rules: WeightRules,
    last: Option<Sample>,
    run: Option<Run>,
    zero_seen: bool,
    front: PlatformEnd,
    rear: PlatformEnd,
    vehicles: Vehicles,
    /// Since when neither end is active or unknown and one vehicle is there.
    quiet_since: Option<Mono>,
}

impl Weight {
    /// After a start of the lane: nothing is known, and zero was not seen.
    pub fn new(rules: WeightRules) -> Self {
        Self {
            rules,
            last: None,
            run: None,
            zero_seen: false,
            front: PlatformEnd::Unknown,
            rear: PlatformEnd::Unknown,
            vehicles: Vehicles::Unknown,
            quiet_since: None,
        }
    }

    /// New rules; what was steady under the old ones must become steady again.
    pub fn set_rules(&mut self, rules: WeightRules) {
        if rules != self.rules {
            self.rules = rules;
            self.run = None;
        }
    }

    /// A frame came. Bad frames never get here; a frame that reports a problem does.
    pub fn on_sample(&mut self, now: Mono, sample: Sample) -> SampleUse {
        let previous = self.last.map(|last| last.acquired_at);
        if sample.acquired_at > now || previous.is_some_and(|previous| sample.acquired_at < previous) {
            return SampleUse::OutOfOrder;
        }
        let gap_ms = previous.map(|previous| sample.acquired_at.since(previous));
        if gap_ms.is_none_or(|gap_ms| gap_ms >= self.rules.restart_gap_ms) {
            self.zero_seen = false;
            self.run = None;
        } else if gap_ms.is_some_and(|gap_ms| gap_ms >= self.rules.stale_after_ms) {
            self.run = None;
        }
        self.last = Some(sample);
        self.run = self.next_run(&sample);
        match sample.reading {
            // An indicator without zero has restarted, whether or not it was silent meanwhile.
            Reading::ZeroNotCaptured => self.zero_seen = false,
            // Far below zero: the zero that was seen was made under a load.
            Reading::Underload => self.zero_seen = false,
            Reading::Value { grams, shown, .. } if self.is_gross(shown) => {
                if grams < -self.rules.zero_band_grams {
                    self.zero_seen = false;
                } else if grams <= self.rules.zero_band_grams
                    && !matches!(self.vehicles, Vehicles::One | Vehicles::Several)
                    && self.steady_run(sample.acquired_at).is_some()
                {
                    self.zero_seen = true;
                }
            }
            _ => {}
        }
        SampleUse::Used
    }

    /// The platform as the lane's signals and its count of vehicles have it; call at every change.
    pub fn on_platform(&mut self, now: Mono, front: PlatformEnd, rear: PlatformEnd, vehicles: Vehicles) {
        if (front, rear, vehicles) != (self.front, self.rear, self.vehicles) {
            // What was steady belongs to what stood there before.
            self.run = None;
        }
        (self.front, self.rear, self.vehicles) = (front, rear, vehicles);
        let quiet = |end| matches!(end, PlatformEnd::Quiet | PlatformEnd::Absent);
        if quiet(front) && quiet(rear) && vehicles == Vehicles::One {
            self.quiet_since = self.quiet_since.or(Some(now));
        } else {
            self.quiet_since = None;
        }
    }

    /// The indicator, its line or the lane restarted: zero must be seen again.
    pub fn on_restart(&mut self) {
        self.zero_seen = false;
        self.run = None;
        self.last = None;
    }

    /// The weighing of the vehicle on the platform, or the first reason why there is none.
    pub fn weighing(&self, now: Mono) -> Result<Weighing, WeightUnknown> {
        let (sample, grams, stable) = self.number(now)?;
        if grams < self.rules.min_vehicle_grams {
            return Err(WeightUnknown::PlatformEmpty);
        }
        let wholly_on_since = self.wholly_on()?;
        if !self.zero_seen {
            return Err(WeightUnknown::NotZeroBefore);
        }
        if stable == Stable::No {
            return Err(WeightUnknown::Moving);
        }
        let run = self.steady_run(sample.acquired_at).ok_or(WeightUnknown::Settling)?;
        // The steady samples must be of the vehicle as it stands now, wholly on.
        if sample.acquired_at < wholly_on_since.plus(self.rules.ends_quiet_ms) {
            return Err(WeightUnknown::Settling);
        }
        Ok(Weighing {
            gross_grams: grams,
            acquired_at: sample.acquired_at,
            steady_since: run.since,
            steadiness: run.steadiness,
            raw: sample.raw,
            ends_confirmed: self.front == PlatformEnd::Quiet && self.rear == PlatformEnd::Quiet,
        })
    }

    /// Takes the weighing for a passage: the next one needs the platform at zero before.
    pub fn take(&mut self, now: Mono) -> Result<Weighing, WeightUnknown> {
        let weighing = self.weighing(now)?;
        self.zero_seen = cfg!(planted = "i17");
        Ok(weighing)
    }

    /// The live gross number with its time, whoever's it is, for screens; never for a verdict.
    pub fn live(&self, now: Mono) -> Result<(i64, Mono), WeightUnknown> {
        self.number(now).map(|(sample, grams, _)| (grams, sample.acquired_at))
    }

    /// Was the platform at zero since the last weighing and restart?
    pub fn zero_seen(&self) -> bool {
        self.zero_seen
    }

    /// When [`Self::weighing`] changes by time alone: the latest sample gets stale.
    pub fn next_timeout(&self, now: Mono) -> Option<Mono> {
        let stale_at = self.last.map(|last| last.acquired_at.plus(self.rules.stale_after_ms));
        stale_at.filter(|&at| at > now)
    }

    /// Shifts every time, for a model checker that keeps times relative.
    pub fn shift_times(&mut self, shift: &mut dyn FnMut(&mut Mono)) {
        if let Some(last) = &mut self.last {
            shift(&mut last.acquired_at);
        }
        if let Some(run) = &mut self.run {
            shift(&mut run.since);
        }
        if let Some(quiet_since) = &mut self.quiet_since {
            shift(quiet_since);
        }
    }

    /// For a model checker: holds every age at what is asked of it. `unweighed`: since when the youngest vehicle without a weighing is there;
    /// says whether the run is no older than that, so that its age may be forgotten too.
    pub(crate) fn hold_times(&mut self, now: Mono, unweighed: Option<Mono>) -> bool {
        if let Some(quiet_since) = &mut self.quiet_since {
            now.hold(quiet_since, self.rules.ends_quiet_ms);
        }
        let Some(run) = &mut self.run else { return true };
        let in_order = unweighed.is_none_or(|since| run.since >= since);
        if in_order {
            now.hold(&mut run.since, self.rules.window_ms);
        }
        in_order
    }

    /// The latest sample if it is a fresh gross number inside the scale's range.
    fn number(&self, now: Mono) -> Result<(&Sample, i64, Stable), WeightUnknown> {
        let sample = self.last.as_ref().ok_or(WeightUnknown::Silent)?;
        if now.since(sample.acquired_at) >= self.rules.stale_after_ms {
            return Err(WeightUnknown::Silent);
        }
        let Reading::Value { grams, stable, shown } = sample.reading else {
            return Err(match sample.reading {
                Reading::Overload => WeightUnknown::Overload,
                Reading::Underload => WeightUnknown::Underload,
                Reading::ZeroNotCaptured => WeightUnknown::ZeroNotCaptured,
                Reading::Problem | Reading::Value { .. } => WeightUnknown::IndicatorProblem,
            });
        };
        match shown {
            Shown::Net => return Err(WeightUnknown::NetShown),
            Shown::Tare => return Err(WeightUnknown::TareShown),
            Shown::Unknown if !self.rules.unmarked_is_gross => return Err(WeightUnknown::GrossNotMarked),
            Shown::Unknown | Shown::Gross => {}
        }
        if grams > self.rules.max_grams {
            return Err(WeightUnknown::Overload);
        }
        if grams < -self.rules.zero_band_grams {
            return Err(WeightUnknown::Underload);
        }
        Ok((sample, grams, stable))
    }

    fn is_gross(&self, shown: Shown) -> bool {
        shown == Shown::Gross || (shown == Shown::Unknown && self.rules.unmarked_is_gross)
    }

    /// Since when one vehicle is wholly on the platform.
    fn wholly_on(&self) -> Result<Mono, WeightUnknown> {
        match self.vehicles {
            Vehicles::Unknown => return Err(WeightUnknown::VehiclesUnknown),
            Vehicles::None => return Err(WeightUnknown::NoVehicle),
            Vehicles::Several => return Err(WeightUnknown::SeveralVehicles),
            Vehicles::One => {}
        }
        let ends = [self.front, self.rear];
        if ends.contains(&PlatformEnd::Active) {
            return Err(WeightUnknown::NotWhollyOn);
        }
        if ends.contains(&PlatformEnd::Unknown) || (ends.contains(&PlatformEnd::Absent) && !self.rules.accept_without_ends) {
            return Err(WeightUnknown::WhollyOnUnknown);
        }
        self.quiet_since.ok_or(WeightUnknown::WhollyOnUnknown)
    }

    /// The run with this sample added, or a new one; `None` while moving or without a gross number.
    fn next_run(&self, sample: &Sample) -> Option<Run> {
        let Reading::Value { grams, stable, shown } = sample.reading else { return None };
        let steadiness = match stable {
            Stable::No => return None,
            Stable::Yes => Steadiness::IndicatorFlag,
            Stable::Unknown => Steadiness::Numbers,
        };
        if !self.is_gross(shown) {
            return None;
        }
        let alone = Run { low_grams: grams, high_grams: grams, since: sample.acquired_at, samples: 1, steadiness };
        let Some(run) = self.run.filter(|run| run.steadiness == steadiness) else { return Some(alone) };
        let (low_grams, high_grams) = (run.low_grams.min(grams), run.high_grams.max(grams));
        if high_grams.abs_diff(low_grams) > self.rules.band_grams.unsigned_abs() {
            return Some(alone);
        }
        let enough = self.rules.flag_min_samples.max(self.rules.min_samples);
        Some(Run { low_grams, high_grams, samples: (run.samples + 1).min(enough), ..run })
    }

    fn steady_run(&self, at: Mono) -> Option<Run> {
        self.run.filter(|run| match run.steadiness {
            Steadiness::IndicatorFlag => run.samples >= self.rules.flag_min_samples,
            Steadiness::Numbers => run.samples >= self.rules.min_samples && at.since(run.since) >= self.rules.window_ms,
        })
    }
}

#[cfg(test)]
mod tests;
