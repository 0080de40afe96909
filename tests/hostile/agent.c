/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that has turned on its host: PID 1 of a container's VM, in the place of
 * the agent.
 *
 * The test puts it into the user's initrd and makes the kernel run it
 * (rdinit=/hostile hostile=MODE; the kernel gives it MODE as an environment
 * variable). MODE is what it sends on the agent's port:
 *
 *   garbage   random bytes
 *   huge      a message that is announced far too long
 *   answer    an answer to no request
 *   exit      the end of a process that does not exist
 *   logs      log messages, as fast as they go, and nothing else
 *   silent    a greeting, and then not a byte; it reads nothing either
 *   files     nothing; it mounts the shares itself, and tries what can be done to the host's files (files.c)
 *
 * or, after it has said that the container is made and started (nothing runs):
 *
 *   window    more output than the host has room for
 *   twice     the end of the same process, twice
 *   deaf      log messages, as fast as they go; it reads nothing any more
 *   lies      answers about the files of its tmpfs that are not true (lies.c), until somebody looks "silence" up: none any
 *             more; or "end", and its kernel panics
 *   dry       nothing; it takes open files and locks until it gets no more (dry.c), and reads nothing any more
 */
#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/tags.h"
#include "channel/mux.h"
#include "channel/proto.h"
#include "dry.h"
#include "files.h"
#include "lies.h"

#define PORTS_DIR "/sys/class/virtio-ports"
#define PORT_TURN_NS 10000000l /* between two looks for the port, which appears when its driver has found it */

static int port;
static uint32_t init_process, init_stdout;

static _Noreturn void die(const char *what)
{
	(void)printf("hostile: %s: %s\n", what, strerror(errno));
	(void)fflush(stdout);
	_exit(1); /* the end of PID 1 makes the kernel panic, and the test sees why */
}

/* ---- finding the port ---- */

static void mount_at(const char *type, const char *at)
{
	(void)mkdir(at, 0755); /* may be there */
	if (mount(type, at, type, 0, NULL) < 0 && errno != EBUSY)
		die(at);
}

/* Loads the modules that vmrunc has packed for this kernel, in its order. */
static void load_modules(void)
{
	char name[256];
	FILE *order = fopen("/modules/order", "re");

	while (order && fgets(name, sizeof(name), order)) {
		char path[sizeof(name) + 16];
		int fd;

		name[strcspn(name, "\n")] = '\0';
		(void)snprintf(path, sizeof(path), "/modules/%s", name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST))
			die(path);
		fd_close(fd);
	}
	if (order)
		(void)fclose(order);
}

/* The device of the agent's port, or -1 if it is not there yet. */
static int port_open(void)
{
	DIR *dir = opendir(PORTS_DIR);
	struct dirent *entry;
	int fd = -1;

	while (dir && fd < 0 && (entry = readdir(dir))) {
		char path[512];
		autofree char *name = NULL;

		(void)snprintf(path, sizeof(path), PORTS_DIR "/%s/name", entry->d_name);
		if (entry->d_name[0] == '.' || fd_read_file(AT_FDCWD, path, 64, &name, NULL) < 0 ||
			strcmp(name, TAG_PORT "\n") != 0)
			continue;
		(void)snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
		fd = open(path, O_RDWR | O_CLOEXEC);
	}
	if (dir)
		(void)closedir(dir);
	return fd;
}

/* ---- speaking ---- */

static void say(const void *data, size_t len)
{
	if (fd_write_full(port, data, len) < 0)
		die("write");
}

static void frame(enum mux_frame type, uint32_t stream, const void *data, size_t len)
{
	uint32_t head[3] = { htole32((uint32_t)type), htole32(stream), htole32((uint32_t)len) };

	say(head, sizeof(head));
	say(data, len);
}

static void message(struct buf *b)
{
	uint32_t len = htole32((uint32_t)b->len);
	autobuf out = BUF_INIT;

	buf_put(&out, &len, sizeof(len));
	buf_put(&out, b->data, b->len);
	for (size_t at = 0; at < out.len; at += MUX_PAYLOAD_MAX)
		frame(MUX_DATA, MUX_CONTROL, out.data + at, MIN(out.len - at, (size_t)MUX_PAYLOAD_MAX));
	buf_done(b);
}

static void say_hello(void)
{
	struct proto_hello hello = { .version = PROTO_VERSION, .build = "hostile", .kernel = "hostile" };
	struct buf b = BUF_INIT;

	proto_put_hello(&b, &hello);
	message(&b);
}

static void answer(uint32_t seq, uint32_t errnum, const struct buf *payload)
{
	const struct proto_result result = { .seq = seq,
		.errnum = errnum,
		.msg = errnum ? "a lie" : "",
		.payload = payload->data,
		.payload_len = payload->len };
	struct buf b = BUF_INIT;

	proto_put_result(&b, &result);
	message(&b);
}

static void say_result(uint32_t seq)
{
	answer(seq, 0, &(struct buf)BUF_INIT);
}

static void say_exited(uint32_t process)
{
	struct proto_exited exited = { .process = process };
	struct buf b = BUF_INIT;

	proto_put_exited(&b, &exited);
	message(&b);
}

static _Noreturn void flood_logs(void)
{
	/* the escape sequences must not reach the terminal of whoever reads the log */
	static const char text[] = "\033]0;hostile\007 spam \xc2\x9b spam spam spam spam spam spam spam spam";

	for (;;) {
		struct buf b = BUF_INIT;

		proto_put_log(&b, PROTO_LOG_ERROR, text);
		message(&b);
	}
}

static _Noreturn void flood_garbage(void)
{
	uint8_t noise[4096];

	for (;;) {
		if (getrandom(noise, sizeof(noise), GRND_NONBLOCK) < 0)
			memset(noise, 0xa5, sizeof(noise)); /* the random pool is not ready; any bytes will do */
		say(noise, sizeof(noise));
	}
}

/* ---- obeying ---- */

static void hear(void *data, size_t len)
{
	if (fd_read_full(port, data, len) != (ssize_t)len)
		die("read");
}

/* What has come on the control stream, and how many bytes of it the last request was. */
static struct buf heard = BUF_INIT;
static size_t taken;

/* Whether @heard begins with a whole message; if so, *@ret_len is its length behind its first four bytes. */
static bool is_whole(uint32_t *ret_len)
{
	if (heard.len < sizeof(*ret_len))
		return false;
	memcpy(ret_len, heard.data, sizeof(*ret_len));
	*ret_len = le32toh(*ret_len);
	return heard.len - sizeof(*ret_len) >= *ret_len;
}

/* Waits for the next request, which is valid until the next call; HELLO and streams are passed over. */
static void hear_request(struct proto_arena *arena, struct proto_request *ret)
{
	uint32_t len;

	buf_consume(&heard, taken);
	taken = 0;
	for (;;) {
		uint32_t head[3];
		autofree uint8_t *payload = NULL;

		if (is_whole(&len)) {
			if (proto_type(heard.data + sizeof(len), len) != PROTO_HELLO)
				break;
			buf_consume(&heard, sizeof(len) + len);
			continue;
		}
		hear(head, sizeof(head));
		len = le32toh(head[2]);
		payload = malloc(len + 1);
		if (!payload)
			die("malloc");
		hear(payload, len);
		if (head[1] == MUX_CONTROL)
			buf_put(&heard, payload, len);
	}
	if (proto_get_request(heard.data + sizeof(len), len, arena, ret) < 0)
		die("request");
	taken = sizeof(len) + len;
}

/* Says yes to everything until the container has been started. */
static void obey(void)
{
	struct proto_request request;

	do {
		struct proto_arena arena = { .blocks = NULL };

		hear_request(&arena, &request);
		if (request.type == PROTO_CREATE) {
			init_process = request.container.process.id;
			init_stdout = request.container.process.stream[1];
		}
		say_result(request.seq);
		proto_arena_done(&arena);
	} while (request.type != PROTO_START);
}

/* Answers what it is asked until it is to end; FILE by lies, and from a point on not at all. */
static _Noreturn void lie(void)
{
	bool silent = false, over = false;

	while (!over) {
		struct proto_arena arena = { .blocks = NULL };
		struct buf payload = BUF_INIT;
		struct proto_request request;

		hear_request(&arena, &request);
		if (request.type == PROTO_FILE) {
			if (strcmp(request.file_op.name, "silence") == 0) {
				silent = true;
				(void)printf("hostile: silent\n");
				(void)fflush(stdout);
			}
			over = strcmp(request.file_op.name, "end") == 0;
			if (!silent && !over)
				answer(request.seq, lies_answer(&request.file_op, &payload), &payload);
		} else if (request.type != PROTO_FILE_CLOSE && request.type != PROTO_WINSIZE &&
			   request.type != PROTO_TIME && request.type != PROTO_LINK) {
			say_result(request.seq);
		}
		buf_done(&payload);
		proto_arena_done(&arena);
	}
	_exit(0);
}

static void overflow_window(void)
{
	static const uint8_t data[MUX_PAYLOAD_MAX];

	for (size_t sent = 0; sent <= 4 * MUX_WINDOW; sent += sizeof(data))
		frame(MUX_DATA, init_stdout, data, sizeof(data));
}

static void announce_huge(void)
{
	const uint32_t len = htole32(0x7fffffff);

	frame(MUX_DATA, MUX_CONTROL, &len, sizeof(len));
}

static void run(const char *mode)
{
	if (strcmp(mode, "garbage") == 0)
		flood_garbage();
	if (strcmp(mode, "files") == 0) {
		files_attack();
		return;
	}
	say_hello();
	if (strcmp(mode, "huge") == 0)
		announce_huge();
	else if (strcmp(mode, "answer") == 0)
		say_result(4711);
	else if (strcmp(mode, "exit") == 0)
		say_exited(4711);
	else if (strcmp(mode, "logs") == 0)
		flood_logs();
	if (strcmp(mode, "silent") == 0)
		return;
	obey();
	if (strcmp(mode, "window") == 0) {
		overflow_window();
	} else if (strcmp(mode, "twice") == 0) {
		say_exited(init_process);
		say_exited(init_process);
	} else if (strcmp(mode, "dry") == 0) {
		dry_attack();
	} else if (strcmp(mode, "lies") == 0) {
		lie();
	} else {
		flood_logs();
	}
}

int main(void)
{
	const char *mode = getenv("hostile");
	const struct timespec turn = { .tv_nsec = PORT_TURN_NS };

	mount_at("devtmpfs", "/dev");
	mount_at("sysfs", "/sys");
	if (!mode)
		die("no hostile=MODE on the kernel's command line");
	load_modules();
	while ((port = port_open()) < 0)
		(void)nanosleep(&turn, NULL);
	run(mode);
	for (;;)
		(void)pause();
}
