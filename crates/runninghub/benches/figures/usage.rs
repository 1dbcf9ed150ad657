//! Resource usage of this process.

use std::{fs, time::Duration};

use rustix::time::{ClockId, Timespec, clock_gettime};

/// Seconds of CPU time of all threads.
pub(crate) fn process_time() -> f64 {
    duration(clock_gettime(ClockId::ProcessCPUTime)).as_secs_f64()
}

/// Seconds of CPU time of this thread.
pub(crate) fn thread_time() -> f64 {
    duration(clock_gettime(ClockId::ThreadCPUTime)).as_secs_f64()
}

/// Seconds of CPU time of finished child processes.
pub(crate) fn children_time() -> crate::Result<f64> {
    let text = fs::read_to_string("/proc/self/stat")?;
    // The program's name comes before this, and may contain spaces.
    let (_, fields) = text.rsplit_once(')').ok_or("the kernel does not tell times")?;
    let ticks = |at: usize| fields.split_whitespace().nth(at).unwrap_or_default().parse::<u32>();
    // Fields 16 and 17 of the line: user and system time.
    let ticks = ticks(13)? + ticks(14)?;
    Ok(f64::from(ticks) / rustix::param::clock_ticks_per_second() as f64)
}

/// A clock shared by all processes of this machine.
pub(crate) fn shared_clock() -> Duration {
    duration(clock_gettime(ClockId::Monotonic))
}

/// Resident memory, in KiB.
pub(crate) fn resident() -> crate::Result<f64> {
    status("VmRSS:")
}

/// Peak resident memory, in KiB.
pub(crate) fn peak() -> crate::Result<f64> {
    status("VmHWM:")
}

fn status(name: &str) -> crate::Result<f64> {
    let text = fs::read_to_string("/proc/self/status")?;
    let line =
        text.lines().find_map(|line| line.strip_prefix(name)).ok_or("the kernel does not tell memory")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

fn duration(time: Timespec) -> Duration {
    Duration::try_from(time).unwrap_or_default()
}
