//! The daemon as a whole: opens what a lane needs, joins it by bounded channels around the lane loop, and ends in order.
//!
//! ```text
//!   barrier ─ reports ─┐                            ┌─▶ recorder ─▶ store (ledger, permits, black box)
//!   scale ──── events ─┤                            ├─▶ knowledge ─▶ store (cache), centre (query)
//!   cameras ─ reports ─┼─▶ inbox ─▶ lane loop ──────┼─▶ barrier commands, camera gates
//!   centre ── reports ─┤    (lane-core)             ├─▶ claims
//!   screens ──── acts ─┘                            └─▶ view, turns ─▶ screens, health, watchdog
//!                              Stop ═══════════════════▶ barrier (a wire of its own)
//! ```
//! **Architecture Invariant:** this is the only module that knows more than one adapter.

pub mod accounts;
pub mod black_box;
mod cameras;
pub mod centre;
pub mod commands;
pub mod control;
pub mod devices;
pub mod door;
pub mod health;
pub mod inbox;
pub mod journal;
pub mod knowledge;
pub mod lane_loop;
pub mod metrics;
pub mod recorder;
pub mod replay;
pub mod replicas;
mod screens;
pub mod standing;
#[cfg(test)]
mod tests;
mod watchdog;

use crate::planted::planted;
use crate::settings::{CameraSource, CentreSettings, Settings};
use crate::store::{Boot, DiskState, Opened, Store, StoreSettings};
use crate::sync::ports::{LaneFacts, SyncInput, SyncRequest, Wires};
use crate::sync::{Identity, SyncSettings, key_files};
use crate::{barrier, camera, clock, scale, sync};
use ed25519_dalek::SigningKey;
use inbox::Inbox;
use lane_core::ids::{BootId, Digest};
use lane_core::input::{Camera, CameraState, Freshness, Input, ScaleState, Started, StoreState};
use lane_core::interlock::Regime;
use lane_core::lane::Lane;
use lane_core::officer::{Mode, Officer};
use lane_core::rules::Rules;
use lane_core::view::LaneView;
use lane_link::hex_bytes::HexBytes;
use lane_link::mqtt::{LinkSettings, TlsFiles};
use lane_link::record::{Body, Record as WireRecord};
use lane_link::topics::Name;
use lane_loop::{LaneLoop, Sinks};
use sha2::{Digest as _, Sha256};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;

/// Questions and claims waiting for their tasks.
const MAX_WAITING: usize = 64;

/// Why the daemon ended, or could not begin.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// No randomness.
    #[error("no randomness for the boot id: {0}")]
    Random(getrandom::Error),
    /// The lane's key.
    #[error("the lane's key: {0}")]
    Key(#[from] key_files::KeyFileError),
    /// The store.
    #[error("the store: {0}")]
    Store(#[from] crate::store::StoreError),
    /// The barrier.
    #[error("the barrier: {0}")]
    Barrier(String),
    /// The scale.
    #[error("the scale: {0}")]
    Scale(String),
    /// The centre.
    #[error("the centre: {0}")]
    Centre(String),
    /// The screens.
    #[error("the screens: {0}")]
    Screens(String),
    /// A file.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A task that never ends has ended.
    #[error("{0} ended by itself")]
    Ended(&'static str),
}

/// Starts logging and the runtime, runs the lane, and returns the exit code.
#[must_use]
pub fn main(settings: Settings) -> u8 {
    journal::start(&settings.log, &settings.lane);
    let waiter = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let ended = match waiter {
        Ok(waiter) => {
            let ended = waiter.block_on(run(settings));
            // A blocking read of a dead device must not hold up the end.
            waiter.shutdown_timeout(Duration::from_secs(2));
            ended
        }
        Err(source) => Err(RunError::File { path: "the runtime".into(), source }),
    };
    match ended {
        Ok(()) => 0,
        Err(error) => {
            tracing::error!(%error, "the daemon ends");
            1
        }
    }
}

/// Whose word counts for the wall clock.
#[must_use]
pub fn trust(settings: &Settings) -> clock::Trust {
    if settings.clock_vouched { clock::Trust::Vouched } else { clock::Trust::Kernel }
}

/// The channels that tasks share.
#[derive(Clone)]
struct Joints {
    store: Store,
    inbox: Inbox,
    trust: clock::Trust,
    view: watch::Receiver<Arc<LaneView>>,
    turns: watch::Receiver<u64>,
    /// Wakes who keeps rules and officers as their collections say.
    standing: Arc<Notify>,
    /// What is known of the cameras.
    board: camera::board::Board,
}

/// Runs a lane until it is told to stop.
///
/// # Errors
/// What could not begin, or what ended by itself: the service manager starts the daemon again.
pub async fn run(settings: Settings) -> Result<(), RunError> {
    let trust = trust(&settings);
    let boot = new_boot()?;
    let key = lane_key(&settings)?;
    let (store, opened) = open_store(&settings, key.clone(), boot, trust)?;
    let (inbox, inputs) = Inbox::new();
    let (recorder, recorder_task) = recorder::spawn(store.clone(), inbox.clone());
    let barrier = start_barrier(settings.barrier.clone(), boot)?;
    let fitted = barrier.view.borrow().image;
    let rules = standing::rules_at_start(&store, &settings.rules, clock::wall(trust).trusted()).await;
    let lane = new_lane(&settings, rules.clone(), boot, &store, &opened, fitted).await;
    // The lane ends the first passage that the power cut short; there may have been a second vehicle.
    for passage in opened.open_passages.iter().skip(1) {
        let what = lane_core::record::What::PassageEnded { end: lane_core::record::PassageEnd::PowerLost, stages_ms: [None; 3] };
        let record = lane_core::record::Record { at: clock::mono(), wall: clock::wall(trust), passage: Some(*passage), what };
        recorder.give(recorder::Job::Append(Box::new(record)));
    }
    if let Some(accepted) = &settings.barrier.closing_accepted {
        recorder.give(recorder::Job::Raw(closing_accepted(accepted, trust)));
    }
    let (view_in, view) = watch::channel(Arc::new(lane.view(clock::mono())));
    let (turns_in, turns) = watch::channel(0);
    let board = camera::board::Board::new(&settings.state_dir);
    let joints = Joints { store: store.clone(), inbox: inbox.clone(), trust, view, turns, standing: Arc::default(), board };
    let mut tasks: JoinSet<&'static str> = JoinSet::new();
    let cameras = start_cameras(&settings, &joints, &mut tasks).await;
    start_scale(&settings, &joints, &mut tasks).await?;
    start_common(&joints, barrier.reports, &mut tasks);
    let (questions, asked) = mpsc::channel(MAX_WAITING);
    let (claims, claimed) = centre::ClaimSink::new(MAX_WAITING);
    let standing = standing::Standing {
        store: store.clone(),
        inbox: inbox.clone(),
        local: settings.rules.clone(),
        given: rules,
        trust,
        changed: joints.standing.clone(),
    };
    tasks.spawn(named("rules and officers", standing.keep()));
    let (link, centre_claims) = start_centre(&settings, &joints, &recorder, (boot, &opened, key, claims.lost()), &mut tasks)?;
    let importer = importer(&settings, link.clone())?;
    tasks.spawn(named("control socket", control::serve(settings.state_dir.clone(), joints.clone(), importer)));
    tasks.spawn(named("claims", centre::claims_out(claimed, link.map(|(inputs, _)| inputs))));
    tasks.spawn(named("look-ups", knowledge::serve(asked, store.clone(), centre_claims.0, centre_claims.1, inbox.clone())));
    let cameras_counted = [0, 1].map(|which| cameras[which].as_ref().map(|supervisor| supervisor.counters.clone()));
    let counted = metrics::DeviceCounters { barrier: barrier.metrics, cameras: cameras_counted };
    let screens =
        screens::start(&settings, &joints, (barrier.stop.clone(), barrier.view.clone()), counted, opened.ledger, &mut tasks).await?;
    let sinks = Sinks { recorder: recorder.clone(), barrier: barrier.commands, cameras, questions, claims, view: view_in, turns: turns_in };
    let (stop, stopped) = watch::channel(false);
    let lane_loop = tokio::spawn(LaneLoop::new(lane, inputs, barrier.view, sinks).run(stopped.clone()));
    tasks.spawn(named("watchdog", watchdog::feed(joints.turns.clone())));
    tracing::info!(lane = settings.lane, "the lane runs");
    let ended = wait_for_end(lane_loop, &mut tasks, stop).await;
    screens.stop().await;
    finish(&store, recorder, recorder_task, trust).await;
    ended
}

/// Who answers for a boom that is lowered by our command.
fn closing_accepted(accepted: &barrier::Acceptance, trust: clock::Trust) -> crate::store::NewRecord {
    let wall = clock::wall(trust);
    let body = Body::ClosingAccepted { by: accepted.by.clone(), on: accepted.on.clone() };
    recorder::from_wire(&WireRecord {
        v: lane_link::record::RECORD_VERSION,
        at_ms: clock::mono().0,
        utc_ms: wall.utc_ms,
        clock_trusted: wall.trusted().is_some(),
        passage: None,
        body,
    })
}

async fn named(name: &'static str, task: impl Future<Output = ()>) -> &'static str {
    task.await;
    name
}

fn new_boot() -> Result<BootId, RunError> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(RunError::Random)?;
    Ok(BootId(u128::from_be_bytes(bytes)))
}

/// The lane's key is made on the lane, at its first start.
fn lane_key(settings: &Settings) -> Result<SigningKey, RunError> {
    let dir = settings.state_dir.join("keys");
    std::fs::create_dir_all(&dir).map_err(|source| RunError::File { path: dir.clone(), source })?;
    let path = dir.join("lane.key");
    if path.exists() {
        return Ok(key_files::load_private(&path)?);
    }
    let key = key_files::make_private(&path)?;
    tracing::warn!(public = %key_files::public_key(&key), "a new lane key was made: the centre must be told its public half");
    Ok(key)
}

fn open_store(settings: &Settings, key: SigningKey, boot: BootId, trust: clock::Trust) -> Result<(Store, Opened), RunError> {
    let boot = Boot { id: boot, at: clock::mono(), wall: clock::wall(trust) };
    let (store, opened) = Store::open(StoreSettings::new(&settings.state_dir, knowledge::confusable_key), key, &boot)?;
    tracing::info!(
        ledger = lane_link::ids::ledger_text(opened.ledger),
        last_seq = opened.last_seq,
        restored = ?opened.restored,
        open_passages = opened.open_passages.len(),
        "the store is open"
    );
    Ok((store, opened))
}

/// A lane that knows what the ledger says of the time before.
async fn new_lane(
    settings: &Settings,
    rules: Rules,
    boot: BootId,
    store: &Store,
    opened: &Opened,
    fitted: lane_core::signal::ProcessImage,
) -> Lane {
    let (mode, mode_by) = last_mode(store, opened.restored.is_some()).await;
    let digest = |path: Option<PathBuf>| Digest(path.and_then(|p| std::fs::read(p).ok()).map_or([0; 32], |b| Sha256::digest(&b).into()));
    let started = Started {
        boot,
        ledger: opened.ledger,
        mode,
        mode_by,
        open_passage: opened.open_passages.first().copied(),
        program: digest(std::env::current_exe().ok()),
        settings: Digest(settings.digest),
        models: digest(Some(settings.vision.models.join("manifest.json"))),
    };
    let mut lane = Lane::new(rules, started, fitted, clock::mono());
    lane.start_at(clock::wall(trust(settings)));
    lane
}

/// Until the lane has said which mode it is in, nothing is energised: somebody may still be working at the boom.
fn start_barrier(settings: barrier::Settings, boot: BootId) -> Result<barrier::Handles, RunError> {
    let barrier = barrier::spawn(settings, boot, clock::mono)
        .map_err(|errors| RunError::Barrier(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))?;
    let regime = if planted("regime") { Regime::Normal } else { Regime::Dead };
    if barrier.commands.try_send(barrier::Command::Regime(regime)).is_err() {
        return Err(RunError::Barrier("its queue takes nothing".into()));
    }
    Ok(barrier)
}

/// The mode the ledger recorded last, and who set it. A ledger that cannot say leaves the lane closed, until a person opens it; one that was
/// begun anew, attended.
async fn last_mode(store: &Store, restored: bool) -> (Mode, Option<Officer>) {
    if planted("last_mode") {
        return (Mode::Automatic, None);
    }
    let newest = match store.newest("mode", 1).await {
        Ok(rows) => rows.into_iter().next(),
        Err(error) => {
            tracing::error!(%error, "the last mode cannot be read: the lane starts closed");
            return (Mode::Closed, None);
        }
    };
    let Some(row) = newest else { return (if restored { Mode::Attended } else { Mode::Automatic }, None) };
    match WireRecord::from_bytes(&row.bytes).map(|record| record.body) {
        Ok(Body::Mode { to, by, .. }) => {
            let by = by.map(|p| Officer { id: p.id.as_str().into(), agency: p.agency.as_str().into(), role: p.role.into() });
            (to.into(), by)
        }
        _ => {
            tracing::error!(seq = row.seq, "the last mode's record cannot be understood: the lane starts closed");
            (if planted("bad_mode") { Mode::Automatic } else { Mode::Closed }, None)
        }
    }
}

async fn start_cameras(settings: &Settings, joints: &Joints, tasks: &mut JoinSet<&'static str>) -> [Option<camera::Supervisor>; 2] {
    let mut supervisors = [None, None];
    let wanted = [(Camera::Front, "front", &settings.vision.front), (Camera::Rear, "rear", &settings.vision.rear)];
    for (which, name, source) in wanted {
        let Some(CameraSource { source, credentials_file }) = source else {
            joints.inbox.give(Input::CameraState(which, CameraState::Absent)).await;
            continue;
        };
        let vision = &settings.vision;
        let camera = camera::CameraSettings::new(name, vision.program.clone(), source.clone(), vision.models.clone());
        let view = joints.board.view_path(which);
        let camera = camera::CameraSettings { credentials_file: credentials_file.clone(), view, ..camera };
        let (supervisor, reports) = camera::spawn(camera);
        joints.board.fit(which, supervisor.clone());
        supervisors[which as usize] = Some(supervisor);
        let kept = (joints.store.clone(), joints.board.clone());
        tasks.spawn(named("camera", devices::camera(which, reports, kept, joints.inbox.clone(), joints.trust)));
    }
    supervisors
}

async fn start_scale(settings: &Settings, joints: &Joints, tasks: &mut JoinSet<&'static str>) -> Result<(), RunError> {
    let Some(scale) = &settings.scale else {
        joints.inbox.give(Input::ScaleState(ScaleState::Absent)).await;
        return Ok(());
    };
    let random = || {
        let mut bytes = [0_u8; 8];
        let _ = getrandom::fill(&mut bytes);
        u64::from_le_bytes(bytes)
    };
    let line = scale::line::spawn(scale.endpoint.clone(), scale.line, scale.decoder, random)
        .map_err(|error| RunError::Scale(error.to_string()))?;
    tasks.spawn(named("scale", devices::scale(line.events, scale.platform, joints.inbox.clone())));
    Ok(())
}

fn start_common(joints: &Joints, reports: mpsc::Receiver<barrier::Report>, tasks: &mut JoinSet<&'static str>) {
    tasks.spawn(named("barrier reports", devices::barrier(reports, joints.inbox.clone())));
    tasks.spawn(named("wall clock", devices::wall(joints.inbox.clone(), joints.trust)));
    tasks.spawn(named("store state", store_state(joints.store.clone(), joints.inbox.clone())));
    tasks.spawn(named("store care", store_care(joints.store.clone(), joints.trust)));
}

async fn store_state(store: Store, inbox: Inbox) {
    let mut state = store.state();
    loop {
        let DiskState { can_commit, nearly_full, restored } = *state.borrow_and_update();
        inbox.give(Input::Store(StoreState { can_commit, nearly_full, restored })).await;
        if state.changed().await.is_err() {
            return;
        }
    }
}

async fn store_care(store: Store, trust: clock::Trust) {
    let mut minute = tokio::time::interval(Duration::from_secs(60));
    loop {
        minute.tick().await;
        if let Err(error) = store.maintain(clock::wall(trust)).await {
            tracing::warn!(%error, "the store could not be cared for");
        }
    }
}

type LinkEnds = (mpsc::Sender<SyncInput>, mpsc::Sender<SyncRequest>);
type CentreJoints = (Option<LinkEnds>, (centre::Claims, centre::Queries));

/// Starts the link, where there is one. Without a centre nothing is asked and nothing is known of other lanes.
fn start_centre(
    settings: &Settings,
    joints: &Joints,
    recorder: &recorder::Recorder,
    (boot, opened, key, claims_lost): (BootId, &Opened, SigningKey, Arc<AtomicU64>),
    tasks: &mut JoinSet<&'static str>,
) -> Result<CentreJoints, RunError> {
    let claims = centre::Claims::default();
    let (inputs, inputs_taken) = mpsc::channel(sync::ports::INPUTS_MAX);
    let queries = centre::Queries::new(inputs.clone(), settings.rules.timing.query_deadline_ms);
    let Some(centre) = &settings.centre else {
        let none = Input::Freshness(Freshness::NONE);
        let inbox = joints.inbox.clone();
        tokio::spawn(async move { inbox.give(none).await });
        return Ok((None, (claims, queries)));
    };
    let (requests, requests_taken) = mpsc::channel(sync::ports::REQUESTS_MAX);
    let (reports, reports_taken) = mpsc::channel(sync::ports::REPORTS_MAX);
    let (last_seq_in, last_seq) = watch::channel(opened.last_seq);
    let (health_in, health) = watch::channel(lane_link::health::Health::default());
    let (facts_in, facts) = watch::channel(LaneFacts::default());
    let trust = joints.trust;
    let wires = Wires {
        requests: requests.clone(),
        reports,
        inputs: inputs_taken,
        last_seq,
        health,
        facts,
        clock: Arc::new(move || clock::wall(trust)),
    };
    let identity = Identity {
        boot: HexBytes::from_u128(boot.0),
        ledger: HexBytes::from_u128(opened.ledger.0),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        capabilities: vec!["records".into(), "evidence".into(), "commands".into(), "query".into()],
        lane_key: key,
    };
    let link = sync::begin(sync_settings(settings, centre)?, identity, wires).map_err(|error| RunError::Centre(error.to_string()))?;
    tasks.spawn(named("link", async move { drop(link.await) }));
    tasks.spawn(named("link requests", centre::requests(requests_taken, joints.store.clone())));
    let reporting = centre::Reporting {
        inbox: joints.inbox.clone(),
        recorder: recorder.clone(),
        claims: claims.clone(),
        queries: queries.clone(),
        replies: inputs.clone(),
        standing: joints.standing.clone(),
        trust,
        head_ahead_max_s: centre.head_ahead_max_s,
    };
    tasks.spawn(named("link reports", centre::reports(reports_taken, reporting)));
    let out = health::Watches { health: health_in, facts: facts_in, last_seq: last_seq_in };
    tasks.spawn(named("health", health::publish(joints.store.clone(), joints.board.clone(), joints.view.clone(), out, claims_lost, trust)));
    Ok((Some((inputs, requests)), (claims, queries)))
}

/// What an import from a file needs, where there is a centre to believe.
fn importer(settings: &Settings, link: Option<LinkEnds>) -> Result<Option<control::Importer>, RunError> {
    let (Some(centre), Some((inputs, requests))) = (&settings.centre, link) else { return Ok(None) };
    let trusted = trusted(settings, centre).map_err(RunError::Centre)?;
    Ok(Some(control::Importer { trusted, requests, inputs }))
}

/// What this lane believes a file of its centre by.
///
/// # Errors
/// A sentence that names the setting.
pub fn trusted(settings: &Settings, centre: &CentreSettings) -> Result<sync::import::Trusted, String> {
    Ok(sync::import::Trusted {
        site: Name::new(&settings.site).map_err(|error| format!("site: {error}"))?,
        root_key: centre.root_key.parse().map_err(|error| format!("root_key: {error}"))?,
        key_list_path: settings.state_dir.join("keys/key-list.json"),
    })
}

fn sync_settings(settings: &Settings, centre: &CentreSettings) -> Result<SyncSettings, RunError> {
    let wrong = |what: &str, error: String| RunError::Centre(format!("{what}: {error}"));
    let sync::import::Trusted { site, root_key, key_list_path } = trusted(settings, centre).map_err(RunError::Centre)?;
    let lane = Name::new(&settings.lane).map_err(|e| wrong("lane", e.to_string()))?;
    let mut link = LinkSettings::plain(&centre.host, centre.port, &format!("borderlane-{site}-{lane}"));
    if let Some([ca, certificate, key]) = &centre.tls {
        link.tls = Some(TlsFiles { ca_pem: ca.clone(), cert_pem: Some(certificate.clone()), key_pem: Some(key.clone()) });
    }
    if let Some((user, file)) = &centre.login {
        let password = std::fs::read_to_string(file).map_err(|source| RunError::File { path: file.clone(), source })?;
        link.login = Some((user.clone(), password.trim_end().to_owned()));
    }
    let defaults = SyncSettings::new(site, lane, link, root_key, key_list_path);
    Ok(SyncSettings { open_needs_two_keys: centre.open_needs_two_keys, ..defaults })
}

/// Waits for SIGTERM or SIGINT, or for a task that should never end.
async fn wait_for_end(
    lane_loop: tokio::task::JoinHandle<()>,
    tasks: &mut JoinSet<&'static str>,
    stop: watch::Sender<bool>,
) -> Result<(), RunError> {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    let (Ok(mut terminate), Ok(mut interrupt)) = signals else { return Err(RunError::Ended("signal handling")) };
    let mut lane_loop = lane_loop;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        _ = &mut lane_loop => return Err(RunError::Ended("the lane loop")),
        ended = tasks.join_next() => {
            let name = ended.and_then(Result::ok).unwrap_or("a task");
            tracing::error!(name, "a task ended that never should");
            stop.send_replace(true);
            return Err(RunError::Ended(name));
        }
    }
    tracing::info!("told to stop");
    watchdog::stopping();
    stop.send_replace(true);
    let _ = tokio::time::timeout(Duration::from_secs(2), lane_loop).await;
    Ok(())
}

/// Everything that was handed over is written; the last record says that the stop was in order.
async fn finish(store: &Store, recorder: recorder::Recorder, recorder_task: tokio::task::JoinHandle<()>, trust: clock::Trust) {
    drop(recorder);
    let _ = tokio::time::timeout(Duration::from_secs(3), recorder_task).await;
    let record =
        lane_core::record::Record { at: clock::mono(), wall: clock::wall(trust), passage: None, what: lane_core::record::What::Stopping };
    if let Err(error) = store.append(vec![recorder::new_record(&record)]).await {
        tracing::warn!(%error, "the last record could not be written");
    }
    store.close().await;
}
