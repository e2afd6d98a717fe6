//! The invariants, as an observer of readings, outputs, requests and physical places writes them.

use super::run::{Cars, FRESH_SCANS, HOLD_TICKS, JOINED_TICKS, Lie, REST_TICKS, Run, STUCK_TICKS, TRAVEL_TICKS};
use super::world::{Nature, Person, Readings, World};
use lane_core::fault::{Fault, Severity};
use lane_core::interlock::{Boom, Closing, Drive, Event};
use lane_core::permit::PermitKind;
use lane_core::signal::{Output, Outputs, Signal};
use stateright::Property;

/// An empty lane whose boom we opened is down again within this many ticks: join, hold, rest, travel, and one scan for each.
const LOWERED_WITHIN_TICKS: u8 = 12;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invariant {
    I1,
    I2,
    I3,
    I4,
    I5,
    I6,
    I7,
    I8,
    I15,
    I16,
    L2,
}

macro_rules! holds {
    ($name:literal, $invariant:ident) => {
        Property {
            expectation: stateright::Expectation::Always,
            name: $name,
            condition: |_, world| !world.monitor.broke(Invariant::$invariant),
        }
    };
}

pub const PROPERTIES: [Property<Run>; 11] = [
    holds!("I1 no Down on presence", I1),
    holds!("I2 reversal", I2),
    holds!("I3 permits", I3),
    holds!("I4 one vehicle a permit", I4),
    holds!("I5 blocking faults", I5),
    holds!("I6 start", I6),
    holds!("I7 Stop", I7),
    holds!("I8 directions, rest, travel", I8),
    holds!("I15 uncommanded movement", I15),
    holds!("I16 lying sensors", I16),
    holds!("L2 an empty lane ends closed", L2),
];

/// Vehicles under one permit are counted up to here.
const MOST_COUNTED: u8 = 3;

/// Whom a permit admits (I4).
fn most_admitted(kind: PermitKind) -> u8 {
    match kind {
        PermitKind::Passage => 1,
        PermitKind::Group { count } => count,
        PermitKind::Emergency => u8::MAX,
        PermitKind::Test => 0,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Permitted {
    counter: u16,
    ticks_left: u8,
    raised: bool,
    admitted: u8,
}

/// What the observer remembers. Every counter saturates just past what is asked of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Monitor {
    broken: u16,
    /// Consecutive clear readings, this one included.
    clear_ticks: u8,
    /// Complete readings since the start or a reset.
    fresh: u8,
    /// The boom was not down at the first complete reading; a touch is needed.
    needs_touch: bool,
    stopped: bool,
    blocked: bool,
    lying: bool,
    /// The last complete reading.
    seen: Option<Readings>,
    /// Down was commanded and has not arrived.
    our_fall: Option<u8>,
    /// Up was commanded and has not arrived.
    our_rise: Option<u8>,
    /// Up must be on in so many ticks.
    up_due: Option<u8>,
    ticks_without_open: u8,
    ticks_without_close: u8,
    line_quiet: u8,
    loop_on: u8,
    cell_seen: bool,
    loop_seen: bool,
    permit: Option<Permitted>,
    spent: u8,
    idle_open: u8,
    opened_by_us: bool,
    /// Outputs of the scan before, whether or not they reached the module.
    commanded: Outputs,
    /// Consecutive readings of the lower limit.
    down_ticks: u8,
}

/// One tick as the observer sees it.
pub struct Observed<'a> {
    pub run: &'a Run,
    pub last: &'a World,
    pub readings: Readings,
    pub nature: Nature,
    pub person: Person,
    pub outputs: Outputs,
    pub events: &'a [Event],
}

impl Observed<'_> {
    fn open(&self) -> bool {
        self.outputs.get(Output::Open)
    }
    fn close(&self) -> bool {
        self.outputs.get(Output::Close)
    }
    fn was_open(&self) -> bool {
        (self.nature != Nature::Restart || self.run.held_at_start) && self.last.monitor.commanded.get(Output::Open)
    }
    fn was_close(&self) -> bool {
        self.nature != Nature::Restart && self.last.monitor.commanded.get(Output::Close)
    }
    fn under(&self) -> bool {
        self.readings.boom_loop || self.readings.photocell
    }
    fn presence(&self) -> bool {
        self.under() || self.readings.exit
    }
    fn honest(&self) -> bool {
        self.run.lie == Lie::None
    }
    fn touched(&self) -> bool {
        self.person == Person::Close && !self.events.iter().any(|event| matches!(event, Event::CloseRefused(_)))
    }
}

impl Monitor {
    /// An observer that comes to an Open that is held.
    pub fn held(commanded: Outputs) -> Self {
        Self { commanded, ..Self::default() }
    }

    pub fn is_broken(&self) -> bool {
        self.broken != 0
    }

    fn broke(&self, invariant: Invariant) -> bool {
        self.broken & (1 << invariant as u16) != 0
    }

    fn require(&mut self, invariant: Invariant, holds: bool) {
        if !holds {
            self.broken |= 1 << invariant as u16;
        }
    }

    pub fn watch(&mut self, o: &Observed, world: &World) {
        let correcting = self.up_due.is_some();
        self.start_and_stop(o, world);
        self.down(o, world);
        self.reversal(o, world);
        self.uncommanded(o, world);
        self.permits(o, world, correcting);
        self.vehicles(o, world);
        self.movement(o, world);
        self.faults(o, world);
        self.ends_closed(o, world);
        if world.sees() {
            self.seen = Some(o.readings);
        }
        self.commanded = o.outputs;
    }

    /// I6 and I7.
    fn start_and_stop(&mut self, o: &Observed, world: &World) {
        let restart = o.nature == Nature::Restart;
        let dead = world.sees_key();
        let again = dead || (o.person == Person::Reset && (self.stopped || self.blocked));
        self.require(Invariant::I15, !dead || o.outputs == Outputs::OFF);
        if restart {
            let commanded = if o.run.held_at_start { o.last.outputs } else { Outputs::OFF };
            *self = Self { broken: self.broken, commanded, ..Self::default() };
        }
        if again {
            self.fresh = 0;
            self.needs_touch = false;
            // What was not watched is not counted, and cannot be held against a sensor.
            (self.cell_seen, self.loop_seen, self.line_quiet) = (true, true, 0);
            (self.our_fall, self.our_rise, self.up_due) = (None, None, None);
            self.opened_by_us = false;
            self.permit = None;
        }
        self.stopped = o.person == Person::Stop || (self.stopped && o.person != Person::Reset);
        if self.stopped {
            (self.our_fall, self.our_rise, self.up_due) = (None, None, None);
            self.opened_by_us = false;
            self.permit = None;
            let kept = !o.run.stop_output && o.run.drive == Drive::Maintained && o.was_open();
            self.require(Invariant::I7, !o.close() && (!o.open() || kept));
            self.require(Invariant::I7, o.outputs.get(Output::Stop) == o.run.stop_output);
        }
        let ready_before = self.fresh >= FRESH_SCANS;
        self.fresh = if dead {
            0
        } else if ready_before {
            FRESH_SCANS
        } else if world.sees() {
            self.fresh + 1
        } else {
            0
        };
        if !ready_before && self.fresh >= FRESH_SCANS {
            self.needs_touch = !o.readings.down;
        }
        if self.fresh < FRESH_SCANS {
            self.require(Invariant::I6, !o.close() && (!o.open() || o.was_open()));
        }
        if o.touched() || (world.sees() && o.readings.down && !o.readings.up) {
            self.needs_touch = false;
        }
        self.require(Invariant::I6, !(self.needs_touch && o.close()));
    }

    /// I1.
    fn down(&mut self, o: &Observed, world: &World) {
        let clear = world.sees() && !o.presence();
        self.clear_ticks = if clear { (self.clear_ticks + 1).min(HOLD_TICKS + 1) } else { 0 };
        if o.close() {
            self.require(Invariant::I1, self.clear_ticks > HOLD_TICKS);
            self.require(Invariant::I1, !o.honest() || !world.body_below(o.run));
        }
        // Dropping a held Open lowers a self-closing boom.
        let lowers_by_release = o.run.closing == Closing::SelfClosing && o.run.drive == Drive::Maintained;
        let is_down = world.sees() && o.readings.down;
        if lowers_by_release && !is_down && o.was_open() && !o.open() && !world.sees_key() && o.nature != Nature::Restart && !self.stopped {
            self.require(Invariant::I1, self.clear_ticks > HOLD_TICKS);
        }
    }

    /// I2, for a Down of ours.
    fn reversal(&mut self, o: &Observed, world: &World) {
        if let Some(left) = &mut self.up_due {
            *left -= 1;
            let due = *left == 0;
            // Arrived and nothing there: there is nothing to free.
            let read = [Signal::BoomDown, Signal::BoomLoop, Signal::Photocell].into_iter().all(|signal| world.reads(signal));
            let arrived = read && o.readings.down && !o.under();
            if o.open() || arrived || due {
                self.up_due = None;
                self.require(Invariant::I2, o.open() || arrived);
            }
        }
        let arrived = world.sees() && o.readings.down;
        if self.our_fall.is_some() && o.under() && world.sees() && !arrived && !o.open() {
            self.require(Invariant::I2, !o.close());
            if !world.interlock.faults().has(Fault::TravelTimeout) {
                self.up_due = self.up_due.or(Some(REST_TICKS));
            }
        }
    }

    /// I15, and I2 for a boom that falls by itself.
    fn uncommanded(&mut self, o: &Observed, world: &World) {
        let Some(seen) = self.seen.filter(|_| world.sees() && o.last.sees() && self.fresh >= FRESH_SCANS && !self.stopped) else { return };
        if !o.last.interlock.is_ready()
            || !world.interlock.is_ready()
            || o.person == Person::Reset
            || (o.readings.up && o.readings.down)
            || (seen.up && seen.down)
        {
            return;
        }
        let left_up = seen.up && !o.readings.up && self.our_fall.is_none() && self.our_rise.is_none();
        let left_down = seen.down && !o.readings.down && self.our_rise.is_none() && self.our_fall.is_none();
        if (left_up || left_down) && o.under() {
            self.require(Invariant::I15, o.open());
        }
        let by_itself = left_up && o.run.closing == Closing::SelfClosing && !o.was_open() && !o.under();
        // A crank in the middle of a reversal cannot be told from the reversal.
        let turning = matches!(o.last.interlock.boom(), Boom::Reversing { .. });
        if !turning && ((left_up && !by_itself) || left_down) {
            self.require(Invariant::I15, world.interlock.faults().has(Fault::UncommandedMovement));
            self.require(Invariant::I15, world.interlock.permit().is_none());
        }
    }

    /// I3.
    fn permits(&mut self, o: &Observed, world: &World, correcting: bool) {
        if let Some(permit) = &mut self.permit {
            permit.ticks_left = permit.ticks_left.saturating_sub(1);
        }
        if o.person == Person::Revoke
            && self.permit.is_some_and(|permit| permit.admitted == 0 && permit.counter + 1 == u16::from(world.granted))
        {
            self.permit = None;
        }
        for event in o.events {
            match event {
                Event::PermitAccepted(id) => {
                    let bit = 1 << id.counter;
                    self.require(Invariant::I3, self.spent & bit == 0 && self.permit.is_none_or(|old| old.ticks_left == 0));
                    self.spent |= bit;
                    self.permit = Some(Permitted { counter: id.counter, ticks_left: o.run.expiry_ticks(), raised: false, admitted: 0 });
                    self.require(Invariant::I3, o.run.kind != PermitKind::Test || (world.sees() && !o.presence()));
                }
                Event::VehicleEntered { permit } => {
                    let live = self.permit.filter(|live| permit.is_some_and(|id| id.counter == live.counter));
                    self.require(Invariant::I3, live.is_some_and(|live| live.raised && live.ticks_left > 0));
                    self.require(Invariant::I4, live.is_some_and(|live| live.admitted < most_admitted(o.run.kind)));
                    if let Some(live) = &mut self.permit {
                        live.admitted = live.admitted.saturating_add(1).min(MOST_COUNTED);
                    }
                }
                Event::PermitEnded(id, _) if self.permit.is_some_and(|permit| permit.counter == id.counter) => self.permit = None,
                _ => {}
            }
        }
        let begins = o.open() && !o.was_open();
        let down = world.sees() && o.readings.down && !o.readings.up;
        self.down_ticks = if down { (self.down_ticks + 1).min(REST_TICKS + 2) } else { 0 };
        let rested_down = self.down_ticks > REST_TICKS + 1;
        if begins && rested_down && !self.lying && !correcting {
            let allowed = self.permit.is_some_and(|permit| permit.ticks_left > 0 && !permit.raised && !self.blocked);
            self.require(Invariant::I3, allowed);
        }
        let admitting = |event: &Event| matches!(event, Event::MovementStarted { permit: Some(_), .. });
        if o.events.iter().any(admitting) {
            self.require(Invariant::I3, self.permit.is_some_and(|permit| permit.ticks_left > 0 && !permit.raised));
            self.require(Invariant::I3, o.run.kind != PermitKind::Test || (world.sees() && !o.presence()));
            if let Some(permit) = &mut self.permit {
                permit.raised = true;
            }
        }
    }

    /// I4: what is counted, and what was seen to leave.
    fn vehicles(&mut self, o: &Observed, world: &World) {
        let ready = world.interlock.is_ready() && world.sees() && !self.stopped && o.honest();
        if ready && self.line_quiet >= JOINED_TICKS && o.under() && o.last.boom != 0 && world.boom != 0 && o.run.cars != Cars::Trailer {
            let seen = |event: &Event| matches!(event, Event::VehicleEntered { .. } | Event::Tailgate { .. });
            self.require(Invariant::I4, o.events.iter().any(seen));
        }
        let gone = |event: &Event| matches!(event, Event::VehicleClear { .. } | Event::BackedOut { .. });
        if o.honest() && o.events.iter().any(gone) {
            self.require(Invariant::I4, !world.occupied(o.run));
        }
        self.line_quiet = if world.sees() && !o.under() && world.interlock.is_ready() && !self.stopped {
            (self.line_quiet + 1).min(JOINED_TICKS)
        } else {
            0
        };
        self.lying_passage(o, world);
    }

    /// I16: a passage that one sensor did not see; presence that never ends.
    fn lying_passage(&mut self, o: &Observed, world: &World) {
        if o.run.lie == Lie::None {
            return;
        }
        for event in o.events {
            match event {
                Event::VehicleEntered { .. } | Event::Tailgate { .. } => (self.cell_seen, self.loop_seen) = (false, false),
                Event::VehicleClear { .. } => {
                    let faults = world.interlock.faults();
                    let cell = self.cell_seen || o.readings.photocell || faults.has(Fault::PhotocellBlind);
                    let boom_loop = self.loop_seen || o.readings.boom_loop || faults.has(Fault::PresenceDisagrees);
                    self.require(Invariant::I16, cell && boom_loop);
                }
                _ => {}
            }
        }
        if o.run.lie != Lie::LoopStuck {
            self.cell_seen |= o.readings.photocell;
            self.loop_seen |= o.readings.boom_loop;
        } else {
            (self.cell_seen, self.loop_seen) = (true, true);
            let ready = world.interlock.is_ready();
            self.loop_on =
                if o.readings.boom_loop && ready && o.person != Person::Reset { (self.loop_on + 1).min(STUCK_TICKS + 2) } else { 0 };
            self.require(
                Invariant::I16,
                self.loop_on <= STUCK_TICKS + 1 || world.interlock.faults().has(Fault::PresenceStuck) || self.stopped,
            );
        }
    }

    /// I8.
    fn movement(&mut self, o: &Observed, world: &World) {
        self.require(Invariant::I8, !(o.open() && o.close()));
        if o.close() {
            self.require(Invariant::I8, self.ticks_without_open + 1 >= REST_TICKS);
        }
        if o.open() && !o.was_open() {
            self.require(Invariant::I8, self.ticks_without_close + 1 >= REST_TICKS);
        }
        self.ticks_without_open = if o.open() { 0 } else { (self.ticks_without_open + 1).min(REST_TICKS) };
        self.ticks_without_close = if o.close() { 0 } else { (self.ticks_without_close + 1).min(REST_TICKS) };
        if o.nature == Nature::Restart {
            (self.ticks_without_open, self.ticks_without_close) = (REST_TICKS, REST_TICKS);
        }
        let up = world.sees() && o.readings.up && !o.readings.down;
        let down = world.sees() && o.readings.down && !o.readings.up;
        let raised = o.open() && !o.was_open();
        self.our_rise = match self.our_rise {
            _ if raised => Some(0),
            Some(_) if up && !(o.open() && o.run.drive == Drive::Pulse) => None,
            other => other.map(|ticks| ticks + 1),
        };
        self.our_fall = match self.our_fall {
            _ if o.close() && !o.was_close() => Some(0),
            Some(_) if down || o.open() => None,
            other => other.map(|ticks| ticks + 1),
        };
        if self.up_due.is_some() {
            self.our_fall = self.our_fall.map(|_| 0);
        }
        for ticks in [&mut self.our_rise, &mut self.our_fall] {
            if ticks.is_some_and(|ticks| ticks > TRAVEL_TICKS) {
                *ticks = None;
                self.broken |= u16::from(!world.interlock.faults().at_least(Severity::Block)) << Invariant::I8 as u16;
            }
        }
    }

    /// I5 and I16: what a fault forbids.
    fn faults(&mut self, o: &Observed, world: &World) {
        let faults = world.interlock.faults();
        let blocked = faults.at_least(Severity::Block);
        let left_by_person = matches!(o.person, Person::Reset | Person::Close) || o.nature == Nature::Restart;
        self.require(Invariant::I5, !self.blocked || blocked || left_by_person);
        self.require(Invariant::I5, !(blocked && o.close()));
        let lost = !world.sees() && self.seen.is_some() && world.interlock.is_ready() && !self.stopped;
        if lost {
            let alone = world.interlock.permit().is_none() && !world.interlock.vehicle_under();
            self.require(Invariant::I5, faults.has(Fault::BarrierLinkLost) || (faults.has(Fault::BarrierLinkHold) && alone));
            self.require(Invariant::I5, blocked || o.last.boom == 0 || !o.last.sees());
        }
        self.blocked = blocked;
        if blocked {
            self.permit = None;
            self.opened_by_us &= o.touched();
        }
        let both = world.sees() && o.readings.up && o.readings.down;
        self.require(Invariant::I16, !both || faults.has(Fault::LimitsContradict));
        self.require(Invariant::I16, !((faults.lies() || both) && o.close()));
        self.lying = faults.lies();
    }

    /// L2, as a bounded response.
    fn ends_closed(&mut self, o: &Observed, world: &World) {
        self.opened_by_us |= o.open();
        self.opened_by_us &= !(world.sees() && o.readings.down && !o.open());
        let quiet = o.honest()
            && world.sees()
            && !world.jammed
            && !self.stopped
            && self.fresh >= FRESH_SCANS
            && !world.interlock.faults().at_least(Severity::Hold)
            && !world.interlock.faults().lies()
            && !world.occupied(o.run)
            && self.permit.is_none_or(|permit| permit.ticks_left == 0)
            && o.run.closing == Closing::Commanded;
        let counts = quiet && self.opened_by_us && world.boom != 0 && o.person == Person::Nothing;
        self.idle_open = if counts { (self.idle_open + 1).min(LOWERED_WITHIN_TICKS + 1) } else { 0 };
        self.require(Invariant::L2, self.idle_open <= LOWERED_WITHIN_TICKS);
    }
}
