//! Logs: to the journal with native fields (LANE, PASSAGE, FAULT, ...), to standard error where there is none.
//!
//! tracing's own bridge to `log` drops every structured field, so this layer collects an event's fields and hands them over natively. Send errors
//! are silent: the journal is never the audit trail; the ledger is.
//!
//! What the lane records is told here too, in sentences with fields, once it was handed to the store: [`tell`].
//!
//! | field | of | says |
//! |---|---|---|
//! | `LANE` | every line | the lane's name |
//! | `PASSAGE` | what belongs to a vehicle | `{ledger}-{seq}` |
//! | `FAULT` | a fault raised or cleared | its word; `PRIORITY` 3 (error) where it blocks, 4 (warning) where it holds or asks for a person |
//! | `PLATE`, `CAMERA` | a plate read | |
//! | `OUTCOME` | a verdict, an act | its word |
//! | `PERMIT`, `END` | a permit, a passage | `permit_text`; how it ended |
//! | `OFFICER`, `AGENCY`, `ACT`, `MODE` | a person's act, a mode | |

use lane_core::fault::Severity;
use lane_core::ids::PassageId;
use lane_core::record::{Record, What};
use lane_link::ids::{passage_text, permit_text};
use lane_link::record::Act;
use lane_link::words;
use serde::Serialize;
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

/// A word of the wire.
fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(serde_json::Value::Object(object)) => object.get("do").and_then(|word| word.as_str()).unwrap_or("unknown").to_owned(),
        Ok(_) | Err(_) => "unknown".to_owned(),
    }
}

/// Tells the journal what the lane recorded. Weighings, movements and the minute's watch are the ledger's alone.
pub fn tell(record: &Record) {
    let passage = record.passage.map_or_else(String::new, passage_text);
    match &record.what {
        What::PlateRead { camera, text, .. } => {
            tracing::info!(passage, plate = %text, camera = word(&words::Camera::from(*camera)), "a plate was read");
        }
        What::Verdict(verdict) => tracing::info!(passage, outcome = word(&words::Outcome::from(verdict.outcome)), "the lane judged"),
        What::PermitGranted { permit, by, .. } => {
            let officer = by.as_ref().map_or("", |by| by.id.0.as_str());
            tracing::info!(passage, permit = permit_text(permit.id), officer, "a permit was granted");
        }
        What::PermitEnded { permit, end } => {
            tracing::info!(passage, permit = permit_text(*permit), end = word(&words::PermitEnd::from(*end)), "a permit ended");
        }
        What::PassageEnded { end, .. } => tracing::info!(passage, end = word(&words::PassageEnd::from(*end)), "a passage ended"),
        What::Act { by, act, outcome, .. } => tracing::info!(
            passage,
            officer = by.id.0,
            agency = by.agency.0,
            act = word(&Act::from(act)),
            outcome = word(&words::ActOutcome::from(*outcome)),
            "a person acted"
        ),
        What::Mode { from, to, .. } => {
            tracing::warn!(mode = word(&words::Mode::from(*to)), from = word(&words::Mode::from(*from)), "the mode changed");
        }
        What::Fault { fault, raised } => {
            let told = word(&words::Fault::from(*fault));
            match (raised, fault.severity()) {
                (true, Severity::Block) => tracing::error!(passage, fault = told, "a fault was raised: the lane is blocked"),
                (true, Severity::Hold | Severity::Attend) => tracing::warn!(passage, fault = told, "a fault was raised"),
                (true, Severity::Notice) => tracing::info!(passage, fault = told, "a fault was raised"),
                (false, _) => tracing::info!(passage, fault = told, "a fault was cleared"),
            }
        }
        _ => {}
    }
}

/// Tells the journal that a passage has its name.
pub fn tell_opened(passage: PassageId) {
    tracing::info!(passage = passage_text(passage), "a passage began");
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
        let said = fields.others.iter().filter(|(_, value)| !value.is_empty());
        let pairs: Vec<(&str, &str)> = said.map(|(k, v)| (k.as_str(), v.as_str())).chain([lane]).collect();
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

#[cfg(test)]
mod tests;
