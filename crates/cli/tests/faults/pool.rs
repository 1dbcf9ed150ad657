//! Several cases at once: they spend most of their time waiting.

use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Mutex, PoisonError},
    thread,
};

use crate::{case::Case, lab};

/// How many cases run at once in each list.
const AT_ONCE: usize = 4;

/// Runs all cases, or those whose names contain the value of the variable `FAULT`, and reports the failed ones.
pub(crate) fn run(cases: Vec<Case>) {
    let names: BTreeSet<_> = cases.iter().map(|case| case.name).collect();
    assert_eq!(names.len(), cases.len(), "each case has a name of its own");
    let wanted = std::env::var("FAULT").unwrap_or_default();
    let waiting = Mutex::new(cases.into_iter().filter(|case| case.name.contains(&wanted)));
    let failed = Mutex::new(Vec::new());
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(case) = next() {
                    // The panic has already printed the message.
                    if catch_unwind(AssertUnwindSafe(|| lab::run(&case))).is_err() {
                        failed.lock().unwrap_or_else(PoisonError::into_inner).push(case.name);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert!(failed.is_empty(), "failed: {}", failed.join(", "));
}
