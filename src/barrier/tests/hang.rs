//! A module that does not answer, while something must not wait. The call's own time-out is a minute here: nothing below waits for it.

use super::*;
use std::sync::atomic::Ordering::Relaxed;

fn patient(address: &str, interlock: Config) -> Settings {
    Settings { call_timeout_ms: 60_000, reconnect_first_ms: 60_000, reconnect_most_ms: 60_000, ..settings(address, interlock) }
}

fn with_stop() -> Config {
    Config { stop_output: true, ..config() }
}

/// What was written after the first `before` writes.
fn since(board: &Shared, before: usize) -> Vec<(u8, u16, u16)> {
    board.lock().unwrap().writes[before..].to_vec()
}

#[tokio::test]
async fn a_stop_abandons_a_call_that_hangs_and_is_the_first_word_on_the_next_connection() {
    let board = at_rest();
    let address = serve(Arc::clone(&board)).await;
    let mut handles = spawn(patient(&address, with_stop()), BootId(7), clock::mono).unwrap();
    until(&mut handles, "ready", |view| view.ready && view.links == [LinkState::Up]).await;
    board.lock().unwrap().hang = 1;
    until_board(&board, "a call hangs", |board| board.hang == 0).await;
    let before = board.lock().unwrap().writes.len();
    handles.stop.press();
    until_board(&board, "stop", |board| board.coils.get(&0x12) == Some(&true)).await;
    assert_eq!(since(&board, before)[0], (5, 0x12, 1), "before the watchdog, and before anything is read");
    until(&mut handles, "read again", |view| view.links == [LinkState::Up]).await;
    assert_eq!((handles.metrics.abandoned.load(Relaxed), handles.metrics.timeouts.load(Relaxed)), (1, 0));
}

#[tokio::test]
async fn a_stop_is_tried_again_and_again_and_waits_for_no_reconnect() {
    let board = at_rest();
    let address = serve(Arc::clone(&board)).await;
    let mut handles = spawn(patient(&address, with_stop()), BootId(7), clock::mono).unwrap();
    until(&mut handles, "ready", |view| view.ready && view.links == [LinkState::Up]).await;
    let connects = handles.metrics.connects.load(Relaxed);
    // The call under way, and the first words of the next three connections.
    board.lock().unwrap().hang = 4;
    handles.stop.press();
    until_board(&board, "stop", |board| board.coils.get(&0x12) == Some(&true)).await;
    assert_eq!(handles.metrics.connects.load(Relaxed) - connects, 4);
    until(&mut handles, "read again", |view| view.links == [LinkState::Up]).await;
}

#[tokio::test]
async fn a_stop_ends_the_wait_for_a_reconnect() {
    let board = at_rest();
    let address = serve(Arc::clone(&board)).await;
    let settings = Settings { call_timeout_ms: 150, ..patient(&address, with_stop()) };
    let mut handles = spawn(settings, BootId(7), clock::mono).unwrap();
    until(&mut handles, "ready", |view| view.ready && view.links == [LinkState::Up]).await;
    board.lock().unwrap().hang = 1;
    until(&mut handles, "lost; the next try is a minute away", |view| view.links == [LinkState::Down]).await;
    handles.stop.press();
    until_board(&board, "stop", |board| board.coils.get(&0x12) == Some(&true)).await;
}

#[tokio::test]
async fn a_down_whose_module_falls_silent_is_cut_on_a_new_connection() {
    let board = at_rest();
    board.lock().unwrap().inputs.extend([(3, true), (4, false)]);
    let address = serve(Arc::clone(&board)).await;
    let mut handles = spawn(patient(&address, Config { pulse_ms: 60_000, ..config() }), BootId(7), clock::mono).unwrap();
    until(&mut handles, "open at start", |view| view.faults.has(Fault::BoomOpenAtStart)).await;
    handles.commands.send(Command::Close).await.unwrap();
    until_board(&board, "close", |board| board.coils.get(&0x11) == Some(&true)).await;
    let before = {
        let mut board = board.lock().unwrap();
        board.inputs.insert(3, false);
        board.hang = 1;
        board.writes.len()
    };
    // Nothing is read any more, so nothing is known to be clear (I1).
    until_board(&board, "cut", |board| board.coils.get(&0x11) == Some(&false)).await;
    assert_eq!(since(&board, before)[0], (5, 0x11, 0));
    assert_eq!(handles.metrics.timeouts.load(Relaxed), 0);
}

#[tokio::test]
async fn a_module_that_refuses_to_stop_is_asked_in_every_cycle_and_keeps_its_connection() {
    let board = at_rest();
    let address = serve(Arc::clone(&board)).await;
    let mut handles = spawn(patient(&address, with_stop()), BootId(7), clock::mono).unwrap();
    until(&mut handles, "ready", |view| view.ready).await;
    let connects = handles.metrics.connects.load(Relaxed);
    // Where no stop coil is, an exception is the answer.
    board.lock().unwrap().refused_on.push(0x12);
    handles.stop.press();
    until_board(&board, "asked", |board| board.writes.iter().filter(|write| **write == (5, 0x12, 1)).count() > 20).await;
    assert_eq!(handles.metrics.connects.load(Relaxed), connects);
}
