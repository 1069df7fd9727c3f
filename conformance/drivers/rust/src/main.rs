//! The driver of kube: a task of PROTOCOL.md a line on standard input, its results on standard output.

mod calls;

use std::{collections::BTreeMap, error::Error, io, time::Duration};

use kube::{Client, Config, config::KubeConfigOptions, config::Kubeconfig};
use serde::Deserialize;
use serde_json::{Value, json};

use calls::Step;

const VERSION: &str = "5.0.0";
const VERBS: [&str; 21] = [
    "get",
    "list",
    "watch",
    "create",
    "update",
    "updateStatus",
    "patch",
    "apply",
    "applyStatus",
    "delete",
    "deletecollection",
    "raw",
    "request",
    "logs",
    "getScale",
    "updateScale",
    "bind",
    "evict",
    "createToken",
    "serverVersion",
    "serverResources",
];
const FEATURES: [&str; 3] = ["parallel", "metadataClient", "listMetadata"];
const CONFIG: [&str; 16] = [
    "timeout",
    "userAgent",
    "token",
    "username",
    "password",
    "impersonate",
    "impersonateGroups",
    "client",
    "path",
    "kubeconfig",
    "kubeconfigPath",
    "inCluster",
    "overrides.context",
    "overrides.cluster",
    "overrides.user",
    "env",
];
/// The runner starts a driver anew that takes a minute; this one outlives a client that waits for ever.
const PATIENCE: Duration = Duration::from_secs(40);

type Failure = Box<dyn Error>;

#[derive(Deserialize)]
struct Task {
    server: String,
    #[serde(default)]
    config: Settings,
    steps: Vec<Step>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Settings {
    timeout: Option<String>,
    user_agent: Option<String>,
    token: Option<String>,
    username: Option<String>,
    password: Option<String>,
    impersonate: Option<String>,
    impersonate_groups: Option<Vec<String>>,
    client: String,
    path: String,
    kubeconfig: Option<String>,
    kubeconfig_path: Option<String>,
    in_cluster: bool,
    overrides: Overrides,
    env: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Overrides {
    context: Option<String>,
    cluster: Option<String>,
    user: Option<String>,
}

/// A duration as Go spells it: "1m30s".
fn duration(text: &str) -> Result<Duration, Failure> {
    let mut sum = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let unit_at = rest.find(|c: char| c.is_alphabetic()).ok_or("a duration without a unit")?;
        let number: f64 = rest[..unit_at].parse()?;
        let end = rest[unit_at..].find(|c: char| !c.is_alphabetic()).map_or(rest.len(), |at| unit_at + at);
        sum += number
            * match &rest[unit_at..end] {
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 1e-3,
                unit => return Err(format!("a duration in {unit}").into()),
            };
        rest = &rest[end..];
    }
    Ok(Duration::from_secs_f64(sum))
}

async fn client(server: &str, settings: &Settings) -> Result<Client, Failure> {
    let over = &settings.overrides;
    let options =
        KubeConfigOptions { context: over.context.clone(), cluster: over.cluster.clone(), user: over.user.clone() };
    let mut config = match (&settings.kubeconfig, settings.kubeconfig_path.as_deref()) {
        _ if settings.in_cluster => Config::incluster()?,
        (Some(text), _) => Config::from_custom_kubeconfig(Kubeconfig::from_yaml(text)?, &options).await?,
        (None, Some("")) => Config::from_kubeconfig(&options).await?,
        (None, Some(path)) => Config::from_custom_kubeconfig(Kubeconfig::read_from(path)?, &options).await?,
        (None, None) => Config::new(format!("{server}{}", settings.path).parse()?),
    };
    if let Some(timeout) = &settings.timeout {
        config.read_timeout = Some(duration(timeout)?).filter(|limit| !limit.is_zero());
    }
    if let Some(agent) = &settings.user_agent {
        config.headers.push((http::header::USER_AGENT, agent.parse()?));
    }
    let auth = &mut config.auth_info;
    auth.token = settings.token.clone().map(Into::into).or(auth.token.take());
    auth.username = settings.username.clone().or(auth.username.take());
    auth.password = settings.password.clone().map(Into::into).or(auth.password.take());
    auth.impersonate = settings.impersonate.clone().or(auth.impersonate.take());
    auth.impersonate_groups = settings.impersonate_groups.clone().or(auth.impersonate_groups.take());
    Ok(Client::try_from(config)?)
}

/// What is no answer of the server, by the cause at the bottom.
fn class(error: &(dyn Error + 'static)) -> &'static str {
    let mut class = "";
    let mut cause = Some(error);
    while let Some(one) = cause {
        if let Some(io) = one.downcast_ref::<io::Error>() {
            class = match io.kind() {
                io::ErrorKind::ConnectionRefused => "refused",
                io::ErrorKind::ConnectionReset => "reset",
                io::ErrorKind::UnexpectedEof => "eof",
                io::ErrorKind::TimedOut => "timeout",
                _ => class,
            };
        } else if one.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_incomplete_message) {
            class = "eof";
        } else if one.is::<serde_json::Error>() {
            class = "decode";
        } else if one.is::<tokio::time::error::Elapsed>() {
            class = "timeout";
        } else if one.is::<calls::Canceled>() {
            class = "canceled";
        }
        cause = one.source();
    }
    class
}

fn failure(error: &(dyn Error + 'static)) -> Value {
    let said = match error.downcast_ref::<kube::Error>() {
        Some(kube::Error::Api(status)) => json!({
            "reason": status.reason, "code": status.code, "class": "", "message": status.message,
            "retryAfterSeconds": status.details.as_ref().map_or(0, |details| details.retry_after_seconds),
        }),
        _ => {
            let mut message = error.to_string();
            let mut cause = error.source();
            while let Some(one) = cause {
                message += &format!(": {one}");
                cause = one.source();
            }
            json!({"reason": "", "code": 0, "class": class(error), "message": message})
        }
    };
    json!({"ok": false, "error": said})
}

async fn play(task: &Task, results: &mut Vec<Value>) {
    let client = match client(&task.server, &task.config).await {
        Ok(client) => client,
        Err(error) => {
            results.resize(task.steps.len(), failure(&*error));
            return;
        }
    };
    for step in &task.steps {
        results.push(match step.play(&client, &task.config.client).await {
            Ok(mut result) => {
                result["ok"] = json!(true);
                result
            }
            Err(error) => failure(&*error),
        });
    }
}

fn main() -> Result<(), Failure> {
    println!(
        "{}",
        json!({"driver": "kube", "version": VERSION, "verbs": VERBS, "config": CONFIG, "features": FEATURES})
    );
    for line in io::stdin().lines() {
        let task: Task = serde_json::from_str(&line?)?;
        for (name, value) in &task.config.env {
            // SAFETY: no other thread runs, as the runtime of the task before is gone.
            unsafe { std::env::set_var(name, value) };
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let mut results = Vec::new();
        let late = runtime.block_on(async { tokio::time::timeout(PATIENCE, play(&task, &mut results)).await }).is_err();
        drop(runtime);
        if late {
            let error = io::Error::other(format!("the client has not answered within {}s", PATIENCE.as_secs()));
            results.resize(task.steps.len(), failure(&error));
        }
        println!("{}", json!({"results": results}));
        for name in task.config.env.keys() {
            // SAFETY: as above.
            unsafe { std::env::remove_var(name) };
        }
    }
    Ok(())
}
