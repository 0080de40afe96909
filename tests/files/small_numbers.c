/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A 32-bit program without large-file support, and without a C library, since there may be none for 32 bits: says for
 * each of its arguments what stat(2) and, of directories, getdents(2) as such programs call them give, "PATH ERROR ERROR";
 * EOVERFLOW (75) if an inode's number has more than 32 bits. tests/bats/40-mounts.bats builds it.
 */
enum { SYS_exit = 1, SYS_write = 4, SYS_open = 5, SYS_stat = 106, SYS_getdents = 141 };
enum { O_DIRECTORY = 0200000, ENOTDIR = 20 };

/* clang-format off */
__asm__(".globl _start\n"
	"_start:\n"
	"	xorl %ebp, %ebp\n"
	"	movl %esp, %eax\n"
	"	andl $-16, %esp\n"
	"	subl $12, %esp\n"
	"	pushl %eax\n"
	"	call begin\n");
/* clang-format on */

static long call(long number, long a, long b, long c)
{
	long result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory");
	return result;
}

static void say(const char *text)
{
	long len = 0;

	while (text[len])
		len++;
	call(SYS_write, 1, (long)text, len);
}

static void say_error(long result)
{
	char text[] = " 000";

	if (result > 0)
		result = 0;
	for (int i = 3; i > 0; i--, result /= 10)
		text[i] = (char)('0' - result % 10);
	say(text);
}

/* The error of listing @path, 0 at the end. */
static long list(const char *path)
{
	char entries[4096];
	long fd = call(SYS_open, (long)path, O_DIRECTORY, 0), result;

	if (fd < 0)
		return fd == -ENOTDIR ? 0 : fd;
	while ((result = call(SYS_getdents, fd, (long)entries, sizeof(entries))) > 0)
		;
	return result;
}

__attribute__((noreturn, used)) void begin(const long *stack);

void begin(const long *stack)
{
	char st[64];

	for (long i = 2; i <= stack[0]; i++) {
		const char *path = (const char *)stack[i];

		say(path);
		say_error(call(SYS_stat, stack[i], (long)st, 0));
		say_error(list(path));
		say("\n");
	}
	call(SYS_exit, 0, 0, 0);
	__builtin_unreachable();
}
