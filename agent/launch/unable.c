/* SPDX-License-Identifier: Apache-2.0 */
/* Why a program cannot be executed: see unable.h. */
#include "launch/unable.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

#define SCRIPT_LINE_MAX 256   /* the kernel's BINPRM_BUF_SIZE: it reads no more of a script's first line */
#define HEADERS_MAX 64        /* program headers that are looked at; usual programs have a dozen */
#define ARG_STRLEN_MAX 131071 /* the kernel's MAX_ARG_STRLEN, without the NUL */

/* Writes the interpreter that the script's first line @line names to @ret. False: it names none. */
static bool script_interpreter(const char *line, char *ret, size_t size)
{
	size_t len;

	if (strncmp(line, "#!", 2) != 0)
		return false;
	line += 2;
	line += strspn(line, " \t");
	len = strcspn(line, " \t\n");
	if (len == 0 || len >= size)
		return false;
	memcpy(ret, line, len);
	ret[len] = '\0';
	return true;
}

/* Writes the loader that the ELF program @fd names to @ret. False: it names none, or is no program of this machine. */
static bool elf_loader(int fd, char *ret, size_t size)
{
	Elf64_Ehdr head;

	if (pread(fd, &head, sizeof(head), 0) != (ssize_t)sizeof(head) || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 ||
		head.e_ident[EI_CLASS] != ELFCLASS64 || head.e_phentsize != sizeof(Elf64_Phdr) ||
		head.e_phoff > INT64_MAX / 2)
		return false;
	for (unsigned int i = 0; i < head.e_phnum && i < HEADERS_MAX; i++) {
		Elf64_Phdr part;
		ssize_t n;

		if (pread(fd, &part, sizeof(part), (off_t)(head.e_phoff + i * sizeof(part))) != (ssize_t)sizeof(part))
			return false;
		if (part.p_type != PT_INTERP)
			continue;
		if (part.p_filesz == 0 || part.p_filesz >= size || part.p_offset > INT64_MAX / 2)
			return false;
		n = pread(fd, ret, part.p_filesz, (off_t)part.p_offset);
		ret[MAX(n, 0)] = '\0';
		return n > 0 && *ret;
	}
	return false;
}

/* Explains ENOENT of @path, if it is there. False: it is not, or nothing in it is missing. */
static bool explain_missing(struct err *err, const char *path, const char *name)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char line[SCRIPT_LINE_MAX + 1] = "", what[SCRIPT_LINE_MAX + 1];
	struct stat st;
	size_t len;

	/* the program may be one that its user can execute and not read */
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || pread(fd, line, SCRIPT_LINE_MAX, 0) <= 0)
		return false;
	if (elf_loader(fd, what, sizeof(what))) {
		if (access(what, F_OK) < 0 && errno == ENOENT)
			(void)err_set(err, ENOENT, "exec %s: no such file or directory: its loader \"%s\" is missing",
				name, what);
		return err->errnum != 0;
	}
	if (!script_interpreter(line, what, sizeof(what)))
		return false;
	len = strlen(what);
	if (what[len - 1] == '\r') {
		what[len - 1] = '\0';
		(void)err_set(err, ENOENT,
			"exec %s: no such file or directory: its interpreter \"%s\\r\" is missing: the file has DOS line ends (CR LF)",
			name, what);
	} else if (access(what, F_OK) < 0 && errno == ENOENT) {
		(void)err_set(err, ENOENT, "exec %s: no such file or directory: its interpreter \"%s\" is missing",
			name, what);
	} else {
		/* a script whose interpreter is there: what the interpreter itself needs is missing */
		(void)err_set(err, ENOENT,
			"exec %s: no such file or directory: its interpreter \"%s\" cannot be executed: what that one needs is missing",
			name, what);
	}
	return true;
}

/* The bytes of @strings with their NULs; *@ret_longest is the index of one that is longer than the kernel takes, or -1. */
static size_t strings_size(char **strings, int *ret_longest)
{
	size_t size = 0;

	*ret_longest = -1;
	for (int i = 0; strings[i]; i++) {
		size_t len = strlen(strings[i]);

		size += len + 1;
		if (len > ARG_STRLEN_MAX)
			*ret_longest = i;
	}
	return size;
}

/* Explains E2BIG: one argument or variable that is too long by itself, else all of them together. Returns -E2BIG. */
static int explain_long(struct err *err, const char *name, char **argv, char **env)
{
	int arg, var;
	size_t args = strings_size(argv, &arg), vars = strings_size(env, &var);

	if (arg >= 0)
		return err_set(err, E2BIG, "exec: \"%s\": process.args[%d] has %zu bytes, one argument has at most %d",
			name, arg, strlen(argv[arg]), ARG_STRLEN_MAX);
	if (var >= 0)
		return err_set(err, E2BIG,
			"exec: \"%s\": process.env[%d] (%.*s) has %zu bytes, one variable has at most %d", name, var,
			(int)MIN(strcspn(env[var], "="), 64u), env[var], strlen(env[var]), ARG_STRLEN_MAX);
	return err_set(err, E2BIG,
		"exec: \"%s\": process.args (%zu bytes) and process.env (%zu bytes) are too long together: the kernel takes a quarter of RLIMIT_STACK",
		name, args, vars);
}

int unable_explain(struct err *err, int error, const char *path, char **argv, char **env)
{
	if (error == E2BIG)
		return explain_long(err, argv[0], argv, env);
	if (error == ENOENT && explain_missing(err, path, argv[0]))
		return -ENOENT;
	return err_sys(err, error, "exec %s", argv[0]);
}
