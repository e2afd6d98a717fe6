//! Officers, the lockout after wrong PINs, and the ids of acts and commands that were handled.
//!
//! Lockout: from the fifth wrong PIN in a row on, the door stays shut 1, 2, 4, ... minutes, at most an hour. The count survives a restart and a
//! new row from the replica; only a right PIN ends the count. A clock that was set back cannot make it longer than an hour:
//! [`LaneTx::cut_lockout`].

use super::LaneTx;
use crate::store::codec::to_sql;
use crate::store::error::StoreError;
use crate::store::types::{Lockout, OfficerRow};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// Wrong PINs before the door shuts.
pub const FREE_FAILURES: u32 = 5;
/// The first time it is shut, milliseconds.
pub const LOCKOUT_FIRST_MS: i64 = 60_000;
/// The longest time it is shut, milliseconds.
pub const LOCKOUT_MAX_MS: i64 = 3_600_000;
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
                "INSERT INTO officer (id, agency, role, sites, valid_from_ms, valid_until_ms, pin_hash)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT (id) DO UPDATE SET agency = ?2, role = ?3, sites = ?4, valid_from_ms = ?5, valid_until_ms = ?6, pin_hash = ?7",
            )
            .and_then(|mut insert| {
                insert.execute(params![
                    officer.id,
                    officer.agency,
                    officer.role,
                    sites,
                    officer.valid_from_ms,
                    officer.valid_until_ms,
                    officer.pin_hash
                ])
            })
            .map_err(StoreError::sql(what))
            .map(|_| ())
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
        let failures = lockout.failures.saturating_add(1);
        let locked_until_ms = (failures >= FREE_FAILURES).then(|| now_utc_ms.saturating_add(lockout_ms(failures)));
        self.write_lockout(id, Lockout { failures, locked_until_ms })
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

fn lockout_ms(failures: u32) -> i64 {
    let doublings = failures.saturating_sub(FREE_FAILURES).min(6);
    (LOCKOUT_FIRST_MS << doublings).min(LOCKOUT_MAX_MS)
}

const OFFICER_COLUMNS: &str =
    "id, agency, role, sites, valid_from_ms, valid_until_ms, pin_hash, failures, locked_until_ms FROM officer";

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
    let sites = serde_json::from_str(&sites)
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(3, rusqlite::types::Type::Text, Box::new(e)))?;
    Ok((
        OfficerRow {
            id: row.get(0)?,
            agency: row.get(1)?,
            role: row.get(2)?,
            sites,
            valid_from_ms: row.get(4)?,
            valid_until_ms: row.get(5)?,
            pin_hash: row.get(6)?,
        },
        Lockout { failures: row.get(7)?, locked_until_ms: row.get(8)? },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_door_stays_shut_longer_each_time_up_to_an_hour() {
        assert_eq!(lockout_ms(5), 60_000);
        assert_eq!(lockout_ms(6), 120_000);
        assert_eq!(lockout_ms(11), 3_600_000);
        assert_eq!(lockout_ms(u32::MAX), 3_600_000);
    }
}
