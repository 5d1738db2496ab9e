//! The manifest: what was started, in the words of the settings, for a person who looks at the first lines of a log.

use std::fmt;

use jobs_core::registry::{Registry, ScheduleText};
use jobs_core::schedule::{RunOnStart, Zone};
use jobs_core::store::StoreInfo;

use crate::worker::Options;

/// What a runtime runs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Manifest {
    /// The store, such as `sqlite 3.51.3 in /data/jobs.db`.
    pub store: String,
    /// The name of the worker.
    pub worker: String,
    /// The version of the time zone data.
    pub zone_data: String,
    /// How many jobs run at once.
    pub concurrency: usize,
    /// The queues that are served, by name.
    pub queues: Vec<ManifestQueue>,
    /// The kinds, by name.
    pub jobs: Vec<ManifestJob>,
    /// What the start-up checks found that does not keep the runtime from starting.
    pub warnings: Vec<String>,
}

/// A queue that is served.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ManifestQueue {
    /// Its name.
    pub name: String,
    /// How many of its jobs run at once.
    pub concurrency: usize,
}

/// A kind that can be run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ManifestJob {
    /// Its name.
    pub name: String,
    /// The module of its fn; empty for a closure.
    pub module: String,
    /// Where it waits.
    pub queue: String,
    /// When it runs by itself.
    pub schedules: Vec<String>,
}

impl Manifest {
    /// `zone` is that of schedules which name none.
    pub(super) fn new(registry: &Registry, options: &Options, zone: &Zone, store: &StoreInfo, warnings: Vec<String>) -> Self {
        let jobs = registry.entries().iter().map(|entry| ManifestJob {
            name: entry.name.to_string(),
            module: entry.module.to_owned(),
            queue: entry.queue.to_string(),
            schedules: entry
                .schedules
                .iter()
                .map(|schedule| {
                    let mut text = match &schedule.spec {
                        ScheduleText::Cron(text) => format!("cron {text}"),
                        ScheduleText::Every(text) => format!("every {text}"),
                        ScheduleText::Never => String::new(),
                    };
                    if let ScheduleText::Cron(_) = &schedule.spec {
                        text = format!("{text} ({})", schedule.zone.as_deref().unwrap_or(zone.name()));
                    }
                    if let Some(occasion) = schedule.run_on_start {
                        let when = match occasion {
                            RunOnStart::Process => "on start",
                            RunOnStart::Deployment => "on deployment",
                        };
                        text = if text.is_empty() { when.to_owned() } else { format!("{text}, {when}") };
                    }
                    if !schedule.enabled {
                        "switched off".clone_into(&mut text);
                    }
                    if let Some(key) = &schedule.key {
                        text = format!("{key}: {text}");
                    }
                    text
                })
                .collect(),
        });
        let queues = options.queues.iter().map(|queue| ManifestQueue {
            name: queue.name.to_string(),
            concurrency: queue.concurrency.unwrap_or(options.concurrency).min(options.concurrency),
        });
        Self {
            store: format!("{} {} in {}", store.name, store.version, store.place),
            worker: options.name.clone(),
            zone_data: crate::health::zone_data(),
            concurrency: options.concurrency,
            queues: queues.collect(),
            jobs: jobs.collect(),
            warnings: warnings.into_iter().chain(store.notes.iter().map(ToString::to_string)).collect(),
        }
    }
}

impl fmt::Display for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "jobs: {} kinds on {}, worker {}", self.jobs.len(), self.store, self.worker)?;
        let queues: Vec<String> = self.queues.iter().map(|queue| format!("{} ({})", queue.name, queue.concurrency)).collect();
        writeln!(f, "  queues: {}; {} jobs at once; time zones {}", queues.join(", "), self.concurrency, self.zone_data)?;
        let width = self.jobs.iter().map(|job| job.name.len()).max().unwrap_or(0);
        for job in &self.jobs {
            write!(f, "  {:width$}  queue {}", job.name, job.queue)?;
            for schedule in &job.schedules {
                write!(f, ", {schedule}")?;
            }
            if !job.module.is_empty() {
                write!(f, "  [{}]", job.module)?;
            }
            writeln!(f)?;
        }
        for warning in &self.warnings {
            writeln!(f, "  warning: {warning}")?;
        }
        Ok(())
    }
}
