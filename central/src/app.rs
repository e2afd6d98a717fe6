//! What all parts of the centre share, and how it starts.

use crate::config::{Config, ConfigError};
use crate::db::{Db, DbError};
use crate::keys::{KeyFolder, KeysError, Signer};
use crate::{broker, http, replicas};
use lane_link::declaration::{ConfirmationResult, Declaration};
use lane_link::envelope::Envelope;
use lane_link::health::Health;
use lane_link::hex_bytes::HexBytes;
use lane_link::mqtt::LinkError;
use lane_link::officer::Officer;
use lane_link::replica::{Collection, ReplicaMessage, Row};
use lane_link::rules::RulesRow;
use lane_link::state::LaneState;
use lane_link::topics;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Lanes of a site.
pub const LANES_MAX: usize = 256;
/// Outcomes of commands remembered.
pub const REPLIES_MAX: usize = 256;
/// Jobs waiting for the link.
pub const JOBS_MAX: usize = 1_024;
/// Rows of the declarations file.
const FILE_MAX_BYTES: u64 = 64 << 20;

/// Why the centre does not run.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// Settings.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// Keys.
    #[error("keys: {0}")]
    Keys(#[from] KeysError),
    /// Database.
    #[error("{0}")]
    Db(#[from] DbError),
    /// Link.
    #[error("broker: {0}")]
    Link(#[from] LinkError),
    /// A folder or a socket.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The file of declarations, officers or rules.
    #[error("{}: {why}", path.display())]
    Declarations {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

/// What a lane last said.
#[derive(Debug, Clone, Default)]
pub struct LaneInfo {
    /// Birth or death.
    pub state: Option<LaneState>,
    /// Health, and when it came, UTC milliseconds.
    pub health: Option<(Health, i64)>,
}

/// Something to publish.
#[derive(Debug)]
pub(crate) struct Job {
    pub topic: String,
    pub payload: Vec<u8>,
    pub retain: bool,
}

/// Shared by all.
#[derive(Debug)]
pub struct App {
    pub(crate) config: Config,
    pub(crate) db: Db,
    pub(crate) folder: KeyFolder,
    signer: Mutex<Arc<Signer>>,
    lanes: Mutex<BTreeMap<String, LaneInfo>>,
    replies: Mutex<VecDeque<(String, String)>>,
    jobs: mpsc::Sender<Job>,
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// UTC milliseconds.
#[must_use]
pub fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

impl App {
    pub(crate) fn signer(&self) -> Arc<Signer> {
        Arc::clone(&held(&self.signer))
    }

    pub(crate) fn evidence_dir(&self) -> PathBuf {
        self.config.data_dir.join("evidence")
    }

    /// Reads keys and list anew; `true`: the list changed.
    pub(crate) fn reload_keys(&self) -> bool {
        match self.folder.signer() {
            Ok(signer) if signer.ring.version() != self.signer().ring.version() => {
                tracing::info!(version = signer.ring.version(), "a newer key list is published");
                *held(&self.signer) = Arc::new(signer);
                true
            }
            Ok(_) => false,
            Err(error) => {
                tracing::warn!(%error, "the key folder is not usable; the keys in use stay");
                false
            }
        }
    }

    /// What lanes last said, by name.
    #[must_use]
    pub fn lanes(&self) -> BTreeMap<String, LaneInfo> {
        held(&self.lanes).clone()
    }

    pub(crate) fn note_lane(&self, lane: &str, note: impl FnOnce(&mut LaneInfo)) {
        let mut lanes = held(&self.lanes);
        if lanes.len() >= LANES_MAX && !lanes.contains_key(lane) {
            return;
        }
        note(lanes.entry(lane.to_owned()).or_default());
    }

    pub(crate) fn note_reply(&self, id: String, outcome: String) {
        let mut replies = held(&self.replies);
        if replies.len() == REPLIES_MAX {
            replies.pop_front();
        }
        replies.push_back((id, outcome));
    }

    /// What became of a command, newest word first.
    #[must_use]
    pub fn outcomes(&self, id: &str) -> Vec<String> {
        held(&self.replies).iter().rev().filter(|(i, _)| i == id).map(|(_, outcome)| outcome.clone()).collect()
    }

    /// Publishes, or drops when too much waits: lanes notice by the next head.
    pub(crate) fn publish(&self, topic: String, payload: Vec<u8>, retain: bool) {
        if self.jobs.try_send(Job { topic, payload, retain }).is_err() {
            tracing::warn!("too much waits for the broker: a message is dropped");
        }
    }

    pub(crate) fn publish_changes(&self, collection: Collection, changes: Vec<Envelope>) {
        for envelope in changes {
            let payload = serde_json::to_vec(&ReplicaMessage::Change(envelope)).unwrap_or_default();
            self.publish(topics::replica(&self.config.site, collection), payload, false);
        }
    }

    /// Writes rows, signs and publishes the change.
    ///
    /// # Errors
    /// [`DbError`]: nothing was written.
    pub async fn write(&self, collection: Collection, rows: Vec<Row>) -> Result<(), DbError> {
        let signer = self.signer();
        let changes = self.db.with(move |c| replicas::write(c, &signer, collection, rows)).await?;
        self.publish_changes(collection, changes);
        Ok(())
    }

    /// Takes the declarations file in; how many rows differ from what was there.
    ///
    /// # Errors
    /// [`AppError::Declarations`], [`AppError::Db`].
    pub async fn load_declarations(&self) -> Result<usize, AppError> {
        let Some(path) = &self.config.declarations_file else { return Ok(0) };
        let declarations: Vec<Declaration> = read_declarations(path)?.into_iter().map(confirmed_as_it_stands).collect();
        let changed = self
            .db
            .with(move |c| {
                let mut rows = Vec::new();
                for declaration in declarations {
                    if replicas::declaration(c, &declaration.id)?.as_ref() != Some(&declaration) {
                        rows.push(replicas::upsert(&declaration)?);
                    }
                }
                Ok(rows)
            })
            .await?;
        let count = changed.len();
        self.write(Collection::Declarations, changed).await?;
        Ok(count)
    }
}

impl App {
    /// Takes all files in; how many rows differ from what was there.
    ///
    /// # Errors
    /// [`AppError`]; collections of files before the wrong one were taken in.
    pub async fn load_files(&self) -> Result<usize, AppError> {
        let mut count = self.load_declarations().await?;
        if let Some(path) = &self.config.officers_file {
            let table: OfficerTables = read_table(path)?;
            let bad = |why: String| AppError::Declarations { path: path.clone(), why };
            let mut wanted = BTreeMap::new();
            for officer in table.officer {
                let id = officer.id.clone();
                let body = serde_json::to_value(officer).map_err(|e| bad(e.to_string()))?;
                if wanted.insert(id.clone(), body).is_some() {
                    return Err(bad(format!("{id} is there twice")));
                }
            }
            count += self.load(Collection::Officers, wanted).await?;
        }
        if let Some(path) = &self.config.rules_file {
            let table: RulesTables = read_table(path)?;
            let bad = |why: serde_json::Error| AppError::Declarations { path: path.clone(), why: why.to_string() };
            let wanted = table.rules.into_iter().map(|(key, row)| Ok((key, serde_json::to_value(row)?))).collect::<Result<_, _>>();
            count += self.load(Collection::Rules, wanted.map_err(bad)?).await?;
        }
        Ok(count)
    }

    async fn load(&self, collection: Collection, wanted: BTreeMap<String, serde_json::Value>) -> Result<usize, AppError> {
        let rows = self.db.with(move |c| replicas::towards(c, collection, &wanted)).await?;
        let count = rows.len();
        self.write(collection, rows).await?;
        Ok(count)
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct OfficerTables {
    #[serde(default)]
    officer: Vec<Officer>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct RulesTables {
    #[serde(default)]
    rules: BTreeMap<String, RulesRow>,
}

fn read_table<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, AppError> {
    toml::from_str(&read_text(path)?).map_err(|e| AppError::Declarations { path: path.to_owned(), why: e.to_string() })
}

fn read_text(path: &Path) -> Result<String, AppError> {
    let bad = |why: String| AppError::Declarations { path: path.to_owned(), why };
    let length = std::fs::metadata(path).map_err(|e| bad(e.to_string()))?.len();
    if length > FILE_MAX_BYTES {
        return Err(bad(format!("{length} bytes, more than {FILE_MAX_BYTES}")));
    }
    std::fs::read_to_string(path).map_err(|e| bad(e.to_string()))
}

/// A pass written into the centre's own file without a digest confirms the row as the file has it.
fn confirmed_as_it_stands(mut declaration: Declaration) -> Declaration {
    let digest = HexBytes(declaration.tied_digest()).to_string();
    for confirmation in &mut declaration.confirmations {
        if confirmation.result == ConfirmationResult::Pass && confirmation.digest.is_none() {
            confirmation.digest = Some(digest.clone());
        }
    }
    declaration
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct DeclarationTables {
    declaration: Vec<Declaration>,
}

fn read_declarations(path: &Path) -> Result<Vec<Declaration>, AppError> {
    let bad = |why: String| AppError::Declarations { path: path.to_owned(), why };
    let text = read_text(path)?;
    if path.extension().is_some_and(|e| e == "toml") {
        toml::from_str::<DeclarationTables>(&text).map(|t| t.declaration).map_err(|e| bad(e.to_string()))
    } else {
        serde_json::from_str(&text).map_err(|e| bad(e.to_string()))
    }
}

/// A running centre. Dropping it ends it.
#[derive(Debug)]
pub struct Running {
    /// Where page and API listen.
    pub address: SocketAddr,
    /// The root to be pinned by lanes.
    pub root: lane_link::hex_bytes::Hex32,
    /// Shared state.
    pub app: Arc<App>,
    tasks: Vec<JoinHandle<()>>,
}

impl Running {
    /// Waits until a part of it ends, which it does not by itself.
    pub async fn ended(&mut self) {
        for task in &mut self.tasks {
            let _ = task.await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Starts the centre: keys and database are made where they are missing.
///
/// # Errors
/// [`AppError`]. An unreachable broker is no error.
pub async fn run(config: Config) -> Result<Running, AppError> {
    config.check()?;
    let io = |what: String| move |source| AppError::Io { what, source };
    std::fs::create_dir_all(&config.data_dir).map_err(io(config.data_dir.display().to_string()))?;
    let folder = KeyFolder::new(&config.keys_dir, &config.site);
    let root = folder.init(now_ms())?;
    let signer = folder.signer()?;
    let db = Db::open(&config.data_dir.join("central.db"))?;
    let listener = tokio::net::TcpListener::bind(config.listen).await.map_err(io(config.listen.to_string()))?;
    let address = listener.local_addr().map_err(io("listen".to_owned()))?;
    let (jobs, waiting) = mpsc::channel(JOBS_MAX);
    let app = Arc::new(App {
        db,
        folder,
        signer: Mutex::new(Arc::new(signer)),
        lanes: Mutex::default(),
        replies: Mutex::default(),
        jobs,
        config,
    });
    let link = broker::begin(Arc::clone(&app), waiting)?;
    let loaded = app.load_files().await?;
    tracing::info!(%address, %root, loaded, "the centre runs");
    let served = Arc::clone(&app);
    let page = tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, http::router(served)).await {
            tracing::error!(%error, "the page ended");
        }
    });
    Ok(Running { address, root, app, tasks: vec![link, page] })
}
