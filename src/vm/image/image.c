/* SPDX-License-Identifier: Apache-2.0 */
/* What a VM boots from: see image.h. */
#include "vm/image/image.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "host/cache.h"
#include "vm/image/initramfs.h"

const char *image_module_state_name(enum module_state state)
{
	switch (state) {
	case MODULE_BUILT_IN:
		return "built in";
	case MODULE_FILE:
		return "module";
	case MODULE_MISSING:
		return "missing";
	case MODULE_UNKNOWN:
		break;
	}
	return "unknown";
}

static void warn(const struct image_request *req, const char *text)
{
	if (req->warn)
		req->warn(req->warn_arg, text);
}

/* Prepares both files in @cache; @k is for the kernel that is found, and the caller's to end. */
static int prepare_in(const struct image_request *req, const struct kernel_places *places, struct cache *cache,
	struct kernel *k, struct image *ret, struct err *err)
{
	struct initramfs_parts parts = {
		.agent = req->agent, .agent_len = req->agent_len, .modules = req->modules, .extra = req->initrd
	};
	int r = search_kernel(req->kernels, req->kernels_len, places, cache, k, NULL, err);

	if (r < 0)
		return r;
	autoclose int vmlinux = kernel_vmlinux(k, cache, ret->vmlinux_path, err);
	if (vmlinux < 0)
		return vmlinux;
	autoclose int initrd = initramfs_get(k, &parts, cache, ret->initrd_path, err);
	if (initrd < 0)
		return err_prefix(err, "kernel \"%s\"", k->path);

	for (size_t i = 0; i < MODULES_NEEDS; i++) {
		char text[256];

		if (k->states[i] != MODULE_MISSING || !modules_wanted(&modules_needs[i], req->modules))
			continue;
		(void)snprintf(text, sizeof(text), "the guest kernel %s lacks %s: the guest goes without %s",
			k->release, modules_needs[i].config, modules_needs[i].what);
		warn(req, text);
	}
	ret->vmlinux_fd = steal_fd(&vmlinux);
	ret->initrd_fd = steal_fd(&initrd);
	(void)snprintf(ret->kernel_path, sizeof(ret->kernel_path), "%s", k->path);
	(void)snprintf(ret->release, sizeof(ret->release), "%s", k->release);
	(void)snprintf(ret->why, sizeof(ret->why), "%s", k->why);
	ret->cmdline = IMAGE_CMDLINE;
	return 0;
}

/* Whether the error @r comes from the file system that the cache is on, so that another directory may do. */
static bool out_of_room(int r)
{
	return r == -ENOSPC || r == -EDQUOT || r == -EROFS;
}

int image_prepare(const struct image_request *req, struct image *ret, struct err *err)
{
	const char *const dirs[] = { req->cache_dir, req->fallback_dir };
	struct kernel_places places;
	struct kernel *k;
	int r = 0;

	if (!req->cache_dir && !req->fallback_dir)
		return err_set(err, EINVAL, "no cache directory given");
	if (req->places)
		places = *req->places;
	else
		search_places_default(&places, req->cache_dir);
	k = calloc(1, sizeof(*k));
	if (!k)
		return err_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		struct cache cache;
		bool opened;

		if (!dirs[i])
			continue;
		k->fd = -1;
		r = cache_open(&cache, dirs[i], err);
		opened = r == 0;
		if (opened)
			r = prepare_in(req, &places, &cache, k, ret, err);
		kernel_done(k);
		cache_done(&cache);
		if (r == 0 || (opened && !out_of_room(r)))
			break;
		if (i + 1 < ARRAY_LEN(dirs) && dirs[i + 1]) {
			char text[ERR_MSG_MAX + PATH_MAX + 64];

			(void)snprintf(text, sizeof(text), "%s; using \"%s\" instead", err->msg, dirs[i + 1]);
			warn(req, text);
		}
	}
	free(k);
	return r;
}

void image_done(struct image *img)
{
	fd_close(img->vmlinux_fd);
	fd_close(img->initrd_fd);
	img->vmlinux_fd = img->initrd_fd = -1;
}

/* Writes down what the user can do about everything that is missing. */
static void add_remedies(struct image_report *r)
{
	if (r->cache_path[0] == '\0')
		buf_puts(&r->remedy, "name a directory that vmrunc may write: \"cache\" in vmrunc.json\n");
	if (r->kernel_path[0] == '\0') {
		buf_puts(&r->remedy,
			"install a guest kernel: linux-image-amd64 (Debian; not linux-image-cloud-amd64, which has no 9p), kernel-core and kernel-modules (Fedora)\n"
			"or build vmrunc's small one, which boots much faster: make guest-kernel\n");
		return;
	}
	for (size_t i = 0; i < MODULES_NEEDS; i++)
		if (r->states[i] == MODULE_MISSING && !modules_needs[i].on_demand)
			buf_printf(&r->remedy,
				"%s (%s) is missing: use a kernel with %s, as linux-image-amd64 (Debian) or kernel-core and kernel-modules (Fedora)\n",
				modules_needs[i].module, modules_needs[i].what, modules_needs[i].config);
}

static void indent_lines(struct buf *out, const char *lines)
{
	for (size_t n; lines && *lines; lines += n) {
		n = strcspn(lines, "\n");
		buf_printf(out, "  %.*s\n", (int)n, lines);
		n += lines[n] == '\n';
	}
}

/* Writes the report in words. @cache_err: why no cache directory is usable, if none is. */
static void write_text(struct image_report *r, const struct err *cache_err)
{
	struct buf *t = &r->text;

	if (r->kernel_path[0] != '\0') {
		buf_printf(t, "guest kernel: %s, %s (%s)\n", r->release, r->kernel_path, r->why);
		if (r->modules_dir[0] != '\0')
			buf_printf(t, "  modules: %s\n", r->modules_dir);
		for (size_t i = 0; i < MODULES_NEEDS; i++)
			buf_printf(t, "  %-15s %-9s %s (%s)\n", modules_needs[i].module,
				image_module_state_name(r->states[i]), modules_needs[i].what, modules_needs[i].config);
	} else {
		buf_printf(t, "guest kernel: none: %s\n", r->problem.msg);
	}
	if (r->passed_over.len) {
		buf_puts(t, "passed over:\n");
		indent_lines(t, r->passed_over.data);
	}
	if (r->cache_path[0] != '\0')
		buf_printf(t, "cache: %s\n", r->cache_path);
	else
		buf_printf(t, "cache: none usable: %s\n", cache_err->msg);
}

int image_report(const struct image_request *req, struct image_report *ret)
{
	const char *const dirs[] = { req->cache_dir, req->fallback_dir };
	struct kernel *k = calloc(1, sizeof(*k));
	struct kernel_places places;
	struct cache cache = { .dirfd = -1 };
	struct err cache_err = { .errnum = ENOENT, .msg = "no cache directory given" };
	int r = -ENOENT;

	*ret = (struct image_report){ .passed_over = BUF_INIT, .remedy = BUF_INIT, .text = BUF_INIT };
	if (!k)
		return -ENOMEM;
	k->fd = -1;
	if (req->places)
		places = *req->places;
	else
		search_places_default(&places, req->cache_dir);
	for (size_t i = 0; r < 0 && i < ARRAY_LEN(dirs); i++)
		if (dirs[i])
			r = cache_open(&cache, dirs[i], &cache_err);
	if (r < 0)
		ret->problem = cache_err;
	else
		(void)snprintf(ret->cache_path, sizeof(ret->cache_path), "%s", cache.path);

	if (search_kernel(req->kernels, req->kernels_len, &places, r == 0 ? &cache : NULL, k, &ret->passed_over,
		    &ret->problem) == 0) {
		(void)snprintf(ret->kernel_path, sizeof(ret->kernel_path), "%s", k->path);
		(void)snprintf(ret->release, sizeof(ret->release), "%s", k->release);
		(void)snprintf(ret->why, sizeof(ret->why), "%s", k->why);
		(void)snprintf(ret->modules_dir, sizeof(ret->modules_dir), "%s", k->modules_dir);
		memcpy(ret->states, k->states, sizeof(ret->states));
		ret->usable = r == 0;
	}
	add_remedies(ret);
	write_text(ret, &cache_err);
	kernel_done(k);
	cache_done(&cache);
	free(k);
	if (buf_error(&ret->passed_over) || buf_error(&ret->remedy) || buf_error(&ret->text)) {
		image_report_done(ret);
		return -ENOMEM;
	}
	return 0;
}

void image_report_done(struct image_report *r)
{
	buf_done(&r->passed_over);
	buf_done(&r->remedy);
	buf_done(&r->text);
}
