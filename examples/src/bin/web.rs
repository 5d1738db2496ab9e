//! A web application that answers at once and does the work in a job, which survives the end of the process.
//!
//! `cargo run -p examples --bin web -- [ADDRESS]` listens on `127.0.0.1:3000` unless another address is given (port 0 takes a free
//! one). The jobs are kept in `web.db` in the current folder, or where `JOBS_STORE` says. Ctrl-C or SIGTERM stops first the web server
//! and then the jobs.

use std::fmt::Write;
use std::process::ExitCode;
use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Router, serve};
use jobs_runtime::{BoxError, Client, JobId, Runtime, job};
use serde::Deserialize;
use tokio::net::TcpListener;

/// Sends receipts. This one only takes as long as a mail server would.
struct Postman {
    delay: Duration,
}

/// The work that no visitor shall wait for.
#[job(queue = "mail", retries = 5, timeout = "30s")]
async fn send_receipt(postman: &Postman, to: String) -> Result<String, BoxError> {
    tokio::time::sleep(postman.delay).await;
    println!("sent a receipt to {to}");
    Ok(format!("a receipt for {to}"))
}

/// What the handlers share.
#[derive(Clone)]
struct Shop {
    client: Client,
    /// Weak, so that `main` is the only owner when it shuts the runtime down.
    runtime: Weak<Runtime>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    match run(&address).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("web: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(address: &str) -> Result<(), BoxError> {
    let listener = TcpListener::bind(address).await.map_err(|error| format!("cannot listen on {address}: {error}"))?;
    let postman = Postman { delay: Duration::from_millis(300) };
    // `start` touches no signal: when to stop is for the web server to say.
    let store = std::env::var("JOBS_STORE").unwrap_or_else(|_| "sqlite://web.db".to_owned());
    let runtime = Runtime::builder().store(store).queue("mail", 8).provide(postman).start().await?;
    let runtime = Arc::new(runtime);
    let shop = Shop { client: runtime.client().clone(), runtime: Arc::downgrade(&runtime) };
    let routes = Router::new()
        .route("/", get(index))
        .route("/receipts", post(order))
        .route("/jobs/{id}", get(status))
        .route("/health", get(health))
        .with_state(shop);
    println!("listening on http://{}", listener.local_addr()?);
    serve(listener, routes).with_graceful_shutdown(asked_to_stop()).await?;
    println!("no more requests; running jobs may end");
    if let Some(runtime) = Arc::into_inner(runtime) {
        runtime.shutdown().await;
    }
    println!("stopped");
    Ok(())
}

async fn index() -> Html<&'static str> {
    Html(
        "<!doctype html><title>Shop</title><form method=post action=/receipts><input name=to value=Ann> <button>Send a receipt</button></form>",
    )
}

#[derive(Deserialize)]
struct Order {
    to: String,
}

/// Answers when the job is on disk, not when it is done.
async fn order(State(shop): State<Shop>, Form(order): Form<Order>) -> Response {
    if order.to.trim().is_empty() {
        return (StatusCode::UNPROCESSABLE_ENTITY, "`to` is empty\n").into_response();
    }
    match send_receipt::job(order.to).enqueue(&shop.client).await {
        Ok(id) => Redirect::to(&format!("/jobs/{id}")).into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("not accepted: {error}\n")).into_response(),
    }
}

async fn status(State(shop): State<Shop>, Path(id): Path<String>) -> Response {
    let Ok(id) = id.parse::<JobId>() else { return (StatusCode::BAD_REQUEST, "this is no id of a job\n").into_response() };
    match shop.client.job(id).await {
        Ok(Some(job)) => {
            let refresh = if job.state.is_finished() { "" } else { "<meta http-equiv=refresh content=1>" };
            let text = job.output.or(job.error).unwrap_or_default();
            let (kind, state, failures) = (job.kind, job.state, job.failures);
            Html(format!(
                "<!doctype html>{refresh}<title>{state}</title><h1>{kind}: {state}</h1><p>{failures} failures</p><pre>{}</pre>\n",
                escaped(&text)
            ))
            .into_response()
        }
        Ok(None) => (StatusCode::NOT_FOUND, "no such job\n").into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}

/// For a load balancer: 200 while everything works, else 503 and what does not.
async fn health(State(shop): State<Shop>) -> Response {
    let Some(health) = shop.runtime.upgrade().map(|runtime| runtime.health()) else {
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

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Waits for Ctrl-C, or for SIGTERM on Unix.
async fn asked_to_stop() {
    let interrupt = async {
        // Without a handler nobody can ask, and the system ends the process.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => _ = signal.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}
