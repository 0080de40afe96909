/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel modules that a guest needs: see modules.h. */
#include "vm/image/modules.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libkmod.h>

#include "base/fd.h"
#include "vm/image/unpack.h"

/* Modules are loaded in this order: the bus of the virtual devices comes first. */
const struct module_need modules_needs[MODULES_NEEDS] = {
	{ "virtio_mmio", "CONFIG_VIRTIO_MMIO", "virtio-mmio", "the virtual devices' bus", true, 0 },
	{ "virtio_console", "CONFIG_VIRTIO_CONSOLE", "virtio_console", "the channel to the agent", true, 0 },
	{ "9pnet_virtio", "CONFIG_NET_9P_VIRTIO", "9pnet_virtio", "9P over virtio", true, 0 },
	{ "9p", "CONFIG_9P_FS", "v9fs_inode_cache", "the host's files", true, 0 },
	{ "virtio_net", "CONFIG_VIRTIO_NET", "virtio_net", "network interfaces", false, 0 },
	{ "virtio_rng", "CONFIG_HW_RANDOM_VIRTIO", "virtio_rng", "the host's randomness", false, 0 },
	{ "virtio_balloon", "CONFIG_VIRTIO_BALLOON", "virtio_balloon", "giving unused memory back", false, 0 },
	{ "fuse", "CONFIG_FUSE_FS", "fuse_inode", "/dev/fuse", false, MODULES_FUSE },
	{ "tun", "CONFIG_TUN", "net/tun", "/dev/net/tun", false, MODULES_TUN },
	{ "loop", "CONFIG_BLK_DEV_LOOP", "loop-control", "loop devices", false, MODULES_LOOP },
	{ "overlay", "CONFIG_OVERLAY_FS", "ovl_inode", "overlay mounts of the container's own", false,
		MODULES_OVERLAY },
};

static void ignore_log(
	void *data, int priority, const char *file, int line, const char *fn, const char *format, va_list args)
{
	(void)data, (void)priority, (void)file, (void)line, (void)fn, (void)format, (void)args;
}

static void ctx_unrefp(struct kmod_ctx **ctx)
{
	if (*ctx)
		kmod_unref(*ctx);
}

static void list_unrefp(struct kmod_list **list)
{
	kmod_module_unref_list(*list);
}

static void module_unrefp(struct kmod_module **m)
{
	if (*m)
		kmod_module_unref(*m);
}

/* Opens @dir with libkmod, without the host's modprobe.d, which is not meant for guests. The caller unrefs *ret_ctx. */
static int open_dir(const char *dir, struct kmod_ctx **ret_ctx, struct err *err)
{
	static const char *const no_config[] = { NULL };
	static const char *const files[] = { "modules.dep.bin", "modules.alias.bin", "modules.builtin.bin" };
	autoclose int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct kmod_ctx *ctx;

	if (fd < 0)
		return err_sys(err, errno, "cannot read the module directory \"%s\"", dir);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		if (faccessat(fd, files[i], R_OK, AT_EACCESS) == 0)
			continue;
		if (errno == ENOENT)
			return err_set(err, ENOENT, "module directory \"%s\" has no %s: run \"depmod %s\"", dir,
				files[i], strrchr(dir, '/') ? strrchr(dir, '/') + 1 : dir);
		return err_sys(err, errno, "cannot read \"%s/%s\"", dir, files[i]);
	}
	ctx = kmod_new(dir, no_config);
	if (!ctx)
		return err_set(err, ENOMEM, "cannot set up libkmod for \"%s\"", dir);
	kmod_set_log_fn(ctx, ignore_log, NULL);
	*ret_ctx = ctx;
	return 0;
}

/* Looks the module @name up: *ret_mod, which the caller unrefs, is NULL if the kernel lacks it. */
static int look_up(struct kmod_ctx *ctx, const char *name, struct kmod_module **ret_mod, struct err *err)
{
	__attribute__((cleanup(list_unrefp))) struct kmod_list *list = NULL;
	int r = kmod_module_new_from_lookup(ctx, name, &list);

	if (r < 0 && r != -ENOENT && r != -ENOSYS)
		return err_sys(err, r, "cannot look up the module %s", name);
	*ret_mod = list ? kmod_module_get_module(list) : NULL;
	return 0;
}

static enum module_state state_of(const struct kmod_module *mod)
{
	if (!mod)
		return MODULE_MISSING;
	if (kmod_module_get_path(mod))
		return MODULE_FILE;
	return kmod_module_get_initstate(mod) == KMOD_MODULE_BUILTIN ? MODULE_BUILT_IN : MODULE_MISSING;
}

int modules_look_up(const char *dir, enum module_state ret_states[MODULES_NEEDS], struct err *err)
{
	__attribute__((cleanup(ctx_unrefp))) struct kmod_ctx *ctx = NULL;
	int r = open_dir(dir, &ctx, err);

	for (size_t i = 0; r == 0 && i < MODULES_NEEDS; i++) {
		__attribute__((cleanup(module_unrefp))) struct kmod_module *mod = NULL;

		r = look_up(ctx, modules_needs[i].module, &mod, err);
		if (r == 0)
			ret_states[i] = state_of(mod);
	}
	return r;
}

size_t modules_cut_signature(const void *data, size_t len)
{
	/* The file ends with a struct module_signature and this (Linux, include/linux/module_signature.h). */
	static const char magic[] = "~Module signature appended~\n";
	const size_t magic_len = sizeof(magic) - 1, info_len = 12;
	const uint8_t *p = data, *info;
	uint64_t sig;

	if (len < magic_len + info_len || memcmp(p + len - magic_len, magic, magic_len) != 0)
		return len;
	info = p + len - magic_len - info_len;
	sig = (uint64_t)info[8] << 24 | (uint64_t)info[9] << 16 | (uint64_t)info[10] << 8 | info[11];
	sig += (uint64_t)info[3] + info[4]; /* the signer's name and the key's id, which old formats have */
	if (sig > len - magic_len - info_len)
		return len;
	return len - magic_len - info_len - (size_t)sig;
}

/* Reads a module's file into @ret, unpacked and without its signature. */
static int read_module(const char *path, struct buf *ret, struct err *err)
{
	autofree char *file = NULL;
	enum unpack_format format;
	size_t len;
	int r;

	r = fd_read_file(AT_FDCWD, path, MODULE_SIZE_MAX, &file, &len);
	if (r < 0)
		return err_sys(err, r, "cannot read the module \"%s\"", path);
	format = unpack_detect(file, len);
	if (format == UNPACK_UNKNOWN)
		return err_set(err, EBADMSG, "module \"%s\" is neither an ELF file nor packed in a known way", path);
	r = unpack(format, file, len, MODULE_SIZE_MAX, unpack_to_buf, ret, NULL, err);
	if (r < 0)
		return err_prefix(err, "module \"%s\"", path);
	ret->len = modules_cut_signature(ret->data, ret->len);
	if (ret->len < sizeof(Elf64_Ehdr) || memcmp(ret->data, ELFMAG, SELFMAG) != 0)
		return err_set(err, EBADMSG, "module \"%s\" is not an ELF file", path);
	return 0;
}

/* Appends @mod to the list unless it is there already. */
static int add_module(struct module_list *list, const struct kmod_module *mod, struct err *err)
{
	const char *name = kmod_module_get_name(mod), *path = kmod_module_get_path(mod);
	struct module *m;

	if (!path) /* it is built in, and something depends on it all the same */
		return 0;
	for (size_t i = 0; i < list->len; i++)
		if (strcmp(list->item[i].name, name) == 0)
			return 0;
	if (list->len == MODULES_MAX)
		return err_set(err, E2BIG, "the guest needs more than %d modules", MODULES_MAX);
	if (strlen(name) >= MODULE_NAME_LEN)
		return err_set(err, ENAMETOOLONG, "module name \"%s\" is too long", name);
	m = &list->item[list->len++];
	(void)snprintf(m->name, sizeof(m->name), "%s", name);
	return read_module(path, &m->data, err);
}

/* Appends all that @mod depends on, which libkmod gives in the order to load it in, and then @mod. */
static int add_closure(struct module_list *list, const struct kmod_module *mod, struct err *err)
{
	__attribute__((cleanup(list_unrefp))) struct kmod_list *deps = kmod_module_get_dependencies(mod);
	struct kmod_list *at;

	kmod_list_foreach(at, deps)
	{
		__attribute__((cleanup(module_unrefp))) struct kmod_module *dep = kmod_module_get_module(at);
		int r = add_module(list, dep, err);

		if (r < 0)
			return r;
	}
	return add_module(list, mod, err);
}

bool modules_wanted(const struct module_need *need, unsigned int wanted)
{
	return !need->on_demand || (need->on_demand & wanted) != 0;
}

/* Appends the modules for all needs that are not built in, of those on demand for the ones in @wanted. */
static int load_needs(
	struct kmod_ctx *ctx, const char *dir, unsigned int wanted, struct module_list *list, struct err *err)
{
	for (size_t i = 0; i < MODULES_NEEDS; i++) {
		const struct module_need *need = &modules_needs[i];
		__attribute__((cleanup(module_unrefp))) struct kmod_module *mod = NULL;
		enum module_state state;
		int r;

		if (!modules_wanted(need, wanted))
			continue;
		r = look_up(ctx, need->module, &mod, err);
		if (r < 0)
			return r;
		state = state_of(mod);
		if (state == MODULE_MISSING && need->required)
			return err_set(err, ENOPKG, "module %s (%s, for %s) is missing in \"%s\"", need->module,
				need->config, need->what, dir);
		if (state == MODULE_FILE) {
			r = add_closure(list, mod, err);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

int modules_load(const char *dir, unsigned int wanted, struct module_list **ret_list, struct err *err)
{
	__attribute__((cleanup(ctx_unrefp))) struct kmod_ctx *ctx = NULL;
	struct module_list *list;
	int r;

	r = open_dir(dir, &ctx, err);
	if (r < 0)
		return r;
	list = calloc(1, sizeof(*list));
	if (!list)
		return err_set(err, ENOMEM, "out of memory");
	r = load_needs(ctx, dir, wanted, list, err);
	if (r < 0) {
		modules_free(list);
		return r;
	}
	*ret_list = list;
	return 0;
}

void modules_free(struct module_list *list)
{
	for (size_t i = 0; list && i < list->len; i++)
		buf_done(&list->item[i].data);
	free(list);
}
