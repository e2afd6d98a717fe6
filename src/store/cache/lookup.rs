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

/// Rows of one confusable key that are looked at. Where there are more, the exact ones are asked for by themselves.
const BUCKET_MAX_ROWS: usize = 256;

// One statement, so that slot and rows are of one moment. A collection without a hit still gives its revision.
const BUCKET: &str = "
SELECT e.row, e.id, e.epoch, e.revision, e.counted, e.bytes, p.plate, c.epoch, c.revision, e.state FROM collection c
LEFT JOIN plate p ON p.collection = c.number AND p.slot = c.slot AND p.key = ?2
LEFT JOIN entry e ON e.row = p.row
WHERE c.number = ?1 LIMIT ?3";
const EXACT: &str = "
SELECT e.row, e.id, e.epoch, e.revision, e.counted, e.bytes, p.plate, c.epoch, c.revision, e.state FROM collection c
JOIN plate p ON p.collection = c.number AND p.slot = c.slot AND p.key = ?2 AND p.plate = ?4
JOIN entry e ON e.row = p.row
WHERE c.number = ?1 LIMIT ?3";

/// One row found, with the passages that it counts.
#[derive(Debug, Clone)]
pub struct Hit {
    row: i64,
    counted: Vec<PassageId>,
    /// The row.
    pub found: FoundRow,
}

/// What one collection has for some plates.
#[derive(Debug, Clone, Default)]
pub struct Hits {
    /// Exact ones first; at most [`LOOKUP_MAX_CANDIDATES`].
    pub hits: Vec<Hit>,
    /// There were more.
    pub truncated: bool,
    /// The revision they are of.
    pub revision: Option<Revision>,
}

/// Looks plates up: exact ones first, then near ones, each row once. `own` is the asking passage, whose own entry does not count against it.
pub fn lookup(
    cache: &Connection,
    lane: &Connection,
    key: fn(&str) -> String,
    plates: &[String],
    own: Option<PassageId>,
) -> Result<Found, StoreError> {
    let plates = &plates[..plates.len().min(LOOKUP_MAX_PLATES)];
    let cleared = find(cache, Collection::Declarations, key, plates)?;
    let mut declarations = Vec::with_capacity(cleared.hits.len());
    for mut hit in cleared.hits {
        let used = permits::entries(lane, &hit.found.id, own).map_err(|error| StoreError::Entries(error.into()))?;
        let uncounted = used.iter().filter(|passage| !hit.counted.contains(passage)).count();
        hit.found.entries_used_here = u16::try_from(uncounted).unwrap_or(u16::MAX);
        declarations.push(hit.found);
    }
    let watched = find(cache, Collection::Watchlist, key, plates)?;
    Ok(Found {
        declarations,
        truncated: cleared.truncated || watched.truncated,
        watch: watched.hits.into_iter().map(|hit| hit.found).collect(),
        declarations_revision: cleared.revision,
        watchlist_revision: watched.revision,
    })
}

/// Looks plates up in one collection.
pub fn find(conn: &Connection, collection: Collection, key: fn(&str) -> String, plates: &[String]) -> Result<Hits, StoreError> {
    // Several plates are several statements: they too must be of one moment.
    let snapshot = (plates.len() > 1).then(|| conn.unchecked_transaction().map_err(StoreError::sql("look up"))).transpose()?;
    let mut found = Hits::default();
    if plates.is_empty() {
        found.revision = slot(conn, collection)?.1;
    }
    for plate in plates {
        let key = key(plate);
        let seen = gather(conn, BUCKET, collection, &key, plate, plates, &mut found)?;
        if seen >= BUCKET_MAX_ROWS {
            found.truncated = true;
            gather(conn, EXACT, collection, &key, plate, plates, &mut found)?;
        }
    }
    drop(snapshot);
    found.hits.sort_by_key(|hit| !hit.found.exact);
    if found.hits.len() > LOOKUP_MAX_CANDIDATES {
        found.hits.truncate(LOOKUP_MAX_CANDIDATES);
        found.truncated = true;
    }
    Ok(found)
}

/// Adds the rows of one statement; gives how many there were.
fn gather(
    conn: &Connection,
    sql: &str,
    collection: Collection,
    key: &str,
    plate: &str,
    plates: &[String],
    found: &mut Hits,
) -> Result<usize, StoreError> {
    let what = "look up";
    let mut select = conn.prepare_cached(sql).map_err(StoreError::sql(what))?;
    let limit = BUCKET_MAX_ROWS as i64;
    let mut rows = if sql == EXACT {
        select.query(params![collection.number(), key, limit, plate])
    } else {
        select.query(params![collection.number(), key, limit])
    }
    .map_err(StoreError::sql(what))?;
    let mut seen = 0;
    while let Some(row) = rows.next().map_err(StoreError::sql(what))? {
        let epoch: Option<u32> = row.get(7).map_err(StoreError::sql(what))?;
        found.revision = super::revision_of(epoch, row.get(8).map_err(StoreError::sql(what))?)?;
        let number: Option<i64> = row.get(0).map_err(StoreError::sql(what))?;
        let Some(number) = number else { break };
        seen += 1;
        let has: String = row.get(6).map_err(StoreError::sql(what))?;
        let exact = plates.contains(&has);
        if let Some(hit) = found.hits.iter_mut().find(|hit| hit.row == number) {
            hit.found.exact |= exact;
        } else {
            found.hits.push(hit_of(row, exact)?);
        }
    }
    Ok(seen)
}

fn hit_of(row: &Row<'_>, exact: bool) -> Result<Hit, StoreError> {
    let what = "look up";
    let sql = StoreError::sql;
    let counted: Option<Vec<u8>> = row.get(4).map_err(sql(what))?;
    let revision: i64 = row.get(3).map_err(sql(what))?;
    let state: Option<String> = row.get(9).map_err(sql(what))?;
    Ok(Hit {
        row: row.get(0).map_err(sql(what))?,
        counted: counted.unwrap_or_default().chunks(24).map(passage_of).collect::<Result<_, _>>()?,
        found: FoundRow {
            id: row.get(1).map_err(sql(what))?,
            revision: Revision { epoch: row.get(2).map_err(sql(what))?, revision: from_sql(revision, what)? },
            exact,
            quarantined: state.as_deref() == Some(super::QUARANTINED),
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
            "SELECT row, id, epoch, revision, NULL, bytes, NULL, NULL, NULL, state FROM entry
             WHERE collection = ?1 AND slot = ?2 AND id > ?3 AND tombstone = 0 ORDER BY id LIMIT ?4",
        )
        .map_err(StoreError::sql(what))?;
    let mut rows = select.query(params![collection.number(), slot, after, max.min(LIST_MAX_ROWS) as i64]).map_err(StoreError::sql(what))?;
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
        .and_then(|mut select| select.query_row(params![Collection::Declarations.number(), slot, declaration], |row| row.get(0)).optional())
        .map_err(StoreError::sql(what))?;
    found.map(|counted| counted.unwrap_or_default().chunks(24).map(passage_of).collect()).transpose()
}
