#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A container on a network namespace whose interfaces are somebody else's: that of the caller, or one that it joins. The
# caller's is one that the test makes, with a pair of veth interfaces to a peer in another one.

load helpers

setup_file() {
	common_setup_file
}

setup() {
	common_setup
	PEER='' HOST='' PIDS=()
	vmrunc_only
	LOCALEND=$(dirname "$VMRUNC")/tests/network/localend
	command -v ip >/dev/null || cannot "no ip (package iproute2)"
	command -v passt >/dev/null || skip "no passt (package passt)"
	PEER=up$$-$BATS_TEST_NUMBER HOST=uh$$-$BATS_TEST_NUMBER PIDS=() DIR=$BATS_TEST_TMPDIR
	ip netns add "$PEER"
	ip netns add "$HOST"
	ip -n "$PEER" link set lo up
	ip -n "$HOST" link set lo up
	# another kind of host than the peer: the interface's name and its addresses are the caller's
	ip -n "$PEER" link add h0 type veth peer name up0 netns "$HOST"
	ip -n "$PEER" addr add 10.9.0.1/24 dev h0
	ip -n "$PEER" addr add fd09::1/64 dev h0 nodad
	ip -n "$PEER" link set h0 up
	ip -n "$HOST" addr add 10.9.0.2/24 dev up0
	ip -n "$HOST" addr add fd09::2/64 dev up0 nodad
	ip -n "$HOST" link set up0 mtu 1400 up
	ip -n "$HOST" route add default via 10.9.0.1
	ip -n "$HOST" -6 route add default via fd09::1
	in_host sysctl -q -w net.ipv4.ping_group_range="0 2147483647"
	ip netns exec "$PEER" python3 "$BATS_TEST_DIRNAME/netpeer.py" serve "$DIR" 3>&- &
	PIDS+=($!)
	wait_for "$WAIT_S" test -e "$DIR/ready"
	RT_CMD=(nsenter "--net=/run/netns/$HOST" "${RT_CMD[@]}")
}

teardown() {
	for pid in "${PIDS[@]}"; do
		kill "$pid" 2>/dev/null || true
	done
	common_teardown
	for ns in $PEER $HOST; do
		[ ! -e "/run/netns/$ns" ] || ip netns del "$ns"
	done
}

in_host() {
	nsenter "--net=/run/netns/$HOST" "$@"
}

# answers NS ADDRESS PORT TEXT: something there answers a connection from NS with a line that begins with TEXT.
answers() {
	[[ "$(nsenter "--net=/run/netns/$1" busybox nc -w 10 "$2" "$3" </dev/null)" == "$4"* ]]
}

refuses() {
	! nsenter "--net=/run/netns/$1" busybox nc -w 10 "$2" "$3" </dev/null
}

# Before a script of the guest: input 9 never ends. passt tells a client that has ended its own direction, as nc(1) does at
# the end of its input, nothing of the end of the other one (docs/network.md).
hold='mkfifo /dev/hold; exec 9<>/dev/hold;'

# serve_caller ADDRESS PORT: the caller's network has a server there, of TCP and UDP.
serve_caller() {
	nsenter "--net=/run/netns/$HOST" "$LOCALEND" serve "$1" "$2" "the caller" >"$DIR/serving-$1-$2" 3>&- & # no function: as above
	PIDS+=($!)
	wait_for "$WAIT_S" file_has "$DIR/serving-$1-$2" serving
}

# Takes a value of KEY=VALUE lines of $output.
said() {
	sed -n "s/^$1=//p" <<<"$output"
}

callers='.linux.namespaces |= map(select(.type != "network")) | .process.capabilities[] += ["CAP_NET_RAW"]'

# bats test_tags=kvm
@test "a container without a network namespace of its own is on its caller's network" {
	local mac passt
	mac=$(ip -n "$HOST" -j link show up0 | jq -r '.[0].address')
	sh_bundle "$hold"'
		echo "links=$(ls /sys/class/net | tr "\n" " ")"
		echo "mac=$(cat /sys/class/net/up0/address)"
		echo "mtu=$(cat /sys/class/net/up0/mtu)"
		echo "addresses=$(ip -4 addr show | sed -n "s/.*inet \([0-9./]*\).*/\1/p" | tr "\n" " ")"
		echo "routes=$(ip route | sed "s/ *$//" | sort | tr "\n" ",")"
		echo "six=$(ip -6 addr show up0 | grep -c fd09::2/64)"
		ping -c 2 -W 10 10.9.0.1 >/dev/null && echo ping=ok
		ping -6 -c 2 -W 10 fd09::1 >/dev/null && echo ping6=ok
		head -c 400000 /dev/urandom >/tmp/bulk
		echo "up=$(sha256sum </tmp/bulk | cut -d" " -f1)"
		nc 10.9.0.1 5001 </tmp/bulk &
		echo "down=$(nc 10.9.0.1 5002 <&9 | sha256sum | cut -d" " -f1)"
		echo "down6=$(nc fd09::1 5002 <&9 | sha256sum | cut -d" " -f1)"
		echo "name=$(nslookup some.name 10.9.0.1 | grep -c 192.0.2.7)"
		for i in $(seq 50); do nc 10.9.0.1 5003 <&9; done | grep -c hello | sed "s/^/short=/"
		nc -w 5 10.9.0.1 5999 </dev/null || echo refused=ok
		while :; do echo "here $((n += 1))" | nc -l -p 80; done &
		while :; do echo "never" | nc -l -p 8081; done &
		for address in 127.0.0.1 ::1; do localend serve $address 7002 "the guest" >/guest.$address & done
		until [ -s /guest.127.0.0.1 ] && [ -s /guest.::1 ]; do sleep 0.1; done
		for address in 127.0.0.1 127.0.0.9 0.0.0.0 ::1 :: ::ffff:127.0.0.1; do
			for port in 7001 7002 7003; do
				echo "tcp-$address-$port=$(localend ask tcp $address $port)"
			done
			case $address in ::|::1) continue ;; esac
			for how in sent connected; do
				for port in 7001 7002; do
					echo "$how-$address-$port=$(localend ask $how $address $port)"
				done
			done
		done
		echo "connected-::1-7003=$(localend ask connected ::1 7003)"
		echo "refused-outside=$(localend ask tcp 10.9.0.1 5999)"
		echo "refused-outside6=$(localend ask tcp fd09::1 5999)"
		echo "bound=$(localend ask bound 127.0.0.1 7001)"
		echo "bound-own=$(localend ask bound 127.0.0.1 7002)"
		echo ready
		while [ ! -e /end ]; do sleep 0.1; done' "$callers"
	cp "$LOCALEND" "$BUNDLE/rootfs/bin/"
	serve_caller 127.0.0.1 7001
	serve_caller ::1 7001
	serve_caller 127.0.0.1 7002
	# a port of the caller's is taken before the container comes
	nsenter "--net=/run/netns/$HOST" busybox nc -ll -p 8081 -e echo "the caller" 3>&- & # no function: its pid would be a shell's
	PIDS+=($!)
	RT_CMD+=(--log-level warning)
	rt create --bundle "$BUNDLE" "$ID" >"$DIR/out" 2>"$DIR/warnings" </dev/null
	[ ! -s "$DIR/warnings" ] || { cat "$DIR/warnings"; false; }
	rt start "$ID"
	wait_for "$WAIT_S" file_has "$DIR/out" "^ready\$" || { cat "$DIR/out" "$ROOT/$ID/guest.log"; false; }
	run cat "$DIR/out"
	echo "$output"
	[ "$(said links)" = "lo up0 " ]
	[ "$(said mac)" = "$mac" ]
	[ "$(said mtu)" = 1400 ]
	[ "$(said addresses)" = "127.0.0.1/8 10.9.0.2/24 " ]
	[ "$(said routes)" = "10.9.0.0/24 dev up0 scope link  src 10.9.0.2,default via 10.9.0.1 dev up0," ]
	[ "$(said six)" = 1 ]
	[ "$(said ping)" = ok ]
	[ "$(said ping6)" = ok ]
	# beside the downloads, and not much: Debian 12's passt resets a connection on which the other side says nothing after 24 s
	wait_for "$WAIT_S" test -e "$DIR/upload-1"
	[ "$(said up)" = "$(cat "$DIR/upload-1")" ]
	[ "$(said down)" = "$(cat "$DIR/download")" ]
	[ "$(said down6)" = "$(cat "$DIR/download")" ]
	[ "$(said name)" = 1 ]
	[ "$(said short)" = 50 ]
	[ "$(said refused)" = ok ]
	# localhost: the guest's where something in the guest listens, else the caller's; an address that is told is the one asked for
	for address in 127.0.0.1 0.0.0.0 ::ffff:127.0.0.1 127.0.0.9 ::1 ::; do
		case $address in
		::ffff:*) peer=::ffff:127.0.0.1 ;;
		::*) peer=::1 ;;
		*) peer=127.0.0.1 ;;
		esac
		for how in tcp sent connected; do
			[[ $how = tcp || $peer != ::1 ]] || continue
			[ "$(said "$how-$address-7001")" = "the caller by $peer 7001" ]
			[ $address = 127.0.0.9 ] || [ "$(said "$how-$address-7002")" = "the guest by $peer 7002" ]
		done
		[ "$(said "tcp-$address-7003")" = "Connection refused" ]
	done
	[ "$(said tcp-127.0.0.9-7002)" = "the caller by 127.0.0.1 7002" ] # where in the guest nobody listens
	[ "$(said connected-::1-7003)" = "Connection refused" ]
	[ "$(said refused-outside)" = "Connection refused" ]
	[ "$(said refused-outside6)" = "Connection refused" ]
	[ "$(said bound)" = "Connection refused" ]
	[ "$(said bound-own)" = "the guest by 127.0.0.1 7002" ]
	# what the container listens on is at the same port of its caller, from outside, by every address and by loopback, again and again
	wait_for "$WAIT_S" answers "$PEER" 10.9.0.2 80 here
	wait_for "$WAIT_S" answers "$PEER" fd09::2 80 here
	wait_for "$WAIT_S" answers "$HOST" 127.0.0.1 80 here
	# but one that is taken stays its owner's, as the log says
	wait_for "$WAIT_S" file_has "$ROOT/$ID/guest.log" "port 8081 .*: Address already in use"
	answers "$PEER" 10.9.0.2 8081 "the caller"
	# nothing of the caller's is ours: no tap, no filter
	[ "$(ip -n "$HOST" -j link show | jq -c '[.[].ifname]')" = '["lo","up0"]' ]
	[ "$(in_host tc qdisc show dev up0 | grep -c ingress)" = 0 ]
	# what speaks for the guest has no right to anything, and ends with the container
	passt=$(pgrep --ns "$(rt state "$ID" | jq .pid)" --nslist net "^passt")
	grep -q '^CapEff:	0*$' "/proc/$passt/status"
	grep -q '^CapPrm:	0*$' "/proc/$passt/status"
	grep -q '^Seccomp:	2$' "/proc/$passt/status"
	grep -q '^NoNewPrivs:	1$' "/proc/$passt/status"
	[ "$(stat -c %u "/proc/$passt")" != 0 ]
	[ -z "$(ls -A "/proc/$passt/root/")" ]
	touch "$BUNDLE/rootfs/end"
	wait_status "$ID" stopped
	wait_for "$WAIT_S" test ! -e "/proc/$passt/exe"
	wait_for "$WAIT_S" refuses "$PEER" 10.9.0.2 80
	rt delete "$ID"
}

# what NAME: what the container NAME has said.
what() {
	output=$(cat "$DIR/$1.out")
}

# serve_container NAME NS_PATH SCRIPT: a container on that network runs SCRIPT, says ready, and waits for /end.
serve_container() {
	sh_bundle "$hold$3
		echo ready
		while [ ! -e /end ]; do sleep 0.1; done" '.linux.namespaces |= map(if .type == "network" then .path = $ns else . end)
		| .process.capabilities[] += ["CAP_NET_RAW"]' --arg ns "$2"
	cp "$LOCALEND" "$BUNDLE/rootfs/bin/"
	rt create --bundle "$BUNDLE" "$1" >"$DIR/$1.out" 2>"$DIR/$1.warnings" </dev/null || { cat "$DIR/$1.warnings"; false; }
	[ ! -s "$DIR/$1.warnings" ] || { cat "$DIR/$1.warnings"; false; }
	rt start "$1"
}

# one_passt PID: one is there in that process's network namespace.
one_passt() {
	[ "$(pgrep --ns "$1" --nslist net -c '^passt')" = 1 ]
}

@test "a joined namespace of another process: its network, its resolver, a member's localhost, and the end of passt alone" {
	local owner one passt member=$ID-member
	# the owner of the interfaces: any process in that namespace
	nsenter "--net=/run/netns/$HOST" sleep 1000 3>&- & # no function: its pid would be a shell's, outside
	owner=$!
	PIDS+=("$owner")
	printf 'nameserver 127.0.0.53\n' >"$DIR/resolv.conf"
	ip netns exec "$HOST" python3 "$BATS_TEST_DIRNAME/netpeer.py" resolve 127.0.0.53 "$DIR/resolving" 3>&- &
	PIDS+=($!)
	wait_for "$WAIT_S" test -e "$DIR/resolving"
	sh_bundle "$hold"'
		echo "links=$(ls /sys/class/net | tr "\n" " ")"
		echo "hello=$(nc 10.9.0.1 5003 <&9)"
		echo "name=$(nslookup -type=a some.name | grep -c "192\.0\.2\.9")"
		localend serve 127.0.0.1 7004 "a member" >/serving &
		localend serve ::1 7004 "a member" >/serving6 &
		until [ -s /serving ] && [ -s /serving6 ]; do sleep 0.1; done
		echo ready
		while [ ! -e /end ]; do sleep 0.1; done
		nc -w 5 10.9.0.1 5003 </dev/null || echo unreachable=yes
		while ip route show table local | grep -q 169.254; do sleep 0.1; done
		echo "localhost=$(localend ask tcp 127.0.0.1 7001)"
		echo alive=yes' '.linux.namespaces |= map(if .type == "network" then .path = $ns else . end)
		| .mounts += [{"destination": "/etc/resolv.conf", "type": "bind", "source": $conf, "options": ["bind"]}]' \
		--arg ns "/proc/$owner/ns/net" --arg conf "$DIR/resolv.conf"
	cp "$LOCALEND" "$BUNDLE/rootfs/bin/"
	one=$BUNDLE
	rt_set # the caller is somewhere else
	rt create --bundle "$one" "$ID" >"$DIR/out" 2>&1 </dev/null
	rt start "$ID"
	wait_for "$WAIT_S" file_has "$DIR/out" "^ready\$" || { cat "$DIR/out" "$ROOT/$ID/guest.log"; false; }
	# another one that has joined it reaches by its localhost what this one listens on
	wait_for "$WAIT_S" in_host busybox nc -w 10 127.0.0.1 7004 </dev/null
	wait_for "$WAIT_S" in_host busybox nc -w 10 ::1 7004 </dev/null
	serve_container "$member" "/proc/$owner/ns/net" '
		for address in 127.0.0.1 ::1; do echo "tcp-$address=$(localend ask tcp $address 7004)"; done'
	wait_for "$WAIT_S" file_has "$DIR/$member.out" "^ready\$" || { cat "$DIR/$member.out" "$ROOT/$member/guest.log"; false; }
	touch "$BUNDLE/rootfs/end"
	wait_status "$member" stopped
	rt delete "$member"
	what "$member"
	echo "$output"
	[ "$(said tcp-127.0.0.1)" = "a member by 127.0.0.1 7004" ]
	[ "$(said tcp-::1)" = "a member by ::1 7004" ]
	wait_for "$WAIT_S" one_passt "$owner" # the member's has ended
	passt=$(pgrep --ns "$owner" --nslist net '^passt')
	kill -9 "$passt"
	wait_for "$WAIT_S" file_has "$ROOT/$ID/guest.log" "passt has ended"
	touch "$one/rootfs/end"
	wait_status "$ID" stopped
	run cat "$DIR/out"
	echo "$output"
	[ "$(said localhost)" = "Connection refused" ]
	[ "$(said links)" = "lo up0 " ]
	[[ "$(said hello)" == hello* ]]
	[ "$(said name)" = 1 ]
	[ "$(said unreachable)" = yes ]
	[ "$(said alive)" = yes ]
	run ! file_has "$ROOT/$ID/guest.log" "cannot listen" # what the agent listens on for the resolver is no port of the container's
	rt delete "$ID"
	[ "$(ip -n "$HOST" -j link show | jq -c '[.[].ifname]')" = '["lo","up0"]' ]
}

asks='
	ping -c 2 -W 10 10.9.0.1 >/dev/null && echo ping=ok
	ping -6 -c 2 -W 10 fd09::1 >/dev/null && echo ping6=ok
	echo "down=$(nc 10.9.0.1 5002 <&9 | sha256sum | cut -d" " -f1)"
	echo "down6=$(nc fd09::1 5002 <&9 | sha256sum | cut -d" " -f1)"
	head -c 400000 /dev/urandom >/tmp/bulk
	sha256sum </tmp/bulk | cut -d" " -f1 >/up
	nc -w 20 10.9.0.1 5001 </tmp/bulk
	echo "name=$(nslookup -type=a some.name 10.9.0.1 | grep -c 192.0.2.7)"
	echo "name6=$(nslookup -type=a some.name fd09::1 | grep -c 192.0.2.7)"
	nc -w 5 10.9.0.1 5999 </dev/null || echo refused=ok'

# asked_well NAME: all that was asked for is there.
asked_well() {
	what "$1"
	echo "$output"
	[ "$(said ping)" = ok ]
	[ "$(said ping6)" = ok ]
	[ "$(said down)" = "$(cat "$DIR/download")" ]
	[ "$(said down6)" = "$(cat "$DIR/download")" ]
	[ "$(said name)" = 1 ]
	[ "$(said name6)" = 1 ]
	[ "$(said refused)" = ok ]
}

@test "a joined namespace of another virtual machine: both are on its network at once, each with what it listens on" {
	local owner=$ID-owner joiner=$ID range mac one two
	[ -c /dev/net/tun ] || cannot "no /dev/net/tun"
	RT_CMD+=(--log-level warning)
	range=$(in_host sysctl -n net.ipv4.ip_local_port_range)
	mac=$(ip -n "$HOST" -j link show up0 | jq -r '.[0].address')
	rt_set # the caller is somewhere else
	RT_CMD+=(--log-level warning)
	serve_container "$owner" "/run/netns/$HOST" '
		while :; do echo "owner $((n += 1))" | nc -l -p 81; done &
		{ while [ ! -e /later ]; do sleep 0.1; done; while :; do echo owner | nc -l -p 82; done; } &
		while [ ! -e /again ]; do sleep 0.1; done'"$asks"
	one=$BUNDLE
	serve_container "$joiner" "/proc/$(rt state "$owner" | jq .pid)/ns/net" '
		echo "range=$(cat /proc/sys/net/ipv4/ip_local_port_range | tr "\t" " ")"
		while :; do echo "here $((n += 1))" | nc -l -p 80; done &
		for port in 81 82; do while :; do echo joiner | nc -l -p $port; done & done
		touch /going'"$asks"
	two=$BUNDLE
	# both ask for the same at the same time
	wait_for "$WAIT_S" test -e "$two/rootfs/going"
	touch "$one/rootfs/again"
	wait_for "$WAIT_S" file_has "$DIR/$joiner.out" "^ready\$" || { cat "$DIR/$joiner.out" "$ROOT/$joiner/guest.log"; false; }
	wait_for "$WAIT_S" file_has "$DIR/$owner.out" "^ready\$" || { cat "$DIR/$owner.out" "$ROOT/$owner/guest.log"; false; }
	asked_well "$joiner"
	[ "$(said range)" = "61440 65535" ]
	asked_well "$owner"
	wait_for "$WAIT_S" test -e "$DIR/upload-2"
	[ "$(sort "$DIR"/upload-[12])" = "$(sort "$one/rootfs/up" "$two/rootfs/up")" ]
	# each has its ports
	for _ in 1 2; do
		wait_for "$WAIT_S" answers "$PEER" 10.9.0.2 80 here
		wait_for "$WAIT_S" answers "$PEER" fd09::2 80 here
		wait_for "$WAIT_S" answers "$PEER" 10.9.0.2 81 owner
	done
	# what the owner has is taken, also when it comes later
	wait_for "$WAIT_S" file_has "$ROOT/$joiner/guest.log" "port 81 .*: Address already in use"
	wait_for "$WAIT_S" answers "$PEER" 10.9.0.2 82 joiner
	touch "$one/rootfs/later"
	wait_for "$WAIT_S" answers "$PEER" 10.9.0.2 82 owner
	wait_for "$WAIT_S" file_has "$ROOT/$joiner/guest.log" "port 82 .*: Address already in use"
	# one answer for the address
	[ "$(ip netns exec "$PEER" python3 "$BATS_TEST_DIRNAME/netpeer.py" ask-arp h0 10.9.0.2)" = "$mac" ]
	# the owner ends: the namespace's own stack has the interface, and what has joined goes on
	touch "$one/rootfs/end"
	wait_status "$owner" stopped
	rt delete "$owner"
	wait_for "$WAIT_S" answers "$PEER" 10.9.0.2 80 here
	wait_for "$WAIT_S" answers "$PEER" 10.9.0.2 81 joiner
	[ "$(in_host tc qdisc show dev up0 | grep -c ingress)" = 0 ]
	[ "$(in_host sysctl -n net.ipv4.ip_local_port_range)" = "$range" ]
	# another one begins in its place, under another name: it has the precedence that the first one had
	wait_for "$WAIT_S" answers "$PEER" 10.9.0.2 82 joiner
	serve_container "$owner-2" "/run/netns/$HOST" '
		while :; do echo "second owner" | nc -l -p 81; done &
		while [ ! -e /end ]; do sleep 0.1; done'
	wait_for "$WAIT_S" answers "$PEER" 10.9.0.2 81 "second owner"
	wait_for "$WAIT_S" answers "$PEER" 10.9.0.2 82 joiner
	touch "$BUNDLE/rootfs/end"
	wait_status "$owner-2" stopped
	rt delete "$owner-2"
	wait_for "$WAIT_S" answers "$PEER" 10.9.0.2 81 joiner
	touch "$two/rootfs/end"
	wait_status "$joiner" stopped
	rt delete "$joiner"
	[ "$(ip -n "$HOST" -j link show | jq -c '[.[].ifname]')" = '["lo","up0"]' ]
}

@test "without passt: lo alone, and a warning that says what to install" {
	local without="$DIR/without"
	printf '#!/bin/sh\nmount --bind /dev/null "$(command -v passt)" && exec "$@"\n' >"$without"
	chmod +x "$without"
	sh_bundle 'ls /sys/class/net' "$callers"
	RT_CMD+=(--log-level warning)
	run -0 --separate-stderr unshare -m "$without" "${RT_CMD[@]}" run --bundle "$BUNDLE" "$ID"
	[ "$output" = lo ]
	[[ "$stderr" == *'install the package "passt"'* ]]
}
