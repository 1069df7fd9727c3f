#!/usr/bin/env python3
"""What scripts/bench does with results.

  bench/report.py keep PART FINAL      makes a result of what a program has written, interrupted or not
  bench/report.py write RESULTS DOCS   writes DOCS/performance.md and DOCS/performance/*.svg
"""

import json
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "bench/peers"))
import compared  # noqa: E402  (it lies in that folder)
SKIPPED = ("real_time", "iterations:", "repeats:", "manual_time")
MICROSECONDS = {"ns": 1e-3, "us": 1, "ms": 1e3, "s": 1e6}
WAYS = ["loopback/json", "loopback/protobuf", "plain/json", "plain/protobuf", "tls/json", "tls/protobuf"]


# ---- results ----

def load_part(text):
    """The JSON of Google Benchmark; of one that broke off, its whole rows."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        begin = text.find('"benchmarks": [')
        end = text.rfind("\n    }")
        if begin < 0 or end < begin:
            return None
        return json.loads(text[: end + len("\n    }")] + "\n  ]\n}")


def keep(part, final):
    """Rows of an earlier run stay where this one has none: it was interrupted, or told to run a few."""
    new = load_part(part.read_text())
    if new is None:
        part.unlink()
        return
    names = {row["run_name"] for row in new["benchmarks"]}
    if final.exists():
        old = json.loads(final.read_text())
        new["benchmarks"] += [row for row in old["benchmarks"] if row["run_name"] not in names]
    final.write_text(json.dumps(new, indent=1))
    part.unlink()


class Results:
    """The rows of one program, by name: lists with a value a repetition. Times are microseconds."""

    def __init__(self, path):
        self.rows = {}
        self.order = []
        for row in json.loads(path.read_text())["benchmarks"] if path.exists() else []:
            if row["run_type"] != "iteration" or row.get("error_occurred"):
                continue
            name = "/".join(part for part in row["run_name"].split("/") if not part.startswith(SKIPPED))
            if name not in self.rows:
                self.order.append(name)
            values = self.rows.setdefault(name, {})
            unit = MICROSECONDS[row["time_unit"]]
            for key, value in row.items():
                if isinstance(value, (int, float)):
                    value *= unit if key in ("cpu_time", "real_time") else 1
                    values.setdefault(key, []).append(value)

    def get(self, name, key="cpu_time"):
        values = self.rows.get(name, {}).get(key)
        return statistics.median(values) if values else None

    def spread(self, name, key="cpu_time"):
        """Half the distance of the quartiles, in percent of the median."""
        return spread(self.rows.get(name, {}).get(key, []))


def spread(values):
    if len(values) < 2 or statistics.median(values) == 0:
        return None
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return 50 * (high - low) / statistics.median(values)


# ---- text ----

def number(value):
    if value is None:
        return ""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f}"


def time(microseconds):
    if microseconds is None:
        return ""
    if microseconds >= 1000:
        return f"{number(microseconds / 1000)} ms"
    return f"{microseconds * 1000:.0f} ns" if microseconds < 1 else f"{number(microseconds)} µs"


def timed(results, name, key="cpu_time"):
    text = time(results.get(name, key))
    percent = results.spread(name, key)
    return f"{text} ± {percent:.0f} %" if text and percent is not None else text


def table(head, rows):
    rows = [row for row in rows if any(str(cell) for cell in row[1:])]
    if not rows:
        return ""
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


# ---- plots ----

STYLE = """<style>
text{font:12px sans-serif;fill:#333}.title{font-weight:bold;font-size:13px}
.grid{stroke:#8884;stroke-width:1}.s0{fill:#3b78c4;stroke:#3b78c4}.s1{fill:#d9822b;stroke:#d9822b}
.s2{fill:#3f9b5b;stroke:#3f9b5b}.s3{fill:#a057b0;stroke:#a057b0}.line{fill:none;stroke-width:2}
@media (prefers-color-scheme:dark){text{fill:#ddd}}
</style>"""


def escape(text):
    return str(text).replace("&", "&amp;").replace("<", "&lt;")


def legend(series, x, y):
    parts = []
    for i, name in enumerate(series):
        parts.append(f'<rect class="s{i}" x="{x + 130 * i}" y="{y - 9}" width="10" height="10"/>'
                     f'<text x="{x + 130 * i + 15}" y="{y}">{escape(name)}</text>')
    return "".join(parts)


def bars(title, unit, labels, series):
    """Horizontal bars; series: name -> a value a label."""
    left, width, bar, gap = 190, 640, 14, 10
    rows = [(label, [(i, values[n]) for i, values in enumerate(series.values()) if values[n] is not None])
            for n, label in enumerate(labels)]
    rows = [row for row in rows if row[1]]
    most = max((value for _, values in rows for _, value in values), default=1) or 1
    y, parts = 58, []
    for label, values in rows:
        middle = y + bar * len(values) / 2 + 4
        parts.append(f'<text x="{left - 8}" y="{middle:.0f}" text-anchor="end">{escape(label)}</text>')
        for i, value in values:
            length = max(1, (width - left - 90) * value / most)
            parts.append(f'<rect class="s{i}" x="{left}" y="{y}" width="{length:.1f}" height="{bar - 2}"/>'
                         f'<text x="{left + length + 5:.1f}" y="{y + 10}">{number(value)} {unit}</text>')
            y += bar
        y += gap
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y}" width="{width}">{STYLE}'
            f'<text class="title" x="8" y="18">{escape(title)}</text>{legend(series, 8, 40)}{"".join(parts)}</svg>\n')


def lines(title, labels, series, unit):
    """Values on a logarithmic axis over the labels; series: name -> a value a label."""
    import math
    width, height, left, right, top, bottom = 640, 320, 80, 20, 56, 40
    known = [value for values in series.values() for value in values if value]
    if not known:
        return ""
    low, high = math.floor(math.log10(min(known))), math.ceil(math.log10(max(known)))
    high = max(high, low + 1)

    def at(n, value):
        x = left + (width - left - right) * (n / max(1, len(labels) - 1))
        return x, top + (height - top - bottom) * (1 - (math.log10(value) - low) / (high - low))
    parts = []
    for power in range(low, high + 1):
        _, y = at(0, 10 ** power)
        parts.append(f'<line class="grid" x1="{left}" y1="{y:.1f}" x2="{width - right}" y2="{y:.1f}"/>'
                     f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{10 ** power:,g} {unit}</text>')
    for n, label in enumerate(labels):
        parts.append(f'<text x="{at(n, 10 ** low)[0]:.1f}" y="{height - 14}" text-anchor="middle">{escape(label)}</text>')
    for i, values in enumerate(series.values()):
        points = [at(n, value) for n, value in enumerate(values) if value]
        parts.append(f'<polyline class="line s{i}" style="fill:none" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>')
        parts += [f'<circle class="s{i}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in points]
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}">{STYLE}'
            f'<text class="title" x="8" y="18">{escape(title)}</text>{legend(series, 8, 40)}{"".join(parts)}</svg>\n')


# ---- the parts of the page ----

def output(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT).stdout.strip()
    except OSError:
        return ""


def machine():
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    memory = next((int(line.split()[1]) for line in open("/proc/meminfo") if line.startswith("MemTotal")), 0)
    compiler = "?"
    cache = ROOT / "build-release/CMakeCache.txt"
    if cache.exists():
        found = re.search(r"^CMAKE_CXX_COMPILER:\w+=(.*)$", cache.read_text(), re.M)
        compiler = output(found.group(1), "--version").splitlines()[0] if found else "?"
    return table(["", ""], [
        ["processor", f"{os.cpu_count()} × {model}"],
        ["memory", f"{memory / 1048576:.0f} GiB"],
        ["system", platform.system() + " " + ".".join(platform.release().split(".")[:2])],
        ["compiler", f"{compiler}, Release (-O3)"],
        ["TLS", output("openssl", "version")],
        ["commit", output("git", "rev-parse", "--short=12", "HEAD")],
        ["load when this was written", ", ".join(f"{value:.1f}" for value in os.getloadavg())],
    ])


def request_path(results, plot):
    steps = ["build", "encode/json", "encode/protobuf", "send", "decide", "decode/json", "decode/protobuf",
             "all/json", "all/protobuf"]
    text = "## A request, step by step\n\nThe transport answers at once. `all` is a typed GET from the call to the struct.\n\n"
    text += table(["step", "CPU", "allocations"],
                  [[step, timed(results, f"step/{step}"), number(results.get(f"step/{step}", "allocs"))] for step in steps])
    calls = {"get": "GET", "list_few": "LIST of 500 pods", "list_many": "LIST of 5,000 pods",
             "list_each_many": "ListEach of 5,000 pods", "create": "create", "update": "update", "patch": "patch"}
    text += ("\n## Whole calls\n\nCPU of the calling thread; in process (loopback) the server's work is in it, over sockets "
             "it is not.\n\n")
    text += table(["call", *WAYS], [[title, *(timed(results, f"{call}/{way}") for way in WAYS)] for call, title in calls.items()])
    text += "\nCPU of the server for the same call:\n\n"
    text += table(["call", *WAYS[2:]],
                  [[title, *(time(results.get(f"{call}/{way}", "others_cpu_us")) for way in WAYS[2:])] for call, title in calls.items()])
    text += "\nAllocations of a call:\n\n"
    text += table(["call", *WAYS], [[title, *(number(results.get(f"{call}/{way}", "allocs")) for way in WAYS)] for call, title in calls.items()])
    plot("get", bars("A typed GET: CPU", "µs", WAYS[2:],
                     {"client": [results.get(f"get/{way}") for way in WAYS[2:]],
                      "server": [results.get(f"get/{way}", "others_cpu_us") for way in WAYS[2:]]}))
    plot("list", bars("5,000 pods: CPU of the client", "ms", WAYS[2:],
                      {name: [value and value / 1000 for value in (results.get(f"{call}/{way}") for way in WAYS[2:])]
                       for name, call in (("List", "list_many"), ("ListEach", "list_each_many"))}))
    text += "\n![CPU of a GET](performance/get.svg)\n![CPU of a LIST](performance/list.svg)\n"
    text += "\n## Many callers, and latency\n\nGETs a second, by callers that share one client:\n\n"
    text += table(["callers", *WAYS[2:]],
                  [["1", *(number(results.get(f"get/{way}", "items_per_second")) for way in WAYS[2:])]] +
                  [[str(n), *(number(results.get(f"get_callers/{way}/threads:{n}", "items_per_second")) for way in WAYS[2:])]
                   for n in (8, 64)])
    text += "\nOne GET a millisecond; latency counts from the moment at which a call was due:\n\n"
    text += table(["", *WAYS[2:]],
                  [[title, *(time(results.get(f"get_at_rate/{way}/1000", key)) for way in WAYS[2:])]
                   for title, key in (("median", "p50_us"), ("99 of 100 within", "p99_us"))])
    text += "\n## Memory of a list of 1 GB\n\nWhat `ListEach` has in memory at most, beyond what the program began with:\n\n"
    text += table(["encoding", "memory", "MB a second"],
                  [[form, f"{number(results.get(f'memory/list_each_1GB/{form}', 'MB_more'))} MB",
                    number((results.get(f"memory/list_each_1GB/{form}", "bytes_per_second") or 0) / 1e6)]
                   for form in ("json", "protobuf") if results.get(f"memory/list_each_1GB/{form}")])
    return text


def codec(results):
    rows = []
    for what, title in (("Pod", "a Pod"), ("Deployment", "a Deployment"), ("List", "a list of 5,000 pods")):
        for verb in ("Decode", "Encode"):
            row = [f"{verb.lower()} {title}"]
            for form in ("Json", "Protobuf"):
                name = f"{verb}{what}{form}"
                rate = results.get(name, "bytes_per_second")
                row += [timed(results, name), number(rate / 1e6) if rate else "", number(results.get(name, "allocs"))]
            rows.append(row)
    return "## Decoding and encoding\n\n" + table(
        ["", "JSON", "MB/s", "allocations", "protobuf", "MB/s", "allocations"], rows)


def watch(results, plot):
    text = "## Watches\n\n"
    text += table(["an event, decoded", "CPU", "events a second", "allocations"],
                  [[form, timed(results, f"decode_event/{form}"), number(results.get(f"decode_event/{form}", "items_per_second")),
                    number(results.get(f"decode_event/{form}", "allocs"))] for form in ("json", "protobuf")])
    counts = [1, 100, 1000, 10000]
    text += ("\nOne change, from the moment before it was asked for until a watcher has its event. In process the watchers are "
             "read one after the other; over sockets each is a typed client on a thread of its own.\n\n")
    rows = []
    for n in counts:
        rows.append([f"{n:,}"])
        for way in ("in_process", "sockets"):
            rows[-1] += [time(results.get(f"fan_out/{way}/{n}", "p50_us")), time(results.get(f"fan_out/{way}/{n}", "p99_us")),
                         number(results.get(f"fan_out/{way}/{n}", "items_per_second"))]
    text += table(["watchers", "in process: median", "99 of 100", "events a second", "sockets: median", "99 of 100",
                   "events a second"], rows)
    series = {f"{title}, {name}": [results.get(f"fan_out/{way}/{n}", key) for n in counts]
              for way, title in (("in_process", "in process"), ("sockets", "sockets"))
              for name, key in (("p50", "p50_us"), ("p99", "p99_us"))}
    plot("fan_out", lines("From a change to its receipt, by watchers", [f"{n:,}" for n in counts], series, "µs"))
    return text + "\n![Fan-out](performance/fan_out.svg)\n"


def server(results, store):
    text = "## The fake server\n\n"
    ready = results.get("start_to_ready", "real_time")
    if ready:
        text += table(["", ""], [["start to ready, listening, all built-in kinds", time(ready)],
                                 ["resident memory of the process then", f"{number(results.get('start_to_ready', 'MB'))} MB"]])
    text += "\nEight callers over sockets, which decode nothing; the CPU is the server's for a request:\n\n"
    text += table(["", "plain/json", "", "plain/protobuf", "", "tls/json", "", "tls/protobuf", ""],
                  [[title, *(cell for way in WAYS[2:] for cell in
                             (f"{number(results.get(f'{call}/{way}', 'items_per_second'))} a second" if results.get(f"{call}/{way}") else "",
                              time(results.get(f"{call}/{way}", "server_cpu_us"))))]
                   for call, title in (("get", "GET"), ("list", "LIST of 5,000 pods"))])
    text += "\nIts handlers and its store, without sockets:\n\n"
    rows = [[name.replace("_", " "), timed(store, name), number(store.get(name, "allocs"))]
            for name in ("create", "update", "apply", "get", "list", "copy_of_the_list")]
    text += table(["", "CPU", "allocations"], rows)
    if store.get("at_rest", "bytes_an_object"):
        text += (f"\n100,000 ConfigMaps of 0.7 KB take {number(store.get('at_rest', 'MB'))} MB, that is "
                 f"{number(store.get('at_rest', 'bytes_an_object'))} bytes an object with its history and its record.\n")
    return text


def faults(results, plot):
    text = ("## A server that fails\n\nVirtual time. 1,000 calls, of which the given share of attempts fails: `busy` is 429 with "
            "`Retry-After: 1`, `error` is 500, `reset` a connection that breaks before the answer. A cell is the share of calls that "
            "came back well, the attempts a call, and the time a call took.\n\n")
    rows, labels, series = [], [], {"client-go's rules": [], "ReplaySafe": []}
    policies = {"client_go": "client-go's rules", "replay_safe": "ReplaySafe"}
    for verb in ("get", "create"):
        for failure in ("busy", "error", "reset"):
            for policy, title in policies.items():
                row = [f"{verb}, {failure}", title]
                for share in (1, 10, 50):
                    name = f"goodput/{verb}/{failure}/{policy}/{share}"
                    good = results.get(name, "ok_percent")
                    row.append("" if good is None else f"{good:.1f} %, {results.get(name, 'attempts'):.2f}, "
                               f"{results.get(name, 'wait_ms'):.0f} ms")
                rows.append(row)
                series[title].append(results.get(f"goodput/{verb}/{failure}/{policy}/50", "ok_percent"))
            labels.append(f"{verb}, {failure}")
    text += table(["", "policy", "1 %", "10 %", "50 %"], rows)
    plot("goodput", bars("Calls that came back well when half of the attempts fail", "%", labels, series))
    text += "\n![Goodput](performance/goodput.svg)\n\nAn outage of 30 s; a call every 100 ms, one at a time:\n\n"
    text += table(["", "policy", "back after", "calls that failed"],
                  [[failure, title, f"{number(results.get(f'recovery/{failure}/{policy}', 'recovery_ms'))} ms",
                    number(results.get(f"recovery/{failure}/{policy}", "failed"))]
                   for failure in ("busy", "error", "reset") for policy, title in policies.items()
                   if results.get(f"recovery/{failure}/{policy}", "failed") is not None])
    return text


PEERS = (
    ("clients", "Beside other clients",
     "The same work against the same server; CPU of the whole process an operation."),
    ("servers", "Beside other servers",
     "The same load, CPU of the server's processes a request; kube-apiserver with its etcd, which both count."),
    ("rest", "At rest beside other servers",
     "100,000 ConfigMaps of 1 KB: CPU to create one, and what is resident when all are there."),
)


def peers(folder, plot):
    """What scripts/bench --peers has measured."""
    measured = {name: compared.load(folder / f"{name}.json") for name, _, _ in PEERS}
    goals = compared.goals([row for rows in measured.values() for row in rows])
    parts = [f"## What is wanted\n\nOurs as a part of theirs, medians; the tables below have all of it.\n\n{goals}\n"] if goals else []
    for name, title, text in PEERS:
        rows = measured[name]
        if not rows:
            continue
        rounds = max(row["run"] for row in rows)
        parts.append(f"## {title}\n\n{text} Medians of {rounds} round{'s' if rounds > 1 else ''}; in parentheses the least "
                     f"and the most of one round. [How](../bench/peers/README.md).\n\n{compared.table(rows)}\n"
                     f"{compared.delays(rows)}\n")
        if name == "clients":
            parts.append("![Other clients](performance/peers.svg)\n")
            plot("peers", bars("CPU of other clients, ours is 1", "×", *times_ours(rows)))
    return "\n".join(parts)


def times_ours(rows):
    """For each work, and each of the others, how often our CPU goes into theirs."""
    groups = compared.grouped(rows)
    others = sorted({who for peers in groups.values() for who in peers if who != compared.OURS})
    series = {who: [] for who in others}
    for peers in groups.values():
        for who in others:
            both = compared.OURS in peers and who in peers
            middle = [compared.median_of(peers[one], "cpu_us_per_op") for one in (who, compared.OURS)] if both else None
            series[who].append(middle[0] / middle[1] if both else None)
    return [f"{work}, {encoding}" for work, encoding in groups], series


def write(folder, docs):
    results = {name: Results(folder / f"{name}.json") for name in ("codec", "request_path", "watch", "store", "server", "faults")}
    if not any(result.rows for result in results.values()):
        sys.exit(f"report: no results in {folder}; run scripts/bench first")
    plots = docs / "performance"
    plots.mkdir(exist_ok=True)

    def plot(name, svg):
        (plots / f"{name}.svg").write_text(svg)
    parts = [
        "# Performance\n\nWritten by `scripts/bench --write`. Medians of the repetitions ± half the distance of the quartiles. "
        "Absolute numbers are those of one machine, on one day, with whatever else it had to do; ratios travel better. What "
        "is measured and how is in [bench/README.md](../bench/README.md).\n",
        machine(),
        peers(folder / "peers", plot),
        request_path(results["request_path"], plot),
        codec(results["codec"]),
        watch(results["watch"], plot),
        server(results["server"], results["store"]),
        faults(results["faults"], plot),
        "## To repeat it\n\n```sh\nscripts/bench             # builds Release and runs everything, some minutes\n"
        "scripts/bench --write     # this page from the results\n"
        "scripts/ab HEAD~1 HEAD request_path '^get/'   # two commits in turn, with a rank test\n```\n\n"
        "A quiet machine, a fixed clock frequency and `REPEATS=20` narrow the spread.\n",
    ]
    (docs / "performance.md").write_text("\n".join(part for part in parts if part))
    print(f"report: {docs}/performance.md", file=sys.stderr)


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in ("keep", "write"):
        sys.exit(__doc__.strip())
    {"keep": keep, "write": write}[sys.argv[1]](pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]))
