/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The features document: all words that the parser knows, without those that the support table refuses or ignores. Of
 * the machine it depends on nothing but the versions of the libraries.
 */
#include "spec/features.h"

#include <ctype.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>

#include "json/gen.h"
#include "spec/mountopt.h"
#include "spec/names.h"
#include "spec/spec.h"
#include "spec/support.h"

#include "config.h"

/* Writes the array @key of those @names that vmrunc carries out as values of @field ("a[].b"). */
static void put_names(struct gen *g, const char *key, const struct spec_name *names, const char *field)
{
	gen_key_array(g, key);
	for (; names->name; names++)
		if (support_has(field, names->name))
			gen_string(g, names->name);
	gen_close_array(g);
}

/* True if vmrunc carries out @field. */
static bool done(const char *field)
{
	const struct support_row *r = support_find(field);

	return r && r->status == SUPPORT_DONE;
}

static void put_enabled(struct gen *g, const char *key, const char *field)
{
	gen_key_object(g, key);
	gen_key_bool(g, "enabled", done(field));
	gen_close_object(g);
}

static void put_hooks(struct gen *g)
{
	static const char *const hooks[] = { "prestart", "createRuntime", "createContainer", "startContainer",
		"poststart", "poststop" };
	char field[64];

	gen_key_array(g, "hooks");
	for (size_t i = 0; i < ARRAY_LEN(hooks); i++) {
		(void)snprintf(field, sizeof(field), "hooks.%s", hooks[i]);
		if (done(field))
			gen_string(g, hooks[i]);
	}
	gen_close_array(g);
}

static void put_mount_options(struct gen *g)
{
	const char *name;

	gen_key_array(g, "mountOptions");
	for (size_t i = 0; (name = mountopt_name(i)); i++)
		if (support_has("mounts[].options[]", name))
			gen_string(g, name);
	gen_close_array(g);
}

/* Writes the capabilities that libcap knows; its own names for them are in small letters. */
static void put_capabilities(struct gen *g)
{
	gen_key_array(g, "capabilities");
	for (cap_value_t cap = 0; cap < cap_max_bits(); cap++) {
		char *name = cap_to_name(cap);

		for (char *c = name; c && *c; c++)
			*c = (char)toupper((unsigned char)*c);
		if (name && spec_cap_number(name) == cap)
			gen_string(g, name);
		cap_free(name);
	}
	gen_close_array(g);
}

/* linux.cgroup of features-linux.md. */
static void put_cgroup(struct gen *g)
{
	bool any = done("linux.cgroupsPath");

	gen_key_object(g, "cgroup");
	gen_key_bool(g, "v1", any);
	gen_key_bool(g, "v2", any);
#ifdef HAVE_LIBSYSTEMD
	gen_key_bool(g, "systemd", true);
#else
	gen_key_bool(g, "systemd", false);
#endif
	gen_key_bool(g, "systemdUser", false);
	gen_key_bool(g, "rdma", done("linux.resources.rdma"));
	gen_close_object(g);
}

static void put_seccomp(struct gen *g)
{
	gen_key_object(g, "seccomp");
	gen_key_bool(g, "enabled", done("linux.seccomp.defaultAction"));
	put_names(g, "actions", spec_seccomp_action_names, "linux.seccomp.syscalls[].action");
	put_names(g, "operators", spec_seccomp_op_names, "linux.seccomp.syscalls[].args");
	put_names(g, "archs", spec_seccomp_arch_names, "linux.seccomp.architectures");
	put_names(g, "knownFlags", spec_seccomp_flag_names, "linux.seccomp.flags");
	put_names(g, "supportedFlags", spec_seccomp_flag_names, "linux.seccomp.flags[]");
	gen_close_object(g);
}

static void put_memory_policy(struct gen *g)
{
	gen_key_object(g, "memoryPolicy");
	put_names(g, "modes", spec_mpol_modes, "linux.memoryPolicy");
	put_names(g, "flags", spec_mpol_flags, "linux.memoryPolicy");
	gen_close_object(g);
}

/* linux of the document (features-linux.md). */
static void put_linux(struct gen *g)
{
	gen_key_object(g, "linux");
	put_names(g, "namespaces", spec_ns_names, "linux.namespaces[].type");
	put_capabilities(g);
	put_cgroup(g);
	put_seccomp(g);
	put_enabled(g, "apparmor", "process.apparmorProfile");
	put_enabled(g, "selinux", "process.selinuxLabel");
	put_memory_policy(g);
	gen_key_object(g, "intelRdt");
	gen_key_bool(g, "enabled", done("linux.intelRdt.closID"));
	gen_key_bool(g, "schemata", done("linux.intelRdt.schemata"));
	gen_key_bool(g, "monitoring", done("linux.intelRdt.enableMonitoring"));
	gen_close_object(g);
	gen_key_object(g, "mountExtensions");
	put_enabled(g, "idmap", "mounts[].uidMappings");
	gen_close_object(g);
	put_enabled(g, "netDevices", "linux.netDevices");
	gen_close_object(g);
}

static void put_annotations(struct gen *g)
{
	const struct scmp_version *v = seccomp_version();
	char text[48];

	gen_key_object(g, "annotations");
	(void)snprintf(text, sizeof(text), "%u.%u.%u", v->major, v->minor, v->micro);
	gen_key_string(g, "io.github.seccomp.libseccomp.version", text);
	gen_key_string(g, "org.vmrunc.version", PACKAGE_VERSION);
	gen_close_object(g);
}

int features_json(struct buf *out, struct err *err)
{
	static const char *const unsafe[] = { "org.vmrunc.", NULL };
	struct gen g;

	gen_init(&g, out, GEN_INDENT_4);
	gen_open_object(&g);
	gen_key_string(&g, "ociVersionMin", SPEC_VERSION_MIN);
	gen_key_string(&g, "ociVersionMax", SPEC_VERSION);
	put_hooks(&g);
	put_mount_options(&g);
	put_linux(&g);
	put_annotations(&g);
	gen_key_strings(&g, "potentiallyUnsafeConfigAnnotations", unsafe);
	gen_close_object(&g);
	return gen_finish(&g, err);
}
