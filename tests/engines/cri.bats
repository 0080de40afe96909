#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# containerd's CRI plugin on vmrunc, asked as a kubelet asks it (cri.py). Each container of a pod is a VM, its sandbox too.

load helpers

setup_file() {
	local dir=$WORK/cri
	mkdir "$dir" "$dir/cni" "$dir/bin" "$dir/logs"
	cat >"$dir/config.toml" <<-C
		version = 2
		root = "$dir/root"
		state = "$dir/state"
		[grpc]
		  address = "$dir/sock"
		[plugins."io.containerd.grpc.v1.cri"]
		  sandbox_image = "localhost/pause:1"
		  restrict_oom_score_adj = true
		  disable_apparmor = true
		  [plugins."io.containerd.grpc.v1.cri".cni]
		    bin_dir = "$dir/bin"
		    conf_dir = "$dir/cni"
		  [plugins."io.containerd.grpc.v1.cri".containerd]
		    default_runtime_name = "runc"
		    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
		      runtime_type = "io.containerd.runc.v2"
		    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.tested]
		      runtime_type = "io.containerd.runc.v2"
		      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.tested.options]
		        BinaryName = "$ENGINE_RUNTIME"
	C
	make_cni "$dir"
	containerd -c "$dir/config.toml" >"$dir/log" 2>&1 3>&- &
	echo $! >"$dir/pid"
	make_docker_archive "$dir/image.tar" localhost/bb:latest /bin/sh
	make_docker_archive "$dir/pause.tar" localhost/pause:1 /bin/sleep 1000000
	wait_for "$WAIT_S" cri Version >/dev/null 2>&1 || { tail "$dir/log"; return 1; }
	ctr -a "$dir/sock" -n k8s.io image import "$dir/image.tar" >/dev/null
	ctr -a "$dir/sock" -n k8s.io image import "$dir/pause.tar" >/dev/null
}

# make_cni DIR: a network that says it has an address and makes nothing: a pod's own namespace stays empty.
make_cni() {
	cat >"$1/bin/empty" <<-'P'
		#!/bin/sh
		case $CNI_COMMAND in
		VERSION) echo '{"cniVersion": "0.4.0", "supportedVersions": ["0.3.1", "0.4.0"]}' ;;
		ADD | CHECK)
			printf '{"cniVersion": "0.4.0", "interfaces": [{"name": "%s", "sandbox": "%s"}],
				"ips": [{"version": "4", "address": "192.0.2.1/24", "interface": 0}], "dns": {}}\n' "$CNI_IFNAME" "$CNI_NETNS" ;;
		esac
	P
	chmod 755 "$1/bin/empty"
	ln -s empty "$1/bin/loopback" # containerd adds this one by itself
	echo '{"cniVersion": "0.4.0", "name": "empty", "plugins": [{"type": "empty"}]}' >"$1/cni/10-empty.conflist"
}

teardown_file() {
	local pid
	pid=$(cat "$WORK/cri/pid")
	kill "$pid"
	wait_for 30 gone "$pid"
}

teardown() {
	local pod
	for pod in $(cri ListPodSandbox | jq -r '.items[].id'); do
		cri StopPodSandbox "{\"pod_sandbox_id\": \"$pod\"}" >/dev/null || true
		cri RemovePodSandbox "{\"pod_sandbox_id\": \"$pod\"}" >/dev/null || true
	done
}

cri() {
	"$BATS_TEST_DIRNAME/cri.py" "$WORK/cri/sock" "$@"
}

# of_pod METHOD, of_container METHOD [MORE]: for $pod, for $container.
of_pod() { cri "$1" "{\"pod_sandbox_id\": \"$pod\"}"; }
of_container() { cri "$1" "{\"container_id\": \"$container\"${2:+, $2}}"; }

# pod_config NAME NETWORK: NETWORK is 0 (the pod's own) or 2 (the host's).
pod_config() {
	jq -n --arg name "$1" --argjson network "$2" --arg logs "$WORK/cri/logs" '{
		metadata: {name: $name, uid: ("uid-" + $name), namespace: "default"}, log_directory: $logs,
		hostname: (if $network == 2 then "" else "host-" + $name end),
		linux: {cgroup_parent: "/vmrunc-engines", security_context: {namespace_options: {network: $network, pid: 1}}}}'
}

# run_pod NAME NETWORK: sets $pod and $config.
run_pod() {
	config=$(pod_config "$1" "$2")
	pod=$(cri RunPodSandbox "{\"config\": $config, \"runtime_handler\": \"tested\"}" | jq -r .pod_sandbox_id)
}

# make_container NAME NETWORK SCRIPT: a container of $pod, not started; sets $container.
make_container() {
	local request
	request=$(jq -n --arg pod "$pod" --argjson pod_config "$config" --arg name "$1" --argjson network "$2" --arg script "$3" \
		--arg dir "$BATS_TEST_TMPDIR" '{pod_sandbox_id: $pod, sandbox_config: $pod_config, config: {metadata: {name: $name},
		image: {image: "localhost/bb:latest"}, command: ["sh", "-c"], args: [$script], envs: [{key: "A", value: "b"}],
		working_dir: "/tmp", mounts: [{container_path: "/host", host_path: $dir, readonly: true}], log_path: ($name + ".log"),
		linux: {resources: {memory_limit_in_bytes: 100663296, cpu_shares: 102, oom_score_adj: 999},
			security_context: {namespace_options: {network: $network, pid: 1}}}}}')
	container=$(cri CreateContainer "$request" | jq -r .container_id)
}

state_is() {
	[ "$(of_container ContainerStatus | jq .status.state)" = "$1" ]
}

# logged FILE STREAM: what the log of CRI (TIME STREAM TAG TEXT) has of one stream.
logged() {
	awk -v stream="$2" '$2 == stream { sub(/^[^ ]+ [^ ]+ [^ ]+ /, ""); print }' "$WORK/cri/logs/$1"
}

@test "a pod with an empty network: create, start, ExecSync, logs, stats, update, stop, remove" {
	run_pod one 0
	eq "$(of_pod PodSandboxStatus | jq -c '[.status.state, .status.runtime_handler]')" '[0,"tested"]'
	echo from-host >"$BATS_TEST_TMPDIR/f"
	make_container c 0 'trap "exit 3" TERM; echo "$A $PWD $(hostname) $(cat /host/f)"; touch /host/x 2>/dev/null || echo ro >&2; while :; do sleep 0.1; done'
	state_is 0
	of_container StartContainer >/dev/null
	wait_for "$WAIT_S" file_has "$WORK/cri/logs/c.log" from-host
	wait_for "$WAIT_S" file_has "$WORK/cri/logs/c.log" stderr
	state_is 1
	eq "$(logged c.log stdout)" "b /tmp host-one from-host"
	eq "$(logged c.log stderr)" ro
	eq "$(of_container ExecSync '"cmd": ["sh", "-c", "echo out; echo err >&2; exit 5"], "timeout": 120' | jq -c .)" \
		'{"stdout":"out\n","stderr":"err\n","exit_code":5}'
	run of_container ExecSync '"cmd": ["not-there"], "timeout": 120'
	[ "$status" -ne 0 ]
	has "$output" "executable file not found in \$PATH"
	# one that takes too long is ended
	run of_container ExecSync '"cmd": ["sleep", "1000"], "timeout": 2'
	[ "$status" -ne 0 ]
	has "$output" DEADLINE_EXCEEDED
	wait_for "$WAIT_S" no_sleep
	has "$(cri Exec "{\"container_id\": \"$container\", \"cmd\": [\"true\"], \"stdout\": true}" | jq -r .url)" /exec/
	[ "$(of_container ContainerStats | jq '.stats.memory.working_set_bytes.value')" -gt 10000 ]
	[ "$(of_container ContainerStats | jq '.stats.cpu.usage_core_nano_seconds.value')" -gt 1000000 ]
	[ "$(of_pod PodSandboxStats | jq '.stats.linux.containers | length')" = 1 ]
	of_container UpdateContainerResources '"linux": {"memory_limit_in_bytes": 134217728}' >/dev/null
	eq "$(of_container ExecSync "$(jq -n --arg script "$MEMORY_LIMIT" '"\"cmd\": \(["sh", "-c", $script]), \"timeout\": 120"' -r)" | jq -c '[.stdout, .stderr]')" '["134217728\n",""]'
	of_container StopContainer '"timeout": 100' >/dev/null
	eq "$(of_container ContainerStatus | jq -c '[.status.state, .status.exit_code, .status.reason]')" '[2,3,"Error"]'
	of_container RemoveContainer >/dev/null
	of_pod StopPodSandbox >/dev/null
	eq "$(of_pod PodSandboxStatus | jq .status.state)" 1
	of_pod RemovePodSandbox >/dev/null
	eq "$(cri ListPodSandbox | jq -c .items)" "[]"
	eq "$(cri ListContainers | jq -c .containers)" "[]"
	assert_nothing_left
}

no_sleep() {
	hasnt "$(of_container ExecSync '"cmd": ["ps", "-o", "args"], "timeout": 120' | jq -r .stdout)" "sleep 1000"
}

@test "a pod on the host's network: a program that is missing, one that runs out of memory; removed while they run" {
	run_pod two 2
	make_container missing 2 'exec /not/there'
	of_container StartContainer >/dev/null
	wait_for "$WAIT_S" state_is 2
	eq "$(of_container ContainerStatus | jq .status.exit_code)" 127
	make_container oom 2 'tail /dev/zero'
	of_container StartContainer >/dev/null
	wait_for "$WAIT_S" state_is 2
	eq "$(of_container ContainerStatus | jq -c '[.status.exit_code, .status.reason]')" '[137,"OOMKilled"]'
	make_container runs 2 'sleep 1000'
	of_container StartContainer >/dev/null
	state_is 1
	of_pod StopPodSandbox >/dev/null
	of_pod RemovePodSandbox >/dev/null
	assert_nothing_left
}
