//! What a user wrote as a schedule, checked but not yet tied to a zone or a calendar; the macro and the runtime share it.

use std::fmt;
use std::time::Duration;

use super::cron::CronExpr;
use crate::duration;
use crate::text::TextError;

/// The shortest and the longest period of `every`.
const EVERY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(366 * 86_400));

/// What a user wrote as a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Spec {
    /// Times of the calendar, from `cron = "…"`.
    Cron(CronExpr),
    /// A period, from `every = "…"`: 1 second to 366 days in whole milliseconds, counted from the Unix epoch.
    Every(Duration),
    /// Once ever for the key of the schedule, from `cron = "@once"`.
    Once,
}

impl Spec {
    /// Reads the text of `cron`: an expression (see [`CronExpr::parse`]) or `@once`.
    pub fn parse_cron(text: &str) -> Result<Self, TextError> {
        if text.trim_ascii().eq_ignore_ascii_case("@once") {
            return Ok(Self::Once);
        }
        CronExpr::parse(text).map(Self::Cron)
    }

    /// Reads the text of `every`: a duration (see [`duration::parse`]) from `1s` to `366d` in whole milliseconds.
    pub fn parse_every(text: &str) -> Result<Self, TextError> {
        let period = duration::parse(text)?;
        let (shortest, longest) = EVERY;
        let error =
            |message: String| Err(TextError::new(0..text.len(), message).with_help("write 1s to 366d, in whole milliseconds"));
        let shown = duration::format(period);
        if period < shortest {
            return error(format!("period {shown} is shorter than 1s"));
        }
        if period > longest {
            return error(format!("period {shown} is longer than 366d"));
        }
        if period.subsec_nanos() % 1_000_000 != 0 {
            return error(format!("period {shown} is not a whole number of milliseconds"));
        }
        Ok(Self::Every(period))
    }
}

/// The text without the key: `0 9 * * 1-5`, `5m`, `@once`.
impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cron(expr) => expr.fmt(f),
            Self::Every(period) => f.write_str(&duration::format(*period)),
            Self::Once => f.write_str("@once"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{CronExpr, Spec};

    #[test]
    fn cron_text_is_an_expression_or_once() {
        assert_eq!(Spec::parse_cron("@daily"), CronExpr::parse("0 0 * * *").map(Spec::Cron));
        assert_eq!(Spec::parse_cron(" @once "), Ok(Spec::Once));
        assert!(Spec::parse_cron("5m").is_err());
    }

    #[test]
    fn every_takes_one_second_to_366_days() {
        for (text, millis) in [("1s", 1_000), ("1s500ms", 1_500), ("90m", 5_400_000), ("366d", 31_622_400_000)] {
            assert_eq!(Spec::parse_every(text), Ok(Spec::Every(Duration::from_millis(millis))));
        }
        for (text, message) in [
            ("999ms", "period 999ms is shorter than 1s"),
            ("0s", "period 0s is shorter than 1s"),
            ("366d1ms", "period 366d1ms is longer than 366d"),
            ("1s1us", "period 1s1us is not a whole number of milliseconds"),
            ("5min", "unknown unit `min`"),
        ] {
            assert_eq!(Spec::parse_every(text).unwrap_err().message, message);
        }
    }

    #[test]
    fn display_is_the_text_that_reads_back() {
        for text in ["0 9 * * 1-5", "@once"] {
            assert_eq!(Spec::parse_cron(text).map(|spec| spec.to_string()).as_deref(), Ok(text));
        }
        assert_eq!(Spec::parse_every("90m").map(|spec| spec.to_string()).as_deref(), Ok("1h30m"));
    }
}
