//! A thread for work that must not delay a run: redacting and writing what is recorded.

use std::{
    fmt,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        mpsc::{Sender, channel},
    },
    thread,
    time::Duration,
};

use tokio::sync::Notify;

/// Maximum pending bytes before reading from the socket pauses: a few of the largest frames.
const MOST_WAITING: usize = 128 << 20;
/// How long a finished run waits for its recording: the largest frame takes about a second, and a signal has to end
/// the process soon.
pub(crate) const LAST_WRITES: Duration = Duration::from_secs(3);

struct Job {
    size: usize,
    work: Box<dyn FnOnce() + Send>,
}

/// The pending work.
#[derive(Default)]
struct Waiting {
    /// Bytes of the jobs that are not done, and their number.
    open: Mutex<(usize, usize)>,
    idle: Condvar,
    room: Notify,
}

/// Does jobs one after the other, in order, on its own thread.
pub(crate) struct Background {
    jobs: Option<Sender<Job>>,
    waiting: Arc<Waiting>,
}

impl Waiting {
    fn open(&self) -> MutexGuard<'_, (usize, usize)> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn done(&self, size: usize) {
        let mut open = self.open();
        *open = (open.0.saturating_sub(size), open.1.saturating_sub(1));
        drop(open);
        self.idle.notify_all();
        self.room.notify_waiters();
    }
}

impl Background {
    pub(crate) fn new() -> Self {
        let (jobs, queue) = channel::<Job>();
        let waiting = Arc::new(Waiting::default());
        let done = Arc::clone(&waiting);
        let thread = thread::Builder::new().name("recording".to_owned()).spawn(move || {
            for Job { size, work } in queue {
                work();
                done.done(size);
            }
        });
        // Without a thread the work runs immediately.
        Self { jobs: thread.is_ok().then_some(jobs), waiting }
    }

    /// Adds work on this many bytes.
    pub(crate) fn run(&self, size: usize, work: impl FnOnce() + Send + 'static) {
        let Some(jobs) = &self.jobs else { return work() };
        {
            let mut open = self.waiting.open();
            *open = (open.0.saturating_add(size), open.1 + 1);
        }
        if let Err(refused) = jobs.send(Job { size, work: Box::new(work) }) {
            (refused.0.work)();
            self.waiting.done(size);
        }
    }

    /// Waits until little enough work is pending.
    pub(crate) async fn room(&self) {
        loop {
            let freed = self.waiting.room.notified();
            if self.waiting.open().0 <= MOST_WAITING {
                return;
            }
            freed.await;
        }
    }

    /// Blocks until nothing is left to do, but not longer than this. Returns whether that is so.
    pub(crate) fn settle(&self, limit: Duration) -> bool {
        let left = self.waiting.idle.wait_timeout_while(self.waiting.open(), limit, |open| open.1 > 0);
        left.unwrap_or_else(PoisonError::into_inner).0.1 == 0
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.jobs = None;
        self.settle(LAST_WRITES);
    }
}

impl fmt::Debug for Background {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Background").field("open", &self.waiting.open().1).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_is_done_in_order_and_elsewhere() {
        let background = Background::new();
        let (sender, receiver) = channel();
        let here = thread::current().id();
        for number in 0..100 {
            let sender = sender.clone();
            background.run(1, move || sender.send((number, thread::current().id())).expect("it is heard"));
        }
        assert!(background.settle(Duration::from_mins(1)));
        let done: Vec<_> = receiver.try_iter().collect();
        assert!(done.iter().map(|(number, _)| *number).eq(0..100));
        assert!(done.iter().all(|(_, thread)| *thread != here));
    }

    #[tokio::test]
    async fn too_much_work_holds_up_whoever_makes_more() {
        let background = Background::new();
        let (go, wait) = channel::<()>();
        background.run(MOST_WAITING + 1, move || wait.recv().expect("it is let go"));
        assert!(!background.settle(Duration::from_millis(1)));
        let mut room = Box::pin(background.room());
        assert!(tokio::time::timeout(Duration::ZERO, &mut room).await.is_err());
        go.send(()).expect("it waits");
        room.await;
        assert!(background.settle(Duration::from_mins(1)));
    }
}
