//! Enqueue: all jobs of a call or none; calls that come at the same time share a statement.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;
use jobs_core::store::{Enqueued, Now};
use jobs_core::{JobId, NewJob, When};
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::connection::{Connection, Param, get, time};
use super::error::{Problem, Result, refused};
use super::row::{id, uuid};

/// Jobs as columns.
#[derive(Default)]
struct Columns<'a> {
    ids: Vec<Uuid>,
    kinds: Vec<&'a str>,
    queues: Vec<&'a str>,
    priorities: Vec<i16>,
    at: Vec<Option<Timestamp>>,
    delays: Vec<i64>,
    payloads: Vec<&'a str>,
    names: Vec<Option<&'a str>>,
    retries: Vec<Option<i32>>,
    timeouts: Vec<Option<i64>>,
    tags: Vec<Option<String>>,
    metadata: Vec<Option<String>>,
    tenants: Vec<Option<&'a str>>,
    users: Vec<Option<&'a str>>,
    schedules: Vec<Option<&'a str>>,
    ticks: Vec<Option<Timestamp>>,
    parents: Vec<Option<Uuid>>,
    chains: Vec<Option<String>>,
}

impl<'a> Columns<'a> {
    fn add(&mut self, job: &'a NewJob) -> Result<()> {
        let key = job.id.ok_or_else(|| refused("a job has no id: let the client make one"))?;
        if job.payload.contains('\0') {
            return Err(refused("a payload holds the character NUL, which no JSON does and PostgreSQL cannot keep"));
        }
        let (at, delay) = due(job.when);
        self.ids.push(uuid(key));
        self.kinds.push(&job.kind);
        self.queues.push(&job.queue);
        self.priorities.push(job.priority);
        self.at.push(at);
        self.delays.push(delay);
        self.payloads.push(&job.payload);
        self.names.push(job.name.as_deref());
        self.retries.push(job.retries.map(|retries| i32::try_from(retries).unwrap_or(i32::MAX)));
        self.timeouts.push(job.timeout.map(|timeout| i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX)));
        self.tags.push((!job.tags.is_empty()).then(|| serde_json::to_string(&job.tags).unwrap_or_default()));
        self.metadata.push(job.metadata.as_ref().map(|metadata| serde_json::to_string(metadata).unwrap_or_default()));
        self.tenants.push(job.tenant.as_deref());
        self.users.push(job.user.as_deref());
        self.schedules.push(job.tick.as_ref().map(|tick| &*tick.schedule));
        self.ticks.push(job.tick.as_ref().map(|tick| tick.instant));
        self.parents.push(job.parent.map(uuid));
        self.chains.push(jobs_core::chain::to_text(&job.chain));
        Ok(())
    }

    #[allow(clippy::ref_option, reason = "the driver takes a reference to the whole value")]
    fn params<'p>(&'p self, now: &'p Option<Timestamp>) -> [Param<'p>; 19] {
        [
            time(now),
            (&self.ids, Type::UUID_ARRAY),
            (&self.kinds, Type::TEXT_ARRAY),
            (&self.queues, Type::TEXT_ARRAY),
            (&self.priorities, Type::INT2_ARRAY),
            (&self.at, Type::TIMESTAMPTZ_ARRAY),
            (&self.delays, Type::INT8_ARRAY),
            (&self.payloads, Type::TEXT_ARRAY),
            (&self.names, Type::TEXT_ARRAY),
            (&self.retries, Type::INT4_ARRAY),
            (&self.timeouts, Type::INT8_ARRAY),
            (&self.tags, Type::TEXT_ARRAY),
            (&self.metadata, Type::TEXT_ARRAY),
            (&self.tenants, Type::TEXT_ARRAY),
            (&self.users, Type::TEXT_ARRAY),
            (&self.schedules, Type::TEXT_ARRAY),
            (&self.ticks, Type::TIMESTAMPTZ_ARRAY),
            (&self.parents, Type::UUID_ARRAY),
            (&self.chains, Type::TEXT_ARRAY),
        ]
    }
}

/// When a job is due: at an instant, or so many microseconds from now.
pub(super) fn due(when: When) -> (Option<Timestamp>, i64) {
    match when {
        When::At(instant) => (Some(instant), 0),
        When::After(delay) => after(delay),
        _ => (None, 0),
    }
}

/// A wait in microseconds; one that goes beyond all times is the last instant there is.
pub(super) fn after(delay: Duration) -> (Option<Timestamp>, i64) {
    const LONGEST: Duration = Duration::from_secs(5_000 * 366 * 86_400);
    if delay > LONGEST {
        return (Some(Timestamp::MAX), 0);
    }
    (None, i64::try_from(delay.as_micros()).unwrap_or(0))
}

/// Stores jobs. The order of the list is the order of enqueue.
macro_rules! insert {
    ($end:literal) => {
        concat!(
            "INSERT INTO {s}.job (id, kind, queue, priority, state, run_at, created_at, payload, name, retries, timeout, tags, metadata, \
             tenant, \"user\", schedule, tick, parent, chain) \
             SELECT n.id, n.kind, n.queue, n.priority, CASE WHEN due.at <= {now} THEN 'available' ELSE 'scheduled' END, due.at, {now}, \
             n.payload, n.name, n.retries, n.timeout, n.tags, n.metadata, n.tenant, n.\"user\", n.schedule, n.tick, n.parent, n.chain \
             FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) WITH ORDINALITY \
             AS n (id, kind, queue, priority, at, delay, payload, name, retries, timeout, tags, metadata, tenant, \"user\", schedule, tick, \
             parent, chain, place), \
             LATERAL (SELECT coalesce(n.at, {now} + n.delay * interval '1 microsecond') AS at) AS due ",
            $end
        )
    };
}

/// Jobs whose ids nobody can have used before.
pub const INSERT: &str = insert!("ORDER BY n.place");

/// Jobs that may be there already.
pub(super) const INSERT_NEW: &str = insert!("ORDER BY n.place ON CONFLICT DO NOTHING RETURNING id");

/// Whether nothing can stand in the place of a job: its id was made for this call, and it bears no name.
fn is_fresh(job: &NewJob) -> bool {
    job.fresh && job.name.is_none()
}

/// Stores the jobs of several calls in one statement. Only fresh ones: all of them are created.
pub(super) async fn insert_fresh(connection: &mut Connection, now: Option<Timestamp>, jobs: &[&[NewJob]]) -> Result<()> {
    let mut columns = Columns::default();
    jobs.iter().copied().flatten().try_for_each(|job| columns.add(job))?;
    connection.rows(INSERT, &columns.params(&now)).await.map(drop)
}

/// Whether the jobs of a call can share a statement with others.
pub(super) fn all_fresh(jobs: &[NewJob]) -> bool {
    jobs.iter().all(is_fresh)
}

/// Stores the jobs of one call, in a transaction of its own.
pub(super) async fn enqueue(connection: &mut Connection, now: Option<Timestamp>, jobs: &[NewJob]) -> Result<Vec<Enqueued>> {
    connection.transaction(async |connection| insert(connection, now, jobs).await).await
}

/// Stores jobs, or finds those that stand in their places. Belongs into a transaction.
pub(super) async fn insert(connection: &mut Connection, now: Option<Timestamp>, jobs: &[NewJob]) -> Result<Vec<Enqueued>> {
    let mut columns = Columns::default();
    jobs.iter().try_for_each(|job| columns.add(job))?;
    let rows = connection.rows(INSERT_NEW, &columns.params(&now)).await?;
    let mut created = rows.iter().map(|row| id(row, "id")).collect::<Result<HashSet<JobId>>>()?;
    let doubtful: Vec<Uuid> =
        jobs.iter().filter(|job| !job.fresh).filter_map(|job| job.id).filter(|id| created.contains(id)).map(uuid).collect();
    if !doubtful.is_empty() {
        // A job that has finished leaves its id in the history, perhaps since the first statement began: this one sees it.
        let rows = connection
            .rows(
                "DELETE FROM {s}.job WHERE id = ANY($1) AND EXISTS (SELECT 1 FROM {s}.history WHERE history.id = job.id) RETURNING id",
                &[(&doubtful, Type::UUID_ARRAY)],
            )
            .await?;
        for row in &rows {
            created.remove(&id(row, "id")?);
        }
        let finished = rows.iter().map(|row| id(row, "id")).collect::<Result<HashSet<JobId>>>()?;
        return answers(connection, jobs, created, finished).await;
    }
    answers(connection, jobs, created, HashSet::new()).await
}

/// The answer for each job in order: created, or what stands in its place.
async fn answers(
    connection: &mut Connection,
    jobs: &[NewJob],
    mut created: HashSet<JobId>,
    mut known: HashSet<JobId>,
) -> Result<Vec<Enqueued>> {
    let mut bearers = HashMap::new();
    known.extend(&created);
    let missing: Vec<&NewJob> = jobs.iter().filter(|job| job.id.is_none_or(|id| !known.contains(&id))).collect();
    if !missing.is_empty() {
        let ids: Vec<Uuid> = missing.iter().filter_map(|job| job.id).map(uuid).collect();
        let names: Vec<&str> = missing.iter().filter_map(|job| job.name.as_deref()).collect();
        let rows = connection
            .rows(
                // A job that has finished keeps its id, whoever bears its name now.
                "SELECT id, name FROM {s}.job WHERE id = ANY($1) UNION ALL SELECT id, NULL FROM {s}.history WHERE id = ANY($1) \
                 UNION ALL SELECT id, name FROM {s}.job WHERE name = ANY($2)",
                &[(&ids, Type::UUID_ARRAY), (&names, Type::TEXT_ARRAY)],
            )
            .await?;
        for row in &rows {
            let key = id(row, "id")?;
            known.insert(key);
            if let Some(name) = get::<Option<String>>(row, "name")? {
                bearers.insert(name, key);
            }
        }
    }
    let mut answers = Vec::with_capacity(jobs.len());
    for job in jobs {
        let Some(key) = job.id else { continue };
        if created.remove(&key) {
            answers.push(Enqueued { id: key, created: true });
        } else if known.contains(&key) {
            answers.push(Enqueued { id: key, created: false });
        } else if let Some(bearer) = job.name.as_ref().and_then(|name| bearers.get(name)) {
            answers.push(Enqueued { id: *bearer, created: false });
        } else {
            // Who stood in the way has gone between the statements.
            return Err(Problem::Again);
        }
    }
    Ok(answers)
}

/// The time that a call takes: the server's, unless the store goes by its callers'.
pub(super) fn given(now: Now, by_callers: bool) -> Option<Timestamp> {
    by_callers.then_some(now.wall)
}
