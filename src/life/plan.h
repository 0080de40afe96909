/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a container's spec to a virtual machine: engine, kernel, size. The one
 * place where both are known.
 *
 * Most important first: command line, config.json (`vm`), annotations
 * (org.vmrunc.*)
 * that the settings allow, settings files, what is built in.
 */
#ifndef LIFE_PLAN_H
#define LIFE_PLAN_H

#include "app/settings.h"
#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "life/life.h"
#include "spec/spec.h"
#include "vm/image/image.h"
#include "vm/vm.h"

struct plan {
	struct vm_config vm;      /* its strings point into this struct, and into the spec */
	struct file_policy files; /* what vm.files points to */
	struct image image;
	struct buf cmdline;
	char vm_dir[PATH_MAX];
	char qemu[PATH_MAX];
	char cache_dir[PATH_MAX];
	uint64_t host_bytes;       /* what the VM may take of the host's memory */
	uint64_t spare_interfaces; /* network devices for interfaces that are not there yet: 0..VM_NICS_MAX */
};

#define PLAN_NONE                                        \
	{                                                \
		.image = IMAGE_INIT, .cmdline = BUF_INIT \
	}

/* Frees what plan_make() has filled in. @p may be PLAN_NONE, or one whose making failed. */
void plan_done(struct plan *p);

/*
 * Decides on the VM for @spec, and prepares its kernel and initramfs. @vm_dir: a directory of this container's own for
 * the engine. @memory_room: the memory that the cgroups above the container's allow it (UINT64_MAX: any). @p: PLAN_NONE, which the caller ends with plan_done() in any case; it borrows strings of @spec. 0, or
 * -errno with an error.
 */
must_check int plan_make(const struct settings *settings, const struct spec *spec, const char *vm_dir,
	uint64_t memory_room, struct plan *p, struct life_notes *notes, struct err *err);

/* The agent that is embedded in this executable: its first byte, and its length in *@ret_len. Static. */
const void *plan_agent(size_t *ret_len);

#endif
