//! What becomes of a tick that nobody fired in time, of one that comes while the last run is not over, and of a start.

use std::fmt;
use std::time::Duration;

use crate::duration;
use crate::text::{TextError, did_you_mean, shown};

/// A tick counts as missed when it is later than this, or when the next one has come as well.
pub const GRACE: Duration = Duration::from_secs(60);

/// The most missed ticks that [`Misfire::All`] may be asked to fire.
pub const MOST_MISSED: u32 = 1_000;

/// The limits of [`Misfire::ALL`].
const LIMIT: u32 = 100;
const WITHIN: Duration = Duration::from_secs(86_400);

/// What becomes of ticks that nobody fired in time (later than [`GRACE`], or when the next one has come as well), because no
/// worker ran or the store could not be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Misfire {
    /// The latest is fired and stands for the others. Written `once`.
    #[default]
    Once,
    /// None of them is fired. Written `skip`.
    Skip,
    /// Each is fired, the oldest first: the last `limit` of those that are not older than `within`. Written `all`, `all 20`,
    /// `all within 2h` or `all 20 within 2h`.
    All {
        /// How many at most: 1 to [`MOST_MISSED`], 100 unless given.
        limit: u32,
        /// How old at most, a day unless given.
        within: Duration,
    },
}

impl Misfire {
    /// `all`, with its limits at their defaults: the last 100 of a day.
    pub const ALL: Self = Self::All { limit: LIMIT, within: WITHIN };

    /// Reads `once`, `skip`, or `all` with its limits.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        const HELP: &str = "write `once`, `skip`, `all`, `all 20`, `all within 2h` or `all 20 within 2h`";
        let error = |word: &str, message: String| {
            let start = word.as_ptr().addr().saturating_sub(text.as_ptr().addr()).min(text.len());
            Err(TextError::new(start..(start + word.len()).min(text.len()), message).with_help(HELP))
        };
        let mut words = text.split_ascii_whitespace();
        let policy = words.next().unwrap_or_default();
        let rest: Vec<&str> = words.take(5).collect();
        match policy {
            "once" | "skip" if !rest.is_empty() => error(rest[0], format!("`{policy}` stands alone")),
            "once" => Ok(Self::Once),
            "skip" => Ok(Self::Skip),
            "all" => {
                let (mut limit, mut within) = (LIMIT, WITHIN);
                let mut rest = &rest[..];
                if let Some(number) = rest.first().filter(|word| **word != "within") {
                    limit = match number.parse() {
                        Ok(limit @ 1..=MOST_MISSED) => limit,
                        _ => return error(number, format!("`{}` is not a number from 1 to {MOST_MISSED}", shown(number))),
                    };
                    rest = &rest[1..];
                }
                if let [word, age, ..] = rest {
                    if *word != "within" {
                        return error(word, format!("`{}` is not `within`", shown(word)));
                    }
                    within = duration::parse(age).map_err(|found| found.shifted(age.as_ptr().addr() - text.as_ptr().addr()))?;
                    rest = &rest[2..];
                }
                match rest {
                    [] => Ok(Self::All { limit, within }),
                    [word, ..] => error(word, format!("`{}` has no meaning here", shown(word))),
                }
            }
            "" => error(text, "a policy for missed ticks is missing".to_owned()),
            other => {
                let near = did_you_mean(other, ["once", "skip", "all"].into_iter());
                let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                error(other, format!("`{}` is no policy for missed ticks{hint}", shown(other)))
            }
        }
    }
}

impl fmt::Display for Misfire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Once => f.write_str("once"),
            Self::Skip => f.write_str("skip"),
            Self::All { limit, within } => write!(f, "all {limit} within {}", duration::format(*within)),
        }
    }
}

/// What becomes of a tick that comes while the last run of its schedule is not over. A job that waits, also for a retry, is not
/// over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Overlap {
    /// The tick is skipped.
    #[default]
    Skip,
    /// It gets its job when the last run is over, in order; at most [`MOST_QUEUED`](Self::MOST_QUEUED) ticks wait, and those that
    /// come then are skipped.
    Queue,
    /// It gets its job at once.
    Allow,
    /// The last run is asked to stop, and the tick gets its job when that is over. A tick that waits gives way to a later one.
    Cancel,
}

impl Overlap {
    /// All policies.
    pub const ALL: [Self; 4] = [Self::Skip, Self::Queue, Self::Allow, Self::Cancel];

    /// The most ticks that wait for the last run.
    pub const MOST_QUEUED: usize = 100;

    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Queue => "queue",
            Self::Allow => "allow",
            Self::Cancel => "cancel",
        }
    }

    /// Reads `skip`, `queue`, `allow` or `cancel`.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        choice(text, "policy for overlaps", &Self::ALL, Self::as_str)
    }
}

impl fmt::Display for Overlap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How often a schedule also makes a job when a worker starts, beside its times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RunOnStart {
    /// Each time a process starts.
    Process,
    /// Once for each build, by whichever process of it starts first.
    Deployment,
}

impl RunOnStart {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Process, Self::Deployment];

    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Deployment => "deployment",
        }
    }

    /// Reads `process` or `deployment`.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        choice(text, "occasion of a run on start", &Self::ALL, Self::as_str)
    }
}

impl fmt::Display for RunOnStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The one of these that is written so.
fn choice<T: Copy>(text: &str, what: &str, all: &[T], written: fn(T) -> &'static str) -> Result<T, TextError> {
    let word = text.trim_ascii();
    if let Some(found) = all.iter().find(|one| written(**one) == word) {
        return Ok(*found);
    }
    let names: Vec<String> = all.iter().map(|one| format!("`{}`", written(*one))).collect();
    let near = did_you_mean(word, all.iter().map(|one| written(*one)));
    let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    let (last, others) = names.split_last().map_or(("", &names[..0]), |(last, others)| (last.as_str(), others));
    Err(TextError::new(0..text.len(), format!("`{}` is no {what}{hint}", shown(word)))
        .with_help(format!("write {} or {last}", others.join(", "))))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Misfire, Overlap, RunOnStart};

    #[test]
    fn policies_read_as_they_are_written() {
        let some = [Misfire::Once, Misfire::Skip, Misfire::ALL, Misfire::All { limit: 3, within: Duration::from_secs(5_400) }];
        for policy in some {
            assert_eq!(Misfire::parse(&policy.to_string()), Ok(policy));
        }
        assert_eq!(Misfire::parse(" all  20 "), Ok(Misfire::All { limit: 20, within: Duration::from_secs(86_400) }));
        assert_eq!(Misfire::parse("all within 2h"), Ok(Misfire::All { limit: 100, within: Duration::from_secs(7_200) }));
        for policy in Overlap::ALL {
            assert_eq!(Overlap::parse(policy.as_str()), Ok(policy));
        }
        for occasion in RunOnStart::ALL {
            assert_eq!(RunOnStart::parse(occasion.as_str()), Ok(occasion));
        }
    }

    #[test]
    fn mistakes_name_the_place_and_the_choices() {
        let help = "; write `once`, `skip`, `all`, `all 20`, `all within 2h` or `all 20 within 2h`";
        for (text, place, message) in [
            ("", 0..0, "a policy for missed ticks is missing"),
            ("onse", 0..4, "`onse` is no policy for missed ticks; did you mean `once`?"),
            ("skip 3", 5..6, "`skip` stands alone"),
            ("all 0", 4..5, "`0` is not a number from 1 to 1000"),
            ("all 1001", 4..8, "`1001` is not a number from 1 to 1000"),
            ("all 3 in 2h", 6..8, "`in` is not `within`"),
            ("all within", 4..10, "`within` has no meaning here"),
            ("all 3 within 2h now", 16..19, "`now` has no meaning here"),
        ] {
            let error = Misfire::parse(text).unwrap_err();
            assert_eq!((error.span.clone(), error.to_string()), (place, format!("{message}{help}")), "{text}");
        }
        let error = Misfire::parse("all within 2x").unwrap_err();
        assert_eq!(error.span, 12..13);
        let error = Overlap::parse("skipp").unwrap_err().to_string();
        assert_eq!(error, "`skipp` is no policy for overlaps; did you mean `skip`?; write `skip`, `queue`, `allow` or `cancel`");
        assert!(RunOnStart::parse(&"x".repeat(1_000_000)).unwrap_err().to_string().len() < 200);
        assert!(Misfire::parse(&"all ".repeat(100_000)).unwrap_err().to_string().len() < 200);
    }
}
