/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: files of ours that may hold anything by the time they are read: state.json, the word in `status`, and
 * compiled seccomp programs in the cache.
 *
 * The first byte chooses the file, the rest is what it holds. What must hold: a state that is taken is written and read
 * as the same again; a status is one that there is; an entry of the cache is never taken for another key's, and a program
 * that is taken out of one has no more instructions than the kernel takes.
 */
#include <fcntl.h>
#include <linux/filter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/filter_store.h"
#include "base/buf.h"
#include "base/fd.h"
#include "container/state.h"
#include "host/cache.h"
#include "spec/seccomp.h"
#include "tests/fuzz/replay.h"

#define CONFIG                                                                                                         \
	"{\"ociVersion\":\"1.0.0\",\"root\":{\"path\":\"r\"},\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_"    \
	"ALLOW\",\"architectures\":[\"SCMP_ARCH_X86_64\"],\"syscalls\":[{\"names\":[\"mkdir\"],\"action\":\"SCMP_ACT_" \
	"ERRNO\"}]}}}"

const struct fuzz_target fuzz_target = { .corpus = "files", .variants = 100 };

struct bytes {
	const uint8_t *data;
	size_t len;
};

static struct {
	struct statedir dir;
	struct spec *spec;
} f = { .dir = STATEDIR_NONE };

static void clean_up(void)
{
	struct err err = ERR_INIT;

	if (statedir_remove(&f.dir, &err) < 0)
		fprintf(stderr, "%s\n", err.msg);
	statedir_close(&f.dir);
	spec_free(f.spec);
}

static void set_up(void)
{
	struct err err = ERR_INIT;

	/* in memory, where there is such a place: most of what is called here waits for the disk */
	strcpy(f.dir.path, access("/dev/shm", W_OK) == 0 ? "/dev/shm/vmrunc-fuzz-XXXXXX" : "/tmp/vmrunc-fuzz-XXXXXX");
	require(mkdtemp(f.dir.path) != NULL, "mkdtemp");
	f.dir.fd = open(f.dir.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	require(f.dir.fd >= 0, f.dir.path);
	require(spec_parse("config.json", CONFIG, strlen(CONFIG), &f.spec, NULL, &err) == 0, err.msg);
	atexit(clean_up);
}

static void write_file(const char *name, const struct bytes *b)
{
	int fd = openat(f.dir.fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	require(fd >= 0 && fd_write_full(fd, b->data, b->len) == 0, name);
	close(fd);
}

/* ---- state.json and status ---- */

static char *document(const struct state *s)
{
	struct err err = ERR_INIT;
	char *text = NULL;

	require(state_json(s, STATUS_RUNNING, false, &text, &err) == 0, err.msg);
	return text;
}

static void state_file(const struct bytes *b)
{
	struct state first, second;
	struct err err = ERR_INIT;
	enum status status;

	write_file("state.json", b);
	if (state_load(&f.dir, &first, &err) == 0) {
		autofree char *one = document(&first), *two = NULL;

		require(state_status(&f.dir, &first, &status, &err) == 0 && status <= STATUS_STOPPED, "a status");
		require(state_save(&f.dir, &first, &err) == 0, "a state that cannot be saved");
		require(state_load(&f.dir, &second, &err) == 0, "a saved state that cannot be loaded");
		two = document(&second);
		/* what is no UTF-8 is saved as U+FFFD, by which two keys can become one */
		require(strstr(one, "\xef\xbf\xbd") || strcmp(one, two) == 0, "a state that changes when it is saved");
		require(first.cgroups.dirs.n == second.cgroups.dirs.n, "cgroups that change when they are saved");
		state_done(&second);
	}
	state_done(&first);
}

static void status_file(const struct bytes *b)
{
	struct state s = { .pid = getpid(), .pid_start = state_pid_start(getpid()) };
	struct err err = ERR_INIT;
	enum status status;

	write_file("status", b);
	require(state_status(&f.dir, &s, &status, &err) == 0 && status <= STATUS_STOPPED, "a status");
	require(status_name(status) != NULL, "a status without a name");
	(void)unlinkat(f.dir.fd, "status", 0);
}

/* ---- the filter cache ---- */

static int fill(int fd, void *arg, struct err *err)
{
	const struct bytes *b = arg;

	(void)err;
	return fd_write_full(fd, b->data, b->len);
}

/* The file of the entry for a key of 3 bytes holds the input. */
static void cache_entry(const struct bytes *b)
{
	struct seccomp_store store = filter_store(f.dir.path);
	struct cache_id id = CACHE_ID_INIT;
	autobuf key = BUF_INIT, value = BUF_INIT;
	struct err err = ERR_INIT;
	char path[PATH_MAX], seal[PATH_MAX + 8];
	struct cache cache;
	int fd;

	buf_puts(&key, "key");
	cache_id_add(&id, key.data, key.len);
	require(cache_open(&cache, f.dir.path, &err) == 0, err.msg);
	fd = cache_make(&cache, "seccomp", &id, fill, (void *)b, path, &err);
	require(fd >= 0, err.msg);
	if (store.get(store.arg, &key, &value) == 0) {
		require(b->len == 4 + 3 + 4 + value.len && memcmp(b->data + 4, "key", 3) == 0, "another key's entry");
		require(value.len == 0 || memcmp(b->data + 11, value.data, value.len) == 0, "another value");
	}
	fd_close(fd);
	snprintf(seal, sizeof(seal), "%s.seal", path);
	(void)unlink(seal);
	(void)unlink(path);
	cache_done(&cache);
}

/* A store whose every entry is the input. */
static int input_get(const void *arg, const struct buf *key, struct buf *ret)
{
	const struct bytes *b = arg;

	(void)key;
	buf_put(ret, b->data, b->len);
	return buf_error(ret);
}

static void input_put(const void *arg, const struct buf *key, const struct buf *value)
{
	(void)arg;
	(void)key;
	(void)value;
}

static void kept_program(const struct bytes *b)
{
	const struct seccomp_store store = { input_get, input_put, b };
	struct warnings warnings = WARNINGS_INIT;
	struct seccomp_program program = { 0 };
	struct err err = ERR_INIT;

	if (seccomp_compile(f.spec->linux_->seccomp, &store, &program, &warnings, &err) == 0)
		require(program.n > 0 && program.n <= BPF_MAXINSNS, "a program that no kernel takes");
	warnings_done(&warnings);
	seccomp_program_done(&program);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const kinds[])(const struct bytes *) = { state_file, status_file, cache_entry, kept_program };
	struct bytes b = { data + 1, size - 1 };

	if (size == 0)
		return 0;
	if (f.dir.fd < 0)
		set_up();
	kinds[data[0] % ARRAY_LEN(kinds)](&b);
	return 0;
}
