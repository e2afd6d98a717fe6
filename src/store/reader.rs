//! Readers: threads with read-only connections beside the writer, each behind its bounded queue.
//!
//! Look-ups have a reader of their own, so that a long reading (a black box, the outbox after days without a link) never delays a vehicle.

use super::error::StoreError;
use super::lane::schema;
use super::settings::StoreSettings;
use rusqlite::Connection;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use tokio::sync::oneshot;

/// Readings that may wait for one reader.
const QUEUE_MAX_READINGS: usize = 64;

type Reading = Box<dyn FnOnce(&mut ReadSide) + Send>;

/// What a reader reads from.
pub struct ReadSide {
    settings: Arc<StoreSettings>,
    /// `lane.db`.
    pub lane: Connection,
    cache: Option<Connection>,
    generation: Arc<AtomicU64>,
    seen: u64,
}

impl ReadSide {
    fn open(settings: Arc<StoreSettings>, generation: Arc<AtomicU64>) -> Result<Self, StoreError> {
        let lane = schema::open_reader(&settings.lane_file())?;
        Ok(Self { settings, lane, cache: None, seen: 0, generation })
    }

    /// Both databases; the cache is opened again when it was begun anew since.
    pub fn both(&mut self) -> Result<(&Connection, &Connection), StoreError> {
        let generation = self.generation.load(Ordering::Acquire);
        if self.cache.is_none() || self.seen != generation {
            self.cache = Some(schema::open_reader(&self.settings.cache_file())?);
            self.seen = generation;
        }
        self.cache.as_ref().map(|cache| (cache, &self.lane)).ok_or(StoreError::Closed)
    }

    /// The confusable key function.
    pub fn key(&self) -> fn(&str) -> String {
        self.settings.confusable_key
    }
}

/// The way to one reader.
pub struct Reader {
    queue: SyncSender<Reading>,
}

impl Reader {
    /// Starts a reader's thread. It ends when the last way to it is dropped.
    pub fn start(name: &str, settings: &Arc<StoreSettings>, generation: &Arc<AtomicU64>) -> Result<Self, StoreError> {
        let mut side = ReadSide::open(settings.clone(), generation.clone())?;
        let (queue, readings): (_, Receiver<Reading>) = sync_channel(QUEUE_MAX_READINGS);
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || readings.iter().for_each(|reading| reading(&mut side)))
            .map_err(StoreError::file("start a reader for", &settings.dir))?;
        Ok(Self { queue })
    }

    /// Reads.
    pub async fn read<T: Send + 'static>(
        &self,
        op: impl FnOnce(&mut ReadSide) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let reading: Reading = Box::new(move |side| {
            let _ = answer.send(op(side));
        });
        self.queue.try_send(reading).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Busy,
            TrySendError::Disconnected(_) => StoreError::Closed,
        })?;
        answered.await.map_err(|_| StoreError::Closed)?
    }
}
