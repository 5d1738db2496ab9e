//! The ledger: what jobs did and what their processes were told, written outside of the store by whom it happened to.
//!
//! Each process has a file of its own and adds a line to it by one write, so that a killed process leaves whole lines, and at most the
//! last one cut off, which counts as not written. A line is a time, a word, and what belongs to the word.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jobs_core::JobId;

use super::clock;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When it was written, by the host's clock.
    pub at: Duration,
    /// What happened.
    pub what: Event,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The process takes jobs.
    Ready,
    /// The process has lost its lease.
    Lost,
    /// The process got a job of the queue that rests now and then.
    Claimed {
        /// The job.
        job: JobId,
        /// The token of the claim.
        token: i64,
        /// When the process asked, by the host's clock.
        asked: Duration,
    },
    /// A run of a job has begun.
    Begin {
        /// The number of the run in this process.
        run: u64,
        /// The job.
        job: JobId,
        /// Its kind.
        kind: String,
        /// Which attempt the job believes this to be.
        attempt: u32,
        /// The token of the claim; 0 if there was none.
        token: i64,
        /// The tick of a schedule, in milliseconds since the Unix epoch.
        tick: Option<i64>,
    },
    /// A run has ended.
    End {
        /// Its number.
        run: u64,
        /// How.
        how: End,
    },
    /// The store has taken an outcome.
    Applied {
        /// The job.
        job: JobId,
        /// The token of the outcome.
        token: i64,
        /// What the outcome made of the job.
        decision: String,
    },
    /// The store has turned an outcome away, since it came late.
    Stale {
        /// The job.
        job: JobId,
        /// The token of the outcome.
        token: i64,
    },
    /// A transaction that completes its job has come so far.
    Commit {
        /// The job.
        job: JobId,
        /// The token under which it is completed.
        token: i64,
        /// How far.
        step: Step,
    },
}

/// How far a transaction that completes its job has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The completion was refused, since the job is not held under its token any more.
    Refused,
    /// The commit is asked for next.
    Asked,
    /// The commit was answered for.
    Answered,
}

const STEPS: [(Step, &str); 3] = [(Step::Refused, "refused"), (Step::Asked, "asked"), (Step::Answered, "answered")];

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The work is done.
    Ok,
    /// It failed, as it was made to.
    Failed,
    /// It wants to run later.
    Snoozed,
    /// It was asked to stop, and did.
    Stopped,
    /// It was dropped.
    Dropped,
}

const ENDS: [(End, &str); 5] =
    [(End::Ok, "ok"), (End::Failed, "failed"), (End::Snoozed, "snoozed"), (End::Stopped, "stopped"), (End::Dropped, "dropped")];

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready => f.write_str("ready"),
            Self::Lost => f.write_str("lost"),
            Self::Begin { run, job, kind, attempt, token, tick } => {
                write!(f, "begin {run} {job} {kind} {attempt} {token}")?;
                tick.map_or(Ok(()), |tick| write!(f, " {tick}"))
            }
            Self::Claimed { job, token, asked } => write!(f, "claimed {job} {token} {}", asked.as_nanos()),
            Self::End { run, how } => {
                let word = ENDS.iter().find(|(end, _)| end == how).map_or("", |(_, word)| word);
                write!(f, "end {run} {word}")
            }
            Self::Applied { job, token, decision } => write!(f, "applied {job} {token} {decision}"),
            Self::Stale { job, token } => write!(f, "stale {job} {token}"),
            Self::Commit { job, token, step } => {
                let word = STEPS.iter().find(|(known, _)| known == step).map_or("", |(_, word)| word);
                write!(f, "commit {job} {token} {word}")
            }
        }
    }
}

impl FromStr for Entry {
    type Err = ();

    fn from_str(line: &str) -> Result<Self, ()> {
        let mut words = line.split(' ');
        let mut next = || words.next().ok_or(());
        let at = Duration::from_nanos(number(next()?)?);
        let what = match next()? {
            "ready" => Event::Ready,
            "lost" => Event::Lost,
            "begin" => Event::Begin {
                run: number(next()?)?,
                job: number(next()?)?,
                kind: next()?.to_owned(),
                attempt: number(next()?)?,
                token: number(next()?)?,
                tick: next().ok().map(number).transpose()?,
            },
            "claimed" => {
                Event::Claimed { job: number(next()?)?, token: number(next()?)?, asked: Duration::from_nanos(number(next()?)?) }
            }
            "end" => {
                let (run, word) = (number(next()?)?, next()?);
                let how = ENDS.iter().find(|(_, known)| *known == word).ok_or(())?.0;
                Event::End { run, how }
            }
            "applied" => Event::Applied { job: number(next()?)?, token: number(next()?)?, decision: next()?.to_owned() },
            "stale" => Event::Stale { job: number(next()?)?, token: number(next()?)? },
            "commit" => {
                let (job, token, word) = (number(next()?)?, number(next()?)?, next()?);
                let step = STEPS.iter().find(|(_, known)| *known == word).ok_or(())?.0;
                Event::Commit { job, token, step }
            }
            _ => return Err(()),
        };
        Ok(Self { at, what })
    }
}

fn number<T: FromStr>(word: &str) -> Result<T, ()> {
    word.parse().map_err(drop)
}

/// The ledger of one process.
#[derive(Debug)]
pub struct Ledger(Mutex<File>);

impl Ledger {
    /// Opens a file to add to.
    pub fn open(path: &Path) -> std::io::Result<Self> {
        OpenOptions::new().append(true).create(true).open(path).map(|file| Self(Mutex::new(file)))
    }

    /// Adds a line.
    pub fn write(&self, what: &Event) {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let line = format!("{} {what}\n", clock::now().as_nanos());
        file.write_all(line.as_bytes()).expect("the ledger can be written");
    }
}

/// The ledgers in a folder, each under the name of its process.
pub fn read(folder: &Path) -> std::io::Result<BTreeMap<String, Vec<Entry>>> {
    let mut all = BTreeMap::new();
    for file in std::fs::read_dir(folder)?.flatten() {
        let path = file.path();
        if path.extension().is_some_and(|extension| extension == "ledger") {
            let text = std::fs::read_to_string(&path)?;
            let whole = text.rfind('\n').map_or("", |end| &text[..end]);
            let entries = whole.lines().map(|line| line.parse().unwrap_or_else(|()| panic!("a line of a ledger: {line}")));
            let process = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            all.insert(process, entries.collect());
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_reads_back_and_one_that_was_cut_off_counts_as_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w1.001.ledger");
        let job = JobId::from_parts(1, [7; 10]);
        let begin = |tick| Event::Begin { run: 3, job, kind: "quick".to_owned(), attempt: 2, token: 5, tick };
        let ends = ENDS.map(|(how, _)| Event::End { run: 3, how });
        let steps = STEPS.map(|(step, _)| Event::Commit { job, token: 5, step });
        let applied = Event::Applied { job, token: 5, decision: "completed".to_owned() };
        let mut events = vec![
            Event::Ready,
            Event::Claimed { job, token: 5, asked: Duration::from_nanos(17) },
            begin(None),
            begin(Some(1_000)),
            applied,
            Event::Stale { job, token: 5 },
            Event::Lost,
        ];
        events.extend(ends.into_iter().chain(steps));
        let ledger = Ledger::open(&path).unwrap();
        for event in &events {
            ledger.write(event);
        }
        std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"17 begin 4 0").unwrap();
        let read = read(folder.path()).unwrap();
        let read: Vec<Event> = read["w1.001"].iter().map(|entry| entry.what.clone()).collect();
        assert_eq!(read, events);
    }
}
