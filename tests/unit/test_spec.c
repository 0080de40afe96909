/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/spec: real configs, each field's type and range, parts of a config, and what errors say. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "json/json.h"
#include "spec/schema.h"
#include "spec/spec.h"
#include "spec/support.h"

#define SAMPLES SRCDIR "/tests/samples/"

/* --- real configs --- */

/* @refused: the error with which support_check() refuses the config, which is valid; NULL if it is accepted. */
static const struct {
	const char *file, *refused;
} sample_configs[] = {
	{ "cri-container-hostnet.config.json", NULL },
	{ "cri-container-sharedpid.config.json", NULL },
	{ "cri-container-tty.config.json", NULL },
	{ "cri-container.config.json", NULL },
	{ "cri-sandbox-hostnet-privileged.config.json", NULL },
	{ "cri-sandbox.config.json", NULL },
	{ "ctr-run.config.json", NULL },
	{ "docker-run-container-ns.config.json", NULL },
	{ "docker-run-limits-mounts.config.json", NULL },
	{ "docker-run-nethost.config.json", NULL },
	{ "docker-run-privileged.config.json", NULL },
	{ "docker-run.config.json", NULL },
	{ "podman-pod-infra.config.json", NULL },
	{ "podman-pod-member-sharedpid.config.json", NULL },
	{ "podman-pod-member.config.json", NULL },
	{ "podman-run-limits.config.json", NULL },
	{ "podman-run-mounts-readonly.config.json", NULL },
	{ "podman-run-privileged.config.json", NULL },
	{ "podman-run-systemd-cgroup.config.json", NULL },
	{ "podman-run-tty.config.json", NULL },
	{ "podman-run-userns.config.json", NULL },
	{ "podman-run.config.json", NULL },
};

static void every_sample_config_loads(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sample_configs); i++) {
		struct warnings w = WARNINGS_INIT;
		struct err err = ERR_INIT;
		struct spec *s = NULL;
		char path[512];
		int rc;

		snprintf(path, sizeof(path), SAMPLES "%s", sample_configs[i].file);
		rc = spec_load(AT_FDCWD, path, &s, &w, &err);
		if (sample_configs[i].refused) {
			assert_int_equal(rc, -ENOTSUP);
			assert_non_null(strstr(err.msg, sample_configs[i].refused));
			assert_null(s);
		} else {
			if (rc)
				print_error("%s\n", err.msg);
			assert_int_equal(rc, 0);
			assert_true(s->process && s->process->args.n > 0);
		}
		for (size_t k = 0; k < w.n; k++)
			if (strstr(w.v[k], "unknown field"))
				fail_msg("%s", w.v[k]);
		spec_free(s);
		warnings_done(&w);
	}
}

static void every_sample_process_loads(void **state)
{
	static const char *const files[] = { "ctr-exec", "docker-exec", "podman-exec-tty", "podman-exec" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct err err = ERR_INIT;
		struct spec *s = NULL;
		char path[512];

		snprintf(path, sizeof(path), SAMPLES "%s.process.json", files[i]);
		assert_int_equal(spec_load_process(AT_FDCWD, path, &s, NULL, &err), 0);
		assert_string_equal(s->process->cwd, "/");
		assert_int_equal(s->process->rlimits.v[0].resource, RLIMIT_NOFILE);
		assert_null(s->process->args.v[s->process->args.n]);
		spec_free(s);
	}
}

static void values_of_a_sample_arrive(void **state)
{
	struct err err = ERR_INIT;
	struct spec *s = NULL;

	(void)state;
	assert_int_equal(spec_load(AT_FDCWD, SAMPLES "podman-run-limits.config.json", &s, NULL, &err), 0);
	assert_string_equal(s->oci_version, "1.0.2-dev");
	assert_true(s->process->user.umask.set);
	assert_int_equal(s->process->user.umask.v, 022);
	assert_int_equal(s->process->args.n, 2);
	assert_string_equal(s->process->args.v[1], "/proc/self/cgroup");
	assert_true(s->process->capabilities->bounding & 1); /* CAP_CHOWN */
	assert_int_equal(s->process->capabilities->ambient, 0);
	assert_string_equal(s->hostname, "479089f1bcab");
	assert_string_equal(s->mounts.v[0].destination, "/proc");
	assert_string_equal(s->mounts.v[1].options.v[4], "size=65536k");
	assert_string_equal(spec_annotation(s, "io.container.manager"), "libpod");
	assert_null(spec_annotation(s, "io.container"));
	assert_int_equal(s->linux_->resources->memory->limit.v, 67108864);
	assert_false(s->linux_->resources->memory->reservation.set);
	assert_int_equal(s->linux_->resources->cpu->quota.v, 50000);
	assert_string_equal(s->linux_->resources->cpu->cpus, "0");
	assert_int_equal(s->linux_->resources->devices.v[0].type, 'a');
	assert_false(s->linux_->resources->devices.v[0].major.set);
	assert_int_equal(s->linux_->resources->devices.v[0].access, 7);
	assert_string_equal(s->linux_->sysctl.v[0].key, "net.ipv4.ping_group_range");
	assert_non_null(spec_namespace_find(s, SPEC_NS_NETWORK)->path);
	assert_null(spec_namespace_find(s, SPEC_NS_PID)->path);
	assert_null(spec_namespace_find(s, SPEC_NS_USER));
	spec_free(s);
}

/* --- every field of the tables --- */

/* A field under test: its path in messages, and a config that has nothing but this field. */
struct probe {
	char path[256];    /* "a[0].b.k.c" */
	char pattern[256]; /* "a[].b.*.c", as in the support table */
	char head[1024], tail[64];
	unsigned line; /* of the value */
	const struct spec_field *field;
};

typedef void probe_fn(const struct probe *p);

static void probe_fields(const struct spec_object *o, const struct probe *outer, probe_fn *fn);

static void probe_append(char *to, size_t size, const char *a, const char *b, const char *c)
{
	size_t len = strlen(to);

	assert_true((size_t)snprintf(to + len, size - len, "%s%s%s", a, b, c) < size - len);
}

static void probe_prepend_tail(struct probe *p, const char *text)
{
	char tail[sizeof(p->tail)];

	assert_true(snprintf(tail, sizeof(tail), "%s%s", text, p->tail) < (int)sizeof(tail));
	strcpy(p->tail, tail);
}

static void probe_field(const struct spec_field *f, const struct probe *outer, probe_fn *fn)
{
	struct probe p = *outer, inner;

	p.field = f;
	p.line++;
	probe_append(p.path, sizeof(p.path), *p.path ? "." : "", f->key, "");
	probe_append(p.pattern, sizeof(p.pattern), *p.pattern ? "." : "", f->key, "");
	probe_append(p.head, sizeof(p.head), "\"", f->key, "\":\n");
	fn(&p);
	inner = p;
	switch (f->kind) {
	case K_OBJECT:
	case K_EMBEDDED:
		probe_append(inner.head, sizeof(inner.head), "{", "", "");
		probe_prepend_tail(&inner, "}");
		break;
	case K_OBJECTS:
		probe_append(inner.path, sizeof(inner.path), "[0]", "", "");
		probe_append(inner.pattern, sizeof(inner.pattern), "[]", "", "");
		probe_append(inner.head, sizeof(inner.head), "[{", "", "");
		probe_prepend_tail(&inner, "}]");
		break;
	case K_OBJECT_MAP:
		probe_append(inner.path, sizeof(inner.path), ".k", "", "");
		probe_append(inner.pattern, sizeof(inner.pattern), ".*", "", "");
		probe_append(inner.head, sizeof(inner.head), "{\"k\":{", "", "");
		probe_prepend_tail(&inner, "}}");
		break;
	default:
		return;
	}
	probe_fields(f->object, &inner, fn);
}

static void probe_fields(const struct spec_object *o, const struct probe *outer, probe_fn *fn)
{
	for (size_t i = 0; i < o->n; i++)
		probe_field(&o->fields[i], outer, fn);
}

static void probe_config(probe_fn *fn)
{
	const struct probe top = { .head = "{", .tail = "}", .line = 1 };

	probe_fields(&schema_config, &top, fn);
}

/* Loads the probe's config with @value in the field; the error's text is in @err. */
static int probe_load(const struct probe *p, const char *value, struct err *err)
{
	char json[2048];
	struct spec *s = NULL;
	int rc;

	snprintf(json, sizeof(json), "%s%s%s", p->head, value, p->tail);
	rc = spec_parse("c.json", json, strlen(json), &s, NULL, err);
	spec_free(s);
	return rc;
}

static bool is_bool(const struct spec_field *f)
{
	return f->kind == K_BOOL || f->kind == K_OPT_BOOL;
}

static unsigned probes_made;

static void probe_wrong_type(const struct probe *p)
{
	struct err err = ERR_INIT;
	char want[320];

	probes_made++;
	assert_int_equal(probe_load(p, is_bool(p->field) ? "17" : "true", &err), -EINVAL);
	snprintf(want, sizeof(want), "c.json:%u: %s: n", p->line, p->path); /* "not a ..." or "neither ..." */
	if (strncmp(err.msg, want, strlen(want)) != 0)
		fail_msg("wanted \"%s...\", got \"%s\"", want, err.msg);
}

static void wrong_type_names_path_and_line_for_every_field(void **state)
{
	(void)state;
	probes_made = 0;
	probe_config(probe_wrong_type);
	assert_true(probes_made > 180); /* the walk really went through the tables */
}

static bool is_signed_number(enum spec_kind k)
{
	return k == K_I32 || k == K_I64 || k == K_OPT_I64;
}

static bool is_number(enum spec_kind k)
{
	return is_signed_number(k) || k == K_U32 || k == K_U64 || k == K_OPT_U32 || k == K_OPT_U64;
}

static void number_outside(const struct spec_field *f, bool above, char *to, size_t size)
{
	if (!above)
		snprintf(to, size, "%lld", (long long)f->min - 1);
	else if (f->max == UINT64_MAX)
		snprintf(to, size, "18446744073709551616");
	else
		snprintf(to, size, "%llu", (unsigned long long)f->max + 1);
}

static void probe_range(const struct probe *p)
{
	const struct spec_field *f = p->field;
	char value[32];

	if (!is_number(f->kind))
		return;
	probes_made++;
	for (int above = 0; above < 2; above++) {
		struct err err = ERR_INIT;

		if (!above && f->min == INT64_MIN)
			snprintf(value, sizeof(value), "-9223372036854775809");
		else
			number_outside(f, above, value, sizeof(value));
		assert_int_equal(probe_load(p, value, &err), -EINVAL);
		if (!strstr(err.msg, "is out of range") || !strstr(err.msg, p->path))
			fail_msg("%s = %s: got \"%s\"", p->path, value, err.msg);
	}
	for (int above = 0; above < 2; above++) {
		struct err err = ERR_INIT;

		if (above)
			snprintf(value, sizeof(value), "%llu", (unsigned long long)f->max);
		else
			snprintf(value, sizeof(value), "%lld", (long long)f->min);
		(void)probe_load(p, value, &err); /* other fields are missing: the message is about them */
		if (strstr(err.msg, "out of range"))
			fail_msg("%s = %s: got \"%s\"", p->path, value, err.msg);
	}
}

static void range_is_checked_for_every_number(void **state)
{
	(void)state;
	probes_made = 0;
	probe_config(probe_range);
	assert_true(probes_made > 50);
}

static void probe_fraction(const struct probe *p)
{
	struct err err = ERR_INIT;

	if (!is_number(p->field->kind))
		return;
	assert_int_equal(probe_load(p, "1.5", &err), -EINVAL);
	assert_non_null(strstr(err.msg, "1.5 is not a whole number"));
	assert_int_equal(probe_load(p, "1e3", &err), -EINVAL);
	assert_non_null(strstr(err.msg, "1e3 is not a whole number"));
}

static void fractions_are_no_integers(void **state)
{
	(void)state;
	probe_config(probe_fraction);
}

static void probe_unknown_name(const struct probe *p)
{
	struct err err = ERR_INIT;
	enum spec_kind k = p->field->kind;

	if (k != K_NAME && k != K_NAMES && k != K_NAME_BITS)
		return;
	probes_made++;
	assert_int_equal(probe_load(p, k == K_NAME ? "\"NO_SUCH\"" : "[\"NO_SUCH\"]", &err), -EINVAL);
	if (!strstr(err.msg, "\"NO_SUCH\" is not one of ") || !strstr(err.msg, p->path))
		fail_msg("%s: got \"%s\"", p->path, err.msg);
}

static void unknown_constants_are_errors_everywhere(void **state)
{
	(void)state;
	probes_made = 0;
	probe_config(probe_unknown_name);
	assert_true(probes_made > 15);
}

static void probe_null(const struct probe *p)
{
	struct err err = ERR_INIT;
	char path[300];

	/* null counts as absent: either a required field is missing, or nothing is wrong */
	(void)probe_load(p, "null", &err);
	snprintf(path, sizeof(path), "%s: ", p->path);
	if (strstr(err.msg, path) && !strstr(err.msg, "missing") && !strstr(err.msg, "names no program"))
		fail_msg("%s: got \"%s\"", p->path, err.msg);
}

static void null_is_the_same_as_absent_everywhere(void **state)
{
	(void)state;
	probe_config(probe_null);
}

static void probe_support(const struct probe *p)
{
	enum spec_kind k = p->field->kind;

	if (k == K_OBJECT || k == K_EMBEDDED || k == K_OBJECTS || k == K_OBJECT_MAP)
		return; /* the walk comes to its fields later */
	if (!support_find(p->pattern))
		fail_msg("%s has no row in the support table", p->pattern);
}

static void every_field_has_a_support_row(void **state)
{
	(void)state;
	probe_config(probe_support);
}

static const char *row_wanted;
static bool row_seen;

static void probe_row(const struct probe *p)
{
	size_t len = strcspn(row_wanted, "=");

	if (len >= 2 && strncmp(row_wanted + len - 2, "[]", 2) == 0 && row_wanted[len] == '=')
		len -= 2; /* one word of an array of strings */
	row_seen |= strlen(p->pattern) == len && strncmp(p->pattern, row_wanted, len) == 0;
}

static void every_support_row_is_a_field(void **state)
{
	const struct support_row *r;

	(void)state;
	for (size_t i = 0; (r = support_row(i)); i++) {
		row_wanted = r->path;
		row_seen = false;
		probe_config(probe_row);
		if (!row_seen)
			fail_msg("the support table's row %s is no field", r->path);
		if (r->status != SUPPORT_DONE && !r->note)
			fail_msg("the support table's row %s gives no reason", r->path);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(support_row(k)->path, r->path);
	}
}

/* --- files and parts --- */

static void a_missing_file_is_named(void **state)
{
	struct spec *s = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(spec_load(AT_FDCWD, "no/such/config.json", &s, NULL, &err), -ENOENT);
	assert_string_equal(err.msg, "\"no/such/config.json\" cannot be read: No such file or directory");
	assert_int_equal(spec_load(AT_FDCWD, SRCDIR, &s, NULL, &err), -EISDIR);
	spec_free(NULL);
}

static void a_process_file_has_the_paths_of_a_config(void **state)
{
	static const char json[] = "{\n\"cwd\":\"/\",\n\"args\":[],\n\"user\":{\n\"uid\":1}}";
	static const char type[] = "{\n\"cwd\":\"/\",\"args\":[\"a\"],\n\"user\":{\n\"uid\":\"1\"}}";
	struct spec *s = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(spec_parse_process("p.json", json, strlen(json), &s, NULL, &err), -EINVAL);
	assert_string_equal(err.msg, "p.json:3: process.args: names no program");
	assert_int_equal(spec_parse_process("p.json", type, strlen(type), &s, NULL, &err), -EINVAL);
	assert_string_equal(err.msg, "p.json:4: process.user.uid: not a number");
}

static void resources_alone_load(void **state)
{
	static const char json[] = "{\"memory\":{\"limit\":1048576},\n\"cpu\":{\"cpus\":\"0-x\"}}";
	static const char good[] = "{\"blockIO\":{\"weight\":0},\"pids\":{\"limit\":7},\"devices\":null}";
	struct spec *s = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(spec_parse_resources("r.json", json, strlen(json), &s, NULL, &err), -EINVAL);
	assert_string_equal(err.msg, "r.json:2: linux.resources.cpu.cpus: \"0-x\" is not a list like \"0-3,7\"");
	assert_int_equal(spec_parse_resources("r.json", good, strlen(good), &s, NULL, &err), 0);
	assert_int_equal(s->linux_->resources->pids->limit.v, 7);
	assert_true(s->linux_->resources->block_io->weight.set);
	assert_null(s->linux_->resources->devices.v);
	spec_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_sample_config_loads),
		cmocka_unit_test(every_sample_process_loads),
		cmocka_unit_test(values_of_a_sample_arrive),
		cmocka_unit_test(wrong_type_names_path_and_line_for_every_field),
		cmocka_unit_test(range_is_checked_for_every_number),
		cmocka_unit_test(fractions_are_no_integers),
		cmocka_unit_test(unknown_constants_are_errors_everywhere),
		cmocka_unit_test(null_is_the_same_as_absent_everywhere),
		cmocka_unit_test(every_field_has_a_support_row),
		cmocka_unit_test(every_support_row_is_a_field),
		cmocka_unit_test(a_missing_file_is_named),
		cmocka_unit_test(a_process_file_has_the_paths_of_a_config),
		cmocka_unit_test(resources_alone_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
