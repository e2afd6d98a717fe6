//! The barrier against Modbus servers that stand in for the modules: a pure map of coils, inputs and registers, with silence and late answers.

mod hang;
mod joints;

use super::link::{BitFunction, Link, LinkError};
use super::profile::Place;
use super::*;
use crate::clock;
use lane_core::fault::Fault;
use lane_core::ids::{BootId, PermitId};
use lane_core::interlock::{Boom, Closing, Config, Drive, Event};
use lane_core::permit::{Permit, PermitKind};
use lane_core::signal::{Output, Signal, Tri};
use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_modbus::client::{Reader, tcp};
use tokio_modbus::server::Service;
use tokio_modbus::server::tcp::Server;
use tokio_modbus::{ExceptionCode, Request, Response};

/// What a module holds, and how it misbehaves.
#[derive(Debug, Default)]
struct Board {
    inputs: BTreeMap<u16, bool>,
    coils: BTreeMap<u16, bool>,
    registers: BTreeMap<u16, u16>,
    /// Every write, in order: (function, address, value).
    writes: Vec<(u8, u16, u16)>,
    /// Answers come so much later.
    late_ms: u64,
    /// Coils that do not obey.
    welded: Vec<u16>,
    /// Coils whose release is refused.
    refused: Vec<u16>,
    /// Coils whose assertion is refused.
    refused_on: Vec<u16>,
    /// So many requests find no answer, nor does anything after them on the same connection.
    hang: u32,
}

type Shared = Arc<Mutex<Board>>;

#[derive(Clone)]
struct Device(Shared);

fn answer(board: &mut Board, request: Request<'static>) -> Result<Response, ExceptionCode> {
    match request {
        Request::ReadDiscreteInputs(address, count) => {
            Ok(Response::ReadDiscreteInputs((address..address + count).map(|a| board.inputs.get(&a).copied().unwrap_or(false)).collect()))
        }
        Request::ReadCoils(address, count) => {
            Ok(Response::ReadCoils((address..address + count).map(|a| board.coils.get(&a).copied().unwrap_or(false)).collect()))
        }
        Request::ReadHoldingRegisters(address, count) => (address..address + count)
            .map(|a| board.registers.get(&a).copied().ok_or(ExceptionCode::IllegalDataAddress))
            .collect::<Result<_, _>>()
            .map(Response::ReadHoldingRegisters),
        Request::WriteSingleCoil(address, on) => {
            board.writes.push((5, address, u16::from(on)));
            let refused = if on { &board.refused_on } else { &board.refused };
            if refused.contains(&address) {
                return Err(ExceptionCode::ServerDeviceBusy);
            }
            if !board.welded.contains(&address) {
                board.coils.insert(address, on);
            }
            Ok(Response::WriteSingleCoil(address, on))
        }
        Request::WriteSingleRegister(address, value) => {
            board.writes.push((6, address, value));
            board.registers.insert(address, value);
            Ok(Response::WriteSingleRegister(address, value))
        }
        _ => Err(ExceptionCode::IllegalFunction),
    }
}

impl Service for Device {
    type Request = Request<'static>;
    type Response = Response;
    type Exception = ExceptionCode;
    type Future = Pin<Box<dyn Future<Output = Result<Response, ExceptionCode>> + Send>>;

    fn call(&self, request: Self::Request) -> Self::Future {
        let board = Arc::clone(&self.0);
        Box::pin(async move {
            let taken = {
                let mut board = board.lock().unwrap();
                let hangs = board.hang > 0;
                board.hang = board.hang.saturating_sub(1);
                (!hangs).then(|| (answer(&mut board, request), board.late_ms))
            };
            let Some((result, late_ms)) = taken else { return std::future::pending().await };
            tokio::time::sleep(Duration::from_millis(late_ms)).await;
            result
        })
    }
}

async fn serve(board: Shared) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let connected = |stream, _| {
            let device = Device(Arc::clone(&board));
            async move { io::Result::Ok(Some((device, stream))) }
        };
        let _ = Server::new(listener).serve(&connected, |_| {}).await;
    });
    address
}

const PROFILE: &str = r#"
name = "bench"
inputs = { function = 2, address = 0, count = 6 }
outputs = { address = 0x10, count = 6 }
[[watchdog.arm]]
register = 0x1000
value = 20
[[watchdog.armed]]
register = 0x1000
value = 20
[signals]
boom_loop = { point = 0, normally = "open" }
photocell = { point = 1, normally = "closed" }
exit_loop = { point = 2, normally = "open" }
boom_up = { point = 3, normally = "open" }
boom_down = { point = 4, normally = "open" }
[wires]
open = { point = 0, normally = "open" }
close = { point = 1, normally = "open" }
stop = { point = 2, normally = "open" }
light_red = { point = 3, normally = "open" }
light_green = { point = 4, normally = "open" }
"#;

/// A board at rest: boom down, photocell (normally closed) clear.
fn at_rest() -> Shared {
    let board = Board { inputs: BTreeMap::from([(1, true), (4, true)]), registers: BTreeMap::from([(0x1000, 0)]), ..Board::default() };
    Arc::new(Mutex::new(board))
}

fn config() -> Config {
    Config { drive: Drive::Pulse, closing: Closing::Commanded, pulse_ms: 200, close_clear_hold_ms: 100, ..Config::default() }
}

fn settings(address: &str, interlock: Config) -> Settings {
    let profile = Profile::parse(PROFILE).unwrap();
    let module = ModuleSettings { name: "bench".into(), address: address.into(), profile, accept_without_watchdog: false };
    let closing_accepted = Some(Acceptance { by: "Trần Thị Bình, gate board".into(), on: "2026-05-04".into() });
    Settings { scan_ms: 20, call_timeout_ms: 150, reconnect_first_ms: 50, closing_accepted, ..Settings::new(interlock, vec![module]) }
}

fn permit() -> Permit {
    let id = PermitId { passage: None, counter: 0, boot: BootId(7) };
    Permit { id, kind: PermitKind::Passage, expires: clock::mono().plus(60_000) }
}

/// Waits, with a deadline far beyond what is needed, for something to become true of the view.
async fn until(handles: &mut Handles, what: &str, test: impl FnMut(&View) -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(20), handles.view.wait_for(test)).await;
    assert!(matches!(waited, Ok(Ok(_))), "never: {what}");
}

async fn until_board(board: &Shared, what: &str, test: impl Fn(&Board) -> bool) {
    for _ in 0..2_000 {
        if test(&board.lock().unwrap()) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}: {:?}", board.lock().unwrap());
}

#[tokio::test]
async fn tokio_modbus_answers_the_wrong_request_after_a_timeout_and_the_link_recovers() {
    let board = at_rest();
    let address = serve(Arc::clone(&board)).await;
    // The fault, in the library itself: every later answer belongs to the request before it.
    let mut raw = tcp::connect(address.parse().unwrap()).await.unwrap();
    board.lock().unwrap().late_ms = 300;
    let late = tokio::time::timeout(Duration::from_millis(50), raw.read_discrete_inputs(0, 6)).await;
    assert!(late.is_err());
    board.lock().unwrap().late_ms = 0;
    tokio::time::sleep(Duration::from_millis(400)).await;
    for _ in 0..7 {
        let error = raw.read_discrete_inputs(0, 6).await.unwrap_err();
        assert!(error.to_string().contains("mismatching headers"), "{error}");
    }
    // The cure: the connection is gone after the time-out, and a new one reads right.
    let metrics = Metrics::default();
    let mut link = Link::new(address, 1, 50);
    link.connect(&metrics).await.unwrap();
    board.lock().unwrap().late_ms = 300;
    let late = link.read_bits(BitFunction::DiscreteInputs, 0, 6, &metrics).await;
    assert!(matches!(late, Err(LinkError::Timeout { .. })), "{late:?}");
    assert!(!link.is_up());
    assert!(matches!(link.read_bits(BitFunction::DiscreteInputs, 0, 6, &metrics).await, Err(LinkError::Down)));
    board.lock().unwrap().late_ms = 0;
    link.connect(&metrics).await.unwrap();
    let bits = link.read_bits(BitFunction::DiscreteInputs, 0, 6, &metrics).await.unwrap();
    assert_eq!(bits, [false, true, false, false, true, false]);
}

#[tokio::test]
async fn a_cancelled_call_drops_the_connection_and_an_exception_does_not() {
    let board = at_rest();
    let address = serve(Arc::clone(&board)).await;
    let metrics = Metrics::default();
    let mut link = Link::new(address, 1, 2_000);
    link.connect(&metrics).await.unwrap();
    let refused = link.read_registers(0x7777, 1, &metrics).await;
    assert!(matches!(refused, Err(LinkError::Exception { code: ExceptionCode::IllegalDataAddress, .. })), "{refused:?}");
    assert!(link.is_up());
    board.lock().unwrap().late_ms = 500;
    let cancelled = tokio::time::timeout(Duration::from_millis(20), link.read_bits(BitFunction::Coils, 0, 6, &metrics)).await;
    assert!(cancelled.is_err());
    assert!(!link.is_up());
}

#[tokio::test]
async fn a_flash_is_function_five_with_a_width() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let seen = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut frames = Vec::new();
        for refuse in [false, true] {
            let mut frame = [0_u8; 12];
            stream.read_exact(&mut frame).await.unwrap();
            frames.push(frame);
            if refuse {
                let [a, b, ..] = frame;
                stream.write_all(&[a, b, 0, 0, 0, 3, 1, 0x85, 2]).await.unwrap();
            } else {
                stream.write_all(&frame).await.unwrap();
            }
        }
        frames
    });
    let metrics = Metrics::default();
    let mut link = Link::new(address, 1, 2_000);
    link.connect(&metrics).await.unwrap();
    link.flash_coil(0x0201, 5, &metrics).await.unwrap();
    let refused = link.flash_coil(0x0201, 5, &metrics).await;
    assert!(matches!(refused, Err(LinkError::Exception { .. })), "{refused:?}");
    assert!(link.is_up());
    for frame in seen.await.unwrap() {
        assert_eq!(frame[6..], [1, 5, 0x02, 0x01, 0x00, 0x05]);
    }
}

#[tokio::test]
async fn a_permit_opens_a_boom_that_was_read_and_armed_and_a_stop_ends_it() {
    let board = at_rest();
    let address = serve(Arc::clone(&board)).await;
    let mut handles = spawn(settings(&address, config()), BootId(7), clock::mono).unwrap();
    until(&mut handles, "ready", |view| view.ready && view.links == [LinkState::Up]).await;
    assert_eq!(board.lock().unwrap().writes[0], (6, 0x1000, 20), "the watchdog is armed before anything else");
    handles.commands.send(Command::Grant(permit())).await.unwrap();
    until_board(&board, "open", |board| board.coils.get(&0x10) == Some(&true)).await;
    until(&mut handles, "rising", |view| matches!(view.boom, Boom::Rising { corrective: false, .. })).await;
    // The boom rises; the pulse, timed here, ends by itself.
    board.lock().unwrap().inputs.extend([(3, true), (4, false)]);
    until_board(&board, "pulse over", |board| board.coils.get(&0x10) == Some(&false)).await;
    until(&mut handles, "up", |view| view.boom == Boom::Up).await;
    handles.stop.press();
    until(&mut handles, "stopped", |view| view.faults.has(Fault::StopLatched)).await;
    let mut events = Vec::new();
    while let Ok(report) = handles.reports.try_recv() {
        if let Report::Interlock { event, .. } = report {
            events.push(event);
        }
    }
    assert!(events.contains(&Event::PermitAccepted(permit().id)), "{events:?}");
    assert!(events.iter().any(|event| matches!(event, Event::PermitEnded(..))), "{events:?}");
    let moves: Vec<_> = board.lock().unwrap().writes.iter().filter(|write| matches!(write.1, 0x10 | 0x11)).copied().collect();
    assert_eq!(moves, [(5, 0x10, 1), (5, 0x10, 0)], "nothing else ever moved the boom");
}

#[tokio::test]
async fn presence_while_closing_cuts_down_and_raises_after_the_rest() {
    let board = at_rest();
    board.lock().unwrap().inputs.extend([(3, true), (4, false)]);
    let address = serve(Arc::clone(&board)).await;
    let mut handles = spawn(settings(&address, Config { pulse_ms: 5_000, ..config() }), BootId(7), clock::mono).unwrap();
    until(&mut handles, "open at start", |view| view.faults.has(Fault::BoomOpenAtStart)).await;
    handles.commands.send(Command::Close).await.unwrap();
    until_board(&board, "close", |board| board.coils.get(&0x11) == Some(&true)).await;
    board.lock().unwrap().inputs.extend([(3, false), (0, true)]);
    until_board(&board, "up", |board| board.coils.get(&0x10) == Some(&true)).await;
    let moves: Vec<_> = board.lock().unwrap().writes.iter().filter(|write| matches!(write.1, 0x10 | 0x11)).copied().collect();
    assert_eq!(moves[..3], [(5, 0x11, 1), (5, 0x11, 0), (5, 0x10, 1)]);
}

#[tokio::test]
async fn a_silent_module_goes_stale_holds_and_heals() {
    let board = at_rest();
    let address = serve(Arc::clone(&board)).await;
    let mut handles = spawn(settings(&address, config()), BootId(7), clock::mono).unwrap();
    until(&mut handles, "ready", |view| view.ready).await;
    board.lock().unwrap().late_ms = 1_000;
    until(&mut handles, "hold", |view| view.faults.has(Fault::BarrierLinkHold)).await;
    assert!(!handles.view.borrow().faults.has(Fault::BarrierLinkLost), "down, no permit, nobody under it: it only holds");
    assert_eq!(handles.view.borrow().image.value(Signal::BoomLoop, clock::mono(), 300), Tri::Unknown);
    board.lock().unwrap().late_ms = 0;
    until(&mut handles, "healed", |view| !view.faults.has(Fault::BarrierLinkHold) && view.links == [LinkState::Up]).await;
    assert!(handles.metrics.timeouts.load(std::sync::atomic::Ordering::Relaxed) > 0);
}

#[tokio::test]
async fn nothing_is_energised_while_the_watchdog_does_not_read_armed() {
    let board = at_rest();
    let address = serve(Arc::clone(&board)).await;
    let mut settings = settings(&address, config());
    settings.modules[0].profile.watchdog.armed.push((Place::Register(0x1006), 1));
    let mut handles = spawn(settings, BootId(7), clock::mono).unwrap();
    until(&mut handles, "not armed", |view| view.faults.has(Fault::WatchdogNotArmed)).await;
    handles.commands.send(Command::Grant(permit())).await.unwrap();
    until(&mut handles, "ready", |view| view.ready).await;
    board.lock().unwrap().registers.insert(0x1006, 1);
    until(&mut handles, "armed", |view| !view.faults.has(Fault::WatchdogNotArmed)).await;
    assert!(!board.lock().unwrap().writes.iter().any(|write| write.1 == 0x10), "a grant of that time is worth nothing");
}

#[tokio::test]
async fn a_welded_relay_is_a_fault_that_blocks() {
    let board = at_rest();
    {
        let mut board = board.lock().unwrap();
        board.coils.insert(0x13, true);
        board.coils.insert(0x10, true);
        board.welded.push(0x10);
    }
    let address = serve(Arc::clone(&board)).await;
    let mut handles = spawn(settings(&address, config()), BootId(7), clock::mono).unwrap();
    until(&mut handles, "mismatch", |view| view.faults.has(Fault::OutputMismatch)).await;
    let releases = board.lock().unwrap().writes.iter().filter(|write| **write == (5, 0x10, 0)).count();
    assert!(releases > 1, "a release is repeated until it lands");
}

#[tokio::test]
async fn danger_is_believed_at_once_and_its_end_has_to_last() {
    let board = at_rest();
    let address = serve(Arc::clone(&board)).await;
    let mut settings = settings(&address, config());
    settings.modules[0].profile.signals.iter_mut().for_each(|wire| wire.settle_ms = 600_000);
    let mut handles = spawn(settings, BootId(7), clock::mono).unwrap();
    let on = |view: &View| view.image.sample(Signal::BoomLoop).is_some_and(|sample| sample.value);
    until(&mut handles, "ready", |view| view.ready && !on(view)).await;
    board.lock().unwrap().inputs.insert(0, true);
    until(&mut handles, "danger", on).await;
    board.lock().unwrap().inputs.insert(0, false);
    let metrics = Arc::clone(&handles.metrics);
    let reads = || metrics.reads.load(std::sync::atomic::Ordering::Relaxed);
    let before = reads();
    until(&mut handles, "five more reads", |_| reads() > before + 5).await;
    assert!(on(&handles.view.borrow()), "a loop that was on is not off before its time");
}

#[test]
fn settings_that_cannot_be_safe_are_refused_all_at_once() {
    let mut bad = settings("127.0.0.1:1", config());
    let profile = &mut bad.modules[0].profile;
    profile.signals.retain(|wire| !matches!(wire.signal, Signal::Photocell | Signal::BoomUp));
    profile.wires.retain(|wire| wire.output != Output::Close);
    profile.watchdog.armed.clear();
    bad.closing_accepted = None;
    let told: Vec<String> = bad.check().unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "boom_up is required and wired to no module",
            "closing = \"commanded\" needs photocell",
            "closing = \"commanded\" needs close",
            "closing = \"commanded\" needs the site's acceptance by name: [barrier.closing_accepted] with by and on",
            "module bench has no communication watchdog that can be read back: accept it by name, with device-timed pulses",
        ]
    );
    bad.modules[0].accept_without_watchdog = true;
    assert!(bad.check().unwrap_err().contains(&SettingsError::HostTimed("bench".into())));
}

#[test]
fn directions_that_could_overlap_are_refused() {
    let mut bad = settings("127.0.0.1:1", Config { reversal_rest_ms: 0, ..config() });
    let mut second = bad.modules[0].clone();
    second.name = "second".into();
    second.profile.signals.clear();
    second.profile.wires.retain(|wire| wire.output == Output::Close);
    bad.modules[0].profile.wires.retain(|wire| wire.output != Output::Close);
    bad.modules.push(second);
    assert_eq!(bad.check().unwrap_err(), [SettingsError::NoRest, SettingsError::Apart]);
}

#[test]
fn the_profiles_of_the_repository_parse_and_a_bad_one_tells_everything() {
    for name in ["moxa-e1214", "adam-6060", "waveshare-poe-relay", "generic"] {
        let path = format!("{}/config/profiles/barrier/{name}.toml", env!("CARGO_MANIFEST_DIR"));
        let profile = Profile::parse(&std::fs::read_to_string(path).unwrap()).unwrap_or_else(|wrong| panic!("{name}: {wrong:?}"));
        assert_eq!(profile.name, name);
        assert_eq!(profile.has_watchdog(), name != "waveshare-poe-relay");
    }
    let bad = "name = \"x\"\nunit = 300\n[inputs]\ncount = 2\nfunktion = 2\n[signals]\nboom_lop = { point = 0 }\n[signals.photocell]\npoint = 2\n\
               normally = \"shut\"\n[wires]\nopen = { point = 0, normally = \"closed\" }\n";
    let lines: Vec<usize> = Profile::parse(bad).unwrap_err().iter().map(|mistake| mistake.line).collect();
    assert_eq!(lines, [2, 5, 7, 9, 10, 12, 12]);
}
