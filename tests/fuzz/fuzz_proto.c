/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: any bytes from the guest on the channel.
 *
 * The first byte says what the others are. If it is 0, they are one message, for
 * every decoder. Else they are what a guest sends to a host that waits for the
 * answers to a SANDBOX, a CREATE and an EXEC, whose streams are open; bit 1 puts an
 * honest HELLO before them; bit 2 makes the streams a pipe, a socket and a file
 * that hold something or that nobody reads, and lets the host run between two halves
 * of the input; bit 3 asks for all else that a guest can be
 * asked for; with bit 2, bit 4 makes the pipes such that cannot be opened anew, and
 * bit 5 sends the second half several times. The channel must be closed at the end, and every request must have
 * been answered once.
 *
 * Built with -fsanitize=fuzzer (`make fuzz-proto`) the program fuzzes. Otherwise
 * main() replays the files in its arguments, or without any the corpus of the
 * source tree, each file also cut and with single bytes changed: `make check`
 * does that.
 */
#include <dirent.h>
#include <endian.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "channel/mux.h"
#include "guest/guest.h"

#define CORPUS SRCDIR "/tests/fuzz/corpus/proto"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX (64 * 1024) /* less than the buffer of a socket, so that one write(2) and no thread will do */
#define REQUESTS 3
#define REQUESTS_MORE 12

/* Bits of the first byte. */
#define FUZZ_HELLO 2
#define FUZZ_STREAMS 4
#define FUZZ_MORE 8
#define FUZZ_CAREFUL 16
#define FUZZ_AGAIN 32

#define AGAIN 6 /* times: enough for more than a window */

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* --- decoders --- */

/* Encodes the request that @req was decoded to. */
static void put_request(struct buf *out, const struct proto_request *req)
{
	switch (req->type) {
	case PROTO_SANDBOX:
		proto_put_sandbox(out, req->seq, &req->sandbox);
		break;
	case PROTO_CREATE:
		proto_put_create(out, req->seq, &req->container);
		break;
	case PROTO_START:
		proto_put_start(out, req->seq, req->process);
		break;
	case PROTO_EXEC:
		proto_put_exec(out, req->seq, req->cid, &req->exec);
		break;
	case PROTO_SIGNAL:
		proto_put_signal(out, req->seq, req->process, req->signo, req->all);
		break;
	case PROTO_UPDATE:
		proto_put_update(out, req->seq, req->cid, &req->values);
		break;
	case PROTO_WINSIZE:
		proto_put_winsize(out, req->process, req->rows, req->cols);
		break;
	case PROTO_NET:
		proto_put_net(out, req->seq, &req->net);
		break;
	case PROTO_TIME:
		proto_put_time(out, &req->time);
		break;
	case PROTO_RESUMED:
		proto_put_resumed(out, req->seq, req->time.realtime_ns);
		break;
	case PROTO_LINK:
		proto_put_link(out, &req->link);
		break;
	case PROTO_FORGET:
		proto_put_forget(out, req->seq, &req->forget);
		break;
	default:
		proto_put_request(out, req->type, req->seq, req->cid, req->file);
		break;
	}
}

/* What can be decoded must be encoded to the same bytes. */
static void check_same(const struct buf *again, const uint8_t *data, size_t size)
{
	require(again->len == size && memcmp(again->data, data, size) == 0);
}

static void check_request(const uint8_t *data, size_t size)
{
	struct proto_arena arena = { .blocks = NULL };
	struct proto_request req;
	autobuf again = BUF_INIT;

	if (proto_get_request(data, size, &arena, &req) == 0) {
		put_request(&again, &req);
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

struct host {
	struct loop *loop;
	int answers;
	bool closed;
};

static void on_ready(void *arg unused, const struct proto_hello *hello)
{
	require(hello->version == PROTO_VERSION);
}

static void on_exited(void *arg unused, uint32_t process, int status, bool oom unused)
{
	require(process >= 1 && process <= 2 && status >= 0 && status <= 0xffff);
}

static void on_log(void *arg unused, enum proto_log level, const char *text)
{
	require(level <= PROTO_LOG_DEBUG && strlen(text) < PROTO_TEXT_MAX);
}

static void on_closed(void *arg, int error unused, const char *detail)
{
	struct host *h = arg;

	require(!h->closed && *detail);
	h->closed = true;
	loop_stop(h->loop);
}

static void on_done(void *arg, const struct err *err, const void *payload unused, size_t len)
{
	struct host *h = arg;

	require(strlen(err->msg) < ERR_MSG_MAX && len <= PROTO_TO_HOST_MAX);
	h->answers++;
}

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
		require(s->fds[2] >= 0);
		return;
	}
	require(pipe2(in, O_CLOEXEC) == 0 &&
		(how & FUZZ_CAREFUL ? pipe2(out, O_CLOEXEC)
				    : socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, out)) == 0);
	if (how & FUZZ_CAREFUL)
		(void)fcntl(out[1], F_SETPIPE_SZ, few);
	else
		require(setsockopt(out[1], SOL_SOCKET, SO_SNDBUF, &few, sizeof(few)) == 0);
	require(fd_set_nonblock(out[0], 1) == 0);
	require(fd_write_full(in[1], "what the process reads", 22) == 0);
	s->fds[0] = in[0];
	s->others[0] = in[1];
	s->fds[1] = out[1];
	s->others[1] = out[0]; /* seldom read, so that the sink waits for room */
	s->fds[2] = memfd_create("stderr", MFD_CLOEXEC);
	require(s->fds[2] >= 0);
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
static void ask_more(struct host *h, struct guest *g)
{
	static const char *names[] = { "c/rootfs/a" };
	const struct guest_forget forget = { .moved = { 1, names } };
	const struct guest_net net = { .cid = "c" };
	const struct guest_values none = { .len = 0 };

	require(guest_start(g, 1, on_done, h, NULL) == 0);
	require(guest_signal(g, 1, SIGTERM, true, on_done, h, NULL) == 0);
	require(guest_update(g, "c", &none, on_done, h, NULL) == 0);
	require(guest_sync(g, on_done, h, NULL) == 0);
	require(guest_ps(g, "c", on_done, h, NULL) == 0);
	require(guest_read_cgroup(g, "c", "memory.current", on_done, h, NULL) == 0);
	require(guest_list_ports(g, "c", on_done, h, NULL) == 0);
	require(guest_net(g, &net, on_done, h, NULL) == 0);
	require(guest_forget(g, &forget, on_done, h, NULL) == 0);
	require(guest_resumed(g, on_done, h, NULL) == 0);
	require(guest_delete(g, "c", on_done, h, NULL) == 0);
	require(guest_winsize(g, 1, 24, 80) == 0);
	require(guest_sync(g, on_done, h, NULL) == 0);
	require(guest_poweroff(g, NULL) == 0);
}

/* A socket of the host that the container has: the O_PATH descriptor of a listening one, made once, without a name. */
static int relayed_socket(void)
{
	static int fd = -1, listening = -1;
	struct sockaddr_un sun = { .sun_family = AF_UNIX, .sun_path = "/tmp/fuzz-proto.XXXXXX" };

	if (fd >= 0)
		return fd;
	require(mkdtemp(sun.sun_path) != NULL);
	strcat(sun.sun_path, "/s");
	listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	require(listening >= 0 && bind(listening, (struct sockaddr *)&sun, sizeof(sun)) == 0 &&
		listen(listening, 8) == 0);
	fd = open(sun.sun_path, O_PATH | O_CLOEXEC);
	require(fd >= 0 && unlink(sun.sun_path) == 0);
	*strrchr(sun.sun_path, '/') = '\0';
	require(rmdir(sun.sun_path) == 0);
	return fd;
}

static void ask(struct host *h, struct guest *g, const int stdio[3])
{
	struct guest_relay relay = { .name = "c/0/s", .type = SOCK_STREAM };
	static const char *args[] = { "x" };
	struct guest_container c = {
		.cid = "c", .rootfs = "r", .relays = { 1, &relay }, .process = { .args = { 1, args } }
	};
	struct guest_sandbox sb = { .hostname = "" };

	require(guest_sandbox(g, &sb, on_done, h, NULL) == 0);
	require(guest_relay_new(g, relayed_socket(), NULL, SOCK_STREAM, &relay.id) == 0);
	c.process.id = guest_next_process(g);
	require(guest_create(g, &c, stdio, on_done, h, NULL) == 0);
	c.process.id = guest_next_process(g);
	require(guest_exec(g, "c", &c.process, stdio, on_done, h, NULL) == 0);
}

static void say_hello(int fd)
{
	struct proto_hello hello = { .version = PROTO_VERSION, .build = "b", .kernel = "k" };
	uint8_t head[MUX_HEADER + 4] = { MUX_DATA };
	autobuf msg = BUF_INIT;
	uint32_t len;

	proto_put_hello(&msg, &hello);
	len = htole32((uint32_t)msg.len + 4);
	memcpy(head + 8, &len, 4);
	len = htole32((uint32_t)msg.len);
	memcpy(head + MUX_HEADER, &len, 4);
	require(fd_write_full(fd, head, sizeof(head)) == 0 && fd_write_full(fd, msg.data, msg.len) == 0);
}

#define TURNS 4 /* of the loop: what one makes due is done in another */

static void on_tick(void *arg, uint32_t events)
{
	(void)events;
	loop_stop(arg);
}

/* Lets the host do what it can do now. */
static void host_turns(struct host *h)
{
	int tick = eventfd(1, EFD_CLOEXEC); /* always readable: it ends each run of the loop */
	struct watch *watch;

	require(tick >= 0 && watch_new(h->loop, tick, EPOLLIN, on_tick, h->loop, &watch) == 0);
	for (int i = 0; i < TURNS && !h->closed; i++)
		require(loop_run(h->loop) == 0);
	watch_free(watch);
	fd_close(tick);
}

#define FEED 4096 /* bytes: what a socket surely takes at once */

/* Gives @size bytes of the guest to the host, which must read between: nobody else does, and the socket is bounded. */
static void feed(struct host *h, int fd, const uint8_t *data, size_t size)
{
	for (size_t n; size > 0 && !h->closed; data += n, size -= n) {
		n = MIN(size, FEED);
		require(fd_write_full(fd, data, n) == 0);
		if (n == FEED)
			host_turns(h);
	}
}

static void check_host(uint8_t how, const uint8_t *data, size_t size)
{
	struct guest_events events = {
		.on_ready = on_ready, .on_exited = on_exited, .on_log = on_log, .on_closed = on_closed
	};
	struct host h = { .answers = 0 };
	struct guest *g;
	struct streams streams;
	int sv[2];

	events.arg = &h;
	streams_open(&streams, how);
	require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == 0);
	require(fd_set_nonblock(sv[0], 1) == 0 && loop_new(&h.loop) == 0);
	require(guest_new(h.loop, sv[0], &events, &g, NULL) == 0);
	if (how & FUZZ_CAREFUL)
		guest_use_proc(g, streams.fds[0]); /* which is no /proc */
	ask(&h, g, streams.fds);
	if (how & FUZZ_MORE)
		ask_more(&h, g);
	if (how & FUZZ_HELLO)
		say_hello(sv[1]);
	if (how & FUZZ_STREAMS) {
		host_turns(&h);
		feed(&h, sv[1], data, size / 2);
		data += size / 2;
		size -= size / 2;
		host_turns(&h);
	}
	for (int i = how & FUZZ_AGAIN ? AGAIN : 1; i > 0 && !h.closed; i--) {
		feed(&h, sv[1], data, size);
		if (how & FUZZ_STREAMS)
			host_turns(&h);
		streams_drain(&streams);
	}
	require(shutdown(sv[1], SHUT_WR) == 0);
	if (!h.closed)
		require(loop_run(h.loop) == 0 && h.closed);
	guest_free(g);
	require(h.answers == REQUESTS + (how & FUZZ_MORE ? REQUESTS_MORE : 0));
	loop_free(h.loop);
	fd_close(sv[0]);
	fd_close(sv[1]);
	streams_close(&streams);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > INPUT_MAX)
		return 0;
	(void)signal(SIGPIPE, SIG_IGN); /* as the monitor has it */
	if (data[0] == 0)
		check_decoders(data + 1, size - 1);
	else
		check_host(data[0], data + 1, size - 1);
	return 0;
}

#ifndef FUZZING
/* Bytes that are changed in one file of the corpus: enough to meet each field, in a second of `make check`. */
#define MUTATIONS 128

static int replay_file(int dir, const char *name)
{
	autofree char *text = NULL;
	uint8_t *bytes;
	size_t len;
	int r = fd_read_file(dir, name, INPUT_MAX, &text, &len);

	if (r < 0) {
		(void)fprintf(stderr, "%s: %s\n", name, strerror(-r));
		return 1;
	}
	bytes = (uint8_t *)text;
	(void)LLVMFuzzerTestOneInput(bytes, len);
	for (size_t i = 0; i < MUTATIONS && len > 1; i++) {
		size_t at = 1 + i * (len - 1) / MUTATIONS;
		uint8_t was = bytes[at];

		(void)LLVMFuzzerTestOneInput(bytes, at);
		bytes[at] = (uint8_t)(was + 1 + i);
		(void)LLVMFuzzerTestOneInput(bytes, len);
		bytes[at] = was;
	}
	return 0;
}

static int replay_corpus(void)
{
	DIR *dir = opendir(CORPUS);
	struct dirent *e;
	int bad = 0, files = 0;

	while (dir && (e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		bad |= replay_file(dirfd(dir), e->d_name);
		files++;
	}
	if (dir)
		(void)closedir(dir);
	if (files == 0)
		(void)fprintf(stderr, "no corpus in %s\n", CORPUS);
	return bad || files == 0;
}

int main(int argc, char **argv)
{
	int bad = 0;

	for (int i = 1; i < argc; i++)
		bad |= replay_file(AT_FDCWD, argv[i]);
	return argc > 1 ? bad : replay_corpus();
}
#endif
