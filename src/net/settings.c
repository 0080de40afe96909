/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of an interface: see settings.h. */
#include "net/settings.h"

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <stdbool.h>

/* What is told; the rest is the kernel's own state, or has no meaning for a guest. */
static const struct {
	bool six;
	unsigned int index; /* in link.conf4 or link.conf6 */
	const char *name;
} rows[] = {
	{ false, IPV4_DEVCONF_FORWARDING - 1, "forwarding" },
	{ false, IPV4_DEVCONF_PROXY_ARP - 1, "proxy_arp" },
	{ false, IPV4_DEVCONF_ACCEPT_REDIRECTS - 1, "accept_redirects" },
	{ false, IPV4_DEVCONF_SECURE_REDIRECTS - 1, "secure_redirects" },
	{ false, IPV4_DEVCONF_SEND_REDIRECTS - 1, "send_redirects" },
	{ false, IPV4_DEVCONF_SHARED_MEDIA - 1, "shared_media" },
	{ false, IPV4_DEVCONF_RP_FILTER - 1, "rp_filter" },
	{ false, IPV4_DEVCONF_ACCEPT_SOURCE_ROUTE - 1, "accept_source_route" },
	{ false, IPV4_DEVCONF_LOG_MARTIANS - 1, "log_martians" },
	{ false, IPV4_DEVCONF_ARPFILTER - 1, "arp_filter" },
	{ false, IPV4_DEVCONF_NOXFRM - 1, "disable_xfrm" },
	{ false, IPV4_DEVCONF_NOPOLICY - 1, "disable_policy" },
	{ false, IPV4_DEVCONF_FORCE_IGMP_VERSION - 1, "force_igmp_version" },
	{ false, IPV4_DEVCONF_ARP_ANNOUNCE - 1, "arp_announce" },
	{ false, IPV4_DEVCONF_ARP_IGNORE - 1, "arp_ignore" },
	{ false, IPV4_DEVCONF_PROMOTE_SECONDARIES - 1, "promote_secondaries" },
	{ false, IPV4_DEVCONF_ARP_ACCEPT - 1, "arp_accept" },
	{ false, IPV4_DEVCONF_ARP_NOTIFY - 1, "arp_notify" },
	{ false, IPV4_DEVCONF_ACCEPT_LOCAL - 1, "accept_local" },
	{ false, IPV4_DEVCONF_SRC_VMARK - 1, "src_valid_mark" },
	{ false, IPV4_DEVCONF_PROXY_ARP_PVLAN - 1, "proxy_arp_pvlan" },
	{ false, IPV4_DEVCONF_ROUTE_LOCALNET - 1, "route_localnet" },
	{ false, IPV4_DEVCONF_IGNORE_ROUTES_WITH_LINKDOWN - 1, "ignore_routes_with_linkdown" },
	{ false, IPV4_DEVCONF_DROP_UNICAST_IN_L2_MULTICAST - 1, "drop_unicast_in_l2_multicast" },
	{ false, IPV4_DEVCONF_DROP_GRATUITOUS_ARP - 1, "drop_gratuitous_arp" },
	{ true, DEVCONF_FORWARDING, "forwarding" },
	{ true, DEVCONF_HOPLIMIT, "hop_limit" },
	{ true, DEVCONF_ACCEPT_RA, "accept_ra" },
	{ true, DEVCONF_ACCEPT_REDIRECTS, "accept_redirects" },
	{ true, DEVCONF_AUTOCONF, "autoconf" },
	{ true, DEVCONF_USE_TEMPADDR, "use_tempaddr" },
	{ true, DEVCONF_ACCEPT_RA_DEFRTR, "accept_ra_defrtr" },
	{ true, DEVCONF_ACCEPT_RA_PINFO, "accept_ra_pinfo" },
	{ true, DEVCONF_PROXY_NDP, "proxy_ndp" },
	{ true, DEVCONF_ACCEPT_SOURCE_ROUTE, "accept_source_route" },
	{ true, DEVCONF_DISABLE_IPV6, "disable_ipv6" },
};

bool settings_next(const struct link *l, const struct link *tap, size_t *at, struct setting *ret)
{
	while (*at < ARRAY_LEN(rows)) {
		size_t i = (*at)++;
		bool six = rows[i].six;
		unsigned int len = six ? MIN(l->conf6_len, tap->conf6_len) : MIN(l->conf4_len, tap->conf4_len);
		uint32_t own, given;

		if (rows[i].index >= len)
			continue;
		own = six ? l->conf6[rows[i].index] : l->conf4[rows[i].index];
		given = six ? tap->conf6[rows[i].index] : tap->conf4[rows[i].index];
		if (six && rows[i].index == DEVCONF_DISABLE_IPV6)
			given = 0; /* of a tap it is always set */
		if (own == given)
			continue;
		*ret = (struct setting){ .family = six ? "ipv6" : "ipv4", .name = rows[i].name, .value = own };
		return true;
	}
	return false;
}
