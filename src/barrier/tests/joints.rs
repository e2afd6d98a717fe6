//! What joins the parts: a module's task that fails, reports that find no room, what is held over a lost connection, a release that is refused.

use super::super::module::{self, Snapshot, Timing, Wish};
use super::*;
use lane_core::signal::Outputs;
use lane_core::time::Mono;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use tokio::sync::watch;
use tokio::task::JoinSet;

static FAILS: AtomicBool = AtomicBool::new(false);

fn failing_clock() -> Mono {
    assert!(!FAILS.swap(false, Relaxed), "planned failure of a module's task");
    clock::mono()
}

#[tokio::test]
async fn a_modules_task_that_fails_is_started_anew_and_ends_what_may_be_moving() {
    let board = at_rest();
    let address = serve(Arc::clone(&board)).await;
    let settings = settings(&address, config());
    let timing = Timing { scan_ms: 20, call_timeout_ms: 60_000, wish_fresh_ms: 60_000, reconnect: (60_000, 60_000) };
    let mut outputs = Outputs::OFF;
    outputs.set(Output::Close, true);
    let wish = Wish { outputs, at: clock::mono(), pulse_ms: 60_000, pulsed: true, keep_open: false, stopped: false };
    let (wishes, seen) = watch::channel(wish);
    let (publish, mut snapshots) = watch::channel(Snapshot::default());
    let metrics = Arc::new(Metrics::default());
    let mut tasks = JoinSet::new();
    module::spawn(&mut tasks, settings.modules[0].clone(), timing, failing_clock, Arc::clone(&metrics), seen, publish);
    until_board(&board, "close", |board| board.coils.get(&0x11) == Some(&true)).await;
    let before = board.lock().unwrap().writes.len();
    wishes.send_modify(|wish| wish.outputs = Outputs::OFF);
    FAILS.store(true, Relaxed);
    until_board(&board, "the new task ends it", |board| board.coils.get(&0x11) == Some(&false)).await;
    snapshots.borrow_and_update();
    let up = snapshots.wait_for(|snapshot| snapshot.link == LinkState::Up && snapshot.acquired_at.is_some());
    assert!(tokio::time::timeout(Duration::from_secs(20), up).await.is_ok(), "it reads again");
    assert!(metrics.restarts.load(Relaxed) >= 1);
    assert_eq!(board.lock().unwrap().writes[before], (5, 0x11, 0), "its first word");
    drop((wishes, snapshots));
    assert!(tokio::time::timeout(Duration::from_secs(20), tasks.join_next()).await.is_ok(), "and ends when nobody listens");
}

#[tokio::test]
async fn after_lost_reports_the_whole_state_is_sent() {
    let board = at_rest();
    let address = serve(Arc::clone(&board)).await;
    let mut handles = spawn(settings(&address, config()), BootId(7), clock::mono).unwrap();
    until(&mut handles, "ready", |view| view.ready && view.links == [LinkState::Up]).await;
    handles.commands.send(Command::Grant(permit())).await.unwrap();
    until(&mut handles, "rising", |view| matches!(view.boom, Boom::Rising { .. })).await;
    // Nobody listens while touches are refused: more reports than the queue holds.
    while handles.metrics.reports_lost.load(Relaxed) == 0 {
        let _ = handles.commands.send(Command::Close).await;
        board.lock().unwrap().inputs.insert(0, true);
    }
    handles.stop.press();
    until(&mut handles, "stopped", |view| view.faults.has(Fault::StopLatched)).await;
    let lost = tokio::time::timeout(Duration::from_secs(20), async {
        loop {
            match handles.reports.recv().await {
                Some(Report::Lost { count, .. }) => break count,
                Some(_) => {}
                None => panic!("the barrier ended"),
            }
        }
    });
    assert!(lost.await.unwrap() >= 1);
    let mut told = Vec::new();
    while let Ok(Some(Report::Interlock { event, .. })) = tokio::time::timeout(Duration::from_millis(200), handles.reports.recv()).await {
        told.push(event);
    }
    assert!(told.contains(&Event::FaultRaised(Fault::StopLatched)), "{told:?}");
    assert!(told.contains(&Event::FaultCleared(Fault::BarrierLinkHold)), "{told:?}");
    assert!(told.iter().any(|event| matches!(event, Event::PermitEnded(id, _) if *id == permit().id)), "{told:?}");
}

/// A board whose Open is held for as long as the boom shall stay up, and that lowers it by itself.
fn maintained() -> Config {
    Config { drive: Drive::Maintained, closing: Closing::SelfClosing, ..config() }
}

#[tokio::test]
async fn an_open_that_is_held_stays_held_over_a_lost_connection() {
    let board = at_rest();
    let address = serve(Arc::clone(&board)).await;
    let mut handles = spawn(settings(&address, maintained()), BootId(7), clock::mono).unwrap();
    until(&mut handles, "ready", |view| view.ready && view.links == [LinkState::Up]).await;
    handles.commands.send(Command::Grant(permit())).await.unwrap();
    until_board(&board, "open", |board| board.coils.get(&0x10) == Some(&true)).await;
    board.lock().unwrap().inputs.extend([(3, true), (4, false), (0, true)]);
    until(&mut handles, "up, somebody under it", |view| view.boom == Boom::Up).await;
    let connects = handles.metrics.connects.load(Relaxed);
    board.lock().unwrap().hang = 1;
    until_board(&board, "a call hangs", |board| board.hang == 0).await;
    until(&mut handles, "connected anew", |view| view.links == [LinkState::Up] && view.at > Mono(0)).await;
    let metrics = Arc::clone(&handles.metrics);
    until(&mut handles, "a new connection", |_| metrics.connects.load(Relaxed) > connects).await;
    let reads = metrics.reads.load(Relaxed);
    until(&mut handles, "some reads later", |_| metrics.reads.load(Relaxed) > reads + 5).await;
    let opens: Vec<_> = board.lock().unwrap().writes.iter().filter(|write| write.1 == 0x10).copied().collect();
    assert_eq!(opens, [(5, 0x10, 1)], "nobody let go of it");
}

#[tokio::test]
async fn while_a_release_is_refused_the_other_direction_stays_off() {
    let board = at_rest();
    board.lock().unwrap().inputs.extend([(3, true), (4, false)]);
    let address = serve(Arc::clone(&board)).await;
    let mut handles = spawn(settings(&address, Config { pulse_ms: 60_000, ..config() }), BootId(7), clock::mono).unwrap();
    until(&mut handles, "open at start", |view| view.faults.has(Fault::BoomOpenAtStart)).await;
    handles.commands.send(Command::Close).await.unwrap();
    until_board(&board, "close", |board| board.coils.get(&0x11) == Some(&true)).await;
    {
        let mut board = board.lock().unwrap();
        board.refused.push(0x11);
        board.inputs.extend([(3, false), (0, true)]);
    }
    until(&mut handles, "the interlock wants it up", |view| view.outputs.get(Output::Open)).await;
    let asked = |board: &Board| board.writes.iter().filter(|write| **write == (5, 0x11, 0)).count();
    let before = asked(&board.lock().unwrap());
    until_board(&board, "asked again", |board| asked(board) > before + 3).await;
    assert!(!board.lock().unwrap().writes.contains(&(5, 0x10, 1)), "never both (I8)");
    board.lock().unwrap().refused.clear();
    until_board(&board, "up, once Close is off", |board| board.coils.get(&0x10) == Some(&true)).await;
}
