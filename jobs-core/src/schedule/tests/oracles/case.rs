//! One question to both sides: the next ticks of a text, in a zone, after an instant.

use std::fmt;
use std::ops::Range;

use jiff::Timestamp;
use jiff::tz::Offset;
use proptest::prelude::*;

use crate::schedule::cron::CronExpr;
use crate::schedule::cron::tests::any_cron;
use crate::schedule::tests::random::{night_cron, written_cron, zone_and_change};
use crate::schedule::{Schedule, Spec, Zone};

/// How many ticks are compared.
pub(super) const TICKS: usize = 6;

/// From 1970 through 2099 on the wall: our ticks lie there.
pub(super) const YEARS: Range<i64> = 0..4_102_444_800;

const TWO_DAYS: i64 = 2 * 86_400;

#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) text: String,
    pub(super) zone: Zone,
    /// In seconds of the Unix epoch.
    pub(super) after: i64,
}

impl Case {
    pub(super) fn new(text: &str, zone: &str, after: &str) -> Self {
        let after: Timestamp = after.parse().unwrap();
        Self { text: text.into(), zone: Zone::parse(zone).unwrap(), after: after.as_second() }
    }

    pub(super) fn expr(&self) -> CronExpr {
        CronExpr::parse(&self.text).unwrap_or_else(|error| panic!("{}", error.render(&self.text)))
    }

    /// Our ticks.
    pub(super) fn ticks(&self) -> Vec<i64> {
        let schedule = Schedule::new(&Spec::Cron(self.expr()), self.zone.clone());
        collect(self.after, |after| schedule.next_after(instant(after)).map(Timestamp::as_second))
    }

    /// The fields of the text, with those of a nickname in its place.
    pub(super) fn fields(&self) -> Vec<String> {
        let text = match self.text.to_ascii_lowercase().as_str() {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            _ => &self.text,
        };
        text.split_whitespace().map(str::to_owned).collect()
    }

    /// Whether neither the minutes nor the hours, as they are written, begin with `*`.
    pub(super) fn is_fixed(&self) -> bool {
        let fields = self.fields();
        fields[fields.len() - 5..fields.len() - 3].iter().all(|field| !field.starts_with('*'))
    }

    /// `ticks` as the clock of the zone shows them.
    pub(super) fn shown(&self, ticks: &[i64]) -> Vec<String> {
        let zone = self.zone.time_zone();
        ticks.iter().map(|tick| instant(*tick).to_zoned(zone.clone()).strftime("%F %T %:z").to_string()).collect()
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { text, zone, after } = self;
        write!(f, "`{text}` in {zone} after {} ({})", instant(*after), self.shown(&[*after])[0])
    }
}

pub(super) fn instant(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// The first [`TICKS`] answers of `next`, each asked for after the one before.
pub(super) fn collect(after: i64, mut next: impl FnMut(i64) -> Option<i64>) -> Vec<i64> {
    let mut after = after;
    std::iter::from_fn(|| next(after).inspect(|tick| after = *tick)).take(TICKS).collect()
}

/// Text whose times and days are those of a change of the clock, as the wall shows them: minute, hour, day of the month, month (`O`) and
/// weekday stand in the places of the letters.
const AIMED: [&str; 16] = [
    "M H * * *",
    "M H * * W",
    "M H D * *",
    "M H D O *",
    "M H D * W",
    "M,30 H * * *",
    "M H,4 * * W",
    "M H,12 D * *",
    "0,M H-23 * * W",
    "M-59/10 0-H * * *",
    "*/15 H * * W",
    "M * D * *",
    "* H * * *",
    "M */2 * O *",
    "*/20 M H * * *",
    "0 M H * O W",
];

fn aimed_cron(form: &str, zone: &Zone, change: i64, minutes: i64) -> String {
    let wall = Offset::UTC.to_datetime(instant(zone.wall(change - 1).0 + minutes * 60));
    let values = [
        ('M', wall.minute()),
        ('H', wall.hour()),
        ('D', wall.day()),
        ('O', wall.month()),
        ('W', wall.weekday().to_sunday_zero_offset()),
    ];
    values.iter().fold(form.to_owned(), |text, (letter, value)| text.replace(*letter, &value.to_string()))
}

/// Any text that we accept, in any of the zones. More than half of the instants lie within two days of a change of the clock, and half of
/// these within three hours; a third of the texts are aimed at that change.
pub(super) fn any_case() -> impl Strategy<Value = Case> {
    let text = prop_oneof![2 => night_cron().boxed(), 2 => written_cron().boxed(), 1 => any_cron().boxed()]
        .prop_filter("refused", |text| CronExpr::parse(text).is_ok());
    let aimed = prop::option::weighted(0.33, (prop::sample::select(AIMED.to_vec()), -100..100_i64));
    let near = prop_oneof![1 => -10_800..=10_800_i64, 1 => -TWO_DAYS..=TWO_DAYS, 1 => -20_000_000..=20_000_000_i64];
    (text, aimed, zone_and_change(), near).prop_map(|(text, aimed, (zone, change), near)| {
        let aimed = aimed.map(|(form, minutes)| aimed_cron(form, &zone, change, minutes));
        Case { text: aimed.unwrap_or(text), zone, after: change + near }
    })
}
