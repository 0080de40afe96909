/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One kernel that a guest could boot: its file, its release, its modules, and whether it has what a guest needs.
 *
 * The best source that there is says what a kernel has: its module directory (modules.builtin, modules.dep); the
 * configuration embedded in the image (IKCONFIG) or beside it (config-RELEASE); the strings that drivers leave in the
 * image (modules_needs[].marker).
 */
#ifndef VM_IMAGE_KERNEL_H
#define VM_IMAGE_KERNEL_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "base/err.h"
#include "host/cache.h"
#include "vm/image/bzimage.h"
#include "vm/image/modules.h"

#define KERNEL_RELEASE_MAX BZIMAGE_RELEASE_MAX
#define KERNEL_WHY_MAX 160

enum kernel_format { KERNEL_ELF, KERNEL_BZIMAGE };

struct kernel {
	int fd; /* the file, read-only */
	char path[PATH_MAX];
	struct stat st;
	enum kernel_format format;
	char release[KERNEL_RELEASE_MAX];
	char modules_dir[PATH_MAX]; /* "": it has none, everything is built in */
	char why[KERNEL_WHY_MAX];   /* set by the search: "asked for by --kernel", "the host's running kernel" */
	enum module_state states[MODULES_NEEDS];
};

#define KERNEL_INIT      \
	{                \
		.fd = -1 \
	}

/*
 * Opens the kernel @path, a bzImage or a vmlinux, and finds out what it has. @modules_dirs (NULL is the last) are the
 * directories that may have modules of its release, if the tree that the kernel lies in does not. @cache (NULL: none)
 * keeps what a look into the image has told. 0 with *ret for kernel_done(), or -errno: -ENOPKG if the kernel lacks
 * something that a guest needs; the message names all of it.
 */
must_check int kernel_open(
	const char *path, const char *const *modules_dirs, struct cache *cache, struct kernel *ret, struct err *err);

/* Closes the file. Accepts KERNEL_INIT, and one that is done already. */
void kernel_done(struct kernel *k);

/*
 * Gives the uncompressed ELF image: a read-only descriptor of the caller's, with its path in @ret_path (PATH_MAX
 * bytes), or -errno. A bzImage is unpacked into @cache, once; a vmlinux is used where it is.
 */
must_check int kernel_vmlinux(const struct kernel *k, struct cache *cache, char *ret_path, struct err *err);

#endif
