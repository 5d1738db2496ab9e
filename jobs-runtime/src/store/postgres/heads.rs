//! Heads: where each stripe of the ready index begins, so that a claim need not look for it.
//!
//! Dead entries gather at the head of a stripe until vacuum takes them away, and a transaction that stays open anywhere in the database
//! keeps it from doing so. A look from the very head walks over all of them, so what it found is kept for the claims that follow, each of
//! which goes on where the one before it ended.
//!
//! A look is made anew when nothing was found, and when there is news, but not more often than every 20 ms; and where looks
//! have become costly, so seldom that they take no more than a tenth of the time, or a third of it where nothing else is there to be taken. So
//! long a job may wait that belongs before those that were taken last (by its priority, or because it waits again), or of a kind of which
//! none was seen before.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jobs_core::record::ClaimedJob;
use jobs_core::store::{BITE, ClaimRequest, Now};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::claim::worker_uuid;
use super::connection::{Connection, get, time};
use super::error::Result;
use super::row::micros_of;

/// The order within a stripe: priority, time due, order of enqueue.
pub(super) type Key = (i16, Timestamp, i64);

/// For how long heads tell what there is, without news.
const AGE: Duration = Duration::from_millis(50);

/// For how long they tell it although there is news, where time goes on by itself.
const FRESH: Duration = Duration::from_millis(20);

/// After how long jobs that are overdue, but locked by somebody, are tried again.
const LOCKED: Duration = Duration::from_millis(250);

/// From when on a look is costly.
const COSTLY: Duration = Duration::from_millis(10);

/// How much longer than a costly look the time until the next one is.
const REST: u32 = 10;

/// How much longer it is where nothing was found.
const SHORT_REST: u32 = 2;

/// How costly a look counts that came to no end.
const ENDLESS: Duration = Duration::from_secs(1);

/// The most stripes that are remembered from one look to the next.
const REMEMBERED: usize = 1_000;

/// Whether the worker has its lease, the stripes with their first jobs, in how many microseconds the next waiting job is due, and how
/// many the look took. Paused queues are not looked into. Each step of the recursion is one look into the index.
pub(super) const LOOK: &str = "WITH RECURSIVE open AS MATERIALIZED (SELECT queue FROM unnest($3::text[]) AS q (queue) \
       WHERE queue <> ALL(ARRAY(SELECT queue FROM {s}.paused_queue))), \
     stripe AS ( \
       SELECT f.* FROM open AS q, LATERAL (SELECT queue, kind, priority, run_at, seq FROM {s}.job \
         WHERE state = 'available' AND crashes = 0 AND queue = q.queue ORDER BY kind, priority, run_at, seq LIMIT 1) AS f \
       UNION ALL \
       SELECT f.* FROM stripe, LATERAL (SELECT queue, kind, priority, run_at, seq FROM {s}.job \
         WHERE state = 'available' AND crashes = 0 AND queue = stripe.queue AND kind > stripe.kind \
         ORDER BY kind, priority, run_at, seq LIMIT 1) AS f), \
     probation AS ( \
       SELECT f.* FROM open AS q, LATERAL (SELECT queue, kind, priority, run_at, seq FROM {s}.job \
         WHERE state = 'available' AND crashes > 0 AND queue = q.queue ORDER BY kind, priority, run_at, seq LIMIT 1) AS f \
       UNION ALL \
       SELECT f.* FROM probation, LATERAL (SELECT queue, kind, priority, run_at, seq FROM {s}.job \
         WHERE state = 'available' AND crashes > 0 AND queue = probation.queue AND kind > probation.kind \
         ORDER BY kind, priority, run_at, seq LIMIT 1) AS f) \
     SELECT queue, kind, priority, run_at, seq, false AS probation, NULL::bigint AS due, NULL::bigint AS took FROM stripe \
     UNION ALL SELECT queue, kind, priority, run_at, seq, true, NULL, NULL FROM probation \
     UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, false, \
       (SELECT (extract(epoch FROM run_at - {now}) * 1000000)::bigint FROM {s}.job \
         WHERE state IN ('scheduled', 'retryable') ORDER BY run_at LIMIT 1), \
       (extract(epoch FROM clock_timestamp() - statement_timestamp()) * 1000000)::bigint \
     FROM {s}.worker WHERE id = $2 AND expires_at > {now}";

/// Makes jobs available whose time has come. What is more than a bite comes with the next claim, for which `next_due` asks at once.
pub(super) const PROMOTE: &str = "UPDATE {s}.job SET state = 'available' WHERE seq = ANY(ARRAY(SELECT seq FROM {s}.job \
     WHERE state IN ('scheduled', 'retryable') AND run_at <= {now} ORDER BY run_at LIMIT $2 FOR UPDATE SKIP LOCKED)) \
     RETURNING queue, kind, priority, run_at, seq";

/// In how many microseconds the next waiting job is due.
pub(super) const NEXT_DUE: &str = "SELECT (extract(epoch FROM run_at - {now}) * 1000000)::bigint AS due FROM {s}.job \
     WHERE state IN ('scheduled', 'retryable') ORDER BY run_at LIMIT 1";

/// A pair of queue and kind, and the first job that it may have.
pub(super) struct Stripe {
    pub(super) queue: Arc<str>,
    pub(super) kind: Arc<str>,
    pub(super) from: Key,
    /// The last look found something in it.
    has_jobs: bool,
}

/// A stripe from which a request may take: the place of its queue in the request, and the stripe.
pub(super) struct Head<'a> {
    pub(super) queue: usize,
    pub(super) stripe: &'a Stripe,
}

/// What is known of what there is to take.
pub(super) struct Heads {
    stripes: Vec<Stripe>,
    probation: Vec<Stripe>,
    /// The queues that were looked into.
    queues: Vec<Arc<str>>,
    /// The kinds that were wanted.
    kinds: Arc<BTreeSet<String>>,
    /// When the next waiting job is due, on the caller's steady clock.
    due: Option<Duration>,
    looked_at: Duration,
    took: Duration,
    news: u64,
    /// The news up to which `due` is known.
    heard: u64,
}

impl Heads {
    /// Looks from the very heads; `None` if the worker has no lease. Of what was known before, the stripes and queues are remembered.
    pub(super) async fn look(
        connection: &mut Connection,
        at: Now,
        now: Option<Timestamp>,
        news: u64,
        request: &ClaimRequest,
        before: &mut Option<Self>,
    ) -> Result<Option<Self>> {
        // Into all queues of this worker, not only those that have room just now: so the next claim need not look again for the others.
        let known = before.iter().flat_map(|before| before.queues.iter().cloned());
        let wanted = request.queues.iter().filter(|demand| demand.limit > 0).map(|demand| Arc::clone(&demand.queue));
        let all: BTreeSet<Arc<str>> = known.chain(wanted).collect();
        let queues: Vec<&str> = all.iter().map(|queue| &**queue).collect();
        let worker = worker_uuid(request.worker);
        let rows = connection.rows(LOOK, &[time(&now), (&worker, Type::UUID), (&queues, Type::TEXT_ARRAY)]).await?;
        let mut heads = Self {
            stripes: before.take().map_or_else(Vec::new, |before| before.stripes),
            probation: Vec::new(),
            queues: all.iter().cloned().collect(),
            kinds: Arc::clone(&request.kinds),
            due: None,
            looked_at: at.steady,
            took: Duration::ZERO,
            news,
            heard: news,
        };
        heads.stripes.retain(|stripe| request.kinds.contains(&*stripe.kind));
        heads.stripes.truncate(REMEMBERED);
        heads.stripes.iter_mut().for_each(|stripe| stripe.has_jobs = false);
        let mut has_lease = false;
        for row in &rows {
            let Some(queue) = get::<Option<&str>>(row, "queue")? else {
                has_lease = true;
                let (due, took): (Option<i64>, i64) = (get(row, "due")?, get(row, "took")?);
                heads.due = due.map(|micros| at.steady.saturating_add(micros_of(micros)));
                heads.took = micros_of(took);
                continue;
            };
            let (kind, from): (&str, Key) = (get(row, "kind")?, key(row)?);
            if request.kinds.contains(kind) {
                let stripe = Stripe { queue: connection.share(queue), kind: connection.share(kind), from, has_jobs: true };
                if get(row, "probation")? { heads.probation.push(stripe) } else { heads.put(stripe) }
            }
        }
        Ok(has_lease.then_some(heads))
    }

    fn find(&mut self, queue: &str, kind: &str) -> Option<&mut Stripe> {
        self.stripes.iter_mut().find(|known| &*known.kind == kind && &*known.queue == queue)
    }

    fn put(&mut self, stripe: Stripe) {
        match self.find(&stripe.queue, &stripe.kind) {
            Some(known) => *known = stripe,
            None => self.stripes.push(stripe),
        }
    }

    /// Whether this still tells what there is to take for this request.
    pub(super) fn tell(&self, at: Now, news: u64, request: &ClaimRequest, may_put_off: bool) -> bool {
        let is_known = |queue: &str| self.queues.iter().any(|known| &**known == queue);
        let same_kinds = Arc::ptr_eq(&self.kinds, &request.kinds) || self.kinds == request.kinds;
        if !same_kinds || !request.queues.iter().all(|demand| demand.limit == 0 || is_known(&demand.queue)) {
            return false;
        }
        let age = at.steady.saturating_sub(self.looked_at);
        (may_put_off && age < self.rest()) || (age < AGE && news == self.news && !(may_put_off && self.is_costly()))
    }

    /// Whether a look from the heads takes so long that it must be rare.
    pub(super) fn is_costly(&self) -> bool {
        self.took >= COSTLY
    }

    /// How long a look is not made again for the sake of news.
    fn rest(&self) -> Duration {
        if self.is_costly() { self.took.saturating_mul(REST) } else { FRESH }
    }

    /// The same without a look: one was tried, and came to no end.
    pub(super) fn not_looked(self, at: Now) -> Self {
        Self { looked_at: at.steady, took: self.took.max(ENDLESS), ..self }
    }

    /// Whether a look would be too early even for a claim that found nothing.
    pub(super) fn may_not_look(&self, at: Now) -> bool {
        self.is_costly() && at.steady.saturating_sub(self.looked_at) < self.took.saturating_mul(SHORT_REST)
    }

    /// Takes note of news without a look: a job may have come that is due before the others.
    pub(super) async fn hear(&mut self, connection: &mut Connection, at: Now, now: Option<Timestamp>, news: u64) -> Result<()> {
        if news != self.heard && self.is_costly() {
            self.heard = news;
            let due = next_due(connection, at, now).await?;
            self.due = [self.due, due].into_iter().flatten().min();
        }
        Ok(())
    }

    pub(super) fn is_due(&self, at: Now) -> bool {
        self.due.is_some_and(|due| due <= at.steady)
    }

    /// In how long the next claim is due at the latest: for a job that waits for its time, or because a look was put off.
    pub(super) fn next_claim(&self, at: Now, news: u64, may_put_off: bool, found_nothing: bool) -> Option<Duration> {
        let is_put_off = may_put_off && (news != self.news || self.is_costly());
        let is_short = found_nothing && news != self.news && self.is_costly();
        let rest = if is_short { self.took.saturating_mul(SHORT_REST) } else { self.rest() };
        let put_off = is_put_off.then(|| self.looked_at.saturating_add(rest));
        let next = [self.due, put_off].into_iter().flatten().min()?;
        Some(next.saturating_sub(at.steady))
    }

    /// The next promotion is not before this time.
    pub(super) fn put_off_due(&mut self, not_before: Option<Duration>) {
        self.due = self.due.max(not_before.filter(|_| self.due.is_some()));
    }

    /// Makes jobs available whose time has come. Answers when the next are to be, on the caller's steady clock.
    pub(super) async fn promote(
        &mut self,
        connection: &mut Connection,
        at: Now,
        now: Option<Timestamp>,
    ) -> Result<Option<Duration>> {
        let bite = i64::try_from(BITE).unwrap_or(i64::MAX);
        let rows = connection.rows(PROMOTE, &[time(&now), (&bite, Type::INT8)]).await?;
        // What is overdue nevertheless is locked by somebody, unless the bite was whole.
        let is_locked = |due: &Duration| rows.len() < BITE && *due <= at.steady;
        let due = next_due(connection, at, now).await?;
        self.due = due.map(|due| if is_locked(&due) { at.steady.saturating_add(LOCKED) } else { due });
        for row in &rows {
            let (queue, kind, from): (&str, &str, Key) = (get(row, "queue")?, get(row, "kind")?, key(row)?);
            let is_wanted = self.kinds.contains(kind) && self.queues.iter().any(|known| &**known == queue);
            if let Some(known) = self.find(queue, kind) {
                known.from = known.from.min(from);
            } else if is_wanted {
                let stripe = Stripe { queue: connection.share(queue), kind: connection.share(kind), from, has_jobs: true };
                self.stripes.push(stripe);
            }
        }
        Ok(self.due)
    }

    /// The stripes from which a request may take. Where looks are rare, one that was empty may have jobs again.
    pub(super) fn stripes<'a>(&'a self, request: &ClaimRequest) -> Vec<Head<'a>> {
        let is_costly = self.is_costly();
        heads(self.stripes.iter().filter(|stripe| stripe.has_jobs || is_costly), request)
    }

    /// The stripes on probation from which a request may take.
    pub(super) fn probation<'a>(&'a self, request: &ClaimRequest) -> Vec<Head<'a>> {
        heads(self.probation.iter(), request)
    }

    /// The stripes go on behind what was taken.
    pub(super) fn note_taken(&mut self, jobs: &[ClaimedJob]) {
        let mut last = 0;
        for job in jobs {
            let is_its = |stripe: &Stripe| stripe.kind == job.kind && stripe.queue == job.queue;
            if !self.stripes.get(last).is_some_and(is_its) {
                last = self.stripes.iter().position(is_its).unwrap_or(0);
            }
            if let Some(stripe) = self.stripes.get_mut(last).filter(|stripe| is_its(stripe) && job.crashes == 0) {
                stripe.from = stripe.from.max((job.priority, job.run_at, job.seq));
            }
            if job.crashes > 0 {
                self.probation.clear();
            }
        }
    }
}

/// When the next waiting job is due, on the caller's steady clock.
async fn next_due(connection: &mut Connection, at: Now, now: Option<Timestamp>) -> Result<Option<Duration>> {
    let row = connection.row(NEXT_DUE, &[time(&now)]).await?;
    let due: Option<i64> = row.map(|row| get(&row, "due")).transpose()?;
    Ok(due.map(|micros| at.steady.saturating_add(micros_of(micros))))
}

fn heads<'a>(stripes: impl Iterator<Item = &'a Stripe>, request: &ClaimRequest) -> Vec<Head<'a>> {
    let place = |stripe: &Stripe| request.queues.iter().position(|demand| demand.limit > 0 && demand.queue == stripe.queue);
    stripes.filter_map(|stripe| Some(Head { queue: place(stripe)?, stripe })).collect()
}

fn key(row: &Row) -> Result<Key> {
    Ok((get(row, "priority")?, get(row, "run_at")?, get(row, "seq")?))
}
