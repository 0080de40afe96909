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

/* From now on compiled programs are kept in @cache_dir (copied), as far as that can be written. */
void filter_store_use(const char *cache_dir);

#endif
