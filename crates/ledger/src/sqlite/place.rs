//! The ledger's folder: created if missing, resolved through links, rejected on file systems where a flush isn't
//! reliable.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use runninghub_core::say;

use crate::{Error, ErrorKind, failpoint};

/// Creates a folder with its parents, and resolves links in the path.
pub(super) fn folder(path: &Path) -> Result<PathBuf, Error> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| in_the_way(path, error))?;
    find(path)
}

/// Resolves an existing folder.
pub(super) fn find(path: &Path) -> Result<PathBuf, Error> {
    // SQLite rejects a link in any part of a path. Only a link in place of the file is suspicious: home directories
    // are moved to other disks, and `/tmp` is a link on some systems.
    #[cfg(unix)]
    let path = &fs::canonicalize(path).map_err(|error| in_the_way(path, error))?;
    if is_on_network(path) || failpoint::is_on_network() {
        let what = say!("the ledger's folder is on a network file system, where data may be lost");
        return Err(
            Error::new(ErrorKind::Store, what).with_hint(say!("use a folder on a disk of this machine"))
        );
    }
    Ok(path.to_owned())
}

/// Opens a file for reading. Doesn't follow a link, and doesn't block on a named pipe.
pub(super) fn open_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.bits().cast_signed());
    }
    let file = options.read(true).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::ErrorKind::InvalidInput.into()) }
}

/// Whether the file exists. Rejects anything but an ordinary file where the ledger or one of SQLite's files is
/// expected.
pub(super) fn is_file(path: &Path) -> Result<bool, Error> {
    let about = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        about => about.map_err(|error| cannot(path, error))?,
    };
    if about.is_file() {
        return Ok(true);
    }
    let path = path.to_string_lossy();
    Err(if about.is_symlink() {
        Error::new(
            ErrorKind::Store,
            say!("{path} is a symbolic link, which the ledger does not follow", path),
        )
        .with_hint(say!("move the file itself there; the folder may be a link, but not the file"))
    } else {
        Error::new(ErrorKind::Store, say!("{path} is not a regular file", path))
    })
}

pub(super) fn cannot(path: &Path, error: io::Error) -> Error {
    let what = say!("cannot use {path} as the ledger", path = path.to_string_lossy());
    Error::new(ErrorKind::Store, what).with_source(error)
}

/// Why a folder can't be created or found: the nearest path component that isn't a folder.
fn in_the_way(path: &Path, error: io::Error) -> Error {
    for place in path.ancestors() {
        match fs::metadata(place) {
            Ok(about) if about.is_dir() => break,
            Ok(_) => return cannot(place, io::ErrorKind::NotADirectory.into()),
            Err(error) if place.is_symlink() => {
                let what = say!("the link {path} does not point to a folder", path = place.to_string_lossy());
                return Error::new(ErrorKind::Store, what)
                    .with_source(error)
                    .with_hint(say!("create the folder that the link points to, or remove the link"));
            }
            Err(_) => {}
        }
    }
    cannot(path, error)
}

/// On network file systems, neither SQLite's locks nor flushes are reliable.
#[cfg(target_os = "linux")]
fn is_on_network(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    let Ok(system) = rustix::fs::statfs(folder) else { return false };
    let is_remote = || {
        let device = fs::metadata(folder).map(|about| about.dev()).unwrap_or_default();
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        is_network_mount(&mounts, device)
    };
    is_network(system.f_type) || (is(system.f_type, FUSE) && is_remote())
}

/// FUSE's number in `statfs(2)`, used for local and remote file systems.
#[cfg(target_os = "linux")]
const FUSE: u32 = 0x6573_5546;

#[cfg(target_os = "linux")]
fn is(kind: rustix::fs::FsWord, number: u32) -> bool {
    // Some systems report a signed number.
    kind & 0xffff_ffff == rustix::fs::FsWord::from(number)
}

#[cfg(target_os = "linux")]
fn is_network(kind: rustix::fs::FsWord) -> bool {
    /// NFS, SMB, CIFS, SMB2, AFS, Coda, Ceph and 9P, by the magic numbers of `statfs(2)`.
    const NETWORK: [u32; 8] =
        [0x6969, 0x517b, 0xff53_4d42, 0xfe53_4d42, 0x5346_414f, 0x7375_7245, 0x00c3_6400, 0x0102_1997];
    NETWORK.into_iter().any(|network| is(kind, network))
}

/// Whether a device's mount is a remote FUSE file system; only the names distinguish these from local ones.
#[cfg(target_os = "linux")]
fn is_network_mount(mounts: &str, device: u64) -> bool {
    const NETWORK: [&str; 10] = [
        "blobfuse2",
        "ceph",
        "curlftpfs",
        "gcsfuse",
        "glusterfs",
        "goofys",
        "juicefs",
        "rclone",
        "s3fs",
        "sshfs",
    ];
    let device = format!("{}:{}", rustix::fs::major(device), rustix::fs::minor(device));
    // `36 35 0:42 / /mnt rw shared:1 - fuse.sshfs host: rw`: the device is the third word, the type follows the dash.
    let kind_of = |line: &str| {
        let (place, system) = line.split_once(" - ")?;
        (place.split(' ').nth(2)? == device)
            .then(|| system.split(' ').next()?.strip_prefix("fuse."))?
            .map(str::to_owned)
    };
    mounts.lines().filter_map(kind_of).any(|kind| NETWORK.contains(&&*kind))
}

/// Only Linux reports this.
#[cfg(not(target_os = "linux"))]
fn is_on_network(_: &Path) -> bool {
    false
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_known() {
        // NFS, and SMB2 as reported on a 32-bit system.
        assert!(is_network(0x6969) && is_network(0xfe53_4d42));
        // ext4, tmpfs, btrfs, overlayfs, and FUSE, which can be local or remote.
        assert!(![0xef53, 0x0102_1994, 0x9123_683e, 0x794c_7630, 0x6573_5546].into_iter().any(is_network));
    }

    #[test]
    fn remote_file_systems_behind_fuse_are_known_by_their_names() {
        let mounts = "\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
36 22 0:42 / /mnt/far rw,nosuid shared:2 - fuse.sshfs me@host:/a - b rw
37 22 0:43 / /mnt/near rw,nosuid - fuse.ntfs-3g /dev/sdb1 rw
38 22 0:44 / /mnt/bucket rw - fuse.rclone far: rw
39 22 0:45 / /mnt/plain rw - fuse /dev/fuse rw
cut off";
        let remote = |minor| is_network_mount(mounts, rustix::fs::makedev(0, minor));
        assert_eq!([42, 43, 44, 45, 46].map(remote), [true, false, true, false, false]);
        assert!(!is_network_mount(mounts, rustix::fs::makedev(8, 1)));
    }
}
