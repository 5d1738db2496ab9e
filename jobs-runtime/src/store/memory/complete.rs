//! Outcomes: each fenced by its token, and each recorded apart from the others of its batch.

use jiff::Timestamp;
use jobs_core::record::{AttemptError, KEPT_ERRORS};
use jobs_core::store::{Completion, CompletionAnswer, Decision, Now};
use jobs_core::{State as JobState, StoreError};

use super::enqueue::id_of;
use super::state::{Job, Place, State, later};
use crate::testing::guards::Guard;

impl State {
    pub(super) fn complete(&mut self, now: Now, outcomes: Vec<Completion>) -> Vec<CompletionAnswer> {
        outcomes.into_iter().map(|outcome| self.complete_one(now, outcome)).collect()
    }

    fn complete_one(&mut self, now: Now, outcome: Completion) -> CompletionAnswer {
        match self.places.get(&outcome.id) {
            Some(&Place::Live(seq)) if self.is_held(seq, outcome.token) => {
                let followers = outcome.followers.into_iter().map(|job| Ok((id_of(&job)?, job)));
                let Ok(followers) = followers.collect::<Result<Vec<_>, StoreError>>() else {
                    return CompletionAnswer::Refused("a job that follows has no id".to_owned());
                };
                self.change(seq, |job| job.record.started_at = Some(outcome.started_at));
                self.apply(now.wall, seq, outcome.decision);
                for (id, job) in followers {
                    self.enqueue_one(now, id, job);
                }
                CompletionAnswer::Applied
            }
            Some(Place::Finished(end)) if self.history.get(end).is_some_and(|job| job.record.token == outcome.token) => {
                CompletionAnswer::Repeated
            }
            _ => {
                if !Guard::Followers.is_on() {
                    // Without an id none of them could be stored anyway.
                    let _ = self.enqueue(now, outcome.followers);
                }
                CompletionAnswer::Stale
            }
        }
    }

    fn is_held(&self, seq: i64, token: i64) -> bool {
        self.live
            .get(&seq)
            .is_some_and(|job| job.record.state == JobState::Running && (job.record.token == token || !Guard::Fence.is_on()))
    }

    fn apply(&mut self, now: Timestamp, seq: i64, decision: Decision) {
        match decision {
            Decision::Complete { output, note } => {
                self.change(seq, |job| job.record.output = output);
                self.finish(seq, now, JobState::Completed, note);
            }
            Decision::Fail { error } => {
                self.change(seq, |job| fail(job, now, error.clone()));
                self.finish(seq, now, JobState::Failed, Some(error));
            }
            Decision::Cancel { reason } => self.finish(seq, now, JobState::Cancelled, Some(reason)),
            Decision::Retry { error, after } => {
                self.change(seq, |job| {
                    fail(job, now, error);
                    wait(job, JobState::Retryable, later(now, after));
                });
                self.stop_if_asked(now, seq);
            }
            Decision::Snooze { after } => {
                self.change(seq, |job| {
                    job.record.snoozes += 1;
                    wait(job, JobState::Scheduled, later(now, after));
                });
                self.stop_if_asked(now, seq);
            }
            Decision::HandBack => self.hand_back(now, seq),
            Decision::Park { error, shape } => {
                self.change(seq, |job| {
                    job.record.state = JobState::Parked;
                    job.record.error = Some(error);
                    job.worker = None;
                    if Guard::ParkedShapes.is_on() {
                        job.shapes.insert(shape);
                    }
                });
                self.stop_if_asked(now, seq);
            }
        }
    }

    /// Gives a running job back as it was, unless somebody asked it to stop.
    pub(super) fn hand_back(&mut self, now: Timestamp, seq: i64) {
        self.free(seq);
        self.stop_if_asked(now, seq);
    }

    /// Ends a job that would run again although somebody asked it to stop.
    pub(super) fn stop_if_asked(&mut self, now: Timestamp, seq: i64) {
        if Guard::StopStays.is_on()
            && let Some(reason) = self.live.get(&seq).and_then(|job| job.cancel.clone())
        {
            self.finish(seq, now, JobState::Cancelled, Some(reason));
        }
    }
}

/// Records a failure; the oldest kept ones make room.
fn fail(job: &mut Job, now: Timestamp, error: String) {
    let record = &mut job.record;
    record.failures += 1;
    record.errors.push(AttemptError { attempt: record.failures, at: now.as_microsecond(), error: error.clone() });
    let surplus = record.errors.len().saturating_sub(KEPT_ERRORS);
    record.errors.drain(..surplus);
    record.error = Some(error);
}

/// Lets a job wait that has shown itself alive.
fn wait(job: &mut Job, state: JobState, due: Timestamp) {
    job.record.state = state;
    job.record.run_at = due;
    job.record.crashes = 0;
    job.crash_tokens.clear();
    job.worker = None;
}
