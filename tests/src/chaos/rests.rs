//! The rests: one queue is paused and resumed again and again, and it is noted when the store had answered.

use std::time::Duration;

use jobs_core::{BoxError, StoreError};
use jobs_runtime::Client;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::clock;
use super::evidence::Rest;
use super::plan::Plan;
use super::producer::client;
use super::work::RESTING;

/// How long a call may take before it is given up and made again.
const PATIENCE: Duration = Duration::from_secs(8);

/// Who pauses and resumes.
pub(super) struct Rests<'a> {
    plan: &'a Plan,
    client: Client,
}

impl<'a> Rests<'a> {
    pub(super) async fn new(plan: &'a Plan, url: &str) -> Result<Self, BoxError> {
        Ok(Self { plan, client: client(url).await? })
    }

    /// Lets the queue rest now and then until this moment, and resumes it for good until the later one. Answers when it rested for sure:
    /// a call that had to be made again may take effect late, so nothing is said of the time around it.
    pub(super) async fn run(&self, until: Instant, at_last: Instant) -> Vec<Rest> {
        let (mut chance, mut rests) = (self.plan.chance(5), Vec::new());
        let mut is_sure = true;
        while Instant::now() < until {
            sleep(Duration::from_millis(chance.u64(300..2_500))).await;
            let tries = surely(at_last, || self.client.pause_queue(RESTING)).await;
            is_sure &= tries == Some(1);
            let from = clock::now();
            sleep(Duration::from_millis(chance.u64(200..2_500))).await;
            let to = clock::now();
            if is_sure {
                rests.push(Rest { from, to });
            }
            is_sure = surely(at_last, || self.client.resume_queue(RESTING)).await == Some(1);
        }
        rests
    }
}

/// Calls until there is an answer, and says how often that took; nothing if there was none in time.
async fn surely<F>(at_last: Instant, call: impl Fn() -> F) -> Option<u32>
where
    F: Future<Output = Result<bool, StoreError>>,
{
    let mut tries = 0;
    let answered = async {
        loop {
            tries += 1;
            match timeout(PATIENCE, call()).await {
                Ok(Ok(_)) => return,
                Ok(Err(error)) if !error.is_transient() => panic!("the store will never do this: {error}"),
                Ok(Err(_)) | Err(_) => sleep(Duration::from_millis(50)).await,
            }
        }
    };
    timeout_at(at_last, answered).await.ok().map(|()| tries)
}
