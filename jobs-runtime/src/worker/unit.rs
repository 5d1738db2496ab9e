//! The unit of work of one run: its transaction carries the completion of the job, so that both are committed or neither.
//!
//! Nothing is looked up when the answer to a commit is lost. The outcome is then written like that of any failed run, and the fence says
//! what became of the commit: a job that is finished under this very token was completed by it. The same is done where the commit was
//! answered for: a program that forgot the statement, or the commit itself, has a job that fails and says so, and not one that is completed
//! without its rows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use jobs_core::outcome::{Directive, Failure};
use jobs_core::scope::UnitOfWork;
use jobs_core::store::contract::completion_to_text;
use jobs_core::store::{Completion, Contract, Statement};
use tokio::sync::mpsc::UnboundedSender;

use super::Shared;
use super::executor::{Ran, completed};
use super::follow::Rest;
use super::leash::Leash;
use super::warden::{Measure, Watched};

/// What a run with a transaction has done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Commit {
    /// The commit was answered for.
    Answered,
    /// It may have taken place.
    InDoubt,
}

pub(super) struct Unit {
    shared: Arc<Shared>,
    ran: Ran,
    leash: Arc<Leash>,
    watched: UnboundedSender<Watched>,
    contract: Option<Contract>,
    rest: Mutex<Option<Rest>>,
    // The completion that the transaction carries, once it was asked for.
    made: Mutex<Option<Completion>>,
    committed: AtomicBool,
}

impl Unit {
    pub(super) fn new(
        shared: &Arc<Shared>,
        ran: Ran,
        leash: &Arc<Leash>,
        watched: &UnboundedSender<Watched>,
        rest: Option<Rest>,
    ) -> Self {
        Self {
            shared: Arc::clone(shared),
            ran,
            leash: Arc::clone(leash),
            watched: watched.clone(),
            contract: shared.store.contract(),
            rest: Mutex::new(rest),
            made: Mutex::new(None),
            committed: AtomicBool::new(false),
        }
    }

    /// The rest of the chain, if no completion has taken it.
    pub(super) fn rest(&self) -> Option<Rest> {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// What became of the commit, if it was begun, and what it carried.
    pub(super) fn end(&self) -> Option<(Commit, Completion)> {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        let commit = if self.committed.load(Ordering::Acquire) { Commit::Answered } else { Commit::InDoubt };
        Some((commit, made))
    }
}

impl UnitOfWork for Unit {
    fn begins(&self) {
        // Nobody else can write meanwhile, and so give a sign of life: it must end before the lease does.
        if self.contract.is_some_and(|contract| contract.one_writer) {
            let deadline = self.shared.env.now().steady.saturating_add(self.shared.options.longest_transaction());
            let _ = self.watched.send(Watched { deadline, leash: Arc::clone(&self.leash), measure: Measure::End });
        }
    }

    fn completion(&self, output: Option<&str>) -> Result<Statement, Failure> {
        let refused = |message: String| Failure { message, directive: Directive::Discard };
        let contract = self.contract.ok_or_else(|| refused("this store takes part in no transaction".to_owned()))?;
        let rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner).take();
        let follower = rest.map(|rest| rest.follow(output, &self.shared.env)).transpose();
        let follower = follower.map_err(|error| refused(format!("the next job of its chain cannot be made: {error}")))?;
        let decision = completed(output.map(str::to_owned), self.shared.options.output_limit);
        let completion = self.ran.completion(decision, follower);
        let now = (!contract.own_clock).then(|| self.shared.env.now().wall);
        let text = completion_to_text(&completion, now).unwrap_or_default();
        *self.made.lock().unwrap_or_else(PoisonError::into_inner) = Some(completion);
        Ok(Statement::new(contract.complete, text))
    }

    fn committed(&self) {
        self.committed.store(true, Ordering::Release);
        // It may have stored jobs, of which a file alone tells nobody at once.
        if self.contract.is_some_and(|contract| contract.one_writer) {
            self.shared.store.signal().jobs();
        }
    }
}
