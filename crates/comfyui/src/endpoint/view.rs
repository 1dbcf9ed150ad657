//! `GET /view`: only its URL, since other code downloads the files.

use runninghub_core::NodeFile;

use crate::Client;

pub(crate) fn address(client: &Client, file: &NodeFile) -> String {
    let mut url = client.path(&["view"]);
    url.query_pairs_mut().extend_pairs(file.view_query());
    url.into()
}
