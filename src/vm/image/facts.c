/* SPDX-License-Identifier: Apache-2.0 */
/* Facts about a kernel: see facts.h. */
#include "vm/image/facts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "vm/image/mapping.h"

#include "vm/image/unpack.h"

#define FACTS_FORMAT "vmrunc-facts-1"

int facts_release(const void *image, size_t len, char ret_release[BZIMAGE_RELEASE_MAX], struct err *err)
{
	static const char banner[] = "Linux version ";
	const char *p = image, *end = p + len;

	/*
	 * The image has the words in format strings too; only in the banner is a release behind them, with a digit
	 * first.
	 */
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
	return err_set(err, EBADMSG, "it is not a Linux kernel: it has no \"Linux version\" text");
}

/* Unpacks the configuration that CONFIG_IKCONFIG embeds, gzip between two marks; @ret stays empty if there is none. */
static void embedded_config(const void *image, size_t len, struct buf *ret)
{
	static const char mark[] = "IKCFG_ST";
	const char *p = memmem(image, len, mark, sizeof(mark) - 1);

	if (!p)
		return;
	p += sizeof(mark) - 1;
	len -= (size_t)(p - (const char *)image);
	if (unpack(unpack_detect(p, len), p, len, FACTS_CONFIG_MAX, unpack_to_buf, ret, NULL, NULL) < 0)
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

/* Whether the image has @text as a whole string: between two NULs. */
static bool image_has(const void *image, size_t len, const char *text)
{
	char bytes[MODULE_NAME_LEN] = "";
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

int facts_look(int fd, struct facts *ret, struct err *err)
{
	automapping image = { 0 };
	int r = mapping_open(fd, BZIMAGE_KERNEL_MAX, &image, err);

	if (r == 0)
		r = facts_release(image.data, image.len, ret->release, err);
	if (r == 0)
		facts_from_image(image.data, image.len, ret->built_in);
	return r;
}

/* --- kept in the cache: one line, the format, the release, and "y" or "n" for each need --- */

/* The id of the entry for the file that has the state @st: it changes with the needs, too. */
static struct cache_id facts_id(const struct stat *st)
{
	struct cache_id id = CACHE_ID_INIT;

	cache_id_add_str(&id, FACTS_FORMAT);
	cache_id_add_stat(&id, st);
	for (size_t i = 0; i < MODULES_NEEDS; i++)
		cache_id_add_str(&id, modules_needs[i].config);
	return id;
}

static int fill_facts(int fd, void *arg, struct err *err)
{
	const struct facts *f = arg;
	autobuf text = BUF_INIT;
	int r;

	buf_printf(&text, "%s %s", FACTS_FORMAT, f->release);
	for (size_t i = 0; i < MODULES_NEEDS; i++)
		buf_printf(&text, " %c", f->built_in[i] == MODULE_BUILT_IN ? 'y' : 'n');
	buf_puts(&text, "\n");
	r = buf_error(&text) ? buf_error(&text) : fd_write_full(fd, text.data, text.len);
	return r < 0 ? err_sys(err, r, "cannot write to the cache") : 0;
}

/* Reads what fill_facts() has written: 0, or -EBADMSG, in which case *ret may be half filled. */
static int parse_facts(const char *text, struct facts *ret)
{
	const char *p = text + strlen(FACTS_FORMAT) + 1;
	size_t n;

	if (strncmp(text, FACTS_FORMAT " ", strlen(FACTS_FORMAT) + 1) != 0)
		return -EBADMSG;
	n = strcspn(p, " ");
	if (n == 0 || n >= sizeof(ret->release))
		return -EBADMSG;
	memcpy(ret->release, p, n);
	ret->release[n] = '\0';
	p += n;
	for (size_t i = 0; i < MODULES_NEEDS; i++, p += 2) {
		if (p[0] != ' ' || (p[1] != 'y' && p[1] != 'n'))
			return -EBADMSG;
		ret->built_in[i] = p[1] == 'y' ? MODULE_BUILT_IN : MODULE_MISSING;
	}
	return strcmp(p, "\n") == 0 ? 0 : -EBADMSG;
}

bool facts_load(struct cache *cache, const struct stat *st, struct facts *ret)
{
	struct cache_id id = facts_id(st);
	autoclose int fd = cache_get(cache, "facts", &id, NULL);
	char text[BZIMAGE_RELEASE_MAX + 64];
	ssize_t n = fd < 0 ? -1 : fd_read_full(fd, text, sizeof(text) - 1);

	if (n <= 0)
		return false;
	text[n] = '\0';
	return parse_facts(text, ret) == 0;
}

void facts_store(struct cache *cache, const struct stat *st, const struct facts *f)
{
	struct cache_id id = facts_id(st);
	autoclose unused int fd = cache_make(cache, "facts", &id, fill_facts, (void *)f, NULL, NULL);
}
