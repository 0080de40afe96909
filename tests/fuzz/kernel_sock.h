/* SPDX-License-Identifier: Apache-2.0 */
/* A socket of the kernel in memory, for the two files that know what it is: see kernel_sock.c. */
#ifndef TESTS_FUZZ_KERNEL_SOCK_H
#define TESTS_FUZZ_KERNEL_SOCK_H

#include <sys/un.h>

#include "tests/fuzz/kernel_object.h"

#define RCV_DOWN 1u /* of struct kernel_sock */
#define SEND_DOWN 2u
#define SHUT_BOTH (RCV_DOWN | SEND_DOWN)

enum state { UNCONNECTED, LISTENING, CONNECTED };

struct message {
	STAILQ_ENTRY(message) link;
	struct kernel_sock *from, *accepted; /* @accepted: a connection that waits; else NULL */
	size_t len, at, charge;              /* bytes; how many of them are read; what they take of @from's buffer */
	struct kernel_file **files;          /* SCM_RIGHTS */
	size_t files_len;
	uint8_t data[];
};

struct kernel_sock {
	int domain, type;
	enum state state;
	unsigned int down; /* RCV_DOWN, SEND_DOWN */
	int err;           /* > 0: the next call reports it */
	bool dead;         /* closed */
	struct kernel_sock *peer;
	STAILQ_HEAD(, message) queue;
	size_t queue_len, charged, sndbuf, backlog;
	struct sockaddr_un name;
	socklen_t name_len; /* 0: none */
	LIST_ENTRY(kernel_sock) named;
	bool is_named; /* in the list */
};

/* Puts a message of @len bytes, which the caller fills in, into the queue of @to. */
struct message *kernel_message_put(struct kernel_sock *from, struct kernel_sock *to, size_t len);

/* Takes the first message out of the queue of @sock, and frees it. */
void kernel_message_drop(struct kernel_sock *sock);

/* Whether @sock, which has connections or datagrams that wait, has as many as it may. */
bool kernel_queue_is_full(const struct kernel_sock *sock);

/* The error that @sock is to report, as -errno, which it then has reported; 0: none. */
int kernel_take_error(struct kernel_sock *sock);

/* Whether a socket of the type of @sock is one end of a connection: it is told when the other end goes. */
bool kernel_has_connections(const struct kernel_sock *sock);

/* What can be done with a socket: struct kernel_ops. */
ssize_t kernel_sock_read(struct kernel_file *f, struct kernel_io *io);
ssize_t kernel_sock_write(struct kernel_file *f, struct kernel_io *io);
uint32_t kernel_sock_poll(const struct kernel_file *f);
ssize_t kernel_sock_unread(const struct kernel_file *f);

#endif
