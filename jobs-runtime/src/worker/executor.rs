//! The executor: runs claimed jobs on the user's runtime, and turns whatever happens into an outcome.
//!
//! A slot is a task that runs one job after the other until none waits. A job may end well, fail, panic, be stopped, or be dropped
//! with its runtime: each way gives exactly one outcome, or none when the lease under which it ran is lost.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jobs_core::context::Facts;
use jobs_core::outcome::{Directive, Failure, Settled};
use jobs_core::record::ClaimedJob;
use jobs_core::registry::{Call, JobEntry};
use jobs_core::store::{Completion, Decision, Held};
use jobs_core::{JobContext, JobId, NewJob, Scope};
use tokio::sync::mpsc::UnboundedSender;
use tracing::Instrument;

use super::Shared;
use super::follow::Rest;
use super::guard::{Guarded, Panicked, catch};
use super::leash::{Leash, Reason};
use super::pool::{Pool, Slot, Started};
use super::unit::{Commit, Unit};
use super::warden::{Measure, Watched};
use crate::env::first;
use crate::telemetry;
use crate::testing::guards::Guard;

/// The outcome of a job, and the time in which it counts.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) completion: Completion,
    pub(crate) epoch: u64,
    /// What the run did about a transaction of its own that completes the job.
    pub(crate) commit: Option<Commit>,
}

impl Outcome {
    /// The job, and the token under which it ran.
    pub(crate) fn held(&self) -> Held {
        Held { id: self.completion.id, token: self.completion.token }
    }

    /// A job that goes back without having run.
    pub(crate) fn hand_back(job: &ClaimedJob, epoch: u64) -> Self {
        let ClaimedJob { id, seq, token, run_at, .. } = *job;
        Self {
            completion: Completion { id, seq, token, started_at: run_at, decision: Decision::HandBack, followers: Vec::new() },
            epoch,
            commit: None,
        }
    }
}

/// Runs jobs.
pub(crate) struct Executor {
    pub(crate) shared: Arc<Shared>,
    pub(crate) pool: Arc<Pool>,
    pub(crate) outcomes: UnboundedSender<Outcome>,
    pub(crate) watched: UnboundedSender<Watched>,
}

impl Executor {
    /// Begins up to `slots` tasks that run what waits in the pool.
    pub(crate) fn fill(self: &Arc<Self>, slots: usize) {
        for _ in 0..slots {
            let Some(started) = self.pool.start() else { break };
            let executor = Arc::clone(self);
            // The guard frees the slot also when the user's runtime drops the task before it has begun.
            let held = Holding::new(&executor, &started);
            self.shared.env.spawn.job(Box::pin(executor.run_slot(started, held)));
        }
    }

    async fn run_slot(self: Arc<Self>, started: Started, mut holding: Holding) {
        let mut next = Some(started);
        while let Some(started) = next {
            let slot = started.slot;
            let took = self.run_one(started).await;
            holding.done();
            next = self.pool.end_and_start(slot, took);
            if let Some(started) = &next {
                holding = Holding::new(&self, started);
            }
            // A slot that runs job after job must let others have the thread.
            tokio::task::coop::consume_budget().await;
        }
    }

    /// Runs one job and hands in its outcome. Answers how long it took.
    async fn run_one(&self, started: Started) -> Duration {
        let Started { job, leash, slot } = started;
        let began = self.shared.env.now();
        let facts = Ran { id: job.id, seq: job.seq, token: job.token, failures: job.failures, started_at: began.wall };
        let Some(entry) = self.shared.registry.get(&job.kind).cloned() else {
            // Only kinds of the registry are claimed, so this is a store that hands out what it was not asked for.
            self.hand_in(facts.completion(Decision::HandBack, None), slot, None);
            return Duration::ZERO;
        };
        let rest = Rest::of(&job);
        let retries = job.retries.or(entry.retries).unwrap_or(self.shared.options.retries);
        let timeout = job.timeout.or(entry.timeout).or(self.shared.options.timeout);
        if let Some(timeout) = timeout {
            let deadline = began.steady.saturating_add(timeout);
            // The warden ends with the engine, and then everything is stopped anyway.
            let _ = self.watched.send(Watched { deadline, leash: Arc::clone(&leash), measure: Measure::Ask });
        }
        let span = telemetry::job_span(&job);
        let kind = Arc::clone(&job.kind);
        let (ended, rest, unit) = match rest {
            Ok(rest) => {
                let (unit, rest) = self.unit(&entry, &facts, &leash, rest);
                let attempt = self.attempt(job, &entry, retries, timeout, began.wall, &leash, unit.clone());
                (attempt.instrument(span).await, rest, unit)
            }
            Err(error) => (Ended::Undecodable(error.to_string()), None, None),
        };
        let took = self.shared.env.now().steady.saturating_sub(began.steady);
        // A handler that was written by hand may have left its transaction alone.
        let rest = rest.or_else(|| unit.as_ref()?.rest());
        let (completion, commit) = match (unit.and_then(|unit| unit.end()), &ended) {
            (Some((commit, done)), Ended::Settled(Ok(_))) => {
                telemetry::attempt_ended(&kind, facts.id, facts.failures.saturating_add(1), took, &done.decision);
                self.hand_in(facts.completion(Decision::Fail { error: NOT_COMPLETED.to_owned() }, None), slot, Some(commit));
                return took;
            }
            (Some((commit, completion)), _) if !Guard::CommitInDoubt.is_on() => (completion, Some(commit)),
            (doubt, _) => {
                let (decision, follower) = match self.follower(&ended, rest) {
                    Ok(follower) => (self.decide(&entry, &facts, retries, timeout, &leash, ended), follower),
                    Err(error) => (Decision::Fail { error: self.bounded(&error) }, None),
                };
                (facts.completion(decision, follower), doubt.map(|_| Commit::InDoubt))
            }
        };
        telemetry::attempt_ended(&kind, facts.id, facts.failures.saturating_add(1), took, &completion.decision);
        self.hand_in(completion, slot, commit);
        took
    }

    /// The unit of work of a run, which takes the rest of the chain with it, if the kind has a transaction.
    fn unit(&self, entry: &JobEntry, facts: &Ran, leash: &Arc<Leash>, rest: Option<Rest>) -> (Option<Arc<Unit>>, Option<Rest>) {
        if !entry.services.iter().any(|service| self.shared.services.is_transaction(service)) {
            return (None, rest);
        }
        (Some(Arc::new(Unit::new(&self.shared, *facts, leash, &self.watched, rest))), None)
    }

    /// The job that follows on one that ended well, if its chain goes on.
    fn follower(&self, ended: &Ended, rest: Option<Rest>) -> Result<Option<NewJob>, String> {
        let (Ended::Settled(Ok(output)), Some(rest)) = (ended, rest) else { return Ok(None) };
        rest.follow(output.as_deref(), &self.shared.env)
            .map(Some)
            .map_err(|error| format!("the work was done, but the next job of its chain cannot be made: {error}"))
    }

    #[allow(clippy::too_many_arguments, reason = "what a run is made of")]
    async fn attempt(
        &self,
        job: ClaimedJob,
        entry: &JobEntry,
        retries: u32,
        timeout: Option<Duration>,
        started_at: Timestamp,
        leash: &Leash,
        unit: Option<Arc<Unit>>,
    ) -> Ended {
        let context = Facts {
            id: job.id,
            kind: job.kind,
            queue: job.queue,
            attempt: job.failures.saturating_add(1),
            retries,
            name: job.name,
            tenant: job.tenant,
            user: job.user,
            tags: job.tags,
            metadata: job.metadata,
            created_at: job.created_at,
            run_at: job.run_at,
            started_at,
            tick: job.tick,
            timeout,
        };
        let context = JobContext::new(context, leash.stop.clone());
        let mut scope = Scope::new(Arc::clone(&self.shared.services), context);
        if let Some(unit) = unit {
            scope = scope.with_unit(unit);
        }
        let call = Call { payload: job.payload, scope };
        // Decoding runs code of the user too.
        let future = match catch(|| entry.handler.call(call)) {
            Ok(Ok(future)) => future,
            Ok(Err(error)) => return Ended::Undecodable(error.to_string()),
            Err(panicked) => return Ended::Panicked(panicked),
        };
        let mut running = Guarded::new(future);
        first! {
            result = &mut running => match result {
                Ok(settled) => Ended::Settled(settled),
                Err(panicked) => Ended::Panicked(panicked),
            },
            () = leash.abort.cancelled() => match running.cancel() {
                Ok(()) => Ended::Aborted,
                Err(panicked) => Ended::Panicked(panicked),
            },
        }
    }

    fn decide(
        &self,
        entry: &JobEntry,
        ran: &Ran,
        retries: u32,
        timeout: Option<Duration>,
        leash: &Leash,
        ended: Ended,
    ) -> Decision {
        let failure = match ended {
            // Whoever ends well has ended well, also when he was asked to stop.
            Ended::Settled(Ok(output)) => return completed(output, self.shared.options.output_limit),
            Ended::Undecodable(error) => {
                return Decision::Park { error: self.bounded(&error), shape: entry.shape(&self.shared.options.build) };
            }
            Ended::Settled(Err(failure)) => failure,
            Ended::Panicked(Panicked(text)) => Failure::new(format!("panicked: {text}")),
            Ended::Aborted => Failure::new("did not stop when it was asked to, and was dropped"),
        };
        match leash.reason() {
            Some(Reason::Cancelled) => return Decision::Cancel { reason: "cancelled while it ran".to_owned() },
            // A job that has made up its mind is not run again for the shutdown's sake.
            Some(Reason::Shutdown | Reason::Lost) if !matches!(failure.directive, Directive::Discard | Directive::Cancel) => {
                return Decision::HandBack;
            }
            Some(Reason::Timeout) => {
                let limit = jobs_core::duration::format(timeout.unwrap_or_default());
                let failure = Failure::new(format!("timed out after {limit}: {}", failure.message));
                return self.failed(entry, ran, retries, &failure);
            }
            Some(Reason::Overlong) => {
                let limit = jobs_core::duration::format(self.shared.options.longest_transaction());
                let failure = Failure::new(format!(
                    "its transaction was open for {limit}, and nobody else can write meanwhile, not even its own enqueues by the client: \
                     use `Client::prepare` in it, and do what takes long in another job"
                ));
                return self.failed(entry, ran, retries, &failure);
            }
            Some(Reason::Shutdown | Reason::Lost) | None => {}
        }
        self.failed(entry, ran, retries, &failure)
    }

    fn failed(&self, entry: &JobEntry, ran: &Ran, retries: u32, failure: &Failure) -> Decision {
        let failures = ran.failures.saturating_add(1);
        let error = self.bounded(&failure.message);
        let retry = |after: Duration| {
            if failures > retries {
                Decision::Fail { error: error.clone() }
            } else {
                Decision::Retry { error: error.clone(), after }
            }
        };
        match failure.directive {
            Directive::Snooze(after) => Decision::Snooze { after },
            Directive::Discard => Decision::Fail { error },
            Directive::Cancel => Decision::Cancel { reason: error },
            Directive::RetryIn(after) => retry(after),
            _ => {
                let backoff = entry.backoff.as_ref().unwrap_or(&self.shared.options.backoff);
                retry(backoff.delay(failures, self.shared.env.rng.fraction()))
            }
        }
    }

    /// The text of an error as it is kept: redacted, and cut to its limit.
    fn bounded(&self, text: &str) -> String {
        let redacted = self.shared.redact.as_ref().map(|redact| catch(|| redact(text)));
        let text = match &redacted {
            None => text,
            Some(Ok(text)) => text,
            Some(Err(_)) => "the error's text is withheld: the redaction panicked",
        };
        let limit = self.shared.options.error_limit;
        if text.len() <= limit {
            return text.to_owned();
        }
        let mut cut = limit;
        while !text.is_char_boundary(cut) {
            cut -= 1;
        }
        format!("{}…", &text[..cut])
    }

    fn hand_in(&self, completion: Completion, slot: Slot, commit: Option<Commit>) {
        // The completer is the last part to end; without it the worker has left and everything was handed back.
        let _ = self.outcomes.send(Outcome { completion, epoch: slot.epoch, commit });
    }
}

/// What becomes of a job whose commit was answered for, if the fence does not find it finished by that.
const NOT_COMPLETED: &str = "the commit of its transaction did not complete it: the second closure of `provide_transaction` must run the \
     statement that it is given, and then commit";

/// A job that ended well, with its output if it may be kept.
pub(super) fn completed(output: Option<String>, limit: usize) -> Decision {
    match output {
        Some(output) if output.len() > limit => Decision::Complete {
            note: Some(format!("its output of {} bytes is not kept: the limit is {limit}", output.len())),
            output: None,
        },
        output => Decision::Complete { output, note: None },
    }
}

/// What an outcome says of its attempt.
#[derive(Clone, Copy)]
pub(super) struct Ran {
    id: JobId,
    seq: i64,
    token: i64,
    failures: u32,
    started_at: Timestamp,
}

impl Ran {
    /// The attempt with its decision, and with the job that follows on it.
    pub(super) fn completion(&self, decision: Decision, follower: Option<NewJob>) -> Completion {
        let Self { id, seq, token, started_at, .. } = *self;
        Completion { id, seq, token, started_at, decision, followers: follower.into_iter().collect() }
    }
}

/// How an attempt ended.
enum Ended {
    Settled(Settled),
    Panicked(Panicked),
    Aborted,
    Undecodable(String),
}

/// Hands a job back if the task that runs it is dropped, as happens when the user's runtime ends before this one.
struct Holding {
    job: Option<(Arc<Executor>, Ran, Slot)>,
}

impl Holding {
    fn new(executor: &Arc<Executor>, started: &Started) -> Self {
        let Started { job, slot, .. } = started;
        let started_at = job.run_at;
        let ran = Ran { id: job.id, seq: job.seq, token: job.token, failures: job.failures, started_at };
        Self { job: Some((Arc::clone(executor), ran, *slot)) }
    }

    fn done(&mut self) {
        self.job = None;
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        if let Some((executor, ran, slot)) = self.job.take() {
            // Where this happened it would happen again: no more jobs are taken, and what waits here may run elsewhere.
            executor.pool.close();
            for job in executor.pool.take_waiting() {
                let _ = executor.outcomes.send(Outcome::hand_back(&job, slot.epoch));
            }
            executor.hand_in(ran.completion(Decision::HandBack, None), slot, None);
            executor.pool.end(slot);
        }
    }
}
