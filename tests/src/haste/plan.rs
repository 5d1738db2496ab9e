//! What a run is asked to do.

use jobs_runtime::testing::guards::Guard;

use super::course::guard;
use crate::chaos;

const USAGE: &str = "haste --store sqlite|postgres [--seconds N] [--seed N] [--workers N] [--verbose] [--without GUARD]";

/// What a run is asked to do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The store, the length in real time, the seed, and how many processes: what a run of chaos is asked, too.
    pub chaos: chaos::Plan,
    /// The guard that is switched off, to see that the run would notice. That of the compare and swap is the store's, all others are those
    /// of the engine.
    pub without: Option<Guard>,
}

impl Plan {
    /// Reads the arguments of the program: a minute, and eight processes, unless they say otherwise.
    pub fn read(arguments: &[String]) -> Result<Self, String> {
        let mut rest = arguments.to_vec();
        let mut without = None;
        if let Some(place) = rest.iter().position(|argument| argument == "--without") {
            let name = rest.get(place + 1).ok_or_else(|| format!("`--without` has no value: {USAGE}"))?;
            without = Some(guard(name)?);
            rest.drain(place..=place + 1);
        }
        Ok(Self { chaos: chaos::Plan::minute(8).given(&rest, USAGE)?, without })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read_and_mistakes_named() {
        let read = |text: &str| Plan::read(&text.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        let plan = read("--without compare-and-swap --store postgres --seed 7").unwrap();
        assert_eq!((plan.without, plan.chaos.seed, plan.chaos.workers), (Some(Guard::CompareAndSwap), 7, 8));
        assert_eq!(read("--without sense").unwrap_err(), "`sense` is no guard");
        assert!(read("--without").unwrap_err().starts_with("`--without` has no value"));
        assert!(read("--store redis").unwrap_err().ends_with(USAGE));
    }
}
