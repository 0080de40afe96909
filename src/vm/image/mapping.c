/* SPDX-License-Identifier: Apache-2.0 */
/* A file in memory: see mapping.h. */
#include "vm/image/mapping.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>

void mapping_done(struct mapping *m)
{
	if (m->data)
		munmap((void *)m->data, m->len);
	*m = (struct mapping){ 0 };
}

int mapping_open(int fd, uint64_t max, struct mapping *ret, struct err *err)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) < 0)
		return err_sys(err, errno, "cannot read the file");
	if (st.st_size <= 0 || (uint64_t)st.st_size > max)
		return err_set(err, EBADMSG, "not a kernel: the file has %lld bytes", (long long)st.st_size);
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return err_sys(err, errno, "cannot read the file");
	*ret = (struct mapping){ .data = p, .len = (size_t)st.st_size };
	return 0;
}
