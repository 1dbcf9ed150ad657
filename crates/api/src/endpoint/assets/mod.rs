//! Media assets for models that accept `asset://<id>`, and groups of them.

pub(crate) mod asset;
pub(crate) mod create;
pub(crate) mod create_group;
pub(crate) mod delete;
pub(crate) mod delete_group;
pub(crate) mod list;
pub(crate) mod list_groups;
pub(crate) mod query;
pub(crate) mod query_group;
pub(crate) mod update;
pub(crate) mod update_group;
