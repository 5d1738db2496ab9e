//! Services: what the runtime lends to jobs, found by type and checked at start. A `&T` is shared by all; a `&mut T` is made for one run
//! alone ([`scope`](crate::scope)).

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use crate::outcome::BoxError;
use crate::scope::{Ending, Maker, Scope};
use crate::store::Statement;

/// A type that jobs may borrow. Implemented for all that threads may share.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a service",
    label = "must be `Send + Sync + 'static`",
    note = "jobs run on many threads and share their services; put what changes behind a `Mutex`"
)]
pub trait Service: Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: ?Sized + Send + Sync + 'static> Service for T {}

/// A type of which one run may have a value of its own, lent as `&mut T`. Implemented for all that may move between threads.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a service of one run",
    label = "must be `Send + 'static`",
    note = "a run may go on on another thread than it began"
)]
pub trait OwnService: Send + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Send + 'static> OwnService for T {}

/// A service that a job asks for.
#[derive(Clone, Copy)]
pub struct ServiceEntry {
    /// Which type.
    pub id: fn() -> TypeId,
    /// Its name, as the compiler writes it.
    pub type_name: fn() -> &'static str,
    /// Whether it is made for each run, and lent as `&mut T`.
    pub own: bool,
}

impl fmt::Debug for ServiceEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.own { "&mut " } else { "&" }, (self.type_name)())
    }
}

/// The entry of a shared service of type `T`.
#[must_use]
pub const fn service<T: ?Sized + Service>() -> ServiceEntry {
    ServiceEntry { id: TypeId::of::<T>, type_name: std::any::type_name::<T>, own: false }
}

/// The entry of a service of type `T` that each run has for itself.
#[must_use]
pub const fn own<T: OwnService>() -> ServiceEntry {
    ServiceEntry { id: TypeId::of::<T>, type_name: std::any::type_name::<T>, own: true }
}

/// All services of a runtime: one for each type that is shared, and one way to make each type that a run has for itself.
#[derive(Default)]
pub struct Services {
    // Each value is an `Arc<T>`, boxed so that `T` may be a trait object.
    by_type: HashMap<TypeId, Box<dyn Any + Send + Sync>>,
    makers: HashMap<TypeId, Maker>,
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Services").field("shared", &self.by_type.len()).field("own", &self.makers.len()).finish()
    }
}

impl Services {
    /// No service yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a service, in the place of an earlier one of the same type.
    pub fn provide<T: Service>(&mut self, service: T) {
        self.provide_arc(Arc::new(service));
    }

    /// Adds a service that is shared already, also a trait object (`provide_arc::<dyn Mailer>(..)`).
    pub fn provide_arc<T: ?Sized + Service>(&mut self, service: Arc<T>) {
        self.by_type.insert(TypeId::of::<T>(), Box::new(service));
    }

    /// The service of type `T`.
    #[must_use]
    pub fn get<T: ?Sized + 'static>(&self) -> Option<&T> {
        self.by_type.get(&TypeId::of::<T>())?.downcast_ref::<Arc<T>>().map(|service| &**service)
    }

    /// Adds a way to make the `T` of one run, in the place of an earlier one of the same type. It is dropped after the run.
    pub fn provide_scoped<T, M, F>(&mut self, make: M)
    where
        T: OwnService,
        M: Fn(Scope) -> F + Send + Sync + 'static,
        F: Future<Output = Result<T, BoxError>> + Send + 'static,
    {
        self.makers.insert(TypeId::of::<T>(), Maker::new(make));
    }

    /// The same with an end, which is told how the run ended. A run that panics or is dropped has none: its services are dropped.
    pub fn provide_scoped_with<T, M, F, E, G>(&mut self, make: M, end: E)
    where
        T: OwnService,
        M: Fn(Scope) -> F + Send + Sync + 'static,
        F: Future<Output = Result<T, BoxError>> + Send + 'static,
        E: Fn(T, Ending) -> G + Send + Sync + 'static,
        G: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        self.makers.insert(TypeId::of::<T>(), Maker::new(make).ending(end));
    }

    /// Adds a unit of work: a transaction that each run has for itself, and whose commit completes the job.
    pub fn provide_transaction<T, M, F, C, G>(&mut self, begin: M, commit: C)
    where
        T: OwnService,
        M: Fn(Scope) -> F + Send + Sync + 'static,
        F: Future<Output = Result<T, BoxError>> + Send + 'static,
        C: Fn(T, Statement) -> G + Send + Sync + 'static,
        G: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        self.makers.insert(TypeId::of::<T>(), Maker::new(begin).committing(commit));
    }

    /// Whether the service of an entry is there.
    #[must_use]
    pub fn has(&self, entry: &ServiceEntry) -> bool {
        let id = (entry.id)();
        if entry.own { self.makers.contains_key(&id) } else { self.by_type.contains_key(&id) }
    }

    /// Whether the service of an entry is a unit of work.
    #[must_use]
    pub fn is_transaction(&self, entry: &ServiceEntry) -> bool {
        entry.own && self.maker((entry.id)()).is_some_and(Maker::is_transaction)
    }

    pub(crate) fn maker(&self, id: TypeId) -> Option<&Maker> {
        self.makers.get(&id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    trait Greet: Send + Sync {
        fn greet(&self) -> &'static str;
    }

    struct Polite;

    impl Greet for Polite {
        fn greet(&self) -> &'static str {
            "good day"
        }
    }

    #[test]
    fn a_service_is_found_by_its_type_alone() {
        let mut services = Services::new();
        services.provide(7_u32);
        services.provide_arc::<dyn Greet>(Arc::new(Polite));
        assert_eq!(services.get::<u32>(), Some(&7));
        assert_eq!(services.get::<dyn Greet>().unwrap().greet(), "good day");
        assert!(services.get::<u64>().is_none());
        assert!(services.has(&service::<dyn Greet>()) && !services.has(&service::<Polite>()));
    }
}
