/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of unix sockets: see sock.h. */
#include "host/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"

int sock_address_at(int dirfd, const char *name, struct sockaddr_un *ret)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int len = snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", dirfd, name);

	if (len < 0 || len >= (int)sizeof(address.sun_path))
		return -ENAMETOOLONG;
	*ret = address;
	return 0;
}

int sock_connect_path(const char *path, int type)
{
	autofree char *copy = strdup(path);
	autoclose int dir = -1, fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	char *slash = copy ? strrchr(copy, '/') : NULL;
	struct sockaddr_un address;
	int r;

	if (!copy || fd < 0)
		return copy ? -errno : -ENOMEM;
	if (slash)
		*slash = '\0';
	dir = open(!slash ? "." : slash == copy ? "/" : copy, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	r = sock_address_at(dir, slash ? slash + 1 : copy, &address);
	if (r < 0)
		return r;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return steal_fd(&fd);
}
