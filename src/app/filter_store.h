/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiled seccomp programs, kept in the cache directory.
 *
 * libseccomp needs some 20 ms to compile an engine's default profile, and all containers of an engine have the same
 * one. An entry holds the whole profile beside the program, and is used for that very profile only: somebody who may
 * choose profiles cannot make theirs take the place of another one by a collision of hashes.
 */
#ifndef APP_FILTER_STORE_H
#define APP_FILTER_STORE_H

#include "spec/seccomp.h"

/*
 * Returns a store that keeps programs in @cache_dir. Where that cannot be read or written, the store is empty and keeps
 * nothing, without an error. @cache_dir is borrowed and must outlive the store.
 */
struct seccomp_store filter_store(const char *cache_dir);

#endif
