//! A worker process for the tests that need a real one: it says what it does, line by line, and does what it is told on its input.
//!
//! Its first argument is the URL of the store, the others are options such as `lease=3s`. `tick=1s` gives it a schedule; with `health`
//! it shows its health when it is asked to, and hears no signal; with `enqueue` it runs nothing and stores one job after the other.

use std::io::BufRead;
use std::sync::Arc;
use std::time::Duration;

use jobs_core::{JobContext, NewJob};
use jobs_runtime::settings::Sources;
use jobs_runtime::{Client, Enqueue, Runtime, closure};
use tokio::sync::{Notify, watch};

/// Panics when it is dropped, also while another panic unwinds.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a bomb in a drop");
    }
}

#[tokio::main]
async fn main() -> Result<(), jobs_runtime::Error> {
    let mut arguments = std::env::args().skip(1);
    let store = arguments.next().unwrap_or_default();
    if std::env::args().any(|argument| argument == "enqueue") {
        return enqueue(&Client::connect_to(store).await?).await;
    }
    let released = watch::Sender::new(0_u64);
    let name = format!("worker:{}", std::process::id());

    let quick = closure("quick", |context: JobContext| async move { println!("quick {}", context.id()) });
    let (signals, own) = (released.clone(), name.clone());
    let hold = closure("hold", move |context: JobContext| {
        let (mut release, own) = (signals.subscribe(), own.clone());
        async move {
            println!("hold {} {}", context.id(), context.attempt());
            tokio::select! {
                biased;
                _ = release.changed() => Ok(own),
                () = context.cancelled() => {
                    println!("stopped {}", context.id());
                    Err("stopped")
                }
            }
        }
    });
    let deaf = closure("deaf", |context: JobContext| async move {
        println!("deaf {}", context.id());
        context.cancelled().await;
        println!("stopped {}", context.id());
        std::future::pending::<()>().await;
    });
    let abort = closure("abort", |context: JobContext| async move {
        println!("abort {}", context.id());
        if context.attempt() > 0 {
            std::process::abort();
        }
    });
    let unwind = closure("unwind", |context: JobContext| async move {
        let _bomb = Bomb;
        println!("unwind {}", context.id());
        assert_eq!(context.attempt(), 0, "the first of two");
    });
    let block = closure("block", |context: JobContext| async move {
        println!("block {}", context.id());
        std::thread::sleep(Duration::from_secs(3_600));
    });

    let mut builder = Runtime::builder().sources(Sources::none()).without_linked().store(store).worker_name(name);
    builder = builder.register(quick).register(hold).register(deaf).register(abort).register(unwind).register(block);
    let mut shows_health = false;
    for argument in arguments {
        let (option, value) = argument.split_once('=').unwrap_or((&argument, ""));
        builder = match option {
            "health" => {
                shows_health = true;
                builder
            }
            "tick" => {
                let tick = |context: JobContext| async move {
                    println!("tick {}", context.tick().map(|tick| tick.to_string()).unwrap_or_default());
                };
                builder.register(closure("tick", tick).every(value.to_owned()))
            }
            _ => builder.option(option, value),
        };
    }
    let runtime = builder.start().await?;
    println!("ready");

    let asked = Arc::new(Notify::new());
    listen(released, Arc::clone(&asked));
    if !shows_health {
        return runtime.run_until_signalled().await;
    }
    loop {
        asked.notified().await;
        let totals = runtime.health().totals;
        println!("health lost={} late={}", totals.leases_lost, totals.stale + totals.dropped);
    }
}

/// Stores jobs until it is killed, and names each when the store has answered for it.
async fn enqueue(client: &Client) -> Result<(), jobs_runtime::Error> {
    loop {
        // Whoever gets no answer says nothing of this job.
        if let Ok(id) = client.enqueue_one(NewJob::new("quick", "{}")).await {
            println!("stored {id}");
        }
    }
}

fn listen(released: watch::Sender<u64>, asked: Arc<Notify>) {
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            match &*line {
                "release" => released.send_modify(|times| *times += 1),
                "health" => asked.notify_one(),
                _ => {}
            }
        }
    });
}
