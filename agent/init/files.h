/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of a container's tmpfs for the host, which looks into them (podman cp): what FILE asks, see guest_file.
 *
 * Each place is a clone of the container's mount, which its process has made before it left the root to the container: the
 * container can mount what it likes over its own, and unmount that, and no path from here leads out of the clone. A node
 * is what open_by_handle_at(2) finds in it, which takes no descriptor as long as nothing is done with it: a host's kernel keeps
 * nodes for as long as it has memory. Nothing here waits for the container: files are opened with O_NONBLOCK, and only regular
 * ones and directories are.
 */
#ifndef AGENT_INIT_FILES_H
#define AGENT_INIT_FILES_H

#include "base/base.h"
#include "base/buf.h"
#include "channel/proto.h"

struct files;

/* Adds a place to *@files, which is made with the first one: @fd, taken also on failure; -1: there is none to be seen. 0 or -errno. */
must_check int files_add(struct files **files, int fd);

/* Frees @files. Accepts NULL. */
void files_free(struct files *files);

/* Does @f, and appends a proto_file to @out: 0 or -errno. @files may be NULL: there are no places. */
must_check int files_do(struct files *files, const struct guest_file *f, struct buf *out);

/* Closes @handle, if it is open. @files may be NULL. */
void files_close(struct files *files, uint64_t handle);

#endif
