/* SPDX-License-Identifier: Apache-2.0 */
/* state.json, status and what they mean: see state.h. The directory itself is in statedir.c. */
#include "container/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <yajl/yajl_gen.h>
#include <yajl/yajl_tree.h>

#include "base/fd.h"

#define STATE_FILE "state.json"
#define STATUS_FILE "status"
/* Annotations are bounded by the size of config.json. */
#define STATE_FILE_MAX (32 * MIB)
/* Every status is written with this length, so that overwriting never needs a new block. */
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

static void strv_done(struct state_strv *strv)
{
	for (size_t i = 0; i < strv->n; i++)
		free(strv->v[i]);
	free(strv->v);
	*strv = (struct state_strv){ .n = 0 };
}

void state_done(struct state *s)
{
	free(s->id);
	free(s->oci_version);
	free(s->bundle);
	free(s->rootfs);
	free(s->created);
	free(s->engine);
	free(s->unit);
	for (size_t i = 0; i < s->annotations_len; i++) {
		free(s->annotations[i].key);
		free(s->annotations[i].value);
	}
	free(s->annotations);
	strv_done(&s->cgroups);
	strv_done(&s->cgroups_made);
	memset(s, 0, sizeof(*s));
}

int state_strv_add(struct state_strv *strv, const char *text)
{
	char **grown = reallocarray(strv->v, strv->n + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	strv->v = grown;
	strv->v[strv->n] = strdup(text);
	return strv->v[strv->n] ? (strv->n++, 0) : -ENOMEM;
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

static void gen_str(yajl_gen g, const char *text)
{
	text = text ? text : "";
	(void)yajl_gen_string(g, (const unsigned char *)text, strlen(text)); /* checked at the end */
}

static void gen_pair(yajl_gen g, const char *key, const char *value)
{
	gen_str(g, key);
	gen_str(g, value);
}

static void gen_strv(yajl_gen g, const char *key, const struct state_strv *strv)
{
	gen_str(g, key);
	(void)yajl_gen_array_open(g);
	for (size_t i = 0; i < strv->n; i++)
		gen_str(g, strv->v[i]);
	(void)yajl_gen_array_close(g);
}

static void gen_annotations(yajl_gen g, const struct state *s)
{
	gen_str(g, "annotations");
	(void)yajl_gen_map_open(g);
	for (size_t i = 0; i < s->annotations_len; i++)
		gen_pair(g, s->annotations[i].key, s->annotations[i].value);
	(void)yajl_gen_map_close(g);
}

/* Takes the text out of @g and frees it. An unfinished document is a failed allocation's. */
static int gen_take(yajl_gen g, char **ret, struct err *err)
{
	const unsigned char *text;
	size_t len;
	int r = 0;

	if (yajl_gen_get_buf(g, &text, &len) != yajl_gen_status_ok || len == 0)
		r = err_set(err, ENOMEM, "cannot write the container's state");
	else if (!(*ret = strndup((const char *)text, len)))
		r = err_sys(err, ENOMEM, "cannot write the container's state");
	yajl_gen_free(g);
	return r;
}

static size_t gen_len(yajl_gen g)
{
	const unsigned char *text;
	size_t len = 0;

	(void)yajl_gen_get_buf(g, &text, &len); /* an error shows at the end */
	return len;
}

/* @ret_pid_at, @ret_pid_end: where the key "pid" and where its value ends in the text. */
static void gen_state(yajl_gen g, const struct state *s, enum status status, size_t *ret_pid_at, size_t *ret_pid_end)
{
	(void)yajl_gen_map_open(g);
	gen_pair(g, "ociVersion", s->oci_version);
	gen_pair(g, "id", s->id);
	gen_str(g, "pid");
	*ret_pid_at = gen_len(g);
	(void)yajl_gen_integer(g, status == STATUS_STOPPED ? 0 : (long long)s->pid);
	*ret_pid_end = gen_len(g);
	gen_pair(g, "status", status_name(status));
	gen_pair(g, "bundle", s->bundle);
	gen_pair(g, "rootfs", s->rootfs);
	gen_pair(g, "created", s->created);
	gen_annotations(g, s);
	gen_str(g, "owner");
	gen_str(g, s->owner == 0 ? "root" : "");
	(void)yajl_gen_map_close(g);
}

int state_json(const struct state *s, enum status status, bool beautify, char **ret_text, struct err *err)
{
	yajl_gen g = yajl_gen_alloc(NULL);
	size_t pid_at, pid_end;

	if (!g)
		return err_sys(err, ENOMEM, "cannot write the container's state");
	(void)yajl_gen_config(g, yajl_gen_beautify, beautify ? 1 : 0);
	(void)yajl_gen_config(g, yajl_gen_indent_string, "  ");
	gen_state(g, s, status, &pid_at, &pid_end);
	return gen_take(g, ret_text, err);
}

int state_json_without_pid(const struct state *s, enum status status, char **ret_head, char **ret_tail, struct err *err)
{
	yajl_gen g = yajl_gen_alloc(NULL);
	autofree char *text = NULL, *head = NULL, *tail = NULL;
	size_t pid_at, pid_end;
	int r;

	if (!g)
		return err_sys(err, ENOMEM, "cannot write the container's state");
	gen_state(g, s, status, &pid_at, &pid_end);
	r = gen_take(g, &text, err);
	if (r < 0)
		return r;
	head = strndup(text, pid_at + 1); /* the colon is written with the value */
	tail = strdup(text + pid_end);
	if (!head || !tail)
		return err_sys(err, ENOMEM, "cannot write the container's state");
	*ret_head = steal_ptr(head);
	*ret_tail = steal_ptr(tail);
	return 0;
}

int state_save(const struct statedir *dir, const struct state *s, struct err *err)
{
	yajl_gen g = yajl_gen_alloc(NULL);
	autofree char *text = NULL;
	int r;

	if (!g)
		return err_sys(err, ENOMEM, "cannot write the container's state");
	(void)yajl_gen_config(g, yajl_gen_beautify, 1);
	(void)yajl_gen_map_open(g);
	gen_pair(g, "id", s->id);
	gen_pair(g, "ociVersion", s->oci_version);
	gen_pair(g, "bundle", s->bundle);
	gen_pair(g, "rootfs", s->rootfs);
	gen_pair(g, "created", s->created);
	gen_pair(g, "engine", s->engine);
	gen_str(g, "pid");
	(void)yajl_gen_integer(g, (long long)s->pid);
	gen_str(g, "pidStart");
	(void)yajl_gen_integer(g, (long long)s->pid_start);
	gen_str(g, "owner");
	(void)yajl_gen_integer(g, (long long)s->owner);
	gen_pair(g, "cgroupUnit", s->unit);
	gen_strv(g, "cgroups", &s->cgroups);
	gen_strv(g, "cgroupsMade", &s->cgroups_made);
	gen_annotations(g, s);
	(void)yajl_gen_map_close(g);
	r = gen_take(g, &text, err);
	if (r < 0)
		return r;
	r = text ? fd_write_file_atomic(dir->fd, STATE_FILE, text, strlen(text), 0600) : -ENOMEM;
	if (r < 0)
		return err_sys(err, r, "cannot write \"%s/%s\"", dir->path, STATE_FILE);
	return 0;
}

/* --- reading --- */

/* The string @key, as a copy; "" if it is not there. NULL without memory. */
static char *tree_str(yajl_val tree, const char *key)
{
	const char *path[] = { key, NULL };
	yajl_val v = yajl_tree_get(tree, path, yajl_t_string);
	const char *text = v ? YAJL_GET_STRING(v) : NULL;

	return strdup(text ? text : "");
}

static long long tree_int(yajl_val tree, const char *key)
{
	const char *path[] = { key, NULL };
	yajl_val v = yajl_tree_get(tree, path, yajl_t_number);

	return v && YAJL_IS_INTEGER(v) ? YAJL_GET_INTEGER(v) : 0;
}

static int tree_strv(yajl_val tree, const char *key, struct state_strv *strv)
{
	const char *path[] = { key, NULL };
	yajl_val v = yajl_tree_get(tree, path, yajl_t_array);

	for (size_t i = 0; v && i < v->u.array.len; i++) {
		if (YAJL_IS_STRING(v->u.array.values[i]) &&
			state_strv_add(strv, YAJL_GET_STRING(v->u.array.values[i])) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int tree_annotations(yajl_val tree, struct state *s)
{
	const char *path[] = { "annotations", NULL };
	yajl_val v = yajl_tree_get(tree, path, yajl_t_object);

	for (size_t i = 0; v && i < v->u.object.len; i++) {
		if (YAJL_IS_STRING(v->u.object.values[i]) &&
			state_annotate(s, v->u.object.keys[i], YAJL_GET_STRING(v->u.object.values[i])) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int load_tree(yajl_val tree, struct state *s)
{
	s->id = tree_str(tree, "id");
	s->oci_version = tree_str(tree, "ociVersion");
	s->bundle = tree_str(tree, "bundle");
	s->rootfs = tree_str(tree, "rootfs");
	s->created = tree_str(tree, "created");
	s->engine = tree_str(tree, "engine");
	s->unit = tree_str(tree, "cgroupUnit");
	s->pid = (pid_t)tree_int(tree, "pid");
	s->pid_start = (uint64_t)tree_int(tree, "pidStart");
	s->owner = (uid_t)tree_int(tree, "owner");
	if (!s->id || !s->oci_version || !s->bundle || !s->rootfs || !s->created || !s->engine || !s->unit)
		return -ENOMEM;
	if (tree_strv(tree, "cgroups", &s->cgroups) < 0 || tree_strv(tree, "cgroupsMade", &s->cgroups_made) < 0)
		return -ENOMEM;
	return tree_annotations(tree, s);
}

int state_load(const struct statedir *dir, struct state *s, struct err *err)
{
	autofree char *text = NULL;
	yajl_val tree;
	int r = fd_read_file(dir->fd, STATE_FILE, STATE_FILE_MAX, &text, NULL);

	memset(s, 0, sizeof(*s));
	if (r == -ENOENT)
		return err_set(err, ENODATA,
			"\"%s\" holds no state: what a killed create has left; "
			"\"vmrunc delete --force\" removes it",
			dir->path);
	if (r < 0)
		return err_sys(err, r, "cannot read \"%s/%s\"", dir->path, STATE_FILE);
	tree = yajl_tree_parse(text, NULL, 0);
	if (!tree || !YAJL_IS_OBJECT(tree)) {
		yajl_tree_free(tree);
		return err_set(err, ENODATA, "\"%s/%s\" is damaged; \"vmrunc delete --force\" removes it", dir->path,
			STATE_FILE);
	}
	r = load_tree(tree, s);
	yajl_tree_free(tree);
	if (r < 0) {
		state_done(s);
		return err_sys(err, r, "cannot read \"%s/%s\"", dir->path, STATE_FILE);
	}
	return 0;
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

/* What the monitor has written last; "creating" before it wrote. */
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
	behind_name = strrchr(text, ')'); /* the name may hold anything, brackets too */
	if (!behind_name || sscanf(behind_name,
				    ") %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u "
				    "%*d %*d %*d %*d %*d %*d %llu",
				    &kind, &start) != 2)
		return 0;
	return kind == 'Z' || kind == 'X' ? 0 : start;
}

int state_pidfd(const struct state *s)
{
	autoclose int fd = -1;

	if (s->pid <= 0)
		return -ESRCH;
	fd = (int)syscall(SYS_pidfd_open, s->pid, 0);
	if (fd < 0)
		return -errno;
	if (state_pid_start(s->pid) != s->pid_start)
		return -ESRCH;
	return steal_fd(&fd);
}

/* Whether somebody holds the lock, as create does for as long as it runs. */
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

	(void)err; /* for the frozen state of cgroups, which can fail */
	if (s->pid > 0 && state_pid_start(s->pid) != s->pid_start)
		*ret = STATUS_STOPPED;
	else if (written == STATUS_CREATING)
		*ret = is_locked(dir) ? STATUS_CREATING : STATUS_STOPPED;
	else
		*ret = s->pid > 0 ? written : STATUS_STOPPED;
	return 0;
}
