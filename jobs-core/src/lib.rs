//! The vocabulary of jobs: what a job is, how it is written down, and what a store promises.
//!
//! Nothing here runs, waits, reads a clock or touches a disk. The modules without a feature need only the standard library,
//! because `jobs-macros` judges names, durations and schedules with the very same code; the rest stands behind `full`.

pub mod backoff;
pub mod duration;
pub mod name;
pub mod schedule;
pub mod text;

#[cfg(feature = "full")]
pub mod argument;
#[cfg(feature = "full")]
pub mod chain;
#[cfg(feature = "full")]
pub mod context;
#[cfg(feature = "full")]
pub mod error;
#[cfg(feature = "full")]
mod hash;
#[cfg(feature = "full")]
pub mod id;
#[cfg(feature = "full")]
pub mod inject;
#[cfg(feature = "full")]
pub mod job;
#[cfg(feature = "full")]
pub mod lifecycle;
#[cfg(feature = "full")]
pub mod outcome;
#[cfg(feature = "full")]
pub mod record;
#[cfg(feature = "full")]
pub mod registry;
#[cfg(feature = "full")]
pub mod scope;
#[cfg(feature = "full")]
pub mod store;

pub use backoff::Backoff;
pub use text::TextError;

#[cfg(feature = "full")]
pub use {
    chain::{Chain, Follows},
    context::JobContext,
    error::{EnqueueError, ScheduleError, StoreError},
    id::{JobId, WorkerId},
    inject::Services,
    job::{Enqueue, IntoJob, Job, JobBuilder, NewJob, When},
    lifecycle::State,
    outcome::{BoxError, Verdict},
    record::{Counts, JobRecord},
    registry::{JobEntry, Registry},
    scope::{Ending, Scope},
    store::{Statement, Store},
};

/// What the code that `#[job]` writes refers to. No part of the public API.
#[cfg(feature = "full")]
#[doc(hidden)]
pub mod __private {
    pub use std::borrow::Cow;
    pub use std::boxed::Box;
    pub use std::marker::Sized;
    pub use std::option::Option::{self, None, Some};
    pub use std::primitive::str;
    pub use std::result::Result::{Err, Ok};
    pub use std::time::Duration;
    pub use std::{compile_error, file, line, module_path, unreachable};

    pub use inventory;

    pub use crate::argument::{ArgumentWriter, argument, codec, unsupplied};
    pub use crate::backoff::Backoff;
    pub use crate::chain::Follows;
    pub use crate::inject::{Services, own, service};
    pub use crate::job::{DEFAULT_QUEUE, Job, JobBuilder};
    pub use crate::outcome::{Directive, Settled, settle};
    pub use crate::schedule::{Misfire, Moment, Overlap, RunOnStart};
    /// A type as the member of another, where it can be spelt with the places of many tokens.
    pub trait Same {
        /// The type itself.
        type Type: ?Sized;
    }

    impl<T: ?Sized> Same for T {
        type Type = T;
    }

    pub use crate::registry::{Call, Handler, JobEntry, Linked, Location, Registry, ScheduleEntry, ScheduleText};
    pub use crate::scope::Scope;
}
