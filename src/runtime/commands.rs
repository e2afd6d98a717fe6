//! A signed command of the centre that passed the gate becomes a person's act, with its origin; the lane judges it like a touch.

use super::inbox::Inbox;
use crate::sync::ports::SyncInput;
use lane_core::input::Camera;
use lane_core::officer::{Act, Mode, Officer, OfficerAct, Origin, Reason, ReasonCode, Role};
use lane_core::plate::PlateText;
use lane_link::command::{Command, CommandAct, CommandMode, CommandReason, CommandReasonCode, CommandRole};
use lane_link::words::ActOutcome as Word;
use tokio::sync::mpsc;

/// Hands a command to the lane and sends what became of it.
pub fn act(command: Command, inbox: Inbox, replies: mpsc::Sender<SyncInput>) {
    tokio::spawn(async move {
        let id = command.id.clone();
        let outcome = match to_act(command) {
            Some(act) => inbox.act(act).await.map_or_else(|| "lane_gone".to_owned(), |outcome| word(outcome.into())),
            None => word(Word::BadValue),
        };
        let _ = replies.send(SyncInput::Reply { id, outcome }).await;
    });
}

fn word(outcome: Word) -> String {
    serde_json::to_value(outcome).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn to_act(command: Command) -> Option<OfficerAct> {
    let passage = match &command.passage {
        Some(text) => Some(lane_link::ids::parse_passage(text).ok()?),
        None => None,
    };
    let role = match command.by.role {
        CommandRole::Officer => Role::Officer,
        CommandRole::Supervisor => Role::Supervisor,
    };
    let act = match command.act {
        CommandAct::OpenOnce { reason } => Act::Open(to_reason(reason)),
        CommandAct::Agree {} => Act::Agree,
        CommandAct::Refuse { reason } => Act::Refuse(to_reason(reason)),
        CommandAct::Divert { reason } => Act::Divert(to_reason(reason)),
        CommandAct::Hold { reason } => Act::Hold(to_reason(reason)),
        CommandAct::Release {} => Act::Release,
        CommandAct::CorrectPlate { plate } => Act::CorrectPlate(Camera::Front, PlateText::parse(&plate).ok()?),
        CommandAct::ChooseDeclaration { declaration } => Act::ChooseDeclaration(declaration.as_str().into()),
        CommandAct::SetAxles { axles } => Act::SetAxles(axles),
        CommandAct::SetMode { mode, reason } => Act::SetMode(to_mode(mode), to_reason(reason)),
        CommandAct::SecondConsent { to } => Act::SecondConsent(to.as_str().into()),
    };
    Some(OfficerAct {
        id: command.id.as_str().into(),
        by: Officer { id: command.by.id.as_str().into(), agency: command.by.agency.as_str().into(), role },
        origin: Origin::Centre,
        passage,
        view_stamp: command.view_stamp,
        act,
    })
}

const fn to_mode(mode: CommandMode) -> Mode {
    match mode {
        CommandMode::Automatic => Mode::Automatic,
        CommandMode::Attended => Mode::Attended,
        CommandMode::Closed => Mode::Closed,
    }
}

fn to_reason(reason: CommandReason) -> Reason {
    let code = match reason.code {
        CommandReasonCode::DocumentsChecked => ReasonCode::DocumentsChecked,
        CommandReasonCode::ConfirmedOutside => ReasonCode::ConfirmedOutside,
        CommandReasonCode::DeviceFault => ReasonCode::DeviceFault,
        CommandReasonCode::Ordered => ReasonCode::Ordered,
        CommandReasonCode::Emergency => ReasonCode::Emergency,
        CommandReasonCode::Other => ReasonCode::Other,
    };
    Reason { code, text: reason.text }
}
