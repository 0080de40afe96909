#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# linux.namespaces: what the container has in the guest, and where its monitor stands on the host.

load helpers
setup_file() { common_setup_file; }
setup() {
	common_setup
	vmrunc_only
	HOLDER=""
}
teardown() {
	# unshare waits for its child with SIGTERM blocked
	[ -z "$HOLDER" ] || kill -KILL "$HOLDER" 2>/dev/null || true
	common_teardown
}

create() { rt create --bundle "$BUNDLE" "$@" "$ID" </dev/null >"$BATS_TEST_TMPDIR/stdout" 2>"$BATS_TEST_TMPDIR/stderr" || { cat "$BATS_TEST_TMPDIR/stderr"; return 1; }; }

monitor() { rt state "$ID" | jq .pid; }

link() { readlink "/proc/$1/ns/$2"; }

# monitor_and_qemu: the monitor's pid and those of its children.
monitor_and_children() {
	local pid
	pid=$(monitor)
	echo "$pid"
	pgrep -P "$pid" || true
}

is_elsewhere() { [ "$(link "$1" "$2")" != "$(link self "$2")" ]; }

# hold UNSHARE_OPTIONS...: sets HOLDER to a process in new namespaces, NS_PID to one that is in all of them.
hold() {
	unshare "$@" sleep 1000 3>&- &
	HOLDER=$!
	NS_PID=$HOLDER
	case " $* " in
	*" --fork "*)
		wait_for "$WAIT_S" pgrep -P "$HOLDER" -x sleep >/dev/null
		NS_PID=$(pgrep -P "$HOLDER" -x sleep)
		;;
	*) wait_for "$WAIT_S" file_has "/proc/$HOLDER/comm" '^sleep$' ;;
	esac
}

jailed() {
	local p
	for p in $(monitor_and_children); do
		eq "$(awk '/^NoNewPrivs/ {print $2}' "/proc/$p/status")" 1
		eq "$(awk '/^Seccomp:/ {print $2}' "/proc/$p/status")" 2
		# CAP_SYS_CHROOT is 18, CAP_SYS_ADMIN 21: neither held nor to be had
		eq "$((0x$(awk '/^CapPrm/ {print $2}' "/proc/$p/status") & (1 << 18 | 1 << 21)))" 0
		# passt has a user namespace of its own, whose capabilities are nothing to the host's
		is_elsewhere "$p" user ||
			eq "$((0x$(awk '/^CapBnd/ {print $2}' "/proc/$p/status") & (1 << 18 | 1 << 21)))" 0
	done
}

# no_way_out PID: none of its descriptors is a directory from which the host's root is reached.
no_way_out() {
	local f
	for f in "/proc/$1"/fd/* "/proc/$1/cwd" "/proc/$1/root"; do
		[ -d "$f" ] || continue
		if [ "$f/../../../../../../../../../../../../../../../.." -ef / ]; then
			echo "a directory of the host: $f $(readlink "$f")"
			return 1
		fi
	done
}

@test "none listed: the monitor is in all of the caller's, mounts nothing, and is jailed in an empty root; files and output work" {
	local pid ns now
	sh_bundle 'echo made >/file; echo out; echo err >&2; cat /data/given; cat' \
		'.linux.namespaces = [] | del(.hostname) | .mounts += [{destination:"/data",type:"bind",source:$src,options:["rbind"]}]' --arg src "$BATS_TEST_TMPDIR/src"
	mkdir "$BATS_TEST_TMPDIR/src"
	echo given >"$BATS_TEST_TMPDIR/src/given"
	echo typed | rt --log "$BATS_TEST_TMPDIR/log" create --bundle "$BUNDLE" "$ID" >"$BATS_TEST_TMPDIR/stdout" 2>"$BATS_TEST_TMPDIR/stderr"
	# what no virtual machine can share is said, and not to the container
	for ns in pid ipc uts; do grep -q "level=warning.*linux.namespaces: $ns: it is the host's" "$BATS_TEST_TMPDIR/log"; done
	hasnt "$(cat "$BATS_TEST_TMPDIR/stderr")" namespaces
	pid=$(monitor)
	for ns in cgroup ipc mnt net pid time user uts; do
		eq "$(link "$pid" "$ns")" "$(link self "$ns")"
	done
	mounts_to now
	eq "${now[*]}" "${MOUNTS_BEFORE[*]}"
	eq "$(ls -A "/proc/$pid/root")" ""
	run touch "/proc/$pid/root/file"
	[ "$status" -ne 0 ]
	no_way_out "$pid"
	jailed
	rt start "$ID"
	wait_status "$ID" stopped
	eq "$(cat "$BATS_TEST_TMPDIR/stdout")" "out
given
typed"
	has "$(cat "$BATS_TEST_TMPDIR/stderr")" err
	eq "$(cat "$BUNDLE/rootfs/file")" made
	rt delete "$ID"
	mounts_to now
	eq "${now[*]}" "${MOUNTS_BEFORE[*]}"
}

@test "by path: the monitor joins cgroup, ipc, mount, network, pid and uts; state has its pid as the caller counts" {
	local pid ns before
	hold --cgroup --ipc --mount --net --pid --uts --fork --kill-child
	before=$(cat "/proc/$NS_PID/mountinfo")
	sh_bundle 'echo made >/file; hostname; sleep 1000' \
		'.linux.namespaces = ({cgroup: "cgroup", ipc: "ipc", mount: "mnt", network: "net", pid: "pid", uts: "uts"} | to_entries | map({type: .key, path: ("/proc/" + $pid + "/ns/" + .value)}))' --arg pid "$NS_PID"
	create --pid-file "$BATS_TEST_TMPDIR/pid"
	pid=$(monitor)
	eq "$(cat "$BATS_TEST_TMPDIR/pid")" "$pid"
	has "$(tr '\0' ' ' <"/proc/$pid/cmdline")" "$ID"
	for ns in cgroup ipc mnt net pid uts; do
		eq "$(link "$pid" "$ns")" "$(link "$NS_PID" "$ns")"
	done
	# nothing is mounted in a mount namespace that is somebody else's
	eq "$(cat "/proc/$NS_PID/mountinfo")" "$before"
	eq "$(ls -A "/proc/$pid/root")" ""
	no_way_out "$pid"
	jailed
	# who joins that namespace later, as the other containers of a pod do, finds the container's name
	eq "$(nsenter -t "$NS_PID" -u hostname)" vmrunc-test
	rt start "$ID"
	wait_for "$WAIT_S" file_has "$BATS_TEST_TMPDIR/stdout" vmrunc-test
	wait_for "$WAIT_S" file_has "$BUNDLE/rootfs/file" made
	rt kill "$ID" KILL
	wait_status "$ID" stopped
	rt delete "$ID"
	# the namespaces were joined, not taken along
	kill -0 "$NS_PID"
}

@test "a joined pid namespace: its init sees the monitor, whose end is its own" {
	local pid
	hold --pid --fork --kill-child
	sh_bundle 'sleep 1000' '.linux.namespaces |= map(if .type == "pid" then .path = $p else . end)' --arg p "/proc/$NS_PID/ns/pid"
	create
	pid=$(monitor)
	eq "$(awk '/^NSpid/ {print NF}' "/proc/$pid/status")" 3
	eq "$(readlink "/proc/$pid/ns/pid")" "$(readlink "/proc/$NS_PID/ns/pid")"
	rt start "$ID"
	kill -KILL "$HOLDER"
	HOLDER=""
	wait_status "$ID" stopped
	rt delete "$ID"
}

# bats test_tags=kvm
@test "user: mappings of several ranges: ids on the host are the mapped ones, and look right inside" {
	sh_bundle 'cat /proc/self/uid_map /proc/self/gid_map | tr -s " "; echo; id -u; touch /as-root; stat -c "%u:%g" / /owned-1000 /unmapped; cd /free && touch of-root && chown 1000:2001 of-root; su user -c "touch /free/of-user"' '
		.linux.namespaces += [{type: "user"}] |
		.linux.uidMappings = [{containerID: 0, hostID: 100000, size: 100}, {containerID: 1000, hostID: 200000, size: 500}] |
		.linux.gidMappings = [{containerID: 0, hostID: 300000, size: 10}, {containerID: 1000, hostID: 400000, size: 1}, {containerID: 2000, hostID: 500000, size: 5}] |
		.process.capabilities = (["CAP_CHOWN", "CAP_SETUID", "CAP_SETGID", "CAP_DAC_OVERRIDE"] | {bounding: ., effective: ., permitted: .})'
	chown -R 100000:300000 "$BUNDLE/rootfs"
	mkdir "$BUNDLE/rootfs/free"
	chmod 1777 "$BUNDLE/rootfs/free"
	touch "$BUNDLE/rootfs/owned-1000" "$BUNDLE/rootfs/unmapped"
	chown 200000:400000 "$BUNDLE/rootfs/owned-1000"
	chown 7:7 "$BUNDLE/rootfs/unmapped"
	run_c
	eq "$status" 0
	eq "$output" " 0 100000 100
 1000 200000 500
 0 300000 10
 1000 400000 1
 2000 500000 5

0
0:0
1000:1000
65534:65534"
	eq "$(stat -c %u:%g "$BUNDLE/rootfs/as-root")" 100000:300000
	eq "$(stat -c %u:%g "$BUNDLE/rootfs/free/of-root")" 200000:500001
	eq "$(stat -c %u:%g "$BUNDLE/rootfs/free/of-user")" 200000:400000
}

@test "user: mappings that do not start at 0, and a process that does not run as root" {
	sh_bundle 'id -u; id -g; tr -s " " </proc/self/uid_map; touch /tmp/mine' '
		.linux.namespaces += [{type: "user"}] |
		.linux.uidMappings = [{containerID: 0, hostID: 4000000000, size: 10}, {containerID: 20, hostID: 70000, size: 10}] |
		.linux.gidMappings = [{containerID: 0, hostID: 65534, size: 21}] |
		.process.user = {uid: 25, gid: 20}'
	chown -R 4000000000:65534 "$BUNDLE/rootfs"
	run_c
	eq "$status" 0
	eq "$output" "25
20
 0 4000000000 10
 20 70000 10"
	eq "$(stat -c %u:%g "$BUNDLE/rootfs/tmp/mine")" 70005:65554
}

@test "user and network: its root has the rights over a network of its own: ports, raw sockets, settings, interfaces" {
	vmrunc_only # the others leave its loopback down
	sh_bundle 'timeout 2 nc -l -p 80; echo "port $?"; ping -c 1 -W 1 127.0.0.1 | grep -c "1 packets received"; tr -s "\t" " " </proc/sys/net/ipv4/ping_group_range; cat /proc/sys/net/ipv4/ip_forward; ip link set lo mtu 1234 && cat /sys/class/net/lo/mtu' '
		.linux.namespaces += [{type: "user"}] |
		.linux.uidMappings = [{containerID: 0, hostID: 100000, size: 1000}] |
		.linux.gidMappings = .linux.uidMappings |
		.linux.sysctl = {"net.ipv4.ping_group_range": "0 900", "net.ipv4.ip_forward": "1"} |
		.process.capabilities = (["CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_NET_ADMIN"] | {bounding: ., effective: ., permitted: .})'
	chown -R 100000:100000 "$BUNDLE/rootfs"
	run_c
	eq "$status" 0
	eq "$output" "port 143
1
0 900
1
1234"
	# what a network namespace of a user namespace does not have cannot be set: an error, as with runc
	new_bundle '
		.linux.namespaces += [{type: "user"}] |
		.linux.uidMappings = [{containerID: 0, hostID: 100000, size: 1000}] |
		.linux.gidMappings = .linux.uidMappings |
		.linux.sysctl = {"net.core.somaxconn": "77"}'
	chown -R 100000:100000 "$BUNDLE/rootfs"
	run_c
	[ "$status" -ne 0 ]
	has "$stderr" "net.core.somaxconn"
}

@test "user without network: the network is somebody else's, and root has no rights over it" {
	sh_bundle 'ip link set lo mtu 1234 2>/dev/null || echo "mtu refused"; timeout 2 nc -l -p 80 2>/dev/null; echo "port $?"' '
		.linux.namespaces = [.linux.namespaces[] | select(.type != "network")] + [{type: "user"}] |
		.linux.uidMappings = [{containerID: 0, hostID: 100000, size: 1000}] |
		.linux.gidMappings = .linux.uidMappings |
		.mounts = [.mounts[] | select(.type != "sysfs" and .type != "cgroup")] |
		.process.capabilities = (["CAP_NET_BIND_SERVICE", "CAP_NET_ADMIN"] | {bounding: ., effective: ., permitted: .})'
	chown -R 100000:100000 "$BUNDLE/rootfs"
	run_c
	eq "$status" 0
	eq "$output" "mtu refused
port 1"
}

# bats test_tags=kvm
@test "user: the monitor is in one of its own, with the mappings of the config; QEMU in one that has the same ids" {
	local p
	sh_bundle 'touch /made; chmod 4755 /made; sleep 1000' '
		.linux.namespaces += [{type: "user"}, {type: "cgroup"}] |
		.linux.uidMappings = [{containerID: 0, hostID: 1000, size: 1000}] | .linux.gidMappings = .linux.uidMappings'
	chown -R 1000:1000 "$BUNDLE/rootfs"
	create
	for p in $(monitor_and_children); do
		# what ties interfaces that come later has CAP_NET_ADMIN (12) there alone: the network is that namespace's
		if grep -qx vmrunc-net "/proc/$p/comm"; then
			eq "$(awk '/^Cap(Prm|Eff|Bnd)/ { print $2 }' "/proc/$p/status" | sed 's/^0*//' | xargs)" "1000 1000"
			eq "$(link "$p" user)" "$(link "$(monitor)" user)"
		fi
		is_elsewhere "$p" user
		# nobody of theirs is the host's root, nor has a group of it
		eq "$p $(awk '/^[UG]id/ { print $2, $3, $4, $5 }' "/proc/$p/status" | xargs)" "$p 1000 1000 1000 1000 1000 1000 1000 1000"
		eq "$p $(awk '/^Groups/ { print $2, $3 }' "/proc/$p/status")" "$p 1000 "
		# the process beside the VM that gives the sign of an OOM kill is in the monitor's
		grep -q '^qemu' "/proc/$p/comm" || continue
		eq "$(xargs <"/proc/$p/uid_map") $(xargs <"/proc/$p/gid_map")" "1000 1000 1000 1000 1000 1000"
	done
	eq "$(xargs <"/proc/$(monitor)/uid_map") $(xargs <"/proc/$(monitor)/gid_map")" "0 1000 1000 0 1000 1000"
	# each thread of the kvm engine has the filter of its role on top of the process's
	if [ "$(jq -r .engine "$ROOT/$ID/state.json")" = kvm ]; then
		eq "$(awk '/^Seccomp_filters/ { print $2 }' "/proc/$(monitor)/task/"*/status | sort -u)" 2
	fi
	jailed
	nsenter -t "$(monitor)" -m /bin/busybox test -e /bin/busybox
	rt start "$ID"
	wait_for "$WAIT_S" test -u "$BUNDLE/rootfs/made"
	eq "$(stat -c %u:%g:%a "$BUNDLE/rootfs/made")" 1000:1000:4755
	rt delete --force "$ID"
}

@test "user by path: guest and monitor have the mappings of that namespace, whatever the config says" {
	hold --user
	echo "0 100000 1000" >"/proc/$NS_PID/uid_map"
	echo "0 200000 1000" >"/proc/$NS_PID/gid_map"
	sh_bundle 'tr -s " " </proc/self/uid_map; tr -s " " </proc/self/gid_map; touch /made' \
		'.linux.namespaces += [{type: "user", path: $p}]' --arg p "/proc/$NS_PID/ns/user"
	chown -R 100000:200000 "$BUNDLE/rootfs"
	run_c
	eq "$status" 0
	eq "$output" " 0 100000 1000
 0 200000 1000"
	eq "$(stat -c %u:%g "$BUNDLE/rootfs/made")" 100000:200000
	# Podman's mapping of a container that has none of its own
	sh_bundle 'tr -s " " </proc/self/uid_map; cat /data/secret; echo x >/data/plain' \
		'.linux.namespaces += [{type: "user", path: $p}] | .linux.uidMappings = [{containerID: 0, hostID: 0, size: 1}] | .linux.gidMappings = .linux.uidMappings
		| .mounts += [{destination: "/data", type: "bind", source: $src, options: ["rbind", "rw"]}]' \
		--arg p "/proc/$NS_PID/ns/user" --arg src "$(secrets)"
	chown -R 100000:200000 "$BUNDLE/rootfs"
	run_c
	eq "$output" " 0 100000 1000"
	has "$stderr" "secret': Permission denied"
	has "$stderr" "create /data/plain: Permission denied"
	eq "$(cat "$BATS_TEST_TMPDIR/secrets/plain")" plain
}

@test "user by path of another container: its mappings, and nothing of the host's" {
	sh_bundle 'sleep 1000' '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 1000}] | .linux.gidMappings = .linux.uidMappings'
	chown -R 100000:100000 "$BUNDLE/rootfs"
	create
	local path
	path=/proc/$(monitor)/ns/user
	sh_bundle 'tr -s " " </proc/self/uid_map; cat /data/secret' '.linux.namespaces += [{type: "user", path: $p}]
		| .mounts += [{destination: "/data", type: "bind", source: $src, options: ["rbind", "rw"]}]' \
		--arg p "$path" --arg src "$(secrets)"
	chown -R 100000:100000 "$BUNDLE/rootfs"
	rt run --bundle "$BUNDLE" "$ID-2" </dev/null >"$BATS_TEST_TMPDIR/out" 2>&1 || true
	has "$(cat "$BATS_TEST_TMPDIR/out")" " 0 100000 1000"
	has "$(cat "$BATS_TEST_TMPDIR/out")" "secret': Permission denied"
	rt delete --force "$ID"
}

# secrets: makes a directory of files that a user namespace at 100000 may not touch, and prints its path.
secrets() {
	local dir=$BATS_TEST_TMPDIR/secrets
	mkdir -p "$dir"
	echo secret >"$dir/secret"
	chmod 600 "$dir/secret"
	echo plain >"$dir/plain"
	echo "$dir"
}

@test "user by path: the caller's own is as if none was listed; one without mappings is an error" {
	sh_bundle 'tr -s " " </proc/self/uid_map' '.linux.namespaces += [{type: "user", path: "/proc/self/ns/user"}]'
	run_c
	eq "$status" 0
	eq "$output" " 0 0 4294967295"
	hold --user
	new_bundle '.linux.namespaces += [{type: "user", path: $p}]' --arg p "/proc/$NS_PID/ns/user"
	run_c
	[ "$status" -ne 0 ]
	has "$stderr" "has no mappings"
}

@test "time: a new namespace has the offsets, in the guest and on the host; one by path is joined" {
	local pid
	sh_bundle 'cut -d. -f1 /proc/uptime; sleep 1000' '.linux.namespaces += [{type: "time"}] | .linux.timeOffsets = {boottime: {secs: 864000, nanosecs: 5}, monotonic: {secs: 7}}'
	create
	pid=$(monitor)
	is_elsewhere "$pid" time
	eq "$(tr -s ' ' <"/proc/$pid/timens_offsets")" "monotonic 7 0
boottime 864000 5"
	rt start "$ID"
	wait_for "$WAIT_S" test -s "$BATS_TEST_TMPDIR/stdout"
	[ "$(cat "$BATS_TEST_TMPDIR/stdout")" -ge 864000 ]
	rt delete --force "$ID"

	hold --time --boottime 1000 --fork --kill-child
	sh_bundle 'sleep 1000' '.linux.namespaces += [{type: "time", path: $p}]' --arg p "/proc/$NS_PID/ns/time"
	create
	eq "$(link "$(monitor)" time)" "$(link "$NS_PID" time)"
	rt delete --force "$ID"
}

@test "a path to a namespace of another type, to a file that is no namespace, or to nothing: an error for each of the eight types" {
	local type other
	for type in cgroup ipc mount network pid time user uts; do
		other=ipc
		[ "$type" != ipc ] || other=uts
		new_bundle '.linux.namespaces = [{type: $t, path: ("/proc/self/ns/" + $o)}]' --arg t "$type" --arg o "$other"
		run_c
		[ "$status" -ne 0 ]
		has "$stderr" "linux.namespaces: $type: \"/proc/self/ns/$other\" is a namespace of another type"
		new_bundle '.linux.namespaces = [{type: $t, path: "/dev/null"}]' --arg t "$type"
		run_c
		[ "$status" -ne 0 ]
		has "$stderr" "linux.namespaces: $type: \"/dev/null\" is not a namespace"
		new_bundle '.linux.namespaces = [{type: $t, path: "/no/such/path"}]' --arg t "$type"
		run_c
		[ "$status" -ne 0 ]
		has "$stderr" "linux.namespaces: $type: cannot open \"/no/such/path\""
	done
}

@test "a type that is listed twice, or does not exist: an error" {
	local type
	for type in cgroup ipc mount network pid time user uts; do
		new_bundle '.linux.namespaces = [{type: $t}, {type: $t, path: "/proc/self/ns/ipc"}]' --arg t "$type"
		run_c
		[ "$status" -ne 0 ]
		has "$stderr" "\"$type\" is listed twice"
	done
	new_bundle '.linux.namespaces = [{type: "disk"}]'
	run_c
	[ "$status" -ne 0 ]
	has "$stderr" "linux.namespaces[0].type"
}
