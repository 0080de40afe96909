/* SPDX-License-Identifier: Apache-2.0 */
/* From a spec to a VM: see plan.h. */
#include "life/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guest/agent_blob.h"
#include "life/annotation.h"
#include "life/devices.h"
#include "life/size.h"
#include "vm/choose/choose.h"

/* What QEMU itself takes, with the code that TCG has translated, which grows with what the guest runs. */
#define QEMU_OVERHEAD (256 * MIB)
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
	const char *wish = annotation_get(s, spec, SETTINGS_ANNOTATION_ENGINE);
	char why[WHY_MAX] = "";
	int r;

	p->vm.engine = s->engine;
	if (wish && !s->engine_forced) {
		r = settings_engine(wish, "annotation \"" SETTINGS_ANNOTATION_PREFIX "engine\"", &p->vm.engine, err);
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
		{ annotation_get(s, spec, SETTINGS_ANNOTATION_KERNEL),
			"annotation \"" SETTINGS_ANNOTATION_PREFIX "kernel\"" },
		{ !s->kernel_forced && *s->kernel ? s->kernel : NULL, "the settings file" },
	};
	struct image_request request = {
		.kernels = wishes,
		.kernels_len = ARRAY_LEN(wishes),
		.initrd = spec->vm && spec->vm->kernel ? spec->vm->kernel->initrd : NULL,
		.modules = devices_modules(spec),
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

static int make_cmdline(const struct settings *s, const struct spec *spec, struct plan *p, struct err *err)
{
	const char *more = annotation_get(s, spec, SETTINGS_ANNOTATION_PARAMETERS);

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

int plan_make(const struct settings *s, const struct spec *spec, const char *vm_dir, uint64_t memory_room,
	struct plan *p, struct life_notes *notes, struct err *err)
{
	const char *hypervisor = spec->vm && spec->vm->hypervisor ? spec->vm->hypervisor->path : NULL;
	int r;

	(void)snprintf(p->vm_dir, sizeof(p->vm_dir), "%s", vm_dir);
	(void)snprintf(p->qemu, sizeof(p->qemu), "%s", hypervisor ? hypervisor : s->qemu);
	(void)snprintf(p->cache_dir, sizeof(p->cache_dir), "%s", s->cache_dir);
	p->vm.qemu_path = *p->qemu ? p->qemu : NULL;
	p->vm.cache_dir = p->cache_dir;
	p->vm.runtime_dir = p->vm_dir;
	annotations_warn(s, spec, &notes->warnings);
	devices_warn(spec, &notes->warnings);
	r = choose_engine(s, spec, p, notes, err);
	if (r == 0) {
		const struct size_host host = size_of_host(memory_room);

		p->host_bytes = s->host_overhead_mib * MIB + (p->vm.engine == VM_ENGINE_QEMU ? QEMU_OVERHEAD : 0);
		r = size_vm(s, spec, &host, p->host_bytes, &p->vm, &notes->warnings, err);
		p->vm.files_bytes = size_files(p->host_bytes, p->vm.mem_bytes);
		p->host_bytes += p->vm.mem_bytes;
	}
	p->spare_interfaces = s->spare_interfaces;
	if (r == 0)
		r = MIN(annotation_number(s, spec, SETTINGS_ANNOTATION_SPARE_INTERFACES, 0, VM_NICS_MAX,
				&p->spare_interfaces, err),
			0);
	if (r == 0)
		r = prepare_image(s, spec, p, notes, err);
	if (r == 0)
		r = make_cmdline(s, spec, p, err);
	return r;
}

const void *plan_agent(size_t *ret_len)
{
	*ret_len = (size_t)((uintptr_t)agent_blob_end - (uintptr_t)agent_blob);
	return agent_blob;
}
