//! Changes and snapshots of a collection.
//!
//! ```text
//!   change: epoch and follows = what is there ──▶ Done          revision is there or older ──▶ Older          else ──▶ Gap
//!   snapshot: begin ──▶ clean the slot ──▶ part 0 ──▶ part 1 ──▶ … ──▶ end (parts and rows as announced) ──▶ Done
//!                └──────── begin again, gap in parts, restart: what was staged is dropped ────────┘
//! ```

use super::{CacheDb, QUARANTINED, slot};
use crate::store::codec::{passage_bytes, to_sql};
use crate::store::error::StoreError;
use crate::store::settings::{CHANGE_MAX_ROWS, COUNTED_MAX, REPLICA_CHUNK_MAX_ROWS, REPLICA_ROW_MAX_BYTES, REPLICA_ROW_MAX_PLATES};
use crate::store::types::{Applied, Change, Collection, ReplicaRow, UpsertRow};
use lane_core::ids::Revision;
use rusqlite::{Connection, OptionalExtension, params};

/// Bytes of a row's id and of its short texts.
const ID_MAX_BYTES: usize = 64;
/// Bytes of a plate in a row (12 symbols, some of them Chinese).
const PLATE_MAX_BYTES: usize = 48;

/// A snapshot on its way.
#[derive(Debug, Clone)]
pub struct Staging {
    revision: Revision,
    slot: i64,
    parts: u32,
    rows: u64,
    is_clean: bool,
}

impl CacheDb {
    /// Applies a change in one transaction.
    pub fn apply(&mut self, collection: Collection, change: &Change) -> Result<Applied, StoreError> {
        check_rows(collection, &change.rows)?;
        let makes = Revision { epoch: change.epoch, revision: change.revision };
        let (slot, have) = slot(&self.conn, collection)?;
        match have {
            Some(have) if makes <= have => return Ok(Applied::Older { have }),
            Some(have) if have.epoch == change.epoch && have.revision == change.follows => {}
            have => return Ok(Applied::Gap { have }),
        }
        let key = self.key;
        let transaction = self.conn.transaction().map_err(StoreError::sql("apply a change"))?;
        for row in &change.rows {
            write_row(&transaction, collection, slot, makes, row, key)?;
        }
        transaction
            .execute("UPDATE collection SET revision = ?2 WHERE number = ?1", params![collection.number(), to_sql(change.revision)])
            .map_err(StoreError::sql("apply a change"))?;
        transaction.commit().map_err(StoreError::sql("apply a change"))?;
        Ok(Applied::Done(makes))
    }

    /// Begins a snapshot. `floor` is the newest head ever seen: nothing older comes in, even into an empty cache.
    pub fn begin_snapshot(
        &mut self,
        collection: Collection,
        revision: Revision,
        floor: Option<Revision>,
    ) -> Result<Option<Applied>, StoreError> {
        let (slot, have) = slot(&self.conn, collection)?;
        if let Some(newest) = have.max(floor)
            && revision < newest
        {
            return Ok(Some(Applied::Older { have: newest }));
        }
        self.staging.insert(collection, Staging { revision, slot: 1 - slot, parts: 0, rows: 0, is_clean: false });
        Ok(None)
    }

    /// Removes what an earlier snapshot left in the slot that the next one needs; `true` when nothing is left. One small step.
    pub fn clean_slot(&mut self, collection: Collection) -> Result<bool, StoreError> {
        let (active, _) = slot(&self.conn, collection)?;
        let removed = self
            .conn
            .prepare_cached("DELETE FROM entry WHERE row IN (SELECT row FROM entry WHERE collection = ?1 AND slot = ?2 LIMIT ?3)")
            .and_then(|mut delete| delete.execute(params![collection.number(), 1 - active, REPLICA_CHUNK_MAX_ROWS as i64]))
            .map_err(StoreError::sql("clean a slot"))?;
        let is_clean = removed < REPLICA_CHUNK_MAX_ROWS;
        if is_clean && let Some(staging) = self.staging.get_mut(&collection) {
            staging.is_clean = true;
        }
        Ok(is_clean)
    }

    /// Begins a part; parts are numbered from 0 and come in order.
    pub fn begin_part(&mut self, collection: Collection, part: u32) -> Result<(), StoreError> {
        let problem = |problem| StoreError::Snapshot { collection, problem };
        let staging = self.staging.get_mut(&collection).ok_or_else(|| problem("it was not begun"))?;
        if !staging.is_clean {
            return Err(problem("its slot is not clean yet"));
        }
        if part != staging.parts {
            self.staging.remove(&collection);
            return Err(problem("a part is missing or came twice"));
        }
        staging.parts += 1;
        Ok(())
    }

    /// Stages rows of the part that was begun.
    pub fn stage_rows(&mut self, collection: Collection, rows: &[ReplicaRow]) -> Result<(), StoreError> {
        check_rows(collection, rows)?;
        let key = self.key;
        let not_begun = StoreError::Snapshot { collection, problem: "it was not begun" };
        let staging = self.staging.get_mut(&collection).ok_or(not_begun)?;
        let transaction = self.conn.transaction().map_err(StoreError::sql("stage a part"))?;
        let mut staged = 0;
        for row in rows.iter().filter(|row| !matches!(row, ReplicaRow::Tombstone { .. })) {
            write_row(&transaction, collection, staging.slot, staging.revision, row, key)?;
            staged += 1;
        }
        transaction.commit().map_err(StoreError::sql("stage a part"))?;
        staging.rows += staged;
        Ok(())
    }

    /// Ends a snapshot: the staged rows become the collection if all were there.
    pub fn end_snapshot(&mut self, collection: Collection, parts: u32, rows: u64) -> Result<Applied, StoreError> {
        let problem = |problem| StoreError::Snapshot { collection, problem };
        let staging = self.staging.remove(&collection).ok_or_else(|| problem("it was not begun"))?;
        if staging.parts != parts || staging.rows != rows {
            return Err(problem("it is not complete"));
        }
        let (_, have) = slot(&self.conn, collection)?;
        if let Some(have) = have
            && have > staging.revision
        {
            return Ok(Applied::Older { have });
        }
        self.conn
            .execute(
                "UPDATE collection SET slot = ?2, epoch = ?3, revision = ?4 WHERE number = ?1",
                params![collection.number(), staging.slot, staging.revision.epoch, to_sql(staging.revision.revision)],
            )
            .map_err(StoreError::sql("end a snapshot"))?;
        Ok(Applied::Done(staging.revision))
    }
}

fn check_rows(collection: Collection, rows: &[ReplicaRow]) -> Result<(), StoreError> {
    if rows.len() > CHANGE_MAX_ROWS {
        return Err(StoreError::TooLarge { what: "a change's rows", bytes: rows.len() as u64, max: CHANGE_MAX_ROWS as u64 });
    }
    for row in rows {
        let id = match row {
            ReplicaRow::Upsert(row) => &row.id,
            ReplicaRow::Tombstone { id } | ReplicaRow::Quarantined { id, .. } => id,
        };
        let problem = if id.is_empty() || id.len() > ID_MAX_BYTES {
            Some("its id must have 1 to 64 bytes")
        } else if let ReplicaRow::Upsert(row) = row {
            row_problem(row)
        } else {
            None
        };
        if let Some(problem) = problem {
            return Err(StoreError::ReplicaRow { collection, id: id.chars().take(ID_MAX_BYTES).collect(), problem });
        }
    }
    Ok(())
}

/// What is beyond the limits of a row.
pub fn row_problem(row: &UpsertRow) -> Option<&'static str> {
    let long = |text: &Option<String>| text.as_ref().is_some_and(|text| text.len() > ID_MAX_BYTES);
    if row.bytes.len() > REPLICA_ROW_MAX_BYTES {
        Some("it is over 65536 bytes")
    } else if row.plates.len() > REPLICA_ROW_MAX_PLATES || row.plates.iter().any(|p| p.is_empty() || p.len() > PLATE_MAX_BYTES) {
        Some("it must have at most 4 plates of 1 to 48 bytes")
    } else if row.counted.len() > COUNTED_MAX {
        Some("it counts more than 64 passages")
    } else if long(&row.gate) || long(&row.state) {
        Some("its gate and state must have at most 64 bytes")
    } else {
        None
    }
}

fn write_row(
    conn: &Connection,
    collection: Collection,
    slot: i64,
    revision: Revision,
    row: &ReplicaRow,
    key: fn(&str) -> String,
) -> Result<(), StoreError> {
    let what = "write a replica row";
    let made;
    let (id, upsert, tombstone) = match row {
        ReplicaRow::Upsert(upsert) => (&upsert.id, upsert, false),
        ReplicaRow::Tombstone { id } => {
            made = UpsertRow::default();
            (id, &made, true)
        }
        ReplicaRow::Quarantined { id, plates, bytes } => {
            made = quarantined_row(conn, collection, id, plates, bytes)?;
            (id, &made, false)
        }
    };
    let old: Option<i64> = conn
        .prepare_cached("SELECT row FROM entry WHERE collection = ?1 AND slot = ?2 AND id = ?3")
        .and_then(|mut select| select.query_row(params![collection.number(), slot, id], |row| row.get(0)).optional())
        .map_err(StoreError::sql(what))?;
    if let Some(old) = old {
        conn.prepare_cached("DELETE FROM entry WHERE row = ?1")
            .and_then(|mut delete| delete.execute([old]))
            .map_err(StoreError::sql(what))?;
    }
    let counted: Vec<u8> = upsert.counted.iter().flat_map(|passage| passage_bytes(*passage)).collect();
    conn.prepare_cached(
        "INSERT INTO entry (collection, slot, id, epoch, revision, gate, state, valid_from_ms, valid_until_ms, tombstone, counted, bytes)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )
    .and_then(|mut insert| {
        insert.execute(params![
            collection.number(),
            slot,
            id,
            revision.epoch,
            to_sql(revision.revision),
            upsert.gate,
            upsert.state,
            upsert.valid_from_ms,
            upsert.valid_until_ms,
            tombstone,
            (!counted.is_empty()).then_some(counted),
            upsert.bytes
        ])
    })
    .map_err(StoreError::sql(what))?;
    let inserted = conn.last_insert_rowid();
    let mut insert = conn
        .prepare_cached("INSERT OR IGNORE INTO plate (collection, slot, key, plate, row) VALUES (?1, ?2, ?3, ?4, ?5)")
        .map_err(StoreError::sql(what))?;
    for plate in &upsert.plates {
        insert.execute(params![collection.number(), slot, key(plate), plate, inserted]).map_err(StoreError::sql(what))?;
    }
    Ok(())
}

/// A row that could not be understood, found by every plate that it or the row before it had. A row of rules keeps the bytes that were understood
/// last: they stay in force, and the count says that something newer was not understood.
fn quarantined_row(conn: &Connection, collection: Collection, id: &str, plates: &[String], bytes: &[u8]) -> Result<UpsertRow, StoreError> {
    let what = "quarantine a row";
    let (active, _) = slot(conn, collection)?;
    let mut found: Vec<String> = plates.iter().filter(|plate| (1..=PLATE_MAX_BYTES).contains(&plate.len())).cloned().collect();
    let mut select = conn
        .prepare_cached(
            "SELECT p.plate FROM entry e JOIN plate p ON p.row = e.row WHERE e.collection = ?1 AND e.slot = ?2 AND e.id = ?3 LIMIT ?4",
        )
        .map_err(StoreError::sql(what))?;
    let before = select
        .query_map(params![collection.number(), active, id, REPLICA_ROW_MAX_PLATES as i64], |row| row.get(0))
        .and_then(Iterator::collect::<rusqlite::Result<Vec<String>>>)
        .map_err(StoreError::sql(what))?;
    found.extend(before.into_iter().filter(|plate| !plates.contains(plate)));
    let mut kept: Option<Vec<u8>> = None;
    if collection == Collection::Rules {
        kept = conn
            .prepare_cached("SELECT bytes FROM entry WHERE collection = ?1 AND slot = ?2 AND id = ?3 AND tombstone = 0")
            .and_then(|mut select| select.query_row(params![collection.number(), active, id], |row| row.get(0)).optional())
            .map_err(StoreError::sql(what))?;
    } else if bytes.len() <= REPLICA_ROW_MAX_BYTES {
        kept = Some(bytes.to_vec());
    }
    let bytes = kept.unwrap_or_default();
    Ok(UpsertRow { id: id.to_owned(), plates: found, state: Some(QUARANTINED.to_owned()), bytes, ..UpsertRow::default() })
}
