//! The joints between lane loop, recorder, store and barrier. Each of these tests fails when its joint is broken: `tests/planted.sh` shows it.

use super::black_box::BlackBox;
use super::centre::{Claims, Queries};
use super::inbox::ToLane;
use super::lane_loop::Question;
use super::recorder::{BoxPart, Job, Recorder, Waiting, new_record};
use super::*;
use crate::barrier::{Handles, ModuleSettings, Profile};
use crate::store::{
    Authorisation, BlackBoxEntry, BlackBoxOpening, BlackBoxWhat, Collection, NewRecord, ReplicaRow, StoreError, declaration_row,
};
use lane_core::declaration::Direction;
use lane_core::ids::{ActId, PassageId, PermitId, Revision, VisitToken};
use lane_core::interlock::Config;
use lane_core::officer::{Act, ActOutcome, OfficerAct, Origin, Reason, ReasonCode, Role};
use lane_core::permit::{Permit, PermitKind};
use lane_core::record::{Record, What};
use lane_core::signal::{Outputs, ProcessImage, Signal};
use lane_core::time::Mono;
use lane_core::verdict::Outcome;
use std::path::Path;
use tokio::sync::oneshot;

const BOOT: BootId = BootId(1);
const PATIENCE: Duration = Duration::from_secs(30);

fn open(dir: &Path) -> (Store, Opened) {
    let boot = Boot { id: BOOT, at: clock::mono(), wall: clock::wall(clock::Trust::Vouched) };
    let settings = StoreSettings { probe_interval_ms: 20, nearly_full_bytes: 1, ..StoreSettings::new(dir, knowledge::confusable_key) };
    Store::open(settings, SigningKey::from_bytes(&[1; 32]), &boot).unwrap()
}

fn record(passage: Option<PassageId>, what: What) -> Box<Record> {
    Box::new(Record { at: clock::mono(), wall: clock::wall(clock::Trust::Vouched), passage, what })
}

fn mode_record(to: Mode) -> Box<Record> {
    record(None, What::Mode { from: Mode::Automatic, to, by: Some(person()) })
}

fn person() -> Officer {
    Officer { id: "mai".into(), agency: "board".into(), role: Role::Supervisor }
}

fn granted(permit: PermitId) -> Box<Record> {
    let permit = Permit { id: permit, kind: PermitKind::Emergency, expires: Mono(u64::MAX) };
    record(None, What::PermitGranted { permit, lane_would: Outcome::Hold, by: None, act: None, declarations: Vec::new() })
}

/// The next input, however long the disk takes.
async fn next(inputs: &mut mpsc::Receiver<ToLane>) -> Input {
    match tokio::time::timeout(PATIENCE, inputs.recv()).await {
        Ok(Some(ToLane::Input(input))) => input,
        other => panic!("no input came: {other:?}"),
    }
}

/// Somebody else holds the database: the writer cannot commit until it is let go.
struct Held(rusqlite::Connection);

impl Held {
    async fn hold(dir: &Path, store: &Store) -> Self {
        let conn = rusqlite::Connection::open(dir.join("lane.db")).unwrap();
        conn.execute_batch("BEGIN IMMEDIATE").unwrap();
        let refused = store.append(vec![new_record(&record(None, What::Stopping))]).await;
        assert!(matches!(refused, Err(StoreError::Kept { .. })), "{refused:?}");
        Self(conn)
    }

    fn let_go(self) {
        self.0.execute_batch("ROLLBACK").unwrap();
    }
}

fn started(recorder_dir: &Path) -> (Store, Opened, Inbox, mpsc::Receiver<ToLane>, Recorder) {
    let (store, opened) = open(recorder_dir);
    let (inbox, inputs) = Inbox::new();
    let (recorder, _) = recorder::spawn(store.clone(), inbox.clone());
    (store, opened, inbox, inputs, recorder)
}

#[tokio::test]
async fn a_permit_that_the_store_refuses_is_never_durable() {
    let dir = tempfile::tempdir().unwrap();
    let (_store, _, _, mut inputs, recorder) = started(dir.path());
    // Of another start of the daemon.
    let foreign = PermitId { passage: None, counter: 0, boot: BootId(99) };
    let own = PermitId { passage: None, counter: 0, boot: BOOT };
    recorder.give(Job::Authorise(foreign, granted(foreign)));
    recorder.give(Job::Authorise(own, granted(own)));
    recorder.give(Job::Authorise(own, granted(own)));
    recorder.give(Job::OpenPassage(VisitToken(7), record(None, What::PassageOpened { at_boom: true })));
    assert_eq!(next(&mut inputs).await, Input::PermitDurable(own));
    let last = next(&mut inputs).await;
    assert!(matches!(last, Input::PassageOpened { visit: VisitToken(7), .. }), "neither the foreign nor the repeated one: {last:?}");
}

#[tokio::test]
async fn while_the_disk_takes_nothing_a_mode_is_not_durable_and_a_passage_is_opened_when_it_does() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _, _, mut inputs, recorder) = started(dir.path());
    let held = Held::hold(dir.path(), &store).await;
    let (answer, mut told) = oneshot::channel();
    let waiting = vec![Waiting { answer, outcome: ActOutcome::Accepted }];
    recorder.give_all(vec![
        Job::OpenPassage(VisitToken(3), record(None, What::PassageOpened { at_boom: true })),
        Job::AppendMode(mode_record(Mode::Maintenance), waiting),
    ]);
    assert_eq!(tokio::time::timeout(PATIENCE, &mut told).await.unwrap().unwrap(), ActOutcome::NotDurable);
    held.let_go();
    assert!(matches!(next(&mut inputs).await, Input::PassageOpened { visit: VisitToken(3), .. }));
    let (answer, told) = oneshot::channel();
    recorder.give(Job::AppendMode(mode_record(Mode::Closed), vec![Waiting { answer, outcome: ActOutcome::Accepted }]));
    assert_eq!(tokio::time::timeout(PATIENCE, told).await.unwrap().unwrap(), ActOutcome::Accepted);
    let modes = store.newest("mode", 10).await.unwrap();
    assert_eq!(modes.len(), 2, "what was kept in memory came to stand too");
}

fn entries(numbers: std::ops::RangeInclusive<u64>) -> Vec<BlackBoxEntry> {
    let entry = |n: u64| BlackBoxEntry { what: BlackBoxWhat::Input, at: Mono(n), bytes: b"\"Tick\"".to_vec() };
    numbers.map(entry).collect()
}

#[tokio::test]
async fn a_black_box_counts_what_the_disk_did_not_take_and_keeps_nothing_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let (store, opened, _, _inputs, recorder) = started(dir.path());
    let (one, two) = (PassageId { ledger: opened.ledger, seq: 1 }, PassageId { ledger: opened.ledger, seq: 2 });
    let part = |first, last, is_last| BoxPart { first, entries: entries(first..=last), is_last };
    let opening = || BlackBoxOpening { core_version: "1".into(), rules: Digest([0; 32]), utc_ms: None, snapshot: vec![1] };
    for passage in [one, two] {
        store.black_box_open(passage, opening()).await.unwrap();
        store.black_box_append(passage, 1, entries(1..=3)).await.unwrap();
    }
    let held = Held::hold(dir.path(), &store).await;
    recorder.give_all(vec![Job::AppendBox(one, part(4, 5, false)), Job::AppendBox(two, part(4, 9, true))]);
    while recorder.counters.box_lost.load(std::sync::atomic::Ordering::Relaxed) < 2 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    held.let_go();
    let mut state = store.state();
    assert!(tokio::time::timeout(PATIENCE, state.wait_for(|state| state.can_commit)).await.is_ok());
    recorder.give(Job::AppendBox(one, part(6, 7, false)));
    recorder.give(Job::AppendBox(one, part(8, 7, true)));
    let wanted = [(one, 3, 4), (two, 9, 0)];
    for (passage, kept, missing) in wanted {
        let is_so = async {
            loop {
                let found = store.black_box(passage).await.unwrap();
                if (found.entries.len(), found.entries_dropped) == (kept, missing) {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let found = tokio::time::timeout(Duration::from_secs(10), is_so).await;
        assert!(found.is_ok(), "{kept} kept and {missing} missing, not {:?}", store.black_box(passage).await);
    }
}

#[tokio::test]
async fn the_last_mode_is_believed_and_one_that_cannot_be_read_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    assert_eq!(last_mode(&store, false).await, (Mode::Automatic, None));
    assert_eq!(last_mode(&store, true).await, (Mode::Attended, None), "nobody knows what stood in the ledger that was lost");
    store.append(vec![new_record(&mode_record(Mode::Maintenance))]).await.unwrap();
    assert_eq!(last_mode(&store, false).await, (Mode::Maintenance, Some(person())));
    store.append(vec![new_record(&mode_record(Mode::Closed))]).await.unwrap();
    assert_eq!(last_mode(&store, false).await.0, Mode::Closed);
    let torn = NewRecord { kind: "mode".into(), passage: None, utc_ms: None, bytes: b"{\"kind\":\"mode\",\"to\":\"no such\"}".to_vec() };
    store.append(vec![torn]).await.unwrap();
    assert_eq!(last_mode(&store, false).await, (Mode::Closed, None));
}

/// A module that nobody finds.
fn lonely() -> barrier::Settings {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/profiles/barrier/generic.toml");
    let profile = Profile::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
    let module = ModuleSettings { name: "io-1".into(), address: "127.0.0.1:1".into(), profile, accept_without_watchdog: false };
    barrier::Settings { scan_ms: 10, ..barrier::Settings::new(Config::default(), vec![module]) }
}

#[tokio::test]
async fn nothing_is_energised_before_the_lane_has_said_its_mode() {
    let mut handles: Handles = start_barrier(lonely(), BOOT).unwrap();
    for _ in 0..10 {
        assert!(tokio::time::timeout(PATIENCE, handles.view.changed()).await.is_ok());
        assert_eq!(handles.view.borrow_and_update().outputs, Outputs::OFF, "not even a light: somebody may be working at it");
    }
    handles.commands.send(barrier::Command::Regime(Regime::Normal)).await.unwrap();
    let red = handles.view.wait_for(|view| view.outputs != Outputs::OFF);
    assert!(tokio::time::timeout(PATIENCE, red).await.is_ok());
}

/// A lane loop whose barrier has room for so many commands; the far ends of what it is joined to.
struct Bench {
    inputs: Inbox,
    commands: mpsc::Receiver<barrier::Command>,
    view: watch::Receiver<Arc<LaneView>>,
    _field: watch::Sender<barrier::View>,
    _stop: watch::Sender<bool>,
    running: tokio::task::JoinHandle<()>,
}

fn lane(image: ProcessImage) -> Lane {
    let digest = Digest([0; 32]);
    let started = Started {
        boot: BOOT,
        ledger: lane_core::ids::LedgerId(1),
        mode: Mode::Automatic,
        mode_by: None,
        open_passage: None,
        program: digest,
        settings: digest,
        models: digest,
    };
    let rules = lane_core::rules::Rules::local_default("huu-nghi".into(), "lane-1".into(), Direction::Outbound);
    Lane::new(rules, started, image, clock::mono())
}

impl Bench {
    fn start(store: &Store, room: usize) -> Self {
        let (inputs, taken) = Inbox::new();
        let (recorder, _) = recorder::spawn(store.clone(), inputs.clone());
        let (commands_in, commands) = mpsc::channel(room);
        let image = ProcessImage::new([Signal::BoomUp, Signal::BoomDown, Signal::BoomLoop]);
        let interlock = lane_core::interlock::Interlock::new(Config::default(), BOOT);
        let seen = barrier::View {
            at: clock::mono(),
            image,
            outputs: Outputs::OFF,
            boom: interlock.boom(),
            faults: interlock.faults(),
            ready: false,
            links: Vec::new(),
            software_stop: false,
        };
        let (field_in, field) = watch::channel(seen);
        let lane = lane(image);
        let (view_in, view) = watch::channel(Arc::new(lane.view(clock::mono())));
        let sinks = Sinks {
            recorder,
            barrier: commands_in,
            cameras: [None, None],
            questions: mpsc::channel(4).0,
            claims: super::centre::ClaimSink::new(4).0,
            view: view_in,
            turns: watch::channel(0).0,
        };
        let (stop, stopped) = watch::channel(false);
        let running = tokio::spawn(LaneLoop::new(lane, taken, field, sinks).run(stopped));
        Self { inputs, commands, view, _field: field_in, _stop: stop, running }
    }
}

#[tokio::test]
async fn a_command_that_the_barrier_does_not_take_ends_the_lane_loop() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    let mut bench = Bench::start(&store, 1);
    // Its mode took the only place. A person's touch finds none.
    let reset = OfficerAct { act: Act::ResetFaults, ..set_mode("r-1", Mode::Closed) };
    assert_eq!(bench.inputs.act(reset).await, Some(ActOutcome::Accepted));
    assert!(tokio::time::timeout(Duration::from_secs(10), &mut bench.running).await.is_ok(), "it would go on believing that it was heard");
    assert_eq!(bench.commands.recv().await, Some(barrier::Command::Regime(Regime::Normal)));
}

fn set_mode(id: &str, to: Mode) -> OfficerAct {
    let reason = Reason { code: ReasonCode::Ordered, text: String::new() };
    OfficerAct { id: ActId(id.into()), by: person(), origin: Origin::Lane, passage: None, view_stamp: None, act: Act::SetMode(to, reason) }
}

#[tokio::test]
async fn a_mode_takes_effect_at_once_and_is_answered_when_it_is_durable() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    let mut bench = Bench::start(&store, 64);
    assert_eq!(bench.inputs.act(set_mode("m-1", Mode::Closed)).await, Some(ActOutcome::Accepted));
    assert_eq!(last_mode(&store, false).await.0, Mode::Closed, "whoever is answered finds it in the ledger");
    let held = Held::hold(dir.path(), &store).await;
    let (inputs, asked) = (bench.inputs.clone(), set_mode("m-2", Mode::Maintenance));
    let act = tokio::spawn(async move { inputs.act(asked).await });
    let dead = async { while bench.commands.recv().await != Some(barrier::Command::Regime(Regime::Dead)) {} };
    assert!(tokio::time::timeout(PATIENCE, dead).await.is_ok());
    assert!(!act.is_finished(), "the effect waits for no disk, the answer does");
    assert_eq!(tokio::time::timeout(PATIENCE, act).await.unwrap().unwrap(), Some(ActOutcome::NotDurable));
    let shown = bench.view.wait_for(|view| view.mode == Mode::Maintenance);
    assert!(tokio::time::timeout(PATIENCE, shown).await.is_ok(), "it is done all the same");
    held.let_go();
}

#[tokio::test]
async fn an_act_whose_person_was_told_that_no_answer_came_is_not_done() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    let bench = Bench::start(&store, 64);
    let (answer, gone) = oneshot::channel();
    drop(gone);
    bench.inputs.send(ToLane::Act(Box::new(set_mode("m-1", Mode::Maintenance)), answer)).await;
    assert_eq!(bench.inputs.act(set_mode("m-2", Mode::Closed)).await, Some(ActOutcome::Accepted));
    let modes = store.newest("mode", 10).await.unwrap();
    assert_eq!(modes.len(), 1, "only the one that somebody waited for");
}

const DECLARED: &str = r#"{"id":"D-1","gate":"huu-nghi","direction":"outbound","trade":"export","plate":"12C-123.45","goods":"thanh long",
"cargo_grams":16000000,"axles":4,"channel":"green","valid_from_ms":0,"valid_until_ms":4102444800000,"entries_allowed":1,"state":"active"}"#;

#[tokio::test]
async fn an_entry_that_was_used_here_is_counted_in_the_answer() {
    let dir = tempfile::tempdir().unwrap();
    let (store, opened) = open(dir.path());
    let row = ReplicaRow::Upsert(declaration_row(DECLARED.as_bytes().to_vec()).unwrap());
    store.apply_snapshot(Collection::Declarations, Revision { epoch: 1, revision: 1 }, vec![row]).await.unwrap();
    let before = PassageId { ledger: opened.ledger, seq: 1 };
    let permit = PermitId { passage: Some(before), counter: 0, boot: BOOT };
    let record = new_record(&granted(permit));
    store.authorise(Authorisation { permit, declarations: vec!["D-1".into()], record }).await.unwrap();
    let (inbox, mut inputs) = Inbox::new();
    let (questions, asked) = mpsc::channel(1);
    let queries = Queries::new(mpsc::channel(1).0, 1_000);
    tokio::spawn(knowledge::serve(asked, store, Claims::default(), queries, inbox));
    let passage = PassageId { ledger: opened.ledger, seq: 2 };
    let plates = vec![lane_core::plate::PlateText::parse("12C12345").unwrap()];
    questions.send(Question { passage, question: 0, plates, ask_centre: false }).await.unwrap();
    let Input::Lookup { answer, .. } = next(&mut inputs).await else { panic!("no answer") };
    assert_eq!(answer.candidates.iter().map(|d| d.entries_used).collect::<Vec<_>>(), [1]);
}

#[test]
fn the_black_box_numbers_what_it_gives() {
    let (mut black_box, mut jobs) = (BlackBox::default(), Vec::new());
    let lane = lane(ProcessImage::new([Signal::BoomUp]));
    let passage = PassageId { ledger: lane_core::ids::LedgerId(1), seq: 1 };
    black_box.input(Mono(1), &Input::PassageOpened { visit: VisitToken(1), passage }, &lane, &mut jobs);
    for _ in 0..300 {
        black_box.input(Mono(2), &Input::Tick, &lane, &mut jobs);
    }
    black_box.turn_done(true, &mut jobs);
    let parts: Vec<(u64, usize)> = jobs
        .iter()
        .filter_map(|job| match job {
            Job::AppendBox(_, part) => Some((part.first, part.entries.len())),
            _ => None,
        })
        .collect();
    assert_eq!(parts, [(1, 256), (257, 45)]);
}
