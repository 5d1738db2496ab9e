//! Wake-ups between processes: a NOTIFY after something has changed, gathered and sent outside of every transaction, and a LISTEN that
//! comes back when its connection is lost.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use jobs_core::store::Signal;
use tokio::sync::Notify;
use tokio_postgres::Notification;
use tokio_postgres::types::Type;

use super::connect::Target;
use super::connection::Manner;
use super::lane::Link;
use std::sync::atomic::{AtomicBool, Ordering};

/// How long wake-ups are gathered after one was sent. Those who commit a NOTIFY wait for each other in the whole database.
const GATHER: Duration = Duration::from_millis(15);

/// How often the listening connection is asked whether it is still there.
const PROBE: Duration = Duration::from_secs(20);

/// How long telling, connecting and asking may take, if the deadline is not shorter: what is told late helps nobody.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a listener waits before it connects again.
const PAUSE: Duration = Duration::from_millis(500);

/// How often a process without wake-ups looks for itself.
const POLL: Duration = Duration::from_secs(1);

/// What this process has to say to the others.
#[derive(Debug, Default)]
pub(super) struct News {
    jobs: AtomicBool,
    commands: AtomicBool,
    something: Notify,
}

impl News {
    pub(super) fn jobs(&self) {
        self.jobs.store(true, Ordering::Release);
        self.something.notify_one();
    }

    pub(super) fn commands(&self) {
        self.commands.store(true, Ordering::Release);
        self.something.notify_one();
    }

    fn take(&self) -> Option<&'static str> {
        let (jobs, commands) = (self.jobs.swap(false, Ordering::AcqRel), self.commands.swap(false, Ordering::AcqRel));
        match (jobs, commands) {
            (false, false) => None,
            (true, false) => Some("jobs"),
            (false, true) => Some("commands"),
            (true, true) => Some("all"),
        }
    }
}

/// Tells the others. Who is not heard is missed by nobody for long: every process looks for itself at each heartbeat.
pub(super) async fn tell(news: Arc<News>, channel: String, name: String, target: Rc<Target>, manner: Rc<Manner>) {
    let patience = PATIENCE.min(target.deadline);
    let mut link = Link::new(target, manner);
    loop {
        news.something.notified().await;
        let Some(what) = news.take() else { continue };
        let text = format!("{what} {name}");
        if link.connected_within(patience).await.is_ok() {
            link.within_deadline(async |connection| {
                let _ = connection.rows("SELECT pg_notify($1, $2)", &[(&channel, Type::TEXT), (&text, Type::TEXT)]).await;
            })
            .await;
        }
        tokio::time::sleep(GATHER).await;
    }
}

/// Hears what the others say, and passes it on to those who wait in this process.
pub(super) async fn hear(signal: Arc<Signal>, channel: String, name: String, target: Rc<Target>) {
    let patience = PATIENCE.min(target.deadline);
    let listen = format!("LISTEN \"{}\"", channel.replace('"', "\"\""));
    loop {
        let (heard, own) = (Arc::clone(&signal), name.clone());
        let connected = tokio::time::timeout(patience, async {
            let (client, driver) = target.connect(patience, move |notification| pass_on(&heard, &own, notification)).await?;
            client.batch_execute(&listen).await?;
            Ok::<_, super::error::Problem>((client, driver))
        });
        if let Ok(Ok((client, mut driver))) = connected.await {
            // What was said meanwhile was not heard.
            signal.all();
            loop {
                tokio::select! {
                    biased;
                    () = driver.ended() => break,
                    () = tokio::time::sleep(PROBE) => {}
                }
                let probe = tokio::time::timeout(patience, client.batch_execute(""));
                if !matches!(probe.await, Ok(Ok(()))) {
                    break;
                }
            }
        }
        tokio::time::sleep(target.rng.jitter(PAUSE)).await;
    }
}

fn pass_on(signal: &Signal, own: &str, notification: &Notification) {
    match notification.payload().split_once(' ') {
        // What this process says it knows.
        Some((_, name)) if name == own => {}
        Some(("jobs", _)) => signal.jobs(),
        Some(("commands", _)) => signal.commands(),
        _ => signal.all(),
    }
}

/// Without LISTEN: looks now and then, at no two processes at the same moments.
pub(super) async fn poll(signal: Arc<Signal>, target: Rc<Target>) {
    loop {
        tokio::time::sleep(target.rng.jitter(POLL)).await;
        signal.all();
    }
}
