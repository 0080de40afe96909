/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a VM boots from: a kernel and an initramfs, ready as files.
 *
 * One call prepares both, from the host's kernels and the agent embedded in
 * vmrunc; nothing is downloaded. The first call for a kernel takes about a
 * second (a bzImage is unpacked), later ones some system calls.
 */
#ifndef VM_IMAGE_IMAGE_H
#define VM_IMAGE_IMAGE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "vm/image/kernel.h"
#include "vm/image/modules.h"
#include "vm/image/search.h"

/*
 * Kernel parameters that every guest gets; what an engine's machine needs comes on top.
 * dummy.numdummies: a driver that is built in would make a "dummy0" beside lo.
 */
#define IMAGE_CMDLINE "quiet cryptomgr.notests pci=off panic=-1 percpu_alloc=page dummy.numdummies=0"

struct image_request {
	const struct kernel_wish *kernels; /* who asked for a kernel, most important first */
	size_t kernels_len;
	const char *initrd;       /* a user's own archive, unpacked before ours; NULL: none */
	const char *cache_dir;    /* "/var/cache/vmrunc" or a user's own */
	const char *fallback_dir; /* used, with a warning, where cache_dir cannot be (below --root); NULL: none */
	const void *agent;        /* the agent's executable */
	size_t agent_len;
	const struct kernel_places *places; /* NULL: the host's */
	/* A sentence for the log, valid during the call; NULL: not wanted. */
	void (*warn)(void *arg, const char *text);
	void *warn_arg;
};

struct image {
	int vmlinux_fd, initrd_fd; /* read-only */
	char vmlinux_path[PATH_MAX], initrd_path[PATH_MAX];
	char kernel_path[PATH_MAX]; /* what was found: vmlinuz or vmlinux */
	char release[KERNEL_RELEASE_MAX];
	char why[KERNEL_WHY_MAX]; /* why this kernel */
	const char *cmdline;      /* IMAGE_CMDLINE */
};

#define IMAGE_INIT                                \
	{                                         \
		.vmlinux_fd = -1, .initrd_fd = -1 \
	}

/* Prepares both files. The caller ends *ret with image_done(). */
must_check int image_prepare(const struct image_request *req, struct image *ret, struct err *err);
void image_done(struct image *img); /* closes the fds; accepts one whose preparing failed */

/* For `vmrunc check`: what is there, without preparing anything. */
struct image_report {
	bool usable;                /* a VM could boot */
	struct err problem;         /* if not usable: why */
	char kernel_path[PATH_MAX]; /* "": none found; the rest of the kernel's fields are then empty */
	char release[KERNEL_RELEASE_MAX];
	char why[KERNEL_WHY_MAX];
	char modules_dir[PATH_MAX];              /* "": everything is built in */
	enum module_state states[MODULES_NEEDS]; /* of modules_needs[] */
	struct buf passed_over;                  /* a line for each kernel that was looked at and not taken */
	struct buf remedy;         /* a line for each thing to do: what is missing, and the packages that bring it */
	char cache_path[PATH_MAX]; /* "": none usable */
	struct buf text;           /* all of this but the remedies in words, several lines */
};

/*
 * 0 or -ENOMEM; a machine without kernel is a report, not an error. The caller
 * ends *ret with image_report_done().
 */
must_check int image_report(const struct image_request *req, struct image_report *ret);
void image_report_done(struct image_report *r);

const char *image_module_state_name(enum module_state state); /* "built in", "module", "missing", "unknown" */

#endif
