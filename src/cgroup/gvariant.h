/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of systemd properties, as annotations have them: in GVariant's text format
 * (https://docs.gtk.org/glib/gvariant-text-format.html). Properties need only a part of it: true, false, numbers with
 * or without a word for their type, 'strings', and arrays of strings.
 */
#ifndef CGROUP_GVARIANT_H
#define CGROUP_GVARIANT_H

#include <systemd/sd-bus.h>

#include "base/base.h"

/*
 * Appends to @m a property "(sv)": @name and the value that @text stands for. As in runc, a number for a name that
 * ends in "Sec" counts seconds: the name then ends in "USec" and the number counts microseconds. Returns >= 0, -EINVAL
 * if @name or @text is wrong, or another error of sd-bus.
 */
must_check int gvariant_append_property(sd_bus_message *m, const char *name, const char *text);

#endif
