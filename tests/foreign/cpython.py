#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the verdicts of two runs of CPython's tests (files of `python3 -m test --junit-xml`).

usage: cpython.py PLACE USER CRUN.xml VMRUNC.xml EXPECTED [REPORT]

EXPECTED has a line for each test that may differ: "PLACE NAME: reason", where PLACE may be * and NAME is a pattern.
Prints the tests whose verdicts differ, and a line of sums; exit status 1 if one is not expected.
"""

import fnmatch
import sys
import xml.etree.ElementTree


def verdicts(path):
	"""The verdict of each test by its name: ok, failed, error or skipped, and why."""
	found = {}
	for case in xml.etree.ElementTree.parse(path).getroot().iter("testcase"):
		verdict, why = "ok", ""
		if case.get("result") == "skipped" or case.find("skipped") is not None:
			verdict = "skipped"
		for kind in ("failure", "error"):
			e = case.find(kind)
			if e is not None:
				verdict, why = kind, ((e.get("message") or "") + " " + (e.text or "")).strip()
		# A test with subtests that fail is there once for each of them.
		name = case.get("name")
		if found.get(name, ("ok",))[0] in ("ok", "skipped"):
			found[name] = (verdict, why)
	return found


def expected(path):
	"""The lines of the file of expected differences: (place, pattern, reason)."""
	lines = []
	with open(path, encoding="utf-8") as f:
		for line in f:
			line = line.strip()
			if line and not line.startswith("#"):
				key, _, reason = line.partition(": ")
				place, _, pattern = key.partition(" ")
				lines.append((place, pattern, reason))
	return lines


def main():
	place, user, crun, vmrunc, known = sys.argv[1:6]
	reference, ours, known = verdicts(crun), verdicts(vmrunc), expected(known)
	counts = {"same": 0, "expected": 0, "not expected": 0}
	out = open(sys.argv[6], "a", encoding="utf-8") if len(sys.argv) > 6 else None
	for name in sorted(reference.keys() | ours.keys()):
		theirs, mine = reference.get(name, ("missing", "")), ours.get(name, ("missing", ""))
		if out:
			out.write(f"{place} {user} {name}: {theirs[0]} {mine[0]}\n")
		if theirs[0] == mine[0]:
			counts["same"] += 1
			continue
		reason = next((r for p, pattern, r in known if p in ("*", place) and fnmatch.fnmatchcase(name, pattern)), None)
		counts["expected" if reason else "not expected"] += 1
		print(f"{'expected' if reason else 'DIFFERS'}: {place}, user {user}: {name}: crun {theirs[0]}, vmrunc {mine[0]}")
		if not reason:
			print("\n".join("    " + line for line in (mine[1] or theirs[1]).splitlines()[-8:]))
	passed = sum(v[0] == "ok" for v in ours.values())
	print(f"{place}, user {user}: {len(ours)} tests, {passed} ok; {counts['same']} as under crun, "
	      f"{counts['expected']} differ as expected, {counts['not expected']} otherwise")
	return 1 if counts["not expected"] or not ours else 0


if __name__ == "__main__":
	sys.exit(main())
