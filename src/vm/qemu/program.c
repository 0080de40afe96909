/* SPDX-License-Identifier: Apache-2.0 */
/* Where the program QEMU is: see program.h. */
#include "vm/qemu/program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROGRAM_NAME "qemu-system-x86_64"
/* Container engines call vmrunc with any $PATH, and Podman calls `delete` with none. */
#define PROGRAM_DIRS "/usr/local/bin:/usr/bin:/bin"

/* 0, or -errno if @path cannot be run; access(2) alone would let a directory pass. */
static int program_check(const char *path)
{
	struct stat st;

	if (access(path, X_OK) < 0 || stat(path, &st) < 0)
		return -errno;
	return S_ISREG(st.st_mode) ? 0 : -EACCES;
}

/* Looks for @name in @dirs, which colons separate: 0 with its path, or -errno as qemu_program_find(). */
static int program_in(const char *dirs, const char *name, char *ret_path, size_t size)
{
	int found = -ENOENT;

	while (*dirs) {
		size_t len = strcspn(dirs, ":");

		/*
		 * Empty and relative entries are left out: a program that runs as root does not come from just
		 * anywhere.
		 */
		if (dirs[0] == '/') {
			if (snprintf(ret_path, size, "%.*s/%s", (int)len, dirs, name) >= (int)size)
				return -ENAMETOOLONG;
			int r = program_check(ret_path);

			if (r == 0)
				return 0;
			if (r == -EACCES)
				found = -EACCES;
		}
		dirs += len + (dirs[len] == ':');
	}
	return found;
}

int qemu_program_find(const char *wanted, char *ret_path, size_t size)
{
	const char *name = wanted ? wanted : PROGRAM_NAME;
	const char *path = getenv("PATH");
	int r = -ENOENT;

	if (strchr(name, '/')) {
		if (snprintf(ret_path, size, "%s", name) >= (int)size)
			return -ENAMETOOLONG;
		return program_check(name);
	}
	if (path)
		r = program_in(path, name, ret_path, size);
	return r == -ENOENT ? program_in(PROGRAM_DIRS, name, ret_path, size) : r;
}
