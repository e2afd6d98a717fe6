//! What happens at the door as ledger records: logins, logouts, and refused logins, counted so that nobody can fill the ledger by typing.
//!
//! The first refusal of each login and reason is a record at once; further ones are counted into one record a minute. Memory is bounded: beyond
//! [`LOGINS_MAX`] logins the refusals of all others share one count.

use super::centre::raw_record;
use crate::clock;
use crate::officer::Account;
use crate::store::Store;
use crate::web::seams::DoorEvent;
use lane_core::time::Mono;
use lane_link::record::{Body, Person};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Refused logins are recorded once a minute at most, each.
const COUNT_EVERY_MS: u64 = 60_000;
/// Logins whose refusals are counted apart.
const LOGINS_MAX: usize = 64;
/// The name of all others. No login is called so.
const OTHERS: &str = "(others)";

#[derive(Debug)]
struct Count {
    waiting: u32,
    told_at: Mono,
}

/// Counts refused logins and writes what happens at the door.
#[derive(Debug, Default)]
pub struct Door {
    refused: Mutex<BTreeMap<(String, &'static str), Count>>,
}

/// A person as records name one.
pub(super) fn person(account: &Account) -> Person {
    Person { id: account.id.clone(), agency: account.agency.clone(), role: account.role.into() }
}

impl Door {
    /// Writes an event, or counts it.
    pub async fn note(&self, event: DoorEvent, store: &Store, trust: clock::Trust) {
        let body = match event {
            DoorEvent::LoggedIn(account) => Some(Body::LoggedIn { by: person(&account) }),
            DoorEvent::LoggedOut(account, end) => Some(Body::LoggedOut { by: person(&account), why: end.word().to_owned() }),
            DoorEvent::LoginFailed { login, why } => self.refused(login, why, clock::mono()),
        };
        if let Some(body) = body {
            write(store, body, trust).await;
        }
    }

    /// Writes what was counted and is due.
    pub async fn tick(&self, store: &Store, trust: clock::Trust) {
        for body in self.due(clock::mono()) {
            write(store, body, trust).await;
        }
    }

    fn refused(&self, login: String, why: &'static str, now: Mono) -> Option<Body> {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let known = refused.contains_key(&(login.clone(), why));
        let login = if known || refused.len() < LOGINS_MAX { login } else { OTHERS.to_owned() };
        if let Some(count) = refused.get_mut(&(login.clone(), why)) {
            count.waiting = count.waiting.saturating_add(1);
            return None;
        }
        refused.insert((login.clone(), why), Count { waiting: 0, told_at: now });
        Some(Body::LoginFailed { login, why: why.to_owned(), count: 1 })
    }

    fn due(&self, now: Mono) -> Vec<Body> {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bodies = Vec::new();
        refused.retain(|(login, why), count| {
            if now.since(count.told_at) < COUNT_EVERY_MS {
                return true;
            }
            if count.waiting == 0 {
                return false;
            }
            bodies.push(Body::LoginFailed { login: login.clone(), why: (*why).to_owned(), count: std::mem::take(&mut count.waiting) });
            count.told_at = now;
            true
        });
        bodies
    }
}

async fn write(store: &Store, body: Body, trust: clock::Trust) {
    if let Err(error) = store.append(vec![raw_record(body, trust)]).await {
        tracing::error!(%error, "what happened at the door could not be written");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(body: &Body) -> (String, u32) {
        match body {
            Body::LoginFailed { login, count, .. } => (login.clone(), *count),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_flood_of_refused_logins_is_one_record_and_then_one_a_minute() {
        let door = Door::default();
        let first = door.refused("lan".into(), "login_failed", Mono(0)).unwrap();
        assert_eq!(count(&first), ("lan".into(), 1));
        for n in 1..500 {
            assert_eq!(door.refused("lan".into(), "login_failed", Mono(n)), None);
        }
        assert_eq!(door.due(Mono(59_999)), []);
        assert_eq!(door.due(Mono(60_000)).iter().map(count).collect::<Vec<_>>(), [("lan".into(), 499)]);
        assert_eq!(door.due(Mono(119_999)), []);
        assert_eq!(door.due(Mono(120_000)), [], "quiet: forgotten");
        assert!(door.refused("lan".into(), "login_failed", Mono(120_001)).is_some());
    }

    #[test]
    fn many_logins_share_one_count_when_there_are_too_many() {
        let door = Door::default();
        let records = (0..LOGINS_MAX * 3).filter(|n| door.refused(format!("n{n}"), "login_failed", Mono(0)).is_some()).count();
        assert_eq!(records, LOGINS_MAX + 1);
        let all: u32 = door.due(Mono(COUNT_EVERY_MS)).iter().map(|body| count(body).1).sum();
        assert_eq!(all as usize, LOGINS_MAX * 3 - records);
    }
}
