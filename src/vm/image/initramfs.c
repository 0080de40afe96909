/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's initramfs: see initramfs.h. */
#include "vm/image/initramfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "vm/image/cpio.h"

#define INITRAMFS_FORMAT "vmrunc-initramfs-1"

static void list_freep(struct module_list **list)
{
	modules_free(*list);
}

/*
 * Adds the directory of the modules with their files, and the file that says their order. @list NULL: there are none.
 */
static void add_modules(struct cpio *c, const struct module_list *list)
{
	autobuf order = BUF_INIT;

	cpio_add_dir(c, INITRAMFS_MODULES_DIR, 0755);
	for (size_t i = 0; list && i < list->len; i++) {
		char file[MODULE_NAME_LEN + 16], name[sizeof(file) + sizeof(INITRAMFS_MODULES_DIR)];

		(void)snprintf(file, sizeof(file), "%02zu-%s.ko", i, list->item[i].name);
		(void)snprintf(name, sizeof(name), "%s/%s", INITRAMFS_MODULES_DIR, file);
		cpio_add_file(c, name, 0644, list->item[i].data.data, list->item[i].data.len);
		buf_printf(&order, "%s\n", file);
	}
	if (buf_error(&order))
		c->error = buf_error(&order);
	else
		cpio_add_file(c, INITRAMFS_ORDER, 0644, order.len ? order.data : "", order.len);
}

int initramfs_write(const struct kernel *k, const struct initramfs_parts *parts, struct buf *out, struct err *err)
{
	static const char *const dirs[] = { "dev", "proc", "sys", "run" };
	__attribute__((cleanup(list_freep))) struct module_list *list = NULL;
	struct cpio c;
	int r;

	if (parts->extra) {
		autofree char *extra = NULL;
		size_t len;

		r = fd_read_file(AT_FDCWD, parts->extra, INITRAMFS_EXTRA_MAX, &extra, &len);
		if (r < 0)
			return err_sys(err, r, "cannot read the initrd \"%s\"", parts->extra);
		buf_put(out, extra, len);
		if (len % 4)
			(void)buf_extend(out, 4 - len % 4);
	}
	if (k->modules_dir[0] != '\0') {
		r = modules_load(k->modules_dir, parts->modules, &list, err);
		if (r < 0)
			return r;
	}
	cpio_init(&c, out);
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		cpio_add_dir(&c, dirs[i], 0755);
	cpio_add_char_device(&c, "dev/console", 0600, 5, 1);
	add_modules(&c, list);
	cpio_add_file(&c, "init", 0755, parts->agent, parts->agent_len);
	r = cpio_finish(&c);
	return r < 0 ? err_sys(err, r, "cannot put the initramfs together") : 0;
}

/* What fill_initramfs() needs. */
struct making {
	const struct kernel *kernel;
	const struct initramfs_parts *parts;
};

static int fill_initramfs(int fd, void *arg, struct err *err)
{
	const struct making *m = arg;
	autobuf out = BUF_INIT;
	int r = initramfs_write(m->kernel, m->parts, &out, err);

	if (r < 0)
		return r;
	r = fd_write_full(fd, out.data, out.len);
	return r < 0 ? err_sys(err, r, "cannot write the initramfs") : 0;
}

/* Adds the path and the identity of the file @path to @id. */
static int add_file(struct cache_id *id, const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_sys(err, errno, "cannot read \"%s\"", path);
	cache_id_add_str(id, path);
	cache_id_add_stat(id, &st);
	return 0;
}

int initramfs_get(const struct kernel *k, const struct initramfs_parts *parts, struct cache *cache, char *ret_path,
	struct err *err)
{
	struct making making = { .kernel = k, .parts = parts };
	struct cache_id id = CACHE_ID_INIT;
	int r = 0;

	cache_id_add_str(&id, INITRAMFS_FORMAT);
	cache_id_add(&id, parts->agent, parts->agent_len);
	for (size_t i = 0; i < MODULES_NEEDS; i++) {
		if (modules_wanted(&modules_needs[i], parts->modules))
			cache_id_add_str(&id, modules_needs[i].module);
	}
	/* The file modules.dep.bin stands for all modules: depmod writes it whenever one comes or goes. */
	if (k->modules_dir[0] != '\0') {
		char dep[PATH_MAX + 32];

		(void)snprintf(dep, sizeof(dep), "%s/modules.dep.bin", k->modules_dir);
		r = add_file(&id, dep, err);
	}
	if (r == 0 && parts->extra)
		r = add_file(&id, parts->extra, err);
	if (r < 0)
		return r;
	return cache_make(cache, "initrd", &id, fill_initramfs, &making, ret_path, err);
}
