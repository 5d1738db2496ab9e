//! Schedules and their ticks: what changes and ticks mean is judged by `jobs_core::store`, and done here.

use std::collections::BTreeSet;
use std::collections::btree_map::Entry;

use jiff::Timestamp;
use jobs_core::store::{
    ChangeScope, Deal, Fire, FireRow, Fired, KnownWorkers, Live, NewSchedule, Now, Occasion, ScheduleAnswer, ScheduleChange,
    ScheduleFilter, ScheduleList, ScheduleRecord, TickFilter, TickOutcome, TickRecord, change, judge,
};
use jobs_core::{JobId, State as JobState, StoreError};

use super::enqueue::id_of;
use super::state::State;
use crate::store::{CANCELLED_FOR_A_TICK, newly_queued, ticks_of};
use crate::testing::guards::Guard;

impl State {
    pub(super) fn change_schedules(&mut self, now: Now, wanted: ScheduleChange) -> Vec<ScheduleAnswer> {
        let ChangeScope { keys, group, kinds } = wanted.scope();
        let keys: BTreeSet<String> = keys.into_iter().collect();
        let concerns = |row: &ScheduleRecord| {
            let schedule = &row.schedule;
            keys.contains(&schedule.key)
                || (group.is_some() && schedule.group == group)
                || (schedule.build.is_some() && kinds.as_ref().is_some_and(|kinds| kinds.contains(&*schedule.job.kind)))
        };
        let rows: Vec<ScheduleRecord> = self.schedules.values().filter(|row| concerns(row)).cloned().collect();
        let mut known = KnownWorkers::default();
        for worker in self.workers.values() {
            let build = if Guard::LaterStart.is_on() { &*worker.build } else { "" };
            known.add(build, worker.started_at, worker.schedules.iter().cloned());
        }
        if !Guard::RetireUnheld.is_on() {
            known = KnownWorkers::default();
        }
        let edit = change(now.wall, wanted, rows, &known);
        self.wake.commands |= !(edit.write.is_empty() && edit.remove.is_empty());
        for key in &edit.remove {
            self.schedules.remove(key);
        }
        for mut row in edit.write {
            if let Some(before) = self.schedules.get(&row.schedule.key).filter(|_| !Guard::EditNoMisfire.is_on()) {
                row.last_tick = before.last_tick;
            }
            self.schedules.insert(row.schedule.key.clone(), row);
        }
        for tick in edit.ticks.into_iter().filter(|_| Guard::PassedAccounts.is_on()) {
            self.account(tick);
        }
        edit.answers
    }

    pub(super) fn schedules(&self, now: Now, filter: &ScheduleFilter) -> ScheduleList {
        let wanted = |row: &&ScheduleRecord| {
            let NewSchedule { key, group, .. } = &row.schedule;
            filter.key.as_ref().is_none_or(|wanted| wanted == key) && (filter.group.is_none() || filter.group == *group)
        };
        ScheduleList { now: now.wall, schedules: self.schedules.values().filter(wanted).cloned().collect() }
    }

    pub(super) fn ticks(&self, filter: &TickFilter) -> Vec<TickRecord> {
        let key = |instant| (filter.schedule.clone(), instant);
        let until = filter.before.unwrap_or(Timestamp::MAX);
        let found = self.ticks.range(key(Timestamp::MIN)..=key(until)).rev();
        let found = found.filter(|((_, instant), _)| filter.before.is_none_or(|before| *instant < before));
        found.map(|(_, tick)| tick.clone()).take(ticks_of(filter)).collect()
    }

    fn account(&mut self, tick: TickRecord) {
        match self.ticks.entry((tick.schedule.clone(), tick.instant)) {
            Entry::Vacant(place) => drop(place.insert(tick)),
            Entry::Occupied(mut known) => known.get_mut().renew(tick),
        }
    }

    pub(super) fn fire(&mut self, now: Now, ticks: &[Fire]) -> Result<Vec<Fired>, StoreError> {
        // All are judged before the first is fired.
        for fire in ticks {
            if let Deal::Job(job) = &fire.deal {
                id_of(job)?;
            }
        }
        let answers = ticks.iter().map(|tick| self.fire_one(now, tick.clone())).collect::<Result<Vec<_>, StoreError>>()?;
        self.wake.commands |= newly_queued(ticks, &answers);
        Ok(answers)
    }

    fn fire_one(&mut self, now: Now, mut fire: Fire) -> Result<Fired, StoreError> {
        let at = (fire.key.clone(), fire.tick);
        let mut dealt = self.ticks.get(&at).map(|tick| tick.outcome);
        let mut row = self.schedules.get(&fire.key).map(|row| FireRow {
            version: row.version,
            last_tick: row.last_tick,
            queued: row.queued.clone(),
            started: row.started.clone(),
            paused: row.paused_at.is_some(),
        });
        if let (Some(row), Occasion::Time { last_tick, version }) = (&mut row, &mut fire.occasion)
            && !Guard::CompareAndSwap.is_on()
        {
            (*version, *last_tick, row.last_tick, dealt) = (row.version, Timestamp::MIN, Timestamp::MIN, None);
        }
        if let (Some(row), Occasion::Time { version, .. } | Occasion::Queued { version }) = (&row, &mut fire.occasion)
            && !Guard::RowVersion.is_on()
        {
            *version = row.version;
        }
        let by_the_clock = if Guard::EarlyTicks.is_on() { now.wall } else { Timestamp::MAX };
        let live = if Guard::Overlaps.is_on() { self.live_of(&fire.key) } else { Vec::new() };
        let judgement = judge(&fire, by_the_clock, row, dealt, &live);
        if Guard::CancelBefore.is_on() {
            self.cancel(now, &judgement.cancel, CANCELLED_FOR_A_TICK);
        }
        let stored: Option<JobId> = match (judgement.outcome, &fire.deal) {
            (Some(TickOutcome::Fired), Deal::Job(job)) => Some(self.enqueue_one(now, id_of(job)?, (**job).clone()).id),
            _ => None,
        };
        if let (Some(row), Some(known)) = (&judgement.row, self.schedules.get_mut(&fire.key)) {
            known.last_tick = row.last_tick;
            known.queued.clone_from(&row.queued);
            if judgement.outcome == Some(TickOutcome::Queued) && !Guard::QueuedOrder.is_on() {
                known.queued.rotate_right(1);
            }
            known.started.clone_from(&row.started);
        }
        for account in judgement.accounts(&fire, now.wall, stored) {
            self.account(account);
        }
        Ok(judgement.answer(stored))
    }

    /// The jobs of a schedule that have not ended.
    fn live_of(&self, key: &str) -> Vec<Live> {
        let live = self.index.of_schedule(key).filter_map(|seq| self.live.get(&seq));
        live.map(|job| Live { id: job.record.id, running: job.record.state == JobState::Running }).collect()
    }
}
