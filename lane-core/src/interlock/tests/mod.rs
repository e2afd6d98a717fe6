//! The interlock, scan by scan. A [`Bench`] holds the inputs and lets time pass in scans of 50 ms; the model check in `tests/` covers what no
//! list of examples can.

mod passages;
mod refusals;

use super::{Boom, Closing, Config, Drive, Event, Interlock, Regime, Requests};
use crate::ids::{BootId, PermitId};
use crate::permit::{Permit, PermitKind};
use crate::signal::{Output, Outputs, ProcessImage, Sample, Signal};
use crate::time::Mono;
use alloc::vec::Vec;

const SCAN_MS: u64 = 50;
const BOOT: BootId = BootId(1);

struct Bench {
    interlock: Interlock,
    now: Mono,
    fitted: Vec<Signal>,
    on: Vec<Signal>,
    lost: bool,
    regime: Regime,
    outputs: Outputs,
    events: Vec<Event>,
}

impl Bench {
    /// Ready, boom down, lane empty.
    fn new(config: Config) -> Self {
        let mut bench = Self::cold(config);
        bench.set(Signal::BoomDown, true);
        bench.pass(200);
        bench.events.clear();
        bench
    }

    fn cold(config: Config) -> Self {
        Self {
            interlock: Interlock::new(config, BOOT),
            now: Mono(10_000),
            fitted: Signal::ALL.to_vec(),
            on: Vec::new(),
            lost: false,
            regime: Regime::Normal,
            outputs: Outputs::OFF,
            events: Vec::new(),
        }
    }

    fn set(&mut self, signal: Signal, on: bool) {
        self.on.retain(|other| *other != signal);
        if on {
            self.on.push(signal);
        }
    }

    fn scan_with(&mut self, requests: Requests) {
        self.now = self.now.plus(SCAN_MS);
        let mut image = ProcessImage::new(self.fitted.clone());
        if !self.lost {
            for signal in &self.fitted {
                image.put(*signal, Sample { value: self.on.contains(signal), acquired_at: self.now });
            }
        }
        let scan = self.interlock.scan(self.now, &image, &Requests { regime: self.regime, green: true, ..requests });
        self.outputs = scan.outputs;
        assert!(scan.events.len() <= super::Scan::MAX_EVENTS);
        self.events.extend(scan.events);
    }

    fn pass(&mut self, ms: u64) {
        for _ in 0..ms / SCAN_MS {
            self.scan_with(Requests::default());
        }
    }

    fn grant(&mut self, permit: Permit) {
        self.scan_with(Requests { grant: Some(permit), ..Requests::default() });
    }

    fn close(&mut self) {
        self.scan_with(Requests { close: true, ..Requests::default() });
    }

    fn reset(&mut self) {
        self.scan_with(Requests { reset: true, ..Requests::default() });
    }

    fn permit(&self, kind: PermitKind, counter: u16, lives_ms: u64) -> Permit {
        Permit { id: PermitId { passage: None, counter, boot: BOOT }, kind, expires: self.now.plus(lives_ms) }
    }

    /// Grants a permit and lets the boom rise in a second.
    fn open(&mut self, kind: PermitKind) -> PermitId {
        let permit = self.permit(kind, 0, 30_000);
        self.grant(permit);
        assert!(self.is(Output::Open), "{:?}", self.events);
        self.arrive_up();
        permit.id
    }

    fn arrive_up(&mut self) {
        self.set(Signal::BoomDown, false);
        self.pass(1_000);
        self.set(Signal::BoomUp, true);
        self.pass(100);
        assert_eq!(self.interlock.boom(), Boom::Up);
    }

    /// A truck passes the boom's sensors, `step_ms` on each.
    fn drive_through(&mut self, step_ms: u64) {
        use Signal::{BoomLoop, ExitLoop, Photocell};
        for (signal, on) in
            [(BoomLoop, true), (Photocell, true), (ExitLoop, true), (BoomLoop, false), (Photocell, false), (ExitLoop, false)]
        {
            self.set(signal, on);
            self.pass(step_ms);
        }
    }

    fn is(&self, output: Output) -> bool {
        self.outputs.get(output)
    }

    fn saw(&self, event: Event) -> bool {
        self.events.contains(&event)
    }
}

fn commanded() -> Config {
    Config { closing: Closing::Commanded, ..Config::default() }
}

fn held() -> Config {
    Config { drive: Drive::Maintained, ..Config::default() }
}
