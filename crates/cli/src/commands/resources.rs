//! `rhub resources`.

use runninghub::api::{List, ResourceType};

use super::{context::Context, service::Settings};
use crate::{
    args::{self, ResourceKind},
    event::Event,
    exit::{Error, Exit},
};

/// Lists the resources that workflows can load.
pub(super) async fn resources(context: &mut Context, args: args::Resources) -> Result<Exit, Error> {
    let kind = match args.kind {
        ResourceKind::Checkpoint => ResourceType::Checkpoint,
        ResourceKind::Gguf => ResourceType::Gguf,
        ResourceKind::Lora => ResourceType::Lora,
        ResourceKind::Unet => ResourceType::Unet,
    };
    let hub = context.connect(Settings::default())?;
    let mut list = hub.api().resources(kind).page(args.paging.page).size(args.paging.size);
    if let Some(name) = args.search {
        list = list.name(name);
    }
    list = args.family.into_iter().fold(list, List::base_model);
    list = args.tag.into_iter().fold(list, List::tag);
    let page = list.await?;
    for resource in page.records {
        context.show(Event::Resource(resource.into()));
    }
    context.more(page.has_next, &args.paging);
    Ok(Exit::Done)
}
