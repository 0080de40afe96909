/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's side of the 9p benchmark: an init that mounts the share, times each workload and reports over the agent's
 * port.
 *
 * The export "bench" of the shared tag holds: storm/ (directories of files for the stat storm), tree/ (a source tree).
 * What is written goes to out there. Parameters come on the kernel's command line (the kernel hands NAME=VALUE that it
 * does not know to init's environment): bench_mib, bench_reads, bench_cache. Each result is a line "NAME NANOSECONDS
 * COUNT"; the last is "end", and then the machine is powered off.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/tags.h"

#define SHARE "/mnt"
#define ROOT SHARE "/bench"
#define BLOCK (1024 * 1024)
#define PAGE 4096

static int port = -1;

static _Noreturn void leave(void)
{
	(void)reboot(RB_POWER_OFF);
	_exit(1);
}

static _Noreturn void give_up(const char *what)
{
	if (port >= 0)
		(void)dprintf(port, "failed %s: %s\n", what, strerror(errno));
	leave();
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static unsigned long parameter(const char *name, unsigned long otherwise)
{
	const char *value = getenv(name);

	return value ? strtoul(value, NULL, 10) : otherwise;
}

/* The port's device node, found by its name in sysfs; nothing makes nodes for us. */
static int open_port(void)
{
	DIR *dir = opendir("/sys/class/virtio-ports");
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		char path[600], text[64] = "";
		unsigned int major_no, minor_no;
		FILE *f;

		(void)snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name", e->d_name);
		f = fopen(path, "r");
		if (!f)
			continue;
		if (!fgets(text, sizeof(text), f) || strncmp(text, TAG_PORT, strlen(TAG_PORT)) != 0) {
			fclose(f);
			continue;
		}
		fclose(f);
		(void)snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/dev", e->d_name);
		f = fopen(path, "r");
		if (!f || fscanf(f, "%u:%u", &major_no, &minor_no) != 2)
			return -1;
		fclose(f);
		(void)mknod("/dev/port", S_IFCHR | 0600, makedev(major_no, minor_no));
		return open("/dev/port", O_RDWR);
	}
	return -1;
}

/* Walks @path: every entry is looked at with lstat; files are read whole where @buffer is given. */
static unsigned long walk(int parent, const char *path, char *buffer)
{
	int fd = openat(parent, path, O_RDONLY | O_DIRECTORY);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	unsigned long count = 0;
	struct dirent *e;

	if (!dir)
		give_up(path);
	while ((e = readdir(dir))) {
		struct stat st;
		int file;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			give_up(e->d_name);
		count++;
		if (S_ISDIR(st.st_mode)) {
			count += walk(fd, e->d_name, buffer);
		} else if (buffer && S_ISREG(st.st_mode)) {
			file = openat(fd, e->d_name, O_RDONLY);
			if (file < 0)
				give_up(e->d_name);
			while (read(file, buffer, BLOCK) > 0)
				;
			close(file);
		}
	}
	closedir(dir);
	return count;
}

static unsigned long stat_storm(char *buffer)
{
	(void)buffer;
	return walk(AT_FDCWD, ROOT "/storm", NULL);
}

static unsigned long tar_tree(char *buffer)
{
	return walk(AT_FDCWD, ROOT "/tree", buffer);
}

static unsigned long write_sequentially(char *buffer)
{
	unsigned long mib = parameter("bench_mib", 256);
	int fd = open(ROOT "/out", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0)
		give_up("out");
	for (unsigned long i = 0; i < mib; i++) {
		memset(buffer, (int)(i & 0xff), PAGE);
		if (write(fd, buffer, BLOCK) != BLOCK)
			give_up("write");
	}
	if (close(fd) < 0)
		give_up("close");
	return mib;
}

static unsigned long read_sequentially(char *buffer)
{
	unsigned long mib = parameter("bench_mib", 256);
	int fd = open(ROOT "/out", O_RDONLY);

	if (fd < 0)
		give_up("out");
	for (unsigned long i = 0; i < mib; i++) {
		if (read(fd, buffer, BLOCK) != BLOCK)
			give_up("read");
	}
	close(fd);
	return mib;
}

static unsigned long read_randomly(char *buffer)
{
	unsigned long pages = parameter("bench_mib", 256) * (BLOCK / PAGE);
	unsigned long reads = parameter("bench_reads", 8192);
	uint64_t x = 88172645463325252ull; /* xorshift: the same places in each run */
	int fd = open(ROOT "/out", O_RDONLY);

	if (fd < 0)
		give_up("out");
	for (unsigned long i = 0; i < reads; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		if (pread(fd, buffer, PAGE, (off_t)(x % pages) * PAGE) != PAGE)
			give_up("pread");
	}
	close(fd);
	return reads;
}

static const struct {
	const char *name;
	unsigned long (*function)(char *buffer);
} workloads[] = {
	{ "write", write_sequentially },
	{ "read", read_sequentially },
	{ "random", read_randomly },
	{ "stat", stat_storm },
	{ "tar", tar_tree },
};

int main(void)
{
	const char *cache = getenv("bench_cache");
	char *buffer = malloc(BLOCK), options[128];

	(void)mount("proc", "/proc", "proc", 0, NULL);
	(void)mount("sysfs", "/sys", "sysfs", 0, NULL);
	port = open_port();
	if (port < 0 || !buffer)
		leave();
	(void)snprintf(options, sizeof(options), "trans=virtio,version=9p2000.L,msize=512000,access=client,cache=%s",
		cache ? cache : "mmap");
	if (mount(TAG_SHARED, SHARE, "9p", 0, options) < 0)
		give_up("mount");
	for (size_t i = 0; i < sizeof(workloads) / sizeof(workloads[0]); i++) {
		uint64_t start = now_ns();
		unsigned long count = workloads[i].function(buffer);

		(void)dprintf(port, "%s %llu %lu\n", workloads[i].name, (unsigned long long)(now_ns() - start), count);
	}
	(void)dprintf(port, "end\n");
	leave();
}
