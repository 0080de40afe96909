/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One kernel: see kernel.h.
 *
 *   kernel_open ── open_file   the file and its format
 *               └─ learn       release, module directory, what it has
 *               └─ judge       is anything missing that a guest must have?
 */
#include "vm/image/kernel.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "vm/image/facts.h"
#include "vm/image/mapping.h"

/* Opens the file, and finds out its format. */
static int open_file(const char *path, struct kernel *k, struct err *err)
{
	uint8_t head[1024];
	ssize_t n;

	if (strlen(path) >= sizeof(k->path))
		return err_set(err, ENAMETOOLONG, "the path is too long");
	(void)snprintf(k->path, sizeof(k->path), "%s", path);
	/* O_NONBLOCK keeps a FIFO of that name from blocking us. */
	k->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (k->fd < 0)
		return err_sys(err, errno, "cannot open it");
	if (fstat(k->fd, &k->st) < 0)
		return err_sys(err, errno, "cannot open it");
	if (!S_ISREG(k->st.st_mode))
		return err_set(err, EINVAL, "it is not a regular file");
	n = pread(k->fd, head, sizeof(head), 0);
	if (n < 0)
		return err_sys(err, errno, "cannot read it");
	if (bzimage_detect(head, (size_t)n)) {
		k->format = KERNEL_BZIMAGE;
		return 0;
	}
	if ((size_t)n >= sizeof(Elf64_Ehdr) && memcmp(head, ELFMAG, SELFMAG) == 0) {
		const Elf64_Ehdr *eh = (const void *)head;

		if (head[EI_CLASS] != ELFCLASS64 || eh->e_machine != EM_X86_64 || eh->e_type != ET_EXEC)
			return err_set(err, EBADMSG, "it is an ELF file, but not an x86-64 kernel");
		k->format = KERNEL_ELF;
		return 0;
	}
	return err_set(err, EBADMSG, "it is neither a bzImage nor an ELF file (vmlinux)");
}

/* Makes @path the module directory of @k if it is a directory: true. @len is what snprintf(3) returned for it. */
static bool take_modules_dir(struct kernel *k, const char *path, int len)
{
	autofree char *real = len < 0 || len >= PATH_MAX ? NULL : realpath(path, NULL);
	struct stat st;

	if (!real || strlen(real) >= sizeof(k->modules_dir) || stat(real, &st) < 0 || !S_ISDIR(st.st_mode))
		return false;
	(void)snprintf(k->modules_dir, sizeof(k->modules_dir), "%s", real);
	return true;
}

/* Finds the modules of @k: beside it, in the tree that it was unpacked in, or in one of @modules_dirs. */
static void find_modules_dir(struct kernel *k, const char *const *modules_dirs)
{
	const char *slash = strrchr(k->path, '/');
	int dir_len = slash ? (int)(slash - k->path) : 0;
	size_t release_len = strlen(k->release);
	char path[PATH_MAX];

	/* .../lib/modules/RELEASE/vmlinuz */
	if ((size_t)dir_len > release_len && k->path[dir_len - (int)release_len - 1] == '/' &&
		strncmp(k->path + dir_len - release_len, k->release, release_len) == 0 &&
		take_modules_dir(k, path, snprintf(path, sizeof(path), "%.*s", dir_len, k->path)))
		return;
	/* TREE/boot/vmlinuz-RELEASE */
	if (slash && take_modules_dir(k, path,
			     snprintf(path, sizeof(path), "%.*s/../lib/modules/%s", dir_len, k->path, k->release)))
		return;
	for (; *modules_dirs; modules_dirs++)
		if (take_modules_dir(k, path, snprintf(path, sizeof(path), "%s/%s", *modules_dirs, k->release)))
			return;
}

/* Reads the file config-RELEASE beside the kernel: its text, which the caller frees, or NULL if there is none. */
static char *read_config_file(const struct kernel *k)
{
	char path[PATH_MAX + KERNEL_RELEASE_MAX + 16], *text;
	const char *slash = strrchr(k->path, '/');
	int dir_len = slash ? (int)(slash - k->path) + 1 : 0;

	(void)snprintf(path, sizeof(path), "%.*sconfig-%s", dir_len, k->path, k->release);
	return fd_read_file(AT_FDCWD, path, FACTS_CONFIG_MAX, &text, NULL) < 0 ? NULL : text;
}

/* Gets the facts from the cache, or from the image, which has to be unpacked for that if it is a bzImage. */
static int get_facts(const struct kernel *k, struct cache *cache, struct facts *ret, struct err *err)
{
	char path[PATH_MAX];
	int r;

	if (cache && facts_load(cache, &k->st, ret))
		return 0;
	autoclose int fd = kernel_vmlinux(k, cache, path, err);
	if (fd < 0)
		return fd;
	r = facts_look(fd, ret, err);
	if (r == 0 && cache)
		facts_store(cache, &k->st, ret);
	return r;
}

/* Finds out the kernel's release, its module directory, and which of our needs it meets. */
static int learn(struct kernel *k, const char *const *modules_dirs, struct cache *cache, struct err *err)
{
	struct facts facts = { .release = "" };
	int r;

	if (k->format == KERNEL_BZIMAGE) {
		automapping image = { 0 };
		struct bzimage bz;

		r = mapping_open(k->fd, BZIMAGE_FILE_MAX, &image, err);
		if (r == 0)
			r = bzimage_parse(image.data, image.len, &bz, err);
		if (r < 0)
			return r;
		(void)snprintf(k->release, sizeof(k->release), "%s", bz.release);
		find_modules_dir(k, modules_dirs);
	}
	if (k->release[0] == '\0') {
		r = get_facts(k, cache, &facts, err);
		if (r < 0)
			return r;
		(void)snprintf(k->release, sizeof(k->release), "%s", facts.release);
		find_modules_dir(k, modules_dirs);
	}
	if (k->modules_dir[0] != '\0')
		return modules_look_up(k->modules_dir, k->states, err);

	/* A bzImage has to be unpacked for a look into it; a configuration beside it spares that. */
	autofree char *config = read_config_file(k);
	if (config) {
		facts_from_config(config, k->states);
		return 0;
	}
	r = facts.release[0] == '\0' ? get_facts(k, cache, &facts, err) : 0;
	if (r == 0)
		memcpy(k->states, facts.built_in, sizeof(k->states));
	return r;
}

/* Refuses a kernel that lacks something required. The message names everything that it lacks. */
static int judge(const struct kernel *k, struct err *err)
{
	autobuf missing = BUF_INIT;

	for (size_t i = 0; i < MODULES_NEEDS; i++)
		if (modules_needs[i].required && k->states[i] == MODULE_MISSING)
			buf_printf(&missing, "%s%s (%s)", missing.len ? ", " : "", modules_needs[i].config,
				modules_needs[i].what);
	if (missing.len == 0)
		return buf_error(&missing) ? err_set(err, ENOMEM, "out of memory") : 0;
	if (k->modules_dir[0] == '\0')
		return err_set(err, ENOPKG,
			"%s is not built into it, and there is no module directory for its release \"%s\"",
			missing.data, k->release);
	return err_set(err, ENOPKG, "it lacks %s", missing.data);
}

void kernel_done(struct kernel *k)
{
	fd_close(k->fd);
	k->fd = -1;
}

int kernel_open(
	const char *path, const char *const *modules_dirs, struct cache *cache, struct kernel *ret, struct err *err)
{
	struct kernel *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return err_set(err, ENOMEM, "out of memory");
	k->fd = -1;
	r = open_file(path, k, err);
	if (r == 0)
		r = learn(k, modules_dirs, cache, err);
	if (r == 0)
		r = judge(k, err);
	if (r < 0)
		kernel_done(k);
	else
		*ret = *k;
	free(k);
	return r;
}

static int fill_vmlinux(int fd, void *arg, struct err *err)
{
	const struct kernel *k = arg;
	automapping image = { 0 };
	struct bzimage bz;
	int r = mapping_open(k->fd, BZIMAGE_FILE_MAX, &image, err);

	if (r == 0)
		r = bzimage_parse(image.data, image.len, &bz, err);
	if (r == 0)
		r = bzimage_extract(&bz, fd, err);
	return r < 0 ? err_prefix(err, "cannot unpack the kernel \"%s\"", k->path) : 0;
}

int kernel_vmlinux(const struct kernel *k, struct cache *cache, char *ret_path, struct err *err)
{
	struct cache_id id = CACHE_ID_INIT;

	if (k->format == KERNEL_ELF) {
		int fd = fcntl(k->fd, F_DUPFD_CLOEXEC, 0);

		if (fd < 0)
			return err_sys(err, errno, "cannot open \"%s\"", k->path);
		(void)snprintf(ret_path, PATH_MAX, "%s", k->path);
		return fd;
	}
	if (!cache)
		return err_set(err, ENOENT, "no cache directory to unpack the kernel \"%s\" into", k->path);
	cache_id_add_str(&id, "vmlinux 1");
	cache_id_add_stat(&id, &k->st);
	return cache_make(cache, "vmlinux", &id, fill_vmlinux, (void *)k, ret_path, err);
}
