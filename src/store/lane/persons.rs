//! Officers, the lockout after wrong PINs, and the ids of acts and commands that were handled.
//!
//! How long the door stays shut is `crate::officer::lockout`'s arithmetic. The count survives a restart and a new row from the centre; only a
//! right PIN ends it. A clock that was set back cannot make it longer than the longest: [`LaneTx::cut_lockout`].
//!
//! An officer is of this lane (made by `borderlane officer add`) or of the centre. The centre's have no PIN until one is given at the lane; the
//! mirror ([`LaneTx::mirror_officers`]) never touches a PIN or a count, takes a login over that the lane had, and removes what the centre no
//! longer has, with its PIN.

use super::LaneTx;
use crate::officer::lockout::{LOCKOUT_MAX_MS, Lockout};
use crate::store::codec::to_sql;
use crate::store::error::StoreError;
use crate::store::types::{Mirrored, OfficerRow};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// Bytes of an act's id.
pub const ACT_ID_MAX_BYTES: usize = 128;
/// Officers of one lane.
pub const OFFICERS_MAX_ROWS: usize = 10_000;

impl LaneTx<'_> {
    /// Writes an officer; failures and lockout of one that exists stay.
    pub fn put_officer(&mut self, officer: &OfficerRow) -> Result<(), StoreError> {
        let what = "write an officer";
        let sites = serde_json::to_string(&officer.sites).map_err(|e| StoreError::row(what, e.to_string()))?;
        self.conn
            .prepare_cached(
                "INSERT INTO officer (id, agency, role, sites, valid_from_ms, valid_until_ms, pin_hash, from_centre)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                 ON CONFLICT (id) DO UPDATE SET agency = ?2, role = ?3, sites = ?4, valid_from_ms = ?5, valid_until_ms = ?6, pin_hash = ?7,
                   from_centre = max(from_centre, ?8)",
            )
            .and_then(|mut insert| {
                insert.execute(params![
                    officer.id,
                    officer.agency,
                    officer.role,
                    sites,
                    officer.valid_from_ms,
                    officer.valid_until_ms,
                    officer.pin_hash,
                    officer.from_centre
                ])
            })
            .map_err(StoreError::sql(what))
            .map(|_| ())
    }

    /// The officers as the centre has them, whole: PINs and counts of those that are known stay, and who is no longer there is removed.
    pub fn mirror_officers(&mut self, wanted: &[OfficerRow]) -> Result<Mirrored, StoreError> {
        let mut done = Mirrored::default();
        let kept = officers(self.conn)?;
        for (old, _) in kept.iter().filter(|(old, _)| old.from_centre) {
            if !wanted.iter().any(|row| row.id == old.id) {
                self.remove_officer(&old.id)?;
                done.removed.push(old.id.clone());
            }
        }
        for row in wanted.iter().take(OFFICERS_MAX_ROWS) {
            let old = kept.iter().find(|(old, _)| old.id == row.id).map(|(old, _)| old);
            let pin_hash = old.map(|old| old.pin_hash.clone()).unwrap_or_default();
            let row = OfficerRow { pin_hash, from_centre: true, ..row.clone() };
            if old != Some(&row) {
                self.put_officer(&row)?;
                done.written += 1;
            }
        }
        Ok(done)
    }

    /// Removes an officer; says whether there was one.
    pub fn remove_officer(&mut self, id: &str) -> Result<bool, StoreError> {
        self.conn
            .execute("DELETE FROM officer WHERE id = ?1", [id])
            .map_err(StoreError::sql("remove an officer"))
            .map(|removed| removed > 0)
    }

    /// A wrong PIN: counts it and shuts the door when it was one too many.
    pub fn officer_failed(&mut self, id: &str, now_utc_ms: i64) -> Result<Lockout, StoreError> {
        let (_, lockout) = officer(self.conn, id)?.ok_or_else(|| StoreError::OfficerUnknown(id.chars().take(32).collect()))?;
        self.write_lockout(id, lockout.after_attempt(now_utc_ms))
    }

    /// A right PIN: the count begins again.
    pub fn officer_succeeded(&mut self, id: &str) -> Result<Lockout, StoreError> {
        self.write_lockout(id, Lockout::default())
    }

    /// Cuts a lockout that was made under a clock further ahead to the longest one.
    pub fn cut_lockout(&mut self, id: &str, now_utc_ms: i64) -> Result<(), StoreError> {
        self.conn
            .execute(
                "UPDATE officer SET locked_until_ms = ?2 WHERE id = ?1 AND locked_until_ms > ?2",
                params![id, now_utc_ms.saturating_add(LOCKOUT_MAX_MS)],
            )
            .map_err(StoreError::sql("write a lockout"))
            .map(|_| ())
    }

    fn write_lockout(&mut self, id: &str, lockout: Lockout) -> Result<Lockout, StoreError> {
        self.conn
            .prepare_cached("UPDATE officer SET failures = ?2, locked_until_ms = ?3 WHERE id = ?1")
            .and_then(|mut update| update.execute(params![id, lockout.failures, lockout.locked_until_ms]))
            .map_err(StoreError::sql("write a lockout"))?;
        Ok(lockout)
    }

    /// Remembers the id of an act or command. `true`: it is new; `false`: it was handled before.
    pub fn first_act(&mut self, id: &str) -> Result<bool, StoreError> {
        if id.is_empty() || id.len() > ACT_ID_MAX_BYTES {
            return Err(StoreError::TooLarge { what: "an act's id", bytes: id.len() as u64, max: ACT_ID_MAX_BYTES as u64 });
        }
        let what = "remember an act";
        let added = self
            .conn
            .prepare_cached("INSERT INTO act (id) VALUES (?1) ON CONFLICT DO NOTHING")
            .and_then(|mut insert| insert.execute([id]))
            .map_err(StoreError::sql(what))?;
        self.conn
            .prepare_cached("DELETE FROM act WHERE number <= (SELECT max(number) FROM act) - ?1")
            .and_then(|mut delete| delete.execute([to_sql(self.settings.acts_max_rows)]))
            .map_err(StoreError::sql(what))?;
        Ok(added > 0)
    }
}

const OFFICER_COLUMNS: &str =
    "id, agency, role, sites, valid_from_ms, valid_until_ms, pin_hash, failures, locked_until_ms, from_centre FROM officer";

/// One officer with the lockout.
pub fn officer(conn: &Connection, id: &str) -> Result<Option<(OfficerRow, Lockout)>, StoreError> {
    conn.prepare_cached(&format!("SELECT {OFFICER_COLUMNS} WHERE id = ?1"))
        .and_then(|mut select| select.query_row([id], officer_of).optional())
        .map_err(StoreError::sql("read an officer"))
}

/// All officers, by login.
pub fn officers(conn: &Connection) -> Result<Vec<(OfficerRow, Lockout)>, StoreError> {
    conn.prepare_cached(&format!("SELECT {OFFICER_COLUMNS} ORDER BY id LIMIT {OFFICERS_MAX_ROWS}"))
        .and_then(|mut select| select.query_map([], officer_of)?.collect())
        .map_err(StoreError::sql("read officers"))
}

fn officer_of(row: &Row<'_>) -> rusqlite::Result<(OfficerRow, Lockout)> {
    let sites: String = row.get(3)?;
    let sites =
        serde_json::from_str(&sites).map_err(|e| rusqlite::Error::FromSqlConversionFailure(3, rusqlite::types::Type::Text, Box::new(e)))?;
    Ok((
        OfficerRow {
            id: row.get(0)?,
            agency: row.get(1)?,
            role: row.get(2)?,
            sites,
            valid_from_ms: row.get(4)?,
            valid_until_ms: row.get(5)?,
            pin_hash: row.get(6)?,
            from_centre: row.get(9)?,
        },
        Lockout { failures: row.get(7)?, locked_until_ms: row.get(8)? },
    ))
}
