/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One virtual machine, whichever engine runs it.
 *
 * The guest sees the same in both engines: virtio over MMIO, announced by ACPI; two 9P devices with the tags TAG_PRIVATE and
 * TAG_SHARED; a console device whose port TAG_PORT is the channel to the agent; rng, balloon and the nics. The engines
 * differ in what implements the devices: our own code in this process (kvm), or a qemu-system process below it (qemu).
 *
 * A VM lives in the monitor process, and all its calls are made on the main thread, in this order:
 *
 *   vm_new        (choose.h) before the jail: does all that needs the host's paths and devices (/dev/kvm, the kernel,
 *                 the initrd, the qemu program)
 *   vm_share_add  before the jail: adds exports, which are detached mounts or single files
 *   (the jail: pivot, capabilities, seccomp)
 *   vm_start      lets threads and vCPUs run; callbacks come on the loop
 *   vm_pause      stops the vCPUs, and vm_resume() lets them run again, as often as the caller likes
 *   vm_free       may come at any point, and leaves nothing; but what is lost in a file system that hangs ends with the process
 *
 * Invariants: on_exit is called at most once, from the loop, and never from within another function of the VM; after it
 * only vm_free() may be called. Once the guest runs, no engine allocates memory for it without a named bound.
 */
#ifndef VM_VM_H
#define VM_VM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/syscalls.h"
#include "base/tags.h"
#include "host/file_policy.h"
#include "host/owners.h"
#include "host/strv.h"
#include "host/thread.h"

#define VM_NICS_MAX 19     /* QEMU's microvm has 24 slots for devices, and five are taken; the kvm engine has as many */
#define VM_NIC_PAIRS_MAX 4 /* pairs of queues of a nic: one for each vCPU, at most so many */
#define VM_VCPUS_MAX 64
#define VM_MEM_MIN (64 * MIB)
#define VM_MEM_GRAIN (2 * MIB) /* the size of memory is a multiple of this, which is a huge page of the host */

enum vm_engine { VM_ENGINE_AUTO, VM_ENGINE_KVM, VM_ENGINE_QEMU };

enum vm_share { VM_SHARE_PRIVATE, VM_SHARE_SHARED, VM_SHARES };

enum vm_share_flags {
	VM_SHARE_READ_ONLY = 1 << 0,
};

struct guestlog;

struct vm_nic {
	int fds[VM_NIC_PAIRS_MAX]; /* of the tap, a queue each; vm_new() takes them, also when it fails */
	unsigned int pairs;        /* how many: 1..VM_NIC_PAIRS_MAX */
	bool stream;               /* it is one stream socket, with frames as QEMU's netdev `socket` has them */
	uint8_t mac[6];
	uint16_t mtu; /* bytes; 0: the device does not offer one */
};

struct vm_config {
	enum vm_engine engine;   /* KVM or QEMU; AUTO is resolved by vm_choose_engine() */
	const char *kernel_path; /* uncompressed ELF vmlinux */
	const char *initrd_path; /* newc cpio */
	const char *cmdline;     /* all that the caller wants in it; the engine adds what it needs itself */
	unsigned int vcpus;      /* 1..VM_VCPUS_MAX */
	uint64_t mem_bytes;      /* a multiple of VM_MEM_GRAIN, >= VM_MEM_MIN */
	const char *qemu_path;   /* qemu engine; NULL: qemu-system-x86_64 in $PATH */
	const char
		*cache_dir; /* where vm_new() finds the verdict on KVM, as vm_choose_engine(); NULL: it is not cached */
	bool kvm_usable;    /* set by vm_new(): QEMU runs the machine with KVM instead of emulating it (qemu) */
	const char *runtime_dir; /* a directory of this VM alone: a mount point in QEMU's mount namespace (qemu) */
	unsigned int answer_ms;  /* how long QEMU may take to stop the guest or to continue it; 0: 10 s (qemu) */
	struct guestlog *log;    /* borrowed: gets what the guest writes to its consoles; NULL: that is dropped */
	uint64_t files_bytes;    /* of the host's memory, for all that the guest has of files (kvm); 0: no bound */
	int proc_fd; /* borrowed: this process's /proc/self/fd, for file service (kvm); <= 0: opened by that path */
	const struct file_policy *files; /* borrowed: what the guest may do to its exports; NULL: everything */
	/* borrowed until vm_free(): the owners of files that the container has; NULL: it has them all */
	const struct owner_maps *owners;
	struct vm_nic nics[VM_NICS_MAX];
	unsigned int nics_len;
};

enum vm_exit {
	VM_EXIT_POWEROFF, /* the guest has powered off */
	VM_EXIT_RESET,    /* reboot, panic (the command line has panic=-1) or triple fault */
	VM_EXIT_FAILED,   /* the engine gave up: KVM failed, or QEMU died */
};

/*
 * System calls that some code makes. clone, clone3 and ioctl are never named, because a name allows every argument: the
 * jail lets threads be made, and of ioctl the requests. Other calls that depend on their arguments have rules.
 */
struct vm_calls {
	const char *const *names;         /* as libseccomp knows them, NULL at the end */
	const unsigned long *ioctls;      /* requests of ioctl(2), 0 at the end; NULL: none */
	const struct syscall_rule *rules; /* without a name at the end; NULL: none */
	unsigned int roles;               /* VM_CALLS_* of the threads that make them; 0: the loop's alone */
};

#define VM_CALLS_LOOP (1u << THREAD_LOOP)
#define VM_CALLS_VCPU (1u << THREAD_VCPU)
#define VM_CALLS_FILES (1u << THREAD_FILES)
#define VM_CALLS_WATCH (1u << THREAD_WATCH)
#define VM_CALLS_NET (1u << THREAD_NET)

struct vm;

/*
 * Paths of files that the guest has cached and the host has changed, below the directory of the shares ("shared/CID/1/a");
 * at most VM_STALE_MAX.
 */
#define VM_STALE_MAX 64
struct vm_stale {
	bool all;          /* more than could be named */
	bool idle;         /* nothing is stale, but the engine holds too much for names that the guest has cached */
	struct strv moved; /* entries that are gone, but which the guest may have in use */
	struct strv gone;  /* entries that are gone or have changed, and which the guest has not written */
};

struct vm_events {
	/* The VM has ended. @detail says how, for the log, and is valid during the call. */
	void (*on_exit)(void *arg, enum vm_exit how, const char *detail);
	/* The engine has reached @mark, for the boot's timeline: "vm-built", "kernel-entered". May be NULL. */
	void (*on_mark)(void *arg, const char *mark);
	/* vm_take_stale() has something. May be NULL. */
	void (*on_stale)(void *arg);
	void *arg;
};

/*
 * Adds an export at @name to a share. @name is a relative path ("CID/rootfs", "CID/3/hosts") without "", "." or ".."
 * components; the directories above its last one are synthetic. @fd comes from open_tree(2) with OPEN_TREE_CLONE, of a
 * directory or of a single file, socket, FIFO or device; the VM takes it, also on failure. @flags are of enum
 * vm_share_flags. 0 or -errno with a message.
 */
must_check int vm_share_add(
	struct vm *vm, enum vm_share share, const char *name, int fd, unsigned int flags, struct err *err);

/*
 * The host's end of the channel to the agent: a connected, non-blocking AF_UNIX stream socket, borrowed, valid until
 * vm_free(). Bytes that are written before the agent has opened its port wait in it.
 */
int vm_channel_fd(const struct vm *vm);

/* Lets the guest run. @events is copied; @loop and @events->arg must outlive the VM. 0 or -errno with a message. */
must_check int vm_start(struct vm *vm, struct loop *loop, const struct vm_events *events, struct err *err);

/*
 * Stops the guest's vCPUs: when it returns, none of them runs. Blocks for that, a moment as a rule and 10 s at most.
 * Devices still finish what the guest has asked them for. Does nothing if the VM is paused already. 0, or -errno with a
 * message; the VM runs on then, and what an engine that was late does of it all the same is undone at once.
 */
must_check int vm_pause(struct vm *vm, struct err *err);

/*
 * Lets the vCPUs of a paused VM run again; does nothing if it is not paused. With KVM all clocks of the guest have gone
 * on meanwhile, and its watchdogs are told that it stood still; with the emulated CPU the guest's clocks stood too. 0,
 * or -errno with a message; the VM stays paused then, likewise.
 */
must_check int vm_resume(struct vm *vm, struct err *err);

/*
 * What the host has changed behind the guest's back since the last call, which an engine that does not notice never
 * tells: *@ret, which vm_stale_done() frees.
 */
void vm_take_stale(struct vm *vm, struct vm_stale *ret);

/* Frees what @stale has. */
void vm_stale_done(struct vm_stale *stale);

/*
 * Asks the guest's balloon to leave @bytes of the VM's memory, rounded up to pages, to the guest; more than all of it
 * means all. Does not wait: a guest gives memory back as it can, and a hostile one does not. 0, or -errno with a message.
 */
must_check int vm_set_memory(struct vm *vm, uint64_t bytes, struct err *err);

/*
 * Stops the vCPUs for good, and waits until what stands for the machine beside this process has ended, for @timeout_ms at most.
 * False: it has not, as QEMU cannot while a file system does not answer; vm_free(), the only call that may follow, waits on.
 */
bool vm_end(struct vm *vm, int timeout_ms);

/* Stops vCPUs and devices at once, waits for their threads or processes, and frees the VM. Accepts NULL. */
void vm_free(struct vm *vm);

/*
 * The system calls that the VM's code makes from vm_start() on, vm_free() included, for the jail's filter: a list of the
 * lists that stand beside the code, the last of which has names of NULL. Valid until vm_free().
 */
const struct vm_calls *vm_calls(const struct vm *vm);

#endif
