//! From wall-clock times to ticks when clocks change, by the rules of cronie (Vixie cron): a job at fixed times runs once
//! for each of its times, a job at intervals runs whenever the wall clock matches.
//!
//! All instants here are whole seconds of the Unix epoch. A search is stateless, and its result lies strictly after its
//! start (`next`) or not after it (`latest`), whatever the zone data say.

use super::calendar::{Calendar, Wall};
use super::zone::Zone;

/// Two days around the years 1970 to 2099, whose wall clocks lie at most 26 hours from UTC.
const FIRST: i64 = -2 * 86_400;
const LAST: i64 = 4_102_444_800 + 2 * 86_400;

/// Brings an instant near the years that have ticks, so that no search walks through centuries.
pub(super) fn clamp(second: i64) -> i64 {
    second.clamp(FIRST, LAST)
}

/// A job at fixed times: each time runs at the first instant at which the wall clock has reached it. That is the earlier
/// one of a repeated time, and the end of the gap for a skipped time; all the times of one gap are one tick.
pub(super) mod fixed {
    use super::{Calendar, Zone};

    pub(in super::super) fn next(calendar: &Calendar, zone: &Zone, after: i64) -> Option<i64> {
        let mut wall = zone.farthest_wall(after);
        loop {
            wall = calendar.next_after(wall)?;
            let tick = zone.first_reaching(wall);
            if tick > after {
                return Some(tick);
            }
        }
    }

    pub(in super::super) fn latest(calendar: &Calendar, zone: &Zone, at: i64) -> Option<i64> {
        let mut wall = zone.farthest_wall(at);
        loop {
            wall = calendar.latest_at(wall)?;
            let tick = zone.first_reaching(wall);
            if tick <= at {
                return Some(tick);
            }
            wall.0 -= 1;
        }
    }
}

/// A job at intervals: every instant at which the wall clock matches. A repeated hour has its ticks twice, a skipped hour
/// has none.
///
/// Times that the wall clock shows once need no look at the zone's changes; the others are searched stretch by stretch.
pub(super) mod interval {
    use super::{Calendar, FIRST, LAST, Wall, Zone};

    pub(in super::super) fn next(calendar: &Calendar, zone: &Zone, after: i64) -> Option<i64> {
        let wall = zone.wall(after);
        if zone.sole_offset(wall).is_some() {
            let next = calendar.next_after(wall)?;
            let tick = zone.sole_offset(next).map(|offset| next.0 - offset);
            if tick.is_some_and(|tick| tick > after) {
                return tick;
            }
        }
        let mut from = after;
        let mut stretch = zone.stretch(after);
        loop {
            let next = calendar.next_after(Wall(from + stretch.offset));
            let tick = next.map(|next| next.0 - stretch.offset);
            if tick.is_some_and(|tick| tick < stretch.end) {
                return tick;
            }
            if stretch.end > LAST {
                return None;
            }
            from = stretch.end - 1;
            stretch = zone.stretch(stretch.end);
        }
    }

    pub(in super::super) fn latest(calendar: &Calendar, zone: &Zone, at: i64) -> Option<i64> {
        let wall = zone.wall(at);
        if zone.sole_offset(wall).is_some() {
            let last = calendar.latest_at(wall)?;
            let tick = zone.sole_offset(last).map(|offset| last.0 - offset);
            if tick.is_some_and(|tick| tick <= at) {
                return tick;
            }
        }
        let mut from = at;
        loop {
            let stretch = zone.stretch(from);
            let last = calendar.latest_at(Wall(from + stretch.offset));
            let tick = last.map(|last| last.0 - stretch.offset);
            if tick.is_some_and(|tick| tick >= stretch.start) {
                return tick;
            }
            if stretch.start < FIRST {
                return None;
            }
            from = stretch.start - 1;
        }
    }
}
