/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a container's spec to a virtual machine: engine, kernel, size. The one
 * place where both are known.
 *
 * Most important first: command line, config.json (`vm`), annotations
 * (org.vmrunc.*), settings files, what is built in.
 */
#ifndef LIFE_PLAN_H
#define LIFE_PLAN_H

#include "app/settings.h"
#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "spec/spec.h"
#include "vm/image/image.h"
#include "vm/vm.h"

struct plan {
	struct vm_config vm; /* strings point into this struct, and into the spec */
	struct image image;
	struct buf cmdline;
	char vm_dir[PATH_MAX];
	char qemu[PATH_MAX];
	char cache_dir[PATH_MAX];
	uint64_t host_bytes; /* what the VM may take of the host's memory */
};

#define PLAN_NONE                                        \
	{                                                \
		.image = IMAGE_INIT, .cmdline = BUF_INIT \
	}

void plan_done(struct plan *p);

/* @vm_dir: a directory of this container's own for the engine. Warnings go to the log. */
must_check int plan_make(
	const struct settings *settings, const struct spec *spec, const char *vm_dir, struct plan *p, struct err *err);

/* The agent that is embedded in this executable. */
const void *plan_agent(size_t *ret_len);

#endif
