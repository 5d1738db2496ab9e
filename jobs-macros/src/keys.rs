//! The table of the keys of `#[job(..)]`, which the parser, the suggestions and the docs of the attribute share.

use jobs_core::Backoff;

use crate::attr::Options;
use crate::errors::Errors;
use crate::text::{cron, every, timeout, zone};
use crate::value::Value;

/// One key: how it is written, what it means, and how its value is read.
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) example: &'static str,
    pub(crate) read: fn(&mut Options, &Value, &mut Errors),
    /// What its value may be, what holds without it, and what it does: the row of the docs.
    #[cfg(test)]
    pub(crate) row: [&'static str; 3],
}

macro_rules! keys {
    ($($name:literal as $example:literal, $takes:literal, $default:literal, $meaning:literal, $read:expr;)*) => {
        /// All keys.
        pub(crate) const KEYS: &[Key] =
            &[$(Key { name: $name, example: $example, read: $read, #[cfg(test)] row: [$takes, $default, $meaning] }),*];
    };
}

keys! {
    "name" as r#"name = "send_email""#, "a name", "the fn's name", "under which its jobs are stored",
        |to, value, errors| to.name = value.name("job", errors);
    "aliases" as r#"aliases = ["send_mail"]"#, "names", "none", "earlier names, under which stored jobs may still wait",
        |to, value, errors| to.aliases = value.names("alias", errors).unwrap_or_default();
    "queue" as r#"queue = "critical""#, "a name", "`default`", "where its jobs wait",
        |to, value, errors| to.queue = value.name("queue", errors);
    "priority" as "priority = -10", "-1000 to 1000", "0", "smaller runs first",
        |to, value, errors| to.priority = value.integer(-1000..=1000, errors).unwrap_or_default();
    "retries" as "retries = 5", "0 to 1000", "10", "how often a failed job is tried again",
        |to, value, errors| to.retries = value.integer(0..=1000, errors);
    "backoff" as r#"backoff = "exponential 10s to 6h""#, "a backoff", "as shown", "how long it waits between attempts",
        |to, value, errors| to.backoff = value.parsed(Backoff::parse, errors);
    "timeout" as r#"timeout = "30s""#, "1ms to 30d", "none", "how long one attempt may take",
        |to, value, errors| to.timeout = value.parsed(timeout, errors);
    "cron" as r#"cron = "0 2 * * *""#, "crontab(5), `@daily`, `@once`", "none", "runs by the calendar",
        |to, value, errors| to.cron = value.parsed(cron, errors);
    "every" as r#"every = "5m""#, "1s to 366d", "none", "runs at an interval",
        |to, value, errors| to.every = value.parsed(every, errors);
    "tz" as r#"tz = "Europe/Berlin""#, "an IANA zone, `local`", "`UTC`", "the time zone of `cron`",
        |to, value, errors| to.zone = value.parsed(zone, errors);
    "key" as r#"key = "nightly""#, "a name", "the job's name", "the schedule's key in the store",
        |to, value, errors| to.key = value.name("key", errors);
    "run_on_start" as "run_on_start", "`true`, `false`", "`false`", "runs each time a worker starts",
        |to, value, errors| to.run_on_start = value.flag(errors).unwrap_or_default();
    "tags" as r#"tags = ["mail", "customer"]"#, "names", "none", "labels to find its jobs by",
        |to, value, errors| to.tags = value.names("tag", errors).unwrap_or_default();
    "crate" as "crate = ::jobs_runtime", "an absolute path", "as shown", "where `jobs_runtime` is",
        |to, value, errors| to.krate = value.path(errors);
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
