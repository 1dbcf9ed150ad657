//! Downloads with pauses of no length.

use runninghub_net::{Files, HttpClients, Net, NetOptions};

use crate::server::Server;

impl Server {
    pub(crate) fn files(&self) -> Files {
        self.files_with(NetOptions::default())
    }

    pub(crate) fn files_with(&self, options: NetOptions) -> Files {
        files_of(&self.url(), options)
    }
}

/// A downloader for files of the server at a URL.
pub(crate) fn files_of(url: &str, options: NetOptions) -> Files {
    let net = Net::new(options).expect("options");
    HttpClients::new(net, &url.parse().expect("a URL")).files(0.0).expect("a scale")
}
