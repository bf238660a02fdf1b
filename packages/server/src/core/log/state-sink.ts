import type { Acl } from '@headkeeper/protocol';

/** The digest of the tree right after a txn, as two int32 halves. */
export interface TreeDigest {
  readonly zxid: number;
  readonly high: number;
  readonly low: number;
}

/**
 * What recovery fills: the tree and the session table. Everything arrives in the file's order: sessions, access control
 * lists, nodes (parents before children, the root as the empty path), `loaded`, then txns in ascending order of zxid.
 * Byte ranges are valid only during the call.
 */
export interface StateSink {
  loadSession(idHigh: number, idLow: number, timeoutMs: number): void;
  loadAcl(aclId: number, list: Acl[]): void;
  /**
   * One node: `bytes[pathStart, pathEnd)` is its path, `dataLength` -1 stands for null data, `aclId` -1 for the open list,
   * `statAt` is the offset of the 60 bytes of its persisted stat (storage-formats reference, section 8). Returns null, or
   * what is wrong with the node (no parent, twice there): the snapshot is then taken for damaged.
   */
  loadNode(
    bytes: Uint8Array,
    view: DataView,
    pathStart: number,
    pathEnd: number,
    dataStart: number,
    dataLength: number,
    aclId: number,
    statAt: number,
  ): string | null;
  /**
   * All nodes have come. Returns null, or what is wrong with them and was not told by `loadNode`. Left out: nothing is.
   */
  nodesLoaded?(): string | null;
  /**
   * The snapshot named `zxid` is complete and sealed. With no node before it: begin with the initial tree. `digest` is to
   * be compared when replay reaches its zxid (at once when that is `zxid`); null when the file has none that counts.
   */
  loaded(zxid: number, digest: TreeDigest | null): void;
  /** Applies one logged txn; `bytes[start, end)` is TxnHeader, txn and the optional digest. Throws JuteError if unreadable. */
  applyTxn(bytes: Uint8Array, view: DataView, start: number, end: number): void;
}
