//! One MQTT 5 link, for ever: the client library's connection is thrown away at the first doubt, and a new one is made.
//!
//! ```text
//!              ┌── backoff with jitter ◀── error, timeout, refusal, silence for 2 × keep-alive ──┐
//!              ▼                                                                                │
//!   Down ─▶ connect (clean_start = false) ─▶ subscribe ─▶ subscribe-ack ─▶ Up ─▶ publish, receive ┘
//! ```
//! What the library does not do, and this does (each measured, see the tests `tests/link_*.rs`):
//! * A publish that returns Ok is only queued. Here a message is *sent* when its PUBACK says success, and what was not is given back as lost
//!   by [`LinkEvent::Down`]: the caller sends it again from its own store.
//! * `poll` can hang for ever under a frozen peer. It runs in a task of its own under a deadline of two keep-alives; the task is aborted.
//! * A packet over the peer's maximum would reconnect for ever. Sizes are checked before ([`LinkEvent::TooLarge`]), and the own maximum is
//!   announced, so that the broker keeps larger ones away.
//! * A PUBACK with an error reason is told ([`LinkEvent::Refused`]).
//! * The library's request queue is never waited for from the task that polls: [`LinkSender::publish`] does not block either.
//! * Subscriptions keep the retain flag as published, so that a retained command is seen to be one.
//!
//! QoS 2 is not used.

use bytes::Bytes;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Filter, LastWill, Packet, PubAckReason, SubscribeReasonCode};
use rumqttc::v5::{AsyncClient, Event, MqttOptions};
use rumqttc::{Outgoing as Sent, TlsConfiguration, Transport};
use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

/// The library refuses shorter keep-alives.
pub const MIN_KEEP_ALIVE_S: u16 = 5;
/// Messages waiting for a place in the window.
pub const QUEUE_MAX_MESSAGES: usize = 256;
const EVENTS_MAX: usize = 256;
const PUBLISH_OVERHEAD_BYTES: usize = 16;

/// TLS with the site's own authority, and this client's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// PEM of the authority that signed the broker's certificate.
    pub ca_pem: PathBuf,
    /// PEM of the client's certificate chain.
    pub cert_pem: Option<PathBuf>,
    /// PEM (PKCS #8) of the client's private key.
    pub key_pem: Option<PathBuf>,
}

/// A message the broker publishes when this client dies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Will {
    /// Topic.
    pub topic: String,
    /// Payload; retained.
    pub payload: Vec<u8>,
}

/// How to connect.
#[derive(Debug, Clone)]
pub struct LinkSettings {
    /// Broker's host name or address.
    pub host: String,
    /// Broker's port.
    pub port: u16,
    /// Unique at the broker, and the same after a restart: the broker keeps the session.
    pub client_id: String,
    /// User and password, where the broker wants them.
    pub login: Option<(String, String)>,
    /// TLS; `None`: plain TCP, for tests and demonstrations on one machine.
    pub tls: Option<TlsFiles>,
    /// At least [`MIN_KEEP_ALIVE_S`]. A dead peer is noticed within two of them.
    pub keep_alive_s: u16,
    /// Largest packet, both ways.
    pub max_packet_bytes: u32,
    /// Messages on their way without a PUBACK; 64 costs 24 KiB.
    pub window_messages: u16,
    /// How long the broker keeps the session of an absent client.
    pub session_expiry_s: u32,
    /// Shortest wait before the next attempt.
    pub backoff_min_ms: u64,
    /// Longest wait before the next attempt.
    pub backoff_max_ms: u64,
    /// Published by the broker when this client dies.
    pub will: Option<Will>,
    /// Topic filters.
    pub subscriptions: Vec<String>,
}

impl LinkSettings {
    /// Plain TCP with the defaults of the design.
    #[must_use]
    pub fn plain(host: &str, port: u16, client_id: &str) -> Self {
        Self {
            host: host.to_owned(),
            port,
            client_id: client_id.to_owned(),
            login: None,
            tls: None,
            keep_alive_s: MIN_KEEP_ALIVE_S,
            max_packet_bytes: 1 << 20,
            window_messages: 64,
            session_expiry_s: 3_600,
            backoff_min_ms: 250,
            backoff_max_ms: 5_000,
            will: None,
            subscriptions: Vec::new(),
        }
    }
}

/// One message to send.
#[derive(Debug, Clone)]
pub struct Message {
    /// The caller's name for it, given back in events.
    pub token: u64,
    /// Topic.
    pub topic: String,
    /// Payload.
    pub payload: Bytes,
    /// `true`: at least once. `false`: at most once.
    pub acknowledged: bool,
    /// The broker keeps it for later subscribers.
    pub retain: bool,
}

/// What the link tells.
#[derive(Debug, Clone)]
pub enum LinkEvent {
    /// Connected and subscribed.
    Up {
        /// Largest payload plus topic that the broker takes.
        max_message_bytes: usize,
    },
    /// Not connected (any longer): every message without [`LinkEvent::Sent`] is lost.
    Down {
        /// Why.
        reason: String,
    },
    /// A message arrived.
    Received {
        /// Topic.
        topic: String,
        /// Payload.
        payload: Bytes,
        /// It was published as retained.
        retained: bool,
    },
    /// The broker has it.
    Sent {
        /// Which.
        token: u64,
    },
    /// The broker does not take it.
    Refused {
        /// Which.
        token: u64,
        /// Why.
        reason: String,
    },
    /// It is larger than the broker takes: it was not sent, and never will be as it is.
    TooLarge {
        /// Which.
        token: u64,
        /// Topic and payload.
        bytes: usize,
        /// The most there may be.
        max_bytes: usize,
    },
}

/// Why a message was not queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// [`QUEUE_MAX_MESSAGES`] are waiting.
    #[error("{QUEUE_MAX_MESSAGES} messages are waiting")]
    Full,
    /// The link has ended.
    #[error("the link has ended")]
    Ended,
}

/// Why the link cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// A setting is out of range.
    #[error("{setting} must be {must}")]
    Setting {
        /// Which.
        setting: &'static str,
        /// What it must be.
        must: &'static str,
    },
    /// A file of the TLS settings.
    #[error("{}: {source}", path.display())]
    TlsFile {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The contents of the TLS files.
    #[error("TLS: {0}")]
    Tls(#[from] native_tls::Error),
}

/// Queues messages; cheap to clone.
#[derive(Debug, Clone)]
pub struct LinkSender {
    queue: mpsc::Sender<Message>,
}

impl LinkSender {
    /// Queues a message without waiting. It is sent when there is a connection, and dropped with [`LinkEvent::Down`] when that ends.
    ///
    /// # Errors
    /// [`PublishError`].
    pub fn publish(&self, message: Message) -> Result<(), PublishError> {
        self.queue.try_send(message).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => PublishError::Full,
            mpsc::error::TrySendError::Closed(_) => PublishError::Ended,
        })
    }
}

/// A running link. Dropping it ends it.
#[derive(Debug)]
pub struct Link {
    /// Events, in order.
    pub events: mpsc::Receiver<LinkEvent>,
    /// The sending end.
    pub sender: LinkSender,
    task: JoinHandle<()>,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Begins a link: it connects and reconnects until dropped.
///
/// # Errors
/// [`LinkError`] for settings that can never work.
pub fn begin(settings: LinkSettings) -> Result<Link, LinkError> {
    if settings.keep_alive_s < MIN_KEEP_ALIVE_S {
        return Err(LinkError::Setting { setting: "keep_alive_s", must: "at least 5" });
    }
    if !(4..=1024).contains(&settings.window_messages) {
        return Err(LinkError::Setting { setting: "window_messages", must: "4 to 1024" });
    }
    if settings.backoff_min_ms == 0 || settings.backoff_min_ms > settings.backoff_max_ms {
        return Err(LinkError::Setting { setting: "backoff_min_ms", must: "1 to backoff_max_ms" });
    }
    options(&settings)?;
    let (queue, requests) = mpsc::channel(QUEUE_MAX_MESSAGES);
    let (events_out, events) = mpsc::channel(EVENTS_MAX);
    let task = tokio::spawn(for_ever(settings, requests, events_out));
    Ok(Link { events, sender: LinkSender { queue }, task })
}

fn read(path: &PathBuf) -> Result<Vec<u8>, LinkError> {
    std::fs::read(path).map_err(|source| LinkError::TlsFile { path: path.clone(), source })
}

fn options(settings: &LinkSettings) -> Result<MqttOptions, LinkError> {
    let mut options = MqttOptions::new(&settings.client_id, &settings.host, settings.port);
    options.set_keep_alive(Duration::from_secs(settings.keep_alive_s.into()));
    options.set_connection_timeout(settings.keep_alive_s.into());
    options.set_clean_start(false);
    options.set_session_expiry_interval(Some(settings.session_expiry_s));
    options.set_max_packet_size(Some(settings.max_packet_bytes));
    options.set_receive_maximum(Some(settings.window_messages));
    options.set_outgoing_inflight_upper_limit(settings.window_messages);
    if let Some((user, password)) = &settings.login {
        options.set_credentials(user, password);
    }
    if let Some(will) = &settings.will {
        options.set_last_will(LastWill::new(&will.topic, will.payload.clone(), QoS::AtLeastOnce, true, None));
    }
    if let Some(files) = &settings.tls {
        let mut connector = native_tls::TlsConnector::builder();
        connector.disable_built_in_roots(true);
        connector.min_protocol_version(Some(native_tls::Protocol::Tlsv12));
        connector.add_root_certificate(native_tls::Certificate::from_pem(&read(&files.ca_pem)?)?);
        if let (Some(cert), Some(key)) = (&files.cert_pem, &files.key_pem) {
            connector.identity(native_tls::Identity::from_pkcs8(&read(cert)?, &read(key)?)?);
        }
        options.set_transport(Transport::Tls(TlsConfiguration::NativeConnector(connector.build()?)));
    }
    Ok(options)
}

async fn for_ever(settings: LinkSettings, mut requests: mpsc::Receiver<Message>, events: mpsc::Sender<LinkEvent>) {
    let mut backoff_ms = settings.backoff_min_ms;
    let mut told = false;
    loop {
        let began = Instant::now();
        let mut session = Session::new(&settings, &mut requests, &events);
        let reason = session.run().await;
        let was_up = session.up;
        drop(session);
        if events.is_closed() {
            return;
        }
        if was_up {
            backoff_ms = settings.backoff_min_ms;
        }
        if was_up || !told {
            told = true;
            let hung_up =
                !was_up && settings.tls.is_some() && ["reset by peer", "closed", "alert", "EOF"].iter().any(|w| reason.contains(w));
            // With TLS 1.3 a client whose certificate is refused hears no more than that.
            let hint = if hung_up { "; the broker hung up at once: it may not believe our certificate, and its log says why" } else { "" };
            if events.send(LinkEvent::Down { reason: reason + hint }).await.is_err() {
                return;
            }
        }
        // What was queued for the connection that ended is lost with it: its owners were told.
        while requests.try_recv().is_ok() {}
        let wait_ms = jittered(backoff_ms);
        tokio::time::sleep_until(began + Duration::from_millis(wait_ms)).await;
        tokio::time::sleep(Duration::from_millis(settings.backoff_min_ms.min(wait_ms))).await;
        backoff_ms = backoff_ms.saturating_mul(2).min(settings.backoff_max_ms);
    }
}

/// Half to all of `ms`.
fn jittered(ms: u64) -> u64 {
    let random = getrandom::u32().unwrap_or(u32::MAX);
    let half = ms / 2;
    half + (half * u64::from(random)) / u64::from(u32::MAX)
}

struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Session<'a> {
    settings: &'a LinkSettings,
    requests: &'a mut mpsc::Receiver<Message>,
    events: &'a mpsc::Sender<LinkEvent>,
    up: bool,
    max_message_bytes: usize,
    limit: usize,
    /// Given to the library, not yet given a packet id: in order.
    waiting: VecDeque<u64>,
    /// By packet id, until the PUBACK.
    in_flight: HashMap<u16, u64>,
}

/// Why a session ended; the text is for the log.
type Ended = String;

impl<'a> Session<'a> {
    fn new(settings: &'a LinkSettings, requests: &'a mut mpsc::Receiver<Message>, events: &'a mpsc::Sender<LinkEvent>) -> Self {
        let limit = usize::from(settings.window_messages) - 2;
        let max_message_bytes = (settings.max_packet_bytes as usize).saturating_sub(PUBLISH_OVERHEAD_BYTES);
        let (waiting, in_flight) = (VecDeque::new(), HashMap::new());
        Self { settings, requests, events, up: false, max_message_bytes, limit, waiting, in_flight }
    }

    async fn run(&mut self) -> Ended {
        let options = match options(self.settings) {
            Ok(options) => options,
            Err(error) => return error.to_string(),
        };
        // Twice the window: what the window admits always fits, so that nothing here ever waits for the library.
        let (client, mut library) = AsyncClient::new(options, 2 * usize::from(self.settings.window_messages) + 8);
        let silence = Duration::from_secs(2 * u64::from(self.settings.keep_alive_s));
        let (polled_out, mut polled) = mpsc::channel(EVENTS_MAX);
        // Ends with this session in every way it can end, also when the whole link is dropped: a library left alone would go on
        // acknowledging what nobody reads.
        let _poller = AbortOnDrop(tokio::spawn(async move {
            loop {
                let polled = match timeout(silence, library.poll()).await {
                    Ok(Ok(event)) => Ok(event),
                    Ok(Err(error)) => Err(error.to_string()),
                    Err(_) => Err(format!("silence for {} s", silence.as_secs())),
                };
                let ends = polled.is_err();
                if polled_out.send(polled).await.is_err() || ends {
                    return;
                }
            }
        }));
        self.turn(&client, &mut polled, silence).await
    }

    async fn turn(&mut self, client: &AsyncClient, polled: &mut mpsc::Receiver<Result<Event, String>>, silence: Duration) -> Ended {
        let begun = Instant::now();
        loop {
            let room = self.up && self.waiting.len() + self.in_flight.len() < self.limit;
            tokio::select! {
                event = polled.recv() => {
                    let step = match event {
                        Some(Ok(event)) => self.library_event(client, event).await,
                        Some(Err(reason)) => Err(reason),
                        None => Err("the library's task ended".to_owned()),
                    };
                    if let Err(reason) = step {
                        return reason;
                    }
                }
                message = self.requests.recv(), if room => match message {
                    Some(message) => {
                        if let Err(reason) = self.publish(client, message).await {
                            return reason;
                        }
                    }
                    None => return "the owner ended it".to_owned(),
                },
                () = tokio::time::sleep_until(begun + silence), if !self.up => return "not connected and subscribed in time".to_owned(),
            }
        }
    }

    async fn tell(&self, event: LinkEvent) -> Result<(), Ended> {
        self.events.send(event).await.map_err(|_| "the owner ended it".to_owned())
    }

    async fn publish(&mut self, client: &AsyncClient, message: Message) -> Result<(), Ended> {
        let Message { token, topic, payload, acknowledged, retain } = message;
        let bytes = topic.len() + payload.len();
        if bytes > self.max_message_bytes {
            return self.tell(LinkEvent::TooLarge { token, bytes, max_bytes: self.max_message_bytes }).await;
        }
        let qos = if acknowledged { QoS::AtLeastOnce } else { QoS::AtMostOnce };
        client.try_publish(topic, qos, retain, payload).map_err(|error| format!("publish: {error}"))?;
        self.waiting.push_back(token);
        Ok(())
    }

    async fn library_event(&mut self, client: &AsyncClient, event: Event) -> Result<(), Ended> {
        match event {
            Event::Incoming(Packet::ConnAck(connack)) => {
                let (max, receive) = connack.properties.map_or((None, None), |p| (p.max_packet_size, p.receive_max));
                if let Some(max) = max {
                    self.max_message_bytes = self.max_message_bytes.min((max as usize).saturating_sub(PUBLISH_OVERHEAD_BYTES));
                }
                if let Some(receive) = receive {
                    self.limit = self.limit.min(usize::from(receive).saturating_sub(2)).max(1);
                }
                if self.settings.subscriptions.is_empty() {
                    return self.now_up().await;
                }
                let filters = self
                    .settings
                    .subscriptions
                    .iter()
                    .map(|path| Filter { preserve_retain: true, ..Filter::new(path.clone(), QoS::AtLeastOnce) });
                client.try_subscribe_many(filters).map_err(|error| format!("subscribe: {error}"))
            }
            Event::Incoming(Packet::SubAck(suback)) => {
                let refused = suback.return_codes.iter().position(|code| !matches!(code, SubscribeReasonCode::Success(_)));
                match refused {
                    Some(at) => Err(format!("subscription {:?} refused", self.settings.subscriptions.get(at))),
                    None => self.now_up().await,
                }
            }
            Event::Incoming(Packet::Publish(publish)) => {
                let topic = String::from_utf8_lossy(&publish.topic).into_owned();
                self.tell(LinkEvent::Received { topic, payload: publish.payload, retained: publish.retain }).await
            }
            Event::Incoming(Packet::PubAck(puback)) => {
                let Some(token) = self.in_flight.remove(&puback.pkid) else { return Ok(()) };
                match puback.reason {
                    PubAckReason::Success | PubAckReason::NoMatchingSubscribers => self.tell(LinkEvent::Sent { token }).await,
                    reason => self.tell(LinkEvent::Refused { token, reason: format!("{reason:?}") }).await,
                }
            }
            Event::Outgoing(Sent::Publish(packet_id)) => {
                let token = self.waiting.pop_front().ok_or_else(|| "a publish nobody asked for".to_owned())?;
                if packet_id == 0 {
                    return self.tell(LinkEvent::Sent { token }).await;
                }
                match self.in_flight.insert(packet_id, token) {
                    Some(_) => Err("a packet id was used twice".to_owned()),
                    None => Ok(()),
                }
            }
            // The library would wait for one particular acknowledgement, and can wedge on it.
            Event::Outgoing(Sent::AwaitAck(_)) => Err("packet ids collided".to_owned()),
            _ => Ok(()),
        }
    }

    async fn now_up(&mut self) -> Result<(), Ended> {
        self.up = true;
        self.tell(LinkEvent::Up { max_message_bytes: self.max_message_bytes }).await
    }
}
