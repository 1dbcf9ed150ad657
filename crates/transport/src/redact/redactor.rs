//! The known secrets, and their removal.

use std::{borrow::Cow, fmt, ops::Range};

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::Bytes;
use runninghub_core::SocketUrl;

use super::{rule, view::View};

/// The replacement for a secret.
pub(super) const MARK: &str = "***";
/// The replacement for a secret of digits only: it may be a JSON number, and must stay one.
pub(super) const DIGITS: &str = "111";
/// Shorter secrets are ignored, because they would match everywhere.
const MIN_SECRET: usize = 6;
/// The minimum length of base64 text to check: it can encode the shortest secret.
const MIN_BASE64: usize = 8;
/// The same for hexadecimal digits.
const MIN_HEX: usize = 12;
/// How many levels of base64 and hexadecimal digits are decoded: one in the other.
const MAX_ENCODED: usize = 2;
/// A text that still contains a secret after this many rounds is dropped completely.
const MAX_ROUNDS: usize = 8;
/// How many levels of encoding are decoded: JSON in JSON in a URL.
const MAX_LAYERS: usize = 4;
/// A shorter query value is a setting, not a ticket.
const MIN_TICKET: usize = 16;
/// Query parameters of a socket's URL with public values, which also occur in workflows and frames.
const PUBLIC: [&str; 4] = ["c_host", "c_port", "target", "workflowId"];

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Removes secrets from text: known ones, and anything that looks like one.
///
/// Known secrets are found in any case, and also percent-encoded, JSON-escaped (both several times over), in base64
/// and in hexadecimal digits.
/// Found by pattern: API keys, `Rh-Comfy-Auth` and `Rh-Identify`, signed queries (`q-signature`, `X-Amz-*` and
/// others), `token=`, passwords, cookies, `Authorization` and `Bearer`, `/proxy/<key>`, and users in URLs.
#[derive(Clone, Default)]
pub struct Redactor {
    /// In lower case, each also in its decoded form.
    secrets: Vec<Vec<u8>>,
}

impl Redactor {
    /// Creates a redactor without known secrets; it finds secrets by pattern only.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a secret: an API key, user id or client id. Secrets of less than 6 bytes are ignored.
    #[must_use]
    pub fn secret(mut self, secret: &str) -> Self {
        self.learn(secret);
        self
    }

    /// Adds the ticket and the ids in a socket's URL.
    #[must_use]
    pub fn socket_url(mut self, url: &SocketUrl) -> Self {
        self.learn_socket_url(url);
        self
    }

    /// Like [`Redactor::secret`], for a secret found later.
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

    /// Adds the secret parts of a URL with a password or a secret path: user, password, path and query.
    pub fn learn_address(&mut self, address: &str) {
        let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        self.learn(path.trim_start_matches('/'));
        if let Some((user, _)) = authority.rsplit_once('@') {
            self.learn(user);
            self.learn(user.split_once(':').map_or("", |(_, password)| password));
        }
    }

    /// Like [`Redactor::socket_url`], for a URL found later.
    pub fn learn_socket_url(&mut self, url: &SocketUrl) {
        let Some((_, query)) = url.expose().split_once('?') else { return };
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            if value.len() < MIN_TICKET || PUBLIC.contains(&name) {
                continue;
            }
            self.learn(value);
            // The ticket is JSON in base64: its user id and signature also occur separately in frames.
            let mut view = View::new(value.as_bytes());
            view = view.decoded().unwrap_or(view);
            let inner = BASE64.decode(&view.bytes).unwrap_or_default();
            let ids = serde_json::from_slice::<serde_json::Map<_, _>>(&inner).unwrap_or_default();
            for id in ids.values().filter_map(serde_json::Value::as_str).filter(|id| id.len() >= MIN_TICKET) {
                self.learn(id);
            }
        }
    }

    /// Returns the text without secrets; borrowed if it contains none, which is the usual case.
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(text);
        // Repeated, because text joined by a removal may form a secret.
        for _ in 0..MAX_ROUNDS {
            let hidden = self.find(text.as_bytes());
            if hidden.is_empty() {
                return text;
            }
            text = Cow::Owned(cut(&text, hidden));
        }
        Cow::Borrowed(MARK)
    }

    /// Returns the bytes with secrets overwritten. The length doesn't change, because binary frames contain offsets.
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

    /// Where secrets are, unordered and possibly overlapping.
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

    /// Hides any base64 or hexadecimal run that contains a secret, as a whole.
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
        // Preceding characters may look like part of the run, so each of the four alignments is tried.
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

    /// Whether decoded data contains a secret.
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

/// 1 if the next character is escaped by a backslash, else 0.
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
        // Extends to whole characters, in case a secret is part of one, and to whole escapes: `\\u00e9` must not leave
        // its backslash.
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
