/* SPDX-License-Identifier: Apache-2.0 */
/* From a spec to a VM: see plan.h. */
#include "life/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cpulist.h"
#include "guest/agent_blob.h"
#include "spec/resources.h"
#include "vm/choose/choose.h"

#define ANNOTATION_ENGINE "org.vmrunc.engine"
#define ANNOTATION_KERNEL "org.vmrunc.kernel"
#define ANNOTATION_PARAMETERS "org.vmrunc.kernel.parameters"
#define ANNOTATION_MEMORY "org.vmrunc.memory" /* MiB */
#define ANNOTATION_VCPUS "org.vmrunc.vcpus"

/* A VM is not made larger than this for a limit: the guest pays for each page from its first moment on. */
#define RAM_MAX (1024 * GIB)
/* What QEMU itself takes, with the code that TCG has translated, which grows with what the guest runs. */
#define QEMU_OVERHEAD (256 * MIB)
/* The period of a CPU quota where the config gives none, as in the kernel. */
#define CPU_PERIOD_DEFAULT_US 100000
#define WHY_MAX 512

void plan_done(struct plan *p)
{
	image_done(&p->image);
	buf_done(&p->cmdline);
}

/* Takes a warning of the image's. */
static void warn(void *arg, const char *text)
{
	struct life_notes *notes = arg;

	warnings_add(&notes->warnings, "%s", text);
}

/*
 * The engine that is wanted: by the command line, else by the annotation, else by the settings file; else the best
 * there is.
 */
static int choose_engine(
	const struct settings *s, const struct spec *spec, struct plan *p, struct life_notes *notes, struct err *err)
{
	const char *wish = spec_annotation(spec, ANNOTATION_ENGINE);
	char why[WHY_MAX] = "";
	int r;

	p->vm.engine = s->engine;
	if (wish && !s->engine_forced) {
		r = settings_engine(wish, "annotation \"" ANNOTATION_ENGINE "\"", &p->vm.engine, err);
		if (r < 0)
			return r;
	}
	if (p->vm.engine != VM_ENGINE_AUTO)
		return 0;
	r = vm_choose_engine(s->cache_dir, p->vm.qemu_path, &p->vm.engine, why, sizeof(why), err);
	if (r == 0 && p->vm.engine != VM_ENGINE_KVM)
		warnings_add(&notes->warnings, "%s", why);
	return r;
}

/* The kernel and the initramfs. The kernels that are asked for stand here in the order of their importance. */
static int prepare_image(
	const struct settings *s, const struct spec *spec, struct plan *p, struct life_notes *notes, struct err *err)
{
	const char *configured = spec->vm && spec->vm->kernel ? spec->vm->kernel->path : NULL;
	const struct kernel_wish wishes[] = {
		{ s->kernel_forced ? s->kernel : NULL, "--kernel" },
		{ configured && *configured ? configured : NULL, "vm.kernel.path" },
		{ spec_annotation(spec, ANNOTATION_KERNEL), "annotation \"" ANNOTATION_KERNEL "\"" },
		{ !s->kernel_forced && *s->kernel ? s->kernel : NULL, "the settings file" },
	};
	struct image_request request = {
		.kernels = wishes,
		.kernels_len = ARRAY_LEN(wishes),
		.initrd = spec->vm && spec->vm->kernel ? spec->vm->kernel->initrd : NULL,
		.cache_dir = s->cache_dir,
		.fallback_dir = p->vm_dir,
		.warn = warn,
		.warn_arg = notes,
	};
	int r;

	request.agent = plan_agent(&request.agent_len);
	r = image_prepare(&request, &p->image, err);
	if (r < 0)
		return r;
	warnings_add(&notes->details, "kernel %s (%s): %s", p->image.kernel_path, p->image.release, p->image.why);
	p->vm.kernel_path = p->image.vmlinux_path;
	p->vm.initrd_path = p->image.initrd_path;
	return 0;
}

static int make_cmdline(const struct spec *spec, struct plan *p, struct err *err)
{
	const char *more = spec_annotation(spec, ANNOTATION_PARAMETERS);

	buf_puts(&p->cmdline, p->image.cmdline);
	for (size_t i = 0; spec->vm && spec->vm->kernel && i < spec->vm->kernel->parameters.n; i++)
		buf_printf(&p->cmdline, " %s", spec->vm->kernel->parameters.v[i]);
	if (more)
		buf_printf(&p->cmdline, " %s", more);
	if (buf_error(&p->cmdline) < 0)
		return err_sys(err, ENOMEM, "kernel command line");
	p->vm.cmdline = p->cmdline.data;
	return 0;
}

/* How many CPUs the list of a config names, which validation has checked. */
static size_t count_cpus(const char *list)
{
	struct cpulist cpus;

	return cpulist_parse(list, &cpus) == 0 ? cpulist_count(&cpus) : 0;
}

/*
 * The number of vCPUs: what the config or an annotation says, else what the container's CPU limits let it use, else the
 * setting; never more than the host has.
 */
static int size_vcpus(const struct settings *s, const struct spec *spec, struct plan *p, struct err *err)
{
	const struct spec_cpu *c = spec->linux_ && spec->linux_->resources ? spec->linux_->resources->cpu : NULL;
	const char *wish = spec_annotation(spec, ANNOTATION_VCPUS);
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t n = s->vcpus, period = CPU_PERIOD_DEFAULT_US;
	int r;

	if (spec->vm && spec->vm->hw_config && spec->vm->hw_config->vcpus.set) {
		n = spec->vm->hw_config->vcpus.v;
	} else if (wish) {
		r = settings_number(wish, "annotation \"" ANNOTATION_VCPUS "\"", 1, VM_VCPUS_MAX, &n, err);
		if (r < 0)
			return r;
	} else if (c) {
		if (c->period.set && c->period.v)
			period = c->period.v;
		if (c->quota.set && c->quota.v > 0)
			n = ((uint64_t)c->quota.v + period - 1) / period;
		else if (c->cpus && *c->cpus)
			n = count_cpus(c->cpus);
	}
	if (online > 0)
		n = MIN(n, (uint64_t)online);
	p->vm.vcpus = (unsigned int)MAX(1ull, MIN(n, (uint64_t)VM_VCPUS_MAX));
	return 0;
}

/*
 * The guest's RAM: what the config or an annotation says, else the container's limit and what the guest itself needs,
 * else the setting. And what the host's cgroup has to grant for it.
 */
static int size_memory(const struct settings *s, const struct spec *spec, struct plan *p, struct err *err)
{
	uint64_t limit = resources_memory_limit(spec->linux_ ? spec->linux_->resources : NULL);
	const char *wish = spec_annotation(spec, ANNOTATION_MEMORY);
	uint64_t bytes = s->memory_mib * MIB, mib;
	int r;

	if (spec->vm && spec->vm->hw_config && spec->vm->hw_config->memory.set) {
		bytes = spec->vm->hw_config->memory.v;
	} else if (wish) {
		r = settings_number(
			wish, "annotation \"" ANNOTATION_MEMORY "\"", VM_MEM_MIN / MIB, RAM_MAX / MIB, &mib, err);
		if (r < 0)
			return r;
		bytes = mib * MIB;
	} else if (limit != RESOURCES_NO_LIMIT) {
		bytes = MIN(limit, (uint64_t)RAM_MAX) + s->guest_overhead_mib * MIB;
	}
	bytes = MAX(bytes, (uint64_t)VM_MEM_MIN);
	bytes = MIN(bytes, (uint64_t)RAM_MAX);
	p->vm.mem_bytes = (bytes + VM_MEM_GRAIN - 1) / VM_MEM_GRAIN * VM_MEM_GRAIN;
	p->host_bytes = p->vm.mem_bytes + s->host_overhead_mib * MIB;
	if (p->vm.engine == VM_ENGINE_QEMU)
		p->host_bytes += QEMU_OVERHEAD;
	return 0;
}

int plan_make(const struct settings *s, const struct spec *spec, const char *vm_dir, struct plan *p,
	struct life_notes *notes, struct err *err)
{
	const char *hypervisor = spec->vm && spec->vm->hypervisor ? spec->vm->hypervisor->path : NULL;
	int r;

	(void)snprintf(p->vm_dir, sizeof(p->vm_dir), "%s", vm_dir);
	(void)snprintf(p->qemu, sizeof(p->qemu), "%s", hypervisor ? hypervisor : s->qemu);
	(void)snprintf(p->cache_dir, sizeof(p->cache_dir), "%s", s->cache_dir);
	p->vm.qemu_path = *p->qemu ? p->qemu : NULL;
	p->vm.cache_dir = p->cache_dir;
	p->vm.runtime_dir = p->vm_dir;
	r = choose_engine(s, spec, p, notes, err);
	if (r == 0)
		r = size_vcpus(s, spec, p, err);
	if (r == 0)
		r = size_memory(s, spec, p, err);
	if (r == 0)
		r = prepare_image(s, spec, p, notes, err);
	if (r == 0)
		r = make_cmdline(spec, p, err);
	return r;
}

const void *plan_agent(size_t *ret_len)
{
	*ret_len = (size_t)((uintptr_t)agent_blob_end - (uintptr_t)agent_blob);
	return agent_blob;
}
