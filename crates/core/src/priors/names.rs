//! Names of classes and model files, written in many ways.

use serde::{Deserialize, Deserializer};

/// A name without case and punctuation, so that `Wan2.2_TI2V-5B` and `wan22 ti2v 5b` are the same.
pub(super) fn plain(name: &str) -> String {
    name.chars().filter(|char| char.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// A pattern for plain names, which matches anywhere. `^` anchors it at the start, `$` at the end; `*` matches any
/// text.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    parts: Vec<String>,
    from_start: bool,
    to_end: bool,
}

impl Pattern {
    fn new(text: &str) -> Self {
        let (from_start, to_end) = (text.starts_with('^'), text.ends_with('$'));
        Self { parts: text.split('*').map(plain).collect(), from_start, to_end }
    }

    /// Whether a plain name matches.
    pub(super) fn matches(&self, name: &str) -> bool {
        let mut rest = name;
        for (n, part) in self.parts.iter().enumerate() {
            let is_last = n + 1 == self.parts.len();
            let found = if n == 0 && self.from_start {
                rest.starts_with(part.as_str()).then_some(0)
            } else if is_last && self.to_end {
                rest.ends_with(part.as_str()).then(|| rest.len() - part.len())
            } else {
                rest.find(part.as_str())
            };
            let Some(after) = found.and_then(|at| rest.get(at + part.len()..)) else { return false };
            if is_last && self.to_end && !after.is_empty() {
                return false;
            }
            rest = after;
        }
        true
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::new(&String::deserialize(deserializer)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whatever_the_spelling() {
        for (pattern, name, wanted) in [
            ("vae*loader", "VAE Loader (KJ)", true),
            ("wan2*5b", "wan2.2_ti2v_5B_fp16.safetensors", true),
            ("wan2*5b", "wan2.1_14B.safetensors", false),
            ("^save", "SaveImage", true),
            ("^save", "Image Save", false),
            ("decode$", "VAE-Decode", true),
            ("decode$", "VAEDecodeTiled", false),
            ("^int$", "INT", true),
            ("^int$", "Interpolate", false),
            ("load*load", "LoadOnce", false),
            ("图像", "加载图像", true),
            ("", "anything", true),
        ] {
            assert_eq!(Pattern::new(pattern).matches(&plain(name)), wanted, "{pattern} in {name}");
        }
    }
}
