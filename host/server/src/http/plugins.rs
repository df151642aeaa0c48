//! `/plugins`: what runs, what was refused, and what may be touched.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use probity_config::Grants;
use probity_core::check::Capability;
use probity_sandbox::Origin;
use serde_json::{Map, Value, json};

use super::answer::{self, Refusal};
use super::app::Shared;
use super::checks::{self, Depth};
use super::query::Name;
use super::time::{millis, rfc3339};
use crate::board::{Index, Slot};
use crate::plugins::{Loading, Plugin, Plugins, Rejection, Version};

/// `GET /plugins`.
pub(super) async fn list(State(app): State<Shared>, request: Request) -> Response {
    let depth = checks::depth(&app, &request, Depth::Listed);
    // Nothing of the request is kept while waiting.
    drop(request);
    let (loading, plugins) = (app.state.plugins.loading(), app.state.plugins.load());
    let index = app.state.board.index();
    let entries = plugins.len() + index.checks.len();
    let directory = app.state.plugins.directory();
    let make = move || {
        let users = users(&index);
        let users_of = |one: &Plugin| users.get(one.name.as_str()).map_or(&[][..], Vec::as_slice);
        let arriving = arriving(&loading, &plugins);
        let all = plugins.values().map(|one| &**one).chain(&arriving);
        let plugins: Vec<Value> = all.map(|one| plugin(one, &loading, users_of(one), depth)).collect();
        let mut to = json!({ "readable": directory.error.is_none(), "left_out": directory.left_out });
        if depth != Depth::Public {
            to["error"] = json!(directory.error);
        }
        answer::json(StatusCode::OK, &json!({ "plugins": plugins, "directory": to }))
    };
    app.aside(entries, make).await
}

/// The checks of each plugin.
fn users(index: &Index) -> BTreeMap<&str, Vec<&Slot>> {
    let mut users: BTreeMap<&str, Vec<&Slot>> = BTreeMap::new();
    for slot in index.checks.values() {
        users.entry(&*slot.planned().plugin).or_default().push(slot);
    }
    users
}

/// `GET /plugins/{name}`.
pub(super) async fn one(State(app): State<Shared>, Name(name): Name, request: Request) -> Response {
    let depth = checks::depth(&app, &request, Depth::Whole);
    drop(request);
    let (loading, plugins) = (app.state.plugins.loading(), app.state.plugins.load());
    let index = app.state.board.index();
    let arriving = || arriving(&loading, &plugins).into_iter().find(|plugin| plugin.name == name).map(Arc::new);
    let Some(found) = plugins.get(&name).cloned().or_else(arriving) else {
        let near = checks::nearest(&name, plugins.keys().map(String::as_str));
        let text = format!("no plugin {}{near}; GET /plugins lists them", answer::shown(&name));
        return Refusal::not_found("no_such_plugin", text).into_response();
    };
    let users = index.checks.values().filter(|slot| *slot.planned().plugin == *found.name);
    let users: Vec<Arc<Slot>> = users.cloned().collect();
    let make = move |users: &[Arc<Slot>]| {
        let users: Vec<&Slot> = users.iter().map(Arc::as_ref).collect();
        answer::json(StatusCode::OK, &plugin(&found, &loading, &users, depth))
    };
    app.aside(users.len(), move || make(&users)).await
}

/// Plugins whose first version is being brought up.
fn arriving(loading: &Loading, plugins: &Plugins) -> Vec<Plugin> {
    let new = loading.compiling.keys().filter(|name| !plugins.contains_key(*name));
    new.map(|name| Plugin::nothing_of(name)).collect()
}

fn plugin(plugin: &Plugin, loading: &Loading, users: &[&Slot], depth: Depth) -> Value {
    let users: Vec<Value> = users.iter().map(|slot| user(slot, depth)).collect();
    let mut to = Map::new();
    let mut put = |key: &str, value: Value| drop(to.insert(key.to_owned(), value));
    put("name", json!(plugin.name));
    if depth != Depth::Public {
        put("path", json!(plugin.path.display().to_string()));
    }
    put("current", plugin.current.as_ref().map_or(Value::Null, |version| current(version, depth)));
    put("rejected", plugin.rejected.as_ref().map_or(Value::Null, |rejection| rejected(rejection, depth)));
    if let Some(compiling) = loading.compiling.get(&plugin.name) {
        let so_far_ms = millis(compiling.elapsed());
        put("compiling", json!({ "digest": compiling.digest, "size_bytes": compiling.size, "so_far_ms": so_far_ms }));
    }
    put("reloads", json!(plugin.reloads));
    put("checks", Value::Array(users));
    Value::Object(to)
}

fn current(version: &Version, depth: Depth) -> Value {
    let mut to = json!({
        "digest": version.digest,
        "version": version.metadata.version,
        "loaded": rfc3339(version.loaded_unix_ms),
    });
    if depth != Depth::Public {
        to["size_bytes"] = json!(version.size);
        to["load_ms"] = json!(millis(version.load_time));
        to["from"] = json!(match version.program.origin {
            Origin::Cache => "cache",
            Origin::Compiled => "compiler",
        });
        to["imports"] = json!(version.program.imports);
        to["capabilities"] = json!(version.program.capabilities);
        to["metadata"] = json!(version.metadata);
        if depth == Depth::Listed {
            // Schemas are long, and a list is for looking over.
            for key in ["config_schema", "config_example"] {
                to["metadata"].as_object_mut().map(|metadata| metadata.remove(key));
            }
        }
    }
    to
}

fn rejected(rejection: &Rejection, depth: Depth) -> Value {
    let mut to = json!({
        "digest": rejection.digest,
        "stage": rejection.stage,
        "at": rfc3339(rejection.at_unix_ms),
    });
    if depth != Depth::Public {
        to["size_bytes"] = json!(rejection.size);
        to["message"] = json!(rejection.message);
    }
    to
}

/// A check of the plugin, and what it may touch.
fn user(slot: &Slot, depth: Depth) -> Value {
    let planned = slot.planned();
    let mut to = json!({ "name": planned.name, "status": slot.view().status });
    if depth != Depth::Public {
        to["grants"] = grants(&planned.env.grants);
        to["origin"] = json!(planned.origin);
        to["blocked"] = json!(planned.blocked.as_ref().map(|failure| &failure.message));
    }
    to
}

/// Grants as the configuration writes them.
fn grants(grants: &Grants) -> Value {
    let granted = Capability::ALL.into_iter().filter(|capability| capability.needs_grant());
    granted
        .map(|capability| (capability.as_str().to_owned(), grants.texts(capability).into()))
        .collect::<Map<_, _>>()
        .into()
}
