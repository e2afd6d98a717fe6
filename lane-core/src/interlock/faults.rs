//! The interlock's faults: a set, latched where a person must look (I5, I16), a level where not.

use crate::fault::{Fault, Severity};
use serde::{Deserialize, Serialize};

/// The faults this module owns: raised and cleared nowhere else.
pub(super) const OWNED: [Fault; 17] = [
    Fault::BoomOpenAtStart,
    Fault::BarrierLinkLost,
    Fault::BarrierLinkHold,
    Fault::TravelTimeout,
    Fault::UncommandedMovement,
    Fault::LimitsContradict,
    Fault::PresenceStuck,
    Fault::PresenceDisagrees,
    Fault::PhotocellBlind,
    Fault::OutputMismatch,
    Fault::WatchdogNotArmed,
    Fault::OperatorFault,
    Fault::EmergencyStop,
    Fault::StopLatched,
    Fault::WrongWay,
    Fault::Tailgate,
    Fault::PassageUnclear,
];

/// Level faults beside the latched ones.
pub(super) const OPEN_TOO_LONG: Fault = Fault::OpenTooLong;

/// Sensors that were caught lying: no commanded Down while one of these is there (I16).
const LIES: [Fault; 4] = [Fault::LimitsContradict, Fault::PresenceStuck, Fault::PresenceDisagrees, Fault::PhotocellBlind];

/// A set of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct FaultSet(u64);

impl FaultSet {
    const fn bit(fault: Fault) -> u64 {
        1 << (fault as u8)
    }

    /// Is it there?
    #[must_use]
    pub const fn has(self, fault: Fault) -> bool {
        self.0 & Self::bit(fault) != 0
    }

    pub(super) const fn raise(&mut self, fault: Fault) {
        self.0 |= Self::bit(fault);
    }

    pub(super) const fn clear(&mut self, fault: Fault) {
        self.0 &= !Self::bit(fault);
    }

    pub(super) const fn set(&mut self, fault: Fault, there: bool) {
        if there {
            self.raise(fault);
        } else {
            self.clear(fault);
        }
    }

    /// The faults in it, in a fixed order.
    pub fn iter(self) -> impl Iterator<Item = Fault> {
        Self::owned().filter(move |fault| self.has(*fault))
    }

    /// Every fault that the interlock owns, raised or not.
    pub fn owned() -> impl Iterator<Item = Fault> {
        OWNED.into_iter().chain([OPEN_TOO_LONG])
    }

    /// Is anything of this severity or worse there?
    #[must_use]
    pub fn at_least(self, severity: Severity) -> bool {
        self.iter().any(|fault| fault.severity() >= severity)
    }

    /// Was a sensor caught lying?
    #[must_use]
    pub fn lies(self) -> bool {
        LIES.into_iter().any(|fault| self.has(fault))
    }

    /// Does anything block except what one touch to close also answers?
    pub(super) fn blocks_a_touch(self) -> bool {
        let mut rest = self;
        rest.clear(Fault::BoomOpenAtStart);
        rest.clear(Fault::PassageUnclear);
        rest.at_least(Severity::Hold)
    }
}
