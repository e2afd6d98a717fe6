//! Replicas from the link into the store: wire rows become the store's rows, and what cannot be understood is quarantined.
//!
//! ```text
//!   row of a believed change ──▶ understood ──▶ Upsert
//!                           └──▶ not          ──▶ Quarantined: counted, told once, found by every plate that it or the row before it had;
//!                                                 the rest of the change is applied, revisions go on
//! ```
//! A declaration in quarantine holds its vehicle, a watchlist entry holds whom it names, an officer is none. A row of rules leaves the one
//! understood last in force. The row before it is never believed again: the centre said that it is no longer so.

use crate::officer;
use crate::store::{Applied, Change, Collection, Head, ReplicaRow, Store, StoreError, UpsertRow, row_problem};
use crate::sync::ports::{ApplyRefused, SyncRequest};
use lane_core::ids::Revision;
use lane_core::plate::PlateText;
use lane_link::declaration::Declaration as WireDeclaration;
use lane_link::officer::Officer as WireOfficer;
use lane_link::replica::{Collection as WireCollection, Place, Row};
use lane_link::rules::RulesRow;
use serde_json::Value;
use std::collections::HashMap;

/// A wire collection as the store knows it.
#[must_use]
pub const fn collection(wire: WireCollection) -> Collection {
    match wire {
        WireCollection::Declarations => Collection::Declarations,
        WireCollection::Watchlist => Collection::Watchlist,
        WireCollection::Officers => Collection::Officers,
        WireCollection::Rules => Collection::Rules,
    }
}

/// A stored collection as the wire knows it.
#[must_use]
pub const fn wire_collection(store: Collection) -> WireCollection {
    match store {
        Collection::Declarations => WireCollection::Declarations,
        Collection::Watchlist => WireCollection::Watchlist,
        Collection::Officers => WireCollection::Officers,
        Collection::Rules => WireCollection::Rules,
    }
}

/// Parts and rows of a snapshot on its way.
#[derive(Debug, Default)]
pub(super) struct Staging {
    parts: u32,
    rows: u64,
}

pub(super) async fn replicate(request: SyncRequest, store: &Store, staging: &mut HashMap<Collection, Staging>) {
    match request {
        SyncRequest::ApplyChange { change, reply } => {
            let which = collection(change.collection);
            let rows = rows(change.collection, &change.rows);
            // A change that follows nothing is a whole collection: the store has no row that it would amend.
            let done = if change.follows == 0 {
                let rows = rows.into_iter().filter(|row| !matches!(row, ReplicaRow::Tombstone { .. })).collect();
                store.apply_snapshot(which, Revision { epoch: change.epoch, revision: change.revision }, rows).await
            } else {
                let change = Change { epoch: change.epoch, follows: change.follows, revision: change.revision, rows };
                store.apply_replica(which, change).await
            };
            let _ = reply.send(applied(done));
        }
        SyncRequest::SnapshotBegin { collection: wire, place, reply, .. } => {
            let which = collection(wire);
            staging.insert(which, Staging::default());
            let revision = Revision { epoch: place.epoch, revision: place.revision };
            let _ = reply.send(match store.begin_snapshot(which, revision).await {
                Ok(None) => Ok(()),
                Ok(Some(already)) => applied(Ok(already)),
                Err(error) => applied(Err(error)),
            });
        }
        SyncRequest::SnapshotRows { collection: wire, rows: sent, reply } => {
            let which = collection(wire);
            let stage = staging.entry(which).or_default();
            let part = stage.parts;
            stage.parts += 1;
            stage.rows += sent.len() as u64;
            let _ = reply.send(store.stage_snapshot(which, part, rows(wire, &sent)).await.map_err(refused));
        }
        SyncRequest::SnapshotCommit { collection: wire, reply, .. } => {
            let which = collection(wire);
            let stage = staging.remove(&which).unwrap_or_default();
            let _ = reply.send(applied(store.end_snapshot(which, stage.parts, stage.rows).await));
        }
        SyncRequest::HeadReached { collection: wire, utc_ms } => head_reached(store, collection(wire), utc_ms).await,
        // The rest was served before.
        _ => {}
    }
}

async fn head_reached(store: &Store, which: Collection, utc_ms: i64) {
    let Ok(states) = store.collections().await else { return };
    let Some(revision) = states.into_iter().find(|s| s.collection == which).and_then(|s| s.have) else { return };
    if let Err(error) = store.head_seen(which, Head { revision, utc_ms }).await {
        tracing::warn!(%error, "a head could not be noted");
    }
}

fn refused(error: StoreError) -> ApplyRefused {
    tracing::warn!(%error, "rows of a replica were not taken");
    ApplyRefused::Failed
}

fn applied(result: Result<Applied, StoreError>) -> Result<(), ApplyRefused> {
    let at = |have: Revision| ApplyRefused::At(Place { epoch: have.epoch, revision: have.revision });
    match result {
        Ok(Applied::Done(_)) => Ok(()),
        Ok(Applied::Older { have }) => Err(at(have)),
        Ok(Applied::Gap { have }) => Err(at(have.unwrap_or(Revision { epoch: 0, revision: 0 }))),
        Err(error) => Err(refused(error)),
    }
}

/// Rows as the store keeps them. None is refused: what is not understood is quarantined, and the others go on.
fn rows(which: WireCollection, rows: &[Row]) -> Vec<ReplicaRow> {
    let row = |row: &Row| match row {
        Row::Tombstone { key } => ReplicaRow::Tombstone { id: key.clone() },
        Row::Upsert { key, body } => match upsert(which, key, body) {
            Ok(row) => ReplicaRow::Upsert(row),
            Err(problem) => {
                tracing::error!(collection = which.word(), row = key, problem, "a row is not understood: it is quarantined");
                ReplicaRow::Quarantined { id: key.clone(), plates: readable_plates(body), bytes: body.to_string().into_bytes() }
            }
        },
    };
    rows.iter().map(row).collect()
}

/// The plates that a row names as far as they can be read.
fn readable_plates(body: &Value) -> Vec<String> {
    let plate = |field: &str| PlateText::parse(body.get(field)?.as_str()?).ok();
    ["plate", "trailer_plate"].into_iter().filter_map(plate).map(|plate| plate.to_string()).collect()
}

fn upsert(which: WireCollection, key: &str, body: &Value) -> Result<UpsertRow, String> {
    let row = UpsertRow { id: key.to_owned(), bytes: body.to_string().into_bytes(), ..UpsertRow::default() };
    let row = match which {
        WireCollection::Declarations => declaration_row(key, body, row)?,
        WireCollection::Watchlist => {
            let plate = body.get("plate").and_then(Value::as_str).ok_or("plate is missing")?;
            let plate = PlateText::parse(plate).map_err(|error| error.to_string())?;
            UpsertRow { plates: vec![plate.to_string()], ..row }
        }
        WireCollection::Officers => {
            let account = account(key, body)?;
            UpsertRow { valid_from_ms: Some(account.valid_from_ms), valid_until_ms: Some(account.valid_until_ms), ..row }
        }
        WireCollection::Rules => {
            let rules: RulesRow = serde_json::from_value(body.clone()).map_err(|error| error.to_string())?;
            rules.check().map_err(|error| error.to_string())?;
            UpsertRow { gate: Some(rules.gate), valid_from_ms: Some(rules.valid_from_ms), valid_until_ms: rules.valid_until_ms, ..row }
        }
    };
    row_problem(&row).map_or(Ok(row), |problem| Err(problem.to_owned()))
}

/// The account of an officer's row, without a PIN.
pub(super) fn account(key: &str, body: &Value) -> Result<officer::Account, String> {
    let wire: WireOfficer = serde_json::from_value(body.clone()).map_err(|error| error.to_string())?;
    if wire.id != key {
        return Err(format!("its row is of {}", wire.id));
    }
    let account = officer::Account {
        id: wire.id,
        agency: wire.agency,
        role: wire.role.into(),
        sites: wire.sites,
        valid_from_ms: wire.valid_from_ms,
        valid_until_ms: wire.valid_until_ms,
        pin_hash: String::new(),
    };
    account.check().map_err(|error| error.to_string())?;
    Ok(account)
}

fn declaration_row(key: &str, body: &Value, row: UpsertRow) -> Result<UpsertRow, String> {
    let wire: WireDeclaration = serde_json::from_value(body.clone()).map_err(|error| error.to_string())?;
    if wire.id != key {
        return Err(format!("its row is of {}", wire.id));
    }
    let core = wire.to_core(Revision { epoch: 0, revision: 0 }).map_err(|error| error.to_string())?;
    let plates = std::iter::once(core.plate).chain(core.trailer_plate).map(|plate| plate.to_string()).collect();
    Ok(UpsertRow {
        plates,
        gate: Some(wire.gate.clone()),
        state: Some(format!("{:?}", wire.state).to_lowercase()),
        valid_from_ms: Some(wire.valid_from_ms),
        valid_until_ms: Some(wire.valid_until_ms),
        counted: wire.passages_counted.iter().filter_map(|text| lane_link::ids::parse_passage(text).ok()).collect(),
        ..row
    })
}
