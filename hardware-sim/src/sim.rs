//! The lane and its modules joined by wires. Pure like its parts: [`Sim::step`] moves everything by explicit time.

use crate::config::{Config, InputWire, Normally, OutputWire};
use crate::knobs::Knobs;
use crate::modbus::device::{Module, Stamp};
use crate::scenario::Scenario;
use crate::signal::{Drive, Output, Signal};
use crate::strict::Problems;
use crate::world::{World, WorldError};

/// Resolution of the physics, ms.
pub const TICK_MS: u64 = 10;

#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    #[error("{0}")]
    Text(Problems),
    #[error("the scenario does not fit")]
    World(#[from] WorldError),
}

pub struct Sim {
    pub world: World,
    modules: Vec<Module>,
    inputs: Vec<(Signal, InputWire)>,
    outputs: Vec<(Output, OutputWire)>,
    spare_ms: u64,
}

impl Sim {
    /// A lane as configured; the settings must have been checked.
    pub fn new(config: &Config) -> Sim {
        let knobs = Knobs::new(config.modules.len(), &config.camera_names());
        let world = World::new(config.lane.clone(), config.boom.clone(), config.platform.clone(), knobs, config.seed);
        let mut sim = Sim {
            world,
            modules: config.modules.iter().cloned().map(Module::new).collect(),
            inputs: config.inputs.iter().map(|(signal, wire)| (*signal, *wire)).collect(),
            outputs: config.outputs.iter().map(|(output, wire)| (*output, *wire)).collect(),
            spare_ms: 0,
        };
        sim.wire_inputs();
        sim
    }

    pub fn modules(&self) -> &[Module] {
        &self.modules
    }

    /// Moves time by `ms` in steps of [`TICK_MS`]; what is less than a step is kept for the next call.
    pub fn step(&mut self, ms: u64) {
        self.spare_ms += ms;
        while self.spare_ms >= TICK_MS {
            self.spare_ms -= TICK_MS;
            let now_ms = self.world.now_ms() + TICK_MS;
            for (index, module) in self.modules.iter_mut().enumerate() {
                let powered = self.world.knobs.module(index, "power_cut").is_none();
                module.tick(now_ms, powered);
            }
            let drive = self.drive();
            self.world.step(TICK_MS, &drive);
            self.wire_inputs();
        }
    }

    /// One Modbus request to a module; `None` where it does not answer.
    pub fn modbus_request(&mut self, module: usize, real_us: u64, unit: u8, pdu: &[u8]) -> Option<Vec<u8>> {
        let stamp = Stamp { at_ms: self.world.now_ms(), real_us };
        self.modules.get_mut(module)?.request(stamp, unit, pdu)
    }

    /// The contacts at the boom's and the lights' terminals.
    pub fn drive(&self) -> Drive {
        let mut drive = Drive::default();
        for (output, wire) in &self.outputs {
            let stuck = |name| self.world.knobs.module(wire.module, name) == Some(wire.index as f64);
            let relay = self.modules.get(wire.module).is_some_and(|module| module.relay(wire.index));
            drive.set(*output, (relay || stuck("relay_stuck_on")) && !stuck("relay_stuck_off"));
        }
        drive
    }

    fn wire_inputs(&mut self) {
        let signals = self.world.signals();
        for (signal, wire) in &self.inputs {
            let level = signals.get(*signal) == (wire.normally == Normally::Open);
            if let Some(module) = self.modules.get_mut(wire.module) {
                module.set_input(wire.index, level);
            }
        }
    }

    /// Enters a scenario from now on; `reset` empties the lane first. Its name is returned.
    pub fn run_scenario(&mut self, text: &str, reset: bool) -> Result<String, ScenarioError> {
        let scenario = Scenario::parse(text, &self.world.knobs).map_err(ScenarioError::Text)?;
        if reset {
            self.world.reset(scenario.seed);
            self.wire_inputs();
        }
        scenario.enter(&mut self.world)?;
        Ok(scenario.name)
    }
}
