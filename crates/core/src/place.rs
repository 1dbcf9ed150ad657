//! Where a task runs, and what kind of task it is. Ledgers store these words, and front ends print them.

use std::{convert::Infallible, fmt, str::FromStr};

/// A RunningHub site. Sites share paths and fields, but nothing else: an account, a key or a workflow belongs to one
/// site.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Site {
    /// The international site, `www.runninghub.ai`.
    Ai,
    /// The Chinese site, `www.runninghub.cn`; the default, as in RunningHub's own samples.
    #[default]
    Cn,
}

/// The word isn't a site.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("site: it is neither `cn` nor `ai`")]
pub struct UnknownSite;

/// RunningHub's native proxy, by the machine behind it. It behaves like a ComfyUI server.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum NativeProxy {
    /// A machine with 24 GB of GPU memory.
    Default,
    /// A machine with 48 GB of GPU memory.
    Plus,
}

/// The word isn't a native proxy.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("native proxy: it is neither `runninghub` nor `runninghub-plus`")]
pub struct UnknownProxy;

/// Where a task runs.
///
/// A ledger stores it as a word and a URL: [`Place::new`] reads the results of [`Place::word`] and [`Place::url`].
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Place {
    /// RunningHub's API.
    RunningHub {
        /// The site that the key belongs to.
        site: Site,
        /// The base URL of requests: the site's own, or that of a gateway.
        base_url: String,
    },
    /// A ComfyUI server.
    ComfyUi {
        /// The server's URL.
        url: String,
    },
    /// RunningHub's native proxy.
    NativeProxy {
        /// The proxy.
        proxy: NativeProxy,
        /// The URL of the site, without the key that requests carry in their path.
        base_url: String,
    },
    /// A place stored by a newer version. It can be shown but not used.
    #[non_exhaustive]
    Other {
        /// The word, which differs from all known ones.
        word: String,
        /// The URL.
        url: String,
    },
}

/// The kind of a submitted task.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Kind {
    /// A workflow on RunningHub: a saved one, or a graph.
    Workflow,
    /// An AI app.
    App,
    /// A Quick Create.
    Quick,
    /// A model of the Standard Model API.
    Model,
    /// A prompt on a ComfyUI server, or on the native proxy.
    Prompt,
    /// A kind stored by a newer version: its word, which differs from all known ones.
    #[non_exhaustive]
    Other(String),
}

impl Site {
    /// The URL that every API path is appended to.
    pub fn base_url(self) -> &'static str {
        match self {
            Self::Ai => "https://www.runninghub.ai",
            Self::Cn => "https://www.runninghub.cn",
        }
    }

    /// `ai` or `cn`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ai => "ai",
            Self::Cn => "cn",
        }
    }
}

impl FromStr for Site {
    type Err = UnknownSite;

    /// Reads `cn` or `ai`, in any case.
    fn from_str(text: &str) -> Result<Self, UnknownSite> {
        match text.to_ascii_lowercase().as_str() {
            "ai" => Ok(Self::Ai),
            "cn" => Ok(Self::Cn),
            _ => Err(UnknownSite),
        }
    }
}

impl NativeProxy {
    /// `runninghub` or `runninghub-plus`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Default => "runninghub",
            Self::Plus => "runninghub-plus",
        }
    }

    /// The path segment between the site's URL and the key.
    pub fn path(self) -> &'static str {
        match self {
            Self::Default => "proxy",
            Self::Plus => "proxy-plus",
        }
    }
}

impl FromStr for NativeProxy {
    type Err = UnknownProxy;

    fn from_str(word: &str) -> Result<Self, UnknownProxy> {
        match word {
            "runninghub" => Ok(Self::Default),
            "runninghub-plus" => Ok(Self::Plus),
            _ => Err(UnknownProxy),
        }
    }
}

impl Place {
    /// The word for a ComfyUI server.
    pub const COMFYUI: &str = "comfyui";

    /// Reads a place from its stored word and URL.
    pub fn new(word: impl Into<String>, url: impl Into<String>) -> Self {
        let (word, url) = (word.into(), url.into());
        if let Ok(proxy) = word.parse() {
            return Self::NativeProxy { proxy, base_url: url };
        }
        match word.parse::<Site>() {
            // Compared exactly, so that a stored word stays unchanged.
            Ok(site) if site.as_str() == word => Self::RunningHub { site, base_url: url },
            _ if word == Self::COMFYUI => Self::ComfyUi { url },
            _ => Self::Other { word, url },
        }
    }

    /// The word that is stored and printed: the site, the native proxy, or `comfyui`.
    pub fn word(&self) -> &str {
        match self {
            Self::RunningHub { site, .. } => site.as_str(),
            Self::ComfyUi { .. } => Self::COMFYUI,
            Self::NativeProxy { proxy, .. } => proxy.as_str(),
            Self::Other { word, .. } => word,
        }
    }

    /// The URL, without secrets.
    pub fn url(&self) -> &str {
        match self {
            Self::RunningHub { base_url: url, .. }
            | Self::ComfyUi { url }
            | Self::NativeProxy { base_url: url, .. }
            | Self::Other { url, .. } => url,
        }
    }
}

impl Kind {
    /// The word that is stored and printed.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Workflow => "workflow",
            Self::App => "app",
            Self::Quick => "quick",
            Self::Model => "model",
            Self::Prompt => "prompt",
            Self::Other(word) => word,
        }
    }
}

impl FromStr for Kind {
    type Err = Infallible;

    fn from_str(word: &str) -> Result<Self, Infallible> {
        let known = [Self::Workflow, Self::App, Self::Quick, Self::Model, Self::Prompt];
        let found = known.into_iter().find(|kind| kind.as_str() == word);
        Ok(found.unwrap_or_else(|| Self::Other(word.to_owned())))
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for NativeProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Place {
    /// The word.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_site_is_read_as_it_is_shown() {
        for site in [Site::Ai, Site::Cn] {
            assert_eq!(site.to_string().parse::<Site>(), Ok(site));
        }
        assert_eq!("CN".parse::<Site>(), Ok(Site::Cn));
        assert_eq!(
            "com".parse::<Site>().expect_err("no such site").to_string(),
            "site: it is neither `cn` nor `ai`"
        );
    }

    #[test]
    fn every_place_and_kind_has_the_word_that_ledgers_have_always_stored() {
        let at = |word: &str| Place::new(word, "https://h");
        let base_url = || "https://h".to_owned();
        assert_eq!(at("cn"), Place::RunningHub { site: Site::Cn, base_url: base_url() });
        assert_eq!(at("ai"), Place::RunningHub { site: Site::Ai, base_url: base_url() });
        assert_eq!(at("comfyui"), Place::ComfyUi { url: base_url() });
        for (word, proxy) in [("runninghub", NativeProxy::Default), ("runninghub-plus", NativeProxy::Plus)] {
            assert_eq!(at(word), Place::NativeProxy { proxy, base_url: base_url() });
        }
        for (word, kind) in [
            ("workflow", Kind::Workflow),
            ("app", Kind::App),
            ("quick", Kind::Quick),
            ("model", Kind::Model),
            ("prompt", Kind::Prompt),
        ] {
            assert_eq!(word.parse(), Ok(kind));
        }
    }

    proptest! {
        #[test]
        fn an_unknown_word_is_kept(word in ".*", url in ".*") {
            let place = Place::new(word.clone(), url.clone());
            prop_assert_eq!((place.word(), place.url()), (&*word, &*url));
            let Ok(kind) = word.parse::<Kind>();
            prop_assert_eq!(kind.to_string(), word);
        }
    }
}
