//! Counters of the daemon in Prometheus' text format.

use crate::store::Store;
use crate::web::WebMetrics;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// The metrics now.
#[must_use]
pub fn text(store: &Store, web: &WebMetrics) -> String {
    let mut registry = Registry::with_prefix("borderlane");
    web.register(&mut registry);
    let now = store.metrics();
    let levels: [(&str, &str, u64); 9] = [
        ("ledger_last_seq", "Last record of the ledger", now.last_seq),
        ("ledger_acknowledged_seq", "Last record that the centre acknowledged", now.acknowledged_seq),
        ("ledger_backlog_records", "Records kept in memory for the disk", now.backlog),
        ("ledger_lost_records", "Records lost", now.records_lost),
        ("store_commits", "Commits", now.commits),
        ("store_commit_max_us", "Longest commit", now.commit_max_us),
        ("evidence_bytes", "Pictures kept", now.evidence_bytes),
        ("replica_rows_quarantined", "Rows of the collections that are not understood", now.quarantined),
        ("disk_free_bytes", "Free disk", now.free_bytes),
    ];
    for (name, help, value) in levels {
        let gauge: Gauge = Gauge::default();
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        registry.register(name, help, gauge);
    }
    let mut text = String::new();
    if encode(&mut text, &registry).is_err() {
        text.clear();
    }
    text
}
