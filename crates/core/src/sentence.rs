//! User-facing messages as data: a known text, and the facts in it.

use std::fmt;

/// A sentence: its English text with a `{name}` placeholder for each fact, and the facts.
///
/// The text is the key that a front end uses to find its own wording, in another language or with the names of its
/// options. `Display` is plain English.
///
/// ```
/// use runninghub_core::{Sentence, Sentences as _, sentences};
///
/// sentences! {
///     /// What this module says.
///     pub enum Text {
///         NoNode { name } = "the workflow has no node `{name}`",
///         Late = "it came too late",
///     }
/// }
///
/// let sentence = Sentence::from(Text::NoNode { name: "33".into() });
/// assert_eq!(sentence.to_string(), "the workflow has no node `33`");
/// let chinese = |text: &str| (text == Text::ALL[0]).then_some("工作流没有节点 `{name}`");
/// assert_eq!(sentence.worded(&chinese), "工作流没有节点 `33`");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sentence {
    text: &'static str,
    facts: Vec<(&'static str, Fact)>,
}

/// A fact in a [`Sentence`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fact {
    /// Shown unchanged: a name, a number, server text.
    Plain(String),
    /// Reworded together with the sentence that contains it.
    Sentence(Sentence),
}

/// A table of sentences, made by [`sentences!`](crate::sentences).
pub trait Sentences: Into<Sentence> {
    /// All texts, in table order: a catalog translates each of them.
    const ALL: &'static [&'static str];
}

/// The text of a sentence that consists of a single fact.
const VERBATIM: &str = "{said}";

impl Sentence {
    /// Creates a sentence of a table that [`sentences!`](crate::sentences) made.
    #[doc(hidden)]
    pub fn new<const N: usize>(text: &'static str, facts: [(&'static str, Fact); N]) -> Self {
        Self { text, facts: facts.into() }
    }

    /// Text from elsewhere, for example from a server. It is the same in every language.
    pub fn verbatim(said: impl Into<String>) -> Self {
        Self::new(VERBATIM, [("said", Fact::Plain(said.into()))])
    }

    /// The English text with a `{name}` placeholder for each fact: the sentence's key.
    pub fn text(&self) -> &'static str {
        self.text
    }

    /// The facts, by name.
    pub fn facts(&self) -> &[(&'static str, Fact)] {
        &self.facts
    }

    /// The sentence in other words: `words` maps a text to another one with the same placeholders. English if it gives
    /// none.
    pub fn worded<'a>(&self, words: &impl Fn(&str) -> Option<&'a str>) -> String {
        let mut out = String::new();
        let mut rest = words(self.text).unwrap_or(self.text);
        while let Some((before, name, after)) = next(rest) {
            out.push_str(before);
            match self.facts.iter().find(|(known, _)| *known == name) {
                Some((_, Fact::Plain(fact))) => out.push_str(fact),
                Some((_, Fact::Sentence(sentence))) => out.push_str(&sentence.worded(words)),
                // Not a fact: the braces are part of the text.
                None => {
                    out.push('{');
                    out.push_str(name);
                    out.push('}');
                }
            }
            rest = after;
        }
        out.push_str(rest);
        out
    }
}

/// The first `{name}` of a text, with the text before and after it.
fn next(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('{')?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}

impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.worded(&|_| None))
    }
}

impl Fact {
    /// Any displayable value, shown unchanged.
    pub fn of(shown: impl fmt::Display) -> Self {
        Self::Plain(shown.to_string())
    }
}

impl From<String> for Fact {
    fn from(text: String) -> Self {
        Self::Plain(text)
    }
}

impl From<&str> for Fact {
    fn from(text: &str) -> Self {
        Self::Plain(text.to_owned())
    }
}

impl From<Sentence> for Fact {
    fn from(sentence: Sentence) -> Self {
        Self::Sentence(sentence)
    }
}

impl From<String> for Sentence {
    fn from(said: String) -> Self {
        Self::verbatim(said)
    }
}

/// Makes a table of sentences: an enum whose variants have a text and its facts. The compiler checks that the
/// placeholders in the text match the facts. [`Sentences::ALL`] lists the texts.
#[macro_export]
macro_rules! sentences {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident {
            $($(#[$of:meta])* $variant:ident $({ $($fact:ident),+ $(,)? })? = $text:literal),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        $vis enum $name {
            $($(#[$of])* #[doc = $text] $variant $({ $(#[doc = "A fact in the text."] $fact: $crate::Fact),+ })?,)+
        }

        impl $crate::Sentences for $name {
            const ALL: &'static [&'static str] = &[$($text),+];
        }

        impl From<$name> for $crate::Sentence {
            fn from(sentence: $name) -> Self {
                match sentence {
                    $($name::$variant $({ $($fact),+ })? => {
                        // The compiler checks the placeholders of the text against the facts.
                        let _ = || ::std::format!($text $($(, $fact = "")+)?);
                        $crate::Sentence::new($text, [$($((stringify!($fact), $fact)),+)?])
                    })+
                }
            }
        }

        impl From<$name> for $crate::Fact {
            fn from(sentence: $name) -> Self {
                $crate::Fact::Sentence(sentence.into())
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    sentences! {
        enum Text {
            Plain = "nothing to add",
            Two { node, cause } = "node {node} failed: {cause}",
        }
    }

    fn chinese(text: &str) -> Option<&'static str> {
        Some(match text {
            "nothing to add" => "没有补充",
            "node {node} failed: {cause}" => "{cause}，节点 {node} 失败",
            _ => return None,
        })
    }

    #[test]
    fn facts_stand_where_the_wording_has_them() {
        let sentence = Sentence::from(Text::Two { node: Fact::of(3), cause: Text::Plain.into() });
        assert_eq!(sentence.to_string(), "node 3 failed: nothing to add");
        assert_eq!(sentence.worded(&chinese), "没有补充，节点 3 失败");
        assert_eq!(<Text as Sentences>::ALL, ["nothing to add", "node {node} failed: {cause}"]);
    }

    #[test]
    fn what_a_server_said_is_never_worded() {
        let said = Sentence::verbatim("nothing to add {node}");
        assert_eq!(said.worded(&chinese), "nothing to add {node}");
        let sentence = Sentence::from(Text::Two { node: "{cause}".into(), cause: said.into() });
        assert_eq!(sentence.to_string(), "node {cause} failed: nothing to add {node}");
    }

    proptest! {
        #[test]
        fn any_wording_and_any_fact_give_a_text(wording in ".*", fact in ".*") {
            let sentence = Sentence::from(Text::Two { node: fact.clone().into(), cause: fact.into() });
            sentence.worded(&|_| Some(&*wording));
        }
    }
}
