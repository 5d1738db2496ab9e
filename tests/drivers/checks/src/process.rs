//! The process that is killed in the midst of a transaction: a program of the drivers' package, run as `PROGRAM DRIVER DEED URL`.

use std::process::Stdio;
use std::thread;

use jobs_runtime::Client;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::stage::{bounded, builder};
use crate::{Application, Result, Terminal};

/// What the process does, and says when it has done it and is about to commit.
#[derive(Clone, Copy, Debug)]
pub enum Deed {
    /// It writes a guest, and stores his job.
    SignUp,
    /// It runs the job that charges.
    Charge,
}

impl Deed {
    const fn word(self) -> &'static str {
        match self {
            Self::SignUp => "sign-up",
            Self::Charge => "charge",
        }
    }
}

/// The life of the process. Never ends by itself.
pub async fn live<A: Application>(deed: &str, url: &str) -> Result {
    let application = A::connect(url).await?;
    if deed == Deed::SignUp.word() {
        let jobs = Client::connect_to(url).await?.prepare([A::charge("ann")])?;
        application.sign_up("ann", &jobs, say_and_wait_for_the_end).await?;
        return Err("it was not killed".into());
    }
    let (terminal, mut charges) = Terminal::new();
    let _runtime = application.runtime(builder::<A>(url, terminal)).start().await?;
    let _charge = charges.recv().await;
    say_and_wait_for_the_end()
}

/// Says that the transaction is complete but for its commit.
fn say_and_wait_for_the_end() -> Result {
    println!("written");
    loop {
        thread::park();
    }
}

/// Starts the process, waits until it is about to commit, and kills it.
pub async fn kill_before_commit((driver, program): (&str, &str), deed: Deed, url: &str) -> Result {
    let mut command = Command::new(program);
    command.args([driver, deed.word(), url]).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn()?;
    bounded("the process to be about to commit", says_written(&mut child)).await??;
    // SIGKILL, where there are signals; waits until it is gone.
    child.kill().await?;
    Ok(())
}

async fn says_written(child: &mut Child) -> Result {
    let output = child.stdout.take().ok_or("the process has no output")?;
    let mut lines = BufReader::new(output).lines();
    while let Some(line) = lines.next_line().await? {
        if line == "written" {
            return Ok(());
        }
    }
    Err("the process ended before it was killed".into())
}
