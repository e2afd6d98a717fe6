//! Maintenance and the replica's steps: what the writer does outside the group commits, one small step at a time.
//!
//! Maintenance is asked for by the runtime once a minute with the wall clock. Without a trusted clock nothing leaves by age.

use super::cache;
use super::error::StoreError;
use super::files;
use super::lane::evidence::Leaving;
use super::lane::segment;
use super::types::{Applied, Change, Collection, Head, ReplicaRow};
use super::writer::Writer;
use lane_core::ids::{PassageId, Revision};
use lane_core::time::Wall;
use rusqlite::params;
use std::sync::atomic::Ordering;

/// Entries looked at in one maintenance.
const ENTRIES_MAX: usize = 500;

/// What one maintenance did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Maintained {
    /// Records that left in a sealed segment.
    pub records_sealed: u64,
    /// Black boxes that left.
    pub black_boxes_left: u64,
    /// Evidence files that left.
    pub evidence_left: u64,
    /// Evidence files without a row that were taken into the index.
    pub evidence_adopted: u64,
}

impl Writer {
    /// One maintenance.
    pub(super) fn maintain(&mut self, now: Wall) -> Result<Maintained, StoreError> {
        let utc_ms = now.trusted();
        self.tip.utc_ms = utc_ms;
        let mut done = Maintained::default();
        self.lane(|tx| tx.sign_head(1))?;
        self.look_at_disk();
        if let Some(utc_ms) = utc_ms {
            let is_empty = super::lane::permits::open_passages(&self.conn)?.is_empty();
            if is_empty && let Some(sealed) = segment::seal_next(&self.conn, &self.tip, &self.key, &self.settings, utc_ms)? {
                self.lane(|tx| tx.leave(&sealed))?;
                done.records_sealed = sealed.seal.last_seq + 1 - sealed.seal.first_seq;
                tracing::info!(file = sealed.file, records = done.records_sealed, "old records were sealed");
            }
        }
        done.black_boxes_left = self.lane(|tx| tx.prune_black_boxes(utc_ms))?;
        self.lane(|tx| tx.prune_permits())?;
        if let Some(utc_ms) = utc_ms {
            let leaving = self.lane(|tx| tx.prune_evidence(utc_ms))?;
            done.evidence_left += self.let_leave(&leaving);
        }
        if self.state.borrow().nearly_full {
            let leaving = self.lane(|tx| tx.prune_acknowledged_evidence())?;
            done.evidence_left += self.let_leave(&leaving);
        }
        done.evidence_adopted = self.sweep(utc_ms)?;
        self.forget_old_entries()?;
        Ok(done)
    }

    /// Entries that the rows in force count (a snapshot brought them), or whose declaration is gone and whose passage the centre has.
    fn forget_old_entries(&mut self) -> Result<(), StoreError> {
        let after = std::mem::take(&mut self.entries_after);
        let entries = super::lane::permits::entries_after(&self.conn, &after, ENTRIES_MAX)?;
        if entries.len() == ENTRIES_MAX {
            self.entries_after = entries.last().map(|(declaration, _)| declaration.clone()).unwrap_or_default();
        }
        let mut gone = Vec::new();
        for (declaration, passage) in entries {
            let is_sent = passage.ledger != self.tip.ledger || passage.seq <= self.tip.acknowledged_seq;
            match cache::lookup::counted(&self.cache.conn, &declaration)? {
                Some(counted) if counted.contains(&passage) => gone.push((declaration, passage)),
                None if is_sent && cache::slot(&self.cache.conn, Collection::Declarations)?.1.is_some() => {
                    gone.push((declaration, passage));
                }
                _ => {}
            }
        }
        if gone.is_empty() {
            return Ok(());
        }
        self.lane(|tx| gone.iter().try_for_each(|(declaration, passage)| tx.forget_entries(declaration, &[*passage])))
    }

    /// Removes files whose rows left.
    pub(super) fn let_leave(&self, leaving: &Leaving) -> u64 {
        for digest in &leaving.digests {
            files::remove_evidence(&self.settings.evidence_dir(), *digest);
        }
        if leaving.lost > 0 {
            tracing::warn!(files = leaving.lost, "evidence left before the centre had it");
            self.metrics.evidence_lost.fetch_add(leaving.lost, Ordering::Relaxed);
        }
        leaving.digests.len() as u64
    }

    /// One folder of the sweep: files without a row come into the index.
    fn sweep(&mut self, utc_ms: Option<i64>) -> Result<u64, StoreError> {
        let folder = self.sweep_folder;
        self.sweep_folder = folder.wrapping_add(1);
        let is_being_written = self.is_being_written.clone();
        let found = files::sweep(&self.settings.evidence_dir(), folder, &*is_being_written);
        let mut adopted = 0;
        for (digest, bytes) in found {
            if super::lane::evidence::is_known(&self.conn, digest)? {
                continue;
            }
            let leaving = self.lane(|tx| tx.add_evidence(digest, bytes, utc_ms))?;
            self.let_leave(&leaving);
            adopted += 1;
        }
        Ok(adopted)
    }

    /// A step on the cache; a damaged cache is set aside and begun anew.
    pub(super) fn on_cache<T>(&mut self, op: impl FnOnce(&mut Self) -> Result<T, StoreError>) -> Result<T, StoreError> {
        match op(self) {
            Err(error) if error.is_damage() => {
                tracing::error!(%error, "the cache is damaged: it is set aside and begun anew");
                self.begin_cache_anew()?;
                Err(StoreError::CacheDamaged)
            }
            other => other,
        }
    }

    pub(super) fn begin_cache_anew(&mut self) -> Result<(), StoreError> {
        self.cache.begin_anew()?;
        self.count_quarantined();
        self.cache_generation.fetch_add(1, Ordering::Release);
        self.metrics.cache_begun_anew.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Rows in quarantine, as a metric; a change of it is told.
    pub(super) fn count_quarantined(&self) {
        let counted: Result<u64, StoreError> = Collection::ALL.into_iter().map(|which| cache::quarantined(&self.cache.conn, which)).sum();
        match counted {
            Ok(rows) => {
                let before = self.metrics.quarantined.swap(rows, Ordering::Relaxed);
                if rows > before {
                    tracing::error!(rows, "rows of the replicas are not understood: what they name is unknown until the centre mends them");
                } else if rows < before {
                    tracing::info!(rows, "rows of the replicas were mended");
                }
            }
            Err(error) => tracing::warn!(%error, "rows in quarantine cannot be counted"),
        }
    }

    /// Applies a change and forgets the entries that its rows count.
    pub(super) fn apply_change(&mut self, collection: Collection, change: &Change) -> Result<Applied, StoreError> {
        let applied = self.cache.apply(collection, change)?;
        if matches!(applied, Applied::Done(_)) {
            self.forget_counted(collection, &change.rows);
            self.count_quarantined();
        }
        Ok(applied)
    }

    /// The overlay subtracts counted passages at each look-up anyway: forgetting them only keeps it small, so a failure is told and left.
    fn forget_counted(&mut self, collection: Collection, rows: &[ReplicaRow]) {
        let counted: Vec<(&str, &[PassageId])> = rows
            .iter()
            .filter_map(|row| match row {
                ReplicaRow::Upsert(row) if collection == Collection::Declarations && !row.counted.is_empty() => {
                    Some((row.id.as_str(), row.counted.as_slice()))
                }
                _ => None,
            })
            .collect();
        if counted.is_empty() {
            return;
        }
        let forgotten = self.lane(|tx| counted.iter().try_for_each(|(id, passages)| tx.forget_entries(id, passages)));
        if let Err(error) = forgotten {
            tracing::warn!(%error, "counted entries could not be forgotten");
        }
    }

    /// The newest head ever seen of a collection, whatever became of the cache.
    pub(super) fn floor(&self, collection: Collection) -> Option<Revision> {
        self.floors[collection.number() as usize].map(|head| head.revision)
    }

    /// A verified head: kept if it is newer than the newest, in the cache and, against a cache that is lost, in `lane.db`.
    pub(super) fn head_seen(&mut self, collection: Collection, head: Head) -> Result<bool, StoreError> {
        let at = collection.number() as usize;
        if self.floors[at].is_some_and(|floor| head <= floor || head.utc_ms < floor.utc_ms) {
            return Ok(false);
        }
        self.lane(|tx| {
            tx.conn
                .execute(
                    "INSERT OR REPLACE INTO replica_floor (collection, epoch, revision, utc_ms) VALUES (?1, ?2, ?3, ?4)",
                    params![collection.number(), head.revision.epoch, super::codec::to_sql(head.revision.revision), head.utc_ms],
                )
                .map_err(StoreError::sql("remember a head"))
        })?;
        self.floors[at] = Some(head);
        cache::write_head(&self.cache.conn, collection, &head)?;
        Ok(true)
    }
}

/// The heads that `lane.db` remembers.
pub(super) fn read_floors(conn: &rusqlite::Connection) -> Result<[Option<Head>; 4], StoreError> {
    let what = "read remembered heads";
    let mut floors = [None; 4];
    let mut select = conn.prepare("SELECT collection, epoch, revision, utc_ms FROM replica_floor").map_err(StoreError::sql(what))?;
    let mut rows = select.query([]).map_err(StoreError::sql(what))?;
    while let Some(row) = rows.next().map_err(StoreError::sql(what))? {
        let read = |at: usize| row.get::<_, i64>(at).map_err(StoreError::sql(what));
        let at = usize::try_from(read(0)?).ok().filter(|at| *at < floors.len());
        let Some(at) = at else { return Err(StoreError::row(what, "an unknown collection")) };
        let epoch = u32::try_from(read(1)?).map_err(|_| StoreError::row(what, "an epoch out of range"))?;
        let revision = super::codec::from_sql(read(2)?, what)?;
        floors[at] = Some(Head { revision: Revision { epoch, revision }, utc_ms: read(3)? });
    }
    Ok(floors)
}
