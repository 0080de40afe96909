/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's initramfs: the agent as /init and the kernel's modules.
 *
 *   /init             the agent
 *   /modules/order    file names below /modules, one a line, in the order to load them in
 *   /modules/00-NAME.ko ...
 *   /dev /dev/console /proc /sys /run
 */
#ifndef VM_IMAGE_INITRAMFS_H
#define VM_IMAGE_INITRAMFS_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "host/cache.h"
#include "vm/image/kernel.h"

#define INITRAMFS_MODULES_DIR "modules"
#define INITRAMFS_ORDER "modules/order"
#define INITRAMFS_EXTRA_MAX (512 * MIB) /* a user's own initrd */

struct initramfs_parts {
	const void *agent; /* a static executable */
	size_t agent_len;
	unsigned int modules; /* of enum modules_on_demand: those that are wanted */
	const char *extra;    /* path of an archive that is put before ours, compressed or not; NULL: none */
};

/* Appends the archive for @k to @out, whose length must be a multiple of 4: 0 or -errno. */
must_check int initramfs_write(
	const struct kernel *k, const struct initramfs_parts *parts, struct buf *out, struct err *err);

/*
 * Opens the archive for @k in the cache, after making it if it is not there: a read-only descriptor of the caller's,
 * with its path in @ret_path (PATH_MAX bytes), or -errno.
 */
must_check int initramfs_get(const struct kernel *k, const struct initramfs_parts *parts, struct cache *cache,
	char *ret_path, struct err *err);

#endif
