//! The link over a real broker into a real store: what cannot be understood is quarantined, an empty collection is known, rules and officers take
//! effect, and a bundle file does the same without a network.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod link_support;
mod store_support;

use borderlane::clock::Trust;
use borderlane::runtime::control::import_into;
use borderlane::runtime::{centre, standing};
use borderlane::store::{Boot, Collection, Store, StoreSettings};
use borderlane::sync::import::Trusted;
use borderlane::sync::ports::{INPUTS_MAX, LaneFacts, REPORTS_MAX, REQUESTS_MAX, SyncInput, SyncReport, Wires};
use borderlane::sync::{self, Identity, SyncSettings};
use lane_core::declaration::Direction;
use lane_core::ids::Revision;
use lane_core::rules::Rules;
use lane_core::time::{Wall, WallQuality};
use lane_link::envelope::What;
use lane_link::health::Health;
use lane_link::hex_bytes::HexBytes;
use lane_link::replica::{Change, Collection as WireCollection, ReplicaMessage, Row};
use link_support::{Broker, Centre, Keys, Stranger, declaration, link_settings, name, now_ms, site};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep;

const DECLARATIONS: &str = "borderlane/v1/huu-nghi/replica/declarations";

fn open(dir: &Path) -> Store {
    let settings = StoreSettings { nearly_full_bytes: 1, evidence_floor_bytes: 1, ..StoreSettings::new(dir, borderlane::store::plate_key) };
    let boot = Boot { wall: Wall { utc_ms: now_ms(), quality: WallQuality::Trusted }, ..store_support::boot(1) };
    Store::open(settings, store_support::key(), &boot).unwrap().0
}

/// A lane's end of the link over its own store.
struct Lane {
    store: Store,
    reports: mpsc::Receiver<SyncReport>,
    _inputs: mpsc::Sender<SyncInput>,
    _watches: (watch::Sender<u64>, watch::Sender<Health>, watch::Sender<LaneFacts>),
    tasks: Vec<JoinHandle<()>>,
    dir: TempDir,
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Lane {
    fn begin(port: u16, keys: &Keys) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path());
        let list = dir.path().join("key-list.json");
        let mut settings = SyncSettings::new(site(), name("lane-1"), link_settings(port, "borderlane-lane-1"), keys.root, list);
        settings.repair_timeout_ms = 2_000;
        let (requests, asked) = mpsc::channel(REQUESTS_MAX);
        let (reports_out, reports) = mpsc::channel(REPORTS_MAX);
        let (inputs, inputs_in) = mpsc::channel(INPUTS_MAX);
        let (last_seq_out, last_seq) = watch::channel(0);
        let (health_out, health) = watch::channel(Health::default());
        let (facts_out, facts) = watch::channel(LaneFacts::default());
        let clock = Arc::new(|| Wall { utc_ms: now_ms(), quality: WallQuality::Trusted });
        let wires = Wires { requests, reports: reports_out, inputs: inputs_in, last_seq, health, facts, clock };
        let identity = Identity {
            boot: HexBytes([1; 16]),
            ledger: HexBytes([2; 16]),
            version: "test".into(),
            capabilities: Vec::new(),
            lane_key: keys.lane.clone(),
        };
        let link = sync::begin(settings, identity, wires).unwrap();
        let tasks = vec![link, tokio::spawn(centre::requests(asked, store.clone()))];
        Self { store, reports, _inputs: inputs, _watches: (last_seq_out, health_out, facts_out), tasks, dir }
    }

    async fn until(&mut self, what: &str, mut done: impl AsyncFnMut(&Store) -> bool) {
        for _ in 0..600 {
            while self.reports.try_recv().is_ok() {}
            if done(&self.store).await {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
        panic!("never happened: {what}");
    }

    /// Of each row found: its id, whether it is quarantined, and its state.
    async fn found(&self, plate: &str) -> Vec<(String, bool, Value)> {
        let found = self.store.lookup(vec![plate.to_owned()], None).await.unwrap();
        let state = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).map_or(Value::Null, |row| row["state"].clone());
        found.declarations.iter().map(|row| (row.id.clone(), row.quarantined, state(&row.bytes))).collect()
    }
}

async fn revision(store: &Store, which: Collection) -> Option<u64> {
    store.collections().await.unwrap().into_iter().find(|state| state.collection == which)?.have.map(|at| at.revision)
}

fn upsert(body: Value) -> Row {
    Row::Upsert { key: body["id"].as_str().unwrap().to_owned(), body }
}

#[tokio::test]
async fn a_bad_row_is_quarantined_its_vehicle_is_unknown_and_a_withdrawal_behind_it_is_seen() {
    let broker = Broker::start("");
    let (centre, keys, _) = Centre::start(broker.port).await;
    let mut lane = Lane::begin(broker.port, &keys);
    lane.until("the empty collection", async |store| revision(store, Collection::Declarations).await == Some(0)).await;
    // A centre that makes mistakes: changes signed by its own key, past its own checks.
    let signer = centre.folder.signer().unwrap();
    let mut centre_in_error = Stranger::join(broker.port, "centre-in-error", &[]).await;
    let mut publish = async |revision: u64, rows: Vec<Row>| {
        let collection = WireCollection::Declarations;
        let change = Change { collection, epoch: 1, revision, follows: revision - 1, rows };
        let signed = ReplicaMessage::Change(signer.for_site(What::Change(collection), &change).unwrap());
        centre_in_error.say(DECLARATIONS, serde_json::to_vec(&signed).unwrap(), false).await;
    };
    publish(1, vec![upsert(declaration("D-1", "12C12345")), upsert(declaration("D-2", "29H67890"))]).await;
    lane.until("two rows", async |store| revision(store, Collection::Declarations).await == Some(1)).await;
    assert_eq!(lane.found("12C12345").await, [("D-1".into(), false, json!("active"))]);
    // D-1 moves to another plate and says a direction that nobody knows: in the middle of good rows.
    let bad = json!({ "id": "D-1", "plate": "15C00001", "direction": "upwards", "state": "active" });
    publish(2, vec![upsert(declaration("D-3", "34C11111")), upsert(bad), upsert(declaration("D-4", "34C22222"))]).await;
    let withdrawn = json!({ "state": "withdrawn" });
    let mut row = declaration("D-2", "29H67890");
    row["state"] = withdrawn["state"].clone();
    publish(3, vec![upsert(row)]).await;
    lane.until("the withdrawal behind it", async |store| revision(store, Collection::Declarations).await == Some(3)).await;
    assert_eq!(lane.found("29H67890").await, [("D-2".into(), false, json!("withdrawn"))], "behind the bad row life goes on");
    assert_eq!((lane.found("34C11111").await.len(), lane.found("34C22222").await.len()), (1, 1), "so it does beside it");
    assert_eq!(lane.store.metrics().quarantined, 1, "health counts it");
    for plate in ["15C00001", "12C12345"] {
        let found = lane.found(plate).await;
        assert!(matches!(found.as_slice(), [(id, true, _)] if id == "D-1"), "{plate}: new plate and old find it: {found:?}");
    }
    publish(4, vec![upsert(declaration("D-1", "12C12345"))]).await;
    lane.until("the mended row", async |store| store.metrics().quarantined == 0).await;
    assert_eq!(lane.found("12C12345").await, [("D-1".into(), false, json!("active"))]);
    assert_eq!(lane.found("15C00001").await, []);
}

#[tokio::test]
async fn an_empty_collection_with_a_signed_head_is_known_and_empty_also_after_a_restart() {
    let broker = Broker::start("");
    let (_centre, keys, _) = Centre::start(broker.port).await;
    let mut lane = Lane::begin(broker.port, &keys);
    lane.until("heads of empty collections", async |store| {
        store.collections().await.unwrap().iter().all(|state| state.have.is_some() && state.head.is_some())
    })
    .await;
    let known = Some(Revision { epoch: 1, revision: 0 });
    let found = lane.store.lookup(vec!["12C12345".into()], None).await.unwrap();
    assert_eq!((found.declarations_revision, found.watchlist_revision), (known, known), "nobody is on the watchlist, and that is known");
    lane.store.close().await;
    let again = open(lane.dir.path());
    let found = again.lookup(vec!["12C12345".into()], None).await.unwrap();
    assert_eq!((found.declarations_revision, found.watchlist_revision), (known, known));
    again.close().await;
}

const OFFICERS: &str = r#"
[[officer]]
id = "lan.nguyen"
agency = "customs"
role = "supervisor"
sites = ["huu-nghi"]
valid_from_ms = 0
valid_until_ms = 4000000000000
[[officer]]
id = "minh.tran"
agency = "border_guard"
role = "officer"
sites = ["huu-nghi"]
valid_from_ms = 0
valid_until_ms = 4000000000000
"#;

#[tokio::test]
async fn officers_and_rules_of_the_centres_files_take_effect_and_are_taken_back() {
    let broker = Broker::start("");
    let (centre, keys, _) = Centre::start(broker.port).await;
    let mut lane = Lane::begin(broker.port, &keys);
    let file = |name: &str, text: &str| std::fs::write(centre.dir.path().join(name), text).unwrap();
    file("officers.toml", OFFICERS);
    file(
        "rules.toml",
        "[rules.harvest]\ngate = \"huu-nghi\"\nvalid_from_ms = 1000\n[[rules.harvest.movements]]\nrequired_agencies = [\"plant\"]\n",
    );
    assert_eq!(centre.post("/declarations/reload", json!({})).await, json!({ "rows": 3 }));
    lane.until("both collections", async |store| {
        revision(store, Collection::Officers).await == Some(1) && revision(store, Collection::Rules).await == Some(1)
    })
    .await;
    standing::mirror(&lane.store, Trust::Vouched).await.unwrap();
    let mut minh = lane.store.officer("minh.tran".into(), now_ms()).await.unwrap().unwrap().0;
    assert_eq!((minh.pin_hash.as_str(), minh.from_centre), ("", true), "the centre brings no PIN");
    minh.pin_hash = "$kept".into();
    lane.store.put_officer(minh).await.unwrap();
    let local = Rules::local_default("huu-nghi".into(), "lane-1".into(), Direction::Outbound);
    assert_eq!(standing::rules_at_start(&lane.store, &local, Some(999)).await, local, "not in force yet");
    let rules = standing::rules_at_start(&lane.store, &local, Some(1_000)).await;
    assert_eq!((rules.revision, &rules.movements[0].required_agencies[0].0[..]), (Some(Revision { epoch: 1, revision: 1 }), "plant"));
    assert_eq!(standing::rules_at_start(&lane.store, &local, None).await, local, "a clock that nobody trusts dates nothing");
    let other = Rules::local_default("tan-thanh".into(), "lane-1".into(), Direction::Outbound);
    assert_eq!(standing::rules_at_start(&lane.store, &other, Some(1_000)).await, other, "another gate's rules");

    file("officers.toml", &OFFICERS[..OFFICERS.rfind("[[officer]]").unwrap()]);
    file("rules.toml", "");
    assert_eq!(centre.post("/declarations/reload", json!({})).await, json!({ "rows": 2 }));
    lane.until("what was taken back", async |store| {
        revision(store, Collection::Officers).await == Some(2) && revision(store, Collection::Rules).await == Some(2)
    })
    .await;
    standing::mirror(&lane.store, Trust::Vouched).await.unwrap();
    let left: Vec<String> = lane.store.officers().await.unwrap().into_iter().map(|(row, _)| row.id).collect();
    assert_eq!(left, ["lan.nguyen"], "who was dismissed is gone, with the PIN");
    assert_eq!(standing::rules_at_start(&lane.store, &local, Some(1_000)).await, local);

    file("rules.toml", "[rules.harvest]\ngate = \"huu-nghi\"\nvalid_from_ms = 1000\ncolour = \"red\"\n");
    let refused = centre.post("/declarations/reload", json!({})).await;
    assert!(refused["error"].as_str().unwrap().contains("colour"), "the centre refuses what its lanes would: {refused}");
    let refused = centre.post("/collections/officers", json!([{ "upsert": { "key": "a", "body": { "id": "b" } } }])).await;
    assert!(refused["error"].as_str().unwrap().contains("officers a"), "{refused}");
}

#[tokio::test]
async fn a_bundle_fills_a_stopped_lane_freshens_it_and_nothing_older_is_taken() {
    let broker = Broker::start("");
    let (centre, keys, _) = Centre::start(broker.port).await;
    centre.post("/declarations", json!([declaration("D-1", "12C12345")])).await;
    let first = centre.get("/bundle/declarations").await.to_string();
    centre.post("/declarations", json!([declaration("D-2", "12C12346")])).await;
    let second = centre.get("/bundle/declarations").await.to_string();
    sleep(Duration::from_millis(5)).await;
    let third = centre.get("/bundle/declarations").await.to_string();

    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let trusted = Trusted { site: site(), root_key: keys.root, key_list_path: dir.path().join("key-list.json") };
    let now = Some(now_ms());
    let done = import_into(&store, second.as_bytes(), &trusted, now).await.unwrap();
    assert_eq!((done.rows, done.place.revision, done.keys.is_some()), (Some(2), 2, true));
    assert!(trusted.key_list_path.exists(), "the key list that came with it is kept");
    let head = async || store.collections().await.unwrap()[0].head.unwrap().utc_ms;
    let before = head().await;
    assert_eq!(Some(before), done.head_utc_ms);
    let again = import_into(&store, third.as_bytes(), &trusted, now).await.unwrap();
    assert_eq!((again.rows, again.place.revision), (None, 2), "the same revision, and still so");
    assert!(head().await > before, "the knowledge is younger for it");
    let old = import_into(&store, first.as_bytes(), &trusted, now).await.unwrap_err();
    assert!(old.contains("revision 1 of epoch 1 is not newer than 2"), "{old}");
    let stranger = Trusted { root_key: HexBytes([9; 32]), ..trusted.clone() };
    assert!(import_into(&store, second.as_bytes(), &stranger, now).await.is_err(), "another root");
    let forged = second.replacen("\"parts_b64\":[\"", "\"parts_b64\":[\"AAAA", 1);
    let fresh = tempfile::tempdir().unwrap();
    let other = open(fresh.path());
    assert!(import_into(&other, forged.as_bytes(), &trusted, now).await.is_err(), "parts are held by the manifest");
    assert_eq!(revision(&other, Collection::Declarations).await, None);
    other.close().await;
    let both = vec!["12C12345".into(), "12C12346".into()];
    assert_eq!(store.lookup(both.clone(), None).await.unwrap().declarations.len(), 2);
    store.close().await;

    // The same through the command, over a lane's settings, while no daemon runs.
    let lane = tempfile::tempdir().unwrap();
    let config = settings(lane.path(), &keys.root.to_string());
    let file = lane.path().join("bundle");
    std::fs::write(&file, &second).unwrap();
    let import = [file.display().to_string(), "--config".into(), config.display().to_string()];
    let (code, said) = declarations(&["import".into()].into_iter().chain(import.clone()).collect::<Vec<_>>()).await;
    assert_eq!((code, said.contains("declarations: 2 rows at revision 1.2")), (0, true), "{said}");
    std::fs::write(&file, &first).unwrap();
    let (code, said) = declarations(&["import".into()].into_iter().chain(import).collect::<Vec<_>>()).await;
    assert_eq!((code, said.contains("not newer")), (1, true), "{said}");
    let (code, said) = declarations(&["find".into(), "12C12346".into(), "--dir".into(), lane.path().display().to_string()]).await;
    assert_eq!((code, said.contains("D-2")), (0, true), "{said}");
}

/// The least settings of a lane that has a centre.
fn settings(dir: &Path, root_key: &str) -> std::path::PathBuf {
    let profiles = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/profiles/barrier");
    let path = dir.join("lane.toml");
    let text = format!(
        "[lane]\nsite = \"huu-nghi\"\nname = \"lane-1\"\ndirection = \"outbound\"\nstate_dir = \".\"\nclock_vouched = true\n\
         [barrier]\nprofiles = \"{}\"\nstop_output = true\n[[barrier.module]]\nname = \"io-1\"\naddress = \"127.0.0.1:1\"\n\
         profile = \"generic\"\n[centre]\nhost = \"127.0.0.1\"\nport = 1\nroot_key = \"{root_key}\"\n",
        profiles.display()
    );
    std::fs::write(&path, text).unwrap();
    path
}

/// `borderlane declarations`: exit code, and everything it said.
async fn declarations(words: &[String]) -> (u8, String) {
    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: borderlane::cli::declarations::DeclarationsArgs,
    }
    let line = <Line as clap::Parser>::try_parse_from(["declarations".to_owned()].iter().chain(words)).unwrap();
    let run = move || {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let code = borderlane::cli::declarations::run(&line.args, &mut out, &mut err);
        out.extend(err);
        (code, String::from_utf8(out).unwrap())
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}
