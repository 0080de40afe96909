/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel discovery.
 *
 *   kernel_find ── try_path (each place in turn) ── kernel_open    file, format
 *                                                └─ kernel_learn   release, module directory, what it has
 *                                                └─ kernel_judge   is anything required missing?
 */
#include "vm/image/kernel.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/fd.h"
#include "vm/image/facts.h"

#ifndef VMRUNC_LIBDIR
#define VMRUNC_LIBDIR "/usr/lib/vmrunc"
#endif
#define SYSTEM_CACHE_DIR "/var/cache/vmrunc"
#define FACTS_FORMAT "vmrunc-facts-1"

void kernel_places_default(struct kernel_places *ret, const char *cache_dir)
{
	static struct utsname host;
	size_t n = 0;

	*ret = (struct kernel_places){
		.lib_dir = VMRUNC_LIBDIR,
		.boot_dir = "/boot",
		.modules_dirs = { "/lib/modules", "/usr/lib/modules" },
	};
	if (cache_dir)
		ret->cache_dirs[n++] = cache_dir;
	if (!cache_dir || strcmp(cache_dir, SYSTEM_CACHE_DIR) != 0)
		ret->cache_dirs[n] = SYSTEM_CACHE_DIR;
	if (uname(&host) == 0)
		ret->running = host.release;
}

/* A file in memory, read-only. */
struct mapping {
	const void *data;
	size_t len;
};

static void mapping_done(struct mapping *m)
{
	if (m->data)
		munmap((void *)m->data, m->len);
}

static int map_fd(int fd, uint64_t max, struct mapping *ret, struct err *err)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) < 0)
		return err_sys(err, errno, "cannot read the file");
	if (st.st_size <= 0 || (uint64_t)st.st_size > max)
		return err_set(err, EBADMSG, "no kernel: a file of %lld bytes", (long long)st.st_size);
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return err_sys(err, errno, "cannot read the file");
	*ret = (struct mapping){ .data = p, .len = (size_t)st.st_size };
	return 0;
}
#define automap __attribute__((cleanup(mapping_done))) struct mapping

/* Opens the file and tells its format. */
static int kernel_open(const char *path, struct kernel *k, struct err *err)
{
	uint8_t head[1024];
	ssize_t n;

	if (strlen(path) >= sizeof(k->path))
		return err_set(err, ENAMETOOLONG, "the path is too long");
	(void)snprintf(k->path, sizeof(k->path), "%s", path);
	/* O_NONBLOCK: a FIFO of that name must not block us. */
	k->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (k->fd < 0)
		return err_sys(err, errno, "cannot open it");
	if (fstat(k->fd, &k->st) < 0)
		return err_sys(err, errno, "cannot open it");
	if (!S_ISREG(k->st.st_mode))
		return err_set(err, EINVAL, "not a regular file");
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
			return err_set(err, EBADMSG, "an ELF file, but no x86-64 kernel");
		k->format = KERNEL_ELF;
		return 0;
	}
	return err_set(err, EBADMSG, "neither a bzImage nor an ELF file (vmlinux)");
}

/* Takes @path for the module directory if it is a directory. @len: what snprintf returned for it. */
static bool take_modules_dir(struct kernel *k, const char *path, int len)
{
	autofree char *real = len < 0 || len >= PATH_MAX ? NULL : realpath(path, NULL);
	struct stat st;

	if (!real || strlen(real) >= sizeof(k->modules_dir) || stat(real, &st) < 0 || !S_ISDIR(st.st_mode))
		return false;
	(void)snprintf(k->modules_dir, sizeof(k->modules_dir), "%s", real);
	return true;
}

/* The module directory of @k's release: its own, in the tree that it was unpacked in, or the host's. */
static void find_modules_dir(struct kernel *k, const struct kernel_places *places)
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
	for (size_t i = 0; i < ARRAY_LEN(places->modules_dirs) && places->modules_dirs[i]; i++)
		if (take_modules_dir(
			    k, path, snprintf(path, sizeof(path), "%s/%s", places->modules_dirs[i], k->release)))
			return;
}

/* What is kept of a look into an image. */
struct facts {
	char release[KERNEL_RELEASE_MAX];
	enum module_state built_in[MODULES_NEEDS];
};

static int fill_facts(int fd, void *arg, struct err *err)
{
	const struct facts *f = arg;
	autobuf text = BUF_INIT;
	int r;

	buf_printf(&text, "%s %s", FACTS_FORMAT, f->release);
	for (size_t i = 0; i < MODULES_NEEDS; i++)
		buf_printf(&text, " %c", f->built_in[i] == MODULE_BUILT_IN ? 'y' : 'n');
	buf_puts(&text, "\n");
	r = buf_error(&text) ? buf_error(&text) : fd_write_full(fd, text.data, text.len);
	return r < 0 ? err_sys(err, r, "cannot write to the cache") : 0;
}

static int parse_facts(const char *text, struct facts *ret)
{
	const char *p = text + strlen(FACTS_FORMAT) + 1;
	size_t n;

	if (strncmp(text, FACTS_FORMAT " ", strlen(FACTS_FORMAT) + 1) != 0)
		return -EBADMSG;
	n = strcspn(p, " ");
	if (n == 0 || n >= sizeof(ret->release))
		return -EBADMSG;
	memcpy(ret->release, p, n);
	ret->release[n] = '\0';
	p += n;
	for (size_t i = 0; i < MODULES_NEEDS; i++, p += 2) {
		if (p[0] != ' ' || (p[1] != 'y' && p[1] != 'n'))
			return -EBADMSG;
		ret->built_in[i] = p[1] == 'y' ? MODULE_BUILT_IN : MODULE_MISSING;
	}
	return strcmp(p, "\n") == 0 ? 0 : -EBADMSG;
}

/* The text of config-RELEASE beside the kernel; NULL if there is none. The caller frees it. */
static char *read_config_file(const struct kernel *k)
{
	char path[PATH_MAX + KERNEL_RELEASE_MAX + 16], *text;
	const char *slash = strrchr(k->path, '/');
	int dir_len = slash ? (int)(slash - k->path) + 1 : 0;

	(void)snprintf(path, sizeof(path), "%.*sconfig-%s", dir_len, k->path, k->release);
	return fd_read_file(AT_FDCWD, path, FACTS_CONFIG_MAX, &text, NULL) < 0 ? NULL : text;
}

/* Reads the facts from the image itself (@fd: the vmlinux), some 20 MB of it. */
static int look_into_image(int fd, struct facts *ret, struct err *err)
{
	automap image = { 0 };
	int r = map_fd(fd, BZIMAGE_KERNEL_MAX, &image, err);

	if (r == 0)
		r = facts_release(image.data, image.len, ret->release, err);
	if (r == 0)
		facts_from_image(image.data, image.len, ret->built_in);
	return r;
}

static int get_facts(const struct kernel *k, struct cache *cache, struct facts *ret, struct err *err)
{
	struct cache_id id = CACHE_ID_INIT;
	char path[PATH_MAX];
	int r;

	cache_id_add_str(&id, FACTS_FORMAT);
	cache_id_add_stat(&id, &k->st);
	for (size_t i = 0; i < MODULES_NEEDS; i++)
		cache_id_add_str(&id, modules_needs[i].config);
	if (cache) {
		autoclose int kept = cache_get(cache, "facts", &id, NULL);
		char text[KERNEL_RELEASE_MAX + 64];
		ssize_t n = kept < 0 ? -1 : fd_read_full(kept, text, sizeof(text) - 1);

		if (n > 0) {
			text[n] = '\0';
			if (parse_facts(text, ret) == 0)
				return 0;
		}
	}

	autoclose int fd = kernel_vmlinux(k, cache, path, err);
	if (fd < 0)
		return fd;
	r = look_into_image(fd, ret, err);
	if (r == 0 && cache) {
		autoclose int made = cache_make(cache, "facts", &id, fill_facts, ret, NULL, NULL);

		(void)made; /* kept or not, we have them */
	}
	return r;
}

/* Finds out the release, the module directory, and what of our needs the kernel has. */
static int kernel_learn(struct kernel *k, const struct kernel_places *places, struct cache *cache, struct err *err)
{
	struct facts facts = { .release = "" };
	int r;

	if (k->format == KERNEL_BZIMAGE) {
		automap image = { 0 };
		struct bzimage bz;

		r = map_fd(k->fd, BZIMAGE_FILE_MAX, &image, err);
		if (r == 0)
			r = bzimage_parse(image.data, image.len, &bz, err);
		if (r < 0)
			return r;
		(void)snprintf(k->release, sizeof(k->release), "%s", bz.release);
		find_modules_dir(k, places);
	}
	if (k->release[0] == '\0') {
		r = get_facts(k, cache, &facts, err);
		if (r < 0)
			return r;
		(void)snprintf(k->release, sizeof(k->release), "%s", facts.release);
		find_modules_dir(k, places);
	}
	if (k->modules_dir[0] != '\0')
		return modules_look_up(k->modules_dir, k->states, err);

	/* Looking into a bzImage means to unpack it; a configuration beside it spares that. */
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

/* Refuses a kernel that lacks something required, naming all of it. */
static int kernel_judge(const struct kernel *k, struct err *err)
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
			"it has not built in %s, and there is no module directory for its release "
			"\"%s\"",
			missing.data, k->release);
	return err_set(err, ENOPKG, "it lacks %s", missing.data);
}

void kernel_done(struct kernel *k)
{
	fd_close(k->fd);
	k->fd = -1;
}

static int try_path(
	const char *path, const struct kernel_places *places, struct cache *cache, struct kernel *ret, struct err *err)
{
	struct kernel *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return err_set(err, ENOMEM, "out of memory");
	k->fd = -1;
	r = kernel_open(path, k, err);
	if (r == 0)
		r = kernel_learn(k, places, cache, err);
	if (r == 0)
		r = kernel_judge(k, err);
	if (r < 0)
		kernel_done(k);
	else
		*ret = *k;
	free(k);
	return r;
}

/* The state of a search: what is looked with, what is found, what was not taken. */
struct search {
	const struct kernel_places *places;
	struct cache *cache;
	struct kernel *found;
	struct buf *passed_over;
	bool done;
};

/* Tries a kernel that nobody asked for; one that is not there is not worth a word. */
static void search_path(struct search *s, const char *path, const char *why)
{
	struct err err = ERR_INIT;
	char quoted[PATH_MAX + 4];
	int r;

	/* The running kernel is among the installed ones, and /lib may be /usr/lib: one word on each suffices. */
	(void)snprintf(quoted, sizeof(quoted), "\"%s\":", path);
	if (s->done || access(path, F_OK) < 0 || (s->passed_over->data && strstr(s->passed_over->data, quoted)))
		return;
	r = try_path(path, s->places, s->cache, s->found, &err);
	if (r == 0) {
		(void)snprintf(s->found->why, sizeof(s->found->why), "%s", why);
		s->done = true;
	} else {
		buf_printf(s->passed_over, "%s %s\n", quoted, err.msg);
	}
}

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

	if (!s->places->running)
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
	bool fetched; /* by contrib/get-kernel, not installed */
};

struct candidates {
	struct candidate item[KERNEL_CANDIDATES_MAX];
	size_t len;
};

static void add_candidate(struct candidates *c, const char *path, const char *release, bool fetched)
{
	struct candidate *new;

	if (c->len == KERNEL_CANDIDATES_MAX || strlen(path) >= PATH_MAX || strlen(release) >= KERNEL_RELEASE_MAX ||
		access(path, F_OK) < 0)
		return;
	new = &c->item[c->len++];
	(void)snprintf(new->path, sizeof(new->path), "%s", path);
	(void)snprintf(new->release, sizeof(new->release), "%s", release);
	new->fetched = fetched;
}

/*
 * Adds a candidate for each name in @dir that begins with @prefix; the rest of
 * the name is the release. The kernel is @dir/NAME, then @below, then for a fetched one the release again.
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

	/* Of one release vmlinux before vmlinuz: it needs no unpacking. */
	return r ? r : strcmp(x->path, y->path);
}

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

int kernel_find(const struct kernel_wish *wishes, size_t wishes_len, const struct kernel_places *places,
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
		r = try_path(wishes[i].path, places, cache, ret, err);
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
			"no guest kernel found: install linux-image-amd64 (Debian) or kernel-core "
			"and kernel-modules (Fedora), or name one with --kernel");
	/* whoever has asked for the notes has them; here they are one line */
	for (size_t i = 0; i < notes.len; i++)
		if (notes.data[i] == '\n')
			notes.data[i] = i + 1 < notes.len ? ';' : '\0';
	return err_set(err, ENOENT,
		"no usable guest kernel found: install linux-image-amd64 (Debian) or kernel-core "
		"and kernel-modules (Fedora), or name one with --kernel%s%s",
		notes.len ? "; passed over: " : "", notes.len ? notes.data : "");
}

static int fill_vmlinux(int fd, void *arg, struct err *err)
{
	const struct kernel *k = arg;
	automap image = { 0 };
	struct bzimage bz;
	int r = map_fd(k->fd, BZIMAGE_FILE_MAX, &image, err);

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
