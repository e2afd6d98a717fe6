//! The I/O module: a Modbus TCP server on a thread of its own that notes when it sees the write that raises the boom.

use crate::figure::Fail;
use borderlane::barrier::Profile;
use lane_core::signal::{Output, Signal};
use std::collections::HashMap;
use std::future::{Ready, ready};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::net::TcpListener;
use tokio_modbus::server::Service;
use tokio_modbus::server::tcp::Server;
use tokio_modbus::{ExceptionCode, Request, Response};

#[derive(Debug, Default)]
struct Board {
    inputs: HashMap<u16, bool>,
    coils: HashMap<u16, bool>,
    registers: HashMap<u16, u16>,
    /// The coil whose write raises the boom.
    opening_coil: u16,
    opened: Option<Instant>,
}

impl Board {
    fn answer(&mut self, request: Request<'static>) -> Result<Response, ExceptionCode> {
        let bits = |from: &HashMap<u16, bool>, first: u16, count: u16| -> Vec<bool> {
            (0..count).map(|nth| from.get(&first.wrapping_add(nth)).copied().unwrap_or(false)).collect()
        };
        Ok(match request {
            Request::ReadDiscreteInputs(first, count) => Response::ReadDiscreteInputs(bits(&self.inputs, first, count)),
            Request::ReadCoils(first, count) => Response::ReadCoils(bits(&self.coils, first, count)),
            Request::ReadHoldingRegisters(first, count) => Response::ReadHoldingRegisters(
                (0..count).map(|nth| self.registers.get(&first.wrapping_add(nth)).copied().unwrap_or(0)).collect(),
            ),
            Request::WriteSingleCoil(address, on) => {
                if on && address == self.opening_coil {
                    self.opened.get_or_insert_with(Instant::now);
                }
                self.coils.insert(address, on);
                Response::WriteSingleCoil(address, on)
            }
            Request::WriteSingleRegister(address, value) => {
                self.registers.insert(address, value);
                Response::WriteSingleRegister(address, value)
            }
            _ => return Err(ExceptionCode::IllegalFunction),
        })
    }
}

/// A handle on the module.
#[derive(Clone)]
pub struct Device {
    board: Arc<Mutex<Board>>,
    profile: Arc<Profile>,
    address: SocketAddr,
}

impl Device {
    /// A module as the profile describes it, at rest: boom down, nobody there, its watchdog reading armed.
    pub fn start(profile: &Profile) -> Result<Self, Fail> {
        let open = profile.wires.iter().find(|wire| wire.output == Output::Open).ok_or("the profile wires no open")?;
        let first = profile.pulse.map_or(profile.output_address, |pulse| pulse.address);
        // Status of the watchdog block: 1 = on.
        let board = Board { registers: HashMap::from([(0x1006, 1)]), opening_coil: first + open.point, ..Board::default() };
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let device = Self { board: Arc::new(Mutex::new(board)), profile: Arc::new(profile.clone()), address };
        for signal in Signal::ALL {
            device.set(signal, signal == Signal::BoomDown);
        }
        let served = device.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new().name("device".into()).spawn(move || runtime.block_on(served.serve(listener)))?;
        Ok(device)
    }

    async fn serve(self, listener: std::net::TcpListener) {
        let Ok(listener) = TcpListener::from_std(listener) else { return };
        let connected = |stream: tokio::net::TcpStream, _| {
            let device = self.clone();
            async move {
                stream.set_nodelay(true)?;
                io::Result::Ok(Some((device, stream)))
            }
        };
        let _ = Server::new(listener).serve(&connected, |_| {}).await;
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What a sensor says.
    pub fn set(&self, signal: Signal, active: bool) {
        for wire in self.profile.signals.iter().filter(|wire| wire.signal == signal) {
            let bit = wire.normally.flip(active);
            self.lock().inputs.insert(self.profile.input_address + wire.point, bit);
        }
    }

    /// When the write came that raises the boom.
    pub fn opened(&self) -> Option<Instant> {
        self.lock().opened
    }

    /// The next such write is the one that counts.
    pub fn forget_opening(&self) {
        self.lock().opened = None;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service for Device {
    type Request = Request<'static>;
    type Response = Response;
    type Exception = ExceptionCode;
    type Future = Ready<Result<Response, ExceptionCode>>;

    fn call(&self, request: Self::Request) -> Self::Future {
        ready(self.lock().answer(request))
    }
}
