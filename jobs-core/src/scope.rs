//! The scope of one run: what it borrows, and the services that are made for it alone and end with it.
//!
//! A `&mut T` parameter is a value that was made for this run. The order of a run is: the arguments are decoded, shared services are
//! looked up, the run's own services are made in the order of the parameters, the transaction last; the fn runs and its output is
//! encoded; the others end in reverse order; the job is completed inside the transaction, and that is committed. Where anything before the
//! commit fails, the transaction is dropped, which rolls it back. After a panic, a timeout or an abort nothing is awaited: all is dropped.

use std::any::{Any, TypeId};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::context::JobContext;
use crate::inject::{OwnService, ServiceEntry, Services};
use crate::outcome::{BoxError, Failure, Settled};
use crate::store::Statement;

/// What a running job borrows from: the services and its own context. Cheap to clone.
#[derive(Clone)]
pub struct Scope {
    services: Arc<Services>,
    context: JobContext,
    unit: Option<Arc<dyn UnitOfWork>>,
}

/// How a run ended, for the services that were made for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// The fn ended well. What comes after may still fail: the end of another service, or the commit.
    Completed,
    /// The fn, or something after it, failed.
    Failed,
}

/// A service that no builder was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the service `{name}` was not provided: add `.{with}(..)` to the runtime's builder")]
pub struct MissingService {
    name: &'static str,
    with: &'static str,
}

impl From<MissingService> for Failure {
    fn from(missing: MissingService) -> Self {
        Self::new(missing.to_string())
    }
}

/// What the engine does for the transaction of a run.
pub trait UnitOfWork: Send + Sync {
    /// Takes note that the transaction is about to begin.
    fn begins(&self);

    /// The statement that completes the job with this output, or why the run fails nevertheless. From now on the commit may take place.
    fn completion(&self, output: Option<&str>) -> Result<Statement, Failure>;

    /// Takes note that the commit was answered for.
    fn committed(&self);
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("services", &self.services).field("context", &self.context).finish_non_exhaustive()
    }
}

impl Scope {
    /// A scope of one run.
    #[must_use]
    pub fn new(services: Arc<Services>, context: JobContext) -> Self {
        Self { services, context, unit: None }
    }

    /// Lets the run have a transaction that completes its job.
    #[must_use]
    pub fn with_unit(mut self, unit: Arc<dyn UnitOfWork>) -> Self {
        self.unit = Some(unit);
        self
    }

    /// The shared service of type `T`. What a job asks for is checked at start, so the failure is met only where a job is run by hand, and
    /// by a maker that asks for what nobody provides.
    pub fn service<T: ?Sized + 'static>(&self) -> Result<&T, MissingService> {
        self.services.get().ok_or_else(|| MissingService { name: std::any::type_name::<T>(), with: "provide" })
    }

    /// The context of the run.
    #[must_use]
    pub fn context(&self) -> &JobContext {
        &self.context
    }

    /// Makes the services that a run has for itself: in this order, but the transaction last. Where one cannot be made, those made before
    /// it are ended as after a failure.
    pub async fn build(&self, entries: &[ServiceEntry]) -> Result<Own, Failure> {
        let mut own = Own { scope: self.clone(), made: Vec::with_capacity(entries.len()) };
        let is_transaction = |entry: &&ServiceEntry| self.services.is_transaction(entry);
        let ordered = entries.iter().filter(|entry| !is_transaction(entry)).chain(entries.iter().filter(is_transaction));
        for entry in ordered {
            if let Err(failure) = own.make(entry).await {
                return Err(own.end(Err(failure)).await.err().unwrap_or_else(|| Failure::new("a service could not be made")));
            }
        }
        Ok(own)
    }
}

/// The services of one run, in the order in which they were made.
pub struct Own {
    scope: Scope,
    made: Vec<Made>,
}

struct Made {
    id: TypeId,
    // Missing while the fn has it.
    service: Option<Boxed>,
}

impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Own").field("made", &self.made.len()).finish_non_exhaustive()
    }
}

impl Own {
    async fn make(&mut self, entry: &ServiceEntry) -> Result<(), Failure> {
        let (id, name) = ((entry.id)(), (entry.type_name)());
        let services = Arc::clone(&self.scope.services);
        let Some(maker) = services.maker(id) else {
            return Err(MissingService { name, with: "provide_scoped" }.into());
        };
        if maker.is_transaction() {
            match &self.scope.unit {
                Some(unit) => unit.begins(),
                None => {
                    return Err(Failure::new(format!(
                        "`{name}` completes the job when it is committed: only a runtime can do that"
                    )));
                }
            }
        }
        let making = (maker.make)(self.scope.clone());
        let service = making.await.map_err(|error| said(&format!("`{name}` could not be made for this run"), error))?;
        self.made.push(Made { id, service: Some(service) });
        Ok(())
    }

    /// Gives out the service of type `T`, which comes back by [`put`](Self::put).
    pub fn take<T: OwnService>(&mut self) -> Result<Box<T>, Failure> {
        let made = self.made.iter_mut().find(|made| made.id == TypeId::of::<T>());
        made.and_then(|made| made.service.take())
            .and_then(|service| service.downcast().ok())
            .ok_or_else(|| MissingService { name: std::any::type_name::<T>(), with: "provide_scoped" }.into())
    }

    /// Takes a service back.
    pub fn put<T: OwnService>(&mut self, service: Box<T>) {
        if let Some(made) = self.made.iter_mut().find(|made| made.id == TypeId::of::<T>()) {
            made.service = Some(service);
        }
    }

    /// Ends the services of a run that ended like this, and says how it ended with that.
    pub async fn end(mut self, mut settled: Settled) -> Settled {
        let services = Arc::clone(&self.scope.services);
        let mut transaction = None;
        while let Some(Made { id, service }) = self.made.pop() {
            let (Some(service), Some(maker)) = (service, services.maker(id)) else { continue };
            match &maker.end {
                End::Drop => drop(service),
                // A transaction was made last, so a failed one is dropped before anything is awaited.
                End::Commit(commit) if settled.is_ok() => transaction = Some((service, commit)),
                End::Commit(_) => drop(service),
                End::Await(end) => {
                    let ending = if settled.is_ok() { Ending::Completed } else { Ending::Failed };
                    if let Err(error) = end(service, ending).await {
                        let failure = said("the work was done, but a service of this run did not end well", error);
                        settled = settled.and(Err(failure));
                    }
                    if settled.is_err() {
                        drop(transaction.take());
                    }
                }
            }
        }
        let Some((service, commit)) = transaction else { return settled };
        let output = settled?;
        let Some(unit) = &self.scope.unit else { return Err(Failure::new("no runtime completes this job")) };
        let statement = unit.completion(output.as_deref())?;
        commit(service, statement).await.map_err(|error| said("the transaction could not be committed", error))?;
        unit.committed();
        Ok(output)
    }
}

/// A failure, with what it is about before its own words.
fn said(what: &str, error: BoxError) -> Failure {
    let mut failure = Failure::from_error(error);
    failure.message = format!("{what}: {}", failure.message);
    failure
}

type Boxed = Box<dyn Any + Send>;
type Promise<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;
type Consume<With> = Box<dyn Fn(Boxed, With) -> Promise<()> + Send + Sync>;

/// How the service of one run is made and ended.
pub(crate) struct Maker {
    make: Box<dyn Fn(Scope) -> Promise<Boxed> + Send + Sync>,
    end: End,
}

enum End {
    Drop,
    Await(Consume<Ending>),
    Commit(Consume<Statement>),
}

impl Maker {
    pub(crate) fn new<T, M, F>(make: M) -> Self
    where
        T: OwnService,
        M: Fn(Scope) -> F + Send + Sync + 'static,
        F: Future<Output = Result<T, BoxError>> + Send + 'static,
    {
        let make = move |scope| {
            let making = make(scope);
            Box::pin(async move { Ok(Box::new(making.await?) as Boxed) }) as Promise<Boxed>
        };
        Self { make: Box::new(make), end: End::Drop }
    }

    pub(crate) fn ending<T, E, F>(self, end: E) -> Self
    where
        T: OwnService,
        E: Fn(T, Ending) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        Self { end: End::Await(consume(end)), ..self }
    }

    pub(crate) fn committing<T, C, F>(self, commit: C) -> Self
    where
        T: OwnService,
        C: Fn(T, Statement) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        Self { end: End::Commit(consume(commit)), ..self }
    }

    pub(crate) fn is_transaction(&self) -> bool {
        matches!(self.end, End::Commit(_))
    }
}

fn consume<T, With: Send + 'static, C, F>(consume: C) -> Consume<With>
where
    T: OwnService,
    C: Fn(T, With) -> F + Send + Sync + 'static,
    F: Future<Output = Result<(), BoxError>> + Send + 'static,
{
    Box::new(move |service: Boxed, with| match service.downcast::<T>() {
        Ok(service) => Box::pin(consume(*service, with)),
        // It is kept under the id of its type.
        Err(_) => Box::pin(async { Err("a service of this run has another type than it was made with".into()) }),
    })
}
