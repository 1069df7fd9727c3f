"""The Python client at the work that the programs in the folders beside it do with theirs: the same calls, server and
data (bench/peers/README.md).

  main.py --server URL --work WORK --encoding json --n N
"""

import argparse
import json
import os
import re
import resource
import sys
import time

from kubernetes import client, watch
from kubernetes import __version__ as version

POD = "app-7d4b9c6f5-7"
names = (f"peers-python-{os.getpid()}-{number}" for number in range(sys.maxsize))


def sample_map(name):
    data = {f"key-{number}": "x" * 90 for number in range(10)}
    return client.V1ConfigMap(api_version="v1", kind="ConfigMap", metadata=client.V1ObjectMeta(name=name), data=data)


def get(api, n):
    for _ in range(n):
        api.read_namespaced_pod(POD, "default")


def list_(api, n):
    for _ in range(n):
        if not api.list_namespaced_pod("default").items:
            sys.exit("python: the server has no pods")


def watch_(api, n):
    """A watch without a revision begins with an event for every pod; it is opened again when all have come."""
    count = api.list_namespaced_pod("default", limit=1)
    total = len(count.items) + (count.metadata.remaining_item_count or 0)
    while n > 0:
        stream = watch.Watch().stream(api.list_namespaced_pod, "default", resource_version="0")
        for _ in range(min(n, total)):
            next(stream)
        stream.close()
        n -= total


def create(api, n):
    for _ in range(n):
        api.create_namespaced_config_map("default", sample_map(next(names)))


def update(api, n):
    one = api.create_namespaced_config_map("default", sample_map(next(names)))
    for number in range(n):
        one.data["changed"] = str(number)
        one = api.replace_namespaced_config_map(one.metadata.name, "default", one)


def patch(api, n):
    one = api.create_namespaced_config_map("default", sample_map(next(names)))
    for number in range(n):
        one = api.patch_namespaced_config_map(one.metadata.name, "default", {"data": {"changed": str(number)}},
                                              _content_type="application/merge-patch+json")


def apply(api, n):
    one = sample_map(next(names))
    for number in range(n):
        one.data["changed"] = str(number)
        api.patch_namespaced_config_map(one.metadata.name, "default", one, field_manager="peers", force=True,
                                        _content_type="application/apply-patch+yaml")


WORKS = {"get": get, "list": list_, "watch": watch_, "create": create, "update": update, "patch": patch, "apply": apply}


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return (usage.ru_utime + usage.ru_stime) * 1e6


def peak():
    """In MB of 1,000,000 bytes."""
    with open("/proc/self/status", encoding="ascii") as status:
        return int(re.search(r"VmHWM:\s*(\d+)", status.read()).group(1)) * 1024 / 1e6


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", required=True)
    parser.add_argument("--work", choices=[*WORKS, "listeach"], default="get")
    parser.add_argument("--encoding", choices=["json", "protobuf"], default="json")
    parser.add_argument("--n", type=int, default=1000)
    options = parser.parse_args()
    if options.encoding != "json" or options.work not in WORKS:
        print(f"python: skipped {options.work} {options.encoding}: the client has none", file=sys.stderr)
        sys.exit(77)
    configuration = client.Configuration(host=options.server)
    api = client.CoreV1Api(client.ApiClient(configuration))
    work = WORKS[options.work]
    work(api, (options.n + 9) // 10)
    used, begin = cpu(), time.monotonic()
    work(api, options.n)
    wall = (time.monotonic() - begin) * 1e6
    used = cpu() - used
    print(json.dumps({"who": f"kubernetes {version} (Python)", "work": options.work, "encoding": "json",
                      "n": options.n, "cpu_us_per_op": round(used / options.n, 2),
                      "wall_us_per_op": round(wall / options.n, 2), "peak_rss_mb": round(peak(), 1)}))


if __name__ == "__main__":
    main()
