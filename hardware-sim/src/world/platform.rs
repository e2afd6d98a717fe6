//! The weighbridge: what stands on it, and what its indicator makes of that.
//!
//! The load is the sum of the axles on the platform. The indicator's filter follows it with a time constant; wind, a rolling vehicle and a
//! knob add vibration; the display steps in divisions. *Motion* is shown while the filtered value moves by more than one division within
//! the window, or did less than [`STILL_MS`] ago.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// The filter's time constant, ms.
const FILTER_MS: f64 = 350.0;
/// How long the filtered value must keep within a division before motion ends, ms.
pub const STILL_MS: u64 = 800;
/// Share of the load by which a rolling vehicle shakes it, at 1 m/s.
const ROLL_SHARE: f64 = 0.004;

/// The indicator's settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PlatformBuild {
    /// Display step, kg.
    pub division_kg: i64,
    /// Above this (plus nine divisions) the indicator shows overload, kg.
    pub capacity_kg: i64,
    /// Amplitude of the noise that is always there, kg.
    pub noise_kg: f64,
}

impl Default for PlatformBuild {
    fn default() -> Self {
        PlatformBuild { division_kg: 20, capacity_kg: 80_000, noise_kg: 3.0 }
    }
}

/// What the display shows at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Display {
    /// Gross, kg, in divisions.
    pub kg: i64,
    pub motion: bool,
    pub overload: bool,
    /// Within a quarter of a division of zero.
    pub centre_zero: bool,
}

/// What acts on the platform in one step.
#[derive(Clone, Copy, Debug, Default)]
pub struct Load {
    pub kg: f64,
    /// Fastest vehicle with an axle on the platform, m/s.
    pub rolling_m_s: f64,
    pub unstable_kg: f64,
    pub offset_kg: f64,
    pub overload: bool,
}

#[derive(Clone, Debug)]
pub struct Platform {
    build: PlatformBuild,
    filtered_kg: f64,
    anchor_kg: f64,
    still_ms: u64,
    display: Display,
}

impl Platform {
    pub fn new(build: PlatformBuild) -> Platform {
        let display = Display { centre_zero: true, ..Display::default() };
        Platform { build, filtered_kg: 0.0, anchor_kg: 0.0, still_ms: STILL_MS, display }
    }

    pub fn build(&self) -> &PlatformBuild {
        &self.build
    }

    pub fn display(&self) -> Display {
        self.display
    }

    pub fn step(&mut self, dt_ms: u64, load: &Load, rng: &mut ChaCha8Rng) {
        let shake_kg = self.build.noise_kg + load.unstable_kg + load.kg * ROLL_SHARE * load.rolling_m_s;
        let noise_kg = rng.random_range(-1.0..=1.0) * shake_kg;
        let target_kg = load.kg + load.offset_kg;
        let follow = 1.0 - (-(dt_ms as f64) / FILTER_MS).exp();
        self.filtered_kg += (target_kg - self.filtered_kg) * follow;
        let shown_kg = self.filtered_kg + noise_kg;
        let division = self.build.division_kg.max(1) as f64;
        if (shown_kg - self.anchor_kg).abs() > division {
            self.anchor_kg = shown_kg;
            self.still_ms = 0;
        } else {
            self.still_ms = self.still_ms.saturating_add(dt_ms);
        }
        let kg = (shown_kg / division).round() * division;
        self.display = Display {
            kg: kg as i64,
            motion: self.still_ms < STILL_MS,
            overload: load.overload || kg as i64 > self.build.capacity_kg + 9 * self.build.division_kg,
            centre_zero: shown_kg.abs() <= division / 4.0,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn run(platform: &mut Platform, ms: u64, load: Load) -> bool {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut motion = false;
        for _ in 0..ms / 10 {
            platform.step(10, &load, &mut rng);
            motion |= platform.display().motion;
        }
        motion
    }

    #[test]
    fn a_weight_settles_with_motion_first_and_stillness_after() {
        let mut platform = Platform::new(PlatformBuild::default());
        let load = Load { kg: 43_260.0, ..Load::default() };
        assert!(run(&mut platform, 1_000, load));
        run(&mut platform, 6_000, load);
        let display = platform.display();
        assert!(!display.motion);
        assert!((display.kg - 43_260).abs() <= 20, "{display:?}");
        assert_eq!(display.kg % 20, 0);
    }

    #[test]
    fn vibration_keeps_it_moving_and_too_much_is_overload() {
        let mut platform = Platform::new(PlatformBuild::default());
        let shaking = Load { kg: 30_000.0, unstable_kg: 300.0, ..Load::default() };
        run(&mut platform, 10_000, shaking);
        assert!(platform.display().motion);
        run(&mut platform, 10_000, Load { kg: 90_000.0, ..Load::default() });
        assert!(platform.display().overload);
    }
}
