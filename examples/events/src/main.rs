//! Events and sign-ups: a web application that writes its rows and its jobs in one transaction, on SQLite or PostgreSQL.
//!
//! The way of a sign-up: `web` writes the user and the job, `db` holds the transaction, `jobs` does the work, `mail` writes the mail.
//! `app` puts them together, `settings` says where everything is.

mod app;
mod db;
mod jobs;
mod mail;
mod settings;
mod web;

use std::process::ExitCode;

use jobs_runtime::BoxError;
use tokio::net::TcpListener;
use tokio::signal;

use crate::settings::Settings;

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Settings::from_environment()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("events: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(settings: &Settings) -> Result<(), BoxError> {
    let listener = TcpListener::bind(&settings.listen).await.map_err(|error| format!("LISTEN={}: {error}", settings.listen))?;
    let (app, runtime) = app::start(settings).await?;
    println!("listening on http://{}", listener.local_addr()?);
    // First no more requests, then no more jobs: what a last request enqueues is stored, and runs now or at the next start.
    axum::serve(listener, web::routes(app)).with_graceful_shutdown(asked_to_stop()).await?;
    if let Some(runtime) = std::sync::Arc::into_inner(runtime) {
        runtime.shutdown().await;
    }
    println!("stopped");
    Ok(())
}

/// Waits for Ctrl-C, or for SIGTERM on Unix.
async fn asked_to_stop() {
    #[cfg(unix)]
    if let Ok(mut terminate) = signal::unix::signal(signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        return;
    }
    // Without a handler nobody can ask, and the system ends the process.
    if signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
