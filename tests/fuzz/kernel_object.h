/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the kernel in memory (kernel.h) know of each other: open files, what can be done with one, memory. */
#ifndef TESTS_FUZZ_KERNEL_OBJECT_H
#define TESTS_FUZZ_KERNEL_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/uio.h>

#define KERNEL_PASS_MAX 253 /* descriptors of a message: SCM_MAX_FD */

struct kernel_file;
struct kernel_sock;
struct kernel_pipe;

/* A transfer of bytes: read(2), write(2) and all that are like them. */
struct kernel_io {
	const struct iovec *iov;
	size_t iov_len;
	size_t total;        /* bytes of @iov */
	size_t max;          /* most that a stream may take or give now, if that is less: a fault */
	int flags;           /* MSG_... */
	struct msghdr *msg;  /* NULL: it is no sendmsg(2) or recvmsg(2) */
	size_t control_room; /* of a recvmsg(2): for control messages */
};

/* What a kind of file does. Results are >= 0 or -errno; -EAGAIN is what a call that may wait would wait for. */
struct kernel_ops {
	mode_t mode; /* st_mode */
	ssize_t (*read)(struct kernel_file *f, struct kernel_io *io);
	ssize_t (*write)(struct kernel_file *f, struct kernel_io *io);
	uint32_t (*poll)(const struct kernel_file *f);  /* EPOLL...; NULL: epoll refuses such a file */
	ssize_t (*unread)(const struct kernel_file *f); /* FIONREAD; NULL: ENOTTY */
	void (*release)(struct kernel_file *f);         /* NULL: there is nothing to do */
	bool is_stream;                                 /* it may take or give less than is asked for */
};

/* One registration at an epoll instance: of a file by a descriptor. */
struct kernel_item {
	TAILQ_ENTRY(kernel_item) link; /* in the instance, the one that was reported last at the end */
	LIST_ENTRY(kernel_item) of_file;
	struct kernel_file *epoll, *file;
	int fd;
	struct epoll_event event;
};

/* What an epoll instance has. */
TAILQ_HEAD(kernel_items, kernel_item);

/* An open file description. */
struct kernel_file {
	const struct kernel_ops *ops;
	unsigned int refs;
	int flags; /* access mode, O_NONBLOCK, O_APPEND, O_PATH */
	ino_t ino;
	LIST_HEAD(, kernel_item) items;
	union {
		uint64_t count;            /* of an eventfd */
		uint64_t due_ns;           /* of a timer; 0: it is not armed */
		struct kernel_items epoll; /* of an epoll instance */
		struct kernel_sock *sock;  /* also of an O_PATH descriptor of a bound socket */
		struct kernel_pipe *pipe;
		struct {
			struct kernel_data *data;
			size_t at;
		} mem;            /* a file */
		const char *path; /* a directory */
	} u;
};

/* --- kernel.c --- */

/*
 * A new descriptor of a new file of @ops with @flags (O_CLOEXEC is the descriptor's; the socket's flags are the same bits):
 * it, with the file in *@ret_file, or -errno.
 */
int kernel_file_new(const struct kernel_ops *ops, int flags, struct kernel_file **ret_file);

/* A new descriptor of @f, the lowest from @least on: it, or -errno. It takes a reference of its own. */
int kernel_fd_new(struct kernel_file *f, int least, bool cloexec);

/* Closes @fd, which is open. */
void kernel_fd_close(int fd);

/* Whether descriptors are made here now. */
bool kernel_is_on(void);

/* The flag FD_CLOEXEC of @fd, which is open. */
bool *kernel_cloexec_of(int fd);

/* The working directory is /proc/self/fd, or is none of this kernel's. */
void kernel_chdir(bool proc);

#define FAULT_SHORT 1u /* streams take and give less than they could */
#define FAULT_AGAIN 2u /* EAGAIN where O_NONBLOCK or MSG_DONTWAIT is */
#define FAULT_INTR 4u  /* EINTR */

/* Whether a fault of @kind happens now. */
bool kernel_fault(unsigned int kind);

/* Some number, which tells how large a fault is. */
uint32_t kernel_fault_number(void);

/* The file that @path is a link to, if the working directory is /proc/self/fd; else NULL. */
struct kernel_file *kernel_link(const char *path);

/* The file of @fd, a descriptor of this kernel; NULL if it is not open. */
struct kernel_file *kernel_file_of(int fd);

/* Drops a reference, the last of which releases the file. */
void kernel_file_put(struct kernel_file *f);

/* @size bytes that nobody gives back but with kernel_free(), or the end of the input. */
void *kernel_alloc(size_t size);
void kernel_free(void *p, size_t size);

/* The clock of timers. */
extern uint64_t kernel_now_ns;

/* Lets the time of the next timer come. False: there is none. */
bool kernel_time_goes_on(void);

/* Copies between the bytes of @io from @at on and @bytes. */
void kernel_io_put(const struct kernel_io *io, size_t at, const void *bytes, size_t len);
void kernel_io_get(const struct kernel_io *io, size_t at, void *bytes, size_t len);

/* --- kernel_blocks.c --- */

/* How many large pieces of memory are not freed. */
unsigned int kernel_blocks_used(void);

/* --- kernel_files.c --- */

extern const struct kernel_ops kernel_event_ops, kernel_timer_ops, kernel_epoll_ops, kernel_null_ops, kernel_mem_ops,
	kernel_proc_ops, kernel_dir_ops;

/* The calls of their names; results as those of struct kernel_ops. */
int kernel_pipe(int fds[2], int flags);
int kernel_memfd(int flags);
int kernel_epoll_ctl(
	struct kernel_file *epoll, int op, int fd, struct kernel_file *file, const struct epoll_event *event);
int kernel_epoll_events(struct kernel_file *epoll, struct epoll_event *events, int max);
int kernel_truncate(struct kernel_file *f, size_t size);
ssize_t kernel_seek(struct kernel_file *f, ssize_t at, int whence);

/* The bytes of a file; 0: it is none. */
size_t kernel_size(const struct kernel_file *f);

/* Takes @f, which is about to go, out of all epoll instances. */
void kernel_epoll_forget(struct kernel_file *f);

/* Opens the file of @f anew, as opening its link in /proc/self/fd does. */
int kernel_reopen(struct kernel_file *f, int flags);

/* Whether @f is a pipe, and its size, which @size > 0 sets before. */
int kernel_pipe_size(struct kernel_file *f, int size);

/* --- kernel_sock.c --- */

extern const struct kernel_ops kernel_sock_ops, kernel_path_ops;

/* The calls of their names; results as those of struct kernel_ops. */
int kernel_socketpair(int domain, int type, int fds[2]);
int kernel_socket(int domain, int type);
int kernel_bind(struct kernel_file *f, const struct sockaddr *addr, socklen_t len);
int kernel_listen(struct kernel_file *f, int backlog);
int kernel_connect(struct kernel_file *f, const struct sockaddr *addr, socklen_t len);
int kernel_accept(struct kernel_file *f, struct sockaddr *addr, socklen_t *len, int flags);
int kernel_name(struct kernel_file *f, bool peer, struct sockaddr *addr, socklen_t *len);
int kernel_shutdown(struct kernel_file *f, int how);
int kernel_get_option(struct kernel_file *f, int level, int name, void *value, socklen_t *len);
int kernel_set_option(struct kernel_file *f, int level, int name, const void *value, socklen_t len);

/* The names of sockets in directories, whose paths are compared as they are. */
int kernel_path_open(const char *path, int flags);
int kernel_path_unlink(const char *path);

/* Forgets all names. */
void kernel_sock_begin(void);

#endif
