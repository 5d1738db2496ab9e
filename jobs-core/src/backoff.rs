//! How long a failed job waits before its next attempt: the shapes, their text, and the arithmetic that cannot overflow.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::time::Duration;

use crate::duration;
use crate::text::{TextError, did_you_mean, shown};

const MAX_BYTES: usize = 4096;
const MAX_LIST: usize = 100;
/// The longest wait of a growing backoff whose text names no limit.
const DEFAULT_MAX: Duration = Duration::from_secs(6 * 3600);
const SHAPES: [&str; 3] = ["exponential", "linear", "fixed"];
const FORMS: &str = "write `exponential 10s to 6h`, `linear 30s to 1h`, `fixed 30s` or a list such as `1m, 5m, 15m`";

/// How long a failed job waits before its next attempt.
///
/// The text form, read by [`parse`](Self::parse) and written by `Display`, is `exponential 10s to 6h`, `linear 30s to 1h`,
/// `fixed 30s` or a list such as `1m, 5m, 15m`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Backoff {
    /// After the n-th failure a random time below `base * 2^(n-1)`, and below `max`: full jitter, so that jobs that failed
    /// together do not come back together.
    Exponential {
        /// The upper bound after the first failure.
        base: Duration,
        /// The upper bound after any number of failures.
        max: Duration,
    },
    /// After the n-th failure exactly `step * n`, at most `max`.
    Linear {
        /// The wait after the first failure, and what each further failure adds.
        step: Duration,
        /// The longest wait.
        max: Duration,
    },
    /// The same wait after every failure.
    Fixed(Duration),
    /// After the n-th failure the n-th wait; the last one repeats. An empty list does not wait.
    List(Cow<'static, [Duration]>),
}

impl Backoff {
    /// What a job has that says nothing: exponential from 10 seconds to 6 hours.
    pub const DEFAULT: Self = Self::Exponential { base: Duration::from_secs(10), max: DEFAULT_MAX };

    /// Reads a backoff.
    ///
    /// - `exponential`, `exponential 5s`, `exponential 5s to 1h`: without `to` the limit is 6 hours, without anything this is
    ///   [`DEFAULT`](Self::DEFAULT).
    /// - `linear 30s`, `linear 30s to 1h`: without `to` the limit is 6 hours.
    /// - `fixed 30s`.
    /// - `1m, 5m, 15m`: 1 to 100 waits, the last one repeats.
    ///
    /// # Errors
    ///
    /// An unknown word, a wrong duration (see [`duration::parse`]), a limit below the first wait, too many waits.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        if text.len() > MAX_BYTES {
            let message = format!("backoff has {} bytes, the limit is {MAX_BYTES}", text.len());
            return Err(TextError::new(0..text.len(), message));
        }
        let start = text.len() - text.trim_ascii_start().len();
        let word = text[start..].split_ascii_whitespace().next().unwrap_or_default();
        let rest = start + word.len()..text.len();
        match word {
            "" => Err(TextError::new(0..text.len(), "backoff is empty").with_help(FORMS)),
            "exponential" if text[rest.clone()].trim_ascii().is_empty() => Ok(Self::DEFAULT),
            "exponential" => growing(text, rest).map(|(base, max)| Self::Exponential { base, max }),
            "linear" => growing(text, rest).map(|(step, max)| Self::Linear { step, max }),
            "fixed" => wait(text, rest).map(Self::Fixed),
            _ if word.starts_with(char::is_alphabetic) => Err(unknown_shape(start..rest.start, word)),
            _ => list(text),
        }
    }

    /// The wait before the next attempt.
    ///
    /// `failures` counts the attempts that failed, from 1 (0 counts as 1). `chance` is a random number in `[0, 1)`; only
    /// [`Exponential`](Self::Exponential) uses it.
    #[must_use]
    pub fn delay(&self, failures: u32, chance: f64) -> Duration {
        let failures = failures.max(1);
        match self {
            Self::Exponential { base, max } => portion(doubled(*base, failures - 1, *max), chance),
            Self::Linear { step, max } => step.saturating_mul(failures).min(*max),
            Self::Fixed(wait) => *wait,
            Self::List(waits) => {
                let nth = usize::try_from(failures - 1).unwrap_or(usize::MAX);
                waits.get(nth).or(waits.last()).copied().unwrap_or_default()
            }
        }
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The text that [`Backoff::parse`] reads back, for every backoff within its limits.
impl fmt::Display for Backoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = duration::format;
        match self {
            Self::Exponential { base, max } => {
                write!(f, "exponential {} to {}", text(*base), text(*max))
            }
            Self::Linear { step, max } => write!(f, "linear {} to {}", text(*step), text(*max)),
            Self::Fixed(wait) => write!(f, "fixed {}", text(*wait)),
            Self::List(waits) => {
                let waits: Vec<String> = waits.iter().copied().map(text).collect();
                f.write_str(&waits.join(", "))
            }
        }
    }
}

/// `base * 2^times`, at most `max`.
fn doubled(base: Duration, times: u32, max: Duration) -> Duration {
    let mut wait = base;
    // One nanosecond doubled 128 times is beyond every duration.
    for _ in 0..times.min(128) {
        if wait >= max {
            break;
        }
        wait = wait.saturating_mul(2);
    }
    wait.min(max)
}

fn portion(whole: Duration, chance: f64) -> Duration {
    let chance = if chance > 0.0 { chance.min(1.0) } else { 0.0 };
    Duration::try_from_secs_f64(whole.as_secs_f64() * chance).map_or(whole, |part| part.min(whole))
}

/// Reads `5s` or `5s to 1h` in `span`: the first wait and the limit.
fn growing(text: &str, span: Range<usize>) -> Result<(Duration, Duration), TextError> {
    let Some(to) = find_word(text, span.clone(), "to") else {
        let first = wait(text, span.clone())?;
        if first > DEFAULT_MAX {
            return Err(TextError::new(
                trimmed(text, span),
                "first wait is longer than the limit of 6h that holds when none is written",
            )
            .with_help("write the limit too, such as `12h to 24h`"));
        }
        return Ok((first, DEFAULT_MAX));
    };
    let first = wait(text, span.start..to)?;
    let limit = to + "to".len()..span.end;
    let max = wait(text, limit.clone())?;
    if max < first {
        let message = format!("limit {} is shorter than the first wait of {}", duration::format(max), duration::format(first));
        return Err(TextError::new(trimmed(text, limit), message).with_help("write the shorter one first"));
    }
    Ok((first, max))
}

fn list(text: &str) -> Result<Backoff, TextError> {
    let mut waits = Vec::new();
    let mut start = 0;
    for item in text.split(',') {
        let span = start..start + item.len();
        if waits.len() == MAX_LIST {
            return Err(TextError::new(span.start..text.len(), format!("backoff has more than {MAX_LIST} waits"))
                .with_help("the last one repeats"));
        }
        start = span.end + 1;
        waits.push(wait(text, span)?);
    }
    Ok(Backoff::List(Cow::Owned(waits)))
}

fn wait(text: &str, span: Range<usize>) -> Result<Duration, TextError> {
    let span = trimmed(text, span);
    if span.is_empty() {
        return Err(TextError::new(span, "backoff has a wait missing here").with_help("write one, such as `30s`"));
    }
    duration::parse(&text[span.clone()]).map_err(|error| error.shifted(span.start))
}

fn unknown_shape(span: Range<usize>, word: &str) -> TextError {
    let help = match did_you_mean(word, SHAPES.into_iter()) {
        Some(shape) => format!("did you mean `{shape}`? {FORMS}"),
        None => FORMS.to_owned(),
    };
    let shown = shown(word);
    TextError::new(span, format!("unknown backoff `{shown}`")).with_help(help)
}

/// Where `wanted` stands as a word of its own in `span`.
fn find_word(text: &str, span: Range<usize>, wanted: &str) -> Option<usize> {
    let part = &text[span.clone()];
    let alone = |at: usize| {
        let before = part[..at].chars().next_back();
        let after = part[at + wanted.len()..].chars().next();
        before.is_none_or(|c| c.is_ascii_whitespace()) && after.is_none_or(|c| c.is_ascii_whitespace())
    };
    part.match_indices(wanted).find(|(at, _)| alone(*at)).map(|(at, _)| span.start + at)
}

fn trimmed(text: &str, span: Range<usize>) -> Range<usize> {
    let part = &text[span.clone()];
    let start = span.start + (part.len() - part.trim_ascii_start().len());
    start..start.max(span.start + part.trim_ascii_end().len())
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::Backoff;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn texts_mean_what_they_say() {
        for (text, backoff) in [
            ("exponential", Backoff::DEFAULT),
            (" exponential  5s ", Backoff::Exponential { base: s(5), max: s(21_600) }),
            ("exponential 5s to 1h", Backoff::Exponential { base: s(5), max: s(3_600) }),
            ("exponential 1h 30m  to  2h", Backoff::Exponential { base: s(5_400), max: s(7_200) }),
            ("linear 30s", Backoff::Linear { step: s(30), max: s(21_600) }),
            ("linear 30s to 1h", Backoff::Linear { step: s(30), max: s(3_600) }),
            ("fixed 30s", Backoff::Fixed(s(30))),
            ("fixed 0s", Backoff::Fixed(s(0))),
            ("1m, 5m,15m", Backoff::List(Cow::Owned(vec![s(60), s(300), s(900)]))),
            ("1m", Backoff::List(Cow::Owned(vec![s(60)]))),
        ] {
            assert_eq!(Backoff::parse(text), Ok(backoff), "{text}");
        }
    }

    #[test]
    fn each_mistake_has_its_place_and_its_advice() {
        let many = ["1s"; 101].join(",");
        for (text, marked, said) in [
            ("", "", "backoff is empty; write `exponential 10s to 6h`"),
            ("exponentail 5s", "exponentail", "unknown backoff `exponentail`; did you mean `exponential`?"),
            ("fibonacci", "fibonacci", "unknown backoff `fibonacci`; write"),
            ("linear", "", "backoff has a wait missing here"),
            ("fixed", "", "backoff has a wait missing here"),
            ("exponential 5s to", "", "backoff has a wait missing here"),
            ("exponential 5 to 1h", "5", "`5` has no unit"),
            ("linear 5s to 1hour", "hour", "unknown unit `hour`; did you mean `h`?"),
            ("linear 1h to 5m", "5m", "limit 5m is shorter than the first wait of 1h"),
            ("exponential 12h", "12h", "first wait is longer than the limit of 6h"),
            ("1m, , 5m", "", "backoff has a wait missing here"),
            ("1m, 5x", "x", "unknown unit `x`"),
            (&many, "1s", "backoff has more than 100 waits"),
        ] {
            let error = Backoff::parse(text).unwrap_err();
            assert!(error.to_string().starts_with(said), "{text}: {error}");
            assert_eq!(&text[error.span], marked, "{text}");
        }
    }

    #[test]
    fn exponential_doubles_up_to_its_limit() {
        let almost_one = 1.0 - f64::EPSILON;
        for (failures, seconds) in [(0, 10), (1, 10), (2, 20), (3, 40), (12, 20_480), (13, 21_600), (u32::MAX, 21_600)] {
            let delay = Backoff::DEFAULT.delay(failures, almost_one);
            assert_eq!(delay.as_secs_f64().round().to_string(), seconds.to_string());
            assert_eq!(Backoff::DEFAULT.delay(failures, 0.0), s(0));
        }
    }

    #[test]
    fn the_other_shapes_are_exact() {
        let linear = Backoff::Linear { step: s(30), max: s(100) };
        assert_eq!([1, 2, 3, 4, u32::MAX].map(|n| linear.delay(n, 0.5)), [s(30), s(60), s(90), s(100), s(100)]);
        let list = Backoff::List(Cow::Borrowed(const { &[s(60), s(300)] }));
        assert_eq!([1, 2, 3, u32::MAX].map(|n| list.delay(n, 0.5)), [s(60), s(300), s(300), s(300)]);
        assert_eq!(Backoff::Fixed(s(7)).delay(9, 0.5), s(7));
        assert_eq!(Backoff::List(Cow::Borrowed(&[])).delay(1, 0.5), s(0));
    }

    fn any_backoff() -> impl Strategy<Value = Backoff> {
        let wait = || {
            (0..=crate::duration::MAX.as_secs(), 0..1000_u64)
                .prop_map(|(s, ms)| Duration::from_millis(s * 1000 + ms).min(crate::duration::MAX))
        };
        let pair = || (wait(), wait()).prop_map(|(a, b)| (a.min(b), a.max(b)));
        prop_oneof![
            pair().prop_map(|(base, max)| Backoff::Exponential { base, max }),
            pair().prop_map(|(step, max)| Backoff::Linear { step, max }),
            wait().prop_map(Backoff::Fixed),
            prop::collection::vec(wait(), 1..=100).prop_map(|waits| Backoff::List(Cow::Owned(waits))),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn the_text_reads_back_as_the_same_backoff(backoff in any_backoff()) {
            prop_assert_eq!(Backoff::parse(&backoff.to_string()), Ok(backoff));
        }

        #[test]
        fn no_delay_is_beyond_the_limit(secs: u64, nanos in 0_u32..1_000_000_000, max: u64, failures: u32, chance in any::<f64>()) {
            let (base, max) = (Duration::new(secs, nanos), s(max));
            let exponential = Backoff::Exponential { base, max };
            let linear = Backoff::Linear { step: base, max };
            prop_assert!(exponential.delay(failures, chance) <= max);
            prop_assert!(linear.delay(failures, chance) <= max);
        }

        #[test]
        fn any_text_gives_an_answer_with_a_place_inside_it(text in "(exponential|linear|fixed|to|,| |5s|1h|9|é){0,8}|€{1000,2000}") {
            if let Err(error) = Backoff::parse(&text) {
                prop_assert!(text.get(error.span).is_some());
            }
        }
    }
}
