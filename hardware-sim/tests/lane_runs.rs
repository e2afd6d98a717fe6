//! The whole lane: scenarios in simulated time, the indicator's line, the cameras' streams, the control interface.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::time::Duration;

use common::{get, get_text, knob, modbus, post, post_text, start, until};
use hardware_sim::config::Config;
use hardware_sim::knobs::Knobs;
use hardware_sim::scenario::Scenario;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_modbus::prelude::*;

#[test]
fn every_scenario_of_the_folder_and_the_sample_settings_are_good() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = Config::load(&root.join("lane-sim.toml")).unwrap();
    let knobs = Knobs::new(config.modules.len(), &config.camera_names());
    let mut count = 0;
    for entry in std::fs::read_dir(root.join("scenarios")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        Scenario::parse(&text, &knobs).unwrap_or_else(|problems| panic!("{}: {problems}", path.display()));
        count += 1;
    }
    assert!(count >= 9);
}

#[tokio::test]
async fn a_scenario_runs_in_stepped_time_over_the_control_interface() {
    let lane = start("paused = true\ncamera = []\n").await;
    let control = lane.addresses.control;
    let text = include_str!("../scenarios/truck.toml").to_owned();
    assert_eq!(post_text(control, "/scenario?reset=true", text).await, (200, json!({ "name": "One truck" })));
    assert_eq!(post(control, "/step", json!({ "ms": 25_000 })).await, (200, json!({ "now_ms": 25_000 })));
    let (_, state) = get(control, "/state").await;
    assert_eq!(state["vehicles"][0]["speed_m_s"], 0.0);
    assert!((state["scale"]["kg"].as_i64().unwrap() - 28_000).abs() <= 20);
    assert_eq!(state["scale"]["motion"], false);

    let mut client = modbus(&lane, 0).await;
    client.write_single_coil(0x0010, true).await.unwrap().unwrap();
    post(control, "/step", json!({ "ms": 3_000 })).await;
    let (_, state) = get(control, "/state").await;
    assert_eq!(state["signals"]["boom_up"], true);
    post(control, "/step", json!({ "ms": 30_000 })).await;
    let (_, state) = get(control, "/state").await;
    assert_eq!((&state["vehicles"], &state["signals"]["boom_down"]), (&json!([]), &json!(true)));
    let (_, events) = get(control, "/events").await;
    let names: Vec<_> = events.as_array().unwrap().iter().map(|event| event["event"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names, ["vehicle_entered", "boom_up", "boom_down", "vehicle_passed"]);
}

#[tokio::test]
async fn the_control_interface_refuses_with_reasons() {
    let lane = start("camera = []\n").await;
    let control = lane.addresses.control;
    assert_eq!(post(control, "/step", json!({ "ms": 10 })).await.0, 409);
    assert_eq!(post(control, "/fault/boom_stukc", json!({ "on": true })).await.0, 404);
    assert_eq!(post(control, "/fault/boom_crank", json!({ "on": true, "value": 500.0 })).await.0, 400);
    assert_eq!(post(control, "/vehicle", json!({ "plat": "x" })).await.0, 400);
    assert_eq!(post(control, "/vehicle", json!({ "plate": "x", "gross_kg": 1.0 })).await.0, 400);
    assert_eq!(post(control, "/vehicle/99/behaviour", json!({ "order": "go" })).await.0, 404);
    let (status, answer) = post_text(control, "/scenario", "name = \"x\"\n[[vehicel]]\nat_ms = 1\n[[fault]]\nat = 1\n".to_owned()).await;
    assert_eq!(status, 400);
    let told = answer["error"].as_str().unwrap();
    assert!(told.contains("line 2") && told.contains("line 5"), "{told}");
    assert_eq!(get(control, "/state").await.0, 200);
}

#[tokio::test]
async fn time_runs_by_itself_unless_paused_and_orders_reach_drivers() {
    let lane = start("speed = 10.0\ncamera = []\n").await;
    let control = lane.addresses.control;
    let (_, answer) = post(control, "/vehicle", json!({ "plate": "12C-123.45" })).await;
    let id = answer["id"].as_u64().unwrap();
    until("the truck is at the line", async || {
        let (_, state) = get(control, "/state").await;
        state["vehicles"][0]["front_m"].as_f64().unwrap() > 22.5
    })
    .await;
    assert_eq!(post(control, &format!("/vehicle/{id}/behaviour"), json!({ "order": "reverse" })).await.0, 200);
    until("it is gone", async || get(control, "/state").await.1["vehicles"] == json!([])).await;
    post(control, "/pause", json!({})).await;
    let before = get(control, "/state").await.1["now_ms"].clone();
    tokio::time::sleep(Duration::from_millis(60)).await;
    let after = get(control, "/state").await.1["now_ms"].clone();
    assert_eq!(before, after);
}

#[tokio::test]
async fn the_page_and_its_script_are_served_and_reach_nothing_outside() {
    let lane = start("camera = []\n").await;
    let (status, page) = get_text(lane.addresses.control, "/").await;
    let (_, script) = get_text(lane.addresses.control, "/page.js").await;
    assert_eq!(status, 200);
    assert!(page.contains("page.js") && script.contains("/state"));
    for text in [page, script] {
        let outside = text.replace("http://www.w3.org/2000/svg", "");
        assert!(!outside.contains("http://") && !outside.contains("https://"));
    }
}

async fn bytes(stream: &mut TcpStream, count: usize) -> Vec<u8> {
    let mut read = vec![0u8; count];
    tokio::time::timeout(common::PATIENCE, stream.read_exact(&mut read)).await.unwrap().unwrap();
    read
}

#[tokio::test]
async fn the_indicator_streams_frames_of_its_layout() {
    for (protocol, length) in [("yaohua", 12), ("toledo", 18), ("and", 18), ("vishay-leo", 9)] {
        let lane = start(&format!("camera = []\n[scale]\nprotocol = \"{protocol}\"\nrate_hz = 50.0\n")).await;
        let mut line = TcpStream::connect(lane.addresses.scale).await.unwrap();
        for _ in 0..3 {
            let frame = bytes(&mut line, length).await;
            let good = match protocol {
                "yaohua" => frame[0] == 2 && frame[11] == 3,
                "toledo" => frame[0] == 2 && frame[16] == 13 && frame.iter().map(|byte| u32::from(byte & 0x7F)).sum::<u32>() % 128 == 0,
                "and" => frame.starts_with(b"ST,GS,+") && frame.ends_with(b"kg\r\n"),
                _ => frame[0] & 0x40 != 0 && frame[8] == 13,
            };
            assert!(good, "{protocol}: {frame:02X?}");
        }
    }
}

#[tokio::test]
async fn the_indicators_line_faults_show() {
    let lane = start("camera = []\n[scale]\nrate_hz = 50.0\n").await;
    let address = lane.addresses.scale;
    knob(&lane, "scale_silent", true).await;
    let mut line = TcpStream::connect(address).await.unwrap();
    let silent = tokio::time::timeout(Duration::from_millis(300), line.read_u8()).await;
    assert!(silent.is_err());
    knob(&lane, "scale_silent", false).await;
    assert_eq!(bytes(&mut line, 12).await[0], 2);

    knob(&lane, "scale_dtu_prefix", true).await;
    let mut line = TcpStream::connect(address).await.unwrap();
    assert!(bytes(&mut line, 34).await.starts_with(b"weigh01T"));
    knob(&lane, "scale_dtu_prefix", false).await;

    knob(&lane, "scale_drop", true).await;
    let mut line = TcpStream::connect(address).await.unwrap();
    let mut all = Vec::new();
    tokio::time::timeout(common::PATIENCE, line.read_to_end(&mut all)).await.unwrap().unwrap();
    assert_eq!(all.len(), 12);
    knob(&lane, "scale_drop", false).await;

    knob(&lane, "scale_refuse", true).await;
    let mut line = TcpStream::connect(address).await.unwrap();
    assert!(line.read_u8().await.is_err());
    knob(&lane, "scale_refuse", false).await;

    let mut line = TcpStream::connect(address).await.unwrap();
    bytes(&mut line, 12).await;
    knob(&lane, "scale_frozen", true).await;
    lane.shared.act(|sim| sim.world.knobs.turn_on("scale_offset", Some(5_000.0))).unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let latest = bytes(&mut line, 12 * 8).await;
    assert_eq!(&latest[..12], &latest[84..], "the weight changed, the frames did not");
}

/// Reads whole parts of a stream.
async fn parts(stream: &mut TcpStream, count: usize) -> Vec<Vec<u8>> {
    let mut held = Vec::new();
    let mut found = Vec::new();
    let mut chunk = vec![0u8; 64 * 1024];
    while found.len() < count {
        let read = tokio::time::timeout(common::PATIENCE, stream.read(&mut chunk)).await.unwrap().unwrap();
        assert!(read > 0, "the stream ended");
        held.extend(&chunk[..read]);
        loop {
            let find = |from: usize, wanted: &[u8]| held[from..].windows(wanted.len()).position(|window| window == wanted);
            let Some(at) = find(0, b"--laneframe\r\n") else { break };
            let Some(end) = find(at, b"\r\n\r\n") else { break };
            let head = std::str::from_utf8(&held[at..at + end]).unwrap();
            let length: usize = head.split("Content-Length: ").nth(1).unwrap().split("\r\n").next().unwrap().parse().unwrap();
            let body = at + end + 4;
            if held.len() < body + length {
                break;
            }
            found.push(held[body..body + length].to_vec());
            held.drain(..body + length);
        }
    }
    found
}

async fn watch(lane: &hardware_sim::shell::Lane, camera: &str) -> TcpStream {
    let mut stream = TcpStream::connect(lane.addresses.cameras[camera]).await.unwrap();
    stream.write_all(b"GET /stream HTTP/1.1\r\nHost: camera\r\n\r\n").await.unwrap();
    stream
}

const SMALL_CAMERAS: &str = "[[camera]]\nname = \"front\"\nlooks_at = \"front\"\nsize = [640, 360]\n[[camera]]\nname = \"rear\"\nlooks_at = \"rear\"\nsize = [640, 360]\n";

#[tokio::test]
async fn a_client_of_either_camera_gets_jpeg_frames_that_differ() {
    let lane = start(SMALL_CAMERAS).await;
    for camera in ["front", "rear"] {
        let frames = parts(&mut watch(&lane, camera).await, 3).await;
        for frame in &frames {
            assert!(frame.starts_with(&[0xFF, 0xD8]) && frame.ends_with(&[0xFF, 0xD9]));
        }
        assert_ne!(frames[0], frames[1]);
        let url = format!("http://{}/snapshot.jpg", lane.addresses.cameras[camera]);
        let read = tokio::task::spawn_blocking(move || ureq::get(&url).call().unwrap().body_mut().read_to_vec().unwrap());
        assert!(read.await.unwrap().starts_with(&[0xFF, 0xD8]));
    }
}

#[tokio::test]
async fn each_camera_fault_shows_on_the_stream() {
    let lane = start(SMALL_CAMERAS).await;
    let mut stream = watch(&lane, "front").await;
    parts(&mut stream, 1).await;
    knob(&lane, "front_frozen", true).await;
    let frozen = parts(&mut stream, 5).await;
    assert_eq!(frozen[3], frozen[4]);
    knob(&lane, "front_frozen", false).await;

    knob(&lane, "front_garbage", true).await;
    let frames = parts(&mut watch(&lane, "front").await, 1).await;
    assert!(image_is_broken(&frames[0]));
    knob(&lane, "front_garbage", false).await;

    knob(&lane, "front_no_answer", true).await;
    let mut silent = watch(&lane, "front").await;
    assert!(tokio::time::timeout(Duration::from_millis(400), silent.read_u8()).await.is_err());
    knob(&lane, "front_no_answer", false).await;
    parts(&mut silent, 1).await;

    knob(&lane, "front_drop", true).await;
    let mut dropped = watch(&lane, "front").await;
    let mut all = Vec::new();
    tokio::time::timeout(common::PATIENCE, dropped.read_to_end(&mut all)).await.unwrap().unwrap();
    assert!(all.len() > 500 && !all.ends_with(&[0xFF, 0xD9, b'\r', b'\n']));
    knob(&lane, "front_drop", false).await;

    knob(&lane, "front_stall", true).await;
    let mut stalled = watch(&lane, "front").await;
    let mut read = 0;
    let mut chunk = vec![0u8; 64 * 1024];
    while let Ok(Ok(count)) = tokio::time::timeout(Duration::from_millis(500), stalled.read(&mut chunk)).await {
        read += count;
    }
    assert!(read > 500, "half a frame and then silence: {read}");
}

fn image_is_broken(jpeg: &[u8]) -> bool {
    !jpeg.starts_with(&[0xFF, 0xD8, 0xFF])
}
