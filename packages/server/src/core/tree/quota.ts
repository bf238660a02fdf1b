import { decodeUtf8, ErrorCode, encodeUtf8 } from '@headkeeper/protocol';
import { Field, NONE, type NodeStore, ROOT } from './node-store.ts';
import { adjustQuotaUsage, formatQuotaUsage, parseQuota, type QuotaText } from './quota-text.ts';

const QUOTA_ROOT = '/zookeeper/quota';
const LIMITS_NAME = 'zookeeper_limits';
const STATS_NAME = 'zookeeper_stats';

/** What quotas need of the tree that they belong to. */
export interface QuotaTree {
  readonly store: NodeStore;
  /** Replaces data without a txn of its own: no stat field but the length changes. */
  replaceData(slot: number, data: Uint8Array): void;
  /** Znodes of a subtree, its root included, and the bytes of their data. */
  measure(slot: number): { count: number; bytes: number };
}

/**
 * Quotas (client-protocol reference, 10.1): which paths have one, and the bookkeeping of their usage, which every server
 * does for itself in the data of `zookeeper_stats`, without a txn and without touching its stat.
 *
 * Nothing is kept up to date before `rebuild`, which recovery calls once when the tree is complete.
 */
export class QuotaBook {
  readonly #tree: QuotaTree;
  readonly #paths: Set<string> = new Set();
  /** No path in `#paths` is longer than this, in UTF-16 units. */
  #longest = 0;
  #active = false;

  constructor(tree: QuotaTree) {
    this.#tree = tree;
  }

  /** Finds the quotas of the tree and counts what they hold. */
  rebuild(): void {
    this.#active = true;
    this.#paths.clear();
    const top = this.#find(QUOTA_ROOT);
    if (top !== NONE) this.#collect(top);
    for (const path of this.#paths) this.#recount(path);
  }

  /** Clients may nest znodes as deep as they like, so there is no recursion here. */
  #collect(top: number): void {
    const store = this.#tree.store;
    const ahead: { slot: number; path: string }[] = [{ slot: top, path: '' }];
    for (let next = ahead.pop(); next !== undefined; next = ahead.pop()) {
      const { slot, path } = next;
      for (let child = store.get(slot, Field.firstChild); child !== NONE; child = store.get(child, Field.nextSibling)) {
        const at = store.nameOffset(child);
        const name = decodeUtf8(store.dataBytes(child), at, at + store.get(child, Field.nameLength));
        if (name === LIMITS_NAME) this.#add(path);
        else ahead.push({ slot: child, path: `${path}/${name}` });
      }
    }
  }

  #add(path: string): void {
    this.#paths.add(path);
    this.#longest = Math.max(this.#longest, path.length);
  }

  /** After a znode was created; `slash` is the offset of its path's last slash. */
  created(bytes: Uint8Array, start: number, end: number, slash: number, dataLength: number): void {
    if (!this.#active) return;
    if (isQuotaPath(bytes, start, slash)) {
      const parent = decodeUtf8(bytes, start, slash);
      const name = decodeUtf8(bytes, slash + 1, end);
      const path = parent.slice(QUOTA_ROOT.length);
      if (name === LIMITS_NAME) this.#add(path);
      if (name === STATS_NAME) this.#recount(path);
    }
    this.#adjust(bytes, start, end, 1, dataLength);
  }

  deleted(bytes: Uint8Array, start: number, end: number, slash: number, dataLength: number): void {
    if (!this.#active) return;
    if (isQuotaPath(bytes, start, slash) && decodeUtf8(bytes, slash + 1, end) === LIMITS_NAME) {
      this.#paths.delete(decodeUtf8(bytes, start, slash).slice(QUOTA_ROOT.length));
    }
    this.#adjust(bytes, start, end, -1, -dataLength);
  }

  dataChanged(bytes: Uint8Array, start: number, end: number, byteDifference: number): void {
    if (this.#active) this.#adjust(bytes, start, end, 0, byteDifference);
  }

  /**
   * Whether a change would pass a hard limit: -125, else 0. Only the deepest quota on the way counts. A text that cannot be
   * read is -5; the usage is read only where a limit, soft or hard, is set for what the change adds to.
   */
  check(bytes: Uint8Array, start: number, end: number, countDifference: number, byteDifference: number): number {
    if (this.#paths.size === 0) return ErrorCode.ok;
    const path = this.#deepest(bytes, start, end);
    if (path === null) return ErrorCode.ok;
    const limitsSlot = this.#find(`${QUOTA_ROOT}${path}/${LIMITS_NAME}`);
    if (limitsSlot === NONE) return ErrorCode.ok;
    const limits = this.#parse(limitsSlot);
    if (limits === null) return ErrorCode.marshallingError;
    const counts = countDifference !== 0 && (limits.count > -1 || limits.countHardLimit > -1);
    const measures = byteDifference !== 0 && (limits.bytes > -1 || limits.byteHardLimit > -1);
    if (!counts && !measures) return ErrorCode.ok;
    const statsSlot = this.#find(`${QUOTA_ROOT}${path}/${STATS_NAME}`);
    if (statsSlot === NONE) return ErrorCode.ok;
    const usage = this.#parse(statsSlot);
    if (usage === null) return ErrorCode.marshallingError;
    if (countDifference !== 0 && limits.countHardLimit > -1 && usage.count + countDifference > limits.countHardLimit) {
      return ErrorCode.quotaExceeded;
    }
    if (byteDifference !== 0 && limits.byteHardLimit > -1 && usage.bytes + byteDifference > limits.byteHardLimit) {
      return ErrorCode.quotaExceeded;
    }
    return ErrorCode.ok;
  }

  /** Every quota with what it holds (null when that cannot be read); those that cannot be read are left out. */
  *quotas(): Generator<{ readonly path: string; readonly limits: QuotaText; readonly usage: QuotaText | null }> {
    for (const path of this.#paths) {
      const limitsSlot = this.#find(`${QUOTA_ROOT}${path}/${LIMITS_NAME}`);
      const limits = limitsSlot === NONE ? null : this.#parse(limitsSlot);
      if (limits === null) continue;
      const statsSlot = this.#find(`${QUOTA_ROOT}${path}/${STATS_NAME}`);
      yield { path, limits, usage: statsSlot === NONE ? null : this.#parse(statsSlot) };
    }
  }

  /** The text of a limits or stats node; null if there is none or if it cannot be read, where Apache fails. */
  #parse(slot: number): QuotaText | null {
    if (this.#tree.store.get(slot, Field.dataLength) < 0) return null;
    const text = parseQuota(this.#data(slot));
    return text.malformed ? null : text;
  }

  #deepest(bytes: Uint8Array, start: number, end: number): string | null {
    let path = decodeUtf8(bytes, start, end);
    if (path.length > this.#longest) path = path.slice(0, path.lastIndexOf('/', this.#longest));
    while (path.length > 0) {
      if (this.#paths.has(path)) return path;
      path = path.slice(0, path.lastIndexOf('/'));
    }
    return null;
  }

  #adjust(bytes: Uint8Array, start: number, end: number, countDifference: number, byteDifference: number): void {
    if (this.#paths.size === 0) return;
    const path = this.#deepest(bytes, start, end);
    if (path === null) return;
    const slot = this.#find(`${QUOTA_ROOT}${path}/${STATS_NAME}`);
    if (slot === NONE) return;
    this.#tree.replaceData(slot, encodeUtf8(adjustQuotaUsage(this.#data(slot), countDifference, byteDifference)));
  }

  #recount(path: string): void {
    const slot = this.#find(path);
    const stats = this.#find(`${QUOTA_ROOT}${path}/${STATS_NAME}`);
    if (stats === NONE) return;
    const { count, bytes } = slot === NONE ? { count: 0, bytes: 0 } : this.#tree.measure(slot);
    this.#tree.replaceData(stats, encodeUtf8(formatQuotaUsage(count, bytes)));
  }

  #find(path: string): number {
    if (path === '') return ROOT;
    const bytes = encodeUtf8(path);
    return this.#tree.store.find(bytes, 0, bytes.length);
  }

  #data(slot: number): Uint8Array {
    const length = Math.max(0, this.#tree.store.get(slot, Field.dataLength));
    const at = this.#tree.store.dataOffset(slot);
    return this.#tree.store.dataBytes(slot).subarray(at, at + length);
  }
}

const QUOTA_ROOT_BYTES = encodeUtf8(QUOTA_ROOT);

function isQuotaPath(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < QUOTA_ROOT_BYTES.length) return false;
  for (let i = 0; i < QUOTA_ROOT_BYTES.length; i++) if (bytes[start + i] !== QUOTA_ROOT_BYTES[i]) return false;
  return end - start === QUOTA_ROOT_BYTES.length || bytes[start + QUOTA_ROOT_BYTES.length] === 0x2f;
}
