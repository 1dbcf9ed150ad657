//! The measurements of `cargo xtask bench` in a library's own process; `xtask` judges the figures and prints the
//! table.
//!
//! `cargo bench -p runninghub --bench figures -- GROUP [--quick]`, where GROUP is `ends`, `many` or `stream`, prints
//! one JSON object for each figure. Without a group nothing runs, so that a test run never measures.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark tells its figures")]

mod ends;
mod hold;
mod many;
mod memory;
mod row;
mod server;
mod stream;
mod usage;
mod watch;

use std::{env, error::Error};

use tokio::runtime;

pub(crate) type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Result {
    let args: Vec<String> = env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let quick = args.iter().any(|arg| arg == "--quick");
    let words: Vec<&str> = args.iter().map(String::as_str).filter(|arg| !arg.starts_with("--")).collect();
    // The command line's runtime, which is enough: a thousand tasks take a tenth of a core.
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    match *words {
        ["ends"] => runtime.block_on(ends::measure(quick)),
        ["many"] => many::measure(quick),
        ["stream"] => {
            memory::measure(quick)?;
            runtime.block_on(stream::measure(quick))
        }
        // The same program in other roles, so that memory and time are measured per role.
        ["serve", what, tasks] => runtime.block_on(server::serve(what, tasks.parse()?)),
        ["hold", how, tasks, seconds] => runtime.block_on(hold::hold(how, tasks.parse()?, seconds.parse()?)),
        ["watch", tasks] => runtime.block_on(watch::watch(tasks.parse()?)),
        _ => {
            eprintln!("nothing measured: name a group (ends, many, stream)");
            Ok(())
        }
    }
}
