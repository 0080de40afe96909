/* SPDX-License-Identifier: Apache-2.0 */
/* Modules: signatures, incomplete and unreadable directories, and the stock kernel's tree as it is and compressed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "image_fixture.h"
#include "vm/image/modules.h"

#define MAGIC "~Module signature appended~\n"

static void append_signature(struct buf *b, uint8_t signer, uint8_t key, uint32_t sig_len, size_t real)
{
	uint8_t info[12] = { 0, 0, 2, signer, key, 0, 0, 0, (uint8_t)(sig_len >> 24), (uint8_t)(sig_len >> 16),
		(uint8_t)(sig_len >> 8), (uint8_t)sig_len };

	memset(buf_extend(b, real), 0xaa, real);
	buf_put(b, info, sizeof(info));
	buf_puts(b, MAGIC);
}

static void test_signature_is_cut(void **state)
{
	static const struct {
		uint8_t signer, key;
		uint32_t sig_len;
		size_t real, want;
	} cases[] = {
		{ 0, 0, 700, 700, 5 },       /* PKCS#7, as all have it today */
		{ 10, 20, 256, 286, 5 },     /* the old format with names */
		{ 0, 0, 0, 0, 5 },           /* empty */
		{ 0, 0, 0xffffffff, 0, 45 }, /* a length that lies: nothing is cut off */
		{ 255, 255, 0xfffffff0, 3, 48 },
		{ 0, 0, 6, 0, 45 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autobuf b = BUF_INIT;

		buf_puts(&b, "12345");
		append_signature(&b, cases[i].signer, cases[i].key, cases[i].sig_len, cases[i].real);
		assert_int_equal(modules_cut_signature(b.data, b.len), cases[i].want);
	}
	assert_int_equal(modules_cut_signature(MAGIC, strlen(MAGIC)), strlen(MAGIC));
	assert_int_equal(modules_cut_signature("", 0), 0);
	assert_int_equal(modules_cut_signature("12345", 5), 5);
}

static void test_directory_missing_or_incomplete(void **state)
{
	enum module_state states[MODULES_NEEDS];
	struct module_list *list;
	struct err err = ERR_INIT;
	char *dir = fixture_dir();
	autofree char *none = fixture_path(dir, "6.1.0-none");

	(void)state;
	assert_int_equal(modules_look_up(none, states, &err), -ENOENT);
	assert_non_null(strstr(err.msg, none));
	assert_int_equal(modules_load(none, 0, &list, &err), -ENOENT);
	assert_int_equal(mkdir(none, 0755), 0);
	assert_int_equal(modules_look_up(none, states, &err), -ENOENT);
	assert_non_null(strstr(err.msg, "depmod 6.1.0-none"));
	fixture_remove(dir);
}

static void test_directory_unreadable(void **state)
{
	char *dir = fixture_dir();
	int status;
	pid_t pid;

	(void)state;
	if (geteuid() != 0)
		skip();
	fixture_write(dir, "6.1.0/modules.dep.bin", "", 0);
	pid = fork();
	if (pid == 0) {
		enum module_state states[MODULES_NEEDS];
		autofree char *sub = fixture_path(dir, "6.1.0");
		struct err err = ERR_INIT;

		if (chmod(sub, 0700) < 0 || setuid(65534) < 0)
			_exit(2);
		_exit(modules_look_up(sub, states, &err) == -EACCES && strstr(err.msg, sub) ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	fixture_remove(dir);
}

/* Where @name stands in the list, or -1. */
static int position(const struct module_list *list, const char *name)
{
	for (size_t i = 0; i < list->len; i++)
		if (strcmp(list->item[i].name, name) == 0)
			return (int)i;
	return -1;
}

static void expect_stock_list(const struct module_list *list)
{
	static const char *const before[][2] = {
		{ "virtio_ring", "virtio" },
		{ "virtio", "virtio_mmio" },
		{ "virtio_mmio", "virtio_console" },
		{ "9pnet", "9pnet_virtio" },
		{ "9pnet", "9p" },
		{ "netfs", "9p" },
		{ "failover", "net_failover" },
		{ "net_failover", "virtio_net" },
	};

	for (size_t i = 0; i < MODULES_NEEDS; i++)
		if ((position(list, modules_needs[i].module) >= 0) != !modules_needs[i].on_demand)
			fail_msg("%s: wrongly in the list, or missing", modules_needs[i].module);
	for (size_t i = 0; i < ARRAY_LEN(before); i++) {
		int first = position(list, before[i][0]), second = position(list, before[i][1]);

		if (first < 0 || second < 0 || first >= second)
			fail_msg("%s at %d must come before %s at %d", before[i][0], first, before[i][1], second);
	}
	for (size_t i = 0; i < list->len; i++) {
		const struct buf *b = &list->item[i].data;

		assert_memory_equal(b->data,
			"\x7f"
			"ELF",
			4);
		assert_int_equal(modules_cut_signature(b->data, b->len), b->len);
		assert_null(memmem(b->data, b->len, MAGIC, strlen(MAGIC)));
	}
}

static void test_stock_tree(void **state)
{
	const char *dir = fixture_stock_modules();
	enum module_state states[MODULES_NEEDS];
	struct module_list *list = NULL;
	struct err err = ERR_INIT;

	(void)state;
	if (!dir)
		skip();
	assert_int_equal(modules_look_up(dir, states, &err), 0);
	for (size_t i = 0; i < MODULES_NEEDS; i++)
		assert_int_equal(states[i], MODULE_FILE);
	if (modules_load(dir, 0, &list, &err) < 0)
		fail_msg("%s", err.msg);
	expect_stock_list(list);
	modules_free(list);
}

/* What only some containers use is read for those alone. */
static void test_modules_on_demand(void **state)
{
	static const char *const names[] = { "fuse", "tun", "loop", "overlay" };
	const char *dir = fixture_stock_modules();

	(void)state;
	if (!dir)
		skip();
	for (unsigned int wanted = 0; wanted < 1u << ARRAY_LEN(names); wanted++) {
		struct module_list *list = NULL;
		struct err err = ERR_INIT;

		assert_int_equal(modules_load(dir, wanted, &list, &err), 0);
		for (size_t i = 0; i < ARRAY_LEN(names); i++)
			assert_int_equal(position(list, names[i]) >= 0, wanted >> i & 1);
		modules_free(list);
	}
}

/*
 * Makes a tree with the stock kernel's modules, packed in different ways, without the module @without, and with the
 * line @built_in in modules.builtin (NULL: none). depmod makes the indexes. Returns the tree's "lib/modules/RELEASE",
 * or NULL if there is no depmod.
 */
static char *make_tree(const char *root, const struct module_list *list, const char *without, const char *built_in)
{
	autofree char *command = NULL;
	char name[256];

	for (size_t i = 0; i < list->len; i++) {
		static const struct {
			enum unpack_format format;
			const char *suffix;
		} as[] = { { UNPACK_XZ, ".xz" }, { UNPACK_ZSTD, ".zst" }, { UNPACK_NONE, "" } };
		autobuf module = BUF_INIT, packed = BUF_INIT;

		if (without && strcmp(list->item[i].name, without) == 0)
			continue;
		buf_put(&module, list->item[i].data.data, list->item[i].data.len);
		append_signature(&module, 0, 0, 100, 100);
		fixture_pack(as[i % 3].format, module.data, module.len, &packed);
		(void)snprintf(name, sizeof(name), "lib/modules/6.1.0-packed/kernel/%s.ko%s", list->item[i].name,
			as[i % 3].suffix);
		fixture_write(root, name, packed.data, packed.len);
	}
	fixture_write(root, "lib/modules/6.1.0-packed/modules.order", "", 0);
	fixture_write(root, "lib/modules/6.1.0-packed/modules.builtin", built_in ? built_in : "",
		built_in ? strlen(built_in) : 0);
	fixture_write(root, "lib/modules/6.1.0-packed/modules.builtin.modinfo", "", 0);
	assert_true(asprintf(&command,
			    "PATH=$PATH:/sbin:/usr/sbin; command -v depmod >/dev/null && depmod -b "
			    "%s 6.1.0-packed",
			    root) > 0);
	if (system(command) != 0)
		return NULL;
	return fixture_path(root, "lib/modules/6.1.0-packed");
}

static void check_tree(const char *without, const char *built_in, void (*check)(const char *dir))
{
	const char *stock = fixture_stock_modules();
	struct module_list *list = NULL;
	struct err err = ERR_INIT;
	autofree char *dir = NULL;
	char *root;

	if (!stock)
		skip();
	assert_int_equal(modules_load(stock, 0, &list, &err), 0);
	root = fixture_dir();
	dir = make_tree(root, list, without, built_in);
	modules_free(list);
	if (dir)
		check(dir);
	fixture_remove(root);
	if (!dir)
		skip();
}

static void check_packed(const char *dir)
{
	struct module_list *list = NULL;
	struct err err = ERR_INIT;

	if (modules_load(dir, 0, &list, &err) < 0)
		fail_msg("%s", err.msg);
	expect_stock_list(list);
	modules_free(list);
}

static void check_required_missing(const char *dir)
{
	enum module_state states[MODULES_NEEDS];
	struct module_list *list = NULL;
	struct err err = ERR_INIT;

	assert_int_equal(modules_look_up(dir, states, &err), 0);
	assert_int_equal(states[2], MODULE_MISSING);
	assert_int_equal(modules_load(dir, 0, &list, &err), -ENOPKG);
	assert_non_null(strstr(err.msg, "9pnet_virtio"));
	assert_non_null(strstr(err.msg, "CONFIG_NET_9P_VIRTIO"));
	assert_null(list);
}

static void check_optional_missing(const char *dir)
{
	enum module_state states[MODULES_NEEDS];
	struct module_list *list = NULL;
	struct err err = ERR_INIT;

	assert_int_equal(modules_look_up(dir, states, &err), 0);
	assert_string_equal(modules_needs[6].module, "virtio_balloon");
	assert_int_equal(states[6], MODULE_MISSING);
	assert_int_equal(states[MODULES_NEEDS - 1], MODULE_MISSING);
	/* what is wanted and is missing is no error, either */
	assert_int_equal(modules_load(dir, MODULES_OVERLAY, &list, &err), 0);
	assert_int_equal(position(list, "virtio_balloon"), -1);
	assert_int_equal(position(list, "overlay"), -1);
	assert_true(position(list, "9p") >= 0);
	modules_free(list);
}

static void check_built_in(const char *dir)
{
	enum module_state states[MODULES_NEEDS];
	struct module_list *list = NULL;
	struct err err = ERR_INIT;

	assert_int_equal(modules_look_up(dir, states, &err), 0);
	assert_int_equal(states[0], MODULE_BUILT_IN);
	assert_int_equal(modules_load(dir, 0, &list, &err), 0);
	assert_int_equal(position(list, "virtio_mmio"), -1);
	modules_free(list);
}

static void test_packed_tree(void **state)
{
	(void)state;
	check_tree(NULL, NULL, check_packed);
}

static void test_required_missing(void **state)
{
	(void)state;
	check_tree("9pnet_virtio", NULL, check_required_missing);
}

static void test_optional_missing(void **state)
{
	(void)state;
	check_tree("virtio_balloon", NULL, check_optional_missing);
}

static void test_built_in(void **state)
{
	(void)state;
	check_tree("virtio_mmio", "kernel/drivers/virtio/virtio_mmio.ko\n", check_built_in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signature_is_cut),
		cmocka_unit_test(test_directory_missing_or_incomplete),
		cmocka_unit_test(test_directory_unreadable),
		cmocka_unit_test(test_stock_tree),
		cmocka_unit_test(test_modules_on_demand),
		cmocka_unit_test(test_packed_tree),
		cmocka_unit_test(test_required_missing),
		cmocka_unit_test(test_optional_missing),
		cmocka_unit_test(test_built_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
