//! `rhub quick …`.

use super::{
    app,
    context::{Context, Settings},
    submit::{self, Submission},
};
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
                return Err(Error::usage("Quick Create has no newer endpoint").hint("leave `--v2` out"));
            }
            let filled = app::Filled::parse(&args.filling)?;
            submit::check(context, &args.machine)?;
            let submission = Submission::new(context, &args.submitting, site)?;
            let submit = submission.hub().quick(id.clone(), &*args.code);
            app::run(context, submission, submit, &id, filled, &args.machine, &args.submitting).await
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
