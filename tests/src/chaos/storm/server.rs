//! What goes wrong with a server: it is stopped at once, ends connections, or has none left.

use std::time::Duration;

use tokio::time::sleep;
use tokio_postgres::Client;

use super::Storm;
use crate::chaos::faults::What;
use crate::chaos::stage::Server;

pub(super) async fn rage(storm: &Storm<'_>, server: &Server) {
    let mut chance = storm.plan.chance(2);
    let mut nth = 0;
    while let Some(lasts) = storm.rest(&mut chance, nth).await {
        nth += 1;
        let what = *chance.choice(&[What::Restart, What::Terminate, What::Terminate, What::Crowd]).unwrap_or(&What::Restart);
        let mark = storm.journal.begin(what, "");
        match what {
            What::Restart => restart(server, lasts).await,
            What::Terminate => terminate(server, chance.f64()).await,
            _ => crowd(server, lasts).await,
        }
        storm.journal.end(mark);
    }
}

async fn restart(server: &Server, lasts: Duration) {
    server.cluster.crash().await;
    sleep(lasts).await;
    server.cluster.start().await;
}

/// Ends this share of the connections.
async fn terminate(server: &Server, share: f64) {
    if let Ok(somebody) = server.somebody().await {
        end_backends(&somebody, share).await;
    }
}

async fn end_backends(somebody: &Client, share: f64) {
    let end =
        format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'jobs' AND random() < {share}");
    // A server that does not answer has ended them all.
    let _ = somebody.batch_execute(&end).await;
}

/// Takes all connections that there are, also those of whoever loses his meanwhile.
async fn crowd(server: &Server, lasts: Duration) {
    let mut taken = Vec::new();
    for turn in 0..4 {
        while let Ok(one) = server.somebody().await {
            taken.push(one);
        }
        if let Some(first) = taken.first().filter(|_| turn < 3) {
            end_backends(first, 0.5).await;
        }
    }
    sleep(lasts).await;
}
