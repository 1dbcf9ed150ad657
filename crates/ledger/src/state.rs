//! The states of a submit and of its task, and the allowed transitions.

use std::{fmt, str::FromStr};

use runninghub_core::{Cost, TaskId, say};
use serde::Serialize;

use crate::{Error, ErrorKind};

/// The known state of a submit, and later of its task.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum State {
    /// The intent is on disk; the request may be on its way.
    Submitting,
    /// Refused because no slot was free; it will be sent again.
    Waiting,
    /// Refused: no task, no cost. Never sent again.
    Refused,
    /// Unknown whether a task exists. Never sent again automatically.
    Unknown,
    /// No task, for reasons unrelated to the submitted work: a check has found that there is none, the key of a row of
    /// a batch could not pay, or the row was withdrawn while it waited for a slot. It may be submitted again.
    Absent,
    /// The task exists, and it is paid for.
    Accepted,
    /// The task succeeded.
    Done,
    /// The task failed.
    Failed,
    /// The task was stopped.
    Cancelled,
    /// The platform no longer knows the task, and its end was not observed.
    Gone,
}

use State::{Absent, Accepted, Cancelled, Done, Failed, Gone, Refused, Submitting, Unknown, Waiting};

/// All allowed transitions. A state without outgoing edges is final; staying in a state is always allowed.
pub const EDGES: &[(State, State)] = &[
    (Submitting, Waiting),
    (Submitting, Refused),
    (Submitting, Unknown),
    (Submitting, Absent),
    (Submitting, Accepted),
    (Waiting, Submitting),
    (Waiting, Refused),
    (Waiting, Absent),
    (Unknown, Absent),
    (Unknown, Accepted),
    // An existing task is never written off: a user has found it, or a delivery with the submit's secret names it.
    (Absent, Accepted),
    (Refused, Accepted),
    (Accepted, Done),
    (Accepted, Failed),
    (Accepted, Cancelled),
    (Accepted, Gone),
    // The platform knows the task after all.
    (Gone, Done),
    (Gone, Failed),
    (Gone, Cancelled),
];

impl State {
    /// All states, in life-cycle order.
    pub const ALL: [Self; 10] =
        [Submitting, Waiting, Refused, Unknown, Absent, Accepted, Done, Failed, Cancelled, Gone];

    /// The word used in output and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Submitting => "submitting",
            Waiting => "waiting",
            Refused => "refused",
            Unknown => "unknown",
            Absent => "absent",
            Accepted => "accepted",
            Done => "done",
            Failed => "failed",
            Cancelled => "cancelled",
            Gone => "gone",
        }
    }

    /// Whether the platform may be working on the task, or the outcome still has to be determined.
    pub fn is_open(self) -> bool {
        matches!(self, Submitting | Waiting | Unknown | Accepted)
    }

    /// Whether a submit keeps its slot in this state: its task may be running.
    pub fn has_slot(self) -> bool {
        matches!(self, Submitting | Unknown | Accepted)
    }

    /// Whether a submit keeps its idempotency key ([`Once`](crate::Once)) in this state: it created a task, or may have.
    pub fn holds_key(self) -> bool {
        !matches!(self, Refused | Absent)
    }

    /// The state of such a submit after the process that made it has ended, with the reason; `None` if the state
    /// doesn't change.
    ///
    /// The request may have been sent: such a submit is unknown, and never sent again automatically. A submit that
    /// waited for a slot was refused, and will not be sent; a row of a batch is as if it had never been.
    pub fn left_behind(self, is_of_batch: bool) -> Option<(Self, &'static str)> {
        match self {
            Submitting => Some((Unknown, "the process ended before the response")),
            Waiting => {
                let state = if is_of_batch { Absent } else { Refused };
                Some((state, "the process ended while it waited for a free slot"))
            }
            _ => None,
        }
    }

    /// Whether one step leads from this state to `next`.
    pub fn leads_to(self, next: Self) -> bool {
        EDGES.contains(&(self, next))
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for State {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == word)
            .ok_or_else(|| Error::new(ErrorKind::Corrupt, say!("unknown state `{word}`", word)))
    }
}

/// A change of state, with the data to store.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Step {
    /// The request is sent again, after a wait.
    Sending,
    /// No slot was free.
    Waiting {
        /// The platform's message.
        note: String,
    },
    /// It was refused, or given up while it was waiting.
    Refused {
        /// The reason.
        note: String,
    },
    /// No response, or one that doesn't show what happened.
    Unknown {
        /// The observed facts, and the evidence for or against a task.
        note: String,
    },
    /// A check has found no task, or a row of a batch can be submitted again.
    Absent {
        /// The source of this finding.
        note: String,
    },
    /// The task exists.
    Accepted {
        /// The task's id.
        task: TaskId,
    },
    /// The task succeeded.
    Done {
        /// The task's cost, if reported.
        cost: Option<Cost>,
    },
    /// The task failed.
    Failed {
        /// The task's cost, if reported.
        cost: Option<Cost>,
        /// The reason.
        note: Option<String>,
    },
    /// The task was stopped.
    Cancelled {
        /// The task's cost, if reported.
        cost: Option<Cost>,
    },
    /// The platform doesn't know the task.
    Gone,
}

impl Step {
    /// The state after the step.
    pub fn state(&self) -> State {
        match self {
            Self::Sending => Submitting,
            Self::Waiting { .. } => Waiting,
            Self::Refused { .. } => Refused,
            Self::Unknown { .. } => Unknown,
            Self::Absent { .. } => Absent,
            Self::Accepted { .. } => Accepted,
            Self::Done { .. } => Done,
            Self::Failed { .. } => Failed,
            Self::Cancelled { .. } => Cancelled,
            Self::Gone => Gone,
        }
    }

    /// The note to store.
    pub fn note(&self) -> Option<&str> {
        match self {
            Self::Waiting { note }
            | Self::Refused { note }
            | Self::Unknown { note }
            | Self::Absent { note } => Some(note),
            Self::Failed { note, .. } => note.as_deref(),
            _ => None,
        }
    }

    /// The same step with another note, if it has one.
    #[must_use]
    pub fn map_note(mut self, change: impl FnOnce(&str) -> String) -> Self {
        if let Self::Waiting { note }
        | Self::Refused { note }
        | Self::Unknown { note }
        | Self::Absent { note }
        | Self::Failed { note: Some(note), .. } = &mut self
        {
            *note = change(note);
        }
        self
    }

    /// The task's cost.
    pub fn cost(&self) -> Option<&Cost> {
        match self {
            Self::Done { cost } | Self::Failed { cost, .. } | Self::Cancelled { cost } => cost.as_ref(),
            _ => None,
        }
    }

    /// Whether the step applies in this state. `false` means it was already taken and nothing needs to be done:
    /// reports may arrive twice, and late.
    ///
    /// # Errors
    /// [`ErrorKind::Edge`] if the transition isn't allowed; [`ErrorKind::Conflict`] if the task id differs from the
    /// known one.
    pub fn applies(&self, from: State, known: Option<&TaskId>) -> Result<bool, Error> {
        if let (Self::Accepted { task }, Some(known)) = (self, known) {
            return if task == known {
                Ok(false)
            } else {
                Err(Error::new(
                    ErrorKind::Conflict,
                    say!("the submit already has the task {task}", task = known),
                ))
            };
        }
        let to = self.state();
        match from {
            _ if from.leads_to(to) => Ok(true),
            _ if from == to => Ok(false),
            _ => {
                let what = say!("`{from}` cannot become `{to}`", from = from.as_str(), to = to.as_str());
                Err(Error::new(ErrorKind::Edge { from, to }, what))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_they_are_written() {
        for state in State::ALL {
            assert_eq!(state.as_str().parse::<State>().expect("our own word"), state);
        }
        assert!("paid".parse::<State>().is_err());
    }

    #[test]
    fn money_states_change_only_along_the_edge_table() {
        // An unknown outcome is never sent again, and a paid task is never forgotten.
        for (from, to) in EDGES {
            assert_ne!((*from, *to), (Unknown, Submitting));
            assert!(*from != Accepted || matches!(to, Done | Failed | Cancelled | Gone), "{from} → {to}");
        }
        let ends = State::ALL.into_iter().filter(|state| !EDGES.iter().any(|(from, _)| from == state));
        assert_eq!(ends.collect::<Vec<_>>(), [Done, Failed, Cancelled]);
        // A written-off submit can only continue to a task with an id, or to the end of one.
        for (from, to) in EDGES.iter().filter(|(from, _)| matches!(from, Refused | Absent | Gone)) {
            let end = matches!(to, Done | Failed | Cancelled);
            assert!(if *from == Gone { end } else { *to == Accepted }, "{from} → {to}");
        }
        // Every state is reachable from the first state.
        let mut reached = vec![Submitting];
        while let Some((_, to)) =
            EDGES.iter().find(|(from, to)| reached.contains(from) && !reached.contains(to))
        {
            reached.push(*to);
        }
        assert_eq!(reached.len(), State::ALL.len());
    }

    #[test]
    fn notes_of_a_step_are_kept() {
        let note = || "why".to_owned();
        for step in [
            Step::Waiting { note: note() },
            Step::Refused { note: note() },
            Step::Unknown { note: note() },
            Step::Absent { note: note() },
            Step::Failed { cost: None, note: Some(note()) },
        ] {
            assert_eq!(step.note(), Some("why"), "{step:?}");
            assert_eq!(step.map_note(str::to_uppercase).note(), Some("WHY"));
        }
        assert_eq!(Step::Gone.note(), None);
    }

    #[test]
    fn an_id_comes_late_and_twice_but_never_changes() {
        let (one, two) = (TaskId::from("1"), TaskId::from("2"));
        let accepted = Step::Accepted { task: one.clone() };
        for from in [Submitting, Unknown, Absent, Refused] {
            assert!(accepted.applies(from, None).expect("allowed"));
        }
        for from in [Accepted, Done, Failed, Cancelled, Gone] {
            assert!(!accepted.applies(from, Some(&one)).expect("known"));
            let error = accepted.applies(from, Some(&two)).expect_err("another task");
            assert_eq!(error.kind(), ErrorKind::Conflict);
        }
        assert!(accepted.applies(Waiting, None).is_err());
        assert!(!Step::Gone.applies(Gone, Some(&one)).expect("twice is once"));
    }
}
