"""The driver of the kubernetes package: a task of PROTOCOL.md a line on standard input, its results on the output."""

import concurrent.futures
import importlib.metadata
import io
import json
import os
import re
import sys
import threading

import pydantic
import urllib3
from kubernetes import client, config, dynamic, watch
from kubernetes.utils.retry import retry_after_seconds

HELLO = {
    "driver": "kubernetes-python",
    "version": importlib.metadata.version("kubernetes"),
    "verbs": ["get", "list", "watch", "create", "update", "updateStatus", "patch", "apply", "applyStatus", "delete",
              "deletecollection", "raw", "request", "logs", "getScale", "updateScale", "bind", "evict", "createToken",
              "proxyGet", "retryWatch", "serverVersion", "serverResources"],
    "config": ["userAgent", "token", "username", "password", "client", "path", "kubeconfig", "kubeconfigPath",
               "inCluster", "overrides.context", "env"],
    "features": ["parallel", "listMetadata"],
}
# The runner starts a driver anew that takes a minute; this one outlives a client that waits for ever.
PATIENCE_SECONDS = 40

PATCHES = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}
# Resource: the generated API, the name of the kind in its methods, and the model.
TYPED = {
    "v1/configmaps": (client.CoreV1Api, "config_map", client.V1ConfigMap),
    "v1/pods": (client.CoreV1Api, "pod", client.V1Pod),
    "v1/namespaces": (client.CoreV1Api, "namespace", client.V1Namespace),
    "v1/nodes": (client.CoreV1Api, "node", client.V1Node),
    "apps/v1/deployments": (client.AppsV1Api, "deployment", client.V1Deployment),
}
CLUSTER_WIDE = ["namespace", "node"]
# The calls of a step, of these verbs, in other words.
SAME_AS = {
    "updateStatus": ("update", {"subresource": "status"}),
    "apply": ("patch", {"patchType": "apply"}),
    "applyStatus": ("patch", {"patchType": "apply", "subresource": "status"}),
    "retryWatch": ("watch", {}),
}


def seconds(duration):
    units = {"h": 3600, "m": 60, "s": 1, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
    return sum(float(n) * units[unit] for n, unit in re.findall(r"([\d.]+)(h|ms|us|ns|m|s)", duration))


def api_client(task):
    settings = task.get("config") or {}
    own = client.Configuration(host=task["server"] + settings.get("path", ""))
    context = settings.get("overrides", {}).get("context")
    if settings.get("inCluster"):
        own = client.Configuration()
        config.load_incluster_config(client_configuration=own)
    elif "kubeconfig" in settings or "kubeconfigPath" in settings:
        own = client.Configuration()
        # The client reads KUBECONFIG when it is imported, which is before the environment of the task.
        file = settings.get("kubeconfigPath") or os.environ.get("KUBECONFIG", "~/.kube/config")
        if "kubeconfig" in settings:
            file = io.StringIO(settings["kubeconfig"])
        config.load_kube_config(file, context=context, client_configuration=own)
    if "token" in settings:
        own.api_key["BearerToken"] = "Bearer " + settings["token"]
    own.username = settings.get("username", own.username)
    own.password = settings.get("password", own.password)
    api = client.ApiClient(own)
    if "userAgent" in settings:
        api.user_agent = settings["userAgent"]
    return api


def keywords(call, step):
    """Options by the names of the client's parameters: labelSelector is label_selector."""
    named = {re.sub("([A-Z])", r"_\1", name).lower(): value for name, value in (call.get("options") or {}).items()}
    if "continue" in named:
        named["_continue"] = named.pop("continue")
    if isinstance(named.get("dry_run"), list):
        named["dry_run"] = ",".join(named["dry_run"])
    if "timeout" in step:
        named["_request_timeout"] = seconds(step["timeout"])
    return named


def collect(events, call):
    """A watch that has opened is no failure, so an exception after an event is its end."""
    seen = []
    try:
        for event in events:
            seen.append({"type": event["type"], "object": event["raw_object"]})
            if len(seen) == call.get("events"):
                break
    except Exception:
        if not seen:
            raise
    finally:
        events.close()
    return {"events": seen}


def listed(answer):
    return {"items": answer["items"], "metadata": answer.get("metadata", {})}


def play_dynamic(api, verb, call, step):
    # Nothing is discovered: a case counts requests, and names its resources itself.
    untyped = dynamic.DynamicClient(api, discoverer=lambda *_: None)
    parts = call["resource"].split("/")
    if len(parts) not in (2, 3):
        raise ValueError(f"{call['resource']} is no resource")
    group, version, name = ["", *parts][-3:]
    resource = dynamic.Resource(prefix="apis" if group else "api", group=group, api_version=version, kind="", name=name,
                                namespaced="namespace" in call, client=untyped)
    if "subresource" in call:
        resource = dynamic.Subresource(resource, kind="", name=f"{name}/{call['subresource']}",
                                       namespaced="namespace" in call)
    where = {"namespace": call.get("namespace")}
    named = {"name": call.get("name"), **where}
    options = keywords(call, step)
    match verb:
        case "get":
            return {"object": resource.get(**named, **options).to_dict()}
        case "list":
            return listed(resource.get(**where, **options).to_dict())
        case "watch":
            # As DynamicClient.watch does it, which takes no deadline.
            return collect(watch.Watch().stream(resource.get, serialize=False, **where, **options), call)
        case "create":
            return {"object": resource.create(body=call["object"], **where, **options).to_dict()}
        case "update":
            named["name"] = named["name"] or call["object"]["metadata"]["name"]
            return {"object": resource.replace(body=call["object"], **named, **options).to_dict()}
        case "patch" if call.get("patchType") == "apply":
            options["force_conflicts"] = options.pop("force", None)
            named["name"] = named["name"] or call["object"]["metadata"]["name"]
            return {"object": resource.server_side_apply(body=call.get("object"), **named, **options).to_dict()}
        case "patch":
            kind = PATCHES[call.get("patchType", "merge")]
            return {"object": resource.patch(body=call.get("object"), content_type=kind, **named, **options).to_dict()}
        case "delete":
            resource.delete(body=call.get("options"), **named)
        case "deletecollection":
            resource.delete(**where, **options)
    return {}


def play_typed(api, verb, call, step):
    if call["resource"] not in TYPED:
        raise ValueError(f"the driver has no model of {call['resource']}")
    apis, kind, model = TYPED[call["resource"]]
    typed = apis(api)
    where = {"namespace": call["namespace"]} if call.get("namespace") else {}
    scope = ("namespaced_" if where else "") + kind
    everywhere = scope if where or kind in CLUSTER_WIDE else f"{kind}_for_all_namespaces"
    below = f"_{call['subresource']}" if "subresource" in call else ""
    named = {"name": call.get("name"), **where}
    options = keywords(call, step)
    if "resourceVersion" in call:  # Of retryWatch, which needs bookmarks to keep its place.
        options.update(resource_version=call["resourceVersion"], allow_watch_bookmarks=True)
    plain = api.sanitize_for_serialization
    match verb:
        case "get":
            return {"object": plain(getattr(typed, f"read_{scope}{below}")(**named, **options))}
        case "list":
            return listed(plain(getattr(typed, f"list_{everywhere}")(**where, **options)))
        case "watch":
            return collect(watch.Watch().stream(getattr(typed, f"list_{everywhere}"), **where, **options), call)
        case "create":
            body = model.from_dict(call["object"])
            return {"object": plain(getattr(typed, f"create_{scope}")(body=body, **where, **options))}
        case "update":
            body = model.from_dict(call["object"])
            named["name"] = body.metadata.name
            return {"object": plain(getattr(typed, f"replace_{scope}{below}")(body=body, **named, **options))}
        case "patch":
            kind = PATCHES[call.get("patchType", "merge")]
            named["name"] = named["name"] or call["object"]["metadata"]["name"]
            return {"object": plain(getattr(typed, f"patch_{scope}{below}")(
                body=call.get("object") or {}, _content_type=kind, **named, **options))}
        case "delete":
            body = client.V1DeleteOptions.from_dict(call.get("options"))
            getattr(typed, f"delete_{scope}")(body=body, **named)
        case "deletecollection":
            getattr(typed, f"delete_collection_{scope}")(**where, **options)
    return {}


def play_request(api, verb, call, step):
    """A request by hand, for which the client has `param_serialize` and `call_api`."""
    query = [(name, one) for name, several in call.get("params", {}).items()
             for one in ([several] if isinstance(several, str) else several)]
    # The client writes a body itself, as JSON.
    body = json.loads(call["body"]) if "body" in call else None
    request = api.param_serialize(call.get("method", "GET"), call.get("uri") or call["path"], query_params=query,
                                  header_params=dict(call.get("headers", {})), body=body,
                                  auth_settings=["BearerToken"])
    response = api.call_api(*request, _request_timeout=keywords(call, step).get("_request_timeout"))
    response.read()
    api.response_deserialize(response, {})  # Raises what is no 2xx.
    text = response.data.decode()
    return {"text": text, "created": response.status == 201} if verb == "request" else {"text": text}


def play_logs(api, _, call, step):
    response = client.CoreV1Api(api).read_namespaced_pod_log(
        name=call["name"], namespace=call["namespace"], _preload_content=False, **keywords(call, step))
    return {"text": b"".join(response.stream()).decode()}


def play_scale(api, verb, call, _):
    if call["resource"] != "apps/v1/deployments":
        raise ValueError(f"the driver has no scale of {call['resource']}")
    apps, named = client.AppsV1Api(api), {"name": call["name"], "namespace": call["namespace"]}
    if verb == "getScale":
        scale = apps.read_namespaced_deployment_scale(**named)
    else:
        scale = apps.replace_namespaced_deployment_scale(body=client.V1Scale.from_dict(call["object"]), **named)
    return {"object": api.sanitize_for_serialization(scale)}


def play_below(api, verb, call, _):
    """Subresources that have methods of their own."""
    core, named = client.CoreV1Api(api), {"name": call["name"], "namespace": call.get("namespace")}
    meta = client.V1ObjectMeta(name=call["name"], namespace=call.get("namespace"))
    match verb:
        case "bind":
            node = client.V1ObjectReference(kind="Node", name="node")
            core.create_namespaced_pod_binding(body=client.V1Binding(metadata=meta, target=node), **named)
        case "evict":
            core.create_namespaced_pod_eviction(body=client.V1Eviction(metadata=meta), **named)
        case "createToken":
            request = client.AuthenticationV1TokenRequest.from_dict(call["object"])
            token = core.create_namespaced_service_account_token(body=request, **named)
            return {"object": api.sanitize_for_serialization(token)}
        case "proxyGet":
            named["name"] = ":".join(part for part in (call.get("scheme"), call["name"], call.get("port")) if part)
            if not call.get("path"):
                return {"text": core.connect_get_namespaced_service_proxy(**named)}
            return {"text": core.connect_get_namespaced_service_proxy_with_path(path=call["path"], **named)}
    return {}


def play_discovery(api, verb, call, _):
    plain = api.sanitize_for_serialization
    if verb == "serverVersion":
        return {"object": plain(client.VersionApi(api).get_code())}
    group, _, version = call["groupVersion"].rpartition("/")
    name = "".join(part.capitalize() for part in (group.removesuffix(".k8s.io") or "core").split("."))
    return {"object": plain(getattr(client, f"{name}{version.capitalize()}Api")(api).get_api_resources())}


SPECIAL = {
    "raw": play_request, "request": play_request, "logs": play_logs, "getScale": play_scale,
    "updateScale": play_scale, "bind": play_below, "evict": play_below, "createToken": play_below,
    "proxyGet": play_below, "serverVersion": play_discovery, "serverResources": play_discovery,
}


def play_once(api, settings, step):
    if "cancelAfter" in step:
        raise NotImplementedError("a call of this client cannot be canceled")
    verb = next(name for name in HELLO["verbs"] if name in step)
    call = step[verb]
    if verb in SPECIAL:
        return SPECIAL[verb](api, verb, call, step)
    verb, more = SAME_AS.get(verb, (verb, {}))
    call = {**call, **more}
    return (play_typed if settings.get("client") == "typed" else play_dynamic)(api, verb, call, step)


def play_alone(api, settings, step):
    try:
        return {"ok": True, **play_once(api, settings, step)}
    except Exception as error:
        return failure(error)


def play_step(api, settings, step):
    callers = step.get("parallel", 1)
    if callers < 2:
        return play_alone(api, settings, step)
    with concurrent.futures.ThreadPoolExecutor(callers) as several:
        results = list(several.map(lambda _: play_alone(api, settings, step), range(callers)))
    return next((one for one in results if not one["ok"]), results[0])


def causes(error):
    """The error and what it wraps: urllib3 keeps a cause in `reason` or among the arguments."""
    while isinstance(error, BaseException):
        yield error
        error = next((inner for inner in (getattr(error, "reason", None), *reversed(error.args), error.__cause__)
                      if isinstance(inner, BaseException)), None)


def failure(error):
    if isinstance(error, client.ApiException):
        status = {}
        try:
            status = json.loads(error.body)
        except (TypeError, ValueError):
            pass
        if not isinstance(status, dict) or status.get("kind") != "Status":
            status = {}
        return {"ok": False, "error": {
            "reason": status.get("reason", ""), "code": error.status or 0, "class": "",
            # The dynamic client adds a traceback, with the paths of this machine.
            "message": status.get("message", str(error).partition("\nOriginal traceback")[0]),
            "retryAfterSeconds": int(retry_after_seconds(error) or 0)}}
    classes = [
        ("refused", ConnectionRefusedError), ("reset", ConnectionResetError),
        ("timeout", (TimeoutError, urllib3.exceptions.TimeoutError)),
        ("decode", (json.JSONDecodeError, pydantic.ValidationError)),
        ("eof", (urllib3.exceptions.IncompleteRead, urllib3.exceptions.ProtocolError)),
    ]
    # http.client.RemoteDisconnected is a ConnectionResetError that says the peer has closed.
    known = [name for one in causes(error) for name, kind in classes
             if isinstance(one, kind) and type(one).__name__ != "RemoteDisconnected"]
    name = known[-1] if known else ""
    message = f"{type(error).__name__}: {error}"
    return {"ok": False, "error": {"reason": "", "code": 0, "class": name, "message": message}}


def play(task, results):
    try:
        api = api_client(task)
    except Exception as error:
        results.extend(failure(error) for _ in task["steps"])
        return
    with api:
        for step in task["steps"]:
            results.append(play_step(api, task.get("config") or {}, step))


def main():
    out, sys.stdout = sys.stdout, sys.stderr
    print(json.dumps(HELLO), file=out, flush=True)
    for line in sys.stdin:
        task = json.loads(line)
        before = dict(os.environ)
        os.environ.update((task.get("config") or {}).get("env", {}))
        results = []
        player = threading.Thread(target=play, args=(task, results), daemon=True)
        player.start()
        player.join(PATIENCE_SECONDS)
        late = failure(Exception(f"the client has not answered within {PATIENCE_SECONDS}s"))
        answer = results + [late] * (len(task["steps"]) - len(results))
        print(json.dumps({"results": answer}), file=out, flush=True)
        os.environ.clear()
        os.environ.update(before)


main()
