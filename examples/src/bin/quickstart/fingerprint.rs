//! The work: one job reads one file.

use std::fmt::Write;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use jobs_runtime::{BoxError, JobContext, JobId, Verdict, job};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::task::spawn_blocking;

use crate::path::FilePath;

/// What a file contains. Kept with the finished job as its output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fingerprint {
    pub(crate) size: u64,
    pub(crate) sha256: String,
}

/// Reads a file. One that cannot be read is tried three times, and kept as failed; one that is gone is no longer wanted.
///
/// `run` is not used here: the report tells by it which files are its own.
#[job(retries = 2, backoff = "200ms, 1s")]
pub(crate) async fn fingerprint(ctx: &JobContext, run: JobId, path: FilePath) -> Result<Fingerprint, BoxError> {
    let _ = run;
    let ctx = ctx.clone();
    match spawn_blocking(move || read(path.as_ref(), &ctx)).await? {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Verdict::cancel("vanished before it was read").into()),
        result => Ok(result?),
    }
}

fn read(path: &Path, ctx: &JobContext) -> io::Result<Fingerprint> {
    // Opening what has become a pipe since the scan would wait for ever.
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(io::Error::other("is no longer a regular file"));
    }
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut size = 0;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        if ctx.is_cancelled() {
            return Err(io::Error::other("asked to stop"));
        }
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => {
                hash.update(&buffer[..read]);
                size += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let mut sha256 = String::with_capacity(64);
    for byte in hash.finalize() {
        // Writing to a string does not fail.
        let _ = write!(sha256, "{byte:02x}");
    }
    Ok(Fingerprint { size, sha256 })
}

#[cfg(test)]
mod tests {
    use super::*;

    // A job is a fn: a test calls it.
    async fn of(path: &Path) -> Result<Fingerprint, BoxError> {
        fingerprint(&JobContext::test(), JobId::from_parts(0, [0; 10]), path.to_owned().into()).await
    }

    #[tokio::test]
    async fn a_file_is_its_size_and_its_hash() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "abc").unwrap();
        // The example of FIPS 180-2, appendix B.1.
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".to_owned();
        assert_eq!(of(file.path()).await.unwrap(), Fingerprint { size: 3, sha256 });
    }

    #[tokio::test]
    async fn a_file_that_is_gone_is_not_tried_again() {
        let error = of(Path::new("/no/such/file")).await.unwrap_err();
        assert!(matches!(error.downcast_ref::<Verdict>(), Some(verdict) if verdict.to_string() == "vanished before it was read"));
    }

    #[tokio::test]
    async fn a_folder_in_place_of_a_file_is_a_failure() {
        let error = of(&std::env::temp_dir()).await.unwrap_err();
        assert_eq!(error.to_string(), "is no longer a regular file");
    }
}
