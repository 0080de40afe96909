/* SPDX-License-Identifier: Apache-2.0 */
/* The cpio writer, read back by a reader of our own and, where it is installed, by cpio(1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "image_fixture.h"
#include "vm/image/cpio.h"

struct member {
	unsigned int mode, links, size, rmajor, rminor, inode;
	const char *name, *data;
};

static unsigned int hex8(const char *p)
{
	char text[9] = "";

	memcpy(text, p, 8);
	assert_int_equal(strspn(text, "0123456789abcdefABCDEF"), 8);
	return (unsigned int)strtoul(text, NULL, 16);
}

/* Reads the member at @*at and moves on; checks everything that Linux's unpacker relies on. */
static struct member next(const struct buf *b, size_t *at)
{
	struct member m;
	const char *p = b->data + *at;
	size_t name_len;

	assert_int_equal(*at % 4, 0);
	assert_true(b->len - *at >= 110);
	assert_memory_equal(p, "070701", 6);
	m.inode = hex8(p + 6);
	m.mode = hex8(p + 14);
	assert_int_equal(hex8(p + 22), 0); /* uid */
	assert_int_equal(hex8(p + 30), 0); /* gid */
	m.links = hex8(p + 38);
	assert_int_equal(hex8(p + 46), 0); /* mtime: it would make equal contents differ */
	m.size = hex8(p + 54);
	m.rmajor = hex8(p + 78);
	m.rminor = hex8(p + 86);
	name_len = hex8(p + 94);
	m.name = p + 110;
	assert_int_equal(strlen(m.name) + 1, name_len);
	*at += (110 + name_len + 3) & ~3ul;
	m.data = b->data + *at;
	*at += (m.size + 3) & ~3ul;
	assert_true(*at <= b->len);
	return m;
}

static void write_sample(struct buf *out)
{
	struct cpio c;

	cpio_init(&c, out);
	cpio_add_dir(&c, "dev", 0755);
	cpio_add_char_device(&c, "dev/console", 0600, 5, 1);
	cpio_add_file(&c, "init", 0755, "12345", 5);
	cpio_add_file(&c, "empty", 0644, "", 0);
	cpio_add_symlink(&c, "link", "init");
	assert_int_equal(cpio_finish(&c), 0);
}

static void test_members(void **state)
{
	autobuf out = BUF_INIT;
	size_t at = 0;
	struct member m;

	(void)state;
	write_sample(&out);
	m = next(&out, &at);
	assert_string_equal(m.name, "dev");
	assert_int_equal(m.mode, S_IFDIR | 0755);
	m = next(&out, &at);
	assert_string_equal(m.name, "dev/console");
	assert_int_equal(m.mode, S_IFCHR | 0600);
	assert_int_equal(m.rmajor, 5);
	assert_int_equal(m.rminor, 1);
	m = next(&out, &at);
	assert_string_equal(m.name, "init");
	assert_int_equal(m.mode, S_IFREG | 0755);
	assert_int_equal(m.size, 5);
	assert_memory_equal(m.data, "12345", 5);
	m = next(&out, &at);
	assert_string_equal(m.name, "empty");
	assert_int_equal(m.size, 0);
	m = next(&out, &at);
	assert_int_equal(m.mode, S_IFLNK | 0777);
	assert_memory_equal(m.data, "init", 4);
	m = next(&out, &at);
	assert_string_equal(m.name, "TRAILER!!!");
	assert_int_equal(m.size, 0);
	assert_int_equal(at, out.len);
}

/* Members with the same inode become hard links, so each of ours has its own. */
static void test_inodes_differ(void **state)
{
	autobuf out = BUF_INIT;
	unsigned int seen = 0;
	size_t at = 0;

	(void)state;
	write_sample(&out);
	for (int i = 0; i < 5; i++) {
		struct member m = next(&out, &at);

		assert_true(m.inode > seen);
		seen = m.inode;
	}
}

static void test_reproducible(void **state)
{
	autobuf a = BUF_INIT, b = BUF_INIT;

	(void)state;
	write_sample(&a);
	write_sample(&b);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
}

static void test_long_name_fails(void **state)
{
	autobuf out = BUF_INIT;
	char name[5000];
	struct cpio c;

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	cpio_init(&c, &out);
	cpio_add_file(&c, name, 0644, "x", 1);
	assert_int_equal(cpio_finish(&c), -EFBIG);
}

static void test_cpio_tool_agrees(void **state)
{
	autobuf out = BUF_INIT;
	autofree char *list = NULL, *archive, *listing, *command;
	char *dir;

	(void)state;
	if (system("command -v cpio >/dev/null") != 0)
		skip();
	dir = fixture_dir();
	write_sample(&out);
	fixture_write(dir, "a.cpio", out.data, out.len);
	archive = fixture_path(dir, "a.cpio");
	listing = fixture_path(dir, "list");
	assert_true(asprintf(&command, "LC_ALL=C cpio -itv --quiet <%s 2>&1 | awk '{print $1, $NF}' >%s", archive,
			    listing) > 0);
	assert_int_equal(system(command), 0);
	assert_int_equal(fd_read_file(-1, listing, 4096, &list, NULL), 0);
	assert_string_equal(list, "drwxr-xr-x dev\ncrw------- dev/console\n-rwxr-xr-x init\n-rw-r--r-- empty\n"
				  "lrwxrwxrwx init\n");
	fixture_remove(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_inodes_differ),
		cmocka_unit_test(test_reproducible),
		cmocka_unit_test(test_long_name_fails),
		cmocka_unit_test(test_cpio_tool_agrees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
