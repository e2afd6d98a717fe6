//! A running lane and a small HTTP client for it.
#![allow(dead_code, clippy::unwrap_used)]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hardware_sim::config::Config;
use hardware_sim::shell::{self, Lane};
use serde_json::Value;
use tokio_modbus::client::{Context, tcp};

pub const PATIENCE: Duration = Duration::from_secs(20);

pub async fn start(text: &str) -> Lane {
    let config = Config::parse(text).unwrap();
    shell::start(&config).await.unwrap()
}

pub async fn modbus(lane: &Lane, module: usize) -> Context {
    tcp::connect(lane.addresses.modules[module]).await.unwrap()
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false).build().into()
}

async fn away<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

pub async fn get(address: SocketAddr, path: &str) -> (u16, Value) {
    let url = format!("http://{address}{path}");
    away(move || {
        let mut answer = agent().get(&url).call().unwrap();
        (answer.status().as_u16(), answer.body_mut().read_json().unwrap())
    })
    .await
}

pub async fn get_text(address: SocketAddr, path: &str) -> (u16, String) {
    let url = format!("http://{address}{path}");
    away(move || {
        let mut answer = agent().get(&url).call().unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    })
    .await
}

pub async fn post(address: SocketAddr, path: &str, body: Value) -> (u16, Value) {
    let url = format!("http://{address}{path}");
    away(move || {
        let mut answer = agent().post(&url).send_json(body).unwrap();
        (answer.status().as_u16(), answer.body_mut().read_json().unwrap())
    })
    .await
}

pub async fn post_text(address: SocketAddr, path: &str, body: String) -> (u16, Value) {
    let url = format!("http://{address}{path}");
    away(move || {
        let mut answer = agent().post(&url).send(body.as_str()).unwrap();
        (answer.status().as_u16(), answer.body_mut().read_json().unwrap())
    })
    .await
}

/// Turns a knob on or off over the control interface.
pub async fn knob(lane: &Lane, name: &str, on: bool) {
    let (status, answer) = post(lane.addresses.control, &format!("/fault/{name}"), serde_json::json!({ "on": on })).await;
    assert_eq!(status, 200, "{answer}");
}

/// Waits until something holds; fails when patience ends.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
