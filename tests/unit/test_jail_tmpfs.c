/* SPDX-License-Identifier: Apache-2.0 */
/* Which tmpfs of a config FUSE file systems cover in the monitor's tree, and that nothing else sees them. In a process of its own. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "base/fd.h"
#include "jail/jail.h"
#include "tests/unit/tempdir.h"

#define HANG_S 60 /* nobody serves what is mounted: a look into it never ends */

#define require(what)                                                                                           \
	do {                                                                                                    \
		if (!(what)) {                                                                                  \
			print_error("line %d: %s (errno %s; %s)\n", __LINE__, #what, strerror(errno), err.msg); \
			_exit(1);                                                                               \
		}                                                                                               \
	} while (0)

/* With what jail_mount_tmpfs() says of each mount. */
static const char config[] =
	"{\"ociVersion\":\"1.0.2\",\"process\":{\"cwd\":\"/\",\"args\":[\"x\"]},\"root\":{\"path\":\"rootfs\"},"
	"\"linux\":{\"namespaces\":[{\"type\":\"mount\"}]},\"mounts\":["
	"{\"destination\":\"/t\",\"type\":\"tmpfs\",\"source\":\"tmpfs\"},"
	"{\"destination\":\"/ro\",\"type\":\"tmpfs\",\"source\":\"tmpfs\",\"options\":[\"ro\"]},"
	"{\"destination\":\"/with\",\"type\":\"tmpfs\",\"source\":\"tmpfs\"},"
	"{\"destination\":\"/with/in\",\"type\":\"bind\",\"source\":\"src\",\"options\":[\"bind\"]},"
	"{\"destination\":\"/twice\",\"type\":\"tmpfs\",\"source\":\"tmpfs\"},"
	"{\"destination\":\"/twice\",\"type\":\"tmpfs\",\"source\":\"tmpfs\"},"
	"{\"destination\":\"/dev\",\"type\":\"tmpfs\",\"source\":\"tmpfs\"},"
	"{\"destination\":\"/ext\",\"type\":\"sysfs\",\"source\":\"sysfs\"}]}";
static const int wanted[] = { 0, 0, -ENOENT, -ENOENT, -ENOENT, 0, -ENOENT, -ENOENT };

static char dir[64];

static int setup(void **state)
{
	(void)state;
	if (geteuid() != 0 || access("/dev/fuse", R_OK | W_OK) < 0)
		skip();
	strcpy(dir, "/tmp/vmrunc-jail-XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	assert_int_equal(mkdir("src", 0755) | mkdir("rootfs", 0755) | mkdir("rootfs/t", 0755), 0);
	assert_int_equal(mkdir("rootfs/t/under", 0755), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(chdir("/"), 0);
	tempdir_remove(dir);
	return 0;
}

static _Noreturn void build_and_look(void)
{
	const struct guest_container container = { .cid = "c" };
	struct binds binds = BINDS_NONE;
	struct jail_root *root = NULL;
	struct err err = ERR_INIT;
	struct spec *spec = NULL;
	char rootfs[128], text[8192];
	int proc, mountinfo;
	ssize_t n;

	(void)alarm(HANG_S);
	(void)snprintf(rootfs, sizeof(rootfs), "%s/rootfs", dir);
	require(spec_parse("config.json", config, strlen(config), &spec, NULL, &err) == 0);
	require(jail_count_shown(spec) == 5);
	require(binds_open(spec, dir, rootfs, "c", &binds, &err) == 0);
	require(jail_enter_mounts(false, &err) == 0);
	proc = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	require(jail_build(spec, &container, rootfs, &binds, false, &root, &err) == 0);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		int fd = jail_open_view(), r = jail_mount_tmpfs(root, i, fd);

		if (r != wanted[i])
			print_error("mount %zu: %d\n", i, r);
		require(r == wanted[i]);
	}
	require(jail_pivot(root, &err) == 0);
	/* the guest's clone of the root has what lies below, and a look into it needs nobody */
	require(faccessat(binds.root_export_fd, "t/under", F_OK, 0) == 0);
	mountinfo = openat(proc, "mountinfo", O_RDONLY | O_CLOEXEC);
	n = read(mountinfo, text, sizeof(text) - 1);
	require(n > 0);
	text[n] = '\0';
	require(strstr(text, " / /t rw,nosuid,nodev,noexec") && strstr(text, " / /ro ro,nosuid,nodev,noexec"));
	n = 0;
	for (const char *at = text; (at = strstr(at, " - fuse vmrunc ")) != NULL; at++)
		n++;
	require(n == 3);
	_exit(0);
}

static void tmpfs_without_other_mounts_are_covered(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0)
		build_and_look();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tmpfs_without_other_mounts_are_covered, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
