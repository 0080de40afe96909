/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shape of config.json: a table for each object (decode.h), as config.md, config-linux.md and config-vm.md of
 * runtime-spec 1.3 describe them. A comment names the C struct that a table fills.
 */
#ifndef SPEC_SCHEMA_H
#define SPEC_SCHEMA_H

#include "spec/decode.h"

extern const struct spec_object schema_config;    /* struct spec */
extern const struct spec_object schema_process;   /* struct spec_process */
extern const struct spec_object schema_linux;     /* struct spec_linux */
extern const struct spec_object schema_resources; /* struct spec_resources */
extern const struct spec_object schema_vm;        /* struct spec_vm */
extern const struct spec_object schema_idmap;     /* struct spec_idmap */

#endif
