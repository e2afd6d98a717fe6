//! The two clocks of a lane.
//!
//! [`Mono`] counts milliseconds since the machine booted: it never jumps, and every age and deadline is measured on it. [`Wall`] is UTC with
//! a quality: it dates records and judges validity windows, and an untrusted one makes those judgements *unknown*, never *passed*.

use serde::{Deserialize, Serialize};

/// Milliseconds since boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Mono(pub u64);

impl Mono {
    /// This instant plus `ms` milliseconds, saturating.
    #[must_use]
    pub const fn plus(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Holds `earlier` at no more than `ms` milliseconds ago: where nothing asks for a greater age, states stay few.
    pub(crate) fn hold(self, earlier: &mut Self, ms: u64) {
        *earlier = (*earlier).max(Self(self.0.saturating_sub(ms)));
    }

    /// Milliseconds since `earlier`; 0 when `earlier` lies in the future.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// May a wall clock be believed?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum WallQuality {
    /// Synchronised, or set by a person who vouched for it.
    Trusted,
    /// Never synchronised since boot, stepped, or drifting beyond the limit.
    Untrusted,
}

/// UTC in milliseconds since 1970, with its quality.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Wall {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub utc_ms: i64,
    /// May it be believed?
    pub quality: WallQuality,
}

impl Wall {
    /// A clock that nobody vouches for.
    pub const UNKNOWN: Self = Self { utc_ms: 0, quality: WallQuality::Untrusted };

    /// The time, if it may be believed.
    #[must_use]
    pub const fn trusted(self) -> Option<i64> {
        match self.quality {
            WallQuality::Trusted => Some(self.utc_ms),
            WallQuality::Untrusted => None,
        }
    }
}
