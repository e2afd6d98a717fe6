//! The page of lanes: one table, refreshed by itself, Vietnamese first, without anything from outside. Old news is marked as old.

use crate::app::{App, now_ms};
use crate::db::{DbError, unsigned};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::fmt::Write;

/// Health older than this is old.
pub const HEALTH_OLD_MS: i64 = 30_000;
const PASSAGES_MAX: u32 = 5;

/// Everything the page shows, as `GET /api/lanes` gives it.
///
/// # Errors
/// [`DbError`].
pub async fn gather(app: &App) -> Result<Value, DbError> {
    let lanes = app.lanes();
    let now = now_ms();
    let site = app.config.site.clone();
    app.db
        .with(move |c| {
            let mut rows = Vec::new();
            for (name, info) in &lanes {
                rows.push(json!({
                    "lane": name,
                    "online": info.state.as_ref().is_some_and(|s| s.online),
                    "state": info.state,
                    "health": info.health.as_ref().map(|(h, _)| h),
                    "health_age_ms": info.health.as_ref().map(|(_, at)| now - at),
                    "records": c.query_row("SELECT count(*) FROM records WHERE lane = ?1", [name], |r| unsigned(r, 0))?,
                    "pictures": c.query_row("SELECT count(*) FROM evidence WHERE lane = ?1", [name], |r| unsigned(r, 0))?,
                    "passages": passages(c, name)?,
                }));
            }
            let alarms: u64 = c.query_row("SELECT count(*) FROM alarms", [], |r| unsigned(r, 0))?;
            let declarations: u64 = c.query_row("SELECT count(*) FROM rows WHERE collection = 'declarations'", [], |r| unsigned(r, 0))?;
            Ok(json!({ "site": site, "utc_ms": now, "alarms": alarms, "declarations": declarations, "lanes": rows }))
        })
        .await
}

fn passages(connection: &Connection, lane: &str) -> Result<Vec<Value>, DbError> {
    let sql = "SELECT passage, bytes FROM records WHERE lane = ?1 AND kind = 'passage_ended' ORDER BY id DESC LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let ended = statement.query_map((lane, PASSAGES_MAX), |r| Ok((r.get::<_, Option<String>>(0)?, r.get::<_, Vec<u8>>(1)?)))?;
    let mut passages = Vec::new();
    for row in ended {
        let (passage, bytes) = row?;
        let record: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let sql = "SELECT bytes FROM records WHERE lane = ?1 AND passage = ?2 AND kind = 'plate_read' ORDER BY id";
        let mut statement = connection.prepare_cached(sql)?;
        let reads = statement.query_map((lane, &passage), |r| r.get::<_, Vec<u8>>(0))?;
        let mut plates: Vec<String> = Vec::new();
        for read in reads {
            let read: Value = serde_json::from_slice(&read?).unwrap_or(Value::Null);
            if let Some(text) = read["text"].as_str().filter(|text| !plates.iter().any(|p| p == text)) {
                plates.push(text.to_owned());
            }
        }
        passages.push(json!({
            "passage": passage, "end": record["end"], "utc_ms": record["utc_ms"], "plates": plates,
            "verdict_ms": record["verdict_ms"], "clear_ms": record["clear_ms"],
        }));
    }
    Ok(passages)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn word(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => escaped(text),
        other => escaped(&other.to_string()),
    }
}

fn time(utc_ms: &Value) -> String {
    let stamp = utc_ms.as_i64().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    stamp.map_or_else(|| "–".to_owned(), |t| t.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

const HEAD: &str = "<!doctype html><html lang=\"vi\"><head><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"5\">\
<meta name=\"viewport\" content=\"width=device-width\"><title>Borderlane</title><style>\
body{font:16px/1.4 sans-serif;margin:1.5rem;color:#111;background:#f4f4f4}table{border-collapse:collapse;width:100%;background:#fff}\
th,td{border:1px solid #bbb;padding:.4rem .6rem;text-align:left;vertical-align:top}.n{text-align:right}\
.bad{background:#b00020;color:#fff;font-weight:bold}.old{color:#555;background:#ddd}small{color:#444}\
figure{display:inline-block;margin:.2rem .4rem .2rem 0}img{width:11rem;display:block}figcaption{font-size:.8rem;color:#444}</style></head><body>";

/// The page.
#[must_use]
pub fn render(all: &Value) -> String {
    let mut out = String::from(HEAD);
    let alarms = all["alarms"].as_u64().unwrap_or(0);
    let class = if alarms > 0 { " class=\"bad\"" } else { "" };
    let _ = write!(
        out,
        "<h1>Cửa khẩu {site} <small>Border gate</small></h1><p>{time} · <span{class}>Cảnh báo / Alarms: {alarms}</span> · \
         Tờ khai / Declarations: {declarations}</p><table><thead><tr><th>Làn xe<br><small>Lane</small></th>\
         <th>Kết nối<br><small>Link</small></th><th>Trạng thái<br><small>State</small></th><th>Lỗi<br><small>Faults</small></th>\
         <th>Chờ gửi<br><small>Waiting records</small></th><th>Bản ghi, ảnh<br><small>Records, pictures</small></th>\
         <th>Lượt xe gần đây<br><small>Last passages</small></th></tr></thead><tbody>",
        site = word(&all["site"]),
        time = time(&all["utc_ms"]),
        declarations = word(&all["declarations"]),
    );
    for lane in all["lanes"].as_array().into_iter().flatten() {
        row(&mut out, lane);
    }
    out.push_str("</tbody></table></body></html>");
    out
}

fn row(out: &mut String, lane: &Value) {
    let online = lane["online"].as_bool().unwrap_or(false);
    let age = lane["health_age_ms"].as_i64();
    let old = !online || age.is_none_or(|age| age > HEALTH_OLD_MS);
    let class = if old { " class=\"old\"" } else { "" };
    let link = if online { "<td>Có / Online</td>" } else { "<td class=\"bad\">MẤT KẾT NỐI / OFFLINE</td>" };
    let health = &lane["health"];
    let age = age.map_or_else(|| "–".to_owned(), |age| format!("{} s", age / 1000));
    let _ = write!(
        out,
        "<tr><td><b>{}</b></td>{link}<td{class}>{} · {}<br><small>tuổi / age {age}</small></td><td>",
        word(&lane["lane"]),
        word(&health["phase"]),
        word(&health["mode"]),
    );
    cameras(out, health);
    for fault in health["faults"].as_array().into_iter().flatten() {
        let _ = write!(out, "<div class=\"bad\">⚠ {} ({})</div>", word(&fault["name"]), word(&fault["severity"]));
    }
    for (key, said) in [
        ("rows_quarantined", "dòng không hiểu được / rows not understood"),
        ("claims_lost", "yêu cầu giữ không gửi được / claims not heard"),
    ] {
        if let Some(count) = health[key].as_u64().filter(|count| *count > 0) {
            let _ = write!(out, "<div class=\"bad\">⚠ {count} {said}</div>");
        }
    }
    let _ = write!(
        out,
        "</td><td class=\"n\">{}</td><td class=\"n\">{} / {}</td><td>",
        word(&health["queue_records"]),
        word(&lane["records"]),
        word(&lane["pictures"]),
    );
    for passage in lane["passages"].as_array().into_iter().flatten() {
        let plates: Vec<_> = passage["plates"].as_array().into_iter().flatten().map(word).collect();
        let _ = write!(out, "<div>{} · <b>{}</b> · {}</div>", time(&passage["utc_ms"]), plates.join(" + "), word(&passage["end"]));
    }
    out.push_str("</td></tr>");
}

/// A camera's state for people; `None`: all is well.
fn camera_words(state: &str) -> Option<&'static str> {
    Some(match state {
        "ok" => return None,
        "covered" => "ống kính bị che / lens covered",
        "moved" => "camera bị lệch hướng / camera moved",
        "dark" => "hình quá tối / too dark",
        "glare" => "bị chói / glare",
        "blurred" => "mất nét / out of focus",
        "dirty" => "kính bẩn hoặc sương mù / dirty lens or fog",
        "out_of_frame" => "biển số ngoài khung hình / plates out of frame",
        "frozen" => "hình đứng / frozen",
        "no_frames" => "không có hình / no pictures",
        "down" => "không chạy / not running",
        _ => "trạng thái lạ / unknown state",
    })
}

/// The cameras that are not well, each with the picture that shows it beside its commissioning view.
fn cameras(out: &mut String, health: &Value) {
    for device in health["devices"].as_array().into_iter().flatten() {
        let name = match device["name"].as_str() {
            Some("front_camera") => "Camera trước / Front camera",
            Some("rear_camera") => "Camera sau / Rear camera",
            _ => continue,
        };
        let Some(said) = camera_words(device["state"].as_str().unwrap_or_default()) else { continue };
        let _ = write!(out, "<div class=\"bad\">⚠ {name}: {said}</div>");
        for (key, title) in [("picture", "Hình lúc đó / The picture"), ("view", "Khi nghiệm thu / When accepted")] {
            let digest = device[key].as_str().filter(|text| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()));
            if let Some(digest) = digest {
                let _ = write!(
                    out,
                    "<figure><a href=\"/evidence/{digest}\"><img src=\"/evidence/{digest}\" alt=\"\"></a><figcaption>{title}</figcaption></figure>"
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_lane_says_cannot_write_into_the_page() {
        let evil = json!({ "site": "s", "utc_ms": 0, "alarms": 1, "declarations": 0, "lanes": [{
            "lane": "lane-1", "online": true, "health_age_ms": 99_000, "records": 1, "pictures": 0,
            "health": { "phase": "<script>alert(1)</script>", "mode": "automatic", "faults": [], "rows_quarantined": 3 }, "passages": [] }] });
        let page = render(&evil);
        assert!(!page.contains("<script>"));
        assert!(page.contains("class=\"old\""), "health of 99 s is shown as old");
        assert!(page.contains("⚠ 3 dòng không hiểu được") && !page.contains("claims not heard"), "what is not understood is shown");
    }

    #[test]
    fn a_camera_that_is_not_well_is_named_with_its_pictures() {
        let device =
            |name: &str, state: &str, picture: &str| json!({ "name": name, "state": state, "picture": picture, "view": "ef".repeat(32) });
        let lane = |devices: Vec<Value>| {
            json!({ "site": "s", "utc_ms": 0, "alarms": 0, "declarations": 0, "lanes": [{ "lane": "lane-1", "online": true, "health_age_ms": 0,
                "records": 1, "pictures": 2, "health": { "phase": "idle", "mode": "automatic", "faults": [], "devices": devices }, "passages": [] }] })
        };
        let page = render(&lane(vec![device("front_camera", "covered", &"ab".repeat(32)), device("rear_camera", "ok", &"cd".repeat(32))]));
        assert!(page.contains("Camera trước / Front camera: ống kính bị che / lens covered"));
        assert!(page.contains(&format!("/evidence/{}", "ab".repeat(32))) && page.contains(&format!("/evidence/{}", "ef".repeat(32))));
        assert!(!page.contains("Camera sau") && !page.contains(&"cd".repeat(32)), "all is well there");
        let evil = render(&lane(vec![device("rear_camera", "<b>", "\"><script>")]));
        assert!(evil.contains("Rear camera: trạng thái lạ") && !evil.contains("<script>") && !evil.contains("<b>&lt;"), "{evil}");
    }
}
