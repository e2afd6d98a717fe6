//! The ledger: an append-only chain that is its own outbox.
//!
//! ```text
//!  base ──▶ base+1 ──▶ … ──▶ acknowledged ──▶ … ──▶ head (signed) ──▶ … ──▶ tip
//!  in sealed segments │        the centre has it     │   waits to be sent      │
//! ```
//! A sequence is given by the store, without gap, and never twice. The centre's acknowledgement moves the cursor only if it names the hash that
//! is stored; another hash, or a sequence that does not exist here, is a fork.

use super::schema::{LISTED, LISTED_KINDS};
use super::{LaneTx, Tip};
use crate::store::chain::{self, SignedHead};
use crate::store::codec::{digest_of, fixed, from_sql, passage_bytes, to_sql};
use crate::store::error::StoreError;
use crate::store::types::{Committed, LedgerRow, NewRecord, Outbox};
use lane_core::ids::{Digest, LedgerId, PassageId};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// Rows of one reading.
pub const READ_MAX_ROWS: usize = 1_000;

impl LaneTx<'_> {
    /// Appends one record.
    pub fn append(&mut self, record: &NewRecord) -> Result<Committed, StoreError> {
        if record.bytes.len() > self.settings.record_max_bytes {
            return Err(StoreError::TooLarge {
                what: "a record",
                bytes: record.bytes.len() as u64,
                max: self.settings.record_max_bytes as u64,
            });
        }
        let seq = self.tip.seq + 1;
        let hash = chain::record_hash(self.tip.ledger, seq, self.tip.hash, &record.bytes);
        let passage = record.passage.map(passage_bytes);
        self.conn
            .prepare_cached("INSERT INTO ledger (seq, hash, kind, passage, utc_ms, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
            .and_then(|mut insert| insert.execute(params![to_sql(seq), hash.0, record.kind, passage, record.utc_ms, record.bytes]))
            .map_err(StoreError::sql("append a record"))?;
        self.tip.seq = seq;
        self.tip.hash = hash;
        Ok(Committed { seq, hash })
    }

    /// Signs a head over the tip when at least `least` records stand without one.
    pub fn sign_head(&mut self, least: u64) -> Result<(), StoreError> {
        if self.tip.seq - self.tip.head_seq < least.max(1) {
            return Ok(());
        }
        let head = chain::sign_head(self.key, self.tip.ledger, self.tip.seq, self.tip.hash, self.tip.utc_ms);
        self.conn
            .prepare_cached("INSERT INTO head (seq, hash, utc_ms, public_key, signature) VALUES (?1, ?2, ?3, ?4, ?5)")
            .and_then(|mut insert| insert.execute(params![to_sql(head.seq), head.hash.0, head.utc_ms, head.public_key, head.signature]))
            .map_err(StoreError::sql("store a head"))?;
        self.tip.head_seq = self.tip.seq;
        Ok(())
    }

    /// The centre has every record up to `seq`, whose hash it names. Older acknowledgements are checked and change nothing.
    pub fn acknowledge(&mut self, ledger: LedgerId, seq: u64, hash: Digest) -> Result<(), StoreError> {
        if ledger != self.tip.ledger {
            return Err(StoreError::OtherLedger(ledger));
        }
        if seq > self.tip.seq {
            return Err(StoreError::AcknowledgedAhead { seq, last: self.tip.seq });
        }
        match hash_at(self.conn, seq)? {
            Some(ours) if ours != hash => return Err(StoreError::Fork { seq }),
            None if seq > self.tip.acknowledged_seq => {
                return Err(StoreError::row("acknowledge", format!("record {seq} is not there")));
            }
            _ => {}
        }
        if seq > self.tip.acknowledged_seq {
            self.conn
                .prepare_cached("UPDATE meta SET acknowledged_seq = ?1")
                .and_then(|mut update| update.execute([to_sql(seq)]))
                .map_err(StoreError::sql("acknowledge"))?;
            self.tip.acknowledged_seq = seq;
        }
        Ok(())
    }

    /// The centre showed another chain under this id: the next start begins a new ledger.
    pub fn mark_forked(&mut self) -> Result<(), StoreError> {
        self.conn.execute("UPDATE meta SET forked = 1", []).map_err(StoreError::sql("mark a fork")).map(|_| ())
    }
}

/// The hash of record `seq`; `None` where it is not in the file. The record before the first is the base.
pub fn hash_at(conn: &Connection, seq: u64) -> Result<Option<Digest>, StoreError> {
    let found: Option<Vec<u8>> = conn
        .prepare_cached("SELECT hash FROM ledger WHERE seq = ?1 UNION ALL SELECT base_hash FROM meta WHERE base_seq = ?1 LIMIT 1")
        .and_then(|mut select| select.query_row([to_sql(seq)], |row| row.get(0)).optional())
        .map_err(StoreError::sql("read a hash"))?;
    found.map(|bytes| digest_of(&bytes)).transpose()
}

/// What `meta` says.
#[derive(Debug, Clone, Copy)]
pub struct Meta {
    /// The ledger.
    pub ledger: LedgerId,
    /// The last sequence that left in segments; 0: none.
    pub base_seq: u64,
    /// Its hash.
    pub base_hash: Digest,
    /// The acknowledgement's cursor.
    pub acknowledged_seq: u64,
    /// The ledger this one follows.
    pub previous: Option<LedgerId>,
    /// The centre showed a fork.
    pub forked: bool,
}

/// Reads `meta`; `None` in a file that holds no ledger yet.
pub fn meta(conn: &Connection) -> Result<Option<Meta>, StoreError> {
    type Columns = (Vec<u8>, i64, Vec<u8>, i64, Option<Vec<u8>>, bool);
    let columns: Option<Columns> = conn
        .query_row("SELECT ledger, base_seq, base_hash, acknowledged_seq, previous, forked FROM meta", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
        })
        .optional()
        .map_err(StoreError::sql("read meta"))?;
    let Some((ledger, base_seq, base_hash, acknowledged_seq, previous, forked)) = columns else { return Ok(None) };
    Ok(Some(Meta {
        ledger: crate::store::codec::ledger_of(&ledger)?,
        base_seq: from_sql(base_seq, "meta")?,
        base_hash: digest_of(&base_hash)?,
        acknowledged_seq: from_sql(acknowledged_seq, "meta")?,
        previous: previous.map(|bytes| crate::store::codec::ledger_of(&bytes)).transpose()?,
        forked,
    }))
}

/// The newest signed head.
pub fn newest_head(conn: &Connection, ledger: LedgerId) -> Result<Option<SignedHead>, StoreError> {
    let mut found = heads(conn, ledger, 0, u64::MAX, "DESC", 1)?;
    Ok(found.pop())
}

/// Heads with `after < seq <= upto`, in order of sequence.
pub fn heads_between(conn: &Connection, ledger: LedgerId, after: u64, upto: u64) -> Result<Vec<SignedHead>, StoreError> {
    heads(conn, ledger, after, upto, "ASC", READ_MAX_ROWS)
}

fn heads(conn: &Connection, ledger: LedgerId, after: u64, upto: u64, order: &str, max: usize) -> Result<Vec<SignedHead>, StoreError> {
    let what = "read heads";
    let sql =
        format!("SELECT seq, hash, utc_ms, public_key, signature FROM head WHERE seq > ?1 AND seq <= ?2 ORDER BY seq {order} LIMIT {max}");
    let mut select = conn.prepare_cached(&sql).map_err(StoreError::sql(what))?;
    let mut rows = select.query([to_sql(after), to_sql(upto)]).map_err(StoreError::sql(what))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(StoreError::sql(what))? {
        found.push(head_of(row, ledger)?);
    }
    Ok(found)
}

/// A head from the columns `seq, hash, utc_ms, public_key, signature`.
pub fn head_of(row: &Row<'_>, ledger: LedgerId) -> Result<SignedHead, StoreError> {
    let what = "read a head";
    let blob = |at: usize| row.get::<_, Vec<u8>>(at).map_err(StoreError::sql(what));
    Ok(SignedHead {
        ledger,
        seq: from_sql(row.get(0).map_err(StoreError::sql(what))?, what)?,
        hash: digest_of(&blob(1)?)?,
        utc_ms: row.get(2).map_err(StoreError::sql(what))?,
        public_key: fixed(&blob(3)?, what)?,
        signature: fixed(&blob(4)?, what)?,
    })
}

/// A record from the columns `seq, hash, kind, utc_ms, bytes`.
pub fn row_of(row: &Row<'_>) -> Result<LedgerRow, StoreError> {
    let what = "read a record";
    let sql = StoreError::sql;
    Ok(LedgerRow {
        seq: from_sql(row.get(0).map_err(sql(what))?, what)?,
        hash: digest_of(&row.get::<_, Vec<u8>>(1).map_err(sql(what))?)?,
        kind: row.get(2).map_err(sql(what))?,
        utc_ms: row.get(3).map_err(sql(what))?,
        bytes: row.get(4).map_err(sql(what))?,
    })
}

/// Records after `after` (or after the acknowledged one), in order, at most `max_rows` and, but for the first, `max_bytes`.
pub fn outbox(conn: &Connection, after: Option<u64>, max_rows: usize, max_bytes: usize) -> Result<Outbox, StoreError> {
    let what = "read the outbox";
    let snapshot = conn.unchecked_transaction().map_err(StoreError::sql(what))?;
    let meta = meta(&snapshot)?.ok_or_else(|| StoreError::row(what, "no ledger"))?;
    let after = after.unwrap_or(meta.acknowledged_seq).max(meta.base_seq);
    let last: Option<i64> = snapshot.query_row("SELECT max(seq) FROM ledger", [], |row| row.get(0)).map_err(StoreError::sql(what))?;
    let last_seq = last.map_or(Ok(meta.base_seq), |seq| from_sql(seq, what))?;
    let previous = hash_at(&snapshot, after)?;
    let previous = match previous {
        Some(hash) => hash,
        None if after == 0 => chain::NO_PREVIOUS,
        None => return Err(StoreError::row(what, format!("record {after} is not there"))),
    };
    let mut rows = Vec::new();
    let mut total = 0;
    {
        let mut select = snapshot
            .prepare_cached("SELECT seq, hash, kind, utc_ms, bytes FROM ledger WHERE seq > ?1 ORDER BY seq LIMIT ?2")
            .map_err(StoreError::sql(what))?;
        let limit = max_rows.min(READ_MAX_ROWS) as i64;
        let mut found = select.query([to_sql(after), limit]).map_err(StoreError::sql(what))?;
        while let Some(row) = found.next().map_err(StoreError::sql(what))? {
            let row = row_of(row)?;
            total += row.bytes.len();
            if !rows.is_empty() && total > max_bytes {
                break;
            }
            rows.push(row);
        }
    }
    let upto = rows.last().map_or(after, |row| row.seq);
    let heads = heads_between(&snapshot, meta.ledger, after, upto)?;
    Ok(Outbox { ledger: meta.ledger, previous, rows, heads, acknowledged_seq: meta.acknowledged_seq, last_seq })
}

/// The records of one passage, in order, the one that opened it first; at most [`READ_MAX_ROWS`].
pub fn passage_rows(conn: &Connection, passage: PassageId) -> Result<Vec<LedgerRow>, StoreError> {
    let what = "read a passage";
    let ours = meta(conn)?.is_some_and(|meta| meta.ledger == passage.ledger);
    let mut select = conn
        .prepare_cached(
            "SELECT seq, hash, kind, utc_ms, bytes FROM ledger WHERE seq = ?1 AND ?2
             UNION SELECT seq, hash, kind, utc_ms, bytes FROM ledger WHERE passage = ?3 ORDER BY seq LIMIT ?4",
        )
        .map_err(StoreError::sql(what))?;
    let mut found =
        select.query(params![to_sql(passage.seq), ours, passage_bytes(passage), READ_MAX_ROWS as i64]).map_err(StoreError::sql(what))?;
    let mut rows = Vec::new();
    while let Some(row) = found.next().map_err(StoreError::sql(what))? {
        rows.push(row_of(row)?);
    }
    Ok(rows)
}

/// The statement of [`newest`].
fn newest_sql() -> String {
    format!("SELECT seq, hash, kind, utc_ms, bytes FROM ledger WHERE {LISTED} AND kind = ?1 ORDER BY seq DESC LIMIT ?2")
}

/// The newest records of a kind, newest first, at most [`READ_MAX_ROWS`]. Only kinds that the index knows: a search for any other would read
/// the whole ledger.
///
/// # Errors
/// [`StoreError::KindNotListed`].
pub fn newest(conn: &Connection, kind: &'static str, max: usize) -> Result<Vec<LedgerRow>, StoreError> {
    let what = "read the newest records of a kind";
    if !LISTED_KINDS.contains(&kind) {
        return Err(StoreError::KindNotListed(kind));
    }
    let mut select = conn.prepare_cached(&newest_sql()).map_err(StoreError::sql(what))?;
    let limit = max.min(READ_MAX_ROWS) as i64;
    let mut found = select.query(params![kind, limit]).map_err(StoreError::sql(what))?;
    let mut rows = Vec::new();
    while let Some(row) = found.next().map_err(StoreError::sql(what))? {
        rows.push(row_of(row)?);
    }
    Ok(rows)
}

/// Checks the end of the ledger at start: everything after the newest signed head, that head, and that nothing is cut off.
pub fn check_tail(conn: &Connection, meta: &Meta) -> Result<Tip, StoreError> {
    let what = "check the ledger's end";
    let head = newest_head(conn, meta.ledger)?;
    let (mut seq, mut hash, head_seq) = match &head {
        Some(head) if head.seq > meta.base_seq => {
            if !chain::verify_head(head) {
                return Err(StoreError::row(what, format!("the head at {} has a bad signature", head.seq)));
            }
            if hash_at(conn, head.seq)? != Some(head.hash) {
                return Err(StoreError::row(what, format!("the head at {} is not of this ledger", head.seq)));
            }
            (head.seq, head.hash, head.seq)
        }
        _ => (meta.base_seq, meta.base_hash, meta.base_seq),
    };
    let mut select =
        conn.prepare("SELECT seq, hash, kind, utc_ms, bytes FROM ledger WHERE seq > ?1 ORDER BY seq").map_err(StoreError::sql(what))?;
    let mut rows = select.query([to_sql(seq)]).map_err(StoreError::sql(what))?;
    while let Some(row) = rows.next().map_err(StoreError::sql(what))? {
        let row = row_of(row)?;
        if row.seq != seq + 1 || row.hash != chain::record_hash(meta.ledger, row.seq, hash, &row.bytes) {
            return Err(StoreError::row(what, format!("record {} does not follow", row.seq)));
        }
        (seq, hash) = (row.seq, row.hash);
    }
    let given: Option<i64> = conn
        .query_row("SELECT seq FROM sqlite_sequence WHERE name = 'ledger'", [], |row| row.get(0))
        .optional()
        .map_err(StoreError::sql(what))?;
    let given = given.map_or(Ok(0), |seq| from_sql(seq, what))?;
    if given > seq || meta.acknowledged_seq > seq {
        return Err(StoreError::row(what, format!("records after {seq} are missing")));
    }
    let evidence: i64 =
        conn.query_row("SELECT coalesce(sum(bytes), 0) FROM evidence", [], |row| row.get(0)).map_err(StoreError::sql(what))?;
    Ok(Tip {
        ledger: meta.ledger,
        seq,
        hash,
        head_seq,
        acknowledged_seq: meta.acknowledged_seq,
        evidence_bytes: from_sql(evidence, what)?,
        utc_ms: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::lane::schema;
    use rusqlite::StatementStatus;

    /// A watch record each minute.
    const YEAR_RECORDS: i64 = 365 * 24 * 60;

    /// A ledger of format 2 that was quiet for a year: its one mode and its one passage stand at the beginning.
    fn a_quiet_year(path: &std::path::Path) {
        let conn = Connection::open(path).unwrap();
        conn.execute_batch(&schema::steps_upto(2)).unwrap();
        conn.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
             INSERT INTO ledger (seq, hash, kind, passage, utc_ms, bytes)
             SELECT i, zeroblob(32), CASE i WHEN 1 THEN 'mode' WHEN 2 THEN 'passage_opened' ELSE 'watch' END, NULL, i, x'7b7d' FROM n",
            [YEAR_RECORDS],
        )
        .unwrap();
    }

    #[test]
    fn the_last_mode_of_a_quiet_year_is_found_without_reading_the_year() {
        assert!(schema::steps_upto(3).contains(&format!("WHERE {LISTED}")), "query and index say the same");
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lane.db");
        a_quiet_year(&path);
        let conn = schema::open(&path, None).unwrap();
        assert_eq!(schema::format_of(&conn).unwrap(), schema::LANE_FORMAT, "the old file was migrated");
        for (kind, seq) in [("mode", 1), ("passage_opened", 2)] {
            let rows = newest(&conn, kind, 50).unwrap();
            assert_eq!(rows.iter().map(|row| row.seq).collect::<Vec<_>>(), [seq], "{kind}");
        }
        let plan: Vec<String> = conn
            .prepare(&format!("EXPLAIN QUERY PLAN {}", newest_sql()))
            .unwrap()
            .query_map(params!["mode", 1], |row| row.get(3))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert!(plan.iter().all(|step| step.contains("USING INDEX ledger_listed (kind=?)")), "{plan:?}");
        let mut select = conn.prepare(&newest_sql()).unwrap();
        select.query_map(params!["mode", 50], |_| Ok(())).unwrap().for_each(drop);
        let steps = select.get_status(StatementStatus::VmStep);
        assert!(steps < 200, "{steps} steps of SQLite's machine for one row among {YEAR_RECORDS}");
        assert!(matches!(newest(&conn, "watch", 1), Err(StoreError::KindNotListed("watch"))));
    }
}
