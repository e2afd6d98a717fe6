//! What the server counts.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Why {
    word: &'static str,
}

/// Counters of the screens' server. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct WebMetrics {
    refused: Family<Why, Counter>,
    logins: Family<Why, Counter>,
    stops: Counter,
}

impl WebMetrics {
    /// Shows them to `registry` as `web_refused`, `web_logins` (by word: `ok`, `login_failed`, `locked`, ...) and `web_stop_presses`.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("web_refused", "Requests that were refused, by word", self.refused.clone());
        registry.register("web_logins", "Logins, by how they ended", self.logins.clone());
        registry.register("web_stop_presses", "Presses of Stop at the screens", self.stops.clone());
    }

    pub(super) fn refused(&self, word: &'static str) {
        self.refused.get_or_create(&Why { word }).inc();
    }

    pub(super) fn login(&self, word: &'static str) {
        self.logins.get_or_create(&Why { word }).inc();
    }

    pub(super) fn stop(&self) {
        self.stops.inc();
    }
}
