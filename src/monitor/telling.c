/* SPDX-License-Identifier: Apache-2.0 */
/* From a view to what the guest is told: see telling.h. */
#include "monitor/telling.h"

#include <errno.h>
#include <linux/if.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "net/settings.h"

#define TOLD_FLAGS (IFF_UP | IFF_NOARP)

void telling_device_mac(unsigned int i, uint8_t mac[LINK_MAC_BYTES])
{
	const uint8_t first[LINK_MAC_BYTES] = { 0x02, 0x76, 0x6d, 0x00, 0x00, (uint8_t)(i + 1) };

	memcpy(mac, first, sizeof(first));
}

void telling_done(struct telling *t)
{
	free(t->net.nics.at);
	free(t->net.sysctl.at);
	free(t->net.messages.at);
	buf_done(&t->texts);
}

/* A MAC address as the channel has it. */
static uint64_t mac_number(const uint8_t mac[LINK_MAC_BYTES])
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < LINK_MAC_BYTES; i++)
		n |= (uint64_t)mac[i] << (8 * i);
	return n;
}

/* The MAC address that an interface gets: the host's; one whose kind has none keeps the device's. */
static uint64_t nic_mac(const struct view_nic *nic, uint64_t device)
{
	uint64_t mac = mac_number(nic->link.mac);

	return mac ? mac : device;
}

/* The device whose tap is @ifindex; 0: none. */
static uint64_t device_of(const uint32_t *taps, unsigned int taps_len, uint32_t ifindex)
{
	for (unsigned int i = 0; i < taps_len; i++) {
		uint8_t mac[LINK_MAC_BYTES];

		telling_device_mac(i, mac);
		if (taps[i] == ifindex)
			return mac_number(mac);
	}
	return 0;
}

/* --- interfaces --- */

/*
 * The interface of @v that is @nic's and stands beside the same tap; NULL: there is none. A tap that has got another one
 * meanwhile is told as a device that is given back and taken again, so that nothing of the first one stays.
 */
static const struct view_nic *same_tie(const struct view *v, const struct view_nic *nic)
{
	for (size_t i = 0; v && i < v->nics_n; i++) {
		if (v->nics[i].tap.ifindex == nic->tap.ifindex && v->nics[i].link.ifindex == nic->link.ifindex)
			return &v->nics[i];
	}
	return NULL;
}

static bool same_settings(const struct link *a, const struct link *b)
{
	return a->conf4_len == b->conf4_len && a->conf6_len == b->conf6_len &&
	       memcmp(a->conf4, b->conf4, sizeof(a->conf4)) == 0 && memcmp(a->conf6, b->conf6, sizeof(a->conf6)) == 0;
}

/* Whether the guest would be told the same of both. */
static bool same_nic(const struct view_nic *a, const struct view_nic *b)
{
	const struct link *x = &a->link, *y = &b->link;

	return x->ifindex == y->ifindex && x->mtu == y->mtu && strcmp(x->name, y->name) == 0 &&
	       memcmp(x->mac, y->mac, sizeof(x->mac)) == 0 && (x->flags & TOLD_FLAGS) == (y->flags & TOLD_FLAGS) &&
	       same_settings(x, y);
}

/* Adds "net/FAMILY/conf/IF/NAME" with its value. The texts get their places when there are all. */
static void add_setting(struct telling *t, const char *interface, const struct setting *s)
{
	buf_printf(&t->texts, "net/%s/conf/%s/%s", s->family, interface, s->name);
	buf_put(&t->texts, "", 1);
	buf_printf(&t->texts, "%u", s->value);
	buf_put(&t->texts, "", 1);
	t->net.sysctl.len++;
}

/*
 * Adds what the interface has of settings. The guest makes no link-local address by itself: it is told the one that
 * the interface has.
 */
static void add_settings(struct telling *t, const struct view_nic *nic)
{
	const struct setting no_address = { .family = "ipv6", .name = "addr_gen_mode", .value = 1 };
	struct setting s;
	size_t at = 0;

	if (!nic->tap.ifindex)
		return;
	add_setting(t, nic->link.name, &no_address);
	while (settings_next(&nic->link, &nic->tap, &at, &s))
		add_setting(t, nic->link.name, &s);
}

/* Gives the texts their places. */
static int place_settings(struct telling *t)
{
	struct guest_values *to = &t->net.sysctl;
	const char *at = t->texts.data;

	to->at = calloc(to->len + 1, sizeof(*to->at));
	if (!to->at || buf_error(&t->texts))
		return -ENOMEM;
	for (uint32_t i = 0; i < to->len; i++) {
		to->at[i].key = at;
		at += strlen(at) + 1;
		to->at[i].value = at;
		at += strlen(at) + 1;
	}
	return 0;
}

/* Names the interfaces that are new or changed, each with the device that it is to be (lo has none), and those that are gone. */
static int tell_nics(const uint32_t *taps, unsigned int taps_len, const struct view *before, const struct view *now,
	struct telling *t)
{
	struct guest_nics *to = &t->net.nics;

	to->at = calloc((before ? before->nics_n : 0) + now->nics_n + 1, sizeof(*to->at));
	if (!to->at)
		return -ENOMEM;
	for (size_t i = 0; before && i < before->nics_n; i++) {
		const struct view_nic *nic = &before->nics[i];

		if (!same_tie(now, nic))
			to->at[to->len++] = (struct guest_nic){ .device = device_of(taps, taps_len, nic->tap.ifindex),
				.gone = true };
	}
	for (size_t i = 0; i < now->nics_n; i++) {
		const struct view_nic *nic = &now->nics[i], *old = same_tie(before, nic);

		if (old && same_nic(old, nic))
			continue;
		to->at[to->len++] = (struct guest_nic){
			.device = device_of(taps, taps_len, nic->tap.ifindex),
			.mac = nic_mac(nic, device_of(taps, taps_len, nic->tap.ifindex)),
			.name = nic->link.name,
			.ifindex = nic->link.ifindex,
			.mtu = nic->link.mtu,
			.up = nic->link.flags & IFF_UP,
			.noarp = nic->link.flags & IFF_NOARP,
		};
		add_settings(t, nic);
	}
	return place_settings(t);
}

/* --- messages --- */

/*
 * Whether an interface has come up, or has another name, for which the guest's goes down for a moment: then it may lack
 * addresses and routes that the host's still has.
 */
static bool any_lost(const struct view *before, const struct view *now)
{
	for (size_t i = 0; before && i < now->nics_n; i++) {
		const struct view_nic *nic = &now->nics[i], *old = same_tie(before, nic);

		if (old &&
			(strcmp(old->link.name, nic->link.name) != 0 || (nic->link.flags & ~old->link.flags & IFF_UP)))
			return true;
	}
	return false;
}

static bool has_message(const struct view *v, const struct view_message *m)
{
	for (size_t i = 0; v && i < v->messages_n; i++) {
		const struct view_message *other = &v->messages[i];

		if (other->type == m->type && other->len == m->len && memcmp(other->body, m->body, m->len) == 0)
			return true;
	}
	return false;
}

static void add_message(struct telling *t, uint16_t type, const struct view_message *m)
{
	t->net.messages.at[t->net.messages.len++] =
		(struct guest_net_message){ .type = type, .body = { .len = m->len, .at = m->body } };
}

/*
 * What was there and is not any more is deleted, in the opposite order; then comes what is new, or all of it. A message RTM_DELx has the
 * number behind that of RTM_NEWx.
 */
static int tell_messages(const struct view *before, const struct view *now, struct telling *t)
{
	bool all = any_lost(before, now);

	t->net.messages.at =
		calloc((before ? before->messages_n : 0) + now->messages_n + 1, sizeof(*t->net.messages.at));
	if (!t->net.messages.at)
		return -ENOMEM;
	for (size_t i = before ? before->messages_n : 0; i > 0; i--) {
		const struct view_message *m = &before->messages[i - 1];

		if (!has_message(now, m))
			add_message(t, (uint16_t)(m->type + 1), m);
	}
	for (size_t i = 0; i < now->messages_n; i++) {
		if (all || !has_message(before, &now->messages[i]))
			add_message(t, now->messages[i].type, &now->messages[i]);
	}
	return 0;
}

int telling_make(const char *id, const uint32_t *taps, unsigned int taps_len, const struct view *before,
	const struct view *now, struct telling *ret)
{
	int r;

	*ret = (struct telling){ .net = { .cid = id }, .texts = BUF_INIT };
	r = tell_nics(taps, taps_len, before, now, ret);
	if (r == 0)
		r = tell_messages(before, now, ret);
	return r < 0 ? r : ret->net.nics.len > 0 || ret->net.messages.len > 0;
}
