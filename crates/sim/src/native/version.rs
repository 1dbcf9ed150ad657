//! The features of a ComfyUI version.

/// A version, compared part by part: `0.3.44`, `0.29.0`.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Version([u32; 3]);

impl Version {
    pub(crate) const NEWEST: Self = Self([0, 29, 0]);
    /// `progress_state`, feature flags, prompt ids chosen by the client.
    pub(crate) const PROGRESS_STATE: Self = Self([0, 3, 45]);
    /// An interrupt names its prompt.
    pub(crate) const INTERRUPT_BY_ID: Self = Self([0, 3, 57]);
    /// `progress_state` is sent to the prompt's own client only.
    pub(crate) const STATE_TO_ITS_CLIENT: Self = Self([0, 3, 58]);
    pub(crate) const CREATE_TIME: Self = Self([0, 3, 69]);
    pub(crate) const JOBS: Self = Self([0, 6, 0]);
    /// A prompt id must be a UUID.
    pub(crate) const CANONICAL_IDS: Self = Self([0, 25, 0]);
    pub(crate) const CANCEL_JOBS: Self = Self([0, 26, 0]);

    /// Reads `0.29` and `0.3.44`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let parts: Vec<u32> =
            text.trim_start_matches('v').split('.').map(str::parse).collect::<Result<_, _>>().ok()?;
        match parts[..] {
            [major, minor] => Some(Self([major, minor, 0])),
            [major, minor, patch] => Some(Self([major, minor, patch])),
            _ => None,
        }
    }

    pub(crate) fn has(self, feature: Self) -> bool {
        self >= feature
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [major, minor, patch] = self.0;
        write!(f, "{major}.{minor}.{patch}")
    }
}
