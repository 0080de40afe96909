#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A container is on the network of its network namespace. Everything happens in network namespaces that the test makes:
# the container's, and that of its peer, with a pair of veth interfaces between them.

load helpers

setup_file() {
	common_setup_file
}

setup() {
	common_setup
	PEER='' NS='' PEER_PID=''
	vmrunc_only
	command -v ip >/dev/null || cannot "no ip (package iproute2)"
	[ -c /dev/net/tun ] || cannot "no /dev/net/tun"
	PEER=vp$$-$BATS_TEST_NUMBER NS=vc$$-$BATS_TEST_NUMBER PEER_PID='' DIR=$BATS_TEST_TMPDIR
	ip netns add "$PEER"
	ip -n "$PEER" link set lo up
}

teardown() {
	[ -z "${PEER_PID:-}" ] || kill "$PEER_PID"
	for ns in $PEER $NS; do
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

# The container, which waits for its file "end", ends: its taps are gone with it, and what led to them with delete.
assert_ends_without_traces() {
	touch "$BUNDLE/rootfs/end"
	wait_status "$ID" stopped
	[ "$(ip -n "$NS" -j -d link show type tun | jq length)" = 0 ]
	rt delete "$ID"
	[ "$(ip netns exec "$NS" tc qdisc show dev eth0 | grep -c ingress)" = 0 ]
}

# bats test_tags=kvm
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
		echo "queues=$(cd /sys/class/net/eth0/queues && echo *)"
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
		echo ready
		while [ ! -e /end ]; do sleep 0.1; done' "$in_ns" --arg ns "/run/netns/$NS"
	rt create --bundle "$BUNDLE" "$ID" >"$DIR/out" 2>&1 </dev/null
	# the taps are spare until start, and each has noqueue whatever the default of the host is
	[ "$(ip -n "$NS" -j -d link show type tun | jq -c 'map([.qdisc, .operstate, .ifalias]) | unique')" = "[[\"noqueue\",\"DOWN\",\"vmrunc $ID\"]]" ]
	rt start "$ID"
	wait_for "$WAIT_S" file_has "$DIR/out" "^ready\$" || { cat "$DIR/out"; false; }
	run cat "$DIR/out"
	echo "$output"
	[ "$(said links)" = "eth0 lo " ]
	[ "$(said mac)" = "$mac" ]
	[ "$(said mtu)" = 1400 ]
	[ "$(said queues)" = "rx-0 tx-0" ] # with one vCPU
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
	assert_ends_without_traces
}

@test "interfaces that come between create and start, in a new namespace with a user namespace" {
	local pid now helper i
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
	wait_for "$WAIT_S" file_has "$now" "10.9.0.33/24"
	nsenter -t "$pid" -n ip addr del 10.9.0.33/24 dev eth0
	nsenter -t "$pid" -n ip -6 route del default
	nsenter -t "$pid" -n ip link set eth0 mtu 1300
	wait_for "$WAIT_S" file_has "$now" "eth0:.*mtu 1300"
	wait_for "$WAIT_S" lacks "$now" "10.9.0.33\|^default via fd09::1"
	nsenter -t "$pid" -n ip link set eth1 down
	wait_for "$WAIT_S" file_has "$now" "eth1:.*<BROADCAST,MULTICAST>"
	ip -n "$PEER" link del h1
	wait_for "$WAIT_S" lacks "$now" eth1
	# interfaces that come later are in the guest, and those that go free a device for the next one: there are four
	for i in 1 2 3 4 5 6; do
		ip -n "$PEER" link add h2 type veth peer name late$i netns "$pid"
		ip -n "$PEER" addr add 10.30.$i.1/24 dev h2
		ip -n "$PEER" link set h2 up
		nsenter -t "$pid" -n ip link set late$i address 02:00:00:00:0$i:22 mtu 140$i
		nsenter -t "$pid" -n ip addr add 10.30.$i.2/24 dev late$i
		nsenter -t "$pid" -n ip link set late$i up
		nsenter -t "$pid" -n ip route add 203.0.113.0/24 via 10.30.$i.1
		wait_for "$WAIT_S" file_has "$now" "203.0.113.0/24 via 10.30.$i.1 dev late$i"
		# what is printed before the routes may have been so before there was all
		wait_for "$WAIT_S" file_has "$now" "late$i:.*<.*UP.*mtu 140$i"
		wait_for "$WAIT_S" file_has "$now" "link/ether 02:00:00:00:0$i:22"
		wait_for "$WAIT_S" file_has "$now" "10.30.$i.2/24"
		[ "$(ip netns exec "$PEER" python3 "$BATS_TEST_DIRNAME/netpeer.py" ask-arp h2 10.30.$i.2)" = 02:00:00:00:0$i:22 ]
		ip -n "$PEER" link del h2
		wait_for "$WAIT_S" lacks "$now" "late$i\|10[.]30[.]\|203[.]0"
	done
	# one goes and another comes at once; those that are too many are told of in the guest's log
	for i in 3 4 5 6; do
		ip -n "$PEER" link add h$i type veth peer name eth$i netns "$pid"
		nsenter -t "$pid" -n ip link set eth$i up
	done
	wait_for "$WAIT_S" file_has "$ROOT/$ID/guest.log" 'network: interface "eth6" is not in the container: its virtual machine has 4 network'
	nsenter -t "$pid" -n ip link set eth6 address 02:00:00:00:66:66
	ip -n "$PEER" link del h3
	wait_for "$WAIT_S" file_has "$now" "eth6:.*<BROADCAST,MULTICAST"
	wait_for "$WAIT_S" file_has "$now" "02:00:00:00:66:66"
	wait_for "$WAIT_S" lacks "$now" eth3
	# what ties them has one right, over this namespace, and ends with the monitor
	helper=$(pgrep -x vmrunc-net --ns "$pid" --nslist net)
	[ "$(sed -n 's/^CapEff:\s*//p' "/proc/$helper/status")" = 0000000000001000 ]
	[ "$(sed -n 's/^CapBnd:\s*//p' "/proc/$helper/status")" = 0000000000000000 ]
	[ "$(sed -n 's/^Seccomp:\s*//p' "/proc/$helper/status")" = 2 ]
	# what did not change is still there
	file_has "$now" "10.9.0.2/24"
	file_has "$now" "192.0.2.0/24 via 10.9.0.1"
	ping_from_peer
	rt delete --force "$ID"
	[ ! -e "/proc/$helper" ]
}

# add_interface I: a pair of veth interfaces, of which the container's is eI, with its address and a route.
add_interface() {
	ip -n "$PEER" link add "h$1" type veth peer name "e$1" netns "$NS"
	ip -n "$PEER" addr add "10.40.$1.1/24" dev "h$1"
	ip -n "$PEER" link set "h$1" up
	ip -n "$NS" addr add "10.40.$1.2/24" dev "e$1"
	ip -n "$NS" link set "e$1" up
}

@test "a machine has a network device for each interface of its namespace, and spare ones; 19 at most" {
	local i
	echo '{ "spare-interfaces": 0, "annotations": ["spare-interfaces"] }' >"$DIR/settings.json"
	RT_CMD+=(--config "$DIR/settings.json")
	make_ns
	for i in $(seq 15); do
		add_interface "$i"
	done
	sh_bundle '
		while [ ! -e /end ]; do
			if [ -e /go ]; then
				rm /go
				for i in 19 20; do
					until ping -c 1 -W 1 10.40.$i.1 >/dev/null 2>&1; do sleep 0.1; done
				done
				for i in $(seq 20); do
					[ -e /sys/class/net/e$i ] && ping -c 1 -W 10 10.40.$i.1 >/dev/null && echo -n "$i "
				done
				echo done
			fi
			sleep 0.1
		done' "$in_ns | .annotations[\"org.vmrunc.spare-interfaces\"] = \"2\"" --arg ns "/run/netns/$NS"
	rt create --bundle "$BUNDLE" "$ID" >"$DIR/out" 2>&1 </dev/null
	[ "$(ip -n "$NS" -j link show type tun | jq length)" = 17 ]
	# more come before start than there are spare ones: an error that names one and the number, and start may be tried again
	for i in 16 17 18; do
		add_interface "$i"
	done
	run rt start "$ID"
	echo "$output"
	[ "$status" -ne 0 ]
	[[ "$output" == *'network: interface "e'*'" cannot be in the container: its virtual machine has 17 network devices, '*'there can be 19)'* ]]
	ip -n "$PEER" link del h18
	ip -n "$PEER" link del h17
	rt start "$ID"
	# and one that is connected to it later
	ip -n "$PEER" link del h3
	add_interface 19
	add_interface 20
	touch "$BUNDLE/rootfs/go"
	wait_for "$WAIT_S" file_has "$DIR/out" "done\$" || { cat "$DIR/out"; false; }
	[ "$(cat "$DIR/out")" = "$(echo $(seq 2) $(seq 4 16) 19 20) done" ]
	touch "$BUNDLE/rootfs/end"
	wait_status "$ID" stopped
	rt delete "$ID"
	[ "$(ip netns exec "$NS" tc qdisc show | grep -c ingress)" = 0 ]
}

# hex BYTES: what they are as printf(1) takes them, such as 0a1b for \x0a\x1b.
hex() {
	sed 's/../\\x&/g' <<<"$1"
}

@test "a resolver on a loopback address of the namespace answers in the container, and one that is not there does not; linux.netDevices" {
	local resolver question caller=("${RT_CMD[@]}")
	make_ns
	connect "$NS"
	configure ip -n "$NS"
	printf 'search example\nnameserver\t127.0.0.11 # the engine\nnameserver 127.0.0.12\nnameserver 10.9.0.1\n' >"$DIR/resolv.conf"
	ip netns exec "$NS" python3 "$BATS_TEST_DIRNAME/netpeer.py" resolve 127.0.0.11 "$DIR/resolving" &
	resolver=$!
	wait_for "$WAIT_S" test -e "$DIR/resolving"
	# a question for the addresses of "big", with its length
	question=0015010201000001000000000000036269670000010001
	sh_bundle '
		echo "names=$(for i in $(seq 80); do nslookup -type=a name$i 127.0.0.11; done | grep -c "192\.0\.2\.9")"
		echo "tcp=$(printf "$QUESTION" | nc -w 20 127.0.0.11 53 | wc -c)"
		nc -w 5 127.0.0.12 53 </dev/null 2>/dev/null || echo refused=yes
		echo "moved=$(ip -o -4 addr show dev moved0 | sed "s/.*inet \([0-9./]*\).*/\1/") $(cat /sys/class/net/moved0/address)"' "$in_ns | .process.env += [\"QUESTION=\" + \$question]"'
		| .linux.netDevices = {"host0": {"name": "moved0"}}
		| .mounts += [{"destination": "/etc/resolv.conf", "type": "bind", "source": $conf, "options": ["bind"]}]' \
		--arg ns "/run/netns/$NS" --arg question "$(hex "$question")" --arg conf "$DIR/resolv.conf"
	# an interface of the host, which is the peer here, that the config names
	ip -n "$PEER" link add name host0 address 02:00:00:00:00:99 type veth peer name h9
	ip -n "$PEER" addr add 10.40.0.1/24 dev host0
	local RT_CMD=(nsenter --net="/run/netns/$PEER" "${caller[@]}") # not for what cleans up
	CODE=0 run_c
	echo "$output"
	[ "$(said names)" = 80 ]
	[ "$(said moved)" = "10.40.0.1/24 02:00:00:00:00:99" ]
	[ "$(ip -n "$NS" -j link show moved0 | jq -r '.[0].address')" = 02:00:00:00:00:99 ]
	[ "$(said tcp)" = $((2 + 12 + 9 + 100 * 16)) ]
	[ "$(said refused)" = yes ]
	kill "$resolver"
}

@test "several vCPUs: the interface has a pair of queues for each, and each carries traffic both ways" {
	local cpu
	[ "$(nproc)" -gt 1 ] || skip "one processor: no virtual machine has two"
	make_ns
	connect "$NS"
	configure ip -n "$NS"
	serve
	sh_bundle '
		cd /sys/class/net/eth0/queues
		echo "queues=$(echo rx-* tx-*)"
		head -c 2000000 /dev/urandom >/tmp/bulk
		for cpu in 0 1; do
			# what a vCPU sends goes by its own queue, and what belongs to that comes back by it
			echo "xps$cpu=$(cat tx-$cpu/xps_cpus)"
			echo "up$cpu=$(sha256sum </tmp/bulk | cut -d" " -f1)"
			taskset $((1 << cpu)) nc 10.9.0.1 5001 </tmp/bulk
			echo "down$cpu=$(taskset $((1 << cpu)) nc 10.9.0.1 5002 </dev/null | sha256sum | cut -d" " -f1)"
		done
		echo ready
		while [ ! -e /end ]; do sleep 0.1; done' "$in_ns"' | .vm.hwConfig.vcpus = 2
		| .mounts += [{"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"}]' --arg ns "/run/netns/$NS"
	rt create --bundle "$BUNDLE" "$ID" >"$DIR/out" 2>&1 </dev/null
	rt start "$ID"
	wait_for "$WAIT_S" file_has "$DIR/out" "^ready\$" || { cat "$DIR/out"; false; }
	run cat "$DIR/out"
	echo "$output"
	[ "$(said queues)" = "rx-0 rx-1 tx-0 tx-1" ]
	[ "$((16#$(said xps0)))$((16#$(said xps1)))" = 12 ]
	for cpu in 0 1; do
		[ "$(said "up$cpu")" = "$(cat "$DIR/upload-$((cpu + 1))")" ]
		[ "$(said "down$cpu")" = "$(cat "$DIR/download")" ]
	done
	# all queues are the guest's, of the spare taps as well
	run -0 ip -n "$NS" -j -d link show type tun
	echo "$output"
	[ "$(jq -c 'map(.linkinfo.info_data | [.multi_queue, .numqueues // 1, .numdisabled // 0]) | unique' <<<"$output")" = '[[true,2,0]]' ]
	assert_ends_without_traces
}

@test "a macvlan interface beside one without IPv6; rules, and routes of tables of one's own" {
	make_ns
	ip -n "$PEER" link add h0 type veth peer name p0
	ip -n "$PEER" addr add 10.9.0.1/24 dev h0
	ip -n "$PEER" addr add fd09::1/64 dev h0 nodad
	ip -n "$PEER" link set h0 up
	ip -n "$PEER" link set p0 up
	ip -n "$PEER" link add link p0 name eth0 netns "$NS" type macvlan mode bridge
	configure ip -n "$NS"
	ip -n "$PEER" link add h1 type veth peer name eth1 netns "$NS"
	ip -n "$PEER" link set h1 up
	ip netns exec "$NS" sysctl -q -w net.ipv6.conf.eth1.disable_ipv6=1 net.ipv4.conf.eth1.arp_ignore=2
	ip -n "$NS" addr add 10.50.0.2/24 dev eth1
	ip -n "$NS" link set eth1 up
	ip -n "$NS" rule add from 10.9.0.22 table 100 priority 1000
	ip -n "$NS" route add 198.51.100.0/24 via 10.9.0.1 table 100
	ip -n "$NS" -6 rule add to fd55::/64 table 101 priority 1001
	ip -n "$NS" -6 route add fd55::/64 via fd09::77 dev eth0 table 101
	serve
	sh_bundle '
		echo "rule=$(ip rule | grep -c "^1000:.*from 10.9.0.22 lookup 100")"
		echo "rule6=$(ip -6 rule | grep -c "^1001:.*to fd55::/64 lookup 101")"
		echo "table=$(ip route show table 100 | sed "s/ *$//")"
		echo "table6=$(ip -6 route get fd55::9 | grep -c "via fd09::77 dev eth0")"
		echo "settings=$(cat /proc/sys/net/ipv6/conf/eth1/disable_ipv6 /proc/sys/net/ipv4/conf/eth1/arp_ignore | tr "\n" " ")"
		ping -6 -c 2 -W 10 fd09::1 >/dev/null && echo ping6=ok
		echo "down=$(nc 10.9.0.1 5002 </dev/null | sha256sum | cut -d" " -f1)"
		echo "down6=$(nc fd09::1 5002 </dev/null | sha256sum | cut -d" " -f1)"
		echo ready
		while [ ! -e /end ]; do sleep 0.1; done' "$in_ns" --arg ns "/run/netns/$NS"
	rt create --bundle "$BUNDLE" "$ID" >"$DIR/out" 2>&1 </dev/null
	rt start "$ID"
	wait_for "$WAIT_S" file_has "$DIR/out" "^ready\$" || { cat "$DIR/out"; false; }
	run cat "$DIR/out"
	echo "$output"
	[ "$(said rule)" = 1 ]
	[ "$(said rule6)" = 1 ]
	[ "$(said table)" = "198.51.100.0/24 via 10.9.0.1 dev eth0" ]
	[ "$(said table6)" = 1 ]
	[ "$(said settings)" = "1 2 " ]
	[ "$(said ping6)" = ok ]
	[ "$(said down)" = "$(cat "$DIR/download")" ]
	[ "$(said down6)" = "$(cat "$DIR/download")" ]
	ping_from_peer
	# a process of the host in that namespace has answers, beside the container
	[[ "$(nsenter "--net=/run/netns/$NS" busybox nc -w 10 10.9.0.1 5003)" == hello* ]]
	touch "$BUNDLE/rootfs/end"
	wait_status "$ID" stopped
	rt delete "$ID"
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

@test "a namespace that is not there, or is none, is an error that leaves nothing" {
	local path
	new_bundle "$in_ns" --arg ns "/run/netns/$NS"
	for path in "/run/netns/$NS" /etc/passwd /proc/self/ns/uts; do
		jq --arg path "$path" '.linux.namespaces |= map(if .type == "network" then .path = $path else . end)' \
			"$BUNDLE/config.json" >"$DIR/config" && cp "$DIR/config" "$BUNDLE/config.json"
		run rt create --bundle "$BUNDLE" "$ID" </dev/null
		echo "$output"
		[ "$status" -ne 0 ]
		[[ "$output" == *"\"$path\""* ]]
		[ ! -e "$ROOT/$ID" ]
	done
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
	# it is there, and may not be opened
	printf '#!/bin/sh\nmount -t tmpfs -o nodev none /dev/net && mknod /dev/net/tun c 10 200 && exec "$@"\n' >"$without"
	run unshare -m "$without" "${RT_CMD[@]}" run --bundle "$BUNDLE" "$ID"
	echo "$output"
	[ "$status" -ne 0 ]
	[[ "$output" == *'network: interface "eth0": network: cannot open /dev/net/tun: Permission denied'* ]]
	[ ! -e "$ROOT/$ID" ]
	# it may be opened, and makes nothing
	run setpriv --bounding-set -net_admin --inh-caps -net_admin "${RT_CMD[@]}" run --bundle "$BUNDLE" "$ID"
	echo "$output"
	[ "$status" -ne 0 ]
	[[ "$output" == *'Operation not permitted'* ]]
	[ ! -e "$ROOT/$ID" ]
	[ "$(ip -n "$NS" -j link show | jq -c '[.[].ifname]')" = '["lo","eth0"]' ]
}
