//! `docs/wire/` is what the types say. Run with `BORDERLANE_REWRITE_WIRE=1` to write it anew.

use lane_link::{ack, claim, command, envelope, health, keys, officer, query, replica, rules, state, topics};
use schemars::{Schema, schema_for};
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/wire")
}

fn schemas() -> Vec<(&'static str, Schema)> {
    vec![
        ("ack", schema_for!(ack::Ack)),
        ("answer", schema_for!(query::Answer)),
        ("bundle", schema_for!(replica::Bundle)),
        ("change", schema_for!(replica::Change)),
        ("claim", schema_for!(claim::Claim)),
        ("claim_message", schema_for!(claim::ClaimMessage)),
        ("command", schema_for!(command::Command)),
        ("envelope", schema_for!(envelope::Envelope)),
        ("event_batch", schema_for!(ack::EventBatch)),
        ("evidence_item", schema_for!(ack::EvidenceItem)),
        ("head", schema_for!(replica::Head)),
        ("health", schema_for!(health::Health)),
        ("key_list", schema_for!(keys::KeyList)),
        ("lane_state", schema_for!(state::LaneState)),
        ("manifest", schema_for!(replica::Manifest)),
        ("officer_row", schema_for!(officer::Officer)),
        ("part", schema_for!(replica::Part)),
        ("query", schema_for!(query::Query)),
        ("repair_message", schema_for!(replica::RepairMessage)),
        ("repair_request", schema_for!(replica::RepairRequest)),
        ("replica_message", schema_for!(replica::ReplicaMessage)),
        ("reply", schema_for!(command::Reply)),
        ("rules_row", schema_for!(rules::RulesRow)),
    ]
}

#[test]
fn the_pages_about_the_wire_are_what_the_types_say() {
    let mut pages = vec![("topics.md".to_owned(), topics::markdown_table())];
    for (name, schema) in schemas() {
        pages.push((format!("{name}.schema.json"), serde_json::to_string_pretty(&schema).unwrap() + "\n"));
    }
    let rewrite = std::env::var_os("BORDERLANE_REWRITE_WIRE").is_some();
    if rewrite {
        std::fs::create_dir_all(folder()).unwrap();
    }
    let mut stale = Vec::new();
    for (name, text) in &pages {
        let path = folder().join(name);
        if rewrite {
            std::fs::write(&path, text).unwrap();
        } else if std::fs::read_to_string(&path).ok().as_ref() != Some(text) {
            stale.push(name);
        }
    }
    assert!(stale.is_empty(), "out of date in docs/wire: {stale:?}; run this test with BORDERLANE_REWRITE_WIRE=1");
}
