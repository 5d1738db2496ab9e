//! Jobs with an effect: each writes a row by a transaction that completes the job, too. The table is in the store's own database, and has no
//! constraint: nothing but the commit makes a row the only one of its job.
//!
//! `file` and `server` are the transactions of the two stores. Between what is written, the statement that completes the job, and the commit
//! there are pauses, so that whatever is done to processes and connections meets all of these moments.

mod file;
mod server;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jobs_core::inject::{ServiceEntry, own};
use jobs_core::outcome::Outcome;
use jobs_core::registry::{Handler, Location};
use jobs_core::store::Statement;
use jobs_core::store::contract::completions_from_text;
use jobs_core::{Backoff, BoxError, JobContext, JobEntry, JobId, Verdict};
use jobs_runtime::Builder;
use tokio::time::sleep;

use super::ledger::{End, Event, Ledger, Step};
use super::work::{Desk, Run};

pub(super) use server::{COMMIT, PLACES};

/// The kind of these jobs.
pub(super) const EFFECT: &str = "effect";

/// How often each is tried again: whatever goes wrong with its transaction is a failure.
pub(super) const RETRIES: u32 = 10_000;

/// How long an attempt may take that is to time out.
pub(super) const TIMEOUT: Duration = Duration::from_millis(300);

/// The table, on both stores. `run` is the name of the run, as its job has it for output.
pub(super) const TABLE: &str =
    "CREATE TABLE effect (job text NOT NULL, token bigint NOT NULL, run text NOT NULL, at bigint NOT NULL)";

/// One row more.
const WRITE: &str = "INSERT INTO effect (job, token, run, at) VALUES ($1, $2, $3, $4)";

/// What a job is made to do when it has written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Good,
    FailsOnce,
    PanicsOnce,
    TimesOutOnce,
    /// It ends as failed.
    Fails,
    /// It ends as cancelled.
    Cancels,
}

pub(super) fn fate(job: JobId) -> Fate {
    let bytes = job.as_bytes();
    match u16::from_be_bytes([bytes[12], bytes[13]]) % 1_000 {
        0..700 => Fate::Good,
        700..800 => Fate::FailsOnce,
        800..880 => Fate::PanicsOnce,
        880..890 => Fate::TimesOutOnce,
        890..960 => Fate::Fails,
        _ => Fate::Cancels,
    }
}

/// The transactions of one process.
pub(super) struct Effects {
    desk: Arc<Desk>,
    way: Way,
    /// Whether rows are written outside of the transaction, to see that the check would notice.
    outside: bool,
}

enum Way {
    File(PathBuf),
    Server(Box<server::Pool>),
}

/// The transaction of one run.
pub(super) struct Transaction {
    effects: Arc<Effects>,
    open: Open,
    chance: fastrand::Rng,
    /// Whether the commit goes on although its run was dropped, as code on a thread of its own does.
    goes_on: bool,
}

enum Open {
    File(file::Open),
    Server(server::Open),
}

impl Effects {
    /// Transactions on the store of this URL.
    pub(super) fn new(desk: &Arc<Desk>, url: &str, outside: bool) -> Result<Arc<Self>, BoxError> {
        let way = match url.strip_prefix("sqlite://") {
            Some(path) => Way::File(path.into()),
            None => Way::Server(Box::new(server::Pool::new(url)?)),
        };
        Ok(Arc::new(Self { desk: Arc::clone(desk), way, outside }))
    }

    /// Adds the kind, and its transaction.
    pub(super) fn add_to(self: &Arc<Self>, builder: Builder) -> Builder {
        let (effects, entry) = (Arc::clone(self), kind(&self.desk));
        builder.register(entry).provide_transaction(
            move |scope| {
                let effects = Arc::clone(&effects);
                async move { effects.begin(scope.context()).await }
            },
            |transaction: Transaction, completion| async move {
                let (goes_on, commit) = (transaction.goes_on, transaction.commit(completion));
                if goes_on { tokio::spawn(commit).await? } else { commit.await }
            },
        )
    }

    async fn begin(self: Arc<Self>, context: &JobContext) -> Result<Transaction, BoxError> {
        let [.., one, two] = *context.id().as_bytes();
        let seed = u64::from(u16::from_be_bytes([one, two])) * 1_000 + u64::from(context.attempt());
        let mut chance = fastrand::Rng::with_seed(seed);
        // Whoever is frozen here on a file, and no later, lets others take the job.
        if matches!(self.way, Way::File(_)) && chance.f64() < 0.25 {
            sleep(Duration::from_millis(chance.u64(20..1_000))).await;
        }
        let open = match &self.way {
            Way::File(path) => Open::File(file::Open::begin(path.clone()).await?),
            Way::Server(pool) => Open::Server(pool.begin().await?),
        };
        Ok(Transaction { effects: self, open, chance, goes_on: goes_on(context.id()) })
    }
}

/// Whether a job goes on when it is asked to stop, as half of them do.
fn goes_on(job: JobId) -> bool {
    job.as_bytes()[11].is_multiple_of(2)
}

/// What `#[job]` writes for a fn that borrows `&mut Transaction`, but for the account of its runs.
fn kind(desk: &Arc<Desk>) -> JobEntry {
    const OWN: &[ServiceEntry] = &[own::<Transaction>()];
    let desk = Arc::clone(desk);
    let handler = Handler::Closure(Arc::new(move |call| {
        let (desk, scope) = (Arc::clone(&desk), call.scope);
        Ok(Box::pin(async move {
            let mut run = desk.begin(scope.context());
            let mut own = scope.build(OWN).await.inspect_err(|_| run.end(End::Failed))?;
            let mut transaction = own.take::<Transaction>()?;
            let settled = work(scope.context(), &mut run, &mut transaction).await.settle();
            own.put(transaction);
            own.end(settled).await
        }))
    }));
    let mut entry = JobEntry::new(EFFECT.into(), "", Location { file: file!(), line: line!() }, handler);
    entry.services = OWN;
    (entry.retries, entry.backoff) = (Some(RETRIES), Some(Backoff::Fixed(Duration::from_millis(500))));
    entry
}

/// Writes the row, and does then what is to become of the job.
async fn work(context: &JobContext, run: &mut Run<'_>, transaction: &mut Transaction) -> Result<String, BoxError> {
    let (job, is_first) = (context.id(), context.attempt() == 1);
    let listens = fate(job) == Fate::TimesOutOnce || !goes_on(job);
    let done = async {
        transaction.write(job, run).await?;
        match fate(job) {
            Fate::FailsOnce if is_first => Err(run.name().into()),
            Fate::PanicsOnce if is_first => panic!("{}", run.name()),
            Fate::TimesOutOnce if is_first => std::future::pending().await,
            Fate::Fails => Err(Verdict::discard(run.name()).into()),
            Fate::Cancels => Err(Verdict::cancel(run.name()).into()),
            _ => {
                transaction.pause(0.3).await;
                Ok(run.name())
            }
        }
    };
    let done = tokio::select! {
        biased;
        () = context.cancelled(), if listens => None,
        done = done => Some(done),
    };
    run.end(match done {
        None => End::Stopped,
        Some(Ok(_)) => End::Ok,
        Some(Err(_)) => End::Failed,
    });
    done.unwrap_or_else(|| Err("stopped".into()))
}

impl Transaction {
    /// Writes the row of a run. Whoever does so outside of the transaction commits it at once.
    async fn write(&mut self, job: JobId, run: &Run<'_>) -> Result<(), BoxError> {
        let (row, outside) = ((job.to_string(), run.token, run.name(), now()), self.effects.outside);
        match &mut self.open {
            Open::File(open) => open.write(&row, outside),
            Open::Server(open) => open.write(&row, outside).await,
        }
    }

    /// Nothing happens for a while, mostly a short one; this share of some is long. On a file nobody else can write meanwhile.
    async fn pause(&mut self, share: f64) {
        let (often, longest) = match self.open {
            Open::File(_) => (0.05 * share, 200),
            Open::Server(_) => (0.3 * share, 3_000),
        };
        let length = if self.chance.f64() < often { self.chance.u64(20..longest) } else { self.chance.u64(0..4) };
        if length > 0 {
            sleep(Duration::from_millis(length)).await;
        }
    }

    async fn commit(mut self, completion: Statement) -> Result<(), BoxError> {
        let outcome = completions_from_text(completion.parameter())?.pop().ok_or("it completes no job")?;
        let (job, token) = (outcome.id, outcome.token);
        let effects = Arc::clone(&self.effects);
        let tell = |step| Ledger::write(&effects.desk.ledger, &Event::Commit { job, token, step });
        self.pause(1.0).await;
        let completed = match &mut self.open {
            Open::File(open) => open.complete(&completion),
            Open::Server(open) => open.complete(&completion).await,
        };
        if let Err(failed) = completed {
            if failed.is_stale {
                tell(Step::Refused);
            }
            return Err(failed.error);
        }
        self.pause(0.3).await;
        tell(Step::Asked);
        let lost = self.chance.f64();
        match (self.open, &effects.way) {
            (Open::Server(open), Way::Server(pool)) => open.commit(pool).await?,
            (Open::File(open), _) => open.commit(lost)?,
            (Open::Server(_), Way::File(_)) => return Err("this is no server".into()),
        }
        tell(Step::Answered);
        Ok(())
    }
}

/// Why a job was not completed in its transaction.
struct Failed {
    error: BoxError,
    /// Whether it is since the job is not held under its token any more.
    is_stale: bool,
}

/// The job, its token, the name of the run, and the time.
type Row = (String, i64, String, i64);

fn now() -> i64 {
    i64::try_from(super::clock::now().as_nanos()).unwrap_or(i64::MAX)
}
