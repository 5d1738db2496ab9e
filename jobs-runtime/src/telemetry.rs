//! Spans and events for `tracing`, with names that stay.
//!
//! All have the target `jobs`. No argument of a job, and no error text that a job made, appears at info or above.
//!
//! | name | level | when | fields |
//! |---|---|---|---|
//! | `job` (span) | info | around each attempt | `kind`, `id`, `queue`, `attempt` |
//! | `jobs.attempt` | debug | an attempt has ended | `kind`, `id`, `attempt`, `took_us`, `outcome` |
//! | `jobs.failed` | warn | a job has ended as failed | `kind`, `id`, `attempt`, `took_us` |
//! | `jobs.parked` | warn | arguments did not decode | `kind`, `id` |
//! | `jobs.stale` | warn | a late outcome changed nothing | `id`, `token` |
//! | `jobs.refused` | error | the store could not record an outcome | `id`, `message` |
//! | `jobs.started` | info | the runtime has started | `manifest` |
//! | `jobs.warning` | warn | a start-up check found something | `message` |
//! | `jobs.registered` | info | the worker is known to the store | `worker`, `name` |
//! | `jobs.lease_lost` | error | the lease is lost and all jobs are let go | `held` |
//! | `jobs.rescued` | warn | dead workers were ended or jobs parked | `workers`, `freed`, `quarantined`, `parked` |
//! | `jobs.reconciled` | warn | jobs of a lost claim were handed back | `jobs` |
//! | `jobs.paused` | info | this process has heard that a queue is paused | `queue` |
//! | `jobs.resumed` | info | this process has heard that a queue is resumed | `queue` |
//! | `jobs.tick` | debug | a schedule has fired | `schedule`, `tick`, `missed`, `outcome` |
//! | `jobs.schedule_taken` | error | a schedule in the code is not in force: somebody has saved another of its key | `schedule`, `message` |
//! | `jobs.schedule_unusable` | error | a stored schedule cannot be read here | `schedule`, `message` |
//! | `jobs.pruned` | debug | finished jobs were removed | `jobs` |
//! | `jobs.part_failing` | warn | a part of the engine failed and tries again | `part`, `message` |
//! | `jobs.part_panicked` | error | a part of the engine panicked and starts anew | `part`, `message` |
//! | `jobs.no_free_thread` | warn | jobs block all threads of the runtime | |
//! | `jobs.not_completed_by_commit` | warn | the commit of a job's transaction did not complete it: the program forgot the statement, or to commit | `id` |
//! | `jobs.stopping` | info | the shutdown has reached a step | `step` |
//! | `jobs.stopped` | info | the runtime has stopped | |

use std::time::Duration;

use jiff::Timestamp;
use jobs_core::record::ClaimedJob;
use jobs_core::store::{Decision, Fired, Rescue, TickOutcome};
use jobs_core::{JobId, StoreError, WorkerId};
use tracing::{Level, Span, event};

macro_rules! emit {
    ($level:expr, $name:literal, $($fields:tt)*) => {
        event!(name: $name, target: "jobs", $level, $($fields)*)
    };
}

pub(crate) fn job_span(job: &ClaimedJob) -> Span {
    tracing::info_span!(
        target: "jobs",
        "job",
        kind = &*job.kind,
        id = %job.id,
        queue = &*job.queue,
        attempt = job.failures.saturating_add(1),
    )
}

pub(crate) fn attempt_ended(kind: &str, id: JobId, attempt: u32, took: Duration, decision: &Decision) {
    let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    let outcome = match decision {
        Decision::Complete { .. } => "completed",
        Decision::Retry { .. } => "retryable",
        Decision::Fail { .. } => "failed",
        Decision::Snooze { .. } => "snoozed",
        Decision::Cancel { .. } => "cancelled",
        Decision::HandBack => "handed back",
        Decision::Park { .. } => "parked",
    };
    emit!(Level::DEBUG, "jobs.attempt", kind, %id, attempt, took_us, outcome, "attempt ended");
    match decision {
        Decision::Fail { .. } => emit!(Level::WARN, "jobs.failed", kind, %id, attempt, took_us, "job failed"),
        Decision::Park { .. } => emit!(Level::WARN, "jobs.parked", kind, %id, "arguments do not decode here"),
        _ => {}
    }
}

pub(crate) fn stale(id: JobId, token: i64) {
    emit!(Level::WARN, "jobs.stale", %id, token, "late outcome changed nothing");
}

pub(crate) fn refused(id: JobId, message: &str) {
    emit!(Level::ERROR, "jobs.refused", %id, message, "outcome could not be recorded");
}

pub(crate) fn not_completed_by_commit(id: JobId) {
    let message = "the commit of a job did not complete it: the second closure of `provide_transaction` must run the statement that it is given, and then commit";
    emit!(Level::WARN, "jobs.not_completed_by_commit", %id, message);
}

pub(crate) fn started(manifest: &str) {
    emit!(Level::INFO, "jobs.started", manifest, "started");
}

pub(crate) fn warning(message: &str) {
    emit!(Level::WARN, "jobs.warning", message, "check");
}

pub(crate) fn registered(worker: WorkerId, name: &str) {
    emit!(Level::INFO, "jobs.registered", %worker, name, "worker registered");
}

pub(crate) fn lease_lost(held: usize) {
    emit!(Level::ERROR, "jobs.lease_lost", held, "lease lost: all jobs are let go");
}

pub(crate) fn rescued(rescue: &Rescue) {
    let Rescue { workers, freed, quarantined, parked, .. } = *rescue;
    if workers + freed + quarantined + parked > 0 {
        emit!(Level::WARN, "jobs.rescued", workers, freed, quarantined, parked, "rescued");
    }
}

pub(crate) fn reconciled(jobs: u64) {
    emit!(Level::WARN, "jobs.reconciled", jobs, "jobs of a lost claim were handed back");
}

pub(crate) fn paused(queue: &str) {
    emit!(Level::INFO, "jobs.paused", queue, "the queue is paused: its jobs wait");
}

pub(crate) fn resumed(queue: &str) {
    emit!(Level::INFO, "jobs.resumed", queue, "the queue is resumed");
}

pub(crate) fn tick(schedule: &str, tick: Timestamp, missed: u32, fired: Fired) {
    let outcome = match fired {
        Fired::Job(_) => TickOutcome::Fired.as_str(),
        Fired::Queued => TickOutcome::Queued.as_str(),
        Fired::Skipped(skip) => TickOutcome::Skipped(skip).as_str(),
        Fired::Early(_) => "early",
        Fired::Lost => "lost",
    };
    emit!(Level::DEBUG, "jobs.tick", schedule, %tick, missed, outcome, "tick");
}

pub(crate) fn schedule_taken(schedule: &str, message: &str) {
    emit!(Level::ERROR, "jobs.schedule_taken", schedule, message, "schedule of this program is not in force: its key is taken");
}

pub(crate) fn schedule_unusable(schedule: &str, message: &str) {
    emit!(Level::ERROR, "jobs.schedule_unusable", schedule, message, "stored schedule cannot be read here");
}

pub(crate) fn pruned(jobs: usize) {
    emit!(Level::DEBUG, "jobs.pruned", jobs, "pruned");
}

pub(crate) fn part_failing(part: &str, error: &StoreError) {
    emit!(Level::WARN, "jobs.part_failing", part, message = %error, "part failed and tries again");
}

pub(crate) fn part_panicked(part: &str, message: &str) {
    emit!(Level::ERROR, "jobs.part_panicked", part, message, "part panicked and starts anew");
}

pub(crate) fn runtime_blocked(blocked: bool) {
    if blocked {
        emit!(Level::WARN, "jobs.no_free_thread", "no free runtime thread: jobs block all of them");
    }
}

pub(crate) fn stopping(step: &str) {
    emit!(Level::INFO, "jobs.stopping", step, "stopping");
}

pub(crate) fn stopped() {
    emit!(Level::INFO, "jobs.stopped", "stopped");
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_event_stands_in_the_table_and_every_row_is_an_event() {
        let source = include_str!("telemetry.rs");
        let documented: Vec<&str> =
            source.lines().filter_map(|line| line.strip_prefix("//! | `jobs.")).filter_map(|row| row.split('`').next()).collect();
        let code = source.split("#[cfg(test)]").next().unwrap_or_default();
        let mut emitted: Vec<&str> = code.split("\"jobs.").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let mut sorted = documented.clone();
        sorted.sort_unstable();
        emitted.sort_unstable();
        assert_eq!(sorted, emitted);
    }
}
