/* SPDX-License-Identifier: Apache-2.0 */
/* Which file a process executes: see program.h. */
#include "launch/program.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "launch/unable.h"

#define PASSWD_MAX (1024 * 1024) /* bytes of the container's /etc/passwd, which is hostile data */

/* --- environment --- */

/* The value of @name, or NULL. */
static const char *env_get(char **env, const char *name)
{
	size_t len = strlen(name);

	for (; *env; env++) {
		if (strncmp(*env, name, len) == 0 && (*env)[len] == '=')
			return *env + len + 1;
	}
	return NULL;
}

/* Where field number @n of a line of passwd begins; NULL if the line does not have as many. */
static char *passwd_field(char *line, int n)
{
	while (n-- > 0) {
		line = strchr(line, ':');
		if (!line)
			return NULL;
		line++;
	}
	return line;
}

/* The home directory of @uid in the container's passwd, or "/". The caller frees it; NULL without memory. */
static char *passwd_home(uint32_t uid)
{
	autofree char *text = NULL;
	char *save = NULL;

	/* the rootfs may have a FIFO there, of which a reader would wait */
	if (fd_read_regular(AT_FDCWD, "/etc/passwd", PASSWD_MAX, &text, NULL) < 0)
		return strdup("/");
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		const char *id = passwd_field(line, 2);
		char *home = passwd_field(line, 5);
		char *end;

		if (!id || !home || strtoul(id, &end, 10) != uid || end == id || *end != ':')
			continue;
		home[strcspn(home, ":")] = '\0';
		return strdup(*home ? home : "/");
	}
	return strdup("/");
}

int program_environment(const struct guest_process *p, char ***ret_env, struct err *err)
{
	char **env = calloc(p->env.len + 2u, sizeof(*env));
	autofree char *home = NULL;
	const char *given;
	uint32_t n = 0;

	if (!env)
		return err_set(err, ENOMEM, "process.env: no memory");
	for (; n < p->env.len; n++)
		env[n] = (char *)(uintptr_t)p->env.at[n]; /* execve(2) takes them so */
	given = env_get(env, "HOME");
	if (!given || !*given) {
		uint32_t at = n;

		home = passwd_home(p->uid);
		for (uint32_t i = 0; given && i < n && at == n; i++) {
			if (strncmp(env[i], "HOME=", 5) == 0) /* an empty HOME is replaced in its place */
				at = i;
		}
		if (!home || asprintf(&env[at], "HOME=%s", home) < 0) {
			free(env);
			return err_set(err, ENOMEM, "process.env: no memory");
		}
	}
	*ret_env = env;
	return 0;
}

/* --- lookup --- */

/* 0 if @path is a file that the caller may execute, else -errno; *@ret_stat_failed says whether that is stat(2)'s. */
static int check_executable(const char *path, bool *ret_stat_failed)
{
	struct stat st;
	int r;

	*ret_stat_failed = stat(path, &st) < 0;
	if (*ret_stat_failed)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	r = faccessat(AT_FDCWD, path, X_OK, AT_EACCESS);
	/*
	 * A seccomp filter that is loaded by now may not allow faccessat2(2). Without
	 * AT_EACCESS faccessat(2) does, and the real ids are the effective ones here.
	 */
	if (r < 0 && (errno == EPERM || errno == ENOSYS))
		r = faccessat(AT_FDCWD, path, X_OK, 0);
	/* if the filter allows neither, execve(2) will tell */
	if (r < 0 && errno != EPERM && errno != ENOSYS)
		return -errno;
	/* faccessat(2) allows root everything, but execve(2) wants one x bit */
	return st.st_mode & 0111 ? 0 : -EACCES;
}

/* Notes in @err the exit status that the command is to have, and returns @r. */
static int set_status(struct err *err, int status, int r)
{
	if (err)
		err->exit_status = status;
	return r;
}

/* As runc says it; Go's texts for an errno are strerror(3)'s with a small first letter. */
static int stat_error(struct err *err, int error, const char *name)
{
	const char *why = strerror(-error);

	return err_set(err, -error, "exec: \"%s\": stat %s: %c%s", name, name, tolower((unsigned char)*why), why + 1);
}

/* As program_find(), for a name with a slash, which is not looked for in $PATH. */
static int find_by_path(const char *name, char **ret_path, struct err *err)
{
	bool stat_failed;
	int r = check_executable(name, &stat_failed);

	if (r == 0) {
		*ret_path = strdup(name);
		return *ret_path ? 0 : err_set(err, ENOMEM, "process.args: no memory");
	}
	if (stat_failed && r != -EACCES)
		return set_status(err, PROGRAM_NOT_FOUND, stat_error(err, r, name));
	if (stat_failed)
		return set_status(err, PROGRAM_NOT_EXECUTABLE, stat_error(err, r, name));
	/* runc's newer words and its older ones, as execve(2) has it: engines know one or the other of them as 126 */
	if (r == -EISDIR)
		return set_status(err, PROGRAM_NOT_EXECUTABLE,
			err_set(err, EISDIR, "exec: \"%s\": is a directory: permission denied", name));
	return set_status(err, PROGRAM_NOT_EXECUTABLE, err_set(err, EACCES, "exec: \"%s\": permission denied", name));
}

int program_find(const struct guest_process *p, char **env, char **ret_path, struct err *err)
{
	const char *name = p->args.len > 0 ? p->args.at[0] : "";
	const char *path = env_get(env, "PATH");

	if (strchr(name, '/'))
		return find_by_path(name, ret_path, err);
	while (path && *name) {
		size_t len = strcspn(path, ":");
		autofree char *file = NULL;
		bool stat_failed;

		/* an empty entry of $PATH is the working directory */
		if (asprintf(&file, "%.*s/%s", len ? (int)len : 1, len ? path : ".", name) < 0) {
			file = NULL;
			return err_set(err, ENOMEM, "process.args: no memory");
		}
		if (check_executable(file, &stat_failed) == 0) {
			*ret_path = steal_ptr(file);
			return 0;
		}
		path = path[len] ? path + len + 1 : NULL;
	}
	return set_status(
		err, PROGRAM_NOT_FOUND, err_set(err, ENOENT, "exec: \"%s\": executable file not found in $PATH", name));
}

int program_execute(const struct guest_process *p, const char *path, char **env, struct err *err)
{
	autofree char **argv = calloc(p->args.len + 1u, sizeof(*argv));
	int e;

	if (!argv)
		return err_set(err, ENOMEM, "process.args: no memory");
	for (uint32_t i = 0; i < p->args.len; i++)
		argv[i] = (char *)(uintptr_t)p->args.at[i]; /* execve(2) takes them so */
	(void)execve(path, argv, env);
	e = errno;
	return set_status(
		err, e == ENOENT ? PROGRAM_NOT_FOUND : PROGRAM_NOT_EXECUTABLE, unable_explain(err, e, path, argv, env));
}
