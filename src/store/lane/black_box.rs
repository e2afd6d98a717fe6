//! The black box: per passage an opening snapshot and the inputs and effects that followed, so that a decision can be run again.
//!
//! Bounded thrice: a passage in bytes (later entries are counted, not kept), all of them in bytes and in days (the oldest leave whole).
//!
//! Whoever gives entries numbers them from 1. Numbers that never came (the disk took nothing, a queue was full) are a hole: it is counted, and
//! nothing is kept after it, because a run with a hole would be another run. What the box lacks begins after its last entry.

use super::LaneTx;
use crate::planted::planted;
use crate::store::codec::{digest_of, from_sql, passage_bytes, to_sql};
use crate::store::error::StoreError;
use crate::store::types::{BlackBox, BlackBoxEntry, BlackBoxOpening, BlackBoxWhat};
use lane_core::ids::PassageId;
use lane_core::time::Mono;
use rusqlite::{Connection, OptionalExtension, params};

/// Black boxes that leave in one maintenance.
const LEAVING_MAX: u32 = 64;
const DAY_MS: i64 = 86_400_000;

impl LaneTx<'_> {
    /// Begins the black box of a passage; beginning it again keeps the first opening.
    pub fn open_black_box(&mut self, passage: PassageId, opening: &BlackBoxOpening) -> Result<(), StoreError> {
        let max = self.settings.black_box_passage_max_bytes;
        let bytes = opening.snapshot.len() as u64;
        if bytes > max {
            return Err(StoreError::TooLarge { what: "a black box's snapshot", bytes, max });
        }
        self.conn
            .prepare_cached(
                "INSERT INTO black_box (passage, number, core_version, rules, utc_ms, snapshot, total_bytes)
                 VALUES (?1, (SELECT coalesce(max(number), 0) + 1 FROM black_box), ?2, ?3, ?4, ?5, ?6) ON CONFLICT (passage) DO NOTHING",
            )
            .and_then(|mut insert| {
                insert.execute(params![
                    passage_bytes(passage),
                    opening.core_version,
                    opening.rules.0,
                    opening.utc_ms,
                    opening.snapshot,
                    to_sql(bytes)
                ])
            })
            .map_err(StoreError::sql("open a black box"))
            .map(|_| ())
    }

    /// Adds entries, numbered from `first`. What is over the passage's limit, and what never came, is counted; what is there already is left.
    pub fn append_black_box(&mut self, passage: PassageId, first: u64, entries: &[BlackBoxEntry]) -> Result<(), StoreError> {
        let what = "append to a black box";
        let key = passage_bytes(passage);
        let found: Option<(i64, i64, i64, i64)> = self
            .conn
            .prepare_cached(
                "SELECT number, total_bytes, dropped, (SELECT coalesce(max(n), 0) FROM black_box_entry e WHERE e.number = b.number)
                 FROM black_box b WHERE passage = ?1",
            )
            .and_then(|mut select| select.query_row([key], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))).optional())
            .map_err(StoreError::sql(what))?;
        let Some((number, total, dropped, kept)) = found else { return Err(StoreError::BlackBoxUnknown) };
        let (mut total, mut dropped, mut kept) = (from_sql(total, what)?, from_sql(dropped, what)?, from_sql(kept, what)?);
        let mut insert = self
            .conn
            .prepare_cached("INSERT INTO black_box_entry (number, n, effect, at_ms, bytes) VALUES (?1, ?2, ?3, ?4, ?5)")
            .map_err(StoreError::sql(what))?;
        if !planted("hole") {
            dropped += first.saturating_sub(1).saturating_sub(kept + dropped);
        }
        for (nth, entry) in (first..).zip(entries) {
            if nth <= kept + dropped {
                continue;
            }
            let size = entry.bytes.len() as u64;
            if dropped > 0 || total + size > self.settings.black_box_passage_max_bytes {
                dropped += 1;
                continue;
            }
            insert
                .execute(params![number, to_sql(nth), entry.what == BlackBoxWhat::Effect, to_sql(entry.at.0), entry.bytes])
                .map_err(StoreError::sql(what))?;
            total += size;
            kept += 1;
        }
        self.conn
            .prepare_cached("UPDATE black_box SET total_bytes = ?2, dropped = ?3 WHERE number = ?1")
            .and_then(|mut update| update.execute(params![number, to_sql(total), to_sql(dropped)]))
            .map_err(StoreError::sql(what))
            .map(|_| ())
    }

    /// Lets the oldest black boxes leave: those over the bytes of all, and, where the clock is trusted, those over the days.
    pub fn prune_black_boxes(&mut self, now_utc_ms: Option<i64>) -> Result<u64, StoreError> {
        let what = "let black boxes leave";
        let oldest = now_utc_ms.map(|now| now.saturating_sub(i64::from(self.settings.black_box_keep_days) * DAY_MS));
        // Counted from the newest: the first that does not fit any more, and all older ones, leave.
        let over: Option<i64> = self
            .conn
            .prepare_cached(
                "SELECT max(number) FROM (SELECT number, sum(total_bytes) OVER (ORDER BY number DESC) AS running FROM black_box)
                 WHERE running > ?1",
            )
            .and_then(|mut select| select.query_row([to_sql(self.settings.black_box_max_bytes)], |row| row.get(0)))
            .map_err(StoreError::sql(what))?;
        let removed = self
            .conn
            .prepare_cached(
                "DELETE FROM black_box WHERE number IN (SELECT number FROM black_box
                 WHERE number <= ?1 OR utc_ms < ?2 ORDER BY number LIMIT ?3)",
            )
            .and_then(|mut delete| delete.execute(params![over.unwrap_or(0), oldest.unwrap_or(i64::MIN), LEAVING_MAX]))
            .map_err(StoreError::sql(what))?;
        Ok(removed as u64)
    }
}

/// Reads the black box of a passage.
pub fn black_box(conn: &Connection, passage: PassageId) -> Result<BlackBox, StoreError> {
    let what = "read a black box";
    type Columns = (i64, String, Vec<u8>, Option<i64>, Vec<u8>, i64);
    let found: Option<Columns> = conn
        .query_row(
            "SELECT number, core_version, rules, utc_ms, snapshot, dropped FROM black_box WHERE passage = ?1",
            [passage_bytes(passage)],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?)),
        )
        .optional()
        .map_err(StoreError::sql(what))?;
    let Some((number, core_version, rules, utc_ms, snapshot, dropped)) = found else {
        return Err(StoreError::BlackBoxUnknown);
    };
    let entries = conn
        .prepare("SELECT effect, at_ms, bytes FROM black_box_entry WHERE number = ?1 ORDER BY n")
        .and_then(|mut select| {
            select
                .query_map([number], |row| {
                    let effect: bool = row.get(0)?;
                    let at: i64 = row.get(1)?;
                    Ok(BlackBoxEntry {
                        what: if effect { BlackBoxWhat::Effect } else { BlackBoxWhat::Input },
                        at: Mono(u64::try_from(at).unwrap_or(0)),
                        bytes: row.get(2)?,
                    })
                })?
                .collect()
        })
        .map_err(StoreError::sql(what))?;
    let opening = BlackBoxOpening { core_version, rules: digest_of(&rules)?, utc_ms, snapshot };
    Ok(BlackBox { passage, opening, entries, entries_dropped: from_sql(dropped, what)? })
}
