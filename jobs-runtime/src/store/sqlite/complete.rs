//! Outcomes: each fenced by its token, finished jobs moved to the history in the same transaction.

use jiff::Timestamp;
use jobs_core::State;
use jobs_core::store::{Completion, CompletionAnswer, Decision, Now};
use rusqlite::{Connection, OptionalExtension, params};

use super::error::{Result, is_own_fault};
use super::row::{micros, with_error};
use super::writer::Session;

pub(super) fn complete(session: &mut Session, now: Now, outcomes: &[Completion]) -> Result<Vec<CompletionAnswer>> {
    let mut tally = Tally::default();
    let mut answers = Vec::with_capacity(outcomes.len());
    let mut freed = false;
    for outcome in outcomes {
        let answer = match apply(&session.connection, now, outcome, &mut tally) {
            Ok(answer) => answer,
            // Each outcome's first statement is the one that can fail for its own values, and a statement that fails undoes itself.
            Err(error) if is_own_fault(&error) => CompletionAnswer::Refused(error.to_string()),
            Err(error) => return Err(session.error(&error)),
        };
        freed |= !matches!(outcome.decision, Decision::Complete { .. });
        answers.push(answer);
    }
    tally.write(&session.connection).map_err(|error| session.error(&error))?;
    if freed {
        session.signal.jobs();
    }
    Ok(answers)
}

fn apply(connection: &Connection, now: Now, outcome: &Completion, tally: &mut Tally) -> rusqlite::Result<CompletionAnswer> {
    let finish = |end: &End<'_>, tally: &mut Tally| end.write(connection, now, outcome, tally);
    let applied = match &outcome.decision {
        Decision::Complete { output, note } => {
            let end = End { state: State::Completed, output: output.as_deref(), error: note.as_deref(), failures: None };
            finish(&end, tally)?
        }
        Decision::Cancel { reason } => {
            let end = End { state: State::Cancelled, output: None, error: Some(reason), failures: None };
            finish(&end, tally)?
        }
        Decision::Fail { error } => match failed(connection, now, outcome, error)? {
            Some(failures) => {
                let end = End { state: State::Failed, output: None, error: Some(error), failures: Some(failures) };
                finish(&end, tally)?
            }
            None => false,
        },
        Decision::Retry { error, after } => match failed(connection, now, outcome, error)? {
            Some((failures, errors)) => {
                let due = now.wall.saturating_add(*after).unwrap_or(Timestamp::MAX);
                connection
                    .prepare_cached(
                        "UPDATE jobs_job SET state = 'retryable', run_at = ?2, failures = ?3, errors = ?4, error = ?5, crashes = 0, \
                         crash_token = NULL, worker = NULL WHERE seq = ?1",
                    )?
                    .execute(params![outcome.seq, micros(due), failures, errors, error])?
                    == 1
            }
            None => false,
        },
        Decision::Snooze { after } => {
            let due = now.wall.saturating_add(*after).unwrap_or(Timestamp::MAX);
            fenced(
                connection,
                "state = 'scheduled', run_at = ?4, snoozes = snoozes + 1, crashes = 0, crash_token = NULL, worker = NULL",
                outcome,
                micros(due),
            )?
        }
        Decision::HandBack => hand_back(connection, now, outcome, tally)?,
        Decision::Park { error, shape } => park(connection, outcome, error, shape)?,
    };
    if applied { Ok(CompletionAnswer::Applied) } else { late(connection, outcome) }
}

/// The fence: an outcome counts on a running job under its own token.
const FENCE: &str = "seq = ?1 AND id = ?2 AND token = ?3 AND state = 'running'";

fn fenced(connection: &Connection, set: &str, outcome: &Completion, value: i64) -> rusqlite::Result<bool> {
    let sql = format!("UPDATE jobs_job SET {set} WHERE {FENCE}");
    let changed =
        connection.prepare_cached(&sql)?.execute(params![outcome.seq, outcome.id.as_bytes().as_slice(), outcome.token, value])?;
    Ok(changed == 1)
}

/// The failures and kept errors of a job with one failure more; `None` when the fence holds the outcome off.
fn failed(connection: &Connection, now: Now, outcome: &Completion, error: &str) -> rusqlite::Result<Option<(i64, String)>> {
    let found: Option<(i64, Option<String>)> = connection
        .prepare_cached(&format!("SELECT failures, errors FROM jobs_job WHERE {FENCE}"))?
        .query_row(params![outcome.seq, outcome.id.as_bytes().as_slice(), outcome.token], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(found.map(|(failures, errors)| {
        let attempt = failures.saturating_add(1);
        let number = u32::try_from(attempt).unwrap_or(u32::MAX);
        (attempt, with_error(errors.as_deref(), number, now.wall, error))
    }))
}

fn hand_back(connection: &Connection, now: Now, outcome: &Completion, tally: &mut Tally) -> rusqlite::Result<bool> {
    let asked: Option<Option<String>> = connection
        .prepare_cached(&format!("SELECT cancel FROM jobs_job WHERE {FENCE}"))?
        .query_row(params![outcome.seq, outcome.id.as_bytes().as_slice(), outcome.token], |row| row.get(0))
        .optional()?;
    match asked {
        None => Ok(false),
        Some(Some(reason)) => {
            let end = End { state: State::Cancelled, output: None, error: Some(&reason), failures: None };
            end.write(connection, now, outcome, tally)
        }
        Some(None) => {
            connection
                .prepare_cached("UPDATE jobs_job SET state = 'available', worker = NULL WHERE seq = ?1")?
                .execute([outcome.seq])?;
            Ok(true)
        }
    }
}

/// How many shapes are remembered that could not decode a job.
const SHAPES: usize = 64;

fn park(connection: &Connection, outcome: &Completion, error: &str, shape: &str) -> rusqlite::Result<bool> {
    let known: Option<Option<String>> = connection
        .prepare_cached(&format!("SELECT parked_by FROM jobs_job WHERE {FENCE}"))?
        .query_row(params![outcome.seq, outcome.id.as_bytes().as_slice(), outcome.token], |row| row.get(0))
        .optional()?;
    let Some(known) = known else { return Ok(false) };
    let mut shapes: Vec<String> = known.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
    shapes.retain(|other| other != shape);
    shapes.push(shape.to_owned());
    shapes.drain(..shapes.len().saturating_sub(SHAPES));
    connection
        .prepare_cached("UPDATE jobs_job SET state = 'parked', parked_by = ?2, error = ?3, worker = NULL WHERE seq = ?1")?
        .execute(params![outcome.seq, serde_json::to_string(&shapes).unwrap_or_default(), error])?;
    Ok(true)
}

/// An outcome that the fence held off: recorded before, or late.
fn late(connection: &Connection, outcome: &Completion) -> rusqlite::Result<CompletionAnswer> {
    let token: Option<i64> = connection
        .prepare_cached("SELECT token FROM jobs_history WHERE id = ?1")?
        .query_row([outcome.id.as_bytes().as_slice()], |row| row.get(0))
        .optional()?;
    Ok(if token == Some(outcome.token) { CompletionAnswer::Repeated } else { CompletionAnswer::Stale })
}

/// How a job ends.
pub(super) struct End<'a> {
    pub(super) state: State,
    pub(super) output: Option<&'a str>,
    pub(super) error: Option<&'a str>,
    /// The new number of failures and the errors kept, if they changed.
    pub(super) failures: Option<(i64, String)>,
}

/// Moves a running job to the history, if the fence lets it.
pub const MOVE_FENCED: &str = "INSERT INTO jobs_history (id, token, kind, queue, priority, run_at, created_at, payload, crashes, snoozes, \
     retries, timeout, name, unique_key, tags, metadata, tenant, user, schedule, tick, parents, state, started_at, finished_at, failures, \
     errors, error, output) \
     SELECT id, token, kind, queue, priority, run_at, created_at, payload, crashes, snoozes, \
     retries, timeout, name, unique_key, tags, metadata, tenant, user, schedule, tick, parents, ?4, ?5, ?6, coalesce(?7, failures), \
     coalesce(?8, errors), ?9, ?10 \
     FROM jobs_job WHERE seq = ?1 AND id = ?2 AND token = ?3 AND state = 'running'";

/// Removes a job that was moved.
pub const FORGET: &str = "DELETE FROM jobs_job WHERE seq = ?1";

/// Moves a live job to the history, whatever its token.
const MOVE: &str = "INSERT INTO jobs_history (id, token, kind, queue, priority, run_at, created_at, payload, crashes, snoozes, \
     retries, timeout, name, unique_key, tags, metadata, tenant, user, schedule, tick, parents, state, started_at, finished_at, failures, \
     errors, error, output) \
     SELECT id, token, kind, queue, priority, run_at, created_at, payload, crashes, snoozes, \
     retries, timeout, name, unique_key, tags, metadata, tenant, user, schedule, tick, parents, ?2, started_at, ?3, coalesce(?4, failures), \
     coalesce(?5, errors), ?6, ?7 \
     FROM jobs_job WHERE seq = ?1";

impl End<'_> {
    fn write(&self, connection: &Connection, now: Now, outcome: &Completion, tally: &mut Tally) -> rusqlite::Result<bool> {
        let moved = connection.prepare_cached(MOVE_FENCED)?.execute(params![
            outcome.seq,
            outcome.id.as_bytes().as_slice(),
            outcome.token,
            self.state.as_str(),
            micros(outcome.started_at),
            micros(now.wall),
            self.failures.as_ref().map(|(failures, _)| *failures),
            self.failures.as_ref().map(|(_, errors)| errors.as_str()),
            self.error,
            self.output,
        ])?;
        self.forget(connection, outcome.seq, moved == 1, tally)
    }

    /// Ends a live job whatever its token, for a person's or a rescuer's reason.
    pub(super) fn write_unfenced(
        &self,
        connection: &Connection,
        now: Now,
        seq: i64,
        tally: &mut Tally,
    ) -> rusqlite::Result<bool> {
        let moved = connection.prepare_cached(MOVE)?.execute(params![
            seq,
            self.state.as_str(),
            micros(now.wall),
            self.failures.as_ref().map(|(failures, _)| *failures),
            self.failures.as_ref().map(|(_, errors)| errors.as_str()),
            self.error,
            self.output,
        ])?;
        self.forget(connection, seq, moved == 1, tally)
    }

    fn forget(&self, connection: &Connection, seq: i64, moved: bool, tally: &mut Tally) -> rusqlite::Result<bool> {
        if moved {
            connection.prepare_cached(FORGET)?.execute([seq])?;
            tally.add(self.state, 1);
        }
        Ok(moved)
    }
}

/// Changes to the numbers of finished jobs, written once for a whole batch.
#[derive(Default)]
pub(super) struct Tally([i64; 3]);

impl Tally {
    const STATES: [State; 3] = [State::Completed, State::Failed, State::Cancelled];

    pub(super) fn add(&mut self, state: State, jobs: i64) {
        for (counted, number) in Self::STATES.into_iter().zip(&mut self.0) {
            if counted == state {
                *number += jobs;
            }
        }
    }

    pub(super) fn write(&self, connection: &Connection) -> rusqlite::Result<()> {
        for (state, number) in Self::STATES.into_iter().zip(self.0).filter(|(_, number)| *number != 0) {
            connection
                .prepare_cached("UPDATE jobs_tally SET jobs = jobs + ?2 WHERE state = ?1")?
                .execute(params![state.as_str(), number])?;
        }
        Ok(())
    }
}
