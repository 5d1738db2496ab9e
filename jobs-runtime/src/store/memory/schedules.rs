//! Schedules and their ticks: each tick by compare and swap on its schedule's last one, in one step with its job.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jobs_core::store::{Fire, Fired, NewSchedule, Now, ONCE, ScheduleRecord};
use jobs_core::{JobId, StoreError};

use super::enqueue::id_of;
use super::state::State;
use crate::testing::guards::Guard;

/// A schedule as it stands.
#[derive(Debug)]
pub(super) struct Schedule {
    declared: NewSchedule,
    last_tick: Timestamp,
    last_job: Option<JobId>,
}

impl State {
    pub(super) fn declare(&mut self, now: Now, schedules: Vec<NewSchedule>, known: &BTreeSet<String>) {
        let keys: BTreeSet<&str> = schedules.iter().map(|schedule| &*schedule.key).collect();
        self.schedules.retain(|key, schedule| keys.contains(&**key) || !known.contains(&schedule.declared.kind));
        for declared in schedules {
            if let Some(schedule) = self.schedules.get_mut(&declared.key) {
                if (&schedule.declared.spec, &schedule.declared.zone) != (&declared.spec, &declared.zone) {
                    schedule.last_tick = if schedule.last_tick >= ONCE { now.wall } else { schedule.last_tick.max(now.wall) };
                }
                schedule.declared = declared;
            } else {
                let schedule = Schedule { declared, last_tick: now.wall, last_job: None };
                self.schedules.insert(schedule.declared.key.clone(), schedule);
            }
        }
        self.wake.commands = true;
    }

    pub(super) fn schedules(&self) -> Vec<ScheduleRecord> {
        let record = |schedule: &Schedule| ScheduleRecord::new(schedule.declared.clone(), schedule.last_tick);
        self.schedules.values().map(record).collect()
    }

    pub(super) fn fire(&mut self, now: Now, ticks: Vec<Fire>) -> Result<Vec<Fired>, StoreError> {
        // All are judged before the first is fired.
        let ticks = ticks.into_iter().map(|tick| Ok((id_of(&tick.job)?, tick))).collect::<Result<Vec<_>, StoreError>>()?;
        Ok(ticks.into_iter().map(|(id, tick)| self.fire_one(now, id, tick)).collect())
    }

    fn fire_one(&mut self, now: Now, id: JobId, fire: Fire) -> Fired {
        let account = (fire.key, fire.tick);
        let dealt_with = self.ticks.contains_key(&account);
        let Some(schedule) = self.schedules.get_mut(&account.0) else { return Fired::Lost };
        if let Some(expected) = fire.expected {
            if (schedule.last_tick != expected || fire.tick <= expected) && Guard::CompareAndSwap.is_on() {
                return Fired::Lost;
            }
            schedule.last_tick = fire.tick;
        }
        if dealt_with {
            return Fired::Lost;
        }
        let last_job = schedule.last_job;
        self.ticks.insert(account.clone(), now.wall);
        if last_job.is_some_and(|job| self.seq_of(job).is_some()) {
            return Fired::Overlap;
        }
        let stored = self.enqueue_one(now, id, fire.job);
        if let Some(schedule) = self.schedules.get_mut(&account.0) {
            schedule.last_job = Some(stored.id);
        }
        Fired::Job(stored.id)
    }
}
