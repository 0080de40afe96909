/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's side of src/fuse: requests and replies over a pair of sockets that keep messages apart, as /dev/fuse does. */
#ifndef TESTS_FUSE_PEER_H
#define TESTS_FUSE_PEER_H

#include <stddef.h>
#include <stdint.h>

#include "base/loop.h"
#include "fuse/fuse.h"
#include "fuse/kernel.h"

struct fuse_peer {
	struct loop *loop;
	int fd;        /* the kernel's end */
	int service;   /* the other one, for fuse_new() */
	uint64_t sent; /* the number of the last request */
	struct watch *watch;
	/* the last reply */
	struct fuse_out_header header;
	char body[8192];
	size_t len;
};

/* Makes the pair; @loop is what serves the other end. */
void fuse_peer_begin(struct fuse_peer *p, struct loop *loop);
void fuse_peer_end(struct fuse_peer *p);

/* Sends request @opcode about @node with @len bytes of @body, and does not wait. */
void fuse_peer_send(struct fuse_peer *p, uint32_t opcode, uint64_t node, const void *body, size_t len);

/* Runs the loop until a reply has come: its error. */
int fuse_peer_reply(struct fuse_peer *p);

/* Both. */
int fuse_peer_ask(struct fuse_peer *p, uint32_t opcode, uint64_t node, const void *body, size_t len);

/* Looks @path up from the root ("12/stat"): 0 with *@ret, or the error. */
int fuse_peer_find(struct fuse_peer *p, const char *path, uint64_t *ret);

/* Opens, reads by @size bytes and closes the file @path: its text, which the next call changes; NULL with *@ret_error. */
const char *fuse_peer_text(struct fuse_peer *p, const char *path, uint32_t size, int *ret_error);

/* The names in the directory @path ("": the root), with a blank behind each, as above; READDIR asks for @size bytes. */
const char *fuse_peer_names(struct fuse_peer *p, const char *path, uint32_t size, int *ret_error);

#endif
