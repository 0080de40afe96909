/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of systemd properties as annotations have them: GVariant's text format
 * (https://docs.gtk.org/glib/gvariant-text-format.html), what of it properties
 * need: true, false, numbers with or without a type word, 'strings', and arrays
 * of strings.
 */
#ifndef CGROUP_GVARIANT_H
#define CGROUP_GVARIANT_H

#include <systemd/sd-bus.h>

#include "base/base.h"

/*
 * Appends "(sv)" of @name and the value @text. As runc does, a number for a
 * name that ends in "Sec" is of seconds, and becomes "USec" in microseconds.
 * -EINVAL, or an error of sd-bus.
 */
must_check int gvariant_append_property(sd_bus_message *m, const char *name, const char *text);

#endif
