//! Scenarios: what comes when, as a TOML text.
//!
//! ```toml
//! name = "Tailgate"            # required
//! seed = 7                     # optional
//! [[vehicle]]
//! at_ms = 1000                 # from the start of the scenario
//! plate = "12C-123.45"         # and every other key of VehicleSpec
//! [[order]]
//! at_ms = 9000
//! vehicle = 1                  # 1 = the first [[vehicle]] of this file
//! order = "reverse"            # go | stop | reverse
//! [[fault]]
//! at_ms = 5000
//! name = "boom_stuck"          # any knob
//! value = 1.0                  # optional
//! for_ms = 3000                # optional: then off again
//! ```
//! Unknown keys are refused, all faults are told at once with their lines. Vehicles are numbered in the order of their times.

use serde::Deserialize;

use crate::knobs::Knobs;
use crate::strict::{self, Problem, Problems};
use crate::world::vehicle::{Order, VehicleSpec};
use crate::world::{Act, World, WorldError};

/// Longest a scenario may run, ms.
pub const MAX_AT_MS: u64 = 24 * 3_600_000;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    name: String,
    #[serde(default)]
    seed: Option<u64>,
    #[serde(default, rename = "vehicle")]
    vehicles: Vec<toml::Spanned<VehicleSpec>>,
    #[serde(default, rename = "order")]
    orders: Vec<toml::Spanned<OrderEntry>>,
    #[serde(default, rename = "fault")]
    faults: Vec<toml::Spanned<FaultEntry>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OrderEntry {
    at_ms: u64,
    vehicle: u64,
    order: Order,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultEntry {
    at_ms: u64,
    name: String,
    #[serde(default)]
    value: Option<f64>,
    #[serde(default)]
    for_ms: Option<u64>,
}

/// A checked scenario.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub name: String,
    pub seed: Option<u64>,
    vehicles: Vec<VehicleSpec>,
    orders: Vec<(u64, usize, Order)>,
    faults: Vec<FaultEntry>,
}

impl Scenario {
    /// Reads a text; the knobs say which fault names exist.
    pub fn parse(text: &str, knobs: &Knobs) -> Result<Scenario, Problems> {
        let read: Text = strict::parse(text)?;
        let mut problems = Vec::new();
        let line = |offset: usize| 1 + text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count();
        let mut tell = |offset: usize, message: String| problems.push(Problem { line: Some(line(offset)), message });
        let count = read.vehicles.len() as u64;
        for entry in &read.vehicles {
            let at = entry.span().start;
            for message in entry.get_ref().problems() {
                tell(at, message);
            }
            check_time(entry.get_ref().at_ms, at, &mut tell);
        }
        for entry in &read.orders {
            let at = entry.span().start;
            if !(1..=count).contains(&entry.get_ref().vehicle) {
                tell(at, format!("order: there is no vehicle {} in this scenario", entry.get_ref().vehicle));
            }
            check_time(entry.get_ref().at_ms, at, &mut tell);
        }
        for entry in &read.faults {
            let (at, fault) = (entry.span().start, entry.get_ref());
            if let Err(error) = knobs.check(&fault.name, fault.value) {
                tell(at, format!("fault: {error}"));
            }
            check_time(fault.at_ms.saturating_add(fault.for_ms.unwrap_or(0)), at, &mut tell);
        }
        if !problems.is_empty() {
            return Err(Problems(problems));
        }
        let orders = read.orders.into_iter().map(toml::Spanned::into_inner);
        Ok(Scenario {
            name: read.name,
            seed: read.seed,
            vehicles: read.vehicles.into_iter().map(toml::Spanned::into_inner).collect(),
            orders: orders.map(|entry| (entry.at_ms, entry.vehicle as usize - 1, entry.order)).collect(),
            faults: read.faults.into_iter().map(toml::Spanned::into_inner).collect(),
        })
    }

    /// Enters everything into the world's schedule, times counted from the world's now.
    pub fn enter(&self, world: &mut World) -> Result<(), WorldError> {
        let mut by_time: Vec<usize> = (0..self.vehicles.len()).collect();
        by_time.sort_by_key(|index| self.vehicles[*index].at_ms);
        let first = world.next_vehicle();
        for spec in &self.vehicles {
            world.schedule(spec.at_ms, Act::Spawn(spec.clone()))?;
        }
        for (at_ms, index, order) in &self.orders {
            let place = by_time.iter().position(|other| other == index).unwrap_or(0);
            world.schedule(*at_ms, Act::Order(first + place as u64, *order))?;
        }
        for fault in &self.faults {
            world.schedule(fault.at_ms, Act::KnobOn(fault.name.clone(), fault.value))?;
            if let Some(for_ms) = fault.for_ms {
                world.schedule(fault.at_ms + for_ms, Act::KnobOff(fault.name.clone()))?;
            }
        }
        Ok(())
    }
}

fn check_time(at_ms: u64, offset: usize, tell: &mut impl FnMut(usize, String)) {
    if at_ms > MAX_AT_MS {
        tell(offset, format!("times must be below {MAX_AT_MS} ms"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_of_a_scenario_is_told_with_its_line() {
        let knobs = Knobs::new(1, &[]);
        let text = "name = \"x\"\n[[vehicle]]\nat_ms = 1\nplat = \"A\"\n[[fault]]\nat_ms = 2\nnam = \"boom_stuck\"\n";
        let problems = Scenario::parse(text, &knobs).unwrap_err();
        let lines: Vec<_> = problems.0.iter().filter_map(|problem| problem.line).collect();
        assert!(lines.contains(&4) && lines.contains(&7), "{problems}");

        let text = "name = \"x\"\n[[vehicle]]\nat_ms = 1\ngross_kg = 1.0\n[[order]]\nat_ms = 1\nvehicle = 2\norder = \"go\"\n[[fault]]\nat_ms = 2\nname = \"boom_stukc\"\n";
        let problems = Scenario::parse(text, &knobs).unwrap_err();
        assert_eq!(problems.0.len(), 3, "{problems}");
    }
}
