//! An I/O module as its maker's register map describes it. Pure: requests and times in, answers out.
//!
//! Addresses are those on the wire (zero-based). Sources: the makers' manuals; `[K]` marks what no manual at hand states and what is therefore
//! this model's assumption, to be confirmed at commissioning.
//!
//! | | `moxa-e1214` | `adam-6060` | `waveshare-poe-relay-b` | `generic` |
//! |---|---|---|---|---|
//! | inputs | 6, FC2 at 0x0000 | 6, at 0x0000 by FC1 or FC2 as its firmware has it (`input_function`) | 8, FC2 at 0x0000 | 16, FC2 at 0x0000 |
//! | relays | 6, coils 0x0000, FC1/5/15 | 6, coils 0x0010, FC1/5/15 | 8, coils 0x0000, FC1/5/15; FC5 value 0x5500 flips; address 0x00FF = all | 16, coils 0x0000, FC1/5/15 |
//! | device-timed pulse | coil 0x0010+n: on starts, off ends; width set on the device (`pulse_ms`) | none | FC5 at 0x0200+n: on for value x 100 ms; 0x0400+n: off for value x 100 ms, then on | coil 0x0100+n; width in holding register 0x0100+n, ms |
//! | watchdog | set on the device (`watchdog_ms`); 0x1000+n = 1 armed and host there [K for armed], 0x1010+n = 1 safe mode (FC1, FC2); coil 0x1030 = 1 alarm; cleared by coil 0x1020+n = 1 or coil 0x1030 = 1 | set on the device (`watchdog_ms`) | none: without power relays fall, without a host they stay | holding registers 0x1000 time x 100 ms, 0x1003 trigger, 0x1006 status 0 off, 1 on, 2 expired, 0x1007 write = restart, 0x1008 write 0xAA55 = stop |
//!
//! The watchdog counts from the last good request of any kind. When it expires, running pulses end and the relays go to `safe_on` (default: all off).
//! E1214: relays stay there, writes answered but without effect [K], until the alarm is cleared. ADAM, generic: the next write works again [K].
//! `watchdog_register` puts a holding register (x 100 ms, 0 = not armed, writable) onto any kind, for sites whose firmware has one [K].

use std::collections::VecDeque;

use serde::Serialize;

pub use super::build::{InputFunction, ModuleBuild, ModuleKind};

/// Writes kept for reading back over the control interface.
pub const MAX_WRITES: usize = 20_000;
/// Most bits and registers a request may name (Modbus application protocol).
const MAX_READ_BITS: u16 = 2_000;
const MAX_READ_REGISTERS: u16 = 125;

const ILLEGAL_FUNCTION: u8 = 1;
const ILLEGAL_ADDRESS: u8 = 2;
const ILLEGAL_VALUE: u8 = 3;

/// When something reached the device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stamp {
    /// Simulated time, ms.
    pub at_ms: u64,
    /// Real time since the start of the simulator, microseconds.
    pub real_us: u64,
}

/// A write as the device saw it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Write {
    /// Counts the writes of this module from 1.
    pub seq: u64,
    #[serde(flatten)]
    pub stamp: Stamp,
    pub unit: u8,
    pub function: u8,
    pub address: u16,
    /// Bits as 0 and 1 for FC15, the raw value for FC5, registers for FC6 and FC16.
    pub values: Vec<u16>,
    /// Modbus exception code with which it was refused.
    pub refused: Option<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pulse {
    until_ms: u64,
    then_on: bool,
}

/// State of the communication watchdog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Watchdog {
    Off,
    Armed,
    Expired,
}

pub struct Module {
    build: ModuleBuild,
    coils: Vec<bool>,
    inputs: Vec<bool>,
    pulses: Vec<Option<Pulse>>,
    widths_ms: Vec<u64>,
    watchdog_ms: u64,
    expired: bool,
    last_request_ms: u64,
    now_ms: u64,
    powered: bool,
    writes: VecDeque<Write>,
    write_seq: u64,
    requests: u64,
}

impl Module {
    pub fn new(build: ModuleBuild) -> Module {
        let relays = build.kind.relays();
        Module {
            coils: vec![false; relays],
            inputs: vec![false; build.kind.inputs()],
            pulses: vec![None; relays],
            widths_ms: vec![build.pulse_ms; relays],
            watchdog_ms: if build.kind == ModuleKind::WavesharePoeRelayB { 0 } else { build.watchdog_ms },
            expired: false,
            last_request_ms: 0,
            now_ms: 0,
            powered: true,
            writes: VecDeque::new(),
            write_seq: 0,
            requests: 0,
            build,
        }
    }

    pub fn build(&self) -> &ModuleBuild {
        &self.build
    }

    /// Relay states as its contacts are.
    pub fn relay(&self, index: usize) -> bool {
        self.powered && self.coils.get(index).copied().unwrap_or(false)
    }

    pub fn relays(&self) -> &[bool] {
        &self.coils
    }

    pub fn inputs(&self) -> &[bool] {
        &self.inputs
    }

    /// Sets the level at an input terminal.
    pub fn set_input(&mut self, index: usize, on: bool) {
        if let Some(input) = self.inputs.get_mut(index) {
            *input = on;
        }
    }

    pub fn watchdog(&self) -> Watchdog {
        match (self.watchdog_ms, self.expired) {
            (0, _) => Watchdog::Off,
            (_, false) => Watchdog::Armed,
            (_, true) => Watchdog::Expired,
        }
    }

    /// Requests carried out since the start.
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// Writes with a sequence above `since`, oldest first.
    pub fn writes(&self, since: u64) -> impl Iterator<Item = &Write> {
        self.writes.iter().filter(move |write| write.seq > since)
    }

    /// Time passes: pulses end, the watchdog expires. Without power everything is forgotten.
    pub fn tick(&mut self, now_ms: u64, powered: bool) {
        self.now_ms = now_ms;
        if !powered {
            self.coils.fill(false);
            self.pulses.fill(None);
            self.expired = false;
            self.last_request_ms = now_ms;
        }
        self.powered = powered;
        for (coil, pulse) in self.coils.iter_mut().zip(&mut self.pulses) {
            if let Some(Pulse { until_ms, then_on }) = *pulse
                && now_ms >= until_ms
            {
                *coil = then_on;
                *pulse = None;
            }
        }
        if powered && self.watchdog_ms > 0 && !self.expired && now_ms.saturating_sub(self.last_request_ms) > self.watchdog_ms {
            self.expired = true;
            self.pulses.fill(None);
            for (index, coil) in self.coils.iter_mut().enumerate() {
                *coil = self.build.safe_on.contains(&index);
            }
        }
    }

    /// Carries out one request (function code and data) and answers it. `None`: not for this unit.
    pub fn request(&mut self, stamp: Stamp, unit: u8, pdu: &[u8]) -> Option<Vec<u8>> {
        if self.build.unit.is_some_and(|own| own != unit) {
            return None;
        }
        let function = *pdu.first()?;
        self.now_ms = self.now_ms.max(stamp.at_ms);
        let answer = match function {
            1..=4 => self.read(function, &pdu[1..]),
            5 | 6 | 15 | 16 => self.write(stamp, unit, function, &pdu[1..]),
            _ => Err(ILLEGAL_FUNCTION),
        };
        if answer.is_ok() {
            self.last_request_ms = self.now_ms;
            self.requests += 1;
        }
        Some(answer.unwrap_or_else(|code| vec![function | 0x80, code]))
    }

    fn read(&self, function: u8, data: &[u8]) -> Result<Vec<u8>, u8> {
        let [a, b, c, d] = *data else { return Err(ILLEGAL_VALUE) };
        let (address, count) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        let limit = if function <= 2 { MAX_READ_BITS } else { MAX_READ_REGISTERS };
        if count == 0 || count > limit || address.checked_add(count - 1).is_none() {
            return Err(ILLEGAL_VALUE);
        }
        let addresses = address..=address + (count - 1);
        if function <= 2 {
            let mut bytes = vec![0u8; usize::from(count).div_ceil(8)];
            for (place, address) in addresses.enumerate() {
                let bit = if function == 1 { self.coil(address) } else { self.discrete(address) };
                if bit.ok_or(ILLEGAL_ADDRESS)? {
                    bytes[place / 8] |= 1 << (place % 8);
                }
            }
            let mut answer = vec![function, bytes.len() as u8];
            answer.extend(bytes);
            return Ok(answer);
        }
        let mut answer = vec![function, (count * 2) as u8];
        for address in addresses {
            let value = if function == 3 { self.holding(address) } else { None };
            answer.extend(value.ok_or(ILLEGAL_ADDRESS)?.to_be_bytes());
        }
        Ok(answer)
    }

    fn write(&mut self, stamp: Stamp, unit: u8, function: u8, data: &[u8]) -> Result<Vec<u8>, u8> {
        let (address, values) = decode_write(function, data)?;
        let outcome = self.apply(function, address, &values);
        self.write_seq += 1;
        if self.writes.len() >= MAX_WRITES {
            self.writes.pop_front();
        }
        let refused = outcome.err();
        self.writes.push_back(Write { seq: self.write_seq, stamp, unit, function, address, values, refused });
        outcome?;
        let mut answer = vec![function];
        answer.extend(&data[..4]);
        Ok(answer)
    }

    fn apply(&mut self, function: u8, address: u16, values: &[u16]) -> Result<(), u8> {
        let end = u32::from(address) + values.len() as u32 - 1;
        let end = u16::try_from(end).map_err(|_| ILLEGAL_ADDRESS)?;
        // All or nothing: first see that every address can be written.
        for address in address..=end {
            let known = match function {
                5 => self.writable_coil(address) || self.waveshare_extra(address),
                15 => self.writable_coil(address),
                _ => self.holding(address).is_some() && address != 0x1006,
            };
            if !known {
                return Err(ILLEGAL_ADDRESS);
            }
        }
        for (address, value) in (address..=end).zip(values) {
            match function {
                5 => self.write_single(address, *value)?,
                15 => self.set_coil(address, *value != 0)?,
                _ => self.set_holding(address, *value)?,
            }
        }
        Ok(())
    }

    fn write_single(&mut self, address: u16, value: u16) -> Result<(), u8> {
        let waveshare = self.build.kind == ModuleKind::WavesharePoeRelayB;
        if waveshare && (0x0200..0x0600).contains(&address) {
            let relay = usize::from(address & 0xFF);
            let on = address < 0x0400;
            self.start_pulse(relay, on, u64::from(value) * 100);
            return Ok(());
        }
        let level = |was: bool| match value {
            0xFF00 => Ok(true),
            0x0000 => Ok(false),
            0x5500 if waveshare => Ok(!was),
            _ => Err(ILLEGAL_VALUE),
        };
        if waveshare && address == 0x00FF {
            for relay in 0..self.coils.len() {
                let on = level(self.coils[relay])?;
                self.set_relay(relay, on);
            }
            return Ok(());
        }
        let on = level(self.coil(address).unwrap_or(false))?;
        self.set_coil(address, on)
    }

    fn writable_coil(&self, address: u16) -> bool {
        let pulse = self.pulse_base().and_then(|base| self.within(address, base));
        let clears = self.build.kind == ModuleKind::MoxaE1214 && (self.within(address, 0x1020).is_some() || address == 0x1030);
        self.within(address, self.relay_base()).is_some() || pulse.is_some() || clears
    }

    fn waveshare_extra(&self, address: u16) -> bool {
        if self.build.kind != ModuleKind::WavesharePoeRelayB {
            return false;
        }
        let relays = self.coils.len() as u16;
        address == 0x00FF || (0x0200..0x0200 + relays).contains(&address) || (0x0400..0x0400 + relays).contains(&address)
    }

    /// First address of the relays and of the pulses.
    fn relay_base(&self) -> u16 {
        if self.build.kind == ModuleKind::Adam6060 { 0x0010 } else { 0x0000 }
    }

    fn pulse_base(&self) -> Option<u16> {
        match self.build.kind {
            ModuleKind::MoxaE1214 => Some(0x0010),
            ModuleKind::Generic => Some(0x0100),
            ModuleKind::Adam6060 | ModuleKind::WavesharePoeRelayB => None,
        }
    }

    fn within(&self, address: u16, base: u16) -> Option<usize> {
        let index = usize::from(address.checked_sub(base)?);
        (index < self.coils.len()).then_some(index)
    }

    fn coil(&self, address: u16) -> Option<bool> {
        if let Some(relay) = self.within(address, self.relay_base()) {
            return Some(self.coils[relay]);
        }
        if let Some(relay) = self.pulse_base().and_then(|base| self.within(address, base)) {
            return Some(self.pulses[relay].is_some());
        }
        match self.build.kind {
            ModuleKind::MoxaE1214 if self.within(address, 0x1020).is_some() => Some(false),
            ModuleKind::MoxaE1214 if address == 0x1030 => Some(self.expired),
            ModuleKind::MoxaE1214 => self.moxa_status(address),
            ModuleKind::Adam6060 if self.build.input_function != InputFunction::DiscreteInputs => {
                self.inputs.get(usize::from(address)).copied()
            }
            _ => None,
        }
    }

    fn discrete(&self, address: u16) -> Option<bool> {
        if self.build.kind == ModuleKind::Adam6060 && self.build.input_function == InputFunction::Coils {
            return None;
        }
        if let Some(input) = self.inputs.get(usize::from(address)) {
            return Some(*input);
        }
        if self.build.kind == ModuleKind::MoxaE1214 { self.moxa_status(address) } else { None }
    }

    fn moxa_status(&self, address: u16) -> Option<bool> {
        if self.within(address, 0x1000).is_some() {
            return Some(self.watchdog() == Watchdog::Armed);
        }
        self.within(address, 0x1010).map(|_| self.expired)
    }

    fn holding(&self, address: u16) -> Option<u16> {
        let watchdog_time = (self.watchdog_ms / 100).min(u64::from(u16::MAX)) as u16;
        if self.build.watchdog_register == Some(address) {
            return Some(watchdog_time);
        }
        if self.build.kind != ModuleKind::Generic {
            return None;
        }
        if let Some(relay) = self.within(address, 0x0100) {
            return Some(self.widths_ms[relay].min(u64::from(u16::MAX)) as u16);
        }
        match address {
            0x1000 => Some(watchdog_time),
            0x1003 | 0x1007 | 0x1008 => Some(0),
            0x1006 => Some(match self.watchdog() {
                Watchdog::Off => 0,
                Watchdog::Armed => 1,
                Watchdog::Expired => 2,
            }),
            _ => None,
        }
    }

    fn set_coil(&mut self, address: u16, on: bool) -> Result<(), u8> {
        if let Some(relay) = self.within(address, self.relay_base()) {
            self.set_relay(relay, on);
            return Ok(());
        }
        if let Some(relay) = self.pulse_base().and_then(|base| self.within(address, base)) {
            if on {
                self.start_pulse(relay, true, self.widths_ms[relay]);
            } else {
                self.set_relay(relay, false);
            }
            return Ok(());
        }
        let clears = self.build.kind == ModuleKind::MoxaE1214 && (self.within(address, 0x1020).is_some() || address == 0x1030);
        match (clears, on) {
            (true, true) => {
                self.expired = false;
                Ok(())
            }
            (true, false) => Err(ILLEGAL_VALUE),
            (false, _) => Err(ILLEGAL_ADDRESS),
        }
    }

    fn set_holding(&mut self, address: u16, value: u16) -> Result<(), u8> {
        if self.build.watchdog_register == Some(address) || address == 0x1000 {
            self.watchdog_ms = u64::from(value) * 100;
            self.expired = false;
            return Ok(());
        }
        if let Some(relay) = self.within(address, 0x0100) {
            self.widths_ms[relay] = u64::from(value);
            return Ok(());
        }
        match (address, value) {
            (0x1003, _) => Ok(()),
            (0x1007, _) => {
                self.expired = false;
                Ok(())
            }
            (0x1008, 0xAA55) => {
                self.watchdog_ms = 0;
                self.expired = false;
                Ok(())
            }
            (0x1008, _) => Err(ILLEGAL_VALUE),
            _ => Err(ILLEGAL_ADDRESS),
        }
    }

    /// A safe mode that has to be cleared by hand holds the relays.
    fn set_relay(&mut self, relay: usize, on: bool) {
        if !self.admits_writes() {
            return;
        }
        self.pulses[relay] = None;
        self.coils[relay] = on;
    }

    fn start_pulse(&mut self, relay: usize, on: bool, width_ms: u64) {
        if !self.admits_writes() || relay >= self.coils.len() {
            return;
        }
        self.coils[relay] = on;
        self.pulses[relay] = Some(Pulse { until_ms: self.now_ms + width_ms, then_on: !on });
    }

    fn admits_writes(&mut self) -> bool {
        if self.expired && self.build.kind == ModuleKind::MoxaE1214 {
            return false;
        }
        self.expired = false;
        true
    }
}

/// Address and values of a write request.
fn decode_write(function: u8, data: &[u8]) -> Result<(u16, Vec<u16>), u8> {
    let word = |at: usize| data.get(at..at + 2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).ok_or(ILLEGAL_VALUE);
    let address = word(0)?;
    if function == 5 || function == 6 {
        return if data.len() == 4 { Ok((address, vec![word(2)?])) } else { Err(ILLEGAL_VALUE) };
    }
    let count = usize::from(word(2)?);
    let bytes = usize::from(*data.get(4).ok_or(ILLEGAL_VALUE)?);
    let body = &data[5..];
    let wanted = if function == 15 { count.div_ceil(8) } else { count * 2 };
    if count == 0 || bytes != wanted || body.len() != wanted {
        return Err(ILLEGAL_VALUE);
    }
    let values = if function == 15 {
        (0..count).map(|bit| u16::from(body[bit / 8] >> (bit % 8) & 1)).collect()
    } else {
        body.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect()
    };
    Ok((address, values))
}
