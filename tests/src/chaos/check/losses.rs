//! By what a process may have lost the jobs that it held: what was done to it, and the leases that it says it lost.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::Cause;
use super::outages::Outages;
use super::runs::Run;
use crate::chaos::clock::Seconds;
use crate::chaos::evidence::Evidence;
use crate::chaos::faults::{Fault, What};
use crate::chaos::ledger::{End, Entry, Event};

/// A run may begin at the very moment at which the lease is lost.
const RACE: Duration = Duration::from_millis(200);

/// What has cost a process a job.
#[derive(Clone, Debug)]
pub(super) struct Loss<'a> {
    pub(super) cause: Cause,
    /// When that was.
    pub(super) at: Duration,
    /// What was done.
    pub(super) by: Vec<&'a Fault>,
}

impl fmt::Display for Loss<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.cause == Cause::LostLease {
            write!(f, "lease lost at {}, ", Seconds(self.at))?;
        }
        if self.by.is_empty() {
            return f.write_str("for nothing");
        }
        let by: Vec<String> = self.by.iter().map(ToString::to_string).collect();
        f.write_str(&by.join("; "))
    }
}

/// All losses of a run.
pub(super) struct Losses<'a> {
    outages: BTreeMap<&'a str, Outages<'a>>,
    /// When each process noticed that it had lost its lease, and what had cost it.
    lost: BTreeMap<&'a str, Vec<Loss<'a>>>,
}

impl<'a> Losses<'a> {
    pub(super) fn new(evidence: &'a Evidence) -> Self {
        let (mut outages, mut lost) = (BTreeMap::new(), BTreeMap::new());
        for (process, entries) in &evidence.ledgers {
            let known = Outages::of(evidence, process);
            let is_loss = |entry: &&Entry| entry.what == Event::Lost;
            let noticed =
                |entry: &Entry| Loss { cause: Cause::LostLease, at: entry.at, by: known.lease(entry.at).unwrap_or_default() };
            lost.insert(&**process, entries.iter().filter(is_loss).map(noticed).collect());
            outages.insert(&**process, known);
        }
        Self { outages, lost }
    }

    /// When each process noticed that it had lost its lease.
    pub(super) fn lost(&self) -> impl Iterator<Item = (&'a str, &Loss<'a>)> {
        self.lost.iter().flat_map(|(process, losses)| losses.iter().map(|loss| (*process, loss)))
    }

    /// What was done to this process, if it has a ledger.
    pub(super) fn outages(&self, process: &str) -> Option<&Outages<'a>> {
        self.outages.get(process)
    }

    /// By what a process lost a job, so that another could begin it at `taken`. A run that had ended long before, with nothing in the way
    /// of its outcome, was not lost by that.
    pub(super) fn of(&self, run: &Run<'_>, taken: Duration) -> Option<Loss<'a>> {
        let outages = self.outages(run.process)?;
        let has_ended = matches!(run.how, Some(End::Ok | End::Failed | End::Snoozed));
        let was_in_time = |loss: &Loss<'a>| !has_ended || !outages.was_calm(run.until, loss.at);
        let done = |what, cause| {
            let fault = outages.done(what, run.begun, taken)?;
            Some(Loss { cause, at: fault.from, by: vec![fault] })
        };
        let froze = |what, cause| {
            let (fault, by) = outages.froze(what, run.begun, taken)?;
            Some(Loss { cause, at: fault.from, by })
        };
        let lost = self.lost.get(run.process).into_iter().flatten();
        let lost = lost.filter(|loss| loss.at + RACE >= run.begun && loss.at <= taken).cloned();
        done(What::Kill, Cause::Kill)
            .into_iter()
            .chain(froze(What::Freeze, Cause::Freeze))
            .chain(done(What::Stop, Cause::Stop))
            .chain(lost)
            .chain(froze(What::Stall, Cause::Stall))
            .find(was_in_time)
    }
}
