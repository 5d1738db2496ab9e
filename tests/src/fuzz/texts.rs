//! The short texts that people write into attributes and settings: each is read, or refused with the place of its mistake.

use std::str::FromStr;

use jiff::Timestamp;
use jobs_core::schedule::{CronExpr, Schedule, Spec, Zone};
use jobs_core::text::TextError;
use jobs_core::{Backoff, JobId, State, duration, name};
use proptest::prelude::*;
use proptest::sample::select;

use super::mutate::texts;
use super::{Chunk, Found, ensure, is_plain};

/// The longest message about a short text, in bytes.
const MESSAGE: usize = 500;

/// A mistake stands inside of the text, and what is said of it can be shown.
fn is_clear(text: &str, error: &TextError) -> Result<(), String> {
    ensure(text.get(error.span.clone()).is_some(), || format!("{:?} is no place in the text", error.span))?;
    is_plain(&error.to_string(), MESSAGE)?;
    let drawn = error.render(text);
    ensure(drawn.lines().count() <= 4 && drawn.len() < 4 * MESSAGE, || format!("it is drawn as {drawn:?}"))
}

const CRON: &[&str] = &[
    "* * * * *",
    "0 2 * * *",
    "*/15 9-17 * * MON-FRI",
    "30 0 9 * * 1-5",
    "0,15,30,45 */20 1-31/7 jan-dec SUN",
    "0 0 29 2 *",
    "0 0 31 4,6 5",
    "@daily",
    "@hourly",
    "@once",
    "5 4 * * 0-7",
];

const ZONES: &[&str] = &["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Pacific/Apia"];

pub(super) fn cron(chunk: &Chunk) -> Result<(), Found> {
    let inputs = (texts(CRON), select(ZONES), prop_oneof![9 => 0_i64..4_102_444_800, 1 => any::<i64>()]);
    chunk.check(inputs, |(text, zone, second)| {
        let spec = match Spec::parse_cron(&text) {
            Err(error) => return is_clear(&text, &error),
            Ok(spec) => spec,
        };
        ensure(Spec::parse_cron(&spec.to_string()) == Ok(spec), || format!("`{spec}` does not read back"))?;
        if let Ok(expression) = CronExpr::parse(&text) {
            ensure(CronExpr::parse(&expression.to_string()) == Ok(expression), || format!("`{expression}` does not read back"))?;
        }
        let schedule = Schedule::new(&spec, Zone::parse(zone).map_err(|error| error.to_string())?);
        let mut last = Timestamp::from_second(second).unwrap_or(Timestamp::MAX);
        let began = last;
        for _ in 0..5 {
            let Some(tick) = schedule.next_after(last) else { break };
            ensure(tick > last, || format!("after {last} comes {tick}"))?;
            ensure(schedule.latest_at(tick) == Some(tick), || format!("{tick} is no tick at {tick}"))?;
            last = tick;
        }
        let counted = schedule.count_between(began, last, 5);
        ensure(last == began || counted >= 1, || format!("{counted} ticks between {began} and {last}"))
    })
}

const DURATIONS: &[&str] = &["30s", "500ms", "1h30m", "1h 30m", "1d", "2w", "90m", "7us8ns", "0s", "36500d", "366d", "10 m"];

pub(super) fn duration(chunk: &Chunk) -> Result<(), Found> {
    chunk.check(texts(DURATIONS), |text| {
        match duration::parse(&text) {
            Err(error) => is_clear(&text, &error)?,
            Ok(length) => {
                ensure(length <= duration::MAX, || format!("{length:?} is too long"))?;
                let short = duration::format(length);
                ensure(duration::parse(&short) == Ok(length), || format!("`{short}` does not read back"))?;
            }
        }
        match Spec::parse_every(&text) {
            Err(error) => is_clear(&text, &error),
            Ok(spec) => ensure(Spec::parse_every(&spec.to_string()) == Ok(spec), || format!("`{spec}` does not read back")),
        }
    })
}

const BACKOFFS: &[&str] = &["exponential 10s to 6h", "linear 30s to 1h", "fixed 30s", "1m, 5m, 15m", "30s", "fixed 0s"];

pub(super) fn backoff(chunk: &Chunk) -> Result<(), Found> {
    let inputs = (texts(BACKOFFS), any::<u32>(), prop_oneof![0.0_f64..1.0, any::<f64>()]);
    chunk.check(inputs, |(text, failures, chance)| {
        let backoff = match Backoff::parse(&text) {
            Err(error) => return is_clear(&text, &error),
            Ok(backoff) => backoff,
        };
        let shown = backoff.to_string();
        ensure(Backoff::parse(&shown) == Ok(backoff.clone()), || format!("`{shown}` does not read back"))?;
        let wait = backoff.delay(failures, chance);
        ensure(wait <= duration::MAX, || format!("after {failures} failures it waits {wait:?}"))
    })
}

const NAMES: &[&str] = &["send_email", "a", "_", "0", "billing/invoices:v2.1-eu", "mail", "default"];

pub(super) fn name(chunk: &Chunk) -> Result<(), Found> {
    chunk.check(texts(NAMES), |text| {
        if let Err(error) = name::check("queue", &text) {
            return is_clear(&text, &error);
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_-.:/".contains(c);
        ensure(!text.is_empty() && text.len() <= name::MAX_BYTES && text.chars().all(allowed), || "it is no name".to_owned())
    })
}

pub(super) fn zone(chunk: &Chunk) -> Result<(), Found> {
    chunk.check(texts(&["UTC", "Europe/Berlin", "america/new_york", "local", "Etc/GMT+5", "Asia/Kolkata"]), |text| {
        match Zone::parse(&text) {
            Err(error) => is_clear(&text, &error),
            Ok(zone) => {
                let again = Zone::parse(zone.name()).map(|zone| zone.name().to_owned());
                ensure(again.as_deref() == Ok(zone.name()), || format!("`{}` does not read back", zone.name()))
            }
        }
    })
}

pub(super) fn id(chunk: &Chunk) -> Result<(), Found> {
    const IDS: &[&str] = &["019b8e0a-7c00-7000-8000-000000000001", "019b8e0a7c0070008000000000000001", "available", "retryable"];
    chunk.check(texts(IDS), |text| {
        if let Ok(id) = JobId::from_str(&text) {
            ensure(JobId::from_str(&id.to_string()) == Ok(id), || format!("{id} does not read back"))?;
        }
        match State::from_str(&text) {
            Ok(state) => ensure(state.as_str() == text, || format!("{state:?} is written otherwise")),
            Err(error) => is_plain(&error.to_string(), MESSAGE),
        }
    })
}
