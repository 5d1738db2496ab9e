//! The one writer: a thread that takes every command that waits, runs them in one IMMEDIATE transaction, commits, and answers all.
//!
//! A commit costs one wait for the disk, whoever shares it. While it lasts, the next commands gather by themselves: a lone caller
//! is answered at once, and a crowd fills the groups. If one command fails, the group is rolled back and each runs in a transaction
//! of its own, so a bad command harms nobody else.

use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use jobs_core::StoreError;
use jobs_core::store::StoreFuture;
use tokio::sync::oneshot;

use super::courtesy::Courtesy;
use super::error::{Result, is_busy};
use super::session::Session;
use crate::worker::guard::{Panicked, catch};

/// The most commands that share a transaction.
const GROUP: usize = 512;

/// The longest time for which a transaction takes up further commands.
const GATHER: Duration = Duration::from_millis(8);

/// How often the file is looked at for writes of other processes, four times a second.
const WATCH: Duration = Duration::from_millis(250);

/// A command that waits for the writer. It may run twice: once in a group, and again alone.
trait Command: Send {
    /// Runs, keeps the answer, and says whether it may be committed.
    fn run(&mut self, session: &mut Session) -> bool;

    /// Hands out the answer that was kept, or this error.
    fn answer(self: Box<Self>, error: Option<StoreError>);

    /// When it was sent: from then on its patience counts.
    fn sent(&self) -> Instant;
}

struct Call<T, F> {
    sent: Instant,
    work: F,
    kept: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T: Send, F: FnMut(&mut Session) -> Result<T> + Send> Command for Call<T, F> {
    fn run(&mut self, session: &mut Session) -> bool {
        // A mistake of ours in one command must not end the writer for all.
        let answer = catch(|| (self.work)(session)).unwrap_or_else(|Panicked(text)| {
            Err(StoreError::Refused { message: format!("the store panicked: {text}"), source: None })
        });
        let good = answer.is_ok();
        self.kept = Some(answer);
        good
    }

    fn answer(self: Box<Self>, error: Option<StoreError>) {
        let answer = match (error, self.kept) {
            (Some(error), _) => Err(error),
            (None, Some(kept)) => kept,
            (None, None) => Err(StoreError::Closed),
        };
        // The caller may have gone away. What was committed stays committed.
        let _ = self.reply.send(answer);
    }

    fn sent(&self) -> Instant {
        self.sent
    }
}

enum Message {
    Write(Box<dyn Command>),
    Look(Box<dyn Command>),
    Close(oneshot::Sender<()>),
}

/// Sends commands to the writer.
#[derive(Clone)]
pub(super) struct Writer {
    sender: Sender<Message>,
}

impl Writer {
    /// The sending end, and the end for [`run`].
    pub(super) fn channel() -> (Self, Inbox) {
        let (sender, receiver) = std::sync::mpsc::channel();
        (Self { sender }, Inbox(receiver))
    }

    /// Runs `work` in a transaction with whatever else waits. Once this is called the work is done, also if the future is dropped.
    pub(super) fn write<T, F>(&self, work: F) -> StoreFuture<'static, T>
    where
        T: Send + 'static,
        F: FnMut(&mut Session) -> Result<T> + Send + 'static,
    {
        self.send(work, Message::Write)
    }

    /// Runs `work` on the writer's connection, outside any transaction.
    pub(super) fn look<T, F>(&self, work: F) -> StoreFuture<'static, T>
    where
        T: Send + 'static,
        F: FnMut(&mut Session) -> Result<T> + Send + 'static,
    {
        self.send(work, Message::Look)
    }

    fn send<T, F>(&self, work: F, wrap: fn(Box<dyn Command>) -> Message) -> StoreFuture<'static, T>
    where
        T: Send + 'static,
        F: FnMut(&mut Session) -> Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let sent = self.sender.send(wrap(Box::new(Call { sent: Instant::now(), work, kept: None, reply })));
        Box::pin(async move {
            sent.map_err(|_| StoreError::Closed)?;
            answer.await.map_err(|_| StoreError::Closed)?
        })
    }

    /// Ends the writer after all that was sent before.
    pub(super) fn close(&self) -> StoreFuture<'static, ()> {
        let (reply, answer) = oneshot::channel();
        let sent = self.sender.send(Message::Close(reply));
        Box::pin(async move {
            if sent.is_ok() {
                let _ = answer.await;
            }
            Ok(())
        })
    }
}

/// Where commands arrive.
pub(super) struct Inbox(Receiver<Message>);

/// The writer's life: until the store is closed or forgotten.
pub(super) fn run(mut session: Session, inbox: Inbox, mut courtesy: Courtesy, patience: Duration) {
    let mut watched = Instant::now();
    let closing = loop {
        let message = match inbox.0.recv_timeout(WATCH) {
            Ok(message) => message,
            Err(RecvTimeoutError::Timeout) => {
                session.look_out();
                watched = Instant::now();
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => break None,
        };
        match message {
            Message::Write(first) => {
                let (commands, next) = transact(&mut session, first, &inbox, &mut courtesy, patience);
                finish(&mut session, commands, &mut courtesy, patience);
                courtesy.step_back();
                match next {
                    Some(Message::Close(reply)) => break Some(reply),
                    Some(Message::Look(command)) => look(&mut session, command),
                    Some(Message::Write(_)) | None => {}
                }
            }
            Message::Look(command) => look(&mut session, command),
            Message::Close(reply) => break Some(reply),
        }
        if watched.elapsed() >= WATCH {
            session.look_out();
            watched = Instant::now();
        }
    };
    // Locks and file are let go before anybody hears that the store is closed.
    drop(inbox);
    drop(session);
    if let Some(reply) = closing {
        let _ = reply.send(());
    }
}

fn look(session: &mut Session, mut command: Box<dyn Command>) {
    command.run(session);
    command.answer(None);
}

/// Commands that ran in one transaction, which is still open if `outcome` is good.
struct Group {
    commands: Vec<Box<dyn Command>>,
    outcome: std::result::Result<(), Failure>,
}

enum Failure {
    /// The transaction could not begin.
    Begin(StoreError),
    /// A command failed.
    Command,
}

fn transact(
    session: &mut Session,
    first: Box<dyn Command>,
    inbox: &Inbox,
    courtesy: &mut Courtesy,
    patience: Duration,
) -> (Group, Option<Message>) {
    let until = first.sent() + patience;
    let mut group = Group { commands: vec![first], outcome: Ok(()) };
    if let Err(error) = begin(session, courtesy, until) {
        group.outcome = Err(Failure::Begin(error));
        return (group, None);
    }
    let began = Instant::now();
    let mut next = None;
    loop {
        let command = group.commands.last_mut();
        if command.is_some_and(|command| !command.run(session)) {
            group.outcome = Err(Failure::Command);
            break;
        }
        if group.commands.len() >= GROUP || began.elapsed() >= GATHER {
            break;
        }
        match inbox.0.try_recv() {
            Ok(Message::Write(command)) => group.commands.push(command),
            Ok(other) => {
                next = Some(other);
                break;
            }
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
        }
    }
    (group, next)
}

fn finish(session: &mut Session, group: Group, courtesy: &mut Courtesy, patience: Duration) {
    match group.outcome {
        Ok(()) => {
            let error = commit(session).err();
            for command in group.commands {
                command.answer(error.as_ref().map(copy));
            }
        }
        Err(Failure::Begin(error)) => {
            for command in group.commands {
                command.answer(Some(copy(&error)));
            }
        }
        Err(Failure::Command) => {
            roll_back(session);
            for command in group.commands {
                alone(session, command, courtesy, patience);
            }
        }
    }
}

fn alone(session: &mut Session, mut command: Box<dyn Command>, courtesy: &mut Courtesy, patience: Duration) {
    if let Err(error) = begin(session, courtesy, command.sent() + patience) {
        return command.answer(Some(error));
    }
    let error = if command.run(session) {
        commit(session).err()
    } else {
        roll_back(session);
        None
    };
    command.answer(error);
}

/// Takes the write lock. Waits while others hold it, up to a time.
fn begin(session: &Session, courtesy: &mut Courtesy, until: Instant) -> Result<()> {
    let mut pause = Duration::from_micros(100);
    let result = loop {
        let error = match execute(session, "BEGIN IMMEDIATE") {
            Ok(()) => break Ok(()),
            Err(error) => error,
        };
        if !is_busy(&error) || Instant::now() >= until {
            break Err(session.error(&error));
        }
        courtesy.wait();
        session.look_out();
        session.watch.fresh.store(true, Ordering::Relaxed);
        sleep(pause);
        // Never longer than a writer steps back.
        pause = (pause * 2).min(Duration::from_millis(1));
    };
    courtesy.done();
    // Whoever holds the lock sees all writes of others, and until he lets go there are no more.
    if result.is_ok() {
        session.look_out();
    }
    session.watch.fresh.store(result.is_ok(), Ordering::Relaxed);
    result
}

fn commit(session: &mut Session) -> Result<()> {
    if let Err(error) = execute(session, "COMMIT") {
        roll_back(session);
        return Err(session.error(&error));
    }
    session.watch.fresh.store(false, Ordering::Relaxed);
    session.committed();
    Ok(())
}

fn roll_back(session: &mut Session) {
    session.watch.fresh.store(false, Ordering::Relaxed);
    session.undone();
    // Some errors end the transaction by themselves; then there is none to end.
    if !session.connection.is_autocommit() {
        let _ = execute(session, "ROLLBACK");
    }
}

fn execute(session: &Session, sql: &str) -> rusqlite::Result<()> {
    session.connection.prepare_cached(sql)?.execute([]).map(drop)
}

fn copy(error: &StoreError) -> StoreError {
    match error {
        StoreError::Unavailable { message, .. } => StoreError::Unavailable { message: message.clone(), source: None },
        StoreError::Closed => StoreError::Closed,
        StoreError::Unusable(message) => StoreError::Unusable(message.clone()),
        other => StoreError::Refused { message: other.to_string(), source: None },
    }
}
