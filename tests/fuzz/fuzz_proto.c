/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: any bytes from the guest on the channel.
 *
 * The first byte says what the others are. If it is 0, they are one message, for
 * every decoder. Else they are what a guest sends to a host that waits for the
 * answers to a SANDBOX, a CREATE and an EXEC, whose streams are open; bit 1 puts an
 * honest HELLO before them; bit 2 makes the streams a pipe, a socket and a file
 * that hold something or that nobody reads, and lets the host run between two halves
 * of the input; the input's end may ask for faults of calls (kernel.h); bit 3 asks for all else that a guest can be
 * asked for; with bit 2, bit 4 makes the pipes such that cannot be opened anew, and
 * bit 5 sends the second half several times. The channel must be closed at the end, and every request must have
 * been answered once.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "guest/guest.h"
#include "tests/fuzz/host.h"
#include "tests/fuzz/kernel.h"
#include "tests/fuzz/replay.h"

#define INPUT_MAX (64 * 1024) /* less than the buffer of a socket, so that one write(2) and no thread will do */
#define REQUESTS 3
#define PROCESSES 2
#define REQUESTS_MORE 14

/* Bits of the first byte. */
#define FUZZ_HELLO 2
#define FUZZ_STREAMS 4
#define FUZZ_MORE 8
#define FUZZ_CAREFUL 16
#define FUZZ_AGAIN 32

#define AGAIN 6 /* times: enough for more than a window */

/* Enough bytes of each file of the corpus are changed to meet each field, in a second of `make check`. */
const struct fuzz_target fuzz_target = { .corpus = "proto", .variants = 128 };

/* --- decoders --- */

/* What can be decoded must be encoded to the same bytes. */
static void check_same(const struct buf *again, const uint8_t *data, size_t size)
{
	require(again->len == size && memcmp(again->data, data, size) == 0, "not encoded as it was");
}

static void check_request(const uint8_t *data, size_t size)
{
	struct proto_arena arena = { .blocks = NULL };
	struct proto_request req;
	autobuf again = BUF_INIT;

	if (proto_get_request(data, size, &arena, &req) == 0) {
		proto_put_any(&again, &req);
		check_same(&again, data, size);
	}
	proto_arena_done(&arena);
}

static void check_decoders(const uint8_t *data, size_t size)
{
	autobuf hello_again = BUF_INIT, result_again = BUF_INIT, exited_again = BUF_INIT, log_again = BUF_INIT,
		time_again = BUF_INIT, dial_again = BUF_INIT;
	struct proto_hello hello;
	struct proto_result res;
	struct proto_exited exited;
	struct proto_log_entry entry;
	struct proto_dial dial;
	uint64_t asked_ns;

	check_request(data, size);
	if (proto_get_hello(data, size, &hello) == 0) {
		proto_put_hello(&hello_again, &hello);
		check_same(&hello_again, data, size);
	}
	if (proto_get_result(data, size, &res) == 0) {
		proto_put_result(&result_again, &res);
		check_same(&result_again, data, size);
	}
	if (proto_get_exited(data, size, &exited) == 0) {
		proto_put_exited(&exited_again, &exited);
		check_same(&exited_again, data, size);
	}
	if (proto_get_log(data, size, &entry) == 0) {
		proto_put_log(&log_again, (uint8_t)entry.level, entry.text);
		check_same(&log_again, data, size);
	}
	if (proto_get_ask_time(data, size, &asked_ns) == 0) {
		proto_put_ask_time(&time_again, asked_ns);
		check_same(&time_again, data, size);
	}
	if (proto_get_dial(data, size, &dial) == 0) {
		proto_put_dial(&dial_again, &dial);
		check_same(&dial_again, data, size);
	}
}

/* --- the host --- */

/* The standard streams of the processes, and the ends of them that stay ours. */
struct streams {
	int fds[3], others[2];
};

static void streams_open(struct streams *s, uint8_t how)
{
	const int few = 4096; /* bytes that wait for a reader; what comes then is kept by the sink */
	int in[2], out[2];

	s->others[0] = s->others[1] = -1;
	if (!(how & FUZZ_STREAMS)) {
		for (int i = 0; i < 3; i++)
			s->fds[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
		require(s->fds[2] >= 0, "/dev/null");
		return;
	}
	require(pipe2(in, O_CLOEXEC) == 0 &&
			(how & FUZZ_CAREFUL ? pipe2(out, O_CLOEXEC)
					    : socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, out)) == 0,
		"streams");
	if (how & FUZZ_CAREFUL)
		(void)fcntl(out[1], F_SETPIPE_SZ, few);
	else
		require(setsockopt(out[1], SOL_SOCKET, SO_SNDBUF, &few, sizeof(few)) == 0, "a small buffer");
	require(fd_set_nonblock(out[0], 1) == 0, "O_NONBLOCK");
	require(fd_write_full(in[1], "what the process reads", 22) == 0, "a write");
	s->fds[0] = in[0];
	s->others[0] = in[1];
	s->fds[1] = out[1];
	s->others[1] = out[0]; /* seldom read, so that the sink waits for room */
	s->fds[2] = memfd_create("stderr", MFD_CLOEXEC);
	require(s->fds[2] >= 0, "a file");
}

/* Reads what the processes have written, as far as it has come. */
static void streams_drain(const struct streams *s)
{
	char bytes[4096];

	while (s->others[1] >= 0 && read(s->others[1], bytes, sizeof(bytes)) > 0)
		;
}

static void streams_close(struct streams *s)
{
	for (int i = 0; i < 3; i++)
		fd_close(s->fds[i]);
	fd_close(s->others[0]);
	fd_close(s->others[1]);
}

/* Asks for all that ask() does not ask for. */
static void ask_more(struct fuzz_host *h)
{
	static const char *names[] = { "c/rootfs/a" };
	const struct guest_forget forget = { .moved = { 1, names } };
	const struct guest_net net = { .cid = "c" };
	const struct guest_values none = { .len = 0 };

	require(guest_start(h->guest, 1, fuzz_host_answered, h, NULL) == 0, "START");
	require(guest_signal(h->guest, 1, SIGTERM, true, fuzz_host_answered, h, NULL) == 0, "SIGNAL");
	require(guest_update(h->guest, "c", &none, fuzz_host_answered, h, NULL) == 0, "UPDATE");
	require(guest_sync(h->guest, fuzz_host_answered, h, NULL) == 0, "SYNC");
	require(guest_ps(h->guest, "c", fuzz_host_answered, h, NULL) == 0, "PS");
	require(guest_procs(h->guest, "c", 7, fuzz_host_answered, h, NULL) == 0, "PROCS");
	require(guest_file(h->guest, "c", &(struct guest_file){ .op = GUEST_FILE_READ }, fuzz_host_answered, h, NULL) ==
			0,
		"FILE");
	require(guest_file_close(h->guest, "c", 1) == 0, "FILE_CLOSE");
	require(guest_read_cgroup(h->guest, "c", "memory.current", fuzz_host_answered, h, NULL) == 0, "READ");
	require(guest_list_ports(h->guest, "c", fuzz_host_answered, h, NULL) == 0, "PORTS");
	require(guest_net(h->guest, &net, fuzz_host_answered, h, NULL) == 0, "NET");
	require(guest_forget(h->guest, &forget, fuzz_host_answered, h, NULL) == 0, "FORGET");
	require(guest_resumed(h->guest, fuzz_host_answered, h, NULL) == 0, "RESUMED");
	require(guest_delete(h->guest, "c", fuzz_host_answered, h, NULL) == 0, "DELETE");
	require(guest_winsize(h->guest, 1, 24, 80) == 0, "WINSIZE");
	require(guest_sync(h->guest, fuzz_host_answered, h, NULL) == 0, "SYNC");
	require(guest_poweroff(h->guest, NULL) == 0, "POWEROFF");
}

/* A socket of the host that the container has: the O_PATH descriptor of *@ret_listening, which listens. */
static int relayed_socket(int *ret_listening)
{
	const struct sockaddr_un sun = { .sun_family = AF_UNIX, .sun_path = KERNEL_DIR "/relayed" };
	int fd;

	*ret_listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	require(*ret_listening >= 0 && bind(*ret_listening, (const struct sockaddr *)&sun, sizeof(sun)) == 0 &&
			listen(*ret_listening, 8) == 0,
		"a listening socket");
	fd = open(sun.sun_path, O_PATH | O_CLOEXEC);
	require(fd >= 0, "its descriptor");
	return fd;
}

static void ask(struct fuzz_host *h, const int stdio[3], int relayed)
{
	struct guest_relay relay = { .name = "c/0/s", .type = SOCK_STREAM };
	static const char *args[] = { "x" };
	struct guest_container c = {
		.cid = "c", .rootfs = "r", .relays = { 1, &relay }, .process = { .args = { 1, args } }
	};
	struct guest_sandbox sb = { .hostname = "" };

	require(guest_sandbox(h->guest, &sb, fuzz_host_answered, h, NULL) == 0, "SANDBOX");
	require(guest_relay_new(h->guest, relayed, NULL, SOCK_STREAM, &relay.id) == 0, "a relay");
	c.process.id = guest_next_process(h->guest);
	require(guest_create(h->guest, &c, stdio, fuzz_host_answered, h, NULL) == 0, "CREATE");
	c.process.id = guest_next_process(h->guest);
	require(guest_exec(h->guest, "c", &c.process, stdio, fuzz_host_answered, h, NULL) == 0, "EXEC");
}

#define FEED 4096 /* bytes: what a socket surely takes at once */

/* Gives @size bytes of the guest to the host, which must read between: nobody else does, and the socket is bounded. */
static void feed(struct fuzz_host *h, const uint8_t *data, size_t size)
{
	for (size_t n; size > 0 && !h->closed; data += n, size -= n) {
		n = MIN(size, FEED);
		require(fuzz_host_bytes(h, data, n) || h->closed || kernel_faulty(), "a write to the channel");
		if (n == FEED)
			fuzz_host_turns(h);
	}
}

static void check_host(uint8_t how, const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	int listening, relayed;
	struct streams streams;
	struct fuzz_host h;

	kernel_begin();
	kernel_take_faults(&in);
	size = (size_t)(in.end - in.at);
	relayed = relayed_socket(&listening);
	streams_open(&streams, how);
	fuzz_host_begin(&h, PROCESSES);
	if (how & FUZZ_CAREFUL)
		guest_use_proc(h.guest, streams.fds[0]); /* which is no /proc */
	ask(&h, streams.fds, relayed);
	if (how & FUZZ_MORE)
		ask_more(&h);
	kernel_faults(true);
	if (how & FUZZ_HELLO)
		fuzz_host_greet(&h);
	if (how & FUZZ_STREAMS) {
		fuzz_host_turns(&h);
		feed(&h, data, size / 2);
		data += size / 2;
		size -= size / 2;
		fuzz_host_turns(&h);
	}
	for (int i = how & FUZZ_AGAIN ? AGAIN : 1; i > 0 && !h.closed; i--) {
		feed(&h, data, size);
		if (how & FUZZ_STREAMS)
			fuzz_host_turns(&h);
		streams_drain(&streams);
	}
	fuzz_host_end(&h, REQUESTS + (how & FUZZ_MORE ? REQUESTS_MORE : 0));
	fuzz_host_free(&h);
	streams_close(&streams);
	fd_close(relayed);
	fd_close(listening);
	kernel_end();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > INPUT_MAX)
		return 0;
	if (data[0] == 0)
		check_decoders(data + 1, size - 1);
	else
		check_host(data[0], data + 1, size - 1);
	return 0;
}
