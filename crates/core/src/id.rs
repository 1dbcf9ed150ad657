//! Ids are text, even when they look like numbers: a RunningHub id has 19 digits and doesn't fit a JSON number, and a
//! ComfyUI node id can be `57:8` or `save-me`.

use std::{borrow::Borrow, fmt, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::{Fact, Untrusted};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id, unescaped.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        /// Escaped like all server text, because most ids come from a server. [`Self::as_str`] gives the raw id.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&Untrusted::from(&*self.0).to_string())
            }
        }

        impl From<&$name> for Fact {
            fn from(id: &$name) -> Self {
                Self::from(id.as_str())
            }
        }

        /// Accepts a string or a whole number; digits beyond 2^53 are preserved.
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(IdVisitor).map(Self)
            }
        }
    )*};
}

ids! {
    /// The `clientId` of a create response: 32 hexadecimal digits, useful only for debugging.
    ClientId;
    /// The id of a node in a workflow, or of a node created by an expansion (`3.0.0.1`).
    NodeId;
    /// ComfyUI's own id of a run. It differs from the task's id and is learned from the socket.
    PromptId;
    /// RunningHub's id of a paid task.
    TaskId;
    /// The id of an AI app.
    WebappId;
    /// The id of a saved workflow.
    WorkflowId;
}

/// Ids of the platform have 19 digits; longer ones are accepted too.
const MAX_DIGITS: usize = 32;

/// Whether a text can be an id of the platform: digits only.
pub fn is_platform_id(text: &str) -> bool {
    (1..=MAX_DIGITS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Ids of tasks have 19 digits or 32 hexadecimal ones, but a client may choose that of a prompt.
const MAX_TASK: usize = 128;

/// Whether a text can be the id of a task or a prompt: letters, digits, `-`, `_` and `.`, at most 128, not beginning
/// with `-`. Such an id is no option and nothing special to a shell.
pub fn is_task_id(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=MAX_TASK).contains(&text.len()) && text.bytes().all(is_plain) && !text.starts_with('-')
}

/// Whether a text is a UUID, as ComfyUI's prompt ids usually are and ids of the platform never are.
pub fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

struct IdVisitor;

impl de::Visitor<'_> for IdVisitor {
    type Value = Arc<str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id as text or as a whole number")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Arc<str>, E> {
        Ok(text.into())
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Arc<str>, E> {
        Ok(number.to_string().into())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Arc<str>, E> {
        Ok(number.to_string().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_a_task_is_a_plain_word() {
        for good in
            ["2000000000000000001", "9b354dcf-8f10-4212-8b21-db4e40ce60d8", "a", "my_run.7", &"7".repeat(128)]
        {
            assert!(is_task_id(good), "{good}");
        }
        for bad in ["", "-rf", "$(id)", "a b", "a;b", "../x", "a\n", "猫", "a'b", &"7".repeat(129)] {
            assert!(!is_task_id(bad), "{bad}");
        }
    }

    #[test]
    fn an_id_is_read_from_text_and_from_numbers_without_rounding() {
        for json in ["\"1904154698679771137\"", "1904154698679771137"] {
            let id: TaskId = serde_json::from_str(json).expect("both spellings are ids");
            assert_eq!(id.as_str(), "1904154698679771137");
        }
        assert!(serde_json::from_str::<TaskId>("[1]").is_err());
        assert!(serde_json::from_str::<TaskId>("1.5").is_err());
    }

    #[test]
    fn an_id_is_shown_escaped() {
        assert_eq!(format!("{:>6}", TaskId::from("57:8")), "  57:8");
        assert_eq!(NodeId::from("3\u{1b}[2J").to_string(), "3\\u{1b}[2J");
    }
}
