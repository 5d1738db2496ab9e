//! Random cron text, zones and instants for the properties and the oracles.

use std::ops::Range;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use crate::schedule::Zone;

/// Zones whose clocks change in uncommon ways, and a few in which they change as usual.
pub(super) const ZONES: [&str; 28] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Europe/Dublin",        // Winter is the time that is set back by law.
    "Australia/Lord_Howe",  // By half an hour.
    "Antarctica/Troll",     // By two hours.
    "America/Sao_Paulo",    // At midnight, to one o'clock and to eleven.
    "America/Havana",       // At midnight, and at one o'clock to midnight.
    "America/Asuncion",     // At midnight.
    "Asia/Beirut",          // At midnight.
    "Asia/Tehran",          // At midnight, half an hour from the full.
    "Africa/Cairo",         // At midnight, on and off over the years.
    "America/Nuuk",         // On Saturday evening, up to midnight.
    "America/Scoresbysund", // At midnight; its rules were replaced.
    "America/St_Johns",     // At one minute past midnight, until 2011.
    "Africa/Casablanca",    // Back for Ramadan.
    "Asia/Gaza",            // Twice more for Ramadan, until 2086.
    "Asia/Kathmandu",       // Once, by a quarter of an hour.
    "Asia/Pyongyang",       // Twice, by half an hour.
    "America/Caracas",      // Twice, by half an hour.
    "Pacific/Apia",         // Without 2011-12-30.
    "Pacific/Kwajalein",    // Without 1993-08-21.
    "Pacific/Kiritimati",   // Without 1994-12-31.
    "Pacific/Chatham",      // At a quarter to three.
    "Pacific/Easter",       // On Saturday evening.
    "Europe/Istanbul",      // At times moved by an election.
    "Europe/Lisbon",        // From one zone to another and back.
    "Antarctica/Casey",     // By three hours, and at odd times.
];

/// Text whose ticks are dense in the hours in which clocks change.
pub(super) fn night_cron() -> impl Strategy<Value = String> {
    let second = prop::sample::select(vec!["", "", "", "", "*/10 ", "0,59 ", "30-31 "]);
    let minute = prop::sample::select(vec!["*", "*/7", "*/30", "0", "30", "0,30", "10-50/20", "0-59", "59", "1,31"]);
    let hour = prop::sample::select(vec!["*", "*", "*/2", "*/3", "0", "1", "2", "2,3", "1-3", "0-23", "23,0", "2-22/4"]);
    let days =
        prop::sample::select(vec!["* * *", "* * *", "* * *", "* * SUN", "1-7 * SUN", "*/2 * SUN", "* 3,4,10,11 0,6", "31 * *"]);
    (second, minute, hour, days).prop_map(|(s, m, h, d)| format!("{s}{m} {h} {d}"))
}

/// Text as people write it: one time or a few, names, nicknames, and days of the month beside weekdays.
pub(super) fn written_cron() -> impl Strategy<Value = String> {
    let nicknames = vec!["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly", "@Daily"];
    let minute = prop_oneof![
        4 => (0..60_u8).prop_map(|minute| minute.to_string()),
        4 => prop::sample::select(vec!["0", "30", "15,45", "0-30/15", "5-5", "0-59/20", "*/60", "*/15", "*"]).prop_map(str::to_owned),
    ];
    let hour = prop_oneof![
        4 => prop::sample::select(vec!["0", "1", "2", "3", "23"]).prop_map(str::to_owned),
        1 => (0..24_u8).prop_map(|hour| hour.to_string()),
        4 => prop::sample::select(vec!["8-17", "22,23,0-3", "0-4/2", "*/24", "*/1", "3,*/4", "*,2", "*"]).prop_map(str::to_owned),
    ];
    let day =
        prop::sample::select(vec!["*", "*", "*", "1", "1-7", "8-14", "25-31", "13", "29", "30,31", "1-31/10", "*/3", "*/2,5"]);
    let month = prop::sample::select(vec!["*", "*", "*", "MAR,oct", "mar-NOV/2", "3-4,9-11", "OCT-nov", "FEB", "*/6", "APR"]);
    let weekday = prop::sample::select(vec![
        "*",
        "*",
        "*",
        "SUN",
        "0",
        "7",
        "MON-FRI",
        "sat,SUN",
        "FRI-SUN",
        "TUE-THU/2",
        "5-7",
        "0,7",
        "*/2",
        "*/7",
        "1-7/3",
        "SUN-SUN",
        "SUN-tue",
        "*,MON",
    ]);
    prop_oneof![
        1 => prop::sample::select(nicknames).prop_map(str::to_owned),
        24 => (minute, hour, day, month, weekday).prop_map(|(minute, hour, day, month, weekday)| {
            format!("{minute} {hour} {day} {month} {weekday}")
        }),
    ]
}

/// The years 1975 to 2094.
const YEARS: Range<i64> = 157_766_400..3_944_678_400;

/// A zone, and the change of its clock before a random second of 1975 to 2094, or that second where there is none.
pub(super) fn zone_and_change() -> impl Strategy<Value = (Zone, i64)> {
    (prop::sample::select(ZONES.to_vec()), YEARS).prop_map(|(name, second)| {
        let zone = Zone::parse(name).unwrap();
        let change = change_before(zone.time_zone(), second).filter(|change| YEARS.contains(change));
        (zone, change.unwrap_or(second))
    })
}

fn change_before(zone: &TimeZone, second: i64) -> Option<i64> {
    let from = Timestamp::from_second(second).unwrap();
    zone.preceding(from).next().map(|change| change.timestamp().as_second())
}
