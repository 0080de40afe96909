/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of the channel, and what they carry.
 *
 * A message is a u16 type and the fields of its struct, as base/wire writes
 * them. One function in proto.c lists the fields of a struct for both
 * directions, so that encoder and decoder cannot differ. docs/channel.md has
 * the conversation.
 *
 * The host sends finished data: the kernel's numbers (MS_*, CAP_*, RLIMIT_*,
 * SCHED_*), compiled programs (seccomp, device filter), names of cgroup files.
 * The agent knows nothing of OCI. Host and guest have the same architecture.
 *
 * What a decoder gives points into the message and into the arena: both must
 * outlive it. Arrays are `len` items at `at`. Strings are never NULL after
 * decoding; an encoder may be given NULL for "".
 */
#ifndef CHANNEL_PROTO_H
#define CHANNEL_PROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "base/buf.h"
#include "channel/proto_arena.h"

/* Either end refuses a peer of another version: agent and monitor come from one build. */
#define PROTO_VERSION 8

/*
 * Longest messages, in bytes. To the guest: arguments and environment up to the
 * kernel's 2 MiB (ARG_MAX at the usual stack limit), a seccomp program (32768
 * instructions, 256 KiB), hundreds of mounts of some KiB. To the host: the list
 * of a full pid space.
 */
#define PROTO_TO_GUEST_MAX (8 * 1024 * 1024)
#define PROTO_TO_HOST_MAX (256 * 1024)

/* Most items of the arrays: at least what the kernel takes, and more than any engine was seen to ask for. */
#define PROTO_STRINGS_MAX 262144 /* of arguments and of environment: 2 MiB of pointers */
#define PROTO_MOUNTS_MAX 4096
#define PROTO_DEVICES_MAX 4096
#define PROTO_GROUPS_MAX 65536 /* NGROUPS_MAX */
#define PROTO_RLIMITS_MAX 32
#define PROTO_IDMAPS_MAX 340 /* the kernel's limit */
#define PROTO_NODES_MAX 1024 /* memory nodes: the most that a kernel can be built for */
#define PROTO_VALUES_MAX 4096
#define PROTO_HOOKS_MAX 1024
#define PROTO_RELAYS_MAX 64          /* of one container: sockets of the host that its config names */
#define PROTO_FDS_MAX 128            /* descriptors that a process gets beside its standard streams */
#define PROTO_RESOLVERS_MAX 3        /* as many as a resolv.conf may name */
#define PROTO_NICS_MAX 48            /* more than twice what a machine has: all that go, and all that come */
#define PROTO_NET_MESSAGES_MAX 32768 /* twice what one view of a network has: all that goes, and all that comes */
#define PROTO_TEXT_MAX 1024          /* bytes of a text from the guest; the rest is cut */

enum proto_type {
	PROTO_HELLO = 1, /* proto_hello: the first message of each end */

	/* Host to guest. Each but WINSIZE, TIME, LINK and FILE_CLOSE starts with a u32 seq, which its RESULT repeats. */
	PROTO_SANDBOX = 16, /* guest_sandbox: mounts the shares; comes first, and once */
	PROTO_CREATE,       /* guest_container: makes it up to, not including, execve(2) */
	PROTO_START,        /* u32 process: answered when execve(2) has succeeded or failed */
	PROTO_EXEC,         /* string cid, guest_process: one more process; answered as START */
	PROTO_SIGNAL,       /* u32 process, u32 signo, u8 all: to the whole container */
	PROTO_UPDATE,       /* string cid, guest_values: writes cgroup files */
	PROTO_DELETE,       /* string cid: kills what is left of the container and forgets it */
	PROTO_SYNC,         /* writes back everything that is only in the guest's memory so far */
	PROTO_PS,           /* string cid; the payload is a proto_ps */
	PROTO_READ_CGROUP,  /* string cid, string file; the payload is the file's text */
	PROTO_POWEROFF,     /* writes back and powers the VM off; not answered */
	PROTO_WINSIZE,      /* u32 process, u16 rows, u16 cols: of its terminal; not answered */
	PROTO_TIME,         /* proto_time: the answer to ASK_TIME */
	PROTO_RESUMED,      /* u64 realtime_ns: the VM was paused, and its clock is to be set to this at once */
	PROTO_LINK,         /* proto_link: the answer to DIAL, or a connection of the host */
	PROTO_FORGET,       /* guest_forget: names that the host has removed or changed; answered when it is done */
	PROTO_NET,          /* guest_net: sets up interfaces of a container's network, or changes them */
	PROTO_PORTS,        /* string cid; the payload is a list of proto_port */
	PROTO_PROCS,        /* string cid, u32 after; the payload is a proto_procs */
	PROTO_FILE,         /* string cid, guest_file; the payload is a proto_file */
	PROTO_FILE_CLOSE,   /* string cid, u64 handle; not answered */

	/* Guest to host. */
	PROTO_RESULT = 64, /* proto_result */
	PROTO_EXITED,      /* proto_exited */
	PROTO_LOG,         /* u8 level, string text */
	PROTO_ASK_TIME,    /* u64 asked_ns: any number, which TIME repeats */
	PROTO_DIAL,        /* proto_dial: somebody has connected to a relay's socket */
};

enum proto_log { PROTO_LOG_ERROR, PROTO_LOG_WARN, PROTO_LOG_INFO, PROTO_LOG_DEBUG };

#define PROTO_SEED_LEN 32

struct proto_hello {
	uint32_t version;
	uint64_t features;            /* none yet */
	const char *build;            /* either end's version */
	const char *kernel;           /* from the agent: the release, as uname(2) gives it */
	uint64_t uptime_us;           /* from the agent: the time since its kernel started */
	uint8_t seed[PROTO_SEED_LEN]; /* from the host: credited to the guest's random pool */
};

struct proto_result {
	uint32_t seq;
	uint32_t errnum;      /* 0: done */
	uint32_t exit_status; /* with an error: what the command should exit with (126, 127); 0: not said */
	const char *msg;      /* with an error: the sentence */
	const void *payload;
	size_t payload_len;
};

struct proto_exited {
	uint32_t process;
	uint32_t status; /* as wait(2) gives it: an exit code or a signal */
	bool oom;        /* the OOM killer has struck in this container's cgroup */
};

struct proto_time {
	uint64_t asked_ns;    /* as ASK_TIME said it */
	uint64_t realtime_ns; /* the host's CLOCK_REALTIME when it read ASK_TIME */
};

/*
 * Connections through relays that are open at a time. The agent accepts no more; the host, where the end of one may be
 * seen later, refuses those beyond twice as many. With two streams each, half of MUX_STREAMS_MAX stays for processes.
 */
#define PROTO_LINKS_MAX 128

/* proto_link.relay of a connection to a port that the container listens on: its @addr says which. */
#define PROTO_RELAY_PORT UINT32_MAX

/* A TCP socket of a container's that listens. */
#define PROTO_PORTS_MAX 1024 /* that one answer has */
struct proto_port {
	uint8_t version;  /* of the internet protocol: 4 or 6 */
	uint16_t port;    /* in the host's byte order */
	uint8_t addr[16]; /* in the network's; of version 4 in the first four, with zeros behind */
};

struct proto_dial {
	uint32_t relay; /* guest_relay.id */
	uint32_t token; /* the agent's number for the connection, which LINK repeats */
};

struct guest_blob {
	size_t len;
	const void *at;
};

struct proto_link {
	uint32_t token;  /* of DIAL; 0: somebody has connected to the host's end of @relay, a listening descriptor */
	uint32_t relay;  /* guest_fd.relay; 0 with a token */
	uint32_t errnum; /* why the host's socket cannot be reached; 0: it is connected */
	uint32_t to_guest,
		to_host; /* the connection's streams, in the order in which they are opened; 0 after an error */
	struct guest_blob addr, peer; /* of a connection of the host: its names, as sockaddr; empty: it has none */
};

struct proto_log_entry {
	uint8_t level; /* enum proto_log */
	const char *text;
};

/* A process of a container, as the guest's kernel sees it: proc_pid_stat(5). */
struct proto_ps_entry {
	uint32_t pid, ppid, pgid, sid;
	uint32_t uid, gid; /* effective */
	uint8_t state;
	bool held;    /* a process of the host stands for it, as guest_process.held says, or it is the first one */
	uint32_t tty; /* device number; 0: none */
	int32_t priority, nice;
	uint32_t threads;
	uint64_t cpu_ticks, start_ticks; /* the latter since the guest's boot */
	uint64_t vsize, rss;             /* bytes */
	const char *comm;
	const char *args; /* divided by blanks; "": it has none; cut at PROTO_PS_ARGS_MAX */
};

#define PROTO_PS_ARGS_MAX 512
/* What a message has room for, if no process has arguments: bytes of its least entry are PROTO_PS_ENTRY_MIN. */
#define PROTO_PS_ENTRY_MIN (9 * 4 + 2 + 4 * 8 + 4 + 2 * 5)
#define PROTO_PS_MAX (PROTO_TO_HOST_MAX / PROTO_PS_ENTRY_MIN)

struct proto_ps {
	uint64_t uptime_ticks;     /* since the guest's boot */
	uint32_t ticks_per_second; /* > 0 */
	uint64_t memory_bytes;     /* of the guest */
	bool cut;                  /* there are more processes than the message has room for */
	uint32_t len;
	struct proto_ps_entry *at;
};

struct guest_strings {
	uint32_t len;
	const char **at;
};

struct guest_value { /* a file below some directory (a cgroup's, /proc/sys) and what to write to it */
	const char *key, *value;
};
struct guest_values {
	uint32_t len;
	struct guest_value *at;
};

struct guest_ids {
	uint32_t len;
	uint32_t *at;
};

struct guest_idmap {
	uint32_t container, host, size;
};
struct guest_idmaps {
	uint32_t len;
	struct guest_idmap *at;
};

struct guest_sandbox {
	const char *hostname;       /* of the VM's own uts namespace */
	const char *private_cache;  /* v9fs cache mode of the private share; "": the agent's default */
	const char *shared_cache;   /* likewise of the shared one */
	bool lock_kinds;            /* who serves the shares takes P9_LOCK_KINDs: src/p9/proto.h */
	struct guest_values sysctl; /* of the VM as a whole */
};

/* What the guest has cached and the host has changed: paths below the directory of the shares ("shared/CID/1/a"). */
struct guest_forget {
	bool all;                   /* everything that is not in use */
	bool idle;                  /* the names that are not in use: the host holds too many of them */
	struct guest_strings moved; /* entries that are gone, but may be in use */
	struct guest_strings gone;  /* entries that are gone or have changed, with nothing to be written */
};

enum guest_ns {
	GUEST_NS_PID,
	GUEST_NS_MOUNT,
	GUEST_NS_IPC,
	GUEST_NS_UTS,
	GUEST_NS_CGROUP,
	GUEST_NS_USER,
	GUEST_NS_TIME,
	GUEST_NS_NET,
	GUEST_NS_COUNT
};

enum guest_ns_mode {
	GUEST_NS_VM, /* the agent's own */
	GUEST_NS_NEW,
	GUEST_NS_JOIN /* that of another container of this VM */
};

struct guest_namespace {
	uint8_t mode;    /* enum guest_ns_mode */
	const char *cid; /* JOIN: whose */
};

enum guest_mount_kind {
	GUEST_MOUNT_BIND_PRIVATE, /* source: a path below the private share, "CID/3/hosts" */
	GUEST_MOUNT_BIND_SHARED,  /* source: a path below the shared one */
	GUEST_MOUNT_BIND_GUEST,   /* source: a path of the VM itself, "/dev/null" */
	GUEST_MOUNT_FS,           /* a new mount of fstype, or a copy of the one that the container has a right to */
	GUEST_MOUNT_BIND_RELAY,   /* source: the name of a relay (guest_relay.name) */
	GUEST_MOUNT_BIND_ENTRY,   /* likewise, if there is a socket at the destination; else nothing */
	GUEST_MOUNT_BIND_INSIDE, /* source: a path below the container's root, as its mounts before this one have made it */
	GUEST_MOUNT_REMOUNT,     /* the mount at the destination gets these flags and data */
};

struct guest_mount {
	uint8_t kind;
	const char *source;      /* of GUEST_MOUNT_FS: the word that mountinfo shows */
	const char *destination; /* absolute, resolved inside the container's root */
	const char *fstype, *data;
	uint64_t flags;                        /* MS_* of a file system; of a bind only MS_REC */
	uint64_t attr_set, attr_clear;         /* MOUNT_ATTR_* of this mount */
	uint64_t rec_attr_set, rec_attr_clear; /* MOUNT_ATTR_* of this mount and all below */
	struct guest_ids propagation; /* MS_SHARED and its like, with or without MS_REC, set one after the other */
	bool tmpcopyup;               /* the new tmpfs begins with what lies at the destination */
	bool shown;                   /* it is a place of guest_file: the host looks into this tmpfs */
};
struct guest_mounts {
	uint32_t len;
	struct guest_mount *at;
};

/*
 * A socket of the host that processes of the container can reach: the agent listens on one of its own in its place, and
 * what connects there is connected to the host's.
 */
struct guest_relay {
	uint32_t id;             /* the host's number for it: above 0, never used twice */
	const char *name;        /* "CID/3/docker.sock": where mounts find the agent's socket */
	uint32_t type;           /* SOCK_STREAM or SOCK_DGRAM */
	uint32_t to_host;        /* DGRAM: the stream of its records (records.h); else 0 */
	uint32_t mode, uid, gid; /* of the host's socket, and so of the agent's */
};
struct guest_relays {
	uint32_t len;
	struct guest_relay *at;
};

struct guest_device {
	const char *path; /* absolute, in the container */
	uint32_t mode;    /* type and permissions, as mknod(2) takes it */
	uint32_t major, minor, uid, gid;
};
struct guest_devices {
	uint32_t len;
	struct guest_device *at;
};

struct guest_rlimit {
	uint32_t resource; /* RLIMIT_* */
	uint64_t soft, hard;
};
struct guest_rlimits {
	uint32_t len;
	struct guest_rlimit *at;
};

#define GUEST_CAP_SETS 5
enum guest_cap_set { /* masks of 1 << CAP_x */
	GUEST_CAP_BOUNDING,
	GUEST_CAP_EFFECTIVE,
	GUEST_CAP_INHERITABLE,
	GUEST_CAP_PERMITTED,
	GUEST_CAP_AMBIENT
};

/*
 * A process as its own container sees it: with the numbers of the container's pid namespace, in which what is outside is
 * 0. Its users and groups are those that the host knows: of a user namespace of the config's, the numbers outside.
 */
struct proto_proc {
	uint32_t pid, ppid, pgid, sid;
	uint32_t tty; /* device number; 0: none */
	uint8_t state;
	int32_t priority, nice;
	uint32_t threads;
	uint64_t user_ticks, system_ticks, start_ticks; /* the last since the guest's boot */
	uint64_t vsize, rss;                            /* bytes */
	uint32_t uids[4], gids[4];                      /* real, effective, saved, of file systems */
	struct guest_ids groups;                        /* the first PROTO_PROC_GROUPS_MAX */
	uint64_t caps[GUEST_CAP_SETS];
	bool no_new_privs;
	uint8_t seccomp; /* SECCOMP_MODE_* */
	const char *comm;
	struct guest_blob cmdline; /* words that end with NUL; cut at PROTO_PROC_CMDLINE_MAX */
	const char *label;         /* of the guest's security module; "": it has none */
};

#define PROTO_PROC_GROUPS_MAX 32
#define PROTO_PROC_CMDLINE_MAX 4096
/* Bytes of the least entry. */
#define PROTO_PROC_MIN (8 * 4 + 5 * 8 + 8 * 4 + 4 + GUEST_CAP_SETS * 8 + 3 + 5 + 4 + 5)
#define PROTO_PROCS_MAX 256 /* of one message */

/* Processes of a container in the order of the guest's own numbers for them: those that one message has room for. */
struct proto_procs {
	uint64_t uptime_ticks;     /* since the guest's boot */
	uint32_t ticks_per_second; /* > 0 */
	uint32_t after;            /* 0: this was the last of them; else what asks for the next ones */
	uint32_t len;
	struct proto_proc *at;
};

/*
 * What the host does to a file of a tmpfs of the container: calls of a file system, on nodes that the guest numbers.
 *
 * A node is the root of its place, PROTO_FILE_ROOT, or a number which an answer has given. It means the same file for ever,
 * be that there or not, so that nothing is remembered for it. A handle is what OPEN, OPENDIR or CREATE gave, until it is closed.
 */
#define PROTO_FILE_ROOT 1
#define PROTO_FILE_HANDLES_MAX 128 /* of a container: a handle is a descriptor of the agent */
#define PROTO_FILE_PLACES_MAX 8    /* mounts of a container into which the host looks */
#define PROTO_FILE_DATA_MAX 65536  /* bytes of one READ or WRITE, or of a directory */
#define PROTO_FILE_NAME_MAX 255    /* NAME_MAX */

enum guest_file_op {
	GUEST_FILE_LOOKUP = 1, /* name in node: the answer has a node */
	GUEST_FILE_GETATTR,    /* of handle, unless that is 0 */
	GUEST_FILE_SETATTR,    /* what `set` says; likewise */
	GUEST_FILE_READLINK,   /* the answer's data */
	GUEST_FILE_SYMLINK,    /* name in node leads to `to`; as LOOKUP */
	GUEST_FILE_MKNOD,      /* name in node, of mode and rdev; as LOOKUP */
	GUEST_FILE_MKDIR,      /* name in node, of mode; as LOOKUP */
	GUEST_FILE_UNLINK,     /* name in node */
	GUEST_FILE_RMDIR,
	GUEST_FILE_RENAME, /* name in node becomes `to` in other; flags as renameat2(2) has them */
	GUEST_FILE_LINK,   /* node gets the further name `to` in other; as LOOKUP */
	GUEST_FILE_OPEN,   /* flags as open(2) has them; the answer has a handle */
	GUEST_FILE_CREATE, /* name in node, of mode, and as OPEN; the answer has a node and a handle */
	GUEST_FILE_READ,   /* of handle, at most size bytes from offset on: the answer's data */
	GUEST_FILE_WRITE,  /* data to handle at offset: the answer's size says how much */
	GUEST_FILE_OPENDIR,
	GUEST_FILE_READDIR, /* of handle, from offset on: data of proto_file_put_entry(), for size bytes of the kernel's */
	GUEST_FILE_STATFS, /* data of proto_file_put_room() */
	GUEST_FILE_GETXATTR, /* of name: the answer's data, at most size bytes; with a size of 0 its size says how long it is */
	GUEST_FILE_LISTXATTR, /* likewise the names, each with a NUL */
	GUEST_FILE_SETXATTR,  /* of name to data; flags as setxattr(2) has them */
	GUEST_FILE_REMOVEXATTR,
	GUEST_FILE_COUNT
};

enum guest_file_set { /* what SETATTR sets */
	GUEST_FILE_SET_MODE = 1,
	GUEST_FILE_SET_UID = 2,
	GUEST_FILE_SET_GID = 4,
	GUEST_FILE_SET_SIZE = 8,   /* to offset */
	GUEST_FILE_SET_ATIME = 16, /* to atime_s and atime_ns, as utimensat(2) has them */
	GUEST_FILE_SET_MTIME = 32,
	GUEST_FILE_KILL_SUIDGID =
		64, /* of WRITE, OPEN and CREATE, too: set-id bits go, as with a write by who may not keep them */
};

struct guest_file {
	uint8_t op;           /* enum guest_file_op */
	uint32_t place;       /* which of the mounts that are shown, in their order */
	uint64_t node, other; /* other 0: none */
	uint32_t set, flags, mode, rdev, size;
	uint32_t uid, gid; /* of who asks, and so of what is made; of SETATTR the new ones */
	uint64_t handle, offset;
	int64_t atime_s, mtime_s;
	uint32_t atime_ns, mtime_ns;
	const char *name, *to;
	struct guest_blob data;
};

struct proto_file {
	uint64_t node;   /* 0 where the operation gives none */
	uint64_t handle; /* likewise */
	uint32_t size;
	uint64_t ino, bytes, blocks;
	uint32_t mode, nlink, uid, gid, rdev;
	int64_t atime_s, mtime_s, ctime_s;
	uint32_t atime_ns, mtime_ns, ctime_ns;
	struct guest_blob data;
};

struct proto_file_entry { /* of a directory */
	uint64_t ino;
	uint64_t next; /* the offset behind it */
	uint8_t type;  /* DT_* */
	const char *name;
};

struct proto_file_room { /* as statfs(2) has it */
	uint64_t block_size, blocks, blocks_free, blocks_usable, files, files_free;
};

struct guest_scheduler { /* sched_setattr(2) */
	uint32_t policy, flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

enum guest_fd_kind {
	GUEST_FD_NULL,     /* /dev/null */
	GUEST_FD_IN,       /* a pipe that is read */
	GUEST_FD_OUT,      /* a pipe that is written */
	GUEST_FD_CONN,     /* a connected stream socket */
	GUEST_FD_LISTENER, /* a listening stream socket: what connects to the host's comes by LINK */
	GUEST_FD_DGRAM,    /* a connected datagram socket; the streams are of records */
	GUEST_FD_PACKETS,  /* a connected SOCK_SEQPACKET; likewise */
};

/* A descriptor of the caller that a process gets, from number 3 on in their order. */
struct guest_fd {
	uint8_t kind;                 /* enum guest_fd_kind */
	uint32_t to_guest, to_host;   /* its streams, opened in this order; 0: it has none of that direction */
	uint32_t relay;               /* LISTENER: the host's number for it */
	struct guest_blob addr, peer; /* a socket's names, as sockaddr; empty: it has none */
	int fd;                       /* the host's descriptor; not on the wire */
};
struct guest_fds {
	uint32_t len;
	struct guest_fd *at;
};

struct guest_process {
	uint32_t id; /* the host's number for it: above 0, never used twice */
	struct guest_fds fds;
	uint32_t stream[3]; /* streams of stdin, stdout, stderr; 0: /dev/null. A terminal has the first two */
	bool terminal;
	uint16_t rows, cols; /* 0: not known yet */
	struct guest_strings args, env;
	const char *cwd;
	uint32_t uid, gid;
	struct guest_ids groups;
	uint32_t umask;
	uint64_t caps[GUEST_CAP_SETS];
	struct guest_rlimits rlimits;
	bool no_new_privs;
	bool has_oom_score_adj;
	int32_t oom_score_adj;
	struct guest_blob seccomp; /* struct sock_filter[]; empty: none */
	uint32_t seccomp_flags;
	bool has_scheduler;
	struct guest_scheduler scheduler;
	bool has_ioprio;
	uint32_t ioprio;                       /* as ioprio_set(2) takes it */
	const char *cpus_initial, *cpus_final; /* lists as in cpuset.cpus; "": none */
	bool has_personality;
	uint64_t personality;
	bool has_memory_policy;
	uint32_t memory_policy; /* as set_mempolicy(2) takes it: MPOL_* | MPOL_F_* */
	struct guest_ids memory_nodes;
	bool lf_only;       /* of a terminal: it makes no CR LF of an LF, since what comes out goes to no terminal */
	const char *cgroup; /* of an EXEC: a cgroup below the container's; "": the container's */
	bool held;          /* of an EXEC: a process in the container's cgroup on the host stands for it */
};

struct guest_hook {
	const char *path;               /* absolute, in the container */
	struct guest_strings args, env; /* without args the path is the only one */
	bool inherits_env;              /* the environment is that of the container's process; env is empty */
	uint32_t timeout_s;             /* 0: none */
};
struct guest_hooks {
	uint32_t len;
	struct guest_hook *at;
};

/* An interface of the container. The guest takes the device, and makes of it what the host's interface is. */
struct guest_nic {
	uint64_t
		device; /* which one: the MAC address that the device has by itself, its first byte the lowest; 0: lo */
	uint64_t mac;   /* the one that it gets, likewise */
	const char *name;
	uint32_t ifindex; /* by which the messages name it */
	uint32_t mtu;
	bool up, noarp;
	bool gone; /* the interface is taken from the container again; of the others only device counts */
};
struct guest_nics {
	uint32_t len;
	struct guest_nic *at;
};

/* An rtnetlink request of the host's kernel: an address, a route, a neighbour or a rule that is made or deleted. */
struct guest_net_message {
	uint16_t type;          /* RTM_NEWADDR, RTM_DELADDR and their like for ROUTE, NEIGH and RULE */
	struct guest_blob body; /* the header of that type, and attributes */
};
/* A unicast route in the table "local", whose routes are none of the host's: to what stands for its 127.0.0.1, or ::1. */
struct guest_net_messages {
	uint32_t len;
	struct guest_net_message *at;
};

/*
 * A resolver of names that the host's network namespace has on a loopback address, and the guest has not: the agent
 * listens there, port 53 of UDP and TCP, and the relay leads to it (TCP).
 */
struct guest_resolver {
	uint32_t address; /* IPv4, its first byte the lowest */
	uint32_t relay;   /* its number on the host */
};
struct guest_resolvers {
	uint32_t len;
	struct guest_resolver *at;
};

struct guest_net {
	const char *cid;
	struct guest_nics nics;
	struct guest_values sysctl; /* of the interfaces, before they are up; one that the guest lacks is left out */
	struct guest_net_messages messages; /* in this order, when the interfaces are up */
	struct guest_resolvers resolvers;   /* all that there are now */
};

struct guest_container {
	const char *cid;
	const char *rootfs;          /* a path below the private share */
	bool readonly;               /* of the root */
	uint32_t rootfs_propagation; /* MS_SHARED and its like; 0: private, since nothing outside could share it */
	struct guest_namespace ns[GUEST_NS_COUNT];
	struct guest_idmaps uids, gids;
	bool has_boottime, has_monotonic;
	int64_t boottime_s, monotonic_s;
	uint32_t boottime_ns, monotonic_ns;
	const char *hostname, *domainname; /* "": left alone */
	struct guest_relays relays;
	struct guest_mounts mounts;
	bool no_devices; /* /dev is a bind of the config's: nothing is to be made in it */
	struct guest_devices devices;
	struct guest_strings masked, readonly_paths;
	struct guest_values sysctl;
	struct guest_values cgroup;                    /* files of the container's cgroup, in order */
	struct guest_blob device_filter;               /* struct bpf_insn[] for its cgroup; empty: none */
	struct guest_hooks start_hooks;                /* run between START and execve(2) */
	const char *hook_state_head, *hook_state_tail; /* their input, but for the first process's pid in the middle */
	struct guest_process process;
};

/* The type of a message, or 0 if it is too short to have one. */
uint16_t proto_type(const void *msg, size_t len);

/*
 * Encoders: proto_put_x() appends one whole message of type PROTO_X, with the
 * fields that enum proto_type lists, to @out; ask buf_error(@out) at the end.
 */
void proto_put_hello(struct buf *out, const struct proto_hello *m);
void proto_put_sandbox(struct buf *out, uint32_t seq, const struct guest_sandbox *m);
void proto_put_create(struct buf *out, uint32_t seq, const struct guest_container *m);
void proto_put_start(struct buf *out, uint32_t seq, uint32_t process);
void proto_put_exec(struct buf *out, uint32_t seq, const char *cid, const struct guest_process *m);
void proto_put_signal(struct buf *out, uint32_t seq, uint32_t process, uint32_t signo, bool all);
void proto_put_update(struct buf *out, uint32_t seq, const char *cid, const struct guest_values *m);
void proto_put_net(struct buf *out, uint32_t seq, const struct guest_net *m);
void proto_put_winsize(struct buf *out, uint32_t process, uint16_t rows, uint16_t cols);
void proto_put_time(struct buf *out, const struct proto_time *m);
void proto_put_resumed(struct buf *out, uint32_t seq, uint64_t realtime_ns);
void proto_put_link(struct buf *out, const struct proto_link *m);
void proto_put_dial(struct buf *out, const struct proto_dial *m);
void proto_put_forget(struct buf *out, uint32_t seq, const struct guest_forget *m);
void proto_put_result(struct buf *out, const struct proto_result *m);
void proto_put_exited(struct buf *out, const struct proto_exited *m);
void proto_put_log(struct buf *out, uint8_t level, const char *text);
void proto_put_ask_time(struct buf *out, uint64_t asked_ns);

/* A PROCS; its payload is proto_put_procs()'s. */
void proto_put_procs_request(struct buf *out, uint32_t seq, const char *cid, uint32_t after);

/* A FILE, whose payload is proto_put_file()'s, and a FILE_CLOSE. */
void proto_put_file_request(struct buf *out, uint32_t seq, const char *cid, const struct guest_file *f);
void proto_put_file_close(struct buf *out, const char *cid, uint64_t handle);

/* The payload of FILE, and what its data is after READDIR, one entry after the other, and after STATFS. */
void proto_put_file(struct buf *out, const struct proto_file *m);
void proto_file_put_entry(struct buf *out, const struct proto_file_entry *e);
void proto_file_put_room(struct buf *out, const struct proto_file_room *m);

/* The payload of PS, for a RESULT. */
void proto_put_ps(struct buf *out, const struct proto_ps *m);

/* The payload of PROCS. */
void proto_put_procs(struct buf *out, const struct proto_procs *m);

/* Adds one port to the payload that answers PORTS. */
void proto_put_port(struct buf *out, const struct proto_port *p);

/* Appends a DELETE, SYNC, PS, READ_CGROUP or POWEROFF; @cid and @file are NULL where the type has none. */
void proto_put_request(struct buf *out, enum proto_type type, uint32_t seq, const char *cid, const char *file);

/* A request to the guest, decoded: the fields that its type has; the others are zero. */
struct proto_request {
	uint16_t type;
	uint32_t seq;
	const char *cid, *file;
	uint32_t process, signo, after;
	bool all;
	uint16_t rows, cols;
	struct proto_time time;
	struct proto_link link;
	struct guest_sandbox sandbox;
	struct guest_container container;
	struct guest_process exec;
	struct guest_values values;
	struct guest_forget forget;
	struct guest_net net;
	struct guest_file file_op;
	uint64_t file_handle;
};

/* Appends the request @r, with the fields that its type has. */
void proto_put_any(struct buf *out, struct proto_request *r);

/*
 * Decoders: proto_get_request() decodes any request to the guest, the others a
 * message of the type in their name. 0, or -EBADMSG if @msg is no such message or
 * has bytes left over, or -ENOMEM. *@ret points into @msg and @a.
 */
must_check int proto_get_request(const void *msg, size_t len, struct proto_arena *a, struct proto_request *ret);
must_check int proto_get_hello(const void *msg, size_t len, struct proto_hello *ret);
must_check int proto_get_result(const void *msg, size_t len, struct proto_result *ret);
must_check int proto_get_exited(const void *msg, size_t len, struct proto_exited *ret);
must_check int proto_get_log(const void *msg, size_t len, struct proto_log_entry *ret);
must_check int proto_get_ps(const void *payload, size_t len, struct proto_arena *a, struct proto_ps *ret);
must_check int proto_get_procs(const void *payload, size_t len, struct proto_arena *a, struct proto_procs *ret);
must_check int proto_get_ask_time(const void *msg, size_t len, uint64_t *ret_asked_ns);
must_check int proto_get_file(const void *payload, size_t len, struct proto_file *ret);
/* Takes the entry at *@at of the data that answers READDIR, and moves *@at behind it: 0, -ENOENT at the end, or -EBADMSG. */
must_check int proto_file_get_entry(const struct guest_blob *data, size_t *at, struct proto_file_entry *ret);
must_check int proto_file_get_room(const struct guest_blob *data, struct proto_file_room *ret);
/* Takes entry @i of the payload that answers PORTS: 0 with *@ret, -ENOENT behind the last one, or -EBADMSG. */
must_check int proto_get_port(const void *payload, size_t len, size_t i, struct proto_port *ret);
must_check int proto_get_dial(const void *msg, size_t len, struct proto_dial *ret);

#endif
