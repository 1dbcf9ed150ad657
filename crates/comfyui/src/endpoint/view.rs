//! `GET /view`: only its address, since files are fetched by whoever keeps them.

use runninghub_core::NodeFile;

use crate::Client;

pub(crate) fn address(client: &Client, file: &NodeFile) -> String {
    let mut url = client.path(&["view"]);
    url.query_pairs_mut().extend_pairs(file.view_query());
    url.into()
}
