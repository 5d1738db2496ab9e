//! What goes wrong with a network: it cuts, refuses, delays and swallows; mostly that of one process, sometimes all of them.

use std::time::Duration;

use tokio::time::sleep;

use super::Storm;
use crate::chaos::faults::What;
use crate::chaos::stage::Server;
use crate::{Proxy, Way};

pub(super) async fn rage(storm: &Storm<'_>, server: &Server) {
    let mut chance = storm.plan.chance(3);
    let mut nth = 0;
    while let Some(lasts) = storm.rest(&mut chance, nth).await {
        nth += 1;
        let all = [What::Cut, What::Cut, What::Refuse, What::Swallow, What::Slow, What::Slow, What::Silence, What::LostAnswer];
        let what = *chance.choice(&all).unwrap_or(&What::Cut);
        let place = chance.usize(..server.ways.len());
        let (ways, whom) = match chance.f64() {
            ..0.2 => (&server.ways[..], String::new()),
            _ if place == storm.plan.workers => (&server.ways[place..], "producer".to_owned()),
            _ => (&server.ways[place..=place], format!("w{place}.")),
        };
        // Mostly a little, sometimes for longer than a lease, so that what was sent in time comes too late.
        let late = Duration::from_millis(if chance.f64() < 0.7 { chance.u64(5..150) } else { chance.u64(2_500..6_000) });
        let mark = storm.journal.begin(what, &whom);
        for way in ways {
            spoil(way, what, late);
        }
        // A cut is over at once, but what it meets comes by and by.
        sleep(lasts).await;
        for way in ways {
            mend(way);
        }
        if what == What::Slow {
            sleep(late).await;
        }
        storm.journal.end(mark);
    }
}

fn spoil(way: &Proxy, what: What, late: Duration) {
    match what {
        What::Refuse => {
            way.set(Way::Refuse);
            way.cut();
        }
        What::Swallow => way.set(Way::Swallow),
        What::Slow => way.set(Way::Slow(late)),
        What::Silence => way.silence(),
        What::LostAnswer => way.lose_answer_after(&["COMMIT"]),
        _ => way.cut(),
    }
}

fn mend(way: &Proxy) {
    way.lose_nothing();
    way.set(Way::Open);
}
