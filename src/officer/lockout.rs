//! How long the door stays shut after wrong PINs.
//!
//! ```text
//! failures in a row   1 .. 4   5       6        7        8        9 ..
//! shut for            -        5 min   10 min   20 min   40 min   60 min
//! ```
//! Only a right PIN ends the count. With a million PINs and one try an hour a guess needs, on average, more than fifty years.
//! An attempt is counted *before* its PIN is looked at: cutting the power at the right moment wins nothing.

/// Wrong PINs before the door shuts.
pub const FREE_FAILURES: u32 = 5;
/// The first time it is shut, milliseconds.
pub const LOCKOUT_FIRST_MS: i64 = 300_000;
/// The longest time it is shut, milliseconds.
pub const LOCKOUT_MAX_MS: i64 = 3_600_000;
/// Logins whose failures are counted in memory.
pub const ATTEMPTS_MAX_LOGINS: usize = 256;

/// How somebody stands at the door. Times are milliseconds of the clock that counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Lockout {
    /// Wrong PINs since the last right one.
    pub failures: u32,
    /// No PIN is looked at before this.
    pub locked_until_ms: Option<i64>,
}

impl Lockout {
    /// After one more attempt at `now_ms`.
    #[must_use]
    pub fn after_attempt(self, now_ms: i64) -> Self {
        let failures = self.failures.saturating_add(1);
        let locked_until_ms = (failures >= FREE_FAILURES).then(|| now_ms.saturating_add(shut_for_ms(failures)));
        Self { failures, locked_until_ms }
    }

    /// For how long the door is still shut; `None`: it is open. Never longer than [`LOCKOUT_MAX_MS`], whatever a clock did that was set back.
    #[must_use]
    pub fn shut_ms(self, now_ms: i64) -> Option<i64> {
        let left = self.locked_until_ms?.saturating_sub(now_ms);
        (left > 0).then_some(left.min(LOCKOUT_MAX_MS))
    }
}

fn shut_for_ms(failures: u32) -> i64 {
    let doublings = failures.saturating_sub(FREE_FAILURES).min(8);
    (LOCKOUT_FIRST_MS << doublings).min(LOCKOUT_MAX_MS)
}

/// Attempts counted in memory: for logins that do not exist, so that they answer like those that do, and for the time when the store cannot commit.
/// Holds at most [`ATTEMPTS_MAX_LOGINS`]; the one that ends first makes room.
#[derive(Debug, Default)]
pub struct Attempts {
    logins: Vec<(String, Lockout)>,
}

impl Attempts {
    /// How this login stands.
    #[must_use]
    pub fn of(&self, id: &str) -> Lockout {
        self.logins.iter().find(|(known, _)| known == id).map_or_else(Lockout::default, |(_, lockout)| *lockout)
    }

    /// Counts one attempt.
    pub fn count(&mut self, id: &str, now_ms: i64) -> Lockout {
        let after = self.of(id).after_attempt(now_ms);
        self.forget(id);
        if self.logins.len() >= ATTEMPTS_MAX_LOGINS {
            let ends_first = self.logins.iter().enumerate().min_by_key(|(_, (_, l))| (l.locked_until_ms, l.failures)).map(|(i, _)| i);
            if let Some(index) = ends_first {
                self.logins.remove(index);
            }
        }
        self.logins.push((id.to_owned(), after));
        after
    }

    /// The right PIN came.
    pub fn forget(&mut self, id: &str) {
        self.logins.retain(|(known, _)| known != id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fifth_failure_shuts_the_door_for_five_minutes_and_each_further_one_longer() {
        let mut lockout = Lockout::default();
        let mut shut = Vec::new();
        for _ in 0..10 {
            lockout = lockout.after_attempt(1_000);
            shut.push(lockout.shut_ms(1_000).map(|ms| ms / 60_000));
        }
        assert_eq!(shut, [None, None, None, None, Some(5), Some(10), Some(20), Some(40), Some(60), Some(60)]);
        assert_eq!(Lockout { failures: u32::MAX, locked_until_ms: None }.after_attempt(0).shut_ms(0), Some(LOCKOUT_MAX_MS));
    }

    #[test]
    fn the_door_opens_when_the_time_is_over_and_a_clock_set_back_does_not_shut_it_for_years() {
        let lockout = Lockout { failures: 5, locked_until_ms: Some(400_000) };
        assert_eq!(lockout.shut_ms(399_999), Some(1));
        assert_eq!(lockout.shut_ms(400_000), None);
        assert_eq!(lockout.shut_ms(-90_000_000_000), Some(LOCKOUT_MAX_MS));
    }

    #[test]
    fn the_count_in_memory_is_bounded_and_keeps_who_is_shut_out_longest() {
        let mut attempts = Attempts::default();
        for _ in 0..6 {
            attempts.count("victim", 0);
        }
        for n in 0..(ATTEMPTS_MAX_LOGINS * 2) {
            attempts.count(&format!("nobody{n}"), 0);
        }
        assert_eq!(attempts.logins.len(), ATTEMPTS_MAX_LOGINS);
        assert_eq!(attempts.of("victim").failures, 6);
        attempts.forget("victim");
        assert_eq!(attempts.of("victim"), Lockout::default());
    }
}
