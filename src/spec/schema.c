/* SPDX-License-Identifier: Apache-2.0 */
/* The shape of config.json outside of `linux` and `vm`. */
#include "spec/schema.h"

#include <errno.h>

#include "spec/spec.h"

/* The largest user or group id: to setresuid(2) and chown(2) the number above it means "as it is", that is, root. */
#define ID_MAX (UINT32_MAX - 1)
/* The kernel's struct winsize has unsigned shorts. */
#define CONSOLE_SIDE_MAX 65535
#define OOM_SCORE_ADJ_MIN (-1000)
#define OOM_SCORE_ADJ_MAX 1000
#define UMASK_MAX 0777

/* --- process --- */

static const struct spec_field user_fields[] = {
	SPEC_FIELD(spec_user, uid, "uid", K_U32, .max = ID_MAX),
	SPEC_FIELD(spec_user, gid, "gid", K_U32, .max = ID_MAX),
	SPEC_FIELD(spec_user, umask, "umask", K_OPT_U32, .max = UMASK_MAX),
	SPEC_FIELD(spec_user, additional_gids, "additionalGids", K_U32V, .max = ID_MAX),
	SPEC_FIELD(spec_user, username, "username", K_STR),
};
static const struct spec_object user_object = SPEC_OBJECT(spec_user, user_fields);

/* Decodes an array of names into a mask; unknown names are warnings (config.md, "Linux Process"). */
static int decode_caps(struct decode *d, const struct where *at, const struct json *j, void *member)
{
	struct where here = { .up = at };
	uint64_t mask = 0;

	if (j->type != JSON_ARRAY)
		return decode_error(d, at, j->line, "not an array");
	for (const struct json *c = j->first; c; c = c->next, here.index++) {
		const char *name = decode_str(d, &here, c);
		int cap;

		if (!name)
			return -EINVAL;
		cap = spec_cap_number(name);
		if (cap < 0)
			decode_warn(d, &here, c->line, "\"%s\" is an unknown capability, ignored", name);
		else
			mask |= 1ull << cap;
	}
	*(uint64_t *)member = mask;
	return 0;
}

static const struct spec_field capabilities_fields[] = {
	SPEC_FIELD(spec_capabilities, bounding, "bounding", K_FN, .fn = decode_caps),
	SPEC_FIELD(spec_capabilities, effective, "effective", K_FN, .fn = decode_caps),
	SPEC_FIELD(spec_capabilities, inheritable, "inheritable", K_FN, .fn = decode_caps),
	SPEC_FIELD(spec_capabilities, permitted, "permitted", K_FN, .fn = decode_caps),
	SPEC_FIELD(spec_capabilities, ambient, "ambient", K_FN, .fn = decode_caps),
};
static const struct spec_object capabilities_object = SPEC_OBJECT(spec_capabilities, capabilities_fields);

static const struct spec_field rlimit_fields[] = {
	SPEC_FIELD(spec_rlimit, resource, "type", K_NAME, .names = spec_rlimit_names, .required = true),
	SPEC_FIELD(spec_rlimit, soft, "soft", K_U64, .max = UINT64_MAX, .required = true),
	SPEC_FIELD(spec_rlimit, hard, "hard", K_U64, .max = UINT64_MAX, .required = true),
};
static const struct spec_object rlimit_object = SPEC_OBJECT(spec_rlimit, rlimit_fields);

static const struct spec_field console_size_fields[] = {
	SPEC_FIELD(spec_console_size, height, "height", K_U32, .max = CONSOLE_SIDE_MAX, .required = true),
	SPEC_FIELD(spec_console_size, width, "width", K_U32, .max = CONSOLE_SIDE_MAX, .required = true),
};
static const struct spec_object console_size_object = SPEC_OBJECT(spec_console_size, console_size_fields);

static const struct spec_field scheduler_fields[] = {
	SPEC_FIELD(spec_scheduler, policy, "policy", K_NAME, .names = spec_sched_policies, .required = true),
	SPEC_FIELD(spec_scheduler, nice, "nice", K_I32, .min = -20, .max = 19),
	SPEC_FIELD(spec_scheduler, priority, "priority", K_I32, .min = 0, .max = 99),
	SPEC_FIELD(spec_scheduler, flags, "flags", K_NAME_BITS, .names = spec_sched_flags),
	SPEC_FIELD(spec_scheduler, runtime, "runtime", K_U64, .max = UINT64_MAX),
	SPEC_FIELD(spec_scheduler, deadline, "deadline", K_U64, .max = UINT64_MAX),
	SPEC_FIELD(spec_scheduler, period, "period", K_U64, .max = UINT64_MAX),
};
static const struct spec_object scheduler_object = SPEC_OBJECT(spec_scheduler, scheduler_fields);

static const struct spec_field io_priority_fields[] = {
	SPEC_FIELD(spec_io_priority, class, "class", K_NAME, .names = spec_ioprio_classes, .required = true),
	SPEC_FIELD(spec_io_priority, priority, "priority", K_U32, .max = 7),
};
static const struct spec_object io_priority_object = SPEC_OBJECT(spec_io_priority, io_priority_fields);

static const struct spec_field cpu_affinity_fields[] = {
	SPEC_FIELD(spec_cpu_affinity, initial, "initial", K_STR),
	SPEC_FIELD(spec_cpu_affinity, final, "final", K_STR),
};
static const struct spec_object cpu_affinity_object = SPEC_OBJECT(spec_cpu_affinity, cpu_affinity_fields);

static const struct spec_field process_fields[] = {
	SPEC_FIELD(spec_process, terminal, "terminal", K_BOOL),
	SPEC_FIELD(spec_process, console_size, "consoleSize", K_OBJECT, .object = &console_size_object),
	SPEC_FIELD(spec_process, user, "user", K_EMBEDDED, .object = &user_object),
	SPEC_FIELD(spec_process, args, "args", K_STRV),
	SPEC_FIELD(spec_process, command_line, "commandLine", K_STR),
	SPEC_FIELD(spec_process, env, "env", K_STRV),
	SPEC_FIELD(spec_process, cwd, "cwd", K_STR, .required = true),
	SPEC_FIELD(spec_process, capabilities, "capabilities", K_OBJECT, .object = &capabilities_object),
	SPEC_FIELD(spec_process, rlimits, "rlimits", K_OBJECTS, .object = &rlimit_object),
	SPEC_FIELD(spec_process, no_new_privileges, "noNewPrivileges", K_BOOL),
	SPEC_FIELD(spec_process, apparmor_profile, "apparmorProfile", K_STR),
	SPEC_FIELD(spec_process, selinux_label, "selinuxLabel", K_STR),
	SPEC_FIELD(spec_process, oom_score_adj, "oomScoreAdj", K_OPT_I64, .min = OOM_SCORE_ADJ_MIN,
		.max = OOM_SCORE_ADJ_MAX),
	SPEC_FIELD(spec_process, scheduler, "scheduler", K_OBJECT, .object = &scheduler_object),
	SPEC_FIELD(spec_process, io_priority, "ioPriority", K_OBJECT, .object = &io_priority_object),
	SPEC_FIELD(spec_process, exec_cpu_affinity, "execCPUAffinity", K_OBJECT, .object = &cpu_affinity_object),
};
const struct spec_object schema_process = SPEC_OBJECT(spec_process, process_fields);

/* --- root, mounts, hooks --- */

static const struct spec_field root_fields[] = {
	SPEC_FIELD(spec_root, path, "path", K_STR, .required = true),
	SPEC_FIELD(spec_root, readonly, "readonly", K_BOOL),
};
static const struct spec_object root_object = SPEC_OBJECT(spec_root, root_fields);

static const struct spec_field mount_fields[] = {
	SPEC_FIELD(spec_mount, destination, "destination", K_STR, .required = true),
	SPEC_FIELD(spec_mount, type, "type", K_STR),
	SPEC_FIELD(spec_mount, source, "source", K_STR),
	SPEC_FIELD(spec_mount, options, "options", K_STRV),
	SPEC_FIELD(spec_mount, uid_mappings, "uidMappings", K_OBJECTS, .object = &schema_idmap),
	SPEC_FIELD(spec_mount, gid_mappings, "gidMappings", K_OBJECTS, .object = &schema_idmap),
};
static const struct spec_object mount_object = SPEC_OBJECT(spec_mount, mount_fields);

static const struct spec_field hook_fields[] = {
	SPEC_FIELD(spec_hook, path, "path", K_STR, .required = true),
	SPEC_FIELD(spec_hook, args, "args", K_STRV),
	SPEC_FIELD(spec_hook, env, "env", K_STRV),
	SPEC_FIELD(spec_hook, timeout_s, "timeout", K_OPT_I64, .min = 1, .max = INT32_MAX),
};
static const struct spec_object hook_object = SPEC_OBJECT(spec_hook, hook_fields);

static const struct spec_field hooks_fields[] = {
	SPEC_FIELD(spec_hooks, prestart, "prestart", K_OBJECTS, .object = &hook_object),
	SPEC_FIELD(spec_hooks, create_runtime, "createRuntime", K_OBJECTS, .object = &hook_object),
	SPEC_FIELD(spec_hooks, create_container, "createContainer", K_OBJECTS, .object = &hook_object),
	SPEC_FIELD(spec_hooks, start_container, "startContainer", K_OBJECTS, .object = &hook_object),
	SPEC_FIELD(spec_hooks, poststart, "poststart", K_OBJECTS, .object = &hook_object),
	SPEC_FIELD(spec_hooks, poststop, "poststop", K_OBJECTS, .object = &hook_object),
};
static const struct spec_object hooks_object = SPEC_OBJECT(spec_hooks, hooks_fields);

/* --- the whole --- */

/* Checks that another platform's section is an object, and keeps nothing of it. */
static int decode_foreign(struct decode *d, const struct where *at, const struct json *j, void *member)
{
	(void)member; /* the support table makes the warning */
	return j->type == JSON_OBJECT ? 0 : decode_error(d, at, j->line, "not an object");
}

/* Another platform's section has a row so that it is not called an unknown field. */
#define FOREIGN_FIELD(key_)                                       \
	{                                                         \
		.key = (key_), .kind = K_FN, .fn = decode_foreign \
	}

static const struct spec_field config_fields[] = {
	SPEC_FIELD(spec, oci_version, "ociVersion", K_STR, .required = true),
	SPEC_FIELD(spec, root, "root", K_OBJECT, .object = &root_object, .required = true),
	SPEC_FIELD(spec, process, "process", K_OBJECT, .object = &schema_process),
	SPEC_FIELD(spec, hostname, "hostname", K_STR),
	SPEC_FIELD(spec, domainname, "domainname", K_STR),
	SPEC_FIELD(spec, mounts, "mounts", K_OBJECTS, .object = &mount_object),
	SPEC_FIELD(spec, hooks, "hooks", K_OBJECT, .object = &hooks_object),
	SPEC_FIELD(spec, annotations, "annotations", K_MAP),
	SPEC_FIELD(spec, linux_, "linux", K_OBJECT, .object = &schema_linux),
	SPEC_FIELD(spec, vm, "vm", K_OBJECT, .object = &schema_vm),
	FOREIGN_FIELD("windows"),
	FOREIGN_FIELD("solaris"),
	FOREIGN_FIELD("zos"),
	FOREIGN_FIELD("freebsd"),
};
const struct spec_object schema_config = SPEC_OBJECT(spec, config_fields);
