//! Versions of a file, so that parts of two are never combined.

use std::borrow::Cow;

use reqwest::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, DATE, ETAG, HeaderMap, HeaderName, HeaderValue,
    LAST_MODIFIED,
};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::digest::hex;

/// Smaller parts are not worth resuming.
pub(super) const WORTH: u64 = 1 << 20;

/// One version of a file, from the head of a response.
#[derive(Clone, Debug, Default)]
pub(super) struct Version {
    /// A value that identifies the exact bytes, and its header. A part without one is not resumed.
    validator: Option<(HeaderName, HeaderValue)>,
    /// Total size, bytes.
    pub(super) total: Option<u64>,
    /// The compression of the bytes; `None` for plain ones.
    pub(super) encoding: Option<String>,
}

impl Version {
    /// Parses the head of a response with the whole file.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let encoding = text(headers, &CONTENT_ENCODING).map(str::to_ascii_lowercase);
        Self {
            validator: validator(headers),
            total: text(headers, &CONTENT_LENGTH).and_then(number),
            encoding: encoding.filter(|encoding| !matches!(encoding.as_str(), "" | "identity")),
        }
    }

    /// The value of `If-Range` for the rest of this version. Without it, or without a length to check the rest
    /// against, a part has to be downloaded again.
    pub(super) fn validator(&self) -> Option<&HeaderValue> {
        self.total.and(self.validator.as_ref()).map(|(_, value)| value)
    }

    /// Whether a response with status 206 continues this version from that offset.
    pub(super) fn continues(&self, from: u64, headers: &HeaderMap) -> bool {
        let Some(part) = text(headers, &CONTENT_RANGE).and_then(ContentRange::parse) else { return false };
        let length = text(headers, &CONTENT_LENGTH).and_then(number);
        let same = |(name, value): &(HeaderName, HeaderValue)| {
            headers.get(name).is_none_or(|current| current == value)
        };
        part.first == from
            && part.total.is_some()
            && part.total == self.total
            && length.is_none_or(|length| length == part.last - part.first + 1)
            && self.validator.as_ref().is_some_and(same)
            && (!headers.contains_key(CONTENT_ENCODING) || Self::of(headers).encoding == self.encoding)
    }

    /// The name of this version's part, by which another process finds it. `None` if none should be kept.
    ///
    /// It is derived from everything that identifies the version, so a part with this name belongs to it. The
    /// machine's boot id is included: after a crash, data that was not flushed may be missing.
    pub(super) fn part_name(&self, url: &Url) -> Option<String> {
        let total = self.total.filter(|total| *total >= WORTH)?;
        let boot = boot()?;
        // ComfyUI serves all files at one path (`/view`). Other query parameters may be a new signature of the same
        // file.
        let of_file = |(name, _): &(Cow<'_, str>, _)| ["filename", "subfolder", "type"].contains(&&**name);
        let file = url.query_pairs().filter(of_file).flat_map(|(name, value)| [name, value]);
        let file = file.collect::<Vec<_>>().join("&");
        let parts = [
            url.host_str()?.as_bytes(),
            url.path().as_bytes(),
            file.as_bytes(),
            self.validator()?.as_bytes(),
            self.encoding.as_deref().unwrap_or_default().as_bytes(),
            &total.to_be_bytes(),
            boot.trim().as_bytes(),
        ];
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let mut name = hex(&hash.finalize());
        name.truncate(32);
        Some(name)
    }
}

/// Identifies the current boot. If the system has no such id, parts do not outlive the process.
fn boot() -> Option<String> {
    if cfg!(target_os = "linux") {
        std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()
    } else {
        None
    }
}

/// A strong `ETag`, or a `Last-Modified` at least a second in the past: two changes within one second would have the
/// same value.
fn validator(headers: &HeaderMap) -> Option<(HeaderName, HeaderValue)> {
    if let Some(tag) = headers.get(ETAG) {
        let bytes = tag.as_bytes();
        let is_strong = bytes.len() >= 2 && bytes.starts_with(b"\"") && bytes.ends_with(b"\"");
        return is_strong.then(|| (ETAG, tag.clone()));
    }
    let date = |name| httpdate::parse_http_date(text(headers, name)?).ok();
    let age = date(&DATE)?.duration_since(date(&LAST_MODIFIED)?).ok()?;
    (age.as_secs() >= 1).then(|| Some((LAST_MODIFIED, headers.get(LAST_MODIFIED)?.clone())))?
}

/// `Content-Range: bytes first-last/total`; the total may be unknown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct ContentRange {
    first: u64,
    last: u64,
    total: Option<u64>,
}

impl ContentRange {
    fn parse(text: &str) -> Option<Self> {
        let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let (first, last) = (number(first)?, number(last)?);
        let total = if total == "*" { None } else { Some(number(total)?) };
        (first <= last && last < total.unwrap_or(u64::MAX)).then_some(Self { first, last, total })
    }
}

/// Digits only; the standard library's parser also accepts a sign.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn head(lines: &[(&'static str, &str)]) -> HeaderMap {
        lines
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().expect("a value")))
            .collect()
    }

    const OF_TEN: [(&str, &str); 2] = [("etag", "\"a\""), ("content-length", "10")];

    #[test]
    fn only_what_names_the_very_bytes_is_a_validator() {
        let date = ("date", "Wed, 21 Oct 2026 07:28:01 GMT");
        for (lines, expected) in [
            (vec![("etag", "\"a\"")], Some("\"a\"")),
            (vec![("etag", "\"\"")], Some("\"\"")),
            (vec![("etag", "W/\"a\"")], None),
            (vec![("etag", "a")], None),
            (vec![("etag", "\"")], None),
            (
                vec![date, ("last-modified", "Wed, 21 Oct 2026 07:28:00 GMT")],
                Some("Wed, 21 Oct 2026 07:28:00 GMT"),
            ),
            (vec![date, ("last-modified", "Wed, 21 Oct 2026 07:28:01 GMT")], None),
            (vec![date, ("last-modified", "yesterday")], None),
            (vec![("last-modified", "Wed, 21 Oct 2026 07:28:00 GMT")], None),
            (vec![date, ("last-modified", "Wed, 21 Oct 2026 07:28:00 GMT"), ("etag", "W/\"a\"")], None),
        ] {
            let current = Version { total: Some(10), ..Version::of(&head(&lines)) };
            assert_eq!(
                current.validator().map(HeaderValue::as_bytes),
                expected.map(str::as_bytes),
                "{lines:?}"
            );
        }
        assert!(Version::of(&head(&OF_TEN[..1])).validator().is_none(), "no length to check against");
    }

    #[test]
    fn the_rest_is_of_the_same_version_or_none() {
        let version = Version::of(&head(&OF_TEN));
        let rest = ("content-range", "bytes 4-9/10");
        for (lines, fits) in [
            (vec![rest], true),
            (vec![rest, ("etag", "\"a\""), ("content-length", "6")], true),
            (vec![("content-range", "bytes 4-7/10")], true),
            (vec![], false),
            (vec![("content-range", "bytes 3-9/10")], false),
            (vec![("content-range", "bytes 5-9/10")], false),
            (vec![("content-range", "bytes 4-9/11")], false),
            (vec![("content-range", "bytes 4-9/*")], false),
            (vec![rest, ("content-length", "5")], false),
            (vec![rest, ("etag", "\"b\"")], false),
            (vec![rest, ("etag", "W/\"a\"")], false),
            (vec![rest, ("content-encoding", "gzip")], false),
        ] {
            assert_eq!(version.continues(4, &head(&lines)), fits, "{lines:?}");
        }
    }

    #[test]
    fn a_part_is_kept_under_a_name_of_its_version() {
        let name = |url: &str, tag: &str, length: &str| {
            Version::of(&head(&[("etag", tag), ("content-length", length)]))
                .part_name(&Url::parse(url).expect("a URL"))
        };
        let first = name("https://h/a?sign=1", "\"a\"", "9999999");
        assert_eq!(first.is_some(), cfg!(target_os = "linux"));
        assert_eq!(
            first,
            name("https://h/a?sign=2", "\"a\"", "9999999"),
            "a fresh link leads to the same file"
        );
        for (url, tag, length) in [
            ("https://h/b?sign=1", "\"a\"", "9999999"),
            ("https://i/a?sign=1", "\"a\"", "9999999"),
            ("https://h/a?filename=b.png&sign=1", "\"a\"", "9999999"),
            ("https://h/a?sign=1", "\"b\"", "9999999"),
            ("https://h/a?sign=1", "\"a\"", "9999998"),
        ] {
            assert!(first.is_none() || first != name(url, tag, length), "{url} {tag} {length}");
        }
        assert_eq!(name("https://h/a", "\"a\"", "1000"), None, "not worth it");
        assert_eq!(name("https://h/a", "W/\"a\"", "9999999"), None);
    }

    proptest! {
        #[test]
        fn a_content_range_is_read_as_it_is_written(first: u64, length in 0..u64::MAX, rest in 1..u64::MAX) {
            let last = first.saturating_add(length);
            let total = last.saturating_add(rest);
            let read = ContentRange::parse(&format!("bytes {first}-{last}/{total}"));
            prop_assert_eq!(read, (last < total).then_some(ContentRange { first, last, total: Some(total) }));
        }

        #[test]
        fn nothing_else_is_a_content_range(text in "(bytes ?)?[-+0-9*/ ]{0,12}") {
            if let Some(ContentRange { first, last, total }) = ContentRange::parse(&text) {
                prop_assert!(first <= last && total.is_none_or(|total| last < total), "{text}");
                prop_assert!(!text.contains('+'), "{text}");
            }
        }
    }
}
