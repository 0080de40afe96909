#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What `exec` promises: one more process in a container, its streams, its exit code, and what stands for it on the host.

load helpers
setup_file() { common_setup_file; }
setup() { common_setup; }
teardown() { common_teardown; }

# A container that sleeps.
running() {
	sh_bundle 'trap "exit 7" TERM; while :; do sleep 1000 & wait $!; done'
	rt run --detach --bundle "$BUNDLE" "$ID" </dev/null >"$BATS_TEST_TMPDIR/run.out" 2>&1
}



@test "exec: streams, exit codes, signals, arguments, environment, user, directory" {
	running
	run -5 --separate-stderr rt exec "$ID" sh -c 'echo out; echo err >&2; exit 5'
	eq "$output" out
	eq "$stderr" err
	run -143 rt exec "$ID" sh -c 'kill -TERM $$'
	head -c 3000000 /dev/urandom >"$BATS_TEST_TMPDIR/in"
	eq "$(rt exec "$ID" sha256sum <"$BATS_TEST_TMPDIR/in")" "$(sha256sum <"$BATS_TEST_TMPDIR/in")"
	eq "$(rt exec "$ID" head -c 5000000 /dev/zero | wc -c)" 5000000
	# options end at the ID, and what follows is the command's
	run -0 rt exec --cwd /tmp -e A=1 --env B=2 -e A=3 --user 1000:1001 -g 7 --additional-gids 8 "$ID" sh -c \
		'pwd; echo $A$B$HOME; id -u; id -g; id -G; echo "$@"' -- -x --tty
	eq "$output" "$(printf '/tmp\n32/home\n1000\n1001\n1001 7 8\n-x --tty')"
	# it is in the container: pid 1 is the container's, and so are mounts and names
	run -0 rt exec "$ID" sh -c 'tr "\0" " " </proc/1/cmdline; hostname; ls /proc | grep -c "^[0-9]*$"'
	has "$output" "trap"
	has "$output" vmrunc-test
	rt kill "$ID" TERM
}
