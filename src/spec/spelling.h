/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One spelling of each key. Programs in Go take the key of a field in any case ("CPU" for "cpu"), so engines may write
 * it so. The tree of a config is brought to the spelling of the tables once, when it has been parsed; decoding,
 * validation, the support table and merging compare keys exactly.
 */
#ifndef SPEC_SPELLING_H
#define SPEC_SPELLING_H

#include "json/json.h"
#include "spec/decode.h"

/*
 * Gives the members of the object @j, which stands at the path @at, and of the objects below it, the keys that the table
 * @o has for them in another case, with a warning. Where a field is there in several spellings the last one counts, as
 * in Go, and the others are taken out of the tree, with a warning each. The keys of maps are names, and stay.
 */
void spelling_mend(struct decode *d, const struct where *at, struct json *j, const struct spec_object *o);

#endif
