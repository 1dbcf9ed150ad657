//! The currency of a place.

use runninghub_core::{Place, Site};

/// The currency of the amounts that a place names; `None` for another URL than that of a site.
pub fn currency(place: &Place) -> Option<&'static str> {
    let currencies = [(Site::Cn, "CNY"), (Site::Ai, "USD")];
    currencies.into_iter().find(|(site, _)| place.url() == site.base_url()).map(|(_, name)| name)
}
