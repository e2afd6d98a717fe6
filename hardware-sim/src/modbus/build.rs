//! A module as its owner set it up: kind, address, pulse width, watchdog. What the kinds mean on the wire is told in [`super::device`].

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ModuleKind {
    #[serde(rename = "moxa-e1214")]
    MoxaE1214,
    #[serde(rename = "adam-6060")]
    Adam6060,
    #[serde(rename = "waveshare-poe-relay-b")]
    WavesharePoeRelayB,
    #[serde(rename = "generic")]
    Generic,
}

impl ModuleKind {
    pub fn inputs(self) -> usize {
        match self {
            ModuleKind::MoxaE1214 | ModuleKind::Adam6060 => 6,
            ModuleKind::WavesharePoeRelayB => 8,
            ModuleKind::Generic => 16,
        }
    }

    pub fn relays(self) -> usize {
        self.inputs()
    }
}

/// Which function code reads the inputs of an ADAM.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputFunction {
    Coils,
    DiscreteInputs,
    #[default]
    Both,
}

/// A module as set up by its owner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModuleBuild {
    pub kind: ModuleKind,
    #[serde(default = "crate::config::any_port")]
    pub listen: SocketAddr,
    /// Unit id it answers to; absent: any.
    #[serde(default)]
    pub unit: Option<u8>,
    /// Connections served at once; further ones are closed. 1 to 16.
    #[serde(default = "max_connections")]
    pub max_connections: usize,
    /// Width of the device-timed pulse, ms.
    #[serde(default = "pulse_ms")]
    pub pulse_ms: u64,
    /// Communication watchdog, ms; 0 = not armed.
    #[serde(default)]
    pub watchdog_ms: u64,
    /// Relays that the watchdog turns on; all others go off.
    #[serde(default)]
    pub safe_on: Vec<usize>,
    /// Address of an extra holding register with the watchdog's time.
    #[serde(default)]
    pub watchdog_register: Option<u16>,
    #[serde(default)]
    pub input_function: InputFunction,
}

fn max_connections() -> usize {
    4
}

fn pulse_ms() -> u64 {
    500
}

impl ModuleBuild {
    /// A module with the defaults.
    pub fn new(kind: ModuleKind) -> ModuleBuild {
        ModuleBuild {
            kind,
            listen: crate::config::any_port(),
            unit: None,
            max_connections: max_connections(),
            pulse_ms: pulse_ms(),
            watchdog_ms: 0,
            safe_on: Vec::new(),
            watchdog_register: None,
            input_function: InputFunction::default(),
        }
    }
}
