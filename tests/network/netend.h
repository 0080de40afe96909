/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of netend share: see netend.c. */
#ifndef NETEND_H
#define NETEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

enum { PORT_SINK = 5101, PORT_SOURCE, PORT_LINE, PORT_RESET, PORT_WATCH, PORT_COUNT, PORT_ECHO, PORT_NOBODY };
#define GROUP4 "239.255.7.7"
#define GROUP6 "ff02::7:7"
#define LINE "a line of its own\n"
#define CHUNK 65536
#define PATIENCE_S 90 /* no packet takes so long: an emulated machine with others beside it is slow */
#define UDP_TRIES 20  /* a datagram may get lost */

/* What both ends of a bulk transfer agree on. */
struct bulk {
	uint64_t seed, bytes;
};

/* The address of the server that is asked. */
extern const char *server;

/* Whether that is one of IPv6. */
bool is6(void);

/* The server's address with a port. */
void server_at(uint16_t port, struct sockaddr_storage *ret, socklen_t *ret_len);

/* A connection to the server, or a socket of datagrams (@type: SOCK_x); -1 with errno. */
int dial(int type, uint16_t port);

/* Ends the program with what errno says of @what. */
_Noreturn void die(const char *what);

/* The next @bytes of the generator whose @state that is. */
void fill(uint8_t *to, size_t bytes, uint64_t *state);

/* Sends all; false with errno. */
bool write_all(int fd, const void *data, size_t bytes);

/* Reads @bytes or to the end: how many have come; -1 with errno. */
ssize_t read_all(int fd, void *to, size_t bytes);

/* Sends @b's bytes of the generator; false with errno. */
bool give_bulk(int fd, struct bulk b);

/* Takes all bytes of the generator to the end of the stream. 0; or -1; in both cases with what came in @why. */
int take_bulk(int fd, struct bulk b, char why[64]);

/* Closes @fd with a reset. */
void reset(int fd);

/* The program's words serve, check, segments and groups, with the arguments that follow. */
_Noreturn void serve(const char *name);
int check(char *argv[]);
int segments(char *argv[]);
int groups(char *argv[]);

#endif
