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
#[error("the service `{name}` was not provided: add {with} to the runtime's builder")]
pub struct MissingService {
    name: &'static str,
    with: &'static str,
}

const SHARED: &str = "`.provide(..)`";
const OWN: &str = "`.provide_scoped(..)` or `.provide_transaction(..)`";

impl From<MissingService> for Failure {
    fn from(missing: MissingService) -> Self {
        Self::new(missing.to_string())
    }
}

/// What the engine does for the transaction of a run.
pub trait UnitOfWork: Send + Sync {
    /// Takes note that the transaction has begun.
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
        self.services.get().ok_or_else(|| MissingService { name: std::any::type_name::<T>(), with: SHARED })
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

/// The services of one run, in the order in which they were made. Those that are left are dropped in reverse.
pub struct Own {
    scope: Scope,
    made: Vec<Made>,
}

struct Made {
    id: TypeId,
    name: &'static str,
    // Missing while the fn has it.
    service: Option<Boxed>,
}

impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Own").field("made", &self.made.len()).finish_non_exhaustive()
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        while self.made.pop().is_some() {}
    }
}

impl Own {
    async fn make(&mut self, entry: &ServiceEntry) -> Result<(), Failure> {
        let (id, name) = ((entry.id)(), (entry.type_name)());
        let services = Arc::clone(&self.scope.services);
        let Some(maker) = services.maker(id) else {
            return Err(MissingService { name, with: OWN }.into());
        };
        if self.made.iter().any(|made| made.id == id) {
            return Err(Failure::new(format!("`{name}` is asked for twice: a run has one service of each type")));
        }
        if maker.is_transaction() {
            let is_another = |made: &&Made| services.maker(made.id).is_some_and(Maker::is_transaction);
            if let Some(Made { name: other, .. }) = self.made.iter().find(is_another) {
                return Err(Failure::new(format!("`{other}` and `{name}` each complete the job: a run has one transaction")));
            }
            if self.scope.unit.is_none() {
                return Err(Failure::new(format!("`{name}` completes the job when it is committed: only a runtime can do that")));
            }
        }
        let making = (maker.make)(self.scope.clone());
        let service = making.await.map_err(|error| said(&format!("`{name}` could not be made for this run"), error))?;
        // Not before: until now it may have waited for others.
        if let Some(unit) = self.scope.unit.as_ref().filter(|_| maker.is_transaction()) {
            unit.begins();
        }
        self.made.push(Made { id, name, service: Some(service) });
        Ok(())
    }

    /// Gives out the service of type `T`, which comes back by [`put`](Self::put).
    pub fn take<T: OwnService>(&mut self) -> Result<Box<T>, Failure> {
        let name = std::any::type_name::<T>();
        let Some(made) = self.made.iter_mut().find(|made| made.id == TypeId::of::<T>()) else {
            return Err(Failure::new(format!("`{name}` was not made for this run")));
        };
        let service = made.service.take().and_then(|service| service.downcast().ok());
        service.ok_or_else(|| Failure::new(format!("`{name}` was given out already: a run has one service of each type")))
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
        while let Some(Made { id, name, service }) = self.made.pop() {
            let Some(maker) = services.maker(id) else { continue };
            let Some(service) = service else {
                settled = settled.and_then(|_| Err(Failure::new(format!("`{name}` was not given back"))));
                continue;
            };
            match &maker.end {
                End::Commit(commit) if settled.is_ok() => transaction = Some((service, commit)),
                // A transaction was made last, so a failed one is dropped before anything is awaited.
                End::Commit(_) | End::Drop => drop(service),
                End::Await(end) => {
                    let ending = if settled.is_ok() { Ending::Completed } else { Ending::Failed };
                    if let Err(error) = end(service, ending).await {
                        settled = Err(ended_badly(name, error, settled.err()));
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

/// The failure of a run whose service did not end well. What failed before that decides what follows.
fn ended_badly(name: &str, error: BoxError, before: Option<Failure>) -> Failure {
    let Some(mut failure) = before else {
        return said(&format!("the work was done, but `{name}` did not end well"), error);
    };
    let after = said(&format!("`{name}` did not end well either"), error);
    failure.message = format!("{}; {}", failure.message, after.message);
    failure
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

#[cfg(test)]
mod tests {
    use std::fmt::Write;
    use std::sync::Mutex;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::inject::own;
    use crate::outcome::{Directive, Verdict};

    /// What happened, in order.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<String>>);

    impl Log {
        fn add(&self, line: impl fmt::Display) {
            let mut log = self.0.lock().unwrap();
            let apart = if log.is_empty() { "" } else { ", " };
            write!(log, "{apart}{line}").unwrap();
        }

        fn taken(&self) -> String {
            std::mem::take(&mut *self.0.lock().unwrap())
        }
    }

    /// A service of one run; by its number each has a type of its own.
    struct Noted<const NTH: u8>(Log);

    impl<const NTH: u8> Drop for Noted<NTH> {
        fn drop(&mut self) {
            self.0.add(format_args!("{NTH} dropped"));
        }
    }

    /// A runtime that refuses to complete what is told so.
    struct Unit(Log);

    impl UnitOfWork for Unit {
        fn begins(&self) {
            self.0.add("begins");
        }

        fn completion(&self, output: Option<&str>) -> Result<Statement, Failure> {
            self.0.add(format_args!("completion of {output:?}"));
            if output == Some("refused") {
                Err(Failure::new("the lease is lost"))
            } else {
                Ok(Statement::new("complete", String::new()))
            }
        }

        fn committed(&self) {
            self.0.add("committed");
        }
    }

    #[derive(Default)]
    struct World {
        log: Log,
        services: Services,
    }

    impl World {
        fn scoped<const NTH: u8>(mut self) -> Self {
            let log = self.log.clone();
            self.services.provide_scoped(move |_| {
                log.add(format_args!("{NTH} made"));
                let made = Noted::<NTH>(log.clone());
                async { Ok(made) }
            });
            self
        }

        /// With an end that fails for this reason.
        fn ended<const NTH: u8>(mut self, fails: Option<&'static str>) -> Self {
            let (log, end) = (self.log.clone(), self.log.clone());
            self.services.provide_scoped_with(
                move |_| {
                    log.add(format_args!("{NTH} made"));
                    let made = Noted::<NTH>(log.clone());
                    async { Ok(made) }
                },
                move |service: Noted<NTH>, ending| {
                    end.add(format_args!("{NTH} {ending:?}"));
                    async move {
                        drop(service);
                        fails.map_or(Ok(()), |fails| Err(Verdict::discard(fails).into()))
                    }
                },
            );
            self
        }

        fn transaction<const NTH: u8>(mut self) -> Self {
            let (log, end) = (self.log.clone(), self.log.clone());
            self.services.provide_transaction(
                move |_| {
                    log.add(format_args!("{NTH} begun"));
                    let made = Noted::<NTH>(log.clone());
                    async { Ok(made) }
                },
                move |service: Noted<NTH>, statement| {
                    end.add(format_args!("{NTH} commits {}", statement.sql()));
                    async move {
                        drop(service);
                        Ok(())
                    }
                },
            );
            self
        }

        fn failing<const NTH: u8>(mut self) -> Self {
            self.services.provide_scoped(|_| async { Err::<Noted<NTH>, _>(Verdict::discard("no tenant").into()) });
            self
        }

        fn build(self, entries: &[ServiceEntry]) -> (Log, Result<Own, Failure>) {
            let scope = Scope::new(Arc::new(self.services), JobContext::test());
            let own = now(scope.with_unit(Arc::new(Unit(self.log.clone()))).build(entries));
            (self.log, own)
        }

        /// What happens to a run that settles like this.
        fn run(self, entries: &[ServiceEntry], settled: Settled) -> (String, Settled) {
            let (log, own) = self.build(entries);
            let settled = own.and_then(|own| now(own.end(settled)));
            (log.taken(), settled)
        }
    }

    /// The output of a future that waits for nothing.
    fn now<T>(future: impl Future<Output = T>) -> T {
        match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("it waits"),
        }
    }

    #[allow(clippy::unnecessary_wraps, reason = "it stands for what a job returns")]
    fn completed() -> Settled {
        Ok(Some("7".to_owned()))
    }

    #[test]
    fn the_transaction_is_made_last_and_everything_ends_in_reverse_before_it_is_committed() {
        let world = World::default().ended::<1>(None).transaction::<2>().scoped::<3>().ended::<4>(None);
        let entries = [own::<Noted<2>>(), own::<Noted<1>>(), own::<Noted<3>>(), own::<Noted<4>>()];
        let (log, settled) = world.run(&entries, completed());
        let made = "1 made, 3 made, 4 made, 2 begun, begins";
        let ended = "4 Completed, 4 dropped, 3 dropped, 1 Completed, 1 dropped";
        assert_eq!(log, format!("{made}, {ended}, completion of Some(\"7\"), 2 commits complete, 2 dropped, committed"));
        assert_eq!(settled, completed());
    }

    #[test]
    fn the_transaction_of_a_failed_run_is_rolled_back_before_anything_is_awaited() {
        let world = World::default().ended::<1>(None).transaction::<2>();
        let (log, settled) = world.run(&[own::<Noted<2>>(), own::<Noted<1>>()], Err(Failure::new("no")));
        assert_eq!(log, "1 made, 2 begun, begins, 2 dropped, 1 Failed, 1 dropped");
        assert_eq!(settled, Err(Failure::new("no")));
    }

    #[test]
    fn a_service_that_cannot_be_made_fails_the_run_and_ends_those_before_it() {
        let world = World::default().ended::<1>(None).ended::<2>(Some("no line")).failing::<3>().transaction::<4>();
        let (log, own) = world.build(&[own::<Noted<4>>(), own::<Noted<1>>(), own::<Noted<2>>(), own::<Noted<3>>()]);
        let failure = own.unwrap_err();
        assert_eq!(log.taken(), "1 made, 2 made, 2 Failed, 2 dropped, 1 Failed, 1 dropped");
        let expected = "`jobs_core::scope::tests::Noted<3>` could not be made for this run: no tenant; \
                        `jobs_core::scope::tests::Noted<2>` did not end well either: no line";
        assert_eq!((failure.message.as_str(), failure.directive), (expected, Directive::Discard));
    }

    #[test]
    fn after_an_end_that_fails_nothing_is_committed_and_the_others_know() {
        let world = World::default().ended::<1>(None).ended::<2>(Some("no line")).ended::<3>(None).transaction::<4>();
        let (log, settled) =
            world.run(&[own::<Noted<1>>(), own::<Noted<2>>(), own::<Noted<3>>(), own::<Noted<4>>()], completed());
        let (made, ended) = log.split_once("4 begun, begins, ").unwrap();
        assert_eq!(made, "1 made, 2 made, 3 made, ");
        assert_eq!(ended, "3 Completed, 3 dropped, 2 Completed, 2 dropped, 4 dropped, 1 Failed, 1 dropped");
        let failure = settled.unwrap_err();
        let expected = "the work was done, but `jobs_core::scope::tests::Noted<2>` did not end well: no line";
        assert_eq!((failure.message.as_str(), failure.directive), (expected, Directive::Discard));
    }

    #[test]
    fn of_several_failures_all_are_told_and_the_first_decides() {
        let world = World::default().ended::<1>(Some("one")).ended::<2>(Some("two"));
        let settled = world.run(&[own::<Noted<1>>(), own::<Noted<2>>()], Err(Failure::new("no"))).1.unwrap_err();
        let [second, first] = [2, 1]
            .map(|nth| format!("`jobs_core::scope::tests::Noted<{nth}>` did not end well either: {}", ["one", "two"][nth - 1]));
        assert_eq!(settled, Failure::new(format!("no; {second}; {first}")));
    }

    #[test]
    fn a_job_that_may_not_be_completed_is_not_committed() {
        let world = World::default().transaction::<1>();
        let (log, settled) = world.run(&[own::<Noted<1>>()], Ok(Some("refused".to_owned())));
        assert_eq!(log, "begins, 1 begun, completion of Some(\"refused\"), 1 dropped");
        assert_eq!(settled, Err(Failure::new("the lease is lost")));
    }

    #[test]
    fn a_run_has_one_service_of_a_type_and_one_transaction() {
        let twice = World::default().ended::<1>(None).run(&[own::<Noted<1>>(), own::<Noted<1>>()], completed());
        assert_eq!(twice.0, "1 made, 1 Failed, 1 dropped");
        assert!(twice.1.unwrap_err().message.ends_with("Noted<1>` is asked for twice: a run has one service of each type"));
        let world = World::default().transaction::<1>().transaction::<2>();
        let (log, settled) = world.run(&[own::<Noted<1>>(), own::<Noted<2>>()], completed());
        assert_eq!(log, "begins, 1 begun, 1 dropped");
        assert!(settled.unwrap_err().message.ends_with("each complete the job: a run has one transaction"));
    }

    #[test]
    fn a_service_is_given_out_once_and_has_to_come_back() {
        let world = World::default().scoped::<1>().transaction::<2>();
        let (log, own) = world.build(&[own::<Noted<1>>(), own::<Noted<2>>()]);
        let mut own = own.unwrap();
        let transaction = own.take::<Noted<2>>().unwrap();
        assert!(own.take::<Noted<2>>().err().unwrap().message.contains("was given out already"));
        assert!(own.take::<Noted<3>>().err().unwrap().message.contains("was not made for this run"));
        let failure = now(own.end(completed())).unwrap_err();
        assert_eq!(failure.message, "`jobs_core::scope::tests::Noted<2>` was not given back");
        drop(transaction);
        assert_eq!(log.taken(), "1 made, begins, 2 begun, 1 dropped, 2 dropped");
    }

    #[test]
    fn what_is_not_ended_is_dropped_in_reverse() {
        let (log, own) = World::default().ended::<1>(None).ended::<2>(None).build(&[own::<Noted<1>>(), own::<Noted<2>>()]);
        drop(own);
        assert_eq!(log.taken(), "1 made, 2 made, 2 dropped, 1 dropped");
    }

    #[test]
    fn a_missing_service_says_how_it_is_provided() {
        let failure = World::default().build(&[own::<Noted<1>>()]).1.unwrap_err();
        let expected = "the service `jobs_core::scope::tests::Noted<1>` was not provided: \
                        add `.provide_scoped(..)` or `.provide_transaction(..)` to the runtime's builder";
        assert_eq!(failure.message, expected);
        let scope = Scope::new(Arc::default(), JobContext::test());
        assert!(scope.service::<u8>().unwrap_err().to_string().ends_with("add `.provide(..)` to the runtime's builder"));
    }
}
