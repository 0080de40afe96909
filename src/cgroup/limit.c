/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The limits of config.json in the files of cgroups: see limit.h. values.h says which numbers, and this file where to.
 */
#include "cgroup/limit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "cgroup/devices.h"
#include "cgroup/file.h"
#include "cgroup/io.h"
#include "cgroup/values.h"
#include "spec/resources.h"

/* The kernel's own cpu.shares (v1) and cpu.weight (v2). */
#define SHARES_DEFAULT 1024u
#define WEIGHT_DEFAULT 100u

/* What one call of cgroup_limit() is about. */
struct target {
	const struct cgroups *cgroups;
	const struct cgroup_values *values;
	bool v2; /* the host has cgroup v2 alone */
	struct warnings *warnings;
};

/*
 * Writes @text to the file @v1, or else to @v2; either may be NULL. The guest enforces such a limit as well, or it
 * concerns the host's own network alone: a host that has no such file only lacks the second enforcement, which is a
 * warning.
 */
static int write_if_there(
	const struct target *t, const char *v1, const char *v2, const char *text, const char *field, struct err *err)
{
	const char *file = v1 && cgroup_file_exists(t->cgroups, v1) ? v1 : v2;
	int r;

	if (!file || !cgroup_file_exists(t->cgroups, file)) {
		warnings_add(t->warnings, "linux.resources.%s: not set on the host, whose cgroups have no \"%s\"",
			field, v1 ? v1 : v2);
		return 0;
	}
	r = cgroup_file_write(t->cgroups, file, text, err);
	return r < 0 ? err_prefix(err, "linux.resources.%s", field) : 0;
}

/* Writes a limit to the file @v1 or else to @v2. "No limit" is -1 in the former and "max" in the latter. */
static int write_limit(const struct target *t, const char *v1, const char *v2, const struct opt_u64 *v,
	const char *field, struct err *err)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%" PRIu64, v->v);
	if (v->v == CGROUP_NO_LIMIT)
		return cgroup_file_write_either(t->cgroups, v1, "-1", v2, "max", field, err);
	return cgroup_file_write_either(t->cgroups, v1, text, v2, text, field, err);
}

/* Writes the limit of swap: v1 has one for memory and swap together, v2 one for swap alone. */
static int limit_swap(const struct target *t, struct err *err)
{
	const struct cgroup_values *v = t->values;
	const struct opt_u64 *value = &v->memsw;
	const char *file = "memory.memsw.limit_in_bytes";

	if (!cgroup_file_exists(t->cgroups, file)) {
		file = "memory.swap.max";
		value = &v->swap;
	}
	if (!value->set)
		return 0;
	if (!cgroup_file_exists(t->cgroups, file)) {
		/* the kernel does not count swap; a container that may not swap at all is held to that by its guest */
		if (v->swap.set && v->swap.v)
			warnings_add(t->warnings,
				"linux.resources.memory.swap: not set on the host, whose kernel does not count swap");
		return 0;
	}
	return write_limit(t, "memory.memsw.limit_in_bytes", "memory.swap.max", value, "memory.swap", err);
}

/* Writes the limits of memory and of swap in the order that the kernel accepts. */
static int limit_memory(const struct target *t, struct err *err)
{
	const struct cgroup_values *v = t->values;
	int r = 0;

	if (v->memory.set) {
		r = write_limit(t, "memory.limit_in_bytes", "memory.max", &v->memory, "memory.limit", err);
		/*
		 * v1: the cgroup was there already, and what it has of memory and swap together is below the new limit
		 */
		if (r == -EINVAL && v->memsw.set) {
			r = limit_swap(t, err);
			if (r == 0)
				r = write_limit(
					t, "memory.limit_in_bytes", "memory.max", &v->memory, "memory.limit", err);
		}
	}
	return r == 0 ? limit_swap(t, err) : r;
}

/* Writes the quota and period of CPU time, which are one file in v2 and two in v1. */
static int limit_cpu_time(const struct target *t, struct err *err)
{
	const struct cgroup_values *v = t->values;
	char quota[32] = "max", text[64];
	int r = 0;

	if (!v->quota.set && !v->period.set)
		return 0;
	if (!cgroup_file_exists(t->cgroups, "cpu.cfs_quota_us")) {
		if (v->quota.set && v->quota.v != CGROUP_NO_LIMIT)
			(void)snprintf(quota, sizeof(quota), "%" PRIu64, v->quota.v);
		/* without a period in the line, the one that is there stays */
		(void)snprintf(text, sizeof(text), "%s %" PRIu64, quota, v->period.v);
		r = cgroup_file_write(t->cgroups, "cpu.max", v->period.set ? text : quota, err);
		return r < 0 ? err_prefix(err, "linux.resources.cpu.quota") : 0;
	}
	(void)snprintf(text, sizeof(text), "%" PRIu64, v->period.v);
	if (v->period.set)
		r = cgroup_file_write(t->cgroups, "cpu.cfs_period_us", text, err);
	if (r < 0 && (r != -EINVAL || !v->quota.set))
		return err_prefix(err, "linux.resources.cpu.period");
	if (v->quota.set) {
		int late = r;

		r = write_limit(t, "cpu.cfs_quota_us", "cpu.cfs_quota_us", &v->quota, "cpu.quota", err);
		if (r == 0 && late < 0) { /* the cgroup was there, and its old quota did not fit the new period */
			r = cgroup_file_write(t->cgroups, "cpu.cfs_period_us", text, err);
			if (r < 0)
				return err_prefix(err, "linux.resources.cpu.period");
		}
	}
	return r;
}

/*
 * Limits that are one number each. @v1 and @v2 are the files' names; NULL: that version has no such file. A limit that
 * is @required is an error where the host lacks the file, the others are a warning.
 */
static const struct {
	size_t offset; /* of a struct opt_u64 */
	const char *field, *v1, *v2;
	bool required;
} numbers[] = {
#define NUMBER(member, ...)                                         \
	{                                                           \
		offsetof(struct cgroup_values, member), __VA_ARGS__ \
	}
	NUMBER(memory_low, "memory.reservation", "memory.soft_limit_in_bytes", "memory.low", true),
	NUMBER(memory_high, "unified[\"memory.high\"]", NULL, "memory.high", true),
	NUMBER(memory_min, "unified[\"memory.min\"]", NULL, "memory.min", true),
	NUMBER(swappiness, "memory.swappiness", "memory.swappiness", NULL, false),
	NUMBER(kernel_tcp, "memory.kernelTCP", "memory.kmem.tcp.limit_in_bytes", NULL, false),
	NUMBER(idle, "cpu.idle", "cpu.idle", "cpu.idle", false), /* first: the others cannot be set in an idle one */
	NUMBER(shares, "cpu.shares", "cpu.shares", NULL, true),
	NUMBER(weight, "cpu.shares", NULL, "cpu.weight", true),
	NUMBER(burst, "cpu.burst", "cpu.cfs_burst_us", "cpu.max.burst", false),
	NUMBER(pids, "pids.limit", "pids.max", "pids.max", true),
#undef NUMBER
};

/* Writes the limits of the table above. */
static int limit_numbers(const struct target *t, struct err *err)
{
	const struct cgroup_values *v = t->values;
	bool v2 = t->v2;
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(numbers); i++) {
		const struct opt_u64 *n = (const struct opt_u64 *)(const void *)((const char *)v + numbers[i].offset);
		const char *v1_file = numbers[i].v1, *file = v2 ? numbers[i].v2 : v1_file;
		bool word = v2 || numbers[i].v1 == numbers[i].v2; /* pids.max says "max" in v1 as well */
		char text[32];

		/* a required limit without a file here has its counterpart in this version: shares or weight */
		if (!n->set || (numbers[i].required && !file))
			continue;
		(void)snprintf(text, sizeof(text), "%" PRIu64, n->v);
		if (n->v == CGROUP_NO_LIMIT)
			(void)snprintf(text, sizeof(text), "%s", word ? "max" : "-1");
		if (numbers[i].required)
			r = cgroup_file_write_either(t->cgroups, file, text, file, text, numbers[i].field, err);
		else
			r = write_if_there(t, file ? file : v1_file, NULL, text, numbers[i].field, err);
	}
	return r;
}

/* Writes the period and the run time of realtime processes, which v1 has, in the order that the kernel accepts. */
static int limit_realtime(const struct target *t, struct err *err)
{
	const struct cgroup_values *v = t->values;
	char period[32], runtime[32];
	int r = 0, late = 0;

	(void)snprintf(period, sizeof(period), "%" PRIu64, v->rt_period.v);
	(void)snprintf(runtime, sizeof(runtime), "%" PRId64, v->rt_runtime.v);
	if (v->rt_period.set)
		r = write_if_there(t, "cpu.rt_period_us", NULL, period, "cpu.realtimePeriod", err);
	/* the cgroup was there, and its old run time is longer than the period */
	if (r == -EINVAL && v->rt_runtime.set)
		late = r;
	else if (r < 0)
		return r;
	if (v->rt_runtime.set)
		r = write_if_there(t, "cpu.rt_runtime_us", NULL, runtime, "cpu.realtimeRuntime", err);
	if (r == 0 && late < 0)
		r = write_if_there(t, "cpu.rt_period_us", NULL, period, "cpu.realtimePeriod", err);
	return r;
}

/* Writes the list @text of CPUs or memory nodes to @file. The kernel says by errno alone which there are. */
static int write_list(const struct target *t, const char *file, const char *text, const char *field, struct err *err)
{
	autofree char *had = NULL;
	int r = cgroup_file_write_either(t->cgroups, file, text, file, text, field, err);

	if (r == 0 || r == -ENOENT || cgroup_file_read(t->cgroups, file, &had) < 0 || *had < '0')
		return r;
	return err_set(err, -r, "linux.resources.%s: \"%s\" is not within what the cgroup above has, \"%.*s\"", field,
		text, (int)strcspn(had, "\n"), had);
}

/* Writes the limits that are a word or a list, or may be negative. */
static int limit_rest(const struct target *t, struct err *err)
{
	const struct cgroup_values *v = t->values;
	int r = limit_realtime(t, err);

	if (r == 0 && v->oom_off.set && v->oom_off.v)
		r = write_if_there(t, "memory.oom_control", NULL, "1", "memory.disableOOMKiller", err);
	if (r == 0 && v->cpus)
		r = write_list(t, "cpuset.cpus", v->cpus, "cpu.cpus", err);
	if (r == 0 && v->mems)
		r = write_list(t, "cpuset.mems", v->mems, "cpu.mems", err);
	return r;
}

/*
 * Writes @unified: on a host of v2 the keys that values.c has no number for, on one of v1 all keys. The latter has no
 * such files; the guest has, except for those of the host's devices, CPUs and memory nodes.
 */
static int limit_unified(const struct target *t, const struct spec_map *unified, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < unified->n; i++) {
		const char *key = unified->v[i].key;

		if (!t->v2 && resources_unified_is_host(key))
			return err_set(err, EINVAL,
				"linux.resources.unified[\"%s\"]: this host has cgroup v1, and the guest does not have its devices and CPUs",
				key);
		if (!t->v2) {
			warnings_add(t->warnings,
				"linux.resources.unified[\"%s\"]: in the guest only: this host has cgroup v1", key);
			continue;
		}
		r = cgroup_file_write(t->cgroups, key, unified->v[i].value, err);
		if (r == -ENOENT && !resources_unified_is_host(key)) {
			warnings_add(
				t->warnings, "linux.resources.unified[\"%s\"]: in the guest only: %s", key, err->msg);
			*err = (struct err)ERR_INIT;
			r = 0;
		} else if (r < 0) {
			r = err_prefix(err, "linux.resources.unified[\"%s\"]", key);
		}
	}
	return r;
}

/* Writes linux.resources.hugepageLimits. */
static int limit_hugepages(const struct target *t, const struct spec_hugepage_limits *limits, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < limits->n; i++) {
		const char *size = limits->v[i].page_size;
		char v1[64], v2[64], text[32];

		(void)snprintf(v1, sizeof(v1), "hugetlb.%s.limit_in_bytes", size);
		(void)snprintf(v2, sizeof(v2), "hugetlb.%s.max", size);
		(void)snprintf(text, sizeof(text), "%" PRIu64, limits->v[i].limit);
		r = write_if_there(t, v1, v2, text, "hugepageLimits", err);
		/* a kernel since 5.7 limits pages that are reserved but not used yet in a file of its own */
		(void)snprintf(v1, sizeof(v1), "hugetlb.%s.rsvd.limit_in_bytes", size);
		(void)snprintf(v2, sizeof(v2), "hugetlb.%s.rsvd.max", size);
		if (r == 0 && (cgroup_file_exists(t->cgroups, v1) || cgroup_file_exists(t->cgroups, v2)))
			r = write_if_there(t, v1, v2, text, "hugepageLimits", err);
	}
	return r;
}

/* Writes linux.resources.network, which only cgroup v1 has files for. */
static int limit_network(const struct target *t, const struct spec_network *n, struct err *err)
{
	char text[64];
	int r = 0;

	if (!n)
		return 0;
	if (n->class_id.set && n->class_id.v) {
		(void)snprintf(text, sizeof(text), "%" PRIu32, n->class_id.v);
		r = write_if_there(t, "net_cls.classid", NULL, text, "network.classID", err);
	}
	for (size_t i = 0; r == 0 && i < n->priorities.n; i++) {
		(void)snprintf(text, sizeof(text), "%s %" PRIu32, n->priorities.v[i].name, n->priorities.v[i].priority);
		r = write_if_there(t, "net_prio.ifpriomap", NULL, text, "network.priorities", err);
	}
	return r;
}

/* Writes linux.resources.rdma. What is not set in an entry of it is unlimited. */
static int limit_rdma(const struct target *t, const struct spec_rdma_limits *limits, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < limits->n; i++) {
		const struct spec_rdma_limit *l = &limits->v[i];
		char text[128], handles[16] = "max", objects[16] = "max";

		if (l->hca_handles.set)
			(void)snprintf(handles, sizeof(handles), "%" PRIu32, l->hca_handles.v);
		if (l->hca_objects.set)
			(void)snprintf(objects, sizeof(objects), "%" PRIu32, l->hca_objects.v);
		(void)snprintf(text, sizeof(text), "%s hca_handle=%s hca_object=%s", l->device, handles, objects);
		r = cgroup_file_write_either(t->cgroups, "rdma.max", text, "rdma.max", text, "rdma", err);
	}
	return r;
}

int cgroup_limit(const struct cgroups *c, const struct spec_resources *r, uint64_t memory_bytes,
	struct warnings *warnings, struct err *err)
{
	struct cgroup_values v;
	const struct target t = {
		.cgroups = c,
		.values = &v,
		.v2 = cgroup_file_is_v2(c),
		.warnings = warnings,
	};
	int ret;

	if (!r || c->dirs.n == 0)
		return 0;
	ret = cgroup_values_of(r, memory_bytes, t.v2, &v, err);
	if (ret == 0)
		ret = limit_memory(&t, err);
	if (ret == 0)
		ret = limit_cpu_time(&t, err);
	if (ret == 0)
		ret = limit_numbers(&t, err);
	if (ret == 0)
		ret = limit_rest(&t, err);
	if (ret == 0)
		ret = cgroup_io_limit(c, r->block_io, err);
	if (ret == 0)
		ret = limit_hugepages(&t, &r->hugepage_limits, err);
	if (ret == 0)
		ret = limit_network(&t, r->network, err);
	if (ret == 0)
		ret = limit_rdma(&t, &r->rdma, err);
	if (ret == 0)
		ret = limit_unified(&t, t.v2 ? &v.unified : &r->unified, err);
	if (ret == 0)
		ret = cgroup_devices_limit(c, &r->devices, err);
	cgroup_values_done(&v);
	return ret;
}

/*
 * Writes the share of CPU time, and whether it is only what nobody else uses; or if @lifted, no less of it than a cgroup
 * has that nobody gave a share.
 */
static int limit_cpu_share(const struct target *t, bool lifted, struct err *err)
{
	struct cgroup_values share = {
		.shares = t->values->shares, .weight = t->values->weight, .idle = t->values->idle
	};
	struct target to = *t;

	to.values = &share;
	if (lifted) {
		share.shares.v = MAX(share.shares.v, SHARES_DEFAULT);
		share.weight.v = MAX(share.weight.v, WEIGHT_DEFAULT);
		share.idle.v = 0;
	}
	return limit_numbers(&to, err);
}

int cgroup_limit_cpu_time(const struct cgroups *c, const struct spec_resources *r, bool lifted, struct err *err)
{
	struct cgroup_values v;
	const struct target t = { .cgroups = c, .values = &v, .v2 = cgroup_file_is_v2(c) };
	int ret;

	if (!r || c->dirs.n == 0)
		return 0;
	ret = cgroup_values_of(r, 0, t.v2, &v, err);
	if (ret == 0)
		ret = limit_cpu_share(&t, lifted, err);
	if (ret == 0 && (v.quota.set || !lifted)) {
		if (lifted)
			v.quota.v = CGROUP_NO_LIMIT;
		ret = limit_cpu_time(&t, err);
	}
	cgroup_values_done(&v);
	return ret;
}
