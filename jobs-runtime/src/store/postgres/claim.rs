//! Claim: the next jobs in order of (priority, time due, order of enqueue), over all wanted queues and kinds.
//!
//! The ready index has one stripe for each pair of queue and kind, and only stripes of wanted kinds are read. One stripe alone is
//! claimed in one statement; the heads of several are read first and merged here.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jobs_core::WorkerId;
use jobs_core::record::ClaimedJob;
use jobs_core::store::{BITE, Claim, ClaimRequest, Now};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::connection::{Connection, get, time};
use super::error::Result;
use super::row::{count, count_or_none, id, tick};

/// The worker's key in the driver's type.
pub(super) fn worker_uuid(worker: WorkerId) -> Uuid {
    Uuid::from_bytes(*worker.as_bytes())
}

/// Whether the worker has its lease, what there is to take, and in how many microseconds the next waiting job is due. Each step of
/// the recursion is one look into the index.
pub(super) const LOOK: &str = "WITH RECURSIVE stripe AS ( \
       SELECT f.queue, f.kind FROM unnest($3::text[]) AS q (queue), LATERAL (SELECT queue, kind FROM {s}.job \
         WHERE state = 'available' AND crashes = 0 AND queue = q.queue ORDER BY kind LIMIT 1) AS f \
       UNION ALL \
       SELECT f.queue, f.kind FROM stripe, LATERAL (SELECT queue, kind FROM {s}.job \
         WHERE state = 'available' AND crashes = 0 AND queue = stripe.queue AND kind > stripe.kind ORDER BY kind LIMIT 1) AS f), \
     probation AS ( \
       SELECT f.queue, f.kind FROM unnest($3::text[]) AS q (queue), LATERAL (SELECT queue, kind FROM {s}.job \
         WHERE state = 'available' AND crashes > 0 AND queue = q.queue ORDER BY kind LIMIT 1) AS f \
       UNION ALL \
       SELECT f.queue, f.kind FROM probation, LATERAL (SELECT queue, kind FROM {s}.job \
         WHERE state = 'available' AND crashes > 0 AND queue = probation.queue AND kind > probation.kind ORDER BY kind LIMIT 1) AS f) \
     SELECT queue, kind, false AS probation, NULL::bigint AS due FROM stripe \
     UNION ALL SELECT queue, kind, true, NULL FROM probation \
     UNION ALL SELECT NULL, NULL, false, (SELECT (extract(epoch FROM run_at - {now}) * 1000000)::bigint FROM {s}.job \
       WHERE state IN ('scheduled', 'retryable') ORDER BY run_at LIMIT 1) \
     FROM {s}.worker WHERE id = $2 AND expires_at > {now}";

/// Makes jobs available whose time has come. What is more than a bite comes with the next claim, for which `next_due` asks at once.
const PROMOTE: &str = "UPDATE {s}.job SET state = 'available' WHERE seq = ANY(ARRAY(SELECT seq FROM {s}.job \
     WHERE state IN ('scheduled', 'retryable') AND run_at <= {now} ORDER BY run_at LIMIT $2 FOR UPDATE SKIP LOCKED))";

/// The heads of stripes.
const HEADS: &str = "SELECT s.nth, c.priority, c.run_at, c.seq FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS s (queue, kind, nth), \
     LATERAL (SELECT priority, run_at, seq FROM {s}.job WHERE queue = s.queue AND kind = s.kind AND state = 'available' AND crashes = 0 \
     ORDER BY priority, run_at, seq LIMIT $3) AS c";

/// The first jobs on probation.
const HEADS_ON_PROBATION: &str = "SELECT s.nth, c.priority, c.run_at, c.seq FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS s (queue, kind, nth), \
     LATERAL (SELECT priority, run_at, seq FROM {s}.job WHERE queue = s.queue AND kind = s.kind AND state = 'available' AND crashes > 0 \
     ORDER BY priority, run_at, seq LIMIT 1) AS c";

/// Takes jobs for a worker that has its lease. The lock on the worker's row keeps its rescuer away until the claim is done; it comes
/// first, since nothing else is looked at without it.
macro_rules! take {
    ($which:literal) => {
        concat!(
            "WITH me AS MATERIALIZED (SELECT seq FROM {s}.worker WHERE id = $2 AND expires_at > {now} FOR KEY SHARE) \
             UPDATE {s}.job SET state = 'running', token = token + 1, worker = (SELECT seq FROM me), started_at = {now} \
             WHERE EXISTS (SELECT 1 FROM me) AND seq = ANY(ARRAY(",
            $which,
            " FOR UPDATE SKIP LOCKED)) RETURNING seq, id, token, kind, queue, priority, payload, name, retries, timeout, failures, crashes, \
             tags, metadata, tenant, \"user\", created_at, run_at, schedule, tick, chain"
        )
    };
}

/// Takes the first jobs of one stripe.
pub const TAKE_FIRST: &str = take!(
    "SELECT seq FROM {s}.job WHERE queue = $3 AND kind = $4 AND state = 'available' AND crashes = 0 ORDER BY priority, run_at, seq LIMIT $5"
);

/// Takes jobs that were chosen. The state is asked in a way that leads to no index: they are found by their keys.
const TAKE_CHOSEN: &str = take!("SELECT seq FROM {s}.job WHERE seq = ANY($3) AND state || '' = 'available'");

/// What there is to take.
struct Look {
    /// Positions of the queues in the request, and kinds.
    stripes: Vec<(usize, String)>,
    probation: Vec<(usize, String)>,
    /// In how many microseconds the next waiting job is due.
    due: Option<i64>,
}

async fn look(connection: &mut Connection, now: Option<Timestamp>, request: &ClaimRequest) -> Result<Option<Look>> {
    let queues: Vec<&str> = request.queues.iter().filter(|demand| demand.limit > 0).map(|demand| &*demand.queue).collect();
    let worker = worker_uuid(request.worker);
    let rows = connection.rows(LOOK, &[time(&now), (&worker, Type::UUID), (&queues, Type::TEXT_ARRAY)]).await?;
    let (mut look, mut alive) = (Look { stripes: Vec::new(), probation: Vec::new(), due: None }, false);
    for row in &rows {
        let Some(queue) = get::<Option<&str>>(row, "queue")? else {
            alive = true;
            look.due = get(row, "due")?;
            continue;
        };
        let kind: String = get(row, "kind")?;
        let place = request.queues.iter().position(|demand| &*demand.queue == queue);
        let Some(place) = place.filter(|_| request.kinds.contains(&kind)) else { continue };
        if get(row, "probation")? { look.probation.push((place, kind)) } else { look.stripes.push((place, kind)) }
    }
    Ok(alive.then_some(look))
}

/// How often a claim looks again when others took what it had chosen.
const ROUNDS: usize = 4;

pub(super) async fn claim(connection: &mut Connection, at: Now, now: Option<Timestamp>, request: &ClaimRequest) -> Result<Claim> {
    let mut claim = Claim::default();
    for _ in 0..ROUNDS {
        let Some(mut looked) = look(connection, now, request).await? else { return Ok(Claim { lost: true, ..claim }) };
        if looked.due.is_some_and(|due| due <= 0) {
            let bite = i64::try_from(BITE).unwrap_or(i64::MAX);
            connection.rows(PROMOTE, &[time(&now), (&bite, Type::INT8)]).await?;
            match look(connection, now, request).await? {
                Some(again) => looked = again,
                None => return Ok(Claim { lost: true, ..claim }),
            }
        }
        // Counted from the server's time, told in the caller's.
        claim.next_due = looked
            .due
            .map(|due| at.wall.saturating_add(Duration::from_micros(due.max(0).unsigned_abs())).unwrap_or(Timestamp::MAX));
        if !request.probation {
            looked.probation.clear();
        }
        let (rows, missed) = take(connection, now, request, &looked).await?;
        claim.jobs = rows.iter().map(|row| claimed(connection, row)).collect::<Result<_>>()?;
        claim.jobs.sort_by_key(|job| (job.priority, job.run_at, job.seq));
        if !claim.jobs.is_empty() || !missed {
            break;
        }
    }
    Ok(claim)
}

/// Takes what was found, and says whether something that was chosen could not be had.
async fn take(
    connection: &mut Connection,
    now: Option<Timestamp>,
    request: &ClaimRequest,
    looked: &Look,
) -> Result<(Vec<Row>, bool)> {
    let worker = worker_uuid(request.worker);
    if request.limit == 0 {
        return Ok((Vec::new(), false));
    }
    match (&looked.stripes[..], &looked.probation[..]) {
        ([], []) => Ok((Vec::new(), false)),
        ([(queue, kind)], []) => {
            let demand = &request.queues[*queue];
            let limit = i64::try_from(demand.limit.min(request.limit)).unwrap_or(i64::MAX);
            let params =
                [time(&now), (&worker, Type::UUID), (&&*demand.queue, Type::TEXT), (kind, Type::TEXT), (&limit, Type::INT8)];
            Ok((connection.rows(TAKE_FIRST, &params).await?, false))
        }
        _ => {
            let chosen = choose(connection, request, looked).await?;
            let rows = connection.rows(TAKE_CHOSEN, &[time(&now), (&worker, Type::UUID), (&chosen, Type::INT8_ARRAY)]).await?;
            let missed = rows.len() < chosen.len();
            Ok((rows, missed))
        }
    }
}

/// The keys of the next jobs of several stripes, merged.
async fn choose(connection: &mut Connection, request: &ClaimRequest, looked: &Look) -> Result<Vec<i64>> {
    let mut heads: Vec<(i16, Timestamp, i64, usize, bool)> = Vec::new();
    for (stripes, statement, probation) in [(&looked.stripes, HEADS, false), (&looked.probation, HEADS_ON_PROBATION, true)] {
        if stripes.is_empty() {
            continue;
        }
        let queues: Vec<&str> = stripes.iter().map(|(queue, _)| &*request.queues[*queue].queue).collect();
        let kinds: Vec<&str> = stripes.iter().map(|(_, kind)| &**kind).collect();
        let most = stripes.iter().map(|(queue, _)| request.queues[*queue].limit).max().unwrap_or(0).min(request.limit);
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let all = [(&queues as _, Type::TEXT_ARRAY), (&kinds as _, Type::TEXT_ARRAY), (&most as _, Type::INT8)];
        for row in &connection.rows(statement, if probation { &all[..2] } else { &all }).await? {
            let nth: i64 = get(row, "nth")?;
            let stripe = usize::try_from(nth - 1).ok().and_then(|nth| stripes.get(nth));
            if let Some((queue, _)) = stripe {
                heads.push((get(row, "priority")?, get(row, "run_at")?, get(row, "seq")?, *queue, probation));
            }
        }
    }
    heads.sort_unstable();
    let mut room: Vec<usize> = request.queues.iter().map(|demand| demand.limit).collect();
    let (mut chosen, mut on_probation) = (Vec::new(), false);
    for (_, _, seq, queue, probation) in heads {
        if chosen.len() == request.limit {
            break;
        }
        if room[queue] == 0 || (probation && on_probation) {
            continue;
        }
        room[queue] -= 1;
        on_probation |= probation;
        chosen.push(seq);
    }
    Ok(chosen)
}

fn claimed(connection: &mut Connection, row: &Row) -> Result<ClaimedJob> {
    let timeout: Option<i64> = get(row, "timeout")?;
    let kind: Arc<str> = connection.share(get(row, "kind")?);
    let queue: Arc<str> = connection.share(get(row, "queue")?);
    Ok(ClaimedJob {
        id: id(row, "id")?,
        seq: get(row, "seq")?,
        token: get(row, "token")?,
        kind,
        queue,
        priority: get(row, "priority")?,
        payload: get(row, "payload")?,
        name: get(row, "name")?,
        retries: count_or_none(row, "retries")?,
        timeout: timeout.map(|millis| Duration::from_millis(millis.max(0).unsigned_abs())),
        failures: count(row, "failures")?,
        crashes: count(row, "crashes")?,
        tags: get(row, "tags")?,
        metadata: get(row, "metadata")?,
        tenant: get(row, "tenant")?,
        user: get(row, "user")?,
        created_at: get(row, "created_at")?,
        run_at: get(row, "run_at")?,
        tick: tick(row)?,
        chain: get(row, "chain")?,
    })
}
