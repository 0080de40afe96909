#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Real programs on a Debian root file system over 9p: the same job under crun and under vmrunc must leave the same.

load ../bats/helpers

CACHE=${VMRUNC_TEST_CACHE:-/var/cache/vmrunc-tests}
SUITE=bookworm
PACKAGES=python3,git,sqlite3,gcc,libc6-dev

# A Debian root file system from Debian's packages, made once a machine.
debian_tar() {
	local tar=$CACHE/debian-$SUITE-2.tar
	if [ ! -f "$tar" ]; then
		command -v mmdebstrap >/dev/null || { echo "mmdebstrap is not installed"; return 1; }
		mkdir -p "$CACHE"
		unshare --mount --propagation private mmdebstrap --format=tar --variant=minbase --include="$PACKAGES" "$SUITE" "$tar.$$" >"$CACHE/mmdebstrap.log" 2>&1 ||
			{ rm -f "$tar.$$"; tail -3 "$CACHE/mmdebstrap.log"; return 1; }
		mv "$tar.$$" "$tar"
	fi
	echo "$tar"
}

# A package to unpack: the first .deb that apt gives for a small package without dependencies of note.
a_package() {
	local deb
	deb=$(find "$CACHE" -maxdepth 1 -name 'hello_*.deb' | head -n 1)
	if [ -z "$deb" ]; then
		(cd "$CACHE" && apt-get download -q hello >/dev/null 2>&1) || return 1
		deb=$(find "$CACHE" -maxdepth 1 -name 'hello_*.deb' | head -n 1)
	fi
	echo "$deb"
}

setup_file() {
	# shellcheck disable=SC2030
	DEBIAN_TAR=$(debian_tar) || { WHY="no Debian root file system: $DEBIAN_TAR" && DEBIAN_TAR=; }
	PACKAGE=$(a_package) || { WHY="no package to unpack" && DEBIAN_TAR=; }
	export DEBIAN_TAR PACKAGE WHY
}

setup() {
	common_setup
	[ -n "$DEBIAN_TAR" ] || cannot "$WHY"
}
teardown() { common_teardown; }

# job_bundle SCRIPT: $BUNDLE with a fresh Debian root file system whose process runs the script in /work.
job_bundle() {
	BUNDLE=$(mktemp -d "$BATS_TEST_TMPDIR/bundle.XXXXXX")
	mkdir "$BUNDLE/rootfs"
	tar -C "$BUNDLE/rootfs" --exclude=./dev/* -xf "$DEBIAN_TAR"
	mkdir "$BUNDLE/rootfs/work"
	cp "$PACKAGE" "$BUNDLE/rootfs/work/package.deb"
	printf '%s\n' "$1" >"$BUNDLE/rootfs/work/job.sh"
	base_config | jq '.process.args = ["sh", "-ec", "cd /work; . ./job.sh"] | .process.env += ["HOME=/root", "LC_ALL=C.UTF-8"]
		| .process.capabilities = ({bounding: ["CAP_CHOWN","CAP_DAC_OVERRIDE","CAP_FOWNER","CAP_FSETID","CAP_KILL","CAP_SETUID","CAP_SETGID"]}
			| .effective = .bounding | .permitted = .bounding)' >"$BUNDLE/config.json"
}

# What lies in the bundle's /work: type, mode, owner, size of files, link targets, contents.
tree_of() {
	(cd "$BUNDLE/rootfs/work" && find . "$@" \( -type f -printf '%p %y %m %U:%G %s\n' -o -printf '%p %y %m %U:%G %l\n' \) | sort &&
		find . "$@" -type f -print0 | sort -z | xargs -0 sha256sum)
}

# crun in a mount namespace without the cgroup2 part of a hybrid set-up, which it refuses.
crun_alone() {
	unshare -m sh -c 'umount /sys/fs/cgroup/unified 2>/dev/null; exec "$@"' _ \
		crun --root "$BATS_TEST_TMPDIR/crun" --cgroup-manager=disabled "$@"
}

# same_as_crun SCRIPT [FIND_ARGS...]: runs the job under both, and compares exit code, output and the resulting tree.
same_as_crun() {
	local script=$1 wanted_out wanted_tree
	shift
	job_bundle "$script"
	run --separate-stderr crun_alone run --bundle "$BUNDLE" "$ID-crun"
	eq "$status" 0
	wanted_out=$output
	wanted_tree=$(tree_of "$@")
	[ -n "$wanted_out" ] || { echo "the job printed nothing"; return 1; }
	job_bundle "$script"
	run_c
	eq "$status" 0
	eq "$output" "$wanted_out"
	eq "$(tree_of "$@")" "$wanted_tree"
}

@test "dpkg -x of a package: the same tree" {
	same_as_crun 'dpkg -x package.deb out; find out | sort; out/usr/bin/hello'
}

@test "git: clone of a local repository, commits, branches, a clean status" {
	same_as_crun '
		export GIT_AUTHOR_DATE="2020-01-01T00:00:00Z" GIT_COMMITTER_DATE="2020-01-01T00:00:00Z"
		git config --global user.name n; git config --global user.email n@example.org; git config --global init.defaultBranch main
		git init -q src; cd src
		for i in $(seq 60); do mkdir -p d$((i % 7)); echo "file $i" >d$((i % 7))/f$i; git add -A; git commit -q -m "c$i"; done
		cd ..; git clone -q --no-local src copy; cd copy
		git checkout -q -b topic HEAD~10; echo t >t; git add t; git commit -q -m t; git rebase -q main
		git gc -q; git fsck --strict 2>/dev/null; git status --short; git log --format=%H | sha256sum; git ls-files | wc -l' \
		-not -path '*/.git/*'
}

@test "SQLite: WAL journal (shared mmap), transactions, two connections" {
	same_as_crun '
		cat >job.py <<P
import sqlite3
a = sqlite3.connect("db"); print(a.execute("pragma journal_mode=wal").fetchone())
a.execute("create table t(id integer primary key, v text)")
for n in range(20):
    with a: a.executemany("insert into t(v) values(?)", [(str(i * n),) for i in range(200)])
b = sqlite3.connect("db", timeout=1); b.execute("begin immediate"); b.execute("delete from t where id % 7 = 0")
try: a.execute("pragma busy_timeout=0"); a.execute("insert into t(v) values(1)"); print("no lock")
except sqlite3.OperationalError as e: print(e)
b.commit(); print(a.execute("select count(*), sum(v) from t").fetchone(), a.execute("pragma integrity_check").fetchone())
a.close(); b.close()
P
		python3 job.py; sqlite3 db "select count(*) from t"' -not -name 'db*'
}

@test "gcc: compile, link and run a program" {
	same_as_crun '
		for i in 1 2 3; do echo "int f$i(int x) { return x * $i; }" >f$i.c; done
		cat >main.c <<C
#include <stdio.h>
int f1(int), f2(int), f3(int);
int main(void) { printf("%d", f1(7) + f2(7) + f3(7)); return 0; }
C
		for f in *.c; do gcc -O1 -c $f; done; gcc -o prog *.o; ./prog' -not -name '*.o' -not -name prog
}
