//! A store with many declarations, made once and kept: `DIR/cache-ROWS` is a `state_dir` that the daemon itself can run on.

use crate::figure::Fail;
use borderlane::clock;
use borderlane::runtime::knowledge::confusable_key;
use borderlane::store::{Boot, Collection, ReplicaRow, Store, StoreSettings, UpsertRow};
use borderlane::sync::key_files;
use lane_core::ids::{BootId, Revision};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Rows handed over at once; the store takes no more in one part.
const PART_ROWS: usize = 10_000;
/// Its presence says that the cache beside it is complete.
const COMPLETE: &str = "complete";

/// Series letters that goods vehicles and trailers carry.
const SERIES: [char; 4] = ['C', 'D', 'H', 'R'];
/// Plates of five digits in 80 provinces with those letters.
const PLATES: usize = 80 * SERIES.len() * 100_000;
/// Declared vehicles lie scattered over all plates, not one number beside the other; it shares no factor with [`PLATES`].
const SCATTER: usize = 7_368_787;

/// The plate of the nth declaration.
pub fn plate(nth: usize) -> String {
    let at = nth * SCATTER % PLATES;
    let (vehicle, number) = (at / 100_000, at % 100_000);
    format!("{:02}{}{number:05}", 11 + vehicle / SERIES.len(), SERIES[vehicle % SERIES.len()])
}

/// The store with so many declarations; made when it is not there.
pub fn with_rows(dir: &Path, rows: usize) -> Result<PathBuf, Fail> {
    let dir = dir.join(format!("cache-{rows}"));
    if dir.join(COMPLETE).exists() {
        return Ok(dir);
    }
    if dir.exists() {
        std::fs::remove_dir_all(&dir)?;
    }
    std::fs::create_dir_all(dir.join("keys"))?;
    let key = key_files::make_private(&dir.join("keys/lane.key"))?;
    let boot = Boot { id: BootId(1), at: clock::mono(), wall: clock::wall(clock::Trust::Vouched) };
    let (store, _) = Store::open(StoreSettings::new(&dir, confusable_key), key, &boot)?;
    let begun = Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(fill(&store, rows))?;
    eprintln!("bench: {rows} declarations cached after {} s", begun.elapsed().as_secs());
    std::fs::write(dir.join(COMPLETE), "")?;
    Ok(dir)
}

async fn fill(store: &Store, rows: usize) -> Result<(), Fail> {
    store.begin_snapshot(Collection::Declarations, Revision { epoch: 1, revision: 1 }).await?;
    let mut parts = 0;
    for first in (0..rows).step_by(PART_ROWS) {
        let part = (first..rows.min(first + PART_ROWS)).map(row).collect();
        store.stage_snapshot(Collection::Declarations, parts, part).await?;
        parts += 1;
    }
    store.end_snapshot(Collection::Declarations, parts, rows as u64).await?;
    store.close().await;
    Ok(())
}

fn row(nth: usize) -> ReplicaRow {
    let (id, plate) = (format!("D-{nth}"), plate(nth));
    let bytes = format!(
        r#"{{"id":"{id}","gate":"huu-nghi","direction":"outbound","trade":"export","plate":"{plate}","driver":"079{nth:09}","goods":"thanh long, dưa hấu, mít","perishable":true,"cargo_grams":16000000,"axles":4,"channel":"green","valid_from_ms":0,"valid_until_ms":4102444800000,"entries_allowed":1,"state":"active","tare":{{"grams":12000000,"source":"registered"}},"confirmations":[{{"agency":"customs","required":true,"result":"pass"}},{{"agency":"plant","required":true,"result":"pass"}},{{"agency":"border_guard","required":true,"result":"absent"}}]}}"#
    )
    .into_bytes();
    ReplicaRow::Upsert(UpsertRow {
        id,
        plates: vec![plate],
        gate: Some("huu-nghi".into()),
        state: Some("active".into()),
        valid_from_ms: Some(0),
        valid_until_ms: Some(4_102_444_800_000),
        counted: Vec::new(),
        bytes,
    })
}
