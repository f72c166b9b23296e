#!/usr/bin/env python3
# Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
"""Puts every model of a clone of opensim-org/opensim-models through psoas: converts it, checks the result and evaluates
it at its default pose. Prints the table of docs/opensim.md, or writes it there.

  scripts/opensim_models.py ~/opensim-models build/release/bin/psoas
  scripts/opensim_models.py ~/opensim-models build/release/bin/psoas --write docs/opensim.md

The clone may be a bare one; the models are those of one commit, HEAD unless --commit says otherwise. Not run in CI.
"""
import argparse
import collections
import csv
import json
import math
import pathlib
import re
import subprocess
import sys
import tempfile

BEGIN, END = "<!-- begin: scripts/opensim_models.py -->", "<!-- end: scripts/opensim_models.py -->"


def git(clone, *args):
    return subprocess.run(["git", "-C", clone, *args], capture_output=True)


def run(program, *args):
    done = subprocess.run([program, *map(str, args)], capture_output=True, text=True, timeout=600)
    return done.returncode, done.stdout, done.stderr


def said(text, folder):
    """The first line of a complaint, without the folder of the run."""
    line = next((line for line in text.splitlines() if line.strip()), "no message")
    return line.replace(str(folder) + "/", "")


def look(program, folder, name, content):
    """One row: counts and notes, or where it stops and why."""
    osim, model, states, out = (folder / f for f in (name, "model.json", "states.csv", "out.csv"))
    osim.write_bytes(content)
    version = re.search(rb'<OpenSimDocument\s+Version="(\d+)"', content)
    row = {"version": version.group(1).decode() if version else "?", "notes": []}
    code, _, err = run(program, "convert", osim, model)
    if code:
        return row | {"problem": "convert: " + said(err, folder)}
    row["notes"] = [line for line in err.splitlines() if line.strip()]
    spec = json.loads(model.read_text())
    row["bodies"] = len(spec.get("bodies", {}))
    row["coordinates"] = len(spec.get("coordinates", {}))
    row["muscles"] = len(spec.get("muscles", {}))
    code, text, err = run(program, "check", model)
    if code:
        return row | {"problem": "check: " + said(err or text, folder)}
    values = {k: c.get("value", 0.0) for k, c in spec.get("coordinates", {}).items() if "coupled_to" not in c}
    states.write_text(",".join(["time", *values]) + "\n" + ",".join(["0", *map(repr, values.values())]) + "\n")
    outputs = "length/*" if row["muscles"] else "joint_moment/*"
    code, _, err = run(program, "evaluate", model, states, "--outputs", outputs, "-o", out)
    if code:
        return row | {"problem": "evaluate: " + said(err, folder)}
    with out.open(newline="") as file:
        rows = [line for line in csv.reader(file) if line]
    numbers = [float(x) for x in rows[-1]]
    if not all(map(math.isfinite, numbers)):
        return row | {"problem": "evaluate: a result that is no finite number"}
    if row["muscles"] and min(numbers[1:]) <= 0.0:
        return row | {"problem": "evaluate: a muscle without length"}
    return row


def table(rows, commit, absent):
    good = [r for r in rows if "problem" not in r]
    lines = [
        f"Models of opensim-org/opensim-models at commit `{commit}`: {len(rows)} files, {len(good)} convert, pass "
        f"`psoas check` and evaluate at their default pose, {len(rows) - len(good)} do not."
    ]
    if absent:
        lines += ["", "Not in the copy that was looked at: " + ", ".join(f"`{name}`" for name in absent) + "."]
    lines += ["", "| model | version | bodies | coordinates | muscles | notes | |", "|---|---:|---:|---:|---:|---:|---|"]
    for r in rows:
        counts = " | ".join(str(r.get(k, "")) for k in ("bodies", "coordinates", "muscles"))
        result = r["problem"].replace("|", "\\|") if "problem" in r else "comes in"
        lines.append(f"| {r['name']} | {r['version']} | {counts} | {len(r['notes'])} | {result} |")
    kinds = collections.defaultdict(lambda: [0, 0])
    other = collections.Counter()
    for r in rows:
        for note in r["notes"]:
            left = re.match(r"not imported: (\d+) ([A-Za-z0-9_ ]+?)(?: \(|$)", note)
            if left:
                kinds[left.group(2)][0] += 1
                kinds[left.group(2)][1] += int(left.group(1))
            else:
                other[re.sub(r"\b\d+ ", "", note.split(": ")[0].split(" of body ")[0].split(" of coordinate ")[0])] += 1
    lines += ["", "What these models have that does not come in:", "", "| element | models | elements |", "|---|---:|---:|"]
    lines += [f"| {k} | {m} | {n} |" for k, (m, n) in sorted(kinds.items(), key=lambda item: (-item[1][0], item[0]))]
    lines += ["", "Other notes, by the number of models that have one:", "", "| note | models |", "|---|---:|"]
    lines += [f"| {k.replace('|', '')} | {n} |" for k, n in sorted(other.items(), key=lambda item: (-item[1], item[0]))]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clone", help="clone of opensim-org/opensim-models, bare or not")
    parser.add_argument("program", help="psoas")
    parser.add_argument("--commit", default="HEAD")
    parser.add_argument("--only", default="", help="a part of the path of the models to look at")
    parser.add_argument("--write", metavar="FILE", help="put the table between the marks in this file")
    args = parser.parse_args()
    program = str(pathlib.Path(args.program).resolve())
    commit = git(args.clone, "rev-parse", args.commit).stdout.decode().strip()
    if not commit:
        sys.exit(f"expected a commit in {args.clone}, found none at {args.commit}")
    names = git(args.clone, "ls-tree", "-r", "-z", "--name-only", commit).stdout.decode().split("\0")
    rows, absent = [], []
    for name in sorted(n for n in names if n.endswith(".osim") and args.only in n):
        blob = git(args.clone, "cat-file", "blob", f"{commit}:{name}")
        if blob.returncode:
            absent.append(name)
            continue
        with tempfile.TemporaryDirectory() as folder:
            row = look(program, pathlib.Path(folder), pathlib.Path(name).name, blob.stdout)
        rows.append({"name": name, **row})
        print(name, row.get("problem", "comes in"), file=sys.stderr)
    text = table(rows, commit, absent)
    if not args.write:
        print(text, end="")
        return
    page = pathlib.Path(args.write).read_text()
    if BEGIN not in page or END not in page:
        sys.exit(f"expected the lines {BEGIN} and {END} in {args.write}")
    head, tail = page.split(BEGIN)[0], page.split(END)[1]
    pathlib.Path(args.write).write_text(head + BEGIN + "\n\n" + text + "\n" + END + tail)


if __name__ == "__main__":
    main()
