//! `rhub assets …`.

use runninghub::{
    RunningHub,
    answer::{Asset, AssetGroup},
    api::{AssetType, FieldKind},
    say,
};

use super::{context::Context, service::Settings};
use crate::{
    args::{self, AssetsCommand, GroupCommand, Medium},
    event::Event,
    exit::{Error, Exit},
    input,
};

pub(super) async fn assets(context: &mut Context, args: args::Assets) -> Result<Exit, Error> {
    let hub = context.connect(Settings::default())?;
    match args.command {
        AssetsCommand::List(args) => {
            let mut list = hub.api().assets().page(args.paging.page).size(args.paging.size);
            if let Some(group) = args.group {
                list = list.group(group);
            }
            let page = list.await?;
            page.records.into_iter().for_each(|asset| context.show(Event::Asset(asset.into())));
            context.more(page.has_next, &args.paging);
        }
        AssetsCommand::Create(args) => create(context, &hub, args).await?,
        AssetsCommand::Show(args) => context.show(Event::Asset(hub.api().asset(&args.id).await?.into())),
        AssetsCommand::Rename(args) => {
            hub.api().update_asset(&args.id, &args.title).await?;
            context.show(Event::Asset(hub.api().asset(&args.id).await?.into()));
        }
        AssetsCommand::Delete(args) => {
            hub.api().delete_asset(&args.id).await?;
            let asset =
                Asset { id: Some(args.id.into()), status: Some("deleted".into()), ..Asset::default() };
            context.show(Event::Asset(asset));
        }
        AssetsCommand::Group(command) => group(context, &hub, command).await?,
    }
    Ok(Exit::Done)
}

async fn group(context: &mut Context, hub: &RunningHub, command: GroupCommand) -> Result<(), Error> {
    match command {
        GroupCommand::List(args) => {
            let page = hub.api().asset_groups().page(args.paging.page).size(args.paging.size).await?;
            page.records.into_iter().for_each(|group| context.show(Event::AssetGroup(group.into())));
            context.more(page.has_next, &args.paging);
        }
        GroupCommand::Create(args) => {
            let group = hub.api().create_asset_group(&args.title, args.description.as_deref()).await?;
            context.show(Event::AssetGroup(group.into()));
        }
        GroupCommand::Show(args) => {
            context.show(Event::AssetGroup(hub.api().asset_group(&args.id).await?.into()));
        }
        GroupCommand::Change(args) => {
            let (title, description) = (args.title.as_deref(), args.description.as_deref());
            hub.api().update_asset_group(&args.id, title, description).await?;
            context.show(Event::AssetGroup(hub.api().asset_group(&args.id).await?.into()));
        }
        GroupCommand::Delete(args) => {
            hub.api().delete_asset_group(&args.id).await?;
            let gone = AssetGroup { id: Some(args.id.into()), deleted: true, ..AssetGroup::default() };
            context.show(Event::AssetGroup(gone));
        }
    }
    Ok(())
}

/// Uploads a file and creates an asset from it.
async fn create(context: &mut Context, hub: &RunningHub, args: args::AssetCreate) -> Result<(), Error> {
    let name = args.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let path = args.file.display();
    input::is_there(&args.file)?;
    let extension = args.file.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    let by_extension = [
        (FieldKind::Image, AssetType::Image),
        (FieldKind::Video, AssetType::Video),
        (FieldKind::Audio, AssetType::Audio),
    ]
    .into_iter()
    .find_map(|(kind, asset)| kind.extensions().contains(&&*extension).then_some(asset));
    let by_option = args.medium.map(|medium| match medium {
        Medium::Image => AssetType::Image,
        Medium::Video => AssetType::Video,
        Medium::Audio => AssetType::Audio,
    });
    let kind = by_option.or(by_extension).ok_or_else(|| {
        Error::usage(say!("cannot tell what kind of file {path} is", path))
            .hint(say!("specify it with `--medium image`, `video` or `audio`"))
    })?;
    let made = context.with_files(async {
        let uploaded = hub.upload(&args.file).await?;
        let address = uploaded.download_url.ok_or_else(|| {
            Error::new(Exit::Network, say!("the upload response has no URL to create the asset from"))
        })?;
        let title = args.title.as_deref().unwrap_or(&name);
        Ok::<_, Error>(hub.api().create_asset(&args.group, address.expose(), kind, Some(title)).await?)
    });
    let asset = made.await??;
    context.show(Event::Asset(asset.into()));
    Ok(())
}
