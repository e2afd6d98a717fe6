//! Every fault of a module's link, seen from a real Modbus client.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::time::Duration;

use common::{knob, modbus, start, until};
use hardware_sim::shell::Lane;
use tokio::time::timeout;
use tokio_modbus::prelude::*;

const SHORT: Duration = Duration::from_millis(400);

async fn lane() -> Lane {
    start("paused = true\ncamera = []\n").await
}

async fn coil(client: &mut tokio_modbus::client::Context, address: u16) -> bool {
    client.read_coils(address, 1).await.unwrap().unwrap()[0]
}

#[tokio::test]
async fn a_dropped_request_is_not_carried_out_and_a_dropped_answer_is() {
    let lane = lane().await;
    for (fault, carried_out) in [("module0_drop", false), ("module0_drop_answer", true)] {
        let mut client = modbus(&lane, 0).await;
        knob(&lane, fault, true).await;
        assert!(timeout(SHORT, client.write_single_coil(3, true)).await.is_err(), "{fault}");
        knob(&lane, fault, false).await;
        let mut fresh = modbus(&lane, 0).await;
        assert_eq!(coil(&mut fresh, 3).await, carried_out, "{fault}");
    }
}

#[tokio::test]
async fn a_delay_holds_the_answer_and_a_freeze_everything() {
    let lane = lane().await;
    let mut client = modbus(&lane, 0).await;
    lane.shared.act(|sim| sim.world.knobs.turn_on("module0_delay", Some(250.0))).unwrap();
    let start = std::time::Instant::now();
    coil(&mut client, 0).await;
    assert!(start.elapsed() >= Duration::from_millis(250));
    knob(&lane, "module0_delay", false).await;

    knob(&lane, "module0_freeze", true).await;
    assert!(timeout(SHORT, client.read_coils(0, 1)).await.is_err());
    let mut frozen = modbus(&lane, 0).await;
    assert!(timeout(SHORT, frozen.write_single_coil(4, true)).await.is_err());
    assert!(!lane.shared.sim().modules()[0].relays()[4]);
    knob(&lane, "module0_freeze", false).await;
    until("what waited is carried out", async || lane.shared.sim().modules()[0].relays()[4]).await;
}

#[tokio::test]
async fn a_half_open_connection_stays_dead_while_a_new_one_works() {
    let lane = lane().await;
    let mut old = modbus(&lane, 0).await;
    assert!(!coil(&mut old, 0).await);
    knob(&lane, "module0_half_open", true).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    knob(&lane, "module0_half_open", false).await;
    assert!(timeout(SHORT, old.read_coils(0, 1)).await.is_err());
    let mut new = modbus(&lane, 0).await;
    assert!(!coil(&mut new, 0).await);
}

#[tokio::test]
async fn reset_and_power_cut_end_connections_and_power_lets_the_relays_fall() {
    let lane = lane().await;
    for fault in ["module0_reset", "module0_power_cut"] {
        let mut client = modbus(&lane, 0).await;
        client.write_single_coil(3, true).await.unwrap().unwrap();
        knob(&lane, fault, true).await;
        lane.shared.act(|sim| sim.step(20));
        let ended = timeout(Duration::from_secs(5), client.read_coils(0, 1)).await.expect("a reset is not silence");
        assert!(ended.is_err(), "{fault}");
        assert_eq!(lane.shared.sim().modules()[0].relays()[3], fault == "module0_reset");
        knob(&lane, fault, false).await;
        let mut back = modbus(&lane, 0).await;
        coil(&mut back, 3).await;
    }
}

#[tokio::test]
async fn late_and_wrong_transactions_are_refused_by_the_client() {
    let lane = lane().await;
    let mut client = modbus(&lane, 0).await;
    knob(&lane, "module0_late", true).await;
    assert!(timeout(SHORT, client.read_coils(0, 1)).await.is_err());
    assert!(client.read_coils(0, 2).await.is_err(), "the answer of the request before");
    knob(&lane, "module0_late", false).await;

    let mut client = modbus(&lane, 0).await;
    knob(&lane, "module0_wrong_transaction", true).await;
    assert!(client.read_coils(0, 1).await.is_err());
}

#[tokio::test]
async fn exception_swapped_bytes_and_garbage_are_not_answers() {
    let lane = lane().await;
    let mut client = modbus(&lane, 0).await;
    lane.shared.act(|sim| sim.world.knobs.turn_on("module0_exception", Some(6.0))).unwrap();
    assert_eq!(client.read_coils(0, 1).await.unwrap(), Err(tokio_modbus::ExceptionCode::ServerDeviceBusy));
    knob(&lane, "module0_exception", false).await;

    knob(&lane, "module0_swapped_bytes", true).await;
    let swapped = timeout(SHORT, client.write_single_coil(2, true)).await;
    assert!(!matches!(swapped, Ok(Ok(Ok(())))), "the echo does not match");
    knob(&lane, "module0_swapped_bytes", false).await;

    let mut client = modbus(&lane, 0).await;
    knob(&lane, "module0_garbage", true).await;
    assert!(!matches!(timeout(SHORT, client.read_coils(0, 1)).await, Ok(Ok(_))));
}
