//! The index of evidence. The files themselves are written by [`crate::store::files`], synced before their row.
//!
//! What leaves, and when: over the budget, acknowledged files leave first, oldest first; only then the oldest that the centre does not have,
//! counted as lost. Files over `evidence_keep_days` leave too, where the clock is trusted. Records never leave for a picture.

use super::LaneTx;
use crate::store::codec::{digest_of, from_sql, to_sql};
use crate::store::error::StoreError;
use lane_core::ids::Digest;
use rusqlite::{Connection, OptionalExtension, params};

/// Files that leave in one transaction.
const LEAVING_MAX: usize = 64;
const DAY_MS: i64 = 86_400_000;

/// Evidence that left the index; its files are removed after the commit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Leaving {
    /// The files.
    pub digests: Vec<Digest>,
    /// How many of them the centre did not have.
    pub lost: u64,
}

impl LaneTx<'_> {
    /// Notes a file that is on disk and makes room in the budget for it.
    pub fn add_evidence(&mut self, digest: Digest, bytes: u64, utc_ms: Option<i64>) -> Result<Leaving, StoreError> {
        let added = self
            .conn
            .prepare_cached(
                "INSERT INTO evidence (digest, bytes, utc_ms, number)
                 VALUES (?1, ?2, ?3, (SELECT coalesce(max(number), 0) + 1 FROM evidence)) ON CONFLICT (digest) DO NOTHING",
            )
            .and_then(|mut insert| insert.execute(params![digest.0, to_sql(bytes), utc_ms]))
            .map_err(StoreError::sql("note evidence"))?;
        if added > 0 {
            self.tip.evidence_bytes += bytes;
        }
        let mut leaving = Leaving::default();
        while self.tip.evidence_bytes > self.settings.evidence_budget_bytes && leaving.digests.len() < LEAVING_MAX {
            let sql = "SELECT digest, bytes, acknowledged FROM evidence WHERE digest <> ?1 AND ?2 <> 0 ORDER BY acknowledged DESC, number LIMIT 1";
            if !self.let_leave(sql, digest, 1, &mut leaving)? {
                break;
            }
        }
        Ok(leaving)
    }

    /// Lets what is older than `evidence_keep_days` leave.
    pub fn prune_evidence(&mut self, now_utc_ms: i64) -> Result<Leaving, StoreError> {
        let oldest = now_utc_ms.saturating_sub(i64::from(self.settings.evidence_keep_days) * DAY_MS);
        let mut leaving = Leaving::default();
        let sql = "SELECT digest, bytes, acknowledged FROM evidence WHERE digest <> ?1 AND utc_ms < ?2 ORDER BY number LIMIT 1";
        while leaving.digests.len() < LEAVING_MAX && self.let_leave(sql, Digest([0; 32]), oldest, &mut leaving)? {}
        Ok(leaving)
    }

    /// A disk nearly full: acknowledged evidence leaves before the ledger would have to.
    pub fn prune_acknowledged_evidence(&mut self) -> Result<Leaving, StoreError> {
        let mut leaving = Leaving::default();
        let sql = "SELECT digest, bytes, acknowledged FROM evidence WHERE digest <> ?1 AND acknowledged = ?2 ORDER BY number LIMIT 1";
        while leaving.digests.len() < LEAVING_MAX && self.let_leave(sql, Digest([0; 32]), 1, &mut leaving)? {}
        Ok(leaving)
    }

    fn let_leave(&mut self, sql: &str, not: Digest, second: i64, leaving: &mut Leaving) -> Result<bool, StoreError> {
        let what = "let evidence leave";
        let found: Option<(Vec<u8>, i64, bool)> = self
            .conn
            .prepare_cached(sql)
            .and_then(|mut select| {
                select
                    .query_row(params![not.0, second], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                    .optional()
            })
            .map_err(StoreError::sql(what))?;
        let Some((digest, bytes, acknowledged)) = found else { return Ok(false) };
        self.conn
            .prepare_cached("DELETE FROM evidence WHERE digest = ?1")
            .and_then(|mut delete| delete.execute([&digest]))
            .map_err(StoreError::sql(what))?;
        self.tip.evidence_bytes = self.tip.evidence_bytes.saturating_sub(from_sql(bytes, what)?);
        leaving.lost += u64::from(!acknowledged);
        leaving.digests.push(digest_of(&digest)?);
        Ok(true)
    }

    /// The centre has these.
    pub fn acknowledge_evidence(&mut self, digests: &[Digest]) -> Result<(), StoreError> {
        let mut update = self
            .conn
            .prepare_cached("UPDATE evidence SET acknowledged = 1 WHERE digest = ?1")
            .map_err(StoreError::sql("acknowledge evidence"))?;
        for digest in digests {
            update.execute([digest.0]).map_err(StoreError::sql("acknowledge evidence"))?;
        }
        Ok(())
    }
}

/// Evidence that the centre does not have yet, oldest first.
pub fn pending(conn: &Connection, max: usize) -> Result<Vec<(Digest, u64)>, StoreError> {
    let what = "read pending evidence";
    let found: Vec<(Vec<u8>, i64)> = conn
        .prepare_cached("SELECT digest, bytes FROM evidence WHERE acknowledged = 0 ORDER BY number LIMIT ?1")
        .and_then(|mut select| {
            select.query_map([max.min(1_000) as i64], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        })
        .map_err(StoreError::sql(what))?;
    found.into_iter().map(|(digest, bytes)| Ok((digest_of(&digest)?, from_sql(bytes, what)?))).collect()
}

/// Is this evidence in the index?
pub fn is_known(conn: &Connection, digest: Digest) -> Result<bool, StoreError> {
    conn.prepare_cached("SELECT 1 FROM evidence WHERE digest = ?1")
        .and_then(|mut select| select.exists([digest.0]))
        .map_err(StoreError::sql("look for evidence"))
}
