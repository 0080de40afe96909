#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The tarball, the Debian packages that are built of it, and what they are in a Debian root that has nothing else.
#
# VMRUNC_PACKAGES_KERNEL=1: with the package of the small guest kernel, whose build takes some minutes; else the stock
# kernel of contrib/get-kernel lies in that root.

load ../bats/helpers

CACHE=${VMRUNC_TEST_CACHE:-/var/cache/vmrunc-tests}
SUITE=bookworm
BUILD=$TOP/build

setup_file() {
	local flags=--no-check
	[ "${VMRUNC_PACKAGES_KERNEL:-0}" = 1 ] || flags+=" --no-kernel"
	export DEBS=$BUILD/deb
	make -C "$BUILD" deb DEB_FLAGS="$flags" >"$BATS_FILE_TMPDIR/deb.log" 2>&1 || { tail -40 "$BATS_FILE_TMPDIR/deb.log"; return 1; }
}

# base_tar: the path of a minimal Debian with QEMU, made once a machine.
base_tar() {
	local tar=$CACHE/packages-$SUITE-1.tar
	if [ ! -f "$tar" ]; then
		mkdir -p "$CACHE"
		unshare --mount --propagation private mmdebstrap --format=tar --variant=minbase --include=qemu-system-x86,busybox-static "$SUITE" "$tar.$$" \
			>"$CACHE/packages.log" 2>&1 || { rm -f "$tar.$$"; tail -3 "$CACHE/packages.log"; return 1; }
		mv "$tar.$$" "$tar"
	fi
	echo "$tar"
}

# in_root COMMAND...: runs it with $DEBIAN as the root of a mount and pid namespace of its own.
in_root() {
	# shellcheck disable=SC2016 # the inner shell expands them
	unshare --mount --pid --fork --kill-child --propagation private sh -ec '
		mount --bind "$0" "$0"
		mount --rbind /sys "$0/sys"
		mount --rbind /dev "$0/dev"
		mount -t proc proc "$0/proc"
		cd "$0"
		mkdir -p mnt/old
		pivot_root . mnt/old
		umount -l /mnt/old
		rmdir /mnt/old
		cd /
		exec "$@"' "$DEBIAN" "$@"
}

@test "the tarball has every file of the repository" {
	git -C "$TOP" rev-parse >/dev/null 2>&1 || skip "this tree is no clone"
	tar -tf "$BUILD"/vmrunc-*.tar.xz | sed 's|^[^/]*/||' | sort >"$BATS_TEST_TMPDIR/packed"
	git -C "$TOP" ls-files | grep -vx '.gitignore' | sort >"$BATS_TEST_TMPDIR/tracked"
	run comm -13 "$BATS_TEST_TMPDIR/packed" "$BATS_TEST_TMPDIR/tracked"
	[ "$output" = "" ]
}

@test "the packages name what they need, and hold the program, its manual and its documents" {
	run dpkg-deb --field "$DEBS"/vmrunc_*.deb Depends
	for library in libc6 libcap2 libkmod2 libseccomp2 libsystemd0 libyajl2; do [[ "$output" == *"$library"* ]]; done
	run dpkg-deb --contents "$DEBS"/vmrunc_*.deb
	for file in usr/bin/vmrunc usr/share/man/man8/vmrunc.8.gz usr/share/man/man5/vmrunc.json.5.gz usr/share/doc/vmrunc/docs/design.md \
		usr/share/bash-completion/completions/vmrunc; do
		grep -q " ./$file\$" <<<"$output" || { echo "missing: $file"; return 1; }
	done
}

@test "the packages are installed, used and purged in a minimal Debian" {
	local tar kernel
	tar=$(base_tar) || cannot "no Debian root file system: $tar"
	DEBIAN=$BATS_TEST_TMPDIR/debian
	mkdir -p "$DEBIAN" "$BATS_TEST_TMPDIR"/archives/partial
	tar -C "$DEBIAN" --exclude='./dev/*' -xf "$tar"
	(cd "$DEBIAN" && find . -xdev ! -type d -not -path './var/lib/dpkg/*' -not -path './var/log/*' -not -path './var/cache/*' | sort) >"$BATS_TEST_TMPDIR/before"

	# what apt would install beside them, as that root's dpkg knows its packages
	apt-get -o DPkg::Lock::Timeout=600 install -y -q --download-only --no-install-recommends -o Dir::State::status="$DEBIAN/var/lib/dpkg/status" \
		-o Dir::Cache::archives="$BATS_TEST_TMPDIR/archives" $(find "$DEBS" -name 'vmrunc*.deb' -not -name '*dbgsym*') \
		>"$BATS_TEST_TMPDIR/apt.log" 2>&1 || { tail -5 "$BATS_TEST_TMPDIR/apt.log"; cannot "apt cannot download what the packages need"; }
	mkdir "$DEBIAN/debs"
	find "$BATS_TEST_TMPDIR/archives" "$DEBS" -name '*.deb' -not -name '*dbgsym*' -exec cp -t "$DEBIAN/debs" {} +
	in_root sh -ec 'dpkg --install /debs/*.deb' >"$BATS_TEST_TMPDIR/dpkg.log" 2>&1 || { cat "$BATS_TEST_TMPDIR/dpkg.log"; return 1; }

	if [ "${VMRUNC_PACKAGES_KERNEL:-0}" != 1 ]; then
		kernel=$(readlink -f "$("$TOP/contrib/get-kernel" --print-path)")
		mkdir -p "$DEBIAN/var/cache/vmrunc/stock-kernel"
		cp -a "$kernel" "$DEBIAN/var/cache/vmrunc/stock-kernel/"
	fi
	mkdir -p "$DEBIAN"/bundle/rootfs/bin
	cp /bin/busybox "$DEBIAN/bundle/rootfs/bin/"
	base_config | jq '.process.args = ["/bin/busybox", "sh", "-c", "echo from the container; exit 42"]' >"$DEBIAN/bundle/config.json"
	run in_root vmrunc --engine qemu --log-level warning run --bundle /bundle packaged
	[ "$status" -eq 42 ]
	[ "${lines[0]}" = "from the container" ]
	run in_root vmrunc check --engine qemu
	[ "$status" -eq 0 ]
	if [ "${VMRUNC_PACKAGES_KERNEL:-0}" = 1 ]; then [[ "$output" == *"/usr/lib/vmrunc/vmlinux"* ]]; fi

	in_root sh -ec 'dpkg --purge $(dpkg-query -W -f "\${Package}\n" "vmrunc*")' >"$BATS_TEST_TMPDIR/purge.log" 2>&1
	run in_root sh -c 'dpkg-query -W -f "\${Package} \${db:Status-Status}\n" "vmrunc*" 2>/dev/null; ls -d /usr/bin/vmrunc /usr/lib/vmrunc /usr/share/doc/vmrunc /var/cache/vmrunc /run/vmrunc 2>/dev/null'
	echo "$output"
	[ "$output" = "" ]
}

@test "rpmlint finds no error in the spec file" {
	run rpmlint "$TOP/packaging/vmrunc.spec"
	[[ "$output" == *" 0 errors, "* ]]
	[ "$status" -eq 0 ]
}

@test "install-engine puts its words into the engines' files, once, and takes them away again" {
	local etc=$BATS_TEST_TMPDIR/etc engine
	export VMRUNC_ETC=$etc
	mkdir -p "$etc/containerd" "$etc/docker"
	printf 'version = 2\n\n[plugins."io.containerd.grpc.v1.cri".cni]\n  bin_dir = "/usr/lib/cni"\n' >"$etc/containerd/config.toml"
	printf '{\n  "log-driver": "local"\n}\n' >"$etc/docker/daemon.json"
	cp -a "$etc" "$etc.before"
	for engine in podman containerd docker cri-o podman containerd docker cri-o; do
		"$TOP/contrib/install-engine" --no-check --program "$VMRUNC" "$engine"
	done
	[ "$(grep -c "^vmrunc = \[\"$VMRUNC\"\]" "$etc/containers/containers.conf.d/50-vmrunc.conf")" -eq 1 ]
	[ "$(grep -c "^runtime_path = \"$VMRUNC\"" "$etc/crio/crio.conf.d/50-vmrunc.conf")" -eq 1 ]
	[ "$(grep -c "BinaryName = \"$VMRUNC\"" "$etc/containerd/config.toml")" -eq 1 ]
	grep -qxF '[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]' "$etc/containerd/config.toml"
	run jq -c . "$etc/docker/daemon.json"
	[ "$output" = "{\"log-driver\":\"local\",\"runtimes\":{\"vmrunc\":{\"path\":\"$VMRUNC\"}}}" ]

	for engine in podman containerd docker cri-o cri-o; do "$TOP/contrib/install-engine" --remove "$engine"; done
	cmp "$etc.before/containerd/config.toml" "$etc/containerd/config.toml"
	cmp "$etc.before/docker/daemon.json" "$etc/docker/daemon.json"
	[ "$(find "$etc" -type f | wc -l)" -eq 2 ]

	# a file of a format that cannot be added to is left alone
	printf '[plugins.cri]\n' >"$etc/containerd/config.toml"
	run "$TOP/contrib/install-engine" --no-check --program "$VMRUNC" containerd
	[ "$status" -eq 1 ]
	[[ "$output" == *"must be of version 2 or 3"* ]]
	[ "$(cat "$etc/containerd/config.toml")" = '[plugins.cri]' ]
	echo nonsense >"$etc/docker/daemon.json"
	run "$TOP/contrib/install-engine" --no-check --program "$VMRUNC" docker
	[ "$status" -eq 1 ]
	[[ "$output" == *"is not JSON"* ]]
	[ "$(cat "$etc/docker/daemon.json")" = nonsense ]
}

@test "containerd reads what install-engine has written, and keeps what was there" {
	command -v containerd >/dev/null || cannot "containerd is not installed"
	export VMRUNC_ETC=$BATS_TEST_TMPDIR/etc
	mkdir -p "$VMRUNC_ETC/containerd"
	printf 'version = 2\n[plugins."io.containerd.grpc.v1.cri".cni]\n  bin_dir = "/usr/lib/cni"\n' >"$VMRUNC_ETC/containerd/config.toml"
	"$TOP/contrib/install-engine" --no-check --program "$VMRUNC" containerd
	run containerd --config "$VMRUNC_ETC/containerd/config.toml" config dump
	[ "$status" -eq 0 ]
	[[ "$output" == *"BinaryName = \"$VMRUNC\""* ]]
	[[ "$output" == *'containerd.runtimes.runc]'* ]]
	[[ "$output" == *'bin_dir = "/usr/lib/cni"'* ]]
}
