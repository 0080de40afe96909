/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the support table; for support.c alone. */
#ifndef SPEC_SUPPORT_TABLE_H
#define SPEC_SUPPORT_TABLE_H

#include "spec/support.h"

extern const struct support_row support_table[]; /* ends with a NULL path */

#endif
