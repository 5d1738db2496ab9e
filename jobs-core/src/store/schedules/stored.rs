//! How a schedule is written down: what a store searches by is a column, and the rest is one JSON text.

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{NewSchedule, OverrideTimes, ScheduleRecord, Unreadable};
use crate::chain::Link;
use crate::job::{DEFAULT_QUEUE, NewJob};
use crate::schedule::{Misfire, Overlap};

/// The row of a schedule, for stores. Each field is a column.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is what the record says of it")]
pub struct StoredSchedule {
    pub key: String,
    pub kind: String,
    pub spec: String,
    pub zone: String,
    /// The group, in which schedules are replaced as a whole.
    pub group: Option<String>,
    /// The build whose code it stands in.
    pub build: Option<String>,
    /// All else that was declared or saved: a JSON object.
    pub definition: String,
    pub version: i64,
    pub last_tick: Timestamp,
    pub paused_at: Option<Timestamp>,
    pub retired_at: Option<Timestamp>,
    pub override_spec: Option<String>,
    pub override_zone: Option<String>,
    /// The ticks that wait: a JSON list of microseconds since the Unix epoch.
    pub queued: String,
    /// The builds that ran on start: a JSON list.
    pub started: String,
}

/// What of a schedule has no column. A field that this release does not know makes the schedule unreadable to it: it must not fire what it
/// does not understand.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Definition<'a> {
    #[serde(default = "no_arguments")]
    payload: Cow<'a, str>,
    #[serde(default = "default_queue")]
    queue: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "is_default")]
    priority: i16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retries: Option<u32>,
    /// In milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timeout: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tags: Vec<Cow<'static, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    metadata: Option<serde_json::Map<String, serde_json::Value>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tenant: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    chain: Vec<Link>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    misfire: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    overlap: Option<String>,
    /// In milliseconds.
    #[serde(default, skip_serializing_if = "is_default")]
    jitter: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    starts_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ends_at: Option<Timestamp>,
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    enabled: bool,
}

fn no_arguments() -> Cow<'static, str> {
    Cow::Borrowed("{}")
}

fn default_queue() -> Cow<'static, str> {
    Cow::Borrowed(DEFAULT_QUEUE)
}

const fn yes() -> bool {
    true
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl From<&ScheduleRecord> for StoredSchedule {
    fn from(record: &ScheduleRecord) -> Self {
        let ScheduleRecord { schedule, version, last_tick, paused_at, retired_at, override_times, queued, started, unreadable } =
            record;
        let NewSchedule { key, spec, zone, job, misfire, overlap, jitter, starts_at, ends_at, enabled, group, build } = schedule;
        let definition = Definition {
            payload: Cow::Borrowed(&job.payload),
            queue: Cow::Borrowed(&job.queue),
            priority: job.priority,
            retries: job.retries,
            timeout: job.timeout.map(millis),
            tags: job.tags.clone(),
            metadata: job.metadata.clone(),
            tenant: job.tenant.as_deref().map(Cow::Borrowed),
            user: job.user.as_deref().map(Cow::Borrowed),
            chain: job.chain.clone(),
            misfire: (*misfire != Misfire::default()).then(|| misfire.to_string()),
            overlap: (*overlap != Overlap::default()).then(|| overlap.to_string()),
            jitter: millis(*jitter),
            starts_at: *starts_at,
            ends_at: *ends_at,
            enabled: *enabled,
        };
        let times = override_times.clone().map(|OverrideTimes { spec, zone }| (spec, zone));
        let (override_spec, override_zone) = times.unzip();
        // Texts, numbers and JSON values: nothing here can fail to be written.
        let definition = match unreadable {
            Some(unreadable) => unreadable.definition.clone(),
            None => serde_json::to_string(&definition).unwrap_or_default(),
        };
        Self {
            key: key.clone(),
            kind: job.kind.to_string(),
            spec: spec.clone(),
            zone: zone.clone(),
            group: group.clone(),
            build: build.clone(),
            definition,
            version: *version,
            last_tick: *last_tick,
            paused_at: *paused_at,
            retired_at: *retired_at,
            override_spec,
            override_zone,
            queued: Self::queued_text(queued),
            started: Self::started_text(started),
        }
    }
}

impl StoredSchedule {
    /// The ticks that wait, as a store writes them.
    #[must_use]
    pub fn queued_text(queued: &[Timestamp]) -> String {
        let micros: Vec<i64> = queued.iter().map(|tick| tick.as_microsecond()).collect();
        serde_json::to_string(&micros).unwrap_or_default()
    }

    /// The ticks that wait, as they are stored; none where somebody wrote something else there.
    #[must_use]
    pub fn queued_of(text: &str) -> Vec<Timestamp> {
        let micros: Vec<i64> = serde_json::from_str(text).unwrap_or_default();
        micros.into_iter().filter_map(|micros| Timestamp::from_microsecond(micros).ok()).collect()
    }

    /// The builds that ran on start, as a store writes them.
    #[must_use]
    pub fn started_text(started: &[String]) -> String {
        serde_json::to_string(started).unwrap_or_default()
    }

    /// The builds that ran on start, as they are stored; none where somebody wrote something else there.
    #[must_use]
    pub fn started_of(text: &str) -> Vec<String> {
        serde_json::from_str(text).unwrap_or_default()
    }

    /// The schedule. A row that cannot be read, for somebody wrote it by hand or a newer release did, is a schedule that says so.
    #[must_use]
    pub fn into_record(self) -> ScheduleRecord {
        let (schedule, unreadable) = match self.schedule() {
            Ok(schedule) => (schedule, None),
            Err(because) => (self.bare(), Some(Unreadable { because, definition: self.definition.clone() })),
        };
        let override_times = match (self.override_spec, self.override_zone) {
            (Some(spec), zone) => Some(OverrideTimes { spec, zone: zone.unwrap_or_else(|| "UTC".to_owned()) }),
            (None, _) => None,
        };
        ScheduleRecord {
            schedule,
            version: self.version,
            last_tick: self.last_tick,
            paused_at: self.paused_at,
            retired_at: self.retired_at,
            override_times,
            queued: Self::queued_of(&self.queued),
            started: Self::started_of(&self.started),
            unreadable,
        }
    }

    /// What the columns alone say.
    fn bare(&self) -> NewSchedule {
        NewSchedule {
            key: self.key.clone(),
            spec: self.spec.clone(),
            zone: self.zone.clone(),
            job: NewJob::new(self.kind.clone(), "{}"),
            misfire: Misfire::default(),
            overlap: Overlap::default(),
            jitter: Duration::ZERO,
            starts_at: None,
            ends_at: None,
            enabled: true,
            group: self.group.clone(),
            build: self.build.clone(),
        }
    }

    fn schedule(&self) -> Result<NewSchedule, String> {
        let unreadable = |error: &dyn std::fmt::Display| format!("its definition cannot be read: {error}");
        let found: Definition<'_> = serde_json::from_str(&self.definition).map_err(|error| unreadable(&error))?;
        let mut schedule = self.bare();
        let job = &mut schedule.job;
        job.payload = found.payload.into_owned();
        job.queue = Cow::Owned(found.queue.into_owned());
        job.priority = found.priority;
        job.retries = found.retries;
        job.timeout = found.timeout.map(Duration::from_millis);
        job.tags = found.tags;
        job.metadata = found.metadata;
        job.tenant = found.tenant.map(Cow::into_owned);
        job.user = found.user.map(Cow::into_owned);
        job.chain = found.chain;
        if let Some(text) = found.misfire {
            schedule.misfire = Misfire::parse(&text).map_err(|error| unreadable(&error))?;
        }
        if let Some(text) = found.overlap {
            schedule.overlap = Overlap::parse(&text).map_err(|error| unreadable(&error))?;
        }
        schedule.jitter = Duration::from_millis(found.jitter);
        (schedule.starts_at, schedule.ends_at) = (found.starts_at, found.ends_at);
        schedule.enabled = found.enabled;
        // What a store made is fine; what somebody wrote by hand may have any job in it.
        schedule.job.check().map_err(|error| unreadable(&error))?;
        Ok(schedule)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::super::{NewSchedule, OverrideTimes, ScheduleRecord, StoredSchedule};
    use crate::NewJob;
    use crate::schedule::{Misfire, Overlap};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_767_225_600 + second).unwrap()
    }

    #[test]
    fn a_schedule_reads_back_as_it_was_written() {
        let plain = ScheduleRecord::new(NewSchedule::new("a", NewJob::new("work", "{}")).unwrap().cron("@daily"), at(0));
        let row = StoredSchedule::from(&plain);
        assert_eq!(row.definition, r#"{"payload":"{}","queue":"default"}"#);
        assert_eq!(row.into_record(), plain);

        let mut job = NewJob::new("work", r#"{"n":[1,2.50]}"#);
        job.queue = "low".into();
        (job.priority, job.retries, job.timeout) = (-3, Some(0), Some(Duration::from_millis(1_500)));
        job.tags = vec!["x".into(), "y".into()];
        job.metadata = serde_json::from_str(r#"{"k":{"v":null}}"#).unwrap();
        (job.tenant, job.user) = (Some("t".into()), Some("u".into()));
        let schedule = NewSchedule::new("b", job)
            .unwrap()
            .every("10s")
            .tz("Europe/Berlin")
            .misfire(Misfire::All { limit: 3, within: Duration::from_secs(90) })
            .overlap(Overlap::Cancel)
            .jitter(Duration::from_millis(1_001))
            .starts_at(at(5))
            .ends_at(at(50))
            .enabled(false);
        let mut record = ScheduleRecord::new(schedule, at(1));
        (record.schedule.group, record.schedule.build) = (Some("g".into()), Some("1".into()));
        (record.version, record.paused_at, record.retired_at) = (7, Some(at(2)), Some(at(3)));
        record.override_times = Some(OverrideTimes { spec: "never".into(), zone: "UTC".into() });
        (record.queued, record.started) = (vec![at(3), at(4)], vec!["1".into()]);
        assert_eq!(StoredSchedule::from(&record).into_record(), record);
    }

    #[test]
    fn a_row_that_cannot_be_read_says_so_and_is_kept() {
        let plain = ScheduleRecord::new(NewSchedule::new("a", NewJob::new("work", "{}")).unwrap().cron("@daily"), at(0));
        for (definition, message) in [
            ("", "its definition cannot be read: EOF while parsing a value at line 1 column 0"),
            (r#"{"colour":"red"}"#, "its definition cannot be read: unknown field `colour`"),
            (r#"{"misfire":"never"}"#, "its definition cannot be read: `never` is no policy for missed ticks"),
            (r#"{"overlap":1}"#, "its definition cannot be read: invalid type: integer"),
            (r#"{"queue":" "}"#, "its definition cannot be read: "),
        ] {
            let row = StoredSchedule { definition: definition.to_owned(), ..StoredSchedule::from(&plain) };
            let found = row.into_record();
            assert!(found.unreadable.as_ref().unwrap().because.starts_with(message), "{:?}", found.unreadable);
            assert_eq!(StoredSchedule::from(&found).definition, definition, "whoever cannot read it does not destroy it");
            assert!(!found.is_active());
            assert_eq!((&*found.schedule.key, &*found.schedule.job.kind), ("a", "work"));
        }
        let row = StoredSchedule { queued: "x".to_owned(), started: "{}".to_owned(), ..StoredSchedule::from(&plain) };
        assert_eq!(row.into_record(), plain, "what is lost there is no more than a place in line");
        let row = StoredSchedule { definition: "{}".to_owned(), ..StoredSchedule::from(&plain) };
        assert_eq!(row.into_record(), plain, "what somebody writes by hand may be short");
    }
}
