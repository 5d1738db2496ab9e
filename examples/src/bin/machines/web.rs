//! The web process: it runs no job, so it has a client and no runtime, and may be ended at any moment.

use std::collections::BTreeMap;
use std::fmt::Display;

use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Router, serve};
use jobs_runtime::{CancelAnswer, Client, Enqueue, JobFilter, JobId, JobRecord, StoreError};
use serde::Deserialize;
use tokio::net::TcpListener;

use crate::labels::{self, Arguments, label};
use crate::{Outcome, say};

/// The most parcels of one order.
const MOST: u32 = 10_000;

pub(crate) async fn run(store: &str, address: &str) -> Outcome {
    let listener = TcpListener::bind(address).await.map_err(|error| format!("cannot listen on {address}: {error}"))?;
    let client = Client::connect_to(store).await?;
    let routes = Router::new()
        .route("/", get(index))
        .route("/progress", get(progress))
        .route("/parcels", post(order))
        .route("/jobs/{id}/cancel", post(cancel))
        .route("/pause", post(pause))
        .route("/resume", post(resume))
        .with_state(client);
    say(format!("web: listening on http://{}", listener.local_addr()?));
    // Nothing here needs an end in order; but a shell may have told its children to ignore the key.
    tokio::select! {
        biased;
        pressed = tokio::signal::ctrl_c() => Ok(pressed?),
        served = serve(listener, routes) => Ok(served?),
    }
}

#[derive(Deserialize)]
struct Order {
    parcels: u32,
    /// How long each of them takes.
    millis: u64,
}

/// Answers when all parcels are stored; who prints their labels is for the workers to settle.
async fn order(State(client): State<Client>, Form(order): Form<Order>) -> Response {
    if order.parcels > MOST {
        return (StatusCode::UNPROCESSABLE_ENTITY, format!("`parcels` is above {MOST}\n")).into_response();
    }
    match client.enqueue_all((1..=order.parcels).map(|parcel| label::job(parcel, order.millis))).await {
        Ok(_) => Redirect::to("/").into_response(),
        Err(error) => unavailable(&error),
    }
}

/// Reaches the job wherever it runs.
async fn cancel(State(client): State<Client>, Path(id): Path<String>) -> Response {
    let Ok(id) = id.parse::<JobId>() else { return (StatusCode::BAD_REQUEST, "this is no id of a job\n").into_response() };
    match client.cancel(id).await {
        Ok(CancelAnswer::Requested) => (StatusCode::ACCEPTED, "its worker will stop it\n").into_response(),
        Ok(CancelAnswer::Cancelled) => "cancelled\n".into_response(),
        Ok(CancelAnswer::Finished) => (StatusCode::CONFLICT, "it has ended before\n").into_response(),
        Ok(_) => (StatusCode::NOT_FOUND, "no such job\n").into_response(),
        Err(error) => unavailable(&error),
    }
}

/// No worker begins a label until [`resume`] is called; those that are begun are printed.
async fn pause(State(client): State<Client>) -> Response {
    match client.pause_queue(labels::QUEUE).await {
        Ok(_) => Redirect::to("/").into_response(),
        Err(error) => unavailable(&error),
    }
}

async fn resume(State(client): State<Client>) -> Response {
    match client.resume_queue(labels::QUEUE).await {
        Ok(_) => Redirect::to("/").into_response(),
        Err(error) => unavailable(&error),
    }
}

async fn index(State(client): State<Client>) -> Response {
    match report(&client).await {
        Ok(report) => Html(format!(
            "<!doctype html><meta http-equiv=refresh content=1><title>Parcels</title><form method=post action=/parcels>\
             <input name=parcels value=40> parcels of <input name=millis value=500> ms <button>Order</button></form>\
             <form method=post><button formaction=/pause>Pause</button> <button formaction=/resume>Resume</button></form><pre>{}</pre>\n",
            report.replace('&', "&amp;").replace('<', "&lt;"),
        ))
        .into_response(),
        Err(error) => unavailable(&error),
    }
}

/// The same as text, for `curl`.
async fn progress(State(client): State<Client>) -> Response {
    match report(&client).await {
        Ok(report) => report.into_response(),
        Err(error) => unavailable(&error),
    }
}

fn unavailable(error: &dyn Display) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response()
}

/// Who works, and what has become of each parcel.
async fn report(client: &Client) -> Result<String, StoreError> {
    let mut jobs = BTreeMap::new();
    // What ends between the two looks is in both, and has ended.
    for finished in [false, true] {
        let filter = JobFilter { kind: Some(label::NAME.to_owned()), finished, ..JobFilter::default() };
        jobs.extend(client.jobs(filter).await?.jobs.into_iter().map(|job| (job.id, job)));
    }
    let counts = client.counts().await?;
    let waiting = counts.available + counts.retryable + counts.scheduled;
    let mut lines = vec![format!(
        "{waiting} wait, {} run, {} completed, {} cancelled, {} failed\n",
        counts.running, counts.completed, counts.cancelled, counts.failed
    )];
    lines.extend(client.paused_queues().await?.iter().map(|paused| format!("queue {} is paused\n", paused.queue)));
    let workers = client.store().workers().await?;
    lines.extend(workers.iter().map(|worker| format!("worker {} holds {}\n", worker.name, worker.held)));
    lines.extend(jobs.values().map(of));
    Ok(lines.concat())
}

/// The line of a job.
fn of(job: &JobRecord) -> String {
    let parcel = serde_json::from_str::<Arguments>(&job.payload).map_or(0, |arguments| arguments.parcel);
    let by: Option<String> = job.output.as_deref().and_then(|output| serde_json::from_str(output).ok());
    let by = by.map_or(String::new(), |name| format!(" by {name}"));
    format!("{} parcel {parcel}: {}{by}\n", job.id, job.state)
}
