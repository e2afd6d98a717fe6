//! The boom: an arm, a motor and the maker's board with its own detectors.
//!
//! ```text
//!              open edge (pulse) / open level (maintained)
//!   Stopped ─────────────────────────────────────────▶ Opening ──limit──▶ Stopped (up)
//!      ▲  ▲                                               ▲                   │ self-closing: detectors clear after a
//!      │  └── stop contact open, e-stop, no power         │ presence seen     │ passage, or unused for long; never while
//!      │                                                  │ while closing     │ open is held or presence is there
//!      └───────────limit (down)─────────────── Closing ◀──┴───────────────────┘ or close edge
//! ```
//! Order of precedence: power, crank, stop contact and e-stop, fire input, open, presence while closing, close, own timers. After a stop the
//! board waits for a command: it does not close by itself until it has been opened again.
//! Sources: operators' terminals as in public installation manuals (open and close are normally open contacts, stop is normally closed
//! in series; a held open blocks the automatic closing; a new open during closing reverses).

use serde::Serialize;

use super::geometry::{BoomBuild, Closing, OpenKind, PowerFail};

/// Above this angle the upper limit switch is made.
pub const UP_LIMIT_DEG: f64 = 88.0;
/// Below this angle the lower limit switch is made.
pub const DOWN_LIMIT_DEG: f64 = 2.0;
const FULL_DEG: f64 = 90.0;
/// A person cranks about this fast.
const CRANK_DEG_PER_MS: f64 = 0.03;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Motion {
    Stopped,
    Opening,
    Closing,
    /// The board turns round and rests before it opens.
    Reversing,
}

/// What the board sees in one step.
#[derive(Clone, Copy, Debug, Default)]
pub struct BoardInputs {
    pub open: bool,
    pub close: bool,
    /// The stop contact is open.
    pub stop: bool,
    pub e_stop: bool,
    pub fire: bool,
    /// The board's own detectors: loop or photocell.
    pub presence: bool,
    pub power_cut: bool,
    pub stuck: bool,
    pub slow_factor: Option<f64>,
    pub crank_deg: Option<f64>,
    pub no_auto_close: bool,
    pub no_reverse: bool,
    /// Something solid is under the arm and higher than this angle allows.
    pub blocked_below_deg: Option<f64>,
}

/// What happened in one step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BoomStep {
    /// The arm came down onto something.
    pub struck: bool,
    pub reversed: bool,
}

#[derive(Clone, Debug)]
pub struct Boom {
    build: BoomBuild,
    angle_deg: f64,
    motion: Motion,
    open_was: bool,
    close_was: bool,
    /// A passage was seen since the opening.
    passage_seen: bool,
    /// Time for which the own closing has been due, ms.
    quiet_ms: u64,
    rest_ms: u64,
    /// Opened by a command since the last stop: only then the board closes by itself.
    may_close_itself: bool,
}

impl Boom {
    pub fn new(build: BoomBuild) -> Boom {
        let angle_deg = build.start_deg.clamp(0.0, FULL_DEG);
        Boom {
            build,
            angle_deg,
            motion: Motion::Stopped,
            open_was: false,
            close_was: false,
            passage_seen: false,
            quiet_ms: 0,
            rest_ms: 0,
            may_close_itself: false,
        }
    }

    /// 0 down to 90 up.
    pub fn angle_deg(&self) -> f64 {
        self.angle_deg
    }

    pub fn motion(&self) -> Motion {
        self.motion
    }

    pub fn at_up_limit(&self) -> bool {
        self.angle_deg >= UP_LIMIT_DEG
    }

    pub fn at_down_limit(&self) -> bool {
        self.angle_deg <= DOWN_LIMIT_DEG
    }

    /// Moves the arm by `dt_ms`.
    pub fn step(&mut self, dt_ms: u64, inputs: &BoardInputs) -> BoomStep {
        let mut happened = BoomStep::default();
        if let Some(target) = inputs.crank_deg {
            self.motion = Motion::Stopped;
            self.may_close_itself = false;
            self.turn_towards(target, CRANK_DEG_PER_MS * dt_ms as f64);
            return happened;
        }
        self.decide(dt_ms, inputs, &mut happened);
        self.open_was = inputs.open;
        self.close_was = inputs.close;
        if inputs.stuck {
            return happened;
        }
        let step_deg = FULL_DEG * dt_ms as f64 / (self.build.travel_ms.max(1) as f64 * inputs.slow_factor.unwrap_or(1.0).max(1.0));
        match self.motion {
            Motion::Opening => self.turn_towards(FULL_DEG, step_deg),
            Motion::Closing => {
                let floor = inputs.blocked_below_deg.unwrap_or(0.0).min(self.angle_deg);
                if self.angle_deg - step_deg < floor {
                    happened.struck = true;
                    self.motion = Motion::Stopped;
                    self.may_close_itself = false;
                }
                self.turn_towards(floor, step_deg);
            }
            Motion::Stopped if inputs.power_cut && self.build.power_fail == PowerFail::Rises => self.turn_towards(FULL_DEG, step_deg),
            Motion::Stopped | Motion::Reversing => {}
        }
        match self.motion {
            Motion::Opening if self.angle_deg >= FULL_DEG => self.motion = Motion::Stopped,
            Motion::Closing if self.angle_deg <= 0.0 => {
                self.motion = Motion::Stopped;
                self.may_close_itself = false;
            }
            _ => {}
        }
        happened
    }

    fn decide(&mut self, dt_ms: u64, inputs: &BoardInputs, happened: &mut BoomStep) {
        if inputs.power_cut || inputs.stop || inputs.e_stop {
            self.motion = Motion::Stopped;
            self.may_close_itself = false;
            return;
        }
        let open_command = match self.build.open_kind {
            OpenKind::Pulse => inputs.open && !self.open_was,
            OpenKind::Maintained => inputs.open,
        };
        if inputs.fire || open_command {
            self.start_opening();
            return;
        }
        if self.motion == Motion::Reversing {
            self.rest_ms = self.rest_ms.saturating_sub(dt_ms);
            if self.rest_ms == 0 {
                self.start_opening();
            }
            return;
        }
        if self.motion == Motion::Closing && inputs.presence && self.build.reverses_on_presence && !inputs.no_reverse {
            self.motion = Motion::Reversing;
            self.rest_ms = self.build.reversal_rest_ms;
            happened.reversed = true;
            return;
        }
        let protected = inputs.presence && self.build.reverses_on_presence && !inputs.no_reverse;
        if inputs.close && !self.close_was && !inputs.open && !protected && self.angle_deg > 0.0 {
            self.motion = Motion::Closing;
            return;
        }
        self.own_closing(dt_ms, inputs);
    }

    fn start_opening(&mut self) {
        if self.angle_deg < FULL_DEG {
            self.motion = Motion::Opening;
        }
        self.passage_seen = false;
        self.quiet_ms = 0;
        self.may_close_itself = true;
    }

    fn own_closing(&mut self, dt_ms: u64, inputs: &BoardInputs) {
        let due = self.build.closing == Closing::Own
            && self.may_close_itself
            && !inputs.no_auto_close
            && !inputs.open
            && self.motion == Motion::Stopped
            && self.angle_deg > 0.0;
        if inputs.presence {
            self.passage_seen = true;
        }
        if !due || inputs.presence {
            self.quiet_ms = 0;
            return;
        }
        self.quiet_ms += dt_ms;
        let wait_ms = match (self.passage_seen, self.build.close_if_unused_ms) {
            (true, _) => self.build.close_after_passage_ms,
            (false, 0) => return,
            (false, unused_ms) => unused_ms,
        };
        if self.quiet_ms >= wait_ms {
            self.motion = Motion::Closing;
            self.quiet_ms = 0;
        }
    }

    fn turn_towards(&mut self, target_deg: f64, step_deg: f64) {
        let target = target_deg.clamp(0.0, FULL_DEG);
        if self.angle_deg < target {
            self.angle_deg = (self.angle_deg + step_deg).min(target);
        } else {
            self.angle_deg = (self.angle_deg - step_deg).max(target);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(boom: &mut Boom, ms: u64, inputs: BoardInputs) -> BoomStep {
        let mut all = BoomStep::default();
        for _ in 0..ms / 10 {
            let step = boom.step(10, &inputs);
            all.struck |= step.struck;
            all.reversed |= step.reversed;
        }
        all
    }

    const OPEN: BoardInputs = BoardInputs { open: true, ..NONE };
    const CLOSE: BoardInputs = BoardInputs { close: true, ..NONE };
    const PRESENCE: BoardInputs = BoardInputs { presence: true, ..NONE };
    const NONE: BoardInputs = BoardInputs {
        open: false,
        close: false,
        stop: false,
        e_stop: false,
        fire: false,
        presence: false,
        power_cut: false,
        stuck: false,
        slow_factor: None,
        crank_deg: None,
        no_auto_close: false,
        no_reverse: false,
        blocked_below_deg: None,
    };

    #[test]
    fn a_pulse_opens_in_the_travel_time_and_the_board_closes_after_a_passage() {
        let mut boom = Boom::new(BoomBuild::default());
        run(&mut boom, 500, OPEN);
        run(&mut boom, 1_600, NONE);
        assert!(boom.at_up_limit());
        run(&mut boom, 3_000, PRESENCE);
        assert!(boom.at_up_limit());
        run(&mut boom, 1_900, NONE);
        assert!(boom.at_up_limit());
        run(&mut boom, 2_300, NONE);
        assert!(boom.at_down_limit());
    }

    #[test]
    fn a_held_open_blocks_the_own_closing() {
        let mut boom = Boom::new(BoomBuild::default());
        run(&mut boom, 3_000, OPEN);
        run(&mut boom, 1_000, BoardInputs { open: true, presence: true, ..NONE });
        run(&mut boom, 60_000, OPEN);
        assert!(boom.at_up_limit());
    }

    #[test]
    fn the_board_reverses_on_presence_unless_told_not_to_and_then_it_strikes() {
        let build = BoomBuild { closing: Closing::Commanded, start_deg: 90.0, ..BoomBuild::default() };
        let mut boom = Boom::new(build.clone());
        run(&mut boom, 500, CLOSE);
        let step = run(&mut boom, 2_000, PRESENCE);
        assert!(step.reversed && boom.at_up_limit());

        let mut blind = Boom::new(build);
        let under = BoardInputs { no_reverse: true, blocked_below_deg: Some(60.0), presence: true, ..CLOSE };
        let step = run(&mut blind, 3_000, under);
        assert!(step.struck);
        assert!((59.9..=60.1).contains(&blind.angle_deg()));
    }

    #[test]
    fn stop_beats_open_and_the_board_then_waits() {
        let mut boom = Boom::new(BoomBuild::default());
        run(&mut boom, 1_000, OPEN);
        let halfway = boom.angle_deg();
        run(&mut boom, 1_000, BoardInputs { stop: true, ..OPEN });
        run(&mut boom, 60_000, NONE);
        assert!((boom.angle_deg() - halfway).abs() < 0.1);
        run(&mut boom, 3_000, OPEN);
        assert!(boom.at_up_limit());
    }

    #[test]
    fn a_maintained_open_keeps_opening_only_while_held() {
        let build = BoomBuild { open_kind: OpenKind::Maintained, close_if_unused_ms: 1_000, ..BoomBuild::default() };
        let mut boom = Boom::new(build);
        run(&mut boom, 10_000, OPEN);
        assert!(boom.at_up_limit());
        run(&mut boom, 3_500, NONE);
        assert!(boom.at_down_limit());
    }

    #[test]
    fn crank_stuck_fire_and_power_each_show() {
        let mut boom = Boom::new(BoomBuild::default());
        run(&mut boom, 4_000, BoardInputs { crank_deg: Some(45.0), ..NONE });
        assert!((44.9..=45.1).contains(&boom.angle_deg()));
        run(&mut boom, 3_000, BoardInputs { fire: true, ..NONE });
        assert!(boom.at_up_limit());
        let mut stuck = Boom::new(BoomBuild::default());
        run(&mut stuck, 5_000, BoardInputs { stuck: true, ..OPEN });
        assert!(stuck.at_down_limit());
        let mut spring = Boom::new(BoomBuild { power_fail: PowerFail::Rises, ..BoomBuild::default() });
        run(&mut spring, 5_000, BoardInputs { power_cut: true, ..NONE });
        assert!(spring.at_up_limit());
    }
}
