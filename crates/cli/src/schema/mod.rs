//! The events of `--format json`: one structure for the lines and for the published schema, so that they agree. The
//! other formats are worded from them too.

mod account;
mod app;
mod convert;
mod event;
mod line;
mod model;

pub(crate) use self::{
    account::{Asset, AssetGroup, ListedKey, Load, Resource},
    app::{App, AppField, Style, Webhook},
    convert::seconds,
    event::*,
    line::{json_schema, line},
    model::*,
};
