//! Transactions of the caller's own: what the statements of the contract do elsewhere, for simulations and tests.

use jobs_core::store::contract::{answers_to_text, completions_from_text, jobs_from_text};
use jobs_core::store::{CompletionAnswer, Contract, Now};
use jobs_core::{JobId, StoreError};

use super::MemoryStore;
use super::state::State;
use crate::testing::guards::Guard;

impl MemoryStore {
    /// The contract of a store around this one that runs its statements by [`transaction`](Self::transaction), as a simulation may. This store
    /// itself has none: there is no database in which they could be run.
    pub const CONTRACT: Contract = Contract {
        enqueue: "SELECT the_store_in_memory_has_no_sql_see_memorystore_transaction($1)",
        complete: "SELECT the_store_in_memory_has_no_sql_see_memorystore_transaction($1)",
        one_writer: false,
        own_clock: false,
    };
}

/// All of it takes effect, or nothing: [`MemoryStore::transaction`](super::MemoryStore::transaction).
#[derive(Debug)]
pub struct Transaction<'s> {
    pub(super) state: &'s mut State,
    pub(super) now: Now,
}

impl Transaction<'_> {
    /// Stores jobs, as the parameter of [`Client::prepare`](crate::Client::prepare) has them: each has an id, and what it does not say has the
    /// defaults of a [`NewJob`](jobs_core::NewJob). Gives the `answer`.
    pub fn enqueue(&mut self, jobs: &str) -> Result<String, StoreError> {
        Ok(answers_to_text(&self.state.enqueue(self.now, jobs_from_text(jobs)?)?))
    }

    /// Completes running jobs, as the parameter of a completion has them. Fails if one does not run under its token any more.
    pub fn complete(&mut self, outcomes: &str) -> Result<(), StoreError> {
        let outcomes = completions_from_text(outcomes)?;
        let ids: Vec<JobId> = outcomes.iter().map(|outcome| outcome.id).collect();
        let answers = self.state.complete(self.now, outcomes);
        match ids.iter().zip(answers).find(|(_, answer)| *answer != CompletionAnswer::Applied) {
            None => Ok(()),
            Some(_) if !Guard::FencedCommit.is_on() => Ok(()),
            Some((id, _)) => {
                Err(StoreError::Refused { message: format!("job {id} does not run under its token any more"), source: None })
            }
        }
    }
}
