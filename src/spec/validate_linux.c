/* SPDX-License-Identifier: Apache-2.0 */
/* The rules for what `linux` in a config means (config-linux.md): see validate.h. */
#include "spec/validate.h"

#include <errno.h>
#include <linux/mempolicy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpulist.h"
#include "spec/resources.h"

/* IFNAMSIZ without the NUL. */
#define IFNAME_MAX 15
/* The largest errno that a filter can return: the kernel's MAX_ERRNO. */
#define ERRNO_MAX 4095

/* --- namespaces and mappings --- */

/* No type comes twice, and paths are absolute. */
static int validate_namespaces(struct validation *v, struct spec_namespaces *list)
{
	bool seen[SPEC_NS_COUNT] = { false };

	for (size_t i = 0; i < list->n; i++) {
		struct spec_namespace *ns = &list->v[i];
		int rc;

		if (seen[ns->type])
			return rules_bad(v, rules_at(v, "linux.namespaces[%zu].type", i), "\"%s\" is listed twice",
				spec_name_of(spec_ns_names, ns->type));
		seen[ns->type] = true;
		rules_drop_empty(&ns->path);
		rc = rules_absolute(v, rules_at(v, "linux.namespaces[%zu].path", i), ns->path);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* A new user namespace has mappings of both kinds, and mappings need a user namespace. */
static int validate_user_namespace(struct validation *v, const struct spec_linux *l)
{
	const struct spec_namespace *user = spec_namespace_find(v->spec, SPEC_NS_USER);
	int rc;

	if (!user && l->uid_mappings.n)
		return rules_bad(v, "linux.uidMappings", "needs a user namespace in linux.namespaces");
	if (!user && l->gid_mappings.n)
		return rules_bad(v, "linux.gidMappings", "needs a user namespace in linux.namespaces");
	if (user && !user->path && !l->uid_mappings.n)
		return rules_bad(v, "linux.uidMappings", "missing for the new user namespace");
	if (user && !user->path && !l->gid_mappings.n)
		return rules_bad(v, "linux.gidMappings", "missing for the new user namespace");
	rc = rules_idmaps(v, "linux.uidMappings", &l->uid_mappings);
	if (!rc)
		rc = rules_idmaps(v, "linux.gidMappings", &l->gid_mappings);
	return rc;
}

static int validate_time_offsets(struct validation *v, const struct spec_linux *l)
{
	const struct spec_namespace *time = spec_namespace_find(v->spec, SPEC_NS_TIME);

	if (!l->time_offsets || (!l->time_offsets->boottime && !l->time_offsets->monotonic))
		return 0;
	if (!time || time->path)
		return rules_bad(v, "linux.timeOffsets", "needs a new time namespace in linux.namespaces");
	return 0;
}

/* --- devices --- */

/* Paths are absolute, and every device but a fifo has a number. */
static int validate_devices(struct validation *v, const struct spec_devices *devices)
{
	for (size_t i = 0; i < devices->n; i++) {
		const struct spec_device *dev = &devices->v[i];
		int rc = rules_absolute(v, rules_at(v, "linux.devices[%zu].path", i), dev->path);

		if (rc < 0)
			return rc;
		if (dev->type == 'p')
			continue;
		if (!dev->major.set || !dev->minor.set)
			return rules_bad(v, rules_at(v, "linux.devices[%zu]", i),
				"a device of type %c needs major and minor", dev->type);
	}
	return 0;
}

/* Gives each rule a type and an access, and turns -1, which stands for all numbers, into "not set". */
static void normalise_device_rules(struct spec_device_rules *rules)
{
	for (size_t i = 0; i < rules->n; i++) {
		struct spec_device_rule *r = &rules->v[i];

		if (!r->type)
			r->type = 'a';
		if (!r->access)
			r->access = SPEC_DEVICE_READ | SPEC_DEVICE_WRITE | SPEC_DEVICE_MKNOD;
		if (r->major.v < 0)
			r->major = (struct opt_i64){ .set = false };
		if (r->minor.v < 0)
			r->minor = (struct opt_i64){ .set = false };
	}
}

/* @name (NULL passes) can be the name of a network interface, as dev_valid_name of the kernel decides. */
static int validate_interface(struct validation *v, const char *path, const char *name)
{
	if (!name || (*name && strlen(name) <= IFNAME_MAX && !strpbrk(name, "/ :\t\n") && strcmp(name, ".") != 0 &&
			     strcmp(name, "..") != 0))
		return 0;
	return rules_bad(v, path, "\"%s\" is no name of a network interface", name);
}

/* Interfaces can be moved only into a network namespace, and have valid names on both sides. */
static int validate_net_devices(struct validation *v, struct spec_net_devices *list)
{
	int rc = 0;

	if (list->n && !spec_namespace_find(v->spec, SPEC_NS_NETWORK))
		return rules_bad(v, "linux.netDevices", "needs a network namespace in linux.namespaces");
	for (size_t i = 0; !rc && i < list->n; i++) {
		rules_drop_empty(&list->v[i].name);
		rc = validate_interface(
			v, rules_at(v, "linux.netDevices.%s", list->v[i].host_name), list->v[i].host_name);
		if (!rc)
			rc = validate_interface(
				v, rules_at(v, "linux.netDevices.%s.name", list->v[i].host_name), list->v[i].name);
	}
	return rc;
}

/* --- resources --- */

/* The kernel's bounds of a quota of CPU time and of its period, in microseconds. */
#define CPU_QUOTA_MIN_US 1000
#define CPU_PERIOD_MIN_US 1000
#define CPU_PERIOD_MAX_US 1000000

/* The kernel's bounds of the share and of the times, which it tells by errno alone, or enforces without a word. */
static int validate_cpu_bounds(struct validation *v, const struct spec_cpu *cpu)
{
	const struct {
		const char *path;
		uint64_t n, min, max; /* an @n of 0 is "not set" */
	} bounds[] = {
		{ "linux.resources.cpu.shares", cpu->shares.v, 2, 262144 },
		{ "linux.resources.cpu.quota", cpu->quota.v > 0 ? (uint64_t)cpu->quota.v : 0, CPU_QUOTA_MIN_US,
			INT64_MAX },
		{ "linux.resources.cpu.period", cpu->period.v, CPU_PERIOD_MIN_US, CPU_PERIOD_MAX_US },
	};

	for (size_t i = 0; i < ARRAY_LEN(bounds); i++)
		if (bounds[i].n && (bounds[i].n < bounds[i].min || bounds[i].n > bounds[i].max))
			return rules_bad(v, bounds[i].path, "%llu is out of range (%llu to %llu)",
				(unsigned long long)bounds[i].n, (unsigned long long)bounds[i].min,
				(unsigned long long)bounds[i].max);
	return 0;
}

/* Each value is within the kernel's bounds, the burst within the quota, and the lists are lists. */
static int validate_cpu(struct validation *v, const struct spec_cpu *cpu)
{
	int rc;

	if (!cpu)
		return 0;
	if (cpu->burst.v && cpu->quota.v > 0 && cpu->burst.v > (uint64_t)cpu->quota.v)
		return rules_bad(v, "linux.resources.cpu.burst", "%llu is above the quota %lld",
			(unsigned long long)cpu->burst.v, (long long)cpu->quota.v);
	rc = validate_cpu_bounds(v, cpu);
	if (!rc)
		rc = rules_list(v, "linux.resources.cpu.cpus", cpu->cpus);
	if (!rc)
		rc = rules_list(v, "linux.resources.cpu.mems", cpu->mems);
	return rc;
}

static int validate_memory(struct validation *v, const struct spec_memory *m)
{
	if (m && m->limit.v > 0 && m->swap.v > 0 && m->swap.v < m->limit.v)
		return rules_bad(v, "linux.resources.memory.swap",
			"%lld is below the limit %lld: it is the limit of memory and swap together",
			(long long)m->swap.v, (long long)m->limit.v);
	return 0;
}

static int validate_block_io(struct validation *v, const struct spec_block_io *b)
{
	for (size_t i = 0; b && i < b->weight_device.n; i++)
		if (!b->weight_device.v[i].weight.set && !b->weight_device.v[i].leaf_weight.set)
			return rules_bad(v, rules_at(v, "linux.resources.blockIO.weightDevice[%zu]", i),
				"neither weight nor leafWeight");
	return 0;
}

/* True for a text like "2MB": a power of two, as all page sizes are, without leading zeros, and then KB, MB or GB. */
static bool is_page_size(const char *text)
{
	unsigned long long n;
	char *end;

	if (*text < '1' || *text > '9')
		return false;
	errno = 0;
	n = strtoull(text, &end, 10);
	return !errno && !(n & (n - 1)) && *end && strchr("KMG", *end) && strcmp(end + 1, "B") == 0;
}

static int validate_hugepages(struct validation *v, const struct spec_hugepage_limits *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (!is_page_size(list->v[i].page_size))
			return rules_bad(v, rules_at(v, "linux.resources.hugepageLimits[%zu].pageSize", i),
				"\"%s\" is no page size like \"2MB\"", list->v[i].page_size);
	return 0;
}

static int validate_network(struct validation *v, const struct spec_network *n)
{
	int rc = 0;

	for (size_t i = 0; !rc && n && i < n->priorities.n; i++)
		rc = validate_interface(
			v, rules_at(v, "linux.resources.network.priorities[%zu].name", i), n->priorities.v[i].name);
	return rc;
}

static int validate_rdma(struct validation *v, const struct spec_rdma_limits *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (!list->v[i].hca_handles.set && !list->v[i].hca_objects.set)
			return rules_bad(v, rules_at(v, "linux.resources.rdma.%s", list->v[i].device),
				"neither hcaHandles nor hcaObjects");
	return 0;
}

/* The times of a cpu.max that can be read are within the kernel's bounds: others divide by them before it sees them. */
static int validate_cpu_max(struct validation *v, const char *text)
{
	struct opt_u64 quota, period;

	if (!resources_parse_cpu_max(text, &quota, &period))
		return 0; /* the kernel will say what it makes of it */
	if (quota.v < CPU_QUOTA_MIN_US)
		return rules_bad(
			v, "linux.resources.unified", "cpu.max \"%s\": the quota is below %d", text, CPU_QUOTA_MIN_US);
	if (period.set && (period.v < CPU_PERIOD_MIN_US || period.v > CPU_PERIOD_MAX_US))
		return rules_bad(v, "linux.resources.unified", "cpu.max \"%s\": the period is out of range (%d to %d)",
			text, CPU_PERIOD_MIN_US, CPU_PERIOD_MAX_US);
	return 0;
}

/* Keys are names of files in the cgroup, and of limits: what moves, freezes or kills its processes is none. */
static int validate_unified(struct validation *v, const struct spec_map *unified)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < unified->n; i++) {
		const char *key = unified->v[i].key;

		if (strchr(key, '/') || strcmp(key, ".") == 0 || strcmp(key, "..") == 0)
			return rules_bad(v, "linux.resources.unified", "\"%s\" is no file name", key);
		if (strncmp(key, "cgroup.", strlen("cgroup.")) == 0 &&
			strncmp(key, "cgroup.max.", strlen("cgroup.max.")) != 0)
			return rules_bad(v, "linux.resources.unified", "\"%s\" is no limit", key);
		if (strcmp(key, "cpu.max") == 0)
			rc = validate_cpu_max(v, unified->v[i].value);
	}
	return rc;
}

int validate_resources(struct validation *v)
{
	struct spec_resources *r = v->spec->linux_->resources;
	int rc;

	normalise_device_rules(&r->devices);
	rc = validate_cpu(v, r->cpu);
	if (!rc)
		rc = validate_memory(v, r->memory);
	if (!rc)
		rc = validate_block_io(v, r->block_io);
	if (!rc)
		rc = validate_hugepages(v, &r->hugepage_limits);
	if (!rc)
		rc = validate_network(v, r->network);
	if (!rc)
		rc = validate_rdma(v, &r->rdma);
	if (!rc)
		rc = validate_unified(v, &r->unified);
	return rc;
}

/* --- seccomp --- */

/* Only the actions that return an errno can have one, and it is in the kernel's range. */
static int validate_errno(
	struct validation *v, const char *path, enum spec_seccomp_action action, const struct opt_u32 *ret)
{
	if (!ret->set)
		return 0;
	if (action != SPEC_ACT_ERRNO && action != SPEC_ACT_TRACE)
		return rules_bad(v, path, "%s returns no errno", spec_name_of(spec_seccomp_action_names, action));
	if (action == SPEC_ACT_ERRNO && ret->v > ERRNO_MAX)
		return rules_bad(v, path, "%u is out of range (0 to %d)", ret->v, ERRNO_MAX);
	return 0;
}

/* Rules have names, errnos fit their actions, and notifications have somebody to listen to them. */
static int validate_seccomp(struct validation *v, struct spec_seccomp *s)
{
	bool notify = false;
	int rc;

	rules_drop_empty(&s->listener_path);
	rules_drop_empty(&s->listener_metadata);
	if (s->default_action == SPEC_ACT_NOTIFY)
		return rules_bad(v, "linux.seccomp.defaultAction", "cannot be SCMP_ACT_NOTIFY");
	rc = validate_errno(v, "linux.seccomp.defaultErrnoRet", s->default_action, &s->default_errno_ret);
	for (size_t i = 0; !rc && i < s->syscalls.n; i++) {
		const struct spec_seccomp_rule *r = &s->syscalls.v[i];

		notify |= r->action == SPEC_ACT_NOTIFY;
		if (!r->names.n)
			return rules_bad(v, rules_at(v, "linux.seccomp.syscalls[%zu].names", i), "empty");
		rc = validate_errno(
			v, rules_at(v, "linux.seccomp.syscalls[%zu].errnoRet", i), r->action, &r->errno_ret);
	}
	if (!rc && notify && !s->listener_path)
		rc = rules_bad(v, "linux.seccomp.listenerPath", "missing for SCMP_ACT_NOTIFY");
	if (!rc && s->listener_metadata && !s->listener_path)
		rc = rules_bad(v, "linux.seccomp.listenerMetadata", "needs listenerPath");
	return rc;
}

/* --- the rest --- */

/* True for parts with dots or slashes between them, of which none leads out of /proc/sys. */
static bool is_sysctl_name(const char *name)
{
	if (strchr("./", *name) || strstr(name, "..") || strstr(name, "//"))
		return false;
	return !strpbrk(name, " \t\n") && !strchr("./", name[strlen(name) - 1]);
}

static int validate_sysctl(struct validation *v, const struct spec_map *sysctl)
{
	for (size_t i = 0; i < sysctl->n; i++)
		if (!is_sysctl_name(sysctl->v[i].key))
			return rules_bad(v, "linux.sysctl", "\"%s\" is no name of a sysctl", sysctl->v[i].key);
	return 0;
}

static int validate_paths(struct validation *v, const char *field, const struct spec_strv *paths)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < paths->n; i++)
		rc = rules_absolute(v, rules_at(v, "linux.%s[%zu]", field, i), paths->v[i]);
	return rc;
}

/* Schemata are one line each, as resctrl's file takes them. */
static int validate_intel_rdt(struct validation *v, const struct spec_intel_rdt *r)
{
	if (r->l3_cache_schema && strchr(r->l3_cache_schema, '\n'))
		return rules_bad(v, "linux.intelRdt.l3CacheSchema", "has more than one line");
	if (r->mem_bw_schema && (strncmp(r->mem_bw_schema, "MB:", 3) != 0 || strchr(r->mem_bw_schema, '\n')))
		return rules_bad(v, "linux.intelRdt.memBwSchema", "not one line that begins with \"MB:\"");
	for (size_t i = 0; i < r->schemata.n; i++)
		if (strchr(r->schemata.v[i], '\n'))
			return rules_bad(v, rules_at(v, "linux.intelRdt.schemata[%zu]", i), "has more than one line");
	return 0;
}

/* Nodes are given with the modes of set_mempolicy(2) that take some, and with no others. */
static int validate_memory_policy(struct validation *v, const struct spec_memory_policy *p)
{
	struct cpulist nodes = { .bits = { 0 } };
	int rc = rules_list(v, "linux.memoryPolicy.nodes", p->nodes);
	bool given;

	if (rc < 0) {
		decode_words(v->d, "memory policy nodes");
		return rc;
	}
	given = p->nodes && cpulist_parse(p->nodes, &nodes) == 0 && cpulist_count(&nodes) > 0;
	switch (p->mode) {
	case MPOL_DEFAULT:
	case MPOL_LOCAL:
		return given ? rules_bad(v, "linux.memoryPolicy.nodes", "mode requires 0 nodes but got %zu",
				       cpulist_count(&nodes))
			     : 0;
	case MPOL_PREFERRED:
		return 0;
	default:
		return given ? 0 : rules_bad(v, "linux.memoryPolicy.nodes", "this mode needs nodes");
	}
}

int validate_linux(struct validation *v)
{
	struct spec_linux *l = v->spec->linux_;
	int rc = validate_namespaces(v, &l->namespaces);

	if (!rc)
		rc = validate_user_namespace(v, l);
	if (!rc)
		rc = validate_time_offsets(v, l);
	if (!rc)
		rc = validate_devices(v, &l->devices);
	if (!rc)
		rc = validate_net_devices(v, &l->net_devices);
	if (!rc && l->resources)
		rc = validate_resources(v);
	if (!rc && l->seccomp)
		rc = validate_seccomp(v, l->seccomp);
	if (!rc)
		rc = validate_sysctl(v, &l->sysctl);
	if (!rc)
		rc = validate_paths(v, "maskedPaths", &l->masked_paths);
	if (!rc)
		rc = validate_paths(v, "readonlyPaths", &l->readonly_paths);
	if (!rc && l->intel_rdt)
		rc = validate_intel_rdt(v, l->intel_rdt);
	if (!rc && l->memory_policy)
		rc = validate_memory_policy(v, l->memory_policy);
	if (!rc && l->personality && l->personality->flags.n)
		rc = rules_bad(v, "linux.personality.flags", "Linux has none that the spec names");
	rules_drop_empty(&l->cgroups_path);
	rules_drop_empty(&l->mount_label);
	return rc;
}
