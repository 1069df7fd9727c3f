#!/usr/bin/env python3
"""A driver of PROTOCOL.md around kubectl, seen from outside: one process a call, raw requests, so that discovery does
not stand between the case and what the server sees. What kubectl prints is all that is known of an outcome."""

import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile
from urllib.parse import urlencode

KUBECTL = os.environ.get("KUBECTL", "kubectl")
VERBS = ["get", "list", "watch", "create", "update", "delete", "raw", "logs", "serverVersion"]
CONFIG = ["timeout", "token", "username", "password", "impersonate", "impersonateGroups", "path", "env", "kubeconfig",
          "kubeconfigPath", "overrides", "warnings"]
FEATURES = ["parallel", "listMetadata"]
# What a command line says over a kubeconfig.
FLAGS = {"context": "--context", "cluster": "--cluster", "user": "--user", "namespace": "--namespace",
         "server": "--server", "token": "--token", "as": "--as", "timeout": "--request-timeout",
         "insecure": "--insecure-skip-tls-verify"}

# kubectl prints reasons, not codes; these are the codes of the reasons in the API's conventions.
CODES = {"BadRequest": 400, "Unauthorized": 401, "Forbidden": 403, "NotFound": 404, "MethodNotAllowed": 405,
         "NotAcceptable": 406, "Conflict": 409, "AlreadyExists": 409, "Gone": 410, "Expired": 410,
         "RequestEntityTooLarge": 413, "UnsupportedMediaType": 415, "Invalid": 422, "TooManyRequests": 429,
         "InternalError": 500, "ServiceUnavailable": 503, "ServerTimeout": 500, "Timeout": 504}
WARNING = re.compile(r"^Warning: (.*)\n", re.MULTILINE)
CLASSES = [("reset", "connection reset by peer"), ("refused", "connection refused"), ("refused", "was refused"),
           ("timeout", "deadline exceeded"), ("timeout", "Client.Timeout"), ("timeout", "i/o timeout"), ("eof", "EOF")]


def path_of(call, subresource=""):
    group, _, resource = call["resource"].rpartition("/")
    parts = ["/api" if "/" not in group else "/apis", group]
    if call.get("namespace"):
        parts += ["namespaces", call["namespace"]]
    parts += [resource, call.get("name", ""), call.get("subresource", subresource)]
    options = {name: str(value).lower() if isinstance(value, bool) else value
               for name, value in call.get("options", {}).items()}
    query = urlencode(options, doseq=True)
    return "/".join(part for part in parts if part) + (f"?{query}" if query else "")


def kubeconfig(server, config):
    if "kubeconfig" in config:
        return config["kubeconfig"]
    user = {name: config[name] for name in ("token", "username", "password") if name in config}
    if "impersonate" in config:
        user["as"] = config["impersonate"]
    if "impersonateGroups" in config:
        user["as-groups"] = config["impersonateGroups"]
    return json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "case",
        "contexts": [{"name": "case", "context": {"cluster": "case", "user": "case"}}],
        "clusters": [{"name": "case", "cluster": {"server": server + config.get("path", "")}}],
        "users": [{"name": "case", "user": user}]})


def seconds(text):
    units = {"h": 3600, "m": 60, "s": 1, "ms": 0.001, "us": 1e-6, "ns": 1e-9}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([\d.]+)(ms|us|ns|h|m|s)", text))


def failure(text, given=""):
    text = WARNING.sub("", text).strip()
    said = re.match(r"Error from server(?: \((\w+)\))?: (.*)", text, re.DOTALL)
    message = said.group(2) if said else text
    reason = said.group(1) or "" if said else ""
    number = re.search(r"with the status code (\d+)", message)
    code = int(number.group(1)) if number else CODES.get(reason, 0)
    guess = next((name for name, mark in CLASSES if mark in text), "")
    return {"ok": False, "error": {"reason": reason, "code": code, "class": given or guess, "message": message}}


def arguments_of(verb, call):
    if verb in ("get", "list"):
        return ["get", "--raw", path_of(call)]
    if verb == "watch":
        return ["get", "--raw", path_of({**call, "options": {**call.get("options", {}), "watch": True}})]
    if verb == "logs":
        return ["get", "--raw", path_of({**call, "resource": "v1/pods"}, "log")]
    if verb == "raw":
        return ["get", "--raw", call["path"]]
    if verb == "serverVersion":
        return ["version", "-o", "json"]
    command = {"create": "create", "update": "replace", "delete": "delete"}[verb]
    if verb == "update":
        call = {**call, "name": call.get("name") or call["object"]["metadata"]["name"]}
    return [command, "--raw", path_of(call)] + (["-f", "-"] if "object" in call else [])


def events_of(text):
    """The JSON documents of a stream, to the first that is none."""
    events, decoder, at = [], json.JSONDecoder(), 0
    while at < len(text):
        try:
            event, end = decoder.raw_decode(text, at)
        except ValueError:
            break
        if isinstance(event, dict):
            events.append(event)
        at = end + len(text[end:]) - len(text[end:].lstrip())
    return events


def watched(process, most):
    """The events that come before the watch ends, or the first `most` of them."""
    text, events = "", []
    for line in process.stdout:
        text += line
        events = events_of(text)
        if most and len(events) >= most:
            process.kill()
            break
    return {"ok": True, "events": events[:most] if most else events}


def play(step, base, environment, warnings):
    verb = next(name for name in VERBS if name in step)
    call = step[verb]
    limit, given = None, ""
    for member, name in (("timeout", "timeout"), ("cancelAfter", "canceled")):
        if member in step:
            limit, given = seconds(step[member]), name
    process = subprocess.Popen(base + arguments_of(verb, call), env=environment, text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        if verb == "watch" and limit is None:
            result = watched(process, call.get("events", 0))
            error = process.communicate()[1]
            warnings += WARNING.findall(error)
            return result if result["events"] or process.returncode == 0 else failure(error)
        body = json.dumps(call["object"]) if "object" in call else None
        output, error = process.communicate(body, timeout=limit)
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
        # A watch that has opened is no failure, however it ends.
        return {"ok": True, "events": events_of(output)} if verb == "watch" and output else failure("given up", given)
    warnings += WARNING.findall(error)
    if process.returncode != 0:
        return failure(error)
    return answered(verb, output)


def answered(verb, output):
    if verb in ("raw", "logs"):
        return {"ok": True, "text": output}
    if verb == "watch":
        return {"ok": True, "events": events_of(output)}
    try:
        answer = json.loads(output)
    except ValueError as error:
        return failure(str(error), "decode")
    if verb == "list":
        return {"ok": True, "items": answer.get("items", []), "metadata": answer.get("metadata", {})}
    return {"ok": True, "object": answer["serverVersion"] if verb == "serverVersion" else answer}


def play_step(step, base, environment, warnings):
    """Of several callers the first failure, or else the first success."""
    callers = step.get("parallel", 1)
    with concurrent.futures.ThreadPoolExecutor(callers) as several:
        results = list(several.map(lambda _: play(step, base, environment, warnings), range(callers)))
    return next((one for one in results if not one["ok"]), results[0])


def run(task):
    config = task["config"]
    with tempfile.TemporaryDirectory() as home:
        base = [KUBECTL]
        if config.get("kubeconfigPath") != "":
            file = config.get("kubeconfigPath") or os.path.join(home, "config")
            base += ["--kubeconfig", file]
        if "kubeconfigPath" not in config:
            with open(file, "w", encoding="utf-8") as out:
                out.write(kubeconfig(task["server"], config))
        if "timeout" in config:
            base += ["--request-timeout", config["timeout"]]
        base += [f"{FLAGS[name]}={value}" for name, value in config.get("overrides", {}).items()]
        environment = {**os.environ, "HOME": home, **config.get("env", {})}
        warnings = []
        results = [play_step(step, base, environment, warnings) for step in task["steps"]]
        return {"results": results, "warnings": warnings}


def main():
    version = json.loads(subprocess.run([KUBECTL, "version", "--client", "-o", "json"], check=True,
                                        capture_output=True, text=True).stdout)["clientVersion"]["gitVersion"]
    print(json.dumps({"driver": "kubectl", "version": version, "verbs": VERBS, "config": CONFIG,
                      "features": FEATURES}), flush=True)
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
