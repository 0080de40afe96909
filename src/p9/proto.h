/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The numbers of 9P2000.L, as the Linux client and the protocol's description (diod's protocol.md) have them. The
 * answer to message n is n + 1.
 */
#ifndef P9_PROTO_H
#define P9_PROTO_H

enum p9_type {
	P9_RLERROR = 7,
	P9_TSTATFS = 8,
	P9_TLOPEN = 12,
	P9_TLCREATE = 14,
	P9_TSYMLINK = 16,
	P9_TMKNOD = 18,
	P9_TRENAME = 20,
	P9_TREADLINK = 22,
	P9_TGETATTR = 24,
	P9_TSETATTR = 26,
	P9_TXATTRWALK = 30,
	P9_TXATTRCREATE = 32,
	P9_TREADDIR = 40,
	P9_TFSYNC = 50,
	P9_TLOCK = 52,
	P9_TGETLOCK = 54,
	P9_TLINK = 70,
	P9_TMKDIR = 72,
	P9_TRENAMEAT = 74,
	P9_TUNLINKAT = 76,
	P9_TVERSION = 100,
	P9_TAUTH = 102,
	P9_TATTACH = 104,
	P9_TFLUSH = 108,
	P9_TWALK = 110,
	P9_TREAD = 116,
	P9_TWRITE = 118,
	P9_TCLUNK = 120,
	P9_TREMOVE = 122,
	P9_TYPES = 128, /* every type is below this */
};

#define P9_VERSION "9P2000.L"
#define P9_VERSION_UNKNOWN "unknown"

#define P9_NOFID UINT32_MAX
#define P9_NONUNAME UINT32_MAX

/* size[4] type[1] tag[2] */
#define P9_HEADER 7u
#define P9_RLERROR_SIZE (P9_HEADER + 4u)
/* Twrite: fid[4] offset[8] count[4], then data. Rread, Rreaddir: count[4], then data. */
#define P9_TWRITE_HEADER (P9_HEADER + 16u)
#define P9_RREAD_HEADER (P9_HEADER + 4u)

#define P9_WALK_MAX 16u /* names in one Twalk */

/* qid.type */
#define P9_QTDIR 0x80
#define P9_QTSYMLINK 0x02
#define P9_QTFILE 0x00

/* Flags of Tlopen and Tlcreate. They have numbers of their own, whatever those of the host's O_* are. */
#define P9_O_ACCMODE 00000003u
#define P9_O_CREATE 00000100u
#define P9_O_EXCL 00000200u
#define P9_O_TRUNC 00001000u
#define P9_O_APPEND 00002000u
#define P9_O_DSYNC 00010000u
#define P9_O_DIRECTORY 00200000u
#define P9_O_NOATIME 01000000u
#define P9_O_SYNC 04000000u

/* Fields of Rgetattr that are valid. */
#define P9_GETATTR_BASIC 0x000007ffull
#define P9_GETATTR_BTIME 0x00000800ull
#define P9_GETATTR_GEN 0x00001000ull
#define P9_GETATTR_DATA_VERSION 0x00002000ull

/* Fields of Tsetattr that are to be set. */
#define P9_SETATTR_MODE 0x001u
#define P9_SETATTR_UID 0x002u
#define P9_SETATTR_GID 0x004u
#define P9_SETATTR_SIZE 0x008u
#define P9_SETATTR_ATIME 0x010u
#define P9_SETATTR_MTIME 0x020u
#define P9_SETATTR_CTIME 0x040u
#define P9_SETATTR_ATIME_SET 0x080u
#define P9_SETATTR_MTIME_SET 0x100u

/* The flag of Tunlinkat. */
#define P9_AT_REMOVEDIR 0x200u

/* Flags of Txattrcreate. */
#define P9_XATTR_CREATE 1u
#define P9_XATTR_REPLACE 2u

/* Tlock and Tgetlock. */
enum p9_lock_type { P9_LOCK_RDLCK, P9_LOCK_WRLCK, P9_LOCK_UNLCK };
enum p9_lock_status { P9_LOCK_SUCCESS, P9_LOCK_BLOCKED, P9_LOCK_ERROR, P9_LOCK_GRACE };
#define P9_LOCK_FLAG_BLOCK 1u
/* Not of the protocol: whose the lock is, as the client of vmrunc's own guest kernel tells it (mount option lockkinds). */
#define P9_LOCK_KIND_SHIFT 2
#define P9_LOCK_KIND_MASK 3u
enum p9_lock_kind { P9_LOCK_KIND_NONE, P9_LOCK_KIND_PROCESS, P9_LOCK_KIND_FILE, P9_LOCK_KIND_FLOCK };

#endif
