//! Claim: the next jobs in order of (priority, time due, order of enqueue), over all wanted queues and kinds.
//!
//! The ready index has one stripe for each pair of queue and kind, and only stripes of wanted kinds are read. One stripe alone is
//! claimed in one statement; the heads of several are read first and merged here. Where the stripes begin is what `heads` knows.

use std::time::Duration;

use jiff::Timestamp;
use jobs_core::job::TickId;
use jobs_core::record::ClaimedJob;
use jobs_core::store::{Claim, ClaimRequest, Now};
use jobs_core::{JobId, WorkerId};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::connection::{Connection, at, get, time};
use super::error::Result;
use super::heads::{Head, Heads, Key};
use super::row::not_negative;

/// The worker's key in the driver's type.
pub(super) fn worker_uuid(worker: WorkerId) -> Uuid {
    Uuid::from_bytes(*worker.as_bytes())
}

/// The heads of stripes, each from where it is known to begin.
pub(super) const HEADS: &str = "SELECT s.nth, c.priority, c.run_at, c.seq FROM unnest($1::text[], $2::text[], $3::smallint[], $4::timestamptz[], $5::bigint[]) \
     WITH ORDINALITY AS s (queue, kind, priority, run_at, seq, nth), \
     LATERAL (SELECT j.priority, j.run_at, j.seq FROM {s}.job AS j WHERE j.queue = s.queue AND j.kind = s.kind AND j.state = 'available' \
     AND j.crashes = 0 AND (j.priority, j.run_at, j.seq) >= (s.priority, s.run_at, s.seq) \
     ORDER BY j.priority, j.run_at, j.seq LIMIT $6) AS c WHERE s.queue <> ALL(ARRAY(SELECT queue FROM {s}.paused_queue))";

/// The first jobs on probation.
pub(super) const HEADS_ON_PROBATION: &str = "SELECT s.nth, c.priority, c.run_at, c.seq FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS s (queue, kind, nth), \
     LATERAL (SELECT priority, run_at, seq FROM {s}.job WHERE queue = s.queue AND kind = s.kind AND state = 'available' AND crashes > 0 \
     ORDER BY priority, run_at, seq LIMIT 1) AS c WHERE s.queue <> ALL(ARRAY(SELECT queue FROM {s}.paused_queue))";

/// Takes jobs for a worker that has its lease. The lock on the worker's row keeps its rescuer away until the claim is done; it comes
/// first, since nothing else is looked at without it.
macro_rules! take {
    ($which:literal) => {
        concat!(
            "WITH me AS MATERIALIZED (SELECT seq FROM {s}.worker WHERE id = $2 AND expires_at > {now} FOR KEY SHARE) \
             UPDATE {s}.job SET state = 'running', token = least(token + 1, 4611686018427387904), worker = (SELECT seq FROM me), started_at = {now} \
             WHERE EXISTS (SELECT 1 FROM me) AND seq = ANY(ARRAY(",
            $which,
            " FOR UPDATE SKIP LOCKED)) RETURNING seq, id, token, kind, queue, priority, payload, name, retries, timeout, failures, crashes, \
             tags, metadata, tenant, \"user\", created_at, run_at, schedule, tick, chain"
        )
    };
}

/// Takes the first jobs of one stripe, unless its queue is paused, from where it is known to begin.
pub const TAKE_FIRST: &str = take!(
    "SELECT seq FROM {s}.job WHERE queue = $3 AND $3 <> ALL(ARRAY(SELECT queue FROM {s}.paused_queue)) \
     AND kind = $4 AND state = 'available' AND crashes = 0 AND (priority, run_at, seq) >= ($6, $7, $8) ORDER BY priority, run_at, seq LIMIT $5"
);

/// Takes jobs that were chosen. The state is asked in a way that leads to no index: they are found by their keys.
pub(super) const TAKE_CHOSEN: &str = take!(
    "SELECT seq FROM {s}.job WHERE seq = ANY($3) AND state || '' = 'available' \
     AND queue <> ALL(ARRAY(SELECT queue FROM {s}.paused_queue))"
);

/// How often a claim looks again when others took what it had chosen.
const ROUNDS: usize = 4;

/// Claims jobs. `news` is how often jobs are known to have come.
pub(super) async fn claim(
    connection: &mut Connection,
    at: Now,
    now: Option<Timestamp>,
    news: u64,
    request: &ClaimRequest,
) -> Result<Claim> {
    // Where the time is the caller's it may stand still, so nothing is ever put off.
    let may_put_off = now.is_none();
    let lost = Claim { lost: true, ..Claim::default() };
    let mut before = connection.heads.take();
    let mut is_fresh = !before.as_ref().is_some_and(|heads| heads.tell(at, news, request, may_put_off));
    let mut claim = Claim::default();
    for _ in 0..ROUNDS {
        let known = if is_fresh { None } else { before.take() };
        let known = match known {
            Some(heads) => Some(heads),
            None => match Heads::look(connection, at, now, news, request, &mut before).await {
                Ok(heads) => heads,
                Err(problem) => {
                    // Where the stripes begin is too dear to be forgotten for a look that failed: it may never end in time.
                    connection.heads = before.map(|heads| heads.not_looked(at));
                    return Err(problem);
                }
            },
        };
        let Some(mut heads) = known else { return Ok(lost) };
        heads.hear(connection, at, now, news).await?;
        if heads.is_due(at) {
            let due = heads.promote(connection, at, now).await?;
            if !(may_put_off && heads.is_costly()) {
                let Some(again) = Heads::look(connection, at, now, news, request, &mut Some(heads)).await? else {
                    return Ok(lost);
                };
                heads = again;
                heads.put_off_due(due);
            }
        }
        let (rows, missed) = take(connection, now, request, &heads).await?;
        claim.jobs = rows.iter().map(|row| claimed(connection, row)).collect::<Result<_>>()?;
        claim.jobs.sort_by_key(|job| (job.priority, job.run_at, job.seq));
        heads.note_taken(&claim.jobs);
        // What others took may not have been all: who lost a part of what he had chosen asks again at once.
        let next = if missed { Some(Duration::ZERO) } else { heads.next_claim(at, news, may_put_off, claim.jobs.is_empty()) };
        // Counted from the server's time, told in the caller's.
        claim.next_due = next.map(|wait| at.wall.saturating_add(wait).unwrap_or(Timestamp::MAX));
        let is_last_word = (is_fresh && !missed) || (may_put_off && heads.may_not_look(at));
        if !claim.jobs.is_empty() || is_last_word {
            connection.heads = Some(heads);
            break;
        }
        // What was known was too old, or others were faster.
        (before, is_fresh) = (Some(heads), true);
    }
    connection.heads = connection.heads.take().or(before);
    Ok(claim)
}

/// Takes what was found, and says whether something that was chosen could not be had.
async fn take(
    connection: &mut Connection,
    now: Option<Timestamp>,
    request: &ClaimRequest,
    known: &Heads,
) -> Result<(Vec<Row>, bool)> {
    let worker = worker_uuid(request.worker);
    if request.limit == 0 {
        return Ok((Vec::new(), false));
    }
    let stripes = known.stripes(request);
    let probation = if request.probation { known.probation(request) } else { Vec::new() };
    match (&stripes[..], &probation[..]) {
        ([], []) => Ok((Vec::new(), false)),
        ([Head { queue, stripe }], []) => {
            let demand = &request.queues[*queue];
            let limit = i64::try_from(demand.limit.min(request.limit)).unwrap_or(i64::MAX);
            let (priority, run_at, seq) = stripe.from;
            let params = [
                time(&now),
                (&worker, Type::UUID),
                (&&*demand.queue, Type::TEXT),
                (&&*stripe.kind, Type::TEXT),
                (&limit, Type::INT8),
                (&priority, Type::INT2),
                (&run_at, Type::TIMESTAMPTZ),
                (&seq, Type::INT8),
            ];
            Ok((connection.rows(TAKE_FIRST, &params).await?, false))
        }
        _ => {
            let chosen = choose(connection, request, &stripes, &probation).await?;
            if chosen.is_empty() {
                return Ok((Vec::new(), false));
            }
            let rows = connection.rows(TAKE_CHOSEN, &[time(&now), (&worker, Type::UUID), (&chosen, Type::INT8_ARRAY)]).await?;
            let missed = rows.len() < chosen.len();
            Ok((rows, missed))
        }
    }
}

/// The keys of the next jobs of several stripes, merged.
async fn choose(
    connection: &mut Connection,
    request: &ClaimRequest,
    stripes: &[Head<'_>],
    probation: &[Head<'_>],
) -> Result<Vec<i64>> {
    let mut heads: Vec<(Key, usize, bool)> = Vec::new();
    for (stripes, is_probation) in [(stripes, false), (probation, true)] {
        if stripes.is_empty() {
            continue;
        }
        let queues: Vec<&str> = stripes.iter().map(|head| &*request.queues[head.queue].queue).collect();
        let kinds: Vec<&str> = stripes.iter().map(|head| &*head.stripe.kind).collect();
        let priorities: Vec<i16> = stripes.iter().map(|head| head.stripe.from.0).collect();
        let times: Vec<Timestamp> = stripes.iter().map(|head| head.stripe.from.1).collect();
        let seqs: Vec<i64> = stripes.iter().map(|head| head.stripe.from.2).collect();
        let most = stripes.iter().map(|head| request.queues[head.queue].limit).max().unwrap_or(0).min(request.limit);
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let all = [
            (&queues as _, Type::TEXT_ARRAY),
            (&kinds as _, Type::TEXT_ARRAY),
            (&priorities as _, Type::INT2_ARRAY),
            (&times as _, Type::TIMESTAMPTZ_ARRAY),
            (&seqs as _, Type::INT8_ARRAY),
            (&most as _, Type::INT8),
        ];
        let (statement, params) = if is_probation { (HEADS_ON_PROBATION, &all[..2]) } else { (HEADS, &all[..]) };
        for row in &connection.rows(statement, params).await? {
            let nth: i64 = get(row, "nth")?;
            let head = usize::try_from(nth - 1).ok().and_then(|nth| stripes.get(nth));
            if let Some(head) = head {
                heads.push(((get(row, "priority")?, get(row, "run_at")?, get(row, "seq")?), head.queue, is_probation));
            }
        }
    }
    heads.sort_unstable();
    let mut room: Vec<usize> = request.queues.iter().map(|demand| demand.limit).collect();
    let (mut chosen, mut on_probation) = (Vec::new(), false);
    for ((_, _, seq), queue, probation) in heads {
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

/// The columns of a claimed job are read by their places, in the order in which they are returned.
fn claimed(connection: &mut Connection, row: &Row) -> Result<ClaimedJob> {
    let timeout: Option<i64> = at(row, 9)?;
    let (schedule, tick): (Option<String>, Option<Timestamp>) = (at(row, 18)?, at(row, 19)?);
    Ok(ClaimedJob {
        seq: at(row, 0)?,
        id: JobId::from_bytes(at::<Uuid>(row, 1)?.into_bytes()),
        token: at(row, 2)?,
        kind: connection.share(at(row, 3)?),
        queue: connection.share(at(row, 4)?),
        priority: at(row, 5)?,
        payload: at(row, 6)?,
        name: at(row, 7)?,
        retries: at::<Option<i32>>(row, 8)?.map(not_negative),
        timeout: timeout.map(|millis| Duration::from_millis(millis.max(0).unsigned_abs())),
        failures: not_negative(at(row, 10)?),
        crashes: not_negative(at(row, 11)?),
        tags: at(row, 12)?,
        metadata: at(row, 13)?,
        tenant: at(row, 14)?,
        user: at(row, 15)?,
        created_at: at(row, 16)?,
        run_at: at(row, 17)?,
        tick: schedule.zip(tick).map(|(schedule, instant)| TickId { schedule, instant }),
        chain: at(row, 20)?,
    })
}
