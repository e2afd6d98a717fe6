//! Records and pictures from a lane to the centre over a real broker: every record exactly once in effect, whatever dies in between.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod link_support;

use borderlane::sync::ports::SyncReport;
use lane_link::replica::sha256;
use link_support::{Broker, Centre, Kept, Lane, Stranger, declaration};
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::sleep;

fn record(n: u64) -> Vec<u8> {
    json!({ "v": 1, "kind": "watch", "n": n, "pad": "x".repeat(200) }).to_string().into_bytes()
}

fn filled(count: u64) -> Arc<Mutex<Kept>> {
    let mut kept = Kept::default();
    for n in 1..=count {
        kept.append(record(n));
    }
    Arc::new(Mutex::new(kept))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_killed_under_load_loses_nothing_end_to_end() {
    const RECORDS: u64 = 5_000;
    let mut broker = Broker::start("");
    let (centre, keys, _) = Centre::start(broker.port).await;
    let mut lane = Lane::begin("lane-1", broker.port, &keys, filled(RECORDS), |_| {});
    let mut killed_at = Vec::new();
    for least in [200, 1_500] {
        lane.wait("some are acknowledged", |kept| kept.acknowledged >= least).await;
        broker.kill();
        killed_at.push(lane.kept().acknowledged);
        sleep(Duration::from_millis(200)).await;
        broker.again();
    }
    assert!(killed_at.iter().all(|at| *at < RECORDS), "killed under load, at {killed_at:?}");
    lane.wait("all are acknowledged", |kept| kept.acknowledged == RECORDS).await;
    assert_eq!(centre.sequences("lane-1").await, (1..=RECORDS).collect::<Vec<_>>());
    assert_eq!(centre.get("/api/alarms").await, json!([]));
    println!("broker killed when {killed_at:?} of {RECORDS} records were acknowledged");
}

#[tokio::test]
async fn a_centre_that_was_away_gets_everything_when_it_is_back() {
    let broker = Broker::start("");
    let (centre, keys, _) = Centre::start(broker.port).await;
    let mut lane = Lane::begin("lane-1", broker.port, &keys, filled(10), |_| {});
    lane.wait("the first are acknowledged", |kept| kept.acknowledged == 10).await;
    let Centre { running, config, dir, .. } = centre;
    drop(running);
    for n in 11..=200 {
        lane.append(record(n));
    }
    sleep(Duration::from_millis(300)).await;
    assert_eq!(lane.kept().acknowledged, 10);
    let running = borderlane_central::run(config.clone()).await.unwrap();
    let centre = Centre { running, folder: borderlane_central::keys::KeyFolder::new(&config.keys_dir, &config.site), config, dir };
    lane.wait("all are acknowledged", |kept| kept.acknowledged == 200).await;
    assert_eq!(centre.sequences("lane-1").await, (1..=200).collect::<Vec<_>>());
}

#[tokio::test]
async fn duplicate_batches_are_harmless() {
    let broker = Broker::start("");
    let (centre, keys, _) = Centre::start(broker.port).await;
    let mut stranger = Stranger::join(broker.port, "ear", &["borderlane/v1/huu-nghi/lane-1/events"]).await;
    let mut lane = Lane::begin("lane-1", broker.port, &keys, filled(20), |_| {});
    let batch = stranger.hear("events").await;
    lane.wait("all are acknowledged", |kept| kept.acknowledged == 20).await;
    for _ in 0..3 {
        stranger.say("borderlane/v1/huu-nghi/lane-1/events", batch.clone(), false).await;
    }
    lane.append(record(21));
    lane.wait("the next is acknowledged", |kept| kept.acknowledged == 21).await;
    assert_eq!(centre.sequences("lane-1").await, (1..=21).collect::<Vec<_>>());
    assert_eq!(centre.get("/api/alarms").await, json!([]));
}

#[tokio::test]
async fn a_forked_ledger_is_an_alarm_and_is_not_acknowledged() {
    let broker = Broker::start("");
    let (centre, keys, _) = Centre::start(broker.port).await;
    let mut lane = Lane::begin("lane-1", broker.port, &keys, filled(10), |_| {});
    lane.wait("all are acknowledged", |kept| kept.acknowledged == 10).await;
    drop(lane);
    // The same ledger id, restored from yesterday and continued differently.
    let mut other = Kept::default();
    for n in 1..=8 {
        other.append(record(n));
    }
    for n in 100..=104 {
        other.append(record(n));
    }
    other.acknowledged = 8;
    let mut lane = Lane::begin("lane-1", broker.port, &keys, Arc::new(Mutex::new(other)), |_| {});
    for _ in 0..200 {
        if centre.get("/api/alarms").await != json!([]) {
            break;
        }
        sleep(Duration::from_millis(50)).await;
    }
    let alarms = centre.get("/api/alarms").await;
    assert_eq!((&alarms[0]["kind"], &alarms[0]["lane"]), (&json!("fork"), &json!("lane-1")));
    lane.wait("nothing more happens", |_| true).await;
    assert_eq!(lane.kept().acknowledged, 8);
    assert_eq!(centre.sequences("lane-1").await, (1..=10).collect::<Vec<_>>());
}

#[tokio::test]
async fn pictures_go_after_the_records_and_arrive_whole() {
    let broker = Broker::start("");
    let (centre, keys, _) = Centre::start(broker.port).await;
    let kept = filled(300);
    let pictures: Vec<Vec<u8>> = (0..3_u8).map(|n| vec![n; 120_000]).collect();
    kept.lock().unwrap().pictures = pictures.iter().map(|p| (sha256(p), p.clone())).collect();
    let mut lane = Lane::begin("lane-1", broker.port, &keys, kept, |_| {});
    lane.wait("all pictures are acknowledged", |kept| kept.pictures_acknowledged.len() == 3).await;
    assert!(lane.kept().waiting_at_picture.iter().all(|waiting| *waiting == 0), "a picture went before a record");
    let path = format!("/evidence/{}", sha256(&pictures[1]));
    let url = format!("http://{}{path}", centre.running.address);
    let bytes = tokio::task::spawn_blocking(move || ureq::get(&url).call().unwrap().body_mut().read_to_vec().unwrap()).await.unwrap();
    assert_eq!(bytes, pictures[1]);
}

#[tokio::test]
async fn a_record_larger_than_the_broker_takes_is_told_and_does_not_loop() {
    let broker = Broker::start("max_packet_size 20000");
    let (_centre, keys, _) = Centre::start(broker.port).await;
    let kept = filled(5);
    kept.lock().unwrap().append(vec![b'x'; 40_000]);
    let mut lane = Lane::begin("lane-1", broker.port, &keys, kept, |_| {});
    let mut told = 0;
    lane.until("too large", |report| match report {
        SyncReport::TooLarge { seq, .. } => {
            assert_eq!(seq, Some(6));
            told += 1;
            Some(())
        }
        SyncReport::LinkDown { reason } => panic!("the link fell: {reason}"),
        _ => None,
    })
    .await;
    sleep(Duration::from_secs(2)).await;
    while let Ok(report) = lane.reports.try_recv() {
        assert!(!matches!(report, SyncReport::TooLarge { .. } | SyncReport::LinkDown { .. }), "{report:?}");
    }
    assert_eq!((told, lane.kept().acknowledged), (1, 5), "what goes before it is not held up, and nothing is skipped");
}

#[tokio::test]
async fn a_passage_that_ends_uses_up_its_declaration_once() {
    let broker = Broker::start("");
    let (centre, keys, _) = Centre::start(broker.port).await;
    centre.post("/declarations", json!([declaration("D-1", "12C12345")])).await;
    let mut kept = Kept::default();
    for record in [
        json!({ "v": 1, "kind": "plate_read", "passage": "p-1", "text": "12C12345" }),
        json!({ "v": 1, "kind": "permit_granted", "passage": "p-1", "declarations": [{ "id": "D-1", "epoch": 1, "revision": 1 }] }),
        json!({ "v": 1, "kind": "passage_ended", "passage": "p-1", "end": "passed", "utc_ms": 1_795_300_000_000_i64 }),
    ] {
        kept.append(record.to_string().into_bytes());
    }
    let mut lane = Lane::begin("lane-1", broker.port, &keys, Arc::new(Mutex::new(kept)), |_| {});
    lane.wait("all are acknowledged", |kept| kept.acknowledged == 3).await;
    let row = centre.get("/declarations/D-1").await;
    assert_eq!((&row["entries_used"], &row["state"], &row["passages_counted"]), (&json!(1), &json!("used"), &json!(["p-1"])));
    lane.wait("the lane's copy says so too", |kept| {
        kept.rows.get(&lane_link::replica::Collection::Declarations).is_some_and(|rows| rows["D-1"]["state"] == "used")
    })
    .await;
    let url = format!("http://{}/", centre.running.address);
    let page = tokio::task::spawn_blocking(move || ureq::get(&url).call().unwrap().body_mut().read_to_string().unwrap()).await.unwrap();
    assert!(page.contains("12C12345") && page.contains("lane-1"), "{page}");
}
