//! One connection through the proxy.

use std::sync::{Arc, OnceLock};

use tokio::{
    io::{AsyncRead, AsyncWrite, split},
    net::TcpStream,
};

use super::{
    cutter::Cutter,
    fault_proxy::Shared,
    pump::{End, pump},
    seen::Open,
    toxic::Direction,
};

/// Serves a client until both sides have finished, or a toxic or an error ends the connection.
pub(super) async fn serve(client: TcpStream, shared: Arc<Shared>) {
    let (_open, number) = Open::new(&shared.seen);
    _ = client.set_nodelay(true);
    // Without a target the connection ends at once.
    let Some(target) = shared.target() else { return };
    let Ok(server) = TcpStream::connect(target).await else { return };
    _ = server.set_nodelay(true);
    #[cfg(feature = "tls")]
    if let Some(tls) = &shared.tls {
        // A client that doesn't trust the certificate ends here.
        let Ok(mut client) = tls.accept(client).await else { return };
        match carry(&mut client, server, number, &shared).await {
            Err(End::Reset) => _ = client.get_ref().0.set_zero_linger(),
            Err(End::Break(how)) => _ = super::tls::break_off(client, how).await,
            _ => {}
        }
        return;
    }
    let mut client = client;
    if carry(&mut client, server, number, &shared).await == Err(End::Reset) {
        _ = client.set_zero_linger();
    }
}

async fn carry(
    client: &mut (impl AsyncRead + AsyncWrite + Unpin),
    mut server: TcpStream,
    number: u64,
    shared: &Shared,
) -> Result<(), End> {
    let path = OnceLock::new();
    let rng = |direction| fastrand::Rng::with_seed(shared.seed ^ number << 1 ^ direction);
    let mut resets = shared.resets.subscribe();
    let (from_client, to_client) = split(client);
    let (from_server, to_server) = server.split();
    let end = tokio::select! {
        end = async {
            tokio::try_join!(
                pump(from_client, to_server, Cutter::new(Direction::Up, number, &path), rng(0), shared),
                pump(from_server, to_client, Cutter::new(Direction::Down, number, &path), rng(1), shared),
            )
        } => end.map(|_| ()),
        _ = resets.changed() => Err(End::Reset),
    };
    if end == Err(End::Reset) {
        _ = server.set_zero_linger();
    }
    end
}
