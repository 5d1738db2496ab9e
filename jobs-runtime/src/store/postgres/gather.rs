//! Enqueues that share statements: while one statement is on its way, the calls that come meanwhile gather for the next.
//!
//! A caller alone waits for nobody. Each caller hears of its jobs when the statement they shared is durable.

use std::rc::Rc;
use std::sync::Arc;

use jiff::Timestamp;
use jobs_core::store::Enqueued;
use jobs_core::{NewJob, StoreError};
use tokio::sync::{mpsc, oneshot};

use super::connect::Target;
use super::connection::{Connection, Manner};
use super::enqueue::{all_fresh, enqueue, insert_fresh};
use super::lane::{Link, again, no_answer};

/// The most calls that share a statement.
const CALLS: usize = 512;

/// The most jobs of a shared statement; a call with more has one for itself.
const JOBS: usize = 2_000;

/// How often the others of this thread are let go first, while callers of the last statement may be about to call again.
const PATIENCE: usize = 64;

type Answer = Result<Vec<Enqueued>, StoreError>;

/// One call.
struct Call {
    now: Option<Timestamp>,
    jobs: Vec<NewJob>,
    answer: oneshot::Sender<Answer>,
}

/// The end that calls go in by.
#[derive(Clone)]
pub(super) struct Gather {
    calls: mpsc::UnboundedSender<Call>,
    place: Arc<str>,
}

impl Gather {
    pub(super) fn new(place: Arc<str>) -> (Self, Gathering) {
        let (calls, served) = mpsc::unbounded_channel();
        (Self { calls, place }, Gathering { calls: served })
    }

    /// Stores all jobs or none.
    pub(super) async fn enqueue(&self, now: Option<Timestamp>, jobs: Vec<NewJob>) -> Answer {
        let (answer, answered) = oneshot::channel();
        self.calls.send(Call { now, jobs, answer }).map_err(|_| StoreError::Closed)?;
        answered.await.unwrap_or_else(|_| Err(no_answer(&self.place)))
    }
}

/// The end that serves calls.
pub(super) struct Gathering {
    calls: mpsc::UnboundedReceiver<Call>,
}

impl Gathering {
    /// Serves calls until all who could make one are gone.
    pub(super) async fn run(mut self, target: Rc<Target>, manner: Rc<Manner>) {
        let place = Arc::clone(&target.place);
        let mut link = Link::new(target, manner);
        let mut waiting = Vec::new();
        let mut callers = 0;
        while self.calls.recv_many(&mut waiting, CALLS).await > 0 {
            self.await_others(&mut waiting, callers).await;
            callers = waiting.len();
            while !waiting.is_empty() {
                let calls = next(&mut waiting);
                match link.connected().await {
                    Err(error) => refuse_all(calls, error),
                    Ok(_) => link.within_deadline(async |connection| write(connection, calls, &place).await).await,
                }
            }
        }
    }
}

impl Gathering {
    /// Callers who were answered together call again at nearly the same time. So that the first of them does not go alone and lets all
    /// others wait for a second statement, a moment is given to as many as there were the last time. A caller alone is not held up.
    async fn await_others(&mut self, waiting: &mut Vec<Call>, callers: usize) {
        for _ in 0..PATIENCE {
            if waiting.len() >= callers.min(CALLS) {
                break;
            }
            tokio::task::yield_now().await;
            while let Ok(call) = self.calls.try_recv() {
                waiting.push(call);
            }
        }
    }
}

/// The next calls that can share a statement: fresh jobs under one time; else one call alone.
fn next(waiting: &mut Vec<Call>) -> Vec<Call> {
    let mut count = 0;
    let now = waiting.first().and_then(|call| call.now);
    let shared = waiting
        .iter()
        .take_while(|call| {
            count += call.jobs.len();
            count <= JOBS && call.now == now && all_fresh(&call.jobs)
        })
        .count();
    waiting.drain(..shared.max(1)).collect()
}

fn refuse_all(calls: Vec<Call>, error: StoreError) {
    let message = error.to_string();
    let mut error = Some(error);
    for call in calls {
        // The first gets the error itself, the others its text.
        let error = error.take().unwrap_or_else(|| StoreError::Unavailable { message: message.clone().into(), source: None });
        let _ = call.answer.send(Err(error));
    }
}

async fn write(connection: &mut Connection, calls: Vec<Call>, place: &str) {
    let shared = calls.iter().all(|call| all_fresh(&call.jobs));
    if shared {
        let jobs: Vec<&[NewJob]> = calls.iter().map(|call| &call.jobs[..]).collect();
        let now = calls.first().and_then(|call| call.now);
        match again(connection, async |connection: &mut Connection| insert_fresh(connection, now, &jobs).await).await {
            Ok(()) => return calls.into_iter().for_each(all_created),
            // The fault lies in one of them: each by itself.
            Err(problem) if problem.is_own_fault() => {}
            Err(problem) => return refuse_all(calls, problem.into_store_error(place)),
        }
    }
    for call in calls {
        let Call { now, jobs, answer } = call;
        let done = again(connection, async |connection: &mut Connection| enqueue(connection, now, &jobs).await).await;
        let _ = answer.send(done.map_err(|problem| problem.into_store_error(place)));
    }
}

fn all_created(call: Call) {
    let answers = call.jobs.iter().filter_map(|job| job.id).map(|id| Enqueued { id, created: true }).collect();
    let _ = call.answer.send(Ok(answers));
}
