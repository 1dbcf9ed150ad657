//! `rhub webhook`.

use std::{ffi::OsString, net::SocketAddr};

use clap::{Args, Subcommand};

/// Receive notifications when tasks end.
#[derive(Args, Debug)]
pub(crate) struct Webhook {
    #[command(subcommand)]
    pub(crate) command: WebhookCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WebhookCommand {
    Listen(Listen),
    Show(WebhookShow),
    Resend(Resend),
}

/// Show a task's webhook and its delivery.
#[derive(Args, Debug)]
pub(crate) struct WebhookShow {
    /// Task id, submit id, or `last`
    pub(crate) task_id: String,
}

/// Request another delivery.
#[derive(Args, Debug)]
pub(crate) struct Resend {
    /// Task id, submit id, or `last`
    pub(crate) task_id: String,

    /// Deliver to another URL
    #[arg(long, env = "RUNNINGHUB_WEBHOOK", value_name = "URL", hide_env_values = true)]
    pub(crate) webhook: Option<super::Hidden>,
}

/// Listen for webhook deliveries.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Submit with `rhub run … --webhook 'https://YOUR-HOST/any/path/{secret}'`, where YOUR-HOST forwards
to this address. Each submit gets its own secret; a delivery counts only with such a secret, and
only after the platform has confirmed the task.

The --exec command gets the event as one line of JSON on stdin, and WEBHOOK_TASK_ID,
WEBHOOK_ATTEMPT_ID and WEBHOOK_STATE in its environment, but no API key. Up to four commands run
at a time, each for at most ten minutes.")]
pub(crate) struct Listen {
    /// Address to listen on (plain HTTP); port 0 picks a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8190")]
    pub(crate) listen: SocketAddr,

    /// Command to run when a submit changes state; takes the rest of the line
    #[arg(long, value_name = "CMD", num_args = 1.., allow_hyphen_values = true)]
    pub(crate) exec: Vec<OsString>,
}
