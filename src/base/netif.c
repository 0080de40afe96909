/* SPDX-License-Identifier: Apache-2.0 */
/* Network interfaces: see netif.h. */
#include "base/netif.h"

#include <errno.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/fd.h"

int netif_loopback_up(struct err *err)
{
	autoclose int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq req = { .ifr_name = "lo", .ifr_flags = IFF_UP };

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &req) < 0)
		return err_sys(err, errno, "cannot bring up the loopback interface of the network namespace");
	return 0;
}
