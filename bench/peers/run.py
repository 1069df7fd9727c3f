#!/usr/bin/env python3
"""Compares this client and this server with those of others (bench/peers/README.md).

  scripts/bench --peers                     everything that this machine has the tools for
  scripts/bench --peers clients --rounds 3  CPU and memory of clients, against our fake server
  scripts/bench --peers servers             CPU and memory of servers, under our load
  scripts/bench --peers rest                memory of servers that hold 100,000 ConfigMaps
  scripts/bench --peers --only get --only list

What is compared takes turns, round by round, since the load of a machine changes. Every measurement is written
at once, one object a line, into build-release/results/peers/{clients,servers,rest}.json; those of the sitting
before move to the folder previous beside them. Ctrl-C ends the sitting and prints the table of what
there is.
"""

import argparse
import contextlib
import json
import os
import pathlib
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from compared import OURS, delays, table

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HERE = ROOT / "bench/peers"
BUILT = ROOT / "build-release"
OWN = BUILT / "peers"
RESULTS = BUILT / "results/peers"
SKIPPED = 77
PODS = 5000
PATIENCE = 900  # seconds that one run may take
KUBE_VERSION = "v1.37.2"

BARE = "bare socket"
UNBINNED = "ours without fast bins"
KUBE_APISERVER = f"kube-apiserver {KUBE_VERSION} + etcd"
FABRIC8 = "fabric8 mock 8.0.0"

ENCODINGS = ("json", "protobuf")
# How often a client does a work.
ONE_PROCESSOR = "-one-processor"
CLIENT_WORKS = {"get": 2000, f"get{ONE_PROCESSOR}": 2000, "list": 3, "listeach": 3, "watch": 10000, "create": 1000,
                "update": 1000, "patch": 1000, "apply": 1000}
# Work, kind, encoding, connections, how often.
SERVER_WORKS = [("get", "pods", "json", 64, 5000), ("get", "pods", "protobuf", 64, 5000),
                ("list", "pods", "json", 8, 24), ("list", "pods", "protobuf", 8, 24)]
SERVER_WORKS += [(work, kind, "json", 8, n) for kind, n in (("configmaps", 1000), ("pods", 500))
                 for work in ("create", "update", "patch", "apply")]
SERVER_WORKS += [(work, "configmaps", "json", 1000, 100) for work in ("watch", "watch-http2")]


def say(text):
    print(f"peers: {text}", file=sys.stderr, flush=True)


class Absent(Exception):
    """A peer that this machine cannot build or start, and why."""


def run_or_absent(command, **options):
    if not shutil.which(command[0]):
        raise Absent(f"{command[0]} is not installed")
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)
    if done.returncode != 0:
        raise Absent(f"{' '.join(map(str, command[:3]))} ... failed: {done.stdout.strip()[-600:]}")


# ---- building: each returns the command that starts the program

def build_ours():
    jobs = os.environ.get("JOBS", str(os.cpu_count()))
    if not (BUILT / "build.ninja").exists():
        run_or_absent(["cmake", "-S", ROOT, "-B", BUILT, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release"])
    run_or_absent(["cmake", "--build", BUILT, "--parallel", jobs, "--target", "fakeapiserver", "peers_bare",
                   "peers_client", "peers_load", "peers_manifest"])


def build_client_go():
    run_or_absent(["go", "build", "-ldflags", "-s -w", "-o", OWN / "client-go", "."], cwd=HERE / "go")
    return [OWN / "client-go"]


def build_kube():
    run_or_absent(["cargo", "build", "--release", "--locked", "--quiet", "--manifest-path", HERE / "rust/Cargo.toml",
                   "--target-dir", OWN / "rust-package"])
    return [OWN / "rust-package/release/kube-peer"]


def build_python():
    package = OWN / "python-package"
    if not (package / "bin/pip").exists():
        run_or_absent(["python3", "-m", "venv", package])
    run_or_absent([package / "bin/pip", "install", "--quiet", "--disable-pip-version-check", "--requirement",
                   HERE / "python/requirements.txt"])
    return [package / "bin/python", HERE / "python/main.py"]


def build_kube_apiserver():
    if not shutil.which("openssl"):
        raise Absent("openssl, which makes the key of its service accounts, is not installed")
    say("building kube-apiserver and etcd, which takes minutes the first time")
    version = f"-s -w -X k8s.io/component-base/version.gitVersion={KUBE_VERSION}"
    folder = HERE / "kube-apiserver"
    run_or_absent(["go", "build", "-ldflags", version, "-o", OWN / "kube-apiserver", "."], cwd=folder)
    run_or_absent(["go", "build", "-ldflags", "-s -w", "-o", OWN / "etcd", "./etcd"], cwd=folder)


def build_fabric8():
    if not shutil.which("javac"):
        raise Absent("a JDK is not installed")
    package = OWN / "java-package"
    run_or_absent(["mvn", "--quiet", "--batch-mode", "--file", HERE / "java/pom.xml",
                   f"-Dmaven.repo.local={package / 'repository'}", "compile"])


CLIENTS = {"client-go": build_client_go, "kube": build_kube, "python": build_python}


# ---- servers

class Server:
    """A running server: its address, the processes that it is made of, and what the load program needs."""

    def __init__(self, who, stack, folder):
        self.who, self.stack, self.folder = who, stack, pathlib.Path(folder)
        self.began = self.ready = None
        self.url, self.pids, self.token = None, [], None

    def spawn(self, name, command):
        log = self.stack.enter_context(open(self.folder / f"{name}.log", "w", encoding="utf-8"))
        self.began = time.monotonic()  # of the last one, which is the server: its store runs already
        process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE if name == "server" else log,
                                   stderr=log, stdin=subprocess.DEVNULL, text=True, start_new_session=True)
        self.stack.callback(stop, process)
        self.pids.append(process.pid)
        return process

    def first_line(self, process):
        """Its address, which it prints as soon as it serves."""
        self.url = process.stdout.readline().strip()
        if not self.url:
            raise Absent(f"{self.who} did not start: {(self.folder / 'server.log').read_text()[-600:]}")

    def wait_for(self, path, process):
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        request = urllib.request.Request(self.url + path)
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token.read_text()}")
        deadline = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(request, context=trusting, timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.005)
        raise Absent(f"{self.who} did not become ready; see {self.folder}")

    def resident(self):
        kilobytes = 0
        for pid in self.pids:
            for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("VmRSS:"):
                    kilobytes += int(line.split()[1])
        return kilobytes * 1024 / 1e6


def stop(process):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def start_ours(server, programs=BUILT, options=()):
    process = server.spawn("server", [programs / "fakeapiserver/fakeapiserver", *options])
    server.first_line(process)


def start_kube_apiserver(server):
    """Only the API server and its store; whoever calls is an administrator, whom no flow control holds up."""
    folder = server.folder
    etcd_port, peer_port, port = free_port(), free_port(), free_port()
    run_or_absent(["openssl", "genrsa", "-out", folder / "accounts.key", "2048"])
    run_or_absent(["openssl", "rsa", "-in", folder / "accounts.key", "-pubout", "-out", folder / "accounts.pub"])
    server.token = folder / "token"
    for path, text in ((server.token, secrets.token_hex(16)), (folder / "tokens.csv", "")):
        path.touch(mode=0o600)
        path.write_text(text or f"{server.token.read_text()},bench,bench,system:masters\n")
    etcd = f"http://127.0.0.1:{etcd_port}"
    server.spawn("etcd", [OWN / "etcd", "--data-dir", folder / "etcd", "--listen-client-urls", etcd,
                          "--advertise-client-urls", etcd, "--listen-peer-urls", f"http://127.0.0.1:{peer_port}",
                          "--unsafe-no-fsync", "--log-level", "error"])
    process = server.spawn("kube-apiserver", [
        OWN / "kube-apiserver", "--etcd-servers", etcd, "--service-cluster-ip-range", "10.0.0.0/24",
        "--service-account-issuer", "https://kubernetes.default.svc", "--service-account-key-file",
        folder / "accounts.pub", "--service-account-signing-key-file", folder / "accounts.key", "--token-auth-file",
        folder / "tokens.csv", "--authorization-mode", "AlwaysAllow", "--cert-dir", folder / "certificates",
        "--bind-address", "127.0.0.1", "--secure-port", port, "--endpoint-reconciler-type", "none",
        "--disable-admission-plugins", "ServiceAccount"])
    server.url = f"https://127.0.0.1:{port}"
    server.wait_for("/readyz", process)
    server.ready = time.monotonic()
    server.wait_for("/api/v1/namespaces/default", process)


def start_fabric8(server):
    package = OWN / "java-package"
    process = server.spawn("server", ["java", "-cp", f"{package / 'target/classes'}:{package / 'lib'}/*", "MockServer"])
    server.first_line(process)


@contextlib.contextmanager
def running(who, start):
    with tempfile.TemporaryDirectory(dir=OWN, prefix="run-") as folder, contextlib.ExitStack() as stack:
        server = Server(who, stack, folder)
        start(server)
        server.ready = server.ready or time.monotonic()
        yield server


def servers():
    """What can be started here: who, whether it speaks TLS, and how. A server is set beside ours that does as it does."""
    found = [(OURS, False, start_ours), (OURS, True, lambda server: start_ours(server, options=["--tls"]))]
    theirs = [(KUBE_APISERVER, True, build_kube_apiserver, start_kube_apiserver),
              (FABRIC8, False, build_fabric8, start_fabric8)]
    for who, tls, build, start in theirs:
        try:
            build()
            with running(who, start):
                found.append((who, tls, start))
        except Absent as why:
            say(f"absent: {who}: {why}")
    return found


def server_work(work, tls):
    return f"server: {work}{', TLS' if tls else ''}"


# ---- measuring

class Results:
    """One file; written line by line, so that an interruption loses nothing."""

    def __init__(self, path):
        self.rows = []
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            previous = path.parent / "previous"
            previous.mkdir(exist_ok=True)
            path.replace(previous / path.name)
        self.file = open(path, "a", encoding="utf-8")

    def add(self, row, number):
        row["run"] = number
        self.rows.append(row)
        self.file.write(json.dumps(row) + "\n")
        self.file.flush()
        print(f"  {row['who']:32} {row['work']:32} {row['encoding']:8} {row['cpu_us_per_op']:12.1f} us CPU "
              f"{row['wall_us_per_op']:12.1f} us  {row['peak_rss_mb']:7.1f} MB", file=sys.stderr, flush=True)


def measure(command, seconds=PATIENCE):
    """The row that a program prints; None, and a word, where it has none."""
    command = [str(part) for part in command]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds)
    except subprocess.TimeoutExpired:
        say(f"no answer within {seconds} s: {' '.join(command)}")
        return None
    if done.returncode != 0:
        said = done.stderr.strip()
        say(said if done.returncode == SKIPPED else f"failed with {done.returncode}: {' '.join(command)}: {said}")
        return None
    return json.loads(done.stdout)


def confine(pids, processors):
    for pid in pids:
        for thread in pathlib.Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
                os.sched_setaffinity(int(thread.name), processors)


@contextlib.contextmanager
def placed(server, work):
    """Wherever the system likes, or with the server and whoever is measured on one processor, if the work is named so.

    Yields what the programs call the work.
    """
    if not work.endswith(ONE_PROCESSOR):
        yield work
        return
    everywhere = os.sched_getaffinity(0)
    everybody = [os.getpid(), *server.pids]  # a client inherits the place
    confine(everybody, {min(everywhere)})
    try:
        yield work.removesuffix(ONE_PROCESSOR)
    finally:
        confine(everybody, everywhere)


def manifest(folder, count, programs=BUILT):
    path = pathlib.Path(folder) / "pods.json"
    with open(path, "w", encoding="utf-8") as out:
        subprocess.run([programs / "bench/peers/k8s/peers_manifest", str(count)], stdout=out, check=True)
    return path


def compare_clients(options, results):
    ours = BUILT / "bench/peers/k8s/peers_client"
    peers = {OURS: [ours], UNBINNED: ["env", "GLIBC_TUNABLES=glibc.malloc.mxfast=0", ours, "--who", UNBINNED],
             BARE: [BUILT / "bench/peers/k8s/peers_bare"]}
    for who, build in CLIENTS.items():
        try:
            peers[who] = build()
        except Absent as why:
            say(f"absent: {who}: {why}")
    say("absent: the official C client: no package registry has it")
    # Only a list frees so much at once that the allocator's habits matter.
    lacking = {(UNBINNED, work, encoding) for work in CLIENT_WORKS if work != "list" for encoding in ENCODINGS}
    with tempfile.TemporaryDirectory(dir=OWN, prefix="run-") as folder:
        pods = manifest(folder, PODS)
        with running(OURS, lambda server: start_ours(server, options=["--load", pods])) as server:
            for number in range(1, options.rounds + 1):
                for work, n in chosen(CLIENT_WORKS.items(), options):
                    for encoding in ENCODINGS:
                        for who, command in peers.items():
                            if (who, work, encoding) in lacking:
                                continue
                            with placed(server, work) as called:
                                row = measure([*command, "--server", server.url, "--work", called, "--encoding", encoding,
                                               "--n", n])
                            if row:
                                results.add({**row, "work": work}, number)
                            else:
                                lacking.add((who, work, encoding))


def chosen(works, options):
    return [work for work in works if not options.only or work[0] in options.only]


def load(server, work, kind, encoding, connections, n, number, programs=BUILT, objects=PODS, seconds=PATIENCE):
    command = [programs / "bench/peers/k8s/peers_load", "--server", server.url, "--work", work, "--kind", kind,
               "--encoding", encoding, "--connections", connections, "--n", n, "--objects", objects, "--who", server.who,
               "--round", number, "--server-pid", ",".join(map(str, server.pids))]
    return measure([*command, "--token-file", server.token] if server.token else command, seconds)


def cpu_of(pids):
    """User and system time in microseconds, by the CPU clock of each process, whose number clock_getcpuclockid makes so."""
    return sum(time.clock_gettime_ns((~pid << 3) | 2) for pid in pids) / 1e3


def compare_starts(found, options, results):
    """From the start of the process to its first answer; etcd runs already. Memory is what is resident then."""
    for number in range(1, options.rounds + 1):
        for who, tls, start in found:
            with running(who, start) as server:
                row = {"who": who, "work": server_work("start", tls), "encoding": "json", "n": 1,
                       "cpu_us_per_op": cpu_of(server.pids), "wall_us_per_op": round((server.ready - server.began) * 1e6),
                       "peak_rss_mb": round(server.resident(), 1)}
                results.add(row, number)


def compare_servers(options, results):
    found = servers()
    if not options.only or "start" in options.only:
        compare_starts(found, options, results)
    works = chosen(SERVER_WORKS, options)
    with contextlib.ExitStack() as stack:
        up = [(stack.enter_context(running(who, start)), tls) for who, tls, start in found if works]
        for server, tls in up:
            say(f"creating {PODS} pods in {server.who}{', TLS' if tls else ''}")
            load(server, "fill", "pods", "json", 8, PODS, 0)
        lacking = set()
        for number in range(1, options.rounds + 1):
            for work, kind, encoding, connections, n in works:
                for server, tls in up:
                    if (server, work, kind, encoding) in lacking:
                        continue
                    row = load(server, work, kind, encoding, connections, n, number)
                    if row:
                        results.add({**row, "work": server_work(row["work"], tls)}, number)
                    else:
                        lacking.add((server, work, kind, encoding))


def compare_rest(options, results):
    """ConfigMaps of 1 KB, and what is resident then; once, since the real server takes minutes."""
    for who, tls, start in servers():
        with running(who, start) as server:
            say(f"creating {options.maps} ConfigMaps in {who}")
            row = load(server, "fill", "configmaps", "json", 8, options.maps, 0)
            if row:
                results.add({**row, "work": server_work(row["work"], tls)}, 1)


def smoke(programs):
    """Each work of our two programs once, against a server with a few pods; for the tests."""
    global OWN
    programs = pathlib.Path(programs)
    count, n = 20, 3
    with tempfile.TemporaryDirectory() as folder:
        OWN = pathlib.Path(folder)
        pods = manifest(folder, count, programs)
        with running(OURS, lambda server: start_ours(server, programs, ["--load", pods])) as server:
            for work in CLIENT_WORKS:
                for encoding in ENCODINGS:
                    for program in ("peers_client", "peers_bare"):
                        with placed(server, work) as called:
                            hold_client(programs / "bench/peers/k8s" / program, server, called, encoding,
                                        count + n if work == "watch" else n)
        with running(OURS, lambda server: start_ours(server, programs, ["--tls"])) as server:
            for work, kind, encoding, connections, _ in [("fill", "pods", "json", 2, n), *SERVER_WORKS]:
                row = load(server, work, kind, encoding, min(connections, 4), n, 1, programs, n, 60)
                if not row or row["work"] != f"{work} {kind}" or row["wall_us_per_op"] <= 0:
                    sys.exit(f"peers: the load program did not do {work} of {kind} in {encoding}, but printed {row}")
    for program in ("peers_bare", "peers_client", "peers_load"):
        done = captured([programs / "bench/peers/k8s" / program, "--nonsense", "1"])
        if done.returncode != 2 or "there is no flag --nonsense" not in done.stderr:
            sys.exit(f"peers: {program} took a flag that there is not: {done.returncode} {done.stderr}")


def captured(command):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, timeout=60)


def hold_client(program, server, work, encoding, n):
    done = captured([program, "--server", server.url, "--work", work, "--encoding", encoding, "--n", n])
    if done.returncode == SKIPPED and "skipped" in done.stderr:
        return
    if done.returncode != 0:
        sys.exit(f"peers: {work} in {encoding} failed: {done.stderr}")
    row = json.loads(done.stdout)
    if (row["work"], row["encoding"]) != (work, encoding) or row["wall_us_per_op"] <= 0 or row["peak_rss_mb"] <= 0:
        sys.exit(f"peers: {work} in {encoding} printed {row}")


COMPARISONS = {"clients": compare_clients, "servers": compare_servers, "rest": compare_rest}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", nargs="*", help="clients, servers, rest; without one, clients and servers")
    parser.add_argument("--rounds", type=int, default=5, help="how often each measurement is made (default 5)")
    parser.add_argument("--only", action="append", help="one work; may be given several times")
    parser.add_argument("--maps", type=int, default=100_000, help="ConfigMaps of rest (default 100000)")
    parser.add_argument("--smoke", metavar="BUILD_FOLDER", help="our programs of that build, each work once")
    options = parser.parse_args()
    unknown = set(options.what) - set(COMPARISONS)
    known = set(CLIENT_WORKS) | {work[0] for work in SERVER_WORKS} | {"start"}
    if unknown or set(options.only or ()) - known:
        parser.error(f"there are {', '.join(COMPARISONS)}, with --only one of {', '.join(sorted(known))}")
    if options.rounds < 1 or options.maps < 1:
        parser.error("--rounds and --maps must be 1 or more")
    if options.smoke:
        smoke(options.smoke)
        return 0
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: servers must not stay behind
    OWN.mkdir(parents=True, exist_ok=True)
    try:
        build_ours()
    except Absent as why:
        sys.exit(f"peers: cannot build our own programs: {why}")
    code = 0
    for what in options.what or ["clients", "servers"]:
        results = Results(RESULTS / f"{what}.json")
        load_before = os.getloadavg()
        try:
            COMPARISONS[what](options, results)
        except KeyboardInterrupt:
            say("interrupted; what was measured is kept")
            code = 130
        loads = " and ".join(f"{one:.1f}" for one in (load_before[0], os.getloadavg()[0]))
        print(f"\n{what}: {options.rounds} rounds, {os.cpu_count()} processors, load {loads} before and after\n")
        print(table(results.rows), delays(results.rows), sep="\n", flush=True)
        if code:
            break
    return code


if __name__ == "__main__":
    sys.exit(main())
