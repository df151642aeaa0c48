//! Limits of the process that would make a host of little use: raised as far as that is allowed, else said.

/// Bytes that a file has to be allowed: what plugins begin with in memory is a file to the kernel, and so are compiled code
/// and state.
pub(in crate::cli) const FILE_BYTES_WANTED: u64 = 64 << 20;

/// What is to be said of them.
#[cfg(unix)]
pub(super) fn complaint() -> Option<String> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Fsize);
    if limit.current.is_none_or(|bytes| bytes >= FILE_BYTES_WANTED) {
        return None;
    }
    // Where that does not work, the look below tells.
    let _ = setrlimit(Resource::Fsize, Rlimit { current: limit.maximum, maximum: limit.maximum });
    let bytes = getrlimit(Resource::Fsize).current.filter(|bytes| *bytes < FILE_BYTES_WANTED)?;
    Some(format!(
        "files may have at most {bytes} bytes (`ulimit -f`), {FILE_BYTES_WANTED} are wanted: plugins may be rejected with \
         \"File too large\", compiled code is not cached, and state is not kept"
    ))
}

/// There are none.
#[cfg(not(unix))]
pub(super) const fn complaint() -> Option<String> {
    None
}
