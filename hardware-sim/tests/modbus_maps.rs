//! The modules' register maps, driven by a real Modbus client.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{get, knob, modbus, start};
use hardware_sim::shell::Lane;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_modbus::ExceptionCode;
use tokio_modbus::prelude::*;

/// A standing lane with one module of a kind; all wires on it as far as it has terminals.
async fn lane(kind: &str, extra: &str) -> Lane {
    let text = format!(
        "paused = true\ncamera = []\n[[module]]\nkind = \"{kind}\"\n{extra}\n[inputs]\nboom_loop = {{ module = 0, index = 0 }}\n\
         photocell = {{ module = 0, index = 1, normally = \"closed\" }}\nboom_up = {{ module = 0, index = 2 }}\n\
         boom_down = {{ module = 0, index = 3 }}\n[outputs]\nopen = {{ module = 0, index = 0 }}\nclose = {{ module = 0, index = 1 }}\n\
         stop = {{ module = 0, index = 2 }}\n"
    );
    start(&text).await
}

async fn step(lane: &Lane, ms: u64) {
    lane.shared.act(|sim| sim.step(ms));
}

fn angle(lane: &Lane) -> f64 {
    lane.shared.sim().world.boom().angle_deg()
}

#[tokio::test]
async fn e1214_coils_inputs_and_pulses_are_where_its_manual_says() {
    let lane = lane("moxa-e1214", "pulse_ms = 300").await;
    let mut client = modbus(&lane, 0).await;
    // Boom down, beam whole: inputs 1 (normally closed) and 3.
    assert_eq!(client.read_discrete_inputs(0, 6).await.unwrap().unwrap(), [false, true, false, true, false, false]);
    client.write_single_coil(0, true).await.unwrap().unwrap();
    assert_eq!(client.read_coils(0, 6).await.unwrap().unwrap(), [true, false, false, false, false, false]);
    step(&lane, 2_500).await;
    assert!(client.read_discrete_inputs(2, 1).await.unwrap().unwrap()[0]);
    client.write_multiple_coils(0, &[false, false, true]).await.unwrap().unwrap();
    assert_eq!(client.read_coils(0, 3).await.unwrap().unwrap(), [false, false, true]);
    client.write_single_coil(2, false).await.unwrap().unwrap();

    client.write_single_coil(0x0010, true).await.unwrap().unwrap();
    assert!(client.read_coils(0, 1).await.unwrap().unwrap()[0]);
    assert!(client.read_coils(0x0010, 1).await.unwrap().unwrap()[0]);
    step(&lane, 280).await;
    assert!(client.read_coils(0, 1).await.unwrap().unwrap()[0]);
    step(&lane, 40).await;
    assert_eq!(client.read_coils(0, 1).await.unwrap().unwrap(), [false]);
    assert_eq!(client.read_coils(0x0010, 1).await.unwrap().unwrap(), [false]);

    assert_eq!(client.read_discrete_inputs(0x1000, 1).await.unwrap().unwrap(), [false], "its watchdog is not armed");
    assert_eq!(client.read_coils(6, 1).await.unwrap(), Err(ExceptionCode::IllegalDataAddress));
    assert_eq!(client.read_discrete_inputs(0, 7).await.unwrap(), Err(ExceptionCode::IllegalDataAddress));
    assert_eq!(client.read_holding_registers(0, 1).await.unwrap(), Err(ExceptionCode::IllegalDataAddress));
}

#[tokio::test]
async fn e1214_watchdog_falls_to_safe_and_stays_until_cleared() {
    let lane = lane("moxa-e1214", "watchdog_ms = 1000\nsafe_on = [4]").await;
    let mut client = modbus(&lane, 0).await;
    client.write_single_coil(0, true).await.unwrap().unwrap();
    step(&lane, 900).await;
    assert!(client.read_coils(0, 1).await.unwrap().unwrap()[0], "a request within the time keeps it");
    step(&lane, 900).await;
    assert_eq!(client.read_discrete_inputs(0x1010, 1).await.unwrap().unwrap(), [false]);
    assert_eq!(client.read_discrete_inputs(0x1000, 1).await.unwrap().unwrap(), [true]);
    step(&lane, 1_100).await;
    assert_eq!(client.read_discrete_inputs(0x1010, 1).await.unwrap().unwrap(), [true]);
    assert_eq!(client.read_coils(0, 6).await.unwrap().unwrap(), [false, false, false, false, true, false]);
    client.write_single_coil(0, true).await.unwrap().unwrap();
    assert!(!client.read_coils(0, 1).await.unwrap().unwrap()[0], "safe mode holds the relays");
    client.write_single_coil(0x1020, true).await.unwrap().unwrap();
    client.write_single_coil(0, true).await.unwrap().unwrap();
    assert!(client.read_coils(0, 1).await.unwrap().unwrap()[0]);
}

#[tokio::test]
async fn adam_relays_start_at_sixteen_and_inputs_follow_its_firmware() {
    let coils = lane("adam-6060", "input_function = \"coils\"\nunit = 1\nwatchdog_register = 0x0130").await;
    let mut client = modbus(&coils, 0).await;
    client.set_slave(Slave(1));
    client.write_single_coil(0x0010, true).await.unwrap().unwrap();
    assert!(client.read_coils(0x0010, 1).await.unwrap().unwrap()[0]);
    assert_eq!(client.read_coils(0, 4).await.unwrap().unwrap(), [false, true, false, true]);
    assert_eq!(client.read_discrete_inputs(0, 4).await.unwrap(), Err(ExceptionCode::IllegalDataAddress));
    assert_eq!(client.write_single_coil(0, true).await.unwrap(), Err(ExceptionCode::IllegalDataAddress), "an input cannot be written");
    client.write_single_register(0x0130, 20).await.unwrap().unwrap();
    assert_eq!(client.read_holding_registers(0x0130, 1).await.unwrap().unwrap(), [20]);
    step(&coils, 2_100).await;
    assert!(!client.read_coils(0x0010, 1).await.unwrap().unwrap()[0], "the watchdog let the relay fall");
    client.set_slave(Slave(9));
    let silent = tokio::time::timeout(std::time::Duration::from_millis(300), client.read_coils(0x0010, 1)).await;
    assert!(silent.is_err(), "another unit gets no answer");
}

#[tokio::test]
async fn waveshare_flips_flashes_and_switches_all() {
    let lane = lane("waveshare-poe-relay-b", "").await;
    let mut client = modbus(&lane, 0).await;
    // Written by hand: tokio-modbus 0.17 neither sends FC5 with other values than on and off nor decodes their echo ("Invalid coil value").
    let mut line = tokio::net::TcpStream::connect(lane.addresses.modules[0]).await.unwrap();
    let mut raw = async |address: u16, value: u16| {
        let mut frame = vec![0, 1, 0, 0, 0, 6, 1, 5];
        frame.extend(address.to_be_bytes());
        frame.extend(value.to_be_bytes());
        line.write_all(&frame).await.unwrap();
        let mut echo = vec![0u8; frame.len()];
        line.read_exact(&mut echo).await.unwrap();
        assert_eq!(echo, frame);
    };
    raw(0x0000, 0x5500).await;
    assert!(client.read_coils(0, 1).await.unwrap().unwrap()[0]);
    raw(0x00FF, 0xFF00).await;
    assert_eq!(client.read_coils(0, 8).await.unwrap().unwrap(), [true; 8]);
    raw(0x00FF, 0x0000).await;
    raw(0x0201, 7).await;
    step(&lane, 690).await;
    assert!(client.read_coils(1, 1).await.unwrap().unwrap()[0]);
    step(&lane, 20).await;
    assert!(!client.read_coils(1, 1).await.unwrap().unwrap()[0]);
    let writes = get(lane.addresses.control, "/modbus-writes?since=2").await.1;
    assert_eq!(writes[1]["address"], 0x0201);
    assert_eq!(writes[1]["values"][0], 7);
}

#[tokio::test]
async fn generic_has_the_watchdog_block_and_pulse_widths() {
    let lane = lane("generic", "").await;
    let mut client = modbus(&lane, 0).await;
    client.write_single_register(0x0100, 200).await.unwrap().unwrap();
    client.write_single_coil(0x0100, true).await.unwrap().unwrap();
    step(&lane, 220).await;
    assert!(!client.read_coils(0, 1).await.unwrap().unwrap()[0]);
    assert_eq!(client.read_holding_registers(0x1006, 1).await.unwrap().unwrap(), [0]);
    client.write_single_register(0x1000, 5).await.unwrap().unwrap();
    assert_eq!(client.read_holding_registers(0x1000, 1).await.unwrap().unwrap(), [5]);
    assert_eq!(client.read_holding_registers(0x1006, 1).await.unwrap().unwrap(), [1]);
    client.write_single_coil(3, true).await.unwrap().unwrap();
    step(&lane, 600).await;
    assert_eq!(client.read_holding_registers(0x1006, 1).await.unwrap().unwrap(), [2]);
    assert!(!client.read_coils(3, 1).await.unwrap().unwrap()[0]);
    client.write_single_register(0x1008, 0xAA55).await.unwrap().unwrap();
    assert_eq!(client.read_holding_registers(0x1006, 1).await.unwrap().unwrap(), [0]);
    assert_eq!(client.write_single_register(0x1006, 1).await.unwrap(), Err(ExceptionCode::IllegalDataAddress));
}

#[tokio::test]
async fn every_write_is_kept_as_the_device_saw_it() {
    let lane = lane("moxa-e1214", "").await;
    let mut client = modbus(&lane, 0).await;
    client.set_slave(Slave(7));
    client.write_single_coil(1, true).await.unwrap().unwrap();
    step(&lane, 50).await;
    client.write_multiple_coils(0, &[true, false, true]).await.unwrap().unwrap();
    assert!(client.write_single_coil(99, true).await.unwrap().is_err());
    let (_, writes) = get(lane.addresses.control, "/modbus-writes").await;
    let writes = writes.as_array().unwrap();
    assert_eq!(writes.len(), 3);
    assert_eq!(
        (&writes[0]["function"], &writes[0]["address"], &writes[0]["unit"], &writes[0]["values"][0]),
        (&5.into(), &1.into(), &7.into(), &0xFF00.into())
    );
    assert_eq!(
        (&writes[1]["function"], &writes[1]["at_ms"], &writes[1]["values"]),
        (&15.into(), &50.into(), &serde_json::json!([1, 0, 1]))
    );
    assert_eq!(writes[2]["refused"], 2);
    let (_, newer) = get(lane.addresses.control, "/modbus-writes?since=2&module=0").await;
    assert_eq!(newer.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn open_close_and_stop_move_the_boom() {
    let lane = lane("moxa-e1214", "").await;
    let mut client = modbus(&lane, 0).await;
    client.write_single_coil(0, true).await.unwrap().unwrap();
    step(&lane, 1_000).await;
    client.write_single_coil(2, true).await.unwrap().unwrap();
    step(&lane, 1_000).await;
    assert!((30.0..60.0).contains(&angle(&lane)), "{}", angle(&lane));
    client.write_multiple_coils(0, &[false, false, false]).await.unwrap().unwrap();
    step(&lane, 20).await;
    client.write_single_coil(1, true).await.unwrap().unwrap();
    step(&lane, 3_000).await;
    assert!(angle(&lane) < 1.0);
    knob(&lane, "module0_relay_stuck_on", true).await;
    step(&lane, 3_000).await;
    assert!(angle(&lane) > 89.0, "relay 0 is welded");
}
