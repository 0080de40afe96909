/* SPDX-License-Identifier: Apache-2.0 */
/* The device rules of cgroup v1: see devices.h. */
#include "cgroup/devices.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "cgroup/file.h"

/* What the monitor and QEMU open for any container, and what the runtime spec lets every container use. */
static const struct spec_device_rule own_rules[] = {
#define OWN(major_number, minor_number, bits)                                               \
	{                                                                                   \
		.allow = true, .type = 'c', .major = { (major_number) >= 0, major_number }, \
		.minor = { (minor_number) >= 0, minor_number }, .access = bits              \
	}
	/* the file service makes device nodes for the guest, of any number */
	OWN(-1, -1, SPEC_DEVICE_MKNOD), { .allow = true, .type = 'b', .access = SPEC_DEVICE_MKNOD }, OWN(1, 3, 7),
	OWN(1, 5, 7), OWN(1, 7, 7), OWN(1, 8, 7), OWN(1, 9, 7), /* null zero full random urandom */
	OWN(5, 0, 7), OWN(5, 2, 7), OWN(136, -1, 7),            /* tty ptmx pts */
	OWN(10, 200, 7), OWN(10, 232, 7),                       /* net/tun kvm */
#undef OWN
};

#define RULE_MAX 64 /* a letter, two numbers of 64 bits, and three letters */

/* Writes a device number to @to, or "*" for any number. */
static void put_number(char *to, size_t size, const struct opt_i64 *n)
{
	if (n->set && n->v >= 0)
		(void)snprintf(to, size, "%" PRId64, n->v);
	else
		(void)snprintf(to, size, "*");
}

/* Writes one rule as a line such as "c 1:3 rwm", for devices of @type. Returns 0, or -errno with an error. */
static int write_rule(const struct cgroups *c, const struct spec_device_rule *rule, char type, struct err *err)
{
	char text[RULE_MAX], major[24], minor[24];

	put_number(major, sizeof(major), &rule->major);
	put_number(minor, sizeof(minor), &rule->minor);
	(void)snprintf(text, sizeof(text), "%c %s:%s %s%s%s", type, major, minor,
		rule->access & SPEC_DEVICE_READ ? "r" : "", rule->access & SPEC_DEVICE_WRITE ? "w" : "",
		rule->access & SPEC_DEVICE_MKNOD ? "m" : "");
	return cgroup_file_write(c, rule->allow ? "devices.allow" : "devices.deny", text, err);
}

const struct spec_device_rule *cgroup_devices_own(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(own_rules);
	return own_rules;
}

int cgroup_devices_limit(const struct cgroups *c, const struct spec_device_rules *rules, struct err *err)
{
	int r = 0;

	if (rules->n == 0 || !cgroup_file_exists(c, "devices.deny"))
		return 0;
	for (size_t i = 0; r == 0 && i < rules->n; i++) {
		const struct spec_device_rule *rule = &rules->v[i];
		bool all = !rule->major.set && !rule->minor.set && rule->access == 7;

		/* the kernel ignores what stands behind an "a": such a line is about all devices */
		if (rule->type != 'a' || all) {
			r = write_rule(c, rule, rule->type, err);
		} else {
			r = write_rule(c, rule, 'c', err);
			if (r == 0)
				r = write_rule(c, rule, 'b', err);
		}
		if (r < 0)
			return err_prefix(err, "linux.resources.devices[%zu]", i);
	}
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(own_rules); i++) {
		r = write_rule(c, &own_rules[i], own_rules[i].type, err);
		if (r == -EPERM) { /* the parent's list does not have the device; most containers never need it */
			*err = (struct err)ERR_INIT;
			r = 0;
		}
	}
	return r;
}
