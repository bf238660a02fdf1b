import { encodeUtf8, CreateMode as WireCreateMode } from '@headkeeper/protocol';

/** What a server tells about a znode (client-protocol reference, 4.2). zxids and times are exact numbers. */
export interface Stat {
  /** zxid of the creation. Grows with every creation anywhere, so it serves as a fencing token. */
  readonly czxid: number;
  /** zxid of the last change of the data. */
  readonly mzxid: number;
  /** Time of the creation, milliseconds since 1970. */
  readonly ctime: number;
  /** Time of the last change of the data, milliseconds since 1970. */
  readonly mtime: number;
  /** Changes of the data. */
  readonly version: number;
  /** Creations and deletions of children. */
  readonly cversion: number;
  /** Changes of the access control list. */
  readonly aversion: number;
  /** The session it belongs to; 0n for a znode that is not ephemeral. */
  readonly ephemeralOwner: bigint;
  /** Bytes; 0 for null. */
  readonly dataLength: number;
  readonly numChildren: number;
  /** zxid of the last creation or deletion of a child. */
  readonly pzxid: number;
}

/** Permission bits of an access control list. */
export const Perms: {
  readonly read: 1;
  readonly write: 2;
  readonly create: 4;
  readonly delete: 8;
  readonly admin: 16;
  readonly all: 31;
} = Object.freeze({ read: 1, write: 2, create: 4, delete: 8, admin: 16, all: 31 });

/** One entry of an access control list: who may do what. */
export interface Acl {
  /** A sum of `Perms`. */
  readonly perms: number;
  readonly scheme: string;
  readonly id: string;
}

/** Everybody may do everything: what a znode gets unless told otherwise. */
export const OPEN_ACL: readonly Acl[] = Object.freeze([Object.freeze({ perms: 31, scheme: 'world', id: 'anyone' })]);
/** Those who create it may do everything; needs an authenticated identity. */
export const CREATOR_ALL_ACL: readonly Acl[] = Object.freeze([Object.freeze({ perms: 31, scheme: 'auth', id: '' })]);
/** Everybody may read. */
export const READ_ACL: readonly Acl[] = Object.freeze([Object.freeze({ perms: 1, scheme: 'world', id: 'anyone' })]);

/** How long a znode lives, and whether the server ends its name with a number. */
export type CreateMode =
  | 'persistent'
  | 'persistentSequential'
  /** Goes with the session that made it. */
  | 'ephemeral'
  | 'ephemeralSequential'
  /** Goes some time after its last child. */
  | 'container';

/** The flags of a create with a time to live. */
export function ttlFlags(mode: CreateMode): number {
  return mode === 'persistent' ? WireCreateMode.persistentWithTTL : WireCreateMode.persistentSequentialWithTTL;
}

export interface Created {
  /** With the number, if it was asked for. */
  readonly path: string;
  /** As of the creation; `czxid` is its zxid. */
  readonly stat: Stat;
}

export interface Znode {
  /** null and no bytes are different things. */
  readonly data: Uint8Array | null;
  readonly stat: Stat;
}

export interface Children {
  /** Names, not paths, in no order. */
  readonly children: readonly string[];
  readonly stat: Stat;
}

export interface AccessList {
  readonly acl: readonly Acl[];
  readonly stat: Stat;
}

/** What can be stored; text becomes UTF-8. Bytes are not copied: leave them alone until the request is answered. */
export type DataInput = Uint8Array | string | null;

export function bytesOf(data: DataInput): Uint8Array | null {
  return typeof data === 'string' ? encodeUtf8(data) : data;
}

/** Whom a server takes this connection for. */
export interface Identity {
  readonly scheme: string;
  readonly user: string;
}
