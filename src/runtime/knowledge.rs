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

fn to_answer(found: &Found) -> LookupAnswer {
    LookupAnswer {
        candidates: found.declarations.iter().filter_map(declaration).collect(),
        truncated: found.truncated,
        watch: found.watch.iter().map(watch_hit).collect(),
        claims: Vec::new(),
        elsewhere: None,
        declarations: found.declarations_revision,
        watchlist: found.watchlist_revision,
    }
}

/// A row that cannot be read is dropped and logged: it was checked when it came in.
fn declaration(row: &FoundRow) -> Option<Declaration> {
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
    let read = serde_json::from_slice::<WatchRow>(&row.bytes).ok();
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
