//! The platform's codes: their meaning, how to react, and whether a create with this response created no task.
//!
//! One table for both families; their numbers do not overlap. The codes and names are the platform's own; the
//! classes follow the consensus of several clients.

use std::{borrow::Cow, fmt, sync::LazyLock, time::Duration};

use runninghub_core::{Fact, Sentence, Untrusted, say};

/// A code from the platform. Codes unknown to this version are passed through.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Code(Cow<'static, str>);

impl Code {
    /// A parameter is missing or has the wrong type.
    pub const INVALID_PARAMETER: Self = Self(Cow::Borrowed("301"));
    /// The id does not belong to a workflow.
    pub const NO_SUCH_WORKFLOW: Self = Self(Cow::Borrowed("380"));
    /// The id does not belong to an AI app.
    pub const NO_SUCH_APP: Self = Self(Cow::Borrowed("901"));
    /// The key's user does not exist, or not on this site.
    pub const NO_SUCH_USER: Self = Self(Cow::Borrowed("806"));
    /// The file exceeds the upload limit.
    pub const FILE_TOO_LARGE: Self = Self(Cow::Borrowed("809"));

    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(Cow::Owned(text.into()))
    }

    /// Every code that this version knows.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|known| Self::new(known.code))
    }

    /// The code's text, usually digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The class of the error.
    ///
    /// Determined by the number only: names such as `APIKEY_TASK_IS_RUNNING` say nothing about the key.
    pub fn class(&self) -> Class {
        self.known().map_or(Class::Unknown, |known| known.class)
    }

    /// One English sentence fragment; `None` for a code this version does not know.
    pub fn meaning(&self) -> Option<Sentence> {
        self.known().map(|known| known.meaning.clone())
    }

    /// How the user can fix it.
    pub fn hint(&self) -> Option<Sentence> {
        self.known().and_then(|known| known.hint.clone())
    }

    /// Whether everything that the key submits will be refused until the user acts: the key is disabled, the account
    /// is on the free plan, the balance is used up.
    pub fn refuses_key(&self) -> bool {
        self.known().is_some_and(|known| known.key)
    }

    /// Whether a create was refused because all slots of the key are in use. Then their number is known.
    pub fn is_full(&self) -> bool {
        matches!(self.as_str(), "421" | "1520")
    }

    /// The code whose meaning applies with this message: a key of the other site gets 301, as a wrong parameter does.
    pub(crate) fn meant_by(&self, message: &Untrusted) -> Self {
        let words: String = message.raw().to_lowercase().chars().filter(char::is_ascii_lowercase).collect();
        let is_user = words.contains("usernotexist")
            || words.contains("userdoesnotexist")
            || message.raw().contains("用户不存在");
        if *self == Self::INVALID_PARAMETER && is_user { Self::NO_SUCH_USER } else { self.clone() }
    }

    /// Whether a create that got this code certainly created no task.
    pub(crate) fn is_refusal(&self) -> bool {
        self.known().is_some_and(|known| known.refusal)
    }

    /// The minimum delay before a retry.
    pub(crate) fn wait(&self) -> Option<Duration> {
        self.known().filter(|known| known.wait > 0).map(|known| Duration::from_secs(known.wait))
    }

    /// The first characters: longer texts are no code of the platform.
    fn short(&self) -> String {
        self.0.chars().take(32).collect()
    }

    fn known(&self) -> Option<&'static Known> {
        TABLE.iter().find(|known| known.code == self.0)
    }
}

impl fmt::Display for Code {
    /// Escaped and truncated: the text is from a server.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Untrusted::from(self.short()).fmt(f)
    }
}

impl From<&Code> for Fact {
    fn from(code: &Code) -> Self {
        Self::Plain(code.short())
    }
}

/// Classes of errors.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Class {
    /// The key is wrong, disabled, for the other site, or lacks the permission.
    Auth,
    /// The request itself is invalid.
    BadRequest,
    /// No free slot at the moment; the key is fine.
    Capacity,
    /// Moderation refused the content.
    Content,
    /// The requested thing does not exist, or no longer exists.
    NotFound,
    /// Not enough money, coins or subscription.
    Quota,
    /// Too many requests.
    Rate,
    /// A failure of the platform.
    Server,
    /// Not an error: the task is queued or running.
    State,
    /// The task ended without success.
    TaskFailed,
    /// The meaning is unknown.
    Unknown,
}

impl Class {
    /// Whether the same request may get a different response later.
    pub(crate) fn is_transient(self) -> bool {
        matches!(self, Self::Capacity | Self::Rate | Self::Server)
    }
}

struct Known {
    code: &'static str,
    class: Class,
    /// On the list of responses to a create that prove that no task was created.
    refusal: bool,
    /// Whether it refuses everything that the key submits.
    key: bool,
    /// Seconds; 0 = no minimum.
    wait: u64,
    meaning: Sentence,
    hint: Option<Sentence>,
}

fn code(code: &'static str, class: Class, meaning: Sentence) -> Known {
    Known { code, class, refusal: false, key: false, wait: 0, meaning, hint: None }
}

impl Known {
    fn refuses(mut self) -> Self {
        self.refusal = true;
        self
    }

    /// Refuses the key, not the submitted work.
    fn refuses_key(mut self) -> Self {
        self.key = true;
        self.refuses()
    }

    fn wait(self, seconds: u64) -> Self {
        Self { wait: seconds, ..self }
    }

    fn hint(self, hint: Sentence) -> Self {
        Self { hint: Some(hint), ..self }
    }
}

const KEY: Sentence = say!(
    "check the key and the site: a key from runninghub.cn does not work on runninghub.ai, or the other way round"
);
const OTHER_SITE: Sentence = say!("check the id, and that it belongs to the key's site and account");
const TOP_UP: Sentence = say!("top up the account on the website");
const SMALLER: Sentence = say!("use a smaller file (at most 30 MB) or a public URL");
const LATER: Sentence = say!("wait for a running task to end, or use a key with more slots");

#[rustfmt::skip]
static TABLE: LazyLock<Vec<Known>> = LazyLock::new(|| vec![
    // The legacy family: `code` and `msg`.
    code("-1", Class::Auth, say!("the API key was rejected")).hint(KEY),
    code("1", Class::Unknown, say!("the platform refused without giving a reason")),
    code("301", Class::BadRequest, say!("a parameter is missing or has the wrong type")).refuses(),
    code("332", Class::Auth, say!("the key's user does not exist on this site")).hint(KEY),
    code("380", Class::BadRequest, say!("the workflow does not exist")).refuses().hint(OTHER_SITE),
    code("401", Class::Auth, say!("the API key was rejected")).hint(KEY),
    code("403", Class::Auth, say!("the key has no access")).hint(KEY),
    code("412", Class::BadRequest, say!("the platform has no such endpoint")).refuses()
        .hint(say!("check the base URL: it is the site's URL without a path, such as `https://www.runninghub.ai`")),
    code("415", Class::Capacity, say!("no machine is available")).refuses().wait(30),
    code("416", Class::Quota, say!("the balance is too low")).refuses_key().hint(TOP_UP),
    code("421", Class::Capacity, say!("the key has no free task slots")).refuses().wait(5).hint(LATER),
    code("423", Class::NotFound, say!("task not found")).hint(OTHER_SITE),
    code("433", Class::BadRequest, say!("the workflow is not valid")).refuses()
        .hint(say!("run the workflow once on the website to see which node fails")),
    code("435", Class::BadRequest, say!("the account has no dedicated machine of this type")).refuses()
        .hint(say!("use the instance type that the account has rented")),
    code("436", Class::Quota, say!("the subscription for dedicated machines is missing or has expired")).refuses()
        .hint(say!("renew the subscription on the website")),
    code("500", Class::Server, say!("the platform failed")),
    code("801", Class::Auth, say!("free accounts cannot use the API")).refuses_key()
        .hint(say!("the API requires a paid membership; see the account page on the website")),
    code("802", Class::Auth, say!("the key is invalid or disabled")).refuses_key().hint(KEY),
    code("803", Class::BadRequest, say!("a node or field in the request does not match the workflow")).refuses()
        .hint(say!("check the node ids and field names against the saved workflow")),
    code("804", Class::State, say!("the task is running")),
    code("805", Class::TaskFailed, say!("the task failed or was stopped")),
    code("806", Class::Auth, say!("the key's user does not exist on this site")).refuses_key().hint(KEY),
    code("807", Class::NotFound, say!("task not found")).hint(OTHER_SITE),
    code("808", Class::Server, say!("the upload failed")),
    code("809", Class::BadRequest, say!("the file is too large")).hint(SMALLER),
    code("810", Class::BadRequest, say!("the workflow was never saved or never ran successfully")).refuses()
        .hint(say!("open the workflow on the website, save it, and run it there once until it succeeds")),
    code("811", Class::Auth, say!("the enterprise key is invalid")).refuses_key().hint(KEY),
    code("812", Class::Quota, say!("the enterprise balance is too low")).refuses_key().hint(TOP_UP),
    code("813", Class::State, say!("the task is queued")),
    code("814", Class::Capacity, say!("the personal queue is full")).refuses().wait(30)
        .hint(say!("the queue holds up to 1000 tasks: wait for some to end")),
    code("901", Class::BadRequest, say!("the AI app does not exist")).refuses().hint(OTHER_SITE),
    // The v2 family: `errorCode` and `errorMessage`.
    code("1000", Class::Server, say!("the platform failed without giving a reason")),
    code("1001", Class::BadRequest, say!("the platform has no such endpoint")).refuses()
        .hint(say!("the model may have been removed or renamed: look it up in the catalog")),
    code("1002", Class::Auth, say!("the key is invalid")).refuses_key().hint(KEY),
    code("1003", Class::Rate, say!("too many requests")).refuses().wait(1),
    code("1004", Class::NotFound, say!("the task is unknown or has been removed")).hint(OTHER_SITE),
    code("1005", Class::Server, say!("the platform failed")),
    code("1006", Class::Server, say!("the task took too long")),
    code("1007", Class::BadRequest, say!("a parameter is not valid")).refuses(),
    code("1008", Class::BadRequest, say!("the file is too large")).hint(SMALLER),
    code("1009", Class::BadRequest, say!("the HTTP method is not supported")),
    code("1010", Class::Server, say!("the service is not available")),
    code("1011", Class::Capacity, say!("the platform is busy")).refuses().wait(5),
    code("1012", Class::Server, say!("an upstream service of the platform failed")),
    code("1013", Class::BadRequest, say!("a file could not be processed")).hint(say!("check that the file opens in another program")),
    code("1014", Class::Auth, say!("model calls require an enterprise-shared key")).refuses()
        .hint(say!("create an enterprise-shared key on the website")),
    code("1015", Class::TaskFailed, say!("generation failed")),
    code("1101", Class::BadRequest, say!("a node in the request is not valid")).refuses()
        .hint(say!("check the node ids and field names against the saved workflow")),
    code("1501", Class::Content, say!("content moderation rejected the request")).refuses()
        .hint(say!("change the prompt or the image")),
    code("1504", Class::TaskFailed, say!("the model took too long")),
    code("1505", Class::Content, say!("images of real people are not allowed here")).refuses()
        .hint(say!("use a different image")),
    code("1520", Class::Capacity, say!("the user has no free task slots")).refuses().wait(5).hint(LATER),
    code("1601", Class::Auth, say!("the API key was rejected")).refuses_key().hint(KEY),
]);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Code, class, refusal: written independently, from the dossier and not from the table.
    #[rustfmt::skip]
    const ROWS: &[(&str, Class, bool)] = &[
        ("-1", Class::Auth, false), ("1", Class::Unknown, false), ("301", Class::BadRequest, true), ("332", Class::Auth, false),
        ("380", Class::BadRequest, true), ("401", Class::Auth, false), ("403", Class::Auth, false),
        ("412", Class::BadRequest, true), ("415", Class::Capacity, true), ("416", Class::Quota, true),
        ("421", Class::Capacity, true), ("423", Class::NotFound, false), ("433", Class::BadRequest, true),
        ("435", Class::BadRequest, true), ("436", Class::Quota, true), ("500", Class::Server, false),
        ("801", Class::Auth, true), ("802", Class::Auth, true), ("803", Class::BadRequest, true),
        ("804", Class::State, false), ("805", Class::TaskFailed, false), ("806", Class::Auth, true),
        ("807", Class::NotFound, false), ("808", Class::Server, false), ("809", Class::BadRequest, false),
        ("810", Class::BadRequest, true), ("811", Class::Auth, true), ("812", Class::Quota, true),
        ("813", Class::State, false), ("814", Class::Capacity, true), ("901", Class::BadRequest, true),
        ("1000", Class::Server, false), ("1001", Class::BadRequest, true), ("1002", Class::Auth, true),
        ("1003", Class::Rate, true), ("1004", Class::NotFound, false), ("1005", Class::Server, false),
        ("1006", Class::Server, false), ("1007", Class::BadRequest, true), ("1008", Class::BadRequest, false),
        ("1009", Class::BadRequest, false), ("1010", Class::Server, false), ("1011", Class::Capacity, true),
        ("1012", Class::Server, false), ("1013", Class::BadRequest, false), ("1014", Class::Auth, true),
        ("1015", Class::TaskFailed, false), ("1101", Class::BadRequest, true), ("1501", Class::Content, true),
        ("1504", Class::TaskFailed, false), ("1505", Class::Content, true), ("1520", Class::Capacity, true),
        ("1601", Class::Auth, true),
    ];

    #[test]
    fn all_codes_are_listed() {
        let listed: Vec<Code> = Code::all().collect();
        assert_eq!(
            listed.iter().map(Code::as_str).collect::<Vec<_>>(),
            ROWS.iter().map(|row| row.0).collect::<Vec<_>>()
        );
    }

    #[test]
    fn every_code_has_its_class_and_its_place_on_the_refusal_list() {
        assert_eq!(ROWS.len(), TABLE.len());
        for (text, class, refusal) in ROWS {
            let code = Code::new(*text);
            assert_eq!((code.class(), code.is_refusal()), (*class, *refusal), "{text}");
            assert!(code.meaning().is_some_and(|meaning| !meaning.text().ends_with('.')), "{text}");
        }
    }

    #[test]
    fn key_errors_are_classified() {
        let refused: Vec<Code> = Code::all().filter(Code::refuses_key).collect();
        let codes: Vec<_> = refused.iter().map(Code::as_str).collect();
        assert_eq!(codes, ["416", "801", "802", "806", "811", "812", "1002", "1601"]);
        for code in refused {
            assert!(code.is_refusal() && matches!(code.class(), Class::Auth | Class::Quota), "{code}");
        }
    }

    #[test]
    fn named_codes_are_those_of_the_table() {
        for code in [Code::INVALID_PARAMETER, Code::NO_SUCH_WORKFLOW, Code::NO_SUCH_APP, Code::FILE_TOO_LARGE]
        {
            assert!(code.meaning().is_some(), "{code}");
        }
        assert_eq!(Code::new("901"), Code::NO_SUCH_APP);
    }

    #[test]
    fn actionable_errors_have_a_hint() {
        let mine = [Class::Auth, Class::Quota, Class::Content, Class::NotFound];
        for known in TABLE.iter().filter(|known| mine.contains(&known.class)) {
            assert!(known.hint.is_some(), "{}", known.code);
        }
        assert!(Code::new("810").hint().is_some_and(|hint| hint.to_string().contains("save")));
    }

    proptest! {
        #[test]
        fn the_classifier_is_total(text in ".*") {
            let code = Code::new(text.clone());
            let known = ROWS.iter().any(|(row, ..)| *row == text);
            prop_assert_eq!(code.meaning().is_some(), known);
            prop_assert!(known || (code.class() == Class::Unknown && !code.is_refusal()));
            prop_assert!(code.to_string().chars().all(|c| !c.is_control()));
        }
    }
}
