//! Lanes: each is one connection with a queue of calls before it, served one after the other on the store's own thread.
//!
//! A call that is begun is brought to its end, also when whoever made it has gone; so a call takes effect wholly or not at all. Each
//! has a deadline, after which its connection is given up. A lane connects when it is first used, and again when it lost its
//! connection, waiting longer each time it fails.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use jobs_core::StoreError;
use jobs_core::store::StoreFuture;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::connect::Target;
use super::connection::{Connection, Manner};
use super::error::{Problem, Result};

/// How long a lane waits after its first failure to connect, and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// How often a call is made again because the server preferred another one.
const TRIES: u32 = 8;

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// A call that answers for itself. It is given the connection, or why there is none.
type Call = Box<dyn for<'c> FnOnce(std::result::Result<&'c mut Connection, StoreError>) -> Boxed<'c, ()> + Send>;

/// The end of a lane that calls go in by.
#[derive(Clone)]
pub(super) struct Lane {
    calls: mpsc::UnboundedSender<Call>,
    place: Arc<str>,
}

impl Lane {
    /// A lane and the part of it that serves the calls.
    pub(super) fn new(place: Arc<str>) -> (Self, Serving) {
        let (calls, served) = mpsc::unbounded_channel();
        (Self { calls, place }, Serving { calls: served })
    }

    /// Makes a call. It is made again when the server undid it in favour of another one.
    pub(super) fn call<T, F>(&self, work: F) -> StoreFuture<'static, T>
    where
        T: Send + 'static,
        F: AsyncFnMut(&mut Connection) -> Result<T> + Send + 'static,
    {
        let lane = self.clone();
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            let place = Arc::clone(&lane.place);
            let call: Call = Box::new(move |connection| {
                Box::pin(async move {
                    let done = match connection {
                        Ok(connection) => again(connection, work).await.map_err(|problem| problem.into_store_error(&place)),
                        Err(error) => Err(error),
                    };
                    // Who does not wait any more does not hear of it.
                    let _ = answer.send(done);
                })
            });
            lane.calls.send(call).map_err(|_| StoreError::Closed)?;
            answered.await.unwrap_or_else(|_| Err(no_answer(&lane.place)))
        })
    }
}

/// What is said of a call that was begun and brought to no end.
pub(super) fn no_answer(place: &str) -> StoreError {
    let message = Cow::Owned(format!("{place}: no answer in time, the connection is given up"));
    StoreError::Unavailable { message, source: None }
}

/// Does it, and again as long as the server undoes it in favour of somebody else.
pub(super) async fn again<T, F: AsyncFnMut(&mut Connection) -> Result<T>>(connection: &mut Connection, mut work: F) -> Result<T> {
    let mut tries = 1;
    loop {
        match work(connection).await {
            Err(problem) if problem.is_conflict() && tries < TRIES => tries += 1,
            done => return done,
        }
    }
}

/// The end of a lane that serves calls.
pub(super) struct Serving {
    calls: mpsc::UnboundedReceiver<Call>,
}

impl Serving {
    /// Serves calls until all who could make one are gone.
    pub(super) async fn run(mut self, target: Rc<Target>, manner: Rc<Manner>) {
        let mut link = Link::new(target, manner);
        while let Some(call) = self.calls.recv().await {
            link.serve(call).await;
        }
    }
}

/// A connection that comes back.
pub(super) struct Link {
    target: Rc<Target>,
    manner: Rc<Manner>,
    connection: Option<Connection>,
    pause: Duration,
    not_before: Instant,
}

impl Link {
    pub(super) fn new(target: Rc<Target>, manner: Rc<Manner>) -> Self {
        Self { target, manner, connection: None, pause: PAUSE.0, not_before: Instant::now() }
    }

    async fn serve(&mut self, call: Call) {
        match self.connected().await {
            Err(error) => call(Err(error)).await,
            Ok(_) => self.within_deadline(async |connection| call(Ok(connection)).await).await,
        }
    }

    /// Works on the connection. Work that takes too long is dropped with its connection: the server undoes what it had begun.
    pub(super) async fn within_deadline(&mut self, work: impl AsyncFnOnce(&mut Connection)) {
        let deadline = self.target.deadline;
        if let Some(connection) = &mut self.connection
            && tokio::time::timeout(deadline, work(connection)).await.is_err()
        {
            self.connection = None;
        }
    }

    /// The connection, made anew if it is gone.
    pub(super) async fn connected(&mut self) -> std::result::Result<&mut Connection, StoreError> {
        if self.connection.as_ref().is_none_or(Connection::is_closed) {
            self.connection = None;
            tokio::time::sleep_until(self.not_before).await;
            match self.connect().await {
                Ok(connection) => {
                    self.pause = PAUSE.0;
                    self.connection = Some(connection);
                }
                Err(problem) => {
                    self.not_before = Instant::now() + self.pause.mul_f64(0.5 + self.target.rng.fraction());
                    self.pause = (self.pause * 2).min(PAUSE.1);
                    return Err(problem.into_store_error(&self.target.place));
                }
            }
        }
        self.connection.as_mut().ok_or(StoreError::Closed)
    }

    async fn connect(&self) -> Result<Connection> {
        let connecting = async {
            let (client, _) = self.target.connect(|_| {}).await?;
            Connection::new(client, Rc::clone(&self.manner)).await
        };
        match tokio::time::timeout(self.target.deadline, connecting).await {
            Ok(connected) => connected,
            Err(_) => Err(Problem::Store(StoreError::Unavailable {
                message: Cow::Owned(format!("{}: no connection in time", self.target.place)),
                source: None,
            })),
        }
    }
}
