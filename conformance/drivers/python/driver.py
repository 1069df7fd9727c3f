"""The driver of the kubernetes package: a task of PROTOCOL.md a line on standard input, its results on the output."""

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
    "verbs": ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "raw", "logs"],
    "config": ["userAgent", "token", "username", "password", "client", "path", "kubeconfig", "env"],
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
    "apps/v1/deployments": (client.AppsV1Api, "deployment", client.V1Deployment),
}


def seconds(duration):
    units = {"h": 3600, "m": 60, "s": 1, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
    return sum(float(n) * units[unit] for n, unit in re.findall(r"([\d.]+)(h|ms|us|ns|m|s)", duration))


def api_client(task):
    settings = task.get("config") or {}
    own = client.Configuration(host=task["server"] + settings.get("path", ""))
    if "kubeconfig" in settings:
        own = client.Configuration()
        config.load_kube_config(io.StringIO(settings["kubeconfig"]), client_configuration=own)
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
            return {"items": resource.get(**where, **options).to_dict()["items"]}
        case "watch":
            if "timeout_seconds" in options:
                options["timeout"] = options.pop("timeout_seconds")
            return collect(resource.watch(**where, **options), call)
        case "create":
            return {"object": resource.create(body=call["object"], **where, **options).to_dict()}
        case "update":
            return {"object": resource.replace(body=call["object"], **named, **options).to_dict()}
        case "patch" if call.get("patchType") == "apply":
            options["force_conflicts"] = options.pop("force", None)
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
    everywhere = scope if where else f"{kind}_for_all_namespaces"
    below = f"_{call['subresource']}" if "subresource" in call else ""
    named = {"name": call.get("name"), **where}
    options = keywords(call, step)
    plain = api.sanitize_for_serialization
    match verb:
        case "get":
            return {"object": plain(getattr(typed, f"read_{scope}{below}")(**named, **options))}
        case "list":
            return {"items": plain(getattr(typed, f"list_{everywhere}")(**where, **options).items)}
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
            return {"object": plain(getattr(typed, f"patch_{scope}{below}")(
                body=call.get("object") or {}, _content_type=kind, **named, **options))}
        case "delete":
            body = client.V1DeleteOptions.from_dict(call.get("options"))
            getattr(typed, f"delete_{scope}")(body=body, **named)
        case "deletecollection":
            getattr(typed, f"delete_collection_{scope}")(**where, **options)
    return {}


def play_step(api, settings, step):
    if "cancelAfter" in step:
        raise NotImplementedError("a call of this client cannot be canceled")
    verb = next(name for name in HELLO["verbs"] if name in step)
    call = step[verb]
    if verb == "raw":
        request = api.param_serialize("GET", call["path"], auth_settings=["BearerToken"])
        response = api.call_api(*request, _request_timeout=keywords(call, step).get("_request_timeout"))
        response.read()
        return {"text": api.response_deserialize(response, {"200": "str"}).data}
    if verb == "logs":
        response = client.CoreV1Api(api).read_namespaced_pod_log(
            name=call["name"], namespace=call["namespace"], _preload_content=False, **keywords(call, step))
        return {"text": b"".join(response.stream()).decode()}
    return (play_typed if settings.get("client") == "typed" else play_dynamic)(api, verb, call, step)


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
            "message": status.get("message", str(error)), "retryAfterSeconds": int(retry_after_seconds(error) or 0)}}
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
            try:
                results.append({"ok": True, **play_step(api, task.get("config") or {}, step)})
            except Exception as error:
                results.append(failure(error))


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
