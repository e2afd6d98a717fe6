//! A person's act and the Stop button.

use super::Shared;
use super::error::Refusal;
use super::guard::read_json;
use super::login::person;
use super::seams::ActRequest;
use crate::officer::Account;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use lane_core::ids::{ActId, OfficerId};
use lane_core::officer::{Act as CoreAct, Officer, OfficerAct, Origin, Reason as CoreReason};
use lane_core::plate::PlateText;
use lane_link::ids::parse_passage;
use lane_link::record::{Act, Reason};
use lane_link::view_api::{ActAnswer, ActRequest as ActBody, StopAnswer};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::error::TrySendError;

/// The lane loop answers an act within this.
pub const ACT_TIMEOUT_MS: u64 = 2_000;
/// Bytes of an act's id.
pub const ACT_ID_BYTES: std::ops::RangeInclusive<usize> = 8..=64;
/// Bytes of a declaration's id in an act.
const DECLARATION_ID_MAX_BYTES: usize = 64;
/// Bytes of a reason's text.
const REASON_MAX_BYTES: usize = 500;

/// Stop: no login, no body, no queue. It touches neither the lane loop nor the store.
pub(super) async fn stop(State(shared): State<Arc<Shared>>) -> Result<Json<StopAnswer>, Refusal> {
    let felt = shared.stop.press();
    shared.metrics.stop();
    tracing::warn!(felt, "Stop was pressed at the screen");
    if felt { Ok(Json(StopAnswer { stopped: true })) } else { Err(Refusal::StopNotHeard) }
}

pub(super) async fn act(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Body) -> Result<Json<ActAnswer>, Refusal> {
    let body: ActBody = read_json(body).await?;
    let by = person(&shared, &headers).await?;
    let act = to_core(body, &by)?;
    let (request, answered) = ActRequest::new(act);
    shared.acts.try_send(request).map_err(|error| match error {
        TrySendError::Full(_) => Refusal::Busy,
        TrySendError::Closed(_) => Refusal::Stopping,
    })?;
    match tokio::time::timeout(Duration::from_millis(ACT_TIMEOUT_MS), answered).await {
        Ok(Ok(outcome)) => Ok(Json(ActAnswer { outcome: outcome.into() })),
        Ok(Err(_)) | Err(_) => Err(Refusal::NoAnswer),
    }
}

fn to_core(body: ActBody, by: &Account) -> Result<OfficerAct, Refusal> {
    let good = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    if !ACT_ID_BYTES.contains(&body.id.len()) || !body.id.bytes().all(good) {
        return Err(Refusal::BadJson("id: 8 to 64 characters of 0-9, A-Z, a-z and dash".into()));
    }
    let passage = body.passage.as_deref().map(parse_passage).transpose();
    Ok(OfficerAct {
        id: ActId(body.id),
        by: Officer { id: OfficerId(by.id.clone()), agency: by.agency.as_str().into(), role: by.role },
        origin: Origin::Lane,
        passage: passage.map_err(|error| Refusal::BadJson(format!("passage: {error}")))?,
        view_stamp: body.view_stamp,
        act: act_to_core(body.act)?,
    })
}

fn reason(reason: Reason) -> Result<CoreReason, Refusal> {
    if reason.text.len() > REASON_MAX_BYTES {
        return Err(Refusal::BadJson(format!("act.reason.text: at most {REASON_MAX_BYTES} bytes")));
    }
    Ok(CoreReason { code: reason.code.into(), text: reason.text })
}

fn act_to_core(act: Act) -> Result<CoreAct, Refusal> {
    Ok(match act {
        Act::Open { reason: r } => CoreAct::Open(reason(r)?),
        Act::Agree => CoreAct::Agree,
        Act::Refuse { reason: r } => CoreAct::Refuse(reason(r)?),
        Act::Divert { reason: r } => CoreAct::Divert(reason(r)?),
        Act::CorrectPlate { camera, plate } => {
            let plate = PlateText::parse(&plate).map_err(|error| Refusal::BadJson(format!("act.plate: {error}")))?;
            CoreAct::CorrectPlate(camera.into(), plate)
        }
        Act::ChooseDeclaration { declaration } => {
            if declaration.is_empty() || declaration.len() > DECLARATION_ID_MAX_BYTES {
                return Err(Refusal::BadJson(format!("act.declaration: 1 to {DECLARATION_ID_MAX_BYTES} bytes")));
            }
            CoreAct::ChooseDeclaration(declaration.as_str().into())
        }
        Act::Confirm => CoreAct::Confirm,
        Act::SetAxles { axles } => CoreAct::SetAxles(axles),
        Act::Hold { reason: r } => CoreAct::Hold(reason(r)?),
        Act::Release => CoreAct::Release,
        Act::SetMode { mode, reason: r } => CoreAct::SetMode(mode.into(), reason(r)?),
        Act::ResetFaults => CoreAct::ResetFaults,
        Act::CloseBoom => CoreAct::CloseBoom,
        Act::OpenGroup { count, reason: r } => CoreAct::OpenGroup(count, reason(r)?),
        Act::OpenEmergency { reason: r } => CoreAct::OpenEmergency(reason(r)?),
        Act::SecondConsent { to } => {
            if to.is_empty() || to.len() > *ACT_ID_BYTES.end() {
                return Err(Refusal::BadJson(format!("act.to: 1 to {} bytes", ACT_ID_BYTES.end())));
            }
            CoreAct::SecondConsent(ActId(to))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use lane_core::officer::Role;

    fn by() -> Account {
        Account {
            id: "lan".into(),
            agency: "customs".into(),
            role: Role::Supervisor,
            sites: Vec::new(),
            valid_from_ms: 0,
            valid_until_ms: 1,
            pin_hash: String::new(),
        }
    }

    fn read(act: serde_json::Value) -> Result<OfficerAct, Refusal> {
        let body = serde_json::json!({ "id": "press-0001", "passage": null, "view_stamp": 3, "act": act });
        to_core(serde_json::from_value(body).unwrap(), &by())
    }

    /// Every act reads from the wire as what the core writes to it.
    #[test]
    fn every_act_goes_to_the_core_and_back_unchanged() {
        let reason = serde_json::json!({ "code": "documents_checked", "text": "sổ" });
        let with = |word: &str, key: &str, value: serde_json::Value| serde_json::json!({ "do": word, key: value, "reason": reason });
        let acts = [
            serde_json::json!({ "do": "open", "reason": reason }),
            serde_json::json!({ "do": "agree" }),
            serde_json::json!({ "do": "refuse", "reason": reason }),
            serde_json::json!({ "do": "divert", "reason": reason }),
            serde_json::json!({ "do": "correct_plate", "camera": "rear", "plate": "12C12345" }),
            serde_json::json!({ "do": "choose_declaration", "declaration": "D-1" }),
            serde_json::json!({ "do": "confirm" }),
            serde_json::json!({ "do": "set_axles", "axles": 5 }),
            serde_json::json!({ "do": "hold", "reason": reason }),
            serde_json::json!({ "do": "release" }),
            with("set_mode", "mode", "held_open".into()),
            serde_json::json!({ "do": "reset_faults" }),
            serde_json::json!({ "do": "close_boom" }),
            with("open_group", "count", 3.into()),
            serde_json::json!({ "do": "open_emergency", "reason": reason }),
            serde_json::json!({ "do": "second_consent", "to": "press-0000" }),
        ];
        for act in acts {
            let core = read(act.clone()).unwrap();
            assert_eq!(serde_json::to_value(Act::from(&core.act)).unwrap(), act);
            assert_eq!((core.view_stamp, core.by.id.as_str(), core.origin), (Some(3), "lan", Origin::Lane));
        }
    }

    #[test]
    fn a_bad_act_names_its_field() {
        let says = |act| match read(act) {
            Err(Refusal::BadJson(what)) => what,
            other => panic!("{other:?}"),
        };
        assert!(says(serde_json::json!({ "do": "correct_plate", "camera": "front", "plate": "??" })).starts_with("act.plate"));
        assert!(says(serde_json::json!({ "do": "choose_declaration", "declaration": "" })).starts_with("act.declaration"));
        let long = serde_json::json!({ "code": "other", "text": "x".repeat(501) });
        assert!(says(serde_json::json!({ "do": "open", "reason": long })).starts_with("act.reason.text"));
        let body = |id: &str, passage: &str| {
            let body = serde_json::json!({ "id": id, "passage": passage, "act": { "do": "agree" } });
            to_core(serde_json::from_value(body).unwrap(), &by()).unwrap_err().to_string()
        };
        assert!(body("short", "x").starts_with("id"));
        assert!(body("press-0001", "truck").starts_with("passage"));
    }
}
