//! Lanes: each is one connection with a queue of calls before it, served one after the other on the store's own thread.
//!
//! A call that is begun is brought to its end, also when whoever made it has gone; so a call takes effect wholly or not at all. A lane
//! connects when it is first used, and again when it lost its connection, waiting longer each time it fails.
//!
//! A call ends within the store's deadline, the connecting included, and its connection is given up. What can be repeated, and others
//! wait for, gives up earlier where the server says nothing at all: claims and outcomes after a third of the deadline ([`HOT`]),
//! heartbeats after a sixth of the lease ([`Patience`]), and these are then made again at once. Silence is what counts, from one answer
//! to the next, so that a network that is only slow is not taken for one that is gone.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jobs_core::StoreError;
use jobs_core::store::StoreFuture;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::connect::{Driver, Target, no_connection};
use super::connection::{Connection, Manner};
use super::error::Result;

/// How long a lane waits after its first failure to connect, and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// For which part of the deadline a claim or a group of outcomes bears silence. One that is given up is made again on a fresh
/// connection, so a connection that has died holds up the jobs of a process for this long at most.
pub(super) const HOT: u32 = 3;

/// The shortest silence that a heartbeat bears, so that a busy server is not taken for a dead one.
const SHORTEST: Duration = Duration::from_millis(500);

/// How often a call is made again because the server preferred another one.
const TRIES: u32 = 8;

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// What answers for itself. It is given the connection, or why there is none.
type Work = Box<dyn for<'c> FnOnce(std::result::Result<&'c mut Connection, StoreError>) -> Boxed<'c, ()> + Send>;

/// A call and how much silence it bears.
struct Call {
    silence: Duration,
    work: Work,
}

/// How much silence a heartbeat bears: a sixth of the shortest lease that was asked for, in each of two tries.
///
/// A worker gives up at four fifths of its lease, and has beaten in the third of it before. So one connection that dies in silence costs
/// no lease: the beat is made again on another in time.
#[derive(Debug)]
pub(super) struct Patience(AtomicU64);

impl Patience {
    pub(super) fn new(deadline: Duration) -> Self {
        Self(AtomicU64::new(u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX)))
    }

    /// A worker has asked for this lease.
    pub(super) fn lease(&self, lease: Duration) {
        let silence = (lease / 6).max(SHORTEST);
        self.0.fetch_min(u64::try_from(silence.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// How much silence one try bears.
    pub(super) fn silence(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// The end of a lane that calls go in by.
#[derive(Clone)]
pub(super) struct Lane {
    calls: mpsc::UnboundedSender<Call>,
    place: Arc<str>,
    silence: Duration,
}

impl Lane {
    /// A lane whose calls bear this much silence, and the part of it that serves them.
    pub(super) fn new(place: Arc<str>, silence: Duration) -> (Self, Serving) {
        let (calls, served) = mpsc::unbounded_channel();
        (Self { calls, place, silence }, Serving { calls: served })
    }

    /// The same lane for calls that bear less or more silence.
    pub(super) fn bearing(&self, silence: Duration) -> Self {
        Self { silence, ..self.clone() }
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
            let work: Work = Box::new(move |connection| {
                Box::pin(async move {
                    let done = match connection {
                        Ok(connection) => again(connection, work).await.map_err(|problem| problem.into_store_error(&place)),
                        Err(error) => Err(error),
                    };
                    // Who does not wait any more does not hear of it.
                    let _ = answer.send(done);
                })
            });
            lane.calls.send(Call { silence: lane.silence, work }).map_err(|_| StoreError::Closed)?;
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
    line: Option<Line>,
    pause: Duration,
    not_before: Instant,
    /// Until when the present call may take, and how much silence it bears.
    by: Instant,
    silence: Duration,
}

/// A connection and what drives it.
struct Line {
    connection: Connection,
    _driver: Driver,
}

impl Link {
    pub(super) fn new(target: Rc<Target>, manner: Rc<Manner>) -> Self {
        let now = Instant::now();
        Self { target, manner, line: None, pause: PAUSE.0, not_before: now, by: now, silence: Duration::ZERO }
    }

    async fn serve(&mut self, call: Call) {
        match self.connected_within(call.silence).await {
            Err(error) => (call.work)(Err(error)).await,
            Ok(_) => self.within_deadline(async |connection| (call.work)(Ok(connection)).await).await,
        }
    }

    /// The connection for work within the store's deadline, made anew if it is gone.
    pub(super) async fn connected(&mut self) -> std::result::Result<&mut Connection, StoreError> {
        self.connected_within(self.target.deadline).await
    }

    /// The connection for work that bears this much silence, made anew within this time if it is gone.
    pub(super) async fn connected_within(&mut self, silence: Duration) -> std::result::Result<&mut Connection, StoreError> {
        let now = Instant::now();
        (self.by, self.silence) = (now + self.target.deadline, silence);
        if self.line.as_ref().is_none_or(|line| line.connection.is_closed()) {
            self.line = None;
            // A call in a hurry waits for half of its time only, and tries then.
            tokio::time::sleep_until(self.not_before.min(now + silence / 2)).await;
            match self.connect((now + silence).saturating_duration_since(Instant::now())).await {
                Ok(line) => {
                    self.pause = PAUSE.0;
                    self.line = Some(line);
                }
                Err(problem) => {
                    self.not_before = Instant::now() + self.pause.mul_f64(0.5 + self.target.rng.fraction());
                    self.pause = (self.pause * 2).min(PAUSE.1);
                    return Err(problem.into_store_error(&self.target.place));
                }
            }
        }
        self.line.as_mut().map(|line| &mut line.connection).ok_or(StoreError::Closed)
    }

    /// Works on the connection until the deadline, or until the server has been silent for too long. Work that is not done then is
    /// dropped with its connection, and the server is asked to undo what it had begun.
    pub(super) async fn within_deadline(&mut self, work: impl AsyncFnOnce(&mut Connection)) {
        let Some(line) = &mut self.line else { return };
        let (by, silence, heard) = (self.by, self.silence, line.connection.heard());
        heard.set(Instant::now());
        let patience = async {
            let mut until = by.min(heard.get() + silence);
            while Instant::now() < until {
                tokio::time::sleep_until(until).await;
                until = by.min(heard.get() + silence);
            }
        };
        let is_done = tokio::select! {
            biased;
            () = work(&mut line.connection) => true,
            () = patience => false,
        };
        if !is_done {
            self.target.undo(&line.connection);
            self.line = None;
        }
    }

    async fn connect(&self, left: Duration) -> Result<Line> {
        let connecting = async {
            let (client, driver) = self.target.connect(left, |_| {}).await?;
            Ok(Line { connection: Connection::new(client, Rc::clone(&self.manner)).await?, _driver: driver })
        };
        match tokio::time::timeout(left, connecting).await {
            Ok(connected) => connected,
            Err(_) => Err(no_connection(&self.target.place)),
        }
    }
}
