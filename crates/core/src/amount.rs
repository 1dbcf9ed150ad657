//! Amounts of coins or money.

use std::{fmt, iter::Sum, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Fact;

/// An amount of coins or of money, to the millionth. The context decides which, and the currency. Sums saturate at the
/// largest amount.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Amount(u64);

/// The text isn't an amount.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NoAmount;

/// Digits after the point.
const DIGITS: usize = 6;
const ONE: u64 = 1_000_000;

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest amount.
    pub const MAX: Self = Self(u64::MAX);

    /// A whole number of coins.
    pub const fn whole(coins: u64) -> Self {
        Self(coins.saturating_mul(ONE))
    }

    /// From millionths.
    pub const fn from_millionths(millionths: u64) -> Self {
        Self(millionths)
    }

    /// In millionths.
    pub const fn millionths(self) -> u64 {
        self.0
    }

    /// The sum.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference; zero if `other` is larger.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Half as much again, rounded up.
    #[must_use]
    pub const fn and_a_half(self) -> Self {
        Self(self.0.saturating_add(self.0.div_ceil(2)))
    }
}

impl Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Self::plus)
    }
}

impl fmt::Display for Amount {
    /// Without zeros at the end: `3`, `0.25`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / ONE, self.0 % ONE);
        if rest == 0 {
            return f.pad(&whole.to_string());
        }
        f.pad(format!("{whole}.{rest:0DIGITS$}").trim_end_matches('0'))
    }
}

impl FromStr for Amount {
    type Err = NoAmount;

    /// Reads a decimal without a sign, as the platform writes costs. Digits after the sixth are rounded up.
    fn from_str(text: &str) -> Result<Self, NoAmount> {
        let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(rest) {
            return Err(NoAmount);
        }
        let (kept, lost) = rest.split_at_checked(DIGITS).unwrap_or((rest, ""));
        let fraction: u64 = format!("{kept:0<DIGITS$}").parse().map_err(|_| NoAmount)?;
        let rounded = u64::from(lost.bytes().any(|byte| byte != b'0'));
        let whole = whole.parse::<u64>().map_err(|_| NoAmount)?;
        Ok(Self::whole(whole).plus(Self(fraction)).plus(Self(rounded)))
    }
}

impl fmt::Display for NoAmount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an amount is a decimal such as 3 or 0.25")
    }
}

impl std::error::Error for NoAmount {}

impl From<Amount> for Fact {
    fn from(amount: Amount) -> Self {
        Self::of(amount)
    }
}

/// As text, as the platform writes costs.
impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_read_as_it_is_shown() {
        for text in ["0", "3", "0.25", "12.000001", "18446744073709.551615"] {
            assert_eq!(text.parse::<Amount>().map(|amount| amount.to_string()).as_deref(), Ok(text));
        }
        assert_eq!("0.0000001".parse(), Ok(Amount::from_millionths(1)), "never less than it was");
        assert_eq!("1.5000000".parse(), Ok(Amount::from_millionths(1_500_000)));
        for wrong in ["", ".5", "-1", "1,5", "1e3", " 1", "1.2.3"] {
            assert_eq!(wrong.parse::<Amount>(), Err(NoAmount), "{wrong}");
        }
    }

    #[test]
    fn sums_do_not_wrap() {
        assert_eq!(Amount::MAX.plus(Amount::whole(1)), Amount::MAX);
        assert_eq!(Amount::MAX.and_a_half(), Amount::MAX);
        assert_eq!(Amount::ZERO.minus(Amount::whole(1)), Amount::ZERO);
        assert_eq!(Amount::whole(3).and_a_half().to_string(), "4.5");
    }
}
