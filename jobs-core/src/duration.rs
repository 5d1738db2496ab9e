//! Durations as people write them, `30s` or `1h30m`, judged alike in an attribute, in the configuration and on the command line.

use std::ops::Range;
use std::time::Duration;

use crate::text::{TextError, did_you_mean};

/// The longest duration that can be written: 100 years of 365 days.
pub const MAX: Duration = Duration::from_secs(36_500 * 86_400);

const MAX_BYTES: usize = 64;
const UNITS: &str = "units are w, d, h, m, s, ms, us and ns";

/// The units from large to small, in nanoseconds.
const NANOS: [(&str, u128); 8] = [
    ("w", 604_800_000_000_000),
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// What people write instead of a unit.
const LONG_NAMES: [(&str, &str); 27] = [
    ("week", "w"),
    ("weeks", "w"),
    ("day", "d"),
    ("days", "d"),
    ("hr", "h"),
    ("hrs", "h"),
    ("hour", "h"),
    ("hours", "h"),
    ("min", "m"),
    ("mins", "m"),
    ("minute", "m"),
    ("minutes", "m"),
    ("sec", "s"),
    ("secs", "s"),
    ("second", "s"),
    ("seconds", "s"),
    ("msec", "ms"),
    ("millis", "ms"),
    ("millisecond", "ms"),
    ("milliseconds", "ms"),
    ("micros", "us"),
    ("microsecond", "us"),
    ("microseconds", "us"),
    ("µs", "us"),
    ("nanos", "ns"),
    ("nanosecond", "ns"),
    ("nanoseconds", "ns"),
];

/// Reads a duration: whole numbers with a unit, from large units to small, such as `30s`, `500ms`, `1h30m` or `1h 30m`.
///
/// The units are `w`, `d`, `h`, `m`, `s`, `ms`, `us` and `ns`, each at most once. `0s` is a duration. Spaces are allowed
/// around the parts, not inside them. The limit is [`MAX`], 100 years.
///
/// # Errors
///
/// A number without a unit, an unknown unit, a fraction, a sign, units that repeat or rise, and anything above the limit.
pub fn parse(text: &str) -> Result<Duration, TextError> {
    if text.len() > MAX_BYTES {
        let message = format!("duration has {} bytes, the limit is {MAX_BYTES}", text.len());
        return Err(TextError::new(0..text.len(), message));
    }
    if text.trim_ascii().is_empty() {
        return Err(TextError::new(0..text.len(), "duration is empty").with_help("write a number and a unit, such as `30s`"));
    }
    let mut total: u128 = 0;
    let mut previous: Option<usize> = None;
    let mut at = skip_spaces(text, 0);
    while at < text.len() {
        let (part, number, unit) = read_part(text, at)?;
        if let Some(larger) = previous.filter(|larger| unit <= *larger) {
            let message = format!("`{}` follows a part in `{}`", &text[part], NANOS[larger].0);
            return Err(TextError::new(at..text.len(), message)
                .with_help("write each unit once, from large to small: w, d, h, m, s, ms, us, ns"));
        }
        previous = Some(unit);
        total = total.saturating_add(number.saturating_mul(NANOS[unit].1));
        at = skip_spaces(text, part.end);
    }
    if total > MAX.as_nanos() {
        let message = format!("duration `{}` is longer than 100 years", text.trim_ascii());
        return Err(TextError::new(0..text.len(), message).with_help("the limit is 36500d"));
    }
    Ok(from_nanos(total))
}

/// The shortest text that [`parse`] reads as `duration`: `1h30m`, `500ms`, `0s`. Weeks appear only as whole weeks, so that
/// `8d` stays `8d`.
///
/// A duration beyond [`MAX`] has a text too, but `parse` refuses it.
#[must_use]
pub fn format(duration: Duration) -> String {
    let mut rest = duration.as_nanos();
    if rest == 0 {
        return "0s".to_owned();
    }
    let (week, week_nanos) = NANOS[0];
    if rest.is_multiple_of(week_nanos) {
        return format!("{}{week}", rest / week_nanos);
    }
    let mut text = String::new();
    for (unit, nanos) in &NANOS[1..] {
        let number = rest / nanos;
        rest %= nanos;
        if number > 0 {
            text.push_str(&number.to_string());
            text.push_str(unit);
        }
    }
    text
}

/// One number with its unit at byte `start`: where it stands, the number, and the unit as an index of [`NANOS`].
fn read_part(text: &str, start: usize) -> Result<(Range<usize>, u128, usize), TextError> {
    let digits = end_of(text, start, |c| c.is_ascii_digit());
    if digits == start {
        return Err(not_a_number(text, start));
    }
    let end = end_of(text, digits, char::is_alphabetic);
    match &text[digits..end] {
        "" if text[digits..].starts_with(['.', ',']) => {
            Err(TextError::new(start..end_of(text, start, |c| !c.is_whitespace()), "duration has a fraction")
                .with_help("write whole numbers in smaller units, such as `1h30m` for one and a half hours"))
        }
        "" => Err(TextError::new(start..digits, format!("`{}` has no unit", &text[start..digits]))
            .with_help(format!("write it right after the number, such as `30s`; {UNITS}"))),
        name => match NANOS.iter().position(|(unit, _)| *unit == name) {
            // 64 bytes of digits do not fit 128 bits; what does not fit is over the limit of a duration as well.
            Some(unit) => Ok((start..end, text[start..digits].parse().unwrap_or(u128::MAX), unit)),
            None => Err(unknown_unit(digits..end, name)),
        },
    }
}

fn not_a_number(text: &str, start: usize) -> TextError {
    let end = end_of(text, start, |c| !c.is_whitespace());
    let wrong = &text[start..end];
    if wrong.starts_with(['-', '\u{2212}']) {
        return TextError::new(start..end, format!("duration `{wrong}` is negative")).with_help("write it without the sign");
    }
    TextError::new(start..end, format!("`{wrong}` does not begin with a number"))
        .with_help(format!("write a number and a unit, such as `30s`; {UNITS}"))
}

fn unknown_unit(span: Range<usize>, name: &str) -> TextError {
    let lower = name.to_lowercase();
    let near = match lower.as_str() {
        "y" | "yr" | "year" | "years" | "mo" | "month" | "months" => {
            return TextError::new(span, format!("unit `{name}` has no fixed length")).with_help("write days, such as `30d`");
        }
        lower => did_you_mean(lower, NANOS.iter().map(|(unit, _)| *unit).filter(|unit| *unit == lower))
            .or_else(|| did_you_mean(lower, LONG_NAMES.iter().map(|(long, _)| *long))),
    };
    let unit = near.map(|near| LONG_NAMES.iter().find(|(long, _)| *long == near).map_or(near, |(_, unit)| unit));
    TextError::new(span, format!("unknown unit `{name}`")).with_help(match unit {
        Some(unit) => format!("did you mean `{unit}`? {UNITS}"),
        None => UNITS.to_owned(),
    })
}

fn skip_spaces(text: &str, start: usize) -> usize {
    end_of(text, start, |c| c.is_ascii_whitespace())
}

fn end_of(text: &str, start: usize, inside: impl Fn(char) -> bool) -> usize {
    text[start..].find(|c| !inside(c)).map_or(text.len(), |len| start + len)
}

/// Exact, because `nanos` is at most [`MAX`].
fn from_nanos(nanos: u128) -> Duration {
    let seconds = u64::try_from(nanos / 1_000_000_000).unwrap_or(u64::MAX);
    let rest = u32::try_from(nanos % 1_000_000_000).unwrap_or(0);
    Duration::new(seconds, rest)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{MAX, format, parse};

    #[test]
    fn written_durations_mean_what_they_say() {
        for (text, nanos) in [
            ("30s", 30_000_000_000),
            ("500ms", 500_000_000),
            ("5m", 300_000_000_000),
            ("2h", 7_200_000_000_000),
            ("1d", 86_400_000_000_000),
            ("1w", 604_800_000_000_000),
            ("1h30m", 5_400_000_000_000),
            (" 1h 30m ", 5_400_000_000_000),
            ("90m", 5_400_000_000_000),
            ("7us8ns", 7_008),
            ("0s", 0),
            ("36500d", MAX.as_nanos()),
        ] {
            assert_eq!(parse(text).map(|d| d.as_nanos()), Ok(nanos), "{text}");
        }
    }

    #[test]
    fn each_mistake_has_its_place_and_its_advice() {
        for (text, marked, said) in [
            ("", "", "duration is empty; write a number and a unit, such as `30s`"),
            ("30", "30", "`30` has no unit; write it right after the number, such as `30s`"),
            ("1h30", "30", "`30` has no unit"),
            ("30 s", "30", "`30` has no unit"),
            ("s", "s", "`s` does not begin with a number"),
            ("5min", "min", "unknown unit `min`; did you mean `m`?"),
            ("5 m", "5", "`5` has no unit"),
            ("10secnds", "secnds", "unknown unit `secnds`; did you mean `s`?"),
            ("5S", "S", "unknown unit `S`; did you mean `s`?"),
            ("5µs", "µs", "unknown unit `µs`; did you mean `us`?"),
            ("5xyz", "xyz", "unknown unit `xyz`; units are w, d, h, m, s, ms, us and ns"),
            ("1y", "y", "unit `y` has no fixed length; write days, such as `30d`"),
            ("1.5h", "1.5h", "duration has a fraction; write whole numbers"),
            ("2h 1,5m", "1,5m", "duration has a fraction"),
            ("-5m", "-5m", "duration `-5m` is negative"),
            ("30m1h", "1h", "`1h` follows a part in `m`; write each unit once, from large to small"),
            ("1h1h", "1h", "`1h` follows a part in `h`"),
            ("36501d", "36501d", "duration `36501d` is longer than 100 years; the limit is 36500d"),
            ("99999999999999999999999999999999999999999999999999w", "", "duration `999"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.to_string().starts_with(said), "{text}: {error}");
            assert!(marked.is_empty() || &text[error.span.clone()] == marked, "{text}: {:?}", error.span);
        }
    }

    #[test]
    fn the_text_is_short() {
        for text in ["0s", "1w", "8d", "366d", "1h30m", "1m30s", "500ms", "1s1us", "1ns"] {
            assert_eq!(parse(text).map(format).as_deref(), Ok(text));
        }
    }

    proptest! {
        #[test]
        fn every_duration_reads_back_as_itself(seconds in 0..=MAX.as_secs(), nanos in 0_u32..1_000_000_000) {
            let duration = Duration::new(seconds, nanos).min(MAX);
            prop_assert_eq!(parse(&format(duration)), Ok(duration));
        }

        #[test]
        fn any_text_gives_an_answer_with_a_place_inside_it(text in "([0-9]{1,3}|w|d|h|m|s|us| |[.,-]|µ|é){0,12}") {
            match parse(&text) {
                Ok(duration) => prop_assert!(duration <= MAX),
                Err(error) => prop_assert!(text.get(error.span).is_some()),
            }
        }
    }
}
