//! A schedule in plain words, for screens and logs: `at 09:00 on weekdays`, `every 15 minutes from 08:00 to 17:45`.

use std::time::Duration;

use super::cron::{CronExpr, Field};
use super::spec::Spec;

/// The most times of day that are told one by one.
const MOST_TIMES: usize = 6;

/// The most values of a list that are told one by one.
const MOST_VALUES: usize = 8;

const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

impl Spec {
    /// The schedule in plain words, without its zone: `at 02:00 every day`, `every 10 seconds`, `once ever`.
    ///
    /// Different schedules may have the same words where the difference shows only when clocks change. The words may change from release
    /// to release: they are for people, and are never read back.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Cron(expr) => expr.describe(),
            Self::Every(period) => format!("every {}", period_in_words(*period)),
            Self::Once => "once ever".to_owned(),
        }
    }
}

impl CronExpr {
    /// The expression in plain words: `every 15 minutes`, `at 09:00 and 17:00 on weekdays`, `at 00:00 on the 1st in January`.
    #[must_use]
    pub fn describe(&self) -> String {
        let (times, is_all_day) = times(self);
        // `at 02:00` alone may be taken for one time ever.
        let days = days(self).or_else(|| (!is_all_day).then(|| "every day".to_owned()));
        [Some(times), days, months(self)].into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

/// What happens within a day, and whether it goes on all day.
fn times(expr: &CronExpr) -> (String, bool) {
    let [seconds, minutes, hours] = [Field::Second, Field::Minute, Field::Hour].map(|field| Values::of(expr, field));
    if let Some(times) = few_times(&seconds, &minutes, &hours) {
        return (format!("at {}", list(&times)), false);
    }
    if seconds.list == [0] {
        return within_hours(&minutes, &hours);
    }
    let beat = match seconds.step() {
        _ if seconds.is_all() => "every second".to_owned(),
        Some(step) => format!("every {step} seconds"),
        None => format!("at {}", seconds.named("second")),
    };
    if minutes.is_all() && hours.is_all() {
        let of_each = if beat.starts_with("at") { " of every minute" } else { "" };
        return (format!("{beat}{of_each}"), true);
    }
    let mut told = beat;
    if !minutes.is_all() {
        told = format!("{told} in {}", minutes.named("minute"));
    }
    if hours.is_all() {
        return (format!("{told} of every hour"), true);
    }
    let of = if minutes.is_all() { "in" } else { "of" };
    (format!("{told} {of} {}", hours.named("hour")), false)
}

/// The times of day, where they are few.
fn few_times(seconds: &Values, minutes: &Values, hours: &Values) -> Option<Vec<String>> {
    let many = seconds.list.len() * minutes.list.len() * hours.list.len();
    if many > MOST_TIMES || hours.is_all() {
        return None;
    }
    let mut times = Vec::with_capacity(many);
    for hour in &hours.list {
        for minute in &minutes.list {
            for second in &seconds.list {
                let time = format!("{hour:02}:{minute:02}");
                times.push(if seconds.list == [0] { time } else { format!("{time}:{second:02}") });
            }
        }
    }
    Some(times)
}

fn within_hours(minutes: &Values, hours: &Values) -> (String, bool) {
    let beat = match minutes.step() {
        _ if minutes.is_all() => Some("every minute".to_owned()),
        Some(step) => Some(format!("every {step} minutes")),
        None => None,
    };
    if hours.is_all() {
        let told = match beat {
            Some(beat) => beat,
            None if minutes.list == [0] => "every hour".to_owned(),
            None => format!("at {} of every hour", minutes.named("minute")),
        };
        return (told, true);
    }
    if let (Some(step), [minute]) = (hours.step(), &minutes.list[..]) {
        let at = if *minute == 0 { String::new() } else { format!(" at minute {minute}") };
        return (format!("every {step} hours{at}"), true);
    }
    let (first, last) = (minutes.list.first().unwrap_or(&0), minutes.list.last().unwrap_or(&0));
    match (beat, hours.range()) {
        (Some(beat), Some((from, to))) => (format!("{beat} from {from:02}:{first:02} to {to:02}:{last:02}"), false),
        (Some(beat), None) => (format!("{beat} in {}", hours.named("hour")), false),
        (None, Some((from, to))) if minutes.list.len() == 1 => {
            (format!("every hour from {from:02}:{first:02} to {to:02}:{last:02}"), false)
        }
        (None, _) => (format!("at {} of {}", minutes.named("minute"), hours.named("hour")), false),
    }
}

/// Which days; `None` for every day.
fn days(expr: &CronExpr) -> Option<String> {
    let (days, weekdays) = (Values::of(expr, Field::DayOfMonth), Values::of(expr, Field::DayOfWeek));
    if expr.either_day() {
        let both = days.is_all() || weekdays.is_all();
        return (!both).then(|| format!("{} or {}", of_month(&days), of_week(&weekdays)));
    }
    match (days.is_all(), weekdays.is_all()) {
        (true, true) => None,
        (true, false) => Some(of_week(&weekdays)),
        (false, true) => Some(of_month(&days)),
        (false, false) => Some(format!("{} that fall {}", of_month(&days), of_week(&weekdays))),
    }
}

fn of_week(weekdays: &Values) -> String {
    match &weekdays.list[..] {
        [1, 2, 3, 4, 5] => "on weekdays".to_owned(),
        [0, 6] => "on weekends".to_owned(),
        list if list.len() >= 3 && weekdays.range().is_some() => {
            let name = |day: Option<&u8>| day.and_then(|day| WEEKDAYS.get(usize::from(*day))).copied().unwrap_or_default();
            format!("from {} to {}", name(list.first()), name(list.last()))
        }
        [0, 5, 6] => "from Friday to Sunday".to_owned(),
        list => {
            let named = list.iter().filter_map(|day| WEEKDAYS.get(usize::from(*day))).map(|day| format!("{day}s"));
            format!("on {}", self::list(&named.collect::<Vec<_>>()))
        }
    }
}

fn of_month(days: &Values) -> String {
    match (&days.list[..], days.range()) {
        ([_, _, _, ..], Some((first, last))) => format!("on days {first} to {last}"),
        (list, _) if list.len() <= MOST_VALUES => {
            let named: Vec<String> = list.iter().map(|day| ordinal(*day)).collect();
            format!("on the {}", self::list(&named))
        }
        _ => format!("on {}", days.named("day")),
    }
}

/// Which months; `None` for all.
fn months(expr: &CronExpr) -> Option<String> {
    let months = Values::of(expr, Field::Month);
    let name = |month: u8| MONTHS.get(usize::from(month).wrapping_sub(1)).copied().unwrap_or_default();
    match (months.is_all(), months.range(), &months.list[..]) {
        (true, ..) => None,
        (false, Some((first, last)), [_, _, _, ..]) => Some(format!("from {} to {}", name(first), name(last))),
        (false, _, list) => {
            let named: Vec<String> = list.iter().map(|month| name(*month).to_owned()).collect();
            Some(format!("in {}", self::list(&named)))
        }
    }
}

/// The values of a field, rising; never none.
struct Values {
    list: Vec<u8>,
    low: u8,
    high: u8,
}

impl Values {
    fn of(expr: &CronExpr, field: Field) -> Self {
        let (low, high) = field.range();
        Self { list: expr.values(field).collect(), low, high }
    }

    fn is_all(&self) -> bool {
        self.list.len() == usize::from(self.high - self.low) + 1
    }

    /// The distance of the values, if they begin with the first and come at the same distance for ever, across the end of the field.
    fn step(&self) -> Option<u8> {
        let [first, second, ..] = self.list[..] else { return None };
        let (step, whole) = (second - first, self.high - self.low + 1);
        let is_even = whole % step == 0 && self.list.len() == usize::from(whole / step);
        (first == self.low && is_even && self.list.windows(2).all(|pair| pair[1] - pair[0] == step)).then_some(step)
    }

    /// The first and the last, if there is none missing between them.
    fn range(&self) -> Option<(u8, u8)> {
        let (first, last) = (*self.list.first()?, *self.list.last()?);
        (usize::from(last - first) + 1 == self.list.len()).then_some((first, last))
    }

    /// `minute 5`, `minutes 5 and 35`, `minutes 0 to 29`, `minutes 1, 3, 5 … 59`.
    fn named(&self, name: &str) -> String {
        match (&self.list[..], self.range()) {
            ([only], _) => format!("{name} {only}"),
            ([_, _, _, ..], Some((first, last))) => format!("{name}s {first} to {last}"),
            ([a, b, c, .., last], None) if self.list.len() > MOST_VALUES => format!("{name}s {a}, {b}, {c} … {last}"),
            (list, _) => {
                let list: Vec<String> = list.iter().map(u8::to_string).collect();
                format!("{name}s {}", self::list(&list))
            }
        }
    }
}

/// `a`, `a and b`, `a, b and c`.
fn list(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// `1st`, `22nd`, `13th`.
fn ordinal(number: u8) -> String {
    let ending = match (number % 10, number % 100) {
        (1, ..=10 | 14..) => "st",
        (2, ..=10 | 14..) => "nd",
        (3, ..=10 | 14..) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

/// `10 seconds`, `hour`, `1 hour 30 minutes`, `1 second 500 milliseconds`.
fn period_in_words(period: Duration) -> String {
    let (seconds, millis) = (period.as_secs(), u64::from(period.subsec_millis()));
    let parts = [
        (seconds / 86_400, "day"),
        (seconds / 3600 % 24, "hour"),
        (seconds / 60 % 60, "minute"),
        (seconds % 60, "second"),
        (millis, "millisecond"),
    ];
    let told: Vec<(u64, &str)> = parts.into_iter().filter(|(number, _)| *number > 0).collect();
    if let [(1, name)] = told[..] {
        return name.to_owned();
    }
    let told: Vec<String> =
        told.into_iter().map(|(number, name)| format!("{number} {name}{}", if number == 1 { "" } else { "s" })).collect();
    told.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_are_told_in_plain_words() {
        for (text, words) in [
            ("* * * * *", "every minute"),
            ("*/15 * * * *", "every 15 minutes"),
            ("0-59/15 * * * *", "every 15 minutes"),
            ("7-59/15 * * * *", "at minutes 7, 22, 37 and 52 of every hour"),
            ("*/7 * * * *", "at minutes 0, 7, 14 … 56 of every hour"),
            ("@hourly", "every hour"),
            ("5 * * * *", "at minute 5 of every hour"),
            ("0,30 * * * *", "every 30 minutes"),
            ("0 */2 * * *", "every 2 hours"),
            ("20 */6 * * *", "at 00:20, 06:20, 12:20 and 18:20 every day"),
            ("20 */2 * * *", "every 2 hours at minute 20"),
            ("0 2 * * *", "at 02:00 every day"),
            ("0 9,17 * * 1-5", "at 09:00 and 17:00 on weekdays"),
            ("*/15 8-17 * * MON-FRI", "every 15 minutes from 08:00 to 17:45 on weekdays"),
            ("* 9 * * *", "every minute from 09:00 to 09:59 every day"),
            ("0 8-18 * * *", "every hour from 08:00 to 18:00 every day"),
            ("5,35 9-17 * * SUN", "at minutes 5 and 35 of hours 9 to 17 on Sundays"),
            ("*/10 1,3,5 * * *", "every 10 minutes in hours 1, 3 and 5 every day"),
            ("0 0 1 * *", "at 00:00 on the 1st"),
            ("0 0 1,15 * *", "at 00:00 on the 1st and 15th"),
            ("0 0 1-7 * *", "at 00:00 on days 1 to 7"),
            ("0 0 */2 * *", "at 00:00 on days 1, 3, 5 … 31"),
            ("0 0 11,12,13,21,22,23 * *", "at 00:00 on the 11th, 12th, 13th, 21st, 22nd and 23rd"),
            ("0 12 13 * FRI", "at 12:00 on the 13th or on Fridays"),
            ("0 12 */13 * FRI", "at 12:00 on the 1st, 14th and 27th that fall on Fridays"),
            ("0 12 1-31 * FRI", "at 12:00 every day"),
            ("0 0 * * SAT,SUN", "at 00:00 on weekends"),
            ("0 0 * * FRI-SUN", "at 00:00 from Friday to Sunday"),
            ("0 0 * * MON-THU", "at 00:00 from Monday to Thursday"),
            ("0 0 * * MON,WED,FRI", "at 00:00 on Mondays, Wednesdays and Fridays"),
            ("@yearly", "at 00:00 on the 1st in January"),
            ("0 6 * 6-8 *", "at 06:00 every day from June to August"),
            ("0 6 * 3,9 *", "at 06:00 every day in March and September"),
            ("*/5 * * 12 *", "every 5 minutes in December"),
            ("* * * * * *", "every second"),
            ("*/10 * * * * *", "every 10 seconds"),
            ("5,35 * * * * *", "at seconds 5 and 35 of every minute"),
            ("30 0 9 * * *", "at 09:00:30 every day"),
            ("*/10 30 1 * * *", "at 01:30:00, 01:30:10, 01:30:20, 01:30:30, 01:30:40 and 01:30:50 every day"),
            ("*/5 30 1 * * *", "every 5 seconds in minute 30 of hour 1 every day"),
            ("*/5 0-9 * * * *", "every 5 seconds in minutes 0 to 9 of every hour"),
            ("* * 9-17 * * 1-5", "every second in hours 9 to 17 on weekdays"),
            ("@once", "once ever"),
        ] {
            let spec = Spec::parse_cron(text).unwrap_or_else(|error| panic!("{}", error.render(text)));
            assert_eq!(spec.describe(), words, "{text}");
        }
    }

    #[test]
    fn periods_are_told_in_plain_words() {
        for (text, words) in [
            ("1s", "every second"),
            ("10s", "every 10 seconds"),
            ("1h", "every hour"),
            ("90m", "every 1 hour 30 minutes"),
            ("1s500ms", "every 1 second 500 milliseconds"),
            ("7d", "every 7 days"),
        ] {
            assert_eq!(Spec::parse_every(text).unwrap().describe(), words);
        }
    }
}
