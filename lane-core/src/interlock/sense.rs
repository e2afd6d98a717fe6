//! One scan's reading of the process image, in the interlock's own terms.

use super::config::Config;
use crate::signal::{ProcessImage, Signal, Tri};
use crate::time::Mono;

/// Where the limit switches say the boom is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limits {
    Up,
    Down,
    /// Neither limit.
    Between,
    /// Both limits: a lie.
    Both,
    Unknown,
}

/// The signals a movement depends on, each one's conclusion drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sense {
    pub limits: Limits,
    pub boom_loop: Tri,
    pub photocell: Tri,
    pub has_boom_loop: bool,
    pub has_photocell: bool,
    /// `boom_loop` or `photocell`: something may be under the boom. Unknown when neither is fitted.
    pub under: Tri,
    /// Off when not fitted.
    pub exit: Tri,
    pub has_exit: bool,
    /// Hard-wired stop pressed; off when not fitted.
    pub e_stop: Tri,
    /// The boom's controller reports a fault; off when not fitted.
    pub operator_fault: Tri,
    /// Off when not fitted.
    pub manual_key: Tri,
    /// Before the boom: approach loop and platform ends; off when none is fitted.
    pub before: Tri,
    pub has_before: bool,
    /// Every fitted signal a movement depends on was read within `fresh_ms`, and the required ones are fitted.
    pub complete: bool,
}

const NEEDED: [Signal; 8] = [
    Signal::BoomLoop,
    Signal::Photocell,
    Signal::ExitLoop,
    Signal::BoomUp,
    Signal::BoomDown,
    Signal::EStop,
    Signal::OperatorFault,
    Signal::ManualKey,
];

const BEFORE: [Signal; 3] = [Signal::ApproachLoop, Signal::PlatformFront, Signal::PlatformRear];

impl Sense {
    pub fn read(image: &ProcessImage, now: Mono, config: &Config) -> Self {
        let fresh_ms = if cfg!(planted = "i1_stale") { u64::MAX } else { config.fresh_ms };
        let raw = |signal| image.value(signal, now, fresh_ms);
        let or_off = |signal| if image.is_fitted(signal) { raw(signal) } else { Tri::Off };
        let any = |signals: &[Signal]| {
            signals.iter().filter(|signal| image.is_fitted(**signal)).map(|signal| raw(*signal)).reduce(Tri::or).unwrap_or(Tri::Unknown)
        };
        let limits = match (raw(Signal::BoomUp), raw(Signal::BoomDown)) {
            (Tri::On, Tri::On) => Limits::Both,
            (Tri::On, Tri::Off) => Limits::Up,
            (Tri::Off, Tri::On) => Limits::Down,
            (Tri::Off, Tri::Off) => Limits::Between,
            (Tri::Unknown, _) | (_, Tri::Unknown) => Limits::Unknown,
        };
        let under = any(&[Signal::BoomLoop, Signal::Photocell]);
        let complete = NEEDED.into_iter().all(|signal| !image.is_fitted(signal) || raw(signal) != Tri::Unknown)
            && limits != Limits::Unknown
            && under != Tri::Unknown;
        Self {
            limits,
            boom_loop: or_off(Signal::BoomLoop),
            photocell: or_off(Signal::Photocell),
            has_boom_loop: image.is_fitted(Signal::BoomLoop),
            has_photocell: image.is_fitted(Signal::Photocell),
            under,
            exit: or_off(Signal::ExitLoop),
            has_exit: image.is_fitted(Signal::ExitLoop),
            e_stop: or_off(Signal::EStop),
            operator_fault: or_off(Signal::OperatorFault),
            manual_key: or_off(Signal::ManualKey),
            before: BEFORE.into_iter().map(or_off).fold(Tri::Off, Tri::or),
            has_before: BEFORE.into_iter().any(|signal| image.is_fitted(signal)),
            complete,
        }
    }

    /// Something is, or may be, where Down would strike it.
    pub fn presence(&self) -> Tri {
        self.under.or(self.exit)
    }

    /// Presence and safety inputs together: Down needs this Off.
    pub fn danger(&self) -> Tri {
        self.presence().or(self.e_stop).or(self.operator_fault).or(self.manual_key)
    }
}
