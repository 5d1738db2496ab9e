//! What goes wrong with a server: it is stopped at once, ends connections, or has none left.

use std::time::Duration;

use tokio::time::sleep;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::Storm;
use crate::chaos::clock;
use crate::chaos::faults::What;
use crate::chaos::stage::Server;

pub(super) async fn rage(storm: &Storm<'_>, server: &Server) {
    let mut chance = storm.plan.chance(2);
    let mut nth = 0;
    while let Some(lasts) = storm.rest(&mut chance, nth).await {
        nth += 1;
        let what = *chance.choice(&[What::Restart, What::Terminate, What::Terminate, What::Crowd]).unwrap_or(&What::Restart);
        match what {
            What::Restart => restart(storm, server, lasts).await,
            What::Terminate => terminate(storm, server, chance.f64()).await,
            _ => crowd(storm, server, lasts).await,
        }
    }
}

async fn restart(storm: &Storm<'_>, server: &Server, lasts: Duration) {
    let mark = storm.journal.begin(What::Restart, "");
    server.cluster.crash().await;
    sleep(lasts).await;
    server.cluster.start().await;
    storm.journal.end(mark);
}

/// Ends this share of the connections.
async fn terminate(storm: &Storm<'_>, server: &Server, share: f64) {
    let from = clock::now();
    let ended = match server.somebody().await {
        Ok(somebody) => end_backends(&somebody, share).await,
        Err(_) => 0,
    };
    if ended > 0 {
        storm.journal.past(What::Terminate, "", from);
    } else {
        storm.journal.in_vain(What::Terminate);
    }
}

/// Answers how many it has ended.
async fn end_backends(somebody: &Client, share: f64) -> i64 {
    let ended = "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'jobs'";
    let ended = somebody.query_one(&format!("{ended} AND random() < {share}"), &[]).await;
    ended.map_or(0, |row| row.get(0))
}

/// Takes all connections that there are, also those of whoever loses his meanwhile.
async fn crowd(storm: &Storm<'_>, server: &Server, lasts: Duration) {
    let (mut taken, mut mark) = (Vec::new(), None);
    for turn in 0..4 {
        let refused = loop {
            match server.somebody().await {
                Ok(one) => taken.push(one),
                Err(error) => break error,
            }
        };
        if refused.code() == Some(&SqlState::TOO_MANY_CONNECTIONS) {
            mark.get_or_insert_with(|| storm.journal.begin(What::Crowd, ""));
        }
        if let Some(first) = taken.first().filter(|_| turn < 3) {
            end_backends(first, 0.5).await;
        }
    }
    sleep(lasts).await;
    drop(taken);
    match mark {
        Some(mark) => storm.journal.end(mark),
        None => storm.journal.in_vain(What::Crowd),
    }
}
