"""What run.py has measured, as Markdown: the one table of its output and of docs/performance.md.

A row is a measurement: who, work, encoding, n, cpu_us_per_op, wall_us_per_op, peak_rss_mb and run, the number of its round.
"""

import json
import statistics

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
