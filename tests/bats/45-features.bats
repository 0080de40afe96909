#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What vmrunc says of itself: the features document, and that nothing of a config is dropped in silence.

load helpers
setup_file() { common_setup_file; }
setup() {
	common_setup
	vmrunc_only
}
teardown() { common_teardown; }

# The document's structure as features.md and features-linux.md give it: prints what is wrong.
SHAPE='
def is_strings: type == "array" and all(.[]; type == "string");
def is_map: type == "object" and all(.[]; type == "string");
def is_switch: type == "object" and (keys == ["enabled"]) and (.enabled | type == "boolean");
def is_bools($names): type == "object" and (keys == ($names | sort)) and all(.[]; type == "boolean");
def is_lists($names): type == "object" and (keys == ($names | sort)) and all(.[]; is_strings);
def is_version: type == "string" and test("^[0-9]+\\.[0-9]+\\.[0-9]+([-+].*)?$");
def must($what; condition): if condition then empty else $what end;
must("not an object"; type == "object"),
must("keys: \(keys)"; keys - ["ociVersionMin", "ociVersionMax", "hooks", "mountOptions", "linux", "annotations", "potentiallyUnsafeConfigAnnotations"] == []),
must("ociVersionMin"; .ociVersionMin | is_version),
must("ociVersionMax"; .ociVersionMax | is_version),
must("hooks"; .hooks | is_strings),
must("mountOptions"; .mountOptions | is_strings),
must("annotations"; .annotations | is_map),
must("potentiallyUnsafeConfigAnnotations"; .potentiallyUnsafeConfigAnnotations | is_strings),
(.linux |
	must("linux keys: \(keys)"; keys - ["namespaces", "capabilities", "cgroup", "seccomp", "apparmor", "selinux", "intelRdt", "memoryPolicy", "mountExtensions", "netDevices"] == []),
	must("namespaces"; (.namespaces | is_strings) and (.namespaces - ["cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"] == [])),
	must("capabilities"; (.capabilities | is_strings) and all(.capabilities[]; test("^CAP_[A-Z0-9_]+$"))),
	must("cgroup"; .cgroup | is_bools(["v1", "v2", "systemd", "systemdUser", "rdma"])),
	must("seccomp"; .seccomp | (.enabled | type == "boolean") and (del(.enabled) | is_lists(["actions", "operators", "archs", "knownFlags", "supportedFlags"]))),
	must("seccomp words"; .seccomp | all(.actions[]; startswith("SCMP_ACT_")) and all(.operators[]; startswith("SCMP_CMP_")) and all(.archs[]; startswith("SCMP_ARCH_")) and all(.knownFlags[]; startswith("SECCOMP_FILTER_FLAG_"))),
	must("supportedFlags that are not known"; .seccomp | .supportedFlags - .knownFlags == []),
	must("apparmor"; .apparmor | is_switch),
	must("selinux"; .selinux | is_switch),
	must("intelRdt"; .intelRdt | is_bools(["enabled", "schemata", "monitoring"])),
	must("memoryPolicy"; .memoryPolicy | is_lists(["modes", "flags"])),
	must("mountExtensions"; .mountExtensions | keys == ["idmap"] and (.idmap | is_switch)),
	must("netDevices"; .netDevices | is_switch))'

@test "features: the document has the structure that the specification gives it" {
	run -0 --separate-stderr rt features
	eq "$(jq -r "$SHAPE" <<<"$output")" ""
	eq "$stderr" ""
	# the check itself notices what is wrong
	has "$(jq '.linux.cgroup.v1 = "yes"' <<<"$output" | jq -r "$SHAPE")" cgroup
	has "$(jq 'del(.linux.seccomp.archs)' <<<"$output" | jq -r "$SHAPE")" seccomp
	has "$(jq '.extra = 1' <<<"$output" | jq -r "$SHAPE")" extra
}

@test "features, --version and spec name one version of the specification" {
	run -0 --separate-stderr rt features
	local version
	version=$(jq -r .ociVersionMax <<<"$output")
	run -0 --separate-stderr rt --version
	eq "$(sed -n 's/^spec: //p' <<<"$output")" "$version"
	mkdir "$BATS_TEST_TMPDIR/bundle"
	run -0 rt spec --bundle "$BATS_TEST_TMPDIR/bundle"
	eq "$(jq -r .ociVersion "$BATS_TEST_TMPDIR/bundle/config.json")" "$version"
}

@test "features: what it lists can be asked for, what it does not is refused or warned of" {
	run -0 --separate-stderr rt features
	eq "$(jq -c '[.linux.mountExtensions.idmap.enabled, .linux.intelRdt.enabled, .linux.netDevices.enabled, .linux.apparmor.enabled, .linux.selinux.enabled, .linux.seccomp.enabled]' <<<"$output")" "[true,false,true,false,false,true]"
	jq -e '.mountOptions | contains(["bind", "rbind", "ro", "rro", "tmpcopyup", "idmap", "ridmap", "nosymfollow", "rshared", "runbindable", "lazytime"])' <<<"$output"
	jq -e '.linux.memoryPolicy.modes | contains(["MPOL_BIND", "MPOL_INTERLEAVE"])' <<<"$output"
	jq -e '.potentiallyUnsafeConfigAnnotations == ["org.vmrunc."]' <<<"$output"
	jq -e '(.linux.seccomp.supportedFlags | index("SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV")) == null' <<<"$output"
}

# parse_only: runs $BUNDLE only as far as its config.json is read and checked.
parse_only() {
	run --separate-stderr rt run --kernel /no/such/kernel --bundle "$BUNDLE" "$ID"
	[ "$status" -ne 0 ]
}

@test "fields that the specification does not have: a warning for each, by its path, at every depth" {
	new_bundle '.unknownTop = 1 | .process.unknownProcess = "x" | .process.user.unknownUser = true | .mounts[0].unknownMount = [] | .linux.unknownLinux = {} | .linux.resources.unknownResource = 1 | .linux.resources.cpu.unknownCpu = 1 | .root.unknownRoot = 1 | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", unknownSeccomp: 1}'
	parse_only
	local field
	for field in unknownTop process.unknownProcess process.user.unknownUser "mounts[0].unknownMount" linux.unknownLinux linux.resources.unknownResource linux.resources.cpu.unknownCpu root.unknownRoot linux.seccomp.unknownSeccomp; do
		grep -q "warning: config.json:[0-9]*: ${field//[/\\[}: " <<<"$stderr" || { echo "nothing about $field in: $stderr"; return 1; }
	done
}

# needs FIELD: prints what else, beside the field, a config must have so that it is valid; false if that is nothing.
needs() {
	case $1 in
	hooks.*) echo ".$1 = [{path: \"/bin/true\"}]" ;;
	vm.image) echo '.vm.image = {path: "/i", format: "raw"}' ;;
	vm.hwConfig.iomems) echo '.vm.hwConfig.iomems = [{firstMFN: 1, nrMFNs: 1}]' ;;
	vm.hwConfig.irqs) echo '.vm.hwConfig.irqs = [1]' ;;
	linux.intelRdt.memBwSchema) echo '.linux.intelRdt.memBwSchema = "MB:0=1"' ;;
	*) return 1 ;;
	esac
}

@test "fields that are ignored or refused, row by row of docs/spec-support.md: a warning or an error that names the field" {
	local path status_word filter value message
	new_bundle '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mkdir"], action: "SCMP_ACT_LOG"}]} | .vm.kernel.path = "/k" | .vm.hypervisor.path = "/h"'
	cp "$BUNDLE/config.json" "$BUNDLE/base.json"
	while IFS='|' read -r _ path status_word _; do
		path=$(tr -d '` ' <<<"$path") status_word=$(tr -d ' ' <<<"$status_word")
		case $status_word in
		ignored) message=ignored ;;
		refused) message="not supported" ;;
		*) continue ;;
		esac
		case $path in
		linux.seccomp.listenerMetadata | *=SCMP_ACT_NOTIFY) continue ;; # nothing without listenerPath
		esac
		filter=$(needs "$path") || filter=
		# else: of the right type is the value that the parser has nothing to say about
		for value in '"x"' 1 true '["x"]' '{"x": 1}'; do
			case $path in
			*=*) value="\"${path#*=}\"" ;;
			esac
			jq "${filter:-.$(sed 's/=.*//; s/\[\]/[0]/g' <<<"$path") = $value}" "$BUNDLE/base.json" >"$BUNDLE/config.json"
			parse_only
			[ -z "$filter" ] || break
			grep -q "$message" <<<"$stderr" && break
		done
		grep -F "$(sed 's/=.*//; s/\[\]/[0]/g' <<<"$path")" <<<"$stderr" | grep -q "$message" || { echo "$path: $status_word, but: $stderr"; return 1; }
	done <"$TOP/docs/spec-support.md"
}
