//! `rhub webhook`.

use std::{ffi::OsString, net::SocketAddr};

use clap::{Args, Subcommand};

/// Receive what the platform says when a task is over.
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

/// Say who was called back about a task, and what came of it.
#[derive(Args, Debug)]
pub(crate) struct WebhookShow {
    /// The task's id, the name of its submit, or `last`
    pub(crate) task_id: String,
}

/// Ask the platform for another delivery.
#[derive(Args, Debug)]
pub(crate) struct Resend {
    /// The task's id, the name of its submit, or `last`
    pub(crate) task_id: String,

    /// To another address than the first time
    #[arg(long, env = "RUNNINGHUB_WEBHOOK", value_name = "URL", hide_env_values = true)]
    pub(crate) webhook: Option<super::Hidden>,
}

/// Listen for deliveries, and settle with them what is unknown.
#[derive(Args, Debug)]
#[command(after_help = "\
Submit with `rhub run … --webhook 'https://YOUR-HOST/any/path/{secret}'`, where YOUR-HOST leads
here. Each submit gets a secret of its own; only deliveries with such a secret count, and only
after the platform has confirmed the task.

The command of --exec reads one line, the JSON of the event, and finds WEBHOOK_TASK_ID,
WEBHOOK_ATTEMPT_ID and WEBHOOK_STATE in its environment, but nothing with a key in it. Four
run at a time, ten minutes each at most.")]
pub(crate) struct Listen {
    /// Where to listen, plain HTTP; port 0 takes a free one
    #[arg(long, env = "RUNNINGHUB_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8190")]
    pub(crate) listen: SocketAddr,

    /// Run this for each submit that comes to a new state; takes all that follows
    #[arg(long, env = "RUNNINGHUB_EXEC", value_name = "CMD", num_args = 1.., allow_hyphen_values = true)]
    pub(crate) exec: Vec<OsString>,
}
