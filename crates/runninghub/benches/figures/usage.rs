//! What this process uses.

use std::{fs, time::Duration};

use rustix::time::{ClockId, Timespec, clock_gettime};

/// Processor time of all threads.
pub(crate) fn process_time() -> Duration {
    duration(clock_gettime(ClockId::ProcessCPUTime))
}

/// Processor time of this thread.
pub(crate) fn thread_time() -> Duration {
    duration(clock_gettime(ClockId::ThreadCPUTime))
}

/// A clock that all processes of this machine share.
pub(crate) fn shared_clock() -> Duration {
    duration(clock_gettime(ClockId::Monotonic))
}

/// Resident memory, in KiB.
pub(crate) fn resident() -> crate::Result<f64> {
    status("VmRSS:")
}

/// The most memory that was ever resident, in KiB.
pub(crate) fn peak() -> crate::Result<f64> {
    status("VmHWM:")
}

fn status(name: &str) -> crate::Result<f64> {
    let text = fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)).ok_or("the kernel does not tell memory")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

fn duration(time: Timespec) -> Duration {
    Duration::try_from(time).unwrap_or_default()
}
