/* SPDX-License-Identifier: Apache-2.0 */
/* linux.resources.blockIO: see io.h. What counts is what the monitor's file service and QEMU read and write. */
#include "cgroup/io.h"

#include <inttypes.h>
#include <stdio.h>

#include "cgroup/file.h"

/* Weights of cgroup v1 are 10 to 1000, those of v2 1 to 10000. */
#define V1_WEIGHT_MIN 10u
#define V1_WEIGHT_MAX 1000u
#define V2_WEIGHT_MAX 10000u

unsigned int cgroup_io_weight_v2(unsigned int weight)
{
	weight = MIN(MAX(weight, V1_WEIGHT_MIN), V1_WEIGHT_MAX);
	return 1 + (weight - V1_WEIGHT_MIN) * (V2_WEIGHT_MAX - 1) / (V1_WEIGHT_MAX - V1_WEIGHT_MIN);
}

/*
 * Writes a weight to whichever file there is: each I/O scheduler has its own name for it, and BFQ counts as v1 does in
 * v2, too. @of is what the weight belongs to: "default ", or with @device a device's number with a blank behind it.
 */
static int write_weight(
	const struct cgroups *c, const char *of, uint32_t weight, bool device, const char *field, struct err *err)
{
	const char *v1 = device ? "blkio.weight_device" : "blkio.weight";
	const char *v1_bfq = device ? "blkio.bfq.weight_device" : "blkio.bfq.weight";
	char old[64], converted[64];

	(void)snprintf(old, sizeof(old), "%s%" PRIu32, device ? of : "", weight);
	(void)snprintf(converted, sizeof(converted), "%s%u", of, cgroup_io_weight_v2(weight));
	if (cgroup_file_exists(c, v1) || cgroup_file_exists(c, v1_bfq))
		return cgroup_file_write_either(c, v1, old, v1_bfq, old, field, err);
	return cgroup_file_write_either(c, "io.bfq.weight", old, "io.weight", converted, field, err);
}

/* Writes blockIO.weightDevice: a weight and a leaf weight for each device. */
static int write_device_weights(const struct cgroups *c, const struct spec_weight_devices *devices, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < devices->n; i++) {
		const struct spec_weight_device *d = &devices->v[i];
		char of[32], v1[64];

		if (d->weight.set) {
			(void)snprintf(of, sizeof(of), "%u:%u ", d->major, d->minor);
			r = write_weight(c, of, d->weight.v, true, "blockIO.weightDevice", err);
		}
		if (r == 0 && d->leaf_weight.set) {
			(void)snprintf(v1, sizeof(v1), "%u:%u %" PRIu32, d->major, d->minor, d->leaf_weight.v);
			r = cgroup_file_write_either(c, "blkio.leaf_weight_device", v1, "blkio.leaf_weight_device", v1,
				"blockIO.weightDevice", err);
		}
	}
	return r;
}

/* Writes one of the four lists of rates: to @v1_file, or as a pair with the key @v2_word to v2's io.max. */
static int write_throttle(const struct cgroups *c, const struct spec_throttle_devices *devices, const char *v1_file,
	const char *v2_word, const char *field, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < devices->n; i++) {
		const struct spec_throttle_device *d = &devices->v[i];
		char v1[64], v2[64];

		(void)snprintf(v1, sizeof(v1), "%u:%u %" PRIu64, d->major, d->minor, d->rate);
		(void)snprintf(v2, sizeof(v2), "%u:%u %s=%" PRIu64, d->major, d->minor, v2_word, d->rate);
		if (d->rate == 0) /* this means "no limit" in v1 */
			(void)snprintf(v2, sizeof(v2), "%u:%u %s=max", d->major, d->minor, v2_word);
		r = cgroup_file_write_either(c, v1_file, v1, "io.max", v2, field, err);
	}
	return r;
}

int cgroup_io_limit(const struct cgroups *c, const struct spec_block_io *io, struct err *err)
{
	char text[16];
	int r = 0;

	if (!io)
		return 0;
	if (io->weight.set && io->weight.v) /* Docker writes 0 where the user has set nothing */
		r = write_weight(c, "default ", io->weight.v, false, "blockIO.weight", err);
	if (r == 0 && io->leaf_weight.set && io->leaf_weight.v) {
		(void)snprintf(text, sizeof(text), "%" PRIu32, io->leaf_weight.v);
		r = cgroup_file_write_either(
			c, "blkio.leaf_weight", text, "blkio.leaf_weight", text, "blockIO.leafWeight", err);
	}
	if (r == 0)
		r = write_device_weights(c, &io->weight_device, err);
	if (r == 0)
		r = write_throttle(c, &io->read_bps, "blkio.throttle.read_bps_device", "rbps",
			"blockIO.throttleReadBpsDevice", err);
	if (r == 0)
		r = write_throttle(c, &io->write_bps, "blkio.throttle.write_bps_device", "wbps",
			"blockIO.throttleWriteBpsDevice", err);
	if (r == 0)
		r = write_throttle(c, &io->read_iops, "blkio.throttle.read_iops_device", "riops",
			"blockIO.throttleReadIOPSDevice", err);
	if (r == 0)
		r = write_throttle(c, &io->write_iops, "blkio.throttle.write_iops_device", "wiops",
			"blockIO.throttleWriteIOPSDevice", err);
	return r;
}
