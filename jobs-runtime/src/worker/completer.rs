//! The completer: writes outcomes in groups. At once when nothing of its own is on the way, else it gathers.

use std::sync::Arc;
use std::time::Duration;

use jobs_core::StoreError;
use jobs_core::store::{Completion, CompletionAnswer, Decision, Held};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{Mutex, Semaphore};

use super::Shared;
use super::executor::Outcome;
use super::guard::{Guarded, Panicked};
use super::pool::Pool;
use super::supervisor::Part;
use super::unit::Commit;
use crate::telemetry;
use crate::testing::guards::Guard;

/// The most outcomes of one group.
const GROUP: usize = 1_000;

/// The most bytes of payloads and outputs of one group, unless one outcome alone has more.
const GROUP_BYTES: usize = 16 << 20;

/// How many groups are under way at most.
const UNDER_WAY: usize = 2;

/// How long it waits before it writes again what the store did not take.
const AGAIN: Duration = Duration::from_millis(250);

/// The same for an outcome whose commit is in doubt: the transaction may still hold the job, and with it whoever waits for that.
const AGAIN_IN_DOUBT: Duration = Duration::from_secs(5);

/// How many of those are under way at most, each by itself.
const DOUBTS: usize = 1_000;

/// Writes outcomes. Clones share what is under way, so that one can be started anew, and another flush at the end.
#[derive(Clone)]
pub(crate) struct Completer {
    shared: Arc<Shared>,
    pool: Arc<Pool>,
    outcomes: Arc<Mutex<UnboundedReceiver<Outcome>>>,
    under_way: Arc<Semaphore>,
    doubts: Arc<Semaphore>,
}

impl Completer {
    pub(crate) fn new(shared: &Arc<Shared>, pool: &Arc<Pool>, outcomes: UnboundedReceiver<Outcome>) -> Self {
        Self {
            shared: Arc::clone(shared),
            pool: Arc::clone(pool),
            outcomes: Arc::new(Mutex::new(outcomes)),
            under_way: Arc::new(Semaphore::new(UNDER_WAY)),
            doubts: Arc::new(Semaphore::new(DOUBTS)),
        }
    }

    fn writing(&self) -> Writing {
        Writing { shared: Arc::clone(&self.shared), pool: Arc::clone(&self.pool) }
    }

    /// Writes everything that has been handed in, and answers when it is on the disk, or when the store did not take it in time.
    pub(crate) async fn flush(&self) {
        // All permits together mean that nothing is under way.
        for (semaphore, permits) in [(&self.under_way, UNDER_WAY), (&self.doubts, DOUBTS)] {
            if let Ok(permits) = semaphore.acquire_many(u32::try_from(permits).unwrap_or(1)).await {
                drop(permits);
            }
        }
        loop {
            let mut group = Vec::new();
            while group.len() < GROUP {
                match self.outcomes.lock().await.try_recv() {
                    Ok(outcome) => group.push(outcome),
                    Err(_) => break,
                }
            }
            if group.is_empty() {
                return;
            }
            self.writing().write(group).await;
        }
    }
}

impl Part for Completer {
    async fn run_once(&mut self) -> Result<(), StoreError> {
        let Ok(permit) = Arc::clone(&self.under_way).acquire_owned().await else { return Err(StoreError::Closed) };
        let mut group = Vec::new();
        if self.outcomes.lock().await.recv_many(&mut group, GROUP).await == 0 {
            // All who could hand in an outcome are gone.
            return std::future::pending().await;
        }
        let (in_doubt, group): (Vec<_>, Vec<_>) = group.into_iter().partition(|outcome| outcome.commit == Some(Commit::InDoubt));
        for outcome in in_doubt {
            let (writing, doubts) = (self.writing(), Arc::clone(&self.doubts));
            self.shared.env.spawn.engine(Box::pin(async move {
                // It is never closed.
                let permit = doubts.acquire_owned().await;
                writing.write(vec![outcome]).await;
                drop(permit);
            }));
        }
        let writing = self.writing();
        self.shared.env.spawn.engine(Box::pin(async move {
            writing.write(group).await;
            drop(permit);
        }));
        Ok(())
    }
}

/// How many bytes an outcome brings along.
fn weight(completion: &Completion) -> usize {
    let output = match &completion.decision {
        Decision::Complete { output, .. } => output.as_ref().map_or(0, String::len),
        _ => 0,
    };
    output + completion.followers.iter().map(|job| job.payload.len()).sum::<usize>()
}

/// One group under way.
struct Writing {
    shared: Arc<Shared>,
    pool: Arc<Pool>,
}

impl Writing {
    /// Writes outcomes, in portions that are not too heavy for one transaction.
    async fn write(&self, mut group: Vec<Outcome>) {
        while !group.is_empty() {
            let mut bytes = 0;
            let light = |outcome: &&Outcome| {
                bytes += weight(&outcome.completion);
                bytes <= GROUP_BYTES
            };
            let count = group.iter().take_while(light).count().max(1);
            let rest = group.split_off(count);
            self.write_portion(group).await;
            group = rest;
        }
    }

    /// Writes a portion until the store has taken it, or until its lease is lost.
    async fn write_portion(&self, group: Vec<Outcome>) {
        let mut group = group;
        loop {
            let epoch = self.pool.epoch();
            let before = group.len();
            group.retain(|outcome| outcome.epoch == epoch);
            self.shared.board.dropped(before - group.len());
            if group.is_empty() {
                // What it failed to write does not count any more.
                self.shared.board.well("completer", &self.shared.env);
                return;
            }
            let outcomes: Vec<Completion> = group.iter().map(|outcome| outcome.completion.clone()).collect();
            let call = async { self.shared.store.complete(self.shared.env.now(), outcomes).await };
            // A store that panics must not take the outcomes with it.
            match Guarded::new(Box::pin(self.shared.within_patience(call))).await {
                Ok(Ok(answers)) => {
                    self.shared.board.well("completer", &self.shared.env);
                    let (again, late) = self.settle(group, &answers);
                    group = again;
                    if self.give_up(&late).await {
                        if group.is_empty() {
                            return;
                        }
                        continue;
                    }
                    group.extend(late);
                }
                Ok(Err(StoreError::Closed)) => return,
                Ok(Err(_)) if !Guard::WriteAgain.is_on() => return,
                Ok(Err(error)) => self.shared.board.failing("completer", &error),
                Err(panicked) => self.panicked(&panicked),
            }
            let in_doubt = group.iter().all(|outcome| outcome.commit == Some(Commit::InDoubt));
            let pause = if in_doubt { AGAIN_IN_DOUBT } else { AGAIN };
            self.shared.env.sleep(self.shared.env.rng.jitter(pause)).await;
        }
    }

    fn panicked(&self, Panicked(text): &Panicked) {
        self.shared.board.restarted("completer", text);
        telemetry::part_panicked("completer", text);
    }

    /// Takes note of the answers. What the store refused comes back as a failure that says so, and beside it what is late, as it was.
    fn settle(&self, group: Vec<Outcome>, answers: &[CompletionAnswer]) -> (Vec<Outcome>, Vec<Outcome>) {
        let (mut again, mut late) = (Vec::new(), Vec::new());
        let mut settled = Vec::with_capacity(group.len());
        for (mut outcome, answer) in group.into_iter().zip(answers) {
            let completion = &mut outcome.completion;
            match answer {
                CompletionAnswer::Applied if outcome.commit == Some(Commit::Answered) => {
                    telemetry::not_completed_by_commit(completion.id);
                    self.shared.board.recorded(&completion.decision);
                }
                // Its commit has finished it under this token; or an earlier write of this outcome, whose answer was lost.
                CompletionAnswer::Repeated if outcome.commit.is_some() => {
                    self.shared.board.recorded(&Decision::Complete { output: None, note: None });
                }
                CompletionAnswer::Applied | CompletionAnswer::Repeated => self.shared.board.recorded(&completion.decision),
                CompletionAnswer::Stale => {
                    late.push(outcome);
                    continue;
                }
                CompletionAnswer::Refused(message)
                    if !matches!(completion.decision, Decision::Fail { .. } | Decision::HandBack) =>
                {
                    telemetry::refused(completion.id, message);
                    completion.decision = Decision::Fail { error: format!("its outcome could not be recorded: {message}") };
                    completion.followers.clear();
                    again.push(outcome);
                    continue;
                }
                CompletionAnswer::Refused(message) => telemetry::refused(completion.id, message),
            }
            settled.push(outcome.held());
        }
        self.pool.settle(settled.into_iter());
        self.shared.runs.over();
        (again, late)
    }

    /// Lets go of late outcomes. Others may have ended this worker before it knew, and counted a crash for each of its jobs: this process
    /// lives, and takes it back. Says whether the store has heard of it; until then they count as held, for who fences the process.
    async fn give_up(&self, late: &[Outcome]) -> bool {
        let held: Vec<Held> = late.iter().map(Outcome::held).collect();
        if !held.is_empty() && Guard::Abandon.is_on() {
            let call = async { self.shared.store.abandon(self.shared.env.now(), held.clone()).await };
            match Guarded::new(Box::pin(self.shared.within_patience(call))).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => {
                    self.shared.board.failing("completer", &error);
                    return false;
                }
                Err(panicked) => {
                    self.panicked(&panicked);
                    return false;
                }
            }
        }
        for Held { id, token } in &held {
            self.shared.board.stale();
            telemetry::stale(*id, *token);
        }
        self.pool.settle(held.into_iter());
        true
    }
}
