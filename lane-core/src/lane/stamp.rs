//! The view's stamp: a digest of everything a person's decision rests on. Computed when it is needed, never stored, so that the lane keeps no
//! sequence numbers. FNV-1a, folded to 32 bits: it tells views apart by accident's measure; who may act is decided elsewhere.

use super::Lane;
use super::vehicle::Vehicle;
use core::hash::{Hash, Hasher};

struct Fnv(u64);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

impl Lane {
    /// See [`crate::view::LaneView::stamp`].
    pub(super) fn stamp(&self) -> u32 {
        let mut fnv = Fnv(0xcbf2_9ce4_8422_2325);
        match &self.at_boom {
            Some(vehicle) => decided_on(vehicle, &mut fnv),
            None => 0_u8.hash(&mut fnv),
        }
        let bits = fnv.finish();
        u32::try_from((bits >> 32) ^ (bits & 0xffff_ffff)).unwrap_or_default()
    }
}

/// Vehicle (a passage names it for good; before that nobody can decide), plates, declarations, verdict, weight. Ages are left out: they change without anything having changed.
fn decided_on(vehicle: &Vehicle, fnv: &mut Fnv) {
    (vehicle.visit, vehicle.passage).hash(fnv);
    for plate in [&vehicle.front, &vehicle.rear] {
        (&plate.corrected, plate.best_text()).hash(fnv);
    }
    for declaration in &vehicle.chosen {
        (&declaration.id, declaration.revision).hash(fnv);
    }
    vehicle.competing.hash(fnv);
    if let Some(verdict) = &vehicle.verdict {
        verdict.outcome.hash(fnv);
        for check in &verdict.checks {
            (check.kind, check.result, check.leads_to).hash(fnv);
        }
    }
    vehicle.weighing.as_ref().map(|weighing| weighing.gross_grams).hash(fnv);
    (vehicle.axles, &vehicle.decision).hash(fnv);
}
