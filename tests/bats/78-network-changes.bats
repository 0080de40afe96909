#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What becomes of a container's interfaces while it runs, and interfaces that stand on others.

load helpers

setup_file() {
	common_setup_file
}

setup() {
	common_setup
	PEER='' NS='' FAR='' PEER_PID=''
	vmrunc_only
	command -v ip >/dev/null || cannot "no ip (package iproute2)"
	[ -c /dev/net/tun ] || cannot "no /dev/net/tun"
	PEER=wp$$-$BATS_TEST_NUMBER NS=wc$$-$BATS_TEST_NUMBER FAR=wf$$-$BATS_TEST_NUMBER DIR=$BATS_TEST_TMPDIR
	ip netns add "$PEER"
	ip netns add "$NS"
	ip -n "$NS" link set lo up
}

teardown() {
	[ -z "${PEER_PID:-}" ] || kill "$PEER_PID"
	for ns in $PEER $NS $FAR; do
		[ ! -e "/run/netns/$ns" ] || ip netns del "$ns"
	done
	common_teardown
}

# connect I: a pair of veth interfaces; the container's is eI.
connect() {
	ip -n "$PEER" link add "h$1" type veth peer name "e$1" netns "$NS"
	ip -n "$PEER" addr add "10.$1.0.1/24" dev "h$1"
	ip -n "$PEER" addr add "fd0$1::1/64" dev "h$1" nodad
	ip -n "$PEER" link set "h$1" up
	ip -n "$NS" addr add "10.$1.0.2/24" dev "e$1"
	ip -n "$NS" addr add "fd0$1::2/64" dev "e$1" nodad
	ip -n "$NS" link set "e$1" up
}

# The guest's "now" is that of a moment after this, and has each of the lines.
now_has() {
	local line
	for line; do
		wait_for "$WAIT_S" file_has "$BUNDLE/rootfs/now" "$line" || { cat "$BUNDLE/rootfs/now"; return 1; }
	done
}

# The container is answered by each of the addresses.
reaches() {
	local a
	for a; do
		wait_for "$WAIT_S" rt exec "$ID" ping -c 1 -W 5 "$a" >"$DIR/ping" || { echo "$a"; cat "$DIR/ping"; return 1; }
	done
}

@test "interfaces that exchange names, change while they are up, go and stand on each other; routes by several" {
	local vlan=1 ipvlan=1 announced
	connect 0
	connect 1
	ip -n "$NS" route add 198.51.100.0/24 via 10.0.0.1
	ip -n "$NS" -6 route add fd99::/64 via fd00::1
	# tun7 is no Ethernet, so that the guest has no such interface, and it has no carrier
	ip -n "$NS" tuntap add mode tun name tun7
	ip -n "$NS" addr add 10.7.0.1/24 dev tun7
	ip -n "$NS" link set tun7 up
	ip -n "$NS" route add 198.51.101.0/24 nexthop via 10.0.0.1 weight 3 nexthop via 10.7.0.9 weight 2
	ip -n "$NS" route add 198.51.102.0/24 via 10.7.0.9
	ip -n "$NS" route add 198.51.103.0/24 nexthop via 10.0.0.1 weight 3 nexthop via 10.1.0.1 weight 2
	ip -n "$NS" route add blackhole 198.51.104.0/24
	# where the kernel has VLANs and ipvlan: a VLAN on e1, and one whose lower interface is elsewhere, as is ipvlan's
	ip -n "$PEER" link add link h1 name h1.5 type vlan id 5 2>/dev/null || vlan=0
	if [ $vlan = 1 ]; then
		ip -n "$PEER" addr add 10.25.0.1/24 dev h1.5
		ip -n "$PEER" link set h1.5 up
		ip -n "$NS" link add link e1 name e1.5 type vlan id 5
		ip -n "$NS" addr add 10.25.0.2/24 dev e1.5
		ip -n "$NS" link set e1.5 up
		ip -n "$PEER" link add q0 type veth peer name q1
		ip -n "$PEER" link set q0 up
		ip -n "$PEER" link set q1 up
		ip -n "$PEER" link add link q0 name q0.7 type vlan id 7
		ip -n "$PEER" addr add 10.26.0.1/24 dev q0.7
		ip -n "$PEER" link set q0.7 up
		ip -n "$PEER" link add link q1 name v7 netns "$NS" type vlan id 7
		ip -n "$NS" addr add 10.26.0.2/24 dev v7
		ip -n "$NS" link set v7 up
	fi
	ip netns add "$FAR"
	ip -n "$FAR" link add r0 type veth peer name r1 netns "$PEER"
	ip -n "$FAR" addr add 10.27.0.1/24 dev r0
	ip -n "$FAR" link set r0 up
	ip -n "$PEER" addr add 10.27.0.9/24 dev r1
	ip -n "$PEER" link set r1 up
	ip -n "$PEER" link add link r1 name i0 netns "$NS" type ipvlan mode l3 2>/dev/null || ipvlan=0
	if [ $ipvlan = 1 ]; then
		ip -n "$FAR" route add 10.28.0.0/24 dev r0
		ip -n "$NS" addr add 10.28.0.2/24 dev i0
		ip -n "$NS" link set i0 up
		ip -n "$NS" route add 10.27.0.0/24 dev i0
		ip -n "$FAR" neigh add 10.28.0.2 lladdr "$(ip -n "$PEER" -j link show r1 | jq -r '.[0].address')" dev r0
		ip netns exec "$NS" busybox ping -c 1 -W 10 10.27.0.1 # as without a machine
	fi
	# e2's IPv6 is what a router announces; the namespace has it before start, as it would be under runc
	ip -n "$PEER" link add h2 type veth peer name e2 netns "$NS"
	ip -n "$PEER" addr add fd42::1/64 dev h2 nodad
	ip -n "$PEER" link set h2 up
	ip -n "$NS" link set e2 up
	wait_for "$WAIT_S" router_is_ready
	ip netns exec "$PEER" python3 "$BATS_TEST_DIRNAME/netpeer.py" router h2 fd42 "$DIR/no-router" 3>&- &
	PEER_PID=$!
	wait_for "$WAIT_S" has_announced
	announced=$(announced)
	sh_bundle '
		while :; do
			{ ip addr show; ip route; ip -6 route; } >/now.new
			mv /now.new /now
			sleep 0.1
		done' '.linux.namespaces |= map(if .type == "network" then .path = $ns else . end)
		| .process.capabilities[] += ["CAP_NET_RAW"]' --arg ns "/run/netns/$NS"
	rt create --bundle "$BUNDLE" "$ID" >"$DIR/out" 2>&1 </dev/null
	rt start "$ID"
	now_has "198.51.100.0/24 via 10.0.0.1 dev e0" "198.51.101.0/24 via 10.0.0.1 dev e0" "blackhole 198.51.104.0/24" \
		"^198.51.103.0/24" "fd99::/64 via fd00::1 dev e0"
	lacks_now 198.51.102
	reaches 10.0.0.1 10.1.0.1
	[ $vlan = 0 ] || reaches 10.25.0.1 10.26.0.1
	[ $ipvlan = 0 ] || reaches 10.27.0.1
	# the same address, made of the same MAC address, and the same router; what it says of resolvers is nobody's
	now_has "inet6 $announced/64 scope global dynamic" "default via fe80::[^ ]* dev e2 "
	[ "$(rt exec "$ID" cat /proc/sys/net/ipv6/conf/e2/mtu)" = 1400 ]
	ip netns exec "$PEER" busybox ping -6 -c 1 -W 10 "$announced"
	# and on the host, if packets can be shared with its stack
	[ "$(announced)" = "$announced" ]
	touch "$DIR/no-router"
	wait "$PEER_PID"
	PEER_PID=''
	wait_for "$WAIT_S" lacks_now "^default via fe80"
	wait_for "$WAIT_S" has_no_router
	now_has "inet6 $announced/64"

	# a name that changes while the interface is up (Linux 6.2), by which no route goes
	if ip -n "$NS" link set e0 name front 2>/dev/null; then
		now_has "198.51.100.0/24 via 10.0.0.1 dev front" "fd99::/64 via fd00::1 dev front" "fd00::2/64"
		reaches fd00::1
	else
		printf 'link set e0 down\nlink set e0 name front\nlink set e0 up\n' | ip -n "$NS" -batch - || true
		ip -n "$NS" link set front up
	fi
	printf 'link set %s\n' "e1 down" "front down" "e1 name between" "front name e1" "between name front" "e1 up" "front up" |
		ip -n "$NS" -batch -
	now_has "10.0.0.0/24 dev e1 " "10.1.0.0/24 dev front "
	reaches 10.0.0.1 10.1.0.1
	# a hundred times down and up, and a MAC address, within what is told at once
	for _ in $(seq 100); do
		printf 'link set e1 down\nlink set e1 up\n'
	done | ip -n "$NS" -batch -
	ip -n "$NS" link set e1 address 02:00:00:00:11:22
	ip -n "$NS" route add 198.51.105.0/24 via 10.0.0.1
	now_has "link/ether 02:00:00:00:11:22" "198.51.105.0/24 via 10.0.0.1 dev e1" "10.0.0.2/24"
	reaches 10.0.0.1
	# one that goes takes its own with it, and nothing else
	ip -n "$PEER" link del h1
	wait_for "$WAIT_S" lacks_now "10[.]1[.]0[.]"
	now_has "198.51.105.0/24 via 10.0.0.1 dev e1"
	reaches 10.0.0.1
	rt delete --force "$ID"
	[ "$(ip netns exec "$NS" tc filter show dev e1 ingress | wc -l)" = 0 ]
}

# The address that e2 has on the host of what a router has announced.
announced() {
	ip -n "$NS" -j -6 addr show dev e2 scope global | jq -r '.[].addr_info[] | select(.dynamic) | .local'
}

has_announced() {
	[ -n "$(announced)" ]
}

has_no_router() {
	[ -z "$(ip -n "$NS" -6 route show default dev e2)" ]
}

# The link-local address, which a router speaks with, is not tentative any more.
router_is_ready() {
	[ -n "$(ip -n "$PEER" -6 addr show dev h2 scope link -tentative)" ]
}

lacks_now() {
	! file_has "$BUNDLE/rootfs/now" "$1"
}
