/* SPDX-License-Identifier: Apache-2.0 */
/* Text of unknown origin, which is to be shown or written down: what in it is UTF-8, and what commands a terminal. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/base.h"

/*
 * The length of the UTF-8 sequence that begins at @s, of at most @len bytes, @len >= 1 (RFC 3629: the shortest form, no
 * surrogates, nothing above U+10FFFF); 0 if there is none.
 */
size_t text_utf8(const unsigned char *s, size_t len);

/*
 * Whether the sequence of two bytes at @s is one of the control characters U+0080 to U+009F. U+009B begins what a
 * terminal obeys, as ESC [ does.
 */
bool text_is_c1(const unsigned char *s);

/*
 * Makes one line of the @len bytes of @text that a terminal shows and does not obey: control characters become blanks,
 * and bytes that are not UTF-8 question marks, since a terminal that reads bytes obeys 0x80 to 0x9f as well.
 */
void text_clean(char *text, size_t len);

#endif
