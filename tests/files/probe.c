/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the patches of the small guest kernel (contrib/guest-kernel/patches) make right: run in a container, in a
 * directory of its root file system. Prints "ok WHAT", or "not ok WHAT: ..." with what was found instead. With the
 * argument "full" it tries only the file system's end, which must be within 64 MiB. With "volume DIR" it
 * tries locks beside the host, which has a record lock of "file" until "held" is removed and a flock of "flocked", and
 * which answers "locked" with "seen"; and second names of a pipe and a socket.
 *
 * Requests are counted by the interrupts of the virtio devices, one for each request that is waited for.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int failed;

static void tell(const char *what, bool ok, const char *name, long long found)
{
	if (ok)
		printf("ok %s\n", what);
	else
		printf("not ok %s: %s %lld\n", what, name, found);
	failed |= !ok;
}

/* Ends the program if a call failed that must not fail. */
static void must(bool ok, const char *call)
{
	if (!ok) {
		perror(call);
		exit(1);
	}
}

static int make(const char *name, int flags)
{
	int fd = open(name, flags | O_CREAT | O_TRUNC, 0644);

	must(fd >= 0, "open");
	return fd;
}

/* The interrupts of all virtio devices so far, on all processors. */
static long requests(void)
{
	FILE *f = fopen("/proc/interrupts", "r");
	char line[1024];
	long sum = 0;

	must(f != NULL, "/proc/interrupts");
	while (fgets(line, sizeof(line), f)) {
		char *p = strchr(line, ':'), *end;

		if (!p || !strstr(line, "virtio"))
			continue;
		for (p++;; p = end) {
			long n = strtol(p, &end, 10);

			if (end == p || !isspace((unsigned char)*end))
				break;
			sum += n;
		}
	}
	fclose(f);
	return sum;
}

static void nanoseconds(void)
{
	const struct timespec set[2] = { { 1000000000, 123456789 }, { -5, 7 } };
	const struct timespec pause = { 0, 10 * 1000 * 1000 };
	struct stat a, b;
	int fd = make("times", O_RDWR);

	must(futimens(fd, set) == 0 && stat("times", &a) == 0, "utimensat");
	tell("nanoseconds of utimensat", a.st_atim.tv_nsec == 123456789 && a.st_mtim.tv_nsec == 7, "got",
		a.st_atim.tv_nsec);
	tell("a time before 1970", a.st_mtim.tv_sec == -5, "got", a.st_mtim.tv_sec);
	must(write(fd, "x", 1) == 1 && fstat(fd, &a) == 0, "write");
	nanosleep(&pause, NULL);
	must(write(fd, "x", 1) == 1 && fstat(fd, &b) == 0, "write");
	tell("two writes have two times",
		a.st_mtim.tv_sec != b.st_mtim.tv_sec || a.st_mtim.tv_nsec != b.st_mtim.tv_nsec, "both",
		a.st_mtim.tv_nsec);
	close(fd);
}

static void requests_of_writes(void)
{
	static char block[65536];
	long before;
	int fd = make("written", O_WRONLY);

	memset(block, 'x', sizeof(block));
	before = requests();
	for (int i = 0; i < 64; i++)
		must(write(fd, block, sizeof(block)) == (ssize_t)sizeof(block), "write");
	must(fsync(fd) == 0, "fsync");
	tell("4 MiB take less than 256 requests", requests() - before < 256, "took", requests() - before);
	before = requests();
	for (int i = 0; i < 1000; i++)
		must(pwrite(fd, "y", 1, i) == 1, "write");
	tell("1000 writes take less than 500 requests", requests() - before < 500, "took", requests() - before);
	close(fd);
}

static void requests_of_missing_names(void)
{
	struct stat st;
	long before = requests();

	for (int i = 0; i < 1000; i++)
		must(stat("missing", &st) < 0 && errno == ENOENT, "stat");
	tell("1000 times a missing name take less than 500 requests", requests() - before < 500, "took",
		requests() - before);
	close(make("missing", O_WRONLY));
	must(stat("missing", &st) == 0, "stat");
	must(unlink("missing") == 0 && stat("missing", &st) < 0 && mkdir("missing", 0755) == 0, "mkdir");
	must(rmdir("missing") == 0 && symlink("x", "missing") == 0 && lstat("missing", &st) == 0, "symlink");
	tell("a missing name can be made", S_ISLNK(st.st_mode), "mode", st.st_mode);
}

static void links_and_blocks(void)
{
	const struct timespec pause = { 1, 100 * 1000 * 1000 };
	struct stat a, b;
	int fd = make("sparse", O_RDWR);

	must(ftruncate(fd, 1 << 20) == 0 && pwrite(fd, "data", 4, 8192) == 4 && fstat(fd, &a) == 0, "pwrite");
	tell("a file with data has blocks", a.st_blocks != 0, "got", a.st_blocks);
	close(fd);
	close(make("from", O_WRONLY));
	close(make("to", O_WRONLY));
	must(link("to", "to2") == 0 && stat("to2", &a) == 0 && a.st_nlink == 2, "link");
	nanosleep(&pause, NULL);
	must(rename("from", "to") == 0 && stat("to2", &b) == 0, "rename");
	tell("a replaced link is counted", b.st_nlink == 1, "links", (long long)b.st_nlink);
	tell("a replaced link's change has its time", b.st_ctim.tv_sec > a.st_ctim.tv_sec, "seconds",
		b.st_ctim.tv_sec - a.st_ctim.tv_sec);
}

static void full(void)
{
	static char block[65536];
	const struct timespec pause = { 0, 20 * 1000 * 1000 };
	int fd = make("full", O_WRONLY), error = 0;

	for (int i = 0; i < 1024 && error == 0; i++) {
		if (write(fd, block, sizeof(block)) < 0)
			error = errno;
		if (i % 16 == 0)
			nanosleep(&pause, NULL);
	}
	if (close(fd) < 0 && error == 0)
		error = errno;
	tell("a full file system is told by write or close", error == ENOSPC, "errno", error);
	unlink("full");
}

static void rename_to_a_free_name(void)
{
	close(make("name", O_WRONLY));
	tell("renameat2 with RENAME_NOREPLACE to a free name",
		syscall(SYS_renameat2, AT_FDCWD, "name", AT_FDCWD, "free", RENAME_NOREPLACE) == 0, "errno", errno);
	close(make("name", O_WRONLY));
	tell("renameat2 with RENAME_NOREPLACE to one that is taken",
		syscall(SYS_renameat2, AT_FDCWD, "name", AT_FDCWD, "free", RENAME_NOREPLACE) < 0 && errno == EEXIST,
		"errno", errno);
}

#define ALARMS_MAX 50
static volatile sig_atomic_t alarms, alarms_enough;

/* Lets go of the lock when there were enough alarms, the wait being over or not. */
static void on_alarm(int sig)
{
	(void)sig;
	alarms = alarms + 1;
	if (alarms == alarms_enough)
		(void)unlink("held");
}

/* Waits for a lock of the whole file while an alarm comes every 100 ms: 0 or an errno. */
static int lock_under_alarms(int fd, int flags, int enough)
{
	const struct itimerval often = { { 0, 100000 }, { 0, 100000 } }, never = { { 0, 0 }, { 0, 0 } };
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = flags };
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int error;

	alarms = 0;
	alarms_enough = enough;
	must(sigaction(SIGALRM, &action, NULL) == 0 && setitimer(ITIMER_REAL, &often, NULL) == 0, "setitimer");
	error = fcntl(fd, F_SETLKW, &lock) < 0 ? errno : 0;
	must(setitimer(ITIMER_REAL, &never, NULL) == 0, "setitimer");
	return error;
}

static void lock_waits(const char *name)
{
	int fd = open(name, O_RDWR), error;

	must(fd >= 0, "open");
	error = lock_under_alarms(fd, 0, ALARMS_MAX);
	tell("a signal ends the wait for a lock", error == EINTR, "errno", error);
	error = lock_under_alarms(fd, SA_RESTART, 3);
	tell("the wait goes on after a handler with SA_RESTART", error == 0 && alarms >= 3, "errno", error);
	close(fd);
}

/* flock(2) and fcntl(2) have a space each, and both are the host's. */
static void flock_is_the_hosts(void)
{
	int flocked = open("flocked", O_RDWR), file = open("file", O_RDWR), mine = open("mine", O_RDWR), seen;
	char byte = 0;

	must(flocked >= 0 && file >= 0 && mine >= 0, "open");
	tell("the host's flock is seen", flock(flocked, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK, "errno", errno);
	tell("the host's record lock is another thing", flock(file, LOCK_EX | LOCK_NB) == 0, "errno", errno);
	must(flock(mine, LOCK_EX) == 0, "flock");
	close(make("locked", O_WRONLY));
	while ((seen = open("seen", O_RDONLY)) < 0)
		(void)usleep(50000);
	tell("the host sees the flock, and no record lock", read(seen, &byte, 1) == 1 && byte == '1', "byte", byte);
}

/* A pipe is one, by whichever name it is found. */
static void second_name(void)
{
	int in, out;
	char byte = 0;

	must(mkfifo("pipe", 0600) == 0 && link("pipe", "pipe again") == 0, "mkfifo");
	out = open("pipe", O_RDWR | O_NONBLOCK);
	in = open("pipe again", O_RDONLY | O_NONBLOCK);
	must(out >= 0 && in >= 0 && write(out, "x", 1) == 1, "pipe");
	tell("read by the second name of a pipe", read(in, &byte, 1) == 1 && byte == 'x', "byte", byte);
}

/* Connects to @name: 0 or an errno. */
static int connect_to(const char *name)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), error;

	must(fd >= 0, "socket");
	(void)snprintf(to.sun_path, sizeof(to.sun_path), "%s", name);
	error = connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ? errno : 0;
	close(fd);
	return error;
}

/* A socket is one as well, also when its own name is gone and its times have changed. */
static void second_name_of_a_socket(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX, .sun_path = "socket" };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), error;

	must(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(fd, 8) == 0, "bind");
	must(link("socket", "socket again") == 0, "link");
	error = connect_to("socket again");
	tell("connect by the second name of a socket", error == 0 && connect_to("socket") == 0, "errno", error);
	must(utimensat(AT_FDCWD, "socket again", NULL, 0) == 0 && unlink("socket") == 0, "unlink");
	error = connect_to("socket again");
	tell("connect by the name that is left", error == 0, "errno", error);
	/* a new socket is not the old one, which is open still */
	must(rename("socket again", "Socket") == 0 && unlink("Socket") == 0, "rename");
	must(mknod("Socket", S_IFSOCK | 0600, 0) == 0, "mknod");
	error = connect_to("Socket");
	tell("nobody listens at a new socket", error == ECONNREFUSED, "errno", error);
	close(fd);
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 2 && strcmp(argv[1], "volume") == 0) {
		must(chdir(argv[2]) == 0, "chdir");
		second_name();
		second_name_of_a_socket();
		flock_is_the_hosts();
		lock_waits("file");
		return failed;
	}
	if (argc > 1 && strcmp(argv[1], "full") == 0) {
		full();
		return failed;
	}
	nanoseconds();
	requests_of_writes();
	requests_of_missing_names();
	links_and_blocks();
	rename_to_a_free_name();
	return failed;
}
