//! Schedules, and what a process does with them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jobs_core::JobId;
use jobs_core::job::TickId;
use jobs_core::schedule::Overlap;
use jobs_core::store::{
    Deal, Fire, Fired, NewSchedule, Occasion, ScheduleAnswer, ScheduleChange, ScheduleFilter, ScheduleRecord, TickFilter,
    TickOutcome, TickRecord,
};

use super::{Process, job};

/// The kind of all schedules.
pub(in super::super) const REPORT: &str = "report";

/// A schedule as the store alone has it.
pub(in super::super) fn saved(key: &str) -> NewSchedule {
    NewSchedule::new(key, job(REPORT)).expect("the job of a schedule is plain").every("10s")
}

/// A schedule as the code of build 1 has it.
pub(in super::super) fn schedule(key: &str) -> NewSchedule {
    of_build(saved(key), "1")
}

/// The same in the code of this build.
pub(in super::super) fn of_build(mut schedule: NewSchedule, build: &str) -> NewSchedule {
    schedule.build = Some(build.to_owned());
    schedule
}

impl Process {
    pub(in super::super) async fn change(&self, change: ScheduleChange) -> Vec<ScheduleAnswer> {
        self.store.change_schedules(self.now(), change).await.expect("the store changes schedules")
    }

    /// Declares schedules as a build that knows only the kind of all of them.
    pub(in super::super) async fn declare(&self, schedules: Vec<NewSchedule>) -> Vec<ScheduleAnswer> {
        self.declare_knowing(schedules, &[REPORT]).await
    }

    pub(in super::super) async fn declare_knowing(&self, schedules: Vec<NewSchedule>, known: &[&str]) -> Vec<ScheduleAnswer> {
        let kinds: BTreeSet<String> = known.iter().map(|kind| (*kind).to_owned()).collect();
        self.change(ScheduleChange::Declare { schedules, kinds: Arc::new(kinds) }).await
    }

    /// Puts in order what other builds have left, as a build of these schedules that runs.
    pub(in super::super) async fn maintain(&self, schedules: Vec<NewSchedule>, up_for: Duration) -> Vec<ScheduleAnswer> {
        self.change(ScheduleChange::Maintain { schedules, kinds: Arc::new([REPORT.to_owned()].into()), up_for }).await
    }

    pub(in super::super) async fn save(&self, schedules: Vec<NewSchedule>) -> Vec<ScheduleAnswer> {
        self.change(ScheduleChange::Save { schedules }).await
    }

    pub(in super::super) async fn schedules(&self) -> Vec<ScheduleRecord> {
        self.store.schedules(self.now(), ScheduleFilter::default()).await.expect("the store lists schedules").schedules
    }

    pub(in super::super) async fn keys(&self) -> Vec<String> {
        self.schedules().await.into_iter().map(|found| found.schedule.key).collect()
    }

    pub(in super::super) async fn schedule(&self, key: &str) -> ScheduleRecord {
        let found = self.schedules().await.into_iter().find(|found| found.schedule.key == key);
        found.unwrap_or_else(|| panic!("the schedule {key} is there"))
    }

    pub(in super::super) async fn last_tick(&self, key: &str) -> Timestamp {
        self.schedule(key).await.last_tick
    }

    /// The accounts of a schedule, the oldest first.
    pub(in super::super) async fn accounts(&self, key: &str) -> Vec<TickRecord> {
        let filter = TickFilter { schedule: key.to_owned(), ..TickFilter::default() };
        let mut ticks = self.store.ticks(filter).await.expect("the store lists ticks");
        ticks.reverse();
        ticks
    }

    pub(in super::super) async fn outcomes(&self, key: &str) -> Vec<TickOutcome> {
        self.accounts(key).await.iter().map(|tick| tick.outcome).collect()
    }

    /// A tick of a schedule that was not changed since it was made.
    pub(in super::super) fn tick(&self, key: &str, expected: Option<Timestamp>, tick: Timestamp) -> Fire {
        let occasion = match expected {
            Some(last_tick) => Occasion::Time { last_tick, version: 1 },
            None => Occasion::Start { build: None },
        };
        self.occasion(key, occasion, tick)
    }

    pub(in super::super) fn occasion(&self, key: &str, occasion: Occasion, tick: Timestamp) -> Fire {
        let mut new = job(REPORT);
        new.id = Some(self.new_id());
        new.tick = Some(TickId { schedule: key.to_owned(), instant: tick });
        Fire { key: key.to_owned(), occasion, tick, missed: 0, overlap: Overlap::Skip, deal: Deal::Job(Box::new(new)) }
    }

    pub(in super::super) async fn fire_all(&self, ticks: Vec<Fire>) -> Vec<Fired> {
        let count = ticks.len();
        let answers = self.store.fire(self.now(), ticks).await.expect("the store fires");
        assert_eq!(answers.len(), count, "each tick has an answer");
        answers
    }

    pub(in super::super) async fn fire_one(&self, tick: Fire) -> Fired {
        self.fire_all(vec![tick]).await[0]
    }

    pub(in super::super) async fn fire(&self, key: &str, expected: Option<Timestamp>, tick: Timestamp) -> Fired {
        self.fire_one(self.tick(key, expected, tick)).await
    }

    /// Fires a tick that must get its job, and ends that job.
    pub(in super::super) async fn fire_and_end(&self, key: &str, expected: Timestamp, tick: Timestamp) -> JobId {
        let id = fired(self.fire(key, Some(expected), tick).await);
        self.cancel(id).await;
        id
    }
}

/// The job of a tick that must have got one.
pub(in super::super) fn fired(fired: Fired) -> JobId {
    let Fired::Job(id) = fired else { panic!("the tick got no job: {fired:?}") };
    id
}
