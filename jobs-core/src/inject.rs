//! Services: what the runtime lends to jobs by `&T`, found by type and checked at start.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// A type that jobs may borrow. Implemented for all that threads may share.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a service",
    label = "must be `Send + Sync + 'static`",
    note = "jobs run on many threads and share their services; put what changes behind a `Mutex`"
)]
pub trait Service: Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: ?Sized + Send + Sync + 'static> Service for T {}

/// A service that a job asks for.
#[derive(Clone, Copy)]
pub struct ServiceEntry {
    /// Which type.
    pub id: fn() -> TypeId,
    /// Its name, as the compiler writes it.
    pub type_name: fn() -> &'static str,
}

impl fmt::Debug for ServiceEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "&{}", (self.type_name)())
    }
}

/// The entry of a service of type `T`.
#[must_use]
pub const fn service<T: ?Sized + Service>() -> ServiceEntry {
    ServiceEntry { id: TypeId::of::<T>, type_name: std::any::type_name::<T> }
}

/// All services of a runtime, one for each type.
#[derive(Default)]
pub struct Services {
    // Each value is an `Arc<T>`, boxed so that `T` may be a trait object.
    by_type: HashMap<TypeId, Box<dyn Any + Send + Sync>>,
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Services").field("count", &self.by_type.len()).finish()
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

    /// Whether the service of an entry is there.
    #[must_use]
    pub fn has(&self, entry: &ServiceEntry) -> bool {
        self.by_type.contains_key(&(entry.id)())
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
