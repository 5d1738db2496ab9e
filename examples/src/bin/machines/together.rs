//! All three processes from one command, for whoever has only one machine at hand.

use std::process::{Child, Command};
use std::time::Duration;

use crate::Outcome;

/// How often to look whether they still run.
const PAUSE: Duration = Duration::from_millis(200);

pub(crate) async fn run(address: &str) -> Outcome {
    let program = std::env::current_exe()?;
    let start = |words: &[&str]| Command::new(&program).args(words).spawn();
    let mut children = vec![start(&["web", address])?, start(&["worker", "north"])?, start(&["worker", "south"])?];
    let outcome = tokio::select! {
        // The terminal has told them, too.
        pressed = tokio::signal::ctrl_c() => pressed.map_err(Into::into),
        () = terminated() => Err("asked to end, so the others are stopped".into()),
        ended = one_ends(&mut children) => ended,
    };
    if outcome.is_err() {
        // What a worker was at runs again at the next start.
        children.iter_mut().try_for_each(Child::kill)?;
    }
    for mut child in children {
        tokio::task::spawn_blocking(move || child.wait()).await??;
    }
    outcome
}

async fn one_ends(children: &mut [Child]) -> Outcome {
    loop {
        for child in &mut *children {
            if let Some(status) = child.try_wait()? {
                return Err(format!("a process has ended with {status}, so the others are stopped").into());
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Waits for SIGTERM, of which the others know nothing.
#[cfg(unix)]
async fn terminated() {
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut signal) => _ = signal.recv().await,
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending().await
}
