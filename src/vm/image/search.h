/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The search for the guest's kernel.
 *
 * The first of these that is there and usable is taken: the kernel that somebody asked for; vmrunc's own small kernel;
 * the one that the host runs; the newest of those that are installed or were fetched by contrib/get-kernel. A kernel
 * that was asked for must be usable, else the search fails. Others that are not usable (they lack 9p, or their modules
 * are missing) are passed over; the list of them, each with the reason, is kept for the error and for `vmrunc check`.
 */
#ifndef VM_IMAGE_SEARCH_H
#define VM_IMAGE_SEARCH_H

#include "base/buf.h"
#include "base/err.h"
#include "host/cache.h"
#include "vm/image/kernel.h"

#define SEARCH_CANDIDATES_MAX 64 /* installed kernels that are looked at */

/* What somebody asks for. */
struct kernel_wish {
	const char *path;     /* NULL: nothing */
	const char *asked_by; /* "--kernel", "vm.kernel.path", "annotation \"org.vmrunc.kernel\"" ... */
};

/* Where kernels may lie. The pointers are borrowed. */
struct kernel_places {
	const char *cache_dirs[3];        /* hold guest-kernel/vmlinux and stock-kernel/RELEASE; NULL is the last */
	const char *lib_dir;              /* holds an installed small kernel as "vmlinux"; NULL: none */
	const char *boot_dir;             /* "/boot" */
	const char *modules_dirs[3];      /* "/lib/modules", "/usr/lib/modules"; NULL is the last */
	char running[KERNEL_RELEASE_MAX]; /* release of the host's kernel; "": unknown */
};

/* Fills in the host's places: cache_dirs are those of @cache_dir (borrowed; may be NULL) and /var/cache/vmrunc that can be trusted. */
void search_places_default(struct kernel_places *ret, const char *cache_dir);

/*
 * Finds the guest's kernel in @places. Of the @wishes_len @wishes the first that has a path counts. @cache (NULL: none)
 * keeps what a look into a kernel's image has told. @passed_over (NULL: not wanted) gets a line for each kernel that
 * was looked at and not taken. 0 with *ret for kernel_done(), or -errno: -ENOENT if there is no usable kernel.
 */
must_check int search_kernel(const struct kernel_wish *wishes, size_t wishes_len, const struct kernel_places *places,
	struct cache *cache, struct kernel *ret, struct buf *passed_over, struct err *err);

#endif
