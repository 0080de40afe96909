/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings of an interface (net.ipv4.conf.IF.x, net.ipv6.conf.IF.x) that somebody has made.
 *
 * Most are what the namespace gives to each new interface. A tap of ours was given the same, so that what an interface
 * has otherwise than its tap is its own.
 */
#ifndef NET_SETTINGS_H
#define NET_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/link.h"

struct setting {
	const char *family; /* "ipv4", "ipv6" */
	const char *name;   /* as below /proc/sys/net/FAMILY/conf/IF */
	uint32_t value;
};

/*
 * Finds the next setting of @l that is its own, from number *@at on, which begins with 0 and is moved behind it. False:
 * there is none any more.
 */
bool settings_next(const struct link *l, const struct link *tap, size_t *at, struct setting *ret);

#endif
