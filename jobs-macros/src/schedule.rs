//! The keys of one schedule, which stand beside those of the job or in the brackets of a `schedule(..)`, and the rules on them.

use std::collections::BTreeSet;
use std::time::Duration;

use jobs_core::schedule::{Misfire, Moment, Overlap, RunOnStart};
use jobs_core::text::shown;
use proc_macro2::{Ident, TokenTree};

use crate::args::Args;
use crate::attr::Options;
use crate::entries::{Entry, Place, Written, entries};
use crate::errors::Errors;
use crate::keys::Read;
use crate::signature::Head;
use crate::value::Value;

/// What has no meaning without a time at which something runs; `tz` has a rule of its own.
const NEED_A_CLOCK: [&str; 7] = ["key", "misfire", "overlap", "jitter", "starts", "ends", "args"];

/// The values of one schedule. A value that is wrong is reported and left out.
#[derive(Default)]
pub(crate) struct ScheduleOptions {
    pub(crate) written: Written,
    /// The word before its own brackets.
    word: Option<Ident>,
    /// Whether something was written that may have been meant for one of its keys.
    pub(crate) is_unread: bool,
    pub(crate) cron: Option<String>,
    pub(crate) every: Option<String>,
    pub(crate) zone: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) run_on_start: Option<RunOnStart>,
    pub(crate) misfire: Misfire,
    pub(crate) overlap: Overlap,
    pub(crate) jitter: Duration,
    pub(crate) starts: Option<Moment>,
    pub(crate) ends: Option<Moment>,
    pub(crate) args: Option<Args>,
}

impl ScheduleOptions {
    /// Reads what stands between the brackets of `schedule(..)`.
    pub(crate) fn read(value: &Value, errors: &mut Errors) -> Self {
        let mut schedule = Self { word: Some(value.key.clone()), ..Self::default() };
        for entry in entries(value.inside(), errors) {
            schedule.read_entry(&entry, errors);
        }
        schedule
    }

    /// The key that makes the clock start the job, if there is one.
    pub(crate) fn clock(&self) -> Option<&Ident> {
        let by_start = || self.written.get("run_on_start").filter(|_| self.run_on_start.is_some());
        self.written.get("cron").or_else(|| self.written.get("every")).or_else(by_start)
    }

    /// Whether it gives this parameter a value, or may have been meant to.
    pub(crate) fn supplies(&self, head: &Head, parameter: &Ident) -> bool {
        match &self.args {
            Some(args) => args.supplies(head, parameter),
            None => self.written.get("args").is_some(),
        }
    }

    fn read_entry(&mut self, entry: &[TokenTree], errors: &mut Errors) {
        let Some(entry) = Entry::read(entry, Place::Schedule, errors) else {
            self.is_unread = true;
            return;
        };
        let Read::Schedule(read) = entry.known.read else {
            let help = match entry.known.name {
                "name" => "a schedule is named by its `key`; the job's `name` stands outside of the brackets",
                "schedule" => "write each `schedule(..)` beside the others",
                _ => "write it outside of the brackets of `schedule(..)`",
            };
            errors.push(&entry.key, format_args!("`{}` belongs to the job, not to one of its schedules", entry.key), help);
            self.is_unread = true;
            return;
        };
        if self.written.add(&entry.key, entry.known, errors)
            && let Some(value) = entry.value(errors)
        {
            read(self, &value, errors);
        }
    }

    /// The rules on one schedule by itself.
    fn check(&self, errors: &mut Errors) {
        let written = |name: &str| self.written.get(name);
        if let (Some(_), Some(every)) = (written("cron"), written("every")) {
            let help = "keep one; a second schedule stands in brackets: `schedule(every = \"1h\", key = \"hourly\")`";
            errors.push(every, "`cron` and `every` exclude each other", help);
        }
        self.check_zone(errors);
        if self.clock().is_none() && !self.is_unread {
            if let Some(word) = &self.word {
                errors.push(word, "this schedule has no times", "add `cron`, `every` or `run_on_start`");
            } else {
                self.refuse_without_clock(errors);
            }
        }
        if let (Some(starts), Some(ends), Some(key)) = (self.starts, self.ends, written("ends"))
            && starts.offset.is_some() == ends.offset.is_some()
            && seconds(ends) <= seconds(starts)
        {
            let message = format_args!("`ends` {ends} is not after `starts` {starts}");
            errors.push(key, message, "let it end later; nothing runs at the end itself or after it");
        }
    }

    fn check_zone(&self, errors: &mut Errors) {
        let Some(tz) = self.written.get("tz") else { return };
        if [self.starts, self.ends].iter().flatten().any(|moment| moment.offset.is_none()) || self.is_unread {
            return;
        }
        if self.written.get("cron").is_none() {
            errors.push(tz, "`tz` needs `cron`", "only times of the calendar have a time zone");
        } else if self.cron.as_deref().map(str::trim_ascii) == Some("@once") {
            errors.push(tz, "`tz` means nothing to `@once`", "leave it out: what runs once has no time of day");
        }
    }

    fn refuse_without_clock(&self, errors: &mut Errors) {
        for key in NEED_A_CLOCK.iter().filter_map(|name| self.written.get(name)) {
            let help = match key.to_string().as_str() {
                "key" => "add `cron`, `every` or `run_on_start`; a job's name is `name`",
                "args" => "add `cron`, `every` or `run_on_start`; who enqueues a job gives its arguments to `job(..)`",
                _ => "add `cron`, `every` or `run_on_start`",
            };
            errors.push(key, format_args!("`{key}` needs a schedule"), help);
        }
    }
}

/// The rules on all schedules of a job.
pub(crate) fn check(head: &Head, options: &Options, errors: &mut Errors) {
    for schedule in std::iter::once(&options.beside).chain(&options.bracketed) {
        schedule.check(errors);
        if let Some(args) = &schedule.args {
            args.check(head, errors);
        }
    }
    keys(head, options, errors);
}

/// Each has a key of its own. One may be without, and then has the name of the job.
fn keys(head: &Head, options: &Options, errors: &mut Errors) {
    let name = options.name.clone().unwrap_or_else(|| head.name());
    let mut seen = BTreeSet::new();
    let mut is_named = false;
    for schedule in options.schedules() {
        match (&schedule.key, schedule.written.get("key")) {
            (Some(key), Some(place)) if !seen.insert(key.clone()) => {
                let message = format_args!("`{}` is the key of another schedule of this job already", shown(key));
                errors.push(place, message, "give it another one: under it the store knows which ticks have fired");
            }
            (None, None) if is_named => {
                let message =
                    format_args!("a second schedule without a key: both would have the name of the job, `{}`", shown(&name));
                errors.push(&schedule.word, message, "add a key of its own: `key = \"..\"`");
            }
            (None, None) if !seen.insert(name.clone()) => {
                let message = format_args!(
                    "without a key this schedule has the name of the job, `{}`, which is that of another",
                    shown(&name)
                );
                errors.push(&schedule.word, message, "add a key of its own: `key = \"..\"`");
            }
            (None, None) => is_named = true,
            _ => {}
        }
    }
}

/// The seconds up to a moment, counted from any fixed one: on its own clock, or in UTC if it has an offset.
fn seconds(moment: Moment) -> i64 {
    let Moment { year, month, day, hour, minute, second, offset } = moment;
    // Years begin in March, so that the leap day is their last.
    let (year, month) = if month > 2 { (i64::from(year), month - 3) } else { (i64::from(year) - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (i64::from(month) * 153 + 2) / 5 + i64::from(day);
    ((days * 24 + i64::from(hour)) * 60 + i64::from(minute)) * 60 + i64::from(second) - i64::from(offset.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use jobs_core::schedule::Moment;

    use super::seconds;

    #[test]
    fn seconds_pass_as_the_calendar_has_them() {
        let between = |from: &str, to: &str| seconds(Moment::parse(to).unwrap()) - seconds(Moment::parse(from).unwrap());
        for (from, to, expected) in [
            ("2027-01-31", "2027-02-01", 86_400),
            ("2028-02-28", "2028-03-01", 2 * 86_400),
            ("2027-02-28", "2027-03-01", 86_400),
            ("1999-12-31 23:59:59", "2000-01-01", 1),
            ("1970-01-01", "2099-12-31", 47_481 * 86_400),
            ("2027-01-31T08:00:00+01:00", "2027-01-31T07:00:00Z", 0),
            ("2027-01-31T08:00:00-01:00", "2027-01-31T08:00:00Z", -3_600),
        ] {
            assert_eq!(between(from, to), expected, "{from} {to}");
        }
        let year: i64 = (1970..2099).map(|year| between(&format!("{year}-01-01"), &format!("{}-01-01", year + 1))).sum();
        assert_eq!(year, between("1970-01-01", "2099-01-01"));
    }
}
