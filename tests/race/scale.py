#!/usr/bin/env python3
"""What the ledger costs with more threads, with more keys, and with a long backlog, on a real Kafka.

Writes every line to docs/race/scale.jsonl and the tables to docs/benchmarks.md. Nothing is pinned: two threads are to
have two cores, of which the broker takes its part, so what is compared is records per CPU-second.
"""
import argparse
import json
import pathlib

import race

ROWS = ["cold drain: records per CPU-s", "warm drain: records per CPU-s", "warm drain: records/s", "peak memory, MiB"]


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binaries", type=pathlib.Path, default=race.ROOT / "target/debug", help="where tradewind is")
    parser.add_argument("--n", type=int, default=2_000_000, help="records of a drain; half as many as keys at least")
    parser.add_argument("--keys", default="10000,100000,1000000,10000000")
    parser.add_argument("--roomy", default="1000000,10000000", help="keys with memory for all of them")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--backlog", type=int, default=10_000_000, help="records that wait when the application starts")
    parser.add_argument("--docs", type=pathlib.Path, default=race.ROOT / "docs")
    return parser.parse_args()


class Scale:
    def __init__(self, given):
        self.given = given
        self.sides = race.Race(argparse.Namespace(no_pin=True, binaries=given.binaries, rate=1, secs=1, warm=0))

    def run(self, keys, records, threads, phases="drain,warmdrain", memory=None):
        self.sides.given.keys, self.sides.given.n = keys, records
        more = ["--brokers", f"127.0.0.1:{race.PORT}", "--broker-pid", self.sides.broker(), "--threads", threads]
        more += ["--state-memory-mib", memory] if memory else []
        lines = self.sides.tradewind("tradewind", "ledger", 0, 1, phases, more)
        return [{"keys": keys, "n": records, "threads": threads, **line} for line in lines]


def memory_for(keys):
    """MiB of state memory in half of whose rows there is room for so many of 200 bytes."""
    return keys * 1200 // 1_000_000


def column(lines, case):
    """The figures of one case, in the order of the rows."""
    found = {line["phase"]: line for line in lines if all(line[name] == value for name, value in case.items())}
    cold, warm = found["drain"], found.get("warmdrain", {})
    return [cold["records_per_cpu_s"], warm.get("records_per_cpu_s"), warm.get("records_per_s"),
            warm.get("peak_rss_mb", cold["peak_rss_mb"])]


def table(heads, columns):
    rows = ["| | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    rows += [f"| {name} | " + " | ".join(race.shown(column[at]) for column in columns) + " |" for at, name in enumerate(ROWS)]
    return "\n".join(rows) + "\n"


def main():
    given = options()
    (given.docs / "race").mkdir(parents=True, exist_ok=True)
    race.call("building the peer", [race.PEER, "build"], check=True)
    race.call("starting the broker", [race.PEER, "broker-start"], check=True)
    keys, roomy, threads = ([int(each) for each in said.split(",")] for said in (given.keys, given.roomy, given.threads))
    lines, scale = [], Scale(given)
    try:
        for count in threads:
            lines += [{"case": "threads", **line} for line in scale.run(100_000, given.n, count)]
        for count in keys:
            lines += [{"case": "keys", **line} for line in scale.run(count, max(given.n, count // 2), 1)]
        for count in roomy:
            lines += [{"case": "roomy", **line} for line in scale.run(count, max(given.n, count // 2), 1, memory=memory_for(count))]
        lines += [{"case": "backlog", **line} for line in scale.run(100_000, given.backlog, 1, "drain")]
    finally:
        race.call("stopping the broker", [race.PEER, "broker-stop"])
    with open(given.docs / "race" / "scale.jsonl", "w") as raw:
        raw.writelines(json.dumps(line) + "\n" for line in lines)
    sections = [
        "### Threads\n\n" + table([f"{each} thread(s)" for each in threads],
                                  [column(lines, {"case": "threads", "threads": each}) for each in threads]),
        "### Keys\n\n" + table([f"{each:,} keys" for each in keys],
                               [column(lines, {"case": "keys", "keys": each}) for each in keys]),
        "### Keys, with memory for all of them\n\n" + table(
            [f"{each:,} keys, {memory_for(each):,} MiB" for each in roomy],
            [column(lines, {"case": "roomy", "keys": each}) for each in roomy]),
        "### A backlog\n\n" + table([f"{given.backlog:,} records wait"], [column(lines, {"case": "backlog"})]),
    ]
    race.insert(given.docs / "benchmarks.md", "scale", "\n".join(sections))
    print("\n".join(sections))


if __name__ == "__main__":
    main()
