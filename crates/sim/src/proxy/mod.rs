//! A TCP proxy on loopback that simulates network faults.

mod connection;
mod cutter;
mod fault_proxy;
mod pump;
mod seen;
#[cfg(feature = "tls")]
mod tls;
mod toxic;

#[cfg(feature = "tls")]
pub use self::tls::{Authority, Certificate};
pub use self::{fault_proxy::FaultProxy, seen::Seen, toxic::Toxic};
