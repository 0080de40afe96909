/* SPDX-License-Identifier: Apache-2.0 */
/* Text of unknown origin: see text.h. */
#include "base/text.h"

size_t text_utf8(const unsigned char *s, size_t len)
{
	unsigned char low = 0x80, high = 0xbf; /* bounds of the second byte */
	size_t n;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	if (n > len || s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	return n;
}

bool text_is_c1(const unsigned char *s)
{
	return s[0] == 0xc2 && s[1] < 0xa0;
}

void text_clean(char *text, size_t len)
{
	unsigned char *s = (unsigned char *)text, *end = s + len;

	while (s < end) {
		size_t n = text_utf8(s, (size_t)(end - s));

		if (n == 0)
			*s = '?';
		else if (n == 1 && (*s < ' ' || *s == 0x7f))
			*s = ' ';
		else if (n == 2 && text_is_c1(s))
			s[0] = s[1] = ' ';
		s += MAX(n, (size_t)1);
	}
}
