/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel in memory (kernel.h): its descriptors, its memory, its clock, and its faults.
 *
 * All memory is taken from one mapping, which begins anew with each input. It is no place where a leak checker looks for
 * pointers, so that what only a descriptor knows counts as lost.
 */
#include "tests/fuzz/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/base.h"
#include "tests/fuzz/kernel_object.h"

#define MEMORY (256ul << 20) /* as much as an input may use at a time; what is not touched costs nothing */
#define CLASS_MIN 5          /* log2 of the least piece of memory */
#define CLASSES 32

#define FAULT_FD 8u      /* one descriptor cannot be had */
#define FAULT_FDS 16u    /* nor can those after it */
#define FAULT_ENFILE 32u /* by the host's limit, not the process's */
#define FAULT_BYTES 6    /* at the end of an input: kinds, how seldom, which descriptor, a seed, KERNEL_FAULTS_MARK */

static struct {
	bool on;
	bool cwd_is_proc;
	struct {
		struct kernel_file *file; /* NULL: not open */
		bool cloexec;
	} fds[KERNEL_FDS];
	unsigned int open, top; /* how many are open; none from @top on is */
	ino_t next_ino;
	uint8_t *memory;
	size_t used;
	void *free[CLASSES]; /* lists of pieces, each with the next in its first bytes */
	struct {
		bool on;
		unsigned int kinds, seldom, fd;
		uint32_t state;
	} faults;
} k;

uint64_t kernel_now_ns;

/* --- memory --- */

static unsigned int class_of(size_t size)
{
	return size <= (size_t)1 << CLASS_MIN ? CLASS_MIN : 64u - (unsigned int)__builtin_clzl(size - 1);
}

void *kernel_alloc(size_t size)
{
	unsigned int class = class_of(size);
	void *p = k.free[class];

	if (p) {
		memcpy(&k.free[class], p, sizeof(void *));
		return p;
	}
	require(k.used + ((size_t)1 << class) <= MEMORY, "the memory of the kernel in memory");
	p = k.memory + k.used;
	k.used += (size_t)1 << class;
	return p;
}

void kernel_free(void *p, size_t size)
{
	unsigned int class = class_of(size);

	memcpy(p, &k.free[class], sizeof(void *));
	k.free[class] = p;
}

/* Copies between @bytes and those of @io from @at on, to the latter if @put. */
static void io_copy(const struct kernel_io *io, size_t at, uint8_t *bytes, size_t len, bool put)
{
	for (size_t i = 0; i < io->iov_len && len > 0; i++) {
		const struct iovec *v = &io->iov[i];
		size_t n;

		if (at >= v->iov_len) {
			at -= v->iov_len;
			continue;
		}
		n = MIN(len, v->iov_len - at);
		if (put)
			memcpy((uint8_t *)v->iov_base + at, bytes, n);
		else
			memcpy(bytes, (uint8_t *)v->iov_base + at, n);
		bytes += n;
		len -= n;
		at = 0;
	}
}

void kernel_io_put(const struct kernel_io *io, size_t at, const void *bytes, size_t len)
{
	io_copy(io, at, (uint8_t *)(uintptr_t)bytes, len, true);
}

void kernel_io_get(const struct kernel_io *io, size_t at, void *bytes, size_t len)
{
	io_copy(io, at, bytes, len, false);
}

/* --- faults --- */

void kernel_take_faults(struct input *in)
{
	const uint8_t *at;

	if (in->end - in->at < FAULT_BYTES || memcmp(in->end - 2, KERNEL_FAULTS_MARK, 2) != 0)
		return;
	in->end -= FAULT_BYTES;
	at = in->end;
	k.faults.kinds = at[0];
	k.faults.seldom = 2 + at[1] % 16;
	k.faults.fd = at[2] % 64;
	k.faults.state = at[3];
}

void kernel_faults(bool on)
{
	k.faults.on = on;
}

bool kernel_faulty(void)
{
	return k.faults.kinds != 0;
}

uint32_t kernel_fault_number(void)
{
	k.faults.state = k.faults.state * 1103515245u + 12345u;
	return k.faults.state >> 16;
}

bool kernel_fault(unsigned int kind)
{
	return k.faults.on && k.faults.kinds & kind && kernel_fault_number() % k.faults.seldom == 0;
}

/* Whether the descriptor that is to be made now cannot be had. */
static bool fault_fd(void)
{
	if (!k.faults.on || !(k.faults.kinds & (FAULT_FD | FAULT_FDS)))
		return false;
	if (k.faults.fd > 0) {
		k.faults.fd--;
		return false;
	}
	if (!(k.faults.kinds & FAULT_FDS))
		k.faults.kinds &= ~FAULT_FD;
	return true;
}

/* --- descriptors --- */

void kernel_begin(void)
{
	if (!k.memory) {
		k.memory =
			mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		require(k.memory != MAP_FAILED, "memory");
	}
	require(!k.on && k.open == 0, "the input before has not ended");
	k.on = true;
	k.cwd_is_proc = false;
	k.top = 0;
	k.next_ino = 1;
	k.used = 0;
	memset(k.free, 0, sizeof(k.free));
	memset(&k.faults, 0, sizeof(k.faults));
	kernel_now_ns = 1;
	kernel_sock_begin();
}

void kernel_use(bool on)
{
	k.on = on;
}

void kernel_end(void)
{
	require(k.open == 0, "a descriptor is left open");
	require(kernel_blocks_used() == 0, "memory is left");
	k.on = false;
}

unsigned int kernel_open_fds(void)
{
	return k.open;
}

struct kernel_file *kernel_file_of(int fd)
{
	return fd >= KERNEL_FIRST && fd < KERNEL_FIRST + KERNEL_FDS ? k.fds[fd - KERNEL_FIRST].file : NULL;
}

int kernel_fd_new(struct kernel_file *f, int least, bool cloexec)
{
	unsigned int i = least > KERNEL_FIRST ? (unsigned int)(least - KERNEL_FIRST) : 0;

	if (fault_fd())
		return k.faults.kinds & FAULT_ENFILE ? -ENFILE : -EMFILE;
	while (i < KERNEL_FDS && k.fds[i].file)
		i++;
	if (i >= KERNEL_FDS)
		return -EMFILE;
	k.fds[i].file = f;
	k.fds[i].cloexec = cloexec;
	k.open++;
	k.top = MAX(k.top, i + 1);
	f->refs++;
	return KERNEL_FIRST + (int)i;
}

int kernel_file_new(const struct kernel_ops *ops, int flags, struct kernel_file **ret_file)
{
	struct kernel_file *f = kernel_alloc(sizeof(*f));
	int fd;

	*f = (struct kernel_file){ .ops = ops, .flags = flags & ~O_CLOEXEC, .ino = k.next_ino };
	LIST_INIT(&f->items);
	fd = kernel_fd_new(f, 0, flags & O_CLOEXEC);
	if (fd < 0) {
		kernel_free(f, sizeof(*f));
		return fd;
	}
	k.next_ino++;
	*ret_file = f;
	return fd;
}

void kernel_file_put(struct kernel_file *f)
{
	if (--f->refs > 0)
		return;
	kernel_epoll_forget(f);
	if (f->ops->release)
		f->ops->release(f);
	kernel_free(f, sizeof(*f));
}

void kernel_fd_close(int fd)
{
	struct kernel_file *f = kernel_file_of(fd);

	require(f != NULL, "a descriptor that is closed twice");
	k.fds[fd - KERNEL_FIRST].file = NULL;
	k.open--;
	kernel_file_put(f);
}

struct kernel_file *kernel_link(const char *path)
{
	char *end;
	long fd = strtol(path, &end, 10);

	return k.cwd_is_proc && *path >= '0' && *path <= '9' && *end == '\0' ? kernel_file_of((int)fd) : NULL;
}

bool kernel_is_on(void)
{
	return k.on;
}

bool *kernel_cloexec_of(int fd)
{
	return &k.fds[fd - KERNEL_FIRST].cloexec;
}

void kernel_chdir(bool proc)
{
	k.cwd_is_proc = proc;
}

bool kernel_time_goes_on(void)
{
	uint64_t next = UINT64_MAX;

	for (unsigned int i = 0; i < k.top; i++) {
		const struct kernel_file *f = k.fds[i].file;

		if (f && f->ops == &kernel_timer_ops && f->u.due_ns > kernel_now_ns)
			next = MIN(next, f->u.due_ns);
	}
	if (next == UINT64_MAX)
		return false;
	kernel_now_ns = next;
	return true;
}
