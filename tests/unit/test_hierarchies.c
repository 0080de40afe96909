/* SPDX-License-Identifier: Apache-2.0 */
/* Bind mounts of the host's cgroup hierarchies, on the hierarchies of the machine that runs the test. */
#include <dirent.h>
#include <limits.h>
#include <linux/magic.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>

#include <cmocka.h>

#include "life/hierarchies.h"

#define OWN                           \
	"{\"destination\":\"/sys/fs/" \
	"cgroup\",\"type\":\"cgroup\",\"source\":\"cgroup\",\"options\":[\"ro\",\"nosuid\"]}"

static bool is_hierarchy(const char *path)
{
	struct statfs st;

	return statfs(path, &st) == 0 && (st.f_type == CGROUP_SUPER_MAGIC || st.f_type == CGROUP2_SUPER_MAGIC);
}

/* A cgroup hierarchy of this machine, which is at /sys/fs/cgroup or below it; skips the test if there is none. */
static void find_hierarchy(char *ret, size_t size)
{
	DIR *dir = opendir("/sys/fs/cgroup");
	const struct dirent *entry;
	bool found;

	(void)snprintf(ret, size, "/sys/fs/cgroup");
	found = is_hierarchy(ret);
	while (!found && dir && (entry = readdir(dir))) {
		(void)snprintf(ret, size, "/sys/fs/cgroup/%s", entry->d_name);
		found = is_hierarchy(ret);
	}
	if (dir)
		(void)closedir(dir);
	if (!found)
		skip();
}

/* The spec with @mounts as it is afterwards. @ret_warnings: how many warnings there were. */
static struct spec *changed(const char *mounts, size_t *ret_warnings)
{
	char json[4096];
	struct spec *spec = NULL;
	struct warnings warnings = WARNINGS_INIT;
	struct err err = ERR_INIT;

	(void)snprintf(json, sizeof(json), "{\"ociVersion\":\"1.2.0\",\"root\":{\"path\":\"rootfs\"},\"mounts\":[%s]}",
		mounts);
	if (spec_parse("c.json", json, strlen(json), &spec, NULL, &err) < 0)
		fail_msg("%s: %s", json, err.msg);
	assert_int_equal(hierarchies_to_guest(spec, &warnings, &err), 0);
	*ret_warnings = warnings.n;
	warnings_done(&warnings);
	return spec;
}

/* Checks the options of mount number @i of @spec. */
static void assert_options(const struct spec *spec, size_t i, const char *want)
{
	char have[256] = "";

	for (char **o = spec->mounts.v[i].options.v; *o; o++)
		(void)snprintf(have + strlen(have), sizeof(have) - strlen(have), "%s,", *o);
	assert_string_equal(have, want);
}

static void test_below(void **state)
{
	char path[PATH_MAX], mounts[3 * PATH_MAX];
	struct spec *spec;
	size_t warnings;

	(void)state;
	find_hierarchy(path, sizeof(path));
	(void)snprintf(mounts, sizeof(mounts),
		OWN ",{\"destination\":\"/sys/fs/cgroup/systemd\",\"source\":\"%s\",\"options\":[\"bind\",\"nosuid\"]}",
		path);
	spec = changed(mounts, &warnings);
	assert_int_equal(warnings, 1);
	assert_int_equal(spec->mounts.n, 2);
	assert_string_equal(spec->mounts.v[1].destination, "/sys/fs/cgroup");
	assert_options(spec, 0, "ro,nosuid,");
	assert_options(spec, 1, "bind,nosuid,remount,");
	spec_free(spec);
}

static void test_at(void **state)
{
	char path[PATH_MAX], mounts[3 * PATH_MAX];
	struct spec *spec;
	size_t warnings;

	(void)state;
	find_hierarchy(path, sizeof(path));
	(void)snprintf(mounts, sizeof(mounts),
		"{\"destination\":\"/sys/fs/cgroup\",\"source\":\"%s\",\"options\":[\"rbind\",\"ro\",\"rprivate\"]}",
		path);
	spec = changed(mounts, &warnings);
	assert_int_equal(warnings, 1);
	assert_string_equal(spec->mounts.v[0].type, "cgroup");
	assert_string_equal(spec->mounts.v[0].source, "cgroup");
	assert_options(spec, 0, "ro,rprivate,");
	spec_free(spec);
}

static void test_tree_of_hierarchies(void **state)
{
	struct spec *spec;
	size_t warnings;

	(void)state;
	if (is_hierarchy("/sys/fs/cgroup"))
		skip();
	spec = changed(
		"{\"destination\":\"/sys/fs/cgroup\",\"source\":\"/sys/fs/cgroup\",\"options\":[\"rbind\",\"ro\"]}",
		&warnings);
	assert_int_equal(warnings, 1);
	assert_options(spec, 0, ""); /* the read-only mount has writable ones below it */
	spec_free(spec);
	spec = changed(
		"{\"destination\":\"/sys/fs/cgroup\",\"source\":\"/sys/fs/cgroup\",\"options\":[\"rbind\",\"rro\"]}",
		&warnings);
	assert_options(spec, 0, "rro,");
	spec_free(spec);
}

static void test_others_stay(void **state)
{
	static const char *const others[] = {
		"\"/sys/fs/cgroup/systemd\",\"source\":\"/etc\",\"options\":[\"bind\"]",         /* no hierarchy */
		"\"/host/cgroup\",\"source\":\"/sys/fs/cgroup\",\"options\":[\"rbind\",\"ro\"]", /* to be looked at */
		"\"/sys/fs/cgroup\",\"source\":\"/etc\",\"options\":[\"bind\"]",
		"\"/sys/fs/cgroupx\",\"source\":\"/sys/fs/cgroup\",\"options\":[\"bind\"]",
	};
	char mounts[1024], path[PATH_MAX], more[PATH_MAX + 128];
	struct spec *spec;
	size_t warnings;

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		(void)snprintf(mounts, sizeof(mounts), OWN ",{\"destination\":%s}", others[i]);
		spec = changed(mounts, &warnings);
		assert_int_equal(warnings, 0);
		assert_null(spec->mounts.v[1].type);
		spec_free(spec);
	}
	/* the container has no cgroup file system that could take its place */
	find_hierarchy(path, sizeof(path));
	(void)snprintf(more, sizeof(more),
		"{\"destination\":\"/sys/fs/cgroup/x\",\"source\":\"%s\",\"options\":[\"bind\"]}", path);
	spec = changed(more, &warnings);
	assert_int_equal(warnings, 0);
	assert_string_equal(spec->mounts.v[0].destination, "/sys/fs/cgroup/x");
	spec_free(spec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_below),
		cmocka_unit_test(test_at),
		cmocka_unit_test(test_tree_of_hierarchies),
		cmocka_unit_test(test_others_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
