#!/usr/bin/env python3
"""The race: Kafka Streams and Tradewind in turn on the same broker, pinned alike, with bare librdkafka as the floor.

Writes every line that a side printed to docs/race/<case>.jsonl and the table to docs/benchmarks.md. Exits with 1 where
an output was lost, repeated, out of order or wrong, or where the two sides' digests differ.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PEER = ROOT / "tests/peers/kafka-streams/run"
CACHE = pathlib.Path(os.environ.get("TRADEWIND_CACHE")
                     or pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "tradewind")
WORK = pathlib.Path(os.environ.get("PEER_DIR") or CACHE / "peer")
PORT = os.environ.get("PEER_PORT", "19092")
# The peer measures its latency once for each of two commit intervals, Tradewind twice the same: so the inputs are equal.
PEER_PHASES = "drain,warmdrain,restore,restart,latency,verify"
PHASES = "drain,warmdrain,restore,restart,latency,latency,verify"
# Nobody compresses: the records are random bytes, and the peer's author found that it only costs.


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binaries", type=pathlib.Path, default=ROOT / "target/debug", help="where tradewind and bare-kafka are")
    parser.add_argument("--workloads", default="ledger,shuffle")
    parser.add_argument("--thetas", default="0,0.99", help="of the ledger: 0 is uniform, else Zipf's exponent")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--n", type=int, help="records of a drain (a million; half as many for shuffle)")
    parser.add_argument("--keys", type=int, default=100_000)
    parser.add_argument("--rate", type=int, default=2_000)
    parser.add_argument("--secs", type=int, default=30)
    parser.add_argument("--warm", type=int, default=10)
    parser.add_argument("--short", action="store_true", help="one run, few records: whether it all works, not how fast")
    parser.add_argument("--no-pin", action="store_true", help="does not pin anything to a CPU")
    parser.add_argument("--sides", default="peer,tradewind,bare,embedded")
    parser.add_argument("--docs", type=pathlib.Path, help="where the table and the raw lines go: docs, but for --short")
    given = parser.parse_args()
    if given.short:
        given.runs, given.n, given.keys, given.secs, given.warm = 1, 60_000, 2_000, 5, 3
    given.docs = given.docs or (WORK / "short" if given.short else ROOT / "docs")
    return given


def call(what, command, **more):
    print(f"race: {what}", file=sys.stderr, flush=True)
    return subprocess.run([str(word) for word in command], cwd=ROOT, **more)


def lines_of(side, what, command):
    done = call(what, command, stdout=subprocess.PIPE, text=True)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode and not any(line.get("ok") is False for line in lines):
        print(done.stdout, file=sys.stderr)
        sys.exit(f"race: {what} failed ({done.returncode}); it said why above")
    return [{"side": side, **line} for line in lines if "median_of" not in line]


class Race:
    def __init__(self, given):
        self.given = given
        self.pinned = not given.no_pin and (os.cpu_count() or 1) >= 2

    def broker(self):
        return int((WORK / "broker.pid").read_text())

    def sides(self, workload, theta, run):
        """The lines of one run, each side after the other."""
        given, sides = self.given, self.given.sides.split(",")
        lines = []
        if "peer" in sides:
            command = [PEER, "bench", f"workload={workload}", f"theta={theta}", f"keys={given.keys}", f"phases={PEER_PHASES}",
                       f"rate={given.rate}", f"secs={given.secs}", f"warm={given.warm}"]
            command += [f"n={given.n}"] if given.n else []
            lines += lines_of("peer", f"run {run}, {workload} theta={theta}: Kafka Streams", command)
        kafka = ["--brokers", f"127.0.0.1:{PORT}", "--broker-pid", self.broker()]
        if "tradewind" in sides:
            lines += self.tradewind("tradewind", workload, theta, run, PHASES, kafka)
        if "bare" in sides:
            bare = f"{given.binaries}/bare-kafka"
            lines += self.tradewind("copy", workload, theta, run, "drain,warmdrain", [*kafka, "--application", bare])
            relay = f"{bare} --no-changelog --linger-ms 0"
            lines += self.tradewind("relay", workload, theta, run, "latency", [*kafka, "--application", relay])
        if "embedded" in sides:
            lines += self.tradewind("embedded", workload, theta, run, PHASES, [])
        return lines

    def tradewind(self, side, workload, theta, run, phases, more):
        given = self.given
        namespace = f"race-{side}"
        command = [given.binaries / "tradewind", "bench", workload, "--theta", theta, "--keys", given.keys, "--phases", phases,
                   "--rate", given.rate, "--secs", given.secs, "--warm", given.warm, "--namespace", namespace, *more]
        command += ["--n", given.n] if given.n else []
        if more:
            command += ["--property", "compression.type=none"]
        if self.pinned and more:
            command = ["taskset", "-c", os.environ.get("PEER_BROKER_CPU", "0"), *command,
                       "--app-cpu", os.environ.get("PEER_APP_CPU", "1")]
        lines = lines_of(side, f"run {run}, {workload} theta={theta}: {side}", command)
        if more:
            call(f"removing the topics of {side}", [
                "java", "-cp", f"{WORK}/libs/*", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                ROOT / "tests/race/RemoveTopics.java", f"127.0.0.1:{PORT}", namespace], check=True)
        return lines


def median(lines, side, phase, field):
    """The median over the runs. Of several lines of a phase in one run, the peer's best counts, and our worst."""
    best, runs = min if side == "peer" else max, {}
    for line in lines:
        if line["side"] == side and line["phase"] == phase and isinstance(line.get(field), (int, float)):
            runs.setdefault(line["race_run"], []).append(line[field])
    return statistics.median(best(values) for values in runs.values()) if runs else None


def shown(value):
    return "–" if value is None else f"{value:,.0f}" if value >= 1_000 else f"{value:.3g}"


def table(lines, workload, given):
    """Rows: the measure, the peer, Tradewind, the ratio, the goal and whether it is reached."""
    rows = []

    def row(name, one, other, goal=None, at_least=True, against="the peer"):
        ratio = other / one if one and other is not None else None
        reached = ""
        if goal and ratio is not None:
            reached = "yes" if (ratio >= goal if at_least else ratio <= goal) else "**no**"
        wanted = f"{'≥' if at_least else '≤'} {goal:.3g}× {against}" if goal else ""
        rows.append(f"| {name} | {shown(one)} | {shown(other)} | {'–' if ratio is None else f'{ratio:.2f}'} | {wanted} | {reached} |")

    def both(name, phase, field, *goal):
        row(name, median(lines, "peer", phase, field), median(lines, "tradewind", phase, field), *goal)

    both("cold drain: records/s", "drain", "records_per_s")
    both("cold drain: records per CPU-s", "drain", "records_per_cpu_s", 5)
    both("warm drain: records/s", "warmdrain", "records_per_s")
    both("warm drain: records per CPU-s", "warmdrain", "records_per_cpu_s", 3)
    both("latency p50, ms", "latency", "p50_ms")
    both("latency p99, ms", "latency", "p99_ms", 1 / 5, False)
    both("latency p99.9, ms", "latency", "p999_ms")
    both("peak memory, MiB", "warmdrain", "peak_rss_mb", 1 / 4, False)
    both("restore: records/s", "restore", "restored_records_per_s", 3)
    both("launch to new records, state to restore, s", "restore", "launch_to_new_records_processed_s", 1 / 4, False)
    both("launch to new records, state at hand, s", "restart", "launch_to_new_records_processed_s", 1 / 10, False)
    both("broker CPU-s, warm drain", "warmdrain", "broker_cpu_s")
    relay, ours = median(lines, "relay", "latency", "p50_ms"), median(lines, "tradewind", "latency", "p50_ms")
    row("latency p50 against a bare relay, ms", relay, ours, 1.3, False, "the relay")
    copied, ours = (median(lines, side, "warmdrain", "records_per_cpu_s") for side in ("copy", "tradewind"))
    row("records per CPU-s against a bare copy", copied, ours, 0.6, True, "the copy")
    bare, ours = (median(lines, side, "warmdrain", "peak_rss_mb") for side in ("copy", "tradewind"))
    state = given.keys * (208 if workload == "ledger" else 40) / 2**20
    allowed = bare + 1.5 * state if bare else None
    row(f"peak memory against the copy's + 1.5 × {state:.0f} MiB of state", allowed, ours, 1, False, "that")
    for name, phase, field in [("cold drain", "drain", "records_per_cpu_s"), ("warm drain", "warmdrain", "records_per_cpu_s")]:
        row(f"embedded log against Kafka, {name}: records per CPU-s", *(median(lines, side, phase, field) for side in ("tradewind", "embedded")))
    row("embedded log against Kafka: latency p99, ms", *(median(lines, side, "latency", "p99_ms") for side in ("tradewind", "embedded")))
    head = ["| | Kafka Streams (or the floor) | Tradewind | ratio | goal | reached |", "|---|---|---|---|---|---|"]
    return "\n".join(head + rows)


def verdict(lines):
    """What went wrong; empty if nothing did."""
    wrong = [f"{line['side']}, {line['phase']}, run {line['race_run']}: not ok" for line in lines if line.get("ok") is False]
    digests = {}
    for line in lines:
        for field in ("chain_digest", "state_digest"):
            if field in line:
                digests.setdefault(line[field], set()).add(line["side"])
    if len(digests) > 1:
        wrong.append(f"the digests differ: {digests}")
    return wrong


def main():
    given = options()
    race = Race(given)
    (given.docs / "race").mkdir(parents=True, exist_ok=True)
    call("building the peer", [PEER, "build"], check=True)
    call("starting the broker", [PEER, "broker-start"], check=True)
    sections, wrong = [], []
    try:
        for workload in given.workloads.split(","):
            for theta in given.thetas.split(",") if workload == "ledger" else ["0"]:
                lines = []
                for run in range(1, given.runs + 1):
                    lines += [{"race_run": run, **line} for line in race.sides(workload, theta, run)]
                name = f"{workload}-{'uniform' if float(theta) == 0 else 'zipf'}"
                with open(given.docs / "race" / f"{name}.jsonl", "w") as raw:
                    raw.writelines(json.dumps(line) + "\n" for line in lines)
                wrong += [f"{name}: {what}" for what in verdict(lines)]
                sections.append(f"### {name}\n\n{table(lines, workload, given)}\n")
    finally:
        call("stopping the broker", [PEER, "broker-stop"])
    write(given, sections)
    for what in wrong:
        print(f"race: {what}", file=sys.stderr)
    sys.exit(1 if wrong else 0)


def write(given, sections):
    said = " ".join(word for word in sys.argv[1:] if "/" not in word and word not in ("--binaries", "--docs"))
    command = f'make race ARGS="{said}"' if said else "make race"
    how = f"Medians of {given.runs} run(s) of `{command}`; every line is in `race/*.jsonl` beside this page.\n\n"
    insert(given.docs / "benchmarks.md", "race", how + "\n".join(sections))
    print("\n".join(sections))


def insert(page, mark, said):
    """Puts the text between the two comments of this name, in place of what was there."""
    begin, end = f"<!-- {mark}: begin -->", f"<!-- {mark}: end -->"
    text = page.read_text() if page.exists() else f"# Benchmarks\n\n{begin}\n{end}\n"
    before, rest = text.split(begin)
    page.write_text(f"{before}{begin}\n{said}{end}{rest.split(end)[1]}")


if __name__ == "__main__":
    main()
