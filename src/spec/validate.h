/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks what a config means, after decode.h has checked its types: the rules of the spec that a table cannot express,
 * and the few that every runtime adds. Validation also brings the spec into its one normal form (mount destinations are
 * absolute, an empty path is the same as none).
 *
 * All functions return 0, or -EINVAL or -ENOMEM with an error in @d.
 */
#ifndef SPEC_VALIDATE_H
#define SPEC_VALIDATE_H

#include "spec/decode.h"
#include "spec/rules.h"
#include "spec/spec.h"

/* Checks a whole config; @root is the tree that @spec was decoded from. */
must_check int validate_config(struct decode *d, const struct json *root, struct spec *spec);

/* Checks spec->process alone; it is not NULL. @root has the process at the path that it has in a config. */
must_check int validate_process_only(struct decode *d, const struct json *root, struct spec *spec);

/*
 * Checks spec->linux_->resources alone; it is not NULL. @root has the resources at the path that they have in a config.
 */
must_check int validate_resources_only(struct decode *d, const struct json *root, struct spec *spec);

/* --- validate_linux.c, called by validate.c --- */

/* Checks spec->linux_, which is not NULL (config-linux.md). */
must_check int validate_linux(struct validation *v);

/* Checks spec->linux_->resources, which is not NULL (config-linux.md, "Control groups"). */
must_check int validate_resources(struct validation *v);

#endif
