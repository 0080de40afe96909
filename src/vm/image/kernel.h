/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding the guest's kernel.
 *
 * The first that is there and usable of: what somebody asked for; vmrunc's own small kernel;
 * the one the host runs; the newest of those installed (or fetched by
 * contrib/get-kernel). A kernel that was asked for must be usable, else it is an
 * error; others that are not (no 9p, modules missing) are passed over, and the list of what was
 * passed over and why is kept for the error and for `vmrunc check`.
 *
 * How it is known what a kernel has, best source first: its module directory
 * (modules.builtin, modules.dep); the configuration in the image (IKCONFIG) or
 * beside it (config, config-RELEASE); strings in the image that the drivers
 * leave there (modules_needs[].marker).
 */
#ifndef VM_IMAGE_KERNEL_H
#define VM_IMAGE_KERNEL_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "host/cache.h"
#include "vm/image/bzimage.h"
#include "vm/image/modules.h"

#define KERNEL_RELEASE_MAX BZIMAGE_RELEASE_MAX
#define KERNEL_WHY_MAX 160
#define KERNEL_CANDIDATES_MAX 64 /* installed kernels that are looked at */

/* Somebody's wish. */
struct kernel_wish {
	const char *path;     /* NULL: none */
	const char *asked_by; /* "--kernel", "vm.kernel.path", "annotation \"org.vmrunc.kernel\"" ... */
};

/* Where to look; kernel_places_default() for the host's. All borrowed. */
struct kernel_places {
	const char *cache_dirs[3];   /* hold guest-kernel/vmlinux and stock-kernel/RELEASE; NULL at the end */
	const char *lib_dir;         /* holds an installed small kernel as "vmlinux" */
	const char *boot_dir;        /* "/boot" */
	const char *modules_dirs[3]; /* "/lib/modules", "/usr/lib/modules"; NULL at the end */
	const char *running;         /* release of the host's kernel */
};

enum kernel_format { KERNEL_ELF, KERNEL_BZIMAGE };

struct kernel {
	int fd; /* the file, read-only */
	char path[PATH_MAX];
	struct stat st;
	enum kernel_format format;
	char release[KERNEL_RELEASE_MAX];
	char modules_dir[PATH_MAX]; /* "": it has none, everything is built in */
	char why[KERNEL_WHY_MAX];   /* in words: "asked for by --kernel", "the host's running kernel" */
	enum module_state states[MODULES_NEEDS];
};

#define KERNEL_INIT      \
	{                \
		.fd = -1 \
	}

/* Fills in the host's places: cache_dirs are @cache_dir (may be NULL) and /var/cache/vmrunc. Static strings. */
void kernel_places_default(struct kernel_places *ret, const char *cache_dir);

/*
 * Finds the kernel. @wishes has @wishes_len, the first with a path counts. @cache (NULL: none)
 * keeps what a look into a kernel image has told. @passed_over (NULL: not wanted) gets a line
 * for each kernel that was looked at and not taken. The caller ends *ret with kernel_done().
 */
must_check int kernel_find(const struct kernel_wish *wishes, size_t wishes_len, const struct kernel_places *places,
	struct cache *cache, struct kernel *ret, struct buf *passed_over, struct err *err);
void kernel_done(struct kernel *k);

/*
 * The uncompressed ELF image: a read-only fd, its path in @ret_path (PATH_MAX
 * bytes). A bzImage is unpacked into @cache, once; a vmlinux is used where it is.
 */
must_check int kernel_vmlinux(const struct kernel *k, struct cache *cache, char *ret_path, struct err *err);

#endif
