//! Outcomes: each fenced by its token, finished jobs moved to the history in the same transaction.

use jiff::Timestamp;
use jobs_core::State;
use jobs_core::store::{Completion, CompletionAnswer, Decision, Now};
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

use super::enqueue::Insert;
use super::error::{Result, is_own_fault};
use super::row::{keys, micros, text_or_none, with_error};
use super::session::Session;

pub(super) fn complete(session: &mut Session, now: Now, outcomes: &[Completion]) -> Result<Vec<CompletionAnswer>> {
    let Session { connection, place, after, .. } = session;
    let problem = |error: rusqlite::Error| super::error::store_error(&error, place);
    let mut batch = Batch::new(connection, now).map_err(problem)?;
    let mut answers = Vec::with_capacity(outcomes.len());
    for outcome in outcomes {
        answers.push(match batch.record(outcome) {
            Ok(answer) => answer,
            // Each outcome's first change is the one that can fail for its own values, and a statement that fails undoes itself.
            Err(error) if is_own_fault(&error) => CompletionAnswer::Refused(error.to_string()),
            Err(error) => return Err(problem(error)),
        });
    }
    batch.forget().map_err(problem)?;
    batch.tally.write(connection).map_err(problem)?;
    let wakes = |outcome: &Completion| !matches!(outcome.decision, Decision::Complete { .. }) || !outcome.followers.is_empty();
    after.jobs |= outcomes.iter().any(wakes);
    Ok(answers)
}

/// Moves a running job to the history, if the fence lets it.
pub const MOVE_FENCED: &str = "INSERT OR FAIL INTO jobs_history (id, token, kind, queue, priority, run_at, created_at, payload, crashes, snoozes, \
     retries, timeout, name, unique_key, tags, metadata, tenant, user, schedule, tick, parent, chain, state, started_at, finished_at, failures, \
     errors, error, output) \
     SELECT id, token, kind, queue, priority, run_at, created_at, payload, crashes, snoozes, \
     retries, timeout, name, unique_key, tags, metadata, tenant, user, schedule, tick, parent, chain, ?4, ?5, ?6, coalesce(?7, failures), \
     coalesce(?8, errors), ?9, ?10 \
     FROM jobs_job WHERE seq = ?1 AND id = ?2 AND token = ?3 AND state = 'running'";

/// Removes jobs that were moved, by their keys in a JSON list: one statement for all spares the opening of all indexes for each.
pub const FORGET: &str = "DELETE FROM jobs_job WHERE seq IN (SELECT value FROM json_each(?1))";

/// Moves a live job to the history, whatever its token.
const MOVE: &str = "INSERT INTO jobs_history (id, token, kind, queue, priority, run_at, created_at, payload, crashes, snoozes, \
     retries, timeout, name, unique_key, tags, metadata, tenant, user, schedule, tick, parent, chain, state, started_at, finished_at, failures, \
     errors, error, output) \
     SELECT id, token, kind, queue, priority, run_at, created_at, payload, crashes, snoozes, \
     retries, timeout, name, unique_key, tags, metadata, tenant, user, schedule, tick, parent, chain, ?2, started_at, ?3, failures, \
     errors, ?4, NULL \
     FROM jobs_job WHERE seq = ?1";

/// The outcomes of one call, with the statements that most of them need.
struct Batch<'c> {
    connection: &'c Connection,
    now: Now,
    tally: Tally,
    finish: CachedStatement<'c>,
    /// Jobs that were moved to the history and are to be removed.
    moved: Vec<i64>,
}

/// What a running job has behind it.
struct Behind {
    failures: i64,
    errors: Option<String>,
    /// Somebody asked it to stop, for this reason.
    asked: Option<String>,
    parked_by: Option<String>,
}

/// How a job ends.
struct End<'a> {
    state: State,
    output: Option<&'a str>,
    error: Option<&'a str>,
    /// The new number of failures and the errors kept, if they changed.
    failures: Option<(i64, String)>,
}

impl<'c> Batch<'c> {
    fn new(connection: &'c Connection, now: Now) -> rusqlite::Result<Self> {
        let finish = connection.prepare_cached(MOVE_FENCED)?;
        Ok(Self { connection, now, tally: Tally::default(), finish, moved: Vec::new() })
    }

    /// Records an outcome and stores what follows on it, or neither.
    fn record(&mut self, outcome: &Completion) -> rusqlite::Result<CompletionAnswer> {
        if outcome.followers.is_empty() {
            return self.apply(outcome);
        }
        let before = self.tally;
        self.forget()?;
        self.connection.execute_batch("SAVEPOINT followed")?;
        let answer = self.apply(outcome).and_then(|answer| match answer {
            CompletionAnswer::Applied => self.follow(outcome),
            answer => Ok(answer),
        });
        if !matches!(answer, Ok(CompletionAnswer::Applied)) {
            self.tally = before;
            self.moved.clear();
            // An error that has undone the transaction has taken the savepoint with it.
            let undone = self.connection.execute_batch("ROLLBACK TO followed");
            answer.as_ref().map_or(Ok(()), |_| undone)?;
        }
        let released = self.connection.execute_batch("RELEASE followed");
        answer.as_ref().map_or(Ok(()), |_| released)?;
        answer
    }

    /// Removes what was moved.
    fn forget(&mut self) -> rusqlite::Result<()> {
        if !self.moved.is_empty() {
            self.connection.prepare_cached(FORGET)?.execute([keys(&self.moved)])?;
            self.moved.clear();
        }
        Ok(())
    }

    fn follow(&mut self, outcome: &Completion) -> rusqlite::Result<CompletionAnswer> {
        // A follower may bear the name that comes free.
        self.forget()?;
        let mut insert = Insert::new(self.connection, self.now);
        for job in &outcome.followers {
            if let Err(problem) = insert.one(job) {
                return problem.into_refusal().map(CompletionAnswer::Refused);
            }
        }
        Ok(CompletionAnswer::Applied)
    }

    fn apply(&mut self, outcome: &Completion) -> rusqlite::Result<CompletionAnswer> {
        let applied = match &outcome.decision {
            Decision::Complete { output, note } => {
                let (output, error) = (output.as_deref(), note.as_deref());
                self.finish(outcome, &End { state: State::Completed, output, error, failures: None })?
            }
            Decision::Cancel { reason } => self.cancel(outcome, reason)?,
            decision => match self.behind(outcome)? {
                Some(behind) => self.go_on(outcome, decision, &behind)?,
                None => false,
            },
        };
        if applied { Ok(CompletionAnswer::Applied) } else { self.late(outcome) }
    }

    fn finish(&mut self, outcome: &Completion, end: &End<'_>) -> rusqlite::Result<bool> {
        let moved = match self.move_fenced(outcome, end) {
            // It may have been moved before, and wait to be removed.
            Err(error) if is_own_fault(&error) && !self.moved.is_empty() => {
                self.forget()?;
                self.move_fenced(outcome, end)?
            }
            answer => answer?,
        };
        if moved == 1 {
            self.moved.push(outcome.seq);
            self.tally.add(end.state, 1);
        }
        Ok(moved == 1)
    }

    fn move_fenced(&mut self, outcome: &Completion, end: &End<'_>) -> rusqlite::Result<usize> {
        self.finish.execute(params![
            outcome.seq,
            outcome.id.as_bytes().as_slice(),
            outcome.token,
            end.state.as_str(),
            micros(outcome.started_at),
            micros(self.now.wall),
            end.failures.as_ref().map(|(failures, _)| *failures),
            end.failures.as_ref().map(|(_, errors)| errors.as_str()),
            end.error,
            end.output,
        ])
    }

    fn cancel(&mut self, outcome: &Completion, reason: &str) -> rusqlite::Result<bool> {
        self.finish(outcome, &End { state: State::Cancelled, output: None, error: Some(reason), failures: None })
    }

    /// What the job has behind it; `None` when the fence holds the outcome off.
    fn behind(&mut self, outcome: &Completion) -> rusqlite::Result<Option<Behind>> {
        // What was moved runs no more.
        self.forget()?;
        self.connection
            .prepare_cached(
                "SELECT failures, errors, cancel, parked_by FROM jobs_job \
                 WHERE seq = ?1 AND id = ?2 AND token = ?3 AND state = 'running'",
            )?
            .query_row(params![outcome.seq, outcome.id.as_bytes().as_slice(), outcome.token], |row| {
                let (errors, asked) = (text_or_none(row, 1)?, text_or_none(row, 2)?);
                Ok(Behind { failures: row.get(0)?, errors, asked, parked_by: text_or_none(row, 3)? })
            })
            .optional()
    }

    fn go_on(&mut self, outcome: &Completion, decision: &Decision, behind: &Behind) -> rusqlite::Result<bool> {
        let failures = match decision {
            Decision::Retry { error, .. } | Decision::Fail { error } => {
                let attempt = behind.failures.saturating_add(1).min(MOST);
                let number = u32::try_from(attempt).unwrap_or(u32::MAX);
                Some((attempt, with_error(behind.errors.as_deref(), number, self.now.wall, error)))
            }
            _ => None,
        };
        if let Decision::Fail { error } = decision {
            return self.finish(outcome, &End { state: State::Failed, output: None, error: Some(error), failures });
        }
        // Whoever was asked to stop does not run again.
        if let Some(reason) = behind.asked.as_deref() {
            return self.finish(outcome, &End { state: State::Cancelled, output: None, error: Some(reason), failures });
        }
        match decision {
            Decision::Retry { error, after } => self.retry(outcome, error, self.after(*after), failures)?,
            Decision::Snooze { after } => self.snooze(outcome, self.after(*after))?,
            Decision::Park { error, shape } => self.park(outcome, error, shape, behind.parked_by.as_deref())?,
            _ => self.hand_back(outcome)?,
        }
        Ok(true)
    }

    fn after(&self, wait: std::time::Duration) -> i64 {
        micros(self.now.wall.saturating_add(wait).unwrap_or(Timestamp::MAX))
    }

    fn retry(&self, outcome: &Completion, error: &str, due: i64, failures: Option<(i64, String)>) -> rusqlite::Result<()> {
        let (failures, errors) = failures.unzip();
        self.connection
            .prepare_cached(
                "UPDATE jobs_job SET state = 'retryable', run_at = ?2, failures = coalesce(?3, failures), errors = ?4, error = ?5, \
                 crashes = 0, crash_tokens = NULL, worker = NULL WHERE seq = ?1",
            )?
            .execute(params![outcome.seq, due, failures, errors, error])
            .map(drop)
    }

    fn snooze(&self, outcome: &Completion, due: i64) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached(
                "UPDATE jobs_job SET state = 'scheduled', run_at = ?2, snoozes = min(snoozes + 1, 1000000000), crashes = 0, \
                 crash_tokens = NULL, \
                 worker = NULL WHERE seq = ?1",
            )?
            .execute(params![outcome.seq, due])
            .map(drop)
    }

    fn hand_back(&self, outcome: &Completion) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached("UPDATE jobs_job SET state = 'available', worker = NULL WHERE seq = ?1")?
            .execute([outcome.seq])
            .map(drop)
    }

    fn park(&self, outcome: &Completion, error: &str, shape: &str, known: Option<&str>) -> rusqlite::Result<()> {
        let mut shapes: Vec<String> = known.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
        shapes.retain(|other| other != shape);
        shapes.push(shape.to_owned());
        shapes.drain(..shapes.len().saturating_sub(SHAPES));
        self.connection
            .prepare_cached("UPDATE jobs_job SET state = 'parked', parked_by = ?2, error = ?3, worker = NULL WHERE seq = ?1")?
            .execute(params![outcome.seq, serde_json::to_string(&shapes).unwrap_or_default(), error])
            .map(drop)
    }

    /// An outcome that the fence held off: recorded before, or late.
    fn late(&self, outcome: &Completion) -> rusqlite::Result<CompletionAnswer> {
        let token: Option<i64> = self
            .connection
            .prepare_cached("SELECT token FROM jobs_history WHERE id = ?1")?
            .query_row([outcome.id.as_bytes().as_slice()], |row| row.get(0))
            .optional()?;
        Ok(if token == Some(outcome.token) { CompletionAnswer::Repeated } else { CompletionAnswer::Stale })
    }
}

/// The largest count that the table takes: a row from outside may begin there.
const MOST: i64 = 1_000_000_000;

/// How many shapes are remembered that could not decode a job.
const SHAPES: usize = 64;

/// Ends a live job whatever its token, for a person's or a rescuer's reason.
pub(super) fn end_unfenced(
    connection: &Connection,
    now: Now,
    seq: i64,
    state: State,
    reason: &str,
    tally: &mut Tally,
) -> rusqlite::Result<()> {
    let moved = connection.prepare_cached(MOVE)?.execute(params![seq, state.as_str(), micros(now.wall), reason])?;
    if moved == 1 {
        connection.prepare_cached(FORGET)?.execute([keys(&[seq])])?;
        tally.add(state, 1);
    }
    Ok(())
}

/// Changes to the numbers of finished jobs, written once for a whole batch.
#[derive(Clone, Copy, Default)]
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
