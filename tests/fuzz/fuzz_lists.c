/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: the lists with which a guest answers: its processes, for people (PS) and for a /proc (PROCS), its ports, and
 * what it says of the files of a tmpfs, which is for the host's kernel (FILE).
 *
 * The first byte chooses the list, the rest is the payload. What must hold: what can be decoded is encoded to the same
 * bytes; texts that people see are UTF-8 without control characters, a state is a letter; and the files of a /proc that are
 * made of a process have the lines, the words and the numbers that readers of procfs rely on. A reply to the kernel is as
 * long as one to its request may be, and names in it are such that a directory can have.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/text.h"
#include "fuse/kernel.h"
#include "guest/procs.h"
#include "guest/ps.h"
#include "monitor/proctext.h"
#include "monitor/tmpfuse.h"
#include "tests/fuzz/replay.h"

#define STAT_WORDS 50 /* of /proc/PID/stat behind the name: fields 3 to 52 */

const struct fuzz_target fuzz_target = { .corpus = "lists", .variants = 100 };

/* What can be decoded must be encoded to the same bytes. */
static void check_same(struct buf *again, const uint8_t *data, size_t size)
{
	require(buf_error(again) == 0, "memory");
	require(again->len == size && (size == 0 || memcmp(again->data, data, size) == 0), "not encoded as it was");
	buf_done(again);
}

/* A text that a terminal shows and does not obey. */
static void check_text(const char *text, size_t len)
{
	const unsigned char *at = (const unsigned char *)text;

	for (size_t n; len > 0; at += n, len -= n) {
		n = text_utf8(at, len);
		require(n > 0, "a text that is no UTF-8");
		require(n > 1 || (*at >= ' ' && *at != 0x7f), "a control character");
		require(n != 2 || !text_is_c1(at), "a control character of two bytes");
	}
}

static void check_state(uint8_t state)
{
	require(state == '?' || (state >= 'A' && state <= 'Z') || (state >= 'a' && state <= 'z'), "a state");
}

/* ---- PS ---- */

/* The payload of a PS, as `vmrunc ps` gets it. */
static void ps(const uint8_t *data, size_t size)
{
	struct proto_arena arena = { .blocks = NULL };
	char *payload = malloc(size ? size : 1);
	struct guest_ps list = GUEST_PS_NONE;
	struct buf again = BUF_INIT;
	struct proto_ps decoded;

	require(payload != NULL, "memory");
	memcpy(payload, data, size);
	if (proto_get_ps(data, size, &arena, &decoded) == 0) {
		proto_put_ps(&again, &decoded);
		check_same(&again, data, size);
	}
	proto_arena_done(&arena);
	if (guest_ps_decode(payload, size, &list) < 0) {
		free(payload);
		return;
	}
	require(list.list.ticks_per_second > 0 && list.list.len <= PROTO_PS_MAX, "a list that is too long");
	for (uint32_t i = 0; i < list.list.len; i++) {
		check_text(list.list.at[i].comm, strlen(list.list.at[i].comm));
		check_text(list.list.at[i].args, strlen(list.list.at[i].args));
		check_state(list.list.at[i].state);
	}
	guest_ps_done(&list);
}

/* ---- PROCS ---- */

/* A word of `stat` is a number that readers can keep in an int64_t. */
static void check_number(const char *word)
{
	char *end;

	errno = 0;
	(void)strtoll(word, &end, 10);
	require(errno == 0 && end != word && (*end == ' ' || *end == '\n'), "a number that no reader can keep");
}

/* `stat` is one line of as many fields as the kernel has. */
static void check_stat(const struct proto_proc *p, uint32_t ticks_per_second)
{
	autobuf out = BUF_INIT;
	unsigned int words = 0;
	const char *at;

	proctext_stat(&out, p, ticks_per_second, p->start_ticks % INT64_MAX);
	require(buf_error(&out) == 0 && memchr(out.data, '\n', out.len) == out.data + out.len - 1, "not one line");
	buf_put(&out, "", 1);
	require(buf_error(&out) == 0, "memory");
	at = strrchr(out.data, ')'); /* as its readers find the end of the name */
	require(at != NULL && at[1] == ' ' && at[3] == ' ', "a name without an end");
	for (at += 1; at != NULL && at[0] == ' '; at = strpbrk(at + 1, " \n"), words++) {
		if (words > 0)
			check_number(at + 1);
	}
	require(words == STAT_WORDS, "another number of fields than the kernel has");
}

/* Each line of `status` is a key, a colon, a tab and a value. */
static void check_status(const struct proto_proc *p)
{
	autobuf out = BUF_INIT;
	const char *next;

	proctext_status(&out, p);
	buf_put(&out, "", 1);
	require(buf_error(&out) == 0 && out.len > 1, "memory");
	for (const char *line = out.data; *line; line = next) {
		next = strchr(line, '\n');
		require(next != NULL, "a line without an end");
		next++;
		require(line + strcspn(line, ":\n") + 1 < next && line[strcspn(line, ":\n") + 1] == '\t', "a line");
	}
}

/* One process of a list, and the files that are made of it. */
static void check_proc(const struct proto_proc *p, uint32_t ticks_per_second)
{
	const char *words = p->cmdline.at;

	check_text(p->comm, strlen(p->comm));
	check_text(p->label, strlen(p->label));
	check_state(p->state);
	require(p->cmdline.len <= PROTO_PROC_CMDLINE_MAX, "a command line that is too long");
	for (size_t at = 0, len; at < p->cmdline.len; at += len + 1) {
		len = strnlen(words + at, p->cmdline.len - at);
		check_text(words + at, len);
	}
	check_stat(p, ticks_per_second);
	check_status(p);
}

/* The payload of a PROCS, twice, as two parts of one list. */
static void procs(const uint8_t *data, size_t size)
{
	struct proto_arena arena = { .blocks = NULL };
	struct guest_procs list = { .parts = NULL };
	struct buf again = BUF_INIT;
	struct proto_procs decoded;
	uint32_t after;

	if (proto_get_procs(data, size, &arena, &decoded) == 0) {
		proto_put_procs(&again, &decoded);
		check_same(&again, data, size);
	}
	proto_arena_done(&arena);
	for (int part = 0; part < 2 && guest_procs_add(&list, data, size, &after) == 0; part++)
		require(list.parts_len == (size_t)part + 1 && list.bytes == list.parts_len * size, "parts");
	for (size_t i = 0; i < list.parts_len; i++) {
		const struct proto_procs *part = &list.parts[i].list;

		for (uint32_t k = 0; k < part->len; k++)
			check_proc(&part->at[k], part->ticks_per_second);
	}
	guest_procs_done(&list);
}

/* ---- PORTS ---- */

static void ports(const uint8_t *data, size_t size)
{
	struct buf again = BUF_INIT;
	struct proto_port port;
	size_t i = 0;

	for (; proto_get_port(data, size, i, &port) == 0; i++) {
		require((port.version == 4 || port.version == 6) && port.port > 0, "a port that there is not");
		proto_put_port(&again, &port);
	}
	require(buf_error(&again) == 0 && again.len <= size && i <= PROTO_PORTS_MAX, "more ports than there are");
	buf_done(&again);
}

/* ---- FILE ---- */

/* The entries of a directory, as the kernel reads them. */
static void check_entries(const struct buf *reply)
{
	for (size_t at = 0; at < reply->len;) {
		struct fuse_dirent entry;
		const char *name = reply->data + at + FUSE_NAME_OFFSET;

		require(reply->len - at >= FUSE_NAME_OFFSET, "half an entry");
		memcpy(&entry, reply->data + at, FUSE_NAME_OFFSET);
		require(reply->len - at >= FUSE_DIRENT_SIZE(&entry), "an entry that is cut");
		require(entry.off != 0, "an entry before the first");
		require(entry.namelen > 0 && entry.namelen <= PROTO_FILE_NAME_MAX, "the length of a name");
		require(!memchr(name, '/', entry.namelen) && !memchr(name, '\0', entry.namelen), "a name");
		at += FUSE_DIRENT_SIZE(&entry);
	}
}

/* The longest reply to @ask, or the only length if *@ret_exact. */
static size_t reply_max(const struct tmpfuse_ask *ask, bool *ret_exact)
{
	*ret_exact = true;
	switch (ask->file.op) {
	case GUEST_FILE_CREATE:
		return sizeof(struct fuse_entry_out) + sizeof(struct fuse_open_out);
	case GUEST_FILE_OPEN:
	case GUEST_FILE_OPENDIR:
		return sizeof(struct fuse_open_out);
	case GUEST_FILE_GETATTR:
	case GUEST_FILE_SETATTR:
		return sizeof(struct fuse_attr_out);
	case GUEST_FILE_WRITE:
		return sizeof(struct fuse_write_out);
	case GUEST_FILE_STATFS:
		return sizeof(struct fuse_statfs_out);
	case GUEST_FILE_SETXATTR:
	case GUEST_FILE_REMOVEXATTR:
	case GUEST_FILE_UNLINK:
	case GUEST_FILE_RMDIR:
	case GUEST_FILE_RENAME:
		return 0;
	case GUEST_FILE_READLINK:
	case GUEST_FILE_READ:
	case GUEST_FILE_GETXATTR:
	case GUEST_FILE_LISTXATTR:
	case GUEST_FILE_READDIR:
		*ret_exact = false;
		return ask->file.op == GUEST_FILE_READLINK ? PATH_MAX - 1 : ask->file.size;
	default:
		return sizeof(struct fuse_entry_out);
	}
}

/* The payload of a FILE, as the answer to each operation. */
static void file(const uint8_t *data, size_t size)
{
	struct proto_file answer;
	struct buf again = BUF_INIT;

	if (proto_get_file(data, size, &answer) < 0)
		return;
	proto_put_file(&again, &answer);
	check_same(&again, data, size);
	for (uint8_t op = 1; op < GUEST_FILE_COUNT; op++) {
		const struct tmpfuse_ask ask = { .file = { .op = op, .size = 128 },
			.type = op == GUEST_FILE_MKDIR ? S_IFDIR : 0 };
		autobuf reply = BUF_INIT;
		bool exact;
		size_t max = reply_max(&ask, &exact);

		if (tmpfuse_check(&ask, &answer) < 0 || tmpfuse_write(&ask, &answer, &reply) < 0)
			continue;
		require(exact ? reply.len == max : reply.len <= max, "the length of a reply");
		if (tmpfuse_gives_handle(op))
			require(answer.handle > 0 && answer.handle <= PROTO_FILE_HANDLES_MAX, "a handle");
		if (op == GUEST_FILE_READDIR)
			check_entries(&reply);
		if (op == GUEST_FILE_MKDIR)
			require(answer.node > PROTO_FILE_ROOT && S_ISDIR(answer.mode), "a directory");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] == 3)
		file(data + 1, size - 1);
	else if (data[0] % 3 == 0)
		ps(data + 1, size - 1);
	else if (data[0] % 3 == 1)
		procs(data + 1, size - 1);
	else
		ports(data + 1, size - 1);
	return 0;
}
