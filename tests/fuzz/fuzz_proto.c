/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: any bytes from the guest on the channel.
 *
 * The first byte says what the others are. If it is 0, they are one message, for
 * every decoder. Else they are what a guest sends to a host that waits for the
 * answers to a SANDBOX, a CREATE and an EXEC, whose streams are open; bit 1 puts an
 * honest HELLO before them. The channel must be closed at the end, and every
 * request must have been answered once.
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
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "channel/mux.h"
#include "guest/guest.h"

#define CORPUS SRCDIR "/tests/fuzz/corpus/proto"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX (64 * 1024) /* less than the buffer of a socket, so that one write(2) and no thread will do */
#define REQUESTS 3

#define FUZZ_HELLO 2 /* bit of the first byte */

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* --- decoders --- */

/* What can be decoded as a request must be encoded to the same bytes. */
static void check_request(const uint8_t *data, size_t size)
{
	struct proto_arena arena = { .blocks = NULL };
	struct proto_request req;
	autobuf again = BUF_INIT;

	if (proto_get_request(data, size, &arena, &req) == 0) {
		if (req.type == PROTO_CREATE)
			proto_put_create(&again, req.seq, &req.container);
		else if (req.type == PROTO_EXEC)
			proto_put_exec(&again, req.seq, req.cid, &req.exec);
		else if (req.type == PROTO_SANDBOX)
			proto_put_sandbox(&again, req.seq, &req.sandbox);
		if (again.len > 0)
			require(again.len == size && memcmp(again.data, data, size) == 0);
	}
	proto_arena_done(&arena);
}

static void check_decoders(const uint8_t *data, size_t size)
{
	struct proto_hello hello;
	struct proto_result res;
	struct proto_exited exited;
	struct proto_log_entry entry;

	check_request(data, size);
	if (proto_get_hello(data, size, &hello) == 0)
		require(strlen(hello.build) <= size && strlen(hello.kernel) <= size);
	if (proto_get_result(data, size, &res) == 0)
		require(strlen(res.msg) <= size && res.payload_len <= size);
	if (proto_get_exited(data, size, &exited) == 0)
		require(size == 11);
	if (proto_get_log(data, size, &entry) == 0)
		require(strlen(entry.text) <= size);
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

static void ask(struct host *h, struct guest *g, int null)
{
	static const char *args[] = { "x" };
	struct guest_container c = { .cid = "c", .rootfs = "r", .process = { .args = { 1, args } } };
	struct guest_sandbox sb = { .hostname = "" };
	const int stdio[3] = { null, null, null };

	require(guest_sandbox(g, &sb, on_done, h, NULL) == 0);
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

static void check_host(uint8_t how, const uint8_t *data, size_t size)
{
	struct guest_events events = {
		.on_ready = on_ready, .on_exited = on_exited, .on_log = on_log, .on_closed = on_closed
	};
	struct host h = { .answers = 0 };
	struct guest *g;
	int sv[2], null = open("/dev/null", O_RDWR | O_CLOEXEC);

	events.arg = &h;
	require(null >= 0 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == 0);
	require(fd_set_nonblock(sv[0], 1) == 0 && loop_new(&h.loop) == 0);
	require(guest_new(h.loop, sv[0], &events, &g, NULL) == 0);
	ask(&h, g, null);
	if (how & FUZZ_HELLO)
		say_hello(sv[1]);
	require(fd_write_full(sv[1], data, size) == 0 && shutdown(sv[1], SHUT_WR) == 0);
	require(loop_run(h.loop) == 0 && h.closed);
	guest_free(g);
	require(h.answers == REQUESTS);
	loop_free(h.loop);
	fd_close(sv[0]);
	fd_close(sv[1]);
	fd_close(null);
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
