//! The store as a process of a run comes to it: with the time by which it goes, and where that is asked for with a weakness.

use std::sync::Arc;

use jobs_core::BoxError;
use jobs_core::store::{Deal, Fire, Fired, Now, Occasion, Store, StoreFuture};
use jobs_runtime::env::Clock;
use jobs_runtime::store::postgres::{PostgresOptions, PostgresStore};
use jobs_runtime::testing::guards::Guard;

use super::clock::FastClock;
use super::course::Course;
use crate::around::{Around, Passage};
use crate::chaos::plan::DEADLINE;
use crate::chaos::worker;

/// What stands between a process and the store.
pub(super) struct Sight {
    /// The clock of the server. A file has none: there the time is that of whoever calls.
    servers: Option<FastClock>,
    /// Whether a tick that somebody else has fired gets a job all the same.
    doubles: bool,
}

/// Opens the store of this URL for a process of this course.
pub(super) async fn open(url: &str, course: &Course) -> Result<Arc<dyn Store>, BoxError> {
    let is_file = url.starts_with("sqlite://");
    let inner: Arc<dyn Store> = if is_file {
        worker::open(url).await?
    } else {
        let mut options = PostgresOptions::new(url);
        options.deadline = DEADLINE;
        options.callers_clock = true;
        Arc::new(PostgresStore::open(options).await?)
    };
    let servers = (!is_file).then_some(course.clock);
    let passage = Sight { servers, doubles: course.without == Some(Guard::CompareAndSwap) };
    Ok(Arc::new(Around { inner, passage }))
}

impl Passage for Sight {
    fn time(&self, now: Now) -> Now {
        let wall = self.servers.map_or(now.wall, |clock| clock.now().wall);
        Now { wall, ..now }
    }

    fn fire<'a>(&'a self, store: &'a dyn Store, now: Now, ticks: Vec<Fire>) -> StoreFuture<'a, Vec<Fired>> {
        if !self.doubles {
            return store.fire(now, ticks);
        }
        Box::pin(async move {
            let mut answers = store.fire(now, ticks.clone()).await?;
            for (answer, fire) in answers.iter_mut().zip(ticks) {
                if let (Fired::Lost, Occasion::Time { .. }, Deal::Job(job)) = (*answer, fire.occasion, fire.deal) {
                    let stored = store.enqueue(now, vec![*job]).await?;
                    *answer = stored.first().map_or(Fired::Lost, |stored| Fired::Job(stored.id));
                }
            }
            Ok(answers)
        })
    }
}
