/* SPDX-License-Identifier: Apache-2.0 */
/* Settings: see settings.h. */
#include "app/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "host/privilege.h"
#include "json/json.h"

/* A settings file is written by hand, and a page or two long. */
#define SETTINGS_FILE_MAX (64 * KIB)

#define SETTINGS_DIR "/etc"
#define MEMORY_MIB_DEFAULT 512
#define VCPUS_DEFAULT 1
/* Debian's kernel with its modules takes 77 to 120 MiB of the guest's memory, vmrunc's own small kernel 30. */
#define GUEST_OVERHEAD_MIB_DEFAULT 96
/*
 * What a virtual machine takes beside the guest's RAM: the monitor (or QEMU), page tables, page cache of files in use.
 */
#define HOST_OVERHEAD_MIB_DEFAULT 96
/* Engines were seen to connect a container to one network after its machine has booted, or to two. */
#define SPARE_INTERFACES_DEFAULT 3
/* The log of one whole boot of a distribution's kernel has about 60 KiB. */
#define GUEST_LOG_KIB_DEFAULT 1024
#define GUEST_LOG_KIB_MIN 64 /* twice what remains when a log at its limit is cut */
#define GUEST_LOG_KIB_MAX (1024 * 1024)
#define MEMORY_MIB_MAX (16ull * 1024 * 1024)

static const char *const engine_names[] = {
	[VM_ENGINE_AUTO] = "auto",
	[VM_ENGINE_KVM] = "kvm",
	[VM_ENGINE_QEMU] = "qemu",
};

static const char *const annotation_names[] = {
	[SETTINGS_ANNOTATION_ENGINE] = SETTINGS_ANNOTATION_PREFIX "engine",
	[SETTINGS_ANNOTATION_KERNEL] = SETTINGS_ANNOTATION_PREFIX "kernel",
	[SETTINGS_ANNOTATION_PARAMETERS] = SETTINGS_ANNOTATION_PREFIX "kernel.parameters",
	[SETTINGS_ANNOTATION_MEMORY] = SETTINGS_ANNOTATION_PREFIX "memory",
	[SETTINGS_ANNOTATION_VCPUS] = SETTINGS_ANNOTATION_PREFIX "vcpus",
	[SETTINGS_ANNOTATION_SPARE_INTERFACES] = SETTINGS_ANNOTATION_PREFIX "spare-interfaces",
};

const char *settings_annotation_name(enum settings_annotation annotation)
{
	return annotation_names[annotation];
}

const char *settings_engine_name(enum vm_engine engine)
{
	return engine_names[engine];
}

int settings_engine(const char *text, const char *where, enum vm_engine *ret, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(engine_names); i++) {
		if (strcmp(engine_names[i], text) == 0) {
			*ret = (enum vm_engine)i;
			return 0;
		}
	}
	return err_set(err, EINVAL, "%s: \"%s\" is none of auto, kvm, qemu", where, text);
}

int settings_number(const char *text, const char *where, uint64_t min, uint64_t max, uint64_t *ret, struct err *err)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || *text == '+' || value < min || value > max)
		return err_set(err, EINVAL, "%s: \"%s\" is not a number from %llu to %llu", where, text,
			(unsigned long long)min, (unsigned long long)max);
	*ret = value;
	return 0;
}

/* Stores the absolute form of a path that the command line's option @where gives. */
static int store_path(char *to, const char *path, const char *where, struct err *err)
{
	char cwd[PATH_MAX] = "";

	if (path[0] != '/' && !getcwd(cwd, sizeof(cwd)))
		return err_sys(err, errno, "%s: cannot tell the current directory", where);
	if (snprintf(to, PATH_MAX, "%s%s%s", cwd, *cwd ? "/" : "", path) >= PATH_MAX)
		return err_set(err, ENAMETOOLONG, "%s: path too long", where);
	return 0;
}

enum key_kind { KEY_ENGINE, KEY_PATH, KEY_NUMBER, KEY_VCPUS, KEY_ANNOTATIONS };

static const struct {
	const char *key;
	enum key_kind kind;
	size_t offset;
	uint64_t min, max;
} keys[] = {
	{ "engine", KEY_ENGINE, offsetof(struct settings, engine), 0, 0 },
	{ "kernel", KEY_PATH, offsetof(struct settings, kernel), 0, 0 },
	{ "qemu", KEY_PATH, offsetof(struct settings, qemu), 0, 0 },
	{ "root", KEY_PATH, offsetof(struct settings, root), 0, 0 },
	{ "cache", KEY_PATH, offsetof(struct settings, cache_dir), 0, 0 },
	{ "memory", KEY_NUMBER, offsetof(struct settings, memory_mib), VM_MEM_MIN / MIB, MEMORY_MIB_MAX },
	{ "vcpus", KEY_VCPUS, 0, 1, VM_VCPUS_MAX },
	{ "spare-interfaces", KEY_NUMBER, offsetof(struct settings, spare_interfaces), 0, VM_NICS_MAX },
	{ "annotations", KEY_ANNOTATIONS, 0, 0, 0 },
	{ "guest-overhead", KEY_NUMBER, offsetof(struct settings, guest_overhead_mib), 16, MEMORY_MIB_MAX },
	{ "guest-log", KEY_NUMBER, offsetof(struct settings, guest_log_kib), GUEST_LOG_KIB_MIN, GUEST_LOG_KIB_MAX },
	{ "host-overhead", KEY_NUMBER, offsetof(struct settings, host_overhead_mib), 16, MEMORY_MIB_MAX },
};

/* Stores the list of annotations that count, each without the prefix or with it. It replaces an earlier file's list. */
static int annotations_store(struct settings *s, const char *where, const struct json *list, struct err *err)
{
	memset(s->annotations, 0, sizeof(s->annotations));
	if (list->type != JSON_ARRAY)
		return err_set(err, EINVAL, "%s: not an array", where);
	for (const struct json *j = list->first; j; j = j->next) {
		size_t prefix = sizeof(SETTINGS_ANNOTATION_PREFIX) - 1, i = 0;

		if (j->type != JSON_STRING)
			return err_set(err, EINVAL, "%s: not an array of strings", where);
		while (i < ARRAY_LEN(annotation_names) && strcmp(annotation_names[i], j->text) != 0 &&
			strcmp(annotation_names[i] + prefix, j->text) != 0)
			i++;
		if (i == ARRAY_LEN(annotation_names))
			return err_set(err, EINVAL,
				"%s: \"%s\" is none of engine, kernel, kernel.parameters, memory, vcpus, spare-interfaces",
				where, j->text);
		s->annotations[i] = true;
	}
	return 0;
}

/* Checks @value by the row @k of the table, and stores it in the row's field of @s. */
static int key_store(struct settings *s, size_t k, const char *file, const struct json *value, struct err *err)
{
	const char *text = value->text;
	bool number = keys[k].kind == KEY_NUMBER || keys[k].kind == KEY_VCPUS;
	void *field = (char *)s + keys[k].offset;
	char where[PATH_MAX + 64];
	uint64_t n = 0;
	int r;

	(void)snprintf(where, sizeof(where), "%s: %s", file, keys[k].key);
	if (keys[k].kind == KEY_ANNOTATIONS)
		return annotations_store(s, where, value, err);
	if (value->type != (number ? JSON_NUMBER : JSON_STRING))
		return err_set(err, EINVAL, "%s: not a %s", where, number ? "number" : "string");
	if (keys[k].kind == KEY_ENGINE)
		return settings_engine(text, where, field, err);
	if (keys[k].kind == KEY_PATH) {
		if (text[0] != '/' || strlen(text) >= PATH_MAX)
			return err_set(err, EINVAL, "%s: \"%s\" is not an absolute path", where, text);
		(void)snprintf(field, PATH_MAX, "%s", text);
		return 0;
	}
	r = settings_number(text, where, keys[k].min, keys[k].max, &n, err);
	if (r == 0 && keys[k].kind == KEY_VCPUS)
		s->vcpus = (unsigned int)n;
	else if (r == 0)
		*(uint64_t *)field = n;
	return r;
}

/* Stores each member of the settings file's object; a key that no row has is a warning. */
static int load_tree(
	struct settings *s, const char *file, const struct json *root, struct warnings *warnings, struct err *err)
{
	if (root->type != JSON_OBJECT)
		return err_set(err, EINVAL, "%s: not a JSON object", file);
	for (const struct json *j = root->first; j; j = j->next) {
		size_t k = 0;
		int r;

		while (k < ARRAY_LEN(keys) && strcmp(keys[k].key, j->key) != 0)
			k++;
		if (k == ARRAY_LEN(keys)) {
			warnings_add(warnings, "%s: unknown key \"%s\"", file, j->key);
			continue;
		}
		r = key_store(s, k, file, j, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Reads a settings file. Without @required it may be missing. */
static int load_file(struct settings *s, const char *file, bool required, struct warnings *warnings, struct err *err)
{
	autoarena struct arena *arena = NULL;
	autofree char *text = NULL;
	struct json *root;
	size_t len;
	int r = fd_read_file(AT_FDCWD, file, SETTINGS_FILE_MAX, &text, &len);

	if (r == -ENOENT && !required)
		return 0;
	if (r < 0)
		return err_sys(err, r, "settings file \"%s\"", file);
	r = arena_new(&arena);
	if (r < 0)
		return err_sys(err, r, "settings file \"%s\"", file);
	r = json_parse(file, text, len, JSON_COMMENTS, arena, &root, NULL, err);
	return r < 0 ? r : load_tree(s, file, root, warnings, err);
}

/*
 * Whether root may obey the file @path in the directory @dir: su(1) keeps $XDG_CONFIG_HOME of a user, whose file would
 * name programs that root runs. Both must be root's, and nobody else's to write; else there is a warning.
 */
static bool root_may_obey(const char *dir, const char *path, struct warnings *warnings)
{
	struct stat of_dir, st;

	if (!privilege_is_root() || stat(path, &st) < 0)
		return true; /* it is missing */
	if (stat(dir, &of_dir) == 0 && of_dir.st_uid == 0 && st.st_uid == 0 &&
		!((of_dir.st_mode | st.st_mode) & (S_IWGRP | S_IWOTH)))
		return true;
	warnings_add(warnings, "settings file \"%s\": ignored: users other than root may write to it", path);
	return false;
}

/* Writes "@dir/vmrunc" to @to, unless @dir is NULL, no absolute path, or too long. */
static bool own_dir(char to[PATH_MAX], const char *dir, const char *below)
{
	return dir && dir[0] == '/' && snprintf(to, PATH_MAX, "%s%s/vmrunc", dir, below) < PATH_MAX;
}

/*
 * Whether the directories of the system are ours. Root always gets these, whatever the environment says: Podman sometimes
 * passes an XDG_RUNTIME_DIR to root, and all of root's calls must see the same containers. The root of a user namespace is
 * somebody else outside, and has them only where /run is its own.
 */
static bool has_system_dirs(void)
{
	struct stat run;

	return privilege_is_root() || (geteuid() == 0 && stat("/run", &run) == 0 && run.st_uid == 0);
}

/* The directories of an ordinary user, as the XDG Base Directory Specification has them. */
static void user_dirs(struct settings *s)
{
	char run[64];

	(void)snprintf(run, sizeof(run), "/run/user/%u", (unsigned int)privilege_uid());
	if (!own_dir(s->root, getenv("XDG_RUNTIME_DIR"), "") && !own_dir(s->root, run, ""))
		(void)strcpy(s->root, "/run/vmrunc"); /* not reached: a number fits */
	if (!own_dir(s->cache_dir, getenv("XDG_CACHE_HOME"), "") && !own_dir(s->cache_dir, getenv("HOME"), "/.cache"))
		(void)snprintf(s->cache_dir, sizeof(s->cache_dir), "%.*s-cache", PATH_MAX - 16, s->root);
}

/* What is built in. */
static void defaults(struct settings *s)
{
	memset(s, 0, sizeof(*s));
	(void)strcpy(s->root, "/run/vmrunc");
	(void)strcpy(s->cache_dir, "/var/cache/vmrunc");
	if (!has_system_dirs())
		user_dirs(s);
	s->engine = VM_ENGINE_AUTO;
	s->memory_mib = MEMORY_MIB_DEFAULT;
	s->vcpus = VCPUS_DEFAULT;
	s->spare_interfaces = SPARE_INTERFACES_DEFAULT;
	s->guest_overhead_mib = GUEST_OVERHEAD_MIB_DEFAULT;
	s->guest_log_kib = GUEST_LOG_KIB_DEFAULT;
	s->host_overhead_mib = HOST_OVERHEAD_MIB_DEFAULT;
}

int settings_load(struct settings *s, const struct settings_words *words, struct warnings *warnings, struct err *err)
{
	const char *home = getenv("XDG_CONFIG_HOME");
	char own[PATH_MAX];
	int r = 0;

	defaults(s);
	if (words->config) {
		r = load_file(s, words->config, true, warnings, err);
	} else {
		if (root_may_obey(SETTINGS_DIR, SETTINGS_FILE, warnings))
			r = load_file(s, SETTINGS_FILE, false, warnings, err);
		if (r == 0 && home && home[0] == '/' &&
			snprintf(own, sizeof(own), "%s/vmrunc.json", home) < (int)sizeof(own) &&
			root_may_obey(home, own, warnings))
			r = load_file(s, own, false, warnings, err);
	}
	if (r == 0 && words->root && !*words->root)
		r = err_set(err, EINVAL, "--root: empty");
	if (r == 0 && words->root)
		r = store_path(s->root, words->root, "--root", err);
	if (r == 0 && words->engine) {
		r = settings_engine(words->engine, "--engine", &s->engine, err);
		s->engine_forced = true;
	}
	if (r == 0 && words->kernel) {
		r = store_path(s->kernel, words->kernel, "--kernel", err);
		s->kernel_forced = true;
	}
	return r;
}
