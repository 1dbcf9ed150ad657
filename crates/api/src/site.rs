//! The two sites. They share paths and fields, and nothing else: accounts, keys and workflows belong to one of them.

use std::{fmt, str::FromStr};

use crate::Error;

/// Which RunningHub a key belongs to.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Site {
    /// The international site, `www.runninghub.ai`.
    Ai,
    /// The Chinese site, `www.runninghub.cn`; the default, as in RunningHub's own samples.
    #[default]
    Cn,
}

impl Site {
    /// The address that every path of the API is appended to.
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

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Site {
    type Err = Error;

    /// Reads `cn` or `ai`, in any case.
    fn from_str(text: &str) -> Result<Self, Error> {
        match text.to_ascii_lowercase().as_str() {
            "ai" => Ok(Self::Ai),
            "cn" => Ok(Self::Cn),
            _ => Err(Error::usage("site", "it is neither `cn` nor `ai`")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_read_as_it_is_shown() {
        for site in [Site::Ai, Site::Cn] {
            assert_eq!(site.to_string().parse::<Site>().expect("our own spelling"), site);
        }
        assert_eq!("CN".parse::<Site>().expect("any case"), Site::Cn);
        assert_eq!(
            "com".parse::<Site>().expect_err("no such site").to_string(),
            "site: it is neither `cn` nor `ai`"
        );
    }
}
