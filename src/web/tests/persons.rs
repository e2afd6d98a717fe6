use super::bench::{Bench, FakeStore, PATIENCE, PIN};
use crate::web::seams::{ACTS_MAX, DoorEvent, SessionEnd};
use lane_core::officer::{Act, ActOutcome, Role};
use std::sync::atomic::Ordering;
use std::time::Duration;

fn login_body(id: &str, pin: &str) -> String {
    format!(r#"{{"id":"{id}","pin":"{pin}"}}"#)
}

const AGREE: &str = r#"{"id":"press-0001","passage":"0000000000000000000000000000abcd-17","view_stamp":5,"act":{"do":"agree"}}"#;

#[tokio::test]
async fn a_login_gives_a_strict_cookie_and_a_logout_kills_the_session() {
    let bench = Bench::start(FakeStore::with_lan()).await;
    let answer = bench.post("/api/login", &login_body("Lan.Nguyen", PIN)).await;
    assert_eq!((answer.status, &answer.json()["session"]["id"]), (200, &"lan.nguyen".into()));
    assert_eq!(answer.json()["session"]["idle_left_ms"], 300_000);
    let cookie = answer.header("set-cookie").unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap();
    let session = format!("GET /api/session HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n");
    assert_eq!(bench.send(&session).await.json()["session"]["role"], "officer");
    assert_eq!(bench.post_as(cookie, "/api/logout", "{}").await.json()["session"], serde_json::Value::Null);
    assert_eq!(bench.send(&session).await.json()["session"], serde_json::Value::Null);
    assert_eq!(bench.post_as(cookie, "/api/act", AGREE).await.refusal(), (401, "login_needed".into()));
    assert_eq!(bench.post("/api/act", AGREE).await.refusal(), (401, "login_needed".into()));
    assert_eq!(bench.post("/api/login", &login_body("Nobody", PIN)).await.status, 401);
    let door = std::mem::take(&mut bench.store.lock().unwrap().door);
    let [DoorEvent::LoggedIn(begun), DoorEvent::LoggedOut(ended, SessionEnd::Logout), DoorEvent::LoginFailed { login, why }] =
        door.as_slice()
    else {
        panic!("what happened at the door is told to the ledger's side: {door:?}");
    };
    assert_eq!((begun.id.as_str(), begun == ended, login.as_str(), *why), ("lan.nguyen", true, "nobody", "login_failed"));
}

#[tokio::test]
async fn who_was_given_no_pin_yet_cannot_log_in() {
    let store = FakeStore::with_lan();
    store.lock().unwrap().officers.get_mut("lan.nguyen").unwrap().0.pin_hash.clear();
    let bench = Bench::start(store).await;
    assert_eq!(bench.post("/api/login", &login_body("lan.nguyen", PIN)).await.refusal(), (401, "login_failed".into()));
}

#[tokio::test]
async fn an_act_reaches_the_lane_with_person_passage_and_stamp_and_a_replay_is_the_lanes_to_judge() {
    let mut bench = Bench::start(FakeStore::with_lan()).await;
    let cookie = bench.login().await;
    let (lane, screen) = tokio::join!(
        async {
            let mut seen = Vec::new();
            for outcome in [ActOutcome::Accepted, ActOutcome::Repeated] {
                let (act, answer) = bench.acts.recv().await.unwrap().take().unwrap();
                answer.send(outcome).unwrap();
                seen.push(act);
            }
            seen
        },
        async {
            let address = bench.address;
            let request = super::bench::post_text(&cookie, "/api/act", AGREE);
            let first = super::bench::send(address, &request).await;
            (first, super::bench::send(address, &request).await)
        }
    );
    assert_eq!((screen.0.json()["outcome"].as_str(), screen.1.json()["outcome"].as_str()), (Some("accepted"), Some("repeated")));
    assert_eq!(lane[0], lane[1]);
    let act = &lane[0];
    assert_eq!((act.by.id.as_str(), act.by.agency.as_str(), act.by.role), ("lan.nguyen", "customs", Role::Officer));
    assert_eq!((act.passage.unwrap().seq, act.view_stamp, &act.act), (17, Some(5), &Act::Agree));
}

#[tokio::test]
async fn stop_works_without_login_body_or_anybody_else() {
    let store = FakeStore::with_lan();
    store.lock().unwrap().hangs = true;
    let mut bench = Bench::start(store).await;
    // Nobody reads acts, and their queue is full; the store hangs; all streams are taken.
    let mut held = Vec::new();
    while let Ok(place) = bench.acts_in.clone().try_reserve_owned() {
        held.push(place);
    }
    assert_eq!(held.len(), ACTS_MAX);
    let mut streams = Vec::new();
    for _ in 0..crate::web::stream::STREAMS_MAX {
        streams.push(bench.stream("/api/stream").await);
    }
    let no_body = "POST /api/stop HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
    assert_eq!(bench.send(no_body).await.json(), serde_json::json!({ "stopped": true }));
    assert_eq!(*bench.presses.borrow_and_update(), 1);
    assert_eq!(bench.post("/api/stop", "{}").await.status, 200);
    assert!(bench.presses.has_changed().unwrap());
    bench.stopping.cancel();
}

/// Every place is taken by a connection that says nothing: Stop is answered while they are still open, and not after they ran out.
#[tokio::test]
async fn stop_is_answered_while_every_connection_is_held_by_somebody_silent() {
    let mut bench = Bench::start(FakeStore::with_lan()).await;
    let mut idle = Vec::new();
    for _ in 0..crate::web::listen::CONNECTIONS_MAX {
        idle.push(tokio::net::TcpStream::connect(bench.address).await.unwrap());
    }
    assert_eq!(bench.post("/api/stop", "{}").await.json(), serde_json::json!({ "stopped": true }));
    assert_eq!(*bench.presses.borrow_and_update(), 1);
    let still_open = |socket: &tokio::net::TcpStream| {
        let mut byte = [0];
        matches!(socket.try_read(&mut byte), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
    };
    let open = idle.iter().filter(|socket| still_open(socket)).count();
    assert_eq!(open, crate::web::listen::CONNECTIONS_MAX - 1, "one lost its place, the others still stand");
    // Again and again: each takes one place.
    for _ in 0..8 {
        assert_eq!(bench.post("/api/stop", "{}").await.status, 200);
    }
}

#[tokio::test]
async fn a_stop_that_nobody_feels_says_so() {
    let bench = Bench::start(FakeStore::with_lan()).await;
    let Bench { presses, address, .. } = bench;
    drop(presses);
    let request = super::bench::post_text("", "/api/stop", "{}");
    assert_eq!(super::bench::send(address, &request).await.refusal(), (503, "stop_not_heard".into()));
}

#[tokio::test]
async fn five_wrong_pins_shut_the_door_also_after_a_restart_and_for_a_login_that_does_not_exist() {
    let store = FakeStore::with_lan();
    let bench = Bench::start(store.clone()).await;
    for id in ["lan.nguyen", "nobody"] {
        for _ in 0..5 {
            assert_eq!(bench.post("/api/login", &login_body(id, "902713")).await.refusal(), (401, "login_failed".into()), "{id}");
        }
        let shut = bench.post("/api/login", &login_body(id, PIN)).await;
        assert_eq!(shut.refusal(), (429, "locked".into()), "{id}: the right PIN does not help either");
        assert_eq!(shut.json()["retry_after_s"], 300, "{id}");
    }
    let restarted = Bench::start(store).await;
    assert_eq!(restarted.post("/api/login", &login_body("lan.nguyen", PIN)).await.status, 429);
    restarted.utc_ms.fetch_add(300_000, Ordering::SeqCst);
    assert_eq!(restarted.post("/api/login", &login_body("lan.nguyen", PIN)).await.status, 200);
    assert_eq!(restarted.store.lock().unwrap().officers["lan.nguyen"].1.failures, 0);
}

#[tokio::test]
async fn a_store_that_cannot_commit_keeps_nobody_out_and_gives_nobody_more_tries() {
    let store = FakeStore::with_lan();
    store.lock().unwrap().cannot_commit = true;
    let bench = Bench::start(store).await;
    bench.login().await;
    for _ in 0..5 {
        assert_eq!(bench.post("/api/login", &login_body("lan.nguyen", "902713")).await.status, 401);
    }
    assert_eq!(bench.post("/api/login", &login_body("lan.nguyen", PIN)).await.status, 429);
}

#[tokio::test]
async fn an_account_works_at_its_site_in_its_window_and_an_untrusted_clock_does_not_lock_everybody_out() {
    let store = FakeStore::with_lan();
    store.lock().unwrap().officers.get_mut("lan.nguyen").unwrap().0.valid_until_ms = 1000;
    let bench = Bench::start(store.clone()).await;
    assert_eq!(bench.post("/api/login", &login_body("lan.nguyen", PIN)).await.refusal(), (401, "login_failed".into()));
    bench.clock_trusted.store(false, Ordering::SeqCst);
    assert_eq!(bench.post("/api/login", &login_body("lan.nguyen", PIN)).await.status, 200);
    store.lock().unwrap().officers.get_mut("lan.nguyen").unwrap().0.sites = vec!["tan-thanh".into()];
    assert_eq!(bench.post("/api/login", &login_body("lan.nguyen", PIN)).await.refusal(), (401, "login_failed".into()));
}

#[tokio::test]
async fn a_session_ends_by_idleness_and_when_its_account_changes() {
    let mut bench = Bench::start(FakeStore::with_lan()).await;
    let cookie = bench.login().await;
    bench.mono_ms.fetch_add(300_000, Ordering::SeqCst);
    assert_eq!(bench.post_as(&cookie, "/api/act", AGREE).await.refusal(), (401, "login_needed".into()));
    let idle = |store: &FakeStore| store.door.iter().any(|event| matches!(event, DoorEvent::LoggedOut(_, SessionEnd::Idle)));
    let written = async {
        while !idle(&bench.store.lock().unwrap()) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, written).await.is_ok(), "the end of an idle session is told to the ledger's side");
    let cookie = bench.login().await;
    bench.store.lock().unwrap().officers.remove("lan.nguyen");
    assert_eq!(bench.post_as(&cookie, "/api/act", AGREE).await.refusal(), (401, "login_needed".into()));
    assert!(bench.acts.try_recv().is_err(), "nothing reached the lane");
    let last = bench.store.lock().unwrap().door.last().cloned();
    assert!(matches!(last, Some(DoorEvent::LoggedOut(_, SessionEnd::Account))), "{last:?}");
    let bench = Bench::start(FakeStore::with_lan()).await;
    let cookie = bench.login().await;
    let look = format!("GET /api/session HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n");
    assert_eq!(bench.send(&look).await.json()["session"]["id"], "lan.nguyen");
    bench.store.lock().unwrap().officers.remove("lan.nguyen");
    assert_eq!(bench.send(&look).await.json()["session"], serde_json::Value::Null, "who was dismissed is not shown as logged in");
}

#[tokio::test]
async fn an_act_that_nobody_answered_is_not_done_later_and_a_full_queue_says_busy() {
    let mut bench = Bench::start(FakeStore::with_lan()).await;
    let cookie = bench.login().await;
    assert_eq!(bench.post_as(&cookie, "/api/act", AGREE).await.refusal(), (504, "no_answer".into()));
    let late = tokio::time::timeout(PATIENCE, bench.acts.recv()).await.unwrap().unwrap();
    assert!(late.take().is_none());
    let mut held = Vec::new();
    while let Ok(place) = bench.acts_in.clone().try_reserve_owned() {
        held.push(place);
    }
    assert_eq!(bench.post_as(&cookie, "/api/act", AGREE).await.refusal(), (503, "busy".into()));
}

#[tokio::test]
async fn the_list_of_the_login_pad_names_who_may_work_here_and_proves_nothing() {
    let store = FakeStore::with_lan();
    {
        let mut kept = store.lock().unwrap();
        let lan = kept.officers["lan.nguyen"].clone();
        let mut put = |id: &str, agency: &str, change: &dyn Fn(&mut crate::officer::Account)| {
            let (mut account, lockout) = lan.clone();
            (account.id, account.agency) = (id.into(), agency.into());
            change(&mut account);
            kept.officers.insert(id.into(), (account, lockout));
        };
        put("minh", "border_guard", &|account| account.role = Role::Supervisor);
        put("elsewhere", "customs", &|account| account.sites = vec!["tan-thanh".into()]);
        put("gone", "customs", &|account| account.valid_until_ms = 1000);
    }
    let bench = Bench::start(store).await;
    for _ in 0..5 {
        assert_eq!(bench.post("/api/login", &login_body("minh", "902713")).await.status, 401);
    }
    let answer = bench.get("/api/officers").await;
    assert_eq!(
        answer.json(),
        serde_json::json!({ "officers": [
            { "id": "minh", "agency": "border_guard", "role": "supervisor", "locked_s": 300 },
            { "id": "lan.nguyen", "agency": "customs", "role": "officer", "locked_s": null },
        ] })
    );
    assert!(!answer.body.contains("argon2"));
    bench.store.lock().unwrap().officers.clear();
    assert_eq!(bench.get("/api/officers").await.json(), serde_json::json!({ "officers": [] }));
    bench.store.lock().unwrap().hangs = true;
    assert_eq!(bench.get("/api/officers").await.refusal(), (504, "no_answer".into()));
}
