//! Look-ups: the cache's rows, the other lanes' claims and, where the cache knows none, the centre's answer become one answer for the lane.

use super::centre::{Claims, Queries};
use super::inbox::Inbox;
use super::lane_loop::Question;
use crate::store::{Found, FoundRow, Store};
use lane_core::declaration::{Declaration, LookupAnswer, OtherClaim, WatchAction, WatchHit, WatchSeen};
use lane_core::ids::{PassageId, Revision};
use lane_core::input::Input;
use lane_core::plate::{PlateText, confusable};
use lane_core::rules::MAX_CANDIDATES;
use lane_link::declaration::Declaration as WireDeclaration;
use lane_link::ids::parse_passage;
use lane_link::query::Answer;
use serde::Deserialize;
use tokio::sync::mpsc;

/// Look-ups at once.
const MAX_LOOKUPS: usize = 4;

/// [`confusable::confusable_key`] as text to text.
#[must_use]
pub fn confusable_key(text: &str) -> String {
    PlateText::parse(text).map_or_else(|_| text.to_owned(), |plate| confusable::confusable_key(&plate).to_string())
}

/// A watchlist row.
#[derive(Debug, Clone, Deserialize)]
struct WatchRow {
    #[serde(default)]
    entry: String,
    #[serde(default)]
    action: Option<String>,
    #[serde(default)]
    seen_by: Option<String>,
}

/// Answers the lane's questions until it asks no more.
pub async fn serve(mut questions: mpsc::Receiver<Question>, store: Store, claims: Claims, queries: Queries, inbox: Inbox) {
    let slots = std::sync::Arc::new(tokio::sync::Semaphore::new(MAX_LOOKUPS));
    while let Some(question) = questions.recv().await {
        let Ok(slot) = slots.clone().acquire_owned().await else { return };
        let (store, claims, queries, inbox) = (store.clone(), claims.clone(), queries.clone(), inbox.clone());
        tokio::spawn(async move {
            let _slot = slot;
            let plates: Vec<String> = question.plates.iter().map(ToString::to_string).collect();
            let found = match store.lookup(plates.clone(), Some(question.passage)).await {
                Ok(found) => found,
                Err(error) => {
                    // No answer is "unknown", and unknown holds; the next change or read asks again.
                    tracing::error!(%error, "a look-up failed");
                    return;
                }
            };
            let mut answer = to_answer(&found);
            if question.ask_centre
                && !found.declarations.iter().any(|row| row.exact)
                && let Some(said) = queries.ask(plates).await
            {
                add_centre(&mut answer, &said, &store, question.passage).await;
            }
            answer.claims = claims.against(&answer.candidates);
            inbox.give(Input::Lookup { passage: question.passage, question: question.question, answer: Box::new(answer) }).await;
        });
    }
}

/// What cannot be understood is never left out: a row in quarantine, or one that cannot be read, lets no candidate be chosen by machine; where it
/// is a row of these very plates, none by a person's plate either. The vehicle is unknown, and holds until somebody takes it on themselves.
fn to_answer(found: &Found) -> LookupAnswer {
    let mut candidates = Vec::with_capacity(found.declarations.len());
    let (mut doubtful, mut unknown) = (false, false);
    for row in &found.declarations {
        match declaration(row) {
            Some(read) => candidates.push(read),
            None => {
                doubtful = true;
                unknown |= row.exact;
            }
        }
    }
    if unknown {
        candidates.clear();
    }
    LookupAnswer {
        candidates,
        truncated: found.truncated || doubtful,
        watch: found.watch.iter().map(watch_hit).collect(),
        claims: Vec::new(),
        elsewhere: None,
        declarations: found.declarations_revision,
        watchlist: found.watchlist_revision,
    }
}

/// A row as the core judges it; `None`: it is in quarantine, or cannot be read.
fn declaration(row: &FoundRow) -> Option<Declaration> {
    if row.quarantined {
        return None;
    }
    let read = serde_json::from_slice::<WireDeclaration>(&row.bytes).map_err(|error| error.to_string());
    match read.and_then(|wire| wire.to_core(row.revision).map_err(|error| error.to_string())) {
        Ok(mut core) => {
            core.entries_used =
                core.entries_used.saturating_add(if crate::planted::planted("entries") { 0 } else { row.entries_used_here });
            Some(core)
        }
        Err(error) => {
            tracing::error!(row = row.id, error, "a cached declaration cannot be read");
            None
        }
    }
}

/// A watchlist row that cannot be understood holds, seen by supervisors.
fn watch_hit(row: &FoundRow) -> WatchHit {
    let read = serde_json::from_slice::<WatchRow>(&row.bytes).ok().filter(|_| !row.quarantined);
    let word = |pick: fn(&WatchRow) -> &Option<String>| read.as_ref().and_then(|r| pick(r).clone());
    WatchHit {
        entry: read.as_ref().map(|r| r.entry.clone()).filter(|entry| !entry.is_empty()).unwrap_or_else(|| row.id.clone()),
        action: if word(|r| &r.action).as_deref() == Some("silent_alarm") { WatchAction::SilentAlarm } else { WatchAction::Hold },
        seen_by: match word(|r| &r.seen_by).as_deref() {
            Some("lane") => WatchSeen::Lane,
            Some("centre_only") => WatchSeen::CentreOnly,
            _ => WatchSeen::Supervisor,
        },
    }
}

/// The centre's rows, with the entries that were used here and that it does not count yet.
async fn add_centre(answer: &mut LookupAnswer, said: &Answer, store: &Store, own: PassageId) {
    answer.elsewhere = said.elsewhere.as_deref().map(Into::into);
    let revision = Revision { epoch: said.epoch, revision: said.revision };
    for value in &said.declarations {
        let read = serde_json::from_value::<WireDeclaration>(value.clone()).map_err(|error| error.to_string());
        let read = read.and_then(|wire| {
            let counted: Vec<PassageId> = wire.passages_counted.iter().filter_map(|text| parse_passage(text).ok()).collect();
            wire.to_core(revision).map(|core| (core, counted)).map_err(|error| error.to_string())
        });
        let (mut core, counted) = match read {
            Ok(read) => read,
            Err(error) => {
                tracing::warn!(error, "a declaration in the centre's answer cannot be read");
                answer.truncated = true;
                continue;
            }
        };
        match store.entries_used_here(core.id.as_str().to_owned(), own).await {
            Ok(used) => {
                let uncounted = used.iter().filter(|passage| !counted.contains(passage)).count();
                core.entries_used = core.entries_used.saturating_add(u16::try_from(uncounted).unwrap_or(u16::MAX));
            }
            Err(error) => {
                tracing::error!(%error, "nobody knows how often a declaration was used here: the centre's answer is not taken");
                answer.truncated = true;
                continue;
            }
        }
        if answer.candidates.len() < MAX_CANDIDATES {
            answer.candidates.retain(|d| d.id != core.id);
            answer.candidates.push(core);
        } else {
            answer.truncated = true;
        }
    }
}

/// A claim as the core knows it.
#[must_use]
pub fn other_claim(lane: &str, declaration: &str, passage: &str) -> Option<OtherClaim> {
    let passage = lane_link::ids::parse_passage(passage).ok()?;
    Some(OtherClaim { lane: lane.into(), declaration: declaration.into(), passage })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, exact: bool, quarantined: bool) -> FoundRow {
        let body = serde_json::json!({
            "id": id, "gate": "g", "direction": "outbound", "trade": "export", "plate": "12C12345", "channel": "green",
            "valid_from_ms": 0, "valid_until_ms": 10, "state": "active", "action": "silent_alarm" });
        let revision = Revision { epoch: 1, revision: 1 };
        FoundRow { id: id.into(), revision, exact, quarantined, entries_used_here: 0, bytes: body.to_string().into_bytes() }
    }

    fn answer(declarations: Vec<FoundRow>, watch: Vec<FoundRow>) -> LookupAnswer {
        to_answer(&Found { declarations, watch, ..Found::default() })
    }

    #[test]
    fn a_row_in_quarantine_leaves_its_vehicle_unknown_and_its_neighbours_to_a_person() {
        let good = answer(vec![row("D-1", true, false)], Vec::new());
        assert_eq!((good.candidates.len(), good.truncated), (1, false));
        let held = answer(vec![row("D-1", true, false), row("D-2", true, true)], Vec::new());
        assert_eq!((held.candidates.len(), held.truncated), (0, true), "its other declaration lets it pass no more");
        let near = answer(vec![row("D-1", true, false), row("D-2", false, true)], Vec::new());
        assert_eq!((near.candidates.len(), near.truncated), (1, true), "a look-alike is a person's to choose");
        let unreadable = FoundRow { bytes: b"?".to_vec(), ..row("D-3", true, false) };
        assert!(answer(vec![unreadable], Vec::new()).truncated);
    }

    #[test]
    fn a_watchlist_entry_in_quarantine_holds_whatever_it_says() {
        let hit = |quarantined| answer(Vec::new(), vec![row("W-1", true, quarantined)]).watch[0].action;
        assert_eq!((hit(false), hit(true)), (WatchAction::SilentAlarm, WatchAction::Hold));
    }
}
