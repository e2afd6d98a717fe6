use super::bench::{Bench, FakeStore, PATIENCE, frame, view};
use crate::web::WebError;
use crate::web::seams::Turn;
use lane_core::time::Mono;
use lane_core::verdict::{Check, CheckKind, CheckResult, Facts, Outcome, Verdict};
use lane_link::words::Mode;

#[tokio::test]
async fn a_stream_begins_with_the_whole_view_and_asks_to_come_back_soon() {
    let bench = Bench::start(FakeStore::with_lan()).await;
    let mut stream = bench.stream("/api/stream").await;
    let first = stream.event("view").await.unwrap();
    assert_eq!((&first["turn"], &first["lane"], &first["view"]["phase"]), (&1.into(), &"L3".into(), &"idle".into()));
    assert_eq!(first["software_stop"], true);
    assert!(stream.seen.contains("cache-control: no-store"), "{}", stream.seen);
    assert!(stream.seen.contains("retry: 1000") || stream.seen.contains("retry:1000"), "{}", stream.seen);
}

#[tokio::test]
async fn the_beat_carries_the_lane_loops_turn_and_stands_still_with_it() {
    let bench = Bench::start(FakeStore::with_lan()).await;
    let mut stream = bench.stream("/api/stream").await;
    for _ in 0..3 {
        assert_eq!(stream.event("beat").await.unwrap()["turn"], 1, "nobody but the loop moves the number");
    }
    bench.turns.send_replace(Turn { turn: 42, at: Mono(1500) });
    loop {
        match stream.event("beat").await.unwrap()["turn"].as_u64() {
            Some(1) => {}
            turn => break assert_eq!(turn, Some(42)),
        }
    }
}

#[tokio::test]
async fn a_changed_view_is_sent_whole_and_a_flood_ends_with_the_newest() {
    let bench = Bench::start(FakeStore::with_lan()).await;
    let mut stream = bench.stream("/api/stream").await;
    stream.event("view").await.unwrap();
    for turn in 2..=1000 {
        let mut changed = view();
        changed.mode = Mode::Attended;
        bench.frames.send_replace(frame(turn, changed));
        tokio::task::yield_now().await;
    }
    let mut views = 0;
    loop {
        let event = stream.event("view").await.unwrap();
        assert_eq!(event["view"]["mode"], "attended");
        views += 1;
        if event["turn"] == 1000 {
            break;
        }
    }
    assert!(views < 100, "{views} views for a flood of 999");
}

/// A held vehicle as the core tells it, with this row of the watchlist.
fn watched(result: CheckResult, facts: Facts) -> lane_core::view::LaneView {
    use lane_core::declaration::Channel;
    use lane_core::input::{Camera, CameraState, ScaleState};
    use lane_core::view::{Aged, BoomView, LaneView, PhaseName, PlateView, VehicleView};
    let plate = |text: &str, probability_ppm, by_officer| PlateView {
        camera: Camera::Front,
        text: lane_core::plate::PlateText::parse(text).unwrap(),
        probability_ppm,
        by_officer,
        others: Vec::new(),
        contested: false,
        picture: None,
        age_ms: 5,
    };
    let check = |kind, result, facts| Check { kind, result, leads_to: Outcome::Hold, facts };
    let checks = vec![
        check(CheckKind::Channel, CheckResult::Failed, Facts::Channel { channel: Channel::Red }),
        check(CheckKind::Watchlist, result, facts),
    ];
    LaneView {
        phase: PhaseName::Held,
        mode: lane_core::officer::Mode::Automatic,
        stamp: 1,
        at_boom: Some(VehicleView {
            passage: None,
            here_ms: 4000,
            plates: vec![plate("12C99999", 900_000, false), plate("12C12345", 500_000, true)],
            gross: Err(lane_core::weight::WeightUnknown::Settling),
            declarations: Vec::new(),
            candidates: Vec::new(),
            verdict: Some(Aged {
                value: Verdict { outcome: Outcome::Hold, checks, declarations: Vec::new(), rules: None, watchlist: None },
                age_ms: 3,
            }),
            called_ms: Some(1),
            decided_by: None,
        }),
        approaching: None,
        boom: BoomView::Down,
        permit: None,
        signals: Vec::new(),
        faults: Vec::new(),
        stop_latched: false,
        platform: None,
        cameras: [CameraState::Ok; 2],
        scale: ScaleState::Streaming,
        sign: lane_core::effect::Sign::WaitOfficer,
        knowledge_age_s: Some(3),
        link_up: true,
        store_ok: true,
        waiting_second: None,
    }
}

#[tokio::test]
async fn a_watchlist_entry_that_is_not_for_the_lane_never_reaches_the_page() {
    let bench = Bench::start(FakeStore::with_lan()).await;
    let hidden = [
        (CheckResult::Failed, Facts::Watched { lane_may_see: false }),
        (CheckResult::Passed, Facts::None),
        (CheckResult::Unknown, Facts::None),
    ];
    for (turn, (result, facts)) in hidden.into_iter().enumerate() {
        bench.frames.send_replace(frame(turn as u64 + 7, (&watched(result, facts)).into()));
        let mut stream = bench.stream("/api/stream").await;
        let rows = stream.event("view").await.unwrap()["view"]["at_boom"]["verdict"]["checks"].clone();
        assert_eq!((&rows[0]["kind"], &rows[1]["kind"], rows.as_array().unwrap().len()), (&"channel".into(), &"instruction".into(), 2));
        assert!(!stream.seen.contains("watch"), "{}", stream.seen);
    }
    bench.frames.send_replace(frame(20, (&watched(CheckResult::Failed, Facts::Watched { lane_may_see: true })).into()));
    let mut stream = bench.stream("/api/stream").await;
    assert_eq!(stream.event("view").await.unwrap()["view"]["at_boom"]["verdict"]["checks"][1]["kind"], "watchlist");
}

#[tokio::test]
async fn the_drivers_sign_knows_no_check_and_no_risk() {
    let bench = Bench::start(FakeStore::with_lan()).await;
    for (turn, lane_may_see) in [true, false].into_iter().enumerate() {
        let held = watched(CheckResult::Failed, Facts::Watched { lane_may_see });
        bench.frames.send_replace(frame(turn as u64 + 7, (&held).into()));
        let mut stream = bench.stream("/api/driver").await;
        let sign = stream.event("sign").await.unwrap();
        let expected = serde_json::json!({ "sign": "wait_officer", "plate": "12C12345", "here_ms": 4000, "gross_grams": null });
        assert_eq!(sign, expected);
        assert_eq!(stream.event("beat").await.unwrap()["turn"], 1);
        for word in ["watch", "instruction", "check", "channel", "red", "risk", "agenc"] {
            let said = stream.seen.split_once("\r\n\r\n").unwrap().1;
            assert!(!said.contains(word), "{word} in {said}");
        }
    }
}

#[tokio::test]
async fn shutdown_ends_streams_and_then_the_server() {
    let bench = Bench::start(FakeStore::with_lan()).await;
    let mut streams = [bench.stream("/api/stream").await, bench.stream("/api/driver").await];
    for stream in &mut streams {
        stream.event("beat").await.unwrap();
    }
    bench.stopping.cancel();
    for stream in &mut streams {
        stream.end().await;
    }
    tokio::time::timeout(PATIENCE, bench.server).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_ninth_stream_is_refused_until_one_ends() {
    let bench = Bench::start(FakeStore::with_lan()).await;
    let mut streams = Vec::new();
    for _ in 0..crate::web::stream::STREAMS_MAX {
        let mut stream = bench.stream("/api/stream").await;
        stream.event("view").await.unwrap();
        streams.push(stream);
    }
    assert_eq!(bench.get("/api/stream").await.refusal(), (503, "busy".into()));
    streams.pop();
    let place = async {
        loop {
            let mut stream = bench.stream("/api/driver").await;
            if stream.event("sign").await.is_some() {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, place).await.unwrap();
}

#[tokio::test]
async fn an_address_beyond_loopback_is_refused_at_the_start() {
    let (stop, _presses) = crate::web::seams::StopButton::new();
    let (_frames, frames) = tokio::sync::watch::channel(frame(1, view()));
    let (_turns, turns) = tokio::sync::watch::channel(Turn { turn: 0, at: Mono(0) });
    let clocks =
        crate::web::seams::Clocks { mono: std::sync::Arc::new(|| Mono(0)), wall: std::sync::Arc::new(|| lane_core::time::Wall::UNKNOWN) };
    let seams = crate::web::seams::WebSeams {
        frames,
        turns,
        stop,
        acts: tokio::sync::mpsc::channel(1).0,
        requests: tokio::sync::mpsc::channel(1).0,
        clocks,
    };
    let settings = crate::web::WebSettings { listen: "0.0.0.0:0".parse().unwrap(), site: "s".into(), idle_logout_ms: 1 };
    let refused =
        crate::web::Web::bind(settings, super::bench::pepper(), seams, crate::web::WebMetrics::default(), Default::default()).await;
    assert!(matches!(refused.err(), Some(WebError::NotLoopback(_))));
}
