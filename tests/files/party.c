/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One of those who share a directory, in a container or on the host: does what tests/bats/sharers.py tells it, a line
 * each, in the directory that is its argument, and answers with a line: "ok", "yes", "no", "held", a text, or an error.
 *
 *   create NAME TEXT         makes a file that must not be there
 *   put NAME TEXT            makes another file, and renames it over the name
 *   append NAME TEXT         writes to its end
 *   rename OLD NEW, unlink NAME, mkdir NAME, rmdir NAME, there NAME
 *   read NAME                its contents
 *   open NAME, close NAME    keeps it open for reading and writing, as one of up to 8
 *   seen NAME                what can be read through that
 *   lock KIND HOW NAME       locks such a file if it can: KIND is flock, fcntl or ofd (the bytes 10 to 19); HOW is ex, sh, un
 *   child                    starts a process that has the same open files, and waits for its end
 *   count KIND NAME N        adds 1 to the number in a file N times, under a lock that it waits for
 *   claim NAME N             tries to make N files, NAME0 and so on, and says how many were not there
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILES_MAX 8
#define WORDS_MAX 4

static struct {
	char name[64];
	int fd;
} files[FILES_MAX];

static void answer(int result)
{
	if (result >= 0)
		puts("ok");
	else if (errno == EWOULDBLOCK || errno == EACCES)
		puts("held");
	else
		puts(strerror(errno));
}

/* The place of the open file @name, or of a free one if it is "". */
static int place_of(const char *name)
{
	for (int i = 0; i < FILES_MAX; i++)
		if (strcmp(files[i].name, name) == 0)
			return i;
	fprintf(stderr, "no such open file: %s\n", name);
	exit(2);
}

static int text_to(const char *name, int flags, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | flags, 0666);

	if (fd < 0)
		return -1;
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		text = NULL;
	return close(fd) < 0 || !text ? -1 : 0;
}

static int put(const char *name, const char *text)
{
	char other[80];

	(void)snprintf(other, sizeof(other), ".%s.%ld", name, (long)getpid());
	return text_to(other, O_EXCL, text) < 0 ? -1 : rename(other, name);
}

/* Answers with what can be read of @fd from its beginning, or the error of having opened it. */
static void answer_text(int fd)
{
	char text[256];
	ssize_t n = fd < 0 ? -1 : pread(fd, text, sizeof(text) - 1, 0);

	if (n < 0) {
		answer(-1);
		return;
	}
	text[n] = 0;
	puts(text);
}

static void keep_open(const char *name)
{
	int i = place_of(""), fd = open(name, O_RDWR);

	if (fd >= 0) {
		files[i].fd = fd;
		(void)snprintf(files[i].name, sizeof(files[i].name), "%s", name);
	}
	answer(fd);
}

static void close_kept(const char *name)
{
	int i = place_of(name);

	answer(close(files[i].fd));
	files[i].name[0] = 0;
}

/* Locks @fd, or waits for it. Returns -1 with errno set if it cannot. */
static int lock(const char *kind, const char *how, int fd, bool wait)
{
	bool ex = strcmp(how, "ex") == 0, sh = strcmp(how, "sh") == 0;
	struct flock range = { .l_type = ex ? F_WRLCK : sh ? F_RDLCK : F_UNLCK, .l_start = 10, .l_len = 10 };

	/* as programs do it: a release never waits, and says nothing of that */
	if (strcmp(kind, "flock") == 0)
		return flock(fd, ex || sh ? (ex ? LOCK_EX : LOCK_SH) | (wait ? 0 : LOCK_NB) : LOCK_UN);
	if (strcmp(kind, "ofd") == 0)
		return fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &range);
	return fcntl(fd, wait ? F_SETLKW : F_SETLK, &range);
}

static int child(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		for (int i = 0; i < FILES_MAX; i++)
			if (files[i].name[0])
				close(files[i].fd);
		_exit(0);
	}
	return pid < 0 ? -1 : waitpid(pid, NULL, 0);
}

static int count(const char *kind, const char *name, int n)
{
	int fd = open(name, O_RDWR), r = fd;

	for (int i = 0; i < n && r >= 0; i++) {
		char text[16] = "";

		r = lock(kind, "ex", fd, true);
		if (r < 0 || pread(fd, text, sizeof(text) - 1, 0) < 0)
			return -1;
		(void)snprintf(text, sizeof(text), "%d", atoi(text) + 1);
		if (pwrite(fd, text, strlen(text), 0) < 0)
			return -1;
		r = lock(kind, "un", fd, true);
	}
	return r < 0 ? -1 : close(fd);
}

static void claim(const char *name, int n)
{
	char one[80];
	int mine = 0;

	for (int i = 0; i < n; i++) {
		int fd;

		(void)snprintf(one, sizeof(one), "%s%d", name, i);
		fd = open(one, O_WRONLY | O_CREAT | O_EXCL, 0666);
		mine += fd >= 0;
		if (fd >= 0)
			close(fd);
	}
	printf("%d\n", mine);
}

/* What is done to names. False if it is another command. */
static bool do_names(const char *const *word)
{
	struct stat st;

	if (strcmp(word[0], "create") == 0)
		answer(text_to(word[1], O_EXCL, word[2]));
	else if (strcmp(word[0], "put") == 0)
		answer(put(word[1], word[2]));
	else if (strcmp(word[0], "append") == 0)
		answer(text_to(word[1], O_APPEND, word[2]));
	else if (strcmp(word[0], "rename") == 0)
		answer(rename(word[1], word[2]));
	else if (strcmp(word[0], "unlink") == 0)
		answer(unlink(word[1]));
	else if (strcmp(word[0], "mkdir") == 0)
		answer(mkdir(word[1], 0777));
	else if (strcmp(word[0], "rmdir") == 0)
		answer(rmdir(word[1]));
	else if (strcmp(word[0], "there") == 0)
		puts(stat(word[1], &st) == 0 ? "yes" : errno == ENOENT ? "no" : strerror(errno));
	else
		return false;
	return true;
}

/* What is done to open files and locks. */
static void do_files(const char *const *word)
{
	int fd;

	if (strcmp(word[0], "read") == 0) {
		answer_text(fd = open(word[1], O_RDONLY));
		if (fd >= 0)
			close(fd);
	} else if (strcmp(word[0], "open") == 0) {
		keep_open(word[1]);
	} else if (strcmp(word[0], "close") == 0) {
		close_kept(word[1]);
	} else if (strcmp(word[0], "seen") == 0) {
		answer_text(files[place_of(word[1])].fd);
	} else if (strcmp(word[0], "lock") == 0) {
		answer(lock(word[1], word[2], files[place_of(word[3])].fd, false));
	} else if (strcmp(word[0], "child") == 0) {
		answer(child());
	} else if (strcmp(word[0], "count") == 0) {
		answer(count(word[1], word[2], atoi(word[3])));
	} else if (strcmp(word[0], "claim") == 0) {
		claim(word[1], atoi(word[2]));
	} else {
		puts("what?");
	}
}

int main(int argc, char **argv)
{
	char line[256];

	(void)umask(0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc != 2 || chdir(argv[1]) < 0)
		return 2;
	puts("here");
	while (fgets(line, sizeof(line), stdin)) {
		const char *word[WORDS_MAX] = { "", "", "", "" };
		char *rest = line;

		for (int i = 0; i < WORDS_MAX; i++) {
			const char *next = strsep(&rest, " \n");

			word[i] = next ? next : word[i];
		}
		if (!do_names(word))
			do_files(word);
	}
	return 0;
}
