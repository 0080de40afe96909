#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# bats file_tags=long
# A Debian root file system ($REAL_TAR, which tests/engines/run makes) doing real work under Podman: the same job under crun and on
# vmrunc says and leaves the same. How long each took is printed.

load helpers

setup_file() {
	[ -n "${REAL_TAR:-}" ] || skip "no Debian root file system"
	export CONTAINERS_CONF=$WORK/real.conf CONTAINERS_STORAGE_CONF=$WORK/real-storage.conf
	containers_conf 'netns = "none"' "$(podman_dirs real-)" >"$CONTAINERS_CONF"
	printf '[storage]\ndriver = "overlay"\ngraphroot = "%s/real-containers"\nrunroot = "%s/real-containers-run"\n' "$WORK" "$WORK" \
		>"$CONTAINERS_STORAGE_CONF"
	podman import -q --change 'ENV PATH=/usr/sbin:/usr/bin:/sbin:/bin' --change 'ENV LC_ALL=C.UTF-8' "$REAL_TAR" localhost/real:latest
	# crun wants a cgroup for each hierarchy; Debian's is what Podman takes by itself
	export OTHER=/usr/bin/crun
}

teardown() {
	podman rm -f -t 0 -a >/dev/null 2>&1
}

# job RUNTIME DIR: runs $BATS_TEST_TMPDIR/job.sh in a container that has DIR as /out. What it says is in DIR.said.
job() {
	mkdir -p "$2"
	podman --runtime "$1" run --rm --memory 1g --cpus 2 --shm-size 64m --tmpfs /pgsock:mode=1777 -v "$BATS_TEST_TMPDIR/job.sh:/job.sh:ro" -v "$2:/out" localhost/real \
		sh -euc 'cd /out; . /job.sh' >"$2.said" 2>"$2.errors" </dev/null || { echo "$1: status $?"; tail -n 20 "$2.said" "$2.errors"; return 1; }
}

# What lies in DIR: type, mode, owner, size or target of links, and contents.
tree_of() {
	(cd "$1" && find . \( -type f -printf '%p %y %m %U:%G %s\n' -o -printf '%p %y %m %U:%G %l\n' \) | sort &&
		find . -type f -print0 | sort -z | xargs -0r sha256sum)
}

# same_as_other NAME: the job of standard input under both.
same_as_other() {
	local start end_other end
	cat >"$BATS_TEST_TMPDIR/job.sh"
	start=$(date +%s%N)
	job "$OTHER" "$BATS_TEST_TMPDIR/other"
	end_other=$(date +%s%N)
	job "$ENGINE_RUNTIME" "$BATS_TEST_TMPDIR/tested"
	end=$(date +%s%N)
	echo "# $1: crun $(((end_other - start) / 1000000)) ms, tested $(((end - end_other) / 1000000)) ms" >&3
	[ -s "$BATS_TEST_TMPDIR/other.said" ] || { echo "the job said nothing"; return 1; }
	eq "$(cat "$BATS_TEST_TMPDIR/tested.said")" "$(cat "$BATS_TEST_TMPDIR/other.said")"
	eq "$(tree_of "$BATS_TEST_TMPDIR/tested")" "$(tree_of "$BATS_TEST_TMPDIR/other")"
}

@test "PostgreSQL: initdb, pgbench, a stop and a start, checksums" {
	# its socket is on a tmpfs of the guest's (/dev/shm is Podman's): QEMU's server of files, which the qemu engine has, makes none
	same_as_other PostgreSQL <<-'J'
		PATH=$PATH:$(echo /usr/lib/postgresql/*/bin)
		as() { su postgres -s /bin/sh -c "PATH=$PATH; export PGHOST=/pgsock; cd /tmp; $*"; }
		pg() { as "pg_ctl -D /var/lib/postgresql/d -l /tmp/log -o '-k /pgsock' -w $*" >/tmp/pg.out || { cat /tmp/pg.out /tmp/log >&2; exit 1; }; }
		as initdb -D /var/lib/postgresql/d --data-checksums -A trust >/tmp/initdb.out 2>&1 || { cat /tmp/initdb.out >&2; exit 1; }
		pg start
		as pgbench -i -q -s 2 postgres 2>/dev/null
		as pgbench -n -c 4 -j 2 -t 50 postgres 2>/dev/null | grep -E 'transactions actually processed|failed transactions'
		sums='select count(*), (select sum(delta) from pgbench_history) = sum(bbalance), (select sum(abalance) from pgbench_accounts) = sum(bbalance), (select count(*) from pgbench_history) from pgbench_branches'
		as "psql -At -c '$sums' postgres"
		as "psql -At -c 'create table t as select n, md5(n::text) m from generate_series(1, 20000) n; create index on t(m)' -c 'vacuum analyze t' -c 'select count(*), min(m), max(m) from t' postgres"
		pg stop -m fast
		pg start
		as "psql -At -c '$sums' -c 'select n from t where m < md5(42::text) order by m desc limit 3' postgres"
		as "pg_dump -t t postgres" | grep -v -E '^--|^SET|^$|restrict' >t.sql
		pg stop -m immediate
		pg start # it recovers from its log
		as "psql -At -c '$sums' postgres"
		pg stop -m fast
		as pg_checksums --check -D /var/lib/postgresql/d | grep -E 'Bad checksums'
	J
}

@test "a build: make and gcc of a program in fifty files, and python3 that tests and packs" {
	same_as_other build <<-'J'
		mkdir -p /src && cd /src
		python3 - <<'P'
		for i in range(50):
		    open(f"f{i}.c", "w").write(f"#include <stdio.h>\n#include \"all.h\"\nint f{i}(int x) {{ static char b[32]; snprintf(b, sizeof(b), \"%d\", x * {i}); return (int)__builtin_strlen(b) + {f'f{i - 1}(x)' if i else 0}; }}\n")
		open("all.h", "w").write("".join(f"int f{i}(int);\n" for i in range(50)))
		open("main.c", "w").write("#include <stdio.h>\n#include \"all.h\"\nint main(void) { printf(\"%d\\n\", f49(123456)); return 0; }\n")
		open("Makefile", "w").write("OBJS = main.o " + " ".join(f"f{i}.o" for i in range(50)) + "\nCFLAGS = -O2 -Wall -Werror\nprog: $(OBJS)\n\t$(CC) -o $@ $(OBJS)\n$(OBJS): all.h\n")
		P
		make -j2 >/dev/null && make -q && ./prog
		touch f7.c && make -n | grep -c ' -c ' && make >/dev/null
		sha256sum prog && cp prog /out/
		python3 -m py_compile /usr/lib/python3.11/json/decoder.py
		cat >test_it.py <<'P'
		import json, os, multiprocessing, sqlite3, subprocess, tempfile, unittest, zipfile
		class T(unittest.TestCase):
		    def test_processes(self):
		        with multiprocessing.Pool(4) as p: self.assertEqual(sum(p.map(abs, range(-500, 0))), 125250)
		    def test_pipe(self):
		        self.assertEqual(subprocess.run(["sort", "-n"], input="3\n1\n2\n", text=True, capture_output=True).stdout, "1\n2\n3\n")
		    def test_sqlite(self):
		        with tempfile.TemporaryDirectory() as d:
		            c = sqlite3.connect(d + "/db"); c.execute("pragma journal_mode=wal"); c.execute("create table t(a)")
		            with c: c.executemany("insert into t values(?)", [(i,) for i in range(999)])
		            self.assertEqual(c.execute("select sum(a) from t").fetchone(), (498501,))
		    def test_zip(self):
		        with zipfile.ZipFile("/out/src.zip", "w") as z:
		            for f in sorted(os.listdir(".")):
		                if f.endswith(".c"): z.writestr(zipfile.ZipInfo(f), open(f).read())
		unittest.main(verbosity=0)
		P
		python3 test_it.py 2>&1 | tail -n 1
	J
}

@test "apt-get install of a local package, its scripts, and its removal" {
	same_as_other apt <<-'J'
		mkdir -p /pkg/DEBIAN /pkg/usr/share/local-test /pkg/etc
		printf 'Package: local-test\nVersion: 1.0\nArchitecture: all\nMaintainer: Nobody <n@example.org>\nDepends: python3, libc6\nDescription: a test\n' >/pkg/DEBIAN/control
		echo /etc/local-test.conf >/pkg/DEBIAN/conffiles
		printf '#!/bin/sh\nset -e\n[ "$1" != configure ] || { useradd --system --no-create-home local-test; install -d -o local-test -m 750 /var/lib/local-test; }\n' >/pkg/DEBIAN/postinst
		printf '#!/bin/sh\nset -e\n[ "$1" != purge ] || { userdel local-test; rm -rf /var/lib/local-test; }\n' >/pkg/DEBIAN/postrm
		chmod 755 /pkg/DEBIAN/postinst /pkg/DEBIAN/postrm
		echo conf >/pkg/etc/local-test.conf
		i=0; while [ $i -lt 200 ]; do i=$((i + 1)); echo "file $i" >/pkg/usr/share/local-test/f$i; done
		ln -s f1 /pkg/usr/share/local-test/link
		dpkg-deb --root-owner-group -b /pkg /tmp/local.deb >/dev/null
		apt-get install -y /tmp/local.deb >/tmp/apt.out 2>&1 || { cat /tmp/apt.out >&2; exit 1; }
		dpkg-query -W -f '${Package} ${Version} ${db:Status-Status}\n' local-test
		dpkg --verify local-test; dpkg -L local-test | wc -l; stat -c '%U %a' /var/lib/local-test
		tar -C /usr/share -cf - local-test | tar -C /out -xf -
		echo changed >/etc/local-test.conf
		dpkg --verify local-test
		apt-get remove -y local-test >/tmp/apt.out 2>&1 || { cat /tmp/apt.out >&2; exit 1; }
		cat /etc/local-test.conf; ls -d /usr/share/local-test 2>/dev/null || echo removed
		apt-get purge -y local-test >/tmp/apt.out 2>&1 || { cat /tmp/apt.out >&2; exit 1; }
		ls -d /etc/local-test.conf /var/lib/local-test 2>/dev/null || echo purged
		getent passwd local-test || echo no-user
		dpkg --audit; apt-get check >/dev/null && echo sound
	J
}

# is_up CONTAINER: systemd has started all that it was to start.
is_up() {
	case $(podman exec "$1" systemctl is-system-running 2>/dev/null) in running | degraded) ;; *) return 1 ;; esac
}

@test "systemd as the container's init: it comes up, runs units in cgroups, and ends by its signal" {
	local start
	start=$(date +%s%N)
	podman run -d --name init --systemd=always --memory 512m localhost/real /sbin/init
	wait_for "$WAIT_S" is_up init || { podman logs init; podman exec init systemctl list-jobs; return 1; }
	echo "# systemd: up after $((($(date +%s%N) - start) / 1000000)) ms" >&3
	podman exec init sh -c 'systemctl --failed --no-legend --plain; cat /proc/1/comm'
	eq "$(podman exec init systemctl --failed --no-legend --plain)" ""
	podman exec init systemd-run --quiet --unit=mine -p MemoryMax=50M -p TasksMax=20 sleep 1000
	eq "$(podman exec init systemctl is-active mine)" active
	vmrunc_only # of another runtime the rest depends on the host's cgroups
	eq "$(podman exec init sh -c 'cd "/sys/fs/cgroup$(systemctl show -P ControlGroup mine)" && cat memory.max pids.max' | tr '\n' ' ')" "52428800 20 "
	podman exec init systemctl stop mine
	run podman exec init systemctl is-active mine
	eq "$output" inactive
	eq "$(podman inspect -f '{{.Config.StopSignal}}' init)" 37 # SIGRTMIN+3
	podman stop -t 60 init
	eq "$(podman inspect -f '{{.State.ExitCode}}' init)" 0
}
