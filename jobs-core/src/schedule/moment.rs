//! A point in time as people write it, at which a schedule begins or ends: on the wall clock of its zone unless an offset is given.

use std::fmt;

use crate::text::{TextError, shown};

/// A point in time as it was written: `2027-01-31`, `2027-01-31 08:00`, `2027-01-31T08:00:30`, or with an offset at its end,
/// `2027-01-31T08:00:00+01:00` or `…Z` (RFC 3339). A date alone is its midnight. Years are 1970 to 2099, as in schedules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Moment {
    /// The year.
    pub year: i16,
    /// The month, from 1.
    pub month: i8,
    /// The day, from 1.
    pub day: i8,
    /// The hour, from 0.
    pub hour: i8,
    /// The minute.
    pub minute: i8,
    /// The second.
    pub second: i8,
    /// Seconds east of UTC. `None`: what the clock of the zone shows.
    pub offset: Option<i32>,
}

const HELP: &str =
    "write `2027-01-31`, `2027-01-31T08:00:00` (on the clock of the schedule's zone) or `2027-01-31T08:00:00+01:00`";

impl Moment {
    /// Reads a point in time.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let mut reader = Reader { text, at: text.len() - text.trim_ascii_start().len() };
        let end = text.trim_ascii_end().len();
        let year = reader.number(4, "year", 1970, 2099)?;
        reader.sign(b"-")?;
        let month = reader.number(2, "month", 1, 12)?;
        reader.sign(b"-")?;
        let day = reader.number(2, "day", 1, i32::from(days(year, month)))?;
        let (mut time, mut offset) = ([0; 3], None);
        if reader.at < end {
            reader.sign(b"T t")?;
            time[0] = reader.number(2, "hour", 0, 23)?;
            reader.sign(b":")?;
            time[1] = reader.number(2, "minute", 0, 59)?;
            if reader.at < end && reader.peek() == Some(b':') {
                reader.sign(b":")?;
                time[2] = reader.number(2, "second", 0, 59)?;
            }
            if reader.at < end {
                offset = Some(reader.offset()?);
            }
        }
        if reader.at < end {
            return Err(reader.error(end - reader.at, format!("`{}` has no meaning here", shown(&text[reader.at..end]))));
        }
        let small = |number: i32| i8::try_from(number).unwrap_or(i8::MAX);
        let [hour, minute, second] = time.map(small);
        let year = i16::try_from(year).unwrap_or(i16::MAX);
        Ok(Self { year, month: small(month), day: small(day), hour, minute, second, offset })
    }
}

/// How many days a month has (Gregorian calendar).
const fn days(year: i32, month: i32) -> i8 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn error(&self, length: usize, message: String) -> TextError {
        TextError::new(self.at..self.at + length, message).with_help(HELP)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// One of these characters.
    fn sign(&mut self, wanted: &[u8]) -> Result<u8, TextError> {
        match self.peek() {
            Some(found) if wanted.contains(&found) => {
                self.at += 1;
                Ok(found)
            }
            _ => {
                let length = self.text[self.at..].chars().next().map_or(0, char::len_utf8);
                Err(self.error(length, format!("`{}` is missing here", char::from(wanted[0]))))
            }
        }
    }

    /// A number of just so many digits.
    fn number(&mut self, digits: usize, what: &str, least: i32, most: i32) -> Result<i32, TextError> {
        let found = self.text.as_bytes()[self.at..].iter().take(digits).take_while(|byte| byte.is_ascii_digit()).count();
        if found < digits {
            return Err(self.error(found, format!("a {what} of {digits} digits is missing here")));
        }
        let word = &self.text[self.at..self.at + digits];
        let number = word.parse().unwrap_or(-1);
        if !(least..=most).contains(&number) {
            return Err(self.error(digits, format!("{what} {word} is not between {least} and {most}")));
        }
        self.at += digits;
        Ok(number)
    }

    fn offset(&mut self) -> Result<i32, TextError> {
        let sign = self.sign(b"+-Zz")?;
        if matches!(sign, b'Z' | b'z') {
            return Ok(0);
        }
        let hours = self.number(2, "hour", 0, 23)?;
        self.sign(b":")?;
        let seconds = (hours * 60 + self.number(2, "minute", 0, 59)?) * 60;
        Ok(if sign == b'-' { -seconds } else { seconds })
    }
}

/// As RFC 3339 has it, without an offset if there was none.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, month, day, hour, minute, second, offset } = self;
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        match offset {
            None => Ok(()),
            Some(0) => f.write_str("Z"),
            Some(offset) => {
                let (sign, minutes) = (if *offset < 0 { '-' } else { '+' }, offset.abs() / 60);
                write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Moment;

    #[test]
    fn moments_read_in_every_form() {
        for (text, shown) in [
            ("2027-01-31", "2027-01-31T00:00:00"),
            (" 2028-02-29 08:30 ", "2028-02-29T08:30:00"),
            ("2027-01-31T08:00:30", "2027-01-31T08:00:30"),
            ("2027-01-31t08:00:30z", "2027-01-31T08:00:30Z"),
            ("2027-01-31T08:00+01:00", "2027-01-31T08:00:00+01:00"),
            ("2027-01-31T08:00:00-03:30", "2027-01-31T08:00:00-03:30"),
        ] {
            assert_eq!(Moment::parse(text).unwrap().to_string(), shown, "{text}");
        }
    }

    #[test]
    fn mistakes_name_their_place() {
        for (text, place, message) in [
            ("", 0..0, "a year of 4 digits is missing here"),
            ("27-01-31", 0..2, "a year of 4 digits is missing here"),
            ("1969-01-31", 0..4, "year 1969 is not between 1970 and 2099"),
            ("2027/01/31", 4..5, "`-` is missing here"),
            ("2027-13-31", 5..7, "month 13 is not between 1 and 12"),
            ("2027-02-29", 8..10, "day 29 is not between 1 and 28"),
            ("2027-01-31T24:00", 11..13, "hour 24 is not between 0 and 23"),
            ("2027-01-31T08", 13..13, "`:` is missing here"),
            ("2027-01-31T08:00:00 Europe/Berlin", 19..20, "`+` is missing here"),
            ("2027-01-31T08:00:00ZZ", 20..21, "`Z` has no meaning here"),
            ("2027-01-31é", 10..12, "`T` is missing here"),
        ] {
            let error = Moment::parse(text).unwrap_err();
            assert_eq!((error.span, error.message.as_str()), (place, message), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}|[0-9TZ:+ -]{0,30}") {
            if let Ok(moment) = Moment::parse(&text) {
                prop_assert_eq!(Moment::parse(&moment.to_string()), Ok(moment));
            }
        }
    }
}
