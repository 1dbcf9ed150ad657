//! The memory of this process.

/// Other users cannot read it anyway.
pub(crate) fn keep_memory_private() {}
