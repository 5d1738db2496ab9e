//! Ticks: fired a bite at a time, in a number of statements that does not grow with it.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use jobs_core::schedule::Overlap;
use jobs_core::store::{
    Deal, Fire, FireRow, Fired, Judgement, Live, Occasion, StoredSchedule, TickCause, TickFilter, TickOutcome, TickRecord, judge,
};
use jobs_core::{JobId, NewJob, State};
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::connection::{Connection, get, time};
use super::enqueue::insert;
use super::error::Result;
use super::manage;
use super::row::{id, uuid};
use crate::store::{CANCELLED_FOR_A_TICK, newly_queued, ticks_of};

pub(super) async fn read(connection: &mut Connection, filter: &TickFilter) -> Result<Vec<TickRecord>> {
    let limit = i64::try_from(ticks_of(filter)).unwrap_or(i64::MAX);
    let params = [(&filter.schedule as _, Type::TEXT), time(&filter.before), (&limit as _, Type::INT8)];
    let rows = connection
        .rows(
            "SELECT instant, cause, since, dealt_at, outcome, missed, job FROM {s}.tick \
             WHERE schedule = $1 AND instant < coalesce($2, 'infinity') ORDER BY instant DESC LIMIT $3",
            &params,
        )
        .await?;
    let mut ticks = Vec::with_capacity(rows.len());
    for row in &rows {
        // A newer release may know outcomes that this one does not.
        let Some(outcome) = TickOutcome::parse(get(row, "outcome")?) else { continue };
        let (instant, since, dealt_at) = (get(row, "instant")?, get(row, "since")?, get(row, "dealt_at")?);
        let mut tick = TickRecord::new(&*filter.schedule, instant, since, dealt_at, outcome);
        let (missed, job): (i32, Option<Uuid>) = (get(row, "missed")?, get(row, "job")?);
        tick.cause = TickCause::parse(get(row, "cause")?).unwrap_or_default();
        tick.missed = u32::try_from(missed.max(0)).unwrap_or_default();
        tick.job = job.map(|job| JobId::from_bytes(job.into_bytes()));
        ticks.push(tick);
    }
    Ok(ticks)
}

/// Accounts for ticks, as [`TickRecord::renew`] says.
pub(super) async fn account(connection: &mut Connection, ticks: &[TickRecord]) -> Result<()> {
    // One statement writes a row once.
    let mut accounts: BTreeMap<(&str, Timestamp), TickRecord> = BTreeMap::new();
    for tick in ticks {
        match accounts.entry((&*tick.schedule, tick.instant)) {
            Entry::Vacant(place) => drop(place.insert(tick.clone())),
            Entry::Occupied(mut known) => known.get_mut().renew(tick.clone()),
        }
    }
    if accounts.is_empty() {
        return Ok(());
    }
    let ticks: Vec<TickRecord> = accounts.into_values().collect();
    let schedules: Vec<&str> = ticks.iter().map(|tick| &*tick.schedule).collect();
    let instants: Vec<Timestamp> = ticks.iter().map(|tick| tick.instant).collect();
    let causes: Vec<&str> = ticks.iter().map(|tick| tick.cause.as_str()).collect();
    let sinces: Vec<Timestamp> = ticks.iter().map(|tick| tick.since).collect();
    let dealt: Vec<Timestamp> = ticks.iter().map(|tick| tick.dealt_at).collect();
    let outcomes: Vec<&str> = ticks.iter().map(|tick| tick.outcome.as_str()).collect();
    let missed: Vec<i32> = ticks.iter().map(|tick| i32::try_from(tick.missed).unwrap_or(i32::MAX)).collect();
    let jobs: Vec<Option<Uuid>> = ticks.iter().map(|tick| tick.job.map(uuid)).collect();
    let params = [
        (&schedules as _, Type::TEXT_ARRAY),
        (&instants as _, Type::TIMESTAMPTZ_ARRAY),
        (&causes as _, Type::TEXT_ARRAY),
        (&sinces as _, Type::TIMESTAMPTZ_ARRAY),
        (&dealt as _, Type::TIMESTAMPTZ_ARRAY),
        (&outcomes as _, Type::TEXT_ARRAY),
        (&missed as _, Type::INT4_ARRAY),
        (&jobs as _, Type::UUID_ARRAY),
    ];
    connection
        .rows(
            "INSERT INTO {s}.tick (schedule, instant, cause, since, dealt_at, outcome, missed, job) \
             SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[], \
               $7::integer[], $8::uuid[]) \
             ON CONFLICT (schedule, instant) DO UPDATE SET dealt_at = excluded.dealt_at, outcome = excluded.outcome, job = excluded.job, \
               since = CASE tick.outcome WHEN 'queued' THEN tick.since ELSE excluded.since END, \
               missed = CASE tick.outcome WHEN 'queued' THEN tick.missed ELSE excluded.missed END, \
               cause = CASE tick.outcome WHEN 'queued' THEN tick.cause ELSE excluded.cause END \
             WHERE tick.outcome = 'queued' OR (tick.outcome <> 'fired' AND excluded.outcome IN ('fired', 'queued'))",
            &params,
        )
        .await?;
    Ok(())
}

/// The answers, and whether a tick began to wait.
pub(super) async fn fire(connection: &mut Connection, now: Option<Timestamp>, ticks: &[Fire]) -> Result<(Vec<Fired>, bool)> {
    connection
        .transaction(async |connection| {
            let mut bite = Bite::read(connection, now, ticks).await?;
            let mut answers = Vec::with_capacity(ticks.len());
            for fire in ticks {
                answers.push(bite.fire(connection, now, fire).await?);
            }
            bite.write(connection, now).await?;
            let has_queued = newly_queued(ticks, &answers);
            Ok((answers, has_queued))
        })
        .await
}

/// Ticks that are fired in one transaction: what they depend on, and what they have changed so far.
struct Bite {
    /// The time of the call by the store's clock.
    at: Timestamp,
    /// The rows of their schedules, which nobody else fires meanwhile.
    rows: BTreeMap<String, FireRow>,
    /// The jobs of these schedules that have not ended.
    live: BTreeMap<String, Vec<Live>>,
    /// What became of the instants that are accounted for.
    dealt: HashMap<(String, Timestamp), TickOutcome>,
    changed: BTreeSet<String>,
    jobs: Vec<NewJob>,
    accounts: Vec<TickRecord>,
}

impl Bite {
    async fn read(connection: &mut Connection, now: Option<Timestamp>, ticks: &[Fire]) -> Result<Self> {
        let keys: BTreeSet<&str> = ticks.iter().map(|fire| &*fire.key).collect();
        let keys: Vec<&str> = keys.into_iter().collect();
        let mut bite = Self {
            at: now.unwrap_or(Timestamp::UNIX_EPOCH),
            rows: BTreeMap::new(),
            live: BTreeMap::new(),
            dealt: HashMap::new(),
            changed: BTreeSet::new(),
            jobs: Vec::new(),
            accounts: Vec::new(),
        };
        // In one order, so that two processes that fire the same ticks do not wait for each other in a circle.
        let rows = connection
            .rows(
                "SELECT {now} AS now, key, version, last_tick, queued, started, paused_at IS NOT NULL AS paused \
                 FROM {s}.schedule WHERE key = ANY($2) ORDER BY key FOR UPDATE",
                &[time(&now), (&keys, Type::TEXT_ARRAY)],
            )
            .await?;
        for row in &rows {
            bite.at = get(row, "now")?;
            let (queued, started): (&str, &str) = (get(row, "queued")?, get(row, "started")?);
            let known = FireRow {
                version: get(row, "version")?,
                last_tick: get(row, "last_tick")?,
                queued: StoredSchedule::queued_of(queued),
                started: StoredSchedule::started_of(started),
                paused: get(row, "paused")?,
            };
            bite.rows.insert(get(row, "key")?, known);
        }
        let ticks: Vec<&Fire> = ticks.iter().filter(|fire| bite.rows.contains_key(&fire.key)).collect();
        if !ticks.is_empty() {
            bite.read_dealt(connection, &ticks).await?;
            bite.read_live(connection, &ticks).await?;
        }
        Ok(bite)
    }

    async fn read_dealt(&mut self, connection: &mut Connection, ticks: &[&Fire]) -> Result<()> {
        let keys: Vec<&str> = ticks.iter().map(|fire| &*fire.key).collect();
        let instants: Vec<Timestamp> = ticks.iter().map(|fire| fire.tick).collect();
        let rows = connection
            .rows(
                "SELECT schedule, instant, outcome FROM unnest($1::text[], $2::timestamptz[]) AS wanted (schedule, instant) \
                 JOIN {s}.tick USING (schedule, instant)",
                &[(&keys, Type::TEXT_ARRAY), (&instants, Type::TIMESTAMPTZ_ARRAY)],
            )
            .await?;
        for row in &rows {
            // What only a newer release knows counts as dealt with.
            let outcome = TickOutcome::parse(get(row, "outcome")?).unwrap_or(TickOutcome::Fired);
            self.dealt.insert((get(row, "schedule")?, get(row, "instant")?), outcome);
        }
        Ok(())
    }

    async fn read_live(&mut self, connection: &mut Connection, ticks: &[&Fire]) -> Result<()> {
        let mut wanted: BTreeMap<&str, i64> = BTreeMap::new();
        for fire in ticks {
            if fire.overlap != Overlap::Allow || matches!(fire.occasion, Occasion::Queued { .. }) {
                let most = wanted.entry(&fire.key).or_default();
                *most = i64::try_from(fire.live_wanted()).unwrap_or(i64::MAX).max(*most);
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let (keys, most): (Vec<&str>, Vec<i64>) = wanted.into_iter().unzip();
        let rows = connection
            .rows(
                "SELECT wanted.key, live.id, live.state FROM unnest($1::text[], $2::bigint[]) AS wanted (key, most), \
                 LATERAL (SELECT id, state FROM {s}.job WHERE schedule = wanted.key LIMIT wanted.most) AS live",
                &[(&keys, Type::TEXT_ARRAY), (&most, Type::INT8_ARRAY)],
            )
            .await?;
        for row in &rows {
            let state: &str = get(row, "state")?;
            let live = Live { id: id(row, "id")?, running: state == State::Running.as_str() };
            self.live.entry(get(row, "key")?).or_default().push(live);
        }
        Ok(())
    }

    /// What becomes of one tick, after those before it.
    async fn fire(&mut self, connection: &mut Connection, now: Option<Timestamp>, fire: &Fire) -> Result<Fired> {
        let live = self.live.get(&fire.key).map(Vec::as_slice).unwrap_or_default();
        let dealt = self.dealt.get(&(fire.key.clone(), fire.tick)).copied();
        let judgement = judge(fire, self.at, self.rows.get(&fire.key).cloned(), dealt, live);
        self.cancel(connection, now, &fire.key, &judgement).await?;
        let job = match (judgement.outcome, &fire.deal) {
            (Some(TickOutcome::Fired), Deal::Job(job)) => {
                self.jobs.push((**job).clone());
                let live = self.live.entry(fire.key.clone()).or_default();
                live.extend(job.id.map(|id| Live { id, running: false }));
                job.id
            }
            _ => None,
        };
        if let Some(row) = &judgement.row {
            self.rows.insert(fire.key.clone(), row.clone());
            self.changed.insert(fire.key.clone());
        }
        for account in judgement.accounts(fire, self.at, job) {
            self.dealt.insert((account.schedule.clone(), account.instant), account.outcome);
            self.accounts.push(account);
        }
        Ok(judgement.answer(job))
    }

    /// Cancels the jobs that a tick takes the place of. One that runs goes on until it has ended.
    async fn cancel(
        &mut self,
        connection: &mut Connection,
        now: Option<Timestamp>,
        key: &str,
        judgement: &Judgement,
    ) -> Result<()> {
        if judgement.cancel.is_empty() {
            return Ok(());
        }
        // One of them may be the job of a tick before.
        self.store_jobs(connection, now).await?;
        manage::cancel_within(connection, now, &judgement.cancel, CANCELLED_FOR_A_TICK).await?;
        if let Some(live) = self.live.get_mut(key) {
            live.retain(|live| live.running || !judgement.cancel.contains(&live.id));
        }
        Ok(())
    }

    async fn store_jobs(&mut self, connection: &mut Connection, now: Option<Timestamp>) -> Result<()> {
        let jobs = std::mem::take(&mut self.jobs);
        if !jobs.is_empty() {
            insert(connection, now, &jobs).await?;
        }
        Ok(())
    }

    async fn write(mut self, connection: &mut Connection, now: Option<Timestamp>) -> Result<()> {
        self.store_jobs(connection, now).await?;
        let changed = self.changed.iter().filter_map(|key| Some((key, self.rows.get(key)?)));
        let (keys, rows): (Vec<&str>, Vec<&FireRow>) = changed.map(|(key, row)| (&**key, row)).unzip();
        if !keys.is_empty() {
            let last: Vec<Timestamp> = rows.iter().map(|row| row.last_tick).collect();
            let queued: Vec<String> = rows.iter().map(|row| StoredSchedule::queued_text(&row.queued)).collect();
            let started: Vec<String> = rows.iter().map(|row| StoredSchedule::started_text(&row.started)).collect();
            let params = [
                (&keys as _, Type::TEXT_ARRAY),
                (&last as _, Type::TIMESTAMPTZ_ARRAY),
                (&queued as _, Type::TEXT_ARRAY),
                (&started as _, Type::TEXT_ARRAY),
            ];
            connection
                .rows(
                    "UPDATE {s}.schedule SET last_tick = new.last_tick, queued = new.queued, started = new.started \
                     FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[]) AS new (key, last_tick, queued, started) \
                     WHERE schedule.key = new.key",
                    &params,
                )
                .await?;
        }
        account(connection, &self.accounts).await
    }
}
