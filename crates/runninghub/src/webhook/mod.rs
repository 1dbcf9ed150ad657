//! Deliveries of the platform's webhooks: hints that a task is over, and which task a lost response was about.

mod confirm;
mod delivery;
mod listen;
mod service;

pub use listen::Webhooks;
pub use service::{Deliveries, WebhookService};
