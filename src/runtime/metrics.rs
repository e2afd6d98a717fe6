//! Counters of the daemon in Prometheus' text format.

use crate::barrier;
use crate::camera::CameraCounters;
use crate::store::Store;
use crate::web::WebMetrics;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What the devices' sides count.
#[derive(Clone)]
pub struct DeviceCounters {
    /// Modules and interlock.
    pub barrier: Arc<barrier::Metrics>,
    /// Front and rear, where there is one.
    pub cameras: [Option<Arc<CameraCounters>>; 2],
}

/// All that is counted outside the store.
#[derive(Clone)]
pub struct Counters {
    /// The screens.
    pub web: WebMetrics,
    /// The devices.
    pub devices: DeviceCounters,
}

/// The metrics now.
#[must_use]
pub fn text(store: &Store, counters: &Counters) -> String {
    let mut registry = Registry::with_prefix("borderlane");
    counters.web.register(&mut registry);
    register_devices(&mut registry, &counters.devices);
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

fn register_devices(registry: &mut Registry, devices: &DeviceCounters) {
    let counted = |counter: &AtomicU64| ConstCounter::new(counter.load(Ordering::Relaxed));
    let modules = &devices.barrier;
    for (name, help, counter) in [
        ("barrier_scans", "Scans of the interlock", &modules.scans),
        ("barrier_reads", "Complete reads of a module", &modules.reads),
        ("barrier_writes", "Writes that were answered", &modules.writes),
        ("barrier_link_errors", "Calls that failed and dropped the connection", &modules.link_errors),
        ("barrier_timeouts", "Calls without an answer in time", &modules.timeouts),
        ("barrier_exceptions", "Calls answered by an exception code", &modules.exceptions),
        ("barrier_connects", "Connections made to modules", &modules.connects),
        ("barrier_mismatches", "Outputs read back other than written", &modules.mismatches),
        ("barrier_reports_lost", "Reports of the barrier that found no room", &modules.reports_lost),
        ("barrier_abandoned", "Calls given up for a Stop or the end of a movement", &modules.abandoned),
        ("barrier_restarts", "Module tasks started anew", &modules.restarts),
    ] {
        registry.register(name, help, counted(counter));
    }
    for (name, camera) in ["front", "rear"].into_iter().zip(&devices.cameras) {
        let Some(camera) = camera else { continue };
        let named = registry.sub_registry_with_label(("camera".into(), name.into()));
        for (name, help, counter) in [
            ("camera_starts", "Starts of the camera's worker", &camera.starts),
            ("camera_kills", "Workers killed for silence", &camera.kills),
            ("camera_dropped_reports", "Reports of the worker that found no room", &camera.dropped_reports),
            ("camera_bad_messages", "Messages of the worker that were spoilt", &camera.bad_messages),
        ] {
            named.register(name, help, counted(counter));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_devices_count_is_in_the_text_camera_by_camera() {
        let devices = DeviceCounters { barrier: Arc::default(), cameras: [None, Some(Arc::default())] };
        devices.barrier.timeouts.store(3, Ordering::Relaxed);
        devices.cameras[1].as_ref().unwrap().kills.store(2, Ordering::Relaxed);
        let mut registry = Registry::with_prefix("borderlane");
        register_devices(&mut registry, &devices);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        for line in
            ["borderlane_barrier_timeouts_total 3", "borderlane_barrier_scans_total 0", "borderlane_camera_kills_total{camera=\"rear\"} 2"]
        {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("front"), "there is no front camera");
    }
}
