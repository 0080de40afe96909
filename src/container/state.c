/* SPDX-License-Identifier: Apache-2.0 */
/* state.json, `status`, and what they mean together: see state.h. */
#include "container/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "cgroup/cgroup.h"
#include "json/gen.h"
#include "json/json.h"

#define STATE_FILE "state.json"
#define STATUS_FILE "status"
/* Most of it may be annotations, which the size of config.json bounds. */
#define STATE_FILE_MAX (32 * MIB)
/* Each word is written with this length, so that it can be overwritten on a full disk as well. */
#define STATUS_LEN 9

static const char *const status_names[] = {
	[STATUS_CREATING] = "creating",
	[STATUS_CREATED] = "created",
	[STATUS_RUNNING] = "running",
	[STATUS_PAUSED] = "paused",
	[STATUS_STOPPED] = "stopped",
};

const char *status_name(enum status status)
{
	return status_names[status];
}

void state_done(struct state *s)
{
	free(s->id);
	free(s->oci_version);
	free(s->bundle);
	free(s->rootfs);
	free(s->created);
	free(s->engine);
	for (size_t i = 0; i < s->annotations_len; i++) {
		free(s->annotations[i].key);
		free(s->annotations[i].value);
	}
	free(s->annotations);
	cgroups_done(&s->cgroups);
	memset(s, 0, sizeof(*s));
}

int state_annotate(struct state *s, const char *key, const char *value)
{
	struct state_pair *grown = reallocarray(s->annotations, s->annotations_len + 1, sizeof(*grown));
	struct state_pair pair;

	if (!grown)
		return -ENOMEM;
	s->annotations = grown;
	pair = (struct state_pair){ .key = strdup(key), .value = strdup(value) };
	if (!pair.key || !pair.value) {
		free(pair.key);
		free(pair.value);
		return -ENOMEM;
	}
	s->annotations[s->annotations_len++] = pair;
	return 0;
}

/* --- writing --- */

/* Writes the pair of @key and a list of strings. */
static void gen_strv(struct gen *g, const char *key, const struct strv *strv)
{
	gen_key_array(g, key);
	for (size_t i = 0; i < strv->n; i++)
		gen_string(g, strv->v[i]);
	gen_close_array(g);
}

/* Writes the pair of "annotations" and those of @s. */
static void gen_annotations(struct gen *g, const struct state *s)
{
	gen_key_object(g, "annotations");
	for (size_t i = 0; i < s->annotations_len; i++)
		gen_key_string(g, s->annotations[i].key, s->annotations[i].value);
	gen_close_object(g);
}

/* The document as a value of @g. @ret_pid_at, @ret_pid_end: where the number of the pid begins and ends in g->out. */
static void gen_document(
	struct gen *g, const struct state *s, enum status status, size_t *ret_pid_at, size_t *ret_pid_end)
{
	gen_open_object(g);
	gen_key_string(g, "ociVersion", s->oci_version);
	gen_key_string(g, "id", s->id);
	gen_key(g, "pid");
	*ret_pid_at = g->out->len;
	gen_integer(g, status == STATUS_STOPPED ? 0 : s->pid);
	*ret_pid_end = g->out->len;
	gen_key_string(g, "status", status_name(status));
	gen_key_string(g, "bundle", s->bundle);
	gen_key_string(g, "rootfs", s->rootfs);
	gen_key_string(g, "created", s->created);
	gen_annotations(g, s);
	gen_key_string(g, "owner", s->owner == 0 ? "root" : "");
	gen_close_object(g);
}

void state_gen(struct gen *g, const struct state *s, enum status status)
{
	size_t pid_at, pid_end;

	gen_document(g, s, status, &pid_at, &pid_end);
}

/* Ends the text that @g has written to @out, and hands it out. */
static int gen_take(struct gen *g, char **ret, struct err *err)
{
	int r = gen_finish(g, err);

	if (r < 0)
		return err_prefix(err, "cannot write the container's state");
	*ret = buf_steal(g->out);
	return *ret ? 0 : err_sys(err, ENOMEM, "cannot write the container's state");
}

int state_json(const struct state *s, enum status status, bool beautify, char **ret_text, struct err *err)
{
	autobuf text = BUF_INIT;
	struct gen g;

	gen_init(&g, &text, beautify ? GEN_INDENT_2 : GEN_COMPACT);
	state_gen(&g, s, status);
	return gen_take(&g, ret_text, err);
}

int state_json_without_pid(const struct state *s, enum status status, char **ret_head, char **ret_tail, struct err *err)
{
	autobuf text = BUF_INIT;
	autofree char *whole = NULL, *head = NULL, *tail = NULL;
	size_t pid_at, pid_end;
	struct gen g;
	int r;

	gen_init(&g, &text, GEN_COMPACT);
	gen_document(&g, s, status, &pid_at, &pid_end);
	r = gen_take(&g, &whole, err);
	if (r < 0)
		return r;
	head = strndup(whole, pid_at);
	tail = strdup(whole + pid_end);
	if (!head || !tail)
		return err_sys(err, ENOMEM, "cannot write the container's state");
	*ret_head = steal_ptr(head);
	*ret_tail = steal_ptr(tail);
	return 0;
}

int state_save(const struct statedir *dir, const struct state *s, struct err *err)
{
	autobuf text = BUF_INIT;
	struct gen g;
	int r;

	gen_init(&g, &text, GEN_INDENT_4);
	gen_open_object(&g);
	gen_key_string(&g, "id", s->id);
	gen_key_string(&g, "ociVersion", s->oci_version);
	gen_key_string(&g, "bundle", s->bundle);
	gen_key_string(&g, "rootfs", s->rootfs);
	gen_key_string(&g, "created", s->created);
	gen_key_string(&g, "engine", s->engine);
	gen_key_integer(&g, "pid", s->pid);
	gen_key_integer(&g, "pidStart", (int64_t)s->pid_start);
	gen_key_integer(&g, "owner", s->owner);
	gen_key_integer(&g, "vmMemory", (int64_t)s->vm_memory);
	gen_key_integer(&g, "vmOverhead", (int64_t)s->vm_overhead);
	gen_key_string(&g, "cgroupUnit", s->cgroups.unit);
	gen_strv(&g, "cgroups", &s->cgroups.dirs);
	gen_strv(&g, "cgroupsMade", &s->cgroups.made);
	gen_annotations(&g, s);
	gen_close_object(&g);
	r = gen_finish(&g, NULL);
	if (r == 0)
		r = fd_write_file_atomic(dir->fd, STATE_FILE, text.data, text.len, 0600);
	return r < 0 ? err_sys(err, r, "cannot write \"%s/%s\"", dir->path, STATE_FILE) : 0;
}

/* --- reading --- */

/* A copy of the string @key; "" if it is not there. NULL without memory. */
static char *tree_str(const struct json *root, const char *key)
{
	const char *text = json_get_string(root, key);

	return strdup(text ? text : "");
}

static int64_t tree_int(const struct json *root, const char *key)
{
	int64_t value = 0;

	return json_get_i64(root, key, &value) ? value : 0;
}

static int tree_strv(const struct json *root, const char *key, struct strv *strv)
{
	const struct json *array = json_get_type(root, key, JSON_ARRAY);

	for (const struct json *j = array ? array->first : NULL; j; j = j->next) {
		if (j->type == JSON_STRING && strv_add(strv, j->text) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int tree_annotations(const struct json *root, struct state *s)
{
	const struct json *object = json_get_type(root, "annotations", JSON_OBJECT);

	for (const struct json *j = object ? object->first : NULL; j; j = j->next) {
		if (j->type == JSON_STRING && state_annotate(s, j->key, j->text) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Fills @s with what the tree of state.json says; what is missing in it stays empty. 0 or -ENOMEM. */
static int load_tree(const struct json *root, struct state *s)
{
	s->id = tree_str(root, "id");
	s->oci_version = tree_str(root, "ociVersion");
	s->bundle = tree_str(root, "bundle");
	s->rootfs = tree_str(root, "rootfs");
	s->created = tree_str(root, "created");
	s->engine = tree_str(root, "engine");
	s->cgroups.unit = tree_str(root, "cgroupUnit");
	s->pid = (pid_t)tree_int(root, "pid");
	s->pid_start = (uint64_t)tree_int(root, "pidStart");
	s->owner = (uid_t)tree_int(root, "owner");
	s->vm_memory = (uint64_t)tree_int(root, "vmMemory");
	s->vm_overhead = (uint64_t)tree_int(root, "vmOverhead");
	if (!s->id || !s->oci_version || !s->bundle || !s->rootfs || !s->created || !s->engine || !s->cgroups.unit)
		return -ENOMEM;
	if (tree_strv(root, "cgroups", &s->cgroups.dirs) < 0 || tree_strv(root, "cgroupsMade", &s->cgroups.made) < 0)
		return -ENOMEM;
	return tree_annotations(root, s);
}

/* The text of state.json as a tree in a new arena, which the caller frees also after an error. 0 or -errno. */
static int parse_state(const char *text, size_t len, struct arena **ret_arena, struct json **ret_root)
{
	int r = arena_new(ret_arena);

	if (r == 0)
		r = json_parse(STATE_FILE, text, len, JSON_OWN, *ret_arena, ret_root, NULL, NULL);
	if (r == 0 && (*ret_root)->type != JSON_OBJECT)
		r = -EINVAL;
	return r;
}

int state_load(const struct statedir *dir, struct state *s, struct err *err)
{
	autoarena struct arena *arena = NULL;
	autofree char *text = NULL;
	struct json *root;
	size_t len;
	int r = fd_read_file(dir->fd, STATE_FILE, STATE_FILE_MAX, &text, &len);

	memset(s, 0, sizeof(*s));
	if (r == -ENOENT)
		return err_set(err, ENODATA,
			"\"%s\" has no state.json, since its create was killed; \"vmrunc delete --force\" removes it",
			dir->path);
	if (r == 0)
		r = parse_state(text, len, &arena, &root);
	if (r == -EINVAL || r == -E2BIG)
		return err_set(err, ENODATA, "\"%s/%s\" is damaged; \"vmrunc delete --force\" removes it", dir->path,
			STATE_FILE);
	if (r == 0) {
		r = load_tree(root, s);
		if (r < 0)
			state_done(s);
	}
	return r < 0 ? err_sys(err, r, "cannot read \"%s/%s\"", dir->path, STATE_FILE) : 0;
}

/* --- status --- */

int state_status_open(const struct statedir *dir)
{
	int fd = openat(dir->fd, STATUS_FILE, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	return fd < 0 ? -errno : fd;
}

int state_status_write(int fd, enum status status)
{
	char text[STATUS_LEN + 1];
	ssize_t n;

	(void)snprintf(text, sizeof(text), "%-*s\n", STATUS_LEN - 1, status_name(status));
	n = pwrite(fd, text, STATUS_LEN, 0);
	if (n < 0)
		return -errno;
	return n == STATUS_LEN ? 0 : -ENOSPC;
}

/* The word that the monitor has written last; "creating" if it has written none. */
static enum status status_read(const struct statedir *dir)
{
	autofree char *text = NULL;

	if (fd_read_file(dir->fd, STATUS_FILE, KIB, &text, NULL) < 0)
		return STATUS_CREATING;
	text[strcspn(text, " \n")] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(status_names); i++) {
		if (strcmp(status_names[i], text) == 0)
			return (enum status)i;
	}
	return STATUS_CREATING;
}

uint64_t state_pid_start(pid_t pid)
{
	autofree char *text = NULL;
	unsigned long long start = 0;
	char path[64], kind = 'Z';
	const char *behind_name;

	(void)snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	if (pid <= 0 || fd_read_file(AT_FDCWD, path, 4 * KIB, &text, NULL) < 0)
		return 0;
	behind_name = strrchr(text, ')'); /* the process's name may have brackets and blanks in it */
	if (!behind_name ||
		sscanf(behind_name, ") %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
			&kind, &start) != 2)
		return 0;
	return kind == 'Z' || kind == 'X' ? 0 : start;
}

int state_pidfd(const struct state *s)
{
	autoclose int fd = -1;

	if (s->pid <= 0)
		return -ESRCH;
	fd = fd_open_pid(s->pid);
	if (fd < 0)
		return fd;
	if (state_pid_start(s->pid) != s->pid_start)
		return -ESRCH;
	return steal_fd(&fd);
}

/* Whether somebody holds the lock, we ourselves included. create does as long as it runs. */
static bool is_locked(const struct statedir *dir)
{
	autoclose int fd = openat(dir->fd, "lock", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (dir->lock_fd >= 0)
		return true;
	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

int state_status(const struct statedir *dir, const struct state *s, enum status *ret, struct err *err)
{
	enum status written = status_read(dir);

	(void)err; /* for what comes */
	if (s->pid > 0 && state_pid_start(s->pid) != s->pid_start)
		*ret = STATUS_STOPPED;
	else if (written == STATUS_CREATING)
		*ret = is_locked(dir) ? STATUS_CREATING : STATUS_STOPPED;
	else
		*ret = s->pid > 0 ? written : STATUS_STOPPED;
	/* whoever has frozen it: it does nothing until it is resumed */
	if ((*ret == STATUS_CREATED || *ret == STATUS_RUNNING) && cgroup_is_frozen(&s->cgroups))
		*ret = STATUS_PAUSED;
	return 0;
}
