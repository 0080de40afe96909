#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Podman on vmrunc, and vmrunc itself, of an ordinary user: with subordinate ids, and without rights over cgroups.

load helpers

USER_ID=4711 SUB_FIRST=200000
HOME_DIR=$WORK/ordinary
RUN_DIR=/run/user/$USER_ID

setup_file() {
	# as udev leaves it on a machine of people: everybody's
	if [ -c /dev/fuse ]; then
		mknod -m 666 "$WORK/fuse" c 10 229
		mount --bind "$WORK/fuse" /dev/fuse
	fi
	mkdir -p "$HOME_DIR/.config/containers" "$RUN_DIR"
	echo "ordinary:x:$USER_ID:$USER_ID::$HOME_DIR:/bin/sh" >>/etc/passwd
	echo "ordinary:x:$USER_ID:" >>/etc/group
	echo "ordinary:$SUB_FIRST:65536" >/etc/subuid
	echo "ordinary:$SUB_FIRST:65536" >/etc/subgid
	chmod 755 "$WORK"
	containers_conf 'netns = "none"' '' >"$HOME_DIR/.config/containers/containers.conf"
	printf '[storage]\ndriver = "overlay"\n' >"$HOME_DIR/.config/containers/storage.conf"
	chown -R "$USER_ID:$USER_ID" "$HOME_DIR" "$RUN_DIR"
	chmod 700 "$RUN_DIR"
	as podman import -q --change 'ENV PATH=/usr/sbin:/usr/bin:/sbin:/bin' --change 'CMD ["/bin/sh"]' "$WORK/image.tar" localhost/bb:latest
}

teardown() {
	as podman rm -f -t 0 -a >/dev/null 2>&1 || true
}

# as COMMAND...: of the ordinary user, in his home.
as() {
	env -i -C "$HOME_DIR" PATH="$PATH" HOME="$HOME_DIR" USER=ordinary XDG_RUNTIME_DIR="$RUN_DIR" WORK="$WORK" \
		setpriv --reuid "$USER_ID" --regid "$USER_ID" --init-groups "$@"
}

log_has() {
	as podman logs "$1" 2>&1 | grep -q -- "$2"
}

# top_has LINE: users and words of the processes of the container that stays, as Podman finds them.
top_has() {
	as podman top stays user,args | tr -s ' \t' ' ' | sed 's/ $//' | grep -qxF -- "$1"
}

# own_nothing_left: no process, no state and no cgroup of the user's is left. Other people's cgroups are not looked at: what he
# makes is his.
own_nothing_left() {
	wait_for 30 nothing_runs || { runtime_processes; return 1; }
	eq "$(ls -A "$RUN_DIR/vmrunc" 2>/dev/null || true)" ""
	eq "$(find /sys/fs/cgroup -type d -user "$USER_ID" 2>/dev/null)" ""
}

@test "rootless Podman: run, users, volumes with the right owners" {
	as mkdir "$HOME_DIR/v"
	run --separate-stderr as podman run --rm -i -v "$HOME_DIR/v:/v" --memory 96m localhost/bb sh -c '
		read line; echo "$line $(id -u):$(id -g)"; touch /v/root; touch /v/five; chown 5:6 /v/five; stat -c %u:%g /v/root /v/five
		touch /etc/x && stat -c %u /etc/x; echo to-stderr >&2; exit 42' <<<input
	eq "$status $(echo $output)" "42 input 0:0 0:0 5:6 0"
	has "$stderr" to-stderr
	hasnt "$stderr" vmrunc:
	# the container's root is the user, and everybody else one of his subordinate ids
	eq "$(stat -c %u:%g "$HOME_DIR/v/root" "$HOME_DIR/v/five" | tr '\n' ' ')" \
		"$USER_ID:$USER_ID $((SUB_FIRST + 4)):$((SUB_FIRST + 5)) "
	run --separate-stderr as podman run --rm -v "$HOME_DIR/v:/v" -v "$HOME_DIR/.config:/config:ro" --user 1000:1000 localhost/bb sh -c '
		id -u; touch /v/x 2>/dev/null || echo v-refused; touch /config/x 2>/dev/null || echo ro-refused; touch /tmp/f && stat -c %u /tmp/f'
	eq "$status $(echo $output)" "0 1000 v-refused ro-refused 1000"
	as podman rm -f -a
	own_nothing_left
}

@test "rootless Podman: a container that stays: exec, logs, pause, stop, start again, rm; a program that is missing" {
	as podman run -d --name stays --tmpfs /t localhost/bb sh -c 'trap "exit 3" TERM; echo inside >/t/a; echo up; while :; do sleep 0.1; done'
	wait_for "$WAIT_S" log_has stays up
	run --separate-stderr as podman exec --user 1000 stays sh -c 'echo $(id -u); exit 5'
	eq "$status $output" "5 1000"
	as podman exec -d --user 1000 stays sleep 2222
	[ ! -c /dev/fuse ] || wait_for "$WAIT_S" top_has "user sleep 2222"
	[ ! -c /dev/fuse ] || top_has "root sh -c trap \"exit 3\" TERM; echo inside >/t/a; echo up; while :; do sleep 0.1; done"
	if [ -c /dev/fuse ]; then # into a tmpfs and out of it
		as sh -c 'echo copied >copied; chmod 640 copied; podman cp copied stays:/t/b && podman cp stays:/t/a back'
		eq "$(as cat back) $(as podman exec stays sh -c 'cat /t/b; stat -c %a:%u:%g /t/b' | tr '\n' ' ')" "inside copied 640:0:0 "
	fi
	as podman stop -t 60 stays
	eq "$(as podman inspect -f '{{.State.Status}} {{.State.ExitCode}}' stays)" "exited 3"
	as podman start stays
	as podman kill stays
	eq "$(as podman wait stays)" 137
	as podman rm stays
	run -127 as podman run --rm localhost/bb not-there
	has "$output" "executable file not found in \$PATH"
	own_nothing_left
}

# page PORT WANT: the server at that port of the host has that page.
page() {
	[ "$(python3 -c 'import sys, urllib.request
print(urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/", timeout=30).read().decode().strip())' "$1" 2>/dev/null)" = "$2" ]
}

# bats test_tags=long
@test "rootless Podman: slirp4netns: outside, and published ports by both of its ways" {
	local server
	command -v slirp4netns >/dev/null || skip "no slirp4netns (package slirp4netns)"
	# everybody may open it, as udev makes it
	mount -t tmpfs -o mode=755 tmpfs /dev/net
	mknod /dev/net/tun c 10 200
	chmod 666 /dev/net/tun
	mkdir "$BATS_TEST_TMPDIR/w"
	echo of-host >"$BATS_TEST_TMPDIR/w/index.html"
	busybox httpd -f -p 127.0.0.1:18070 -h "$BATS_TEST_TMPDIR/w" 3>&- &
	server=$!
	# shellcheck disable=SC2016 # the container's shell
	as podman run -d --name web --network slirp4netns:allow_host_loopback=true,port_handler=slirp4netns -p 18060:80 localhost/bb sh -c '
		mkdir /w; echo of-web >/w/index.html; httpd -p 80 -h /w
		ip -o -4 addr show; ip route; mkfifo /dev/hold; exec 9<>/dev/hold; printf "GET / HTTP/1.0\r\n\r\n" >&9; nc 10.0.2.2 18070 <&9 | tail -n 1; echo asked
		while :; do sleep 1; done'
	wait_for "$WAIT_S" log_has web asked
	run as podman logs web
	has "$output" "10.0.2.100/24"
	has "$output" "default via 10.0.2.2"
	has "$output" of-host
	wait_for "$WAIT_S" page 18060 of-web
	as podman rm -f -t 0 web
	as podman run -d --name web --network slirp4netns -p 18061:80 localhost/bb sh -c 'mkdir /w; echo of-web >/w/index.html; httpd -f -p 80 -h /w'
	wait_for "$WAIT_S" page 18061 of-web
	as podman rm -f -t 0 web
	kill "$server"
	umount /dev/net
	own_nothing_left
}

# rt OPTION...: the tested runtime, called by the user himself.
rt() {
	as "$ENGINE_RUNTIME" "$@"
}

# bundle NAME FILTER: a bundle of the user's with the config of `spec --rootless`, through jq.
bundle() {
	rm -rf "${HOME_DIR:?}/$1"
	as mkdir -p "$HOME_DIR/$1/rootfs"
	as tar -C "$HOME_DIR/$1/rootfs" -xf "$WORK/image.tar"
	rt spec --rootless --bundle "$HOME_DIR/$1"
	as sh -c 'jq "$2" "$1/config.json" >"$1/new" && mv "$1/new" "$1/config.json"' sh "$HOME_DIR/$1" \
		".process.terminal = false | .root.readonly = false | $2"
}

MAPPED=".linux.uidMappings = [{containerID: 0, hostID: $USER_ID, size: 1}, {containerID: 1, hostID: $SUB_FIRST, size: 65536}]
	| .linux.gidMappings = .linux.uidMappings"

@test "the runtime called by an ordinary user: his own id, subordinate ids, every command" {
	vmrunc_only
	bundle own '.process.args = ["sh", "-c", "id -u; touch /f; stat -c %u /f; cat /proc/self/uid_map; exit 7"]'
	run --separate-stderr rt --log-level warning run -b "$HOME_DIR/own" own </dev/null
	eq "$status $(echo $output)" "7 0 0 0 $USER_ID 1"
	command -v passt >/dev/null || has "$stderr" "has the loopback interface alone"
	eq "$(stat -c %u:%g "$HOME_DIR/own/rootfs/f")" "$USER_ID:$USER_ID"
	bundle mapped "$MAPPED | .process.capabilities[] += [\"CAP_CHOWN\"] | .linux.namespaces += [{type: \"network\"}] | .linux.resources = {pids: {limit: 100}} |
		.process.args = [\"sh\", \"-c\", \"trap 'exit 9' TERM; touch /g; chown 5:6 /g; touch /up; while :; do sleep 0.1; done\"]"
	rt create -b "$HOME_DIR/mapped" mapped </dev/null >/dev/null 2>"$BATS_TEST_TMPDIR/err"
	eq "$(rt state mapped | jq -r .status)" created
	rt start mapped
	wait_for "$WAIT_S" test -e "$HOME_DIR/mapped/rootfs/up"
	eq "$(stat -c %u:%g "$HOME_DIR/mapped/rootfs/g")" "$((SUB_FIRST + 4)):$((SUB_FIRST + 5))"
	run --separate-stderr rt exec mapped sh -c 'cat /sys/fs/cgroup/pids.max; exit 4'
	eq "$status $output" "4 100"
	rt pause mapped
	eq "$(rt state mapped | jq -r .status)" paused
	rt resume mapped
	has "$(rt list)" mapped
	# a process of exec is on the host once, whether there is a cgroup to find what holds it in, or not
	rt exec --detach mapped sleep 1234
	eq "$(ps -o args= -q "$(rt ps --format json mapped | jq -r 'join(",")')" | grep -c 'sleep 1234')" 1
	rt kill mapped TERM
	wait_for "$WAIT_S" stopped mapped
	rt delete mapped
	own_nothing_left
}

stopped() {
	[ "$(rt state "$1" | jq -r .status)" = stopped ]
}

@test "the runtime called by an ordinary user says in words what is missing" {
	vmrunc_only
	bundle bad "del(.linux.uidMappings, .linux.gidMappings) | .linux.namespaces |= map(select(.type != \"user\"))"
	run -1 rt run -b "$HOME_DIR/bad" bad </dev/null
	has "$output" "rootless container requires user namespaces"
	has "$output" "spec --rootless"
	# ids that are nobody's to give
	bundle bad ".linux.uidMappings = [{containerID: 0, hostID: 1, size: 10}] | .linux.gidMappings = .linux.uidMappings"
	run -1 rt run -b "$HOME_DIR/bad" bad </dev/null
	has "$output" "/etc/subuid"
	# a host that lets users make no user namespaces
	run -1 --separate-stderr unshare --user --map-root-user sh -c 'echo 0 >/proc/sys/user/max_user_namespaces && exec setpriv --bounding-set -sys_admin --inh-caps -sys_admin "$@"' \
		sh "$ENGINE_RUNTIME" run -b "$HOME_DIR/bad" bad </dev/null
	has "$stderr" "CAP_SYS_ADMIN"
	run -1 rt --root /run/vmrunc run -b "$HOME_DIR/bad" bad </dev/null
	own_nothing_left
}
