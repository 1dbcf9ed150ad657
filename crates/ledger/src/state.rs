//! The states of a submit and of its task, and the only ways from one to the next.

use std::{fmt, str::FromStr};

use runninghub_core::{Cost, TaskId};
use serde::Serialize;

use crate::{Error, ErrorKind};

/// What is known of a submit, and later of the task that came of it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum State {
    /// The intent is on disk; the request may be on its way.
    Submitting,
    /// Refused for lack of a slot; it is going to be sent again.
    Waiting,
    /// Refused: no task, no cost. It is never sent again.
    Refused,
    /// Nobody knows whether there is a task. It is never sent again by itself.
    Unknown,
    /// It was unknown, and somebody has found that there is no task.
    Absent,
    /// There is a task, and it is paid for.
    Accepted,
    /// The task succeeded.
    Done,
    /// The task failed.
    Failed,
    /// The task was stopped.
    Cancelled,
    /// The platform does not know the task any more, and nobody saw its end so far.
    Gone,
}

use State::{Absent, Accepted, Cancelled, Done, Failed, Gone, Refused, Submitting, Unknown, Waiting};

/// Every allowed change. A state that leads nowhere is final; to stay in a state is always allowed.
pub const EDGES: &[(State, State)] = &[
    (Submitting, Waiting),
    (Submitting, Refused),
    (Submitting, Unknown),
    (Submitting, Accepted),
    (Waiting, Submitting),
    (Waiting, Refused),
    (Unknown, Absent),
    (Unknown, Accepted),
    // A task that is there is never written off: a person has found it, or a delivery with the submit's secret names it.
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
    /// All of them, in the order of a life.
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

    /// Whether the platform may be working on it, or somebody still has to find out.
    pub fn is_open(self) -> bool {
        matches!(self, Submitting | Waiting | Unknown | Accepted)
    }

    /// What a submit in this state is once the process that made it has ended, and why; `None` where that changes
    /// nothing.
    ///
    /// The request may have been sent: such a submit is unknown, and never sent again by itself. One that waited for a
    /// slot was refused, and will not be sent.
    pub fn left_behind(self) -> Option<(Self, &'static str)> {
        match self {
            Submitting => Some((Unknown, "the process ended before the answer")),
            Waiting => Some((Refused, "the process ended while it waited for a free slot")),
            _ => None,
        }
    }

    /// Whether one step leads from here to there.
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
            .ok_or_else(|| Error::new(ErrorKind::Corrupt, format!("there is no state `{word}`")))
    }
}

/// A change of state, with what has to be kept of it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Step {
    /// It is sent again, after a wait.
    Sending,
    /// No slot was free.
    Waiting {
        /// What the platform said.
        note: String,
    },
    /// It is refused, or given up while it was waiting.
    Refused {
        /// Why.
        note: String,
    },
    /// No answer, or none that says what happened.
    Unknown {
        /// What did happen, and what speaks for or against a task.
        note: String,
    },
    /// Somebody has looked: there is no task.
    Absent {
        /// Who says so.
        note: String,
    },
    /// There is a task.
    Accepted {
        /// Its id.
        task: TaskId,
    },
    /// The task succeeded.
    Done {
        /// What it cost, if that was said.
        cost: Option<Cost>,
    },
    /// The task failed.
    Failed {
        /// What it cost, if that was said.
        cost: Option<Cost>,
        /// Why.
        note: Option<String>,
    },
    /// The task was stopped.
    Cancelled {
        /// What it cost, if that was said.
        cost: Option<Cost>,
    },
    /// The platform does not know the task.
    Gone,
}

impl Step {
    /// The state that it leads to.
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

    /// What is worth remembering in words.
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

    /// The same step with another note, where it has one.
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

    /// What the task cost.
    pub fn cost(&self) -> Option<&Cost> {
        match self {
            Self::Done { cost } | Self::Failed { cost, .. } | Self::Cancelled { cost } => cost.as_ref(),
            _ => None,
        }
    }

    /// Whether the step may be taken from here. `false` says that it was taken before, so that there is nothing to do:
    /// news may come twice, and late.
    ///
    /// # Errors
    /// [`ErrorKind::Edge`] where no such way leads on; [`ErrorKind::Conflict`] for another task id than the known one.
    pub fn applies(&self, from: State, known: Option<&TaskId>) -> Result<bool, Error> {
        if let (Self::Accepted { task }, Some(known)) = (self, known) {
            return if task == known {
                Ok(false)
            } else {
                Err(Error::new(ErrorKind::Conflict, format!("the submit already has the task {known}")))
            };
        }
        let to = self.state();
        match from {
            _ if from.leads_to(to) => Ok(true),
            _ if from == to => Ok(false),
            _ => Err(Error::new(ErrorKind::Edge { from, to }, format!("`{from}` cannot become `{to}`"))),
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
    fn money_has_only_the_ways_that_are_meant() {
        // An unknown outcome is never sent again, and a paid task is never forgotten.
        for (from, to) in EDGES {
            assert_ne!((*from, *to), (Unknown, Submitting));
            assert!(*from != Accepted || matches!(to, Done | Failed | Cancelled | Gone), "{from} → {to}");
        }
        let ends = State::ALL.into_iter().filter(|state| !EDGES.iter().any(|(from, _)| from == state));
        assert_eq!(ends.collect::<Vec<_>>(), [Done, Failed, Cancelled]);
        // What was written off leads only to a task with an id, or to the end of one.
        for (from, to) in EDGES.iter().filter(|(from, _)| matches!(from, Refused | Absent | Gone)) {
            let end = matches!(to, Done | Failed | Cancelled);
            assert!(if *from == Gone { end } else { *to == Accepted }, "{from} → {to}");
        }
        // Everything is reached from the first state.
        let mut reached = vec![Submitting];
        while let Some((_, to)) =
            EDGES.iter().find(|(from, to)| reached.contains(from) && !reached.contains(to))
        {
            reached.push(*to);
        }
        assert_eq!(reached.len(), State::ALL.len());
    }

    #[test]
    fn what_is_said_of_a_step_is_kept() {
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
