//! A module's register map and wiring as a file: `config/profiles/barrier/*.toml`. Addresses are those on the wire, zero-based.
//!
//! ```toml
//! name = "moxa-e1214"
//! unit = 1                                          # 0 to 255
//! inputs = { function = 2, address = 0, count = 6 } # function 1 or 2
//! outputs = { address = 0, count = 6 }              # coils: written by function 5, read back by function 1
//! pulse = { address = 0x10, kind = "coil" }         # device-timed pulse of output n: coil at address + n; "flash": Waveshare's way
//!                                                   # width_address = ...: its width in ms goes to register width_address + n first
//! [[watchdog.arm]]                                  # written once on each connection
//! register = 0x1000
//! value = 50
//! [[watchdog.armed]]                                # must read so before anything is energised, and is read again while it is
//! register = 0x1006                                 # or: input = ...
//! value = 1
//! [signals.boom_loop]
//! point = 0                                         # nth input of the block
//! normally = "open"                                 # "closed": the contact opens when the signal is active
//! settle_ms = 0                                     # a change is believed when it lasted so long
//! [wires.open]
//! point = 0                                         # nth output of the block
//! normally = "open"                                 # "closed": the coil is on until the output is asserted
//! ```
//! Unknown keys are refused; all mistakes are told at once with line and key.

use super::link::BitFunction;
use crate::settings::reader::{Mistake, Reader, Section};
use lane_core::signal::{Output, Signal};

/// Inputs or outputs of one module.
pub const MAX_POINTS: u16 = 64;
const MAX_WATCHDOG_ROWS: usize = 8;
const MAX_SETTLE_MS: u64 = 500;

/// A contact at rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Normally {
    /// Bit 1 = active, coil on = asserted.
    Open,
    /// Bit 0 = active, coil off = asserted.
    Closed,
}

impl Normally {
    /// Logical value to bit, and back.
    #[must_use]
    pub const fn flip(self, value: bool) -> bool {
        match self {
            Self::Open => value,
            Self::Closed => !value,
        }
    }
}

/// Where a signal comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignalWire {
    /// Which signal.
    pub signal: Signal,
    /// Which input of the block.
    pub point: u16,
    /// Its contact at rest.
    pub normally: Normally,
    /// A change is believed when it lasted so long, ms.
    pub settle_ms: u64,
}

/// Where an output goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputWire {
    /// Which output.
    pub output: Output,
    /// Which coil of the block.
    pub point: u16,
    /// Its contact at rest.
    pub normally: Normally,
}

/// How a device-timed pulse is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PulseKind {
    /// Coil `address + n` on starts one, off ends it.
    Coil,
    /// Function 5 at `address + n` with the width in 100 ms; the relay's own coil off ends it.
    Flash,
}

/// Device-timed pulses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pulse {
    /// How.
    pub kind: PulseKind,
    /// First pulse coil.
    pub address: u16,
    /// First register of the widths, ms; none: set on the device.
    pub width_address: Option<u16>,
}

/// A value that a register or an input bit must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Holding register.
    Register(u16),
    /// Discrete input.
    Input(u16),
}

/// The communication watchdog.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Watchdog {
    /// Registers to write on each connection.
    pub arm: Vec<(u16, u16)>,
    /// What must read back. Empty: there is no watchdog that can be proven.
    pub armed: Vec<(Place, u16)>,
}

/// A register map with its wiring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// Unit id.
    pub unit: u8,
    /// How inputs are read.
    pub input_function: BitFunction,
    /// First input.
    pub input_address: u16,
    /// Inputs, 0 to [`MAX_POINTS`].
    pub input_count: u16,
    /// First coil.
    pub output_address: u16,
    /// Coils, 0 to [`MAX_POINTS`].
    pub output_count: u16,
    /// Device-timed pulses.
    pub pulse: Option<Pulse>,
    /// The communication watchdog.
    pub watchdog: Watchdog,
    /// Which signals come in here.
    pub signals: Vec<SignalWire>,
    /// Which outputs go out here.
    pub wires: Vec<OutputWire>,
}

impl Profile {
    /// Reads a profile.
    ///
    /// # Errors
    /// Every mistake of the file.
    pub fn parse(text: &str) -> Result<Self, Vec<Mistake>> {
        let reader = Reader::new(text);
        let table = reader.parse();
        let root = Section::root(&reader, &table);
        let profile = Self::read(&root);
        root.close();
        let mistakes = reader.finish();
        if mistakes.is_empty() { Ok(profile) } else { Err(mistakes) }
    }

    fn read(root: &Section) -> Self {
        let name = root.text("name", None, 1..=40);
        let unit = root.number("unit", 1_u8, 0..=255);
        let inputs = root.section("inputs");
        let functions = [("1", BitFunction::Coils), ("2", BitFunction::DiscreteInputs)];
        let function = inputs.number("function", 2_u8, 1..=2);
        let input_function = functions[usize::from(function.clamp(1, 2)) - 1].1;
        let input_address = inputs.number("address", 0_u16, 0..=65_535);
        let input_count = inputs.number("count", 0_u16, 0..=i64::from(MAX_POINTS));
        inputs.close();
        let outputs = root.section("outputs");
        let output_address = outputs.number("address", 0_u16, 0..=65_535);
        let output_count = outputs.number("count", 0_u16, 0..=i64::from(MAX_POINTS));
        outputs.close();
        let pulse = read_pulse(root.section("pulse"));
        let watchdog = read_watchdog(root.section("watchdog"));
        let signals = read_signals(root.section("signals"), input_count);
        let wires = read_wires(root.section("wires"), output_count);
        Self { name, unit, input_function, input_address, input_count, output_address, output_count, pulse, watchdog, signals, wires }
    }

    /// Can the watchdog be proven armed?
    #[must_use]
    pub fn has_watchdog(&self) -> bool {
        !self.watchdog.armed.is_empty()
    }
}

fn read_pulse(section: Section) -> Option<Pulse> {
    if !section.present() {
        return None;
    }
    let width_address = section.has("width_address").then(|| section.number("width_address", 0_u16, 0..=65_535));
    section.allow(&["width_address"]);
    let kinds = [("coil", PulseKind::Coil), ("flash", PulseKind::Flash)];
    let kind = section.word("kind", Some(PulseKind::Coil), &kinds).unwrap_or(PulseKind::Coil);
    let pulse = Pulse { kind, address: section.number("address", 0_u16, 0..=65_535), width_address };
    if !section.has("address") {
        section.wrong("address", "is missing: the first pulse coil");
    }
    section.close();
    Some(pulse)
}

fn read_watchdog(section: Section) -> Watchdog {
    let mut watchdog = Watchdog::default();
    for row in section.sections("arm", MAX_WATCHDOG_ROWS) {
        watchdog.arm.push((row.number("register", 0, 0..=65_535), row.number("value", 0, 0..=65_535)));
        row.close();
    }
    for row in section.sections("armed", MAX_WATCHDOG_ROWS) {
        row.allow(&["register", "input"]);
        let place = match (row.has("register"), row.has("input")) {
            (true, false) => Place::Register(row.number("register", 0, 0..=65_535)),
            (false, true) => Place::Input(row.number("input", 0, 0..=65_535)),
            _ => {
                row.wrong("register", "one of \"register\" and \"input\" must be given");
                Place::Register(0)
            }
        };
        watchdog.armed.push((place, row.number("value", 1, 0..=65_535)));
        row.close();
    }
    section.close();
    watchdog
}

const LEVELS: [(&str, Normally); 2] = [("open", Normally::Open), ("closed", Normally::Closed)];

fn read_signals(section: Section, count: u16) -> Vec<SignalWire> {
    let mut wires: Vec<SignalWire> = Vec::new();
    for key in section.keys() {
        let Some(signal) = Signal::from_name(&key) else {
            section.allow(&[&key]);
            section.wrong(&key, format!("is not a signal; signals are: {}", Signal::ALL.map(Signal::name).join(", ")));
            continue;
        };
        let row = section.section(&key);
        let point = point(&row, count, "input");
        let normally = row.word("normally", None, &LEVELS).unwrap_or(Normally::Open);
        let settle_ms = row.number("settle_ms", 0_u64, 0..=i64::try_from(MAX_SETTLE_MS).unwrap_or(500));
        if wires.iter().any(|wire| wire.point == point) {
            row.wrong("point", "is already another signal's");
        }
        row.close();
        wires.push(SignalWire { signal, point, normally, settle_ms });
    }
    section.close();
    wires
}

fn read_wires(section: Section, count: u16) -> Vec<OutputWire> {
    let mut wires: Vec<OutputWire> = Vec::new();
    for key in section.keys() {
        let Some(output) = Output::from_name(&key) else {
            section.allow(&[&key]);
            section.wrong(&key, format!("is not an output; outputs are: {}", Output::ALL.map(Output::name).join(", ")));
            continue;
        };
        let row = section.section(&key);
        let point = point(&row, count, "output");
        let normally = row.word("normally", None, &LEVELS).unwrap_or(Normally::Open);
        if wires.iter().any(|wire| wire.point == point) {
            row.wrong("point", "is already another output's");
        }
        if matches!(output, Output::Open | Output::Close) && normally == Normally::Closed {
            row.wrong("normally", "must be \"open\": a dead module must not move the boom");
        }
        row.close();
        wires.push(OutputWire { output, point, normally });
    }
    section.close();
    wires
}

fn point(row: &Section, count: u16, what: &str) -> u16 {
    let point = row.number("point", 0_u16, 0..=i64::from(MAX_POINTS));
    if !row.has("point") {
        row.wrong("point", format!("is missing: the nth {what} of the block, from 0"));
    } else if point >= count {
        row.wrong("point", format!("the block has {count} {what}s, counted from 0"));
    }
    point
}
