/* SPDX-License-Identifier: Apache-2.0 */
/* The search for a kernel, and the whole image: order, refusals in words, caching, the report. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "image_fixture.h"
#include "vm/image/image.h"

#define SMALL_KERNEL "/var/cache/vmrunc/guest-kernel/vmlinux" /* make guest-kernel */

static const char *const all_markers[] = { "virtio-mmio", "9pnet_virtio", "v9fs_inode_cache", "virtio_console",
	"virtio_net", "virtio_rng", "virtio_balloon", NULL };
static const char *const without_9p[] = { "virtio-mmio", "virtio_console", "virtio_net", NULL };
static const char *const without_net[] = { "virtio-mmio", "9pnet_virtio", "v9fs_inode_cache", "virtio_console", NULL };

struct fixture {
	char *dir;
	char *cache_dir, *lib_dir, *boot_dir, *modules_dir;
	struct kernel_places places;
	struct cache cache;
	char warnings[4096];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err err = ERR_INIT;

	f->dir = fixture_dir();
	f->cache_dir = fixture_path(f->dir, "cache");
	f->lib_dir = fixture_path(f->dir, "lib");
	f->boot_dir = fixture_path(f->dir, "boot");
	f->modules_dir = fixture_path(f->dir, "modules");
	f->places = (struct kernel_places){ .cache_dirs = { f->cache_dir },
		.lib_dir = f->lib_dir,
		.boot_dir = f->boot_dir,
		.modules_dirs = { f->modules_dir },
		.running = "6.1.0-5" };
	assert_int_equal(cache_open(&f->cache, f->cache_dir, &err), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	cache_done(&f->cache);
	fixture_remove(f->dir);
	free(f->cache_dir);
	free(f->lib_dir);
	free(f->boot_dir);
	free(f->modules_dir);
	free(f);
	return 0;
}

static void put_vmlinux(struct fixture *f, const char *name, const char *release, const char *const *strings)
{
	autobuf b = BUF_INIT;

	fixture_vmlinux(release, strings, 100000, &b);
	fixture_write(f->dir, name, b.data, b.len);
}

static void put_bzimage(struct fixture *f, const char *name, const char *release, const char *const *strings)
{
	autobuf kernel = BUF_INIT, packed = BUF_INIT, image = BUF_INIT;

	fixture_vmlinux(release, strings, 100000, &kernel);
	fixture_pack(UNPACK_ZSTD, kernel.data, kernel.len, &packed);
	fixture_bzimage(release, UNPACK_ZSTD, &packed, (uint32_t)kernel.len, &image);
	fixture_write(f->dir, name, image.data, image.len);
}

/* Searches, and expects to find the kernel of @release for a reason that contains @why. */
static void expect_found(struct fixture *f, const struct kernel_wish *wish, const char *release, const char *why)
{
	struct kernel k = KERNEL_INIT;
	struct err err = ERR_INIT;

	if (search_kernel(wish, wish ? 1 : 0, &f->places, &f->cache, &k, NULL, &err) < 0)
		fail_msg("%s", err.msg);
	assert_string_equal(k.release, release);
	if (!strstr(k.why, why))
		fail_msg("wanted \"%s\", got \"%s\"", why, k.why);
	kernel_done(&k);
}

static void expect_refused(struct fixture *f, const struct kernel_wish *wish, int error, const char *const *words)
{
	struct kernel k = KERNEL_INIT;
	struct err err = ERR_INIT;

	assert_int_equal(search_kernel(wish, wish ? 1 : 0, &f->places, &f->cache, &k, NULL, &err), error);
	for (; *words; words++)
		if (!strstr(err.msg, *words))
			fail_msg("wanted \"%s\" in \"%s\"", *words, err.msg);
}

static void test_order(void **state)
{
	struct fixture *f = *state;
	autofree char *asked = fixture_path(f->dir, "mine");
	struct kernel_wish wish = { .path = asked, .asked_by = "--kernel" };
	const char *const none[] = { "no guest kernel found", "linux-image-amd64", "kernel-core", NULL };

	expect_refused(f, NULL, -ENOENT, none);
	put_bzimage(f, "boot/vmlinuz-6.1.0-9", "6.1.0-9", all_markers);
	expect_found(f, NULL, "6.1.0-9", "newest usable kernel installed");
	put_bzimage(f, "boot/vmlinuz-6.1.0-10", "6.1.0-10", all_markers);
	expect_found(f, NULL, "6.1.0-10", "newest usable kernel installed");
	put_bzimage(f, "modules/6.1.0-11/vmlinuz", "6.1.0-12", all_markers);
	expect_found(f, NULL, "6.1.0-12", "newest usable kernel installed");
	put_bzimage(f, "cache/stock-kernel/6.2.0/boot/vmlinuz-6.2.0", "6.2.0", all_markers);
	expect_found(f, NULL, "6.2.0", "contrib/get-kernel");
	put_bzimage(f, "boot/vmlinuz-6.1.0-5", "6.1.0-5", all_markers);
	expect_found(f, NULL, "6.1.0-5", "the host's running kernel");
	put_vmlinux(f, "lib/vmlinux", "6.1.0-lib", all_markers);
	expect_found(f, NULL, "6.1.0-lib", "own small kernel");
	put_vmlinux(f, "cache/guest-kernel/vmlinux", "6.1.0-small", all_markers);
	expect_found(f, NULL, "6.1.0-small", "own small kernel");
	put_vmlinux(f, "mine", "5.0.0-mine", all_markers);
	expect_found(f, &wish, "5.0.0-mine", "asked for by --kernel");
}

static void test_fetched_vmlinux_is_used_as_it_is(void **state)
{
	struct fixture *f = *state;
	struct kernel k = KERNEL_INIT;
	struct err err = ERR_INIT;

	put_bzimage(f, "cache/stock-kernel/6.2.0/boot/vmlinuz-6.2.0", "6.2.0", all_markers);
	put_vmlinux(f, "cache/stock-kernel/6.2.0/boot/vmlinux-6.2.0", "6.2.0", all_markers);
	assert_int_equal(search_kernel(NULL, 0, &f->places, &f->cache, &k, NULL, &err), 0);
	assert_int_equal(k.format, KERNEL_ELF);
	kernel_done(&k);
}

static void test_first_wish_counts(void **state)
{
	struct fixture *f = *state;
	autofree char *one = fixture_path(f->dir, "one"), *two = fixture_path(f->dir, "two");
	struct kernel_wish wishes[] = { { NULL, "--kernel" }, { one, "vm.kernel.path" },
		{ two, "the configuration file" } };
	struct kernel k = KERNEL_INIT;
	struct err err = ERR_INIT;

	put_vmlinux(f, "one", "6.1.0-one", all_markers);
	put_vmlinux(f, "two", "6.1.0-two", all_markers);
	assert_int_equal(search_kernel(wishes, 3, &f->places, NULL, &k, NULL, &err), 0);
	assert_string_equal(k.release, "6.1.0-one");
	assert_string_equal(k.why, "asked for by vm.kernel.path");
	kernel_done(&k);
}

static void test_without_9p(void **state)
{
	struct fixture *f = *state;
	autofree char *asked = fixture_path(f->dir, "mine");
	struct kernel_wish wish = { .path = asked, .asked_by = "vm.kernel.path" };
	const char *const refused[] = { asked, "vm.kernel.path", "CONFIG_9P_FS", "CONFIG_NET_9P_VIRTIO", NULL };
	const char *const none[] = { "no usable guest kernel", "vmlinuz-6.1.0-9", "CONFIG_9P_FS", "linux-image-amd64",
		NULL };
	autobuf passed = BUF_INIT;
	struct kernel k = KERNEL_INIT;
	struct err err = ERR_INIT;

	put_bzimage(f, "mine", "6.1.0-mine", without_9p);
	expect_refused(f, &wish, -ENOPKG, refused);
	put_bzimage(f, "boot/vmlinuz-6.1.0-9", "6.1.0-9", without_9p);
	expect_refused(f, NULL, -ENOENT, none);
	put_bzimage(f, "boot/vmlinuz-6.1.0-8", "6.1.0-8", all_markers);
	assert_int_equal(search_kernel(NULL, 0, &f->places, &f->cache, &k, &passed, &err), 0);
	assert_string_equal(k.release, "6.1.0-8");
	assert_non_null(strstr(passed.data, "vmlinuz-6.1.0-9"));
	assert_non_null(strstr(passed.data, "CONFIG_9P_FS"));
	kernel_done(&k);
}

static void test_refused_files(void **state)
{
	static const struct {
		const char *name, *say;
		int error;
	} cases[] = {
		{ "missing", "No such file", -ENOENT },
		{ "boot", "not a regular file", -EINVAL },
		{ "fifo", "not a regular file", -EINVAL },
		{ "empty", "neither a bzImage nor", -EBADMSG },
		{ "text", "neither a bzImage nor", -EBADMSG },
		{ "object", "not an x86-64 kernel", -EBADMSG },
		{ "program", "not a Linux kernel", -EBADMSG },
		{ "cut", "cut short", -EBADMSG },
	};
	struct fixture *f = *state;
	autofree char *fifo = fixture_path(f->dir, "fifo"), *cut = fixture_path(f->dir, "cut");
	char object[512] = "\x7f"
			   "ELF\x02\x01\x01",
	     program[4096] = "\x7f"
			     "ELF\x02\x01\x01";

	object[16] = 1; /* ET_REL */
	object[18] = 62;
	program[16] = 2; /* ET_EXEC */
	program[18] = 62;
	assert_int_equal(mkdir(f->boot_dir, 0755), 0);
	assert_int_equal(mkfifo(fifo, 0644), 0);
	fixture_write(f->dir, "empty", "", 0);
	fixture_write(f->dir, "text", "#!/bin/sh\n", 10);
	fixture_write(f->dir, "object", object, sizeof(object));
	fixture_write(f->dir, "program", program, sizeof(program));
	put_bzimage(f, "cut", "6.1.0", all_markers);
	assert_int_equal(truncate(cut, 20000), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autofree char *path = fixture_path(f->dir, cases[i].name);
		struct kernel_wish wish = { .path = path, .asked_by = "--kernel" };
		const char *const words[] = { path, "--kernel", cases[i].say, NULL };

		expect_refused(f, &wish, cases[i].error, words);
	}
}

static void test_configuration_beside(void **state)
{
	static const char modular[] = "CONFIG_VIRTIO_MMIO=y\nCONFIG_VIRTIO_CONSOLE=y\nCONFIG_NET_"
				      "9P_VIRTIO=y\nCONFIG_9P_FS=m\n"
				      "CONFIG_9P_FS_POSIX_ACL=y\n";
	struct fixture *f = *state;
	autofree char *path = fixture_path(f->dir, "vmlinux");
	struct kernel_wish wish = { .path = path, .asked_by = "--kernel" };
	const char *const words[] = { "CONFIG_9P_FS ", "no module directory", "6.1.0-own", NULL };
	char complete[sizeof(modular) + 32];

	/* The strings say that the driver is there, the configuration that it is not: the configuration counts. */
	put_vmlinux(f, "vmlinux", "6.1.0-own", all_markers);
	fixture_write(f->dir, "config-6.1.0-own", modular, sizeof(modular) - 1);
	expect_refused(f, &wish, -ENOPKG, words);
	(void)snprintf(complete, sizeof(complete), "%sCONFIG_9P_FS=y", modular);
	fixture_write(f->dir, "config-6.1.0-own", complete, strlen(complete));
	expect_found(f, &wish, "6.1.0-own", "--kernel");
	put_vmlinux(f, "vmlinux", "6.1.0-own", NULL);
	expect_found(f, &wish, "6.1.0-own", "--kernel");
}

static void test_configuration_inside(void **state)
{
	static const char config[] = "# a "
				     "kernel\nCONFIG_VIRTIO_MMIO=y\nCONFIG_VIRTIO_CONSOLE="
				     "y\nCONFIG_NET_9P_VIRTIO=y\nCONFIG_9P_FS=y\n";
	struct fixture *f = *state;
	autofree char *path = fixture_path(f->dir, "vmlinux");
	struct kernel_wish wish = { .path = path, .asked_by = "--kernel" };
	autobuf kernel = BUF_INIT, packed = BUF_INIT;
	struct kernel k = KERNEL_INIT;
	struct err err = ERR_INIT;

	fixture_vmlinux("6.1.0-ik", NULL, 100000, &kernel);
	fixture_pack(UNPACK_GZIP, config, sizeof(config) - 1, &packed);
	memcpy(kernel.data + 60000, "IKCFG_ST", 8);
	memcpy(kernel.data + 60008, packed.data, packed.len);
	fixture_write(f->dir, "vmlinux", kernel.data, kernel.len);
	assert_int_equal(search_kernel(&wish, 1, &f->places, &f->cache, &k, NULL, &err), 0);
	assert_int_equal(k.states[0], MODULE_BUILT_IN);
	assert_int_equal(k.states[MODULES_NEEDS - 1], MODULE_MISSING);
	kernel_done(&k);
}

/* A packed kernel that is of no use by the configuration beside it is not unpacked. */
static void test_configuration_spares_unpacking(void **state)
{
	static const char config[] = "CONFIG_9P_FS=m\n";
	struct fixture *f = *state;
	const char *const words[] = { "CONFIG_9P_FS", NULL };
	autofree char *pattern = fixture_path(f->cache_dir, "vmlinux-*");
	glob_t found;

	put_bzimage(f, "boot/vmlinuz-6.1.0-9", "6.1.0-9", all_markers);
	fixture_write(f->dir, "boot/config-6.1.0-9", config, sizeof(config) - 1);
	expect_refused(f, NULL, -ENOENT, words);
	assert_int_equal(glob(pattern, 0, NULL, &found), GLOB_NOMATCH);
}

static void test_bzimage_needs_a_cache(void **state)
{
	struct fixture *f = *state;
	autofree char *path = fixture_path(f->dir, "vmlinuz");
	struct kernel_wish wish = { .path = path, .asked_by = "--kernel" };
	struct kernel k = KERNEL_INIT;
	struct err err = ERR_INIT;

	put_bzimage(f, "vmlinuz", "6.1.0", all_markers);
	assert_int_equal(search_kernel(&wish, 1, &f->places, NULL, &k, NULL, &err), -ENOENT);
	assert_non_null(strstr(err.msg, "cache"));
}

static void note_warning(void *arg, const char *text)
{
	struct fixture *f = arg;

	(void)snprintf(f->warnings + strlen(f->warnings), sizeof(f->warnings) - strlen(f->warnings), "%s\n", text);
}

static struct image_request request(struct fixture *f)
{
	return (struct image_request){ .cache_dir = f->cache_dir,
		.agent = "the agent",
		.agent_len = 9,
		.places = &f->places,
		.warn = note_warning,
		.warn_arg = f };
}

static char *read_fd(int fd, size_t *ret_len)
{
	struct stat st;
	char *data;

	assert_int_equal(fstat(fd, &st), 0);
	*ret_len = (size_t)st.st_size;
	data = malloc(*ret_len);
	assert_int_equal(pread(fd, data, *ret_len, 0), st.st_size);
	return data;
}

static void prepare(const struct image_request *req, struct image *img)
{
	struct err err = ERR_INIT;

	if (image_prepare(req, img, &err) < 0)
		fail_msg("%s", err.msg);
}

static void test_image_is_kept(void **state)
{
	struct fixture *f = *state;
	struct image_request req = request(f);
	struct image first = IMAGE_INIT, second = IMAGE_INIT, other = IMAGE_INIT;
	autofree char *initrd = NULL, *again = NULL;
	size_t len, again_len;

	put_bzimage(f, "boot/vmlinuz-6.1.0-5", "6.1.0-5", all_markers);
	prepare(&req, &first);
	initrd = read_fd(first.initrd_fd, &len);
	assert_non_null(memmem(initrd, len, "init\0", 5));
	assert_non_null(memmem(initrd, len, "the agent", 9));
	assert_non_null(memmem(initrd, len, "modules/order", 13));
	assert_string_equal(first.release, "6.1.0-5");
	assert_non_null(strstr(first.cmdline, "panic=-1"));
	assert_string_equal(f->warnings, "");

	prepare(&req, &second);
	assert_string_equal(first.vmlinux_path, second.vmlinux_path);
	assert_string_equal(first.initrd_path, second.initrd_path);

	/* Another agent makes another archive. */
	req.agent = "an agent!";
	prepare(&req, &other);
	assert_string_equal(first.vmlinux_path, other.vmlinux_path);
	assert_string_not_equal(first.initrd_path, other.initrd_path);
	image_done(&other);

	/* Damaged and deleted entries come back. */
	req.agent = "the agent";
	assert_int_equal(truncate(first.initrd_path, 100), 0);
	assert_int_equal(unlink(first.vmlinux_path), 0);
	prepare(&req, &other);
	again = read_fd(other.initrd_fd, &again_len);
	assert_int_equal(again_len, len);
	assert_memory_equal(again, initrd, len);
	assert_int_equal(access(first.vmlinux_path, R_OK), 0);
	image_done(&first);
	image_done(&second);
	image_done(&other);
	image_done(&other); /* twice does no harm */
}

static void test_changed_kernel_is_unpacked_again(void **state)
{
	struct fixture *f = *state;
	struct image_request req = request(f);
	struct image before = IMAGE_INIT, after = IMAGE_INIT;

	put_bzimage(f, "boot/vmlinuz-6.1.0-5", "6.1.0-5", all_markers);
	prepare(&req, &before);
	put_bzimage(f, "boot/vmlinuz-6.1.0-5", "6.1.0-5b", all_markers);
	prepare(&req, &after);
	assert_string_not_equal(before.vmlinux_path, after.vmlinux_path);
	assert_string_equal(after.release, "6.1.0-5b");
	image_done(&before);
	image_done(&after);
}

static void test_users_initrd_comes_first(void **state)
{
	struct fixture *f = *state;
	autofree char *path = fixture_path(f->dir, "mine.img"), *data = NULL;
	struct image_request req = request(f);
	struct image img = IMAGE_INIT;
	struct err err = ERR_INIT;
	size_t len;

	put_vmlinux(f, "lib/vmlinux", "6.1.0", all_markers);
	req.initrd = path;
	assert_int_equal(image_prepare(&req, &img, &err), -ENOENT);
	assert_non_null(strstr(err.msg, path));
	fixture_write(f->dir, "mine.img", "MINE!", 5);
	prepare(&req, &img);
	data = read_fd(img.initrd_fd, &len);
	assert_memory_equal(data,
		"MINE!\0\0\0"
		"070701",
		14);
	image_done(&img);
}

static void test_optional_piece_is_a_warning(void **state)
{
	struct fixture *f = *state;
	struct image_request req = request(f);
	struct image img = IMAGE_INIT;

	put_vmlinux(f, "lib/vmlinux", "6.1.0", without_net);
	prepare(&req, &img);
	assert_non_null(strstr(f->warnings, "CONFIG_VIRTIO_NET"));
	assert_non_null(strstr(f->warnings, "CONFIG_VIRTIO_BALLOON"));
	image_done(&img);
}

static void test_unusable_cache_falls_back(void **state)
{
	struct fixture *f = *state;
	autofree char *other = fixture_path(f->dir, "other/cache"), *file = fixture_path(f->dir, "file");
	struct image_request req = request(f);
	struct image img = IMAGE_INIT;
	struct err err = ERR_INIT;

	put_vmlinux(f, "lib/vmlinux", "6.1.0", all_markers);
	fixture_write(f->dir, "file", "", 0);
	req.cache_dir = file;
	assert_int_equal(image_prepare(&req, &img, &err), -ENOTDIR);
	assert_non_null(strstr(err.msg, file));
	req.fallback_dir = other;
	prepare(&req, &img);
	assert_non_null(strstr(f->warnings, file));
	assert_non_null(strstr(f->warnings, other));
	assert_int_equal(strncmp(img.initrd_path, other, strlen(other)), 0);
	image_done(&img);
}

static void test_report(void **state)
{
	struct fixture *f = *state;
	struct image_request req = request(f);
	struct image_report r;

	assert_int_equal(image_report(&req, &r), 0);
	assert_false(r.usable);
	assert_string_equal(r.kernel_path, "");
	assert_non_null(strstr(r.text.data, "guest kernel: none"));
	assert_non_null(strstr(r.remedy.data, "linux-image-amd64"));
	assert_non_null(strstr(r.remedy.data, "make guest-kernel"));
	image_report_done(&r);

	put_bzimage(f, "boot/vmlinuz-6.1.0-5", "6.1.0-5", without_9p);
	put_vmlinux(f, "boot/vmlinuz-6.1.0-4", "6.1.0-4", without_net);
	assert_int_equal(image_report(&req, &r), 0);
	assert_true(r.usable);
	assert_string_equal(r.release, "6.1.0-4");
	assert_int_equal(r.states[0], MODULE_BUILT_IN);
	assert_int_equal(r.states[4], MODULE_MISSING);
	assert_non_null(strstr(r.passed_over.data, "vmlinuz-6.1.0-5"));
	assert_null(strstr(strstr(r.passed_over.data, "vmlinuz-6.1.0-5") + 1, "vmlinuz-6.1.0-5")); /* listed once */
	assert_non_null(strstr(r.text.data, "virtio_net"));
	assert_non_null(strstr(r.remedy.data, "CONFIG_VIRTIO_NET"));
	image_report_done(&r);
}

/* Debian's kernel as it comes is packed with xz, and has everything as modules. */
static void test_stock_kernel(void **state)
{
	struct fixture *f = *state;
	struct image_request req = request(f);
	struct image img = IMAGE_INIT;
	struct kernel_wish wish = { .asked_by = "--kernel" };
	glob_t found;
	size_t len;

	if (!fixture_stock_modules() || glob(STOCK_DIR "/boot/vmlinuz-*", 0, NULL, &found) != 0)
		skip();
	wish.path = found.gl_pathv[0];
	req.kernels = &wish;
	req.kernels_len = 1;
	prepare(&req, &img);
	globfree(&found);
	autofree char *initrd = read_fd(img.initrd_fd, &len);
	assert_non_null(memmem(initrd, len, "modules/00-virtio", 17));
	assert_non_null(memmem(initrd, len, "-9p.ko\n", 7));
	assert_string_equal(f->warnings, "");
	image_done(&img);
}

/* vmrunc's own kernel has everything built in, and its configuration says so. */
static void test_small_kernel(void **state)
{
	struct fixture *f = *state;
	struct kernel_wish wish = { .path = SMALL_KERNEL, .asked_by = "--kernel" };
	struct kernel k = KERNEL_INIT;
	struct err err = ERR_INIT;

	if (access(SMALL_KERNEL, R_OK) < 0) {
		print_message("no small kernel: run make guest-kernel\n");
		skip();
	}
	if (search_kernel(&wish, 1, &f->places, &f->cache, &k, NULL, &err) < 0)
		fail_msg("%s", err.msg);
	for (size_t i = 0; i < MODULES_NEEDS; i++)
		assert_int_equal(k.states[i], MODULE_BUILT_IN);
	assert_string_equal(k.modules_dir, "");
	kernel_done(&k);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(test_order),
		WITH(test_fetched_vmlinux_is_used_as_it_is),
		WITH(test_first_wish_counts),
		WITH(test_without_9p),
		WITH(test_refused_files),
		WITH(test_configuration_beside),
		WITH(test_configuration_inside),
		WITH(test_configuration_spares_unpacking),
		WITH(test_bzimage_needs_a_cache),
		WITH(test_image_is_kept),
		WITH(test_changed_kernel_is_unpacked_again),
		WITH(test_users_initrd_comes_first),
		WITH(test_optional_piece_is_a_warning),
		WITH(test_unusable_cache_falls_back),
		WITH(test_report),
		WITH(test_stock_kernel),
		WITH(test_small_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
