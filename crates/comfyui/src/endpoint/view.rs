//! `GET /view`: only its address, since files are fetched by whoever keeps them.

use crate::Client;

pub(crate) fn address(client: &Client, filename: &str, subfolder: &str, folder_type: &str) -> String {
    let mut url = client.path(&["view"]);
    url.query_pairs_mut()
        .append_pair("filename", filename)
        .append_pair("subfolder", subfolder)
        .append_pair("type", folder_type);
    url.into()
}
