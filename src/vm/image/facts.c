/* SPDX-License-Identifier: Apache-2.0 */
/* Facts about a kernel, read from its image. */
#include "vm/image/facts.h"

#include <errno.h>
#include <string.h>

#include "vm/image/unpack.h"

int facts_release(const void *image, size_t len, char ret_release[BZIMAGE_RELEASE_MAX], struct err *err)
{
	static const char banner[] = "Linux version ";
	const char *p = image, *end = p + len;

	/* The bare words stand in format strings too; a release starts with a digit. */
	while ((p = memmem(p, (size_t)(end - p), banner, sizeof(banner) - 1))) {
		size_t n = 0;

		p += sizeof(banner) - 1;
		while (p + n < end && n < BZIMAGE_RELEASE_MAX && p[n] > ' ' && p[n] < 0x7f && p[n] != '/')
			n++;
		if (n == 0 || n == BZIMAGE_RELEASE_MAX || p[0] < '0' || p[0] > '9' || p + n == end || p[n] != ' ')
			continue;
		memcpy(ret_release, p, n);
		ret_release[n] = '\0';
		return 0;
	}
	return err_set(err, EBADMSG, "no Linux kernel: it has no \"Linux version\" text");
}

static int put_buf(void *arg, const void *data, size_t len)
{
	struct buf *b = arg;

	buf_put(b, data, len);
	return buf_error(b);
}

/* The configuration of CONFIG_IKCONFIG: gzip between two marks. Leaves @ret empty if there is none. */
static void embedded_config(const void *image, size_t len, struct buf *ret)
{
	static const char mark[] = "IKCFG_ST";
	const char *p = memmem(image, len, mark, sizeof(mark) - 1);

	if (!p)
		return;
	p += sizeof(mark) - 1;
	len -= (size_t)(p - (const char *)image);
	if (unpack(unpack_detect(p, len), p, len, FACTS_CONFIG_MAX, put_buf, ret, NULL, NULL) < 0)
		buf_done(ret);
}

/* Whether @text has the line "OPTION=y". */
static bool config_has(const char *text, const char *option)
{
	size_t n = strlen(option);

	for (const char *p = text; (p = strstr(p, option)); p += n)
		if ((p == text || p[-1] == '\n') && strncmp(p + n, "=y", 2) == 0 &&
			(p[n + 2] == '\n' || p[n + 2] == '\0'))
			return true;
	return false;
}

/* Whether @text stands in the image as a whole string. */
static bool image_has(const void *image, size_t len, const char *text)
{
	char bytes[MODULE_NAME_LEN] = ""; /* NUL, text, NUL */
	size_t n = strlen(text);

	if (n + 2 > sizeof(bytes))
		return false;
	memcpy(bytes + 1, text, n + 1);
	return memmem(image, len, bytes, n + 2) != NULL;
}

void facts_from_config(const char *config, enum module_state ret_states[MODULES_NEEDS])
{
	for (size_t i = 0; i < MODULES_NEEDS; i++)
		ret_states[i] = config_has(config, modules_needs[i].config) ? MODULE_BUILT_IN : MODULE_MISSING;
}

void facts_from_image(const void *image, size_t len, enum module_state ret_states[MODULES_NEEDS])
{
	autobuf config = BUF_INIT;

	embedded_config(image, len, &config);
	if (config.len) {
		facts_from_config(config.data, ret_states);
		return;
	}
	for (size_t i = 0; i < MODULES_NEEDS; i++) {
		bool has = image_has(image, len, modules_needs[i].marker);

		ret_states[i] = has ? MODULE_BUILT_IN : MODULE_MISSING;
	}
}
