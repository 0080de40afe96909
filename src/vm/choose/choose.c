/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which engine this host can use, and the switch between the two: see choose.h.
 *
 * The cache is one small JSON file. It is replaced as a whole, so runs at the same time see an old or a new one. It is
 * only a hint: if it cannot be read or is about something else, the probe is asked again, and it is no error if it
 * cannot be written. A missing or forbidden /dev/kvm shows without the probe; it is never cached, since the next caller
 * may have other rights.
 */
#include "vm/choose/choose.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "host/cache.h"
#include "json/gen.h"
#include "json/json.h"
#include "vm/engine.h"
#include "vm/kvm/probe.h"
#include "vm/qemu/program.h"
#include "vm/vm.h"

#define KVM_DEVICE "/dev/kvm"
#define VERDICT_FILE "kvm-verdict.json"
#define VERDICT_FILE_MAX 4096 /* bytes; ours has some 500 */
#define KEY_MAX 256

/* Writes down what a verdict is about: this boot of the host, this build of vmrunc, and the device. 0 or -errno. */
static int verdict_key(const struct stat *device, char *ret_key, size_t size)
{
	autofree char *boot_id = NULL;
	struct stat exe;
	int r = fd_read_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id", KEY_MAX, &boot_id, NULL);

	if (r < 0)
		return r;
	if (stat("/proc/self/exe", &exe) < 0)
		return -errno;
	boot_id[strcspn(boot_id, "\n")] = '\0';
	r = snprintf(ret_key, size, "%s exe %llx:%llx:%llx:%llx.%lx kvm %llx:%llx:%llx:%llx.%lx", boot_id,
		(unsigned long long)exe.st_dev, (unsigned long long)exe.st_ino, (unsigned long long)exe.st_size,
		(unsigned long long)exe.st_mtim.tv_sec, (unsigned long)exe.st_mtim.tv_nsec,
		(unsigned long long)device->st_dev, (unsigned long long)device->st_ino,
		(unsigned long long)device->st_rdev, (unsigned long long)device->st_ctim.tv_sec,
		(unsigned long)device->st_ctim.tv_nsec);
	return r >= (int)size ? -ENAMETOOLONG : 0;
}

/* Reads the verdict that an earlier run has kept. False if there is none that is about @key. */
static bool verdict_load(const char *cache_dir, const char *key, struct vm_verdict *ret_verdict)
{
	autoclose int dir = open(cache_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	autoarena struct arena *arena = NULL;
	autofree char *text = NULL;
	const struct json *usable;
	const char *kept_key, *why;
	struct json *root;
	size_t len;

	if (dir < 0 || fd_read_file(dir, VERDICT_FILE, VERDICT_FILE_MAX, &text, &len) < 0)
		return false;
	if (arena_new(&arena) < 0 || json_parse(VERDICT_FILE, text, len, JSON_OWN, arena, &root, NULL, NULL) < 0)
		return false;
	kept_key = json_get_string(root, "key");
	usable = json_get_type(root, "usable", JSON_BOOL);
	why = json_get_string(root, "why");
	if (!kept_key || !usable || !why || strcmp(kept_key, key) != 0)
		return false;
	ret_verdict->usable = usable->boolean;
	ret_verdict->cached = true;
	(void)snprintf(ret_verdict->why, sizeof(ret_verdict->why), "%s", why); /* cutting is meant */
	return true;
}

/* Keeps @verdict for the next runs. Failing, as on a full or read-only disk, means that the next run probes again. */
static void verdict_store(const char *cache_dir, const char *key, const struct vm_verdict *verdict)
{
	autoclose int dir = -1;
	autobuf text = BUF_INIT;
	struct gen g;

	dir = open(cache_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return;
	gen_init(&g, &text, GEN_INDENT_4);
	gen_open_object(&g);
	gen_key_string(&g, "key", key);
	gen_key_bool(&g, "usable", verdict->usable);
	gen_key_string(&g, "why", verdict->why);
	gen_close_object(&g);
	if (gen_finish(&g, NULL) < 0 || fd_write_file_atomic(dir, VERDICT_FILE, text.data, text.len, 0644) < 0)
		return;
}

void vm_kvm_verdict(const char *cache_dir, struct vm_verdict *ret_verdict)
{
	struct vm_verdict v = { .usable = false };
	autoclose int fd = open(KVM_DEVICE, O_RDWR | O_CLOEXEC | O_NOCTTY);
	struct probe_verdict probed;
	char key[KEY_MAX];
	struct stat st;
	int r;

	if (fd < 0) {
		(void)snprintf(v.why, sizeof(v.why), KVM_DEVICE ": %s", strerror(errno));
		*ret_verdict = v;
		return;
	}
	if (cache_dir && mkdir(cache_dir, 0755) < 0 && errno != EEXIST)
		cache_dir = NULL;
	if (fstat(fd, &st) < 0 || verdict_key(&st, key, sizeof(key)) < 0 || (cache_dir && !cache_trusted(cache_dir)))
		cache_dir = NULL;
	if (cache_dir && verdict_load(cache_dir, key, &v)) {
		*ret_verdict = v;
		return;
	}
	r = probe_kvm(&probed);
	if (r < 0) {
		/* This says something about this process, not about KVM, so it is not kept. */
		(void)snprintf(v.why, sizeof(v.why), KVM_DEVICE " could not be probed: %s", strerror(-r));
	} else {
		v.usable = probed.kind == PROBE_VERDICT_USABLE;
		(void)snprintf(v.why, sizeof(v.why), "%s", probed.why);
		if (cache_dir)
			verdict_store(cache_dir, key, &v);
	}
	*ret_verdict = v;
}

int vm_choose_engine(const char *cache_dir, const char *qemu_path, enum vm_engine *ret_engine, char *ret_why,
	size_t why_len, struct err *err)
{
	struct vm_verdict kvm;
	char program[4096], why[VM_WHY_MAX + 128];
	int r;

	vm_kvm_verdict(cache_dir, &kvm);
	if (kvm.usable) {
		*ret_engine = VM_ENGINE_KVM;
		(void)snprintf(why, sizeof(why), "%s", kvm.why);
	} else {
		r = qemu_program_find(qemu_path, program, sizeof(program));
		if (r < 0)
			return err_set(err, ENODEV,
				"no engine can run a VM: KVM is not usable (%s), and %s cannot be run (%s): install QEMU (Debian: qemu-system-x86, Fedora: qemu-system-x86-core), or run on a host with KVM",
				kvm.why, qemu_path ? qemu_path : "qemu-system-x86_64", strerror(-r));
		*ret_engine = VM_ENGINE_QEMU;
		(void)snprintf(why, sizeof(why), "KVM is not usable (%s): QEMU emulates the machine, slowly", kvm.why);
	}
	if (ret_why)
		(void)snprintf(ret_why, why_len, "%s", why); /* cutting is meant */
	return 0;
}

int vm_new(const struct vm_config *cfg, struct vm **ret_vm, struct err *err)
{
	int r = vm_config_check(cfg, err);
	struct vm_verdict kvm;
	struct vm_config with_verdict = *cfg;

	if (r < 0) {
		vm_config_close_fds(cfg);
		return r;
	}
	switch (cfg->engine) {
	case VM_ENGINE_KVM:
		return kvm_vm_ops.new(cfg, ret_vm, err);
	case VM_ENGINE_QEMU:
		vm_kvm_verdict(cfg->cache_dir, &kvm);
		with_verdict.kvm_usable = kvm.usable;
		return qemu_vm_ops.new(&with_verdict, ret_vm, err);
	case VM_ENGINE_AUTO:
		break;
	}
	vm_config_close_fds(cfg);
	return err_set(err, EINVAL, "vm: the engine was not chosen");
}
