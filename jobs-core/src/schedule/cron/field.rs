//! One field of a cron expression: its range and names, the reading of its items, and the shortest text of a set.

use std::fmt::{self, Write};

use crate::text::{TextError, did_you_mean, shown};

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// A field of a cron expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// 0-59; only in expressions of six fields.
    Second,
    /// 0-59.
    Minute,
    /// 0-23.
    Hour,
    /// 1-31.
    DayOfMonth,
    /// 1-12 or JAN-DEC.
    Month,
    /// 0-7 or SUN-SAT; 0 and 7 are Sunday.
    DayOfWeek,
}

impl Field {
    /// The fields in the order in which they are written.
    pub const ALL: [Self; 6] = [Self::Second, Self::Minute, Self::Hour, Self::DayOfMonth, Self::Month, Self::DayOfWeek];

    /// The smallest and the largest value; a Sunday written as 7 is 0.
    #[must_use]
    pub const fn range(self) -> (u8, u8) {
        match self {
            Self::Second | Self::Minute => (0, 59),
            Self::Hour => (0, 23),
            Self::DayOfMonth => (1, 31),
            Self::Month => (1, 12),
            Self::DayOfWeek => (0, 6),
        }
    }

    pub(super) const fn index(self) -> usize {
        self as usize
    }

    /// Whether a leading `*` means more than all values, as crontab(5) has it for days, minutes and hours.
    pub(super) const fn has_star_rule(self) -> bool {
        !matches!(self, Self::Second | Self::Month)
    }

    fn largest_written(self) -> u8 {
        self.range().1 + u8::from(self == Self::DayOfWeek)
    }

    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Month => &MONTHS,
            Self::DayOfWeek => &WEEKDAYS,
            _ => &[],
        }
    }

    fn allowed(self) -> &'static str {
        match self {
            Self::Second | Self::Minute => "allowed are 0-59",
            Self::Hour => "allowed are 0-23",
            Self::DayOfMonth => "allowed are 1-31",
            Self::Month => "allowed are 1-12 and JAN-DEC",
            Self::DayOfWeek => "allowed are 0-7 (0 and 7 are Sunday) and SUN-SAT",
        }
    }

    fn name_of(self, value: u8, named: bool) -> String {
        let name = self.names().get(usize::from(value - self.range().0));
        name.filter(|_| named).map_or(value.to_string(), ToString::to_string)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::DayOfMonth => "day of month",
            Self::Month => "month",
            Self::DayOfWeek => "day of week",
        })
    }
}

/// A piece of the field's text, and the byte of the whole expression at which it begins.
#[derive(Clone, Copy)]
struct Piece<'a> {
    field: Field,
    text: &'a str,
    start: usize,
}

impl Piece<'_> {
    fn error(&self, message: impl Into<String>) -> TextError {
        TextError::new(self.start..self.start + self.text.len(), message)
    }

    fn split(self, at: char) -> (Self, Option<Self>) {
        match self.text.split_once(at) {
            None => (self, None),
            Some((left, right)) => {
                let start = self.start + left.len() + at.len_utf8();
                let right = Self { text: right, start, ..self };
                (Self { text: left, ..self }, Some(right))
            }
        }
    }
}

/// Reads the text of one field, which begins at byte `start`, as a set with one bit a value.
pub(super) fn parse(field: Field, text: &str, start: usize) -> Result<u64, TextError> {
    let mut set = 0;
    let mut rest = Some(Piece { field, text, start });
    while let Some(list) = rest {
        let (item, more) = list.split(',');
        set |= parse_item(item)?;
        rest = more;
    }
    if field == Field::DayOfWeek {
        set = (set | set >> 7) & 0x7f;
    }
    Ok(set)
}

fn parse_item(item: Piece<'_>) -> Result<u64, TextError> {
    let field = item.field;
    if item.text.is_empty() {
        return Err(item
            .error(format!("{field} field has an empty item"))
            .with_help("write a value on both sides of each comma"));
    }
    if let Some(error) = foreign_sign(item) {
        return Err(error);
    }
    let (range, step) = item.split('/');
    let (first, last) = range.split('-');
    if range.text == "*" {
        let step = step.map_or(Ok(1), parse_step)?;
        return Ok(bits(field.range().0, field.largest_written(), step));
    }
    if range.text.starts_with('*') {
        let error = range.error(format!("`{}` is not an item of a {field} field", shown(range.text)));
        return Err(error.with_help("write `*`, or a step such as `*/5`"));
    }
    let from = parse_value(first)?;
    let Some(last) = last else {
        return match step {
            None => Ok(1 << from),
            Some(step) => {
                let named = first.text.starts_with(char::is_alphabetic);
                let high = if named { field.range().1 } else { field.largest_written() };
                let (low, high) = (field.name_of(from, named), field.name_of(high, named));
                let error = item.error(format!("step `/{}` follows a single value", parse_step(step)?));
                Err(error.with_help(format!("write a range, such as `{low}-{high}/{}`", step.text)))
            }
        };
    };
    let to = match parse_value(last)? {
        0 if from > 0 && last.text.eq_ignore_ascii_case("SUN") => 7,
        to => to,
    };
    let step = step.map_or(Ok(1), parse_step)?;
    if from > to {
        return Err(backwards(range, from, to, step));
    }
    Ok(bits(from, to, step))
}

fn parse_value(value: Piece<'_>) -> Result<u8, TextError> {
    let Piece { field, text, .. } = value;
    if text.is_empty() {
        return Err(value.error(format!("{field} range lacks a value here")).with_help(field.allowed()));
    }
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        let name = field.names().iter().zip(field.range().0..).find(|(name, _)| name.eq_ignore_ascii_case(text));
        return name.map(|(_, number)| number).ok_or_else(|| not_a_value(value));
    }
    let (low, high) = (field.range().0, field.largest_written());
    match text.parse::<u8>() {
        Ok(number) if (low..=high).contains(&number) => Ok(number),
        _ => {
            let error = value.error(format!("{field} {} is out of range {low}-{high}", shown(text)));
            Err(match (field, text) {
                (Field::Hour, "24") => error.with_help("midnight is 0"),
                (Field::Second | Field::Minute, "60") => error.with_help("write 0"),
                (Field::DayOfMonth, "0") => error.with_help("the first day is 1"),
                (Field::Month, "0") => error.with_help("January is 1"),
                _ => error.with_help(field.allowed()),
            })
        }
    }
}

fn parse_step(step: Piece<'_>) -> Result<u8, TextError> {
    let Piece { field, text, .. } = step;
    let (low, high) = field.range();
    let most = high - low + 1;
    if text.is_empty() {
        return Err(step.error(format!("{field} step lacks a number")).with_help(format!("write 1-{most}")));
    }
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(step.error(format!("{field} step `{}` is not a number", shown(text))).with_help(format!("write 1-{most}")));
    }
    match text.parse::<u8>() {
        Ok(0) => Err(step.error(format!("{field} step is 0")).with_help(format!("write 1-{most}"))),
        Ok(number) if number <= most => Ok(number),
        _ => Err(step
            .error(format!("{field} step {} is larger than the field, which has {most} values", shown(text)))
            .with_help(long_step(field, text))),
    }
}

/// What to write for a step that runs out of its field: the step would begin anew in each next larger unit.
fn long_step(field: Field, step: &str) -> String {
    let (begins, unit) = match field {
        Field::Second => ("minute", "s"),
        Field::Minute => ("hour", "m"),
        Field::Hour => ("day", "h"),
        Field::DayOfMonth => ("month", "d"),
        Field::Month => {
            return "a step begins anew in each year: write the months as a list".to_owned();
        }
        Field::DayOfWeek => {
            return "a step begins anew in each week: write the days as a list".to_owned();
        }
    };
    format!("a step begins anew in each {begins}: write `every = \"{}{unit}\"` instead of cron", shown(step))
}

fn backwards(range: Piece<'_>, from: u8, to: u8, step: u8) -> TextError {
    let field = range.field;
    let (low, high) = field.range();
    let named = range.text.starts_with(|c: char| c.is_alphabetic());
    let part = |a: u8, b: u8| {
        let (first, last) = (field.name_of(a, named), field.name_of(b, named));
        if a == b { first } else { format!("{first}-{last}") }
    };
    let help = if field == Field::DayOfWeek && to == 0 && step == 1 {
        format!("Sunday is also 7: write `{from}-7`")
    } else if from > high {
        format!("write Sunday as 0: `{}`", part(0, to))
    } else if step == 1 {
        format!("write `{},{}`", part(from, high), part(low, to))
    } else {
        let wrapped = (from..=high).chain(low..=to).step_by(usize::from(step));
        let values: Vec<String> = wrapped.map(|value| field.name_of(value, named)).collect();
        format!("write the values: `{}`", values.join(","))
    };
    range.error(format!("{field} range {} runs backwards", range.text)).with_help(help)
}

/// Signs of other dialects that can stand anywhere in an item.
fn foreign_sign(item: Piece<'_>) -> Option<TextError> {
    let sign = item.text.chars().find(|c| "?#~".contains(*c))?;
    Some(match sign {
        '?' => item.error("`?` belongs to another dialect of cron").with_help("write `*`"),
        '#' => item
            .error("`#`, the n-th weekday of a month, is not supported")
            .with_help("write the weekday alone, and let the job test the date"),
        _ => item.error("`~`, a random value, is not supported").with_help("write a value"),
    })
}

fn not_a_value(value: Piece<'_>) -> TextError {
    let Piece { field, text, .. } = value;
    let upper = text.to_ascii_uppercase();
    let counted = |letter: char| {
        let rest = upper.strip_suffix(letter)?;
        (rest.bytes().all(|b| b.is_ascii_digit()) || WEEKDAYS.contains(&rest)).then_some(())
    };
    if upper == "LW" || counted('W').is_some() {
        return value
            .error("`W`, the nearest working day, is not supported")
            .with_help("write the days that may be meant, such as `1-3`, and let the job test the weekday");
    }
    if counted('L').is_some() {
        return value
            .error("`L`, the last day, is not supported")
            .with_help("write `28-31`, and let the job test whether the month ends");
    }
    for other in [Field::Month, Field::DayOfWeek] {
        if other != field && other.names().contains(&upper.as_str()) {
            return value.error(format!("`{upper}` is a {other}, not a {field}")).with_help(field.allowed());
        }
    }
    let error = value.error(format!("`{}` is not a {field}", shown(text)));
    let meant = upper.get(..3).and_then(|short| field.names().iter().find(|name| **name == short));
    error.with_help(match meant.copied().or_else(|| did_you_mean(text, field.names().iter().copied())) {
        Some(name) => format!("did you mean `{name}`? {}", field.allowed()),
        None => field.allowed().to_owned(),
    })
}

fn bits(from: u8, to: u8, step: u8) -> u64 {
    (from..=to).step_by(usize::from(step)).fold(0, |set, value| set | 1 << value)
}

/// The text that [`parse`] reads as `set`, beginning with `*` exactly if `star` says so.
pub(super) fn format(field: Field, set: u64, star: bool) -> String {
    let (low, high) = field.range();
    let full = bits(low, high, 1);
    let mut text = String::new();
    let mut rest = set;
    if set == full && (star || !field.has_star_rule()) {
        return "*".to_owned();
    }
    if star {
        // A leading `*` always contains the lowest value, so the widest step always fits.
        let fits = |step: &u8| bits(low, high, *step) & !set == 0;
        let step = (1..=high - low + 1).find(fits).unwrap_or(high - low + 1);
        rest &= !bits(low, high, step);
        let _ = write!(text, "*/{step}");
    }
    let mut value = low;
    while value <= high {
        let run = u8::try_from((rest >> value).trailing_ones()).unwrap_or(0);
        if run > 0 {
            let comma = if text.is_empty() { "" } else { "," };
            let last = value + run - 1;
            let _ = match run {
                1 => write!(text, "{comma}{value}"),
                2 => write!(text, "{comma}{value},{last}"),
                _ => write!(text, "{comma}{value}-{last}"),
            };
        }
        value += run + 1;
    }
    text
}
