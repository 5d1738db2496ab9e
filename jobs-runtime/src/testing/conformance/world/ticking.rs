//! Schedules, and what a process does with them.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use jobs_core::JobId;
use jobs_core::job::TickId;
use jobs_core::store::{Fire, Fired, NewSchedule, ScheduleRecord};

use super::{Process, job};

/// The kind of all schedules.
pub(in super::super) const REPORT: &str = "report";

pub(in super::super) fn schedule(key: &str) -> NewSchedule {
    NewSchedule {
        key: key.to_owned(),
        kind: REPORT.to_owned(),
        spec: "every 10s".to_owned(),
        zone: "UTC".to_owned(),
        payload: "{}".to_owned(),
        queue: "default".to_owned(),
        priority: 0,
        build: "1".to_owned(),
    }
}

impl Process {
    /// Declares schedules as a build that knows only the kind of all of them.
    pub(in super::super) async fn declare(&self, schedules: Vec<NewSchedule>) {
        self.declare_knowing(schedules, &[REPORT]).await;
    }

    pub(in super::super) async fn declare_knowing(&self, schedules: Vec<NewSchedule>, known: &[&str]) {
        let known: BTreeSet<String> = known.iter().map(|kind| (*kind).to_owned()).collect();
        self.store.declare(self.now(), schedules, Arc::new(known)).await.expect("the store takes schedules");
    }

    pub(in super::super) async fn schedules(&self) -> Vec<ScheduleRecord> {
        self.store.schedules().await.expect("the store lists schedules")
    }

    pub(in super::super) async fn last_tick(&self, key: &str) -> Timestamp {
        let schedules = self.schedules().await;
        schedules.iter().find(|found| found.schedule.key == key).expect("the schedule is there").last_tick
    }

    pub(in super::super) fn tick(&self, key: &str, expected: Option<Timestamp>, tick: Timestamp) -> Fire {
        let mut new = job(REPORT);
        new.id = Some(self.new_id());
        new.tick = Some(TickId { schedule: key.to_owned(), instant: tick });
        Fire { key: key.to_owned(), expected, tick, missed: 0, job: new }
    }

    pub(in super::super) async fn fire_all(&self, ticks: Vec<Fire>) -> Vec<Fired> {
        let count = ticks.len();
        let answers = self.store.fire(self.now(), ticks).await.expect("the store fires");
        assert_eq!(answers.len(), count, "each tick has an answer");
        answers
    }

    pub(in super::super) async fn fire(&self, key: &str, expected: Option<Timestamp>, tick: Timestamp) -> Fired {
        self.fire_all(vec![self.tick(key, expected, tick)]).await[0]
    }

    /// Fires a tick that must get its job, and ends that job.
    pub(in super::super) async fn fire_and_end(&self, key: &str, expected: Timestamp, tick: Timestamp) -> JobId {
        let fired = self.fire(key, Some(expected), tick).await;
        let Fired::Job(id) = fired else { panic!("the tick of {tick} got no job: {fired:?}") };
        self.cancel(id).await;
        id
    }
}
