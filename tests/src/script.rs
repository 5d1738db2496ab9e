//! Jobs that do what a test tells them, run by run.

use std::fmt;
use std::future::pending;
use std::panic::panic_any;

use jobs_core::{BoxError, JobContext, Verdict};
use jobs_runtime::{ClosureJob, closure};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use crate::bounded;

/// What a run does next, and last.
pub enum Step {
    /// Ends well, with this output.
    Succeed(Value),
    /// Fails with this error.
    Fail(BoxError),
    /// Panics with a text that is known when the program is built.
    Panic,
    /// Panics with a text made at run time.
    PanicWith(String),
    /// Panics with a value that is no text.
    PanicValue,
    /// Ends well, and panics while what it held is dropped.
    PanicInDrop,
    /// Fails because a task that it started has panicked.
    PanicInTask,
    /// Never ends, whoever asks.
    Hang,
    /// Never ends, and panics when it is dropped.
    HangAndPanicInDrop,
    /// Never ends, and blocks its thread when it is dropped, until somebody receives.
    HangAndBlockInDrop(std::sync::mpsc::SyncSender<()>),
    /// Waits until it is asked to stop, and ends well then.
    SucceedWhenStopped,
    /// Waits until it is asked to stop, and fails then.
    FailWhenStopped,
    /// Blocks its thread until the other end is dropped, and ends well then.
    Block(std::sync::mpsc::Receiver<()>),
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Step")
    }
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "a bomb in a drop");
    }
}

/// Takes its time when it is dropped.
struct Heavy(std::sync::mpsc::SyncSender<()>);

impl Drop for Heavy {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

impl Step {
    async fn play(self, context: &JobContext) -> Result<Value, BoxError> {
        match self {
            Self::Succeed(output) => Ok(output),
            Self::Fail(error) => Err(error),
            Self::Panic => panic!("a plain text"),
            Self::PanicWith(text) => panic!("{text}"),
            Self::PanicValue => panic_any(7_u8),
            Self::PanicInDrop => {
                let _bomb = Bomb;
                Ok(Value::Null)
            }
            Self::PanicInTask => {
                let task = tokio::spawn(async { panic!("a text in a task") });
                task.await.map_err(BoxError::from)
            }
            Self::Hang => pending().await,
            Self::HangAndPanicInDrop => {
                let _bomb = Bomb;
                pending().await
            }
            Self::HangAndBlockInDrop(until) => {
                let _heavy = Heavy(until);
                pending().await
            }
            Self::SucceedWhenStopped => {
                context.cancelled().await;
                Ok(Value::String("stopped".to_owned()))
            }
            Self::FailWhenStopped => {
                context.cancelled().await;
                Err("stopped".into())
            }
            Self::Block(until) => {
                let _ = until.recv();
                Ok(Value::Null)
            }
        }
    }
}

/// One run of a scripted job, which waits for its step.
#[derive(Debug)]
pub struct Run {
    /// What the job knows of itself.
    pub context: JobContext,
    step: oneshot::Sender<Step>,
    gone: oneshot::Receiver<()>,
}

/// A run that has got its step.
#[derive(Debug)]
pub struct Ending {
    gone: oneshot::Receiver<()>,
}

impl Ending {
    /// Whether the run is over.
    pub fn is_over(&mut self) -> bool {
        !matches!(self.gone.try_recv(), Err(oneshot::error::TryRecvError::Empty))
    }

    /// Waits until the run is over: it has ended or was dropped.
    pub async fn over(self) {
        let _ = bounded("the end of a run", self.gone).await;
    }
}

#[allow(clippy::must_use_candidate, reason = "a test may not care when a run is over")]
impl Run {
    /// Says what it does. Answers something to wait for its end by.
    pub fn play(self, step: Step) -> Ending {
        // A run that was dropped meanwhile plays nothing.
        let _ = self.step.send(step);
        Ending { gone: self.gone }
    }

    /// Lets it end well.
    pub fn succeed(self) -> Ending {
        self.play(Step::Succeed(Value::Null))
    }

    /// Lets it fail with this text.
    pub fn fail(self, text: &str) -> Ending {
        self.play(Step::Fail(text.into()))
    }

    /// Lets it decide its future.
    pub fn decide(self, verdict: Verdict) -> Ending {
        self.play(Step::Fail(verdict.into()))
    }

    /// Waits until it was dropped without any step.
    pub async fn dropped(self) {
        let _ = bounded("a run to be dropped", self.gone).await;
    }
}

/// The runs of a scripted kind, in the order in which they begin.
#[derive(Debug)]
pub struct Script {
    name: &'static str,
    runs: mpsc::UnboundedReceiver<Run>,
}

impl Script {
    /// The next run.
    pub async fn next(&mut self) -> Run {
        match bounded(&format!("a run of `{}`", self.name), self.runs.recv()).await {
            Some(run) => run,
            None => panic!("nobody can run `{}` any more", self.name),
        }
    }

    /// As many runs as are wanted at once.
    pub async fn take(&mut self, number: usize) -> Vec<Run> {
        let mut runs = Vec::with_capacity(number);
        for _ in 0..number {
            runs.push(self.next().await);
        }
        runs
    }

    /// A run that has begun already, if there is one.
    pub fn begun(&mut self) -> Option<Run> {
        self.runs.try_recv().ok()
    }
}

/// A kind of job whose runs wait for what the test says. A run whose handle is dropped ends well.
#[track_caller]
pub fn script(name: &'static str) -> (ClosureJob, Script) {
    let (sender, runs) = mpsc::unbounded_channel();
    let job = closure(name, move |context: JobContext| {
        let sender = sender.clone();
        async move {
            let (step, next) = oneshot::channel();
            let (_alive, gone) = oneshot::channel();
            let run = Run { context: context.clone(), step, gone };
            if sender.send(run).is_err() {
                return Ok(Value::Null);
            }
            match next.await {
                Ok(step) => step.play(&context).await,
                Err(_) => Ok(Value::Null),
            }
        }
    });
    (job, Script { name, runs })
}
