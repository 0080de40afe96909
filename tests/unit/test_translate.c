/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of the translation of a spec for the agent: mounts, devices, device filter, cgroup files. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/mount.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/fd.h"
#include "guest/device_filter.h"
#include "guest/translate.h"
#include "spec/resources.h"

#define SAMPLES SRCDIR "/tests/samples"

/* --- the device filter, run by a small interpreter of the instructions that it may use --- */

#define RUN_MAX 100000

static int run_filter(const struct buf *b, unsigned int type, unsigned int access, uint32_t major, uint32_t minor)
{
	const struct bpf_insn *insn = (const void *)b->data;
	size_t n = b->len / sizeof(*insn), pc = 0;
	uint32_t ctx[3] = { access << 16 | type, major, minor }, r[11] = { 0 };

	for (int steps = 0; steps < RUN_MAX; steps++) {
		struct bpf_insn i;

		assert_true(pc < n);
		i = insn[pc++];
		switch (i.code) {
		case BPF_LDX | BPF_MEM | BPF_W:
			assert_true(i.src_reg == 1 && i.off >= 0 && i.off <= 8 && i.off % 4 == 0);
			r[i.dst_reg] = ctx[i.off / 4];
			break;
		case BPF_ALU | BPF_MOV | BPF_X:
			r[i.dst_reg] = r[i.src_reg];
			break;
		case BPF_ALU | BPF_MOV | BPF_K:
			r[i.dst_reg] = (uint32_t)i.imm;
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			r[i.dst_reg] &= (uint32_t)i.imm;
			break;
		case BPF_ALU | BPF_RSH | BPF_K:
			r[i.dst_reg] >>= i.imm;
			break;
		case BPF_JMP32 | BPF_JNE | BPF_K:
			pc += r[i.dst_reg] != (uint32_t)i.imm ? (size_t)i.off : 0;
			break;
		case BPF_JMP32 | BPF_JEQ | BPF_K:
			pc += r[i.dst_reg] == (uint32_t)i.imm ? (size_t)i.off : 0;
			break;
		case BPF_JMP | BPF_EXIT:
			return (int)r[0];
		default:
			fail_msg("instruction %zu: unexpected code %#x", pc - 1, i.code);
		}
	}
	fail_msg("the filter does not end");
	return -1;
}

enum { R = BPF_DEVCG_ACC_READ, W = BPF_DEVCG_ACC_WRITE, M = BPF_DEVCG_ACC_MKNOD };
enum { BLK = BPF_DEVCG_DEV_BLOCK, CHR = BPF_DEVCG_DEV_CHAR };

static void filter_of(const char *rules_json, struct buf *out)
{
	char json[2048];
	struct err err = ERR_INIT;
	struct spec *spec;

	(void)snprintf(json, sizeof(json), "{\"devices\":%s}", rules_json);
	if (spec_parse_resources("r.json", json, strlen(json), &spec, NULL, &err) < 0)
		fail_msg("%s", err.msg);
	device_filter_build(&spec->linux_->resources->devices, out);
	assert_int_equal(buf_error(out), 0);
	spec_free(spec);
}

static void filter_follows_the_rules_in_order(void **state)
{
	static const struct {
		const char *rules;
		unsigned int type, access;
		uint32_t major, minor;
		int allowed;
	} cases[] = {
		{ "[]", CHR, R | W, 1, 3, 1 },   /* every container has /dev/null */
		{ "[]", CHR, R | W, 136, 7, 1 }, /* every pty may be used */
		{ "[]", CHR, R, 10, 1, 0 },      /* no rule speaks of this one */
		{ "[]", BLK, M, 8, 0, 1 },       /* any node may be made ... */
		{ "[]", BLK, R | M, 8, 0, 0 },   /* ... but not read */
		{ "[{\"allow\":true}]", BLK, R | W | M, 8, 0, 1 },
		{ "[{\"allow\":false},{\"allow\":true,\"type\":\"c\",\"major\":10,\"minor\":229,\"access\":\"rwm\"}]",
			CHR, R | W, 10, 229, 1 },
		{ "[{\"allow\":false},{\"allow\":true,\"type\":\"c\",\"major\":10,\"minor\":229,\"access\":\"rwm\"}]",
			BLK, R | W, 10, 229, 0 },
		{ "[{\"allow\":true,\"type\":\"c\",\"major\":10,\"access\":\"r\"}]", CHR, R, 10, 4000000000u, 1 },
		{ "[{\"allow\":true,\"type\":\"c\",\"major\":10,\"access\":\"r\"}]", CHR, R | W, 10, 1, 0 },
		/* one rule allows reading, another writing: both together are allowed */
		{ "[{\"allow\":true,\"type\":\"c\",\"major\":9,\"minor\":1,\"access\":\"r\"},"
		  "{\"allow\":true,\"type\":\"c\",\"major\":9,\"access\":\"w\"}]",
			CHR, R | W, 9, 1, 1 },
		/* the last rule that speaks of an access wins */
		{ "[{\"allow\":true,\"type\":\"b\",\"major\":8,\"access\":\"rw\"},"
		  "{\"allow\":false,\"type\":\"b\",\"major\":8,\"minor\":1,\"access\":\"w\"}]",
			BLK, R, 8, 1, 1 },
		{ "[{\"allow\":true,\"type\":\"b\",\"major\":8,\"access\":\"rw\"},"
		  "{\"allow\":false,\"type\":\"b\",\"major\":8,\"minor\":1,\"access\":\"w\"}]",
			BLK, R | W, 8, 1, 0 },
		{ "[{\"allow\":false,\"type\":\"b\",\"major\":8,\"access\":\"rw\"},"
		  "{\"allow\":true,\"type\":\"b\",\"major\":8,\"minor\":1,\"access\":\"rw\"}]",
			BLK, R | W, 8, 1, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autobuf b = BUF_INIT;

		filter_of(cases[i].rules, &b);
		if (run_filter(&b, cases[i].type, cases[i].access, cases[i].major, cases[i].minor) != cases[i].allowed)
			fail_msg("case %zu (%s): wanted %d", i, cases[i].rules, cases[i].allowed);
	}
}

/* --- cgroup files --- */

static const char *file_of(const struct resource_files *f, const char *key)
{
	const char *value = NULL;

	for (size_t i = 0; i < f->n; i++) {
		if (strcmp(f->v[i].key, key) == 0)
			value = f->v[i].value; /* a file may be written more than once: the last value counts */
	}
	return value;
}

static void resources_become_v2_files(void **state)
{
	static const struct {
		const char *json, *key, *value; /* NULL: not written */
	} cases[] = {
		{ "{\"memory\":{\"limit\":67108864}}", "memory.max", "67108864" },
		{ "{\"memory\":{\"limit\":-1}}", "memory.max", "max" },
		{ "{\"memory\":{\"limit\":0}}", "memory.max", NULL },
		{ "{\"memory\":{\"limit\":100,\"swap\":300}}", "memory.swap.max", "200" },
		{ "{\"memory\":{\"limit\":100,\"swap\":100}}", "memory.swap.max", "0" },
		{ "{\"memory\":{\"limit\":100,\"swap\":-1}}", "memory.swap.max", "max" },
		{ "{\"memory\":{\"reservation\":50}}", "memory.low", "50" },
		{ "{\"cpu\":{\"shares\":1024}}", "cpu.weight", "39" },
		{ "{\"cpu\":{\"shares\":2}}", "cpu.weight", "1" },
		{ "{\"cpu\":{\"shares\":262144}}", "cpu.weight", "10000" },
		{ "{\"cpu\":{\"shares\":0}}", "cpu.weight", NULL },
		{ "{\"cpu\":{\"shares\":1024,\"idle\":0}}", "cpu.weight", "39" },
		{ "{\"cpu\":{\"shares\":1024,\"idle\":1}}", "cpu.weight", NULL },
		{ "{\"cpu\":{\"shares\":1024,\"idle\":1}}", "cpu.idle", "1" },
		{ "{\"cpu\":{\"quota\":50000}}", "cpu.max", "50000 100000" },
		{ "{\"cpu\":{\"quota\":50000,\"period\":20000}}", "cpu.max", "50000 20000" },
		{ "{\"cpu\":{\"quota\":-1}}", "cpu.max", "max 100000" },
		{ "{\"cpu\":{\"quota\":0}}", "cpu.max", NULL },
		{ "{\"cpu\":{\"cpus\":\"0-3\"}}", "cpuset.cpus", NULL },
		{ "{\"pids\":{\"limit\":77}}", "pids.max", "77" },
		{ "{\"pids\":{\"limit\":-1}}", "pids.max", "max" },
		{ "{\"pids\":{\"limit\":0}}", "pids.max", "1" },
		{ "{\"pids\":{}}", "pids.max", NULL },
		{ "{\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":4096}]}", "hugetlb.2MB.max", "4096" },
		{ "{\"unified\":{\"memory.high\":\"5\"}}", "memory.high", "5" },
		{ "{\"pids\":{\"limit\":77},\"unified\":{\"pids.max\":\"5\"}}", "pids.max", "5" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct resource_files f;
		struct err err = ERR_INIT;
		const char *got;
		struct spec *spec;

		if (spec_parse_resources("r.json", cases[i].json, strlen(cases[i].json), &spec, NULL, &err) < 0)
			fail_msg("%s: %s", cases[i].json, err.msg);
		assert_int_equal(resources_to_v2(spec->linux_->resources, &f, &err), 0);
		got = file_of(&f, cases[i].key);
		if (!got != !cases[i].value || (got && strcmp(got, cases[i].value) != 0))
			fail_msg("%s: %s: wanted %s, got %s", cases[i].json, cases[i].key,
				cases[i].value ? cases[i].value : "nothing", got ? got : "nothing");
		resource_files_done(&f);
		spec_free(spec);
	}
}

/* --- whole configs --- */

static const char config[] =
	"{\"ociVersion\":\"1.1.0\",\"root\":{\"path\":\"rootfs\",\"readonly\":true},\"hostname\":\"h\","
	"\"process\":{\"args\":[\"sh\"],\"cwd\":\"/"
	"\",\"env\":[\"A=1\"],\"user\":{\"uid\":5,\"gid\":6,\"additionalGids\":[7]}},"
	"\"mounts\":["
	"{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\",\"options\":[\"nosuid\"]},"
	"{\"destination\":\"/b\",\"source\":\"/srv\",\"options\":[\"rbind\",\"ro\",\"noatime\",\"rslave\"]},"
	"{\"destination\":\"/c\",\"source\":\"/srv\",\"type\":\"bind\",\"options\":[\"dev\",\"size=1k\"]},"
	"{\"destination\":\"/sys/fs/cgroup\",\"source\":\"cgroup\",\"type\":\"cgroup\",\"options\":[\"ro\"]},"
	"{\"destination\":\"/"
	"t\",\"source\":\"tmpfs\",\"type\":\"tmpfs\",\"options\":[\"size=1k\",\"mode=700\",\"tmpcopyup\"]}],"
	"\"linux\":{\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"mount\"},{\"type\":\"uts\",\"path\":\"/proc/1/ns/"
	"uts\"},{\"type\":\"network\"}],"
	"\"devices\":[{\"path\":\"/dev/null\",\"type\":\"c\",\"major\":1,\"minor\":3,\"fileMode\":8630,\"uid\":9}]}}";

static struct guest_translation *translate(
	const char *json, const struct guest_export_list *exports, struct spec **spec)
{
	struct guest_translation *t;
	struct err err = ERR_INIT;

	if (spec_parse("config.json", json, strlen(json), spec, NULL, &err) < 0)
		fail_msg("%s", err.msg);
	if (guest_translate(*spec, "cid", "cid/rootfs", exports, NULL, NULL, NULL, &t, &err) < 0)
		fail_msg("%s", err.msg);
	return t;
}

static void mounts_become_binds_and_file_systems(void **state)
{
	const struct guest_export v[] = {
		{ .mount = 1, .shared = true, .name = "cid/1/srv", .flags = MS_RDONLY | MS_NOATIME },
		{ .mount = 2, .shared = false, .name = "cid/2/srv", .flags = MS_NOEXEC | MS_RELATIME },
	};
	uint64_t all = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC |
		       MOUNT_ATTR_NODIRATIME | MOUNT_ATTR_NOSYMFOLLOW;
	const struct guest_export_list exports = { .n = 2, .v = v };
	struct guest_translation *t;
	const struct guest_container *c;
	struct spec *spec;

	(void)state;
	t = translate(config, &exports, &spec);
	c = guest_translation_container(t);
	assert_int_equal(c->mounts.len, 5);
	assert_int_equal(c->mounts.at[0].kind, GUEST_MOUNT_FS);
	assert_int_equal(c->mounts.at[0].flags, MS_NOSUID);
	assert_int_equal(c->mounts.at[1].kind, GUEST_MOUNT_BIND_SHARED);
	assert_string_equal(c->mounts.at[1].source, "cid/1/srv");
	assert_int_equal(c->mounts.at[1].flags, MS_REC);
	assert_int_equal(c->mounts.at[1].attr_set, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOATIME);
	assert_int_equal(c->mounts.at[1].attr_clear, MOUNT_ATTR__ATIME | (all & ~MOUNT_ATTR_RDONLY));
	assert_int_equal(c->mounts.at[1].propagation.len, 1);
	assert_int_equal(c->mounts.at[1].propagation.at[0], MS_SLAVE | MS_REC);
	assert_int_equal(c->mounts.at[2].kind, GUEST_MOUNT_BIND_PRIVATE);
	assert_int_equal(
		c->mounts.at[2].attr_set, MOUNT_ATTR_NOEXEC); /* not the word of the config: it has been settled */
	assert_int_equal(c->mounts.at[2].attr_clear, MOUNT_ATTR__ATIME | (all & ~MOUNT_ATTR_NOEXEC));
	assert_string_equal(c->mounts.at[2].data, "");
	assert_string_equal(c->mounts.at[3].fstype, "cgroup2");
	assert_string_equal(c->mounts.at[4].data, "size=1k,mode=700");
	assert_true(c->mounts.at[4].tmpcopyup);
	assert_false(c->no_devices);
	guest_translation_free(t);
	spec_free(spec);
}

/* A source that only another mount of the container has is bound there, with the words of the config and no others. */
static void a_bind_of_what_a_mount_has_is_made_in_the_guest(void **state)
{
	const struct guest_export v[] = {
		{ .mount = 1, .shared = true, .name = "", .inside = "/t/x" },
		{ .mount = 2, .shared = true, .name = "", .inside = "/t/y" },
	};
	const struct guest_export_list exports = { .n = 2, .v = v };
	const struct guest_container *c;
	struct guest_translation *t;
	struct spec *spec;

	(void)state;
	t = translate(config, &exports, &spec);
	c = guest_translation_container(t);
	assert_int_equal(c->mounts.at[1].kind, GUEST_MOUNT_BIND_INSIDE);
	assert_string_equal(c->mounts.at[1].source, "/t/x");
	assert_int_equal(c->mounts.at[1].flags, MS_REC);
	assert_int_equal(c->mounts.at[1].attr_set, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOATIME);
	assert_true(c->mounts.at[1].attr_clear & MOUNT_ATTR_NOEXEC);
	assert_int_equal(c->mounts.at[2].attr_set, 0);
	assert_true(c->mounts.at[2].attr_clear & MOUNT_ATTR_RDONLY);
	assert_false(c->mounts.at[2].attr_clear & (MOUNT_ATTR__ATIME | MOUNT_ATTR_NODIRATIME));
	guest_translation_free(t);
	spec_free(spec);
}

static void limits_that_are_not_given_are_the_callers(void **state)
{
	static const char json[] =
		"{\"ociVersion\":\"1.1.0\",\"root\":{\"path\":\"rootfs\"},\"process\":{\"args\":[\"sh\"],\"cwd\":\"/\","
		"\"user\":{},\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\",\"soft\":5,\"hard\":6}]}}";
	const struct guest_export_list none = { .n = 0 };
	const struct guest_rlimits *limits;
	bool seen[RLIM_NLIMITS] = { false };
	struct guest_translation *t;
	struct spec *spec;

	(void)state;
	t = translate(json, &none, &spec);
	limits = &guest_translation_container(t)->process.rlimits;
	assert_int_equal(limits->len, RLIM_NLIMITS);
	for (uint32_t i = 0; i < limits->len; i++) {
		const struct guest_rlimit *l = &limits->at[i];
		struct rlimit want = { .rlim_cur = 5, .rlim_max = 6 };

		assert_in_range(l->resource, 0, RLIM_NLIMITS - 1);
		assert_false(seen[l->resource]);
		seen[l->resource] = true;
		if (l->resource != RLIMIT_NOFILE)
			assert_int_equal(getrlimit((int)l->resource, &want), 0);
		assert_true(l->soft == want.rlim_cur && l->hard == want.rlim_max);
	}
	guest_translation_free(t);
	spec_free(spec);
}

static void a_bind_without_an_export_is_refused(void **state)
{
	struct guest_translation *t;
	struct err err = ERR_INIT;
	struct spec *spec;

	(void)state;
	assert_int_equal(spec_parse("config.json", config, strlen(config), &spec, NULL, &err), 0);
	assert_int_equal(guest_translate(spec, "cid", "cid/rootfs", NULL, NULL, NULL, NULL, &t, &err), -EINVAL);
	assert_string_equal(err.msg, "mounts[1].source: not exported to the VM");
	spec_free(spec);
}

static void identity_namespaces_and_devices(void **state)
{
	const struct guest_export v[] = { { .mount = 1, .name = "cid/1/srv" }, { .mount = 2, .name = "cid/2/srv" } };
	const struct guest_export_list exports = { .n = 2, .v = v };
	const struct guest_container *c;
	struct guest_translation *t;
	unsigned int nulls = 0;
	struct spec *spec;

	(void)state;
	t = translate(config, &exports, &spec);
	c = guest_translation_container(t);
	assert_true(c->readonly);
	assert_int_equal(c->process.umask, 0022);
	assert_int_equal(c->process.uid, 5);
	assert_int_equal(c->process.groups.at[0], 7);
	assert_int_equal(c->ns[GUEST_NS_PID].mode, GUEST_NS_NEW);
	assert_int_equal(c->ns[GUEST_NS_UTS].mode, GUEST_NS_NEW);
	assert_int_equal(c->ns[GUEST_NS_IPC].mode, GUEST_NS_VM);
	assert_int_equal(c->ns[GUEST_NS_NET].mode, GUEST_NS_VM);
	for (uint32_t i = 0; i < c->devices.len; i++) {
		if (strcmp(c->devices.at[i].path, "/dev/null") != 0)
			continue;
		nulls++; /* there is the config's own, and not the default one beside it */
		assert_int_equal(c->devices.at[i].uid, 9);
		assert_int_equal(c->devices.at[i].mode, S_IFCHR | 0666);
	}
	assert_int_equal(nulls, 1);
	assert_int_equal(c->devices.len, 6);
	guest_translation_free(t);
	spec_free(spec);
}

static void remounts_and_memory_policy(void **state)
{
	static const char text[] = "{\"ociVersion\":\"1.3.0\",\"root\":{\"path\":\"r\"},\"process\":{\"args\":[\"x\"],"
				   "\"cwd\":\"/\"},\"mounts\":["
				   "{\"destination\":\"/a\",\"options\":[\"bind\",\"remount\",\"ro\",\"size=1k\"]},"
				   "{\"destination\":\"/b\",\"options\":[\"remount\",\"sync\",\"size=1k\"]}],"
				   "\"linux\":{\"memoryPolicy\":{\"mode\":\"MPOL_INTERLEAVE\",\"nodes\":\"0-1, "
				   "5\",\"flags\":[\"MPOL_F_STATIC_NODES\"]}}}";
	const struct guest_export_list none = { .n = 0 };
	const struct guest_container *c;
	struct guest_translation *t;
	struct spec *spec;

	(void)state;
	t = translate(text, &none, &spec);
	c = guest_translation_container(t);
	assert_int_equal(c->mounts.at[0].kind, GUEST_MOUNT_REMOUNT);
	assert_int_equal(c->mounts.at[0].attr_set, MOUNT_ATTR_RDONLY);
	assert_string_equal(c->mounts.at[0].data, ""); /* a bind has no options of a file system */
	assert_int_equal(c->mounts.at[1].kind, GUEST_MOUNT_REMOUNT);
	assert_true(c->mounts.at[1].flags & MS_SYNCHRONOUS);
	assert_string_equal(c->mounts.at[1].data, "size=1k");
	assert_true(c->process.has_memory_policy);
	assert_int_equal(c->process.memory_policy, 3 | 1 << 15);
	assert_int_equal(c->process.memory_nodes.len, 3);
	assert_int_equal(c->process.memory_nodes.at[2], 5);
	guest_translation_free(t);
	spec_free(spec);
}

/* A user namespace by path has the mappings that the life cycle gives; without any, the VM's ids are the host's. */
static void a_joined_user_namespace_has_its_mappings(void **state)
{
	static const char json[] = "{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\"},"
				   "\"process\":{\"cwd\":\"/\",\"args\":[\"true\"],\"user\":{\"uid\":0,\"gid\":0}},"
				   "\"linux\":{\"namespaces\":[{\"type\":\"user\",\"path\":\"/proc/1/ns/user\"}]}}";
	struct spec_idmap uid[] = { { .container_id = 0, .host_id = 1000, .size = 10 },
		{ .container_id = 20, .host_id = 5000, .size = 1 } };
	struct spec_idmap gid[] = { { .container_id = 0, .host_id = 7, .size = 3 } };
	const struct spec_idmaps uids = { 2, uid }, gids = { 1, gid };
	const struct guest_joins joins = { .uids = &uids, .gids = &gids };
	struct guest_translation *t;
	const struct guest_container *c;
	struct err err = ERR_INIT;
	struct spec *spec;

	(void)state;
	t = translate(json, NULL, &spec);
	c = guest_translation_container(t);
	assert_int_equal(c->ns[GUEST_NS_USER].mode, GUEST_NS_VM);
	assert_int_equal(c->uids.len, 0);
	guest_translation_free(t);

	assert_int_equal(guest_translate(spec, "cid", "cid/rootfs", NULL, &joins, NULL, NULL, &t, &err), 0);
	c = guest_translation_container(t);
	assert_int_equal(c->ns[GUEST_NS_USER].mode, GUEST_NS_NEW);
	assert_int_equal(c->uids.len, 2);
	assert_int_equal(c->uids.at[1].container, 20);
	assert_int_equal(c->uids.at[1].host, 5000);
	assert_int_equal(c->gids.len, 1);
	assert_int_equal(c->gids.at[0].size, 3);
	assert_int_equal(c->ns[GUEST_NS_NET].mode, GUEST_NS_VM); /* the config lists none */
	guest_translation_free(t);
	spec_free(spec);
}

static void a_user_namespace_has_a_network_of_its_own(void **state)
{
	static const char json[] = "{\"ociVersion\":\"1.2.0\",\"root\":{\"path\":\"rootfs\"},"
				   "\"process\":{\"cwd\":\"/\",\"args\":[\"true\"],\"user\":{\"uid\":0,\"gid\":0}},"
				   "\"linux\":{\"namespaces\":[{\"type\":\"network\"},{\"type\":\"user\"}],"
				   "\"uidMappings\":[{\"containerID\":0,\"hostID\":1000,\"size\":10}],"
				   "\"gidMappings\":[{\"containerID\":0,\"hostID\":1000,\"size\":10}]}}";
	struct guest_translation *t;
	struct spec *spec;

	(void)state;
	t = translate(json, NULL, &spec);
	assert_int_equal(guest_translation_container(t)->ns[GUEST_NS_USER].mode, GUEST_NS_NEW);
	assert_int_equal(guest_translation_container(t)->ns[GUEST_NS_NET].mode, GUEST_NS_NEW);
	guest_translation_free(t);
	spec_free(spec);
}

static void start_hooks_translate(void **state)
{
	static const char json[] =
		"{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\"},"
		"\"process\":{\"cwd\":\"/\",\"args\":[\"true\"],\"user\":{\"uid\":0,\"gid\":0}},"
		"\"hooks\":{\"prestart\":[{\"path\":\"/host\"}],\"startContainer\":["
		"{\"path\":\"/a\",\"args\":[\"x\",\"y\"],\"env\":[\"A=b\"],\"timeout\":9},{\"path\":\"/"
		"b\"},{\"path\":\"/c\",\"env\":[]}]}}";
	struct guest_translation *t;
	const struct guest_hooks *hooks;
	struct spec *spec;

	(void)state;
	t = translate(json, NULL, &spec);
	hooks = &guest_translation_container(t)->start_hooks;
	assert_int_equal(hooks->len, 3);
	assert_string_equal(hooks->at[0].path, "/a");
	assert_int_equal(hooks->at[0].args.len, 2);
	assert_string_equal(hooks->at[0].args.at[1], "y");
	assert_string_equal(hooks->at[0].env.at[0], "A=b");
	assert_int_equal(hooks->at[0].timeout_s, 9);
	assert_string_equal(hooks->at[1].path, "/b");
	assert_int_equal(hooks->at[1].args.len, 0);
	assert_int_equal(hooks->at[1].timeout_s, 0);
	/* without env the hook has the process's, with an empty one it has none */
	assert_false(hooks->at[0].inherits_env);
	assert_true(hooks->at[1].inherits_env);
	assert_false(hooks->at[2].inherits_env);
	guest_translation_free(t);
	spec_free(spec);
}

/* Every config that engines were seen to write can be translated, and comes through the channel as it was. */
static void samples_translate_and_cross_the_channel(void **state)
{
	DIR *dir = opendir(SAMPLES);
	unsigned int count = 0;
	struct dirent *e;

	(void)state;
	assert_non_null(dir);
	while ((e = readdir(dir))) {
		struct guest_export v[256];
		struct guest_export_list exports = { .n = 0, .v = v };
		struct proto_arena arena = { 0 };
		struct guest_translation *t;
		struct proto_request request;
		struct err err = ERR_INIT;
		autobuf msg = BUF_INIT;
		struct spec *spec;

		if (!strstr(e->d_name, ".config.json"))
			continue;
		if (spec_load(dirfd(dir), e->d_name, &spec, NULL, &err) < 0) {
			/* fields that vmrunc refuses are tested with the support table */
			if (err.errnum == ENOTSUP)
				continue;
			fail_msg("%s: %s", e->d_name, err.msg);
		}
		for (size_t i = 0; i < spec->mounts.n && exports.n < ARRAY_LEN(v); i++)
			v[exports.n++] = (struct guest_export){ .mount = i, .shared = true, .name = "cid/n/x" };
		if (guest_translate(spec, "cid", "cid/rootfs", &exports, NULL, NULL, NULL, &t, &err) < 0)
			fail_msg("%s: %s", e->d_name, err.msg);
		proto_put_create(&msg, 1, guest_translation_container(t));
		assert_int_equal(buf_error(&msg), 0);
		assert_true(msg.len <= PROTO_TO_GUEST_MAX);
		assert_int_equal(proto_get_request(msg.data, msg.len, &arena, &request), 0);
		assert_int_equal(request.container.mounts.len, spec->mounts.n);
		assert_int_equal(request.container.process.args.len, spec->process->args.n);
		proto_arena_done(&arena);
		guest_translation_free(t);
		spec_free(spec);
		count++;
	}
	closedir(dir);
	assert_true(count >= 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filter_follows_the_rules_in_order),
		cmocka_unit_test(resources_become_v2_files),
		cmocka_unit_test(mounts_become_binds_and_file_systems),
		cmocka_unit_test(a_bind_of_what_a_mount_has_is_made_in_the_guest),
		cmocka_unit_test(limits_that_are_not_given_are_the_callers),
		cmocka_unit_test(a_bind_without_an_export_is_refused),
		cmocka_unit_test(identity_namespaces_and_devices),
		cmocka_unit_test(remounts_and_memory_policy),
		cmocka_unit_test(a_joined_user_namespace_has_its_mappings),
		cmocka_unit_test(a_user_namespace_has_a_network_of_its_own),
		cmocka_unit_test(start_hooks_translate),
		cmocka_unit_test(samples_translate_and_cross_the_channel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
