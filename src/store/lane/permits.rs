//! Passages, permits, and the entries of declarations that permits use.
//!
//! ```text
//! permit:  (unknown) ──authorise──▶ granted ──end──▶ ended          no way back: an id is granted once, ever
//!                                      └──any other start of the daemon──▶ ended
//! entry:   granted with a permit counts as used; it is freed only when the permit ended and nobody entered under it;
//!          it leaves when the centre's own row counts that passage.
//! ```
//! A permit that was granted when the power went may have admitted its vehicle: its entry stays used, and a person decides.

use super::LaneTx;
use crate::store::codec::{passage_bytes, passage_of, permit_bytes, permit_of, to_sql};
use crate::store::error::StoreError;
use crate::store::settings::{PERMIT_MAX_DECLARATIONS, PERMITS_MAX_ROWS};
use crate::store::types::{Authorisation, Committed, EntryUse, NewRecord};
use lane_core::ids::{PassageId, PermitId};
use rusqlite::{Connection, OptionalExtension, params};

impl LaneTx<'_> {
    /// Appends the record that opens a passage and gives the passage its name.
    pub fn open_passage(&mut self, record: &NewRecord) -> Result<PassageId, StoreError> {
        let seq = self.append(record)?.seq;
        let passage = PassageId { ledger: self.tip.ledger, seq };
        self.conn
            .prepare_cached("INSERT INTO open_passage (passage) VALUES (?1)")
            .and_then(|mut insert| insert.execute([passage_bytes(passage)]))
            .map_err(StoreError::sql("open a passage"))?;
        Ok(passage)
    }

    /// Appends the record that ends a passage. Ending one that is not open only appends.
    pub fn end_passage(&mut self, passage: PassageId, record: &NewRecord) -> Result<Committed, StoreError> {
        let committed = self.append(record)?;
        self.conn
            .prepare_cached("DELETE FROM open_passage WHERE passage = ?1")
            .and_then(|mut delete| delete.execute([passage_bytes(passage)]))
            .map_err(StoreError::sql("end a passage"))?;
        Ok(committed)
    }

    /// Grants a permit: its record, its state and the entries it uses, in one transaction (I9). An id is granted once.
    pub fn authorise(&mut self, authorisation: &Authorisation) -> Result<Committed, StoreError> {
        let permit = authorisation.permit;
        if permit.boot != self.boot {
            return Err(StoreError::PermitOfOtherBoot(permit));
        }
        if authorisation.declarations.len() > PERMIT_MAX_DECLARATIONS {
            return Err(StoreError::TooLarge {
                what: "a permit's list of declarations",
                bytes: authorisation.declarations.len() as u64,
                max: PERMIT_MAX_DECLARATIONS as u64,
            });
        }
        let what = "grant a permit";
        let id = permit_bytes(permit);
        let added = self
            .conn
            .prepare_cached("INSERT INTO permit (id, granted_seq) VALUES (?1, ?2) ON CONFLICT DO NOTHING")
            .and_then(|mut insert| insert.execute(params![id, to_sql(self.tip.seq + 1)]))
            .map_err(StoreError::sql(what))?;
        if added == 0 {
            return Err(StoreError::PermitUsed(permit));
        }
        if let Some(passage) = permit.passage {
            let mut insert = self
                .conn
                .prepare_cached("INSERT OR REPLACE INTO entry_use (declaration, passage, permit) VALUES (?1, ?2, ?3)")
                .map_err(StoreError::sql(what))?;
            for declaration in &authorisation.declarations {
                insert
                    .execute(params![declaration.as_str(), passage_bytes(passage), id])
                    .map_err(StoreError::sql(what))?;
            }
        }
        self.append(&authorisation.record)
    }

    /// Ends a permit that is granted and appends the record that says so.
    pub fn end_permit(&mut self, permit: PermitId, entry: EntryUse, record: &NewRecord) -> Result<Committed, StoreError> {
        let what = "end a permit";
        let id = permit_bytes(permit);
        let ended = self
            .conn
            .prepare_cached("UPDATE permit SET ended = 1 WHERE id = ?1 AND ended = 0")
            .and_then(|mut update| update.execute([id]))
            .map_err(StoreError::sql(what))?;
        if ended == 0 {
            return Err(StoreError::PermitUnknown(permit));
        }
        if entry == EntryUse::Free {
            self.conn
                .prepare_cached("DELETE FROM entry_use WHERE permit = ?1")
                .and_then(|mut delete| delete.execute([id]))
                .map_err(StoreError::sql(what))?;
        }
        self.append(record)
    }

    /// At start: every permit of another start is spent. Returns those that were not known spent.
    pub fn end_permits_of_other_boots(&mut self) -> Result<Vec<PermitId>, StoreError> {
        let what = "end earlier permits";
        let found: Vec<Vec<u8>> = self
            .conn
            .prepare("SELECT id FROM permit WHERE ended = 0 AND substr(id, 27) <> ?1 ORDER BY granted_seq")
            .and_then(|mut select| select.query_map([self.boot.0.to_be_bytes()], |row| row.get(0))?.collect())
            .map_err(StoreError::sql(what))?;
        self.conn
            .execute("UPDATE permit SET ended = 1 WHERE substr(id, 27) <> ?1", [self.boot.0.to_be_bytes()])
            .map_err(StoreError::sql(what))?;
        found.iter().map(|id| permit_of(id)).collect()
    }

    /// Forgets the oldest ended permits of other starts beyond the limit: their boot id refuses them anyway.
    pub fn prune_permits(&mut self) -> Result<(), StoreError> {
        self.conn
            .execute(
                "DELETE FROM permit WHERE ended = 1 AND substr(id, 27) <> ?1
                 AND granted_seq <= (SELECT max(granted_seq) - ?2 FROM permit)",
                params![self.boot.0.to_be_bytes(), to_sql(PERMITS_MAX_ROWS)],
            )
            .map_err(StoreError::sql("forget old permits"))
            .map(|_| ())
    }

    /// The centre's row counts these passages: the entries need no overlay any more.
    pub fn forget_entries(&mut self, declaration: &str, counted: &[PassageId]) -> Result<(), StoreError> {
        let mut delete = self
            .conn
            .prepare_cached("DELETE FROM entry_use WHERE declaration = ?1 AND passage = ?2")
            .map_err(StoreError::sql("forget entries"))?;
        for passage in counted {
            delete
                .execute(params![declaration, passage_bytes(*passage)])
                .map_err(StoreError::sql("forget entries"))?;
        }
        Ok(())
    }
}

/// Passages that are open, in their order.
pub fn open_passages(conn: &Connection) -> Result<Vec<PassageId>, StoreError> {
    let what = "read open passages";
    let found: Vec<Vec<u8>> = conn
        .prepare_cached("SELECT passage FROM open_passage ORDER BY passage")
        .and_then(|mut select| select.query_map([], |row| row.get(0))?.collect())
        .map_err(StoreError::sql(what))?;
    found.iter().map(|bytes| passage_of(bytes)).collect()
}

/// Is a permit known, and has it ended? `None`: never granted here (or long forgotten).
pub fn permit_ended(conn: &Connection, permit: PermitId) -> Result<Option<bool>, StoreError> {
    conn.prepare_cached("SELECT ended FROM permit WHERE id = ?1")
        .and_then(|mut select| select.query_row([permit_bytes(permit)], |row| row.get(0)).optional())
        .map_err(StoreError::sql("read a permit"))
}

/// Passages that used an entry of a declaration here, other than `own`.
pub fn entries(conn: &Connection, declaration: &str, own: Option<PassageId>) -> Result<Vec<PassageId>, StoreError> {
    let what = "read entries";
    let found: Vec<Vec<u8>> = conn
        .prepare_cached("SELECT passage FROM entry_use WHERE declaration = ?1 LIMIT 1000")
        .and_then(|mut select| select.query_map([declaration], |row| row.get(0))?.collect())
        .map_err(StoreError::sql(what))?;
    let all: Result<Vec<PassageId>, StoreError> = found.iter().map(|bytes| passage_of(bytes)).collect();
    Ok(all?.into_iter().filter(|passage| Some(*passage) != own).collect())
}

/// Entries of declarations after `after`, in order of their ids.
pub fn entries_after(conn: &Connection, after: &str, max: usize) -> Result<Vec<(String, PassageId)>, StoreError> {
    let what = "read entries";
    let found: Vec<(String, Vec<u8>)> = conn
        .prepare_cached("SELECT declaration, passage FROM entry_use WHERE declaration > ?1 ORDER BY declaration LIMIT ?2")
        .and_then(|mut select| select.query_map(params![after, max as i64], |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
        .map_err(StoreError::sql(what))?;
    found.into_iter().map(|(declaration, passage)| Ok((declaration, passage_of(&passage)?))).collect()
}
