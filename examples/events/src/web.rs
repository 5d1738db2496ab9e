//! What visitors can ask for. Each handler that writes is one transaction: its rows and its jobs are there together, or not at all.

use std::fmt::Write;
use std::time::Duration;

use axum::Router;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Json, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use jobs_runtime::{BoxError, Timestamp};
use lettre::Address;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::db::enqueue;
use crate::jobs::{confirm, remind, welcome};

/// How long before an event its guests are reminded of it.
const REMINDED_BEFORE: Duration = Duration::from_hours(24);

/// The paths, and who answers there.
pub(crate) fn routes(app: App) -> Router {
    Router::new()
        .route("/users", post(sign_up))
        .route("/events", post(announce))
        .route("/events/{event}/registrations", get(guests).post(register))
        .route("/events/{event}/registrations/{user}", delete(sign_off))
        .route("/health", get(health))
        .with_state(app)
}

/// The body of a request, or why it is none.
type Body<T> = Result<Json<T>, JsonRejection>;

/// The number under which something is known from now on.
#[derive(Serialize)]
struct Created {
    id: i64,
}

#[derive(Deserialize)]
struct NewUser {
    email: Address,
    name: String,
}

/// Writes the user and enqueues the mail. A second user of the same address is refused, and gets no mail.
async fn sign_up(State(app): State<App>, body: Body<NewUser>) -> Result<(StatusCode, Json<Created>), Refusal> {
    let NewUser { email, name } = read(body)?;
    let name = filled("name", &name)?;
    let mut tx = app.db.begin().await?;
    let insert = sqlx::query_scalar("INSERT INTO users (email, name) VALUES ($1, $2) RETURNING id");
    let id = insert.bind(email.to_string()).bind(name.clone()).fetch_one(&mut *tx).await.map_err(|error| match error {
        sqlx::Error::Database(error) if error.is_unique_violation() => refuse(StatusCode::CONFLICT, "this address has signed up"),
        error => error.into(),
    })?;
    enqueue(&mut tx, &app.client, [welcome::job(email, name)]).await?;
    tx.commit().await?;
    app.client.wake();
    Ok((StatusCode::CREATED, Json(Created { id })))
}

#[derive(Deserialize)]
struct NewEvent {
    title: String,
    starts_at: Timestamp,
}

/// Writes an event. Nothing follows on it, so it is a statement without jobs.
async fn announce(State(app): State<App>, body: Body<NewEvent>) -> Result<(StatusCode, Json<Created>), Refusal> {
    let NewEvent { title, starts_at } = read(body)?;
    let insert = sqlx::query_scalar("INSERT INTO events (title, starts_at) VALUES ($1, $2) RETURNING id");
    let id = insert.bind(filled("title", &title)?).bind(starts_at.as_second()).fetch_one(&app.db.pool).await?;
    Ok((StatusCode::CREATED, Json(Created { id })))
}

#[derive(Deserialize)]
struct NewGuest {
    user: i64,
}

/// Writes the registration and enqueues what follows on it: a seat now, a reminder a day before the event, or now if that has passed.
async fn register(State(app): State<App>, Path(event): Path<i64>, body: Body<NewGuest>) -> Result<StatusCode, Refusal> {
    let NewGuest { user } = read(body)?;
    let mut tx = app.db.begin().await?;
    let starts_at: Option<i64> =
        sqlx::query_scalar("SELECT starts_at FROM events WHERE id = $1").bind(event).fetch_optional(&mut *tx).await?;
    let starts_at = starts_at.ok_or_else(|| refuse(StatusCode::NOT_FOUND, "no such event"))?;
    let starts_at = Timestamp::from_second(starts_at)?;
    if starts_at <= Timestamp::now() {
        return Err(refuse(StatusCode::CONFLICT, "this event has begun"));
    }
    let insert = sqlx::query("INSERT INTO registrations (event_id, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING");
    let inserted = insert.bind(event).bind(user).execute(&mut *tx).await.map_err(|error| match error {
        sqlx::Error::Database(error) if error.is_foreign_key_violation() => refuse(StatusCode::NOT_FOUND, "no such user"),
        error => error.into(),
    })?;
    // A visitor who clicks twice is registered once.
    if inserted.rows_affected() == 0 {
        return Ok(StatusCode::OK);
    }
    let reminder = remind::job(event, user).name(reminder(event, user)).at(starts_at.saturating_sub(REMINDED_BEFORE)?);
    enqueue(&mut tx, &app.client, [confirm::job(event, user).into_job(), reminder.into_job()]).await?;
    tx.commit().await?;
    app.client.wake();
    Ok(StatusCode::CREATED)
}

/// The name of a reminder: while one waits, a second one is not stored, and it can be found again.
fn reminder(event: i64, user: i64) -> String {
    format!("reminder-{event}-{user}")
}

/// Removes the registration, and then the reminder. If this process dies in between, the reminder finds nobody to remind.
async fn sign_off(State(app): State<App>, Path((event, user)): Path<(i64, i64)>) -> Result<StatusCode, Refusal> {
    let delete = sqlx::query("DELETE FROM registrations WHERE event_id = $1 AND user_id = $2");
    let deleted = delete.bind(event).bind(user).execute(&app.db.pool).await?;
    if deleted.rows_affected() == 0 {
        return Err(refuse(StatusCode::NOT_FOUND, "no such registration"));
    }
    app.client.cancel_named(reminder(event, user)).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Serialize, sqlx::FromRow)]
struct Guest {
    user_id: i64,
    name: String,
    seat: Option<i64>,
}

/// Who comes to an event. A seat is there as soon as `confirm` has run.
async fn guests(State(app): State<App>, Path(event): Path<i64>) -> Result<Json<Vec<Guest>>, Refusal> {
    let select =
        "SELECT user_id, name, seat FROM registrations JOIN users ON users.id = user_id WHERE event_id = $1 ORDER BY user_id";
    Ok(Json(sqlx::query_as(select).bind(event).fetch_all(&app.db.pool).await?))
}

/// For a load balancer: 200 while all parts of the runtime work, else 503 and what does not.
async fn health(State(app): State<App>) -> Response {
    let Some(health) = app.runtime.upgrade().map(|runtime| runtime.health()) else {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response();
    };
    let status = if health.is_well() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut text = format!("{} running, {} completed\n", health.running, health.totals.completed);
    for (name, part) in &health.parts {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{name}: {:?} {}", part.status, part.error.as_deref().unwrap_or_default());
    }
    (status, text).into_response()
}

/// Why a request was not done.
struct Refusal(StatusCode, String);

fn refuse(status: StatusCode, why: impl Into<String>) -> Refusal {
    Refusal(status, why.into())
}

fn read<T>(body: Body<T>) -> Result<T, Refusal> {
    body.map(|Json(value)| value).map_err(|error| refuse(StatusCode::BAD_REQUEST, error.body_text()))
}

/// A text that says something, without spaces around it.
fn filled(what: &str, text: &str) -> Result<String, Refusal> {
    match text.trim() {
        "" => Err(refuse(StatusCode::BAD_REQUEST, format!("`{what}` is empty"))),
        text => Ok(text.to_owned()),
    }
}

/// Whatever else goes wrong is ours: the visitor can only try again.
impl<E: Into<BoxError>> From<E> for Refusal {
    fn from(error: E) -> Self {
        eprintln!("events: {}", error.into());
        refuse(StatusCode::INTERNAL_SERVER_ERROR, "this did not work; please try again")
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, self.1 + "\n").into_response()
    }
}
