//! The opening handshake.
//!
//! Written by hand: the library's handshake uses a URL type, which changes URLs, logs the ticket at trace level, and
//! rejects the `Connection: keep-alive, Upgrade` of some gateways.

use runninghub_core::say;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        handshake::{
            client::{Response, generate_key},
            derive_accept_key,
            machine::TryParse as _,
        },
        http::header::{CONNECTION, HeaderName, SEC_WEBSOCKET_ACCEPT, UPGRADE},
        protocol::{Role, WebSocketConfig},
    },
};

use super::address::Address;
use crate::{Error, ErrorKind};

/// The longest response head that is read; gateways send a few cookies.
const MAX_HEAD: usize = 16 << 10;

pub(super) async fn shake_hands<S>(
    address: &Address<'_>,
    login: &str,
    mut stream: S,
    config: WebSocketConfig,
) -> Result<WebSocketStream<S>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let key = generate_key();
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n{login}\r\n",
        address.target(),
        address.authority,
    );
    stream.write_all(request.as_bytes()).await.map_err(broken_off)?;
    stream.flush().await.map_err(broken_off)?;

    let mut head = Vec::with_capacity(1 << 10);
    let (size, response) = loop {
        if stream.read_buf(&mut head).await.map_err(broken_off)? == 0 {
            return Err(Error::new(
                ErrorKind::Connect,
                say!("the server closed the connection before the handshake was complete"),
            ));
        }
        let answer = Response::try_parse(&head).map_err(|error| {
            Error::new(ErrorKind::Protocol, say!("the server does not speak HTTP")).with_source(error)
        })?;
        match answer {
            Some(answer) => break answer,
            None if head.len() > MAX_HEAD => {
                return Err(Error::new(ErrorKind::TooLarge, say!("the server's response does not end")));
            }
            None => {}
        }
    };
    check(&response, &derive_accept_key(key.as_bytes()))?;
    // The first frames may have arrived with the response.
    let rest = head.split_off(size);
    Ok(WebSocketStream::from_partially_read(stream, rest, Role::Client, Some(config)).await)
}

fn check(response: &Response, accept: &str) -> Result<(), Error> {
    let status = response.status().as_u16();
    let refuse = |what| Err(Error::new(ErrorKind::Handshake { status }, what));
    if status != 101 {
        return refuse(say!("the server refused the WebSocket with HTTP status {status}", status));
    }
    let has = |name: HeaderName, token: &str| {
        let values = response.headers().get_all(name);
        let mut tokens =
            values.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
        tokens.any(|value| value.trim().eq_ignore_ascii_case(token))
    };
    let accepted = response.headers().get(SEC_WEBSOCKET_ACCEPT).is_some_and(|value| value == accept);
    if !has(UPGRADE, "websocket") || !has(CONNECTION, "upgrade") || !accepted {
        return refuse(say!("the server's handshake response is invalid"));
    }
    Ok(())
}

fn broken_off(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Connect, say!("the connection broke during the handshake")).with_source(error)
}
