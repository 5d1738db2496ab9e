//! What goes wrong with a network: it cuts, refuses, delays and swallows; mostly that of one process, sometimes all of them.

use std::time::Duration;

use tokio::time::sleep;

use super::Storm;
use crate::chaos::clock;
use crate::chaos::faults::What;
use crate::chaos::stage::Server;
use crate::{Proxy, Way};

/// The most by which a network is late that is only slow.
const LATEST: Duration = Duration::from_millis(150);

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
        let what = if what == What::Slow && late > LATEST { What::Crawl } else { what };
        let (from, open, lost) = (clock::now(), sum(ways, Proxy::open), sum(ways, Proxy::answers_lost));
        for way in ways {
            spoil(way, what, late);
        }
        // What is over at once is noted at once.
        match what {
            What::Cut | What::Silence if open == 0 => storm.journal.in_vain(what),
            What::Cut | What::Silence => storm.journal.past(what, &whom, from),
            _ => {}
        }
        sleep(lasts).await;
        for way in ways {
            mend(way);
        }
        match what {
            What::Cut | What::Silence => continue,
            What::LostAnswer if sum(ways, Proxy::answers_lost) == lost => storm.journal.in_vain(what),
            // What is on its way is as late as it was.
            What::Slow | What::Crawl => sleep(late).await,
            _ => {}
        }
        storm.journal.past(what, &whom, from);
    }
}

fn sum(ways: &[Proxy], number: fn(&Proxy) -> u64) -> u64 {
    ways.iter().map(number).sum()
}

fn spoil(way: &Proxy, what: What, late: Duration) {
    match what {
        What::Refuse => {
            way.set(Way::Refuse);
            way.cut();
        }
        What::Swallow => way.set(Way::Swallow),
        What::Slow | What::Crawl => way.set(Way::Slow(late)),
        What::Silence => way.silence(),
        What::LostAnswer => way.lose_answer_after(&["COMMIT"]),
        _ => way.cut(),
    }
}

fn mend(way: &Proxy) {
    way.lose_nothing();
    way.set(Way::Open);
}
