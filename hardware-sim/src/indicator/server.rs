//! The indicator's serial line as a TCP server (a serial-to-network box in raw mode): every client gets the stream of frames, in real time
//! whatever the simulation's speed. What clients send is read and thrown away.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::{LineFaults, encode, spoil};
use crate::config::ScaleLine;
use crate::shell::Shared;

/// Clients served at once, as such boxes do at most.
const MAX_CLIENTS: usize = 4;
const WRITE_TIMEOUT: Duration = Duration::from_secs(2);

/// Starts the line.
pub async fn serve(shared: Shared, line: ScaleLine) -> std::io::Result<(SocketAddr, JoinHandle<()>)> {
    let listener = TcpListener::bind(line.listen).await?;
    let address = listener.local_addr()?;
    let clients = Arc::new(AtomicUsize::new(0));
    let task = tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            if shared.knob("scale_refuse") || clients.load(Ordering::SeqCst) >= MAX_CLIENTS {
                continue;
            }
            let (shared, line, clients) = (shared.clone(), line.clone(), clients.clone());
            clients.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                stream_frames(shared, line, stream).await;
                clients.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
    Ok((address, task))
}

async fn stream_frames(shared: Shared, line: ScaleLine, mut stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let mut pace = tokio::time::interval(Duration::from_secs_f64(1.0 / line.rate_hz));
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut last = Vec::new();
    let mut swallow = [0u8; 256];
    for count in 1u64.. {
        pace.tick().await;
        if shared.knob("scale_refuse") {
            return;
        }
        if let Ok(0) = stream.try_read(&mut swallow) {
            return;
        }
        if shared.knob("scale_silent") {
            continue;
        }
        let faults = LineFaults {
            bad_checksum: shared.knob("scale_bad_checksum"),
            swapped_digits: shared.knob("scale_swapped_digits"),
            garbage: shared.knob("scale_garbage"),
            dtu_prefix: shared.knob("scale_dtu_prefix"),
        };
        if last.is_empty() || !shared.knob("scale_frozen") {
            let (display, division_kg) = shared.display();
            last = spoil(line.protocol, encode(line.protocol, &display, division_kg), &faults, count);
        }
        match tokio::time::timeout(WRITE_TIMEOUT, stream.write_all(&last)).await {
            Ok(Ok(())) => {}
            _ => return,
        }
        if shared.knob("scale_drop") {
            return;
        }
    }
}
