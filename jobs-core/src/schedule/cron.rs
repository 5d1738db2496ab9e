//! Cron text in the dialect of crontab(5) (Vixie cron), read into six sets; the items of one field are read in `field`.
//!
//! Nothing here knows a calendar or a zone, and only the standard library is used: the macro judges attributes with it.

mod field;

use std::fmt;
use std::ops::Range;

pub use self::field::Field;
use crate::text::{TextError, did_you_mean, shown};

/// The longest cron text, in bytes.
pub const MAX_BYTES: usize = 1024;

const FORM: &str = "write `minute hour day-of-month month day-of-week`, such as `0 9 * * MON-FRI`";

const NICKNAMES: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

/// A cron expression: the values that each field allows.
///
/// Equal expressions fire alike in every zone. `Display` writes five fields, or six when the seconds are
/// not `0`, in a form that [`parse`](Self::parse) reads back as the same expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CronExpr {
    /// One bit a value, in the order of [`Field::ALL`]. Sunday is bit 0 only.
    sets: [u64; 6],
    /// Whether minute, hour, day of month and day of week begin with `*`; false for the others, where it has no meaning.
    stars: [bool; 6],
}

/// The values of a whole field.
#[cfg(feature = "full")]
const fn all(field: Field) -> u64 {
    let (low, high) = field.range();
    (u64::MAX >> (63 - high)) & (u64::MAX << low)
}

impl CronExpr {
    /// `* * * * *`.
    #[cfg(feature = "full")]
    pub(super) const EVERY_MINUTE: Self = Self {
        sets: [1, all(Field::Minute), all(Field::Hour), all(Field::DayOfMonth), all(Field::Month), all(Field::DayOfWeek)],
        stars: [false, true, true, true, false, true],
    };

    /// `0 * * * *`.
    #[cfg(feature = "full")]
    pub(super) const HOURLY: Self = Self {
        sets: [1, 1, all(Field::Hour), all(Field::DayOfMonth), all(Field::Month), all(Field::DayOfWeek)],
        stars: [false, false, true, true, false, true],
    };

    /// Reads a cron expression.
    ///
    /// Five fields, `minute hour day-of-month month day-of-week`, or six with leading seconds, or one of `@yearly`,
    /// `@annually`, `@monthly`, `@weekly`, `@daily`, `@midnight` and `@hourly`. A field is a list of `*`, a value, a range
    /// `a-b`, or a step `*/n` or `a-b/n`. Months and weekdays have names (`JAN`, `MON`) in any case; Sunday is 0 and 7, and
    /// at the end of a range `SUN` is 7. When neither day field begins with `*`, a day matches if either does.
    ///
    /// # Errors
    ///
    /// The first field or value that is wrong: out of range, backwards, a step larger than the field, another dialect
    /// (`L`, `W`, `#`, `?`, a year), a date that never occurs, or a text over 1024 bytes.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        if text.len() > MAX_BYTES {
            let message = format!("cron expression has {} bytes, the limit is {MAX_BYTES}", text.len());
            return Err(TextError::new(0..text.len(), message));
        }
        let spans = words(text);
        let fields = match spans.as_slice() {
            [] => {
                let error = TextError::new(0..text.len(), "cron expression is empty");
                return Err(error.with_help(FORM));
            }
            [first, rest @ ..] if text[first.clone()].starts_with('@') => {
                return nickname(text, first, rest.first());
            }
            [_, _, _, _, _] => &Field::ALL[1..],
            [_, _, _, _, _, _] => &Field::ALL[..],
            [first, .., last] => return Err(wrong_count(first.start..last.end, spans.len())),
            [only] => return Err(wrong_count(only.clone(), 1)),
        };
        // Without a field for them, seconds are 0.
        let mut expr = Self { sets: [1, 0, 0, 0, 0, 0], stars: [false; 6] };
        for (&field, span) in fields.iter().zip(&spans) {
            let written = &text[span.clone()];
            expr.sets[field.index()] = field::parse(field, written, span.start)?;
            expr.stars[field.index()] = field.has_star_rule() && written.starts_with('*');
        }
        let days = spans[spans.len() - 3].clone();
        expr.occurs(days)
    }

    /// Whether `field` allows `value`. Sunday is 0.
    #[must_use]
    pub fn contains(&self, field: Field, value: u8) -> bool {
        value < 64 && self.sets[field.index()] >> value & 1 == 1
    }

    /// The values that `field` allows, rising. Sunday is 0.
    pub fn values(&self, field: Field) -> impl Iterator<Item = u8> {
        let set = self.sets[field.index()];
        (0..64).filter(move |value| set >> value & 1 == 1)
    }

    /// Whether a day must match only one of day of month and day of week: neither field begins with `*`.
    #[must_use]
    pub fn either_day(&self) -> bool {
        !self.stars[Field::DayOfMonth.index()] && !self.stars[Field::DayOfWeek.index()]
    }

    /// Whether the times of day are fixed: neither the minute nor the hour field begins with `*`.
    ///
    /// When clocks change, a fixed job runs once for each of its times, and any other job follows the clock on the wall.
    #[must_use]
    pub fn is_fixed(&self) -> bool {
        !self.stars[Field::Minute.index()] && !self.stars[Field::Hour.index()]
    }

    /// Refuses days of the month that none of the months has, unless a weekday may match instead.
    fn occurs(self, days: Range<usize>) -> Result<Self, TextError> {
        let months: Vec<u8> = self.values(Field::Month).collect();
        let longest = months.iter().copied().map(longest_day).max().unwrap_or(31);
        let first = self.values(Field::DayOfMonth).next().unwrap_or(1);
        if first <= longest || self.either_day() {
            return Ok(self);
        }
        let last = self.values(Field::DayOfMonth).last().unwrap_or(first);
        let days_shown = if first == last { first.to_string() } else { format!("{first} to {last}") };
        let verb = if months.len() == 1 && first == last { "happens" } else { "happen" };
        let message = format!("{days_shown} {} never {verb}", month_names(&months));
        Err(TextError::new(days, message).with_help(format!("write a day up to {longest}, or a longer month")))
    }
}

impl fmt::Display for CronExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.sets[Field::Second.index()] != 1;
        for field in &Field::ALL[usize::from(!seconds)..] {
            if *field != Field::ALL[usize::from(!seconds)] {
                f.write_str(" ")?;
            }
            let index = field.index();
            f.write_str(&field::format(*field, self.sets[index], self.stars[index]))?;
        }
        Ok(())
    }
}

fn longest_day(month: u8) -> u8 {
    match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// `February`, or `April, June and September`.
fn month_names(months: &[u8]) -> String {
    const NAMES: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let mut text = String::new();
    for (at, month) in months.iter().enumerate() {
        text.push_str(match at {
            0 => "",
            _ if at + 1 == months.len() => " and ",
            _ => ", ",
        });
        text.push_str(NAMES.get(usize::from(*month) - 1).copied().unwrap_or_default());
    }
    text
}

/// Where the words of `text` stand.
fn words(text: &str) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut start = 0;
    for word in text.split(|c: char| c.is_ascii_whitespace()) {
        if !word.is_empty() {
            words.push(start..start + word.len());
        }
        start += word.len() + 1;
    }
    words
}

fn wrong_count(span: Range<usize>, count: usize) -> TextError {
    let fields = if count == 1 { "field" } else { "fields" };
    let error = TextError::new(span, format!("cron expression has {count} {fields}, not 5 or 6"));
    match count {
        7 => error.with_help("there is no year: write 5 fields, or 6 with leading seconds"),
        8.. => error.with_help("write 5 fields, or 6 with leading seconds, without spaces inside a field"),
        _ => error.with_help(FORM),
    }
}

fn nickname(text: &str, span: &Range<usize>, next: Option<&Range<usize>>) -> Result<CronExpr, TextError> {
    let name = text[span.clone()].to_ascii_lowercase();
    let names = NICKNAMES.iter().map(|(name, _)| *name);
    match (NICKNAMES.iter().find(|(known, _)| *known == name), next) {
        (Some((_, fields)), None) => CronExpr::parse(fields),
        (Some(_), Some(next)) => {
            Err(TextError::new(next.start..text.trim_ascii_end().len(), format!("nothing may follow `{name}`")))
        }
        (None, _) => {
            let all = "nicknames are @yearly, @annually, @monthly, @weekly, @daily, @midnight and @hourly";
            let error = TextError::new(span.clone(), format!("`{}` is not a cron nickname", shown(&name)));
            Err(error.with_help(match name.as_str() {
                "@once" => "a schedule that fires once ever is `@once` on its own, it has no times".to_owned(),
                "@reboot" => "write `run_on_start` to run when the process starts".to_owned(),
                "@every" => "write `every = \"5m\"` instead of cron".to_owned(),
                _ => match did_you_mean(&name, names) {
                    Some(known) => format!("did you mean `{known}`? {all}"),
                    None => all.to_owned(),
                },
            }))
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
