#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two containers and the host share a directory: what one does there, the others see.

usage: sharers.py KINDS HOST_PARTY DIR -- COMMAND... -- COMMAND...

Each COMMAND runs a container whose process is tests/files/party in the directory; HOST_PARTY is that program, which runs
for the host in DIR. KINDS is 1 if the guests' kernel tells the server which kind a lock is, and 0 if not, as Debian's: there
flock(2) is a record lock, which the host's flock(2) does not see. Prints "ok WHAT" or "not ok WHAT: ...".
"""

import itertools
import os
import subprocess
import sys
import time

PATIENCE_S = float(os.environ.get("WAIT_S", "60"))	# how long a forgotten name may take on an emulated machine
TURNS = 10		# how often each counts
CLAIMS = 20
failed = False


class Party:
	def __init__(self, name, command):
		self.name = name
		self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

	def hear(self):
		line = self.process.stdout.readline()
		if not line:
			sys.exit(f"{self.name} has ended")
		return line.rstrip("\n")

	def tell(self, command):
		self.process.stdin.write(command + "\n")
		self.process.stdin.flush()

	def ask(self, command):
		self.tell(command)
		return self.hear()

	def end(self):
		self.process.stdin.close()
		self.process.wait()


def tell(what, found, wanted):
	global failed
	if found == wanted:
		print("ok", what, flush=True)
	else:
		failed = True
		print(f"not ok {what}: {found}, not {wanted}", flush=True)


def expect(what, party, *pairs):
	"""Commands and their answers, at once."""
	asked = pairs[0::2]
	tell(what, [party.ask(command) for command in asked], list(pairs[1::2]))


def becomes(party, command, wanted):
	"""Asks until the answer is the wanted one, which may take some milliseconds. Returns the last answer."""
	end = time.monotonic() + PATIENCE_S
	while True:
		answer = party.ask(command)
		if answer == wanted or time.monotonic() > end:
			return answer
		time.sleep(0.02)


def names(p, q):
	"""What p does to names, q sees: at once where nothing of q's has them open, and soon otherwise."""
	pair = f"{p.name} to {q.name}"
	p.ask("create n one")
	expect(f"{pair}: a new name", q, "there n", "yes", "read n", "one", "create n two", "File exists")
	p.ask("unlink n")
	expect(f"{pair}: a removed name", q, "there n", "no", "read n", "No such file or directory", "create n two", "ok")
	p.ask("put n three")
	expect(f"{pair}: a replaced name", q, "read n", "three", "append n more", "ok", "read n", "threemore")
	expect(f"{pair}: back", p, "read n", "threemore")
	p.ask("rename n m")
	expect(f"{pair}: a moved name", q, "there n", "no", "read m", "threemore")
	p.ask("mkdir d")
	expect(f"{pair}: a directory", q, "create d/f four", "ok", "read d/f", "four")
	p.ask("rename d e")
	expect(f"{pair}: a moved directory", q, "there d/f", "no", "read e/f", "four", "unlink e/f", "ok")
	expect(f"{pair}: a removed directory", p, "rmdir e", "ok")
	expect(f"{pair}: it is gone", q, "there e", "no", "unlink m", "ok")


def names_in_use(p, q):
	pair = f"{p.name} to {q.name}, in use"
	p.ask("create u one")
	q.ask("open u")
	p.ask("put u two")
	tell(f"{pair}: a replaced name", becomes(q, "read u", "two"), "two")
	expect(f"{pair}: the old file", q, "seen u", "one", "close u", "ok", "open u", "ok")
	p.ask("unlink u")
	tell(f"{pair}: a removed name", becomes(q, "there u", "no"), "no")
	expect(f"{pair}: made anew", q, "create u three", "ok", "seen u", "two", "close u", "ok", "open u", "ok")
	expect(f"{pair}: made anew, seen", p, "read u", "three", "rename u v", "ok")
	tell(f"{pair}: a moved name", becomes(q, "there u", "no"), "no")
	expect(f"{pair}: the moved file", q, "read v", "three", "seen u", "three", "close u", "ok", "unlink v", "ok")


def locks(p, q, kind, against, exclude):
	"""A lock of p's, which keeps out q's of another kind, or does not."""
	pair = f"{p.name}'s {kind} and {q.name}'s {against}"
	for party in (p, q):
		party.ask("open l")
	p.ask(f"lock {kind} ex l")
	if not exclude:
		expect(f"{pair}: two things", q, f"lock {against} ex l", "ok", f"lock {against} un l", "ok")
	else:
		expect(f"{pair}: held", q, f"lock {against} ex l", "held", f"lock {against} sh l", "held")
		p.ask("child")
		expect(f"{pair}: held after a child's end", q, f"lock {against} ex l", "held")
		p.ask(f"lock {kind} sh l")
		expect(f"{pair}: shared", q, f"lock {against} sh l", "ok", f"lock {against} ex l", "held", f"lock {against} un l", "ok")
		p.ask(f"lock {kind} un l")
		expect(f"{pair}: released", q, f"lock {against} ex l", "ok")
		expect(f"{pair}: the other way round", p, f"lock {kind} sh l", "held")
		q.ask("close l")
		expect(f"{pair}: closed", p, f"lock {kind} ex l", "ok")
		q.ask("open l")
	for party in (p, q):
		party.ask("close l")


def excludes(p, q, kind, against, kinds):
	"""Whether two kinds of lock exclude each other between these two."""
	if (kind == "flock") != (against == "flock"):
		# a guest's flock is a record lock where its kernel does not say that it is none
		return not kinds and not (p.name == "host" and kind == "flock") and not (q.name == "host" and against == "flock")
	return kind != "flock" or kinds or "host" not in (p.name, q.name)


def all_at_once(parties, commands):
	for party, command in zip(parties, commands):
		party.tell(command)
	return [party.hear() for party in parties]


def main():
	kinds, host_party, directory = sys.argv[1] == "1", sys.argv[2], sys.argv[3]
	first = sys.argv.index("--")
	second = sys.argv.index("--", first + 1)
	host = Party("host", [host_party, directory])
	parties = [host, Party("A", sys.argv[first + 1:second]), Party("B", sys.argv[second + 1:])]
	for party in parties:
		if party.hear() != "here":
			sys.exit(f"{party.name} does not begin")
	a, b = parties[1:]
	pairs = [(host, a), (b, host), (a, b)]
	for p, q in pairs:
		names(p, q)
		names_in_use(p, q)
	host.ask("create l 0")
	for p, q in pairs:
		for kind, against in itertools.product(("flock", "fcntl", "ofd"), repeat=2):
			locks(p, q, kind, against, excludes(p, q, kind, against, kinds))
	mine = all_at_once(parties, [f"claim c {CLAIMS}"] * 3)
	tell(f"each new name is one party's ({mine})", sum(map(int, mine)), CLAIMS)
	for kind in ("flock", "fcntl", "ofd"):
		those = parties if kinds or kind != "flock" else parties[1:]
		host.ask("put count 0")
		tell(f"{kind}: counting ends", all_at_once(those, [f"count {kind} count {TURNS}"] * len(those)), ["ok"] * len(those))
		tell(f"{kind}: nothing that was counted under a lock is lost", host.ask("read count"), str(TURNS * len(those)))
	for party in parties:
		party.end()
	return 1 if failed else 0


if __name__ == "__main__":
	sys.exit(main())
