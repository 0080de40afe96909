/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of the messages: each field encoded and decoded, and every way to cut or spoil a message. */
#include "channel/proto.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *args[] = { "sh", "-c", "echo \xc3\xa4" };
static const char *env[] = { "PATH=/bin", "" };
static struct guest_value values[] = { { "pids.max", "5" }, { "memory.max", "" } };
static struct guest_idmap idmaps[] = { { 0, 100000, 65536 }, { 65536, 7, 1 } };
static struct guest_device devices[] = { { "/dev/null", 0020666, 1, 3, 0, 5 } };
static struct guest_rlimit rlimits[] = { { 7, 1024, UINT64_MAX } };
static uint32_t groups[] = { 5, 4294967294u };
static struct guest_mount mounts[] = {
	{ .kind = GUEST_MOUNT_BIND_SHARED,
		.source = "c1/3/hosts",
		.destination = "/etc/hosts",
		.flags = 4096,
		.attr_set = 1,
		.attr_clear = 2,
		.rec_attr_set = 4,
		.rec_attr_clear = 8,
		.propagation = { 2, groups } },
	{ .kind = GUEST_MOUNT_FS,
		.source = "tmpfs",
		.destination = "/run",
		.fstype = "tmpfs",
		.data = "mode=755",
		.tmpcopyup = true },
};

static struct guest_hook hooks[] = {
	{ .path = "/h", .args = { 3, args }, .env = { 2, env }, .timeout_s = 7 },
	{ .path = "/i", .inherits_env = true },
};

/* A process in which every field has a value of its own. */
static struct guest_process sample_process(void)
{
	return (struct guest_process){
		.id = 9,
		.stream = { 1, 2, 3 },
		.terminal = true,
		.rows = 24,
		.cols = 80,
		.args = { 3, args },
		.env = { 2, env },
		.cwd = "/w",
		.uid = 1000,
		.gid = 1001,
		.groups = { 2, groups },
		.umask = 077,
		.caps = { 1, 2, 3, 4, UINT64_MAX },
		.rlimits = { 1, rlimits },
		.no_new_privs = true,
		.has_oom_score_adj = true,
		.oom_score_adj = -999,
		.seccomp = { 4, "abc" },
		.seccomp_flags = 3,
		.has_scheduler = true,
		.scheduler = { 1, 2, -3, 4, 5, 6, 7 },
		.has_ioprio = true,
		.ioprio = 0x4007,
		.cpus_initial = "0-1",
		.cpus_final = "1",
		.lf_only = true,
		.cgroup = "below",
		.held = true,
		.has_personality = true,
		.personality = 8,
		.has_memory_policy = true,
		.memory_policy = 0x8002,
		.memory_nodes = { 2, groups },
	};
}

/* A container, likewise. */
static struct guest_container sample(void)
{
	struct guest_container c = {
		.cid = "c1",
		.rootfs = "c1/rootfs",
		.readonly = true,
		.rootfs_propagation = 1 << 20,
		.uids = { 2, idmaps },
		.gids = { 1, idmaps },
		.has_boottime = true,
		.has_monotonic = true,
		.boottime_s = -5,
		.monotonic_s = 1ll << 40,
		.boottime_ns = 1,
		.monotonic_ns = 999999999,
		.hostname = "h",
		.domainname = "d",
		.mounts = { 2, mounts },
		.no_devices = true,
		.devices = { 1, devices },
		.masked = { 3, args },
		.readonly_paths = { 2, env },
		.sysctl = { 2, values },
		.cgroup = { 1, values },
		.device_filter = { 3, "\0\1\2" },
		.start_hooks = { 2, hooks },
		.hook_state_head = "{\"pid\":",
		.hook_state_tail = "}",
	};

	for (size_t i = 0; i < GUEST_NS_COUNT; i++)
		c.ns[i] = (struct guest_namespace){ .mode = (uint8_t)(i % 3), .cid = i % 3 == 2 ? "sb" : "" };
	c.process = sample_process();
	return c;
}

/* If what was decoded is encoded to the same bytes, no field was lost or mixed up with another. */
static void create_round_trip(void **state)
{
	struct guest_container c = sample();
	struct proto_arena arena = { 0 };
	struct proto_request req;
	autobuf one = BUF_INIT;
	autobuf two = BUF_INIT;

	(void)state;
	proto_put_create(&one, 77, &c);
	assert_int_equal(buf_error(&one), 0);
	assert_int_equal(proto_type(one.data, one.len), PROTO_CREATE);
	assert_int_equal(proto_get_request(one.data, one.len, &arena, &req), 0);
	assert_int_equal(req.seq, 77);
	assert_string_equal(req.container.cid, "c1");
	assert_string_equal(req.container.mounts.at[0].source, "c1/3/hosts");
	assert_int_equal(req.container.uids.at[1].container, 65536);
	assert_true(req.container.mounts.at[1].tmpcopyup);
	assert_string_equal(req.container.mounts.at[0].fstype, "");
	assert_int_equal(req.container.devices.at[0].gid, 5);
	assert_int_equal(req.container.boottime_s, -5);
	assert_int_equal(req.container.ns[GUEST_NS_IPC].mode, GUEST_NS_JOIN);
	assert_string_equal(req.container.ns[GUEST_NS_IPC].cid, "sb");
	assert_int_equal(req.container.process.args.len, 3);
	assert_string_equal(req.container.process.args.at[2], args[2]);
	assert_int_equal(req.container.process.groups.at[1], 4294967294u);
	assert_int_equal(req.container.process.scheduler.nice, -3);
	assert_int_equal(req.container.process.oom_score_adj, -999);
	assert_memory_equal(req.container.process.seccomp.at, "abc", 4);
	assert_true(req.container.process.caps[GUEST_CAP_AMBIENT] == UINT64_MAX);
	assert_int_equal(req.container.mounts.at[0].propagation.at[0], 5);
	proto_put_create(&two, 77, &req.container);
	assert_int_equal(one.len, two.len);
	assert_memory_equal(one.data, two.data, one.len);
	proto_arena_done(&arena);
}

/* No prefix of a message is a message, and nothing behind its end is read: the copy is exact, for AddressSanitizer. */
static void create_cut_anywhere(void **state)
{
	struct guest_container c = sample();
	autobuf one = BUF_INIT;

	(void)state;
	proto_put_create(&one, 1, &c);
	for (size_t len = 0; len < one.len; len++) {
		struct proto_arena arena = { 0 };
		struct proto_request req;
		char *copy = malloc(len + !len);

		assert_non_null(copy);
		memcpy(copy, one.data, len);
		if (proto_get_request(copy, len, &arena, &req) != -EBADMSG)
			fail_msg("the first %zu of %zu bytes were taken for a message", len, one.len);
		proto_arena_done(&arena);
		free(copy);
	}
}

/* With any one byte changed, the result is an error or a message, and never a wild read or a huge allocation. */
static void create_spoiled_anywhere(void **state)
{
	struct guest_container c = sample();
	autobuf one = BUF_INIT;
	unsigned int refused = 0;

	(void)state;
	proto_put_create(&one, 1, &c);
	for (size_t i = 0; i < one.len; i++) {
		struct proto_arena arena = { 0 };
		struct proto_request req;
		char was = one.data[i];
		int r;

		one.data[i] = (char)0xff;
		r = proto_get_request(one.data, one.len, &arena, &req);
		assert_true(r == 0 || r == -EBADMSG);
		refused += r < 0;
		proto_arena_done(&arena);
		one.data[i] = was;
	}
	assert_true(refused > 100);
}

/* The request in @b, decoded; it points into @b and @arena. */
static struct proto_request request_of(struct buf *b, struct proto_arena *arena)
{
	struct proto_request req;

	assert_int_equal(proto_get_request(b->data, b->len, arena, &req), 0);
	return req;
}

static void requests_about_containers_round_trip(void **state)
{
	static const enum proto_type with_cid[] = { PROTO_DELETE, PROTO_PS, PROTO_PORTS, PROTO_READ_CGROUP };
	const char *names[] = { "shared/c1/1/a", "private/c1/rootfs/b" };
	struct guest_values v = { 2, values };
	struct guest_sandbox sb = {
		.hostname = "vm", .private_cache = "mmap", .lock_kinds = true, .sysctl = { 2, values }
	};
	struct proto_arena arena = { 0 };
	struct proto_request req;
	autobuf b = BUF_INIT;

	(void)state;
	proto_put_sandbox(&b, 5, &sb);
	req = request_of(&b, &arena);
	assert_int_equal(req.type, PROTO_SANDBOX);
	assert_string_equal(req.sandbox.hostname, "vm");
	assert_string_equal(req.sandbox.private_cache, "mmap");
	assert_true(req.sandbox.lock_kinds);
	assert_string_equal(req.sandbox.shared_cache, "");
	assert_string_equal(req.sandbox.sysctl.at[0].key, "pids.max");
	buf_done(&b);

	proto_put_update(&b, 9, "c1", &v);
	req = request_of(&b, &arena);
	assert_int_equal(req.values.len, 2);
	assert_string_equal(req.values.at[0].value, "5");
	buf_done(&b);

	for (size_t i = 0; i < ARRAY_LEN(with_cid); i++) {
		proto_put_request(&b, with_cid[i], 10, "c1", "memory.events");
		req = request_of(&b, &arena);
		assert_int_equal(req.type, with_cid[i]);
		assert_string_equal(req.cid, "c1");
		if (with_cid[i] == PROTO_READ_CGROUP)
			assert_string_equal(req.file, "memory.events");
		buf_done(&b);
	}
	proto_put_procs_request(&b, 13, "c1", 77);
	req = request_of(&b, &arena);
	assert_int_equal(req.type, PROTO_PROCS);
	assert_string_equal(req.cid, "c1");
	assert_int_equal(req.after, 77);
	buf_done(&b);
	proto_put_forget(&b, 12,
		&(struct guest_forget){ .all = true, .idle = true, .moved = { 2, names }, .gone = { 1, names + 1 } });
	req = request_of(&b, &arena);
	assert_int_equal(req.seq, 12);
	assert_true(req.forget.all);
	assert_true(req.forget.idle);
	assert_int_equal(req.forget.moved.len, 2);
	assert_string_equal(req.forget.moved.at[0], "shared/c1/1/a");
	assert_int_equal(req.forget.gone.len, 1);
	assert_string_equal(req.forget.gone.at[0], "private/c1/rootfs/b");
	buf_done(&b);
	proto_put_request(&b, PROTO_SYNC, 11, NULL, NULL);
	assert_int_equal(request_of(&b, &arena).seq, 11);
	proto_arena_done(&arena);
}

/* FILE, with all that it can have. */
static void files_round_trip(void **state)
{
	const struct guest_file ask = { .op = GUEST_FILE_CREATE,
		.place = 1,
		.node = 2ull << 40,
		.other = 3ull << 40,
		.set = 4,
		.flags = 5,
		.mode = 6,
		.rdev = 7,
		.size = 8,
		.uid = 9,
		.gid = 10,
		.handle = 11ull << 40,
		.offset = 12ull << 40,
		.atime_s = -13,
		.mtime_s = 14,
		.atime_ns = 15,
		.mtime_ns = 16,
		.name = "name",
		.to = "to",
		.data = { 4, "d\0ta" } };
	struct proto_arena arena = { .blocks = NULL };
	struct proto_request req;
	autobuf b = BUF_INIT, again = BUF_INIT;

	(void)state;
	proto_put_file_request(&b, 5, "c1", &ask);
	req = request_of(&b, &arena);
	assert_int_equal(req.type, PROTO_FILE);
	assert_int_equal(req.seq, 5);
	assert_string_equal(req.cid, "c1");
	assert_string_equal(req.file_op.name, "name");
	assert_string_equal(req.file_op.to, "to");
	assert_int_equal(req.file_op.data.len, 4);
	assert_memory_equal(req.file_op.data.at, "d\0ta", 4);
	assert_true(req.file_op.node == ask.node && req.file_op.handle == ask.handle && req.file_op.mtime_ns == 16);
	proto_put_any(&again, &req);
	assert_int_equal(again.len, b.len);
	assert_memory_equal(again.data, b.data, b.len);
	buf_done(&again);
	buf_done(&b);
	for (unsigned int op = 0; op <= UINT8_MAX; op++) {
		struct guest_file other = { .op = (uint8_t)op };
		int want = op > 0 && op < GUEST_FILE_COUNT ? 0 : -EBADMSG;

		proto_put_file_request(&b, 5, "c1", &other);
		assert_int_equal(proto_get_request(b.data, b.len, &arena, &req), want);
		buf_done(&b);
	}
	proto_put_file_close(&b, "c1", 77);
	req = request_of(&b, &arena);
	assert_int_equal(req.type, PROTO_FILE_CLOSE);
	assert_int_equal(req.file_handle, 77);
	buf_done(&b);
	proto_arena_done(&arena);
}

/* Its answer, and what that has as data. */
static void answers_about_files_round_trip(void **state)
{
	const struct proto_file answer = { .node = 1,
		.handle = 2,
		.size = 3,
		.ino = 4,
		.bytes = 5,
		.blocks = 6,
		.mode = 7,
		.nlink = 8,
		.uid = 9,
		.gid = 10,
		.rdev = 11,
		.atime_s = -12,
		.mtime_s = 13,
		.ctime_s = 14,
		.atime_ns = 15,
		.mtime_ns = 16,
		.ctime_ns = 17,
		.data = { 3, "abc" } };
	struct guest_blob data;
	struct proto_file got;
	struct proto_file_entry entry;
	struct proto_file_room room;
	autobuf b = BUF_INIT, again = BUF_INIT;
	size_t at = 0;

	(void)state;
	proto_put_file(&b, &answer);
	assert_int_equal(proto_get_file(b.data, b.len, &got), 0);
	assert_memory_equal(got.data.at, "abc", 3);
	assert_true(got.node == 1 && got.atime_s == -12 && got.ctime_ns == 17);
	proto_put_file(&again, &got);
	assert_int_equal(again.len, b.len);
	assert_memory_equal(again.data, b.data, b.len);
	assert_int_equal(proto_get_file(b.data, b.len - 1, &got), -EBADMSG);
	buf_done(&b);
	proto_file_put_entry(&b, &(struct proto_file_entry){ .ino = 1, .next = 2, .type = 3, .name = "n" });
	data = (struct guest_blob){ b.len, b.data };
	assert_int_equal(proto_file_get_entry(&data, &at, &entry), 0);
	assert_true(entry.ino == 1 && entry.next == 2 && entry.type == 3 && strcmp(entry.name, "n") == 0);
	assert_int_equal(proto_file_get_entry(&data, &at, &entry), -ENOENT);
	at = 1;
	assert_int_equal(proto_file_get_entry(&data, &at, &entry), -EBADMSG);
	buf_done(&b);
	proto_file_put_room(&b, &(struct proto_file_room){ 1, 2, 3, 4, 5, 6 });
	data = (struct guest_blob){ b.len, b.data };
	assert_int_equal(proto_file_get_room(&data, &room), 0);
	assert_true(room.block_size == 1 && room.blocks == 2 && room.blocks_free == 3 && room.blocks_usable == 4 &&
		    room.files == 5 && room.files_free == 6);
}

static void requests_about_processes_round_trip(void **state)
{
	struct guest_process process = sample_process();
	struct proto_arena arena = { 0 };
	struct proto_request req;
	autobuf b = BUF_INIT;

	(void)state;
	proto_put_exec(&b, 6, "c1", &process);
	req = request_of(&b, &arena);
	assert_string_equal(req.cid, "c1");
	assert_int_equal(req.exec.id, 9);
	assert_string_equal(req.exec.cwd, "/w");
	buf_done(&b);

	proto_put_signal(&b, 7, 9, 15, true);
	req = request_of(&b, &arena);
	assert_int_equal(req.signo, 15);
	assert_int_equal(req.process, 9);
	assert_true(req.all);
	buf_done(&b);

	proto_put_start(&b, 8, 9);
	req = request_of(&b, &arena);
	assert_int_equal(req.type, PROTO_START);
	assert_int_equal(req.seq, 8);
	assert_int_equal(req.process, 9);
	buf_done(&b);

	proto_put_winsize(&b, 9, 24, 80);
	req = request_of(&b, &arena);
	assert_int_equal(req.rows, 24);
	assert_int_equal(req.cols, 80);
	buf_done(&b);

	proto_put_time(&b, &(struct proto_time){ .asked_ns = 1ull << 40, .realtime_ns = 1ull << 60 });
	req = request_of(&b, &arena);
	assert_int_equal(req.type, PROTO_TIME);
	assert_int_equal(req.time.asked_ns, 1ull << 40);
	assert_int_equal(req.time.realtime_ns, 1ull << 60);
	buf_done(&b);

	proto_put_resumed(&b, 10, 1ull << 61);
	req = request_of(&b, &arena);
	assert_int_equal(req.type, PROTO_RESUMED);
	assert_int_equal(req.seq, 10);
	assert_int_equal(req.time.realtime_ns, 1ull << 61);
	proto_arena_done(&arena);
}

/* NET: each field of an interface and of a message comes out as it went in, and more interfaces than a machine has do not. */
static void net_round_trips(void **state)
{
	struct guest_nic nics[PROTO_NICS_MAX + 1] = {
		{ .device = 0x010203040506,
			.mac = 0x060504030201,
			.name = "eth0",
			.ifindex = 7,
			.mtu = 9000,
			.up = true },
		{ .name = "lo", .noarp = true, .gone = true },
	};
	struct guest_value sysctl = { .key = "net/ipv4/conf/eth0/rp_filter", .value = "2" };
	struct guest_net_message message = { .type = 20, .body = { .len = 3, .at = "abc" } };
	struct guest_resolver resolver = { .address = 0x0b00007f, .relay = 9 };
	struct guest_net net = { .cid = "c1",
		.nics = { .len = 2, .at = nics },
		.sysctl = { .len = 1, .at = &sysctl },
		.messages = { .len = 1, .at = &message },
		.resolvers = { .len = 1, .at = &resolver } };
	struct proto_arena arena = { .blocks = NULL };
	struct proto_request req;
	autobuf b = BUF_INIT;

	(void)state;
	proto_put_net(&b, 12, &net);
	req = request_of(&b, &arena);
	assert_int_equal(req.type, PROTO_NET);
	assert_int_equal(req.seq, 12);
	assert_string_equal(req.net.cid, "c1");
	assert_int_equal(req.net.nics.len, 2);
	assert_int_equal(req.net.nics.at[0].device, 0x010203040506);
	assert_int_equal(req.net.nics.at[0].mac, 0x060504030201);
	assert_string_equal(req.net.nics.at[0].name, "eth0");
	assert_int_equal(req.net.nics.at[0].ifindex, 7);
	assert_int_equal(req.net.nics.at[0].mtu, 9000);
	assert_true(req.net.nics.at[0].up && !req.net.nics.at[0].noarp && !req.net.nics.at[0].gone);
	assert_true(!req.net.nics.at[1].up && req.net.nics.at[1].noarp && req.net.nics.at[1].gone);
	assert_string_equal(req.net.sysctl.at[0].key, sysctl.key);
	assert_int_equal(req.net.messages.len, 1);
	assert_int_equal(req.net.messages.at[0].type, 20);
	assert_int_equal(req.net.messages.at[0].body.len, 3);
	assert_memory_equal(req.net.messages.at[0].body.at, "abc", 3);
	assert_int_equal(req.net.resolvers.len, 1);
	assert_int_equal(req.net.resolvers.at[0].address, 0x0b00007f);
	assert_int_equal(req.net.resolvers.at[0].relay, 9);
	buf_done(&b);

	net.nics.len = PROTO_NICS_MAX + 1;
	proto_put_net(&b, 13, &net);
	assert_int_equal(proto_get_request(b.data, b.len, &arena, &req), -EBADMSG);
	proto_arena_done(&arena);
}

static void answers_round_trip(void **state)
{
	struct proto_hello hello = { .version = PROTO_VERSION,
		.features = 3,
		.build = "b",
		.kernel = "6.1",
		.uptime_us = 1ull << 33,
		.seed = { 1, 2, [PROTO_SEED_LEN - 1] = 9 } };
	struct proto_result res = {
		.seq = 4, .errnum = ENOENT, .exit_status = 127, .msg = "no", .payload = "xy", .payload_len = 2
	};
	struct proto_exited ex = { .process = 3, .status = 0x8b, .oom = true };
	struct proto_log_entry log;
	struct proto_hello hello2;
	struct proto_result res2;
	struct proto_exited ex2;
	autobuf b = BUF_INIT;

	(void)state;
	proto_put_hello(&b, &hello);
	assert_int_equal(proto_get_hello(b.data, b.len, &hello2), 0);
	assert_true(hello2.uptime_us == hello.uptime_us && hello2.features == 3);
	assert_memory_equal(hello2.seed, hello.seed, PROTO_SEED_LEN);
	assert_string_equal(hello2.kernel, "6.1");
	assert_int_equal(proto_get_hello(b.data, b.len - 1, &hello2), -EBADMSG);
	assert_int_equal(proto_get_result(b.data, b.len, &res2), -EBADMSG);
	buf_done(&b);
	proto_put_result(&b, &res);
	assert_int_equal(proto_get_result(b.data, b.len, &res2), 0);
	assert_int_equal(res2.errnum, ENOENT);
	assert_int_equal(res2.exit_status, 127);
	assert_int_equal(res2.payload_len, 2);
	assert_memory_equal(res2.payload, "xy", 2);
	buf_done(&b);
	proto_put_exited(&b, &ex);
	assert_int_equal(proto_get_exited(b.data, b.len, &ex2), 0);
	assert_int_equal(ex2.status, 0x8b);
	assert_true(ex2.oom);
	buf_done(&b);
	proto_put_log(&b, PROTO_LOG_WARN, "careful");
	assert_int_equal(proto_get_log(b.data, b.len, &log), 0);
	assert_string_equal(log.text, "careful");
	assert_int_equal(log.level, PROTO_LOG_WARN);
}

/* Counts beyond the limits, or beyond what the message could hold, and values that do not exist. */
static void ports_round_trip(void **state)
{
	static const struct proto_port ports[] = { { 4, 80, { 127, 0, 0, 1 } }, { 6, 65535, { 0xfd, 9, [15] = 2 } } };
	struct proto_port got;
	autobuf b = BUF_INIT;

	(void)state;
	assert_int_equal(proto_get_port("", 0, 0, &got), -ENOENT);
	for (size_t i = 0; i < ARRAY_LEN(ports); i++)
		proto_put_port(&b, &ports[i]);
	for (size_t i = 0; i < ARRAY_LEN(ports); i++) {
		assert_int_equal(proto_get_port(b.data, b.len, i, &got), 0);
		assert_memory_equal(&got, &ports[i], sizeof(got));
	}
	assert_int_equal(proto_get_port(b.data, b.len, 2, &got), -ENOENT);
	assert_int_equal(proto_get_port(b.data, b.len - 1, 1, &got), -ENOENT);
	assert_int_equal(proto_get_port(b.data, b.len, SIZE_MAX, &got), -ENOENT);
	b.data[0] = 5; /* no version of the protocol */
	assert_int_equal(proto_get_port(b.data, b.len, 0, &got), -EBADMSG);
	b.data[0] = 4;
	b.data[1] = b.data[2] = 0; /* no port */
	assert_int_equal(proto_get_port(b.data, b.len, 0, &got), -EBADMSG);
}

static void refuses_what_is_not_there(void **state)
{
	static const struct {
		const char *what;
		size_t len;
		const char *msg;
	} cases[] = {
		{ "empty", 0, "" },
		{ "half a type", 1, "\x10" },
		{ "unknown type", 6, "\xff\x7f\0\0\0\0" },
		{ "a guest's message", 6, "\x40\0\0\0\0\0" },
		{ "start without process", 6, "\x12\0\1\0\0\0" },
		{ "start with too much", 11, "\x12\0\1\0\0\0\2\0\0\0\0" },
		{ "update with 4 billion values", 15, "\x15\0\1\0\0\0\0\0\0\0\0\xff\xff\xff\xff" },
		{ "string without NUL", 11, "\x16\0\1\0\0\0\0\0\0\0x" },
		{ "string with a NUL inside", 13, "\x16\0\1\0\0\0\2\0\0\0a\0\0" },
		{ "signal with a truth value of 2", 15, "\x14\0\1\0\0\0\1\0\0\0\1\0\0\0\2" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct proto_arena arena = { 0 };
		struct proto_request req;
		int r = proto_get_request(cases[i].msg, cases[i].len, &arena, &req);

		if (r != -EBADMSG)
			fail_msg("%s: wanted %d, got %d", cases[i].what, -EBADMSG, r);
		proto_arena_done(&arena);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(create_round_trip),
		cmocka_unit_test(create_cut_anywhere),
		cmocka_unit_test(create_spoiled_anywhere),
		cmocka_unit_test(requests_about_containers_round_trip),
		cmocka_unit_test(requests_about_processes_round_trip),
		cmocka_unit_test(files_round_trip),
		cmocka_unit_test(answers_about_files_round_trip),
		cmocka_unit_test(net_round_trips),
		cmocka_unit_test(answers_round_trip),
		cmocka_unit_test(ports_round_trip),
		cmocka_unit_test(refuses_what_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
