/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.json for the agent: see translate.h.
 *
 * The result borrows strings from the spec and the exports, and owns its
 * arrays, compiled programs and the few strings made here. Whatever is
 * "default" in an OCI container (devices, umask, propagation) is made explicit
 * here, so that the agent knows no default of its own.
 */
#include "guest/translate.h"

#include <errno.h>
#include <linux/mount.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/cpulist.h"
#include "base/fd.h"
#include "guest/device_filter.h"
#include "spec/mountopt.h"
#include "spec/resources.h"
#include "spec/seccomp.h"

#define UMASK_DEFAULT 0022

/* linux/ioprio.h, IOPRIO_PRIO_VALUE */
#define IOPRIO_CLASS_SHIFT 13

struct guest_translation {
	struct guest_container container;
	struct mountopts *mountopts; /* one a mount: owns the data strings */
	size_t n_mountopts;
	struct resource_files resources;
	struct buf device_filter;
	struct seccomp_program seccomp;
};

void guest_translation_free(struct guest_translation *t)
{
	struct guest_container *c;

	if (!t)
		return;
	c = &t->container;
	for (size_t i = 0; i < t->n_mountopts; i++)
		mountopts_done(&t->mountopts[i]);
	free(t->mountopts);
	free(c->mounts.at);
	free(c->uids.at);
	free(c->gids.at);
	free(c->devices.at);
	free(c->masked.at);
	free(c->readonly_paths.at);
	free(c->sysctl.at);
	free(c->cgroup.at);
	for (uint32_t i = 0; i < c->start_hooks.len; i++) {
		free(c->start_hooks.at[i].args.at);
		free(c->start_hooks.at[i].env.at);
	}
	free(c->start_hooks.at);
	free(c->process.args.at);
	free(c->process.env.at);
	free(c->process.groups.at);
	free(c->process.memory_nodes.at);
	free(c->process.rlimits.at);
	resource_files_done(&t->resources);
	buf_done(&t->device_filter);
	seccomp_program_done(&t->seccomp);
	free(t);
}

struct guest_container *guest_translation_container(struct guest_translation *t)
{
	return &t->container;
}

/* An array of @n items for the translation, with a message if there are more than the channel carries. */
static int new_array(
	size_t n, size_t max, size_t size, const char *field, void *ret_array, uint32_t *ret_len, struct err *err)
{
	void *array;

	if (n > max)
		return err_set(err, E2BIG, "%s: %zu entries; at most %zu are possible", field, n, max);
	array = calloc(n ? n : 1, size);
	if (!array)
		return err_sys(err, ENOMEM, "%s", field);
	memcpy(ret_array, &array, sizeof(array));
	*ret_len = (uint32_t)n;
	return 0;
}

static int put_strings(const struct spec_strv *from, const char *field, struct guest_strings *to, struct err *err)
{
	int r = new_array(from->n, PROTO_STRINGS_MAX, sizeof(*to->at), field, &to->at, &to->len, err);

	for (size_t i = 0; r == 0 && i < from->n; i++)
		to->at[i] = from->v[i];
	return r;
}

static int put_idmaps(const struct spec_idmaps *from, const char *field, struct guest_idmaps *to, struct err *err)
{
	int r = new_array(from->n, PROTO_IDMAPS_MAX, sizeof(*to->at), field, &to->at, &to->len, err);

	for (size_t i = 0; r == 0 && i < from->n; i++)
		to->at[i] = (struct guest_idmap){
			.container = from->v[i].container_id, .host = from->v[i].host_id, .size = from->v[i].size
		};
	return r;
}

/* --- mounts --- */

static const struct guest_export *export_of(const struct guest_export_list *exports, size_t mount)
{
	for (size_t i = 0; exports && i < exports->n; i++) {
		if (exports->v[i].mount == mount)
			return &exports->v[i];
	}
	return NULL;
}

/* The flags of mount(2) that belong to a mount, as mount_setattr(2) has them. */
static const struct {
	uint32_t flag;
	uint64_t attr;
} mount_attrs[] = {
	{ MS_RDONLY, MOUNT_ATTR_RDONLY },
	{ MS_NOSUID, MOUNT_ATTR_NOSUID },
	{ MS_NODEV, MOUNT_ATTR_NODEV },
	{ MS_NOEXEC, MOUNT_ATTR_NOEXEC },
	{ MS_NODIRATIME, MOUNT_ATTR_NODIRATIME },
	{ MS_NOSYMFOLLOW, MOUNT_ATTR_NOSYMFOLLOW },
};

static uint64_t attrs_of_flags(uint32_t flags)
{
	uint64_t attrs = 0;

	for (size_t i = 0; i < ARRAY_LEN(mount_attrs); i++) {
		if (flags & mount_attrs[i].flag)
			attrs |= mount_attrs[i].attr;
	}
	return attrs;
}

/* What a mount has by itself, read-only included, whatever it is a mount of. */
static void put_attrs(const struct mountopts *o, struct guest_mount *to)
{
	to->attr_set = attrs_of_flags(o->flags);
	to->attr_clear = attrs_of_flags(o->flags_clear);
	/* the access time modes are one field, not bits */
	if (o->flags & (MS_NOATIME | MS_STRICTATIME | MS_RELATIME)) {
		to->attr_clear |= MOUNT_ATTR__ATIME;
		to->attr_set |= o->flags & MS_NOATIME       ? MOUNT_ATTR_NOATIME
				: o->flags & MS_STRICTATIME ? MOUNT_ATTR_STRICTATIME
							    : MOUNT_ATTR_RELATIME;
	}
	to->rec_attr_set = o->rec_set;
	to->rec_attr_clear = o->rec_clear;
}

static void put_bind(const struct mountopts *o, const struct guest_export *export, struct guest_mount *to)
{
	bool has_bind = o->flags & MS_BIND;

	to->kind = export->shared ? GUEST_MOUNT_BIND_SHARED : GUEST_MOUNT_BIND_PRIVATE;
	to->source = export->name;
	/* type "bind" without a bind option takes what is mounted below along */
	to->flags = has_bind ? o->flags & MS_REC : MS_REC;
	to->fstype = "";
	to->data = ""; /* options of a file system mean nothing on a bind: runc ignores them too */
}

static void put_fs(const struct mountopts *o, const struct spec_mount *m, struct guest_mount *to)
{
	const char *type = m->type ? m->type : "";

	to->kind = GUEST_MOUNT_FS;
	to->source = m->source ? m->source : type;
	to->flags = o->flags;
	to->fstype = type;
	to->data = o->data ? o->data : "";
	if (strcmp(type, "cgroup") == 0) { /* the guest has cgroup v2, whatever the host has */
		to->fstype = "cgroup2";
		to->data = "";
	}
}

/* Of a bind only the mount's own flags can be changed. */
static void put_remount(const struct mountopts *o, struct guest_mount *to)
{
	bool has_bind = o->flags & MS_BIND;

	to->kind = GUEST_MOUNT_REMOUNT;
	to->source = "";
	to->flags = has_bind ? 0 : o->flags;
	to->fstype = "";
	to->data = o->data && !has_bind ? o->data : "";
}

static int put_mount(const struct spec *spec, size_t i, const struct mountopts *o,
	const struct guest_export_list *exports, struct guest_mount *to, struct err *err)
{
	const struct spec_mount *m = &spec->mounts.v[i];
	const struct guest_export *export = export_of(exports, i);

	to->destination = m->destination;
	if (export)
		put_bind(o, export, to);
	else if (o->flags & MS_REMOUNT)
		put_remount(o, to);
	else if (o->flags & MS_BIND)
		return err_set(err, EINVAL, "mounts[%zu].source: not exported to the VM", i);
	else if (!m->type || !*m->type)
		return err_set(err, EINVAL, "mounts[%zu].type: missing", i);
	else
		put_fs(o, m, to);
	put_attrs(o, to);
	to->propagation.at = (uint32_t *)(uintptr_t)o->propagation; /* owned by the mountopts; not changed */
	to->propagation.len = (uint32_t)o->n_propagation;
	to->tmpcopyup = o->tmpcopyup;
	return 0;
}

static int put_mounts(
	const struct spec *spec, const struct guest_export_list *exports, struct guest_translation *t, struct err *err)
{
	struct guest_mounts *to = &t->container.mounts;
	int r = new_array(spec->mounts.n, PROTO_MOUNTS_MAX, sizeof(*to->at), "mounts", &to->at, &to->len, err);

	if (r < 0)
		return r;
	t->mountopts = calloc(spec->mounts.n + 1, sizeof(*t->mountopts));
	if (!t->mountopts)
		return err_sys(err, ENOMEM, "mounts");
	for (size_t i = 0; i < spec->mounts.n; i++) {
		const struct spec_mount *m = &spec->mounts.v[i];

		r = mountopts_parse(m->options.v, m->options.n, &t->mountopts[i], err);
		if (r < 0)
			return err_prefix(err, "mounts[%zu].options", i);
		t->n_mountopts = i + 1;
		r = put_mount(spec, i, &t->mountopts[i], exports, &to->at[i], err);
		if (r < 0)
			return r;
		if (export_of(exports, i) && strcmp(m->destination, "/dev") == 0)
			t->container.no_devices = true;
	}
	return 0;
}

/* --- devices --- */

/* config-linux.md, "Default Devices" (/dev/console and ptmx come with the terminal and devpts). */
static const struct guest_device default_devices[] = {
	{ .path = "/dev/null", .mode = S_IFCHR | 0666, .major = 1, .minor = 3 },
	{ .path = "/dev/zero", .mode = S_IFCHR | 0666, .major = 1, .minor = 5 },
	{ .path = "/dev/full", .mode = S_IFCHR | 0666, .major = 1, .minor = 7 },
	{ .path = "/dev/random", .mode = S_IFCHR | 0666, .major = 1, .minor = 8 },
	{ .path = "/dev/urandom", .mode = S_IFCHR | 0666, .major = 1, .minor = 9 },
	{ .path = "/dev/tty", .mode = S_IFCHR | 0666, .major = 5, .minor = 0 },
};

static const struct guest_device *device_at(const struct guest_devices *devices, const char *path)
{
	for (uint32_t i = 0; i < devices->len; i++) {
		if (strcmp(devices->at[i].path, path) == 0)
			return &devices->at[i];
	}
	return NULL;
}

static uint32_t device_mode(const struct spec_device *d)
{
	uint32_t type = d->type == 'b' ? S_IFBLK : d->type == 'p' ? S_IFIFO : S_IFCHR;

	/* engines write S_IFMT bits into fileMode too: the type is the type field's */
	return type | (d->file_mode.set ? d->file_mode.v & 07777 : 0666);
}

static int put_devices(const struct spec_devices *from, struct guest_devices *to, struct err *err)
{
	int r = new_array(from->n + ARRAY_LEN(default_devices), PROTO_DEVICES_MAX, sizeof(*to->at), "linux.devices",
		&to->at, &to->len, err);

	if (r < 0)
		return r;
	to->len = 0;
	for (size_t i = 0; i < from->n; i++) {
		const struct spec_device *d = &from->v[i];

		to->at[to->len++] = (struct guest_device){ .path = d->path,
			.mode = device_mode(d),
			.major = d->major,
			.minor = d->minor,
			.uid = d->uid.v,
			.gid = d->gid.v };
	}
	for (size_t i = 0; i < ARRAY_LEN(default_devices); i++) {
		if (!device_at(to, default_devices[i].path)) /* the config's own node goes first */
			to->at[to->len++] = default_devices[i];
	}
	return 0;
}

/* --- the process --- */

static int put_seccomp(const struct spec *spec, const struct seccomp_store *store, struct warnings *w,
	struct guest_translation *t, struct err *err)
{
	struct guest_process *p = &t->container.process;
	int r;

	if (!spec->linux_ || !spec->linux_->seccomp)
		return 0;
	r = seccomp_compile(spec->linux_->seccomp, store, &t->seccomp, w, err);
	if (r < 0)
		return r;
	p->seccomp.at = t->seccomp.insns;
	p->seccomp.len = t->seccomp.n * sizeof(*t->seccomp.insns);
	p->seccomp_flags = t->seccomp.flags;
	return 0;
}

static void put_scheduling(const struct spec_process *from, struct guest_process *to)
{
	if (from->scheduler) {
		to->has_scheduler = true;
		to->scheduler = (struct guest_scheduler){ .policy = from->scheduler->policy,
			.flags = from->scheduler->flags.v,
			.nice = from->scheduler->nice,
			.priority = (uint32_t)from->scheduler->priority,
			.runtime = from->scheduler->runtime,
			.deadline = from->scheduler->deadline,
			.period = from->scheduler->period };
	}
	if (from->io_priority) {
		to->has_ioprio = true;
		to->ioprio = from->io_priority->class << IOPRIO_CLASS_SHIFT | from->io_priority->priority;
	}
}

static int put_memory_policy(const struct spec_memory_policy *from, struct guest_process *to, struct err *err)
{
	struct cpulist nodes = { .bits = { 0 } };
	int r = from->nodes ? cpulist_parse(from->nodes, &nodes) : 0;

	if (r < 0)
		return err_sys(err, r, "linux.memoryPolicy.nodes: \"%s\"", from->nodes);
	r = new_array(cpulist_count(&nodes), PROTO_NODES_MAX, sizeof(*to->memory_nodes.at), "linux.memoryPolicy.nodes",
		&to->memory_nodes.at, &to->memory_nodes.len, err);
	if (r < 0)
		return r;
	to->has_memory_policy = true;
	to->memory_policy = from->mode | from->flags.v;
	for (uint32_t node = 0, i = 0; node < CPULIST_BITS; node++) {
		if (cpulist_has(&nodes, node))
			to->memory_nodes.at[i++] = node;
	}
	return 0;
}

static void put_identity(const struct spec_process *from, struct guest_process *to)
{
	const struct spec_capabilities *caps = from->capabilities;

	to->uid = from->user.uid;
	to->gid = from->user.gid;
	to->umask = from->user.umask.set ? from->user.umask.v : UMASK_DEFAULT;
	to->no_new_privs = from->no_new_privileges;
	to->has_oom_score_adj = from->oom_score_adj.set;
	to->oom_score_adj = (int32_t)from->oom_score_adj.v;
	if (!caps)
		return;
	to->caps[GUEST_CAP_BOUNDING] = caps->bounding;
	to->caps[GUEST_CAP_EFFECTIVE] = caps->effective;
	to->caps[GUEST_CAP_INHERITABLE] = caps->inheritable;
	to->caps[GUEST_CAP_PERMITTED] = caps->permitted;
	to->caps[GUEST_CAP_AMBIENT] = caps->ambient;
}

static int put_process(const struct spec *spec, const struct spec_process *from, const struct seccomp_store *store,
	struct warnings *w, struct guest_translation *t, struct err *err)
{
	struct guest_process *to = &t->container.process;
	int r;

	to->terminal = from->terminal;
	if (from->terminal && from->console_size) {
		to->rows = (uint16_t)from->console_size->height;
		to->cols = (uint16_t)from->console_size->width;
	}
	to->cwd = from->cwd;
	put_identity(from, to);
	put_scheduling(from, to);
	if (spec->linux_ && spec->linux_->personality) {
		to->has_personality = true;
		to->personality = spec->linux_->personality->domain;
	}
	r = put_strings(&from->args, "process.args", &to->args, err);
	if (r == 0)
		r = put_strings(&from->env, "process.env", &to->env, err);
	if (r == 0)
		r = new_array(from->user.additional_gids.n, PROTO_GROUPS_MAX, sizeof(*to->groups.at),
			"process.user.additionalGids", &to->groups.at, &to->groups.len, err);
	if (r == 0)
		r = new_array(from->rlimits.n, PROTO_RLIMITS_MAX, sizeof(*to->rlimits.at), "process.rlimits",
			&to->rlimits.at, &to->rlimits.len, err);
	if (r == 0 && spec->linux_ && spec->linux_->memory_policy)
		r = put_memory_policy(spec->linux_->memory_policy, to, err);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < to->groups.len; i++)
		to->groups.at[i] = from->user.additional_gids.v[i];
	for (uint32_t i = 0; i < to->rlimits.len; i++)
		to->rlimits.at[i] = (struct guest_rlimit){ .resource = (uint32_t)from->rlimits.v[i].resource,
			.soft = from->rlimits.v[i].soft,
			.hard = from->rlimits.v[i].hard };
	return put_seccomp(spec, store, w, t, err);
}

/* --- the container --- */

static const enum guest_ns ns_of_spec[SPEC_NS_COUNT] = {
	[SPEC_NS_MOUNT] = GUEST_NS_MOUNT,
	[SPEC_NS_PID] = GUEST_NS_PID,
	[SPEC_NS_NETWORK] = GUEST_NS_NET,
	[SPEC_NS_UTS] = GUEST_NS_UTS,
	[SPEC_NS_IPC] = GUEST_NS_IPC,
	[SPEC_NS_USER] = GUEST_NS_USER,
	[SPEC_NS_CGROUP] = GUEST_NS_CGROUP,
	[SPEC_NS_TIME] = GUEST_NS_TIME,
};

/* The config's, or else those of the user namespace that it joins. */
static const struct spec_idmaps *uid_mappings(const struct spec *spec, const struct guest_joins *joins)
{
	static const struct spec_idmaps none = { .n = 0 };

	if (spec->linux_ && spec->linux_->uid_mappings.n)
		return &spec->linux_->uid_mappings;
	return joins && joins->uids ? joins->uids : &none;
}

static const struct spec_idmaps *gid_mappings(const struct spec *spec, const struct guest_joins *joins)
{
	static const struct spec_idmaps none = { .n = 0 };

	if (spec->linux_ && spec->linux_->gid_mappings.n)
		return &spec->linux_->gid_mappings;
	return joins && joins->gids ? joins->gids : &none;
}

/* A namespace by path is the host's, joined there by the monitor: in the VM the container has its own. */
static void put_namespaces(const struct spec *spec, const struct guest_joins *joins, struct guest_container *to)
{
	for (int ns = 0; ns < GUEST_NS_COUNT; ns++) {
		to->ns[ns].mode = GUEST_NS_VM;
		to->ns[ns].cid = "";
	}
	for (int type = 0; type < SPEC_NS_COUNT; type++) {
		struct guest_namespace *ns = &to->ns[ns_of_spec[type]];

		if (!spec_namespace_find(spec, (enum spec_ns)type))
			continue;
		if (joins && joins->cid[ns_of_spec[type]])
			*ns = (struct guest_namespace){ .mode = GUEST_NS_JOIN, .cid = joins->cid[ns_of_spec[type]] };
		else if (type != SPEC_NS_NETWORK) /* the VM's network is the container's own */
			ns->mode = GUEST_NS_NEW;
	}
	/* A root of its own needs a mount namespace, whether the config lists one or not. */
	if (to->ns[GUEST_NS_MOUNT].mode == GUEST_NS_VM)
		to->ns[GUEST_NS_MOUNT].mode = GUEST_NS_NEW;
	/* one by path that is the caller's own: its ids are the host's, and so the VM's */
	if (to->ns[GUEST_NS_USER].mode == GUEST_NS_NEW && uid_mappings(spec, joins)->n == 0)
		to->ns[GUEST_NS_USER].mode = GUEST_NS_VM;
	/* the root of a user namespace has rights over a network only where that belongs to it */
	if (to->ns[GUEST_NS_USER].mode == GUEST_NS_NEW && to->ns[GUEST_NS_NET].mode == GUEST_NS_VM &&
		spec_namespace_find(spec, SPEC_NS_NETWORK))
		to->ns[GUEST_NS_NET].mode = GUEST_NS_NEW;
}

static void put_time(const struct spec_time_offsets *from, struct guest_container *to)
{
	if (from && from->boottime) {
		to->has_boottime = true;
		to->boottime_s = from->boottime->secs;
		to->boottime_ns = from->boottime->nanosecs;
	}
	if (from && from->monotonic) {
		to->has_monotonic = true;
		to->monotonic_s = from->monotonic->secs;
		to->monotonic_ns = from->monotonic->nanosecs;
	}
}

static int put_cgroup(const struct spec_resources *from, struct guest_translation *t, struct err *err)
{
	struct guest_container *to = &t->container;
	int r = resources_to_v2(from, &t->resources, err);

	if (r == 0)
		r = new_array(t->resources.n, PROTO_VALUES_MAX, sizeof(*to->cgroup.at), "linux.resources",
			&to->cgroup.at, &to->cgroup.len, err);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < to->cgroup.len; i++)
		to->cgroup.at[i] =
			(struct guest_value){ .key = t->resources.v[i].key, .value = t->resources.v[i].value };
	device_filter_build(from ? &from->devices : NULL, &t->device_filter);
	if (buf_error(&t->device_filter) < 0)
		return err_sys(err, ENOMEM, "linux.resources.devices");
	to->device_filter.at = t->device_filter.data;
	to->device_filter.len = t->device_filter.len;
	return 0;
}

static int put_linux(
	const struct spec *spec, const struct guest_joins *joins, struct guest_translation *t, struct err *err)
{
	static const struct spec_linux none = { 0 };
	const struct spec_linux *from = spec->linux_ ? spec->linux_ : &none;
	struct guest_container *to = &t->container;
	int r;

	to->rootfs_propagation = from->rootfs_propagation;
	put_time(from->time_offsets, to);
	r = put_idmaps(uid_mappings(spec, joins), "linux.uidMappings", &to->uids, err);
	if (r == 0)
		r = put_idmaps(gid_mappings(spec, joins), "linux.gidMappings", &to->gids, err);
	if (r == 0)
		r = put_devices(&from->devices, &to->devices, err);
	if (r == 0)
		r = put_strings(&from->masked_paths, "linux.maskedPaths", &to->masked, err);
	if (r == 0)
		r = put_strings(&from->readonly_paths, "linux.readonlyPaths", &to->readonly_paths, err);
	if (r == 0)
		r = new_array(from->sysctl.n, PROTO_VALUES_MAX, sizeof(*to->sysctl.at), "linux.sysctl", &to->sysctl.at,
			&to->sysctl.len, err);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < to->sysctl.len; i++)
		to->sysctl.at[i] =
			(struct guest_value){ .key = from->sysctl.v[i].key, .value = from->sysctl.v[i].value };
	return put_cgroup(from->resources, t, err);
}

static int put_hooks(const struct spec_hooks *from, struct guest_translation *t, struct err *err)
{
	struct guest_hooks *to = &t->container.start_hooks;
	int r = new_array(from ? from->start_container.n : 0, PROTO_HOOKS_MAX, sizeof(*to->at), "hooks.startContainer",
		&to->at, &to->len, err);

	for (uint32_t i = 0; r == 0 && i < to->len; i++) {
		const struct spec_hook *hook = &from->start_container.v[i];

		to->at[i].path = hook->path;
		to->at[i].timeout_s = hook->timeout_s.set ? (uint32_t)hook->timeout_s.v : 0;
		r = put_strings(&hook->args, "hooks.startContainer.args", &to->at[i].args, err);
		if (r == 0)
			r = put_strings(&hook->env, "hooks.startContainer.env", &to->at[i].env, err);
	}
	return r;
}

int guest_translate(const struct spec *spec, const char *cid, const char *rootfs_name,
	const struct guest_export_list *exports, const struct guest_joins *joins, const struct seccomp_store *store,
	struct warnings *warnings, struct guest_translation **ret, struct err *err)
{
	struct guest_translation *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return err_sys(err, ENOMEM, "config.json");
	t->container.cid = cid;
	t->container.rootfs = rootfs_name;
	t->container.readonly = spec->root && spec->root->readonly;
	t->container.hostname = spec->hostname ? spec->hostname : "";
	t->container.domainname = spec->domainname ? spec->domainname : "";
	put_namespaces(spec, joins, &t->container);
	r = put_mounts(spec, exports, t, err);
	if (r == 0)
		r = put_linux(spec, joins, t, err);
	if (r == 0)
		r = put_hooks(spec->hooks, t, err);
	if (r == 0 && !spec->process)
		r = err_set(err, EINVAL, "process: missing");
	if (r == 0)
		r = put_process(spec, spec->process, store, warnings, t, err);
	if (r < 0) {
		guest_translation_free(t);
		return r;
	}
	*ret = t;
	return 0;
}

int guest_translate_process(const struct spec *spec, const struct spec_process *process,
	const struct seccomp_store *store, struct warnings *warnings, struct guest_translation **ret, struct err *err)
{
	struct guest_translation *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return err_sys(err, ENOMEM, "process");
	r = put_process(spec, process, store, warnings, t, err);
	if (r < 0) {
		guest_translation_free(t);
		return r;
	}
	if (process->exec_cpu_affinity) { /* of an exec only (config.md, "process") */
		t->container.process.cpus_initial = process->exec_cpu_affinity->initial;
		t->container.process.cpus_final = process->exec_cpu_affinity->final;
	}
	*ret = t;
	return 0;
}
