use super::bench::{Bench, FakeStore, post_text, view};
use crate::web::guard::MAX_BODY_BYTES;
use std::sync::atomic::Ordering;

#[tokio::test]
async fn a_bad_body_is_told_what_is_wrong_with_it() {
    let bench = Bench::start(FakeStore::with_lan()).await;
    let says = async |path: &str, body: &str| {
        let answer = bench.post(path, body).await;
        assert_eq!(answer.refusal(), (400, "bad_json".into()), "{body}");
        answer.json()["message_en"].as_str().unwrap().to_owned()
    };
    assert!(says("/api/login", r#"{"id":"lan"}"#).await.contains("`pin`"));
    assert!(says("/api/login", r#"{"id":"lan nguyen","pin":"481516"}"#).await.contains("id:"));
    assert!(says("/api/login", r#"{"id":"lan","pin":"48151"}"#).await.contains("pin:"));
    assert!(says("/api/act", r#"{"id":"press-0001","act":{"do":"fly"}}"#).await.contains("fly"));
    assert!(says("/api/act", r#"{"id":"#).await.contains("line 1"));
    assert!(says("/api/logout", "").await.contains("EOF"));
}

#[tokio::test]
async fn a_body_has_an_end() {
    let bench = Bench::start(FakeStore::with_lan()).await;
    let long = format!(r#"{{"id":"{}"}}"#, "x".repeat(MAX_BODY_BYTES));
    assert_eq!(bench.post("/api/login", &long).await.refusal(), (413, "too_large".into()));
    let never =
        "POST /api/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: 10\r\n\r\n{";
    assert_eq!(bench.send(never).await.refusal(), (408, "too_slow".into()));
}

#[tokio::test]
async fn other_origins_other_hosts_and_plain_forms_are_refused() {
    let bench = Bench::start(FakeStore::with_lan()).await;
    let post = post_text("", "/api/logout", "{}");
    let foreign = post.replace("Host: localhost\r\n", "Host: localhost\r\nOrigin: http://evil.example\r\n");
    assert_eq!(bench.send(&foreign).await.refusal(), (403, "cross_origin".into()));
    let stop = foreign.replace("/api/logout", "/api/stop");
    assert_eq!(bench.send(&stop).await.refusal(), (403, "cross_origin".into()));
    assert!(!bench.presses.has_changed().unwrap());
    let own = post.replace("Host: localhost\r\n", "Host: localhost:8080\r\nOrigin: http://localhost:8080\r\n");
    assert_eq!(bench.send(&own).await.status, 200);
    let form = post.replace("application/json", "text/plain");
    assert_eq!(bench.send(&form).await.refusal(), (415, "not_json".into()));
    let rebound = "GET /api/stream HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    assert_eq!(bench.send(rebound).await.refusal(), (403, "bad_host".into()));
}

#[tokio::test]
async fn every_answer_is_dressed_and_what_does_not_exist_is_not_found() {
    let bench = Bench::start(FakeStore::with_lan()).await;
    let page = bench.get("/").await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").unwrap().starts_with("text/html"));
    assert!(page.header("content-security-policy").unwrap().contains("default-src 'none'"));
    let session = bench.get("/api/session").await;
    assert_eq!((session.header("cache-control"), session.header("x-content-type-options")), (Some("no-store"), Some("nosniff")));
    for path in ["/api/nothing", "/assets/none.js", "/../Cargo.toml", "/%2e%2e/Cargo.toml"] {
        assert_eq!(bench.get(path).await.refusal(), (404, "not_found".into()), "{path}");
    }
    assert_eq!(bench.get("/api/stop").await.refusal(), (404, "not_found".into()));
    assert!(!bench.presses.has_changed().unwrap());
}

#[tokio::test]
async fn pictures_are_found_by_digest_only_and_are_pictures() {
    let bench = Bench::start(FakeStore::with_lan()).await;
    let mut jpeg = vec![0xff, 0xd8, 0xff, 0xe0];
    jpeg.extend_from_slice(b"picture");
    bench.store.lock().unwrap().pictures.insert([0xab; 32], jpeg);
    bench.store.lock().unwrap().pictures.insert([0xcd; 32], b"<script>".to_vec());
    let found = bench.get(&format!("/api/evidence/{}", "ab".repeat(32))).await;
    assert_eq!((found.status, found.header("content-type")), (200, Some("image/jpeg")));
    assert!(found.header("cache-control").unwrap().contains("immutable") && found.body.ends_with("picture"));
    for digest in ["cd".repeat(32), "AB".repeat(32), "00".repeat(32), "ab".repeat(31), "..%2fpepper".into()] {
        assert_eq!(bench.get(&format!("/api/evidence/{digest}")).await.status, 404, "{digest}");
    }
}

#[tokio::test]
async fn passages_and_metrics_come_from_the_stores_side() {
    let bench = Bench::start(FakeStore::with_lan()).await;
    assert_eq!(bench.get("/api/passages").await.json()["passages"].as_array().unwrap().len(), 20);
    assert_eq!(bench.get("/api/passages?limit=100").await.json()["passages"].as_array().unwrap().len(), 100);
    for bad in ["0", "101", "-1", "x"] {
        assert_eq!(bench.get(&format!("/api/passages?limit={bad}")).await.refusal(), (400, "bad_json".into()), "{bad}");
    }
    assert!(bench.get("/metrics").await.body.contains("borderlane_up 1"));
    bench.store.lock().unwrap().hangs = true;
    assert_eq!(bench.get("/metrics").await.refusal(), (504, "no_answer".into()));
}

#[tokio::test]
async fn health_is_bad_when_the_loop_stands_or_the_store_cannot_commit() {
    let bench = Bench::start(FakeStore::with_lan()).await;
    let good = bench.get("/health").await;
    assert_eq!((good.status, &good.json()["phase"], &good.json()["ok"]), (200, &"idle".into(), &true.into()));
    bench.mono_ms.store(3000, Ordering::SeqCst);
    let stalled = bench.get("/health").await;
    assert_eq!((stalled.status, &stalled.json()["lane_turn_age_ms"]), (503, &2000.into()));
    bench.mono_ms.store(1000, Ordering::SeqCst);
    let mut broken = view();
    broken.store_ok = false;
    bench.frames.send_replace(super::bench::frame(2, broken));
    assert_eq!(bench.get("/health").await.status, 503);
}

#[tokio::test]
async fn refusals_logins_and_presses_are_counted() {
    let bench = Bench::start(FakeStore::with_lan()).await;
    bench.login().await;
    bench.post("/api/stop", "{}").await;
    bench.get("/api/nothing").await;
    bench.get("/api/nothing").await;
    let mut registry = prometheus_client::registry::Registry::default();
    bench.metrics.register(&mut registry);
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    for line in [r#"web_refused_total{word="not_found"} 2"#, r#"web_logins_total{word="ok"} 1"#, "web_stop_presses_total 1"] {
        assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
    }
}

/// A picture needs no login, a commissioning view a supervisor, and what is accepted is what was shown.
#[tokio::test]
async fn a_commissioning_view_is_accepted_by_a_supervisor_who_saw_it() {
    use lane_core::input::Camera;
    use lane_core::officer::Role;
    use lane_link::view_api::ViewAct;
    let store = FakeStore::with_lan();
    store.lock().unwrap().frame = Some(("ab".repeat(32), vec![0xff, 0xd8, 0xff, 1]));
    let bench = Bench::start(store.clone()).await;
    let now = bench.get("/api/camera/front/now").await;
    assert_eq!((now.status, now.header("etag")), (200, Some(format!("\"{}\"", "ab".repeat(32)).as_str())));
    assert_eq!(now.header("content-type"), Some("image/jpeg"));
    for (path, status) in [("/api/camera/rear/now", 404), ("/api/camera/top/now", 404), ("/api/camera/front/view", 404)] {
        assert_eq!(bench.get(path).await.status, status, "{path}");
    }
    let accept = format!("{{\"do\":\"accept\",\"picture\":\"{}\"}}", "ab".repeat(32));
    assert_eq!(bench.post("/api/camera/front/view", &accept).await.status, 401);
    let cookie = bench.login().await;
    assert_eq!(bench.post_as(&cookie, "/api/camera/front/view", &accept).await.status, 403, "an officer is no supervisor");
    store.lock().unwrap().officers.get_mut("lan.nguyen").unwrap().0.role = Role::Supervisor;
    let cookie = bench.login().await;
    assert_eq!(bench.post_as(&cookie, "/api/camera/front/view", &accept).await.status, 200);
    let other = accept.replace("abab", "cdcd");
    assert_eq!(bench.post_as(&cookie, "/api/camera/front/view", &other).await.status, 409, "nobody saw that one");
    assert_eq!(bench.post_as(&cookie, "/api/camera/front/view", "{\"do\":\"open\"}").await.status, 400);
    assert_eq!(bench.post_as(&cookie, "/api/camera/rear/view", "{\"do\":\"take_back\"}").await.status, 200);
    let wanted = [
        (Camera::Front, ViewAct::Accept { picture: "ab".repeat(32) }, "lan.nguyen".to_owned()),
        (Camera::Rear, ViewAct::TakeBack, "lan.nguyen".to_owned()),
    ];
    assert_eq!(store.lock().unwrap().views, wanted);
}
