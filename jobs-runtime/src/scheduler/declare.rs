//! From registered kinds to the schedules of a starting build.

use jobs_core::registry::{JobEntry, ScheduleEntry, ScheduleText};
use jobs_core::schedule::Zone;
use jobs_core::store::NewSchedule;
use jobs_core::{EnqueueError, NewJob};

/// A schedule of a kind as it is stored, but for its build. `zone` is that of schedules which name none.
pub(crate) fn declared(entry: &JobEntry, schedule: &ScheduleEntry, zone: &str) -> Result<NewSchedule, EnqueueError> {
    let payload = schedule.payload.map_or_else(|| Ok("{}".to_owned()), |payload| payload())?;
    let key = schedule.key.as_ref().unwrap_or(&entry.name).to_string();
    let mut new = NewSchedule::new(key, NewJob::of(entry, payload))?
        .tz(schedule.zone.as_deref().unwrap_or(zone))
        .misfire(schedule.misfire)
        .overlap(schedule.overlap)
        .jitter(schedule.jitter);
    new = match &schedule.spec {
        ScheduleText::Cron(text) => new.cron(text),
        ScheduleText::Every(text) => new.every(text),
        ScheduleText::Never => new,
    };
    // A zone that cannot be found is reported with the schedule. That of this machine goes by its name, since others may lie elsewhere.
    let zone = Zone::parse(&new.zone).unwrap_or_default();
    if let Some(name) = zone.time_zone().iana_name().filter(|_| new.zone == "local") {
        name.clone_into(&mut new.zone);
    }
    new.starts_at = schedule.starts.map(|starts| zone.instant(&starts));
    new.ends_at = schedule.ends.map(|ends| zone.instant(&ends));
    new.enabled = schedule.enabled;
    new.build = Some(String::new());
    Ok(new)
}
