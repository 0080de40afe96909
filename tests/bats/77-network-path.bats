#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What passes between containers and their network, whole and in both directions: two virtual machines and a plain network
# namespace on one bridge, in network namespaces that the test makes.
#
# Environment: NETWORK_MIB (2) and NETWORK_SHORT (1000, in the KVM test machine 100), how much and how many times; tests/network/netend.c says what is tried.

load helpers

setup_file() {
	common_setup_file
	export NETEND=${VMRUNC_NETEND:-$TOP/build/tests/network/netend}
	[ -x "$NETEND" ] || cannot "no $NETEND: run make"
}

setup() {
	common_setup
	NAMESPACES=() PIDS=() ASKED=0
	vmrunc_only
	command -v ip >/dev/null || cannot "no ip (package iproute2)"
	[ -c /dev/net/tun ] || cannot "no /dev/net/tun"
	DIR=$BATS_TEST_TMPDIR
}

teardown() {
	local ns
	[ ${#PIDS[@]} -eq 0 ] || kill "${PIDS[@]}" 2>/dev/null || true
	common_teardown
	for ns in "${NAMESPACES[@]}"; do
		[ ! -e "/run/netns/$ns" ] || ip netns del "$ns"
	done
}

# new_ns VARIABLE LETTER: makes a network namespace.
new_ns() {
	local -n name=$1
	name=v$2$$-$BATS_TEST_NUMBER
	NAMESPACES+=("$name")
	ip netns add "$name"
	ip -n "$name" link set lo up
}

# host NS N: connects a namespace to the bridge as eth0, with the addresses that end in N.
host() {
	ip -n "$SWITCH" link add "p$2" type veth peer name eth0 netns "$1"
	ip -n "$SWITCH" link set "p$2" master br0 up
	ip -n "$1" addr add "10.9.0.$2/24" brd + dev eth0
	ip -n "$1" addr add "fd09::$2/64" dev eth0 nodad
	ip -n "$1" link set eth0 up
}

# set_mtu MTU: of all that is on the bridge.
set_mtu() {
	local i
	for i in 1 2 3; do
		ip -n "$SWITCH" link set "p$i" mtu "$1"
	done
	ip -n "$SWITCH" link set br0 mtu "$1"
	ip -n "$VM1" link set eth0 mtu "$1"
	ip -n "$VM2" link set eth0 mtu "$1"
	ip -n "$PLAIN" link set eth0 mtu "$1"
}

# machine NAME NS: starts a container there, which serves, and runs what is put into a file do-N; what that prints goes to did-N.
# A broken line is none, since files are moved there whole, and synced before; and no name is used twice, since the guest
# keeps a file that the host removes.
machine() {
	sh_bundle '
		netend serve eth0 &
		while :; do
			for f in /do-*; do
				[ -e "$f" ] || continue
				n=${f#/do-}
				mv "$f" "/doing-$n"
				sh "/doing-$n" >"/new-$n" 2>&1
				sync # a process that is left over may have it open, and what is not closed is not yet on the host
				mv "/new-$n" "/did-$n"
			done
			cat /sys/class/net/eth0/mtu >/mtu.new
			mv /mtu.new /mtu
			sleep 0.1
		done' '.linux.namespaces |= map(if .type == "network" then .path = $ns else . end)
		| .process.capabilities[] += ["CAP_NET_ADMIN"]' --arg ns "/run/netns/$2"
	cp "$NETEND" "$BUNDLE/rootfs/bin/"
	rt create --bundle "$BUNDLE" "$1" >"$DIR/$1.out" 2>&1 </dev/null
	rt start "$1"
	wait_for "$WAIT_S" file_has "$DIR/$1.out" serving || { cat "$DIR/$1.out"; false; }
}

# in_machine BUNDLE COMMAND...: runs it there; $output is what it prints.
in_machine() {
	local root=$1/rootfs n=$((++ASKED))
	shift
	printf '%s\n' "$*" >"$root/ask-$n"
	mv "$root/ask-$n" "$root/do-$n"
	wait_for $((5 * WAIT_S)) test -e "$root/did-$n" || { cat "$root/new-$n"; false; }
	output=$(cat "$root/did-$n")
	echo "$output"
}

in_plain() {
	output=$(ip netns exec "$PLAIN" "$@" 2>&1) || true
	echo "$output"
}

# What a path that does all that it should says.
ALL_WELL='up=ok
down=ok
down-beside=ok
up-beside=ok
short=ok
reset=ok
resetting=ok
refused=ok
udp=ok
whole=ok
larger=ok
stamp-in=ok
stamp-out=ok
checked=ok'

said() {
	sed -n "s/^$1=//p" <<<"$output"
}

# Keeps the length of the longest frame that a tap of its namespace has brought from a machine in the file of its argument.
LONGEST='import os, socket, sys
def keep(n):
    with open(sys.argv[1] + ".new", "w") as f: f.write(str(n))
    os.rename(sys.argv[1] + ".new", sys.argv[1])
longest = 0
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) # ETH_P_ALL
keep(longest)
while True:
    n, _, _, (name, _, kind, *_) = s.recvmsg_into([bytearray(70000)])
    if n > longest and name.startswith("vmtap") and kind != 4: # PACKET_OUTGOING
        longest = n
        keep(longest)'

# is_above N FILE: whether the number in it is.
is_above() { [ "$(cat "$2")" -gt "$1" ]; }

# sum FIELD: of the taps in the namespace of the first machine.
sum() {
	ip -n "$VM1" -s -j link show type tun | jq "[.[].stats64.$1] | add"
}

@test "two virtual machines and a plain host on one bridge: all that passes, with any MTU, and after a restart" {
	local mib=${NETWORK_MIB:-2} short=${NETWORK_SHORT:-1000} one two bytes uso address
	[ "${VMRUNC_KVMHOST:-0}" = 0 ] || short=${NETWORK_SHORT:-100} # a machine of one emulated processor
	new_ns SWITCH s
	new_ns VM1 a
	new_ns VM2 b
	new_ns PLAIN c
	ip -n "$SWITCH" link add br0 type bridge
	ip -n "$SWITCH" link set br0 up
	host "$VM1" 1
	host "$VM2" 2
	host "$PLAIN" 3
	# a queue that reads time stamps of packets as times to send them at; packets have them as somebody asks for stamps
	ip netns exec "$VM1" tc qdisc replace dev eth0 root fq || echo "no queueing discipline fq here: without it"
	ip netns exec "$PLAIN" "$NETEND" serve eth0 >"$DIR/plain.out" 2>&1 3>&- &
	PIDS+=($!)
	python3 -c 'import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, 35, 1) # SO_TIMESTAMPNS
time.sleep(100000)' 3>&- &
	PIDS+=($!)
	machine "$ID-1" "$VM1"
	one=$BUNDLE
	machine "$ID-2" "$VM2"
	two=$BUNDLE
	[ "$(ip -n "$VM1" -j -d link show type tun | jq -c 'map(.qdisc) | unique')" = '["noqueue"]' ]

	in_machine "$one" netend offloads eth0 uso
	[ "$(said tx-checksum)" = on ]
	[ "$(said rx-checksum)" = on ]
	[ "$(said scatter-gather)" = on ]
	[ "$(said tso)" = on ]
	[ "$(said gso)" = on ]
	uso=$(said uso) # from Linux 6.2 on, in the guest and on the host, with the kvm engine
	# who asks is one of those that answer
	in_machine "$one" netend groups eth0 10.9.0.255 3
	[ "$(said broadcast)" = 3 ]
	[ "$(said multicast4)" = 3 ]
	[ "$(said multicast6)" = 3 ]
	ip netns exec "$VM1" python3 -c "$LONGEST" "$DIR/longest" 3>&- &
	PIDS+=($!)
	wait_for "$WAIT_S" test -e "$DIR/longest"
	bytes=$(sum rx.bytes)
	# datagrams that are sent as one arrive each for itself; a kernel and an engine that can leave it to the host send them whole
	for address in 10.9.0.2 fd09::3; do
		in_machine "$one" netend segments $address
		[ "$output" = $'segments=31\nothers=0' ]
	done
	[ $uso = off ] || wait_for "$WAIT_S" is_above 30000 "$DIR/longest"
	in_plain "$NETEND" segments 10.9.0.1
	[ "$output" = $'segments=31\nothers=0' ]
	in_machine "$one" netend check 10.9.0.2 "$mib" "$short" 1500
	[ "$output" = "$ALL_WELL" ]
	# the uploads are two times MIB, and large segments cross whole
	[ $(($(sum rx.bytes) - bytes)) -gt $((2 * mib * 1024 * 1024)) ]
	wait_for "$WAIT_S" is_above 1514 "$DIR/longest"
	in_plain "$NETEND" check fd09::2 "$mib" "$short" 1500
	[ "$output" = "$ALL_WELL" ]

	set_mtu 9000
	wait_for "$WAIT_S" file_has "$one/rootfs/mtu" 9000
	wait_for "$WAIT_S" file_has "$two/rootfs/mtu" 9000
	in_machine "$one" netend check fd09::3 "$mib" 20 9000
	[ "$output" = "$ALL_WELL" ]

	# another machine in the place of one that has ended
	rt delete --force "$ID-2"
	set_mtu 1280
	machine "$ID-2" "$VM2"
	wait_for "$WAIT_S" file_has "$one/rootfs/mtu" 1280
	in_machine "$one" netend check fd09::2 "$mib" 20 1280
	[ "$output" = "$ALL_WELL" ]

	# a container that joins the namespace cannot be on its network where the kernel has no filter that shares it, and is told so
	ip netns exec "$VM1" tc filter del dev eth0 ingress pref 30316
	sh_bundle 'ls /sys/class/net' '.linux.namespaces |= map(if .type == "network" then .path = $ns else . end)' \
		--arg ns "/proc/$(rt state "$ID-1" | jq .pid)/ns/net"
	RT_CMD+=(--log-level warning)
	run -0 --separate-stderr rt run --bundle "$BUNDLE" "$ID-3"
	[ "$output" = lo ]
	[[ "$stderr" == *"interface \"eth0\" of the network namespace is led to the virtual machine of container \"$ID-1\" whole"* ]]

	# the interface vanishes: the container goes on without it
	ip -n "$VM1" link del eth0
	in_machine "$one" 'while [ -e /sys/class/net/eth0 ]; do sleep 0.1; done; echo links=$(ls /sys/class/net)'
	[ "$(said links)" = lo ]
	is_status "$ID-1" running
	rt delete --force "$ID-1"
	rt delete --force "$ID-2"
	[ "$(ip -n "$VM1" -j link show | jq -c '[.[].ifname]')" = '["lo"]' ]
	[ "$(ip -n "$VM2" -j link show | jq -c '[.[].ifname]')" = '["lo","eth0"]' ]
	[ "$(ip netns exec "$VM2" tc qdisc show dev eth0 | grep -c ingress)" = 0 ]
}
