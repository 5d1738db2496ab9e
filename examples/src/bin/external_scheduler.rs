//! Another scheduler says when, and this program does the work: a cron service calls a URL, and each call becomes a job.
//!
//! `cargo run -p examples --bin external_scheduler -- [ADDRESS]` listens on `127.0.0.1:3000` unless another address is given. Its own
//! scheduler is off, so the times in code fire nothing here.
//!
//! ```text
//! curl -d '{"kind":"send_invoices","schedule":"first-of-month","id":"2027-03-01","payload":{"month":"February"}}' \
//!     http://127.0.0.1:3000/deliver
//! ```
//!
//! Such services call again when they heard no answer. The id of the delivery makes that harmless: the second call answers the same job.
//! Jobs are kept in `deliveries.db` in the current folder, or where `JOBS_STORE` says. Ctrl-C ends it.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Router, serve};
use jobs_runtime::{BoxError, Client, Delivery, Job, JobEntry, NewJob, Runtime, job};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::net::TcpListener;

#[job(queue = "billing", retries = 5)]
async fn send_invoices(month: String) {
    println!("the invoices of {month} are sent");
}

/// Would run each second by itself, were the scheduler of this program on.
#[job(every = "1s")]
async fn measure() {
    println!("measured");
}

/// What the other scheduler sends.
#[derive(Deserialize)]
struct Call {
    kind: String,
    schedule: String,
    id: String,
    payload: Box<RawValue>,
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let store = std::env::var("JOBS_STORE").unwrap_or_else(|_| "sqlite://deliveries.db".to_owned());
    let listener = TcpListener::bind(&address).await?;
    // The same as `schedules = false` in jobs.toml, or JOBS_SCHEDULES=false.
    let runtime = Runtime::builder().store(store).schedules(false).start().await?;
    println!("{} schedules of our own", runtime.client().schedules().list().await?.len());

    let routes = Router::new().route("/deliver", post(deliver)).with_state(runtime.client().clone());
    println!("listening on http://{}", listener.local_addr()?);
    let interrupted = async { tokio::signal::ctrl_c().await.unwrap_or_else(|error| eprintln!("no Ctrl-C here: {error}")) };
    serve(listener, routes).with_graceful_shutdown(interrupted).await?;
    runtime.shutdown().await;
    Ok(())
}

/// Answers when the job is on disk, not when it is done: with 201 for a new one, with 200 for one that was there.
async fn deliver(State(client): State<Client>, body: String) -> (StatusCode, String) {
    let call: Call = match serde_json::from_str(&body) {
        Ok(call) => call,
        Err(error) => return (StatusCode::BAD_REQUEST, format!("{error}\n")),
    };
    let Some(entry) = entry(&call.kind) else {
        return (StatusCode::NOT_FOUND, format!("there is no job `{}` to deliver\n", call.kind));
    };
    // With the kind's own queue, priority and tags.
    let job = NewJob::of(entry, call.payload.get());
    match client.deliver(Delivery { job, schedule: call.schedule, id: call.id }).await {
        Ok(stored) if stored.created => (StatusCode::CREATED, format!("{}\n", stored.id)),
        Ok(stored) => (StatusCode::OK, format!("{}\n", stored.id)),
        // The service shall call again: nothing was stored, or nobody knows.
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")),
    }
}

/// What may be asked for from outside.
fn entry(kind: &str) -> Option<&'static JobEntry> {
    [send_invoices::entry(), measure::entry()].into_iter().find(|entry| entry.name == kind)
}
