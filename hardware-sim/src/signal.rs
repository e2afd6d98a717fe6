//! The lane's terminals: what its detectors report and what its outputs switch.
//!
//! A signal is told in its *active* sense here (`boom_loop` on = metal over the loop, `photocell` on = beam broken,
//! `e_stop` on = pressed). How an active signal arrives at a module's input (normally open or normally closed) is wiring,
//! see [`crate::config::InputWire`].

use serde::{Deserialize, Serialize};

/// A detector or switch of the lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// Loop before the platform.
    ApproachLoop,
    /// Light barrier at the exit end of the platform.
    PlatformFront,
    /// Light barrier at the entry end of the platform.
    PlatformRear,
    /// Loop under the boom.
    BoomLoop,
    /// Light beam across the boom line.
    Photocell,
    /// Loop after the boom.
    ExitLoop,
    /// Limit switch: the boom is up.
    BoomUp,
    /// Limit switch: the boom is down.
    BoomDown,
    /// Emergency stop pressed; wired to the boom as well.
    EStop,
    /// The boom's own controller reports a fault.
    OperatorFault,
    /// Key switch to manual.
    ManualKey,
    /// Cabinet door open.
    Tamper,
}

impl Signal {
    /// Every signal, in the order of the design.
    pub const ALL: [Signal; 12] = [
        Signal::ApproachLoop,
        Signal::PlatformFront,
        Signal::PlatformRear,
        Signal::BoomLoop,
        Signal::Photocell,
        Signal::ExitLoop,
        Signal::BoomUp,
        Signal::BoomDown,
        Signal::EStop,
        Signal::OperatorFault,
        Signal::ManualKey,
        Signal::Tamper,
    ];

    /// The name used in settings, scenarios and the control interface.
    pub fn name(self) -> &'static str {
        match self {
            Signal::ApproachLoop => "approach_loop",
            Signal::PlatformFront => "platform_front",
            Signal::PlatformRear => "platform_rear",
            Signal::BoomLoop => "boom_loop",
            Signal::Photocell => "photocell",
            Signal::ExitLoop => "exit_loop",
            Signal::BoomUp => "boom_up",
            Signal::BoomDown => "boom_down",
            Signal::EStop => "e_stop",
            Signal::OperatorFault => "operator_fault",
            Signal::ManualKey => "manual_key",
            Signal::Tamper => "tamper",
        }
    }
}

/// A relay of a module, by what it is wired to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Output {
    /// Boom controller, open terminal (normally open contact).
    Open,
    /// Boom controller, close terminal (normally open contact).
    Close,
    /// Boom controller, stop terminal, in series through the relay's normally closed contact: relay off = run, relay on = stop.
    Stop,
    LightRed,
    LightGreen,
    Buzzer,
}

impl Output {
    /// Every output, in the order of the default wiring.
    pub const ALL: [Output; 6] = [Output::Open, Output::Close, Output::Stop, Output::LightRed, Output::LightGreen, Output::Buzzer];

    /// The name used in settings and the control interface.
    pub fn name(self) -> &'static str {
        match self {
            Output::Open => "open",
            Output::Close => "close",
            Output::Stop => "stop",
            Output::LightRed => "light_red",
            Output::LightGreen => "light_green",
            Output::Buzzer => "buzzer",
        }
    }
}

/// The levels of all signals at one moment, active sense.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signals([bool; 12]);

impl Signals {
    pub fn get(&self, signal: Signal) -> bool {
        self.0[signal as usize]
    }

    pub fn set(&mut self, signal: Signal, on: bool) {
        self.0[signal as usize] = on;
    }
}

/// The relays as the field sees them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drive([bool; 6]);

impl Drive {
    pub fn get(&self, output: Output) -> bool {
        self.0[output as usize]
    }

    pub fn set(&mut self, output: Output, on: bool) {
        self.0[output as usize] = on;
    }

    /// This drive with one relay set; for tests and for stepping by hand.
    pub fn with(mut self, output: Output, on: bool) -> Drive {
        self.set(output, on);
        self
    }
}
