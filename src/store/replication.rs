//! The handle's replica side: changes and snapshots in, look-ups and listings out.

use super::cache::{self, lookup};
use super::error::StoreError;
use super::handle::Store;
use super::settings::REPLICA_CHUNK_MAX_ROWS;
use super::types::{Applied, Change, Collection, CollectionState, Found, FoundRow, Head, ReplicaRow};
use super::writer::Writer;
use lane_core::ids::{PassageId, Revision};

impl Store {
    /// Applies a verified change.
    pub async fn apply_replica(&self, collection: Collection, change: Change) -> Result<Applied, StoreError> {
        self.step(move |writer| writer.on_cache(|writer| writer.apply_change(collection, &change))).await
    }

    /// Begins a verified snapshot; `Some(Older)`: it is older than what the lane has or has seen.
    pub async fn begin_snapshot(&self, collection: Collection, revision: Revision) -> Result<Option<Applied>, StoreError> {
        let begun = self
            .step(move |writer| {
                writer.on_cache(|writer| {
                    let floor = writer.floor(collection);
                    writer.cache.begin_snapshot(collection, revision, floor)
                })
            })
            .await?;
        if begun.is_none() {
            while !self.step(move |writer| writer.on_cache(|writer| writer.cache.clean_slot(collection))).await? {}
        }
        Ok(begun)
    }

    /// Stages the next part of a snapshot; parts are numbered from 0. Written in small steps, so that no vehicle waits for it.
    pub async fn stage_snapshot(&self, collection: Collection, part: u32, rows: Vec<ReplicaRow>) -> Result<(), StoreError> {
        self.step(move |writer| writer.on_cache(|writer| writer.cache.begin_part(collection, part))).await?;
        let mut rows = rows;
        while !rows.is_empty() {
            let rest = rows.split_off(rows.len().min(REPLICA_CHUNK_MAX_ROWS));
            let chunk = std::mem::replace(&mut rows, rest);
            self.step(move |writer| writer.on_cache(|writer| writer.cache.stage_rows(collection, &chunk))).await?;
        }
        Ok(())
    }

    /// Ends a snapshot; refused unless `parts` and `rows` were staged.
    pub async fn end_snapshot(&self, collection: Collection, parts: u32, rows: u64) -> Result<Applied, StoreError> {
        self.step(move |writer| {
            writer.on_cache(|writer| {
                let applied = writer.cache.end_snapshot(collection, parts, rows)?;
                writer.count_quarantined();
                Ok(applied)
            })
        })
        .await
    }

    /// A whole snapshot at once, for collections that are small and for files.
    pub async fn apply_snapshot(&self, collection: Collection, revision: Revision, rows: Vec<ReplicaRow>) -> Result<Applied, StoreError> {
        if let Some(older) = self.begin_snapshot(collection, revision).await? {
            return Ok(older);
        }
        let count = rows.iter().filter(|row| !matches!(row, ReplicaRow::Tombstone { .. })).count() as u64;
        self.stage_snapshot(collection, 0, rows).await?;
        self.end_snapshot(collection, 1, count).await
    }

    /// A verified head of a collection; `false`: a newer one was seen before, and it changes nothing.
    pub async fn head_seen(&self, collection: Collection, head: Head) -> Result<bool, StoreError> {
        self.step(move |writer| writer.on_cache(|writer| writer.head_seen(collection, head))).await
    }

    /// How far the four collections are. The head is the newest ever seen, also when the cache was lost since.
    pub async fn collections(&self) -> Result<Vec<CollectionState>, StoreError> {
        self.step(|writer| {
            writer.on_cache(|writer| {
                let with_floor = |collection: Collection| {
                    let state = cache::state(&writer.cache.conn, collection)?;
                    Ok(CollectionState { head: state.head.max(writer.floors[collection.number() as usize]), ..state })
                };
                Collection::ALL.into_iter().map(with_floor).collect()
            })
        })
        .await
    }

    /// Looks plates (normal form) up. `own` is the asking passage.
    pub async fn lookup(&self, plates: Vec<String>, own: Option<PassageId>) -> Result<Found, StoreError> {
        let found = self
            .inner
            .lookups
            .read(move |side| {
                let key = side.key();
                let (cache, lane) = side.both()?;
                lookup::lookup(cache, lane, key, &plates, own)
            })
            .await;
        self.not_damaged(found).await
    }

    /// The rows of a collection in order of their ids, from after `after`.
    pub async fn list(&self, collection: Collection, after: String, max: usize) -> Result<Vec<FoundRow>, StoreError> {
        let found = self.inner.readings.read(move |side| lookup::list(side.both()?.0, collection, &after, max)).await;
        self.not_damaged(found).await
    }

    /// A reading that met damage lets the writer begin the cache anew.
    async fn not_damaged<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        match result {
            Err(error) if error.is_damage() => {
                tracing::error!(%error, "the cache is damaged: it is set aside and begun anew");
                self.step(Writer::begin_cache_anew).await?;
                Err(StoreError::CacheDamaged)
            }
            other => other,
        }
    }
}
