//! Simulated time with in-memory lines (no thread, no device); then real TCP and a real pseudo-terminal.

use super::*;
use crate::scale::{decode::Protocol, reading::Unit};
use tokio::io::{AsyncWriteExt, DuplexStream, duplex};

const FRAME: &[u8] = b"ST,GS,+0043260kg\r\n";
const SETTINGS: DecoderSettings = DecoderSettings { protocol: Protocol::AndGeneric, unit: Unit::Kg, digits: None };

/// Hands out the other ends of in-memory lines; `None` refuses.
struct Bench {
    lines: VecDeque<Option<DuplexStream>>,
}

impl Open for Bench {
    type Io = DuplexStream;
    async fn open(&mut self) -> io::Result<DuplexStream> {
        self.lines.pop_front().flatten().ok_or_else(|| io::Error::from(io::ErrorKind::ConnectionRefused))
    }
}

fn bench(plan: &[bool]) -> (Vec<DuplexStream>, Line) {
    let (mut far_ends, mut lines) = (Vec::new(), VecDeque::new());
    for &answers in plan {
        if answers {
            let (far, near) = duplex(64 * 1024);
            far_ends.push(far);
            lines.push_back(Some(near));
        } else {
            lines.push_back(None);
        }
    }
    far_ends.reverse();
    let line = spawn_with(Bench { lines }, LineSettings::default(), Decoder::new(SETTINGS).unwrap(), || 0);
    (far_ends, line)
}

fn words(event: &LineEvent) -> String {
    match event {
        LineEvent::Reading { reading, .. } => reading.weight.map_or("problem".to_owned(), |weight| weight.to_string()),
        LineEvent::NoWeight { .. } => "no_weight".to_owned(),
        LineEvent::State { state, .. } => state.word().to_owned(),
    }
}

fn at(event: &LineEvent) -> Instant {
    match event {
        LineEvent::Reading { at, .. } | LineEvent::NoWeight { at } | LineEvent::State { at, .. } => *at,
    }
}

async fn next(line: &mut Line) -> String {
    words(&line.events.recv().await.expect("the line task lives"))
}

#[tokio::test(start_paused = true)]
async fn a_scale_that_falls_silent_gives_no_weight_after_exactly_the_stale_time() {
    let (mut far, mut line) = bench(&[true]);
    let mut far = far.pop().unwrap();
    assert_eq!(next(&mut line).await, "no_bytes");
    far.write_all(FRAME).await.unwrap();
    assert_eq!(next(&mut line).await, "streaming");
    let reading = line.events.recv().await.unwrap();
    assert_eq!(words(&reading), "43260");
    let stale = line.events.recv().await.unwrap();
    assert_eq!(words(&stale), "no_weight");
    assert_eq!(at(&stale) - at(&reading), Duration::from_millis(2000));
    assert_eq!(next(&mut line).await, "no_bytes");
    far.write_all(FRAME).await.unwrap();
    assert_eq!((next(&mut line).await, next(&mut line).await), ("streaming".to_owned(), "43260".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn frames_in_time_keep_the_weight_alive_and_garbage_does_not() {
    let (mut far, mut line) = bench(&[true]);
    let mut far = far.pop().unwrap();
    assert_eq!(next(&mut line).await, "no_bytes");
    for _ in 0..5 {
        far.write_all(FRAME).await.unwrap();
        sleep(Duration::from_millis(1900)).await;
    }
    let mut said = Vec::new();
    for _ in 0..6 {
        said.push(next(&mut line).await);
    }
    assert_eq!(said, ["streaming", "43260", "43260", "43260", "43260", "43260"]);
    for _ in 0..4 {
        far.write_all(b"\x00\xFFgarbage\r\n").await.unwrap();
        sleep(Duration::from_millis(700)).await;
    }
    assert_eq!((next(&mut line).await, next(&mut line).await), ("no_weight".to_owned(), "bytes_but_no_frames".to_owned()));
    for _ in 0..4 {
        far.write_all(b"ST,GS,+00x3260kg\r\n").await.unwrap();
        sleep(Duration::from_millis(700)).await;
    }
    assert_eq!(next(&mut line).await, "frames_not_understood");
    let health = line.health.borrow().clone();
    assert_eq!((health.state, health.tally.good_frames, health.tally.bad_frames), (LineState::FramesNotUnderstood, 5, 4));
}

#[tokio::test(start_paused = true)]
async fn a_lost_line_is_opened_again_and_half_frames_are_not_joined() {
    let (mut far, mut line) = bench(&[true, false, false, true]);
    let mut first = far.pop().unwrap();
    assert_eq!(next(&mut line).await, "no_bytes");
    first.write_all(FRAME).await.unwrap();
    first.write_all(b"ST,GS,+00").await.unwrap();
    assert_eq!((next(&mut line).await, next(&mut line).await), ("streaming".to_owned(), "43260".to_owned()));
    let mut second = far.pop().unwrap();
    second.write_all(b"99999kg\r\n").await.unwrap();
    second.write_all(FRAME).await.unwrap();
    drop(first);
    assert_eq!((next(&mut line).await, next(&mut line).await), ("not_open".to_owned(), "no_bytes".to_owned()));
    assert_eq!((next(&mut line).await, next(&mut line).await), ("streaming".to_owned(), "43260".to_owned()));
    let health = line.health.borrow().clone();
    assert_eq!((health.opened_count, health.last_error, health.tally.good_frames), (2, None, 2));
}

#[tokio::test(start_paused = true)]
async fn the_weight_goes_stale_also_while_the_line_is_lost() {
    let (mut far, mut line) = bench(&[true]);
    let mut only = far.pop().unwrap();
    assert_eq!(next(&mut line).await, "no_bytes");
    only.write_all(FRAME).await.unwrap();
    drop(only);
    let mut said = Vec::new();
    for _ in 0..4 {
        said.push(next(&mut line).await);
    }
    assert_eq!(said, ["streaming", "43260", "not_open", "no_weight"]);
    assert!(line.health.borrow().last_error.as_ref().unwrap().contains("refused"));
}

#[tokio::test(start_paused = true)]
async fn a_silent_connection_is_opened_anew_without_the_officer_seeing_it_flap() {
    let (mut far, mut line) = bench(&[true, true]);
    let _half_open = far.pop().unwrap();
    let mut fresh = far.pop().unwrap();
    assert_eq!(next(&mut line).await, "no_bytes");
    fresh.write_all(FRAME).await.unwrap();
    let before = Instant::now();
    assert_eq!((next(&mut line).await, next(&mut line).await), ("streaming".to_owned(), "43260".to_owned()));
    assert!(Instant::now() - before >= Duration::from_millis(10_000));
    assert_eq!(line.health.borrow().opened_count, 2);
}

#[tokio::test(start_paused = true)]
async fn a_slow_receiver_loses_the_oldest_readings_and_keeps_the_newest() {
    let (mut far, mut line) = bench(&[true]);
    let mut far = far.pop().unwrap();
    for weight in 1..=500 {
        far.write_all(format!("ST,GS,+{weight:07}kg\r\n").as_bytes()).await.unwrap();
        sleep(Duration::from_millis(10)).await;
    }
    let mut said = Vec::new();
    while let Ok(Some(event)) = timeout(Duration::from_millis(100), line.events.recv()).await {
        said.push(words(&event));
    }
    assert_eq!(said.last().map(String::as_str), Some("500"));
    assert_eq!((said[0].as_str(), said[1].as_str()), ("no_bytes", "streaming"));
    assert!(said.len() <= 2 * MAX_WAITING_EVENTS + 1, "{}", said.len());
    let lost = line.health.borrow().readings_dropped;
    assert_eq!(usize::try_from(lost).unwrap() + said.len(), 500 + 2);
}

#[tokio::test(start_paused = true)]
async fn the_task_ends_when_nobody_listens() {
    let (_far, line) = bench(&[true]);
    drop(line.events);
    timeout(Duration::from_secs(1), line.task).await.unwrap().unwrap();
}

#[test]
fn waits_double_up_to_the_longest_and_jitter_stays_within_half() {
    let settings = LineSettings { backoff_first_ms: 250, backoff_max_ms: 5000, ..LineSettings::default() };
    let wait_ms = |failures, random| backoff(&settings, failures, random).as_millis();
    assert_eq!([0, 1, 2, 3, 4, 5, 99].map(|failures| wait_ms(failures, 0)), [125, 250, 500, 1000, 2000, 2500, 2500]);
    for random in [0, 1, 2499, 2500, 2501, u64::MAX] {
        assert!((2500..=5000).contains(&wait_ms(99, random)));
    }
    assert_eq!(wait_ms(99, 2500), 5000);
}

#[test]
fn times_out_of_range_are_refused_by_name() {
    let bad = LineSettings { read_timeout_ms: 1000, ..LineSettings::default() };
    assert_eq!(bad.check().unwrap_err().to_string(), "read_timeout_ms = 1000 is outside 2001..=120000");
    let bad = LineSettings { backoff_first_ms: 9000, ..LineSettings::default() };
    assert_eq!(bad.check().unwrap_err().key, "backoff_first_ms");
}

// ---- real lines ----

/// Bounds a real wait; reaching it is a failure, not a measurement.
const REAL_LIMIT: Duration = Duration::from_secs(20);

fn quick() -> LineSettings {
    LineSettings { stale_after_ms: 300, read_timeout_ms: 60_000, connect_timeout_ms: 3000, backoff_first_ms: 10, backoff_max_ms: 20 }
}

async fn until(line: &mut Line, wanted: &str) -> Vec<String> {
    let mut said = Vec::new();
    timeout(REAL_LIMIT, async {
        while said.last().map(String::as_str) != Some(wanted) {
            said.push(next(line).await);
        }
    })
    .await
    .unwrap_or_else(|_| panic!("never {wanted}: {said:?}"));
    said
}

#[tokio::test]
async fn tcp_cut_packets_garbage_silence_and_reconnection() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint: Endpoint = format!("tcp://{}", listener.local_addr().unwrap()).parse().unwrap();
    let mut line = spawn(endpoint, quick(), SETTINGS, || 7).unwrap();
    let (mut box_, _) = listener.accept().await.unwrap();
    box_.set_nodelay(true).unwrap();
    box_.write_all(b"\xFF\xFEweigh01T63866046557773").await.unwrap();
    for byte in FRAME {
        box_.write_all(&[*byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert!(until(&mut line, "43260").await.contains(&"streaming".to_owned()));
    let said = until(&mut line, "no_bytes").await;
    assert_eq!(said, ["no_weight", "no_bytes"]);
    drop(box_);
    until(&mut line, "not_open").await;
    let (mut box_, _) = listener.accept().await.unwrap();
    box_.write_all(FRAME).await.unwrap();
    until(&mut line, "43260").await;
    let health = line.health.borrow().clone();
    assert_eq!((health.state, health.opened_count, health.tally.good_frames), (LineState::Streaming, 2, 2));
    assert!(health.tally.dropped_bytes_total() >= 24);
}

#[tokio::test]
async fn a_port_that_nobody_listens_on_is_not_open_and_says_why() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint: Endpoint = format!("tcp://{}", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let mut line = spawn(endpoint, quick(), SETTINGS, || 7).unwrap();
    let health = timeout(REAL_LIMIT, line.health.wait_for(|health| health.last_error.is_some())).await.unwrap().unwrap().clone();
    assert_eq!(health.state, LineState::NotOpen);
    assert!(health.last_error.unwrap().starts_with("cannot open: "));
}

#[tokio::test]
async fn serial_over_a_pseudo_terminal_pair() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (folder.path().join("ours"), folder.path().join("theirs"));
    let pty = |path: &std::path::Path| format!("pty,raw,echo=0,link={}", path.display());
    let mut command = tokio::process::Command::new("socat");
    let socat = command.arg(pty(&ours)).arg(pty(&theirs)).stderr(std::process::Stdio::null()).kill_on_drop(true).spawn();
    let Ok(mut socat) = socat else {
        println!("skipped: socat is not installed");
        return;
    };
    let endpoint: Endpoint = format!("serial://{}?baud=2400&mode=8N1", ours.display()).parse().unwrap();
    let mut line = spawn(endpoint, quick(), SETTINGS, || 7).unwrap();
    assert_eq!(until(&mut line, "no_bytes").await.last().map(String::as_str), Some("no_bytes"));
    let mut indicator = tokio::fs::OpenOptions::new().write(true).open(&theirs).await.unwrap();
    for part in [&FRAME[..5], &FRAME[5..], FRAME] {
        indicator.write_all(part).await.unwrap();
        indicator.flush().await.unwrap();
    }
    until(&mut line, "43260").await;
    until(&mut line, "no_weight").await;
    socat.kill().await.unwrap();
    until(&mut line, "not_open").await;
    assert!(line.health.borrow().tally.good_frames >= 2);
}
