//! Messages as data: a text with names for its facts, and the facts.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Untrusted;

/// A message for users: an English text with a `{name}` for each fact, and the facts. Created with
/// [`say!`](crate::say).
///
/// The text is the key by which a front end finds its own wording, in another language or with the names of its
/// options. `Display` writes the English sentence with the line breaks of its text. Facts are escaped like
/// [`Untrusted`], so the result is safe for a terminal. In JSON a sentence is its English, unescaped.
///
/// ```
/// use runninghub_core::say;
///
/// let id = "33";
/// let sentence = say!("the workflow has no node `{id}`", id);
/// assert_eq!(sentence.to_string(), "the workflow has no node `33`");
///
/// let chinese = |text: &str| (text == sentence.text()).then_some("工作流没有节点 `{id}`");
/// assert_eq!(sentence.worded(&chinese), "工作流没有节点 `33`");
/// ```
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Sentence {
    text: &'static str,
    facts: Vec<(&'static str, Fact)>,
}

/// A fact in a [`Sentence`].
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Fact {
    /// Shown verbatim, but escaped: a name, a number, a server's text.
    Plain(String),
    /// Worded like the sentence it is in.
    Sentence(Sentence),
}

/// A [`Sentence`]: an English text, and a fact for each `{name}` in it.
///
/// A fact is `name`, or `name = value`, where the value converts into a [`Fact`]. A value that is itself a sentence is
/// worded with it. The compiler checks that the names in the text are those of the facts.
///
/// ```
/// use runninghub_core::{Fact, say};
///
/// let path = std::path::Path::new("a.json");
/// let why = say!("the workflow has no nodes");
/// let sentence = say!("cannot run {path}: {why}", path = Fact::of(path.display()), why);
/// assert_eq!(sentence.to_string(), "cannot run a.json: the workflow has no nodes");
/// ```
///
/// ```compile_fail
/// let id = "33";
/// // The text names a fact that isn't given.
/// runninghub_core::say!("the workflow has no node `{id}`");
/// ```
#[macro_export]
macro_rules! say {
    ($text:literal $(, $name:ident $(= $fact:expr)?)* $(,)?) => {
        $crate::Sentence::new(
            {
                // Checks the names. A constant sees no local variables, so the text cannot capture any.
                const _: fn() = || {
                    let _ = ::std::format_args!($text $(, $name = "")*);
                };
                $text
            },
            ::std::vec![$((stringify!($name), $crate::say!(@fact $name $(= $fact)?))),*],
        )
    };
    (@fact $name:ident) => { $crate::Fact::from($name) };
    (@fact $name:ident = $fact:expr) => { $crate::Fact::from($fact) };
}

/// The text of a sentence that consists of a single fact.
const VERBATIM: &str = "{said}";

impl Sentence {
    /// For [`say!`](crate::say).
    #[doc(hidden)]
    pub const fn new(text: &'static str, facts: Vec<(&'static str, Fact)>) -> Self {
        Self { text, facts }
    }

    /// A text without translations, for example a server's: it is the same in every language.
    pub fn verbatim(said: impl Into<String>) -> Self {
        Self::new(VERBATIM, vec![("said", Fact::Plain(said.into()))])
    }

    /// An error with its causes, from the outermost to the innermost: `{what}: {cause}`, nested.
    pub fn chain(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::nested(parts, |what, cause| say!("{what}: {cause}", what, cause))
    }

    /// A list of sentences: `{first}; {rest}`, nested.
    pub fn list(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::nested(parts, |first, rest| say!("{first}; {rest}", first, rest))
    }

    fn nested(parts: impl IntoIterator<Item = Self>, join: fn(Self, Self) -> Self) -> Self {
        let parts: Vec<_> = parts.into_iter().collect();
        parts.into_iter().rev().reduce(|rest, first| join(first, rest)).unwrap_or_default()
    }

    /// The English text with a `{name}` for each fact: the sentence's key.
    pub fn text(&self) -> &'static str {
        self.text
    }

    /// The facts, by name.
    pub fn facts(&self) -> &[(&'static str, Fact)] {
        &self.facts
    }

    /// The sentence in another wording: for a text, `words` returns a replacement with the same names, or `None` for
    /// English. Facts are escaped.
    pub fn worded<'w>(&self, words: &dyn Fn(&str) -> Option<&'w str>) -> String {
        let mut out = String::new();
        self.word(words, true, &mut out);
        out
    }

    /// The English sentence with unescaped facts, for JSON and other formats with their own escaping.
    pub fn raw(&self) -> String {
        let mut out = String::new();
        self.word(&|_| None, false, &mut out);
        out
    }

    /// The sentence with all plain facts changed: to remove secrets, for example.
    #[must_use]
    pub fn map(self, change: &dyn Fn(&str) -> String) -> Self {
        let facts = self.facts.into_iter().map(|(name, fact)| {
            let fact = match fact {
                Fact::Plain(text) => Fact::Plain(change(&text)),
                Fact::Sentence(sentence) => Fact::Sentence(sentence.map(change)),
            };
            (name, fact)
        });
        Self { text: self.text, facts: facts.collect() }
    }

    fn word<'w>(&self, words: &dyn Fn(&str) -> Option<&'w str>, escapes: bool, out: &mut String) {
        let mut rest = words(self.text).unwrap_or(self.text);
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            out.push_str(before);
            let named = from.strip_prefix('{').and_then(|inner| inner.split_once('}'));
            let found = named.and_then(|(name, after)| {
                let (_, fact) = self.facts.iter().find(|(known, _)| *known == name)?;
                Some((fact, after))
            });
            if let Some((fact, after)) = found {
                match fact {
                    Fact::Plain(text) if escapes => out.push_str(&Untrusted::from(&**text).to_string()),
                    Fact::Plain(text) => out.push_str(text),
                    Fact::Sentence(sentence) => sentence.word(words, escapes, out),
                }
                rest = after;
            } else {
                // `{{` and `}}` are escaped braces.
                let (brace, after) = from.split_at(1);
                out.push_str(brace);
                rest = after.strip_prefix(brace).unwrap_or(after);
            }
        }
        out.push_str(rest);
    }
}

impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.worded(&|_| None))
    }
}

/// A sentence can be the cause of an error.
impl std::error::Error for Sentence {}

impl Serialize for Sentence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.raw())
    }
}

/// Reads a verbatim text, since JSON doesn't preserve the facts.
impl<'de> Deserialize<'de> for Sentence {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::verbatim)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Sentence {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        String::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        String::json_schema(generator)
    }

    fn inline_schema() -> bool {
        true
    }
}

impl Fact {
    /// A plain fact from any displayable value.
    pub fn of(shown: impl fmt::Display) -> Self {
        Self::Plain(shown.to_string())
    }
}

impl From<Sentence> for Fact {
    fn from(sentence: Sentence) -> Self {
        Self::Sentence(sentence)
    }
}

impl From<&Sentence> for Fact {
    fn from(sentence: &Sentence) -> Self {
        Self::Sentence(sentence.clone())
    }
}

impl From<&Untrusted> for Fact {
    fn from(text: &Untrusted) -> Self {
        Self::Plain(text.raw().to_owned())
    }
}

macro_rules! plain_facts {
    ($($type:ty),*) => {$(
        impl From<$type> for Fact {
            fn from(value: $type) -> Self {
                Self::Plain(value.to_string())
            }
        }
    )*};
}

plain_facts!(&str, String, &String, std::borrow::Cow<'_, str>, char, u8, u16, u32, u64, usize, i32, i64, f64);
plain_facts!(std::io::Error, &std::io::Error, serde_json::Error, &serde_json::Error, std::path::Display<'_>);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chinese(text: &str) -> Option<&'static str> {
        Some(match text {
            "nothing to add" => "没有补充",
            "node {node} failed: {cause}" => "{cause}，节点 {node} 失败",
            _ => return None,
        })
    }

    #[test]
    fn facts_stand_where_the_wording_has_them() {
        let sentence = say!("node {node} failed: {cause}", node = 3, cause = say!("nothing to add"));
        assert_eq!(sentence.to_string(), "node 3 failed: nothing to add");
        assert_eq!(sentence.worded(&chinese), "没有补充，节点 3 失败");
        assert_eq!(sentence.text(), "node {node} failed: {cause}");
    }

    #[test]
    fn causes_and_lists_are_worded_part_by_part() {
        let parts = || [say!("a"), say!("b"), say!("c")];
        let words = |text: &str| {
            Some(match text {
                "{what}: {cause}" => "{what}：{cause}",
                "{first}; {rest}" => "{first}；{rest}",
                "b" => "乙",
                _ => return None,
            })
        };
        let (chain, list) = (Sentence::chain(parts()), Sentence::list(parts()));
        assert_eq!((chain.to_string(), list.to_string()), ("a: b: c".to_owned(), "a; b; c".to_owned()));
        assert_eq!(
            (chain.worded(&words), list.worded(&words)),
            ("a：乙：c".to_owned(), "a；乙；c".to_owned())
        );
        assert_eq!(Sentence::chain([say!("b")]), say!("b"));
        assert_eq!(Sentence::list([]).to_string(), "");
    }

    #[test]
    fn a_servers_text_is_never_worded() {
        let said = Sentence::verbatim("nothing to add {node}");
        assert_eq!(said.worded(&chinese), "nothing to add {node}");
        let sentence = say!("node {node} failed: {cause}", node = "{cause}", cause = said);
        assert_eq!(sentence.to_string(), "node {cause} failed: nothing to add {node}");
    }

    #[test]
    fn facts_are_escaped_on_a_terminal_and_raw_in_json() {
        let sentence = say!("a {{text}}:\n{text}", text = "\x1b[2J\n");
        assert_eq!(sentence.to_string(), "a {text}:\n\\u{1b}[2J\\n");
        assert_eq!(sentence.raw(), "a {text}:\n\x1b[2J\n");
        assert_eq!(serde_json::to_string(&sentence).unwrap(), r#""a {text}:\n\u001b[2J\n""#);
        let back: Sentence = serde_json::from_str(r#""a b""#).unwrap();
        assert_eq!(back, Sentence::verbatim("a b"));
    }

    #[test]
    fn secrets_are_removed_from_nested_facts() {
        let sentence = say!("{a}: {b}", a = "key", b = say!("not {key}", key = "key"));
        let clean = sentence.map(&|text| text.replace("key", "***"));
        assert_eq!(clean.to_string(), "***: not ***");
    }

    proptest! {
        #[test]
        fn any_wording_and_any_fact_give_a_text(wording in ".*", fact in ".*") {
            let sentence = say!("node {node} failed: {cause}", node = fact.clone(), cause = fact);
            sentence.worded(&|_| Some(&*wording));
        }
    }
}
