//! Gives memory back after work that needed much of it once.

/// Hands free pages back to the operating system.
///
/// Reading a configuration and compiling leave free memory behind, in the allocator's arena of the thread that did it,
/// where no other thread takes it from. Takes about a millisecond per ten megabytes, so call it after such work only.
pub(super) fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[allow(unsafe_code, reason = "malloc_trim has no safe wrapper")]
    // SAFETY: it takes every lock it needs and touches free memory only.
    unsafe {
        libc::malloc_trim(0);
    }
}
