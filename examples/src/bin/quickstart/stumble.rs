//! A job that fails on purpose, so that a retry can be seen on a machine where nothing else fails.

use std::time::Duration;

use jobs_runtime::{JobContext, job};

use crate::console::say;

/// Fails at its first attempt, and succeeds at its second.
#[job(retries = 1, backoff = "fixed 500ms")]
pub(crate) async fn stumble(ctx: &JobContext) -> Result<(), &'static str> {
    tokio::time::sleep(Duration::from_millis(10)).await;
    if ctx.attempt() == 1 {
        say("stumble (a demonstration): attempt 1 fails on purpose, and is tried again in 500 ms");
        return Err("this failure is made up, to show a retry");
    }
    say(format!("stumble (a demonstration): attempt {} succeeds", ctx.attempt()));
    Ok(())
}
