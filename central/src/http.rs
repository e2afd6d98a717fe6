//! The API, on loopback only. Every error is `{"error": "..."}` with a status that says whose fault it was.
//!
//! | | |
//! |---|---|
//! | `POST /declarations` | a JSON array of declarations: put in or replaced |
//! | `POST /declarations/reload` | takes the files of declarations, officers and rules in again |
//! | `POST /declarations/{id}/confirm` | `{agency, result, required?, by?, document?, expires_ms?}` |
//! | `POST /declarations/{id}/withdraw` | state `withdrawn` |
//! | `GET /declarations/{id}` | the row |
//! | `POST /watchlist` | a JSON array of `{entry, plate, action, seen_by}` |
//! | `POST /collections/{name}` | a JSON array of rows `{"upsert":{key,body}}` or `{"tombstone":{key}}` |
//! | `POST /lanes/{lane}/command` | `{act, by, passage?, view_stamp?, id?, life_ms?}`: signed and sent; answers `{id}` |
//! | `GET /api/commands/{id}` | what the lane said of it |
//! | `GET /api/lanes`, `/api/alarms`, `/api/records?lane=&after=` | for pages and tests |
//! | `GET /evidence/{digest}` | a picture |
//! | `GET /bundle/{name}` | a collection as a signed file |
//! | `GET /` | the page |

use crate::app::{App, now_ms};
use crate::db::{DbError, unsigned};
use crate::{page, replicas};
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use lane_link::command::{Command, CommandAct, CommandPerson, MAX_COMMAND_LIFE_MS};
use lane_link::declaration::{Confirmation, ConfirmationResult, Declaration, DeclarationState};
use lane_link::envelope::What;
use lane_link::hex_bytes::{Hex32, HexBytes};
use lane_link::replica::{Collection, Row};
use lane_link::topics::{self, LaneTopic, Name};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

const BODY_MAX_BYTES: usize = 8 << 20;
const RECORDS_MAX: u32 = 1_000;
const COMMAND_LIFE_MS: i64 = 10_000;

pub(crate) struct Refused(StatusCode, String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}

impl From<DbError> for Refused {
    fn from(error: DbError) -> Self {
        let status = if matches!(error, DbError::Bad(_)) { StatusCode::BAD_REQUEST } else { StatusCode::INTERNAL_SERVER_ERROR };
        Self(status, error.to_string())
    }
}

fn bad(why: impl std::fmt::Display) -> Refused {
    Refused(StatusCode::BAD_REQUEST, why.to_string())
}

fn unknown(what: &str) -> Refused {
    Refused(StatusCode::NOT_FOUND, format!("there is no {what}"))
}

type Answer<T> = Result<T, Refused>;
type Shared = State<Arc<App>>;

pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/api/lanes", get(lanes))
        .route("/api/records", get(records))
        .route("/api/alarms", get(alarms))
        .route("/api/commands/{id}", get(outcomes))
        .route("/declarations", post(declarations))
        .route("/declarations/reload", post(reload))
        .route("/declarations/{id}", get(declaration))
        .route("/declarations/{id}/confirm", post(confirm))
        .route("/declarations/{id}/withdraw", post(withdraw))
        .route("/watchlist", post(watchlist))
        .route("/collections/{name}", post(collection))
        .route("/lanes/{lane}/command", post(command))
        .route("/evidence/{digest}", get(evidence))
        .route("/bundle/{name}", get(bundle))
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .with_state(app)
}

fn parse<T: serde::de::DeserializeOwned>(body: &Bytes) -> Answer<T> {
    serde_json::from_slice(body).map_err(bad)
}

async fn index(State(app): Shared) -> Answer<Html<String>> {
    Ok(Html(page::render(&page::gather(&app).await?)))
}

async fn lanes(State(app): Shared) -> Answer<Json<Value>> {
    Ok(Json(page::gather(&app).await?))
}

async fn declarations(State(app): Shared, body: Bytes) -> Answer<Json<Value>> {
    let rows: Vec<Declaration> = parse(&body)?;
    let rows = rows.iter().map(replicas::upsert).collect::<Result<Vec<_>, _>>()?;
    let count = rows.len();
    app.write(Collection::Declarations, rows).await?;
    Ok(Json(json!({ "rows": count })))
}

async fn reload(State(app): Shared) -> Answer<Json<Value>> {
    let rows = app.load_files().await.map_err(bad)?;
    Ok(Json(json!({ "rows": rows })))
}

async fn one(app: &App, id: &str) -> Answer<Declaration> {
    let key = id.to_owned();
    app.db.with(move |c| replicas::declaration(c, &key)).await?.ok_or_else(|| unknown("such declaration"))
}

async fn declaration(State(app): Shared, Path(id): Path<String>) -> Answer<Json<Declaration>> {
    one(&app, &id).await.map(Json)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Confirm {
    agency: String,
    result: ConfirmationResult,
    required: Option<bool>,
    by: Option<String>,
    document: Option<String>,
    expires_ms: Option<i64>,
}

async fn confirm(State(app): Shared, Path(id): Path<String>, body: Bytes) -> Answer<Json<Declaration>> {
    let said: Confirm = parse(&body)?;
    let mut declaration = one(&app, &id).await?;
    let required = declaration.confirmations.iter().find(|c| c.agency == said.agency).is_none_or(|c| c.required);
    declaration.confirmations.retain(|c| c.agency != said.agency);
    declaration.confirmations.push(Confirmation {
        required: said.required.unwrap_or(required),
        result: said.result,
        by: said.by,
        at_ms: Some(now_ms()),
        expires_ms: said.expires_ms,
        document: said.document,
        digest: Some(HexBytes(declaration.tied_digest()).to_string()),
        agency: said.agency,
    });
    app.write(Collection::Declarations, vec![replicas::upsert(&declaration)?]).await?;
    Ok(Json(declaration))
}

async fn withdraw(State(app): Shared, Path(id): Path<String>) -> Answer<Json<Declaration>> {
    let mut declaration = one(&app, &id).await?;
    declaration.state = DeclarationState::Withdrawn;
    app.write(Collection::Declarations, vec![replicas::upsert(&declaration)?]).await?;
    Ok(Json(declaration))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Watch {
    entry: String,
    plate: String,
    action: WatchAction,
    seen_by: WatchSeen,
}

#[derive(Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
enum WatchAction {
    Hold,
    SilentAlarm,
}

#[derive(Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
enum WatchSeen {
    Lane,
    Supervisor,
    CentreOnly,
}

async fn watchlist(State(app): Shared, body: Bytes) -> Answer<Json<Value>> {
    let entries: Vec<Watch> = parse(&body)?;
    let mut rows = Vec::with_capacity(entries.len());
    for Watch { entry, plate, action, seen_by } in entries {
        let plate = lane_core::plate::PlateText::parse(&plate).map_err(|e| bad(format!("watch entry {entry}: {e}")))?;
        let body = json!({ "entry": entry, "plate": plate.to_string(), "action": action, "seen_by": seen_by });
        rows.push(Row::Upsert { key: entry, body });
    }
    let count = rows.len();
    app.write(Collection::Watchlist, rows).await?;
    Ok(Json(json!({ "rows": count })))
}

async fn collection(State(app): Shared, Path(name): Path<String>, body: Bytes) -> Answer<Json<Value>> {
    let collection = Collection::from_word(&name).ok_or_else(|| unknown("such collection"))?;
    let rows: Vec<Row> = parse(&body)?;
    let count = rows.len();
    app.write(collection, rows).await?;
    Ok(Json(json!({ "rows": count })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    id: Option<String>,
    passage: Option<String>,
    view_stamp: Option<u32>,
    by: CommandPerson,
    act: CommandAct,
    life_ms: Option<i64>,
}

async fn command(State(app): Shared, Path(lane): Path<String>, body: Bytes) -> Answer<Json<Value>> {
    let order: Order = parse(&body)?;
    let lane = Name::new(&lane).map_err(bad)?;
    let state = app.lanes().remove(lane.as_str()).and_then(|info| info.state).filter(|s| s.online);
    let state = state.ok_or_else(|| Refused(StatusCode::CONFLICT, format!("lane {lane} is not online")))?;
    let id = match order.id {
        Some(id) => id,
        None => {
            let mut random = [0_u8; 16];
            getrandom::fill(&mut random).map_err(bad)?;
            HexBytes(random).to_string()
        }
    };
    let now = now_ms();
    let command = Command {
        id: id.clone(),
        lane: lane.clone(),
        passage: order.passage,
        view_stamp: order.view_stamp,
        challenge: state.challenge,
        // Clocks of lane and centre differ a little.
        not_before_ms: now - 2_000,
        expires_ms: now + order.life_ms.unwrap_or(COMMAND_LIFE_MS).clamp(1, MAX_COMMAND_LIFE_MS - 2_000),
        by: order.by,
        act: order.act,
    };
    let envelope = app.signer().for_lane(What::Command, &lane, &command).map_err(bad)?;
    tracing::info!(lane = lane.as_str(), id, by = command.by.id, act = ?command.act, "a command is sent");
    app.publish(topics::lane(&app.config.site, &lane, LaneTopic::Command), envelope.to_bytes(), false);
    Ok(Json(json!({ "id": id, "expires_ms": command.expires_ms })))
}

async fn outcomes(State(app): Shared, Path(id): Path<String>) -> Json<Value> {
    Json(json!({ "id": id, "outcomes": app.outcomes(&id) }))
}

#[derive(Deserialize)]
struct Range {
    lane: String,
    #[serde(default)]
    after: u64,
    max: Option<u32>,
}

async fn records(State(app): Shared, Query(range): Query<Range>) -> Answer<Json<Value>> {
    let max = range.max.unwrap_or(RECORDS_MAX).min(RECORDS_MAX);
    let rows = app.db.with(move |c| {
        let sql = "SELECT id, ledger, seq, hash, bytes FROM records WHERE lane = ?1 AND id > ?2 ORDER BY id LIMIT ?3";
        let mut statement = c.prepare_cached(sql)?;
        let rows = statement.query_map((range.lane, range.after.cast_signed(), max), |r| {
            let bytes: Vec<u8> = r.get(4)?;
            Ok(json!({
                "id": unsigned(r, 0)?, "ledger": r.get::<_, String>(1)?, "seq": unsigned(r, 2)?,
                "hash": HexBytes::<32>(r.get(3)?).to_string(),
                "record": serde_json::from_slice::<Value>(&bytes).unwrap_or(Value::Null),
            }))
        })?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?)
    });
    Ok(Json(Value::Array(rows.await?)))
}

async fn alarms(State(app): Shared) -> Answer<Json<Value>> {
    let rows = app.db.with(|c| {
        let mut statement = c.prepare_cached("SELECT id, at_ms, lane, kind, text FROM alarms ORDER BY id DESC LIMIT 100")?;
        let rows = statement.query_map([], |r| {
            Ok(json!({
                "id": unsigned(r, 0)?, "at_ms": r.get::<_, i64>(1)?, "lane": r.get::<_, String>(2)?,
                "kind": r.get::<_, String>(3)?, "text": r.get::<_, String>(4)?,
            }))
        })?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?)
    });
    Ok(Json(Value::Array(rows.await?)))
}

async fn evidence(State(app): Shared, Path(digest): Path<Hex32>) -> Answer<Response> {
    let name = digest.to_string();
    let path = app.evidence_dir().join(&name[..2]).join(&name);
    let bytes = tokio::task::spawn_blocking(move || std::fs::read(path)).await.map_err(bad)?;
    let bytes = bytes.map_err(|_| unknown("such picture"))?;
    Ok(([(header::CONTENT_TYPE, "image/jpeg"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")], bytes).into_response())
}

async fn bundle(State(app): Shared, Path(name): Path<String>) -> Answer<Json<lane_link::replica::Bundle>> {
    let collection = Collection::from_word(&name).ok_or_else(|| unknown("such collection"))?;
    let signer = app.signer();
    let bundle = app.db.with(move |c| replicas::bundle(c, &signer, collection, now_ms())).await?;
    Ok(Json(bundle))
}
