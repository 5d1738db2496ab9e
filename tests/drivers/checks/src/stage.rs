//! One test: a database, the application that uses it, and a client of the jobs in it.

use std::future::Future;
use std::time::Duration;

use jobs_runtime::settings::Sources;
use jobs_runtime::{Backoff, Builder, Client, Counts, Job, JobId, JobRecord, Runtime, State};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::application::Charge;
use crate::{Application, Place, Result, Terminal, ear};

/// The longest that anything is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// One test.
pub struct Stage<P, A> {
    /// The database.
    pub place: P,
    /// The application.
    pub application: A,
    /// A client of the jobs.
    pub client: Client,
    /// The name of the driver, and the program that tells the story in a process of its own.
    pub program: (&'static str, &'static str),
}

/// Runs a test with a database of its own.
pub async fn check<P: Place, A: Application>(
    program: (&'static str, &'static str),
    fact: impl AsyncFnOnce(&Stage<P, A>) -> Result,
) -> Result {
    ear::listen();
    let Some(place) = P::new().await? else { return Ok(()) };
    let client = Client::connect_to(place.url()).await?;
    place.make_tables().await?;
    let application = A::connect(place.url()).await?;
    let stage = Stage { place, application, client, program };
    bounded("the end of the test", fact(&stage)).await??;
    stage.client.store().close().await?;
    drop(stage.application);
    stage.place.clean_up().await
}

/// Waits for `future`, but not for ever.
pub async fn bounded<T>(what: &str, future: impl Future<Output = T>) -> Result<T> {
    tokio::time::timeout(PATIENCE, future).await.map_err(|_| format!("waited in vain for {what}").into())
}

/// A runtime on this store that charges, with the shortest lease that there is, and long waits before another try.
pub fn builder<A: Application>(url: &str, terminal: Terminal) -> Builder {
    Runtime::builder()
        .sources(Sources::none())
        .without_linked()
        .register(A::Charge::entry().clone())
        .provide(terminal)
        .store(url)
        .lease(Duration::from_secs(3))
        .heartbeat(Duration::from_secs(1))
        .backoff(&Backoff::Fixed(Duration::from_secs(3_600)))
}

/// A runtime with the jobs of the application, and the other end of its terminal.
pub struct Running {
    runtime: Runtime,
    charges: UnboundedReceiver<Charge>,
}

impl Running {
    /// The next charge that is waiting for its answer.
    pub async fn charge(&mut self) -> Result<Charge> {
        bounded("a charge", self.charges.recv()).await?.ok_or_else(|| "the runtime has ended".into())
    }

    /// The client of the process that runs jobs.
    pub fn client(&self) -> &Client {
        self.runtime.client()
    }

    /// Shuts it down.
    pub async fn stop(self) {
        self.runtime.shutdown().await;
    }
}

impl<P: Place, A: Application> Stage<P, A> {
    /// Starts a runtime with the jobs of the application.
    pub async fn run(&self) -> Result<Running> {
        let (terminal, charges) = Terminal::new();
        let runtime = self.application.runtime(builder::<A>(self.place.url(), terminal)).start().await?;
        Ok(Running { runtime, charges })
    }

    /// Stores a job that charges this guest.
    pub async fn enqueue(&self, guest: &str) -> Result<JobId> {
        let answers = self.client.enqueue_jobs(vec![A::charge(guest)?]).await?;
        Ok(answers.first().ok_or("no answer")?.id)
    }

    /// A job.
    pub async fn job(&self, id: JobId) -> Result<JobRecord> {
        self.client.job(id).await?.ok_or_else(|| format!("job {id} is lost").into())
    }

    /// Waits until a job is in this state, by looking again and again.
    pub async fn job_in(&self, id: JobId, state: State) -> Result<JobRecord> {
        let found = bounded("a job to change its state", async {
            loop {
                let job = self.job(id).await?;
                if job.state == state {
                    return Ok(job);
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        found.await?
    }

    /// What the application has: the guests, those who were charged, and how many jobs there are.
    pub async fn all(&self) -> Result<(Vec<String>, Vec<String>, Counts)> {
        Ok((self.guests().await?, self.charges().await?, self.client.counts().await?))
    }

    /// The guests.
    pub async fn guests(&self) -> Result<Vec<String>> {
        self.place.guests_in("guests").await
    }

    /// Those who were charged.
    pub async fn charges(&self) -> Result<Vec<String>> {
        self.place.guests_in("charges").await
    }
}
