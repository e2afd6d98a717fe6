//! The daemon's only two clocks. Monotonic time counts from the machine's boot and includes suspend; wall time carries a quality.

use lane_core::time::{Mono, Wall, WallQuality};
use rustix::time::{ClockId, clock_gettime};

/// Milliseconds since boot.
#[must_use]
pub fn mono() -> Mono {
    let now = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    Mono(seconds.saturating_mul(1000).saturating_add(u64::try_from(now.tv_nsec / 1_000_000).unwrap_or(0)))
}

/// Where the trust in the wall clock comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Ask the kernel: trusted while an NTP client keeps it synchronised.
    Kernel,
    /// A person vouched for it in the settings (bench, demo, a site with a clock of its own).
    Vouched,
}

/// UTC with its quality. The kernel's word is systemd-timesyncd's marker or chrony's, both of which clear `STA_UNSYNC`; read through the
/// marker file, since the kernel's own call needs no library we may use without `unsafe`.
#[must_use]
pub fn wall(trust: Trust) -> Wall {
    let now = clock_gettime(ClockId::Realtime);
    let utc_ms = now.tv_sec.saturating_mul(1000).saturating_add(now.tv_nsec / 1_000_000);
    let synchronised = match trust {
        Trust::Vouched => true,
        Trust::Kernel => std::path::Path::new("/run/systemd/timesync/synchronized").exists(),
    };
    let quality = if synchronised { WallQuality::Trusted } else { WallQuality::Untrusted };
    Wall { utc_ms, quality }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn monotonic_time_does_not_go_back_and_wall_time_is_ours() {
        let first = mono();
        assert!(mono() >= first);
        assert!(wall(Trust::Vouched).trusted().is_some_and(|ms| ms > 1_700_000_000_000));
    }
}
