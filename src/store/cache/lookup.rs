//! Look-ups: which declarations and watchlist entries belong to these plates, exactly or by confusable key.

use super::slot;
use crate::store::codec::{from_sql, passage_of};
use crate::store::error::StoreError;
use crate::store::lane::permits;
use crate::store::settings::{LOOKUP_MAX_CANDIDATES, LOOKUP_MAX_PLATES};
use crate::store::types::{Collection, Found, FoundRow};
use lane_core::ids::{PassageId, Revision};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// Rows of one listing.
pub const LIST_MAX_ROWS: usize = 10_000;

const COLUMNS: &str = "e.row, e.id, e.epoch, e.revision, e.counted, e.bytes, p.plate";
const FROM: &str = "FROM plate p JOIN entry e ON e.row = p.row WHERE p.collection = ?1 AND p.slot = ?2 AND p.key = ?3";

struct Hit {
    row: i64,
    counted: Vec<PassageId>,
    found: FoundRow,
}

/// Looks plates up: exact ones first, then near ones, each row once. `own` is the asking passage, whose own entry does not count against it.
pub fn lookup(
    cache: &Connection,
    lane: &Connection,
    key: fn(&str) -> String,
    plates: &[String],
    own: Option<PassageId>,
) -> Result<Found, StoreError> {
    let snapshot = cache.unchecked_transaction().map_err(StoreError::sql("look up"))?;
    let plates = &plates[..plates.len().min(LOOKUP_MAX_PLATES)];
    let (hits, truncated, declarations_revision) = find(&snapshot, Collection::Declarations, key, plates)?;
    let mut declarations = Vec::with_capacity(hits.len());
    for mut hit in hits {
        let used = permits::entries(lane, &hit.found.id, own)?;
        let uncounted = used.iter().filter(|passage| !hit.counted.contains(passage)).count();
        hit.found.entries_used_here = u16::try_from(uncounted).unwrap_or(u16::MAX);
        declarations.push(hit.found);
    }
    let (watch, watch_truncated, watchlist_revision) = find(&snapshot, Collection::Watchlist, key, plates)?;
    Ok(Found {
        declarations,
        truncated: truncated || watch_truncated,
        watch: watch.into_iter().map(|hit| hit.found).collect(),
        declarations_revision,
        watchlist_revision,
    })
}

type Hits = (Vec<Hit>, bool, Option<Revision>);

fn find(conn: &Connection, collection: Collection, key: fn(&str) -> String, plates: &[String]) -> Result<Hits, StoreError> {
    let (slot, revision) = slot(conn, collection)?;
    let mut hits: Vec<Hit> = Vec::new();
    let mut truncated = false;
    for exact in [true, false] {
        for plate in plates {
            truncated |= gather(conn, collection, slot, &key(plate), plate, exact, &mut hits)?;
        }
    }
    Ok((hits, truncated, revision))
}

fn gather(
    conn: &Connection,
    collection: Collection,
    slot: i64,
    key: &str,
    plate: &str,
    exact: bool,
    hits: &mut Vec<Hit>,
) -> Result<bool, StoreError> {
    let what = "look up";
    let relation = if exact { "=" } else { "<>" };
    // One row more than fit, beyond those that may be there already.
    let sql = format!("SELECT {COLUMNS} {FROM} AND p.plate {relation} ?4 LIMIT {}", 2 * LOOKUP_MAX_CANDIDATES + 1);
    let mut select = conn.prepare_cached(&sql).map_err(StoreError::sql(what))?;
    let mut rows = select.query(params![collection.number(), slot, key, plate]).map_err(StoreError::sql(what))?;
    while let Some(row) = rows.next().map_err(StoreError::sql(what))? {
        let number: i64 = row.get(0).map_err(StoreError::sql(what))?;
        if hits.iter().any(|hit| hit.row == number) {
            continue;
        }
        if hits.len() == LOOKUP_MAX_CANDIDATES {
            return Ok(true);
        }
        hits.push(hit_of(row, exact)?);
    }
    Ok(false)
}

fn hit_of(row: &Row<'_>, exact: bool) -> Result<Hit, StoreError> {
    let what = "look up";
    let sql = StoreError::sql;
    let counted: Option<Vec<u8>> = row.get(4).map_err(sql(what))?;
    let revision: i64 = row.get(3).map_err(sql(what))?;
    Ok(Hit {
        row: row.get(0).map_err(sql(what))?,
        counted: counted.unwrap_or_default().chunks(24).map(passage_of).collect::<Result<_, _>>()?,
        found: FoundRow {
            id: row.get(1).map_err(sql(what))?,
            revision: Revision { epoch: row.get(2).map_err(sql(what))?, revision: from_sql(revision, what)? },
            exact,
            entries_used_here: 0,
            bytes: row.get(5).map_err(sql(what))?,
        },
    })
}

/// The rows of a collection in order of their ids, from after `after`; tombstones left out.
pub fn list(conn: &Connection, collection: Collection, after: &str, max: usize) -> Result<Vec<FoundRow>, StoreError> {
    let what = "list a collection";
    let (slot, _) = slot(conn, collection)?;
    let mut select = conn
        .prepare_cached(
            "SELECT row, id, epoch, revision, NULL, bytes FROM entry
             WHERE collection = ?1 AND slot = ?2 AND id > ?3 AND tombstone = 0 ORDER BY id LIMIT ?4",
        )
        .map_err(StoreError::sql(what))?;
    let mut rows = select
        .query(params![collection.number(), slot, after, max.min(LIST_MAX_ROWS) as i64])
        .map_err(StoreError::sql(what))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(StoreError::sql(what))? {
        found.push(hit_of(row, true)?.found);
    }
    Ok(found)
}

/// The passages that a declaration's row in force counts; `None` where there is no such row.
pub fn counted(conn: &Connection, declaration: &str) -> Result<Option<Vec<PassageId>>, StoreError> {
    let what = "read a declaration";
    let (slot, _) = slot(conn, Collection::Declarations)?;
    let found: Option<Option<Vec<u8>>> = conn
        .prepare_cached("SELECT counted FROM entry WHERE collection = ?1 AND slot = ?2 AND id = ?3 AND tombstone = 0")
        .and_then(|mut select| {
            select.query_row(params![Collection::Declarations.number(), slot, declaration], |row| row.get(0)).optional()
        })
        .map_err(StoreError::sql(what))?;
    found.map(|counted| counted.unwrap_or_default().chunks(24).map(passage_of).collect()).transpose()
}
