/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's linux/fuse.h, whose structs have members with a name that base/base.h has for a macro. */
#ifndef FUSE_KERNEL_H
#define FUSE_KERNEL_H

#pragma push_macro("unused")
#undef unused
#include <linux/fuse.h>
#pragma pop_macro("unused")

#endif
