/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/p9 and src/fs: whose a lock is, as Linux's client asks for it, and how many there may be. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/file.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/p9/client.h"
#include "tests/unit/filter.h"

/* The answers go to a socket (src/p9/socket.c). */
const char *const harness_syscalls[] = { "sendto", "shutdown", NULL };

static struct p9c c;
static int host; /* the file "f", opened by a process of the host */

/* Fids 1 and 2 are opened by processes of the guest, whose kernel has found no conflict among them. */
static int setup(void **state)
{
	(void)state;
	p9c_start(&c, 0);
	p9c_host_write(&c, "f", "data");
	host = openat(c.dir_fd, "f", O_RDWR | O_CLOEXEC);
	for (uint32_t fid = 1; fid <= 2; fid++) {
		assert_int_equal(p9c_walk(&c, P9C_ROOT, fid, "f"), 0);
		assert_int_equal(p9c_open(&c, fid, 2), 0);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(host);
	p9c_stop(&c);
	return 0;
}

/* fcntl(F_SETLK), or with @flags P9_LOCK_FLAG_BLOCK fcntl(F_SETLKW), by process @pid. */
static int lock(uint32_t fid, uint32_t pid, uint8_t type, uint32_t flags, uint64_t start, uint64_t length)
{
	int r = p9c_call(&c, P9_TLOCK, "dbdqqds", fid, (int)type, flags, start, length, pid, "guest");

	return r < 0 ? r : wire_get_u8(&c.r);
}

#define WAITS P9_LOCK_FLAG_BLOCK

/* flock(LOCK_EX), flock(LOCK_UN). */
static int flock_ex(uint32_t fid, uint32_t pid)
{
	return lock(fid, pid, P9_LOCK_WRLCK, WAITS, 0, 0);
}

static int flock_un(uint32_t fid, uint32_t pid)
{
	return lock(fid, pid, P9_LOCK_UNLCK, WAITS, 0, 0);
}

/* What the guest's kernel sends when process @pid closes a descriptor of a file that has locks, or ends. */
static int closes(uint32_t fid, uint32_t pid)
{
	return lock(fid, pid, P9_LOCK_UNLCK, 0, 0, 0);
}

/* True if the host could lock byte @at now. */
static bool is_free(off_t at)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 1 };

	assert_int_equal(fcntl(host, F_OFD_GETLK, &fl), 0);
	return fl.l_type == F_UNLCK;
}

static void a_process_never_conflicts_with_itself(void **state)
{
	(void)state;
	/* Parts of the file, as SQLite locks them. */
	assert_int_equal(lock(1, 7, P9_LOCK_WRLCK, 0, 100, 10), P9_LOCK_SUCCESS);
	assert_int_equal(lock(2, 7, P9_LOCK_WRLCK, 0, 100, 10), P9_LOCK_SUCCESS);
	assert_int_equal(lock(2, 7, P9_LOCK_RDLCK, WAITS, 105, 10), P9_LOCK_SUCCESS);
	assert_int_equal(lock(2, 8, P9_LOCK_WRLCK, 0, 100, 10), P9_LOCK_BLOCKED);
	assert_false(is_free(100));
	/* It releases through either descriptor, and all with the end of either. */
	assert_int_equal(lock(2, 7, P9_LOCK_UNLCK, 0, 100, 2), P9_LOCK_SUCCESS);
	assert_true(is_free(101));
	assert_false(is_free(102));
	assert_false(is_free(114));
	assert_int_equal(closes(1, 7), P9_LOCK_SUCCESS);
	assert_true(is_free(102));
	assert_true(is_free(114));
	/* The whole file. */
	assert_int_equal(lock(1, 7, P9_LOCK_WRLCK, 0, 0, 0), P9_LOCK_SUCCESS);
	assert_int_equal(lock(2, 7, P9_LOCK_WRLCK, WAITS, 0, 0), P9_LOCK_SUCCESS);
	assert_int_equal(lock(2, 8, P9_LOCK_RDLCK, 0, 0, 0), P9_LOCK_BLOCKED);
	assert_int_equal(lock(1, 7, P9_LOCK_UNLCK, 0, 0, 0), P9_LOCK_SUCCESS);
	assert_true(is_free(0));
	/* The whole, then a part, then all but that. */
	assert_int_equal(lock(1, 7, P9_LOCK_WRLCK, 0, 0, 0), P9_LOCK_SUCCESS);
	assert_int_equal(lock(2, 7, P9_LOCK_UNLCK, 0, 0, 10), P9_LOCK_SUCCESS);
	assert_true(is_free(9));
	assert_false(is_free(10));
}

static void others_release_nothing(void **state)
{
	(void)state;
	/* A child that inherited the descriptor ends. */
	assert_int_equal(lock(1, 7, P9_LOCK_WRLCK, 0, 0, 10), P9_LOCK_SUCCESS);
	assert_int_equal(closes(1, 8), P9_LOCK_SUCCESS);
	assert_int_equal(lock(1, 8, P9_LOCK_UNLCK, WAITS, 0, 10), P9_LOCK_SUCCESS);
	assert_false(is_free(0));
	assert_int_equal(closes(1, 7), P9_LOCK_SUCCESS);
	assert_true(is_free(0));
	/* Of two that share a range, one releases. */
	assert_int_equal(lock(1, 7, P9_LOCK_RDLCK, 0, 0, 10), P9_LOCK_SUCCESS);
	assert_int_equal(lock(1, 8, P9_LOCK_RDLCK, 0, 0, 10), P9_LOCK_SUCCESS);
	assert_int_equal(lock(1, 7, P9_LOCK_UNLCK, 0, 0, 10), P9_LOCK_SUCCESS);
	assert_false(is_free(0));
	assert_int_equal(lock(1, 8, P9_LOCK_UNLCK, 0, 0, 10), P9_LOCK_SUCCESS);
	assert_true(is_free(0));
}

/* ( flock 9; true; flock -u 9 ) 9>f: each of these is a child of the shell. */
static void flock_belongs_to_the_open_file(void **state)
{
	(void)state;
	assert_int_equal(flock_ex(1, 10), P9_LOCK_SUCCESS);
	assert_int_equal(closes(1, 10), P9_LOCK_SUCCESS);
	assert_int_equal(closes(1, 11), P9_LOCK_SUCCESS);
	assert_int_equal(flock_un(2, 10), P9_LOCK_SUCCESS);
	assert_false(is_free(0));
	/* Another process changes it, since the open file is the owner; and releases it. */
	assert_int_equal(lock(1, 12, P9_LOCK_RDLCK, WAITS, 0, 0), P9_LOCK_SUCCESS);
	assert_int_equal(closes(1, 12), P9_LOCK_SUCCESS);
	assert_false(is_free(0));
	assert_int_equal(flock_un(1, 13), P9_LOCK_SUCCESS);
	assert_true(is_free(0));
	/* The last close of the open file is its end. */
	assert_int_equal(flock_ex(1, 10), P9_LOCK_SUCCESS);
	assert_int_equal(closes(1, 10), P9_LOCK_SUCCESS);
	assert_int_equal(p9c_clunk(&c, 1), 0);
	assert_true(is_free(0));
}

/* A lock of the whole file that may have been fcntl's, and so released. */
static void a_doubtful_lock_gives_way(void **state)
{
	(void)state;
	/* The guest's kernel has granted the lock to another process: then the first has none any more. */
	assert_int_equal(lock(1, 7, P9_LOCK_WRLCK, 0, 0, 0), P9_LOCK_SUCCESS);
	assert_int_equal(lock(1, 7, P9_LOCK_UNLCK, 0, 0, 0), P9_LOCK_SUCCESS);
	assert_int_equal(lock(2, 8, P9_LOCK_WRLCK, 0, 0, 0), P9_LOCK_SUCCESS);
	assert_int_equal(lock(1, 9, P9_LOCK_WRLCK, 0, 5, 5), P9_LOCK_BLOCKED);
	assert_int_equal(p9c_clunk(&c, 2), 0);
	assert_true(is_free(0));
	/* Whoever has written under the lock, and releases it, is done with it. */
	assert_int_equal(lock(1, 7, P9_LOCK_WRLCK, 0, 0, 0), P9_LOCK_SUCCESS);
	assert_int_equal(p9c_write(&c, 1, 0, "x", 1), 1);
	assert_int_equal(lock(1, 7, P9_LOCK_UNLCK, 0, 0, 0), P9_LOCK_SUCCESS);
	assert_true(is_free(0));
}

#define KIND(kind) ((uint32_t)P9_LOCK_KIND_##kind << P9_LOCK_KIND_SHIFT)

/* flock(2) as a client asks for it that tells kinds: LOCK_NB. */
static int tells_flock(uint32_t fid, uint8_t type)
{
	return lock(fid, 7, type, KIND(FLOCK), 0, 0);
}

/* With a client that says what is flock's, it is the host's, and fcntl's locks are another space. */
static void flock_that_is_told_is_the_hosts(void **state)
{
	(void)state;
	assert_int_equal(tells_flock(1, P9_LOCK_WRLCK), P9_LOCK_SUCCESS);
	assert_int_equal(flock(host, LOCK_SH | LOCK_NB), -1);
	assert_true(is_free(0));
	assert_int_equal(lock(2, 7, P9_LOCK_WRLCK, KIND(PROCESS), 0, 0), P9_LOCK_SUCCESS);
	assert_false(is_free(0));
	assert_int_equal(tells_flock(2, P9_LOCK_RDLCK), P9_LOCK_BLOCKED);
	/* That a process closes a descriptor releases its record locks alone; who releases flock's does not matter. */
	assert_int_equal(lock(1, 7, P9_LOCK_UNLCK, KIND(PROCESS), 0, 0), P9_LOCK_SUCCESS);
	assert_true(is_free(0));
	assert_int_equal(flock(host, LOCK_SH | LOCK_NB), -1);
	assert_int_equal(lock(1, 9, P9_LOCK_UNLCK, KIND(FLOCK), 0, 0), P9_LOCK_SUCCESS);
	assert_int_equal(flock(host, LOCK_SH | LOCK_NB), 0);
	/* The host's flock is seen, and who cannot have a stronger lock has lost the old one, as flock(2) has it. */
	assert_int_equal(tells_flock(1, P9_LOCK_RDLCK), P9_LOCK_SUCCESS);
	assert_int_equal(tells_flock(2, P9_LOCK_RDLCK), P9_LOCK_SUCCESS);
	assert_int_equal(tells_flock(1, P9_LOCK_WRLCK), P9_LOCK_BLOCKED);
	assert_int_equal(tells_flock(2, P9_LOCK_UNLCK), P9_LOCK_SUCCESS);
	assert_int_equal(flock(host, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(tells_flock(1, P9_LOCK_RDLCK), P9_LOCK_BLOCKED);
	assert_int_equal(flock(host, LOCK_UN), 0);
	/* The last close is its end; and flock has no parts. */
	assert_int_equal(tells_flock(1, P9_LOCK_WRLCK), P9_LOCK_SUCCESS);
	assert_int_equal(p9c_clunk(&c, 1), 0);
	assert_int_equal(flock(host, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(lock(2, 7, P9_LOCK_WRLCK, KIND(FLOCK), 0, 10), -EINVAL);
}

/* F_OFD_SETLK: two open files of one process exclude each other on the host, and the end of a process is not theirs. */
static void locks_of_open_files_that_are_told(void **state)
{
	(void)state;
	assert_int_equal(lock(1, 7, P9_LOCK_RDLCK, KIND(FILE), 0, 10), P9_LOCK_SUCCESS);
	assert_int_equal(lock(2, 7, P9_LOCK_RDLCK, KIND(FILE), 0, 10), P9_LOCK_SUCCESS);
	assert_int_equal(lock(2, 7, P9_LOCK_WRLCK, KIND(FILE), 0, 10), P9_LOCK_BLOCKED);
	assert_int_equal(lock(1, 7, P9_LOCK_UNLCK, KIND(PROCESS), 0, 0), P9_LOCK_SUCCESS);
	assert_int_equal(lock(1, 8, P9_LOCK_UNLCK, KIND(FILE), 0, 0), P9_LOCK_SUCCESS);
	assert_false(is_free(0));
	assert_int_equal(lock(2, 7, P9_LOCK_WRLCK, KIND(FILE), 0, 10), P9_LOCK_SUCCESS);
	/* Tgetlock does not say the kind: its own lock does not keep an open file from another. */
	assert_int_equal(p9c_call(&c, P9_TGETLOCK, "dbqqds", 2, P9_LOCK_WRLCK, 0, 10, 7, "guest"), 0);
	assert_int_equal(wire_get_u8(&c.r), P9_LOCK_UNLCK);
	assert_int_equal(p9c_clunk(&c, 2), 0);
	assert_true(is_free(0));
	/* A whole file that a process has locked is released when it closes any descriptor of it, also an unused one. */
	assert_int_equal(lock(1, 7, P9_LOCK_WRLCK, KIND(PROCESS), 0, 0), P9_LOCK_SUCCESS);
	assert_int_equal(lock(1, 8, P9_LOCK_UNLCK, KIND(PROCESS), 0, 0), P9_LOCK_SUCCESS);
	assert_false(is_free(0));
	assert_int_equal(lock(1, 7, P9_LOCK_UNLCK, KIND(PROCESS), 0, 0), P9_LOCK_SUCCESS);
	assert_true(is_free(0));
}

static void locked_ranges_are_counted(void **state)
{
	uint32_t owners = FS_LOCKS_MAX / FS_LOCKS_FILE_MAX;

	(void)state;
	for (uint32_t pid = 1; pid <= owners; pid++)
		for (uint64_t i = 0; i < FS_LOCKS_FILE_MAX; i++)
			assert_int_equal(lock(1, pid, P9_LOCK_RDLCK, 0, 2 * i, 1), P9_LOCK_SUCCESS);
	/* One owner has all that it may have, and together they have all that there may be. */
	assert_int_equal(lock(1, 1, P9_LOCK_RDLCK, 0, 2 * FS_LOCKS_FILE_MAX, 1), -ENOLCK);
	assert_int_equal(lock(1, owners + 1, P9_LOCK_RDLCK, 0, 0, 1), -ENOLCK);
	/* Ranges that become one, or that are released, make room. */
	assert_int_equal(lock(1, 1, P9_LOCK_RDLCK, 0, 1, 1), P9_LOCK_SUCCESS);
	assert_int_equal(lock(1, 1, P9_LOCK_RDLCK, 0, 2 * FS_LOCKS_FILE_MAX, 1), P9_LOCK_SUCCESS);
	assert_int_equal(closes(1, 2), P9_LOCK_SUCCESS);
	assert_int_equal(lock(1, owners + 1, P9_LOCK_RDLCK, 0, 0, 1), P9_LOCK_SUCCESS);
	assert_int_equal(p9c_clunk(&c, 1), 0);
	assert_true(is_free(0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_process_never_conflicts_with_itself, setup, teardown),
		cmocka_unit_test_setup_teardown(others_release_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(flock_belongs_to_the_open_file, setup, teardown),
		cmocka_unit_test_setup_teardown(a_doubtful_lock_gives_way, setup, teardown),
		cmocka_unit_test_setup_teardown(flock_that_is_told_is_the_hosts, setup, teardown),
		cmocka_unit_test_setup_teardown(locks_of_open_files_that_are_told, setup, teardown),
		cmocka_unit_test_setup_teardown(locked_ranges_are_counted, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
