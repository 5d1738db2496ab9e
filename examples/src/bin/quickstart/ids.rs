//! Ids that follow from what a job is for, so that making it twice makes it once.

use std::path::Path;

use jobs_runtime::JobId;
use sha2::{Digest, Sha256};

/// The job of a run that scans the folder.
pub(crate) fn scan(run: JobId) -> JobId {
    derive(run, "scan", b"")
}

/// The job of a run that stumbles.
pub(crate) fn stumble(run: JobId) -> JobId {
    derive(run, "stumble", b"")
}

/// The job of a run for one file.
pub(crate) fn file(run: JobId, path: &Path) -> JobId {
    derive(run, "file", path.as_os_str().as_encoded_bytes())
}

/// A scan that is killed and run again meets files that have a job already. A job's *name* would not tell, since it is unique among
/// live jobs only and the file's job may have finished. Its *id* is remembered as long as the finished job is kept. So the id is made
/// of the run and the path, as a UUID of version 7: the time of the run, which keeps the ids of a run together in the store's index,
/// and 74 bits of hash, which ten million files share with a chance of one to four hundred million.
fn derive(run: JobId, what: &str, of: &[u8]) -> JobId {
    let hash = Sha256::new().chain_update(run.as_bytes()).chain_update(what).chain_update([0]).chain_update(of).finalize();
    let mut chance = [0; 10];
    chance.copy_from_slice(&hash[..10]);
    let unix_millis = run.as_bytes()[..6].iter().fold(0, |millis, byte| millis << 8 | u64::from(*byte));
    JobId::from_parts(unix_millis, chance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_follows_from_run_and_path_and_keeps_the_time_of_the_run() {
        let [run, later] = [1_700_000_000_000, 1_700_000_000_001].map(|millis| JobId::from_parts(millis, [7; 10]));
        let a = file(run, Path::new("/a"));
        assert_eq!(a, file(run, Path::new("/a")));
        assert_eq!(a.as_bytes()[..6], run.as_bytes()[..6]);
        let others = [file(run, Path::new("/b")), file(later, Path::new("/a")), scan(run), stumble(run)];
        assert!(!others.contains(&a));
    }
}
