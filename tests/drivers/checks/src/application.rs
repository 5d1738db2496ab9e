//! What a driver's file gives: the application that is written with it.

use std::future::Future;

use jobs_runtime::{Builder, EnqueueError, Enqueued, Job, NewJob, Prepared};
use tokio::sync::{mpsc, oneshot};

use crate::Result;

/// The last thing that an application does in its transaction: it may go on to commit, find that it must not, or die.
pub type BeforeCommit = fn() -> Result;

/// An application with one database: `guests (guest text)` and `charges (guest text)`.
pub trait Application: Sized + Send + Sync + 'static {
    /// The kind of job that charges a guest.
    type Charge: Job;

    /// Connects to the database of this URL.
    fn connect(url: &str) -> impl Future<Output = Result<Self>> + Send;

    /// Writes a guest and stores these jobs, in one transaction. Answers what became of the jobs.
    fn sign_up(&self, guest: &str, jobs: &Prepared, last: BeforeCommit) -> impl Future<Output = Result<Vec<Enqueued>>> + Send;

    /// A job that charges this guest.
    fn charge(guest: &str) -> Result<NewJob, EnqueueError>;

    /// Provides the unit of work of that job.
    fn runtime(&self, builder: Builder) -> Builder;

    /// Writes a charge and completes its job by a statement of one's own, in one transaction, without the runtime.
    fn complete(&self, guest: &str, sql: &'static str, outcome: &str) -> impl Future<Output = Result> + Send;
}

/// The terminal at which guests are charged, a service of the application. Whoever holds the other end hears of each charge, and says
/// how it goes.
#[derive(Clone, Debug)]
pub struct Terminal(mpsc::UnboundedSender<Charge>);

/// A charge that waits for its answer.
#[derive(Debug)]
pub struct Charge {
    guest: String,
    answer: oneshot::Sender<bool>,
}

impl Terminal {
    /// A terminal and its other end.
    #[must_use]
    pub fn new() -> (Self, mpsc::UnboundedReceiver<Charge>) {
        let (sender, charges) = mpsc::unbounded_channel();
        (Self(sender), charges)
    }

    /// Charges a guest.
    pub async fn charge(&self, guest: &str) -> Result {
        let (answer, answered) = oneshot::channel();
        self.0.send(Charge { guest: guest.to_owned(), answer })?;
        if answered.await? { Ok(()) } else { Err(format!("{guest} has no money").into()) }
    }
}

impl Charge {
    /// Who is charged.
    #[must_use]
    pub fn guest(&self) -> &str {
        &self.guest
    }

    /// Says whether it goes well.
    pub fn answer(self, well: bool) -> Result {
        self.answer.send(well).map_err(|_| "nobody waits for the answer of the terminal".into())
    }
}
