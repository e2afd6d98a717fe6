//! One connection to one Modbus TCP module.
//!
//! tokio-modbus 0.17 has neither time-outs nor reconnects, and after one time-out every later answer belongs to the request before it
//! (`HeaderMismatch` over TCP). So a connection is used only as long as every call on it was answered: the context is *taken out* for each
//! call and put back after an answer. An error, a time-out and a cancelled call all leave the link without a context, and the next call fails
//! with [`LinkError::Down`] until [`Link::connect`] made a new one. An exception code is an answer: it keeps the connection.

use super::Metrics;
use super::flash::{FLASH, FlashStream};
use std::io;
use std::time::Duration;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio_modbus::client::{Client, Context, Reader, Writer, tcp};
use tokio_modbus::{ExceptionCode, Request, Slave};

/// Why a call gave no value.
#[derive(Debug, Error)]
pub enum LinkError {
    /// No connection.
    #[error("not connected")]
    Down,
    /// Could not connect.
    #[error("cannot connect to {address}")]
    Connect {
        /// Where to.
        address: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// No answer in time: whether a write was done is unknown.
    #[error("no answer to {what} within {limit_ms} ms")]
    Timeout {
        /// Which call.
        what: &'static str,
        /// The limit.
        limit_ms: u64,
    },
    /// Something that must not wait has waited: the call is given up with its connection, and whether it was done is unknown.
    #[error("abandoned after {waited_ms} ms for a stop or the end of a movement")]
    Abandoned {
        /// So long it had waited.
        waited_ms: u64,
    },
    /// The connection broke or talked nonsense.
    #[error("{what} failed")]
    Transport {
        /// Which call.
        what: &'static str,
        /// Why.
        #[source]
        source: tokio_modbus::Error,
    },
    /// The module refused: an answer, the connection is good.
    #[error("the module answers {what} with exception {code}")]
    Exception {
        /// Which call.
        what: &'static str,
        /// The code.
        code: ExceptionCode,
    },
    /// Fewer values than asked for.
    #[error("{what} gave {got} values instead of {wanted}")]
    Short {
        /// Which call.
        what: &'static str,
        /// So many came.
        got: usize,
        /// So many were asked for.
        wanted: usize,
    },
}

/// A connection, or the lack of one.
pub struct Link {
    address: String,
    unit: u8,
    timeout_ms: u64,
    context: Option<Context>,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("address", &self.address).field("up", &self.is_up()).finish()
    }
}

impl Link {
    /// A link that is not connected yet. `address` is `host:port`.
    #[must_use]
    pub fn new(address: impl Into<String>, unit: u8, timeout_ms: u64) -> Self {
        Self { address: address.into(), unit, timeout_ms, context: None }
    }

    /// Is there a connection on which every call so far was answered?
    #[must_use]
    pub const fn is_up(&self) -> bool {
        self.context.is_some()
    }

    /// Makes a new connection; an old one is dropped first.
    ///
    /// # Errors
    /// [`LinkError::Connect`], [`LinkError::Timeout`].
    pub async fn connect(&mut self, metrics: &Metrics) -> Result<(), LinkError> {
        self.context = None;
        let limit = Duration::from_millis(self.timeout_ms);
        let connected = tokio::time::timeout(limit, TcpStream::connect(&self.address)).await;
        let stream = connected
            .map_err(|_| LinkError::Timeout { what: "connect", limit_ms: self.timeout_ms })?
            .map_err(|source| LinkError::Connect { address: self.address.clone(), source })?;
        let no_delay = stream.set_nodelay(true);
        no_delay.map_err(|source| LinkError::Connect { address: self.address.clone(), source })?;
        self.context = Some(tcp::attach_slave(FlashStream::new(stream), Slave(self.unit)));
        Metrics::count(&metrics.connects);
        Ok(())
    }

    /// Discrete inputs (function 2) or coils (function 1).
    ///
    /// # Errors
    /// All but [`LinkError::Connect`].
    pub async fn read_bits(&mut self, function: BitFunction, address: u16, count: u16, metrics: &Metrics) -> Result<Vec<bool>, LinkError> {
        let what = match function {
            BitFunction::Coils => "read coils",
            BitFunction::DiscreteInputs => "read discrete inputs",
        };
        let bits = self
            .call(what, metrics, async move |context| match function {
                BitFunction::Coils => context.read_coils(address, count).await,
                BitFunction::DiscreteInputs => context.read_discrete_inputs(address, count).await,
            })
            .await?;
        self.full(what, bits, count)
    }

    /// Holding registers (function 3).
    ///
    /// # Errors
    /// All but [`LinkError::Connect`].
    pub async fn read_registers(&mut self, address: u16, count: u16, metrics: &Metrics) -> Result<Vec<u16>, LinkError> {
        let what = "read holding registers";
        let words = self.call(what, metrics, async move |context| context.read_holding_registers(address, count).await).await?;
        self.full(what, words, count)
    }

    /// One coil (function 5).
    ///
    /// # Errors
    /// All but [`LinkError::Connect`] and [`LinkError::Short`].
    pub async fn write_coil(&mut self, address: u16, on: bool, metrics: &Metrics) -> Result<(), LinkError> {
        self.call("write coil", metrics, async move |context| context.write_single_coil(address, on).await).await?;
        Metrics::count(&metrics.writes);
        Ok(())
    }

    /// A coil on for `tenths` x 100 ms, timed by the module (function 5 with that value).
    ///
    /// # Errors
    /// All but [`LinkError::Connect`] and [`LinkError::Short`].
    pub async fn flash_coil(&mut self, address: u16, tenths: u16, metrics: &Metrics) -> Result<(), LinkError> {
        let [a, b] = address.to_be_bytes();
        let [c, d] = tenths.to_be_bytes();
        let request = Request::Custom(FLASH, vec![a, b, c, d].into());
        self.call("flash coil", metrics, async move |context| context.call(request).await).await?;
        Metrics::count(&metrics.writes);
        Ok(())
    }

    /// One holding register (function 6).
    ///
    /// # Errors
    /// All but [`LinkError::Connect`] and [`LinkError::Short`].
    pub async fn write_register(&mut self, address: u16, value: u16, metrics: &Metrics) -> Result<(), LinkError> {
        self.call("write register", metrics, async move |context| context.write_single_register(address, value).await).await?;
        Metrics::count(&metrics.writes);
        Ok(())
    }

    async fn call<T>(
        &mut self,
        what: &'static str,
        metrics: &Metrics,
        operation: impl AsyncFnOnce(&mut Context) -> tokio_modbus::Result<T>,
    ) -> Result<T, LinkError> {
        // Taken out: whoever cancels this future drops the connection with it.
        let mut context = self.context.take().ok_or(LinkError::Down)?;
        let limit = Duration::from_millis(self.timeout_ms);
        match tokio::time::timeout(limit, operation(&mut context)).await {
            Ok(Ok(Ok(value))) => {
                self.context = Some(context);
                Ok(value)
            }
            Ok(Ok(Err(code))) => {
                self.context = Some(context);
                Metrics::count(&metrics.exceptions);
                Err(LinkError::Exception { what, code })
            }
            Ok(Err(source)) => {
                Metrics::count(&metrics.link_errors);
                Err(LinkError::Transport { what, source })
            }
            Err(_) => {
                Metrics::count(&metrics.link_errors);
                Metrics::count(&metrics.timeouts);
                Err(LinkError::Timeout { what, limit_ms: self.timeout_ms })
            }
        }
    }

    fn full<T>(&mut self, what: &'static str, mut values: Vec<T>, count: u16) -> Result<Vec<T>, LinkError> {
        let wanted = usize::from(count);
        if values.len() < wanted {
            self.context = None;
            return Err(LinkError::Short { what, got: values.len(), wanted });
        }
        values.truncate(wanted);
        Ok(values)
    }

    /// Closes the connection in good order.
    pub async fn close(&mut self) {
        if let Some(mut context) = self.context.take() {
            let limit = Duration::from_millis(self.timeout_ms);
            // Whatever the module says to that, it is over.
            let _ = tokio::time::timeout(limit, context.disconnect()).await;
        }
    }
}

/// How input bits are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BitFunction {
    /// Function 1.
    Coils,
    /// Function 2.
    DiscreteInputs,
}
