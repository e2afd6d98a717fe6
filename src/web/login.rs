//! Login by PIN, logout, and who is logged in.
//!
//! ```text
//! login: one at a time ─▶ account and lockout ─▶ shut? ──────────────────────────────▶ 429 locked
//!                                                │ no
//!                                                ▼
//!                         count the attempt durably ─▶ argon2id ─▶ right, valid, here ─▶ count ends, session begins
//!                                                                └ anything else ──────▶ 401 login_failed
//! ```
//! A login that does not exist goes the same way with the same work, counted in memory. While the store cannot count, memory does: the persons at
//! the lane must not be locked out by a full disk, and nobody gets more tries by one.
//! An act asks for the account again: who was removed, or changed, is logged out by it.

use super::Shared;
use super::error::Refusal;
use super::guard::read_json;
use super::seams::{DoorEvent, SessionEnd, WebRequest};
use super::sessions::SessionId;
use crate::officer::lockout::Lockout;
use crate::officer::pin::{self, Pin};
use crate::officer::{Account, parse_id};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use lane_link::view_api::{LoginRequest, OfficerRow, OfficersAnswer, SessionAnswer};
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;

/// Persons in the list of the login pad; who is not in it types the login.
pub const OFFICERS_MAX: usize = 64;
/// A login waits so long for the one before it.
const GATE_TIMEOUT_MS: u64 = 3_000;
/// An act waits so long to hear that its account still stands.
const STILL_STANDS_TIMEOUT_MS: u64 = 300;
/// Idle sessions are looked for so often.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Deserialize)]
struct Nothing {}

pub(super) async fn login(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Body) -> Result<Response, Refusal> {
    let body: LoginRequest = read_json(body).await?;
    let id = parse_id(&body.id).map_err(|error| Refusal::BadJson(format!("id: {error}")))?;
    let pin = Pin::parse(&body.pin).map_err(|error| Refusal::BadJson(format!("pin: {error}")))?;
    let gate = tokio::time::timeout(Duration::from_millis(GATE_TIMEOUT_MS), shared.login_gate.acquire());
    let _one_at_a_time = gate.await.map_err(|_| Refusal::Busy)?.map_err(|_| Refusal::Stopping)?;
    let account = prove(&shared, &id, pin).await.inspect_err(|refusal| {
        shared.metrics.login(refusal.word());
        tracing::warn!(officer = %id, why = refusal.word(), "a login was refused");
        note(&shared, DoorEvent::LoginFailed { login: id.clone(), why: refusal.word() });
    })?;
    let session = SessionId::draw().map_err(|error| {
        tracing::error!(%error, "no session id could be drawn");
        Refusal::NoAnswer
    })?;
    let now = (shared.clocks.mono)();
    let (view, before) = {
        let mut sessions = shared.sessions();
        let before = session_of(&headers).and_then(|old| sessions.end(&old));
        (sessions.begin(session.clone(), account.clone(), now), before)
    };
    if let Some(before) = before {
        note(&shared, DoorEvent::LoggedOut(before, SessionEnd::Logout));
    }
    note(&shared, DoorEvent::LoggedIn(account));
    shared.metrics.login("ok");
    tracing::info!(officer = %id, "logged in");
    Ok(([(header::SET_COOKIE, session.set_cookie())], Json(SessionAnswer { session: Some(view) })).into_response())
}

/// Ends the sessions that nobody used, and has all that ended by themselves written down, once a second.
pub(super) async fn sweep(shared: &Shared) {
    let mut every = tokio::time::interval(SWEEP_INTERVAL);
    loop {
        every.tick().await;
        let ended = {
            let mut sessions = shared.sessions();
            sessions.sweep((shared.clocks.mono)());
            sessions.take_ended()
        };
        for (account, end) in ended {
            tracing::info!(officer = %account.id, why = end.word(), "a session ended");
            note(shared, DoorEvent::LoggedOut(account, end));
        }
    }
}

/// Hands it to the store's side without waiting: a door that waits for the disk would shut people out.
fn note(shared: &Shared, event: DoorEvent) {
    if shared.requests.try_send(WebRequest::Door(event)).is_err() {
        tracing::error!("what happened at the door could not be written down: too much waits for the store");
    }
}

async fn prove(shared: &Arc<Shared>, id: &str, pin: Pin) -> Result<Account, Refusal> {
    let (mono, wall) = ((shared.clocks.mono)(), (shared.clocks.wall)());
    let now_ms = i64::try_from(mono.0).unwrap_or(i64::MAX);
    let known = shared.ask(|answer| WebRequest::Officer { id: id.to_owned(), answer }).await?;
    let in_memory = shared.attempts().of(id).shut_ms(now_ms);
    let in_store = known.as_ref().and_then(|(_, lockout)| lockout.shut_ms(wall.utc_ms));
    if let Some(shut_ms) = in_memory.max(in_store) {
        return Err(Refusal::Locked { retry_after_s: shut_ms.unsigned_abs().div_ceil(1000) });
    }
    count(shared, id, known.is_some(), now_ms, wall.utc_ms).await;
    let account = known.map(|(account, _): (Account, Lockout)| account);
    // Who was given no PIN yet is like nobody.
    let kept = account.as_ref().map(|a| a.pin_hash.clone()).filter(|hash| !hash.is_empty());
    let right = verify(shared, pin, kept).await?;
    let account = account.filter(|account| right && account.may_work(&shared.settings.site, wall.trusted()));
    let account = account.ok_or(Refusal::LoginFailed)?;
    shared.attempts().forget(id);
    if let Err(refusal) = shared.ask(|answer| WebRequest::LoginSucceeded { id: id.to_owned(), answer }).await {
        tracing::warn!(officer = %id, why = refusal.word(), "a right PIN could not be noted: earlier wrong ones still count");
    }
    Ok(account)
}

/// Counts the attempt: where the account is kept, or else in memory.
async fn count(shared: &Shared, id: &str, known: bool, now_ms: i64, utc_ms: i64) {
    if known {
        let counted = shared.ask(|answer| WebRequest::LoginAttempt { id: id.to_owned(), utc_ms, answer }).await;
        match counted {
            Ok(_) => return,
            Err(refusal) => {
                tracing::warn!(officer = %id, why = refusal.word(), "an attempt could not be counted durably: memory counts it")
            }
        }
    }
    shared.attempts().count(id, now_ms);
}

async fn verify(shared: &Arc<Shared>, pin: Pin, kept: Option<String>) -> Result<bool, Refusal> {
    let pepper = shared.pepper.clone();
    let work = tokio::task::spawn_blocking(move || match kept {
        Some(kept) => pin::verify(&pin, &pepper, &kept),
        None => pin::work_for_nobody(&pin, &pepper).map(|()| false),
    });
    match work.await {
        Ok(Ok(right)) => Ok(right),
        Ok(Err(error)) => {
            tracing::error!(%error, "a PIN could not be verified");
            Ok(false)
        }
        Err(_) => Err(Refusal::Stopping),
    }
}

pub(super) async fn logout(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Body) -> Result<Response, Refusal> {
    let _nothing: Nothing = read_json(body).await?;
    if let Some(id) = session_of(&headers) {
        let ended = shared.sessions().end(&id);
        if let Some(account) = ended {
            note(&shared, DoorEvent::LoggedOut(account, SessionEnd::Logout));
        }
    }
    Ok(([(header::SET_COOKIE, SessionId::clear_cookie())], Json(SessionAnswer { session: None })).into_response())
}

pub(super) async fn session(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let now = (shared.clocks.mono)();
    let id = session_of(&headers);
    let account = id.as_ref().and_then(|id| shared.sessions().account(id, now));
    // Who was dismissed is not shown as logged in either.
    if let (Some(id), Some(account)) = (&id, account)
        && !still_stands(&shared, &account).await
    {
        end_with_account(&shared, id, account);
    }
    let session = id.and_then(|id| shared.sessions().look(&id, now));
    Json(SessionAnswer { session }).into_response()
}

/// Who may log in here now, by agency and login: names, and nothing that proves anything.
pub(super) async fn officers(State(shared): State<Arc<Shared>>) -> Result<Json<OfficersAnswer>, Refusal> {
    let (mono, wall) = ((shared.clocks.mono)(), (shared.clocks.wall)());
    let now_ms = i64::try_from(mono.0).unwrap_or(i64::MAX);
    let known = shared.ask(|answer| WebRequest::Officers { answer }).await?;
    let mut officers: Vec<OfficerRow> = known
        .into_iter()
        .filter(|(account, _)| account.may_work(&shared.settings.site, wall.trusted()))
        .map(|(account, lockout)| {
            let shut_ms = shared.attempts().of(&account.id).shut_ms(now_ms).max(lockout.shut_ms(wall.utc_ms));
            let locked_s = shut_ms.map(|ms| ms.unsigned_abs().div_ceil(1000));
            OfficerRow { id: account.id, agency: account.agency, role: account.role.into(), locked_s }
        })
        .collect();
    officers.sort_by(|a, b| (&a.agency, &a.id).cmp(&(&b.agency, &b.id)));
    officers.truncate(OFFICERS_MAX);
    Ok(Json(OfficersAnswer { officers }))
}

fn session_of(headers: &HeaderMap) -> Option<SessionId> {
    headers.get_all(header::COOKIE).iter().filter_map(|cookies| cookies.to_str().ok()).find_map(SessionId::of_cookies)
}

/// The person behind an act. Prolongs the session.
pub(super) async fn person(shared: &Shared, headers: &HeaderMap) -> Result<Account, Refusal> {
    let now = (shared.clocks.mono)();
    let id = session_of(headers).ok_or(Refusal::LoginNeeded)?;
    let account = shared.sessions().act(&id, now).ok_or(Refusal::LoginNeeded)?;
    if still_stands(shared, &account).await {
        return Ok(account);
    }
    end_with_account(shared, &id, account);
    Err(Refusal::LoginNeeded)
}

/// Is the account still what it was when its session began?
async fn still_stands(shared: &Shared, account: &Account) -> bool {
    let asked = shared.ask(|answer| WebRequest::Officer { id: account.id.clone(), answer });
    let now_known = match tokio::time::timeout(Duration::from_millis(STILL_STANDS_TIMEOUT_MS), asked).await {
        Ok(Ok(known)) => known.map(|(known, _)| known),
        // No answer is no news: the session's own facts are minutes old at most, and a lane with a failing disk needs its people.
        Ok(Err(_)) | Err(_) => return true,
    };
    let utc_ms = (shared.clocks.wall)().trusted();
    now_known.as_ref() == Some(account) && account.may_work(&shared.settings.site, utc_ms)
}

fn end_with_account(shared: &Shared, id: &SessionId, account: Account) {
    // Two requests at once: the session ends once.
    if shared.sessions().end(id).is_some() {
        tracing::warn!(officer = %account.id, "a session ended: the account was removed, changed or has run out");
        note(shared, DoorEvent::LoggedOut(account, SessionEnd::Account));
    }
}
