#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The networks of Docker and Podman: published ports, names, networks that are connected while a container runs, figures;
# from VM to VM, from the host, and from a container of runc. tests/engines/run has given this its own network namespace.

load helpers

IMAGE_PATH=/usr/sbin:/usr/bin:/sbin:/bin

setup_file() {
	export DOCKER_HOST=unix://$WORK/docker-net/sock
	export CONTAINERS_CONF=$WORK/net-containers.conf CONTAINERS_STORAGE_CONF=$WORK/net-storage.conf
	mkdir "$WORK/docker-net"
	{
		containers_conf '' "$(podman_dirs net-)"
		echo 'runc = ["/usr/sbin/runc"]'
		podman_networks net-
	} >"$CONTAINERS_CONF"
	printf '[storage]\ndriver = "overlay"\ngraphroot = "%s/net-containers"\nrunroot = "%s/net-run"\n' "$WORK" "$WORK" \
		>"$CONTAINERS_STORAGE_CONF"
}

teardown() {
	case $BATS_TEST_DESCRIPTION in
	docker*) stop_docker ;;
	containerd*) stop_containerd ;;
	*) wait_for "$WAIT_S" podman rm -f -t 0 -a >/dev/null 2>&1 ;;
	esac
}

start_docker() {
	export DOCKER_CONFIG=$WORK/docker-net/config # for podman it would be a file of its own
	dockerd --data-root "$WORK/docker-net/data" --exec-root "$WORK/docker-net/exec" -p "$WORK/docker-net/pid" -H "$DOCKER_HOST" \
		--storage-driver overlay2 --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent /vmrunc-engines \
		--default-ulimit "nofile=$(nofile_limit):$(nofile_limit)" --add-runtime "tested=$ENGINE_RUNTIME" \
		--default-runtime tested --bip 10.66.0.1/24 >"$WORK/docker-net/log" 2>&1 3>&- &
	wait_for "$WAIT_S" docker version >/dev/null 2>&1 || { tail "$WORK/docker-net/log"; return 1; }
	docker import --change "ENV PATH=$IMAGE_PATH" "$WORK/image.tar" bb:latest >/dev/null
}

stop_docker() {
	local ids pid
	ids=$(docker ps -aq)
	# shellcheck disable=SC2086 # they are words
	[ -z "$ids" ] || docker rm -f $ids >/dev/null
	pid=$(cat "$WORK/docker-net/pid")
	kill "$pid"
	wait_for 60 gone "$pid"
}

gone() {
	[ ! -d "/proc/$1" ]
}

# A container that serves the file /w/index.html, and prints its addresses whenever they change.
# shellcheck disable=SC2016 # the container's shell
SERVER='mkdir /w; echo hello-of-web >/w/index.html; httpd -p 80 -h /w
	while :; do
		now=$(ip -o -4 addr show | sed "s/^[0-9]*: \([^ ]*\) *inet \([^ ]*\).*/\1=\2/" | tr "\n" " ")
		[ "$now" = "$last" ] || echo "addresses: $now"
		last=$now
		sleep 0.1
	done'

# ask ADDRESS PORT: what the web server there says.
ask() {
	python3 -c 'import sys, urllib.request
print(urllib.request.urlopen(f"http://{sys.argv[1]}:{sys.argv[2]}/", timeout=30).read().decode().strip())' "$@"
}

says() {
	[ "$(ask "$1" "$2" 2>/dev/null)" = hello-of-web ]
}

# last_addresses ENGINE WANT: the last line that the server has printed has WANT in it; lack_addresses: it has not.
last_addresses() {
	[[ "$("$1" logs web 2>&1 | tail -n 1)" == *"$2"* ]]
}
lack_addresses() {
	! last_addresses "$@"
}

# traffic ENGINE: both figures of the container's network are above nothing.
traffic() {
	local io
	io=$("$1" stats --no-stream --format '{{.NetIO}}' web)
	echo "NetIO: $io"
	[[ ! "$io" =~ (^|/ )(0B|--) ]]
}

# What a container asks of web: its address by name, with the resolver that the engine has given it, and its page.
# (A static busybox has no other way to a name, and its wget crashes.)
# shellcheck disable=SC2016 # likewise
ASK='cat /etc/resolv.conf >&2
	address=$(nslookup -type=a web | sed -n "s/^Address: *\([0-9.]*\)$/\1/p" | tail -n 1)
	printf "GET / HTTP/1.0\r\n\r\n" | nc -w 30 "$address" 80 | tail -n 1'

# The container of runc that a VM asks has printed its address, which is when it serves.
plain_serves() {
	[[ "$("$1" logs plain 2>&1)" == *"addresses: "*"=$2"* ]]
}

# The rest is the same with both: from a VM and from a container of runc by name, from a VM to one of runc, by a published port, and on
# a network that is connected while it runs. $1: the engine; $2: the image; $3: how its addresses
# begin.
exercise() {
	local engine=$1 image=$2 net=$3
	"$engine" network create --subnet "$net.1.0/24" net1
	"$engine" network create --subnet "$net.2.0/24" net2
	"$engine" run -d --name web --network net1 -p 18080:80 "$image" sh -c "$SERVER"
	wait_for "$WAIT_S" last_addresses "$engine" "=$net.1."
	wait_for "$WAIT_S" says 127.0.0.1 18080
	run -0 --separate-stderr "$engine" run --rm --network net1 "$image" sh -c "$ASK"
	eq "$output" hello-of-web
	run -0 --separate-stderr "$engine" run --rm --runtime runc --network net1 "$image" sh -c "$ASK"
	eq "$output" hello-of-web
	"$engine" run -d --name plain --runtime runc --network net1 "$image" sh -c "$SERVER"
	wait_for "$WAIT_S" plain_serves "$engine" "$net.1."
	run -0 --separate-stderr "$engine" run --rm --network net1 "$image" sh -c "${ASK/-type=a web/-type=a plain}"
	eq "$output" hello-of-web
	"$engine" kill plain
	"$engine" rm -f plain
	"$engine" network connect net2 web
	wait_for "$WAIT_S" last_addresses "$engine" "=$net.2."
	last_addresses "$engine" "=$net.1."
	run -0 --separate-stderr "$engine" run --rm --runtime runc --network net2 "$image" sh -c "$ASK"
	eq "$output" hello-of-web
	"$engine" network disconnect net2 web
	wait_for "$WAIT_S" lack_addresses "$engine" "=$net.2."
	wait_for "$WAIT_S" says 127.0.0.1 18080
	traffic "$engine"
	"$engine" rm -f web
	"$engine" network rm net1 net2
}

# make_network: a network of Debian's CNI plugins, where ctr looks for it.
make_network() {
	mount -t tmpfs tmpfs /opt
	mkdir -p /opt/cni /etc/cni/net.d
	ln -s /usr/lib/cni /opt/cni/bin
	cat >/etc/cni/net.d/10-real.conflist <<-'C'
		{"cniVersion": "0.4.0", "name": "real", "plugins": [
			{"type": "bridge", "bridge": "cni-br0", "isGateway": true, "ipMasq": true,
				"ipam": {"type": "host-local", "subnet": "10.79.0.0/24", "routes": [{"dst": "0.0.0.0/0"}]}},
			{"type": "portmap", "capabilities": {"portMappings": true}}]}
	C
}

# portmap ADD|DEL PID: has Debian's plugin publish port 80 of the container as 18090, as an engine does that knows of ports.
portmap() {
	CNI_COMMAND=$1 CNI_CONTAINERID=cni1 CNI_NETNS=/proc/$2/ns/net CNI_IFNAME=eth0 CNI_PATH=/usr/lib/cni /usr/lib/cni/portmap <<-'C'
		{"cniVersion": "0.4.0", "name": "real", "type": "portmap",
			"runtimeConfig": {"portMappings": [{"hostPort": 18090, "containerPort": 80, "protocol": "tcp"}]},
			"prevResult": {"cniVersion": "0.4.0", "interfaces": [{"name": "eth0", "sandbox": "x"}],
				"ips": [{"version": "4", "address": "10.79.0.2/24", "interface": 0}], "dns": {}}}
	C
}

stop_containerd() {
	local pid
	pid=$(cat "$WORK/containerd-net/pid")
	kill "$pid"
	wait_for 60 gone "$pid"
	umount /opt
}

# ctr_net ARGUMENT...
ctr_net() {
	ctr -a "$WORK/containerd-net/sock" -n vmrunc-engines "$@"
}

@test "containerd: ctr run --cni, with Debian's plugins bridge, host-local and portmap" {
	local pid
	[ -x /usr/lib/cni/bridge ] || skip "no /usr/lib/cni/bridge (package containernetworking-plugins)"
	containerd_new "$WORK/containerd-net"
	make_network
	ctr_net run -d --cni --runc-binary "$ENGINE_RUNTIME" localhost/bb:latest cni1 sh -c "$SERVER" </dev/null
	# the interface comes between create and start, with its address and its route
	wait_for "$WAIT_S" says 10.79.0.2 80
	run -0 --separate-stderr ctr_net task exec --exec-id e1 cni1 sh -c 'ip -o -4 addr show dev eth0; ip route; ping -c 1 -W 30 10.79.0.1' </dev/null
	has "$output" "10.79.0.2/24"
	has "$output" "default via 10.79.0.1"
	has "$output" "1 packets received"
	pid=$(ctr_net task ls | awk '$1 == "cni1" { print $2 }')
	portmap ADD "$pid" >/dev/null
	wait_for "$WAIT_S" says 127.0.0.1 18090
	portmap DEL "$pid"
	run ! says 127.0.0.1 18090
	ctr_net task kill -s KILL cni1
	wait_for "$WAIT_S" ctr_net task rm cni1
	ctr_net container rm cni1
}

# Several machines each: tests/engines/run --all network.
# bats test_tags=long
@test "docker: a network of one's own with names, a published port, connect and disconnect, stats" {
	start_docker
	exercise docker bb 10.77
	# the default bridge
	run -0 --separate-stderr docker run --rm bb sh -c 'ip -o -4 addr show dev eth0; ip route'
	has "$output" "10.66.0."
	has "$output" "default via 10.66.0.1"
}

# bats test_tags=long
@test "podman: netavark and aardvark-dns, a published port, connect and disconnect, stats" {
	podman import -q --change "ENV PATH=$IMAGE_PATH" "$WORK/image.tar" localhost/bb:latest
	exercise podman localhost/bb 10.78
}

# page ADDRESS PORT WANT: the server there has that page.
page() {
	[ "$(ask "$1" "$2" 2>/dev/null)" = "$3" ]
}

# bats test_tags=long
@test "podman: a container on the network of another one, and a pod with a published port" {
	local address
	podman import -q --change "ENV PATH=$IMAGE_PATH" "$WORK/image.tar" localhost/bb:latest
	podman network create --subnet 10.78.3.0/24 net3
	podman run -d --name web --network net3 -p 18080:80 localhost/bb sh -c "$SERVER"
	wait_for "$WAIT_S" says 127.0.0.1 18080
	address=$(podman inspect -f '{{.NetworkSettings.Networks.net3.IPAddress}}' web)
	podman run -d --name beside --network container:web localhost/bb sh -c 'mkdir /w; echo beside >/w/index.html; httpd -f -p 81 -h /w'
	wait_for "$WAIT_S" page "$address" 81 beside
	says 127.0.0.1 18080
	# what another machine of that network offers, by its name. (Debian 12's passt tells nobody who has ended his sending of an end.)
	podman run -d --name other --network net3 localhost/bb sh -c "$SERVER"
	wait_for "$WAIT_S" page "$(podman inspect -f '{{.NetworkSettings.Networks.net3.IPAddress}}' other)" 80 hello-of-web
	run -0 --separate-stderr podman run --rm --network container:web localhost/bb sh -c 'ip -o -4 addr show eth0 >&2
		mkfifo /dev/hold; exec 9<>/dev/hold; printf "GET / HTTP/1.0\r\n\r\n" >&9
		nc -w 30 "$(nslookup -type=a other | sed -n "s/^Address: *\([0-9.]*\)$/\1/p" | tail -n 1)" 80 <&9 | tail -n 1'
	eq "$output" hello-of-web
	has "$stderr" "$address"
	podman rm -f beside
	says 127.0.0.1 18080
	podman rm -f web other
	# the first container of a pod, whose network it is, is a virtual machine, and so is each other one
	podman pod create --name pod -p 18081:80 --network net3 --infra-image localhost/bb --infra-command 'sleep 1000000'
	podman run -d --pod pod --name web localhost/bb sh -c "$SERVER"
	wait_for "$WAIT_S" says 127.0.0.1 18081
	podman pod rm -f -t 0 pod
	podman network rm net3
}
