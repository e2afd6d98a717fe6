//! Knobs: every fault, switch and nuisance a person or a scenario can turn on.
//!
//! A knob is off, or on with a value (most ignore it). The set of names is closed: it depends on how many modules and cameras
//! the lane has, and a name outside it is refused. `generation` counts changes, so that sockets can be told to look again.
//!
//! | family | names | value |
//! |---|---|---|
//! | boom | `boom_stuck` `boom_slow` `boom_crank` `boom_power_cut` `boom_no_auto_close` `boom_no_reverse` `boom_radio_open` `boom_radio_close` `fire_input` | `boom_slow` factor, `boom_crank` degrees |
//! | switches | `e_stop` `manual_key` `operator_fault` `tamper` | |
//! | detectors | `<signal>_stuck_on` `<signal>_stuck_off` `<signal>_bounce` (`photocell_stuck_off` = blind) | bounce: half period, ms |
//! | scale | `scale_silent` `scale_frozen` `scale_unstable` `scale_overload` `scale_offset` `scale_garbage` `scale_bad_checksum` `scale_swapped_digits` `scale_dtu_prefix` `scale_drop` `scale_refuse` | `scale_unstable`, `scale_offset` kg |
//! | module N | `moduleN_drop` `moduleN_drop_answer` `moduleN_delay` `moduleN_freeze` `moduleN_half_open` `moduleN_reset` `moduleN_late` `moduleN_wrong_transaction` `moduleN_exception` `moduleN_swapped_bytes` `moduleN_garbage` `moduleN_power_cut` `moduleN_relay_stuck_on` `moduleN_relay_stuck_off` | `_delay` ms, `_exception` code, `_relay_stuck_*` relay index |
//! | camera C | `C_black` `C_frozen` `C_covered` `C_moved` `C_blurred` `C_dirty_plate` `C_no_answer` `C_stall` `C_drop` `C_garbage` `C_night` | `_dirty_plate`, `_night` 0 to 1 |

use std::collections::BTreeMap;

use serde::Serialize;

use crate::signal::Signal;

/// What a knob is, for the page and for refusals.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KnobInfo {
    pub name: String,
    pub what: &'static str,
    /// Value taken when none is given.
    pub default: f64,
    pub min: f64,
    pub max: f64,
}

#[derive(Debug, thiserror::Error, PartialEq)]
pub enum KnobError {
    #[error("no such knob: `{0}`")]
    Unknown(String),
    #[error("knob `{name}`: {value} is outside {min} to {max}")]
    Range { name: String, value: f64, min: f64, max: f64 },
}

const BOOM: &[(&str, &str, f64, f64, f64)] = &[
    ("boom_stuck", "the boom does not move", 1.0, 0.0, 1.0),
    ("boom_slow", "travel takes this many times longer", 3.0, 1.0, 50.0),
    ("boom_crank", "a person cranks the boom to this angle, degrees", 90.0, 0.0, 90.0),
    ("boom_power_cut", "the boom's own controller is without power", 1.0, 0.0, 1.0),
    ("boom_no_auto_close", "the boom's board never closes by itself", 1.0, 0.0, 1.0),
    ("boom_no_reverse", "the boom's board ignores its own detectors while closing", 1.0, 0.0, 1.0),
    ("boom_radio_open", "a radio hand-set holds the open terminal", 1.0, 0.0, 1.0),
    ("boom_radio_close", "a radio hand-set holds the close terminal", 1.0, 0.0, 1.0),
    ("fire_input", "the fire alarm holds the boom open", 1.0, 0.0, 1.0),
    ("e_stop", "emergency stop pressed", 1.0, 0.0, 1.0),
    ("manual_key", "key switch at manual", 1.0, 0.0, 1.0),
    ("operator_fault", "the boom's controller reports a fault", 1.0, 0.0, 1.0),
    ("tamper", "cabinet open", 1.0, 0.0, 1.0),
];

const SCALE: &[(&str, &str, f64, f64, f64)] = &[
    ("scale_silent", "the indicator sends nothing", 1.0, 0.0, 1.0),
    ("scale_frozen", "the indicator repeats its last frame", 1.0, 0.0, 1.0),
    ("scale_unstable", "wind and vibration of this amplitude, kg", 200.0, 0.0, 20_000.0),
    ("scale_overload", "the indicator shows overload", 1.0, 0.0, 1.0),
    ("scale_offset", "zero has drifted by this much, kg", 300.0, -20_000.0, 20_000.0),
    ("scale_garbage", "noise bytes between the frames", 1.0, 0.0, 1.0),
    ("scale_bad_checksum", "every frame fails its own check", 1.0, 0.0, 1.0),
    ("scale_swapped_digits", "two neighbouring bytes of every frame swapped", 1.0, 0.0, 1.0),
    ("scale_dtu_prefix", "a serial-to-network box puts its name before each frame", 1.0, 0.0, 1.0),
    ("scale_drop", "connections are closed after every frame", 1.0, 0.0, 1.0),
    ("scale_refuse", "connections are closed at once", 1.0, 0.0, 1.0),
];

const MODULE: &[(&str, &str, f64, f64, f64)] = &[
    ("drop", "requests are lost before they are carried out", 1.0, 0.0, 1.0),
    ("drop_answer", "requests are carried out and their answers lost", 1.0, 0.0, 1.0),
    ("delay", "answers take this long, ms", 500.0, 0.0, 60_000.0),
    ("freeze", "nothing is read or answered until released; then everything that waited", 1.0, 0.0, 1.0),
    ("half_open", "connections of this moment are dead for ever, without a word; new ones work", 1.0, 0.0, 1.0),
    ("reset", "every connection is reset", 1.0, 0.0, 1.0),
    ("late", "each request gets the answer of the one before", 1.0, 0.0, 1.0),
    ("wrong_transaction", "answers carry a wrong transaction id", 1.0, 0.0, 1.0),
    ("exception", "requests are refused with this exception code", 4.0, 1.0, 11.0),
    ("swapped_bytes", "neighbouring bytes of the answers' data are swapped", 1.0, 0.0, 1.0),
    ("garbage", "answers are noise", 1.0, 0.0, 1.0),
    ("power_cut", "the module has no power: relays fall, connections are reset", 1.0, 0.0, 1.0),
    ("relay_stuck_on", "this relay stays on whatever its coil says", 0.0, 0.0, 15.0),
    ("relay_stuck_off", "this relay stays off whatever its coil says", 0.0, 0.0, 15.0),
];

const CAMERA: &[(&str, &str, f64, f64, f64)] = &[
    ("black", "the picture is black", 1.0, 0.0, 1.0),
    ("frozen", "the same frame again and again", 1.0, 0.0, 1.0),
    ("covered", "a bag over the lens", 1.0, 0.0, 1.0),
    ("moved", "the camera was turned aside", 1.0, 0.0, 1.0),
    ("blurred", "the lens is out of focus", 1.0, 0.0, 1.0),
    ("dirty_plate", "dirt over the plates, share of the plate", 0.6, 0.0, 1.0),
    ("no_answer", "connections are accepted and never answered", 1.0, 0.0, 1.0),
    ("stall", "the stream stops within a frame, the connection stays", 1.0, 0.0, 1.0),
    ("drop", "connections are closed within a frame", 1.0, 0.0, 1.0),
    ("garbage", "frames are damaged", 1.0, 0.0, 1.0),
    ("night", "darkness, 0 day to 1 night", 0.7, 0.0, 1.0),
];

/// The knobs of one lane.
#[derive(Clone, Debug)]
pub struct Knobs {
    known: BTreeMap<String, KnobInfo>,
    on: BTreeMap<String, f64>,
    generation: u64,
}

impl Knobs {
    /// The closed set of knobs for a lane with so many modules and these cameras.
    pub fn new(modules: usize, cameras: &[String]) -> Knobs {
        let mut known = BTreeMap::new();
        let mut add = |name: String, (what, default, min, max): (&'static str, f64, f64, f64)| {
            known.insert(name.clone(), KnobInfo { name, what, default, min, max });
        };
        for &(name, what, default, min, max) in BOOM.iter().chain(SCALE) {
            add(name.to_owned(), (what, default, min, max));
        }
        for signal in Signal::ALL {
            let name = signal.name();
            add(format!("{name}_stuck_on"), ("this detector always reports active", 1.0, 0.0, 1.0));
            add(format!("{name}_stuck_off"), ("this detector never reports active", 1.0, 0.0, 1.0));
            add(format!("{name}_bounce"), ("this detector flickers with this half period, ms", 30.0, 10.0, 5_000.0));
        }
        for module in 0..modules {
            for &(name, what, default, min, max) in MODULE {
                add(format!("module{module}_{name}"), (what, default, min, max));
            }
        }
        for camera in cameras {
            for &(name, what, default, min, max) in CAMERA {
                add(format!("{camera}_{name}"), (what, default, min, max));
            }
        }
        Knobs { known, on: BTreeMap::new(), generation: 0 }
    }

    /// Turns a knob on, with a value or its default.
    pub fn turn_on(&mut self, name: &str, value: Option<f64>) -> Result<(), KnobError> {
        let value = self.check(name, value)?;
        self.on.insert(name.to_owned(), value);
        self.generation += 1;
        Ok(())
    }

    /// Turns a knob off; off already is not an error.
    pub fn turn_off(&mut self, name: &str) -> Result<(), KnobError> {
        self.check(name, None)?;
        self.on.remove(name);
        self.generation += 1;
        Ok(())
    }

    /// Whether the name exists and the value is in its range; the value to use.
    pub fn check(&self, name: &str, value: Option<f64>) -> Result<f64, KnobError> {
        let info = self.known.get(name).ok_or_else(|| KnobError::Unknown(name.to_owned()))?;
        let value = value.unwrap_or(info.default);
        if !(info.min..=info.max).contains(&value) {
            return Err(KnobError::Range { name: name.to_owned(), value, min: info.min, max: info.max });
        }
        Ok(value)
    }

    pub fn clear(&mut self) {
        self.on.clear();
        self.generation += 1;
    }

    pub fn on(&self, name: &str) -> bool {
        !self.on.is_empty() && self.on.contains_key(name)
    }

    pub fn value(&self, name: &str) -> Option<f64> {
        self.on.get(name).copied()
    }

    /// A module's knob by its short name (`delay` for `module0_delay`).
    pub fn module(&self, module: usize, name: &str) -> Option<f64> {
        if self.on.is_empty() { None } else { self.value(&format!("module{module}_{name}")) }
    }

    /// A camera's knob by its short name (`black` for `front_black`).
    pub fn camera(&self, camera: &str, name: &str) -> Option<f64> {
        if self.on.is_empty() { None } else { self.value(&format!("{camera}_{name}")) }
    }

    /// What is on now, with values.
    pub fn active(&self) -> &BTreeMap<String, f64> {
        &self.on
    }

    /// Every knob there is.
    pub fn known(&self) -> impl Iterator<Item = &KnobInfo> {
        self.known.values()
    }

    /// Counts changes.
    pub fn generation(&self) -> u64 {
        self.generation
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_outside_the_set_or_a_value_outside_its_range_is_refused() {
        let mut knobs = Knobs::new(1, &["front".to_owned()]);
        assert_eq!(knobs.turn_on("boom_stukc", None), Err(KnobError::Unknown("boom_stukc".to_owned())));
        assert_eq!(knobs.turn_on("module1_drop", None), Err(KnobError::Unknown("module1_drop".to_owned())));
        assert!(matches!(knobs.turn_on("boom_crank", Some(200.0)), Err(KnobError::Range { .. })));
        assert!(matches!(knobs.turn_on("scale_offset", Some(f64::NAN)), Err(KnobError::Range { .. })));
        assert!(knobs.active().is_empty());
        knobs.turn_on("module0_delay", Some(250.0)).unwrap();
        assert_eq!(knobs.module(0, "delay"), Some(250.0));
        knobs.turn_off("module0_delay").unwrap();
        assert_eq!(knobs.module(0, "delay"), None);
    }
}
