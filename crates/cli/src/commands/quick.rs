//! `rhub quick …`.

use runninghub::{Submit, say};

use super::{app, context::Context, service::Settings, submit};
use crate::{
    args::{self, QuickCommand},
    event::Event,
    exit::{Error, Exit},
    target,
};

pub(super) async fn quick(context: &mut Context, args: args::Quick) -> Result<Exit, Error> {
    match args.command {
        QuickCommand::Styles(args) => styles(context, args).await,
        QuickCommand::Run(args) => {
            let (id, site) = target::app(&args.app)?;
            if args.machine.v2 {
                return Err(
                    Error::usage(say!("Quick Create has no newer endpoint")).hint(say!("remove `--v2`"))
                );
            }
            let filled = app::Filled::parse(&args.filling)?;
            let submit = submit::on_machine(context, Submit::quick(id.clone(), &*args.code), &args.machine)?;
            app::run(context, submit, (&id, site), filled, &args.submitting).await
        }
    }
}

/// Lists models and styles.
async fn styles(context: &mut Context, args: args::QuickStyles) -> Result<Exit, Error> {
    let (id, site) = target::app(&args.app)?;
    let hub = context.connect(Settings { site, ..Settings::default() })?;
    for style in hub.quick_styles(&id, args.kind).await? {
        context.show(Event::Style((&style).into()));
    }
    Ok(Exit::Done)
}
