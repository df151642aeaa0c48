//! Files that others wrote: opened without waiting, known to be regular, read up to a bound.
//!
//! A name may lead to a pipe that nobody writes to, to a device or to a file without end, and may be swapped between two
//! looks. So what counts is the file that was opened, never what its name meant before.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

/// Opens a regular file for reading; links are followed. Never waits for a writer or a terminal.
///
/// # Errors
/// Those of the operating system; [`io::ErrorKind::InvalidInput`] for what is no regular file.
pub fn open_regular(path: &Path) -> io::Result<File> {
    open_regular_with(path, OpenOptions::new().read(true))
}

/// The same with `options`.
///
/// # Errors
/// As [`open_regular`].
pub fn open_regular_with(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    // To open is an act for some devices (tapes, watchdogs): what is none of ours is not opened at all. Whether it may be
    // missing, the options say.
    if let Ok(metadata) = fs::metadata(path) {
        regular(&metadata)?;
    }
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        std::os::unix::fs::OpenOptionsExt::custom_flags(options, flags.bits().cast_signed());
    }
    let file = options.open(path)?;
    // It may have been swapped in between.
    regular(&file.metadata()?)?;
    Ok(file)
}

/// The bytes of a regular file of at most `max` bytes.
///
/// # Errors
/// As [`open_regular`]; [`io::ErrorKind::FileTooLarge`] beyond `max`, of which no more than one byte is read.
pub fn read_regular(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    let file = open_regular(path)?;
    let mut bytes = Vec::new();
    file.take(max.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("larger than {max} bytes")));
    }
    Ok(bytes)
}

fn regular(metadata: &Metadata) -> io::Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"))
}

/// Makes `dir` with mode 0700, or makes sure that it is ours.
pub fn private_dir(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)?;
    ours(dir, &fs::symlink_metadata(dir)?, fs::Metadata::is_dir)
}

/// Bytes of a file that is ours and closed to others, by its metadata.
pub fn private_file(path: &Path, metadata: &fs::Metadata) -> io::Result<u64> {
    ours(path, metadata, fs::Metadata::is_file).map(|()| metadata.len())
}

fn ours(path: &Path, metadata: &fs::Metadata, kind: fn(&fs::Metadata) -> bool) -> io::Result<()> {
    let refuse = |why: &str| Err(io::Error::other(format!("{} {why}", path.display())));
    if !kind(metadata) {
        return refuse("is a link or of another kind");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return refuse("belongs to another user");
        }
        if metadata.mode() & 0o077 != 0 {
            return refuse("is open to other users (want mode 0700)");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    // A file within the bound is read whole; one byte more is an error, not a part.
    #[test]
    fn a_file_is_read_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        fs::write(&path, b"four").unwrap();
        assert_eq!(read_regular(&path, 4).unwrap(), b"four");
        assert_eq!(read_regular(&path, 3).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }

    // A pipe without a writer, a directory, a device and a link to one are refused at once.
    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_refused_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let (pipe, link) = (dir.path().join("pipe"), dir.path().join("link"));
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
        for path in [&pipe, &link, dir.path(), Path::new("/dev/zero")] {
            let error = read_regular(path, 10).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{}: {error}", path.display());
        }
    }
}
