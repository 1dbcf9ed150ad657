//! Clients of a server that does exactly what a test specifies.

use runninghub_api::{ApiKey, Client, ClientBuilder};

#[expect(dead_code, reason = "the tests of another crate use the rest")]
#[path = "../../../net/tests/files/server.rs"]
mod server;

pub(crate) use server::{Reply, Server};

/// A key that is easy to find in any text.
pub(crate) const KEY: &str = "c0ffee00c0ffee00c0ffee00c0ffee00";

impl Reply {
    pub(crate) fn json(body: &str) -> Self {
        Self::status(200, "Content-Type: application/json\r\n", body)
    }
}

impl Server {
    pub(crate) fn client(&self) -> Client {
        self.builder().build().expect("a client")
    }

    /// A client with pauses of no length.
    pub(crate) fn builder(&self) -> ClientBuilder {
        Client::builder(ApiKey::new(KEY).expect("a key")).base_url(&self.url()).time_scale(0.0)
    }
}
