//! The secrets that are known, and their removal.

use std::{borrow::Cow, fmt, ops::Range};

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::Bytes;
use runninghub_core::SocketUrl;

use super::{rule, view::View};

/// What stands where a secret was.
pub(super) const MARK: &str = "***";
/// The same where a secret was all digits: it may have been a JSON number, and has to stay one.
pub(super) const DIGITS: &str = "111";
/// Shorter secrets are not taken: they would be found everywhere.
const MIN_SECRET: usize = 6;
/// What is looked at as base64: so many characters hold the shortest secret.
const MIN_BASE64: usize = 8;
/// The same for hexadecimal digits.
const MIN_HEX: usize = 12;
/// How deep base64 and hexadecimal digits are undone: one in the other.
const MAX_ENCODED: usize = 2;
/// A text that still holds a secret after so many rounds is dropped as a whole.
const MAX_ROUNDS: usize = 8;
/// How deep encodings are undone: JSON in JSON in a URL.
const MAX_LAYERS: usize = 4;
/// A query's value that is shorter is a setting, not a ticket.
const MIN_TICKET: usize = 16;
/// Query names of a socket's address whose values say nothing secret, and stand in workflows and frames.
const PUBLIC: [&str; 4] = ["c_host", "c_port", "target", "workflowId"];

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Removes secrets from text: those it was told, and whatever looks like one.
///
/// Told secrets are found in any case and also percent-encoded, JSON-escaped (both several times over), in base64 and
/// in hexadecimal digits.
/// By their looks are found: API keys, `Rh-Comfy-Auth` and `Rh-Identify`, signed queries (`q-signature`, `X-Amz-*` and
/// others), `token=`, passwords, cookies, `Authorization` and `Bearer`, `/proxy/<key>`, and users in addresses.
#[derive(Clone, Default)]
pub struct Redactor {
    /// In lower case, each with what it is when decoded.
    secrets: Vec<Vec<u8>>,
}

impl Redactor {
    /// Knows no secret, but their looks.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a secret: API key, user id, client id. Less than 6 bytes are ignored.
    #[must_use]
    pub fn secret(mut self, secret: &str) -> Self {
        self.learn(secret);
        self
    }

    /// Adds the ticket and the ids in a socket's address.
    #[must_use]
    pub fn socket_url(mut self, url: &SocketUrl) -> Self {
        self.learn_socket_url(url);
        self
    }

    /// [`Redactor::secret`] for one that came later.
    pub fn learn(&mut self, secret: &str) {
        let mut view = Some(View::new(secret.as_bytes()));
        for _ in 0..MAX_LAYERS {
            let Some(layer) = view else { break };
            let folded = layer.bytes.to_ascii_lowercase();
            if folded.len() >= MIN_SECRET && !self.secrets.contains(&folded) {
                self.secrets.push(folded);
            }
            view = layer.decoded();
        }
    }

    /// Adds what is secret about an address that holds a password or a secret path: user, password, path and query.
    pub fn learn_address(&mut self, address: &str) {
        let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        self.learn(path.trim_start_matches('/'));
        if let Some((user, _)) = authority.rsplit_once('@') {
            self.learn(user);
            self.learn(user.split_once(':').map_or("", |(_, password)| password));
        }
    }

    /// [`Redactor::socket_url`] for one that came later.
    pub fn learn_socket_url(&mut self, url: &SocketUrl) {
        let Some((_, query)) = url.expose().split_once('?') else { return };
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            if value.len() < MIN_TICKET || PUBLIC.contains(&name) {
                continue;
            }
            self.learn(value);
            // The ticket is JSON in base64: user id and signature stand in frames by themselves.
            let mut view = View::new(value.as_bytes());
            view = view.decoded().unwrap_or(view);
            let inner = BASE64.decode(&view.bytes).unwrap_or_default();
            let ids = serde_json::from_slice::<serde_json::Map<_, _>>(&inner).unwrap_or_default();
            for id in ids.values().filter_map(serde_json::Value::as_str).filter(|id| id.len() >= MIN_TICKET) {
                self.learn(id);
            }
        }
    }

    /// The text without secrets. Borrowed if it has none, which is nearly always.
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(text);
        // Again, because what a removal joins may spell a secret.
        for _ in 0..MAX_ROUNDS {
            let hidden = self.find(text.as_bytes());
            if hidden.is_empty() {
                return text;
            }
            text = Cow::Owned(cut(&text, hidden));
        }
        Cow::Borrowed(MARK)
    }

    /// The bytes with secrets overwritten: the length stays, because binary frames tell where their parts are.
    pub fn redact_bytes(&self, bytes: &Bytes) -> Bytes {
        let hidden = self.find(bytes);
        if hidden.is_empty() {
            return bytes.clone();
        }
        let mut bytes = bytes.to_vec();
        for range in hidden {
            if let Some(secret) = bytes.get_mut(range) {
                secret.fill(b'*');
            }
        }
        bytes.into()
    }

    /// Where secrets are, in no order and perhaps overlapping.
    fn find(&self, text: &[u8]) -> Vec<Range<usize>> {
        let mut hidden = Vec::new();
        let mut view = Some(View::new(text));
        for _ in 0..MAX_LAYERS {
            let Some(layer) = view else { break };
            self.find_told(&layer, &mut hidden);
            rule::find(&layer, &mut hidden);
            self.find_encoded(&layer, MAX_ENCODED, &mut hidden);
            view = layer.decoded();
        }
        hidden
    }

    fn find_told(&self, view: &View, hidden: &mut Vec<Range<usize>>) {
        let folded = view.bytes.to_ascii_lowercase();
        let mut starts = [false; 256];
        for first in self.secrets.iter().filter_map(|secret| secret.first()) {
            starts[usize::from(*first)] = true;
        }
        for (at, byte) in folded.iter().enumerate() {
            if !starts[usize::from(*byte)] {
                continue;
            }
            let rest = folded.get(at..).unwrap_or_default();
            for secret in self.secrets.iter().filter(|secret| rest.starts_with(secret)) {
                hidden.push(view.range(at..at + secret.len()));
            }
        }
    }

    /// Hides whatever may be base64 or hexadecimal digits with a secret in it, as a whole.
    fn find_encoded(&self, view: &View, depth: usize, hidden: &mut Vec<Range<usize>>) {
        let mut at = 0;
        for run in view.bytes.split(|byte| !byte.is_ascii_alphanumeric() && !b"+/-_".contains(byte)) {
            if run.len() >= MIN_BASE64
                && (self.is_secret_base64(run, depth) || self.is_secret_hex(run, depth))
            {
                hidden.push(view.range(at..at + run.len()));
            }
            at += run.len() + 1;
        }
    }

    fn is_secret_base64(&self, run: &[u8], depth: usize) -> bool {
        let standard: Vec<u8> = run
            .iter()
            .map(|byte| match byte {
                b'-' => b'+',
                b'_' => b'/',
                byte => *byte,
            })
            .collect();
        // What stands before may belong to the run by chance, so each of the four alignments is tried.
        (0..4).any(|skip| {
            let run = standard.get(skip..).unwrap_or_default();
            let run = if run.len() % 4 == 1 { run.get(..run.len() - 1).unwrap_or_default() } else { run };
            BASE64.decode(run).is_ok_and(|inner| self.holds_secret(&inner, depth))
        })
    }

    fn is_secret_hex(&self, run: &[u8], depth: usize) -> bool {
        let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        run.split(|byte| !byte.is_ascii_hexdigit()).filter(|digits| digits.len() >= MIN_HEX).any(|digits| {
            (0..2).any(|skip| {
                let pairs = digits.get(skip..).unwrap_or_default().chunks_exact(2);
                let byte = |pair: &[u8]| Some(digit(pair.first()?)? << 4 | digit(pair.last()?)?);
                self.holds_secret(&pairs.filter_map(byte).collect::<Vec<_>>(), depth)
            })
        })
    }

    /// Whether there is a secret in what was encoded.
    fn holds_secret(&self, inner: &[u8], depth: usize) -> bool {
        let mut found = Vec::new();
        let view = View::new(inner);
        self.find_told(&view, &mut found);
        rule::find(&view, &mut found);
        if let Some(view) = view.decoded() {
            self.find_told(&view, &mut found);
        }
        if found.is_empty() && depth > 1 {
            self.find_encoded(&view, depth - 1, &mut found);
        }
        !found.is_empty()
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").field("secrets", &self.secrets.len()).finish()
    }
}

/// 1 if what follows is escaped by a backslash, else 0.
fn escaping(before: &[u8]) -> usize {
    before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2
}

fn cut(text: &str, mut hidden: Vec<Range<usize>>) -> String {
    hidden.sort_unstable_by_key(|range| range.start);
    let mut kept = String::with_capacity(text.len());
    let mut end = 0;
    let mut ranges = hidden.into_iter().peekable();
    while let Some(mut range) = ranges.next() {
        while let Some(next) = ranges.next_if(|next| next.start <= range.end) {
            range.end = range.end.max(next.end);
        }
        // Whole characters, should a secret be part of one, and whole escapes: `\\u00e9` must not leave its backslash.
        let before = text.as_bytes().get(end..range.start).unwrap_or_default();
        let start = text.floor_char_boundary(range.start - escaping(before));
        let stop = text.ceil_char_boundary(range.end);
        let secret = text.get(start..stop).unwrap_or_default();
        kept.push_str(text.get(end..start).unwrap_or_default());
        kept.push_str(if secret.bytes().all(|byte| byte.is_ascii_digit()) { DIGITS } else { MARK });
        end = stop;
    }
    kept.push_str(text.get(end..).unwrap_or_default());
    kept
}
