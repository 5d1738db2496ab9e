//! What the settings say of single kinds and schedules, said to their entries; and of which names there are none.

use std::borrow::Cow;
use std::collections::BTreeSet;

use jobs_core::duration;
use jobs_core::registry::{JobEntry, ScheduleEntry, ScheduleText};
use jobs_core::schedule::Spec;
use jobs_core::text::did_you_mean;

use crate::settings::{ScheduleSettings, Settings};

/// How many known names a message lists before it counts the rest.
const LISTED: usize = 10;

/// The names that settings may use: those of all that is registered, also of what a process leaves out.
#[derive(Default)]
pub(super) struct Known {
    kinds: BTreeSet<String>,
    /// Earlier names of kinds, with the present one.
    aliases: Vec<(String, String)>,
    keys: BTreeSet<String>,
}

impl Known {
    pub(super) fn add(&mut self, entry: &JobEntry) {
        self.kinds.insert(entry.name.to_string());
        self.aliases.extend(entry.aliases.iter().map(|alias| (alias.to_string(), entry.name.to_string())));
        self.keys.extend(entry.schedules.iter().filter_map(|schedule| schedule.key.as_deref()).map(str::to_owned));
    }

    /// Notes each name of the settings that nothing in this program has.
    pub(super) fn check(&self, settings: &Settings, mistakes: &mut Vec<String>) {
        for kind in settings.jobs.keys().filter(|kind| !self.kinds.contains(*kind)) {
            let present = self.aliases.iter().find(|(alias, _)| alias == kind);
            let help = if let Some((_, name)) = present {
                format!("it is an earlier name of `{name}`: write jobs.{name}")
            } else if self.keys.contains(kind) {
                format!("it is the key of a schedule: write schedule.{kind}")
            } else {
                nearest(kind, &self.kinds, "jobs")
            };
            mistakes.push(format!("{}jobs.{kind} names no job of this program; {help}", origin(settings, "jobs", kind)));
        }
        for key in settings.schedule.keys().filter(|key| !self.keys.contains(*key)) {
            let help = if self.kinds.contains(key) {
                format!("it is a job: write jobs.{key} for its schedule without a key")
            } else {
                nearest(key, &self.keys, "keys of schedules")
            };
            let origin = origin(settings, "schedule", key);
            mistakes.push(format!("{origin}schedule.{key} names no schedule with a key in this program; {help}"));
        }
    }
}

/// The name that was meant, or else those that there are.
fn nearest(name: &str, known: &BTreeSet<String>, what: &str) -> String {
    if let Some(near) = did_you_mean(name, known.iter().map(String::as_str)) {
        return format!("did you mean `{near}`?");
    }
    if known.is_empty() {
        return format!("it has no {what}");
    }
    let listed: Vec<String> = known.iter().take(LISTED).map(|name| format!("`{name}`")).collect();
    let rest = known.len().saturating_sub(LISTED);
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    format!("its {what} are {}{more}", listed.join(", "))
}

/// Where the settings first say something of a name.
fn origin(settings: &Settings, family: &str, name: &str) -> String {
    let paths = ["enabled", "cron", "every", "tz"].map(|last| format!("{family}.{name}.{last}"));
    let found = settings.origins().find(|(path, _)| paths.iter().any(|known| known == path));
    found.map(|(_, origin)| format!("{origin}: ")).unwrap_or_default()
}

/// The entry as the settings have it. What is said of a key is nearer to a schedule than what is said of its kind.
pub(super) fn apply(mut entry: JobEntry, settings: &Settings, mistakes: &mut Vec<String>) -> JobEntry {
    if let Some(job) = settings.jobs.get(&*entry.name) {
        if !job.enabled {
            entry.schedules.to_mut().iter_mut().for_each(|schedule| schedule.enabled = false);
            return entry;
        }
        of_kind(&mut entry, job, settings, mistakes);
    }
    let said = |schedule: &ScheduleEntry| settings.schedule.get(schedule.key.as_deref()?);
    if entry.schedules.iter().any(|schedule| said(schedule).is_some()) {
        for schedule in entry.schedules.to_mut() {
            let Some((key, said)) = schedule.key.clone().zip(said(schedule)) else { continue };
            schedule.enabled = said.enabled;
            change(schedule, said, mistakes, || format!("{}schedule.{key}", origin(settings, "schedule", &key)));
        }
    }
    entry
}

/// What is said of a kind is said of its schedule without a key, or of its only one.
fn of_kind(entry: &mut JobEntry, job: &ScheduleSettings, settings: &Settings, mistakes: &mut Vec<String>) {
    if job.schedule.is_none() && job.zone.is_none() {
        return;
    }
    let path = format!("{}jobs.{}", origin(settings, "jobs", &entry.name), entry.name);
    let said = || path.clone();
    let place = entry.schedules.iter().position(|schedule| schedule.key.is_none());
    match (place, entry.schedules.len()) {
        (Some(place), _) => change(&mut entry.schedules.to_mut()[place], job, mistakes, said),
        (None, 1) => change(&mut entry.schedules.to_mut()[0], job, mistakes, said),
        (None, 0) => match (&job.schedule, needed(entry)) {
            (Some(_), Some(argument)) => mistakes.push(format!(
                "{}: a job that needs the argument `{argument}` has a schedule only in its code ({}), with `args({argument} = ..)`",
                said(),
                entry.location
            )),
            (Some(spec), None) => {
                let mut schedule = ScheduleEntry::new(text(spec));
                change(&mut schedule, job, mistakes, said);
                entry.schedules.to_mut().push(schedule);
            }
            (None, _) => mistakes.push(format!("{}.tz has no effect: the job has no schedule", said())),
        },
        _ => {
            let keys: BTreeSet<String> =
                entry.schedules.iter().filter_map(|schedule| schedule.key.as_deref()).map(str::to_owned).collect();
            let help = nearest("", &keys, "keys");
            mistakes.push(format!(
                "{} does not tell which of its schedules is meant: write schedule.<key>; {help}",
                said()
            ));
        }
    }
}

/// An argument that a job of this kind cannot do without.
pub(super) fn needed(entry: &JobEntry) -> Option<&'static str> {
    // The type's own name, as the compiler writes it: what is missing decodes as `None`.
    let needed = entry.arguments.iter().find(|argument| !(argument.type_name)().starts_with("core::option::Option<"));
    needed.map(|argument| argument.name)
}

fn change(schedule: &mut ScheduleEntry, settings: &ScheduleSettings, mistakes: &mut Vec<String>, said: impl Fn() -> String) {
    if let Some(spec) = &settings.schedule {
        schedule.spec = text(spec);
    }
    if let Some(zone) = &settings.zone {
        schedule.zone = Some(zone.name().to_owned().into());
        if let ScheduleText::Every(text) = &schedule.spec {
            mistakes.push(format!("{}.tz has no effect: `every {text}` knows no time zone", said()));
        }
    }
}

fn text(spec: &Spec) -> ScheduleText {
    match spec {
        Spec::Every(interval) => ScheduleText::Every(duration::format(*interval).into()),
        Spec::Once => ScheduleText::Cron(Cow::Borrowed("@once")),
        Spec::Cron(cron) => ScheduleText::Cron(cron.to_string().into()),
    }
}
