//! URLs that may serve such a file. The platform documents none; clients were seen to request these two (the section
//! "Files from `executed`" of the documentation).

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use runninghub_core::{NodeFile, SocketUrl};
use serde::Deserialize;
use url::Url;

use crate::live::DOMAINS;

/// The object store of the platform's results.
const STORE: &str = "https://rh-images.xiaoyaoyou.com";
/// Tickets come with and without padding.
const TICKET: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ticket {
    user_id: String,
}

/// The URLs to try, in this order. The first contains the socket's ticket, and is on the socket's own host.
pub(super) fn addresses(socket: &SocketUrl, file: &NodeFile) -> Vec<String> {
    let Ok(socket) = Url::parse(socket.expose()) else { return Vec::new() };
    [view(&socket, file), store(&socket, file)].into_iter().flatten().collect()
}

/// The file as ComfyUI serves it, through the router of the socket.
fn view(socket: &Url, file: &NodeFile) -> Option<String> {
    // `ws` becomes `http`, `wss` becomes `https`.
    let mut url = Url::parse(&socket.as_str().replacen("ws", "http", 1)).ok()?;
    url.set_path("/view");
    url.set_query(None);
    url.query_pairs_mut().extend_pairs(file.view_query());
    // The router's part of the query is copied verbatim.
    let query = format!("{}&{}", url.query()?, socket.query()?);
    url.set_query(Some(&query));
    Some(url.into())
}

/// The file next to the results: in the owner's folder.
fn store(socket: &Url, file: &NodeFile) -> Option<String> {
    let host = socket.host_str()?;
    let is_of =
        |domain: &str| host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    DOMAINS.into_iter().find(|domain| is_of(domain))?;
    let (_, ticket) = socket.query_pairs().find(|(name, _)| name == "Rh-Comfy-Auth")?;
    // A bare plus in a query reads as a space.
    let ticket = TICKET.decode(ticket.replace(' ', "+")).ok()?;
    let Ticket { user_id } = serde_json::from_slice(&ticket).ok()?;
    let folders = file.subfolder.split('/').filter(|part| !part.is_empty());
    let mut url = Url::parse(STORE).ok()?;
    url.path_segments_mut()
        .ok()?
        .extend([user_id.as_str(), file.folder()])
        .extend(folders)
        .push(&file.filename);
    Some(url.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(socket: &str, file: &serde_json::Value) -> Vec<String> {
        addresses(&SocketUrl::new(socket), &NodeFile::read(file).expect("a file"))
    }

    #[test]
    fn files_are_requested_from_the_sockets_host_and_the_store() {
        // {"userId":"0a","signExpire":12}, with its padding encoded as the platform does.
        let ticket = "eyJ1c2VySWQiOiIwYSIsInNpZ25FeHBpcmUiOjEyfQ";
        let socket = format!(
            "wss://www.runninghub.cn:443/ws/c_instance?c_host=10.0.0.1&clientId=c&Rh-Comfy-Auth={ticket}%3D%3D"
        );
        let file = json!({"filename": "a b&c.png", "subfolder": "x/y", "type": "temp"});
        assert_eq!(
            of(&socket, &file),
            [
                format!(
                    "https://www.runninghub.cn/view?filename=a+b%26c.png&subfolder=x%2Fy&type=temp&c_host=10.0.0.1&clientId=c&Rh-Comfy-Auth={ticket}%3D%3D"
                ),
                "https://rh-images.xiaoyaoyou.com/0a/temp/x/y/a%20b&c.png".to_owned(),
            ]
        );
    }

    #[test]
    fn only_the_platforms_tickets_lead_to_the_store() {
        let file = json!({"filename": "../a.png"});
        let here =
            of("ws://127.0.0.1:8189/ws/c_instance?clientId=c&Rh-Comfy-Auth=eyJ1c2VySWQiOiIwYSJ9", &file);
        assert_eq!(here.len(), 1);
        assert!(here[0].starts_with("http://127.0.0.1:8189/view?filename=..%2Fa.png&"), "{here:?}");
        for other in [
            "wss://evilrunninghub.cn/ws?Rh-Comfy-Auth=eyJ1c2VySWQiOiIwYSJ9",
            "wss://www.runninghub.cn/ws?Rh-Comfy-Auth=odd",
        ] {
            assert_eq!(of(other, &file).len(), 1, "{other}");
        }
        assert!(of("nonsense", &file).is_empty());
        assert!(of("wss://www.runninghub.cn/ws", &file).is_empty(), "no ticket, no file");
        let store =
            of("wss://www.runninghub.cn/ws?Rh-Comfy-Auth=eyJ1c2VySWQiOiIwYSJ9", &file).pop().expect("two");
        assert_eq!(store, "https://rh-images.xiaoyaoyou.com/0a/output/..%2Fa.png");
    }
}
