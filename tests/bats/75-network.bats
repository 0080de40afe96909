#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A container is on the network of its network namespace. Everything happens in network namespaces that the test makes:
# the container's, and that of its peer, with a pair of veth interfaces between them.

load helpers

setup_file() {
	common_setup_file
}

setup() {
	vmrunc_only
	command -v ip >/dev/null || cannot "no ip (package iproute2)"
	[ -c /dev/net/tun ] || cannot "no /dev/net/tun"
	PEER=vp$$-$BATS_TEST_NUMBER NS=vc$$-$BATS_TEST_NUMBER PEER_PID='' DIR=$BATS_TEST_TMPDIR
	ip netns add "$PEER"
	ip -n "$PEER" link set lo up
	common_setup # when ip(8) has its directory of namespaces, a mount that stays
}

teardown() {
	[ -z "${PEER_PID:-}" ] || kill "$PEER_PID"
	for ns in "$PEER" "$NS"; do
		[ ! -e "/run/netns/$ns" ] || ip netns del "$ns"
	done
	common_teardown
}

# Makes the container's namespace $NS.
make_ns() {
	ip netns add "$NS"
	ip -n "$NS" link set lo up
}

# connect NS: puts eth0 into the network namespace NS, a name or a pid, and its other end h0 into the peer's.
connect() {
	ip -n "$PEER" link add h0 type veth peer name eth0 netns "$1"
	ip -n "$PEER" addr add 10.9.0.1/24 dev h0
	ip -n "$PEER" addr add fd09::1/64 dev h0 nodad
	ip -n "$PEER" link set h0 up
}

# configure IP_COMMAND...: gives eth0 its addresses and its routes.
configure() {
	"$@" addr add 10.9.0.2/24 brd + dev eth0
	"$@" addr add 10.9.0.22/32 dev eth0
	"$@" addr add fd09::2/64 dev eth0 nodad
	"$@" link set eth0 up
	"$@" route add default via 10.9.0.1
	"$@" route add 192.0.2.0/24 via 10.9.0.1 metric 77 mtu 1400
	"$@" -6 route add default via fd09::1
}

serve() {
	ip netns exec "$PEER" python3 "$BATS_TEST_DIRNAME/netpeer.py" serve "$DIR" &
	PEER_PID=$!
	wait_for "$WAIT_S" test -e "$DIR/ready"
}

# Takes a value of KEY=VALUE lines of $output.
said() {
	sed -n "s/^$1=//p" <<<"$output"
}

lacks() {
	! file_has "$1" "$2"
}

# The container answers its peer, by one answer each.
ping_from_peer() {
	[ "$(ip netns exec "$PEER" python3 "$BATS_TEST_DIRNAME/netpeer.py" ask-arp h0 10.9.0.2 | wc -l)" = 1 ]
}

in_ns='.linux.namespaces |= map(if .type == "network" then .path = $ns else . end)
	| .process.capabilities[] += ["CAP_NET_RAW"]'

@test "a container is on the network of its namespace" {
	local mac
	make_ns
	connect "$NS"
	configure ip -n "$NS"
	ip -n "$NS" link set eth0 mtu 1400
	ip -n "$NS" neigh add 10.9.0.77 lladdr 02:00:00:00:00:77 dev eth0 nud permanent
	ip -n "$NS" addr add 10.10.10.10/32 dev lo
	mac=$(ip -n "$NS" -j link show eth0 | jq -r '.[0].address')
	serve
	sh_bundle '
		echo "links=$(ls /sys/class/net | tr "\n" " ")"
		echo "mac=$(cat /sys/class/net/eth0/address)"
		echo "mtu=$(cat /sys/class/net/eth0/mtu)"
		echo "addresses=$(ip -4 addr show | sed -n "s/.*inet \([0-9./]*\).*/\1/p" | tr "\n" " ")"
		echo "six=$(ip -6 addr show eth0 | sed -n "s/.*inet6 \([^ ]*\).*/\1/p" | tr "\n" " ")"
		echo "routes=$(ip route | sed "s/ *$//" | sort | tr "\n" ",")"
		echo "neighbour=$(ip neigh show | grep -c "10.9.0.77.*02:00:00:00:00:77.*PERMANENT")"
		ping -c 2 -W 10 10.9.0.1 >/dev/null && echo ping=ok
		ping -6 -c 2 -W 10 fd09::1 >/dev/null && echo ping6=ok
		head -c 6000000 /dev/urandom >/tmp/bulk
		echo "up=$(sha256sum </tmp/bulk | cut -d" " -f1)"
		nc 10.9.0.1 5001 </tmp/bulk
		echo "down=$(nc 10.9.0.1 5002 </dev/null | sha256sum | cut -d" " -f1)"
		echo "down6=$(nc fd09::1 5002 </dev/null | sha256sum | cut -d" " -f1)"
		echo "name=$(nslookup some.name 10.9.0.1 | grep -c 192.0.2.7)"
		for i in $(seq 100); do nc 10.9.0.1 5003 </dev/null; done | grep -c hello | sed "s/^/short=/"
		touch /ready
		while [ ! -e /end ]; do sleep 0.1; done' "$in_ns" --arg ns "/run/netns/$NS"
	rt create --bundle "$BUNDLE" "$ID" >"$DIR/out" 2>&1 </dev/null
	# the taps are spare until start, and each has noqueue whatever the default of the host is
	[ "$(ip -n "$NS" -j -d link show type tun | jq -c 'map([.qdisc, .operstate, .ifalias]) | unique')" = "[[\"noqueue\",\"DOWN\",\"vmrunc $ID\"]]" ]
	rt start "$ID"
	wait_for "$WAIT_S" test -e "$BUNDLE/rootfs/ready" || { cat "$DIR/out"; false; }
	run cat "$DIR/out"
	echo "$output"
	[ "$(said links)" = "eth0 lo " ]
	[ "$(said mac)" = "$mac" ]
	[ "$(said mtu)" = 1400 ]
	[ "$(said addresses)" = "127.0.0.1/8 10.10.10.10/32 10.9.0.2/24 10.9.0.22/32 " ]
	[[ " $(said six)" == *" fd09::2/64 "* ]]
	[ "$(said routes)" = "10.9.0.0/24 dev eth0 scope link  src 10.9.0.2,192.0.2.0/24 via 10.9.0.1 dev eth0  metric 77,default via 10.9.0.1 dev eth0," ]
	[ "$(said neighbour)" = 1 ]
	[ "$(said ping)" = ok ]
	[ "$(said ping6)" = ok ]
	[ "$(said up)" = "$(cat "$DIR/upload-1")" ]
	[ "$(said down)" = "$(cat "$DIR/download")" ]
	[ "$(said down6)" = "$(cat "$DIR/download")" ]
	[ "$(said name)" = 1 ]
	[ "$(said short)" = 100 ]
	# one answer for the container's address, and the interface of the host keeps what it has
	[ "$(ip netns exec "$PEER" python3 "$BATS_TEST_DIRNAME/netpeer.py" ask-arp h0 10.9.0.2)" = "$mac" ]
	[ "$(ip -n "$NS" -4 -j addr show dev eth0 | jq -c '[.[0].addr_info[].local]')" = '["10.9.0.2","10.9.0.22"]' ]
	[ "$(ip -n "$NS" -s -j link show eth0 | jq '.[0].stats64.rx.bytes > 12000000 and .[0].stats64.tx.bytes > 6000000')" = true ]
	touch "$BUNDLE/rootfs/end"
	wait_status "$ID" stopped
	[ "$(ip -n "$NS" -j -d link show type tun | jq length)" = 0 ]
	rt delete "$ID"
	[ "$(ip netns exec "$NS" tc qdisc show dev eth0 | grep -c ingress)" = 0 ]
}

@test "interfaces that come between create and start, in a new namespace with a user namespace" {
	local pid now
	serve
	sh_bundle '
		echo "links=$(ls /sys/class/net | tr "\n" " ")"
		echo "sysctl=$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)"
		echo "down=$(nc 10.9.0.1 5002 </dev/null | sha256sum | cut -d" " -f1)"
		ping -6 -c 2 -W 10 fd09::1 >/dev/null && echo ping6=ok
		echo "filter=$(cat /proc/sys/net/ipv4/conf/eth0/rp_filter)"
		while :; do
			{ ip addr show; ip route; ip -6 route; } >/now.new
			mv /now.new /now
			sleep 0.1
		done' '.process.capabilities[] += ["CAP_NET_RAW"]
		| .linux.namespaces += [{"type": "user"}]
		| .linux.uidMappings = [{"containerID": 0, "hostID": 0, "size": 65536}]
		| .linux.gidMappings = .linux.uidMappings
		| .linux.sysctl = {"net.ipv4.ip_unprivileged_port_start": "77"}'
	rt create --bundle "$BUNDLE" "$ID" >"$DIR/out" 2>&1 </dev/null
	pid=$(rt state "$ID" | jq .pid)
	now=$BUNDLE/rootfs/now
	connect "$pid"
	configure nsenter -t "$pid" -n ip
	nsenter -t "$pid" -n sh -c 'echo 2 >/proc/sys/net/ipv4/conf/eth0/rp_filter'
	ip -n "$PEER" link add h1 type veth peer name eth1 netns "$pid"
	nsenter -t "$pid" -n ip addr add 10.20.0.2/24 dev eth1
	nsenter -t "$pid" -n ip link set eth1 up
	rt start "$ID"
	wait_for "$WAIT_S" file_has "$DIR/out" filter
	run cat "$DIR/out"
	echo "$output"
	[ "$(said links)" = "eth0 eth1 lo " ]
	[ "$(said sysctl)" = 77 ]
	[ "$(said down)" = "$(cat "$DIR/download")" ]
	[ "$(said filter)" = 2 ]
	# what changes later the guest follows
	wait_for "$WAIT_S" file_has "$now" "10.20.0.2/24"
	nsenter -t "$pid" -n ip addr add 10.9.0.33/24 dev eth0
	nsenter -t "$pid" -n ip route add 198.51.100.0/24 via 10.9.0.1
	wait_for "$WAIT_S" file_has "$now" "198.51.100.0/24 via 10.9.0.1 dev eth0"
	file_has "$now" "10.9.0.33/24"
	nsenter -t "$pid" -n ip addr del 10.9.0.33/24 dev eth0
	nsenter -t "$pid" -n ip -6 route del default
	nsenter -t "$pid" -n ip link set eth0 mtu 1300
	wait_for "$WAIT_S" file_has "$now" "eth0:.*mtu 1300"
	wait_for "$WAIT_S" lacks "$now" "10.9.0.33\|^default via fd09::1"
	nsenter -t "$pid" -n ip link set eth1 down
	wait_for "$WAIT_S" file_has "$now" "eth1:.*<BROADCAST,MULTICAST>"
	ip -n "$PEER" link del h1
	wait_for "$WAIT_S" lacks "$now" eth1
	# what did not change is still there
	file_has "$now" "10.9.0.2/24"
	file_has "$now" "192.0.2.0/24 via 10.9.0.1"
	ping_from_peer
	rt delete --force "$ID"
}

@test "a monitor that is killed leaves no tap, and delete frees the interface" {
	make_ns
	connect "$NS"
	configure ip -n "$NS"
	ip netns exec "$NS" tc qdisc add dev lo clsact
	new_bundle "$in_ns | .process.args = [\"sleep\", \"1000\"]" --arg ns "/run/netns/$NS"
	rt create --bundle "$BUNDLE" "$ID" >"$DIR/out" 2>&1 </dev/null
	rt start "$ID"
	[ "$(ip netns exec "$NS" tc filter show dev eth0 ingress | grep -c mirred)" = 1 ]
	kill -9 "$(rt state "$ID" | jq .pid)"
	wait_status "$ID" stopped
	[ "$(ip -n "$NS" -j -d link show type tun | jq length)" = 0 ]
	rt delete "$ID"
	[ "$(ip netns exec "$NS" tc qdisc show dev eth0 | grep -c ingress)" = 0 ]
	ip netns exec "$NS" tc qdisc show dev lo | grep -q clsact
	# the namespace's own stack has the interface again
	[ -n "$(ip netns exec "$PEER" python3 "$BATS_TEST_DIRNAME/netpeer.py" ask-arp h0 10.9.0.2)" ]
}

@test "without taps: a container without interfaces runs, one with an interface is refused" {
	local without="$DIR/without"
	printf '#!/bin/sh\nmount -t tmpfs none /dev/net && exec "$@"\n' >"$without"
	chmod +x "$without"
	make_ns
	sh_bundle 'ls /sys/class/net' "$in_ns" --arg ns "/run/netns/$NS"
	run -0 unshare -m "$without" "${RT_CMD[@]}" run --bundle "$BUNDLE" "$ID"
	[ "${lines[-1]}" = lo ]
	connect "$NS"
	configure ip -n "$NS"
	run unshare -m "$without" "${RT_CMD[@]}" run --bundle "$BUNDLE" "$ID"
	echo "$output"
	[ "$status" -ne 0 ]
	[[ "$output" == *'network: interface "eth0": network: cannot open /dev/net/tun: No such file or directory'* ]]
	[ ! -e "$ROOT/$ID" ]
}
