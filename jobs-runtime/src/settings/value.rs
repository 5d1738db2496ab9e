//! From what somebody wrote to a value of the right type within its range.

use std::time::Duration;

use jobs_core::schedule::{Spec, Zone};
use jobs_core::text::did_you_mean;
use jobs_core::{Backoff, TextError, duration, name};

use super::error::Problem;
use super::options::Shape;
use super::secret;
use super::sources::ReadZone;
use super::store_url::StoreUrl;

/// What somebody wrote.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Raw {
    Text(String),
    Integer(i128),
    Flag(bool),
    List(Vec<String>),
    /// Something that no option takes, in words.
    Other(&'static str),
}

/// A value that its option takes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Store(StoreUrl),
    Flag(bool),
    Number(u64),
    Duration(Duration),
    /// `none` where a duration may stand.
    Unlimited,
    Text(String),
    Queues(Vec<String>),
    Backoff(Backoff),
    Schedule(Spec),
    Zone(Zone),
}

/// Why a value is refused: out of range, or a mistake in it.
enum Refusal {
    Range,
    Unlike(Problem),
}

impl Shape {
    /// Reads a value. The problem names it, what is wrong and what is allowed.
    pub(super) fn read(&self, raw: &Raw, zone: ReadZone) -> Result<Value, Problem> {
        let read = match (self, raw) {
            (_, Raw::Text(text)) => self.read_text(text.trim_ascii(), zone),
            (Self::Number { min, max } | Self::Size { min, max }, Raw::Integer(number)) => {
                u64::try_from(*number).map_or(Err(Refusal::Range), |number| within(number, *min, *max))
            }
            (Self::Flag, Raw::Flag(flag)) => Ok(Value::Flag(*flag)),
            (Self::Queues, Raw::List(names)) => queues(names.iter().map(String::as_str)),
            (Self::Duration { .. } | Self::Limit { .. } | Self::Every, Raw::Integer(number)) => Err(Refusal::Unlike(
                Problem::new("unit is missing").with_help(format!("write it in quotes with a unit, such as \"{number}s\"")),
            )),
            (Self::Number { .. } | Self::Size { .. }, _) => unlike("not a number"),
            (Self::Flag, _) => unlike("neither `true` nor `false`"),
            (Self::Queues, _) => unlike("not a list of texts"),
            _ => unlike("not a text in quotes"),
        };
        read.map_err(|refusal| self.problem(raw, refusal))
    }

    fn read_text(&self, text: &str, zone: ReadZone) -> Result<Value, Refusal> {
        match self {
            Self::Store => StoreUrl::read(text).map(Value::Store).map_err(Refusal::Unlike),
            Self::Flag => match text {
                "true" => Ok(Value::Flag(true)),
                "false" => Ok(Value::Flag(false)),
                _ => unlike("neither `true` nor `false`"),
            },
            Self::Number { min, max } => within(digits(text)?, *min, *max),
            Self::Size { min, max } => within(bytes(text)?, *min, *max),
            Self::Limit { .. } if text == "none" => Ok(Value::Unlimited),
            Self::Duration { min, max } | Self::Limit { min, max } => match duration::parse(text)? {
                length if length < *min || length > *max => Err(Refusal::Range),
                length => Ok(Value::Duration(length)),
            },
            Self::Word(words) => match words.iter().find(|word| **word == text) {
                Some(word) => Ok(Value::Text((*word).to_owned())),
                None => Err(match did_you_mean(text, words.iter().copied()) {
                    Some(near) => Refusal::Unlike(Problem::new("unknown word").with_help(format!("did you mean `{near}`?"))),
                    None => Refusal::Range,
                }),
            },
            Self::Label if text.is_empty() || text.len() > Self::LABEL || text.contains(char::is_control) => Err(Refusal::Range),
            Self::Label => Ok(Value::Text(text.to_owned())),
            Self::Queues => queues(text.split(',').map(str::trim_ascii)),
            Self::Backoff => Ok(Value::Backoff(Backoff::parse(text)?)),
            Self::Cron => Ok(Value::Schedule(Spec::parse_cron(text)?)),
            Self::Every => Ok(Value::Schedule(Spec::parse_every(text)?)),
            Self::Zone => Ok(Value::Zone(zone(text)?)),
        }
    }

    /// The problem of a value. What a parser says may quote the value, so it is left out where the value holds a password.
    fn problem(&self, raw: &Raw, refusal: Refusal) -> Problem {
        let mut text = format!("is {}", raw.shown());
        let mut help = None;
        let mut allowed = true;
        if let Refusal::Unlike(problem) = refusal {
            let secret = matches!((self, raw), (shape, Raw::Text(text)) if !matches!(shape, Self::Store) && secret::mask(text) != text.as_str());
            if !secret {
                text.push_str(": ");
                text.push_str(&problem.text);
                help = problem.help;
                // A schedule and a backoff have too many forms to list them beside advice that fits the mistake.
                allowed = help.is_none() || !matches!(self, Self::Backoff | Self::Cron | Self::Zone);
            }
        }
        if allowed {
            text.push_str(", allowed are ");
            text.push_str(&self.allowed());
        }
        Problem { text, help }
    }
}

impl Raw {
    fn shown(&self) -> String {
        match self {
            Self::Text(text) => secret::shown(text),
            Self::Integer(number) => format!("`{number}`"),
            Self::Flag(flag) => format!("`{flag}`"),
            Self::List(items) => secret::shown(&items.join(", ")),
            Self::Other(words) => (*words).to_owned(),
        }
    }
}

impl From<TextError> for Refusal {
    fn from(error: TextError) -> Self {
        Self::Unlike(Problem { text: error.message, help: error.help })
    }
}

fn unlike<T>(text: &str) -> Result<T, Refusal> {
    Err(Refusal::Unlike(Problem::new(text)))
}

fn within(number: u64, min: u64, max: u64) -> Result<Value, Refusal> {
    if (min..=max).contains(&number) { Ok(Value::Number(number)) } else { Err(Refusal::Range) }
}

/// A whole number; one too long for 64 bits is out of every range.
fn digits(text: &str) -> Result<u64, Refusal> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    if unsigned.is_empty() || unsigned.contains(|c: char| !c.is_ascii_digit()) {
        return unlike("not a whole number");
    }
    text.parse().map_err(|_| Refusal::Range)
}

/// A number of bytes: `65536`, `64KiB`, `1 MiB`.
fn bytes(text: &str) -> Result<u64, Refusal> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(text.len());
    let (number, unit) = (digits(&text[..end])?, text[end..].trim_ascii());
    let factor = match unit {
        "" | "B" => 1,
        "KiB" => 1024,
        "MiB" => 1024 * 1024,
        _ => {
            let meant = match unit.to_ascii_lowercase().as_str() {
                "k" | "kb" | "kib" => "did you mean `KiB`? ",
                "m" | "mb" | "mib" => "did you mean `MiB`? ",
                _ => "",
            };
            return Err(Refusal::Unlike(Problem::new("unknown unit").with_help(format!("{meant}units are B, KiB and MiB"))));
        }
    };
    number.checked_mul(factor).ok_or(Refusal::Range)
}

/// Names of queues, each once.
fn queues<'a>(names: impl Iterator<Item = &'a str>) -> Result<Value, Refusal> {
    let mut queues: Vec<String> = Vec::new();
    for queue in names {
        name::check("queue", queue)?;
        if queues.len() == Shape::QUEUES {
            return Err(Refusal::Range);
        }
        if !queues.iter().any(|known| known == queue) {
            queues.push(queue.to_owned());
        }
    }
    if queues.is_empty() { Err(Refusal::Range) } else { Ok(Value::Queues(queues)) }
}
