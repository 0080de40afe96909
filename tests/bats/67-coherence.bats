#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The files of a running container that the host, or another container, changes. A shell in the container does what it is asked,
# between the host's changes.

load helpers
setup_file() { common_setup_file; }
setup() { common_setup; }
teardown() {
	exec 7>&- || true
	common_teardown
}

# talk_start FILTER [ARG...]: runs a container whose shell is asked by ask().
talk_start() {
	# shellcheck disable=SC2016 # it is the container's
	sh_bundle 'until_() { n=0; until eval "$1"; do n=$((n+1)); [ $n -lt 150 ] || return 1; sleep 0.1; done; }
		while read -r line; do eval "$line"; echo "END $?"; done' "$@"
	mkfifo "$BATS_TEST_TMPDIR/in"
	"${RT_CMD[@]}" run --bundle "$BUNDLE" "$ID" <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out" 2>&1 &
	TALKER=$!
	exec 7>"$BATS_TEST_TMPDIR/in"
	ASKED=0
}

answers() {
	[ "$(grep -c '^END ' "$BATS_TEST_TMPDIR/out")" -ge "$1" ]
}

# ask COMMAND: has the container's shell do it. ANSWER is what it says; fails if the command does.
ask() {
	local all
	echo "$1" >&7
	ASKED=$((ASKED + 1))
	wait_for "$((WAIT_S + 60))" answers "$ASKED" || { cat "$BATS_TEST_TMPDIR/out"; return 1; }
	all=$(awk -v n="$ASKED" '/^END /{ k++; if (k == n) print; next } k == n - 1' "$BATS_TEST_TMPDIR/out")
	ANSWER=$(sed '$d' <<<"$all")
	[ "$(tail -n 1 <<<"$all")" = "END 0" ] || { echo "the container failed at: $1"; echo "$all"; return 1; }
}

talk_end() {
	exec 7>&-
	wait "$TALKER"
}

# The host's changes come by the file service of the kvm engine; QEMU's own works on paths and tells nothing.
need_watcher() {
	[ -n "${RUNTIME:-}" ] || [ "${VMRUNC_ENGINE:-auto}" = kvm ] || skip "only the kvm engine tells the guest"
}

# bats test_tags=kvm
@test "volume: what the host replaces, removes and moves is not seen any more, while it is in use as well" {
	local vol=$BATS_TEST_TMPDIR/vol
	need_watcher
	mkdir -p "$vol/d/below"
	echo one >"$vol/cfg"
	echo there >"$vol/d/file"
	# shellcheck disable=SC2016 # jq's
	talk_start '.mounts += [{destination: "/data", type: "bind", source: $vol, options: ["rbind", "rw"]}]' --arg vol "$vol"

	ask 'exec 5</data/cfg; cat /data/cfg'
	eq "$ANSWER" one
	echo two >"$vol/.new"
	mv "$vol/.new" "$vol/cfg"
	ask 'until_ "grep -q two /data/cfg"; cat /data/cfg; cat <&5; stat -c %h,%s /data/cfg'
	eq "$ANSWER" $'two\none\n1,4'
	ask 'exec 6</data/cfg; cat <&6'
	rm "$vol/cfg"
	ask 'until_ "! test -e /data/cfg"; (set -C; echo three >/data/cfg) && cat /data/cfg'
	eq "$ANSWER" three
	eq "$(cat "$vol/cfg")" three

	# a directory that is moved takes along those who work in it
	ask 'cd /data/d && cat file'
	mv "$vol/d" "$vol/e"
	ask 'until_ "! test -e /data/d"; test -d /data/e/below && cat file && echo here >made'
	eq "$ANSWER" there
	eq "$(cat "$vol/e/made")" here
	mkdir "$vol/d"
	ask 'test -d /data/d && ! test -e /data/d/file && cd /data/e/below && cat ../made && cd /'
	eq "$ANSWER" here
	talk_end
}

# bats test_tags=kvm
@test "volume: two containers and the host see each other's names at once, or soon where they are in use; no lock is lost" {
	local vol=$BATS_TEST_TMPDIR/vol party kinds=0 bundles=()
	need_watcher
	vmrunc_only
	party=$(dirname "$VMRUNC")/tests/files/party
	[ -x "$party" ] || cannot "no $party: run make"
	! own_kernel || kinds=1
	mkdir "$vol"
	for _ in 1 2; do
		# shellcheck disable=SC2016 # jq's
		new_bundle '.process.args = ["/party", "/data"]
			| .mounts += [{destination: "/data", type: "bind", source: $vol, options: ["rbind", "rw"]}]' --arg vol "$vol"
		cp "$party" "$BUNDLE/rootfs/party"
		bundles+=("$BUNDLE")
	done
	run --separate-stderr python3 "$BATS_TEST_DIRNAME/sharers.py" "$kinds" "$party" "$vol" \
		-- "${RT_CMD[@]}" run --bundle "${bundles[0]}" "$ID-a" -- "${RT_CMD[@]}" run --bundle "${bundles[1]}" "$ID-b"
	grep -v '^ok ' <<<"$output" || true
	echo "$stderr"
	eq "$(grep -c '^ok ' <<<"$output")" $((kinds ? 157 : 187))
	eq "$status" 0
}

# bats test_tags=kvm
@test "root file system: what the host overwrites, replaces, removes and rotates is seen" {
	local root
	need_watcher
	talk_start .
	root=$BUNDLE/rootfs
	echo v1 >"$root/etc/conf"
	echo old >"$root/etc/other"
	mkdir "$root/var"

	ask 'cat /etc/conf /etc/other; exec 5</etc/other'
	eq "$ANSWER" $'v1\nold'
	# a program that has it open does not keep the old contents alive
	ask 'exec 4</etc/conf; cat <&4'
	eq "$ANSWER" v1
	echo version2 >"$root/etc/conf"
	ask 'until_ "grep -q version2 /etc/conf"; cat /etc/conf; stat -c %s /etc/conf'
	eq "$ANSWER" $'version2\n9'
	echo v3 >"$root/etc/.new"
	mv "$root/etc/.new" "$root/etc/conf"
	ask 'until_ "grep -q v3 /etc/conf"; cat /etc/conf'
	eq "$ANSWER" v3
	rm "$root/etc/conf" "$root/etc/other"
	ask 'until_ "! test -e /etc/conf"; until_ "! test -e /etc/other"; cat <&5'
	eq "$ANSWER" old

	# what the guest has open for writing, and what it has yet to write, goes with the file
	ask 'exec 6>>/var/log; echo first >&6; test -f /var/log'
	mv "$root/var/log" "$root/var/log.1"
	ask 'until_ "! test -e /var/log"; echo second >&6; exec 6>&-; exec 6>>/var/log; echo third >&6; exec 6>&-'
	ask 'sync; cat /var/log.1 /var/log'
	eq "$ANSWER" $'first\nsecond\nthird'
	eq "$(cat "$root/var/log.1" "$root/var/log")" $'first\nsecond\nthird'

	# what the guest does itself is its own, and is not forgotten: it is there when it is done
	# shellcheck disable=SC2016
	ask 'i=0; while [ $i -lt 200 ]; do echo $i >/tmp/a && mv /tmp/a /tmp/b && [ "$(cat /tmp/b)" = $i ] && rm /tmp/b || exit 1; i=$((i+1)); done'
	talk_end
}

@test "a tree of more names than the monitor has memory for is walked without an error, again and again" {
	local n=5000 name
	need_watcher
	vmrunc_only
	echo '{"host-overhead": 16}' >"$BATS_TEST_TMPDIR/settings.json"
	RT_CMD+=(--config "$BATS_TEST_TMPDIR/settings.json")
	# shellcheck disable=SC2016 # it is the container's
	sh_bundle 'for i in 1 2; do find /tree -type f -size -9 2>&1 >/tmp/list; wc -l </tmp/list; done'
	name=$(printf '%0240d' 0)
	mkdir "$BUNDLE/rootfs/tree"
	(cd "$BUNDLE/rootfs/tree" && seq -f "$name%05g" "$n" | xargs touch)
	run rt run --keep --bundle "$BUNDLE" "$ID"
	eq "$output" "$n"$'\n'"$n"
	file_has "$ROOT/$ID/guest.log" "asked to give up names"
	rt delete "$ID"
}
