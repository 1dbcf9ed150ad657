//! `POST /openapi/v2/media/upload/binary`: uploads a file. The envelope says `message`, not `msg`.

use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::v2_key;
use crate::{answer::Answer, call::Call, scenario::extension, state::State};

pub(super) const PATH: &str = "/openapi/v2/media/upload/binary";

/// Maximum size of a file, in bytes.
pub(super) const MAX_FILE: usize = 30 * 1024 * 1024;

pub(super) fn answer(state: &State, call: &Call) -> Answer {
    if v2_key(state, call).is_none() {
        return Answer::wrong_key();
    }
    let Some((Some(name), content)) = &call.file else { return reply(301, "PARAMS_INVALID", &Value::Null) };
    if content.len() > MAX_FILE {
        return reply(809, "APIKEY_FILE_SIZE_EXCEEDED", &Value::Null);
    }
    let extension = kept_extension(name);
    let stored = format!("{}.{extension}", store(state, content));
    reply(
        0,
        "success",
        &json!({
            "type": kind(&extension),
            "download_url": format!("{}/uploads/{stored}?sign=1", state.base_url),
            "fileName": format!("openapi/{stored}"),
            "size": content.len().to_string(),
        }),
    )
}

/// Stores a file and returns its SHA-256, which is the file's name.
pub(super) fn store(state: &State, content: &Bytes) -> String {
    let hash = Sha256::digest(content).iter().fold(String::new(), |hash, byte| hash + &format!("{byte:02x}"));
    let mut uploads = state.uploads.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    uploads.insert(hash.clone(), content.clone());
    hash
}

/// The extension determines the type of a file.
pub(super) fn kept_extension(name: &str) -> String {
    match extension(name) {
        "" => "bin".to_owned(),
        extension => extension.to_ascii_lowercase(),
    }
}

fn kind(extension: &str) -> &'static str {
    match extension {
        "png" | "jpg" | "jpeg" | "webp" | "gif" => "image",
        "mp4" | "mov" | "avi" | "mkv" | "webm" => "video",
        "mp3" | "wav" | "flac" => "audio",
        "zip" => "zip",
        _ => "file",
    }
}

fn reply(code: i32, message: &str, data: &Value) -> Answer {
    Answer::json(json!({"code": code, "message": message, "data": data}))
}
