/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses of unix sockets whose paths are too long for one.
 *
 * A struct sockaddr_un holds 107 bytes of a path, and a state directory may lie deeper. So the socket's directory is
 * opened, and the address names the socket by the directory's descriptor.
 */
#ifndef HOST_SOCK_H
#define HOST_SOCK_H

#include <sys/un.h>

#include "base/base.h"

/*
 * Makes *ret the address of the socket @name in the directory @dirfd, for bind(2) or connect(2) of this process while
 * @dirfd is open: 0, or -ENAMETOOLONG (of @name alone).
 */
must_check int sock_address_at(int dirfd, const char *name, struct sockaddr_un *ret);

/*
 * Connects a socket of @type (SOCK_STREAM, ...) to @path, which may have any length: a descriptor (CLOEXEC) or -errno.
 */
must_check int sock_connect_path(const char *path, int type);

#endif
