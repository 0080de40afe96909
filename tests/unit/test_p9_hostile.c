/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/p9: what a hostile client sends. */
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "tests/p9/client.h"
#include "tests/unit/filter.h"

/* The answers go to a socket (src/p9/socket.c). */
const char *const harness_syscalls[] = { "sendto", "shutdown", NULL };

static struct p9c c;
static struct p9_session *session; /* beside the socket's: for messages that no stream could carry */

/* ---- requests without a socket ---- */

struct direct {
	struct p9_request req;
	sem_t done;
	uint32_t len;
	unsigned int calls;
};

static void direct_done(struct p9_request *req, uint32_t len)
{
	struct direct *d = req->arg;

	d->len = len;
	d->calls++;
	sem_post(&d->done);
}

static uint32_t submit(struct iovec *in, unsigned int in_count, struct iovec *out, unsigned int out_count)
{
	struct direct d = { .req = {
				    .in = in,
				    .in_count = in_count,
				    .out = out,
				    .out_count = out_count,
				    .done = direct_done,
				    .arg = &d,
			    } };

	sem_init(&d.done, 0, 0);
	p9_submit(session, &d.req);
	while (sem_wait(&d.done) < 0)
		;
	assert_int_equal(d.calls, 1);
	sem_destroy(&d.done);
	return d.len;
}

static uint8_t out_bytes[P9_MSIZE_MAX];

/* Submits @b as one segment. 0; -errno of an Rlerror; or 1 if there was no answer at all. */
static int submit_buf(const struct buf *b, size_t len)
{
	struct iovec in = { b->data, len }, out = { out_bytes, sizeof(out_bytes) };
	uint32_t n = submit(&in, 1, &out, 1), size, ecode;

	if (n == 0)
		return 1;
	assert_true(n >= P9_HEADER);
	memcpy(&size, out_bytes, 4);
	assert_int_equal(size, n);
	if (out_bytes[4] != P9_RLERROR)
		return 0;
	assert_int_equal(n, P9_RLERROR_SIZE);
	memcpy(&ecode, out_bytes + P9_HEADER, 4);
	assert_in_range(ecode, 1, 4095);
	return -(int)ecode;
}

#define SUBMIT(type, ...)                              \
	({                                             \
		autobuf m = BUF_INIT;                  \
		p9c_message(&m, type, 1, __VA_ARGS__); \
		submit_buf(&m, m.len);                 \
	})

/* Makes the fids that the messages below name: 1 is a file, 2 a directory, 3 an open file, 4 an open directory. */
static void fids_make(void)
{
	assert_int_equal(SUBMIT(P9_TVERSION, "ds", 65536u, P9_VERSION), 0);
	assert_int_equal(SUBMIT(P9_TATTACH, "ddssd", 0u, P9_NOFID, "", "top/export", 0u), 0);
	assert_int_equal(SUBMIT(P9_TWALK, "ddws", 0u, 1u, 1, "file"), 0);
	assert_int_equal(SUBMIT(P9_TWALK, "ddws", 0u, 2u, 1, "dir"), 0);
	assert_int_equal(SUBMIT(P9_TWALK, "ddw", 1u, 3u, 0), 0);
	assert_int_equal(SUBMIT(P9_TLOPEN, "dd", 3u, 2u), 0);
	assert_int_equal(SUBMIT(P9_TWALK, "ddw", 2u, 4u, 0), 0);
	assert_int_equal(SUBMIT(P9_TLOPEN, "dd", 4u, 0u), 0);
}

static int setup(void **state)
{
	(void)state;
	p9c_start(&c, 0);
	p9c_host_write(&c, "file", "0123456789");
	assert_int_equal(mkdirat(c.dir_fd, "dir", 0755), 0);
	assert_int_equal(p9_session_new(c.server, &session), 0);
	fids_make();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	p9_session_free(session);
	p9c_stop(&c);
	return 0;
}

/* ---- tables ---- */

static const char long_name[] =
	"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
	"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
	"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn";

static const struct {
	const char *name;
	int error;
} bad_names[] = {
	{ "", -EINVAL },
	{ ".", -EINVAL },  /* but for walks */
	{ "..", -EINVAL }, /* but for walks */
	{ "/", -EINVAL },
	{ "a/b", -EINVAL },
	{ "/etc", -EINVAL },
	{ "../x", -EINVAL },
	{ "dir/..", -EINVAL },
	{ "x/", -EINVAL },
	{ long_name, -ENAMETOOLONG },
};

static void names_are_single_components(void **state)
{
	(void)state;
	assert_int_equal(strlen(long_name), FS_NAME_MAX + 1);
	for (size_t i = 0; i < ARRAY_LEN(bad_names); i++) {
		const char *n = bad_names[i].name;
		int e = bad_names[i].error;

		print_message("name '%.20s'\n", n);
		if (strcmp(n, "..") != 0 && strcmp(n, ".") != 0)
			assert_int_equal(SUBMIT(P9_TWALK, "ddws", 0u, 20u, 1, n), e);
		assert_int_equal(SUBMIT(P9_TLCREATE, "dsddd", 2u, n, 2u, 0600u, 0u), e);
		assert_int_equal(SUBMIT(P9_TMKDIR, "dsdd", 0u, n, 0700u, 0u), e);
		assert_int_equal(SUBMIT(P9_TMKNOD, "dsdddd", 0u, n, 0100600u, 0u, 0u, 0u), e);
		assert_int_equal(SUBMIT(P9_TSYMLINK, "dssd", 0u, n, "t", 0u), e);
		assert_int_equal(SUBMIT(P9_TLINK, "dds", 0u, 1u, n), e);
		assert_int_equal(SUBMIT(P9_TRENAME, "dds", 1u, 0u, n), e);
		assert_int_equal(SUBMIT(P9_TRENAMEAT, "dsds", 0u, n, 0u, "x"), e);
		assert_int_equal(SUBMIT(P9_TRENAMEAT, "dsds", 0u, "file", 0u, n), e);
		assert_int_equal(SUBMIT(P9_TUNLINKAT, "dsd", 0u, n, 0u), e);
		assert_int_equal(SUBMIT(P9_TUNLINKAT, "dsd", 0u, n, P9_AT_REMOVEDIR), e);
	}
}

static void strings_have_no_nul(void **state)
{
	static const char nul[] = { 4, 0, 'f', 'i', 0, 'e' };

	(void)state;
	assert_int_equal(SUBMIT(P9_TWALK, "ddwD", 0u, 20u, 1, nul, sizeof(nul)), -EBADMSG);
	assert_int_equal(SUBMIT(P9_TMKDIR, "dDdd", 0u, nul, sizeof(nul), 0700u, 0u), -EBADMSG);
	assert_int_equal(SUBMIT(P9_TSYMLINK, "dsDd", 0u, "s", nul, sizeof(nul), 0u), -EBADMSG);
	assert_int_equal(SUBMIT(P9_TXATTRWALK, "ddD", 1u, 20u, nul, sizeof(nul)), -EBADMSG);
	assert_int_equal(SUBMIT(P9_TATTACH, "ddDsd", 21u, P9_NOFID, nul, sizeof(nul), "", 0u), -EBADMSG);
}

/* Each message once, as it should be. The tests cut and bend these. */
static void message_make(struct buf *b, unsigned int i)
{
	switch (i) {
#define M(n, ...)                            \
	case n:                              \
		p9c_message(b, __VA_ARGS__); \
		break
		M(0, P9_TSTATFS, 1, "d", 1u);
		M(1, P9_TLOPEN, 1, "dd", 30u, 0u);
		M(2, P9_TLCREATE, 1, "dsddd", 30u, "new", 2u, 0600u, 0u);
		M(3, P9_TSYMLINK, 1, "dssd", 30u, "new", "target", 0u);
		M(4, P9_TMKNOD, 1, "dsdddd", 30u, "new", 0100600u, 0u, 0u, 0u);
		M(5, P9_TRENAME, 1, "dds", 30u, 0u, "new");
		M(6, P9_TREADLINK, 1, "d", 1u);
		M(7, P9_TGETATTR, 1, "dq", 1u, 0x7ffull);
		M(8, P9_TSETATTR, 1, "dddddqqqqq", 30u, 1u, 0600u, 0u, 0u, 0ull, 0ull, 0ull, 0ull, 0ull);
		M(9, P9_TXATTRWALK, 1, "dds", 30u, 31u, "user.x");
		M(10, P9_TXATTRCREATE, 1, "dsqd", 30u, "user.x", 4ull, 0u);
		M(11, P9_TREADDIR, 1, "dqd", 4u, 0ull, 4096u);
		M(12, P9_TFSYNC, 1, "dd", 3u, 0u);
		M(13, P9_TLOCK, 1, "dbdqqds", 3u, 0, 0u, 0ull, 0ull, 1u, "host");
		M(14, P9_TGETLOCK, 1, "dbqqds", 3u, 0, 0ull, 0ull, 1u, "host");
		M(15, P9_TLINK, 1, "dds", 30u, 1u, "new");
		M(16, P9_TMKDIR, 1, "dsdd", 30u, "new", 0700u, 0u);
		M(17, P9_TRENAMEAT, 1, "dsds", 30u, "a", 0u, "b");
		M(18, P9_TUNLINKAT, 1, "dsd", 30u, "a", 0u);
		M(19, P9_TATTACH, 1, "ddssd", 0u, P9_NOFID, "u", "none", 0u);
		M(20, P9_TWALK, 1, "ddwss", 30u, 31u, 2, "a", "b");
		M(21, P9_TREAD, 1, "dqd", 3u, 0ull, 16u);
		M(22, P9_TWRITE, 1, "dqdD", 3u, 0ull, 4u, "data", (size_t)4);
		M(23, P9_TCLUNK, 1, "d", 30u);
		M(24, P9_TREMOVE, 1, "d", 30u);
		M(25, P9_TFLUSH, 1, "w", 77);
		M(26, P9_TAUTH, 1, "dssd", 30u, "u", "a", 0u);
#undef M
	}
}
#define MESSAGES 27u

static void set_size(struct buf *b, uint32_t size)
{
	memcpy(b->data, &size, 4);
}

static void messages_cut_at_every_byte(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < MESSAGES; i++) {
		autobuf b = BUF_INIT;
		uint8_t type;

		message_make(&b, i);
		type = (uint8_t)b.data[4];
		for (size_t len = 0; len < b.len; len++) {
			int r;

			/* The size tells the truth about what is there. */
			set_size(&b, (uint32_t)len);
			r = submit_buf(&b, len);
			if (len < P9_HEADER)
				assert_int_equal(r, 1);
			else if (type == P9_TAUTH)
				assert_int_equal(r, -ENOENT);
			else if (type == P9_TFSYNC && len == P9_HEADER + 4)
				assert_int_equal(r, 0); /* the form of older clients */
			else if (r != -EBADMSG)
				fail_msg("type %u cut to %zu: %d", type, len, r);
			/* The size lies. */
			set_size(&b, (uint32_t)b.len);
			r = submit_buf(&b, len);
			if (len < P9_HEADER)
				assert_int_equal(r, 1);
			else if (r != -EBADMSG)
				fail_msg("type %u with %zu of %zu: %d", type, len, b.len, r);
		}
	}
}

static void sizes_that_lie(void **state)
{
	static const uint32_t sizes[] = { 0, 1, 6, 7, 8, 100, 65536, INT32_MAX, UINT32_MAX };

	(void)state;
	for (unsigned int i = 0; i < MESSAGES; i++) {
		autobuf b = BUF_INIT;

		message_make(&b, i);
		for (size_t j = 0; j < ARRAY_LEN(sizes); j++) {
			set_size(&b, sizes[j]);
			if (b.data[4] == P9_TAUTH && sizes[j] >= 7 && sizes[j] <= b.len)
				continue;
			assert_int_equal(submit_buf(&b, b.len), -EBADMSG);
		}
	}
	/* There are bytes behind the last field. */
	for (unsigned int i = 0; i < MESSAGES; i++) {
		autobuf b = BUF_INIT;
		int r;

		message_make(&b, i);
		buf_puts(&b, "xx");
		set_size(&b, (uint32_t)b.len);
		r = submit_buf(&b, b.len);
		if (b.data[4] != P9_TFLUSH && b.data[4] != P9_TWRITE && b.data[4] != P9_TAUTH && r != -EBADMSG &&
			r != -EBADF)
			fail_msg("type %u with more: %d", (uint8_t)b.data[4], r);
	}
}

static void fids_that_are_not(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < MESSAGES; i++) {
		autobuf b = BUF_INIT;
		uint32_t fid = 4000;
		int r;

		message_make(&b, i);
		if (b.data[4] == P9_TATTACH || b.data[4] == P9_TAUTH || b.data[4] == P9_TFLUSH)
			continue;
		memcpy(b.data + P9_HEADER, &fid, 4);
		r = submit_buf(&b, b.len);
		if (r != -EBADF)
			fail_msg("type %u: %d", (uint8_t)b.data[4], r);
		fid = P9_NOFID;
		memcpy(b.data + P9_HEADER, &fid, 4);
		assert_int_equal(submit_buf(&b, b.len), -EBADF);
	}
	/* Now the second name is the hostile one. */
	assert_int_equal(SUBMIT(P9_TLINK, "dds", 0u, 4000u, "x"), -EBADF);
	assert_int_equal(SUBMIT(P9_TRENAME, "dds", 1u, 4000u, "x"), -EBADF);
	assert_int_equal(SUBMIT(P9_TRENAMEAT, "dsds", 0u, "a", 4000u, "b"), -EBADF);
}

/* Every operation on fids that are not of the kind it needs. */
static void fids_of_the_wrong_kind(void **state)
{
	(void)state;
	assert_int_equal(SUBMIT(P9_TMKDIR, "dsdd", 1u, "x", 0700u, 0u), -ENOTDIR);
	assert_int_equal(SUBMIT(P9_TSYMLINK, "dssd", 1u, "x", "y", 0u), -ENOTDIR);
	assert_int_equal(SUBMIT(P9_TMKNOD, "dsdddd", 1u, "x", 0100600u, 0u, 0u, 0u), -ENOTDIR);
	assert_int_equal(SUBMIT(P9_TLCREATE, "dsddd", 1u, "x", 2u, 0600u, 0u), -ENOTDIR);
	assert_int_equal(SUBMIT(P9_TUNLINKAT, "dsd", 1u, "x", 0u), -ENOTDIR);
	assert_int_equal(SUBMIT(P9_TLINK, "dds", 1u, 1u, "x"), -ENOTDIR);
	assert_int_equal(SUBMIT(P9_TLINK, "dds", 0u, 2u, "x"), -EPERM); /* a directory */
	assert_int_equal(SUBMIT(P9_TRENAME, "dds", 2u, 1u, "x"), -ENOTDIR);
	assert_int_equal(SUBMIT(P9_TREADDIR, "dqd", 3u, 0ull, 100u), -ENOTDIR);
	assert_int_equal(SUBMIT(P9_TREAD, "dqd", 1u, 0ull, 100u), -EBADF);
	assert_int_equal(SUBMIT(P9_TREAD, "dqd", 4u, 0ull, 100u), -EISDIR);
	assert_int_equal(SUBMIT(P9_TWRITE, "dqdD", 4u, 0ull, 1u, "x", (size_t)1), -EISDIR);
	assert_int_equal(SUBMIT(P9_TLOCK, "dbdqqds", 1u, 0, 0u, 0ull, 0ull, 1u, "h"), -EBADF);
	assert_int_equal(SUBMIT(P9_TGETLOCK, "dbqqds", 1u, 0, 0ull, 0ull, 1u, "h"), -EBADF);
	assert_int_equal(SUBMIT(P9_TXATTRCREATE, "dsqd", 3u, "user.x", 1ull, 0u), -EINVAL);
	assert_int_equal(SUBMIT(P9_TLCREATE, "dsddd", 4u, "x", 2u, 0600u, 0u), -EBUSY);
	assert_int_equal(SUBMIT(P9_TWALK, "ddws", 4u, 4u, 1, ".."), -EINVAL);
	assert_int_equal(SUBMIT(P9_TLOPEN, "dd", 1u, 3u), -EINVAL);
	assert_int_equal(SUBMIT(P9_TLOPEN, "dd", 2u, 1u), -EISDIR);
	assert_int_equal(SUBMIT(P9_TLOPEN, "dd", 1u, P9_O_DIRECTORY), -ENOTDIR);
}

static void counts_and_offsets_that_lie(void **state)
{
	(void)state;
	assert_int_equal(SUBMIT(P9_TWALK, "ddw", 0u, 20u, 17), -EINVAL);
	assert_int_equal(SUBMIT(P9_TWALK, "ddw", 0u, 20u, 65535), -EINVAL);
	assert_int_equal(SUBMIT(P9_TWALK, "ddw", 0u, 20u, 2), -EBADMSG);
	assert_int_equal(SUBMIT(P9_TWALK, "ddws", 0u, 20u, 2, "dir"), -EBADMSG);
	assert_int_equal(SUBMIT(P9_TWRITE, "dqdD", 3u, 0ull, 5u, "data", (size_t)4), -EBADMSG);
	assert_int_equal(SUBMIT(P9_TWRITE, "dqdD", 3u, 0ull, UINT32_MAX, "data", (size_t)4), -EBADMSG);
	assert_int_equal(SUBMIT(P9_TWRITE, "dqdD", 3u, UINT64_MAX, 4u, "data", (size_t)4), -EINVAL);
	assert_int_equal(SUBMIT(P9_TWRITE, "dqdD", 3u, (uint64_t)INT64_MAX, 4u, "data", (size_t)4), -EINVAL);
	assert_int_equal(SUBMIT(P9_TREAD, "dqd", 3u, (uint64_t)1 << 63, 1u), -EINVAL);
	assert_int_equal(SUBMIT(P9_TREAD, "dqd", 3u, 0ull, UINT32_MAX), 0); /* it is answered with what there is */
	assert_int_equal(SUBMIT(P9_TREADDIR, "dqd", 4u, UINT64_MAX, 4096u), -EINVAL);
	assert_int_equal(SUBMIT(P9_TREADDIR, "dqd", 4u, 0ull, 0u), -EINVAL);
	assert_int_equal(SUBMIT(P9_TLOCK, "dbdqqds", 3u, 3, 0u, 0ull, 0ull, 1u, "h"), -EINVAL);
	assert_int_equal(SUBMIT(P9_TLOCK, "dbdqqds", 3u, 0, 0u, UINT64_MAX, 1ull, 1u, "h"), -EINVAL);
	assert_int_equal(SUBMIT(P9_TLOCK, "dbdqqds", 3u, 0, 0u, (uint64_t)INT64_MAX, 2ull, 1u, "h"), -EOVERFLOW);
}

/* Each fid may hold a value, but all of them together not more than the server's bound. A clunk gives its part back. */
static void values_that_never_end(void **state)
{
	const uint32_t whole = P9_XATTR_BYTES_MAX / FS_XATTR_MAX;
	int r = 0;

	(void)state;
	for (uint32_t i = 0; i <= whole; i++) {
		assert_int_equal(SUBMIT(P9_TWALK, "ddw", 1u, 100 + i, 0), 0);
		r = SUBMIT(P9_TXATTRCREATE, "dsqd", 100 + i, "user.x", (uint64_t)FS_XATTR_MAX, 0u);
		assert_int_equal(r, i < whole ? 0 : -ENOMEM);
	}
	/* The clunk says that the value was not written whole, and its bytes are free again. */
	assert_int_equal(SUBMIT(P9_TCLUNK, "d", 100u), -EINVAL);
	assert_int_equal(SUBMIT(P9_TXATTRCREATE, "dsqd", 100 + whole, "user.x", (uint64_t)FS_XATTR_MAX, 0u), 0);
}

/* As fs_getxattr(), of a value that has grown whenever it is asked for. */
static bool growing;
ssize_t __real_fs_getxattr(struct fs_node *node, const char *name, void *value, size_t size);
ssize_t __wrap_fs_getxattr(struct fs_node *node, const char *name, void *value, size_t size);

ssize_t __wrap_fs_getxattr(struct fs_node *node, const char *name, void *value, size_t size)
{
	if (!growing)
		return __real_fs_getxattr(node, name, value, size);
	return value == NULL ? 10 : -ERANGE;
}

static void an_attribute_that_grows_all_the_time(void **state)
{
	(void)state;
	growing = true;
	assert_int_equal(SUBMIT(P9_TXATTRWALK, "dds", 1u, 20u, "user.x"), -ERANGE);
	growing = false;
}

static void types_that_are_none(void **state)
{
	(void)state;
	for (unsigned int type = 0; type < 256; type++) {
		autobuf b = BUF_INIT;
		bool known = type == P9_TFLUSH || type == P9_TVERSION;

		for (unsigned int i = 0; i < MESSAGES && !known; i++) {
			autobuf m = BUF_INIT;

			message_make(&m, i);
			known = (uint8_t)m.data[4] == type;
		}
		if (known)
			continue;
		p9c_message(&b, (uint8_t)type, 1, "ddd", 1u, 2u, 3u);
		assert_int_equal(submit_buf(&b, b.len), -EOPNOTSUPP);
	}
}

static void messages_beyond_msize(void **state)
{
	autobuf data = BUF_INIT, b = BUF_INIT;

	(void)state;
	memset(buf_extend(&data, 65536), 'x', 65536);
	assert_int_equal(SUBMIT(P9_TWRITE, "dqdD", 3u, 0ull, 65536u, data.data, data.len), -EMSGSIZE);
	/* This message without data is longer than any can be. */
	assert_int_equal(SUBMIT(P9_TSTATFS, "dD", 1u, data.data, (size_t)10000), -EMSGSIZE);
	/* The answer to this is longer than msize. */
	data.data[FS_TARGET_MAX] = '\0';
	assert_int_equal(SUBMIT(P9_TVERSION, "ds", P9_MSIZE_MIN, P9_VERSION), 0);
	assert_int_equal(SUBMIT(P9_TATTACH, "ddssd", 0u, P9_NOFID, "", "top/export", 0u), 0);
	assert_int_equal(symlinkat(data.data, c.dir_fd, "long"), 0);
	assert_int_equal(SUBMIT(P9_TWALK, "ddws", 0u, 1u, 1, "long"), 0);
	assert_int_equal(SUBMIT(P9_TREADLINK, "d", 1u), -EMSGSIZE);
	assert_int_equal(SUBMIT(P9_TWALK, "ddws", 0u, 2u, 1, "file"), 0);
	assert_int_equal(SUBMIT(P9_TLOPEN, "dd", 2u, 2u), 0);
	assert_int_equal(SUBMIT(P9_TREAD, "dqd", 2u, 0ull, 65536u), 0);
	buf_done(&b);
}

/* With out space of every size, nothing is written beyond it, and no answer is half there. */
static void out_space_of_every_size(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < MESSAGES; i++) {
		for (size_t room = 0; room < 64; room++) {
			autobuf b = BUF_INIT;
			struct iovec in, out;
			uint8_t *space = malloc(room); /* ASan sees a byte too many */
			uint32_t n, size;

			message_make(&b, i);
			in = (struct iovec){ b.data, b.len };
			out = (struct iovec){ space, room };
			n = submit(&in, 1, &out, 1);
			assert_true(n <= room);
			if (n != 0) {
				memcpy(&size, space, 4);
				assert_int_equal(size, n);
			} else {
				assert_true(room < P9_RLERROR_SIZE);
			}
			free(space);
		}
	}
	assert_int_equal(submit(NULL, 0, NULL, 0), 0);
}

/* Messages and replies that are cut into segments, of every size, give the same. */
static void segments_of_every_size(void **state)
{
	static const uint8_t want[] = "0123456789";
	uint8_t data[2048];

	(void)state;
	for (size_t step = 1; step < 40; step++) {
		struct iovec in[P9_IOV_MAX], out[P9_IOV_MAX];
		unsigned int in_count = 0, out_count = 0;
		autobuf b = BUF_INIT, w = BUF_INIT;
		size_t at;

		p9c_message(&w, P9_TWRITE, 1, "dqdD", 3u, 0ull, 10u, want, (size_t)10);
		for (at = 0; at < w.len; at += step)
			in[in_count++] = (struct iovec){ w.data + at, MIN(step, w.len - at) };
		out[0] = (struct iovec){ data, sizeof(data) };
		assert_int_equal(submit(in, in_count, out, 1), P9_RREAD_HEADER);
		assert_int_equal(data[P9_HEADER], 10);

		p9c_message(&b, P9_TREAD, 1, "dqd", 3u, 0ull, 100u);
		in_count = 0;
		for (at = 0; at < b.len; at += step)
			in[in_count++] = (struct iovec){ b.data + at, MIN(step, b.len - at) };
		for (at = 0; at < 200; at += step)
			out[out_count++] = (struct iovec){ data + at, step };
		assert_int_equal(submit(in, in_count, out, out_count), P9_RREAD_HEADER + 10);
		assert_memory_equal(data + P9_RREAD_HEADER, want, 10);
	}
}

/* A Twrite whose size leaves out its data, as zero-copy clients before Linux 5.13 send it. */
static void a_write_that_does_not_count_its_data(void **state)
{
	autobuf b = BUF_INIT;

	(void)state;
	p9c_message(&b, P9_TWRITE, 1, "dqdD", 3u, 0ull, 4u, "ABCD", (size_t)4);
	set_size(&b, P9_TWRITE_HEADER);
	assert_int_equal(submit_buf(&b, b.len), 0);
	assert_int_equal(SUBMIT(P9_TREAD, "dqd", 3u, 0ull, 4u), 0);
	assert_memory_equal(out_bytes + P9_RREAD_HEADER, "ABCD", 4);
}

static void no_version_no_service(void **state)
{
	(void)state;
	p9_session_reset(session);
	for (unsigned int i = 0; i < MESSAGES; i++) {
		autobuf b = BUF_INIT;

		message_make(&b, i);
		assert_int_equal(submit_buf(&b, b.len), b.data[4] == P9_TFLUSH ? 0 : -EPROTO);
	}
	assert_int_equal(SUBMIT(P9_TVERSION, "ds", 65536u, P9_VERSION), 0);
}

/* The guest's memory changes while the server reads it: any answer is right, as long as it is one. */
static struct {
	uint8_t bytes[64];
	atomic_bool stop;
} shared;

/* What it does is a data race, and meant to be one: ThreadSanitizer is not to watch it. */
__attribute__((no_sanitize("thread"))) static void *scribble(void *arg)
{
	unsigned int seed = 1;

	(void)arg;
	while (!atomic_load(&shared.stop)) {
		volatile uint8_t *p = shared.bytes;

		seed = seed * 1103515245 + 12345;
		/* Everything changes but the header and the fid. */
		p[11 + (seed >> 8) % (sizeof(shared.bytes) - 11)] = (uint8_t)(seed >> 20);
	}
	return NULL;
}

static void memory_that_changes_meanwhile(void **state)
{
	struct iovec in = { shared.bytes, sizeof(shared.bytes) }, out = { out_bytes, sizeof(out_bytes) };
	static const uint8_t types[] = { P9_TWALK, P9_TWRITE, P9_TXATTRWALK, P9_TREADDIR, P9_TUNLINKAT };
	pthread_t thread;

	(void)state;
	atomic_store(&shared.stop, false);
	assert_int_equal(pthread_create(&thread, NULL, scribble, NULL), 0);
	for (unsigned int i = 0; i < 4000; i++) {
		uint8_t head[11] = { sizeof(shared.bytes), 0, 0, 0, types[i % ARRAY_LEN(types)], 1, 0, 1 };

		memcpy(shared.bytes, head, sizeof(head));
		assert_true(submit(&in, 1, &out, 1) >= P9_HEADER);
	}
	atomic_store(&shared.stop, true);
	pthread_join(thread, NULL);
}

/* ---- over the socket ---- */

static void a_stream_that_is_none_is_hung_up(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} streams[] = {
		{ "\0\0\0\0dxx", 7 },
		{ "\6\0\0\0dxx", 7 },
		{ "\xff\xff\xff\xffhuge", 8 },
		{ "GET / HTTP/1.0\r\n\r\n", 18 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(streams); i++) {
		p9c_send_raw(&c, streams[i].bytes, streams[i].len);
		assert_int_equal(p9c_receive(&c), -ECONNRESET);
		p9c_disconnect(&c);
		p9c_connect(&c);
	}
	assert_int_equal(p9c_call(&c, P9_TVERSION, "ds", 65536u, P9_VERSION), 0);
}

static void a_client_may_leave_anywhere(void **state)
{
	autobuf b = BUF_INIT;

	(void)state;
	p9c_message(&b, P9_TVERSION, UINT16_MAX, "ds", 65536u, P9_VERSION);
	for (size_t len = 0; len <= b.len; len++) {
		p9c_disconnect(&c);
		p9c_connect(&c);
		if (len > 0)
			p9c_send_raw(&c, b.data, len);
	}
	assert_int_equal(p9c_receive(&c), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(names_are_single_components, setup, teardown),
		cmocka_unit_test_setup_teardown(strings_have_no_nul, setup, teardown),
		cmocka_unit_test_setup_teardown(messages_cut_at_every_byte, setup, teardown),
		cmocka_unit_test_setup_teardown(sizes_that_lie, setup, teardown),
		cmocka_unit_test_setup_teardown(fids_that_are_not, setup, teardown),
		cmocka_unit_test_setup_teardown(fids_of_the_wrong_kind, setup, teardown),
		cmocka_unit_test_setup_teardown(counts_and_offsets_that_lie, setup, teardown),
		cmocka_unit_test_setup_teardown(values_that_never_end, setup, teardown),
		cmocka_unit_test_setup_teardown(an_attribute_that_grows_all_the_time, setup, teardown),
		cmocka_unit_test_setup_teardown(types_that_are_none, setup, teardown),
		cmocka_unit_test_setup_teardown(messages_beyond_msize, setup, teardown),
		cmocka_unit_test_setup_teardown(out_space_of_every_size, setup, teardown),
		cmocka_unit_test_setup_teardown(segments_of_every_size, setup, teardown),
		cmocka_unit_test_setup_teardown(a_write_that_does_not_count_its_data, setup, teardown),
		cmocka_unit_test_setup_teardown(no_version_no_service, setup, teardown),
		cmocka_unit_test_setup_teardown(memory_that_changes_meanwhile, setup, teardown),
		cmocka_unit_test_setup_teardown(a_stream_that_is_none_is_hung_up, setup, teardown),
		cmocka_unit_test_setup_teardown(a_client_may_leave_anywhere, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
