//! Time zones: their names, and the relation between instants and the clock on the wall, which may jump or repeat.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

use super::calendar::Wall;
use super::moment::Moment;
use crate::text::{TextError, did_you_mean, shown};

/// How far back a clock set back is looked for, in seconds: clocks at the date line were set back by a whole day.
const DAY_AND_MORE: i64 = 26 * 3600;

/// A time zone with the name by which it was chosen. The default is UTC.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone {
    name: Arc<str>,
    zone: TimeZone,
}

/// The time between two changes of a zone's clock, in seconds of the Unix epoch.
pub(super) struct Stretch {
    /// The first second; `i64::MIN` if nothing is known before.
    pub(super) start: i64,
    /// The first second of the next stretch; `i64::MAX` if none is known.
    pub(super) end: i64,
    /// What the wall clock adds, in seconds.
    pub(super) offset: i64,
}

impl Zone {
    /// Coordinated universal time, which has no clock changes.
    #[must_use]
    pub fn utc() -> Self {
        Self { name: "UTC".into(), zone: TimeZone::UTC }
    }

    /// Finds a zone: `UTC`, `local` for the zone of this machine, or a name of the IANA time zone database in any case.
    ///
    /// # Errors
    ///
    /// A name that the zone data does not have, with the nearest one that it has; `local` where the machine has no zone.
    pub fn parse(name: &str) -> Result<Self, TextError> {
        let span = 0..name.len();
        if name.eq_ignore_ascii_case("utc") {
            return Ok(Self::utc());
        }
        if name == "local" {
            return match TimeZone::try_system() {
                Ok(zone) => Ok(Self { name: name.into(), zone }),
                Err(error) => Err(TextError::new(span, format!("the zone of this machine is unknown: {error}"))
                    .with_help("write its name, such as `Europe/Berlin`, or set `TZ`")),
            };
        }
        match TimeZone::get(name) {
            Ok(zone) => Ok(Self { name: zone.iana_name().unwrap_or(name).into(), zone }),
            Err(_) => Err(unknown(name)),
        }
    }

    /// The name: `UTC`, `local`, or the name in the IANA time zone database.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The rules of the zone.
    #[must_use]
    pub fn time_zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The instant that is meant by `moment`: what its offset says, or what the clock of this zone shows. A time that the clock skips is
    /// the end of the gap, and one that it shows twice is the first.
    #[must_use]
    pub fn instant(&self, moment: &Moment) -> Timestamp {
        let Moment { year, month, day, hour, minute, second, offset } = *moment;
        // `Moment::parse` makes no other; one made by hand may be no date, and then it is the epoch.
        let shown = DateTime::new(year, month, day, hour, minute, second, 0).unwrap_or_default();
        let wall = Offset::UTC.to_timestamp(shown).unwrap_or_default().as_second();
        timestamp(match offset {
            Some(offset) => wall - i64::from(offset),
            None => self.first_reaching(Wall(wall)),
        })
    }

    /// What the wall clock shows at `second` of the Unix epoch.
    pub(super) fn wall(&self, second: i64) -> Wall {
        Wall(second + self.offset(second))
    }

    /// The offset at which the wall clock shows `wall`, if it shows it exactly once.
    pub(super) fn sole_offset(&self, wall: Wall) -> Option<i64> {
        match self.offsets(wall) {
            AmbiguousOffset::Unambiguous { offset } => Some(i64::from(offset.seconds())),
            _ => None,
        }
    }

    /// The first second at which the wall clock has reached `wall`: of two the earlier, and the end of the gap for a time
    /// that the clock jumps over.
    pub(super) fn first_reaching(&self, wall: Wall) -> i64 {
        let at = |offset: Offset| wall.0 - i64::from(offset.seconds());
        match self.offsets(wall) {
            AmbiguousOffset::Unambiguous { offset } => at(offset),
            AmbiguousOffset::Fold { before, .. } => at(before),
            AmbiguousOffset::Gap { before, after } => self
                .zone
                .following(timestamp(at(after)))
                .map(|change| change.timestamp().as_second())
                .take_while(|change| *change <= at(before))
                .find(|change| self.wall(*change) >= wall)
                .unwrap_or(at(before)),
        }
    }

    /// The latest time that the wall clock has shown up to `second`. While a clock that was set back shows an hour again,
    /// this is the end of that hour.
    pub(super) fn farthest_wall(&self, second: i64) -> Wall {
        let now = self.wall(second);
        if self.sole_offset(now).is_some() {
            return now;
        }
        self.zone
            .preceding(timestamp(second + 1))
            .map(|change| change.timestamp().as_second())
            .take_while(|change| *change > second - DAY_AND_MORE)
            .map(|change| self.wall(change - 1))
            .fold(now, Wall::max)
    }

    /// The stretch in which `second` lies.
    pub(super) fn stretch(&self, second: i64) -> Stretch {
        let before = self.zone.preceding(timestamp(second + 1)).next();
        let after = self.zone.following(timestamp(second)).next();
        Stretch {
            start: before.map_or(i64::MIN, |change| change.timestamp().as_second()),
            end: after.map_or(i64::MAX, |change| change.timestamp().as_second()),
            offset: self.offset(second),
        }
    }

    fn offset(&self, second: i64) -> i64 {
        self.zone.to_offset(timestamp(second)).seconds().into()
    }

    fn offsets(&self, wall: Wall) -> AmbiguousOffset {
        let shown = Offset::UTC.to_datetime(timestamp(wall.0));
        self.zone.to_ambiguous_timestamp(shown).offset()
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self::utc()
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The nearest instant that has a name in the calendar.
fn timestamp(second: i64) -> Timestamp {
    let (first, last) = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
    Timestamp::from_second(second.clamp(first, last)).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn unknown(name: &str) -> TextError {
    let known: Vec<_> = jiff::tz::db().available().collect();
    let known = || known.iter().map(jiff::tz::TimeZoneName::as_str);
    let city = |zone: &&str| zone.rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(name));
    let help = "write an IANA name such as `Europe/Berlin`, or `UTC`, or `local`";
    let error = TextError::new(0..name.len(), format!("unknown time zone `{}`", shown(name)));
    error.with_help(match known().find(city).or_else(|| did_you_mean(name, known())) {
        Some(near) => format!("did you mean `{near}`? {help}"),
        None => help.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::Zone;

    #[test]
    fn names_are_found_in_any_case() {
        for (written, name) in
            [("UTC", "UTC"), ("utc", "UTC"), ("Europe/Berlin", "Europe/Berlin"), ("america/new_york", "America/New_York")]
        {
            assert_eq!(Zone::parse(written).unwrap().name(), name);
        }
        assert_eq!(Zone::default(), Zone::utc());
        assert_eq!(Zone::parse("local").map(|zone| zone.to_string()).as_deref(), Ok("local"));
    }

    #[test]
    fn an_unknown_name_gets_the_nearest_one() {
        for (written, near) in [
            ("Europe/Berlni", "did you mean `Europe/Berlin`?"),
            ("Berlin", "did you mean `Europe/Berlin`?"),
            ("Amerika/New_York", "did you mean `America/New_York`?"),
            ("+02:00", "write an IANA name"),
            ("Moon/Tycho_Crater", "write an IANA name"),
            ("", "write an IANA name"),
            (&"x/".repeat(5_000), "write an IANA name"),
        ] {
            let error = Zone::parse(written).unwrap_err();
            assert!(error.message.starts_with("unknown time zone") && error.message.len() < 80, "{error}");
            assert!(error.help.as_ref().unwrap().starts_with(near), "{error}");
            assert_eq!(error.span, 0..written.len());
        }
    }
}
