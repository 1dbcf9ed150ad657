//! `rhub upload`, `rhub lora upload`.

use runninghub::{Sentence, answer::Upload};

use super::{context::Context, service::Settings};
use crate::{
    args::{self, LoraCommand},
    event::Event,
    exit::{Error, Exit},
    input,
};

/// Uploads files one after the other. Each finished upload is reported at once, even if a later one fails.
pub(super) async fn upload(context: &mut Context, args: args::Upload) -> Result<Exit, Error> {
    args.files.iter().try_for_each(|file| input::is_there(file))?;
    let hub = context.connect(Settings::default())?;
    for file in &args.files {
        let uploaded = context.with_files(hub.upload(file)).await?.map_err(|error| {
            let error = Error::from(error);
            let name = Sentence::verbatim(file.to_string_lossy());
            Error { message: Sentence::chain([name, error.message]), ..error }
        })?;
        context.show(Event::Upload(Upload {
            file: file.to_string_lossy().into_owned(),
            file_name: uploaded.file_name.as_str().to_owned(),
            download_url: uploaded.download_url.as_ref().map(|url| url.expose().to_owned()),
            kind: uploaded.kind,
            was_there: uploaded.was_known,
        }));
    }
    Ok(Exit::Done)
}

/// Uploads a LoRA.
pub(super) async fn lora(context: &mut Context, command: LoraCommand) -> Result<Exit, Error> {
    let LoraCommand::Upload(args) = command;
    input::is_there(&args.file)?;
    let hub = context.connect(Settings::default())?;
    let uploaded = context.with_files(hub.upload_lora(&args.file, args.lora_name)).await??;
    context.show(Event::Upload(Upload {
        file: args.file.to_string_lossy().into_owned(),
        file_name: uploaded.file_name.as_str().to_owned(),
        download_url: None,
        kind: Some("lora".into()),
        was_there: uploaded.was_there,
    }));
    Ok(Exit::Done)
}
