//! The crew: a fixed number of slots with one worker process each, and what is done to them.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use rustix::process::Signal;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::clock;
use super::evidence::{Life, Why};
use super::faults::{Journal, Mark, What};
use super::plan::{DRAIN, LEASE, Plan};
use super::process::Process;
use super::stage::somebody;
use crate::PATIENCE;

/// How long a process may take to end that was asked to: its jobs may end, are asked, are dropped, and are handed back; the last two words
/// to a store that does not answer may take ten seconds each.
const LAST_WORDS: Duration = Duration::from_secs(30);

/// For how long the lock of a file is not to be had where it goes from hand to hand. Where it takes longer, the frozen one has it.
const STUCK: Duration = Duration::from_secs(1);

/// All slots.
pub(crate) struct Crew {
    plan: Plan,
    /// The URL of the store for each slot.
    urls: Vec<String>,
    /// Where processes write.
    folder: PathBuf,
    journal: Arc<Journal>,
    lives: Mutex<Vec<Life>>,
}

/// What is done to a process next.
enum Act {
    Kill,
    Freeze(Duration),
    FreezeAndKill(Duration),
    /// Frozen while outcomes wait in it: they are the first thing that it writes when it wakes, and are late by then.
    Ambush(Duration),
    Stop,
}

impl Act {
    fn draw(chance: &mut fastrand::Rng, longest: Duration) -> Self {
        let frozen = Duration::from_secs_f64(1.0 + chance.f64() * longest.as_secs_f64());
        match chance.u32(..100) {
            ..36 => Self::Kill,
            36..56 => Self::Freeze(frozen),
            56..62 => Self::FreezeAndKill(frozen),
            // About when the others run what was taken from it.
            62..74 => Self::Ambush(2 * LEASE + Duration::from_secs_f64(4.0 * chance.f64())),
            _ => Self::Stop,
        }
    }
}

impl Crew {
    pub(crate) fn new(plan: &Plan, urls: Vec<String>, folder: &Path, journal: &Arc<Journal>) -> Self {
        let (plan, folder, journal) = (plan.clone(), folder.to_owned(), Arc::clone(journal));
        Self { plan, urls, folder, journal, lives: Mutex::default() }
    }

    /// What has become of each process.
    pub(crate) fn lives(&self) -> Vec<Life> {
        self.lives.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, process: &Process, began: Duration, why: Why) {
        let life = Life { process: process.name.clone(), began, ended: clock::now(), why };
        self.lives.lock().unwrap_or_else(PoisonError::into_inner).push(life);
    }

    /// Keeps a process in one slot and does harm to it until this moment; answers the one that is there then, and when it was started.
    pub(crate) async fn keep(&self, slot: usize, until: Instant) -> (Process, Duration) {
        let mut chance = self.plan.chance(100 + slot as u64);
        let longest = (self.plan.length / 4).clamp(Duration::from_secs(3), 3 * LEASE);
        for number in 1_u32.. {
            let name = format!("w{slot}.{number:03}");
            let began = clock::now();
            let mut process = Process::start(name, &self.urls[slot], &self.folder).expect("this program can be started");
            loop {
                let wait = Duration::from_secs_f64(2.5 + chance.f64() * 7.0);
                let act = Act::draw(&mut chance, longest);
                let rest = until.saturating_duration_since(Instant::now());
                if process.end_within(wait.min(rest)).await.is_some() {
                    self.note(&process, began, Why::ByItself);
                    break;
                }
                if wait >= rest {
                    return (process, began);
                }
                if let Some(why) = self.act(&mut process, act, until).await {
                    self.note(&process, began, why);
                    break;
                }
            }
            sleep(Duration::from_secs_f64(chance.f64() * 1.5)).await;
        }
        unreachable!("there are more numbers than seconds")
    }

    /// Does something to a process, and answers why it has ended, if it has.
    async fn act(&self, process: &mut Process, act: Act, until: Instant) -> Option<Why> {
        match act {
            Act::Kill => {
                self.kill(process).await;
                Some(Why::Ordered)
            }
            Act::Freeze(length) | Act::FreezeAndKill(length) | Act::Ambush(length) => {
                let ambush = if matches!(act, Act::Ambush(_)) { self.hold_back().await } else { None };
                let mark = self.journal.begin(What::Freeze, &process.name);
                process.signal(Signal::STOP);
                let froze = clock::now();
                if let Some((lock, mark)) = ambush {
                    drop(lock);
                    self.journal.end(mark);
                }
                let woken = Arc::new(AtomicBool::new(false));
                let free = self.lock_is_free(&woken);
                sleep(length.min(until.saturating_duration_since(Instant::now()))).await;
                let kills = matches!(act, Act::FreezeAndKill(_));
                if kills {
                    self.kill(process).await;
                }
                process.signal(Signal::CONT);
                self.journal.end(mark);
                if let Some(free) = free {
                    let woke = clock::now();
                    woken.store(true, Ordering::Relaxed);
                    let free = free.await.expect("a thread").min(woke);
                    if free > froze + STUCK {
                        self.journal.between(What::Stuck, "", froze, free);
                    }
                }
                kills.then_some(Why::Ordered)
            }
            Act::Stop => Some(self.stop(process).await),
        }
    }

    /// On a file: locks it until outcomes wait in every process. The lock ends with the connection.
    async fn hold_back(&self) -> Option<(Connection, Mark)> {
        let path = PathBuf::from(self.urls[0].strip_prefix("sqlite://")?);
        let lock = move || somebody(&path).and_then(|lock| lock.execute_batch("BEGIN EXCLUSIVE").map(|()| lock));
        let Ok(lock) = tokio::task::spawn_blocking(lock).await.expect("a thread") else {
            self.journal.in_vain(What::Lock);
            return None;
        };
        let mark = self.journal.begin(What::Lock, "");
        sleep(Duration::from_millis(1_500)).await;
        Some((lock, mark))
    }

    /// On a file: when somebody could have its lock, or else when it was enough.
    fn lock_is_free(&self, enough: &Arc<AtomicBool>) -> Option<JoinHandle<Duration>> {
        let (path, enough) = (PathBuf::from(self.urls[0].strip_prefix("sqlite://")?), Arc::clone(enough));
        let take = move |path: &Path| {
            let lock = somebody(path)?;
            lock.busy_timeout(Duration::from_millis(50))?;
            lock.execute_batch("BEGIN IMMEDIATE; ROLLBACK")
        };
        Some(tokio::task::spawn_blocking(move || {
            while take(&path).is_err() && !enough.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(5));
            }
            clock::now()
        }))
    }

    async fn kill(&self, process: &mut Process) {
        let mark = self.journal.begin(What::Kill, &process.name);
        process.signal(Signal::KILL);
        process.end_within(PATIENCE).await.expect("nothing survives a kill");
        self.journal.end(mark);
    }

    /// Asks a process to stop, which must not take for ever.
    async fn stop(&self, process: &mut Process) -> Why {
        let mark = self.journal.begin(What::Stop, &process.name);
        process.signal(Signal::TERM);
        let ended = process.end_within(2 * DRAIN + LAST_WORDS).await.is_some();
        self.journal.end(mark);
        if ended {
            return Why::Ordered;
        }
        self.kill(process).await;
        Why::TooLate
    }

    /// Stops the last process of a slot.
    pub(crate) async fn dismiss(&self, mut process: Process, began: Duration) {
        let why = if process.ended().is_some() { Why::ByItself } else { self.stop(&mut process).await };
        self.note(&process, began, why);
    }
}
