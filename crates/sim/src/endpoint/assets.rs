//! `POST /openapi/v2/assets/…` and `/assets/groups/…`: media assets. An asset is ready at its second query.

use std::{collections::BTreeMap, sync::Mutex};

use serde_json::{Map, Value, json};

use super::v2_key;
use crate::{answer::Answer, call::Call, state::State};

pub(super) const PATH: &str = "/openapi/v2/assets/{act}";
pub(super) const GROUPS_PATH: &str = "/openapi/v2/assets/groups/{act}";

/// The assets and groups created so far, numbered in one sequence.
#[derive(Debug, Default)]
pub(crate) struct Assets(Mutex<Shelf>);

#[derive(Debug, Default)]
struct Shelf {
    made: u64,
    assets: BTreeMap<String, Map<String, Value>>,
    groups: BTreeMap<String, Map<String, Value>>,
}

pub(super) fn asset(state: &State, call: &Call) -> Answer {
    act(
        state,
        call,
        "assetId",
        |shelf| &mut shelf.assets,
        |shelf, call| {
            let group = call.text("groupId").filter(|group| shelf.groups.contains_key(group))?;
            let kind =
                call.text("assetType").filter(|kind| ["Image", "Video", "Audio"].contains(&kind.as_str()))?;
            call.text("url")?;
            let fields =
                json!({"groupId": group, "assetType": kind, "name": call.text("name"), "status": "PENDING"});
            fields.as_object().cloned()
        },
    )
}

pub(super) fn group(state: &State, call: &Call) -> Answer {
    act(
        state,
        call,
        "groupId",
        |shelf| &mut shelf.groups,
        |_, call| {
            let fields = json!({"name": call.text("name")?, "description": call.text("description")});
            fields.as_object().cloned()
        },
    )
}

fn act(
    state: &State,
    call: &Call,
    id_field: &str,
    row: impl Fn(&mut Shelf) -> &mut BTreeMap<String, Map<String, Value>>,
    make: impl Fn(&Shelf, &Call) -> Option<Map<String, Value>>,
) -> Answer {
    if v2_key(state, call).is_none() {
        return Answer::code(401, "ApiKey verification failed", Value::Null);
    }
    let mut shelf = state.assets.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let id = call.text(id_field);
    match call.last_part() {
        "create" => {
            let Some(mut fields) = make(&shelf, call) else { return Answer::params_invalid() };
            shelf.made += 1;
            let id = format!("{}-{}", id_field.trim_end_matches("Id"), shelf.made);
            fields.insert(id_field.to_owned(), json!(id));
            row(&mut shelf).insert(id, fields.clone());
            Answer::ok(Value::Object(fields))
        }
        "list" => {
            let (Some(number @ 1..), Some(size @ 1..)) = (call.count("pageNumber"), call.count("pageSize"))
            else {
                return Answer::params_invalid();
            };
            let is_wanted = |fields: &&Map<String, Value>| {
                ["groupId", "status", "name"].iter().filter(|name| **name != id_field).all(|name| {
                    call.text(name).is_none_or(|wanted| fields.get(*name) == Some(&json!(wanted)))
                })
            };
            let all: Vec<_> = row(&mut shelf).values().filter(is_wanted).cloned().collect();
            let items: Vec<_> = all.iter().skip((number - 1) * size).take(size).collect();
            Answer::ok(json!({"items": items, "totalCount": all.len()}))
        }
        "query" => match id.and_then(|id| row(&mut shelf).get_mut(&id)) {
            Some(fields) => {
                let answer = Answer::ok(Value::Object(fields.clone()));
                if let Some(status) = fields.get_mut("status") {
                    *status = json!("ACTIVE");
                }
                answer
            }
            None => Answer::params_invalid(),
        },
        "update" => match id.and_then(|id| row(&mut shelf).get_mut(&id)) {
            Some(fields) => {
                for name in ["name", "description"] {
                    if let Some(text) = call.text(name) {
                        fields.insert(name.to_owned(), json!(text));
                    }
                }
                Answer::ok(Value::Null)
            }
            None => Answer::params_invalid(),
        },
        "delete" if id.is_some_and(|id| row(&mut shelf).remove(&id).is_some()) => Answer::ok(Value::Null),
        _ => Answer::params_invalid(),
    }
}
