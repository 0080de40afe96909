/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the support table, which support.c alone reads. */
#ifndef SPEC_SUPPORT_TABLE_H
#define SPEC_SUPPORT_TABLE_H

#include "spec/support.h"

/* Ends with a row whose path is NULL. */
extern const struct support_row support_table[];

#endif
