/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.json for the agent: see translate.h.
 *
 * The result borrows strings from the spec and the exports, and owns its arrays, compiled programs and the few strings
 * that are made here. Whatever is a default in an OCI container (devices, umask, propagation) is made explicit here, so
 * that the agent knows no default of its own.
 */
#include "guest/translate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "guest/device_filter.h"
#include "guest/translation.h"
#include "spec/resources.h"

static int put_idmaps(const struct spec_idmaps *from, const char *field, struct guest_idmaps *to, struct err *err)
{
	int r = translation_array(from->n, PROTO_IDMAPS_MAX, sizeof(*to->at), field, &to->at, &to->len, err);

	for (size_t i = 0; r == 0 && i < from->n; i++)
		to->at[i] = (struct guest_idmap){
			.container = from->v[i].container_id, .host = from->v[i].host_id, .size = from->v[i].size
		};
	return r;
}

/* --- devices --- */

/* config-linux.md, "Default Devices", without /dev/console and /dev/ptmx, which come with the terminal and devpts. */
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

	/* the field "type" says the type, although engines write S_IFMT bits into fileMode as well */
	return type | (d->file_mode.set ? d->file_mode.v & 07777 : 0666);
}

/* The config's devices, and behind them the default ones that it does not have itself. */
static int put_devices(const struct spec_devices *from, struct guest_devices *to, struct err *err)
{
	int r = translation_array(from->n + ARRAY_LEN(default_devices), PROTO_DEVICES_MAX, sizeof(*to->at),
		"linux.devices", &to->at, &to->len, err);

	if (r < 0)
		return r;
	to->len = 0;
	for (size_t i = 0; i < from->n; i++) {
		const struct spec_device *d = &from->v[i];

		to->at[to->len++] = (struct guest_device){ .path = d->path,
			.mode = device_mode(d),
			.major = d->major.v,
			.minor = d->minor.v,
			.uid = d->uid.v,
			.gid = d->gid.v };
	}
	for (size_t i = 0; i < ARRAY_LEN(default_devices); i++) {
		if (!device_at(to, default_devices[i].path))
			to->at[to->len++] = default_devices[i];
	}
	return 0;
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

/* The uid mappings of the user namespace: those that the life cycle has found, or else the config's. */
static const struct spec_idmaps *uid_mappings(const struct spec *spec, const struct guest_joins *joins)
{
	static const struct spec_idmaps none = { .n = 0 };

	if (joins && joins->uids)
		return joins->uids;
	return spec->linux_ ? &spec->linux_->uid_mappings : &none;
}

/* The same for gids. */
static const struct spec_idmaps *gid_mappings(const struct spec *spec, const struct guest_joins *joins)
{
	static const struct spec_idmaps none = { .n = 0 };

	if (joins && joins->gids)
		return joins->gids;
	return spec->linux_ ? &spec->linux_->gid_mappings : &none;
}

/*
 * Says where each namespace in the guest comes from. A namespace by path is the host's, and the monitor joins it there;
 * in the VM the container has its own.
 */
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
	/* a container's root needs a mount namespace, whether the config lists one or not */
	if (to->ns[GUEST_NS_MOUNT].mode == GUEST_NS_VM)
		to->ns[GUEST_NS_MOUNT].mode = GUEST_NS_NEW;
	/* without mappings the path was that of the caller's own user namespace: its ids are the host's, and so the VM's */
	if (to->ns[GUEST_NS_USER].mode == GUEST_NS_NEW && uid_mappings(spec, joins)->n == 0)
		to->ns[GUEST_NS_USER].mode = GUEST_NS_VM;
	/* root of a user namespace has rights over a network namespace only if that belongs to its user namespace */
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

/* linux.resources: files of the cgroup in the guest, and the device filter. */
static int put_cgroup(const struct spec_resources *from, struct guest_translation *t, struct err *err)
{
	struct guest_container *to = &t->container;
	int r = resources_to_v2(from, &t->resources, err);

	if (r == 0)
		r = translation_array(t->resources.n, PROTO_VALUES_MAX, sizeof(*to->cgroup.at), "linux.resources",
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

/* What the config says below "linux" about the container, but for namespaces. */
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
		r = translation_strings(&from->masked_paths, "linux.maskedPaths", &to->masked, err);
	if (r == 0)
		r = translation_strings(&from->readonly_paths, "linux.readonlyPaths", &to->readonly_paths, err);
	if (r == 0)
		r = translation_array(from->sysctl.n, PROTO_VALUES_MAX, sizeof(*to->sysctl.at), "linux.sysctl",
			&to->sysctl.at, &to->sysctl.len, err);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < to->sysctl.len; i++)
		to->sysctl.at[i] =
			(struct guest_value){ .key = from->sysctl.v[i].key, .value = from->sysctl.v[i].value };
	return put_cgroup(from->resources, t, err);
}

int guest_translation_put_sysctl(struct guest_translation *t, const char *key, const char *value)
{
	struct guest_values *all = &t->container.sysctl;
	struct guest_value *more = calloc(all->len + 1u, sizeof(*more));

	if (!more)
		return -ENOMEM;
	more[0] = (struct guest_value){ .key = key, .value = value };
	if (all->len)
		memcpy(more + 1, all->at, all->len * sizeof(*more));
	free(all->at);
	all->at = more;
	all->len++;
	return 0;
}

/* hooks.startContainer; the others run on the host. */
static int put_hooks(const struct spec_hooks *from, struct guest_translation *t, struct err *err)
{
	struct guest_hooks *to = &t->container.start_hooks;
	int r = translation_array(from ? from->start_container.n : 0, PROTO_HOOKS_MAX, sizeof(*to->at),
		"hooks.startContainer", &to->at, &to->len, err);

	for (uint32_t i = 0; r == 0 && i < to->len; i++) {
		const struct spec_hook *hook = &from->start_container.v[i];

		to->at[i].path = hook->path;
		to->at[i].inherits_env = !hook->env.v; /* "env": [] is an empty one */
		to->at[i].timeout_s = hook->timeout_s.set ? (uint32_t)hook->timeout_s.v : 0;
		r = translation_strings(&hook->args, "hooks.startContainer.args", &to->at[i].args, err);
		if (r == 0)
			r = translation_strings(&hook->env, "hooks.startContainer.env", &to->at[i].env, err);
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
	r = translate_mounts(spec, exports, t, err);
	if (r == 0)
		r = put_linux(spec, joins, t, err);
	if (r == 0)
		r = put_hooks(spec->hooks, t, err);
	if (r == 0 && !spec->process)
		r = err_set(err, EINVAL, "process: missing");
	if (r == 0)
		r = translate_process(spec, spec->process, store, warnings, t, err);
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
	r = translate_process(spec, process, store, warnings, t, err);
	if (r < 0) {
		guest_translation_free(t);
		return r;
	}
	if (process->exec_cpu_affinity) { /* holds for an exec only (config.md, "process") */
		t->container.process.cpus_initial = process->exec_cpu_affinity->initial;
		t->container.process.cpus_final = process->exec_cpu_affinity->final;
	}
	*ret = t;
	return 0;
}

int guest_translation_put_update(
	const struct spec_resources *resources, const char *cid, struct buf *out, size_t *ret_n, struct err *err)
{
	struct guest_translation t = { .device_filter = BUF_INIT };
	struct guest_values values;
	int r = resources_to_v2(resources, &t.resources, err);

	if (r < 0)
		return r;
	r = translation_array(
		t.resources.n, PROTO_VALUES_MAX, sizeof(*values.at), "linux.resources", &values.at, &values.len, err);
	if (r == 0) {
		for (uint32_t i = 0; i < values.len; i++)
			values.at[i] = (struct guest_value){ t.resources.v[i].key, t.resources.v[i].value };
		proto_put_update(out, 0, cid, &values);
		*ret_n = values.len;
		free(values.at);
		r = buf_error(out) < 0 ? err_sys(err, ENOMEM, "linux.resources") : 0;
	}
	resource_files_done(&t.resources);
	return r;
}
