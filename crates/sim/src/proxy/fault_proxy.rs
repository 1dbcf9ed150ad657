//! The proxy as a value: start, change at runtime, inspect, stop.

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use tokio::{
    net::{TcpListener, TcpSocket},
    sync::watch,
    task::{JoinHandle, JoinSet},
};

use super::{
    connection,
    seen::Seen,
    toxic::{Kind, Toxic},
};
use crate::{Error, ErrorKind};

/// A TCP proxy on a free port of 127.0.0.1, for use in front of a simulator or any other server. Without toxics it
/// changes nothing. Dropping it closes every connection.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

/// The state that all connections share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) seed: u64,
    pub(super) seen: watch::Sender<Seen>,
    /// Changes when every open connection must be reset.
    pub(super) resets: watch::Sender<()>,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<super::tls::Acceptor>,
    target: watch::Sender<Option<SocketAddr>>,
    /// With ids, which are never reused.
    toxics: watch::Sender<Toxics>,
}

#[derive(Debug, Default)]
struct Toxics {
    next: u64,
    active: Arc<[(u64, Toxic)]>,
}

impl FaultProxy {
    /// Starts a proxy. Connections are closed at once until [`FaultProxy::forward_to`] sets the target, so that a
    /// server can get the proxy's address before it starts. Random values (jitter) use the same seed in every run.
    ///
    /// # Errors
    /// [`ErrorKind::Listen`] if there is no free port.
    pub async fn start() -> Result<Self, Error> {
        Self::listen((Ipv4Addr::LOCALHOST, 0).into(), 0).await
    }

    /// A proxy that terminates TLS: clients speak TLS, the server behind it does not. Toxics see the plain bytes; for
    /// faults of the encrypted ones, put another proxy in front of this one.
    ///
    /// # Errors
    /// [`ErrorKind::Listen`] if there is no free port or the certificate cannot be used.
    #[cfg(feature = "tls")]
    pub async fn with_tls(
        authority: &super::Authority,
        certificate: super::Certificate,
    ) -> Result<Self, Error> {
        let tls = authority.acceptor(certificate)?;
        let (listener, mut shared) = open((Ipv4Addr::LOCALHOST, 0).into(), 0).await?;
        shared.tls = Some(tls);
        Self::serve(listener, shared)
    }

    pub(crate) async fn listen(address: SocketAddr, seed: u64) -> Result<Self, Error> {
        let (listener, shared) = open(address, seed).await?;
        Self::serve(listener, shared)
    }

    fn serve(listener: TcpListener, shared: Shared) -> Result<Self, Error> {
        let address = listener.local_addr().map_err(|error| failed(error, "the proxy has no address"))?;
        let shared = Arc::new(shared);
        let server = tokio::spawn(run(listener, address, Arc::clone(&shared)));
        Ok(Self { address, shared, server })
    }

    /// The listen address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets the target of new connections; open connections are unaffected.
    pub fn forward_to(&self, server: SocketAddr) {
        self.shared.target.send_replace(Some(server));
    }

    /// Adds a toxic, also for open connections.
    pub fn add(&self, toxic: Toxic) {
        self.shared.toxics.send_modify(|toxics| {
            toxics.active = toxics.active.iter().cloned().chain([(toxics.next, toxic)]).collect();
            toxics.next += 1;
        });
    }

    /// Removes all toxics. Swallowed bytes stay lost, and ended connections stay ended.
    pub fn clear(&self) {
        self.shared.toxics.send_modify(|toxics| toxics.active = Arc::default());
    }

    /// Resets every open connection.
    pub fn reset_all(&self) {
        self.shared.resets.send_replace(());
    }

    /// The statistics so far.
    pub fn seen(&self) -> Seen {
        *self.shared.seen.borrow()
    }

    /// Waits until the statistics match.
    pub async fn wait(&self, wanted: impl Fn(&Seen) -> bool) -> Seen {
        let mut seen = self.shared.seen.subscribe();
        // The sender lives as long as `self`.
        seen.wait_for(wanted).await.map_or_else(|_| self.seen(), |seen| *seen)
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn open(address: SocketAddr, seed: u64) -> Result<(TcpListener, Shared), Error> {
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| failed(error, format_args!("cannot listen on {address}")))?;
    let shared = Shared {
        seed,
        seen: watch::Sender::new(Seen::default()),
        resets: watch::Sender::new(()),
        #[cfg(feature = "tls")]
        tls: None,
        target: watch::Sender::new(None),
        toxics: watch::Sender::new(Toxics::default()),
    };
    Ok((listener, shared))
}

fn failed(error: io::Error, what: impl fmt::Display) -> Error {
    Error::new(ErrorKind::Listen, what).caused_by(error)
}

impl Shared {
    pub(super) fn target(&self) -> Option<SocketAddr> {
        *self.target.borrow()
    }

    pub(super) fn toxics(&self) -> Arc<[(u64, Toxic)]> {
        Arc::clone(&self.toxics.borrow().active)
    }
}

impl Toxics {
    fn refuse(&self) -> bool {
        self.active.iter().any(|(_, toxic)| toxic.kind == Kind::Refuse)
    }
}

/// Binds a port without listening: the system refuses connections to it, and gives it to no other server.
fn hold(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // Otherwise connections that ended a moment ago would block the port.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Accepts connections until it is dropped. While connections are refused, the port is bound without listening.
async fn run(mut listener: TcpListener, address: SocketAddr, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    let mut toxics = shared.toxics.subscribe();
    loop {
        tokio::select! {
            biased;
            true = async { toxics.wait_for(Toxics::refuse).await.is_ok() } => {
                drop(listener);
                let held = hold(address);
                _ = toxics.wait_for(|toxics| !toxics.refuse()).await;
                drop(held);
                // If the port was taken meanwhile, the proxy can only keep refusing.
                let Ok(again) = TcpListener::bind(address).await else { break };
                listener = again;
            }
            Ok((client, _)) = listener.accept() => {
                drop(connections.spawn(connection::serve(client, Arc::clone(&shared))));
            }
            Some(_) = connections.join_next() => {}
        }
    }
    while connections.join_next().await.is_some() {}
}
