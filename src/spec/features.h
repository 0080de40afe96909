/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The document that `vmrunc features` prints (the spec's features.md), made from the support table.
 */
#ifndef SPEC_FEATURES_H
#define SPEC_FEATURES_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"

/* Appends the document to @out. 0, or -ENOMEM with a message. */
must_check int features_json(struct buf *out, struct err *err);

#endif
