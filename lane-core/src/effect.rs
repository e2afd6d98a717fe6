//! Everything a lane can ask for: a closed enum, drained in order after each input.

use crate::ids::{ActId, DeclarationId, PassageId, PermitId, VisitToken};
use crate::input::Camera;
use crate::officer::{ActOutcome, Mode};
use crate::permit::{Permit, PermitEnd};
use crate::plate::PlateText;
use crate::record::Record;
use alloc::boxed::Box;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// What the driver's sign says. It never shows watchlist or risk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Sign {
    /// Lane closed.
    Closed,
    /// Come to the stop line.
    Come,
    /// Wait: being checked.
    Wait,
    /// Wait: a paper is missing (the agency's name is on the officer's screen).
    WaitConfirmation,
    /// Wait for an officer.
    WaitOfficer,
    /// Go.
    Go,
    /// Turn back.
    TurnBack,
    /// Go to the yard or to inspection.
    Divert,
    /// Stop.
    Stop,
}

/// One effect.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Effect {
    /// Open a passage: the store numbers it by its first record and answers [`crate::input::Input::PassageOpened`].
    OpenPassage {
        /// Answer with this.
        visit: VisitToken,
        /// The first record.
        record: Box<Record>,
    },
    /// Append a record. Never waited for, except through [`Effect::Authorise`].
    Record(Box<Record>),
    /// Append the record that authorises a permit, make it durable, answer [`crate::input::Input::PermitDurable`].
    Authorise {
        /// Which permit.
        permit: PermitId,
        /// The record.
        record: Box<Record>,
    },
    /// Give the interlock a permit.
    Grant(Permit),
    /// Take a permit back: no effect once its vehicle is on the boom loop.
    Revoke(PermitId, PermitEnd),
    /// Ask the interlock to lower the boom when it may (a person's touch).
    Close,
    /// Reset faults and the latched stop in the interlock: a person at the lane looked.
    ResetInterlock,
    /// The interlock's mode.
    InterlockMode(Mode),
    /// Look the plates up in the cache; answer [`crate::input::Input::Lookup`].
    Lookup {
        /// For whom.
        passage: PassageId,
        /// Which question of that passage.
        question: u16,
        /// Plates to look for, best first, at most 8.
        plates: Vec<PlateText>,
        /// Ask the centre too when the cache knows none.
        ask_centre: bool,
    },
    /// Tell the other lanes that this declaration is here, or no longer.
    Claim {
        /// Whose.
        passage: PassageId,
        /// Which declaration.
        declaration: DeclarationId,
        /// Here, or gone.
        held: bool,
    },
    /// Let a camera's detector run, or rest.
    Gate {
        /// Which.
        camera: Camera,
        /// Run.
        on: bool,
    },
    /// Keep a picture now.
    Snapshot(Camera),
    /// The driver's sign.
    Sign(Sign),
    /// The lights and the buzzer the lane wants; the interlock may overrule them.
    Lights {
        /// Green.
        green: bool,
        /// Buzzer.
        buzzer: bool,
    },
    /// The answer to an act.
    Answer {
        /// Which act.
        act: ActId,
        /// What became of it.
        outcome: ActOutcome,
    },
}
