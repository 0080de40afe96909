/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The search for the guest's kernel: see search.h.
 *
 *   search_kernel ── a wish ──────────────────────────────> kernel_open, or an error
 *                 └─ search_small, _running, _installed ──> search_path for each kernel ──> kernel_open
 */
#include "vm/image/search.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#ifndef VMRUNC_LIBDIR
#define VMRUNC_LIBDIR "/usr/lib/vmrunc"
#endif
#define SYSTEM_CACHE_DIR "/var/cache/vmrunc"

void search_places_default(struct kernel_places *ret, const char *cache_dir)
{
	struct utsname host;
	size_t n = 0;

	*ret = (struct kernel_places){
		.lib_dir = VMRUNC_LIBDIR,
		.boot_dir = "/boot",
		.modules_dirs = { "/lib/modules", "/usr/lib/modules" },
	};
	if (cache_dir && cache_trusted(cache_dir))
		ret->cache_dirs[n++] = cache_dir;
	if ((!cache_dir || strcmp(cache_dir, SYSTEM_CACHE_DIR) != 0) && cache_trusted_system(SYSTEM_CACHE_DIR))
		ret->cache_dirs[n] = SYSTEM_CACHE_DIR;
	if (uname(&host) == 0)
		(void)snprintf(ret->running, sizeof(ret->running), "%s", host.release); /* fits */
}

/* A search under way. */
struct search {
	const struct kernel_places *places;
	struct cache *cache;
	struct kernel *found;
	struct buf *passed_over; /* a line for each kernel that was not taken */
	bool done;               /* @found is set */
};

/*
 * Tries the kernel @path, which nobody asked for, unless one was found already. @why says in words what speaks for it.
 * A path where there is nothing is not counted as passed over.
 */
static void search_path(struct search *s, const char *path, const char *why)
{
	struct err err = ERR_INIT;
	char quoted[PATH_MAX + 4];
	int r;

	/*
	 * The running kernel is tried again among the installed ones, and /lib may be /usr/lib: one line each suffices.
	 */
	(void)snprintf(quoted, sizeof(quoted), "\"%s\":", path);
	if (s->done || access(path, F_OK) < 0 || (s->passed_over->data && strstr(s->passed_over->data, quoted)))
		return;
	r = kernel_open(path, s->places->modules_dirs, s->cache, s->found, &err);
	if (r == 0) {
		(void)snprintf(s->found->why, sizeof(s->found->why), "%s", why);
		s->done = true;
	} else {
		buf_printf(s->passed_over, "%s %s\n", quoted, err.msg);
	}
}

/* Tries vmrunc's own small kernel: one that was built into the cache goes before one that is installed. */
static void search_small(struct search *s)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_LEN(s->places->cache_dirs) && s->places->cache_dirs[i]; i++) {
		(void)snprintf(path, sizeof(path), "%s/guest-kernel/vmlinux", s->places->cache_dirs[i]);
		search_path(s, path, "vmrunc's own small kernel");
	}
	if (s->places->lib_dir) {
		(void)snprintf(path, sizeof(path), "%s/vmlinux", s->places->lib_dir);
		search_path(s, path, "vmrunc's own small kernel");
	}
}

static void search_running(struct search *s)
{
	char path[PATH_MAX];

	if (s->places->running[0] == '\0')
		return;
	(void)snprintf(path, sizeof(path), "%s/vmlinuz-%s", s->places->boot_dir, s->places->running);
	search_path(s, path, "the host's running kernel");
	for (size_t i = 0; i < ARRAY_LEN(s->places->modules_dirs) && s->places->modules_dirs[i]; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s/vmlinuz", s->places->modules_dirs[i], s->places->running);
		search_path(s, path, "the host's running kernel");
	}
}

struct candidate {
	char path[PATH_MAX];
	char release[KERNEL_RELEASE_MAX];
	bool fetched; /* contrib/get-kernel has put it there; it is not installed */
};

struct candidates {
	struct candidate item[SEARCH_CANDIDATES_MAX];
	size_t len;
};

static void add_candidate(struct candidates *c, const char *path, const char *release, bool fetched)
{
	struct candidate *new;

	if (c->len == SEARCH_CANDIDATES_MAX || strlen(path) >= PATH_MAX || strlen(release) >= KERNEL_RELEASE_MAX ||
		access(path, F_OK) < 0)
		return;
	new = &c->item[c->len++];
	(void)snprintf(new->path, sizeof(new->path), "%s", path);
	(void)snprintf(new->release, sizeof(new->release), "%s", release);
	new->fetched = fetched;
}

/*
 * Adds a candidate for each name in @dir that begins with @prefix and goes on with a release. The kernel's path is
 * @dir/NAME and @below (NULL: nothing), and if it was @fetched the release once more.
 */
static void scan_dir(struct candidates *c, const char *dir, const char *prefix, const char *below, bool fetched)
{
	DIR *d = opendir(dir);
	struct dirent *de;
	char path[PATH_MAX], rest[PATH_MAX];

	while (d && (de = readdir(d))) {
		const char *release = de->d_name + strlen(prefix);
		int n;

		if (strncmp(de->d_name, prefix, strlen(prefix)) != 0 || release[0] < '0' || release[0] > '9')
			continue;
		rest[0] = '\0';
		if (below)
			(void)snprintf(rest, sizeof(rest), "%s%s", below, fetched ? release : "");
		n = snprintf(path, sizeof(path), "%s/%s%s", dir, de->d_name, rest);
		if (n > 0 && (size_t)n < sizeof(path))
			add_candidate(c, path, release, fetched);
	}
	if (d)
		closedir(d);
}

static int newest_first(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	int r = strverscmp(y->release, x->release);

	/* Of one release vmlinux goes before vmlinuz, since it needs no unpacking. */
	return r ? r : strcmp(x->path, y->path);
}

/* Tries the installed and the fetched kernels, the newest first. */
static int search_installed(struct search *s, struct err *err)
{
	struct candidates *c = calloc(1, sizeof(*c));
	char dir[PATH_MAX];

	if (!c)
		return err_set(err, ENOMEM, "out of memory");
	scan_dir(c, s->places->boot_dir, "vmlinuz-", NULL, false);
	for (size_t i = 0; i < ARRAY_LEN(s->places->modules_dirs) && s->places->modules_dirs[i]; i++)
		scan_dir(c, s->places->modules_dirs[i], "", "/vmlinuz", false);
	for (size_t i = 0; i < ARRAY_LEN(s->places->cache_dirs) && s->places->cache_dirs[i]; i++) {
		(void)snprintf(dir, sizeof(dir), "%s/stock-kernel", s->places->cache_dirs[i]);
		scan_dir(c, dir, "", "/boot/vmlinux-", true);
		scan_dir(c, dir, "", "/boot/vmlinuz-", true);
	}
	qsort(c->item, c->len, sizeof(c->item[0]), newest_first);
	for (size_t i = 0; i < c->len; i++)
		search_path(s, c->item[i].path,
			c->item[i].fetched ? "the newest usable kernel (fetched by contrib/get-kernel)"
					   : "the newest usable kernel installed on the host");
	free(c);
	return 0;
}

int search_kernel(const struct kernel_wish *wishes, size_t wishes_len, const struct kernel_places *places,
	struct cache *cache, struct kernel *ret, struct buf *passed_over, struct err *err)
{
	autobuf notes = BUF_INIT;
	struct search s = {
		.places = places, .cache = cache, .found = ret, .passed_over = passed_over ? passed_over : &notes
	};
	int r;

	for (size_t i = 0; i < wishes_len; i++) {
		if (!wishes[i].path)
			continue;
		r = kernel_open(wishes[i].path, places->modules_dirs, cache, ret, err);
		if (r < 0)
			return err_prefix(err, "kernel \"%s\" (asked for by %s)", wishes[i].path, wishes[i].asked_by);
		(void)snprintf(ret->why, sizeof(ret->why), "asked for by %s", wishes[i].asked_by);
		return 0;
	}
	search_small(&s);
	search_running(&s);
	if (!s.done) {
		r = search_installed(&s, err);
		if (r < 0)
			return r;
	}
	if (s.done)
		return 0;
	if (s.passed_over->len == 0)
		return err_set(err, ENOENT,
			"no guest kernel found: install linux-image-amd64 (Debian) or kernel-core and kernel-modules (Fedora), or name one with --kernel");
	/* A caller who wants the notes has them in its buffer; for others they become one line of the error. */
	for (size_t i = 0; i < notes.len; i++)
		if (notes.data[i] == '\n')
			notes.data[i] = i + 1 < notes.len ? ';' : '\0';
	return err_set(err, ENOENT,
		"no usable guest kernel found: install linux-image-amd64 (Debian) or kernel-core and kernel-modules (Fedora), or name one with --kernel%s%s",
		notes.len ? "; passed over: " : "", notes.len ? notes.data : "");
}
