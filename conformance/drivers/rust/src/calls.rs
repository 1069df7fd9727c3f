//! One step of a task, as calls of kube.

use std::{collections::HashMap, fmt, fmt::Debug};

use futures::{AsyncReadExt, TryStreamExt};
use k8s_openapi::api::{apps::v1::Deployment, core::v1::ConfigMap, core::v1::Pod};
use kube::{
    Client,
    api::{
        Api, ApiResource, DeleteParams, DynamicObject, GetParams, GroupVersionKind, ListParams, LogParams, Patch,
        PatchParams, PostParams, PropagationPolicy, ValidationDirective, VersionMatch, WatchParams,
    },
    core::NamespaceResourceScope,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{Failure, VERBS, duration};

#[derive(Debug)]
pub struct Canceled;

impl fmt::Display for Canceled {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str("the caller has given up")
    }
}

impl std::error::Error for Canceled {}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    timeout: Option<String>,
    cancel_after: Option<String>,
    #[serde(flatten)]
    calls: HashMap<String, Call>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Call {
    resource: String,
    namespace: Option<String>,
    name: String,
    subresource: Option<String>,
    options: Value,
    object: Value,
    patch_type: String,
    path: String,
    events: usize,
}

impl Step {
    /// A call is a future: whoever has enough of it lets it go.
    pub async fn play(&self, client: &Client, typed: bool) -> Result<Value, Failure> {
        let verb = VERBS.into_iter().find(|verb| self.calls.contains_key(*verb)).ok_or("the step has no call")?;
        let call = self.calls[verb].play(verb, client.clone(), typed);
        if let Some(limit) = &self.timeout {
            return tokio::time::timeout(duration(limit)?, call).await?;
        }
        let Some(after) = &self.cancel_after else { return call.await };
        let after = duration(after)?;
        if after.is_zero() {
            return Err(Canceled.into());
        }
        tokio::time::timeout(after, call).await.map_err(|_| Canceled)?
    }
}

impl Call {
    fn text(&self, option: &str) -> Option<String> {
        self.options[option].as_str().map(str::to_owned)
    }

    fn number<N: TryFrom<i64>>(&self, option: &str) -> Option<N> {
        self.options[option].as_i64().and_then(|number| number.try_into().ok())
    }

    fn is(&self, option: &str) -> bool {
        self.options[option].as_bool().unwrap_or_default()
    }

    fn dry_run(&self) -> bool {
        self.options["dryRun"].is_array()
    }

    async fn play(&self, verb: &str, client: Client, typed: bool) -> Result<Value, Failure> {
        match verb {
            "raw" => {
                let request = http::Request::get(&self.path).body(vec![])?;
                return Ok(json!({"text": client.request_text(request).await?}));
            }
            "logs" => return self.logs(client).await,
            _ => {}
        }
        if typed {
            return match self.resource.as_str() {
                "v1/configmaps" => self.on(verb, self.typed::<ConfigMap>(client)).await,
                "v1/pods" => self.on(verb, self.typed::<Pod>(client)).await,
                "apps/v1/deployments" => self.on(verb, self.typed::<Deployment>(client)).await,
                other => Err(format!("the driver has no type of {other}").into()),
            };
        }
        let parts: Vec<&str> = self.resource.split('/').collect();
        let (group, version, plural) = match parts[..] {
            [version, plural] => ("", version, plural),
            [group, version, plural] => (group, version, plural),
            _ => return Err(format!("{} is no resource", self.resource).into()),
        };
        let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, ""), plural);
        self.on::<DynamicObject>(
            verb,
            match &self.namespace {
                Some(namespace) => Api::namespaced_with(client, namespace, &resource),
                None => Api::all_with(client, &resource),
            },
        )
        .await
    }

    fn typed<K>(&self, client: Client) -> Api<K>
    where
        K: kube::Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        match &self.namespace {
            Some(namespace) => Api::namespaced(client, namespace),
            None => Api::all(client),
        }
    }

    async fn on<K>(&self, verb: &str, api: Api<K>) -> Result<Value, Failure>
    where
        K: Clone + Debug + DeserializeOwned + Serialize + kube::Resource,
    {
        let object = match (verb, &self.subresource) {
            ("get", None) => {
                let params = GetParams { resource_version: self.text("resourceVersion") };
                api.get_with(&self.name, &params).await?
            }
            ("get", Some(below)) => api.get_subresource(below, &self.name).await?,
            ("list", _) => return Ok(json!({"items": api.list(&self.list_params()).await?.items})),
            ("watch", _) => return self.watch(api).await,
            ("create", _) => api.create(&self.post_params(), &K::deserialize(&self.object)?).await?,
            ("update", None) => {
                let object = K::deserialize(&self.object)?;
                let name = object.meta().name.clone().unwrap_or_default();
                api.replace(&name, &self.post_params(), &object).await?
            }
            ("update", Some(below)) => {
                let object = K::deserialize(&self.object)?;
                let name = object.meta().name.clone().unwrap_or_default();
                api.replace_subresource(below, &name, &self.post_params(), &object).await?
            }
            ("patch", None) => api.patch(&self.name, &self.patch_params(), &self.patch()?).await?,
            ("patch", Some(below)) => {
                api.patch_subresource(below, &self.name, &self.patch_params(), &self.patch()?).await?
            }
            ("delete", _) => {
                api.delete(&self.name, &self.delete_params()).await?;
                return Ok(json!({}));
            }
            _ => {
                api.delete_collection(&DeleteParams::default(), &self.list_params()).await?;
                return Ok(json!({}));
            }
        };
        Ok(json!({"object": object}))
    }

    async fn watch<K>(&self, api: Api<K>) -> Result<Value, Failure>
    where
        K: Clone + Debug + DeserializeOwned + Serialize,
    {
        let params = WatchParams {
            label_selector: self.text("labelSelector"),
            field_selector: self.text("fieldSelector"),
            timeout: self.number("timeoutSeconds"),
            bookmarks: self.options["allowWatchBookmarks"].as_bool().unwrap_or(WatchParams::default().bookmarks),
            send_initial_events: self.is("sendInitialEvents"),
        };
        let version = self.text("resourceVersion").unwrap_or("0".into());
        let mut stream = Box::pin(api.watch(&params, &version).await?);
        let mut events = Vec::new();
        // A watch that has opened is no failure, so an error in the stream is its end.
        while let Ok(Some(event)) = stream.try_next().await {
            events.push(event);
            if events.len() == self.events {
                break;
            }
        }
        Ok(json!({"events": events}))
    }

    async fn logs(&self, client: Client) -> Result<Value, Failure> {
        let params = LogParams {
            container: self.text("container"),
            follow: self.is("follow"),
            limit_bytes: self.number("limitBytes"),
            previous: self.is("previous"),
            since_seconds: self.number("sinceSeconds"),
            tail_lines: self.number("tailLines"),
            timestamps: self.is("timestamps"),
            ..LogParams::default()
        };
        let mut text = String::new();
        let mut stream = Box::pin(self.typed::<Pod>(client).log_stream(&self.name, &params).await?);
        stream.read_to_string(&mut text).await?;
        Ok(json!({"text": text}))
    }

    fn patch(&self) -> Result<Patch<&Value>, Failure> {
        Ok(match self.patch_type.as_str() {
            "json" => Patch::Json(serde_json::from_value(self.object.clone())?),
            "strategic" => Patch::Strategic(&self.object),
            "apply" => Patch::Apply(&self.object),
            _ => Patch::Merge(&self.object),
        })
    }

    fn list_params(&self) -> ListParams {
        ListParams {
            label_selector: self.text("labelSelector"),
            field_selector: self.text("fieldSelector"),
            limit: self.number("limit"),
            continue_token: self.text("continue"),
            version_match: self.text("resourceVersionMatch").map(|how| match how.as_str() {
                "Exact" => VersionMatch::Exact,
                _ => VersionMatch::NotOlderThan,
            }),
            resource_version: self.text("resourceVersion"),
            ..ListParams::default()
        }
    }

    fn post_params(&self) -> PostParams {
        PostParams { dry_run: self.dry_run(), field_manager: self.text("fieldManager") }
    }

    fn patch_params(&self) -> PatchParams {
        PatchParams {
            dry_run: self.dry_run(),
            force: self.is("force"),
            field_manager: self.text("fieldManager"),
            field_validation: self.text("fieldValidation").map(|how| match how.as_str() {
                "Strict" => ValidationDirective::Strict,
                "Warn" => ValidationDirective::Warn,
                _ => ValidationDirective::Ignore,
            }),
        }
    }

    fn delete_params(&self) -> DeleteParams {
        DeleteParams {
            dry_run: self.dry_run(),
            grace_period_seconds: self.number("gracePeriodSeconds"),
            propagation_policy: self.text("propagationPolicy").map(|how| match how.as_str() {
                "Orphan" => PropagationPolicy::Orphan,
                "Foreground" => PropagationPolicy::Foreground,
                _ => PropagationPolicy::Background,
            }),
            preconditions: None,
        }
    }
}
