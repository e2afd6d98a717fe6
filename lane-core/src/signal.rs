//! The process image: what the lane's inputs last said, when, and whether that may still be believed.
//!
//! A signal's value here is *logical*: On means the loop is occupied, the photocell is interrupted, the limit is reached, the stop is
//! pressed, the key is turned. The barrier adapter has already taken out the electrical level (normally open or closed).
//!
//! ```text
//!   Absent ── not fitted on this lane; takes a conclusion away and never comes back
//!   Never  ── fitted, not read since the start
//!   Stale  ── read, but longer ago than `fresh_ms`
//!   Fresh  ── read within `fresh_ms`
//! ```
//! Only Fresh gives a value. Everything else is [`Tri::Unknown`], and unknown holds.

use crate::time::Mono;
use serde::{Deserialize, Serialize};

/// An input of the lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// Loop where a truck arrives.
    ApproachLoop,
    /// The platform's end nearest the boom.
    PlatformFront,
    /// The platform's far end.
    PlatformRear,
    /// Loop just before the boom.
    BoomLoop,
    /// Light barrier across the boom line.
    Photocell,
    /// Loop just after the boom.
    ExitLoop,
    /// Upper limit reached.
    BoomUp,
    /// Lower limit reached.
    BoomDown,
    /// The hard-wired emergency stop is pressed (only read).
    EStop,
    /// The boom's own controller reports a fault.
    OperatorFault,
    /// The key switch for working by hand is turned.
    ManualKey,
    /// The cabinet is open.
    Tamper,
}

impl Signal {
    /// How many signals there are.
    pub const COUNT: usize = 12;

    /// Every signal, in the order of the design.
    pub const ALL: [Self; Self::COUNT] = [
        Self::ApproachLoop,
        Self::PlatformFront,
        Self::PlatformRear,
        Self::BoomLoop,
        Self::Photocell,
        Self::ExitLoop,
        Self::BoomUp,
        Self::BoomDown,
        Self::EStop,
        Self::OperatorFault,
        Self::ManualKey,
        Self::Tamper,
    ];

    /// The name in settings, records and screens.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ApproachLoop => "approach_loop",
            Self::PlatformFront => "platform_front",
            Self::PlatformRear => "platform_rear",
            Self::BoomLoop => "boom_loop",
            Self::Photocell => "photocell",
            Self::ExitLoop => "exit_loop",
            Self::BoomUp => "boom_up",
            Self::BoomDown => "boom_down",
            Self::EStop => "e_stop",
            Self::OperatorFault => "operator_fault",
            Self::ManualKey => "manual_key",
            Self::Tamper => "tamper",
        }
    }

    /// The signal of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|signal| signal.name() == name)
    }
}

/// An output of the lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Output {
    /// Raise the boom.
    Open,
    /// Lower the boom.
    Close,
    /// Stop the boom (asserted = stop; the contact itself is normally closed).
    Stop,
    /// Red light.
    LightRed,
    /// Green light.
    LightGreen,
    /// Buzzer.
    Buzzer,
}

impl Output {
    /// How many outputs there are.
    pub const COUNT: usize = 6;

    /// Every output, in the order of the design.
    pub const ALL: [Self; Self::COUNT] = [Self::Open, Self::Close, Self::Stop, Self::LightRed, Self::LightGreen, Self::Buzzer];

    /// The name in settings, records and screens.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Close => "close",
            Self::Stop => "stop",
            Self::LightRed => "light_red",
            Self::LightGreen => "light_green",
            Self::Buzzer => "buzzer",
        }
    }

    /// The output of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|output| output.name() == name)
    }
}

/// What every output should be: true = asserted, whatever level that is on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Outputs([bool; Output::COUNT]);

impl Outputs {
    /// Nothing asserted.
    pub const OFF: Self = Self([false; Output::COUNT]);

    /// Is this output asserted?
    #[must_use]
    pub const fn get(self, output: Output) -> bool {
        self.0[output as usize]
    }

    /// Assert or release one output.
    pub const fn set(&mut self, output: Output, on: bool) {
        self.0[output as usize] = on;
    }
}

/// One reading of one input. It cannot be built without its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Sample {
    /// The logical value.
    pub value: bool,
    /// When the request that read it was sent (never later than the truth).
    pub acquired_at: Mono,
}

/// May a signal be believed?
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// Read within `fresh_ms`.
    Fresh,
    /// Read, but longer ago.
    Stale,
    /// Fitted and never read.
    Never,
    /// Not fitted.
    Absent,
}

/// A value, or the honest lack of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tri {
    /// Freshly seen active.
    On,
    /// Freshly seen inactive.
    Off,
    /// Stale, never read, or not fitted.
    Unknown,
}

impl Tri {
    /// On if either is on, else unknown if either is unknown.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::On, _) | (_, Self::On) => Self::On,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::Off, Self::Off) => Self::Off,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
enum Slot {
    Absent,
    Never,
    Read(Sample),
}

/// The latest sample of every signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProcessImage {
    slots: [Slot; Signal::COUNT],
}

impl ProcessImage {
    /// An image in which only `fitted` signals exist, none of them read yet.
    #[must_use]
    pub fn new(fitted: impl IntoIterator<Item = Signal>) -> Self {
        let mut slots = [Slot::Absent; Signal::COUNT];
        for signal in fitted {
            slots[signal as usize] = Slot::Never;
        }
        Self { slots }
    }

    /// Takes a reading. A signal that is not fitted stays absent; an older reading never replaces a newer one.
    pub fn put(&mut self, signal: Signal, sample: Sample) {
        let slot = &mut self.slots[signal as usize];
        match slot {
            Slot::Absent => {}
            Slot::Read(old) if old.acquired_at > sample.acquired_at => {}
            Slot::Never | Slot::Read(_) => *slot = Slot::Read(sample),
        }
    }

    /// Is the signal fitted on this lane?
    #[must_use]
    pub const fn is_fitted(&self, signal: Signal) -> bool {
        !matches!(self.slots[signal as usize], Slot::Absent)
    }

    /// The last sample, however old.
    #[must_use]
    pub const fn sample(&self, signal: Signal) -> Option<Sample> {
        match self.slots[signal as usize] {
            Slot::Read(sample) => Some(sample),
            Slot::Absent | Slot::Never => None,
        }
    }

    /// How far the signal may be believed. A sample from the future is stale: a clock that disagrees proves nothing.
    #[must_use]
    pub const fn quality(&self, signal: Signal, now: Mono, fresh_ms: u64) -> Quality {
        match self.slots[signal as usize] {
            Slot::Absent => Quality::Absent,
            Slot::Never => Quality::Never,
            Slot::Read(sample) if sample.acquired_at.0 <= now.0 && now.since(sample.acquired_at) <= fresh_ms => Quality::Fresh,
            Slot::Read(_) => Quality::Stale,
        }
    }

    /// The signal's value now.
    #[must_use]
    pub const fn value(&self, signal: Signal, now: Mono, fresh_ms: u64) -> Tri {
        match (self.quality(signal, now, fresh_ms), self.sample(signal)) {
            (Quality::Fresh, Some(Sample { value: true, .. })) => Tri::On,
            (Quality::Fresh, Some(Sample { value: false, .. })) => Tri::Off,
            _ => Tri::Unknown,
        }
    }

    /// Calls `f` with the time of every sample, for a model that keeps times relative.
    pub fn shift_times(&mut self, f: &mut dyn FnMut(&mut Mono)) {
        for slot in &mut self.slots {
            if let Slot::Read(sample) = slot {
                f(&mut sample.acquired_at);
            }
        }
    }

    /// Milliseconds since the signal was read; none when it never was.
    #[must_use]
    pub fn age_ms(&self, signal: Signal, now: Mono) -> Option<u64> {
        self.sample(signal).map(|sample| now.since(sample.acquired_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Mono = Mono(1_000);

    fn read(value: bool, at: u64) -> ProcessImage {
        let mut image = ProcessImage::new([Signal::BoomLoop]);
        image.put(Signal::BoomLoop, Sample { value, acquired_at: Mono(at) });
        image
    }

    #[test]
    fn only_a_fresh_sample_is_a_value() {
        let value = |image: ProcessImage| image.value(Signal::BoomLoop, NOW, 300);
        assert_eq!(value(ProcessImage::new([])), Tri::Unknown);
        assert_eq!(value(ProcessImage::new([Signal::BoomLoop])), Tri::Unknown);
        assert_eq!(value(read(true, 700)), Tri::On);
        assert_eq!(value(read(false, 700)), Tri::Off);
        assert_eq!(value(read(false, 699)), Tri::Unknown, "301 ms old");
        assert_eq!(value(read(false, 1_001)), Tri::Unknown, "from the future");
    }

    #[test]
    fn an_absent_signal_takes_no_sample() {
        let mut image = ProcessImage::new([Signal::BoomLoop]);
        image.put(Signal::ExitLoop, Sample { value: true, acquired_at: NOW });
        assert_eq!(image.quality(Signal::ExitLoop, NOW, 300), Quality::Absent);
        assert!(!image.is_fitted(Signal::ExitLoop));
    }

    #[test]
    fn an_older_reading_never_replaces_a_newer_one() {
        let mut image = read(true, 900);
        image.put(Signal::BoomLoop, Sample { value: false, acquired_at: Mono(800) });
        assert_eq!(image.value(Signal::BoomLoop, NOW, 300), Tri::On);
    }

    #[test]
    fn names_and_order_agree() {
        for (index, signal) in Signal::ALL.into_iter().enumerate() {
            assert_eq!(signal as usize, index);
            assert_eq!(Signal::from_name(signal.name()), Some(signal));
        }
        for (index, output) in Output::ALL.into_iter().enumerate() {
            assert_eq!(output as usize, index);
            assert_eq!(Output::from_name(output.name()), Some(output));
        }
    }
}
