//! The scheduler: fires the ticks of the stored schedules. There is no leader; whoever is first wins the compare and swap.
//!
//! Everyone fires what the stored row says, not what his own build was written with: the newest start decides.

pub(crate) mod declare;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jobs_core::StoreError;
use jobs_core::job::TickId;
use jobs_core::schedule::{Schedule, Spec, Zone};
use jobs_core::store::{Changes, Fire, Fired, NewSchedule, ONCE, ScheduleRecord};
use jobs_core::{NewJob, TextError};
use tokio::sync::watch;

use crate::env::first;
use crate::telemetry;
use crate::worker::Shared;
use crate::worker::lease::Lease;
use crate::worker::supervisor::Part;

/// How often the schedules are read again though nobody said that they changed.
const SAFETY_NET: Duration = Duration::from_secs(60);

/// The longest sleep, since the wall clock may be set meanwhile.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// Missed ticks are counted up to here: counting holds up everything else on the engine's thread.
const MOST_MISSED: usize = 1_000;

/// Fires ticks.
pub(crate) struct Scheduler {
    shared: Arc<Shared>,
    lease: Arc<Lease>,
    changes: watch::Receiver<Changes>,
    commands: Option<u64>,
    read_at: Duration,
    rows: Vec<ScheduleRecord>,
    /// Texts are read once; a text that cannot be read is reported once.
    parsed: HashMap<(String, String), Option<Times>>,
}

/// When a schedule fires.
#[derive(Clone)]
enum Times {
    Never,
    Once,
    At(Schedule),
}

impl Scheduler {
    pub(crate) fn new(shared: &Arc<Shared>, lease: &Arc<Lease>) -> Self {
        Self {
            shared: Arc::clone(shared),
            lease: Arc::clone(lease),
            changes: shared.store.signal().listen(),
            commands: None,
            read_at: Duration::ZERO,
            rows: Vec::new(),
            parsed: HashMap::new(),
        }
    }

    async fn read(&mut self) -> Result<(), StoreError> {
        let commands = self.changes.borrow_and_update().commands;
        self.rows = self.shared.within_patience(self.shared.store.schedules()).await?;
        self.rows.retain(|row| self.shared.kinds.contains(&row.schedule.kind));
        self.commands = Some(commands);
        self.read_at = self.shared.env.now().steady;
        Ok(())
    }

    fn times(&mut self, row: &NewSchedule) -> Option<Times> {
        let key = (row.spec.clone(), row.zone.clone());
        if let Some(times) = self.parsed.get(&key) {
            return times.clone();
        }
        let times = match read_times(&row.spec, &row.zone) {
            Ok(times) => Some(times),
            Err(error) => {
                telemetry::schedule_unusable(&row.key, &error.to_string());
                None
            }
        };
        self.parsed.insert(key, times.clone());
        times
    }

    /// The ticks that are due, and when the next one is.
    fn due(&mut self, now: Timestamp) -> (Vec<Fire>, Option<Timestamp>) {
        let mut fires = Vec::new();
        let mut next: Option<Timestamp> = None;
        for row in self.rows.clone() {
            let Some(times) = self.times(&row.schedule) else { continue };
            match self.due_of(&row, &times, now) {
                Due::Now(fire) => fires.push(*fire),
                Due::Later(at) => next = Some(next.map_or(at, |next| next.min(at))),
                Due::Never => {}
            }
        }
        (fires, next)
    }

    fn due_of(&self, row: &ScheduleRecord, times: &Times, now: Timestamp) -> Due {
        match times {
            Times::Never => Due::Never,
            Times::Once if row.last_tick >= ONCE => Due::Never,
            Times::Once => Due::Now(Box::new(self.fire(row, ONCE, now, 0))),
            Times::At(schedule) => {
                let Some(first) = schedule.next_after(row.last_tick) else { return Due::Never };
                if first > now {
                    return Due::Later(first);
                }
                // Of all that were missed, the latest is fired and stands for the others.
                let tick = schedule.latest_at(now).map_or(first, |latest| latest.max(first));
                let missed = schedule.count_between(row.last_tick, tick, MOST_MISSED).saturating_sub(1);
                Due::Now(Box::new(self.fire(row, tick, tick, u32::try_from(missed).unwrap_or(u32::MAX))))
            }
        }
    }

    fn fire(&self, row: &ScheduleRecord, tick: Timestamp, instant: Timestamp, missed: u32) -> Fire {
        let NewSchedule { key, kind, payload, queue, priority, .. } = &row.schedule;
        let mut job = NewJob::new(kind.clone(), payload.clone());
        job.id = Some(self.shared.env.job_id());
        job.queue = queue.clone().into();
        job.priority = *priority;
        job.tick = Some(TickId { schedule: key.clone(), instant });
        Fire { key: key.clone(), expected: Some(row.last_tick), tick, missed, job }
    }

    async fn fire_all(&mut self, fires: Vec<Fire>) -> Result<(), StoreError> {
        let now = self.shared.env.now();
        let answers = self.shared.within_patience(self.shared.store.fire(now, fires.clone())).await?;
        let mut lost = false;
        for (fire, answer) in fires.iter().zip(&answers) {
            telemetry::tick(&fire.key, fire.tick, fire.missed, *answer);
            lost |= *answer == Fired::Lost;
            if let Some(row) = self.rows.iter_mut().find(|row| row.schedule.key == fire.key) {
                row.last_tick = fire.tick;
            }
        }
        self.shared.board.ticks(answers.iter().filter(|answer| matches!(answer, Fired::Job(_))).count());
        if lost {
            // Somebody was first, or the row has changed: what is known of it is old.
            self.commands = None;
        }
        Ok(())
    }
}

/// When a row is due.
enum Due {
    Now(Box<Fire>),
    Later(Timestamp),
    Never,
}

fn read_times(spec: &str, zone: &str) -> Result<Times, TextError> {
    let spec = match spec.split_once(' ') {
        Some(("cron", text)) => Spec::parse_cron(text)?,
        Some(("every", text)) => Spec::parse_every(text)?,
        _ if spec == "never" => return Ok(Times::Never),
        _ => return Err(TextError::new(0..spec.len(), "a schedule begins with `cron`, `every` or `never`")),
    };
    Ok(match spec {
        Spec::Once => Times::Once,
        spec => Times::At(Schedule::new(&spec, Zone::parse(zone)?)),
    })
}

impl Part for Scheduler {
    async fn run_once(&mut self) -> Result<(), StoreError> {
        // A process that has lost its lease has lost touch: others fire.
        self.lease.wait_until_held().await;
        let env = self.shared.env.clone();
        let now = env.now();
        if self.commands.is_none() || now.steady.saturating_sub(self.read_at) >= SAFETY_NET {
            // The step ends here: what follows may wait for long, and health shall not say all the while that the read has failed.
            return self.read().await;
        }
        let (fires, next) = self.due(now.wall);
        if !fires.is_empty() {
            return self.fire_all(fires).await;
        }
        let until = next.map(|next| Duration::try_from(next.duration_since(now.wall)).unwrap_or(Duration::ZERO));
        let pause = until.unwrap_or(LONGEST_SLEEP).min(LONGEST_SLEEP);
        first! {
            _ = self.changes.changed() => {
                let commands = self.changes.borrow_and_update().commands;
                if self.commands != Some(commands) {
                    self.commands = None;
                }
            }
            () = env.sleep(pause) => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_schedule_reads_back_as_it_was_declared() {
        assert!(matches!(read_times("cron 0 2 * * *", "Europe/Berlin"), Ok(Times::At(_))));
        assert!(matches!(read_times("every 10s", "UTC"), Ok(Times::At(_))));
        assert!(matches!(read_times("cron @once", "UTC"), Ok(Times::Once)));
        assert!(matches!(read_times("never", "UTC"), Ok(Times::Never)));
        for (spec, zone) in [("cron 61 * * * *", "UTC"), ("0 2 * * *", "UTC"), ("", "UTC"), ("every 1m", "Mars/Base")] {
            assert!(read_times(spec, zone).is_err(), "{spec} {zone}");
        }
    }
}
