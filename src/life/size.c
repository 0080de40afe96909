/* SPDX-License-Identifier: Apache-2.0 */
/* How large a container's VM is: see size.h. */
#include "life/size.h"

#include <stdio.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/cpulist.h"
#include "cgroup/values.h"
#include "life/annotation.h"
#include "spec/resources.h"

/* No VM is made larger than this: the guest pays for each page from its first moment on. */
/*
 * What the monitor takes beside the guest's files: 4 MiB of its own, its threads' in the kernel, values of extended attributes
 * (P9_XATTR_BYTES_MAX for each share), what the channel and relays have on the way; and of page tables, the guest's
 * memory is in two, each of which takes a 512th of it.
 */
#define MONITOR_BYTES (24 * MIB)
#define TABLES_SHARE 256

#define RAM_MAX (1024 * GIB)
/* The period of a CPU quota where the config gives none, as in the kernel. */
#define CPU_PERIOD_DEFAULT_US 100000

struct size_host size_of_host(uint64_t memory_room)
{
	struct sysinfo info;
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	return (struct size_host){
		.memory_bytes = sysinfo(&info) == 0 ? (uint64_t)info.totalram * info.mem_unit : UINT64_MAX,
		.memory_room = memory_room,
		.cpus = online > 0 ? (unsigned int)online : 1,
	};
}

/* How many CPUs the list of a config names; 0: the list is wrong, which the cgroup's file will say. */
static size_t count_cpus(const char *list)
{
	struct cpulist cpus;

	return cpulist_parse(list, &cpus) == 0 ? cpulist_count(&cpus) : 0;
}

/*
 * How many CPUs the limits of @r let a container use at once, in *@ret; 0: they say nothing. A quota is rounded up: one
 * above the time of one CPU can be spent on two at once.
 */
static int limit_vcpus(const struct spec_resources *r, uint64_t *ret, struct err *err)
{
	struct cgroup_values v;
	uint64_t period = CPU_PERIOD_DEFAULT_US, quota = 0, cpus;
	int result = cgroup_values_of(r, 0, true, &v, err);

	if (result < 0)
		return result;
	if (v.period.set && v.period.v)
		period = v.period.v;
	if (v.quota.set && v.quota.v != CGROUP_NO_LIMIT)
		quota = v.quota.v / period + (v.quota.v % period != 0);
	cpus = v.cpus ? count_cpus(v.cpus) : 0;
	*ret = quota && cpus ? MIN(quota, cpus) : MAX(quota, cpus);
	cgroup_values_done(&v);
	return 0;
}

/* Sets the number of vCPUs, as size_vm() says it. */
static int size_vcpus(const struct settings *s, const struct spec *spec, const struct size_host *host,
	struct vm_config *vm, struct warnings *warnings, struct err *err)
{
	uint64_t limit = 0, n;
	int r = limit_vcpus(spec->linux_ ? spec->linux_->resources : NULL, &limit, err);

	if (r < 0)
		return r;
	n = limit ? limit : s->vcpus;
	if (spec->vm && spec->vm->hw_config && spec->vm->hw_config->vcpus.set)
		n = spec->vm->hw_config->vcpus.v;
	else
		r = annotation_number(s, spec, SETTINGS_ANNOTATION_VCPUS, 1, VM_VCPUS_MAX, &n, err);
	if (r < 0)
		return r;
	if (r > 0 && limit && n > limit) {
		warnings_add(warnings, "annotation \"%s\": only %llu, which is what the container's limits let it use",
			settings_annotation_name(SETTINGS_ANNOTATION_VCPUS), (unsigned long long)limit);
		n = limit;
	}
	n = MIN(n, (uint64_t)host->cpus);
	vm->vcpus = (unsigned int)MAX(1ull, MIN(n, (uint64_t)VM_VCPUS_MAX));
	return 0;
}

/* The most RAM that a VM can have here, a multiple of VM_MEM_GRAIN. */
static uint64_t most_memory(const struct size_host *host, uint64_t overhead_bytes)
{
	uint64_t most = MIN((uint64_t)RAM_MAX, host->memory_room);

	if (host->memory_bytes != UINT64_MAX)
		most = MIN(most, host->memory_bytes > overhead_bytes ? host->memory_bytes - overhead_bytes : 0);
	return MAX(most / VM_MEM_GRAIN * VM_MEM_GRAIN, (uint64_t)VM_MEM_MIN);
}

/* Sets the size of the RAM, as size_vm() says it. */
static int size_memory(const struct settings *s, const struct spec *spec, const struct size_host *host,
	uint64_t overhead_bytes, struct vm_config *vm, struct warnings *warnings, struct err *err)
{
	uint64_t limit = resources_memory_limit(spec->linux_ ? spec->linux_->resources : NULL);
	uint64_t own = MIN(limit, (uint64_t)RAM_MAX) + s->guest_overhead_mib * MIB;
	uint64_t bytes = limit != RESOURCES_NO_LIMIT ? own : s->memory_mib * MIB, mib = 0;
	uint64_t most = most_memory(host, overhead_bytes);
	const char *who = NULL;
	char name[64];
	int r;

	if (spec->vm && spec->vm->hw_config && spec->vm->hw_config->memory.set) {
		bytes = spec->vm->hw_config->memory.v;
		who = "vm.hwConfig.memory";
	} else {
		r = annotation_number(s, spec, SETTINGS_ANNOTATION_MEMORY, VM_MEM_MIN / MIB, RAM_MAX / MIB, &mib, err);
		if (r < 0)
			return r;
		if (r > 0) {
			bytes = mib * MIB;
			(void)snprintf(name, sizeof(name), "annotation \"%s\"",
				settings_annotation_name(SETTINGS_ANNOTATION_MEMORY));
			who = name;
			if (limit != RESOURCES_NO_LIMIT)
				most = MIN(most, (own + VM_MEM_GRAIN - 1) / VM_MEM_GRAIN * VM_MEM_GRAIN);
		}
	}
	if (who && bytes > most)
		warnings_add(warnings, "%s: only %llu MiB, which is what the container's limit and the host allow", who,
			(unsigned long long)(most / MIB));
	bytes = MAX(MIN(bytes, most), (uint64_t)VM_MEM_MIN);
	vm->mem_bytes = (bytes + VM_MEM_GRAIN - 1) / VM_MEM_GRAIN * VM_MEM_GRAIN;
	return 0;
}

uint64_t size_files(uint64_t overhead_bytes, uint64_t ram_bytes)
{
	uint64_t others = MONITOR_BYTES + ram_bytes / TABLES_SHARE;

	return overhead_bytes > others ? overhead_bytes - others : 1;
}

int size_vm(const struct settings *s, const struct spec *spec, const struct size_host *host, uint64_t overhead_bytes,
	struct vm_config *vm, struct warnings *warnings, struct err *err)
{
	int r = size_vcpus(s, spec, host, vm, warnings, err);

	return r < 0 ? r : size_memory(s, spec, host, overhead_bytes, vm, warnings, err);
}
