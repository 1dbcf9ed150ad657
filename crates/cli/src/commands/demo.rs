//! `rhub demo`.

use std::{sync::Arc, time::Duration};

use runninghub::{ApiKey, Submit, say};
use runninghub_sim::{Scenario, Sim};

use super::{
    context::Context,
    follow::Following,
    save::Destination,
    service::{RecordTo, Settings, Writes},
    simulate::failed,
    submit::Submission,
};
use crate::{
    args,
    exit::{Error, Exit},
    speed,
};

/// A whole run against a simulator in this process.
pub(super) async fn demo(context: &mut Context, args: args::Demo) -> Result<Exit, Error> {
    let scenario = Scenario::demo();
    let workflow = scenario.workflow_id();
    let sim = Sim::builder()
        .scenario(scenario)
        .speed(speed::factor(args.speed))
        // Don't miss the first events of the demo.
        .wait_for_socket(Duration::from_secs(2))
        .start()
        .await
        .map_err(failed)?;
    let key = ApiKey::new(Sim::DEMO_KEY).map_err(runninghub::Error::from)?;
    // The options may name another site; the demo stays in this process.
    context.global.proxy = None;
    let hub = context.connect(Settings {
        ledger: Writes::Elsewhere,
        key: Some(key),
        base_url: Some(sim.base_url().to_owned()),
        record_previews: args.follow.recording.record_previews,
        record: args.follow.recording.record.map_or(RecordTo::Nowhere, RecordTo::To),
        previews: args.follow.previews,
        ..Settings::default()
    })?;
    context.notifies = args.follow.notify;
    let following = Following {
        destination: Some(Destination::new(args.out, None, false)),
        timeout: args.follow.timeout,
        cancel_on_interrupt: args.follow.cancel_on_interrupt,
        outlives: false,
    };
    if let Some(destination) = &following.destination {
        destination.check(&hub)?;
    }
    let submission = Submission::of(Arc::new(hub), following);
    let exit = submission.make(context, Submit::workflow(workflow), Error::from).await?;
    if exit == Exit::Done && !context.printer.is_quiet() {
        context.advice.push(say!(
            "next: `rhub login` stores your API key, and `rhub run ID -o results` runs a workflow of yours"
        ));
    }
    Ok(exit)
}
