//! What must not wait for a module that does not answer: Stop, and the end of a movement.
//!
//! A module is *behind* when the interlock wants Stop and the module has not taken it, when it wants Close off (or, stopped, Open off) and the
//! module may still be driving it. What is behind is not stopped by a call under way nor by a wait for a reconnect: after [`patience_ms`] the call
//! is abandoned with its connection, a new one is made at once, and what is behind is the first thing written on it, before the watchdog is
//! armed and before anything is read. This is repeated, at least `scan_ms` apart, until the module answers. Patience begins at two cycles, because
//! a healthy module answers sooner than a new connection is made, and doubles up to `call_timeout_ms`, so that a slow one is reached too.
//!
//! What remains: a module that answers on no connection. Only its own communication watchdog ends a movement then.

use super::module::Wish;
use lane_core::signal::{Output, Outputs};
use std::time::Duration;
use tokio::sync::watch;

/// Least patience: a new connection is hardly made sooner.
const MIN_PATIENCE_MS: u64 = 50;
/// Longest patience is `patience_ms << MAX_DOUBLINGS`, cut at the call's own time-out.
const MAX_DOUBLINGS: u32 = 16;

/// What a module was told, and so may be doing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// Outputs it has.
    pub wired: Outputs,
    /// Asserted on this connection.
    pub asserted: Outputs,
    /// Movements asserted on an earlier connection and not known to have ended.
    pub owed: Outputs,
    /// Refused with an exception on this connection: the module answers, and every cycle asks again.
    pub refused: Outputs,
}

impl Told {
    /// Does the module lag behind something that must not wait?
    pub fn is_behind(self, wish: &Wish) -> bool {
        self.lacks_stop(wish) || [Output::Close, Output::Open].into_iter().any(|output| self.must_end(output, wish))
    }

    pub fn lacks_stop(self, wish: &Wish) -> bool {
        let wanted = wish.outputs.get(Output::Stop) && self.wired.get(Output::Stop);
        wanted && !self.asserted.get(Output::Stop) && !self.refused.get(Output::Stop)
    }

    /// A Close that is not wanted any more; an Open only by Stop. One that was held at the start of the daemon is not dropped.
    pub fn must_end(self, output: Output, wish: &Wish) -> bool {
        let may_be_on = (self.asserted.get(output) || self.owed.get(output)) && !self.refused.get(output);
        let ends = match output {
            Output::Close => true,
            Output::Open => wish.stopped && (wish.pulsed || !wish.keep_open),
            Output::Stop | Output::LightRed | Output::LightGreen | Output::Buzzer => false,
        };
        ends && may_be_on && !wish.outputs.get(output)
    }

    /// The connection is gone: what was moving then is owed an end.
    pub fn lose_connection(&mut self) {
        for output in [Output::Open, Output::Close] {
            let owed = self.owed.get(output) || self.asserted.get(output);
            self.owed.set(output, owed);
        }
        self.asserted = Outputs::OFF;
        self.refused = Outputs::OFF;
    }
}

/// How long what is behind waits for an answer, after so many attempts in vain.
pub(super) const fn patience_ms(scan_ms: u64, call_timeout_ms: u64, attempts: u32) -> u64 {
    let doublings = if attempts < MAX_DOUBLINGS { attempts } else { MAX_DOUBLINGS };
    let first_ms = scan_ms.saturating_mul(2);
    let patience_ms = (if first_ms > MIN_PATIENCE_MS { first_ms } else { MIN_PATIENCE_MS }) << doublings;
    if patience_ms < call_timeout_ms { patience_ms } else { call_timeout_ms }
}

/// Returns when a module that was told this has been behind for `patience`, without a pause.
pub(super) async fn has_waited(mut wishes: watch::Receiver<Wish>, told: Told, patience: Duration) {
    loop {
        let is_gone = wishes.wait_for(|wish| told.is_behind(wish)).await.is_err();
        if !is_gone {
            let caught_up = tokio::time::timeout(patience, wishes.wait_for(|wish| !told.is_behind(wish))).await;
            match caught_up.map(|seen| seen.is_ok()) {
                Err(_) => return,
                Ok(true) => continue,
                Ok(false) => {}
            }
        }
        // The scan is gone: the module's task sees it by itself.
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lane_core::time::Mono;

    fn wish(stopped: bool, on: &[Output]) -> Wish {
        let mut outputs = Outputs::OFF;
        on.iter().for_each(|output| outputs.set(*output, true));
        Wish { outputs, at: Mono(0), pulse_ms: 500, pulsed: true, keep_open: false, stopped }
    }

    fn set(on: &[Output]) -> Outputs {
        wish(false, on).outputs
    }

    #[test]
    fn behind_is_a_stop_not_taken_and_a_movement_not_ended() {
        let all = set(&Output::ALL);
        let told = |asserted: &[Output], owed: &[Output]| Told { wired: all, asserted: set(asserted), owed: set(owed), ..Told::default() };
        let stop = wish(true, &[Output::Stop]);
        assert!(told(&[], &[]).is_behind(&stop));
        assert!(!told(&[Output::Stop], &[]).is_behind(&stop));
        assert!(!Told { wired: set(&[Output::Open]), ..Told::default() }.is_behind(&stop), "it has no stop contact");
        assert!(!Told { wired: all, refused: set(&[Output::Stop]), ..Told::default() }.is_behind(&stop), "it answers");
        assert!(told(&[Output::Close], &[]).is_behind(&wish(false, &[])));
        assert!(told(&[], &[Output::Close]).is_behind(&wish(false, &[])), "also over a new connection");
        assert!(!told(&[Output::Close], &[]).is_behind(&wish(false, &[Output::Close])));
        assert!(!told(&[Output::Open], &[]).is_behind(&wish(false, &[])), "the end of a pulse may wait");
        assert!(told(&[Output::Stop], &[Output::Open]).is_behind(&stop));
        let held = Wish { pulsed: false, keep_open: true, ..stop };
        assert!(!told(&[Output::Stop, Output::Open], &[]).is_behind(&held), "held at the start: never dropped");
    }

    #[test]
    fn what_moved_when_the_connection_went_is_owed_an_end() {
        let mut told = Told { asserted: set(&[Output::Close, Output::LightRed]), ..Told::default() };
        told.lose_connection();
        assert_eq!((told.asserted, told.owed), (Outputs::OFF, set(&[Output::Close])));
    }

    #[test]
    fn patience_doubles_up_to_the_time_out() {
        let all: Vec<u64> = (0..5).map(|attempts| patience_ms(50, 500, attempts)).collect();
        assert_eq!(all, [100, 200, 400, 500, 500]);
        assert_eq!((patience_ms(500, 50, 90), patience_ms(10, 500, 0)), (50, 50));
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_stays_behind_is_waited_out() {
        let (wishes, seen) = watch::channel(wish(false, &[]));
        let told = Told { wired: set(&Output::ALL), ..Told::default() };
        let mut waiting = tokio::spawn(has_waited(seen, told, Duration::from_millis(100)));
        let still = |ms| Duration::from_millis(ms);
        wishes.send_replace(wish(true, &[Output::Stop]));
        assert!(tokio::time::timeout(still(90), &mut waiting).await.is_err());
        wishes.send_replace(wish(false, &[]));
        assert!(tokio::time::timeout(still(500), &mut waiting).await.is_err());
        wishes.send_replace(wish(true, &[Output::Stop]));
        assert!(tokio::time::timeout(still(110), &mut waiting).await.is_ok());
    }
}
