/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `vmrunc features`: the spec's features document (features.md), from the support table.
 */
#ifndef SPEC_FEATURES_H
#define SPEC_FEATURES_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"

/* Appends the document. 0 or a negative errno with a message. */
must_check int features_json(struct buf *out, struct err *err);

#endif
