//! The lane under measurement: what the runtime joins, without cameras, scale line, centre and screens, whose inputs the truck gives by itself.

use super::device::Device;
use crate::figure::Fail;
use borderlane::barrier::{self, ModuleSettings, Profile};
use borderlane::clock::{self, Trust};
use borderlane::runtime::centre::{self, ClaimSink, Claims, Queries};
use borderlane::runtime::inbox::Inbox;
use borderlane::runtime::lane_loop::{LaneLoop, Sinks};
use borderlane::runtime::{devices, knowledge, recorder};
use borderlane::store::{Boot, Collection, Opened, ReplicaRow, Store, StoreSettings, declaration_row};
use ed25519_dalek::SigningKey;
use lane_core::declaration::Direction;
use lane_core::ids::{BootId, Digest, Revision};
use lane_core::input::{Camera, CameraState, Freshness, Input, ScaleState, Started, StoreState};
use lane_core::interlock::Config;
use lane_core::lane::Lane as Core;
use lane_core::officer::Mode;
use lane_core::rules::{LegalGross, Rules};
use lane_core::signal::Signal;
use lane_core::verdict::Outcome;
use lane_core::view::{BoomView, LaneView, PhaseName};
use lane_link::declaration::Declaration as WireDeclaration;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

const BOOT: BootId = BootId(1);
const KNOWN: Revision = Revision { epoch: 1, revision: 1 };
const WAITING: usize = 64;
/// Nothing takes so long unless it never comes.
const LONGEST: Duration = Duration::from_secs(20);

/// The truck's declaration: it may come as often as the format can say.
const DECLARATION: &str = r#"{"id":"D-1","gate":"huu-nghi","direction":"outbound","trade":"export","plate":"12C-123.45","goods":"thanh long",
"cargo_grams":16000000,"axles":4,"channel":"green","valid_from_ms":0,"valid_until_ms":4102444800000,"entries_allowed":65535,"state":"active",
"tare":{"grams":12000000,"source":"registered"},
"confirmations":[{"agency":"customs","required":true,"result":"pass"},{"agency":"plant","required":true,"result":"pass"}]}"#;

/// The shipped profile of a single module that has every signal.
pub fn profile(root: &Path) -> Result<Profile, Fail> {
    let path = root.join("config/profiles/barrier/generic.toml");
    Profile::parse(&std::fs::read_to_string(&path)?).map_err(|mistakes| format!("{}: {mistakes:?}", path.display()).into())
}

fn rules() -> Rules {
    let mut rules = Rules::local_default("huu-nghi".into(), "lane-1".into(), Direction::Outbound);
    rules.legal_gross = vec![LegalGross { combination: false, axles: 4, limit_grams: 30_000_000 }];
    rules.calibrated_until_ms = Some(4_102_444_800_000);
    rules.weight.ends_quiet_ms = 50;
    rules.timing.fresh_ms = 1_000;
    rules
}

/// Times that a truck waits for are short, so that many can pass; none of them lies between the last input and the coil.
fn barrier_settings(device: &Device, profile: Profile) -> barrier::Settings {
    let interlock = Config { pulse_ms: 100, fresh_ms: 1_000, reversal_rest_ms: 50, joined_gap_ms: 150, ..Config::default() };
    let module = ModuleSettings { name: "io-1".into(), address: device.address().to_string(), profile, accept_without_watchdog: false };
    barrier::Settings { scan_ms: 20, ..barrier::Settings::new(interlock, vec![module]) }
}

/// The lane, running.
pub struct Lane {
    /// Where the truck's inputs go.
    pub inbox: Inbox,
    view: watch::Receiver<Arc<LaneView>>,
    field: watch::Receiver<barrier::View>,
    stop: watch::Sender<bool>,
    /// Nobody presses it; without it the barrier ends.
    _button: barrier::StopButton,
    running: JoinHandle<()>,
    store: Store,
}

impl Lane {
    pub async fn start(dir: &Path, device: &Device, profile: Profile) -> Result<Self, Fail> {
        let (store, opened) = open_store(dir).await?;
        let (inbox, inputs) = Inbox::new();
        let (recorder, _) = recorder::spawn(store.clone(), inbox.clone());
        let barrier = barrier::spawn(barrier_settings(device, profile), BOOT, clock::mono)
            .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))?;
        let core = Core::new(rules(), started(&opened), barrier.view.borrow().image, clock::mono());
        let (view_in, view) = watch::channel(Arc::new(core.view(clock::mono())));
        let (questions, asked) = mpsc::channel(WAITING);
        let (claims, claimed) = ClaimSink::new(WAITING);
        let (to_centre, _) = mpsc::channel(1);
        tokio::spawn(devices::barrier(barrier.reports, inbox.clone()));
        tokio::spawn(devices::wall(inbox.clone(), Trust::Vouched));
        tokio::spawn(centre::claims_out(claimed, None));
        let queries = Queries::new(to_centre, rules().timing.query_deadline_ms);
        tokio::spawn(knowledge::serve(asked, store.clone(), Claims::default(), queries, inbox.clone()));
        let sinks = Sinks {
            recorder,
            barrier: barrier.commands,
            cameras: [None, None],
            questions,
            claims,
            view: view_in,
            turns: watch::channel(0).0,
        };
        let (stop, stopped) = watch::channel(false);
        let field = barrier.view.clone();
        let mut barrier_tasks = barrier.tasks;
        let lane_loop = LaneLoop::new(core, inputs, barrier.view, sinks).run(stopped);
        let running = tokio::spawn(async move {
            lane_loop.await;
            barrier_tasks.shutdown().await;
        });
        let lane = Self { inbox, view, field, stop, _button: barrier.stop, running, store };
        lane.introduce().await;
        Ok(lane)
    }

    /// What a lane is told after a start.
    async fn introduce(&self) {
        let head_utc_ms = clock::wall(Trust::Vouched).trusted();
        let known = Freshness { head_utc_ms, link_up: true, declarations: Some(KNOWN), watchlist: Some(KNOWN), officers: None };
        for input in [
            Input::Store(StoreState { can_commit: true, nearly_full: false, restored: false }),
            Input::Freshness(known),
            Input::ScaleState(ScaleState::Streaming),
            Input::CameraState(Camera::Front, CameraState::Ok),
            Input::CameraState(Camera::Rear, CameraState::Ok),
        ] {
            self.inbox.give(input).await;
        }
    }

    /// Waits until the lane shows what is waited for.
    ///
    /// # Errors
    /// It never did; what it shows instead.
    pub async fn shows(&mut self, what: &str, test: impl Fn(&LaneView) -> bool) -> Result<(), Fail> {
        let shown = matches!(tokio::time::timeout(LONGEST, self.view.wait_for(|view| test(view))).await, Ok(Ok(_)));
        if shown { Ok(()) } else { Err(format!("never: {what}; {}", self.state()).into()) }
    }

    /// Waits until a scan has seen these signals so.
    ///
    /// # Errors
    /// None ever did.
    pub async fn senses(&mut self, signals: &[Signal], active: bool) -> Result<(), Fail> {
        let seen = |view: &barrier::View| signals.iter().all(|s| view.image.sample(*s).is_some_and(|sample| sample.value == active));
        let sensed = matches!(tokio::time::timeout(LONGEST, self.field.wait_for(seen)).await, Ok(Ok(_)));
        if sensed { Ok(()) } else { Err(format!("no scan saw {signals:?} as {active}; {}", self.state()).into()) }
    }

    /// Waits until nobody is there and the boom is down.
    ///
    /// # Errors
    /// As [`Lane::shows`].
    pub async fn is_idle(&mut self, when: &str) -> Result<(), Fail> {
        self.shows(&format!("idle {when}"), |view| view.phase == PhaseName::Idle && view.at_boom.is_none() && view.boom == BoomView::Down)
            .await
    }

    /// Phase, faults and the checks that stand against an opening.
    pub fn state(&self) -> String {
        let view = self.view.borrow();
        let faults: Vec<_> = view.faults.iter().map(|fault| fault.fault).collect();
        let verdict = view.at_boom.as_ref().and_then(|vehicle| vehicle.verdict.as_ref());
        let open: Vec<_> =
            verdict.map(|v| v.value.checks.iter().filter(|check| check.leads_to != Outcome::Pass).collect()).unwrap_or_default();
        format!("phase {:?}, boom {:?}, faults {faults:?}, open checks {open:?}", view.phase, view.boom)
    }

    /// Ends the lane in order.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        let _ = self.running.await;
        self.store.close().await;
    }
}

async fn open_store(dir: &Path) -> Result<(Store, Opened), Fail> {
    std::fs::create_dir_all(dir)?;
    let boot = Boot { id: BOOT, at: clock::mono(), wall: clock::wall(Trust::Vouched) };
    let settings = StoreSettings::new(dir, knowledge::confusable_key);
    let (store, opened) = Store::open(settings, SigningKey::from_bytes(&[1; 32]), &boot)?;
    let row = ReplicaRow::Upsert(declaration_row(confirmed_declaration()?)?);
    store.apply_snapshot(Collection::Declarations, KNOWN, vec![row]).await?;
    store.apply_snapshot(Collection::Watchlist, KNOWN, Vec::new()).await?;
    Ok((store, opened))
}

/// Each confirmation names the digest of what it confirmed.
fn confirmed_declaration() -> Result<Vec<u8>, Fail> {
    let mut declaration: WireDeclaration = serde_json::from_str(DECLARATION)?;
    let digest: String = declaration.tied_digest().iter().map(|byte| format!("{byte:02x}")).collect();
    declaration.confirmations.iter_mut().for_each(|confirmation| confirmation.digest = Some(digest.clone()));
    Ok(serde_json::to_vec(&declaration)?)
}

fn started(opened: &Opened) -> Started {
    let digest = Digest([0; 32]);
    Started {
        boot: BOOT,
        ledger: opened.ledger,
        mode: Mode::Automatic,
        mode_by: None,
        open_passage: None,
        program: digest,
        settings: digest,
        models: digest,
    }
}
