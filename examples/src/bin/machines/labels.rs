//! The work: a label for each parcel.

use std::time::Duration;

use jobs_runtime::{BoxError, JobContext, job};
use serde::Deserialize;

use crate::say;

/// Who works. Each worker process lends its own to its jobs.
pub(crate) struct Name(pub(crate) String);

/// The queue of all labels, as the attribute below names it.
pub(crate) const QUEUE: &str = "labels";

/// The arguments of [`label`], as they are stored.
#[derive(Deserialize)]
pub(crate) struct Arguments {
    pub(crate) parcel: u32,
}

/// Prints a label, which takes as long as a printer does. Its output says who did it: that is recorded once, also where a label was
/// begun twice because its first worker died.
#[job(queue = "labels", retries = 5)]
pub(crate) async fn label(name: &Name, ctx: &JobContext, parcel: u32, millis: u64) -> Result<String, BoxError> {
    say(format!("{}: begins parcel {parcel}", name.0));
    tokio::select! {
        () = ctx.cancelled() => {
            say(format!("{}: was asked to stop parcel {parcel}", name.0));
            return Err("asked to stop".into());
        }
        () = tokio::time::sleep(Duration::from_millis(millis)) => {}
    }
    say(format!("{}: has done parcel {parcel}", name.0));
    Ok(name.0.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_label_says_who_made_it() {
        assert_eq!(label(&Name("north".to_owned()), &JobContext::test(), 1, 0).await.unwrap(), "north");
    }
}
