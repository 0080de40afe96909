/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cgroups on the host. Names of units, values of limits and properties for systemd need none; the test that makes
 * directories is skipped where that is not possible.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "cgroup/cgroup.h"
#include "cgroup/io.h"
#include "cgroup/unitname.h"
#include "cgroup/values.h"
#include "spec/resources.h"
#include "spec/spec.h"

static void test_unit_names(void **state)
{
	static const struct {
		const char *path, *want; /* NULL: refused */
	} cases[] = {
		{ NULL, "/system.slice/vmrunc-c1.scope" },
		{ "", "/system.slice/vmrunc-c1.scope" },
		{ "machine.slice:libpod:abc", "/machine.slice/libpod-abc.scope" },
		{ ":cri:abc", "/system.slice/cri-abc.scope" },
		{ "user.slice::abc", "/user.slice/abc.scope" },
		{ "user.slice:x:", "/user.slice/x-c1.scope" },
		{ "::", "/system.slice/c1.scope" },
		{ "-.slice:x:y", "/x-y.scope" },
		{ "a-b-c.slice:x:y", "/a.slice/a-b.slice/a-b-c.slice/x-y.scope" },
		{ "kubepods-pod1_2.slice:cri-containerd:f",
			"/kubepods.slice/kubepods-pod1_2.slice/cri-containerd-f.scope" },
		{ "ignored.slice:x:own-sub.slice", "/own.slice/own-sub.slice" },
		{ "a.b.slice:x:y", "/a.b.slice/x-y.scope" },
		{ "/absolute/path", NULL },
		{ "a.slice:b", NULL },
		{ "a.slice:b:c:d", NULL },
		{ "a:b:c", NULL },
		{ ".slice:b:c", NULL },
		{ "a--b.slice:b:c", NULL },
		{ "-a.slice:b:c", NULL },
		{ "a-.slice:b:c", NULL },
		{ "a/b.slice:b:c", NULL },
		{ "a.slice:b:../c", NULL },
		{ "a.slice:b:c d", NULL },
		{ "a.slice:b:x--y.slice", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = ERR_INIT;
		struct unitname u;
		char path[UNITNAME_PATH_MAX] = "refused";
		int r = unitname_parse(cases[i].path, "c1", &u, &err);

		if (r == 0)
			r = unitname_path(&u, path, sizeof(path), &err);
		if (r == 0 && strcmp(path, cases[i].want ? cases[i].want : "refused") == 0)
			continue;
		if (r == -EINVAL && !cases[i].want && strstr(err.msg, "linux.cgroupsPath: "))
			continue;
		fail_msg("\"%s\": wanted %s, got %s (%d: %s)", cases[i].path ? cases[i].path : "(none)",
			cases[i].want ? cases[i].want : "an error", path, r, err.msg);
	}
}

static void test_deep_and_long_names(void **state)
{
	struct err err = ERR_INIT;
	struct unitname u;
	char path[UNITNAME_PATH_MAX], text[2 * UNITNAME_MAX + 1];

	(void)state;
	/* no name of this length has more slices in it */
	for (size_t i = 0; i < 248; i += 2)
		(void)memcpy(text + i, "a-", 2);
	(void)strcpy(text + 247, ".slice");
	assert_int_equal(unitname_expand_slice(text, path, sizeof(path), &err), -ENAMETOOLONG);
	(void)memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(unitname_parse(text, "c1", &u, &err), -ENAMETOOLONG);
	text[10] = text[20] = ':';
	text[300] = '\0';
	assert_int_equal(unitname_parse(text, "c1", &u, &err), -ENAMETOOLONG);
}

/* --- values --- */

/* Writes the values that are set to @to, as text. */
static void print_values(const struct cgroup_values *v, char *to, size_t len)
{
	const struct {
		const char *name;
		const struct opt_u64 *v;
	} numbers[] = {
		{ "mem", &v->memory },
		{ "high", &v->memory_high },
		{ "low", &v->memory_low },
		{ "min", &v->memory_min },
		{ "memsw", &v->memsw },
		{ "swap", &v->swap },
		{ "swappiness", &v->swappiness },
		{ "tcp", &v->kernel_tcp },
		{ "shares", &v->shares },
		{ "weight", &v->weight },
		{ "quota", &v->quota },
		{ "period", &v->period },
		{ "burst", &v->burst },
		{ "idle", &v->idle },
		{ "rtperiod", &v->rt_period },
		{ "pids", &v->pids },
	};
	size_t at = 0;

	*to = '\0';
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (!numbers[i].v->set)
			continue;
		at += (size_t)snprintf(to + at, len - at, "%s%s=", at ? " " : "", numbers[i].name);
		if (numbers[i].v->v == CGROUP_NO_LIMIT)
			at += (size_t)snprintf(to + at, len - at, "max");
		else
			at += (size_t)snprintf(to + at, len - at, "%llu", (unsigned long long)numbers[i].v->v);
	}
	if (v->rt_runtime.set)
		at += (size_t)snprintf(to + at, len - at, " rtruntime=%lld", (long long)v->rt_runtime.v);
	if (v->oom_off.set && v->oom_off.v)
		at += (size_t)snprintf(to + at, len - at, " oomoff");
	if (v->cpus)
		at += (size_t)snprintf(to + at, len - at, " cpus=%s", v->cpus);
	if (v->mems)
		at += (size_t)snprintf(to + at, len - at, " mems=%s", v->mems);
	for (size_t i = 0; i < v->unified.n; i++)
		at += (size_t)snprintf(to + at, len - at, " [%s=%s]", v->unified.v[i].key, v->unified.v[i].value);
}

static const struct {
	const char *resources;
	uint64_t vm; /* bytes that the VM needs */
	bool v2;
	const char *want; /* the values that are set, or the end of the error */
} value_cases[] = {
	{ "{}", 1000, true, "" },
	/* zero is "unchanged" */
	{ "{\"memory\":{\"limit\":0,\"swap\":0,\"reservation\":0},\"pids\":{},"
	  "\"cpu\":{\"shares\":0,\"quota\":0,\"period\":0,\"realtimeRuntime\":0,\"realtimePeriod\":0,\"cpus\":"
	  "\"\"}}",
		1000, false, "" },
	/* the VM's room is on top of the limits, not of the guarantee */
	{ "{\"memory\":{\"limit\":600,\"swap\":900,\"reservation\":500}}", 1000, false,
		"mem=1000 low=500 memsw=1300 swap=300" },
	{ "{\"memory\":{\"limit\":600,\"swap\":600}}", 500, true, "mem=600 memsw=600 swap=0" },
	{ "{\"memory\":{\"limit\":600,\"swap\":-1}}", 1000, true, "mem=1000 memsw=max swap=max" },
	{ "{\"memory\":{\"limit\":-1}}", 1000, true, "mem=max memsw=max swap=max" },
	{ "{\"memory\":{\"limit\":-1,\"reservation\":-1}}", 1000, false, "mem=max low=max memsw=max swap=max" },
	{ "{\"memory\":{\"limit\":9223372036854775807}}", 1000, true, "mem=9223372036854775807" },
	{ "{\"memory\":{\"swap\":600}}", 1000, true, "memory.swap: needs a memory.limit" },
	{ "{\"memory\":{\"limit\":-1,\"swap\":600}}", 1000, true, "memory.swap: needs a memory.limit" },
	{ "{\"memory\":{\"swappiness\":0,\"kernelTCP\":-1,\"disableOOMKiller\":true}}", 1000, false,
		"swappiness=0 tcp=max oomoff" },
	{ "{\"cpu\":{\"shares\":2048,\"quota\":50000,\"period\":100000,\"burst\":1000,\"idle\":1}}", 1, false,
		"quota=50000 period=100000 burst=1000 idle=1" }, /* an idle cgroup has no share */
	{ "{\"cpu\":{\"shares\":2048,\"idle\":0}}", 1, false, "shares=2048 weight=79 idle=0" },
	{ "{\"cpu\":{\"quota\":-1,\"realtimeRuntime\":950000,\"realtimePeriod\":1000000,\"cpus\":\"0-1\","
	  "\"mems\":\"0\"}}",
		1, false, "quota=max rtperiod=1000000 rtruntime=950000 cpus=0-1 mems=0" },
	/* what the VMM's threads need */
	{ "{\"pids\":{\"limit\":10}}", 1, true, "pids=128" },
	{ "{\"pids\":{\"limit\":0}}", 1, true, "pids=128" },
	{ "{\"pids\":{\"limit\":1000}}", 1, true, "pids=1000" },
	{ "{\"pids\":{\"limit\":-1}}", 1, true, "pids=max" },
	/* unified: on a v2 host it wins, and the VM's room is on top here too */
	{ "{\"memory\":{\"limit\":600},\"unified\":{\"memory.max\":\"700\",\"memory.high\":\"650\",\"memory."
	  "min\":\"1K\"}}",
		1000, true, "mem=1000 high=950 min=1024" },
	{ "{\"unified\":{\"cpu.max\":\"50000 "
	  "200000\",\"cpu.weight\":\"7\",\"pids.max\":\"max\",\"cpuset.cpus\":\"1\"}}",
		1000, true, "weight=7 quota=50000 period=200000 pids=max cpus=1" },
	{ "{\"unified\":{\"cpu.max\":\"max\",\"io.max\":\"8:0 rbps=1\",\"memory.max\":\"nonsense\"}}", 1000, true,
		"quota=max [io.max=8:0 rbps=1] [memory.max=nonsense]" },
	{ "{\"unified\":{\"memory.max\":\"700\",\"pids.max\":\"9\"}}", 1000, false, "" },
};

static void test_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(value_cases); i++) {
		struct err err = ERR_INIT;
		struct cgroup_values v;
		struct spec *spec = NULL;
		char got[1024];
		int r;

		r = spec_parse_resources(
			"r.json", value_cases[i].resources, strlen(value_cases[i].resources), &spec, NULL, &err);
		assert_int_equal(r, 0);
		r = cgroup_values_of(spec->linux_->resources, value_cases[i].vm, value_cases[i].v2, &v, &err);
		if (r == 0)
			print_values(&v, got, sizeof(got));
		else
			(void)snprintf(got, sizeof(got), "%s", strstr(err.msg, "memory."));
		if (strcmp(got + (*got == ' '), value_cases[i].want) != 0)
			fail_msg("%s\nwanted %s\ngot    %s", value_cases[i].resources, value_cases[i].want, got);
		cgroup_values_done(&v);
		spec_free(spec);
	}
}

/* Whoever reads the values divides by the period. */
static void test_period_of_zero(void **state)
{
	char key[] = "cpu.max", value[] = "1000 0";
	struct spec_pair pair = { .key = key, .value = value };
	struct spec_resources resources = { .unified = { .n = 1, .v = &pair } };
	struct err err = ERR_INIT;
	struct cgroup_values v;

	(void)state;
	assert_int_equal(cgroup_values_of(&resources, 0, true, &v, &err), 0);
	assert_false(v.period.set);
	assert_int_equal(v.unified.n, 1);
	cgroup_values_done(&v);
}

/* Ends of the ranges, defaults, and numbers out of range, converted by the formulas of runc and crun. */
static void test_conversions(void **state)
{
	static const struct {
		uint64_t shares, weight;
	} shares[] = { { 1, 1 }, { 2, 1 }, { 100, 4 }, { 1024, 39 }, { 2048, 79 }, { 262144, 10000 },
		{ UINT64_MAX, 10000 } };
	static const struct {
		unsigned int v1, v2;
	} io[] = { { 1, 1 }, { 10, 1 }, { 100, 910 }, { 500, 4950 }, { 1000, 10000 }, { 65535, 10000 } };
	static const struct {
		const char *text;
		bool good;
		uint64_t n;
	} limits[] = {
		{ "0", true, 0 },
		{ "max", true, RESOURCES_NO_LIMIT },
		{ "1k", true, 1024 },
		{ "2M", true, 2 * MIB },
		{ "1G", true, GIB },
		{ "3T", true, 3 * 1024 * GIB },
		{ "", false, 0 },
		{ "-1", false, 0 },
		{ " 1", false, 0 },
		{ "1x", false, 0 },
		{ "1kk", false, 0 },
		{ "99999999999999999999", false, 0 },
		{ "99999999T", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++)
		assert_int_equal(resources_weight_of_shares(shares[i].shares), shares[i].weight);
	for (size_t i = 0; i < sizeof(io) / sizeof(io[0]); i++)
		assert_int_equal(cgroup_io_weight_v2(io[i].v1), io[i].v2);
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		uint64_t n = 0;

		assert_int_equal(resources_parse_limit(limits[i].text, &n), limits[i].good);
		assert_true(n == limits[i].n);
	}
}

/* --- properties --- */

#include "config.h"
#ifdef HAVE_LIBSYSTEMD

#include <systemd/sd-bus.h>

#include "cgroup/gvariant.h"
#include "cgroup/systemd_props.h"

/* Makes a message on a connection that has nobody at its other end. */
static sd_bus_message *new_message(sd_bus **ret_bus)
{
	sd_bus_message *m = NULL;
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_true(sd_bus_new(ret_bus) >= 0);
	assert_true(sd_bus_set_fd(*ret_bus, ends[0], ends[0]) >= 0);
	assert_true(sd_bus_start(*ret_bus) >= 0);
	assert_true(sd_bus_message_new_method_call(*ret_bus, &m, "a.b", "/a", "a.b", "C") >= 0);
	assert_int_equal(close(ends[1]), 0);
	return m;
}

/* The body of @m as sd-bus prints it, without blanks and line ends. Frees @m and @bus. */
static char *body_of(sd_bus *bus, sd_bus_message *m)
{
	char *text = NULL, *to;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	assert_true(sd_bus_message_seal(m, 1, 0) >= 0);
	assert_true(sd_bus_message_dump(m, f, SD_BUS_MESSAGE_DUMP_SUBTREE_ONLY) >= 0);
	assert_int_equal(fclose(f), 0);
	sd_bus_message_unref(m);
	sd_bus_close_unref(bus);
	to = text;
	for (char *at = text; *at; at++) {
		if (*at != '\n' && *at != ' ')
			*to++ = *at;
	}
	*to = '\0';
	return text;
}

static void test_annotations_of_properties(void **state)
{
	static const struct {
		const char *name, *text, *want; /* NULL: refused */
	} cases[] = {
		{ "TimeoutStopUSec", "uint64 10000000", "\"TimeoutStopUSec\";VARIANT\"t\"{UINT6410000000;}" },
		{ "TimeoutStopSec", "1.5", "\"TimeoutStopUSec\";VARIANT\"t\"{UINT641500000;}" },
		{ "TimeoutStopSec", "uint32 3", "\"TimeoutStopUSec\";VARIANT\"t\"{UINT643000000;}" },
		{ "CollectMode", "'inactive-or-failed'",
			"\"CollectMode\";VARIANT\"s\"{STRING\"inactive-or-failed\";}" },
		{ "Description", "\"it\\\"s\"", "STRING\"it\"s\";" },
		{ "SendSIGHUP", "true", "VARIANT\"b\"{BOOLEANtrue;}" },
		{ "KillSignal", "15", "VARIANT\"i\"{INT3215;}" },
		{ "Num", "-7", "INT32-7;" },
		{ "Num", "byte 255", "BYTE255;" },
		{ "After", "['a.service', 'b.service']",
			"VARIANT\"as\"{ARRAY\"s\"{STRING\"a.service\";STRING\"b.service\";};}" },
		{ "After", "[]", "ARRAY\"s\"{};" },
		{ "Num", "byte 256", NULL },
		{ "Num", "uint32 -1", NULL },
		{ "Num", "2147483648", NULL },
		{ "Num", "12 13", NULL },
		{ "Num", "", NULL },
		{ "Num", "uint32", NULL },
		{ "Str", "'open", NULL },
		{ "Str", "'a' b", NULL },
		{ "After", "['a'", NULL },
		{ "After", "['a' 'b']", NULL },
		{ "TimeoutStopSec", "-1", NULL },
		{ "TimeoutStopSec", "nan", NULL },
		{ "Bad Name", "true", NULL },
		{ "", "true", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		sd_bus *bus;
		sd_bus_message *m = new_message(&bus);
		char *text;
		int r = gvariant_append_property(m, cases[i].name, cases[i].text);

		if (!cases[i].want && r < 0) {
			sd_bus_message_unref(m);
			sd_bus_close_unref(bus);
			continue;
		}
		if (r < 0)
			fail_msg("%s=%s: error %d", cases[i].name, cases[i].text, r);
		text = body_of(bus, m);
		if (!cases[i].want || !strstr(text, cases[i].want))
			fail_msg("%s=%s: wanted %s, got %s", cases[i].name, cases[i].text,
				cases[i].want ? cases[i].want : "an error", text);
		free(text);
	}
}

static const struct {
	const char *resources, *name;
	bool v2;
	unsigned int version;
	const char *want[4], *not ;
} property_cases[] = {
	{ "{}", "x.scope", true, 252,
		{ "\"Slice\";VARIANT\"s\"{STRING\"p.slice\"", "\"PIDs\";VARIANT\"au\"{ARRAY\"u\"{UINT3242;",
			"\"Delegate\";VARIANT\"b\"{BOOLEANtrue", "\"DefaultDependencies\";VARIANT\"b\"{BOOLEANfalse" },
		"Wants" },
	{ "{}", "x.slice", true, 252, { "\"Wants\";VARIANT\"as\"{ARRAY\"s\"{STRING\"p.slice\"" }, "PIDs" },
	{ "{\"memory\":{\"limit\":600,\"swap\":600},\"cpu\":{\"quota\":15000,\"period\":70000,\"cpus\":\"0,9\"}"
	  "}",
		"x.scope", true, 252,
		{ "\"MemoryMax\";VARIANT\"t\"{UINT641000;", "\"MemorySwapMax\";VARIANT\"t\"{UINT640;",
			"\"CPUQuotaPerSecUSec\";VARIANT\"t\"{UINT64220000;",
			"\"AllowedCPUs\";VARIANT\"ay\"{ARRAY\"y\"{BYTE1;BYTE2;" },
		"MemoryLimit" },
	{ "{\"memory\":{\"limit\":600},\"cpu\":{\"quota\":15000,\"period\":70000,\"cpus\":\"0\",\"shares\":512}"
	  "}",
		"x.scope", false, 241,
		{ "\"MemoryLimit\"", "\"CPUShares\";VARIANT\"t\"{UINT64512;", "BlockIOAccounting" },
		"CPUQuotaPeriodUSec" },
	{ "{\"cpu\":{\"quota\":-1,\"idle\":1,\"shares\":512},\"pids\":{\"limit\":-1}}", "x.scope", true, 252,
		{ "\"CPUQuotaPerSecUSec\";VARIANT\"t\"{UINT6418446744073709551615;",
			"\"CPUWeight\";VARIANT\"t\"{UINT640;",
			"\"TasksMax\";VARIANT\"t\"{UINT6418446744073709551615;" },
		"CPUShares" },
	{ "{\"devices\":[{\"allow\":false},{\"allow\":true,\"type\":\"c\",\"major\":10,\"minor\":229,"
	  "\"access\":\"rw\"}]}",
		"x.scope", false, 252,
		{ "\"DevicePolicy\";VARIANT\"s\"{STRING\"strict\"",
			"STRUCT\"ss\"{STRING\"/dev/char/10:229\";STRING\"rw\";}", "STRING\"/dev/char/10:232\"",
			"STRING\"char-*\";STRING\"m\"" },
		"auto" },
	{ "{\"devices\":[{\"allow\":false},{\"allow\":true}]}", "x.scope", false, 252, { "STRING\"auto\"" }, "strict" },
	{ "{\"devices\":[{\"allow\":false}]}", "x.scope", true, 252, { "Slice" }, "DevicePolicy" },
};

static void test_properties(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(property_cases); i++) {
		struct err err = ERR_INIT;
		struct spec *spec = NULL;
		struct cgroup_values values;
		struct systemd_unit unit = { .name = property_cases[i].name,
			.slice = "p.slice",
			.description = "d",
			.pid = 42,
			.v2 = property_cases[i].v2,
			.values = &values };
		sd_bus *bus;
		sd_bus_message *m = new_message(&bus);
		char *text;

		assert_int_equal(spec_parse_resources("r.json", property_cases[i].resources,
					 strlen(property_cases[i].resources), &spec, NULL, &err),
			0);
		unit.devices = &spec->linux_->resources->devices;
		assert_int_equal(
			cgroup_values_of(spec->linux_->resources, 1000, property_cases[i].v2, &values, &err), 0);
		if (systemd_props_append(m, &unit, property_cases[i].version, &err) < 0)
			fail_msg("%s: %s", property_cases[i].resources, err.msg);
		text = body_of(bus, m);
		for (size_t k = 0; k < 4 && property_cases[i].want[k]; k++) {
			if (!strstr(text, property_cases[i].want[k]))
				fail_msg("%s: wanted %s in %s", property_cases[i].resources, property_cases[i].want[k],
					text);
		}
		if (strstr(text, property_cases[i].not ))
			fail_msg("%s: wanted no %s in %s", property_cases[i].resources, property_cases[i].not, text);
		free(text);
		cgroup_values_done(&values);
		spec_free(spec);
	}
}

#endif

/* --- directories --- */

static void test_lists_of_strings(void **state)
{
	autostrv list = STRV_INIT;

	(void)state;
	assert_false(strv_has(&list, "a"));
	assert_int_equal(strv_add(&list, "a"), 0);
	assert_int_equal(strv_add(&list, "bc"), 0);
	assert_int_equal(list.n, 2);
	assert_string_equal(list.v[1], "bc");
	assert_true(strv_has(&list, "a"));
	assert_false(strv_has(&list, "b"));
	strv_done(&list);
	assert_int_equal(list.n, 0);
}

/* Forks a process that joins @c and stays, and waits until it has joined the last of the cgroups. */
static pid_t start_member(const struct cgroups *c)
{
	struct err err = ERR_INIT;
	pid_t pid = fork();

	if (pid == 0) {
		if (cgroup_join(c, 0, &err) < 0)
			_exit(1);
		for (;;)
			(void)pause();
	}
	for (int i = 0; i < 1000; i++) {
		autofree char *members = NULL;
		char file[4096 + 16];

		(void)snprintf(file, sizeof(file), "%s/cgroup.procs", c->dirs.v[c->dirs.n - 1]);
		assert_int_equal(fd_read_file(AT_FDCWD, file, MIB, &members, NULL), 0);
		if (*members)
			break;
		(void)usleep(1000);
	}
	return pid;
}

/* The first word of the file @v1 or @v2 of the cgroups of @c, whichever there is. */
static void word_of(const struct cgroups *c, const char *v1, const char *v2, char *text, size_t size)
{
	const char *const files[] = { v1, v2 };

	*text = '\0';
	for (size_t i = 0; i < c->dirs.n * ARRAY_LEN(files); i++) {
		char path[PATH_MAX];
		autofree char *got = NULL;

		(void)snprintf(path, sizeof(path), "%s/%s", c->dirs.v[i / 2], files[i % 2]);
		if (fd_read_file(AT_FDCWD, path, 64, &got, NULL) == 0)
			(void)snprintf(text, size, "%.*s", (int)strcspn(got, " \n"), got);
	}
}

/* The quota of CPU time that the cgroups of @c have, as the kernel says it: "-1" or "max" for none. */
static void quota_of(const struct cgroups *c, char *text, size_t size)
{
	word_of(c, "cpu.cfs_quota_us", "cpu.max", text, size);
}

/* A virtual machine boots with no smaller share of CPU time than any cgroup has, and the container has its own. */
static void check_share(const struct cgroups *c, const struct spec *spec)
{
	struct err err = ERR_INIT;
	char text[64];

	for (int i = 0; i < 2; i++) {
		word_of(c, "cpu.shares", "cpu.weight", text, sizeof(text));
		assert_true(strcmp(text, "1024") == 0 || strcmp(text, "100") == 0);
		assert_int_equal(cgroup_throttle(c, spec, true, &err), 0);
		word_of(c, "cpu.shares", "cpu.weight", text, sizeof(text));
		assert_true(strcmp(text, "2") == 0 || strcmp(text, "1") == 0);
		assert_int_equal(cgroup_throttle(c, spec, false, &err), 0);
	}
}

/* A virtual machine boots without the container's quota, also where the period is not the kernel's default. */
static void check_quota(const struct cgroups *c, const struct spec *spec)
{
	struct err err = ERR_INIT;
	char text[64];

	quota_of(c, text, sizeof(text));
	assert_true(strcmp(text, "-1") == 0 || strcmp(text, "max") == 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(cgroup_throttle(c, spec, true, &err), 0);
		quota_of(c, text, sizeof(text));
		assert_string_equal(text, "1000");
		assert_int_equal(cgroup_throttle(c, spec, false, &err), 0);
		quota_of(c, text, sizeof(text));
		assert_string_not_equal(text, "1000");
	}
}

static void test_directories(void **state)
{
	struct spec_cpu cpu = { .quota = { .set = true, .v = 1000 },
		.period = { .set = true, .v = 50000 },
		.shares = { .set = true, .v = 2 } };
	struct spec_resources resources = { .cpu = &cpu };
	char path[64];
	struct spec_linux linux_part = { .cgroups_path = path, .resources = &resources };
	const struct spec spec = { .linux_ = &linux_part };
	struct cgroup_request q = { .manager = CGROUPS_CGROUPFS, .id = "id", .spec = &spec };
	struct cgroups c = CGROUPS_INIT;
	struct err err = ERR_INIT;
	pid_t pid;

	(void)state;
	(void)strcpy(path, "/a/../b");
	assert_int_equal(cgroup_plan(&q, &c, &err), -EINVAL);
	(void)strcpy(path, "//./");
	assert_int_equal(cgroup_plan(&q, &c, &err), -EINVAL);
	assert_int_equal(c.dirs.n, 0);
	(void)snprintf(path, sizeof(path), "/vmrunc-test-%ld/leaf", (long)getpid());
	q.manager = CGROUPS_DISABLED;
	assert_int_equal(cgroup_plan(&q, &c, &err), 0);
	assert_int_equal(c.dirs.n, 0);
	q.manager = CGROUPS_CGROUPFS;
	assert_int_equal(cgroup_plan(&q, &c, &err), 0);
	if (geteuid() != 0 || c.dirs.n == 0) {
		print_message("not root, or no cgroups: making them is not tested\n");
		cgroups_done(&c);
		skip();
	}
	assert_true(c.made.n == 2 * c.dirs.n);
	assert_int_equal(cgroup_start_unit(&q, getpid(), -1, &c, &err), 0); /* not systemd's: nothing changes */
	if (cgroup_make(&q, &c, NULL, &err) < 0) {
		print_message("%s: not tested\n", err.msg);
		cgroups_done(&c);
		skip();
	}
	check_quota(&c, &spec);
	check_share(&c, &spec);
	pid = start_member(&c);
	assert_int_equal(cgroup_remove(&c, "id", NULL, &err), 0); /* kills it */
	for (size_t i = 0; i < c.made.n; i++) {
		if (access(c.made.v[i], F_OK) == 0)
			fail_msg("left: %s", c.made.v[i]);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	cgroups_done(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unit_names),
		cmocka_unit_test(test_deep_and_long_names),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_period_of_zero),
		cmocka_unit_test(test_conversions),
		cmocka_unit_test(test_lists_of_strings),
		cmocka_unit_test(test_directories),
#ifdef HAVE_LIBSYSTEMD
		cmocka_unit_test(test_annotations_of_properties),
		cmocka_unit_test(test_properties),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
