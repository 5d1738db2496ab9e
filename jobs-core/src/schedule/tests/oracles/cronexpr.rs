//! The crate cronexpr, which has five fields and stands on jiff. Its steps are in `walk`, and those that go round for ever in `endless`.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use proptest::strategy::Strategy;

use super::case::{Case, any_case, collect, instant};
use super::difference::Difference::{
    self, AllFollowTheWall, GivesUpAfterFourYears, GoesBeyondOurYears, NeverEnds, RefusesAFullStep, RefusesARangeUpToSunday,
    RefusesNicknames, StepsOverOddChanges,
};
use super::walk::{Walk, four_years_after, odd_change, walk};
use super::{Example, Oracle};
use crate::schedule::calendar::Calendar;
use crate::schedule::clock::{fixed, interval};

struct Cronexpr;

/// How long an answer is waited for that should come at once.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

impl Oracle for Cronexpr {
    const DIFFERENCES: &'static [Difference] = &[AllFollowTheWall, StepsOverOddChanges, NeverEnds, GivesUpAfterFourYears];

    /// It is not asked where its walk never ends. Should it not end elsewhere, the thread that asks is left behind, and the test fails.
    fn ticks(case: &Case) -> Option<Vec<i64>> {
        let Case { text, zone, after } = case.clone();
        let cron = cronexpr::parse_crontab(&format!("{text} {zone}")).ok()?;
        let expr = case.expr();
        let (answer, answers) = mpsc::channel();
        let asking = move || {
            let ticks = collect(after, |after| {
                if walk(&expr, zone.time_zone(), after) == Walk::NeverEnds {
                    return None;
                }
                cron.find_next(instant(after)).ok().map(|next| next.timestamp().as_second())
            });
            let _ = answer.send(ticks);
        };
        thread::spawn(asking);
        Some(answers.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("{case}: no answer, and none of our rules says so")))
    }

    fn refusal(case: &Case) -> Option<Difference> {
        if case.text.starts_with('@') {
            return Some(RefusesNicknames);
        }
        let items = |at: usize| case.fields()[at].split(',').map(str::to_ascii_uppercase).collect::<Vec<_>>();
        let full_step = |at: usize, step: &str| items(at).iter().any(|item| item.ends_with(step));
        if full_step(0, "/60") || full_step(1, "/24") {
            return Some(RefusesAFullStep);
        }
        let up_to_sunday = |item: &String| item.ends_with("-SUN") && !["SUN-SUN", "0-SUN"].contains(&item.as_str());
        items(4).iter().any(up_to_sunday).then_some(RefusesARangeUpToSunday)
    }

    fn recomputed(case: &Case, differences: &[Difference]) -> Vec<i64> {
        let (expr, zone) = (case.expr(), &case.zone);
        let calendar = Calendar::new(&expr);
        let with = |difference| differences.contains(&difference);
        let wall_only = !case.is_fixed() || with(AllFollowTheWall);
        collect(case.after, |after| {
            let next = if wall_only { interval::next(&calendar, zone, after) } else { fixed::next(&calendar, zone, after) };
            let bound = four_years_after(zone.time_zone(), after).timestamp();
            let far = next.is_none_or(|next| instant(next) > bound);
            let odd = odd_change(zone.time_zone(), after, next);
            match walk(&expr, zone.time_zone(), after) {
                Walk::Found(tick) if odd && with(StepsOverOddChanges) => Some(tick),
                Walk::NeverEnds if odd && with(NeverEnds) => None,
                Walk::GivesUp if with(GivesUpAfterFourYears) && (far || odd && with(StepsOverOddChanges)) => None,
                _ => next,
            }
        })
    }
}

#[test]
fn cronexpr_differs_only_as_explained() {
    let five_fields = |mut case: Case| {
        let fields = case.fields();
        if fields.len() == 6 {
            case.text = fields[1..].join(" ");
        }
        case
    };
    super::compare::<Cronexpr>("cronexpr", 3_000, any_case().prop_map(five_fields), AllFollowTheWall);
}

#[test]
fn each_difference_of_cronexpr_has_an_example() {
    let others = [RefusesNicknames, RefusesAFullStep, RefusesARangeUpToSunday, GoesBeyondOurYears];
    super::check::<Cronexpr>(&[Cronexpr::DIFFERENCES, &others].concat(), EXAMPLES);
}

const EXAMPLES: &[Example] = &[
    (RefusesNicknames, "@daily", "UTC", "2027-01-01T00:00:00Z", &["2027-01-02 00:00:00 +00:00"], &[]),
    (RefusesAFullStep, "*/60 * * * *", "UTC", "2027-01-01T00:00:00Z", &["2027-01-01 01:00:00 +00:00"], &[]),
    (RefusesARangeUpToSunday, "0 0 * * FRI-SUN", "UTC", "2027-01-01T00:00:00Z", &["2027-01-02 00:00:00 +00:00"], &[]),
    (
        AllFollowTheWall,
        "30 2 * * *",
        "Europe/Berlin",
        "2026-03-28T12:00:00+01:00",
        &["2026-03-29 03:00:00 +02:00", "2026-03-30 02:30:00 +02:00"],
        &["2026-03-30 02:30:00 +02:00"],
    ),
    (
        AllFollowTheWall,
        "30 1 * * *",
        "America/New_York",
        "2026-11-01T00:00:00-04:00",
        &["2026-11-01 01:30:00 -04:00", "2026-11-02 01:30:00 -05:00"],
        &["2026-11-01 01:30:00 -04:00", "2026-11-01 01:30:00 -05:00", "2026-11-02 01:30:00 -05:00"],
    ),
    (
        StepsOverOddChanges,
        "*/15 3 * * SUN",
        "Pacific/Chatham",
        "2025-09-27T00:00:00Z",
        &["2025-09-28 03:45:00 +13:45", "2025-10-05 03:00:00 +13:45"],
        &["2025-10-05 03:00:00 +13:45"],
    ),
    (
        StepsOverOddChanges,
        "59 22 * * SAT",
        "America/Nuuk",
        "2025-03-28T23:58:59-02:00",
        &["2025-03-29 22:59:00 -02:00", "2025-04-05 22:59:00 -01:00"],
        &["2025-04-05 22:59:00 -01:00"],
    ),
    (
        StepsOverOddChanges,
        "59 1 * * FRI",
        "Antarctica/Casey",
        "2010-03-04T23:00:00+08:00",
        &["2010-03-12 01:59:00 +08:00"],
        &["2010-03-05 01:59:00 +11:00", "2010-03-05 01:59:00 +11:00"],
    ),
    (
        NeverEnds,
        "30 2 * * *",
        "Australia/Lord_Howe",
        "2026-04-04T00:00:00+11:00",
        &["2026-04-04 02:30:00 +11:00", "2026-04-05 02:30:00 +10:30", "2026-04-06 02:30:00 +10:30"],
        &["2026-04-04 02:30:00 +11:00"],
    ),
    (
        GivesUpAfterFourYears,
        "0 0 29 2 */7",
        "UTC",
        "2027-01-01T00:00:00Z",
        &["2032-02-29 00:00:00 +00:00", "2060-02-29 00:00:00 +00:00"],
        &[],
    ),
    (
        GoesBeyondOurYears,
        "0 0 1 1 *",
        "UTC",
        "2098-06-01T00:00:00Z",
        &["2099-01-01 00:00:00 +00:00"],
        &["2099-01-01 00:00:00 +00:00", "2100-01-01 00:00:00 +00:00"],
    ),
];
