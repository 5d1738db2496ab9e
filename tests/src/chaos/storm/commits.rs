//! What goes wrong with the commits of jobs' own transactions: their answers are lost with their connections, one after the other. Nothing of
//! the store itself is hit.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Storm;
use crate::chaos::clock;
use crate::chaos::effects::COMMIT;
use crate::chaos::faults::What;
use crate::chaos::stage::Server;

/// How long a trap lies at most.
const PATIENCE: Duration = Duration::from_secs(1);

pub(super) async fn rage(storm: &Storm<'_>, server: &Server) {
    let mut chance = storm.plan.chance(4);
    while Instant::now() < storm.until {
        sleep(Duration::from_millis(chance.u64(100..800))).await;
        let slot = chance.usize(..storm.plan.workers);
        let (way, from) = (&server.ways[slot], clock::now());
        let (lost, patience) = (way.answers_lost(), Instant::now() + PATIENCE);
        way.lose_answer_after(&[COMMIT]);
        while way.answers_lost() == lost && Instant::now() < patience.min(storm.until) {
            sleep(Duration::from_millis(5)).await;
        }
        if way.answers_lost() > lost {
            storm.journal.past(What::LostCommit, &format!("w{slot}."), from);
        }
    }
    server.ways.iter().for_each(crate::Proxy::lose_nothing);
}
