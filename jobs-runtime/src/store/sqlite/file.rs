//! The file and its folder: who may read them, and where they may lie.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use jobs_core::StoreError;

use super::error::Result;

/// Makes the file and its folder, readable by their owner alone. What exists is left as it is.
/// Answers the file's absolute path.
pub(super) fn prepare(path: &Path) -> Result<PathBuf> {
    let problem = |path: &Path, error: &io::Error| {
        StoreError::Unusable(format!(
            "cannot create {}: {error}; check that the folder exists and that this user may write to it",
            path.display()
        ))
    };
    let path = std::path::absolute(path).map_err(|error| problem(path, &error))?;
    if path.is_dir() {
        return Err(StoreError::Unusable(format!("{} is a folder: name a file in it", path.display())));
    }
    if let Some(folder) = path.parent() {
        make_folder(folder).map_err(|error| problem(folder, &error))?;
        refuse_network(folder)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    owner_only(&mut options);
    match options.open(&path) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && path.exists() => {
            return Err(StoreError::Unusable(format!(
                "{} cannot be written by this user: check its owner and its rights",
                path.display()
            )));
        }
        Err(error) => return Err(problem(&path, &error)),
    }
    Ok(path)
}

/// Makes the folder of the side files. Not before the file is known to be ours.
pub(super) fn prepare_side_folder(path: &Path) -> Result<PathBuf> {
    let folder = side_folder(path);
    make_folder(&folder).map_err(|error| StoreError::Unusable(format!("cannot create {}: {error}", folder.display())))?;
    Ok(folder)
}

/// The folder of the side files: one for each worker, and the one by which writers let each other pass.
pub(super) fn side_folder(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push("-workers");
    path.with_file_name(name)
}

/// Opens a side file, making it when it is missing.
pub(super) fn open_side_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    owner_only(&mut options);
    options.open(path)
}

fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(unix)]
fn owner_only(options: &mut OpenOptions) {
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
}

#[cfg(not(unix))]
fn owner_only(_options: &mut OpenOptions) {}

/// File systems on which locks or shared memory do not hold between machines (sqlite.org/wal.html, sqlite.org/useovernet.html).
const NETWORK: &[&str] = &[
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "afs",
    "ceph",
    "glusterfs",
    "lustre",
    "gpfs",
    "beegfs",
    "fuse.sshfs",
    "fuse.glusterfs",
    "fuse.s3fs",
    "fuse.rclone",
    "fuse.gcsfuse",
];

fn refuse_network(folder: &Path) -> Result<()> {
    // Only Linux has this table; elsewhere the check is left out.
    let Ok(mounts) = fs::read_to_string("/proc/self/mountinfo") else { return Ok(()) };
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf());
    match file_system(&mounts, &folder) {
        Some(kind) if NETWORK.contains(&kind) => Err(StoreError::Unusable(format!(
            "{} lies on a network file system ({kind}), where SQLite's locks do not hold: use a local disk",
            folder.display()
        ))),
        _ => Ok(()),
    }
}

/// The type of the file system that holds `folder`, from the text of `/proc/self/mountinfo` (proc(5)).
fn file_system<'a>(mounts: &'a str, folder: &Path) -> Option<&'a str> {
    mounts
        .lines()
        .filter_map(|line| {
            let (place, kind) = line.split_once(" - ")?;
            let place = place.split(' ').nth(4)?.replace("\\040", " ");
            folder.starts_with(&place).then_some((place.len(), kind.split(' ').next()?))
        })
        .max_by_key(|(length, _)| *length)
        .map(|(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_mount_decides() {
        let mounts = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
                      40 22 0:45 / /mnt/share\\040one rw shared:1 - nfs4 host:/x rw\n\
                      41 40 0:46 / /mnt/share\\040one/local rw - xfs /dev/sdb rw\n";
        assert_eq!(file_system(mounts, Path::new("/home/ann")), Some("ext4"));
        assert_eq!(file_system(mounts, Path::new("/mnt/share one/data")), Some("nfs4"));
        assert_eq!(file_system(mounts, Path::new("/mnt/share one/local/data")), Some("xfs"));
    }

    #[test]
    fn side_files_stand_beside_the_file() {
        assert_eq!(side_folder(Path::new("/data/jobs.db")), Path::new("/data/jobs.db-workers"));
    }
}
