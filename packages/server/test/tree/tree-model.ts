import { crc32 } from 'node:zlib';
import { type Acl, ErrorCode, encodeUtf8, WORLD_ANYONE_ALL } from '@headkeeper/protocol';
import type { DumpedNode } from '../core/tree-dump.ts';

interface ModelNode {
  data: string | null;
  acl: readonly Acl[];
  czxid: number;
  mzxid: number;
  pzxid: number;
  ctime: number;
  mtime: number;
  version: number;
  /** Children ever created. */
  cversion: number;
  aversion: number;
  owner: bigint;
}

const INITIAL: ModelNode = {
  data: '',
  acl: WORLD_ANYONE_ALL,
  czxid: 0,
  mzxid: 0,
  pzxid: 0,
  ctime: 0,
  mtime: 0,
  version: 0,
  cversion: 0,
  aversion: 0,
  owner: 0n,
};

/** The data tree as the table of client-protocol reference, 4.3 gives it: a map and nothing clever. */
export class TreeModel {
  readonly nodes: Map<string, ModelNode> = new Map();

  constructor() {
    for (const path of ['', '/zookeeper', '/zookeeper/quota']) this.nodes.set(path, { ...INITIAL });
    const acl = [{ perms: 1, scheme: 'world', id: 'anyone' }];
    this.nodes.set('/zookeeper/config', { ...INITIAL, acl, aversion: -1 });
  }

  hasChildren(path: string): boolean {
    for (const other of this.nodes.keys()) if (other.startsWith(`${path}/`)) return true;
    return false;
  }

  create(path: string, data: string | null, acl: readonly Acl[], owner: bigint, zxid: number, time: number): number {
    const parent = this.nodes.get(path.slice(0, path.lastIndexOf('/')));
    if (parent === undefined) return ErrorCode.noNode;
    if (this.nodes.has(path)) return ErrorCode.nodeExists;
    parent.cversion++;
    parent.pzxid = zxid;
    const times = { czxid: zxid, mzxid: zxid, pzxid: zxid, ctime: time, mtime: time };
    this.nodes.set(path, { ...INITIAL, data, acl, owner, ...times });
    return ErrorCode.ok;
  }

  delete(path: string, zxid: number): number {
    const parent = this.nodes.get(path.slice(0, path.lastIndexOf('/')));
    if (parent === undefined || !this.nodes.delete(path)) return ErrorCode.noNode;
    parent.pzxid = zxid;
    return ErrorCode.ok;
  }

  setData(path: string, data: string | null, zxid: number, time: number): number {
    const node = this.nodes.get(path);
    if (node === undefined) return ErrorCode.noNode;
    Object.assign(node, { data, mzxid: zxid, mtime: time, version: node.version + 1 });
    return ErrorCode.ok;
  }

  setAcl(path: string, acl: readonly Acl[]): number {
    const node = this.nodes.get(path);
    if (node === undefined) return ErrorCode.noNode;
    Object.assign(node, { acl, aversion: node.aversion + 1 });
    return ErrorCode.ok;
  }

  dump(): DumpedNode[] {
    return [...this.nodes]
      .map(([path, node]) => ({
        path,
        data: node.data,
        acl: node.acl,
        stat: [
          ...longs(node.czxid, node.mzxid, node.ctime, node.mtime),
          node.version,
          node.cversion,
          node.aversion,
          Number(BigInt.asIntN(32, node.owner >> 32n)),
          Number(BigInt.asIntN(32, node.owner)),
          ...longs(node.pzxid),
        ],
      }))
      .sort((a, b) => (a.path < b.path ? -1 : 1));
  }
}

function longs(...values: number[]): number[] {
  return values.flatMap((value) => [Math.floor(value / 2 ** 32) | 0, value | 0]);
}

/** The order of the stat words in a node's digest: czxid, mzxid, pzxid, ctime, mtime, the three versions, owner. */
const DIGEST_ORDER = [0, 1, 2, 3, 13, 14, 4, 5, 6, 7, 8, 9, 10, 11, 12];

/** The digest of a tree (storage-formats reference, 14), computed from nothing but its znodes. */
export function digestOf(nodes: readonly DumpedNode[]): readonly [number, number] {
  let sum = 0n;
  for (const { path, data, stat } of nodes) {
    if (path.startsWith('/zookeeper/')) continue;
    const words = Buffer.alloc(60);
    for (const [at, word] of DIGEST_ORDER.entries()) words.writeInt32BE(stat[word] as number, at * 4);
    sum += BigInt(crc32(Buffer.concat([encodeUtf8(path), encodeUtf8(data ?? ''), words])));
  }
  return [Number(BigInt.asIntN(32, sum >> 32n)), Number(BigInt.asIntN(32, sum))];
}
