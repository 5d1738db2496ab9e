//! Claim: the next jobs in order of (priority, time due, order of enqueue), over all wanted queues and kinds.
//!
//! The ready index has one stripe for each pair of queue and kind. Only stripes of wanted kinds are read, and their heads merged:
//! a million jobs of a kind that this process does not know cost one look.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use jobs_core::WorkerId;
use jobs_core::record::ClaimedJob;
use jobs_core::store::{BITE, Claim, ClaimRequest, Now, QueueDemand};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params};

use super::error::Result;
use super::row::{Raw, bytes, count, count_or_none, id, instant, keys, lent, micros, priority, rows, text_or_none, tick};
use super::session::Session;
use crate::store::names::Names;

/// How many keys of a stripe are read at a time when several stripes are merged.
const CHUNK: usize = 64;

pub(super) fn claim(session: &mut Session, now: Now, request: &ClaimRequest) -> Result<Claim> {
    let Session { connection, names, place, .. } = session;
    run(connection, names, now, request).map_err(|error| super::error::store_error(&error, place))
}

fn run(connection: &Connection, names: &mut Names, now: Now, request: &ClaimRequest) -> rusqlite::Result<Claim> {
    let Some(worker) = worker_key(connection, request.worker)? else {
        return Ok(Claim { lost: true, ..Claim::default() });
    };
    promote(connection, now)?;
    let mut claim = Claim::default();
    let chosen = choose(connection, request)?;
    if !chosen.is_empty() {
        let mut read = connection.prepare_cached(READ)?;
        for seq in &chosen {
            claim.jobs.extend(read.query_row([seq], |row| claimed(row, names, *seq)).optional()?);
        }
        connection.prepare_cached(TAKE)?.execute(params![keys(&chosen), worker, micros(now.wall)])?;
    }
    claim.next_due = next_due(connection)?.map(instant);
    Ok(claim)
}

/// The inner key of a worker, if it has not been ended.
pub(super) fn worker_key(connection: &Connection, worker: WorkerId) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT seq FROM jobs_worker WHERE id = ?1")?
        .query_row([worker.as_bytes().as_slice()], |row| row.get(0))
        .optional()
}

/// When the next waiting job is due, in microseconds.
pub(super) fn next_due(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT run_at FROM jobs_job WHERE state IN ('scheduled', 'retryable') ORDER BY run_at LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()
}

/// Makes jobs available whose time has come. What is more than a bite comes with the next claim, for which `next_due` asks at once.
fn promote(connection: &Connection, now: Now) -> rusqlite::Result<()> {
    if next_due(connection)?.is_none_or(|due| due > micros(now.wall)) {
        return Ok(());
    }
    connection
        .prepare_cached(
            "UPDATE jobs_job SET state = 'available' WHERE seq IN (SELECT seq FROM jobs_job \
             WHERE state IN ('scheduled', 'retryable') AND run_at <= ?1 ORDER BY run_at LIMIT ?2)",
        )?
        .execute(params![micros(now.wall), rows(BITE)])?;
    Ok(())
}

/// The place of a job in the order of claims.
type Place = (i64, i64, i64);

/// The jobs of one queue and kind that are ready, in order.
struct Stripe {
    queue: usize,
    kind: Raw,
    read: VecDeque<Place>,
    last: Place,
    ended: bool,
}

impl Stripe {
    fn next(&mut self, statement: &mut CachedStatement<'_>, queue: &str, chunk: usize) -> rusqlite::Result<Option<Place>> {
        if self.read.is_empty() && !self.ended {
            let (priority, due, seq) = self.last;
            let rows = statement.query_map(params![queue, self.kind, priority, due, seq, rows(chunk)], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?;
            for place in rows {
                self.read.push_back(place?);
            }
            self.ended = self.read.len() < chunk;
            self.last = self.read.back().copied().unwrap_or(self.last);
        }
        Ok(self.read.pop_front())
    }
}

/// The next places of a stripe, after one of them.
pub const STRIPE: &str = "SELECT priority, run_at, seq FROM jobs_job WHERE queue = ?1 AND kind = ?2 AND state = 'available' AND crashes = 0 \
     AND (priority, run_at, seq) > (?3, ?4, ?5) ORDER BY priority, run_at, seq LIMIT ?6";

/// The queues that give no jobs.
fn paused(connection: &Connection) -> rusqlite::Result<Vec<Raw>> {
    connection.prepare_cached("SELECT queue FROM jobs_paused_queue")?.query_map([], |row| row.get(0))?.collect()
}

/// The queues of which something is wanted and to be had, by their places in the request.
fn wanted<'a>(request: &'a ClaimRequest, paused: &'a [Raw]) -> impl Iterator<Item = (usize, &'a QueueDemand)> {
    let is_open = |demand: &QueueDemand| !paused.iter().any(|queue| queue.text() == Some(&*demand.queue));
    request.queues.iter().enumerate().filter(move |(_, demand)| demand.limit > 0 && is_open(demand))
}

fn choose(connection: &Connection, request: &ClaimRequest) -> rusqlite::Result<Vec<i64>> {
    let paused = paused(connection)?;
    let mut stripes = Vec::new();
    for (queue, demand) in wanted(request, &paused) {
        for kind in kinds(connection, &demand.queue, NEXT_KIND)? {
            if kind.text().is_some_and(|kind| request.kinds.contains(kind)) {
                let before_all = (i64::MIN, i64::MIN, i64::MIN);
                stripes.push(Stripe { queue, kind, read: VecDeque::new(), last: before_all, ended: false });
            }
        }
    }
    let one = stripes.first().filter(|_| stripes.len() == 1).map(|stripe| request.queues[stripe.queue].limit);
    let chunk = one.map_or(CHUNK, |limit| limit.min(request.limit).max(1));
    let mut statement = connection.prepare_cached(STRIPE)?;
    let mut heads = BinaryHeap::with_capacity(stripes.len() + 1);
    for (index, stripe) in stripes.iter_mut().enumerate() {
        if let Some(place) = stripe.next(&mut statement, &request.queues[stripe.queue].queue, chunk)? {
            heads.push(Reverse((place, index)));
        }
    }
    // One on probation takes its turn among them, as a stripe of one.
    if request.probation
        && let Some((place, queue)) = first_on_probation(connection, request, &paused)?
    {
        heads.push(Reverse((place, stripes.len())));
        stripes.push(Stripe { queue, kind: Raw::default(), read: VecDeque::new(), last: place, ended: true });
    }
    let mut limits: Vec<usize> = request.queues.iter().map(|demand| demand.limit).collect();
    let mut chosen = Vec::new();
    while chosen.len() < request.limit {
        let Some(Reverse(((.., seq), index))) = heads.pop() else { break };
        let stripe = &mut stripes[index];
        // A queue that has given enough gives no more: its stripes are not put back.
        if limits[stripe.queue] == 0 {
            continue;
        }
        limits[stripe.queue] -= 1;
        chosen.push(seq);
        if let Some(place) = stripe.next(&mut statement, &request.queues[stripe.queue].queue, chunk)? {
            heads.push(Reverse((place, index)));
        }
    }
    Ok(chosen)
}

const NEXT_KIND: &str =
    "SELECT kind FROM jobs_job WHERE queue = ?1 AND state = 'available' AND crashes = 0 AND kind > ?2 ORDER BY kind LIMIT 1";
const NEXT_KIND_ON_PROBATION: &str =
    "SELECT kind FROM jobs_job WHERE queue = ?1 AND state = 'available' AND crashes > 0 AND kind > ?2 ORDER BY kind LIMIT 1";

/// The kinds that a queue has jobs of, by one step in the index for each.
fn kinds(connection: &Connection, queue: &str, next: &str) -> rusqlite::Result<Vec<Raw>> {
    let mut statement = connection.prepare_cached(next)?;
    let mut kinds = Vec::new();
    let mut last = Raw::default();
    while let Some(kind) = statement.query_row(params![queue, last], |row| row.get::<_, Raw>(0)).optional()? {
        last.clone_from(&kind);
        kinds.push(kind);
    }
    Ok(kinds)
}

/// The place and the queue of the first job on probation.
fn first_on_probation(
    connection: &Connection,
    request: &ClaimRequest,
    paused: &[Raw],
) -> rusqlite::Result<Option<(Place, usize)>> {
    let any: Option<i64> = connection
        .prepare_cached("SELECT 1 FROM jobs_job INDEXED BY jobs_probation WHERE state = 'available' AND crashes > 0 LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    if any.is_none() {
        return Ok(None);
    }
    let mut best: Option<(Place, usize)> = None;
    for (queue, demand) in wanted(request, paused) {
        for kind in kinds(connection, &demand.queue, NEXT_KIND_ON_PROBATION)? {
            if !kind.text().is_some_and(|kind| request.kinds.contains(kind)) {
                continue;
            }
            let head = connection
                .prepare_cached(
                    "SELECT priority, run_at, seq FROM jobs_job WHERE queue = ?1 AND kind = ?2 AND state = 'available' AND crashes > 0 \
                     ORDER BY priority, run_at, seq LIMIT 1",
                )?
                .query_row(params![&*demand.queue, kind], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            if best.is_none_or(|(place, _)| head < place) {
                best = Some((head, queue));
            }
        }
    }
    Ok(best)
}

/// What is told of a job that is taken, as it stands before that.
pub const READ: &str = "SELECT id, token, kind, queue, priority, payload, name, retries, timeout, failures, crashes, tags, metadata, tenant, user, \
     created_at, run_at, schedule, tick, chain FROM jobs_job WHERE seq = ?1";

/// Takes jobs, by their keys in a JSON list. To read them first is faster than to let this statement return them, and one statement for
/// all spares the opening of all indexes for each. Naming the way of failing spares a journal of its own.
pub const TAKE: &str = "UPDATE OR FAIL jobs_job SET state = 'running', token = min(token + 1, 4611686018427387904), worker = ?2, \
     started_at = ?3 WHERE seq IN (SELECT value FROM json_each(?1))";

/// The greatest token: SQL from outside may have set one.
const LAST_TOKEN: i64 = 1 << 62;

fn claimed(row: &Row<'_>, names: &mut Names, seq: i64) -> rusqlite::Result<ClaimedJob> {
    let (token, timeout): (i64, Option<i64>) = (row.get(1)?, row.get(8)?);
    Ok(ClaimedJob {
        id: id(row, 0)?,
        seq,
        token: token.saturating_add(1).min(LAST_TOKEN),
        kind: names.share(&lent(row, 2)?),
        queue: names.share(&lent(row, 3)?),
        priority: priority(row, 4)?,
        // Arguments are never guessed: what is no text does not decode.
        payload: std::str::from_utf8(bytes(row, 5)?).unwrap_or_default().to_owned(),
        name: text_or_none(row, 6)?,
        retries: count_or_none(row, 7)?,
        timeout: timeout.map(|millis| Duration::from_millis(millis.max(0).unsigned_abs())),
        failures: count(row, 9)?,
        crashes: count(row, 10)?,
        tags: text_or_none(row, 11)?,
        metadata: text_or_none(row, 12)?,
        tenant: text_or_none(row, 13)?,
        user: text_or_none(row, 14)?,
        created_at: instant(row.get(15)?),
        run_at: instant(row.get(16)?),
        tick: tick(row, 17, 18)?,
        chain: text_or_none(row, 19)?,
    })
}
