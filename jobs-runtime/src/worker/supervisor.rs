//! The supervisor: starts each part, takes note of how it does, and starts it anew when it fails or panics.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use jobs_core::StoreError;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::guard::{Guarded, Panicked};
use crate::env::first;
use crate::telemetry;

/// A long-running part of the engine: one step, again and again.
pub(crate) trait Part: Send + 'static {
    /// Waits for something to do, and does it. May be dropped at any wait.
    fn run_once(&mut self) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// The pause after the first failure; it doubles up to the last with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LAST_PAUSE: Duration = Duration::from_secs(5);

/// Runs a part until `stop`. `make` builds it, at first and after each panic.
pub(crate) fn supervise<P: Part>(
    shared: &Arc<Shared>,
    name: &'static str,
    stop: &CancellationToken,
    mut make: impl FnMut() -> P + Send + 'static,
) -> CancellationToken {
    let ended = CancellationToken::new();
    let (shared_, stop, done) = (Arc::clone(shared), stop.clone(), ended.clone().drop_guard());
    shared.board.started(name);
    shared.env.spawn.engine(Box::pin(async move {
        let _done = done;
        let shared = shared_;
        let mut pause = FIRST_PAUSE;
        while !stop.is_cancelled() {
            let mut part = make();
            let life = Guarded::new(Box::pin({
                let (shared, stop) = (Arc::clone(&shared), stop.clone());
                async move { live(&shared, name, &stop, &mut part).await }
            }));
            if let Err(Panicked(text)) = life.await {
                shared.board.restarted(name, &text);
                telemetry::part_panicked(name, &text);
                first! {
                    () = stop.cancelled() => {}
                    () = shared.env.sleep(shared.env.rng.jitter(pause)) => {}
                }
                pause = (pause * 2).min(LAST_PAUSE);
            }
        }
        shared.board.stopped(name);
    }));
    ended
}

async fn live<P: Part>(shared: &Shared, name: &'static str, stop: &CancellationToken, part: &mut P) {
    let mut pause = FIRST_PAUSE;
    loop {
        let ended = first! {
            () = stop.cancelled() => return,
            ended = part.run_once() => ended,
        };
        match ended {
            Ok(()) => {
                pause = FIRST_PAUSE;
                shared.board.well(name, &shared.env);
            }
            Err(StoreError::Closed) => {
                shared.board.failing(name, &StoreError::Closed);
                return stop.cancelled().await;
            }
            Err(error) => {
                shared.board.failing(name, &error);
                telemetry::part_failing(name, &error);
                first! {
                    () = stop.cancelled() => return,
                    () = shared.env.sleep(shared.env.rng.jitter(pause)) => {}
                }
                pause = (pause * 2).min(LAST_PAUSE);
            }
        }
    }
}
