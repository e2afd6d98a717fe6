//! The listening socket with its bounds: so many connections, and none that neither reads nor writes for long. A page that went away, a body that
//! never comes and a reader that stalls all end here; a live stream writes every half second and stays.
//!
//! When all places are taken, a new connection takes the place of the one that has been silent longest: whoever holds idle connections open cannot
//! keep Stop waiting.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Connections at a time. One that lost its place ends at its next turn: it is not counted.
pub const CONNECTIONS_MAX: usize = 64;
/// A connection that moves no byte for this long ends.
pub const IDLE_TIMEOUT_MS: u64 = 15_000;
const ACCEPT_RETRY_MS: u64 = 100;

/// A place that is taken.
struct Place {
    moved_at: Instant,
    evict: CancellationToken,
}

/// The places, by the order in which they were taken.
#[derive(Default)]
struct Places {
    taken: BTreeMap<u64, Place>,
    next: u64,
}

impl Places {
    /// Takes one; where there are `max` already, the longest silent connection loses its own.
    fn take(&mut self, max: usize, now: Instant) -> (u64, CancellationToken) {
        while self.taken.len() >= max.max(1) {
            let Some(silent) = self.taken.iter().min_by_key(|(_, place)| place.moved_at).map(|(key, _)| *key) else { break };
            if let Some(place) = self.taken.remove(&silent) {
                place.evict.cancel();
            }
        }
        let (key, evict) = (self.next, CancellationToken::new());
        self.next += 1;
        self.taken.insert(key, Place { moved_at: now, evict: evict.clone() });
        (key, evict)
    }
}

type Shared = Arc<Mutex<Places>>;

fn lock(places: &Shared) -> MutexGuard<'_, Places> {
    places.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) struct Bounded {
    listener: TcpListener,
    places: Shared,
    connections_max: usize,
    idle_timeout: Duration,
}

impl Bounded {
    pub(super) fn new(listener: TcpListener) -> Self {
        Self::with_bounds(listener, CONNECTIONS_MAX, Duration::from_millis(IDLE_TIMEOUT_MS))
    }

    fn with_bounds(listener: TcpListener, connections_max: usize, idle_timeout: Duration) -> Self {
        Self { listener, places: Shared::default(), connections_max, idle_timeout }
    }
}

impl axum::serve::Listener for Bounded {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, address)) => {
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%error, "a screen's connection keeps its delay");
                    }
                    let (key, evict) = lock(&self.places).take(self.connections_max, Instant::now());
                    let idle = Box::pin(tokio::time::sleep(self.idle_timeout));
                    let evicted = Box::pin(evict.cancelled_owned());
                    let places = self.places.clone();
                    return (Connection { stream, idle, idle_timeout: self.idle_timeout, evicted, key, places }, address);
                }
                Err(error) => {
                    tracing::warn!(%error, "a screen's connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(ACCEPT_RETRY_MS)).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// One connection with its deadline and its place.
pub(super) struct Connection {
    stream: TcpStream,
    idle: Pin<Box<Sleep>>,
    idle_timeout: Duration,
    evicted: Pin<Box<WaitForCancellationFutureOwned>>,
    key: u64,
    places: Shared,
}

impl Drop for Connection {
    fn drop(&mut self) {
        lock(&self.places).taken.remove(&self.key);
    }
}

impl Connection {
    /// Progress moves the deadline; waiting beyond it, or without a place, is an error.
    fn watch<T>(&mut self, cx: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            let now = Instant::now();
            self.idle.as_mut().reset(now + self.idle_timeout);
            if let Some(place) = lock(&self.places).taken.get_mut(&self.key) {
                place.moved_at = now;
            }
            return polled;
        }
        if self.evicted.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        self.idle.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.watch(cx, polled)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.watch(cx, polled)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.watch(cx, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::serve::Listener;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    const PATIENCE: Duration = Duration::from_secs(20);

    async fn read(connection: &mut Connection) -> io::Result<usize> {
        let mut buf = [0; 8];
        tokio::time::timeout(PATIENCE, connection.read(&mut buf)).await.unwrap()
    }

    #[tokio::test]
    async fn a_silent_connection_ends_and_its_place_is_free_again() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut bounded = Bounded::with_bounds(listener, 1, Duration::from_millis(50));
        let mut first = TcpStream::connect(address).await.unwrap();
        let (mut connection, _) = bounded.accept().await;
        first.write_all(b"x").await.unwrap();
        assert_eq!(read(&mut connection).await.unwrap(), 1);
        assert_eq!(read(&mut connection).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(connection);
        assert!(lock(&bounded.places).taken.is_empty());
    }

    /// Three places; the first connection spoke after the second: the second has been silent longest, and the fourth takes its place.
    #[tokio::test]
    async fn a_new_connection_takes_the_place_of_the_longest_silent_one() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut bounded = Bounded::with_bounds(listener, 3, Duration::from_secs(3600));
        let mut peers = Vec::new();
        let mut connections = Vec::new();
        for _ in 0..3 {
            peers.push(TcpStream::connect(address).await.unwrap());
            connections.push(bounded.accept().await.0);
        }
        peers[0].write_all(b"x").await.unwrap();
        assert_eq!(read(&mut connections[0]).await.unwrap(), 1);
        peers.push(TcpStream::connect(address).await.unwrap());
        connections.push(bounded.accept().await.0);
        assert_eq!(lock(&bounded.places).taken.len(), 3);
        assert_eq!(read(&mut connections[1]).await.unwrap_err().kind(), io::ErrorKind::ConnectionAborted);
        for stays in [0, 2, 3] {
            peers[stays].write_all(b"x").await.unwrap();
            assert_eq!(read(&mut connections[stays]).await.unwrap(), 1, "{stays}");
        }
    }
}
