//! Logs: to the journal with native fields (LANE, PASSAGE, FAULT, ...), to standard error where there is none.
//!
//! tracing's own bridge to `log` drops every structured field, so this layer collects an event's fields and hands them over natively. Send errors
//! are silent: the journal is never the audit trail; the ledger is.

use std::fmt::Write as _;
use systemd_journal_logger::{JournalLog, connected_to_journal};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

/// Starts logging. A bad filter falls back to `info` and says so.
pub fn start(filter: &str, lane: &str) {
    let (chosen, bad) = match EnvFilter::try_new(filter) {
        Ok(chosen) => (chosen, None),
        Err(error) => (EnvFilter::new("info"), Some(error.to_string())),
    };
    let journal = if connected_to_journal() { JournalLog::new().ok() } else { None };
    let started = match journal {
        Some(journal) => tracing_subscriber::registry().with(chosen).with(Native { journal, lane: lane.to_owned() }).try_init(),
        None => tracing_subscriber::registry()
            .with(chosen)
            .with(tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false))
            .try_init(),
    };
    if started.is_ok()
        && let Some(error) = bad
    {
        tracing::warn!(filter, error, "the log filter is not one: info is used");
    }
}

struct Native {
    journal: JournalLog,
    lane: String,
}

impl<S: Subscriber> Layer<S> for Native {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let level = match *event.metadata().level() {
            Level::ERROR => log::Level::Error,
            Level::WARN => log::Level::Warn,
            Level::INFO => log::Level::Info,
            Level::DEBUG => log::Level::Debug,
            Level::TRACE => log::Level::Trace,
        };
        let lane = ("LANE", self.lane.as_str());
        let pairs: Vec<(&str, &str)> = fields.others.iter().map(|(k, v)| (k.as_str(), v.as_str())).chain([lane]).collect();
        let _ = self.journal.journal_send(
            &log::Record::builder()
                .args(format_args!("{}", fields.message))
                .level(level)
                .target(event.metadata().target())
                .key_values(&pairs)
                .build(),
        );
    }
}

/// An event's fields as text.
#[derive(Debug, Default)]
struct Fields {
    message: String,
    others: Vec<(String, String)>,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            let _ = write!(self.message, "{value:?}");
        } else {
            self.others.push((field.name().to_uppercase(), format!("{value:?}")));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.message.push_str(value);
        } else {
            self.others.push((field.name().to_uppercase(), value.to_owned()));
        }
    }
}
