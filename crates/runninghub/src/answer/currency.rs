//! Which money a site names.

use runninghub_core::Site;

/// The currency of the amounts that a site names; `None` for another URL than that of a site.
pub fn currency(base_url: &str) -> Option<&'static str> {
    let currencies = [(Site::Cn, "CNY"), (Site::Ai, "USD")];
    currencies.into_iter().find(|(site, _)| base_url == site.base_url()).map(|(_, name)| name)
}
