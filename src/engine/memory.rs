//! Memory that is free goes back to the system where the allocator would keep it.

/// Gives back what was freed. To be called after a step that needed much for a short while, such as the reading of a table; glibc keeps
/// such pages for later, and a long extraction never uses them.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn give_back() {
    // SAFETY: it touches nothing but the allocator's own free pages, and may be called from any thread.
    unsafe { libc::malloc_trim(0) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn give_back() {}
