/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A config.json to start from: a shell on a terminal and a read-only root, with the file systems and the masked paths
 * that engines give a container.
 */
#include "spec/default.h"

#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "json/gen.h"
#include "spec/spec.h"

#define DEFAULT_NOFILE 1024

static const char *const default_args[] = { "sh", NULL };
static const char *const default_env[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"TERM=xterm",
	NULL,
};
static const char *const default_caps[] = { "CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE", NULL };
static const char *const default_namespaces[] = { "pid", "network", "ipc", "uts", "mount", "cgroup", NULL };
/* For a caller without privilege: the container is in a user namespace of the caller's, on the caller's network. */
static const char *const rootless_namespaces[] = { "pid", "ipc", "uts", "mount", "cgroup", "user", NULL };
static const char *const default_masked[] = {
	"/proc/acpi",
	"/proc/asound",
	"/proc/kcore",
	"/proc/keys",
	"/proc/latency_stats",
	"/proc/timer_list",
	"/proc/timer_stats",
	"/proc/sched_debug",
	"/sys/firmware",
	"/proc/scsi",
	NULL,
};
static const char *const default_readonly[] = {
	"/proc/bus",
	"/proc/fs",
	"/proc/irq",
	"/proc/sys",
	"/proc/sysrq-trigger",
	NULL,
};

static const struct {
	const char *destination, *type, *source;
	const char *options[8];
} default_mounts[] = {
	{ "/proc", "proc", "proc", { NULL } },
	{ "/dev", "tmpfs", "tmpfs", { "nosuid", "strictatime", "mode=755", "size=65536k" } },
	{ "/dev/pts", "devpts", "devpts",
		{ "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5" } },
	{ "/dev/shm", "tmpfs", "shm", { "nosuid", "noexec", "nodev", "mode=1777", "size=65536k" } },
	{ "/dev/mqueue", "mqueue", "mqueue", { "nosuid", "noexec", "nodev" } },
	{ "/sys", "sysfs", "sysfs", { "nosuid", "noexec", "nodev", "ro" } },
	{ "/sys/fs/cgroup", "cgroup", "cgroup", { "nosuid", "noexec", "nodev", "relatime", "ro" } },
};

/* process: a shell on a terminal, with the capabilities that runc gives one. */
static void put_process(struct gen *g)
{
	static const char *const sets[] = { "bounding", "effective", "permitted" };

	gen_key_object(g, "process");
	gen_key_bool(g, "terminal", true);
	gen_key_object(g, "user");
	gen_key_integer(g, "uid", 0);
	gen_key_integer(g, "gid", 0);
	gen_close_object(g);
	gen_key_strings(g, "args", default_args);
	gen_key_strings(g, "env", default_env);
	gen_key_string(g, "cwd", "/");
	gen_key_object(g, "capabilities");
	for (size_t i = 0; i < ARRAY_LEN(sets); i++)
		gen_key_strings(g, sets[i], default_caps);
	gen_close_object(g);
	gen_key_array(g, "rlimits");
	gen_open_object(g);
	gen_key_string(g, "type", "RLIMIT_NOFILE");
	gen_key_integer(g, "hard", DEFAULT_NOFILE);
	gen_key_integer(g, "soft", DEFAULT_NOFILE);
	gen_close_object(g);
	gen_close_array(g);
	gen_key_bool(g, "noNewPrivileges", true);
	gen_close_object(g);
}

/* False for the option that makes terminals the group tty's (5), where that group is not mapped. */
static bool keep_option(const char *option, bool rootless)
{
	return !rootless || strcmp(option, "gid=5") != 0;
}

static void put_options(struct gen *g, const char *const *options, bool rootless)
{
	gen_key_array(g, "options");
	for (; *options; options++)
		if (keep_option(*options, rootless))
			gen_string(g, *options);
	gen_close_array(g);
}

static void put_mounts(struct gen *g, bool rootless)
{
	gen_key_array(g, "mounts");
	for (size_t i = 0; i < ARRAY_LEN(default_mounts); i++) {
		gen_open_object(g);
		gen_key_string(g, "destination", default_mounts[i].destination);
		gen_key_string(g, "type", default_mounts[i].type);
		gen_key_string(g, "source", default_mounts[i].source);
		if (default_mounts[i].options[0])
			put_options(g, default_mounts[i].options, rootless);
		gen_close_object(g);
	}
	gen_close_array(g);
}

/* Maps root of the container to @host_id. */
static void put_mapping(struct gen *g, const char *key, uint32_t host_id)
{
	gen_key_array(g, key);
	gen_open_object(g);
	gen_key_integer(g, "containerID", 0);
	gen_key_integer(g, "hostID", host_id);
	gen_key_integer(g, "size", 1);
	gen_close_object(g);
	gen_close_array(g);
}

/* linux: the namespaces and the paths that are hidden from the container. */
static void put_linux(struct gen *g, bool rootless)
{
	gen_key_object(g, "linux");
	if (rootless) {
		put_mapping(g, "uidMappings", geteuid());
		put_mapping(g, "gidMappings", getegid());
	}
	gen_key_array(g, "namespaces");
	for (const char *const *ns = rootless ? rootless_namespaces : default_namespaces; *ns; ns++) {
		gen_open_object(g);
		gen_key_string(g, "type", *ns);
		gen_close_object(g);
	}
	gen_close_array(g);
	gen_key_strings(g, "maskedPaths", default_masked);
	gen_key_strings(g, "readonlyPaths", default_readonly);
	gen_close_object(g);
}

int spec_default_json(struct buf *out, bool rootless, struct err *err)
{
	struct gen g;

	gen_init(&g, out, GEN_INDENT_TAB);
	gen_open_object(&g);
	gen_key_string(&g, "ociVersion", SPEC_VERSION);
	put_process(&g);
	gen_key_object(&g, "root");
	gen_key_string(&g, "path", "rootfs");
	gen_key_bool(&g, "readonly", true);
	gen_close_object(&g);
	gen_key_string(&g, "hostname", "vmrunc");
	put_mounts(&g, rootless);
	put_linux(&g, rootless);
	gen_close_object(&g);
	return gen_finish(&g, err);
}
