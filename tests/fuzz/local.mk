# Fuzz targets, one a trust boundary. `make check` replays their corpora; `make fuzz` fuzzes each for FUZZ_SECONDS
# (60), with clang's libFuzzer, in a build of its own.
fuzz_programs = \
	tests/fuzz/fuzz_bus \
	tests/fuzz/fuzz_control \
	tests/fuzz/fuzz_files \
	tests/fuzz/fuzz_fuse \
	tests/fuzz/fuzz_image \
	tests/fuzz/fuzz_lists \
	tests/fuzz/fuzz_p9 \
	tests/fuzz/fuzz_p9dev \
	tests/fuzz/fuzz_proto \
	tests/fuzz/fuzz_qmp \
	tests/fuzz/fuzz_relay \
	tests/fuzz/fuzz_spec \
	tests/fuzz/fuzz_virtio
fuzz_replay = tests/fuzz/input.c tests/fuzz/replay.c tests/fuzz/replay.h
# The kernel in memory (kernel.h), and the calls that go to it.
EXTRA_LIBRARIES = tests/fuzz/libkernel.a
tests_fuzz_libkernel_a_SOURCES = tests/fuzz/kernel.c tests/fuzz/kernel.h tests/fuzz/kernel_blocks.c tests/fuzz/kernel_bytes.c tests/fuzz/kernel_calls.c \
	tests/fuzz/kernel_files.c tests/fuzz/kernel_object.h tests/fuzz/kernel_sock.c tests/fuzz/kernel_sock.h
KERNEL_WRAP = \
	-Wl,--wrap=read -Wl,--wrap=write -Wl,--wrap=readv -Wl,--wrap=writev -Wl,--wrap=recv -Wl,--wrap=send \
	-Wl,--wrap=recvmsg -Wl,--wrap=sendmsg -Wl,--wrap=__read_chk -Wl,--wrap=__recv_chk -Wl,--wrap=close \
	-Wl,--wrap=dup -Wl,--wrap=fcntl -Wl,--wrap=ioctl -Wl,--wrap=isatty -Wl,--wrap=poll -Wl,--wrap=__poll_chk \
	-Wl,--wrap=epoll_create1 -Wl,--wrap=epoll_ctl -Wl,--wrap=epoll_wait -Wl,--wrap=eventfd \
	-Wl,--wrap=timerfd_create -Wl,--wrap=timerfd_settime -Wl,--wrap=pipe2 -Wl,--wrap=memfd_create \
	-Wl,--wrap=socket -Wl,--wrap=socketpair -Wl,--wrap=bind -Wl,--wrap=listen -Wl,--wrap=connect \
	-Wl,--wrap=accept4 -Wl,--wrap=getsockname -Wl,--wrap=getpeername -Wl,--wrap=getsockopt -Wl,--wrap=setsockopt \
	-Wl,--wrap=shutdown -Wl,--wrap=open -Wl,--wrap=openat -Wl,--wrap=__open_2 -Wl,--wrap=__openat_2 \
	-Wl,--wrap=unlinkat -Wl,--wrap=fchdir -Wl,--wrap=fstat -Wl,--wrap=fstatat -Wl,--wrap=fstatfs \
	-Wl,--wrap=ftruncate -Wl,--wrap=lseek -Wl,--wrap=madvise -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc \
	-Wl,--wrap=free
fuzz_host = $(fuzz_replay) tests/fuzz/host.c tests/fuzz/host.h
fuzz_tree = $(fuzz_replay) tests/fuzz/tree.c tests/fuzz/tree.h
tests_fuzz_fuzz_bus_SOURCES = tests/fuzz/fuzz_bus.c $(fuzz_replay)
tests_fuzz_fuzz_control_SOURCES = tests/fuzz/fuzz_control.c $(fuzz_replay)
tests_fuzz_fuzz_files_SOURCES = tests/fuzz/fuzz_files.c $(fuzz_replay)
tests_fuzz_fuzz_fuse_SOURCES = tests/fuzz/fuzz_fuse.c $(fuzz_host)
tests_fuzz_fuzz_image_SOURCES = tests/fuzz/fuzz_image.c $(fuzz_replay)
tests_fuzz_fuzz_lists_SOURCES = tests/fuzz/fuzz_lists.c $(fuzz_replay)
tests_fuzz_fuzz_p9_SOURCES = tests/fuzz/fuzz_p9.c $(fuzz_tree)
tests_fuzz_fuzz_p9dev_SOURCES = tests/fuzz/fuzz_p9dev.c $(fuzz_tree) $(p9_driver)
tests_fuzz_fuzz_proto_SOURCES = tests/fuzz/fuzz_proto.c $(fuzz_host)
tests_fuzz_fuzz_qmp_SOURCES = tests/fuzz/fuzz_qmp.c $(fuzz_replay)
tests_fuzz_fuzz_relay_SOURCES = tests/fuzz/fuzz_relay.c $(fuzz_host)
tests_fuzz_fuzz_spec_SOURCES = tests/fuzz/fuzz_spec.c $(fuzz_replay)
tests_fuzz_fuzz_virtio_SOURCES = tests/fuzz/fuzz_virtio.c tests/fuzz/input.c tests/fuzz/replay.h
EXTRA_DIST += tests/fuzz/corpus tests/fuzz/dictionaries

if FUZZING
EXTRA_PROGRAMS += $(fuzz_programs)
# libFuzzer has a main() of its own.
AM_CPPFLAGS += -DFUZZING
fuzz_main = -fsanitize=fuzzer
# What is fuzzed is not this kernel: its paths would count as news, and take most of the time. What it reads and writes of
# the product's is still checked, since memcpy(3) is.
tests_fuzz_libkernel_a_CFLAGS = $(AM_CFLAGS) -fno-sanitize=all -O2
else
unit_tests += $(fuzz_programs)
check_PROGRAMS += $(fuzz_programs)
fuzz_main =
endif
fuzz_ldflags = $(AM_LDFLAGS) $(fuzz_main)
fuzz_kernel_ldadd = tests/fuzz/libkernel.a $(LDADD)
tests_fuzz_fuzz_bus_LDFLAGS = $(fuzz_ldflags) $(KERNEL_WRAP)
tests_fuzz_fuzz_bus_LDADD = $(fuzz_kernel_ldadd)
tests_fuzz_fuzz_control_LDFLAGS = $(fuzz_ldflags) $(KERNEL_WRAP)
tests_fuzz_fuzz_control_LDADD = $(fuzz_kernel_ldadd)
tests_fuzz_fuzz_files_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_fuse_LDFLAGS = $(fuzz_ldflags) $(KERNEL_WRAP)
tests_fuzz_fuzz_fuse_LDADD = $(fuzz_kernel_ldadd)
tests_fuzz_fuzz_image_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_lists_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_p9_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_p9dev_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_proto_LDFLAGS = $(fuzz_ldflags) $(KERNEL_WRAP)
tests_fuzz_fuzz_proto_LDADD = $(fuzz_kernel_ldadd)
tests_fuzz_fuzz_qmp_LDFLAGS = $(fuzz_ldflags) $(KERNEL_WRAP)
tests_fuzz_fuzz_qmp_LDADD = $(fuzz_kernel_ldadd)
tests_fuzz_fuzz_relay_LDFLAGS = $(fuzz_ldflags) $(KERNEL_WRAP)
tests_fuzz_fuzz_relay_LDADD = $(fuzz_kernel_ldadd)
tests_fuzz_fuzz_spec_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_virtio_LDFLAGS = $(fuzz_ldflags) $(KERNEL_WRAP)
tests_fuzz_fuzz_virtio_LDADD = $(fuzz_kernel_ldadd)

fuzz_targets = fuzz-bus fuzz-control fuzz-files fuzz-fuse fuzz-image fuzz-lists fuzz-p9 fuzz-p9dev fuzz-proto fuzz-qmp fuzz-relay fuzz-spec fuzz-virtio
.PHONY: fuzz fuzz-programs $(fuzz_targets)
fuzz-programs: $(fuzz_programs)

# Fuzzes one target, or all of them in turn; contrib/fuzz says what it leaves where. Paths are absolute: a thread that serves
# files has a working directory of its own.
fuzz $(fuzz_targets):
	$(MKDIR_P) fuzz
	cd fuzz && { test -f Makefile || $(abs_srcdir)/configure CC=clang --enable-fuzzing; } && $(MAKE) fuzz-programs
	name=$@ && name=$${name#fuzz} && $(abs_srcdir)/contrib/fuzz --seconds $${FUZZ_SECONDS:-60} --length $${FUZZ_LEN:-65536} \
		$(abs_builddir)/fuzz $${name#-}
