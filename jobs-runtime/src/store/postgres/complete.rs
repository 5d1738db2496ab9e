//! Outcomes: each fenced by its token; finished jobs leave for the history in the same statement, and what follows on them comes in
//! the same transaction.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use jobs_core::store::{Completion, CompletionAnswer, Decision};
use jobs_core::{JobId, NewJob, State};
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::connection::{Connection, get, time};
use super::enqueue::{after, insert};
use super::error::{Problem, Result};
use super::row::{id, uuid};

/// The columns that a job takes with it into the history.
macro_rules! carried {
    ($of:literal) => {
        concat!(
            $of,
            ".id, ",
            $of,
            ".token, ",
            $of,
            ".kind, ",
            $of,
            ".queue, ",
            $of,
            ".priority, ",
            $of,
            ".run_at, ",
            $of,
            ".created_at, ",
            $of,
            ".payload, ",
            $of,
            ".crashes, ",
            $of,
            ".snoozes, ",
            $of,
            ".retries, ",
            $of,
            ".timeout, ",
            $of,
            ".name, ",
            $of,
            ".unique_key, ",
            $of,
            ".tags, ",
            $of,
            ".metadata, ",
            $of,
            ".tenant, ",
            $of,
            ".\"user\", ",
            $of,
            ".schedule, ",
            $of,
            ".tick, ",
            $of,
            ".parent, ",
            $of,
            ".chain"
        )
    };
}

/// Those columns in the history, and how the job ended.
macro_rules! into_history {
    () => {
        "INSERT INTO {s}.history (id, token, kind, queue, priority, run_at, created_at, payload, crashes, snoozes, retries, timeout, name, \
         unique_key, tags, metadata, tenant, \"user\", schedule, tick, parent, chain, state, started_at, finished_at, failures, errors, \
         error, output) "
    };
}

/// One failure more, the newest ten of them.
macro_rules! with_error {
    ($job:literal, $error:literal) => {
        concat!(
            "jsonb_path_query_array(coalesce(",
            $job,
            ".errors, '[]') || jsonb_build_array(jsonb_build_object('attempt', ",
            $job,
            ".failures + 1, 'at', (extract(epoch FROM {now}) * 1000000)::bigint, 'error', ",
            $error,
            ")), '$[last - 9 to last]')"
        )
    };
}

/// Ends running jobs, each if its fence lets it; those `asked` only if somebody asked them to stop. The state and the id are asked in
/// ways that lead to no index: with old statistics the planner would read every running job instead of going by the keys.
pub const FINISH: &str = concat!(
    "WITH o AS (SELECT * FROM unnest($2::bigint[], $3::uuid[], $4::bigint[], $5::timestamptz[], $6::text[], $7::text[], $8::text[], \
     $9::boolean[], $10::boolean[]) AS o (seq, id, token, started_at, state, output, error, failed, asked)), \
     moved AS (DELETE FROM {s}.job AS j USING o WHERE j.seq = o.seq AND (j.id = o.id) IS TRUE AND j.token = o.token AND j.state || '' = 'running' \
       AND (NOT o.asked OR j.cancel IS NOT NULL) RETURNING ",
    carried!("j"),
    ", j.failures, j.errors, j.cancel, o.started_at AS began, o.state AS ended, o.output AS output, o.error AS said, o.failed, o.asked), \
     kept AS (",
    into_history!(),
    "SELECT ",
    carried!("moved"),
    ", moved.ended, moved.began, {now}, moved.failures + moved.failed::int, CASE WHEN moved.failed THEN ",
    with_error!("moved", "moved.said"),
    " ELSE moved.errors END, CASE WHEN moved.asked THEN moved.cancel ELSE moved.said END, moved.output FROM moved), \
     counted AS (INSERT INTO {s}.tally (state, day, jobs) SELECT ended, ({now} AT TIME ZONE 'UTC')::date, count(*) FROM moved GROUP BY ended) \
     SELECT id FROM moved"
);

/// Lets running jobs wait again that nobody asked to stop: (r)etry, (s)nooze, (h)and back, (p)ark.
pub(super) const GO_ON: &str = concat!(
    "UPDATE {s}.job AS j SET \
       state = CASE o.what WHEN 'r' THEN 'retryable' WHEN 's' THEN 'scheduled' WHEN 'h' THEN 'available' ELSE 'parked' END, \
       run_at = CASE WHEN o.what IN ('r', 's') THEN coalesce(o.at, {now} + o.delay * interval '1 microsecond') ELSE j.run_at END, \
       failures = least(j.failures + (o.what = 'r')::int, 1000000000), \
       snoozes = least(j.snoozes + (o.what = 's')::int, 1000000000), \
       crashes = CASE WHEN o.what IN ('r', 's') THEN 0 ELSE j.crashes END, \
       crash_tokens = CASE WHEN o.what IN ('r', 's') THEN NULL ELSE j.crash_tokens END, \
       parked_by = CASE WHEN o.what = 'p' THEN (array_remove(j.parked_by, o.shape) || o.shape)[greatest(1, \
         coalesce(array_length(array_remove(j.parked_by, o.shape), 1), 0) - 62):] ELSE j.parked_by END, \
       error = coalesce(o.error, j.error), \
       errors = CASE WHEN o.what = 'r' THEN ",
    with_error!("j", "o.error"),
    " ELSE j.errors END, \
       worker = NULL \
     FROM unnest($2::bigint[], $3::uuid[], $4::bigint[], $5::text[], $6::timestamptz[], $7::bigint[], $8::text[], $9::text[]) \
       AS o (seq, id, token, what, at, delay, error, shape) \
     WHERE j.seq = o.seq AND (j.id = o.id) IS TRUE AND j.token = o.token AND j.state || '' = 'running' AND j.cancel IS NULL RETURNING j.id"
);

/// Ends of running jobs, as columns.
#[derive(Default)]
struct Ends {
    seqs: Vec<i64>,
    ids: Vec<Uuid>,
    tokens: Vec<i64>,
    began: Vec<Timestamp>,
    states: Vec<&'static str>,
    outputs: Vec<Option<String>>,
    errors: Vec<Option<String>>,
    failed: Vec<bool>,
    asked: Vec<bool>,
}

/// Jobs that shall wait again, as columns.
#[derive(Default)]
struct Waits {
    seqs: Vec<i64>,
    ids: Vec<Uuid>,
    tokens: Vec<i64>,
    what: Vec<&'static str>,
    at: Vec<Option<Timestamp>>,
    delays: Vec<i64>,
    errors: Vec<Option<String>>,
    shapes: Vec<Option<String>>,
}

/// A text as PostgreSQL can keep it: without the character NUL.
fn text(text: &str) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text.to_owned() }
}

impl Ends {
    fn add(&mut self, outcome: &Completion, state: State, output: Option<&str>, error: Option<&str>, failed: bool, asked: bool) {
        self.seqs.push(outcome.seq);
        self.ids.push(uuid(outcome.id));
        self.tokens.push(outcome.token);
        self.began.push(outcome.started_at);
        self.states.push(state.as_str());
        self.outputs.push(output.map(text));
        self.errors.push(error.map(text));
        self.failed.push(failed);
        self.asked.push(asked);
    }

    async fn write(&self, connection: &mut Connection, now: Option<Timestamp>) -> Result<HashSet<JobId>> {
        let params = [
            time(&now),
            (&self.seqs as _, Type::INT8_ARRAY),
            (&self.ids as _, Type::UUID_ARRAY),
            (&self.tokens as _, Type::INT8_ARRAY),
            (&self.began as _, Type::TIMESTAMPTZ_ARRAY),
            (&self.states as _, Type::TEXT_ARRAY),
            (&self.outputs as _, Type::TEXT_ARRAY),
            (&self.errors as _, Type::TEXT_ARRAY),
            (&self.failed as _, Type::BOOL_ARRAY),
            (&self.asked as _, Type::BOOL_ARRAY),
        ];
        connection.rows(FINISH, &params).await?.iter().map(|row| id(row, "id")).collect()
    }
}

impl Waits {
    fn add(&mut self, outcome: &Completion) {
        let (what, delay, error, shape) = match &outcome.decision {
            Decision::Retry { error, after } => ("r", Some(*after), Some(error), None),
            Decision::Snooze { after } => ("s", Some(*after), None, None),
            Decision::Park { error, shape } => ("p", None, Some(error), Some(shape)),
            _ => ("h", None, None, None),
        };
        let (at, delay) = delay.map_or((None, 0), after);
        self.seqs.push(outcome.seq);
        self.ids.push(uuid(outcome.id));
        self.tokens.push(outcome.token);
        self.what.push(what);
        self.at.push(at);
        self.delays.push(delay);
        self.errors.push(error.map(|error| text(error)));
        self.shapes.push(shape.map(|shape| text(shape)));
    }

    async fn write(&self, connection: &mut Connection, now: Option<Timestamp>) -> Result<HashSet<JobId>> {
        let params = [
            time(&now),
            (&self.seqs as _, Type::INT8_ARRAY),
            (&self.ids as _, Type::UUID_ARRAY),
            (&self.tokens as _, Type::INT8_ARRAY),
            (&self.what as _, Type::TEXT_ARRAY),
            (&self.at as _, Type::TIMESTAMPTZ_ARRAY),
            (&self.delays as _, Type::INT8_ARRAY),
            (&self.errors as _, Type::TEXT_ARRAY),
            (&self.shapes as _, Type::TEXT_ARRAY),
        ];
        connection.rows(GO_ON, &params).await?.iter().map(|row| id(row, "id")).collect()
    }
}

/// A group of outcomes, sorted by what is to be done.
#[derive(Default)]
struct Group<'a> {
    /// In the order of the keys: so two groups lock in the same order.
    outcomes: Vec<&'a Completion>,
    ends: Ends,
    waits: Waits,
}

impl<'a> Group<'a> {
    fn new(outcomes: impl IntoIterator<Item = &'a Completion>) -> Self {
        let mut group = Self { outcomes: outcomes.into_iter().collect(), ..Self::default() };
        group.outcomes.sort_by_key(|outcome| (outcome.seq, outcome.token));
        for outcome in &group.outcomes {
            match &outcome.decision {
                Decision::Complete { output, note } => {
                    group.ends.add(outcome, State::Completed, output.as_deref(), note.as_deref(), false, false);
                }
                Decision::Fail { error } => group.ends.add(outcome, State::Failed, None, Some(error), true, false),
                Decision::Cancel { reason } => group.ends.add(outcome, State::Cancelled, None, Some(reason), false, false),
                decision => {
                    // Whoever was asked to stop does not run again; a failure counts nevertheless.
                    let error = match decision {
                        Decision::Retry { error, .. } => Some(error.as_str()),
                        _ => None,
                    };
                    group.ends.add(outcome, State::Cancelled, None, error, error.is_some(), true);
                    group.waits.add(outcome);
                }
            }
        }
        group
    }

    /// Writes all of them, and answers which were applied.
    async fn write(&self, connection: &mut Connection, now: Option<Timestamp>) -> Result<HashSet<JobId>> {
        let follows = self.outcomes.iter().any(|outcome| !outcome.followers.is_empty());
        if self.waits.seqs.is_empty() && !follows {
            return self.ends.write(connection, now).await;
        }
        connection
            .transaction(async |connection| {
                // Those that wait again come first: whoever is asked to stop meanwhile is still running for the second statement.
                let mut applied =
                    if self.waits.seqs.is_empty() { HashSet::new() } else { self.waits.write(connection, now).await? };
                applied.extend(self.ends.write(connection, now).await?);
                let counts = |outcome: &&&Completion| applied.contains(&outcome.id);
                let followers: Vec<NewJob> =
                    self.outcomes.iter().filter(counts).flat_map(|outcome| outcome.followers.iter().cloned()).collect();
                if !followers.is_empty() {
                    insert(connection, now, &followers).await?;
                }
                Ok(applied)
            })
            .await
    }
}

pub(super) async fn complete(
    connection: &mut Connection,
    now: Option<Timestamp>,
    outcomes: &[Completion],
) -> Result<Vec<CompletionAnswer>> {
    // Of two outcomes of one job in one call the first may count, and the other is late.
    let mut first: HashMap<JobId, usize> = HashMap::with_capacity(outcomes.len());
    let mut answers: Vec<Option<CompletionAnswer>> = vec![None; outcomes.len()];
    let mut rest = Vec::new();
    for (nth, outcome) in outcomes.iter().enumerate() {
        match first.entry(outcome.id) {
            Entry::Occupied(_) => rest.push(nth),
            Entry::Vacant(entry) => drop(entry.insert(nth)),
        }
    }
    let firsts: Vec<usize> = (0..outcomes.len()).filter(|nth| first.get(&outcomes[*nth].id) == Some(nth)).collect();
    match Group::new(firsts.iter().map(|nth| &outcomes[*nth])).write(connection, now).await {
        Ok(applied) => {
            for nth in &firsts {
                if applied.contains(&outcomes[*nth].id) {
                    answers[*nth] = Some(CompletionAnswer::Applied);
                }
            }
        }
        // One bad outcome spoils no other: each by itself.
        Err(problem) if problem.is_own_fault() && firsts.len() > 1 => {
            for nth in firsts {
                answers[nth] = one(connection, now, &outcomes[nth]).await?;
            }
        }
        Err(problem) if problem.is_own_fault() => {
            for nth in firsts {
                answers[nth] = Some(CompletionAnswer::Refused(refusal(&problem)));
            }
        }
        Err(problem) => return Err(problem),
    }
    for nth in rest {
        answers[nth] = one(connection, now, &outcomes[nth]).await?;
    }
    late(connection, outcomes, &mut answers).await?;
    Ok(answers.into_iter().map(|answer| answer.unwrap_or(CompletionAnswer::Stale)).collect())
}

async fn one(connection: &mut Connection, now: Option<Timestamp>, outcome: &Completion) -> Result<Option<CompletionAnswer>> {
    match Group::new([outcome]).write(connection, now).await {
        Ok(applied) => Ok(applied.contains(&outcome.id).then_some(CompletionAnswer::Applied)),
        Err(problem) if problem.is_own_fault() => Ok(Some(CompletionAnswer::Refused(refusal(&problem)))),
        Err(problem) => Err(problem),
    }
}

fn refusal(problem: &Problem) -> String {
    match problem {
        Problem::Driver(error) => error.as_db_error().map_or_else(|| error.to_string(), |error| error.message().to_owned()),
        Problem::Store(error) => error.to_string(),
        Problem::Again => String::new(),
    }
}

/// Outcomes that the fence held off: recorded before, or late.
async fn late(connection: &mut Connection, outcomes: &[Completion], answers: &mut [Option<CompletionAnswer>]) -> Result<()> {
    let open: Vec<Uuid> =
        outcomes.iter().zip(&*answers).filter(|(_, answer)| answer.is_none()).map(|(outcome, _)| uuid(outcome.id)).collect();
    if open.is_empty() {
        return Ok(());
    }
    let rows = connection.rows("SELECT id, token FROM {s}.history WHERE id = ANY($1)", &[(&open, Type::UUID_ARRAY)]).await?;
    let tokens = rows.iter().map(|row| Ok((id(row, "id")?, get(row, "token")?))).collect::<Result<HashMap<JobId, i64>>>()?;
    for (outcome, answer) in outcomes.iter().zip(answers) {
        if answer.is_none() && tokens.get(&outcome.id) == Some(&outcome.token) {
            *answer = Some(CompletionAnswer::Repeated);
        }
    }
    Ok(())
}

/// Ends live jobs whatever their tokens, for a person's or a rescuer's reasons.
pub(super) const END: &str = concat!(
    "WITH o AS (SELECT * FROM unnest($2::bigint[], $3::text[], $4::text[]) AS o (seq, state, reason)), \
     moved AS (DELETE FROM {s}.job AS j USING o WHERE j.seq = o.seq RETURNING ",
    carried!("j"),
    ", j.failures, j.errors, j.started_at, o.state, o.reason), \
     kept AS (",
    into_history!(),
    "SELECT ",
    carried!("moved"),
    ", moved.state, moved.started_at, {now}, moved.failures, moved.errors, moved.reason, NULL FROM moved), \
     counted AS (INSERT INTO {s}.tally (state, day, jobs) SELECT state, ({now} AT TIME ZONE 'UTC')::date, count(*) FROM moved GROUP BY state) \
     SELECT id FROM moved"
);

/// Ends live jobs, each in this state and for this reason.
pub(super) async fn end_unfenced(
    connection: &mut Connection,
    now: Option<Timestamp>,
    ends: &[(i64, State, String)],
) -> Result<usize> {
    if ends.is_empty() {
        return Ok(0);
    }
    let seqs: Vec<i64> = ends.iter().map(|(seq, ..)| *seq).collect();
    let states: Vec<&str> = ends.iter().map(|(_, state, _)| state.as_str()).collect();
    let reasons: Vec<String> = ends.iter().map(|(.., reason)| text(reason)).collect();
    let params = [time(&now), (&seqs, Type::INT8_ARRAY), (&states, Type::TEXT_ARRAY), (&reasons, Type::TEXT_ARRAY)];
    Ok(connection.rows(END, &params).await?.len())
}
