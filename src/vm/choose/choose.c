/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which engine this host can use, and the switch between the two: see choose.h.
 *
 * The cache is one small JSON file, written whole by rename, so concurrent
 * runs see an old or a new one. It is a hint: whatever cannot be read, parsed
 * or matched is asked of the probe again, and a failing write is not an error.
 * That /dev/kvm is missing or forbidden is seen at once and never cached: the
 * next caller may have other rights.
 */
#include "vm/choose/choose.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yajl/yajl_gen.h>
#include <yajl/yajl_tree.h>

#include "base/fd.h"
#include "vm/engine.h"
#include "vm/kvm/probe.h"
#include "vm/qemu/program.h"
#include "vm/vm.h"

#define KVM_DEVICE "/dev/kvm"
#define VERDICT_FILE "kvm-verdict.json"
#define VERDICT_FILE_MAX 4096 /* bytes; ours has some 500 */
#define KEY_MAX 256

/* What a verdict is about: this boot of the host, this program, this device. */
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

static bool verdict_load(const char *cache_dir, const char *key, struct vm_verdict *ret_verdict)
{
	static const char *const key_path[] = { "key", NULL }, *const usable_path[] = { "usable", NULL },
				 *const why_path[] = { "why", NULL };
	autoclose int dir = open(cache_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	autofree char *text = NULL;
	yajl_val root, k, usable, why;
	bool ok = false;

	if (dir < 0 || fd_read_file(dir, VERDICT_FILE, VERDICT_FILE_MAX, &text, NULL) < 0)
		return false;
	root = yajl_tree_parse(text, NULL, 0);
	if (!root)
		return false;
	k = yajl_tree_get(root, (const char **)key_path, yajl_t_string);
	usable = yajl_tree_get(root, (const char **)usable_path, yajl_t_any);
	why = yajl_tree_get(root, (const char **)why_path, yajl_t_string);
	if (k && why && (YAJL_IS_TRUE(usable) || YAJL_IS_FALSE(usable)) && !strcmp(k->u.string, key)) {
		ret_verdict->usable = YAJL_IS_TRUE(usable);
		ret_verdict->cached = true;
		(void)snprintf(ret_verdict->why, sizeof(ret_verdict->why), "%s", why->u.string);
		ok = true;
	}
	yajl_tree_free(root);
	return ok;
}

static void gen_string(yajl_gen g, const char *s)
{
	/* Fails only for broken UTF-8, which then shows in the generator's state at the end. */
	(void)yajl_gen_string(g, (const unsigned char *)s, strlen(s));
}

static void verdict_store(const char *cache_dir, const char *key, const struct vm_verdict *verdict)
{
	autoclose int dir = -1;
	const unsigned char *text;
	size_t len;
	yajl_gen g;

	if (mkdir(cache_dir, 0755) < 0 && errno != EEXIST)
		return;
	dir = open(cache_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	g = dir < 0 ? NULL : yajl_gen_alloc(NULL);
	if (!g)
		return;
	(void)yajl_gen_config(g, yajl_gen_beautify, 1); /* an option it knows */
	(void)yajl_gen_map_open(g);
	gen_string(g, "key");
	gen_string(g, key);
	gen_string(g, "usable");
	(void)yajl_gen_bool(g, verdict->usable);
	gen_string(g, "why");
	gen_string(g, verdict->why);
	if (yajl_gen_map_close(g) == yajl_gen_status_ok && yajl_gen_get_buf(g, &text, &len) == yajl_gen_status_ok &&
		fd_write_file_atomic(dir, VERDICT_FILE, text, len, 0644) < 0)
		errno = 0; /* a full or read-only disk: the next run probes again */
	yajl_gen_free(g);
}

void vm_kvm_verdict(const char *cache_dir, struct vm_verdict *ret_verdict)
{
	struct vm_verdict v = { .usable = false };
	autoclose int fd = open(KVM_DEVICE, O_RDWR | O_CLOEXEC | O_NOCTTY);
	struct kvm_verdict probed;
	char key[KEY_MAX];
	struct stat st;
	int r;

	if (fd < 0) {
		(void)snprintf(v.why, sizeof(v.why), KVM_DEVICE ": %s", strerror(errno));
		*ret_verdict = v;
		return;
	}
	if (fstat(fd, &st) < 0 || verdict_key(&st, key, sizeof(key)) < 0)
		cache_dir = NULL;
	if (cache_dir && verdict_load(cache_dir, key, &v)) {
		*ret_verdict = v;
		return;
	}
	r = kvm_probe(&probed);
	if (r < 0) {
		/* Says something of this process, not of KVM: not worth keeping. */
		(void)snprintf(v.why, sizeof(v.why), KVM_DEVICE " could not be probed: %s", strerror(-r));
	} else {
		v.usable = probed.kind == KVM_VERDICT_USABLE;
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
				"no engine can run a VM: KVM is not usable (%s), and %s cannot be run (%s): "
				"install QEMU (Debian: qemu-system-x86, Fedora: qemu-system-x86-core), or run on a "
				"host with KVM",
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
