//! The common schedules by name, for code: each is the same as its text.

use super::cron::CronExpr;
use super::spec::Spec;
use crate::text::TextError;

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Weekday {
    /// 0 in cron text.
    Sunday,
    /// 1.
    Monday,
    /// 2.
    Tuesday,
    /// 3.
    Wednesday,
    /// 4.
    Thursday,
    /// 5.
    Friday,
    /// 6.
    Saturday,
}

/// The common schedules. Hours are 0 to 23, minutes 0 to 59, on the wall clock of the schedule's zone; a number out of range is an error
/// that names it, as in cron text.
impl Spec {
    /// `* * * * *`: at the beginning of every minute.
    #[must_use]
    pub const fn every_minute() -> Self {
        Self::Cron(CronExpr::EVERY_MINUTE)
    }

    /// `*/minutes * * * *`: at the full hour and so on, for a number that divides 60. Another one is an error: its last distance in
    /// each hour would be shorter. Any other period is [`Spec::Every`].
    pub fn every_minutes(minutes: u8) -> Result<Self, TextError> {
        let text = minutes.to_string();
        if minutes == 0 || 60 % minutes != 0 {
            let error = TextError::new(0..text.len(), format!("{minutes} minutes do not divide an hour"));
            return Err(error.with_help("write 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30 or 60, or give a period by `every`"));
        }
        if minutes == 60 { Ok(Self::hourly()) } else { read(&format!("*/{minutes} * * * *")) }
    }

    /// `@hourly`: at the full hour.
    #[must_use]
    pub const fn hourly() -> Self {
        Self::Cron(CronExpr::HOURLY)
    }

    /// `minute hour * * *`: every day.
    pub fn daily_at(hour: u8, minute: u8) -> Result<Self, TextError> {
        read(&format!("{minute} {hour} * * *"))
    }

    /// `minute hour * * 1-5`: from Monday to Friday.
    pub fn weekdays_at(hour: u8, minute: u8) -> Result<Self, TextError> {
        read(&format!("{minute} {hour} * * 1-5"))
    }

    /// `minute hour * * day`: once a week.
    pub fn weekly_at(day: Weekday, hour: u8, minute: u8) -> Result<Self, TextError> {
        read(&format!("{minute} {hour} * * {}", day as u8))
    }

    /// `minute hour day * *`: once a month, on a day of 1 to 31. Months that do not have it are passed over.
    pub fn monthly_at(day: u8, hour: u8, minute: u8) -> Result<Self, TextError> {
        read(&format!("{minute} {hour} {day} * *"))
    }
}

fn read(text: &str) -> Result<Spec, TextError> {
    CronExpr::parse(text).map(Spec::Cron)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_the_same_as_its_text() {
        for (spec, text, words) in [
            (Ok(Spec::every_minute()), "* * * * *", "every minute"),
            (Spec::every_minutes(1), "* * * * *", "every minute"),
            (Spec::every_minutes(15), "*/15 * * * *", "every 15 minutes"),
            (Spec::every_minutes(60), "0 * * * *", "every hour"),
            (Ok(Spec::hourly()), "0 * * * *", "every hour"),
            (Spec::daily_at(2, 30), "30 2 * * *", "at 02:30 every day"),
            (Spec::weekdays_at(9, 0), "0 9 * * 1-5", "at 09:00 on weekdays"),
            (Spec::weekly_at(Weekday::Sunday, 0, 0), "0 0 * * 0", "at 00:00 on Sundays"),
            (Spec::weekly_at(Weekday::Saturday, 23, 59), "59 23 * * 6", "at 23:59 on Saturdays"),
            (Spec::monthly_at(31, 12, 0), "0 12 31 * *", "at 12:00 on the 31st"),
        ] {
            let spec = spec.unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(spec.describe(), words);
            let read = Spec::parse_cron(text);
            assert_eq!(read.as_ref().map(Spec::describe).as_deref(), Ok(words));
            // `*/1` and `*` are the same minutes.
            assert_eq!(Ok(spec), read, "{text}");
        }
    }

    #[test]
    fn numbers_out_of_range_are_named() {
        for (spec, wanted) in [
            (Spec::every_minutes(7), "7 minutes do not divide an hour"),
            (Spec::every_minutes(0), "0 minutes do not divide an hour"),
            (Spec::daily_at(24, 0), "24"),
            (Spec::weekdays_at(9, 60), "60"),
            (Spec::monthly_at(0, 0, 0), "0"),
            (Spec::monthly_at(32, 0, 0), "32"),
        ] {
            let error = spec.unwrap_err();
            assert!(error.message.contains(wanted) && error.help.is_some(), "{error:?}");
        }
    }
}
