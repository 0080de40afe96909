/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits of config.json on the host's cgroup of the monitor.
 *
 * One table row a limit: its file in v1 and in v2. A file is written in the
 * container's directory of whichever hierarchy has it. The guest enforces the
 * exact memory limit; here the VM needs its own memory on top of it.
 */
#include "cgroup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "cgroup_devices.h"
#include "cgroup_file.h"
#include "cgroup_io.h"
#include "guest/resources.h"
#include "log.h"

/* The VMM's own threads count here; the guest enforces the exact number of the container's
 * processes. */
#define PIDS_MIN 128

static int limit_memory(
	const struct state *s, const struct spec_memory *m, uint64_t memory_bytes, struct err *err)
{
	char text[32], swap[32];
	uint64_t extra;
	int r;

	if (!m || !m->limit.set || m->limit.v <= 0)
		return 0;
	extra = memory_bytes > (uint64_t)m->limit.v ? memory_bytes - (uint64_t)m->limit.v : 0;
	(void)snprintf(text, sizeof(text), "%" PRIu64, (uint64_t)m->limit.v + extra);
	r = cgroup_file_write_either(s, "memory.limit_in_bytes", text, "memory.max", text, "memory.limit", err);
	if (r < 0 || !m->swap.set || m->swap.v < m->limit.v)
		return r;
	(void)snprintf(text, sizeof(text), "%" PRIu64, (uint64_t)m->swap.v + extra);
	(void)snprintf(swap, sizeof(swap), "%" PRIu64, (uint64_t)(m->swap.v - m->limit.v));
	r = cgroup_file_write_either(s, "memory.memsw.limit_in_bytes", text, "memory.swap.max", swap,
		"memory.swap", err);
	return r == -ENOENT ? 0 : r; /* kernels without swap accounting */
}

static int limit_cpu(const struct state *s, const struct spec_cpu *c, struct err *err)
{
	char v1[64], v2[64];
	int r = 0;

	if (!c)
		return 0;
	if (c->shares.set && c->shares.v) {
		(void)snprintf(v1, sizeof(v1), "%" PRIu64, c->shares.v);
		(void)snprintf(v2, sizeof(v2), "%" PRIu64, resources_weight_of_shares(c->shares.v));
		r = cgroup_file_write_either(s, "cpu.shares", v1, "cpu.weight", v2, "cpu.shares", err);
	}
	if (r == 0 && c->period.set && c->period.v) {
		(void)snprintf(v1, sizeof(v1), "%" PRIu64, c->period.v);
		(void)snprintf(v2, sizeof(v2), "max %" PRIu64, c->period.v);
		r = cgroup_file_write_either(s, "cpu.cfs_period_us", v1, "cpu.max", v2, "cpu.period", err);
	}
	if (r == 0 && c->quota.set && c->quota.v) {
		(void)snprintf(v1, sizeof(v1), "%" PRId64, c->quota.v);
		(void)snprintf(v2, sizeof(v2), "%s", c->quota.v > 0 ? v1 : "max");
		r = cgroup_file_write_either(s, "cpu.cfs_quota_us", v1, "cpu.max", v2, "cpu.quota", err);
	}
	if (r == 0 && c->cpus && *c->cpus)
		r = cgroup_file_write_either(
			s, "cpuset.cpus", c->cpus, "cpuset.cpus", c->cpus, "cpu.cpus", err);
	if (r == 0 && c->mems && *c->mems)
		r = cgroup_file_write_either(
			s, "cpuset.mems", c->mems, "cpuset.mems", c->mems, "cpu.mems", err);
	return r;
}

/*
 * Limits that the guest enforces as well, or that concern only the host's own
 * network: a host without the file loses nothing of them but a second guard.
 */
static int write_if_there(const struct state *s, const char *v1, const char *v2, const char *text,
	const char *field, struct err *err)
{
	const char *file = cgroup_file_exists(s, v1) ? v1 : v2;
	int r;

	if (!file || !cgroup_file_exists(s, file)) {
		log_warning("linux.resources.%s: not set on the host, whose cgroups have no \"%s\"", field, v1);
		return 0;
	}
	r = cgroup_file_write(s, file, text, err);
	return r < 0 ? err_prefix(err, "linux.resources.%s", field) : 0;
}

static int limit_hugepages(const struct state *s, const struct spec_hugepage_limits *limits, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < limits->n; i++) {
		char v1[64], v2[64], text[32];

		(void)snprintf(v1, sizeof(v1), "hugetlb.%s.limit_in_bytes", limits->v[i].page_size);
		(void)snprintf(v2, sizeof(v2), "hugetlb.%s.max", limits->v[i].page_size);
		(void)snprintf(text, sizeof(text), "%" PRIu64, limits->v[i].limit);
		r = write_if_there(s, v1, v2, text, "hugepageLimits", err);
	}
	return r;
}

static int limit_network(const struct state *s, const struct spec_network *n, struct err *err)
{
	char text[64];
	int r = 0;

	if (!n)
		return 0;
	if (n->class_id.set && n->class_id.v) {
		(void)snprintf(text, sizeof(text), "%" PRIu32, n->class_id.v);
		r = write_if_there(s, "net_cls.classid", NULL, text, "network.classID", err);
	}
	for (size_t i = 0; r == 0 && i < n->priorities.n; i++) {
		(void)snprintf(text, sizeof(text), "%s %" PRIu32, n->priorities.v[i].name,
			n->priorities.v[i].priority);
		r = write_if_there(s, "net_prio.ifpriomap", NULL, text, "network.priorities", err);
	}
	return r;
}

static int limit_rdma(const struct state *s, const struct spec_rdma_limits *limits, struct err *err)
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
		r = cgroup_file_write_either(s, "rdma.max", text, "rdma.max", text, "rdma", err);
	}
	return r;
}

int cgroup_limit(const struct state *s, const struct spec_resources *r, uint64_t memory_bytes,
	struct err *err)
{
	char text[32];
	int ret;

	if (!r || s->cgroups.n == 0)
		return 0;
	ret = limit_memory(s, r->memory, memory_bytes, err);
	if (ret == 0)
		ret = limit_cpu(s, r->cpu, err);
	if (ret == 0 && r->pids && r->pids->limit.set && r->pids->limit.v > 0) {
		(void)snprintf(text, sizeof(text), "%" PRId64, MAX(r->pids->limit.v, PIDS_MIN));
		ret = cgroup_file_write_either(s, "pids.max", text, "pids.max", text, "pids.limit", err);
	}
	if (ret == 0)
		ret = cgroup_limit_io(s, r->block_io, err);
	if (ret == 0)
		ret = limit_hugepages(s, &r->hugepage_limits, err);
	if (ret == 0)
		ret = limit_network(s, r->network, err);
	if (ret == 0)
		ret = limit_rdma(s, &r->rdma, err);
	if (ret == 0)
		ret = cgroup_limit_devices(s, &r->devices, err);
	return ret;
}
