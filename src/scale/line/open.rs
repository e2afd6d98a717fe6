//! Opening a real line: a TCP connection or a serial port.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use rustix::net::sockopt;
use tokio::{
    io::{AsyncRead, ReadBuf},
    net::TcpStream,
};
use tokio_serial::{ClearBuffer, DataBits, SerialPort, SerialStream, StopBits};

use super::Open;
use crate::scale::endpoint::{Endpoint, Parity, SerialMode};

const KEEPALIVE_IDLE: Duration = Duration::from_secs(15);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
const KEEPALIVE_PROBES: u32 = 3;

pub(super) struct Opener {
    endpoint: Endpoint,
}

impl Opener {
    pub(super) fn new(endpoint: Endpoint) -> Opener {
        Opener { endpoint }
    }
}

impl Open for Opener {
    type Io = Opened;

    async fn open(&mut self) -> io::Result<Opened> {
        match &self.endpoint {
            Endpoint::Tcp { host, port } => {
                let stream = TcpStream::connect((host.as_str(), *port)).await?;
                sockopt::set_socket_keepalive(&stream, true)?;
                sockopt::set_tcp_keepidle(&stream, KEEPALIVE_IDLE)?;
                sockopt::set_tcp_keepintvl(&stream, KEEPALIVE_INTERVAL)?;
                sockopt::set_tcp_keepcnt(&stream, KEEPALIVE_PROBES)?;
                Ok(Opened::Tcp(stream))
            }
            Endpoint::Serial { device, mode } => open_serial(device, mode).map(Opened::Serial),
        }
    }
}

/// The port is taken exclusively; input from before is discarded, for it is not of now.
fn open_serial(device: &str, mode: &SerialMode) -> io::Result<SerialStream> {
    let builder = tokio_serial::new(device, mode.baud_bps)
        .data_bits(if mode.data_bits == 7 { DataBits::Seven } else { DataBits::Eight })
        .stop_bits(if mode.stop_bits == 2 { StopBits::Two } else { StopBits::One })
        .parity(match mode.parity {
            Parity::None => tokio_serial::Parity::None,
            Parity::Even => tokio_serial::Parity::Even,
            Parity::Odd => tokio_serial::Parity::Odd,
        });
    let stream = SerialStream::open(&builder)?;
    stream.clear(ClearBuffer::Input)?;
    Ok(stream)
}

pub(super) enum Opened {
    Tcp(TcpStream),
    Serial(SerialStream),
}

impl AsyncRead for Opened {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Opened::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Opened::Serial(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}
