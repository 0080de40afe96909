/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: requests of /dev/fuse, and a guest that answers them.
 *
 * The input is a small program. Its first byte chooses what is behind the descriptor: a tree that is known here (fuse.h), as
 * the view of processes is, or the view of a tmpfs (tmpview.h), whose files the guest is asked for. Requests have what
 * numbers and bodies the input says; a tree holds some of them, and goes on with them when the input says so; a guest
 * answers in any order, with any numbers, or with errors, or is paused.
 *
 * What must hold: each request is answered once, or not at all if it is one of those; a reply has the number of a request,
 * the length that it says, and no more than was asked for; no more requests are with the guest than may be.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "channel/mux.h"
#include "fuse/fuse.h"
#include "fuse/kernel.h"
#include "monitor/tmpview.h"
#include "tests/fuzz/host.h"
#include "tests/fuzz/kernel.h"
#include "tests/fuzz/replay.h"

#define OPS_MAX 256
#define REQUESTS_MAX 128
#define BODY_MAX 600
#define PLACES 2
#define REPLY_MAX 70000
#define ERRNO_MAX 511  /* that the kernel takes */
#define ANSWER_MS 3    /* after which a view may look how long a request has waited */
#define LAST_TURNS 256 /* of the loop, in which all that is left is answered */

const struct fuzz_target fuzz_target = { .corpus = "fuse", .variants = 100 };

/* A request that was sent; its number is its place in the table and 1. */
struct sent {
	uint32_t opcode, room; /* of a read: how many bytes it may bring */
	bool silent;           /* it has no answer */
	bool answered;
};

struct fuzz {
	struct fuzz_host host;
	struct input in;
	int kernel[PLACES], service[PLACES];
	struct sent sent[REQUESTS_MAX];
	unsigned int sent_len;

	/* a tree */
	struct fuse *fuse;
	uint8_t holds; /* which nodes have their requests held: a bit for each */
	uint64_t ticket;

	/* a guest */
	struct mux *agent;
	struct commands commands;
	struct tmpview *view;
	uint32_t asked[TMPVIEW_HELD_MAX]; /* requests of the host that have no answer yet */
	unsigned int asked_len;
};

/* ---- the host's kernel ---- */

static bool is_silent(uint32_t opcode)
{
	return opcode == FUSE_FORGET || opcode == FUSE_BATCH_FORGET || opcode == FUSE_DESTROY ||
	       opcode == FUSE_INTERRUPT;
}

/* The room that the body of a READ or READDIR says, or that any other reply has. */
static uint32_t room_of(uint32_t opcode, const uint8_t *body, size_t len)
{
	uint32_t room = REPLY_MAX;

	if ((opcode == FUSE_READ || opcode == FUSE_READDIR) && len >= sizeof(struct fuse_read_in))
		memcpy(&room, body + offsetof(struct fuse_read_in, size), sizeof(room));
	return room;
}

/* Sends a request; with 0x40 in @op its length may be a lie. */
static void op_request(struct fuzz *f, uint8_t op)
{
	struct fuse_in_header header = { .opcode = (uint32_t)input_take(&f->in, 1) };
	uint8_t message[sizeof(header) + BODY_MAX];
	size_t len;
	const uint8_t *body;
	struct sent *s = &f->sent[f->sent_len];

	header.nodeid = input_take(&f->in, 1);
	body = input_bytes(&f->in, input_take(&f->in, 2) % BODY_MAX, &len);
	if (f->sent_len == REQUESTS_MAX)
		return;
	header.unique = f->sent_len + 1;
	header.len = (uint32_t)(sizeof(header) + len);
	if (op & 0x40)
		header.len ^= op;
	memcpy(message, &header, sizeof(header));
	memcpy(message + sizeof(header), body, len);
	*s = (struct sent){ header.opcode, room_of(header.opcode, body, len), is_silent(header.opcode), false };
	if (op & 0x40 && header.opcode == FUSE_INTERRUPT) /* that its length is wrong is said all the same */
		s->silent = false;
	if (send(f->kernel[f->view ? op >> 7 : 0], message, sizeof(header) + len, MSG_DONTWAIT) > 0)
		f->sent_len++;
}

static void check_reply(struct fuzz *f, const uint8_t *reply, size_t len)
{
	struct fuse_out_header header;
	struct sent *s;

	require(len >= sizeof(header), "half a reply");
	memcpy(&header, reply, sizeof(header));
	require(header.len == len, "a reply that is not as long as it says");
	require(header.unique >= 1 && header.unique <= f->sent_len, "a reply to nothing");
	s = &f->sent[header.unique - 1];
	require(!s->silent && !s->answered, "a reply to what has none, or has one already");
	s->answered = true;
	require(header.error <= 0 && header.error >= -ERRNO_MAX, "an error that the kernel does not take");
	require(header.error == 0 || len == sizeof(header), "an error with something behind it");
	require(len - sizeof(header) <= s->room, "more than was asked for");
}

/* Reads all replies. */
static void replies(struct fuzz *f)
{
	static uint8_t reply[REPLY_MAX];
	ssize_t n;

	for (int i = 0; i < PLACES; i++) {
		while ((n = recv(f->kernel[i], reply, sizeof(reply), MSG_DONTWAIT)) > 0)
			check_reply(f, reply, (size_t)n);
	}
}

static bool all_answered(const struct fuzz *f)
{
	for (unsigned int i = 0; i < f->sent_len; i++) {
		if (!f->sent[i].silent && !f->sent[i].answered)
			return false;
	}
	return true;
}

static void turns(struct fuzz *f)
{
	fuzz_host_turns(&f->host);
	replies(f);
}

/* ---- a tree ---- */

enum { NODE_LIST = 2, NODE_TEXT, NODE_LINK, NODE_BROKEN, NODE_LONG, NODES };

static uint64_t tree_ask(void *arg, uint64_t node, bool anew)
{
	struct fuzz *f = arg;

	if (node >= NODES || !(f->holds & 1u << node))
		return 0;
	f->ticket += anew || f->ticket == 0;
	return f->ticket;
}

static uint32_t tree_mode(void *arg unused, uint64_t node)
{
	static const uint32_t modes[NODES] = { [FUSE_ROOT] = S_IFDIR | 0555,
		[NODE_LIST] = S_IFDIR | 0555,
		[NODE_TEXT] = S_IFREG | 0444,
		[NODE_LINK] = S_IFLNK | 0777,
		[NODE_BROKEN] = S_IFREG | 0444,
		[NODE_LONG] = S_IFREG | 0444 };

	return node < NODES ? modes[node] : 0;
}

static int tree_find(void *arg, uint64_t dir, const char *name, uint64_t *ret)
{
	if (!S_ISDIR(tree_mode(arg, dir)))
		return -ENOTDIR;
	if (name[0] < '0' || name[0] > '9' || name[1])
		return -ENOENT;
	*ret = (uint64_t)(name[0] - '0');
	return 0;
}

static int tree_read(void *arg, uint64_t node, struct buf *out)
{
	uint32_t mode = tree_mode(arg, node);

	require(S_ISREG(mode) || S_ISLNK(mode), "what has no text was read");
	if (node == NODE_BROKEN)
		return -EIO;
	for (int i = node == NODE_LONG ? 500 : 1; i > 0; i--)
		buf_puts(out, "a text\n");
	return 0;
}

static int tree_list(void *arg, uint64_t node, struct fuse_list *out)
{
	require(S_ISDIR(tree_mode(arg, node)), "what is no directory was listed");
	if (node == FUSE_ROOT)
		fuse_list_add(out, "2", NODE_LIST, S_IFDIR);
	for (uint64_t i = 0; node == NODE_LIST && i < 40; i++)
		fuse_list_add(out, i % 2 ? "a" : "a longer name", i, S_IFREG);
	return 0;
}

static void tree_begin(struct fuzz *f)
{
	static const struct fuse_tree tree = {
		.ask = tree_ask, .find = tree_find, .mode = tree_mode, .read = tree_read, .list = tree_list
	};

	require(fuse_new(f->host.loop, f->service[0], &tree, f, &f->fuse) == 0, "fuse_new");
}

static void tree_end(struct fuzz *f)
{
	for (int i = 0; i < LAST_TURNS && !all_answered(f); i++) {
		turns(f);
		fuse_continue(f->fuse, UINT64_MAX, 0);
		replies(f);
	}
	require(all_answered(f), "a request without an answer");
	fuse_free(f->fuse);
	fuzz_host_end(&f->host, 0);
}

static void tree_op(struct fuzz *f, uint8_t op)
{
	if (op % 2) {
		f->holds = (uint8_t)input_take(&f->in, 1);
		return;
	}
	fuse_continue(f->fuse, input_take(&f->in, 1), op & 0x40 ? -EIO : 0);
	replies(f);
}

/* ---- a guest ---- */

static int on_message(void *arg, const void *msg, size_t len)
{
	struct proto_arena arena = { .blocks = NULL };
	struct proto_request request;
	struct fuzz *f = arg;

	if (proto_type(msg, len) == PROTO_HELLO)
		return 0;
	require(proto_get_request(msg, len, &arena, &request) == 0, "a request that the guest does not understand");
	if (request.type == PROTO_FILE) {
		require(f->asked_len < TMPVIEW_HELD_MAX, "more requests than a guest may have");
		require(request.file_op.place < PLACES, "a place that there is not");
		f->asked[f->asked_len++] = request.seq;
	}
	proto_arena_done(&arena);
	return 0;
}

static void on_agent_closed(void *arg unused, int error unused)
{
}

/* A FILE's answer whose members are the input's. */
static void put_file(struct fuzz *f, struct buf *payload)
{
	static const uint32_t types[] = { 0, S_IFREG, S_IFDIR, S_IFLNK, S_IFCHR, S_IFIFO };
	struct proto_file a = { .node = input_take(&f->in, 1), .nlink = 1 };
	size_t len;

	a.handle = input_take(&f->in, 1);
	a.mode = types[input_take(&f->in, 1) % ARRAY_LEN(types)] | 0644;
	a.size = (uint32_t)input_take(&f->in, 2);
	a.bytes = a.size;
	a.data.at = (const char *)input_bytes(&f->in, input_take(&f->in, 1), &len);
	a.data.len = (uint32_t)len;
	proto_put_file(payload, &a);
}

/* Answers one of the requests that are with the guest, or one that is not. */
static void op_answer(struct fuzz *f, uint8_t op)
{
	unsigned int which = (unsigned int)input_take(&f->in, 1);
	struct proto_result result = { .seq = which, .msg = "" };
	autobuf payload = BUF_INIT;
	struct buf message = BUF_INIT;
	size_t len = 0;

	if (f->asked_len == 0 && !(op & 0x40))
		return;
	if (f->asked_len > 0) {
		which %= f->asked_len;
		result.seq = f->asked[which];
		f->asked[which] = f->asked[--f->asked_len];
	}
	if (op & 0x20)
		result.errnum = (uint32_t)input_take(&f->in, 2);
	else if (op & 0x10)
		buf_put(&payload, input_bytes(&f->in, input_take(&f->in, 1), &len), len);
	else
		put_file(f, &payload);
	result.payload = payload.data;
	result.payload_len = result.errnum ? 0 : payload.len;
	proto_put_result(&message, &result);
	fuzz_host_message(&f->host, &message);
	replies(f);
}

static void view_begin(struct fuzz *f)
{
	static const struct mux_limits limits = { .control_in_max = 1 << 20, .control_out_max = 1 << 20 };
	const struct mux_events events = { .on_message = on_message, .on_closed = on_agent_closed, .arg = f };
	const struct tmpview_config config = { .fds = f->service,
		.len = PLACES,
		.cid = "c",
		.commands = &f->commands,
		.loop = f->host.loop,
		.answer_ms = ANSWER_MS };

	f->commands = (struct commands){ .guest = f->host.guest, .serving = true };
	require(fd_set_nonblock(f->host.channel, 1) == 0 &&
			mux_new(f->host.loop, f->host.channel, &limits, &events, &f->agent) == 0 &&
			tmpview_new(&config, &f->view) == 0,
		"a view");
	fuzz_host_greet(&f->host);
}

/* The guest ends, upon which all that it was asked for is answered, and nothing more is asked. */
static void view_end(struct fuzz *f)
{
	mux_free(f->agent);
	fuzz_host_end(&f->host, 0);
	f->commands.serving = false;
	f->commands.guest = NULL;
	replies(f);
	for (int i = 0; i < LAST_TURNS && !all_answered(f); i++) {
		require(loop_run(f->host.loop) == 0, "the loop");
		replies(f);
	}
	require(all_answered(f), "a request without an answer");
	tmpview_free(f->view);
}

/* The guest is to stand still, as its readers are: nobody waits for it, and all that was asked is answered. */
static void abandon(struct fuzz *f)
{
	f->commands.paused = true;
	tmpview_abandon(f->view);
	for (int i = 0; i < LAST_TURNS && !f->host.closed && !all_answered(f); i++)
		turns(f);
	require(f->host.closed || all_answered(f), "a request that waits for a guest that stands still");
}

static void view_op(struct fuzz *f, uint8_t op)
{
	if (op % 4 == 2) {
		f->commands.paused = op & 0x40;
	} else if (op % 4 == 3) {
		abandon(f);
	} else {
		op_answer(f, op);
	}
}

/* ---- a run ---- */

static void one_op(struct fuzz *f)
{
	uint8_t op = (uint8_t)input_take(&f->in, 1);

	if (op % 16 < 8)
		op_request(f, op);
	else if (op % 16 < 10)
		turns(f);
	else if (f->view)
		view_op(f, op);
	else
		tree_op(f, op);
	if (op % 16 < 8 && !(op & 0x20))
		turns(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fuzz f;

	if (size == 0)
		return 0;
	memset(&f, 0, sizeof(f));
	f.in = (struct input){ data + 1, data + size };
	kernel_begin();
	fuzz_host_begin(&f.host, 0);
	for (int i = 0; i < PLACES; i++) {
		int sv[2];

		require(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv) == 0, "socketpair");
		f.kernel[i] = sv[0];
		f.service[i] = sv[1];
	}
	if (data[0] % 2)
		view_begin(&f);
	else
		tree_begin(&f);
	for (int i = 0; i < OPS_MAX && f.in.at < f.in.end; i++)
		one_op(&f);
	if (data[0] % 2)
		view_end(&f);
	else
		tree_end(&f);
	fuzz_host_free(&f.host);
	for (int i = 0; i < PLACES; i++) {
		close(f.kernel[i]);
		close(f.service[i]);
	}
	kernel_end();
	return 0;
}
