//! The kinds of jobs in the mix. Each run stands in the ledger with its beginning and its end, and its name is what the store is told: as
//! the output of a run that ended well, as the error of one that failed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jobs_core::chain::Link;
use jobs_core::{Backoff, BoxError, JobContext, JobEntry, JobId, NewJob, Verdict};
use jobs_runtime::{ClosureJob, Timestamp, closure};

use super::effects::{self, EFFECT, Fate, fate};
use super::ledger::{End, Event, Ledger};
use super::plan::LEASE;
use super::witness::Witness;

/// How often every job here is tried again, but for those with an effect.
pub(crate) const RETRIES: u32 = 2;

/// How often a job of a kind is tried again.
pub(super) fn retries(kind: &str) -> u32 {
    if kind == EFFECT { effects::RETRIES } else { RETRIES }
}

/// How many attempts of a job fail before one ends well. One more than there are attempts is a job that ends as failed.
pub(super) fn failures(kind: &str, job: JobId) -> u32 {
    let chance = job.as_bytes()[15];
    match kind {
        "flaky" => [0, 1, 1, 2, 2, 3][usize::from(chance % 6)],
        _ => 0,
    }
}

/// The job that follows on every `first`.
pub(super) const FOLLOWER: &str = "second";

/// The queue that is paused now and then, and how many of a hundred jobs are of it.
pub(super) const RESTING: &str = "resting";
const OF_RESTING: u32 = 25;

/// The kinds that are enqueued, and how many of a thousand jobs are such.
const MIX: [(&str, u32); 7] =
    [("quick", 470), (EFFECT, 200), ("flaky", 150), ("snoozing", 68), ("first", 80), ("steady", 30), ("long", 2)];

/// A job of some kind.
pub(super) fn any(id: JobId, chance: &mut fastrand::Rng) -> NewJob {
    let mut drawn = chance.u32(..1_000);
    let kind = MIX.iter().find(|(_, share)| {
        let found = drawn < *share;
        drawn = drawn.saturating_sub(*share);
        found
    });
    let mut job = NewJob::new(kind.map_or("quick", |(kind, _)| *kind), format!("{{\"id\":\"{id}\"}}"));
    if job.kind == "first" {
        let follower = JobEntry::from(closure(FOLLOWER, |_: JobContext| async {}));
        job.chain = vec![Link::of(&follower, None)];
    }
    if job.kind == EFFECT && fate(id) == Fate::TimesOutOnce {
        job.timeout = Some(effects::TIMEOUT);
    }
    if chance.u32(..100) < OF_RESTING {
        job.queue = RESTING.into();
    }
    job.id = Some(id);
    job
}

/// Where the jobs of one process write.
pub(crate) struct Desk {
    pub(crate) process: String,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) witness: Arc<Witness>,
    pub(crate) runs: AtomicU64,
    /// How long a job of a kind takes.
    pub(crate) length: fn(&str, JobId) -> Duration,
}

/// All kinds but those with an effect, for one process.
pub(super) fn kinds(desk: &Arc<Desk>) -> Vec<ClosureJob> {
    let kinds = MIX.map(|(kind, _)| kind).into_iter().filter(|kind| *kind != EFFECT).chain([FOLLOWER, "tick"]);
    let kind = |name| {
        let desk = Arc::clone(desk);
        let job = closure(name, move |context: JobContext| {
            let desk = Arc::clone(&desk);
            async move { desk.run(&context).await }
        });
        job.retries(RETRIES).backoff(Backoff::Fixed(Duration::from_millis(500)))
    };
    kinds.map(|name| if name == "tick" { kind(name).every("1s") } else { kind(name) }).collect()
}

/// A run. If nothing is said of its end, it was dropped.
pub(crate) struct Run<'a> {
    desk: &'a Desk,
    number: u64,
    /// The token of its claim.
    pub(super) token: i64,
    ended: bool,
}

impl Run<'_> {
    /// The name under which the store hears of it.
    pub(super) fn name(&self) -> String {
        format!("{}#{}", self.desk.process, self.number)
    }

    pub(super) fn end(&mut self, how: End) {
        self.ended = true;
        self.desk.ledger.write(&Event::End { run: self.number, how });
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.end(End::Dropped);
        }
    }
}

impl Desk {
    /// Begins a run.
    pub(super) fn begin(&self, context: &JobContext) -> Run<'_> {
        let (job, number) = (context.id(), self.runs.fetch_add(1, Ordering::Relaxed));
        let token = self.witness.token(job);
        self.ledger.write(&Event::Begin {
            run: number,
            job,
            kind: context.kind().to_owned(),
            attempt: context.attempt(),
            token,
            tick: context.tick().map(Timestamp::as_millisecond),
        });
        Run { desk: self, number, token, ended: false }
    }

    pub(crate) async fn run(&self, context: &JobContext) -> Result<String, BoxError> {
        let (job, mut run) = (context.id(), self.begin(context));
        tokio::select! {
            biased;
            () = context.cancelled() => {
                run.end(End::Stopped);
                return Err("stopped".into());
            }
            () = tokio::time::sleep((self.length)(context.kind(), job)) => {}
        }
        let name = run.name();
        if context.attempt() <= failures(context.kind(), job) {
            run.end(End::Failed);
            return Err(name.into());
        }
        let age = context.started_at().duration_since(context.created_at());
        if context.kind() == "snoozing" && age.as_millis() < 400 {
            run.end(End::Snoozed);
            return Err(Verdict::snooze(Duration::from_millis(300)).into());
        }
        run.end(End::Ok);
        Ok(name)
    }
}

/// How long a job takes: some so long that others are still at it when the process that was frozen wakes, some longer than the lease.
pub(super) fn length(kind: &str, job: JobId) -> Duration {
    let chance = u64::from(job.as_bytes()[14]);
    match kind {
        "steady" => Duration::from_millis(600 + 4 * chance),
        "long" => LEASE + Duration::from_millis(300 + 5 * chance),
        _ => Duration::from_millis(chance % 20),
    }
}
