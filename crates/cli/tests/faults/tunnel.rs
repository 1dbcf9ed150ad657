//! A typical user's proxy: HTTP `CONNECT` and SOCKS 5 on one port.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// Runs until it is dropped. Every tunnel leads to the same target.
pub(crate) struct Tunnel {
    pub(crate) address: SocketAddr,
    server: JoinHandle<()>,
}

impl Tunnel {
    pub(crate) async fn start(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let server = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, to));
            }
        });
        Self { address, server }
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(mut client: TcpStream, to: SocketAddr) -> io::Result<()> {
    let first = client.read_u8().await?;
    if first == 5 {
        let methods = client.read_u8().await?;
        client.read_exact(&mut vec![0; methods.into()]).await?;
        client.write_all(&[5, 0]).await?;
        let mut head = [0; 4];
        client.read_exact(&mut head).await?;
        let address: usize = match head[3] {
            1 => 4,
            3 => client.read_u8().await?.into(),
            _ => 16,
        };
        client.read_exact(&mut vec![0; address + 2]).await?;
        client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    } else {
        let mut head = vec![first];
        while !head.ends_with(b"\r\n\r\n") {
            head.push(client.read_u8().await?);
        }
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    }
    let mut server = TcpStream::connect(to).await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}
