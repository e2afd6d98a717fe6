//! What the centre decides for its lanes: rules, officers, and collections that come as a file while the network is away.

use super::lane::{Lane, check_of};
use super::parts::{get, post, post_ok};
use super::site::{SITE, Wishes, declaration, unconfirmed};
use serde_json::{Value, json};

#[test]
fn new_rules_make_a_new_check_apply_to_a_vehicle_that_is_held() {
    let lane = Lane::start(Wishes::default(), &[declaration("D1", "12C-123.45", unconfirmed())]);
    lane.truck("12C-123.45", json!({}));
    lane.name_plates("12C-123.45", "12C-123.45");
    let missing = |v: &Value, agencies: &[&str]| {
        let facts = &check_of(v, "confirmations")["facts"]["missing"];
        let mut named: Vec<&str> = facts.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        named.sort_unstable();
        v["phase"] == "held" && named == agencies
    };
    lane.until_shown("held for the plant quarantine alone", |v| missing(v, &["plant"]));
    let rules = json!({ "gate": SITE, "valid_from_ms": 1_000, "movements": [{ "trade": "export", "required_agencies": ["veterinary"] }] });
    post_ok(&lane.centre_url("/collections/rules"), &json!([{ "upsert": { "key": "outbreak", "body": rules } }]));
    lane.until_shown("the new rules ask for another agency, of the vehicle that stands there", |v| missing(v, &["plant", "veterinary"]));
    post_ok(&lane.centre_url("/declarations/D1/confirm"), &json!({ "agency": "plant", "result": "pass", "required": true }));
    lane.until_shown("the plant quarantine is no longer enough", |v| missing(v, &["veterinary"]));
    lane.check(lane.opens() == 0, "nothing opened");
    let verdict = lane.until_said("the verdict names the rules", |r| r["kind"] == "verdict" && r["rules"] == json!([1, 1]));
    lane.check(verdict["outcome"] == "hold", "under the new rules it holds");
    post_ok(&lane.centre_url("/collections/rules"), &json!([{ "tombstone": { "key": "outbreak" } }]));
    lane.until_ended("passed");
    lane.until_idle();
    lane.finish();
}

#[test]
fn an_officer_of_the_centre_gets_a_pin_at_the_lane_and_is_out_when_dismissed() {
    let lane = Lane::start(Wishes::default(), &[declaration("D1", "12C-123.45", unconfirmed())]);
    let officer = json!({ "id": "minh.tran", "agency": "border_guard", "role": "officer", "sites": [SITE], "valid_from_ms": 0,
        "valid_until_ms": 4_102_444_800_000_i64 });
    post_ok(&lane.centre_url("/collections/officers"), &json!([{ "upsert": { "key": "minh.tran", "body": officer } }]));
    let listed = |state: &'static str| {
        move |lane: &Lane| {
            let (code, said) = lane.command(&["officer", "list"], "");
            lane.check(code == 0, &format!("the desk works while the daemon runs: {said}"));
            said.lines().any(|line| line.starts_with("minh.tran") && line.contains(state)).then_some(())
        }
    };
    lane.until("the officer is known, without a PIN", listed("no PIN yet"));
    let login = |pin: &str| post(&lane.screen_url("/api/login"), None, &json!({ "id": "minh.tran", "pin": pin }));
    lane.check(login("902713").status == 401, "nobody logs in without a PIN");
    let (code, said) = lane.command(&["officer", "pin", "minh.tran"], "902713\n");
    lane.check(code == 0 && said.contains("new PIN"), &said);
    lane.until("the officer is valid", listed("valid"));
    let logged_in = login("902713");
    lane.check(logged_in.status == 200, &format!("the PIN that was given at the lane: {}", logged_in.body));
    let cookie = logged_in.cookie.unwrap();
    let act = |id: &str| {
        let body = json!({ "id": id, "passage": null, "view_stamp": null, "act": { "do": "release" } });
        post(&lane.screen_url("/api/act"), Some(&cookie), &body).status
    };
    lane.check(act("e2e-minh-1") == 200, "a session acts");

    post_ok(&lane.centre_url("/collections/officers"), &json!([{ "tombstone": { "key": "minh.tran" } }]));
    lane.until("the account is gone", |lane| {
        let (_, said) = lane.command(&["officer", "list"], "");
        (!said.contains("minh.tran")).then_some(())
    });
    lane.check(act("e2e-minh-2") == 401, "the open session ends with its next act");
    lane.check(login("902713").status == 401, "who was dismissed does not come in again");
    let by = |r: &Value| r["by"]["id"] == "minh.tran";
    let account = |what: &'static str| move |r: &Value| r["kind"] == "account" && r["login"] == "minh.tran" && r["what"] == what;
    lane.until_said("the PIN that was given", account("written"));
    lane.until_said("the dismissal", account("removed"));
    lane.until_said("the login", |r| r["kind"] == "logged_in" && by(r));
    lane.until_said("the end of the session", |r| r["kind"] == "logged_out" && by(r) && r["why"] == "account");
    lane.until_said("the refused login", |r| r["kind"] == "login_failed" && r["login"] == "minh.tran");
    lane.finish();
}

#[test]
fn a_bundle_reaches_a_running_lane_whose_network_is_away_and_its_diagnosis_holds_no_secret() {
    let mut lane = Lane::start(Wishes::default(), &[declaration("D1", "29H-678.90", json!({}))]);
    lane.until("everything so far is at the centre", |lane| (lane.records() == lane.at_centre()).then_some(()));
    lane.cut_broker();
    lane.until_shown("the link is down", |v| v["link_up"] == false);
    post_ok(&lane.centre_url("/declarations"), &json!([declaration("D2", "12C-123.45", json!({}))]));
    let bundle = get(&lane.centre_url("/bundle/declarations")).unwrap().body.to_string();
    let file = lane.site.write("declarations.bundle", &bundle);
    let file = file.display().to_string();
    let (code, said) = lane.command(&["declarations", "import", &file], "");
    lane.check(code == 0 && said.contains("the daemon took it: declarations: 2 rows at revision 1.2"), &said);
    let (code, said) = lane.command(&["declarations", "import", &file], "");
    lane.check(code != 0 || said.contains("was there already"), &said);

    lane.truck("12C-123.45", json!({}));
    lane.name_plates("12C-123.45", "12C-123.45");
    lane.until_ended("passed");
    lane.until_idle();

    let out = lane.site.dir.join("diag");
    std::fs::create_dir(&out).unwrap();
    let (code, said) = lane.command(&["diag", "--out", &out.display().to_string()], "");
    lane.check(code == 0, &said);
    let folder = std::fs::read_dir(&out).unwrap().next().unwrap().unwrap().path();
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap_or_default();
    let health: Value = serde_json::from_str(&text("health.json")).unwrap();
    lane.check(health["phase"] == "idle", &format!("the running daemon's health: {health}"));
    let store: Value = serde_json::from_str(&text("store.json")).unwrap();
    lane.check(store["officers"][0]["has_pin"] == true && store["newest_records"][0]["seq"].is_number(), &store.to_string());
    let key = std::fs::read_to_string(lane.site.state.join("keys/lane.key")).unwrap();
    let pepper = std::fs::read_to_string(lane.site.state.join("pepper")).unwrap();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        for secret in [key.trim(), pepper.trim()] {
            let raw: Vec<u8> = (0..secret.len()).step_by(2).map(|at| u8::from_str_radix(&secret[at..at + 2], 16).unwrap()).collect();
            let inside = text.contains(&secret.to_lowercase()) || bytes.windows(raw.len()).any(|window| window == raw);
            lane.check(!inside, &format!("no key and no pepper is in {}", path.display()));
        }
        lane.check(!text.contains("argon2"), &format!("nothing of a PIN is in {}", path.display()));
    }
    lane.mend_broker();
    lane.until_shown("the link is back", |v| v["link_up"] == true);
    lane.finish();
}
