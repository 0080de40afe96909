/* SPDX-License-Identifier: Apache-2.0 */
/* The KVM verdict: asked once, kept, and asked again when what is kept cannot be trusted. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "vm/choose/choose.h"
#include "vm/vm.h"

#define FILE_NAME "kvm-verdict.json"

static char dir[64], cache[96], file[160];

static int set_up(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/test-choose.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	(void)snprintf(cache, sizeof(cache), "%s/cache", dir);
	(void)snprintf(file, sizeof(file), "%s/" FILE_NAME, cache);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)unlink(file);
	(void)rmdir(cache);
	return rmdir(dir);
}

static void need_kvm_device(void)
{
	autoclose int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		skip(); /* without the device nothing is probed or kept */
}

static void keeps_a_verdict(void **state)
{
	struct vm_verdict first, second, third;

	(void)state;
	need_kvm_device();
	vm_kvm_verdict(cache, &first);
	assert_false(first.cached);
	assert_true(first.why[0] != '\0');
	vm_kvm_verdict(cache, &second);
	assert_true(second.cached);
	assert_int_equal(second.usable, first.usable);
	assert_string_equal(second.why, first.why);
	vm_kvm_verdict(NULL, &third);
	assert_false(third.cached);
	assert_int_equal(third.usable, first.usable);
}

static void write_cache(const char *text, size_t len)
{
	autoclose int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_full(fd, text, len), 0);
}

static void ignores_what_it_cannot_trust(void **state)
{
	static const char *const broken[] = {
		"",
		"{",
		"[]",
		"null",
		"\xff\xfe",
		"{\"key\": 1, \"usable\": true, \"why\": \"x\"}",
		"{\"key\": \"another boot\", \"usable\": true, \"why\": \"x\"}",
		"{\"usable\": true, \"why\": \"x\"}",
	};
	autofree char *good = NULL, *big = calloc(1, 8192);
	struct vm_verdict real, v;
	size_t len;

	(void)state;
	need_kvm_device();
	assert_non_null(big);
	vm_kvm_verdict(cache, &real);
	assert_int_equal(fd_read_file(AT_FDCWD, file, 4096, &good, &len), 0);
	for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
		write_cache(broken[i], strlen(broken[i]));
		vm_kvm_verdict(cache, &v);
		if (v.cached || v.usable != real.usable)
			fail_msg("case %zu was believed", i);
	}
	/* A file that is cut anywhere is not believed, and is replaced by a whole one. */
	write_cache(good, len / 2);
	vm_kvm_verdict(cache, &v);
	assert_false(v.cached);
	vm_kvm_verdict(cache, &v);
	assert_true(v.cached);
	write_cache(big, 8192);
	vm_kvm_verdict(cache, &v);
	assert_false(v.cached);
	/* nor is one in a directory that others may write */
	vm_kvm_verdict(cache, &v);
	assert_true(v.cached);
	assert_int_equal(chmod(cache, 0777), 0);
	vm_kvm_verdict(cache, &v);
	assert_false(v.cached);
	assert_int_equal(chmod(cache, 0755), 0);
}

static void lives_without_a_cache_directory(void **state)
{
	struct vm_verdict v;

	(void)state;
	need_kvm_device();
	vm_kvm_verdict("/proc/no/such/directory", &v);
	assert_false(v.cached);
	vm_kvm_verdict("/dev/null", &v);
	assert_false(v.cached);
}

static void is_asked_by_many_at_once(void **state)
{
	pid_t pids[6];
	struct vm_verdict v;
	int status;

	(void)state;
	need_kvm_device();
	for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			for (int n = 0; n < 20; n++) {
				if (n % 5 == 4)
					(void)unlink(file);
				vm_kvm_verdict(cache, &v);
			}
			_exit(0);
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	vm_kvm_verdict(cache, &v);
	vm_kvm_verdict(cache, &v);
	assert_true(v.cached);
}

static void says_what_to_install(void **state)
{
	struct err err = ERR_INIT;
	enum vm_engine engine = VM_ENGINE_AUTO;
	struct vm_verdict v;
	char why[512] = "";
	int r;

	(void)state;
	vm_kvm_verdict(cache, &v);
	r = vm_choose_engine(cache, "/nonexistent/qemu", &engine, why, sizeof(why), &err);
	if (v.usable) {
		assert_int_equal(r, 0);
		assert_int_equal(engine, VM_ENGINE_KVM);
		return;
	}
	assert_int_equal(r, -ENODEV);
	assert_int_equal(engine, VM_ENGINE_AUTO);
	assert_non_null(strstr(err.msg, "qemu-system-x86"));
	assert_int_equal(vm_choose_engine(cache, "/bin/sh", &engine, why, sizeof(why), &err), 0);
	assert_int_equal(engine, VM_ENGINE_QEMU);
	assert_non_null(strstr(why, "KVM is not usable"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(keeps_a_verdict, set_up, tear_down),
		cmocka_unit_test_setup_teardown(ignores_what_it_cannot_trust, set_up, tear_down),
		cmocka_unit_test_setup_teardown(lives_without_a_cache_directory, set_up, tear_down),
		cmocka_unit_test_setup_teardown(is_asked_by_many_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(says_what_to_install, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
