//! Function 5 with a value that is no coil state.
//!
//! Waveshare's relays take "on for n x 100 ms" as function 5 with n as its value. tokio-modbus 0.17 can neither send nor read such a frame (a coil is
//! 0xFF00 or 0x0000 to it). [`FlashStream`] lies under it and translates: function [`FLASH`] goes out as 5, and the answer to it (also an
//! exception) comes back as [`FLASH`]. One request is under way at a time, so an answer begins where the first byte after a request is read.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// The private function code that stands for function 5 with a free value.
pub const FLASH: u8 = 0x45;
const WRITE_COIL: u8 = 0x05;
const EXCEPTION: u8 = 0x80;
/// Where the function code stands in a Modbus TCP frame.
const FUNCTION_AT: usize = 7;

/// A TCP stream that translates [`FLASH`].
#[derive(Debug)]
pub struct FlashStream {
    stream: TcpStream,
    written: usize,
    read: usize,
    answering: bool,
    flashing: bool,
}

impl FlashStream {
    /// Over a connection.
    #[must_use]
    pub const fn new(stream: TcpStream) -> Self {
        Self { stream, written: 0, read: 0, answering: true, flashing: false }
    }
}

impl AsyncWrite for FlashStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.answering {
            (self.written, self.read, self.answering, self.flashing) = (0, 0, false, false);
        }
        let at = FUNCTION_AT.checked_sub(self.written).filter(|at| bytes.get(*at) == Some(&FLASH));
        let sent = match at {
            Some(at) => {
                let mut translated = bytes.to_vec();
                translated[at] = WRITE_COIL;
                let sent = ready!(Pin::new(&mut self.stream).poll_write(cx, &translated))?;
                self.flashing |= sent > at;
                sent
            }
            None => ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?,
        };
        self.written += sent;
        Poll::Ready(Ok(sent))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl AsyncRead for FlashStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let fresh = &mut buffer.filled_mut()[before..];
        if fresh.is_empty() {
            return Poll::Ready(Ok(()));
        }
        if self.flashing
            && let Some(function) = FUNCTION_AT.checked_sub(self.read).and_then(|at| fresh.get_mut(at))
            && *function & !EXCEPTION == WRITE_COIL
        {
            *function = FLASH | (*function & EXCEPTION);
        }
        self.read += fresh.len();
        self.answering = true;
        Poll::Ready(Ok(()))
    }
}
