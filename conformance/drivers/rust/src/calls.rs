//! One step of a task, as calls of kube.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    fmt::Debug,
    pin::pin,
};

use futures::{AsyncReadExt, Stream, TryStreamExt, future::join_all};
use k8s_openapi::{
    ClusterResourceScope,
    api::{
        apps::v1::Deployment,
        authentication::v1::TokenRequest,
        autoscaling::v1::Scale,
        core::v1::{Binding, ConfigMap, Namespace, Node, Pod, ServiceAccount},
    },
};
use kube::{
    Client,
    api::{
        Api, ApiResource, DeleteParams, DynamicObject, EvictParams, GetParams, GroupVersionKind, ListParams, LogParams,
        Patch, PatchParams, PostParams, PropagationPolicy, ValidationDirective, VersionMatch, WatchParams,
    },
    core::NamespaceResourceScope,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{Failure, PATIENCE, VERBS, duration};

tokio::task_local! {
    /// When the caller of a step has enough of it.
    static END: Instant;
}

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
    #[serde(default)]
    parallel: usize,
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
    method: String,
    uri: Option<String>,
    params: BTreeMap<String, Texts>,
    headers: BTreeMap<String, String>,
    body: String,
    group_version: String,
}

/// One text or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Texts {
    One(String),
    Several(Vec<String>),
}

impl Texts {
    fn all(&self) -> &[String] {
        match self {
            Texts::One(text) => std::slice::from_ref(text),
            Texts::Several(texts) => texts,
        }
    }
}

impl Step {
    /// Of several callers the first failure, or else the first success.
    pub async fn play(&self, client: &Client, kind: &str) -> Result<Value, Failure> {
        let callers = (0..self.parallel.max(1)).map(|_| self.play_alone(client, kind));
        let mut results = join_all(callers).await;
        let which = results.iter().position(Result::is_err).unwrap_or(0);
        results.swap_remove(which)
    }

    /// A call is a future: whoever has enough of it lets it go.
    async fn play_alone(&self, client: &Client, kind: &str) -> Result<Value, Failure> {
        let verb = VERBS.into_iter().find(|verb| self.calls.contains_key(*verb)).ok_or("the step has no call")?;
        let call = self.calls[verb].play(verb, client.clone(), kind);
        let Some(limit) = self.timeout.as_ref().or(self.cancel_after.as_ref()) else { return call.await };
        let limit = duration(limit)?;
        if self.timeout.is_none() && limit.is_zero() {
            return Err(Canceled.into());
        }
        let end = Instant::now() + limit;
        let result = tokio::time::timeout_at(end, END.scope(end, call)).await;
        if self.timeout.is_some() { result? } else { result.map_err(|_| Canceled)? }
    }
}

fn all<K>(client: Client) -> Api<K>
where
    K: kube::Resource<Scope = ClusterResourceScope, DynamicType = ()>,
{
    Api::all(client)
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

    async fn play(&self, verb: &str, client: Client, kind: &str) -> Result<Value, Failure> {
        match verb {
            "raw" | "request" => return self.request(client).await,
            "logs" => return self.logs(client).await,
            "bind" | "evict" | "createToken" => return self.below(verb, client).await,
            "serverVersion" | "serverResources" => return self.discover(verb, client).await,
            _ => {}
        }
        if kind == "typed" {
            return match self.resource.as_str() {
                "v1/configmaps" => self.on(verb, self.typed::<ConfigMap>(client)).await,
                "v1/pods" => self.on(verb, self.typed::<Pod>(client)).await,
                "v1/namespaces" => self.on(verb, all::<Namespace>(client)).await,
                "v1/nodes" => self.on(verb, all::<Node>(client)).await,
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
        let api: Api<DynamicObject> = match &self.namespace {
            Some(namespace) => Api::namespaced_with(client, namespace, &resource),
            None => Api::all_with(client, &resource),
        };
        if kind == "metadata" { self.of_metadata(verb, api).await } else { self.on(verb, api).await }
    }

    async fn request(&self, client: Client) -> Result<Value, Failure> {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, texts) in &self.params {
            texts.all().iter().for_each(|text| _ = query.append_pair(name, text));
        }
        let mut target = self.uri.clone().unwrap_or(self.path.clone());
        if !self.params.is_empty() {
            target += if target.contains('?') { "&" } else { "?" };
            target += &query.finish();
        }
        let method = if self.method.is_empty() { "GET" } else { &self.method };
        let mut request = http::Request::builder().method(method).uri(target);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        Ok(json!({"text": client.request_text(request.body(self.body.clone().into_bytes())?).await?}))
    }

    /// Subresources that have methods or types of their own.
    async fn below(&self, verb: &str, client: Client) -> Result<Value, Failure> {
        let plain = PostParams::default();
        match verb {
            "evict" => _ = self.typed::<Pod>(client).evict(&self.name, &EvictParams::default()).await?,
            "bind" => {
                let mut body = Binding::default();
                body.metadata.name = Some(self.name.clone());
                body.target.kind = Some("Node".into());
                body.target.name = Some("node".into());
                let pods = self.typed::<Pod>(client);
                let _: Value = pods.create_subresource("binding", &self.name, &plain, &body).await?;
            }
            _ => {
                let body = TokenRequest::deserialize(&self.object)?;
                let accounts = self.typed::<ServiceAccount>(client);
                let token = accounts.create_token_request(&self.name, &plain, &body).await?;
                return Ok(json!({"object": token}));
            }
        }
        Ok(json!({}))
    }

    async fn discover(&self, verb: &str, client: Client) -> Result<Value, Failure> {
        Ok(match verb {
            "serverVersion" => json!({"object": client.apiserver_version().await?}),
            _ if self.group_version.contains('/') => {
                json!({"object": client.list_api_group_resources(&self.group_version).await?})
            }
            _ => json!({"object": client.list_core_api_resources(&self.group_version).await?}),
        })
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
            ("list", _) => {
                let list = api.list(&self.list_params()).await?;
                return Ok(json!({"items": list.items, "metadata": list.metadata}));
            }
            ("watch", _) => {
                return self.events(api.watch(&self.watch_params(), &self.version()).await?).await;
            }
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
            ("updateStatus", _) => {
                let object = K::deserialize(&self.object)?;
                let name = object.meta().name.clone().unwrap_or_default();
                api.replace_subresource("status", &name, &self.post_params(), &object).await?
            }
            ("apply", _) => api.patch(self.own_name(), &self.patch_params(), &Patch::Apply(&self.object)).await?,
            ("applyStatus", _) => {
                let patch = Patch::Apply(&self.object);
                api.patch_subresource("status", self.own_name(), &self.patch_params(), &patch).await?
            }
            ("getScale", _) => return Ok(json!({"object": api.get_scale(&self.name).await?})),
            ("updateScale", _) => {
                let scale = Scale::deserialize(&self.object)?;
                let scale = api.replace_scale(&self.name, &self.post_params(), &scale).await?;
                return Ok(json!({"object": scale}));
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

    /// The verbs that have methods for PartialObjectMetadata.
    async fn of_metadata(&self, verb: &str, api: Api<DynamicObject>) -> Result<Value, Failure> {
        Ok(match verb {
            "get" => json!({"object": api.get_metadata(&self.name).await?}),
            "list" => {
                let list = api.list_metadata(&self.list_params()).await?;
                json!({"items": list.items, "metadata": list.metadata})
            }
            "watch" => {
                return self.events(api.watch_metadata(&self.watch_params(), &self.version()).await?).await;
            }
            "patch" => {
                json!({"object": api.patch_metadata(&self.name, &self.patch_params(), &self.patch()?).await?})
            }
            _ => return self.on(verb, api).await,
        })
    }

    fn watch_params(&self) -> WatchParams {
        WatchParams {
            label_selector: self.text("labelSelector"),
            field_selector: self.text("fieldSelector"),
            timeout: self.number("timeoutSeconds"),
            bookmarks: self.options["allowWatchBookmarks"].as_bool().unwrap_or(WatchParams::default().bookmarks),
            send_initial_events: self.is("sendInitialEvents"),
        }
    }

    /// What a watch starts from.
    fn version(&self) -> String {
        self.text("resourceVersion").unwrap_or("0".into())
    }

    async fn events<E: Serialize>(&self, stream: impl Stream<Item = kube::Result<E>>) -> Result<Value, Failure> {
        let mut stream = pin!(stream);
        let mut events = Vec::new();
        // A watch that has opened is no failure, so an error in the stream is its end, and so is the caller's time.
        let end = END.try_with(|end| *end).unwrap_or_else(|_| Instant::now() + PATIENCE);
        while let Ok(Ok(Some(event))) = tokio::time::timeout_at(end, stream.try_next()).await {
            events.push(event);
            if events.len() == self.events {
                break;
            }
        }
        Ok(json!({"events": events}))
    }

    /// Of an object that is applied.
    fn own_name(&self) -> &str {
        self.object["metadata"]["name"].as_str().unwrap_or_default()
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
