//! `rhub assets …`.

use runninghub::{
    RunningHub, Untrusted,
    api::{self, AssetType, FieldKind},
};

use super::{context::Context, service::Settings};
use crate::{
    args::{self, AssetsCommand, GroupCommand, Medium},
    exit::{Error, Exit},
    report::account as text,
    schema::{Asset, AssetGroup, End, Event},
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
            page.records.into_iter().for_each(|asset| tell(context, asset));
            context.more(page.has_next, &args.paging);
        }
        AssetsCommand::Create(args) => create(context, &hub, args).await?,
        AssetsCommand::Show(args) => tell(context, hub.api().asset(args.id).await?),
        AssetsCommand::Rename(args) => {
            hub.api().update_asset(&args.id, args.title).await?;
            tell(context, hub.api().asset(args.id).await?);
        }
        AssetsCommand::Delete(args) => {
            hub.api().delete_asset(&args.id).await?;
            let asset =
                Asset { id: Some(args.id.into()), status: Some("deleted".into()), ..Asset::default() };
            let lines = [text::asset(&asset)];
            context.answer(&Event::Asset(asset), &lines);
        }
        AssetsCommand::Group(command) => group(context, &hub, command).await?,
    }
    context.outcome.status = End::Success;
    Ok(Exit::Done)
}

async fn group(context: &mut Context, hub: &RunningHub, command: GroupCommand) -> Result<(), Error> {
    match command {
        GroupCommand::List(args) => {
            let page = hub.api().asset_groups().page(args.paging.page).size(args.paging.size).await?;
            page.records.into_iter().for_each(|group| tell_group(context, group));
            context.more(page.has_next, &args.paging);
        }
        GroupCommand::Create(args) => {
            let mut create = hub.api().create_asset_group(args.title);
            if let Some(description) = args.description {
                create = create.description(description);
            }
            tell_group(context, create.await?);
        }
        GroupCommand::Show(args) => tell_group(context, hub.api().asset_group(args.id).await?),
        GroupCommand::Change(args) => {
            let mut update = hub.api().update_asset_group(&args.id);
            if let Some(title) = args.title {
                update = update.name(title);
            }
            if let Some(description) = args.description {
                update = update.description(description);
            }
            update.await?;
            tell_group(context, hub.api().asset_group(args.id).await?);
        }
        GroupCommand::Delete(args) => {
            hub.api().delete_asset_group(&args.id).await?;
            let gone = AssetGroup { id: Some(args.id.into()), deleted: true, ..AssetGroup::default() };
            let lines = [text::group(&gone)];
            context.answer(&Event::AssetGroup(gone), &lines);
        }
    }
    Ok(())
}

/// Uploads a file and makes an asset of it.
async fn create(context: &mut Context, hub: &RunningHub, args: args::AssetCreate) -> Result<(), Error> {
    let name = args.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let shown = Untrusted::from(args.file.to_string_lossy());
    if !args.file.is_file() {
        return Err(Error::usage(format!("there is no file {shown}")).hint("nothing was sent"));
    }
    let extension = args.file.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    let by_extension = [
        (FieldKind::Image, AssetType::Image),
        (FieldKind::Video, AssetType::Video),
        (FieldKind::Audio, AssetType::Audio),
    ]
    .into_iter()
    .find_map(|(kind, asset)| kind.extensions().contains(&&*extension).then_some(asset));
    let told = args.medium.map(|medium| match medium {
        Medium::Image => AssetType::Image,
        Medium::Video => AssetType::Video,
        Medium::Audio => AssetType::Audio,
    });
    let kind = told.or(by_extension).ok_or_else(|| {
        Error::usage(format!("it cannot be told what {shown} is"))
            .hint("say so with `--medium image`, `video` or `audio`")
    })?;
    let made = context.with_files(async {
        let uploaded = hub.upload(&args.file).await?;
        let address = uploaded.download_url.ok_or_else(|| {
            Error::new(
                Exit::Network,
                "the upload was answered without an address, of which the asset is made",
            )
        })?;
        let create = hub.api().create_asset(args.group, address.expose(), kind);
        Ok::<_, Error>(create.name(args.title.unwrap_or(name)).await?)
    });
    let asset = made.await??;
    tell(context, asset);
    Ok(())
}

fn tell(context: &mut Context, asset: api::Asset) {
    let asset = Asset::from(asset);
    let lines = [text::asset(&asset)];
    context.answer(&Event::Asset(asset), &lines);
}

fn tell_group(context: &mut Context, group: api::AssetGroup) {
    let group = AssetGroup::from(group);
    let lines = [text::group(&group)];
    context.answer(&Event::AssetGroup(group), &lines);
}
