"""What run.py has measured, as Markdown: the one table of its output and of docs/performance.md.

A row is a measurement: who, work, encoding, n, cpu_us_per_op, wall_us_per_op, peak_rss_mb and run, the number of its round.
"""

import json
import pathlib
import statistics

# What is wanted of whom, and what a profile shows where it is missed.
GOALS = json.loads(pathlib.Path(__file__).with_name("goals.json").read_text(encoding="utf-8"))
UNITS = {"cpu_us_per_op": ("CPU", 1, "µs"), "wall_us_per_op": ("time", 1000, "ms"), "peak_rss_mb": ("memory", 1, "MB"),
         "p99_us": ("p99", 1000, "ms")}

OURS = "cpp"  # who this client and this server are in the results


def load(path):
    """The rows of a file, one object a line; none of one that is not there."""
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()] if path.exists() else []


def median_of(rows, member):
    return statistics.median(row[member] for row in rows)


def ratios(ours, theirs, member):
    """Theirs over ours: of the medians, and the least and the most of the rounds that both have."""
    by_run = {row["run"]: row[member] for row in ours}
    each = [row[member] / by_run[row["run"]] for row in theirs if by_run.get(row["run"])]
    middle = median_of(ours, member)
    if not middle or not each:
        return "-"
    return f"{median_of(theirs, member) / middle:.1f} ({min(each):.1f} to {max(each):.1f})"


def grouped(rows):
    """Rows by work and encoding, then by who."""
    groups = {}
    for row in rows:
        groups.setdefault((row["work"], row["encoding"]), {}).setdefault(row["who"], []).append(row)
    return groups


def table(rows):
    """Markdown: what a work costs with ours and with theirs, and how often ours goes into theirs."""
    lines = ["| work | encoding | beside | CPU µs, ours | theirs | times ours | memory MB, ours | theirs | times ours |",
             "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |"]
    for (work, encoding), peers in grouped(rows).items():
        ours = peers.pop(OURS, None)
        for who, theirs in peers.items() if ours else ():
            cells = [work, encoding, who]
            for member in ("cpu_us_per_op", "peak_rss_mb"):
                cells += [f"{median_of(ours, member):,.1f}", f"{median_of(theirs, member):,.1f}", ratios(ours, theirs, member)]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def reached(goal, groups):
    """What is wanted, what was reached, and whether that is enough; None where one of both was not measured."""
    member = goal.get("member", "cpu_us_per_op")
    _, scale, unit = UNITS[member]
    ours = groups.get((goal["work"], goal["encoding"]), {}).get(goal.get("ours", OURS))
    if not ours:
        return None
    own = median_of(ours, member)
    if "under" in goal:
        return f"under {goal['under'] / scale:g} {unit}", f"{own / scale:.1f} {unit}", own < goal["under"]
    beside = groups.get((goal["work"], goal.get("their_encoding", goal["encoding"])), {})
    theirs = next((rows for who, rows in beside.items() if who.split()[0] == goal["beside"]), None)
    if not theirs:
        return None
    times = median_of(theirs, member) / own
    return f"1/{goal['times']}", f"1/{times:.1f}", times >= goal["times"]


def goals(rows):
    """Markdown: a line for each goal that was measured, and what a profile shows of those that are missed."""
    groups = grouped(rows)
    lines, missed = ["| work | encoding | beside | of what | wanted | reached | |", "| --- | --- | --- | --- | --- | --- | --- |"], {}
    for goal in GOALS["goals"]:
        found = reached(goal, groups)
        if not found:
            continue
        wanted, got, good = found
        what = UNITS[goal.get("member", "cpu_us_per_op")][0]
        work = f"{goal['work']}: {goal['ours']}" if "ours" in goal else goal["work"]
        lines.append(f"| {work} | {goal['encoding']} | {goal.get('beside', '')} | {what} | {wanted} | {got} | "
                     f"{'' if good else 'missed'} |")
        if not good:
            missed[goal["why"]] = GOALS["profiles"][goal["why"]]
    return "\n".join([*lines, "", *(f"- **{why}**: {text}" for why, text in missed.items())]) if len(lines) > 2 else ""


def delays(rows):
    """Markdown: what is a delay rather than a cost, of everybody."""
    lines = []
    for (work, _), peers in grouped(rows).items():
        for who, some in peers.items():
            if "p99_us" in some[0]:
                lines.append(f"| {work}: p99 from answer to last receipt | {who} | {median_of(some, 'p99_us') / 1000:.1f} |")
            elif "server: start" in work:
                lines.append(f"| {work} to ready | {who} | {median_of(some, 'wall_us_per_op') / 1000:.1f} |")
    return "\n".join(["", "| delay | who | ms |", "| --- | --- | ---: |", *lines] if lines else [])
