//! The table of the keys of `#[job(..)]`, which the parser, the suggestions and the docs of the attribute share.

use jobs_core::Backoff;
use jobs_core::schedule::{Misfire, Moment, Overlap, RunOnStart};

use self::Read::{Job, Schedule};
use crate::args::Args;
use crate::attr::Options;
use crate::errors::Errors;
use crate::schedule::ScheduleOptions;
use crate::text::{cron, every, jitter, timeout, zone};
use crate::value::Value;

/// One key: how it is written, what it means, and how its value is read.
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) example: &'static str,
    pub(crate) read: Read,
    /// Whether it may stand more than once.
    pub(crate) repeats: bool,
    /// What its value may be, what holds without it, and what it does: the row of the docs.
    #[cfg(test)]
    pub(crate) row: [&'static str; 3],
}

/// What a key says something about.
#[derive(Clone, Copy)]
pub(crate) enum Read {
    /// The job.
    Job(fn(&mut Options, &Value, &mut Errors)),
    /// One schedule of it.
    Schedule(fn(&mut ScheduleOptions, &Value, &mut Errors)),
}

impl Key {
    /// Whether brackets follow it, and no `=`.
    pub(crate) fn takes_brackets(&self) -> bool {
        self.example.strip_prefix(self.name).is_some_and(|rest| rest.starts_with('('))
    }
}

macro_rules! keys {
    ($($name:literal as $example:literal, $takes:literal, $default:literal, $meaning:literal, $read:expr;)*) => {
        /// All keys.
        pub(crate) const KEYS: &[Key] = &[$(Key {
            name: $name,
            example: $example,
            read: $read,
            repeats: matches!($name.as_bytes(), b"schedule"),
            #[cfg(test)]
            row: [$takes, $default, $meaning],
        }),*];
    };
}

keys! {
    "name" as r#"name = "send_email""#, "a name", "the fn's name", "under which its jobs are stored",
        Job(|to, value, errors| to.name = value.name("job", errors));
    "aliases" as r#"aliases = ["send_mail"]"#, "names", "none", "earlier names, under which stored jobs may still wait",
        Job(|to, value, errors| to.aliases = value.names("alias", errors).unwrap_or_default());
    "queue" as r#"queue = "critical""#, "a name", "`default`", "where its jobs wait",
        Job(|to, value, errors| to.queue = value.name("queue", errors));
    "priority" as "priority = -10", "-1000 to 1000", "0", "smaller runs first",
        Job(|to, value, errors| to.priority = value.integer(-1000..=1000, errors).unwrap_or_default());
    "retries" as "retries = 5", "0 to 1000", "10", "how often a failed job is tried again",
        Job(|to, value, errors| to.retries = value.integer(0..=1000, errors));
    "backoff" as r#"backoff = "exponential 10s to 6h""#, "a backoff", "as shown", "how long it waits between attempts",
        Job(|to, value, errors| to.backoff = value.parsed(Backoff::parse, errors));
    "timeout" as r#"timeout = "30s""#, "1ms to 30d", "none", "how long one attempt may take",
        Job(|to, value, errors| to.timeout = value.parsed(timeout, errors));
    "cron" as r#"cron = "0 2 * * *""#, "crontab(5), `@daily`, `@once`", "none", "runs by the calendar",
        Schedule(|to, value, errors| to.cron = value.parsed(cron, errors));
    "every" as r#"every = "5m""#, "1s to 366d", "none", "runs at an interval",
        Schedule(|to, value, errors| to.every = value.parsed(every, errors));
    "tz" as r#"tz = "Europe/Berlin""#, "an IANA zone, `local`", "the setting `tz`, `UTC`", "the time zone of `cron`, `starts` and `ends`",
        Schedule(|to, value, errors| to.zone = value.parsed(zone, errors));
    "key" as r#"key = "nightly""#, "a name", "the job's name", "the schedule's key in the store",
        Schedule(|to, value, errors| to.key = value.name("key", errors));
    "run_on_start" as "run_on_start", "`true`, `\"deployment\"`", "`false`", "runs each time a worker starts, or once a build",
        Schedule(|to, value, errors| {
            let takes = "takes `true`, `false`, `\"process\"` or `\"deployment\"`";
            let read = value.switch(RunOnStart::Process, RunOnStart::parse, takes, errors);
            to.is_unread |= read.is_err();
            to.run_on_start = read.unwrap_or_default();
        });
    "misfire" as r#"misfire = "all 20 within 2h""#, "`once`, `skip`, `all`", "`once`", "what becomes of missed ticks",
        Schedule(|to, value, errors| to.misfire = value.parsed(Misfire::parse, errors).unwrap_or_default());
    "overlap" as r#"overlap = "queue""#, "`skip`, `queue`, `allow`, `cancel`", "`skip`", "what becomes of a tick while the last run is not over",
        Schedule(|to, value, errors| to.overlap = value.parsed(Overlap::parse, errors).unwrap_or_default());
    "jitter" as r#"jitter = "5m""#, "1ms to 1d", "none", "by how much it may run later",
        Schedule(|to, value, errors| to.jitter = value.parsed(jitter, errors).unwrap_or_default());
    "starts" as r#"starts = "2027-01-31""#, "a date, with or without a time", "at once", "runs not before it",
        Schedule(|to, value, errors| to.starts = value.parsed(Moment::parse, errors));
    "ends" as r#"ends = "2027-12-24T18:00:00""#, "a date, with or without a time", "never", "runs neither at it nor after it",
        Schedule(|to, value, errors| to.ends = value.parsed(Moment::parse, errors));
    "args" as r#"args(greeting = "hi", count = 3)"#, "values by parameter", "none", "the arguments of its jobs",
        Schedule(|to, value, errors| to.args = Some(Args::read(value, errors)));
    "schedule" as r#"schedule(every = "1h", key = "hourly")"#, "the keys from `cron` to `args`", "none", "one more schedule",
        Job(|to, value, errors| to.bracketed.push(ScheduleOptions::read(value, errors)));
    "tags" as r#"tags = ["mail", "customer"]"#, "names", "none", "labels to find its jobs by",
        Job(|to, value, errors| to.tags = value.names("tag", errors).unwrap_or_default());
    "crate" as "crate = ::jobs_runtime", "an absolute path", "as shown", "where `jobs_runtime` is",
        Job(|to, value, errors| to.krate = value.path(errors));
}

#[cfg(test)]
mod tests {
    use super::KEYS;

    /// The lines of the docs of the attribute, which an editor shows and rustdoc makes a page of.
    fn docs() -> impl Iterator<Item = &'static str> {
        include_str!("lib.rs")
            .lines()
            .filter_map(|line| line.strip_prefix("///"))
            .map(|line| line.strip_prefix(' ').unwrap_or(line))
    }

    #[test]
    fn the_table_of_the_docs_is_this_one() {
        let rows: Vec<&str> = docs().filter(|line| line.starts_with("| `")).collect();
        let expected: Vec<String> = KEYS.iter().map(|key| format!("| `{}` | {} |", key.example, key.row.join(" | "))).collect();
        assert_eq!(rows, expected, "expected:\n{}", expected.join("\n"));
    }

    #[test]
    fn every_key_has_a_section_with_a_compiled_example() {
        let text: Vec<&str> = docs().collect();
        let text = text.join("\n");
        let sections: Vec<&str> = text.split("\n## `").skip(1).collect();
        let titles: Vec<&str> = sections.iter().filter_map(|section| section.split('`').next()).collect();
        assert_eq!(titles, KEYS.iter().map(|key| key.name).collect::<Vec<_>>());
        for (section, key) in sections.iter().zip(KEYS) {
            let code: Vec<&str> = section.split("```").skip(1).step_by(2).collect();
            assert!(!code.is_empty(), "`{}` has no example", key.name);
            assert!(code.iter().all(|code| code.contains("#[job(") && code.contains(key.name)), "{code:?}");
        }
    }
}
