/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiled seccomp programs, kept in the cache directory.
 *
 * libseccomp needs some 20 ms for an engine's default profile, and all
 * containers of an engine have the same one. An entry holds the whole profile
 * beside the program, and is taken only for that very one: who may choose a
 * profile cannot gain another's place by a collision of hashes.
 */
#ifndef APP_FILTER_STORE_H
#define APP_FILTER_STORE_H

#include "spec/seccomp.h"

/*
 * A store that keeps programs in @cache_dir, as far as that can be written. @cache_dir is borrowed: it must outlive
 * the store.
 */
struct seccomp_store filter_store(const char *cache_dir);

#endif
