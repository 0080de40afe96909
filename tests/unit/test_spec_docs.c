/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/spec: what is made from the support table, and the default config. */
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

#include "base/buf.h"
#include "base/fd.h"
#include "json/json.h"
#include "spec/default.h"
#include "spec/features.h"
#include "spec/spec.h"
#include "spec/support.h"

static void the_committed_document_is_the_tables(void **state)
{
	autobuf want = BUF_INIT;
	autofree char *got = NULL;

	(void)state;
	support_markdown(&want);
	assert_int_equal(buf_error(&want), 0);
	assert_int_equal(fd_read_file(AT_FDCWD, SRCDIR "/docs/spec-support.md", 1 << 20, &got, NULL), 0);
	if (strcmp(got, want.data) != 0)
		fail_msg("docs/spec-support.md is not what the table says: run \"make spec-support\"");
}

static void rows_are_found_upwards(void **state)
{
	(void)state;
	assert_string_equal(support_find("process.consoleSize.height")->path, "process.consoleSize");
	assert_string_equal(support_find("linux.resources.memory.limit")->path, "linux.resources.memory.limit");
	assert_string_equal(support_find("linux.resources.rdma.*.hcaHandles")->path, "linux.resources.rdma");
	assert_string_equal(support_find("process.rlimits[].soft")->path, "process.rlimits");
	assert_null(support_find("process"));
	assert_null(support_find("frob.x[].y"));
	assert_null(support_find(""));
	assert_true(support_has("mounts[].options[]", "ro"));
	assert_true(support_has("linux.namespaces[].type", "pid"));
	assert_false(support_has("linux.seccomp.syscalls[].action", "SCMP_ACT_NOTIFY"));
	assert_true(support_has("linux.seccomp.syscalls[].action", "SCMP_ACT_TRAP"));
	assert_false(support_has("frob", "x"));
}

/* --- features --- */

static struct arena *arena;

static const struct json *parsed(const struct buf *b)
{
	struct json *root = NULL;
	struct err err = ERR_INIT;

	arena_free(arena);
	assert_int_equal(arena_new(&arena), 0);
	if (json_parse("out", b->data, b->len, 0, arena, &root, NULL, &err) != 0)
		fail_msg("%s", err.msg);
	return root;
}

/* The schema's shape of a value: s string, b boolean, S array of strings, o object, m map of strings. */
struct shape {
	const char *path;
	char type;
};

static const struct shape features_shape[] = {
	{ "ociVersionMin", 's' },
	{ "ociVersionMax", 's' },
	{ "hooks", 'S' },
	{ "mountOptions", 'S' },
	{ "annotations", 'm' },
	{ "potentiallyUnsafeConfigAnnotations", 'S' },
	{ "linux", 'o' },
	{ "linux.namespaces", 'S' },
	{ "linux.capabilities", 'S' },
	{ "linux.cgroup", 'o' },
	{ "linux.cgroup.v1", 'b' },
	{ "linux.cgroup.v2", 'b' },
	{ "linux.cgroup.systemd", 'b' },
	{ "linux.cgroup.systemdUser", 'b' },
	{ "linux.cgroup.rdma", 'b' },
	{ "linux.seccomp", 'o' },
	{ "linux.seccomp.enabled", 'b' },
	{ "linux.seccomp.actions", 'S' },
	{ "linux.seccomp.operators", 'S' },
	{ "linux.seccomp.archs", 'S' },
	{ "linux.seccomp.knownFlags", 'S' },
	{ "linux.seccomp.supportedFlags", 'S' },
	{ "linux.apparmor", 'o' },
	{ "linux.apparmor.enabled", 'b' },
	{ "linux.selinux", 'o' },
	{ "linux.selinux.enabled", 'b' },
	{ "linux.memoryPolicy", 'o' },
	{ "linux.memoryPolicy.modes", 'S' },
	{ "linux.memoryPolicy.flags", 'S' },
	{ "linux.intelRdt", 'o' },
	{ "linux.intelRdt.enabled", 'b' },
	{ "linux.intelRdt.schemata", 'b' },
	{ "linux.intelRdt.monitoring", 'b' },
	{ "linux.mountExtensions", 'o' },
	{ "linux.mountExtensions.idmap", 'o' },
	{ "linux.mountExtensions.idmap.enabled", 'b' },
	{ "linux.netDevices", 'o' },
	{ "linux.netDevices.enabled", 'b' },
};

static const struct json *at(const struct json *j, const char *path)
{
	char key[64];

	while (j && *path) {
		size_t len = strcspn(path, ".");

		memcpy(key, path, len);
		key[len] = 0;
		j = json_get(j, key);
		path += len + (path[len] == '.');
	}
	return j;
}

static bool has_shape(const struct json *j, char type)
{
	switch (type) {
	case 's':
		return j->type == JSON_STRING;
	case 'b':
		return j->type == JSON_BOOL;
	case 'o':
		return j->type == JSON_OBJECT;
	default:
		if (j->type != (type == 'S' ? JSON_ARRAY : JSON_OBJECT))
			return false;
		for (const struct json *c = j->first; c; c = c->next)
			if (c->type != JSON_STRING)
				return false;
		return true;
	}
}

/* Fails if the document has a value that the schema does not have. */
static void only_known(const struct json *j, const char *path)
{
	for (const struct json *c = j->first; c; c = c->next) {
		char below[128];
		const struct shape *s = NULL;

		snprintf(below, sizeof(below), "%s%s%s", path, *path ? "." : "", c->key);
		for (size_t i = 0; i < ARRAY_LEN(features_shape); i++)
			if (strcmp(features_shape[i].path, below) == 0)
				s = &features_shape[i];
		if (!s)
			fail_msg("features.md has no \"%s\"", below);
		else if (s->type == 'o')
			only_known(c, below);
	}
}

static bool lists(const struct json *array, const char *word)
{
	for (const struct json *c = array->first; c; c = c->next)
		if (strcmp(c->text, word) == 0)
			return true;
	return false;
}

static void features_have_the_schemas_shape(void **state)
{
	autobuf b = BUF_INIT;
	struct err err = ERR_INIT;
	const struct json *root;

	(void)state;
	assert_int_equal(features_json(&b, &err), 0);
	root = parsed(&b);
	for (size_t i = 0; i < ARRAY_LEN(features_shape); i++) {
		const struct json *j = at(root, features_shape[i].path);

		if (!j || !has_shape(j, features_shape[i].type))
			fail_msg("%s is missing or of the wrong type", features_shape[i].path);
	}
	only_known(root, "");
	assert_string_equal(at(root, "ociVersionMin")->text, SPEC_VERSION_MIN);
	assert_string_equal(at(root, "ociVersionMax")->text, SPEC_VERSION);
	assert_true(lists(at(root, "mountOptions"), "rslave"));
	assert_true(lists(at(root, "mountOptions"), "tmpcopyup"));
	assert_true(lists(at(root, "linux.capabilities"), "CAP_CHOWN"));
	assert_true(lists(at(root, "linux.capabilities"), "CAP_CHECKPOINT_RESTORE"));
	assert_true(lists(at(root, "linux.namespaces"), "pid"));
	assert_true(lists(at(root, "linux.seccomp.actions"), "SCMP_ACT_ERRNO"));
	assert_false(lists(at(root, "linux.seccomp.actions"), "SCMP_ACT_NOTIFY"));
	assert_true(lists(at(root, "linux.seccomp.archs"), "SCMP_ARCH_X32"));
	assert_true(lists(at(root, "linux.seccomp.operators"), "SCMP_CMP_MASKED_EQ"));
	arena_free(arena);
	arena = NULL;
}

/* The parser accepts each namespace, hook and mount option that features lists. */
static void what_features_lists_is_accepted(void **state)
{
	autobuf b = BUF_INIT;
	struct err err = ERR_INIT;
	const struct json *root;

	(void)state;
	assert_int_equal(features_json(&b, &err), 0);
	root = parsed(&b);
	for (const struct json *c = at(root, "mountOptions")->first; c; c = c->next) {
		autobuf config = BUF_INIT;
		struct spec *s = NULL;

		buf_printf(&config,
			"{\"ociVersion\":\"%s\",\"root\":{\"path\":\"r\"},\"mounts\":[{\"destination\":\"/a\","
			"\"type\":\"bind\",\"source\":\"x\",\"options\":[\"%s\"]}],\"linux\":{\"namespaces\":[{"
			"\"type\":\"user\"}],"
			"\"uidMappings\":[{\"containerID\":0,\"hostID\":0,\"size\":1}],"
			"\"gidMappings\":[{\"containerID\":0,\"hostID\":0,\"size\":1}]}}",
			at(root, "ociVersionMax")->text, c->text);
		if (spec_parse("c.json", config.data, config.len, &s, NULL, &err) != 0)
			fail_msg("%s: %s", c->text, err.msg);
		spec_free(s);
	}
	for (const struct json *c = at(root, "linux.namespaces")->first; c; c = c->next) {
		autobuf config = BUF_INIT;
		struct spec *s = NULL;

		buf_printf(&config,
			"{\"ociVersion\":\"%s\",\"root\":{\"path\":\"r\"},\"linux\":{\"namespaces\":[{\"type\":\"%s\"}]"
			","
			"\"uidMappings\":%s,\"gidMappings\":%s}}",
			at(root, "ociVersionMin")->text, c->text,
			strcmp(c->text, "user") == 0 ? "[{\"containerID\":0,\"hostID\":0,\"size\":1}]" : "[]",
			strcmp(c->text, "user") == 0 ? "[{\"containerID\":0,\"hostID\":0,\"size\":1}]" : "[]");
		if (spec_parse("c.json", config.data, config.len, &s, NULL, &err) != 0)
			fail_msg("%s: %s", c->text, err.msg);
		spec_free(s);
	}
	arena_free(arena);
	arena = NULL;
}

/* --- the default config --- */

static void the_default_config_is_a_good_one(void **state)
{
	autobuf b = BUF_INIT;
	struct warnings w = WARNINGS_INIT;
	struct err err = ERR_INIT;
	struct spec *s = NULL;

	(void)state;
	assert_int_equal(spec_default_json(&b, false, &err), 0);
	if (spec_parse("config.json", b.data, b.len, &s, &w, &err) != 0)
		fail_msg("%s", err.msg);
	assert_int_equal(w.n, 0); /* nothing in it is ignored */
	assert_string_equal(s->oci_version, SPEC_VERSION);
	assert_true(s->process->terminal);
	assert_string_equal(s->process->args.v[0], "sh");
	assert_string_equal(s->root->path, "rootfs");
	assert_true(s->root->readonly);
	assert_int_equal(s->mounts.n, 7);
	assert_non_null(spec_namespace_find(s, SPEC_NS_PID));
	assert_non_null(spec_namespace_find(s, SPEC_NS_MOUNT));
	assert_true(s->linux_->masked_paths.n > 5);
	assert_true(s->linux_->readonly_paths.n > 3);
	spec_free(s);
	warnings_done(&w);
}

static void the_rootless_one_maps_the_caller(void **state)
{
	autobuf b = BUF_INIT;
	struct err err = ERR_INIT;
	const struct json *root;

	(void)state;
	assert_int_equal(spec_default_json(&b, true, &err), 0);
	root = parsed(&b);
	assert_int_equal(at(root, "linux.uidMappings")->n, 1);
	assert_int_equal(at(root, "linux.gidMappings")->n, 1);
	assert_null(strstr(b.data, "gid=5"));
	assert_null(strstr(b.data, "\"network\""));
	assert_non_null(strstr(b.data, "\"user\""));
	arena_free(arena);
	arena = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_committed_document_is_the_tables),
		cmocka_unit_test(rows_are_found_upwards),
		cmocka_unit_test(features_have_the_schemas_shape),
		cmocka_unit_test(what_features_lists_is_accepted),
		cmocka_unit_test(the_default_config_is_a_good_one),
		cmocka_unit_test(the_rootless_one_maps_the_caller),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
