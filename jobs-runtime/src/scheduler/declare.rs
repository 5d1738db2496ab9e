//! From registered kinds to the schedules of a starting build.

use jobs_core::registry::{JobEntry, ScheduleText};
use jobs_core::store::NewSchedule;

/// The schedule of a kind, if it has one, as it is stored.
pub(crate) fn declared(entry: &JobEntry, build: &str) -> Option<NewSchedule> {
    let schedule = entry.schedule.as_ref()?;
    let spec = match &schedule.spec {
        ScheduleText::Cron(text) => format!("cron {text}"),
        ScheduleText::Every(text) => format!("every {text}"),
        ScheduleText::Never => "never".to_owned(),
    };
    Some(NewSchedule {
        key: schedule.key.as_ref().unwrap_or(&entry.name).to_string(),
        kind: entry.name.to_string(),
        spec,
        zone: schedule.zone.as_deref().unwrap_or("UTC").to_owned(),
        payload: "{}".to_owned(),
        queue: entry.queue.to_string(),
        priority: entry.priority,
        build: build.to_owned(),
    })
}
