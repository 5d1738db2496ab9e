//! The builder: what a program gives to its runtime. What it does not give comes from variables, files and defaults.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jobs_core::inject::{OwnService, Service, Services};
use jobs_core::store::{Statement, Store};
use jobs_core::{Backoff, BoxError, Ending, JobEntry, Scope};

use super::Runtime;
use super::checks::{self, Chosen};
use super::engine::{Engine, Plan};
use super::manifest::Manifest;
use super::signals::Signals;
use crate::client::Client;
use crate::env::{Clock, Rng, Spawn};
use crate::error::Error;
use crate::settings::{Overrides, Settings, Sources};
use crate::telemetry;
use crate::worker::Redact;

/// Gathers the parts of a runtime. A value set here is stronger than any variable or file.
#[must_use = "nothing runs before `.run()` or `.start()`"]
pub struct Builder {
    overrides: Overrides,
    sources: Sources,
    services: Services,
    registered: Vec<JobEntry>,
    linked: bool,
    only: Vec<String>,
    except: Vec<String>,
    store: Option<Arc<dyn Store>>,
    build: Option<String>,
    redact: Option<Redact>,
    clock: Option<Arc<dyn Clock>>,
    rng: Option<Rng>,
    spawn: Option<Arc<dyn Spawn>>,
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("registered", &self.registered.len()).finish_non_exhaustive()
    }
}

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            overrides: Overrides::new(),
            sources: Sources::system(),
            services: Services::new(),
            registered: Vec::new(),
            linked: true,
            only: Vec::new(),
            except: Vec::new(),
            store: None,
            build: None,
            redact: None,
            clock: None,
            rng: None,
            spawn: None,
        }
    }

    fn set(mut self, set: impl FnOnce(&mut Overrides) -> &mut Overrides) -> Self {
        set(&mut self.overrides);
        self
    }

    /// Where jobs are kept: `sqlite://PATH` or `memory:`. `sqlite://jobs.db` unless given.
    pub fn store(self, url: impl Into<String>) -> Self {
        self.set(|settings| settings.store(url))
    }

    /// Uses a store that is open already. Whoever opened it closes it.
    pub fn store_opened(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(store);
        self
    }

    /// Lends a service to every job that borrows `&T`.
    pub fn provide<T: Service>(mut self, service: T) -> Self {
        self.services.provide(service);
        self
    }

    /// Lends a service that is shared already, also as a trait object: `provide_arc::<dyn Mailer>(..)`.
    pub fn provide_arc<T: ?Sized + Service>(mut self, service: Arc<T>) -> Self {
        self.services.provide_arc(service);
        self
    }

    /// Makes a service for each run that borrows `&mut T`, and drops it after the run: a tenant's client, say. It is made after the arguments
    /// were decoded, and where it cannot be made, the attempt fails.
    ///
    /// ```
    /// # use jobs_runtime::Runtime;
    /// struct Greeting(String);
    ///
    /// let builder = Runtime::builder().provide_scoped(|scope| async move {
    ///     let tenant = scope.context().tenant().ok_or("this job has no tenant")?;
    ///     Ok(Greeting(format!("hello, {tenant}")))
    /// });
    /// # let _ = builder;
    /// ```
    pub fn provide_scoped<T, M, F>(mut self, make: M) -> Self
    where
        T: OwnService,
        M: Fn(Scope) -> F + Send + Sync + 'static,
        F: Future<Output = Result<T, BoxError>> + Send + 'static,
    {
        self.services.provide_scoped(make);
        self
    }

    /// The same with an end that is awaited after the fn, and told how that ended. Where it fails after a job that ended well, the attempt
    /// fails. A run that panics, is aborted or loses its lease has no end: its services are dropped.
    pub fn provide_scoped_with<T, M, F, E, G>(mut self, make: M, end: E) -> Self
    where
        T: OwnService,
        M: Fn(Scope) -> F + Send + Sync + 'static,
        F: Future<Output = Result<T, BoxError>> + Send + 'static,
        E: Fn(T, Ending) -> G + Send + Sync + 'static,
        G: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        self.services.provide_scoped_with(make, end);
        self
    }

    /// Makes a transaction for each run that borrows `&mut T`. What the job writes by it and the completion of the job are one commit: both
    /// are there, or neither. `commit` runs the statement that it is given inside the transaction, and commits.
    ///
    /// It must be a transaction on the store's own database ([`transactions`](crate::guide::transactions)). It is begun last, after the
    /// arguments were decoded, and rolled back by its drop where the job fails.
    ///
    /// ```
    /// # use jobs_runtime::{BoxError, Runtime};
    /// # struct Pool;
    /// # struct Tx;
    /// # impl Pool { async fn begin(&self) -> Result<Tx, BoxError> { Ok(Tx) } }
    /// # impl Tx {
    /// #     async fn execute(&mut self, _sql: &str, _parameter: &str) -> Result<(), BoxError> { Ok(()) }
    /// #     async fn commit(self) -> Result<(), BoxError> { Ok(()) }
    /// # }
    /// let builder = Runtime::builder().provide(Pool).provide_transaction(
    ///     |scope| async move { scope.service::<Pool>()?.begin().await },
    ///     |mut tx: Tx, completion| async move {
    ///         tx.execute(completion.sql(), completion.parameter()).await?;
    ///         tx.commit().await
    ///     },
    /// );
    /// # let _ = builder;
    /// ```
    pub fn provide_transaction<T, M, F, C, G>(mut self, begin: M, commit: C) -> Self
    where
        T: OwnService,
        M: Fn(Scope) -> F + Send + Sync + 'static,
        F: Future<Output = Result<T, BoxError>> + Send + 'static,
        C: Fn(T, Statement) -> G + Send + Sync + 'static,
        G: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        self.services.provide_transaction(begin, commit);
        self
    }

    /// Registers a kind by hand: a [`closure`](crate::closure), or a fn by `send_email::entry().clone()` where nothing is linked.
    pub fn register(mut self, entry: impl Into<JobEntry>) -> Self {
        self.registered.push(entry.into());
        self
    }

    /// Leaves out what is registered at link time: only what [`register`](Self::register) gives is run.
    pub fn without_linked(mut self) -> Self {
        self.linked = false;
        self
    }

    /// Runs only these kinds, each named by itself or by a module above it (`billing` is `billing::invoices::send`, too).
    pub fn only(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.only.extend(names.into_iter().map(Into::into));
        self
    }

    /// Runs all kinds but these, named as in [`only`](Self::only).
    pub fn except(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.except.extend(names.into_iter().map(Into::into));
        self
    }

    /// How many jobs run at once in this process: 1 to 100,000; 64 unless given.
    pub fn concurrency(self, jobs: usize) -> Self {
        self.set(|settings| settings.concurrency(jobs))
    }

    /// How many jobs of a queue run at once in this process.
    pub fn queue(self, name: &str, jobs: usize) -> Self {
        self.set(|settings| settings.queue(name, jobs))
    }

    /// Serves only these queues.
    pub fn only_queues(self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.set(|settings| settings.only_queues(names))
    }

    /// How long this process is believed to live without a sign: 3 s to 10 min, at least three heartbeats; 15 s unless given.
    pub fn lease(self, length: Duration) -> Self {
        self.set(|settings| settings.lease(length))
    }

    /// How often it gives a sign: 1 s to 3 min; 5 s unless given.
    pub fn heartbeat(self, period: Duration) -> Self {
        self.set(|settings| settings.heartbeat(period))
    }

    /// How long running jobs may take to end at shutdown: up to 1 h; 25 s unless given.
    pub fn drain(self, limit: Duration) -> Self {
        self.set(|settings| settings.drain(limit))
    }

    /// How long jobs that were asked to stop may take at shutdown: up to 5 min; 2 s unless given.
    pub fn grace(self, limit: Duration) -> Self {
        self.set(|settings| settings.grace(limit))
    }

    /// How long a job that was cancelled or timed out may take to stop before it is dropped: up to 10 min; 5 s unless given.
    pub fn cancel_grace(self, limit: Duration) -> Self {
        self.set(|settings| settings.cancel_grace(limit))
    }

    /// The retries of kinds that name none: up to 1,000; 10 unless given.
    pub fn retries(self, retries: u32) -> Self {
        self.set(|settings| settings.retries(retries))
    }

    /// The backoff of kinds that name none; exponential from 10 s to 6 h with full jitter unless given.
    pub fn backoff(self, backoff: &Backoff) -> Self {
        self.set(|settings| settings.backoff(backoff))
    }

    /// The timeout of kinds that name none: 1 ms to 30 days; none unless given.
    pub fn timeout(self, limit: Duration) -> Self {
        self.set(|settings| settings.timeout(Some(limit)))
    }

    /// Whether this process fires schedules; it does unless told otherwise.
    pub fn schedules(self, fire: bool) -> Self {
        self.set(|settings| settings.schedules(fire))
    }

    /// The time zone of schedules that name none: `UTC` unless given.
    pub fn tz(self, zone: impl Into<String>) -> Self {
        self.set(|settings| settings.tz(zone))
    }

    /// The name of this worker; `host:pid` unless given.
    pub fn worker_name(self, name: impl Into<String>) -> Self {
        self.set(|settings| settings.worker_name(name))
    }

    /// Sets any option by its path, such as `retention.failed`, to the text that a file would hold.
    pub fn option(self, path: &str, text: &str) -> Self {
        self.set(|settings| settings.set(path, text))
    }

    /// Reads variables and files from elsewhere than the system.
    pub fn sources(mut self, sources: Sources) -> Self {
        self.sources = sources;
        self
    }

    /// Names the build, by which others tell whether arguments that one could not decode may be decoded by another. Unless given, it
    /// is told by the program's file.
    pub fn build(mut self, build: impl Into<String>) -> Self {
        self.build = Some(build.into());
        self
    }

    /// Rewrites the text of every error before it is kept with its job.
    pub fn redact_errors(mut self, redact: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        self.redact = Some(Arc::new(redact));
        self
    }

    /// Takes time from this clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Takes chance from this source.
    pub fn rng(mut self, rng: Rng) -> Self {
        self.rng = Some(rng);
        self
    }

    /// Spawns everything by this, and starts no thread of its own.
    pub fn spawn(mut self, spawn: Arc<dyn Spawn>) -> Self {
        self.spawn = Some(spawn);
        self
    }

    /// Finds every mistake that can be found without a store: in the settings, the registry and the services. A unit test that calls
    /// it keeps a missing service from ever reaching production.
    pub fn check(self) -> Result<(), Error> {
        let settings = Settings::resolve(self.overrides, &self.sources)?;
        let chosen = Chosen { registered: self.registered, linked: self.linked, only: self.only, except: self.except };
        checks::registry(chosen, &settings, &self.services, has_client).map(drop)
    }

    /// Starts, and answers a handle. Touches no signal: whoever holds the handle decides when it ends.
    /// Warnings of the start-up checks go to standard error where no `tracing` subscriber would hear them.
    pub async fn start(self) -> Result<Runtime, Error> {
        let runtime = self.launch().await?;
        if !tracing::dispatcher::has_been_set() {
            for warning in &runtime.manifest().warnings {
                eprintln!("jobs: warning: {warning}");
            }
        }
        Ok(runtime)
    }

    async fn launch(self) -> Result<Runtime, Error> {
        let settings = Settings::resolve(self.overrides, &self.sources)?;
        let chosen = Chosen { registered: self.registered, linked: self.linked, only: self.only, except: self.except };
        let checked = checks::registry(chosen, &settings, &self.services, has_client)?;
        let tokio = tokio::runtime::Handle::try_current().map_err(|_| Error::NoTokio)?;
        let options = checks::options(&settings, &checked.registry, self.build);
        let thread = super::engine::Thread::start(self.spawn.is_none())?;
        let mut env = thread.env(tokio);
        env.clock = self.clock.unwrap_or(env.clock);
        env.rng = self.rng.unwrap_or(env.rng);
        env.spawn = self.spawn.unwrap_or(env.spawn);
        let owned = self.store.is_none();
        let store = match self.store {
            Some(store) => store,
            None => crate::store::open(&settings).await?,
        };
        if let Err(error) = checks::transactions(&checked.registry, &self.services, &*store) {
            if owned {
                let _ = store.close().await;
            }
            return Err(error);
        }
        let client = Client::new(Arc::clone(&store), env.clone());
        let mut services = self.services;
        services.provide(client.clone());
        let plan = Plan {
            env,
            store,
            owned,
            registry: checked.registry,
            services,
            options,
            redact: self.redact,
            schedules: checked.schedules,
        };
        let (engine, shared, unserved) = Engine::start(plan, thread).await?;
        let mut warnings = checked.warnings;
        warnings.extend(unserved);
        for warning in &warnings {
            telemetry::warning(warning);
        }
        let manifest = Manifest::new(&shared.registry, &shared.options, &settings.zone, &shared.store.info(), warnings);
        telemetry::started(&manifest.to_string());
        Ok(Runtime { engine, client, manifest })
    }

    /// Starts, prints the manifest to standard error, runs until the system asks to stop (Ctrl-C, and SIGTERM on Unix), and shuts
    /// down.
    pub async fn run(self) -> Result<(), Error> {
        // A signal that comes while it starts is heard too: jobs that run already are not lost to it.
        let mut signals = Signals::new()?;
        let runtime = tokio::select! {
            biased;
            runtime = self.launch() => runtime?,
            () = signals.next() => return Ok(()),
        };
        eprint!("{}", runtime.manifest());
        runtime.run_until(signals).await
    }
}

/// The one service that every runtime has by itself.
fn has_client(entry: &jobs_core::inject::ServiceEntry) -> bool {
    !entry.own && (entry.id)() == std::any::TypeId::of::<Client>()
}
