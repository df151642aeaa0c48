//! Reads one plugin's file. Decides nothing.

use std::fs::Metadata;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use probity_config::files;
use probity_core::text::hex;
use sha2::{Digest, Sha256};

/// What tells two states of a file apart without reading it. Any difference counts: a file may come with an older time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint {
    pub(super) len: u64,
    modified: Option<SystemTime>,
    #[cfg(unix)]
    inode: (u64, u64, i64, i64),
}

/// A file as it was read.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) bytes: Vec<u8>,
    pub(super) digest: String,
}

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error("read {path}")]
    Io { path: PathBuf, source: io::Error },
    #[error("{path} is {len} bytes, limit {max} (key `plugins.max-size`)")]
    TooLarge { path: PathBuf, len: u64, max: u64 },
    #[error("{path} changed while it was read")]
    Moving { path: PathBuf },
}

impl Fingerprint {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            len: metadata.len(),
            modified: metadata.modified().ok(),
            #[cfg(unix)]
            inode: {
                use std::os::unix::fs::MetadataExt;
                (metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
            },
        }
    }

    /// Time since the file was last touched, by the later of its two times; the change time cannot be set at will. A time
    /// that is still to come tells nothing; without any that does, the file was touched just now.
    pub(super) fn quiet_for(&self, now: SystemTime) -> Duration {
        let since = |time: SystemTime| now.duration_since(time).ok();
        let modified = self.modified.and_then(since);
        #[cfg(unix)]
        let changed = {
            let nanos = u32::try_from(self.inode.3).unwrap_or(0);
            since(SystemTime::UNIX_EPOCH + Duration::new(u64::try_from(self.inode.2).unwrap_or(0), nanos))
        };
        #[cfg(not(unix))]
        let changed = None;
        [modified, changed].into_iter().flatten().min().unwrap_or_default()
    }
}

/// Reads a file whole, if it is small enough and stands still meanwhile.
pub(super) fn read(path: &Path, expected: Fingerprint, max: u64) -> Result<Contents, ReadError> {
    let failed = |source| ReadError::Io { path: path.to_owned(), source };
    let too_large = |len| ReadError::TooLarge { path: path.to_owned(), len, max };
    if expected.len > max {
        return Err(too_large(expected.len));
    }
    let file = files::open_regular(path).map_err(failed)?;
    let mut bytes = Vec::new();
    bytes
        .try_reserve_exact(usize::try_from(expected.len).unwrap_or(usize::MAX))
        .map_err(|_| failed(io::ErrorKind::OutOfMemory.into()))?;
    // One byte more than allowed tells a file that grew apart from one that fits.
    (&file).take(max.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > max {
        return Err(too_large(bytes.len() as u64));
    }
    let after = Fingerprint::of(&file.metadata().map_err(failed)?);
    if after != expected || bytes.len() as u64 != expected.len {
        return Err(ReadError::Moving { path: path.to_owned() });
    }
    let digest = hex(&Sha256::digest(&bytes));
    Ok(Contents { bytes, digest })
}

/// Whether the bytes are the beginning of something longer: of the magic number, or of a file whose last section is not all
/// there. What the sections hold is not looked at.
pub(super) fn is_truncated(bytes: &[u8]) -> bool {
    const MAGIC: &[u8] = b"\0asm";
    const PREAMBLE_BYTES: usize = 8;
    if !bytes.starts_with(MAGIC) {
        return MAGIC.starts_with(bytes);
    }
    let Some(mut rest) = bytes.get(PREAMBLE_BYTES..) else { return true };
    while let Some(after) = rest.get(1..).filter(|_| !rest.is_empty()) {
        let (len, after) = match leb128(after) {
            Leb::Value(len, after) => (len, after),
            Leb::Short => return true,
            Leb::Wrong => return false,
        };
        match usize::try_from(len).ok().and_then(|len| after.get(len..)) {
            Some(next) => rest = next,
            None => return true,
        }
    }
    false
}

/// An unsigned number of at most 32 bits, as WebAssembly writes lengths.
enum Leb<'a> {
    Value(u32, &'a [u8]),
    /// The bytes end within it.
    Short,
    Wrong,
}

fn leb128(bytes: &[u8]) -> Leb<'_> {
    let mut value = 0_u64;
    for at in 0..5 {
        let Some(byte) = bytes.get(at) else { return Leb::Short };
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return u32::try_from(value).map_or(Leb::Wrong, |value| Leb::Value(value, &bytes[at + 1..]));
        }
    }
    Leb::Wrong
}

#[cfg(test)]
mod tests {
    use probity_tests::guests;

    use super::*;

    // A component cut anywhere is the beginning of one, or ends between two sections; whole, it is not; nor is text.
    #[test]
    fn a_cut_component_is_the_beginning_of_one() {
        let whole = guests::component("healthy");
        assert!(!is_truncated(&whole) && !is_truncated(b"hello") && is_truncated(b"") && is_truncated(b"\0as"));
        let between = (0..whole.len()).filter(|len| !is_truncated(&whole[..*len])).count();
        assert!(between > 0 && between < 64, "{between} cuts look whole");
    }

    // Times that are still to come do not keep a file from ever being quiet.
    #[cfg(unix)]
    #[test]
    fn a_time_in_the_future_tells_nothing() {
        let now = SystemTime::now();
        let ago = |seconds: i64| i64::try_from(probity_core::clock::unix_ms() / 1000).unwrap() - seconds;
        let modified = Some(now + Duration::from_secs(3_600));
        let at = |changed: i64| Fingerprint { len: 1, modified, inode: (0, 0, changed, 0) };
        assert!(at(ago(60)).quiet_for(now) >= Duration::from_secs(59));
        assert_eq!(at(ago(-60)).quiet_for(now), Duration::ZERO);
    }
}
