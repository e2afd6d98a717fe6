//! Modbus TCP in front of a module, with every way a link can fail as a knob.
//!
//! Frame (Modbus messaging on TCP/IP): transaction u16, protocol u16 = 0, length u16 (unit and PDU, 2 to 254), unit u8, PDU. One task a
//! connection; a frame that breaks the layout ends its connection. Written against the layout and not against a library, so that a library on
//! the other side is checked by it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::shell::Shared;

const HEADER_BYTES: usize = 7;
const MAX_LENGTH: u16 = 254;

/// A listening module.
pub struct Server {
    pub address: SocketAddr,
    pub task: JoinHandle<()>,
}

/// Starts to serve module `index` of the shared lane.
pub async fn serve(shared: Shared, index: usize, listen: SocketAddr, max_connections: usize) -> std::io::Result<Server> {
    let listener = TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;
    let open = Arc::new(AtomicUsize::new(0));
    let task = tokio::spawn(async move {
        loop {
            let Ok((stream, peer)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            let refused = shared.module_knob(index, "power_cut") || shared.module_knob(index, "reset");
            if refused || open.load(Ordering::SeqCst) >= max_connections {
                reset(stream);
                continue;
            }
            let (shared, open) = (shared.clone(), open.clone());
            open.fetch_add(1, Ordering::SeqCst);
            tracing::debug!(module = index, %peer, "modbus client connected");
            tokio::spawn(async move {
                let link = Link { changes: shared.knob_changes(), shared, index, dead: false, held: None };
                link.run(stream).await;
                open.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
    Ok(Server { address, task })
}

fn reset(stream: TcpStream) {
    // A linger of zero makes the close a reset, as a device that lost its power answers.
    let _ = stream.set_zero_linger();
    drop(stream);
}

struct Link {
    shared: Shared,
    index: usize,
    changes: watch::Receiver<u64>,
    /// Half open: read and thrown away, for ever.
    dead: bool,
    /// The answer that waits for the next request.
    held: Option<Vec<u8>>,
}

/// What becomes of a connection after a request.
enum Next {
    Go,
    Reset,
    Close,
}

impl Link {
    async fn run(mut self, mut stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        loop {
            // Only the wait may be cancelled: a frame that has begun is read to its end.
            let readable = tokio::select! {
                ready = stream.readable() => match ready {
                    Ok(()) => true,
                    Err(_) => return,
                },
                changed = self.changes.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    false
                }
            };
            if self.knob("half_open") {
                self.dead = true;
            }
            if self.knob("reset") || self.knob("power_cut") {
                return reset(stream);
            }
            if !readable {
                continue;
            }
            let frame = match read_frame(&mut stream).await {
                Ok(Some(frame)) => frame,
                Ok(None) => continue,
                Err(_) => return,
            };
            match self.answer(&mut stream, frame).await {
                Next::Go => {}
                Next::Reset => return reset(stream),
                Next::Close => return,
            }
        }
    }

    fn knob(&self, name: &str) -> bool {
        self.shared.module_knob(self.index, name)
    }

    async fn answer(&mut self, stream: &mut TcpStream, frame: Frame) -> Next {
        while self.knob("freeze") && !self.dead {
            if self.changes.changed().await.is_err() {
                return Next::Close;
            }
            if self.knob("reset") || self.knob("power_cut") {
                return Next::Reset;
            }
        }
        if self.dead || self.knob("drop") {
            return Next::Go;
        }
        let pdu = match self.shared.module_value(self.index, "exception") {
            Some(code) => Some(vec![frame.pdu[0] | 0x80, code as u8]),
            None => self.shared.modbus_request(self.index, frame.unit, &frame.pdu),
        };
        let Some(mut pdu) = pdu else { return Next::Go };
        if let Some(delay_ms) = self.shared.module_value(self.index, "delay") {
            tokio::time::sleep(Duration::from_millis(delay_ms as u64)).await;
        }
        if self.knob("drop_answer") {
            return Next::Go;
        }
        if self.knob("swapped_bytes") {
            pdu[1..].chunks_exact_mut(2).for_each(|pair| pair.swap(0, 1));
        }
        let transaction = if self.knob("wrong_transaction") { frame.transaction.wrapping_add(1) } else { frame.transaction };
        let mut bytes = encode(transaction, frame.unit, &pdu);
        if self.knob("garbage") {
            bytes.iter_mut().enumerate().for_each(|(place, byte)| *byte = (place as u8).wrapping_mul(97) ^ 0xA5);
        }
        if self.knob("late") {
            match self.held.replace(bytes) {
                Some(older) => bytes = older,
                None => return Next::Go,
            }
        } else {
            self.held = None;
        }
        match stream.write_all(&bytes).await {
            Ok(()) => Next::Go,
            Err(_) => Next::Close,
        }
    }
}

struct Frame {
    transaction: u16,
    unit: u8,
    pdu: Vec<u8>,
}

/// Reads one frame; none where the stream was not readable after all.
async fn read_frame(stream: &mut TcpStream) -> std::io::Result<Option<Frame>> {
    let mut first = [0u8; HEADER_BYTES];
    let got = match stream.try_read(&mut first) {
        Ok(0) => return Err(std::io::ErrorKind::UnexpectedEof.into()),
        Ok(got) => got,
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(None),
        Err(error) => return Err(error),
    };
    read_rest(stream, first, got).await.map(Some)
}

async fn read_rest(stream: &mut TcpStream, mut header: [u8; HEADER_BYTES], got: usize) -> std::io::Result<Frame> {
    stream.read_exact(&mut header[got..]).await?;
    let word = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    let length = word(4);
    if word(2) != 0 || !(2..=MAX_LENGTH).contains(&length) {
        return Err(std::io::ErrorKind::InvalidData.into());
    }
    let mut pdu = vec![0u8; usize::from(length) - 1];
    stream.read_exact(&mut pdu).await?;
    Ok(Frame { transaction: word(0), unit: header[6], pdu })
}

fn encode(transaction: u16, unit: u8, pdu: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES + pdu.len());
    bytes.extend(transaction.to_be_bytes());
    bytes.extend(0u16.to_be_bytes());
    bytes.extend((pdu.len() as u16 + 1).to_be_bytes());
    bytes.push(unit);
    bytes.extend(pdu);
    bytes
}
