//! Groups of media assets.
//!
//! Of some endpoints only the path is documented; their fields are taken from `create` and its response.

use runninghub_core::{Untrusted, say};
use serde::Deserialize;
use serde_json::json;

use super::{
    account::untrusted,
    page::{Endpoint, List},
};
use crate::{
    Client, Error,
    http::{Answer, Call},
    payload::given,
};

/// A group of assets.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
#[serde(default, rename_all = "camelCase")]
pub struct AssetGroup {
    /// Its id.
    #[serde(alias = "id", deserialize_with = "untrusted")]
    pub group_id: Option<Untrusted>,
    /// The name that its owner gave it.
    #[serde(deserialize_with = "untrusted")]
    pub name: Option<Untrusted>,
    /// Its description.
    #[serde(deserialize_with = "untrusted")]
    pub description: Option<Untrusted>,
}

static GROUPS: Endpoint = Endpoint {
    name: "groups of assets",
    path: "/openapi/v2/assets/groups/list",
    fields: ["pageNumber", "pageSize"],
    most: 100,
    usage: say!("pages count from 1 and have 1 to 100 entries"),
    is_numbered: false,
};

impl Client {
    /// `POST /openapi/v2/assets/groups/create`: creates a group of media assets. Sent once: a second request would
    /// create another group.
    ///
    /// # Errors
    /// When there is no response, or the platform refuses the request.
    pub async fn create_asset_group(
        &self,
        name: &str,
        description: Option<&str>,
    ) -> Result<AssetGroup, Error> {
        let call = Call::repeatable("create asset group", "/openapi/v2/assets/groups/create").once(true);
        let fields = given([("name", Some(name)), ("description", description)]);
        self.post_v2(call, &fields, Answer::data).await
    }

    /// `POST /openapi/v2/assets/groups/list`: lists groups of media assets.
    pub fn asset_groups(&self) -> List<AssetGroup> {
        List::new(self, &GROUPS)
    }

    /// `POST /openapi/v2/assets/groups/query`: fetches a group of media assets.
    ///
    /// # Errors
    /// When there is no response, or the platform refuses the request.
    pub async fn asset_group(&self, group_id: &str) -> Result<AssetGroup, Error> {
        let call = Call::repeatable("asset group", "/openapi/v2/assets/groups/query");
        self.post_v2(call, &json!({ "groupId": group_id }), Answer::data).await
    }

    /// `POST /openapi/v2/assets/groups/update`: changes the given fields of a group of media assets.
    ///
    /// # Errors
    /// When there is no response, or the platform refuses the request.
    pub async fn update_asset_group(
        &self,
        group_id: &str,
        name: Option<&str>,
        description: Option<&str>,
    ) -> Result<(), Error> {
        let call = Call::repeatable("update asset group", "/openapi/v2/assets/groups/update");
        let fields = given([("groupId", Some(group_id)), ("name", name), ("description", description)]);
        self.post_v2(call, &fields, Answer::accepted).await
    }

    /// `POST /openapi/v2/assets/groups/delete`: deletes a group of media assets.
    ///
    /// # Errors
    /// When there is no response, or the platform refuses the request.
    pub async fn delete_asset_group(&self, group_id: &str) -> Result<(), Error> {
        let call = Call::repeatable("delete asset group", "/openapi/v2/assets/groups/delete").once(true);
        self.post_v2(call, &json!({ "groupId": group_id }), Answer::accepted).await
    }
}

impl List<AssetGroup> {
    /// Only groups with this name.
    pub fn name(self, name: impl Into<String>) -> Self {
        self.field("name", name.into())
    }
}
