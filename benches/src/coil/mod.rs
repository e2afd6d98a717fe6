//! `sensor_to_coil_p99`: from the moment the last input that a verdict needs is handed in (the weighing's last frame) until the device sees the
//! write that raises the boom, the durable commit of the authorising record included.
//!
//! ```text
//!   weight frame ─▶ inbox ─▶ lane ─▶ recorder ─▶ store (FULL commit) ─▶ inbox ─▶ lane ─▶ barrier scan ─▶ module task ─▶ coil seen
//! ```
//! Everything is real but the truck: store, recorder, lane loop, barrier task, Modbus TCP over the loopback, the shipped profile `generic`. Each
//! truck goes all the way through, so that the next one is a new passage. After each, while the lane rests, the peer: one FULL commit of a record's
//! size by bare SQLite, and two Modbus round trips. `sensor_to_coil_p50` stands beside it: on a busy machine a p99 tells of the machine.

mod device;
mod lane;
mod truck;

use crate::figure::{Aim, Fail, Figure, quantile};
use borderlane::store::lane::schema;
use device::Device;
use rusqlite::Connection;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Instant;
use tokio_modbus::client::{Context, Reader, Writer, tcp};

/// A record that grants a permit has about so many bytes.
const RECORD_BYTES: usize = 600;
/// Peers a truck: a p99 of few values is chance.
const PEER_ROUNDS: usize = 3;
/// A register of the device that nothing depends on.
const SPARE_REGISTER: u16 = 0x7000;

pub fn measure(dir: &Path, passages: usize) -> Result<Vec<Figure>, Fail> {
    let dir = dir.join("coil");
    if dir.exists() {
        std::fs::remove_dir_all(&dir)?;
    }
    // As many workers as the daemon has.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let (mut ours, mut peers) = runtime.block_on(run(&dir, passages))?;
    let mut figure = |name, share| {
        let value = (quantile(&mut ours, share), "us");
        Figure::new(name, value, quantile(&mut peers, share), Aim::RatioAtMost(2.0))
    };
    Ok(vec![figure("sensor_to_coil_p50", 0.5), figure("sensor_to_coil_p99", 0.99)])
}

/// Microseconds of every truck and of every peer.
async fn run(dir: &Path, passages: usize) -> Result<(Vec<f64>, Vec<f64>), Fail> {
    let profile = lane::profile(&crate::root()?)?;
    let device = Device::start(&profile)?;
    let mut lane = lane::Lane::start(dir, &device, profile).await?;
    let mut peer = Peer::open(dir, device.address()).await?;
    let (mut ours, mut peers) = (Vec::with_capacity(passages), Vec::with_capacity(passages));
    lane.is_idle("after the start").await?;
    for nth in 0..passages {
        let micros = truck::passes(&mut lane, &device).await.map_err(|error| format!("truck {nth}: {error}"))?;
        ours.push(micros);
        for _ in 0..PEER_ROUNDS {
            tokio::time::sleep(truck::QUIET).await;
            peers.push(peer.once().await?);
        }
    }
    lane.stop().await;
    Ok((ours, peers))
}

/// What the disk and the wire cost with nothing around them.
struct Peer {
    disk: Connection,
    wire: Context,
}

impl Peer {
    async fn open(dir: &Path, address: SocketAddr) -> Result<Self, Fail> {
        let disk = schema::open(&dir.join("peer.db"), None)?;
        disk.execute_batch("CREATE TABLE record (seq INTEGER PRIMARY KEY, bytes BLOB)")?;
        Ok(Self { disk, wire: tcp::connect(address).await? })
    }

    /// Microseconds of one commit and two round trips: a write and a read.
    async fn once(&mut self) -> Result<f64, Fail> {
        let bytes = vec![b'x'; RECORD_BYTES];
        let begun = Instant::now();
        self.disk.prepare_cached("INSERT INTO record (bytes) VALUES (?1)")?.execute([bytes])?;
        self.wire.write_single_register(SPARE_REGISTER, 1).await??;
        self.wire.read_coils(0, 16).await??;
        Ok(begun.elapsed().as_secs_f64() * 1e6)
    }
}
