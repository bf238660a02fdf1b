import type { Writer } from '@headkeeper/protocol';
import { Field, type NodeStore } from './node-store.ts';

/** Bytes of a Stat on the wire. */
export const STAT_BYTES = 68;

const CONTAINER_OWNER_HIGH = -0x80000000;
const TTL_OWNER_TOP_BYTE = -0x1000000;

/** What a znode's owner field says (client-protocol reference, 3.3; storage-formats reference, 5). */
export type OwnerKind = 'persistent' | 'ephemeral' | 'container' | 'ttl';

/** Tells the owner kinds apart, under the settings that give TTL owners their meaning. */
export class OwnerKinds {
  readonly #extended: boolean;
  readonly #emulate353: boolean;

  constructor(extendedTypesEnabled: boolean, emulate353TTLNodes: boolean) {
    this.#extended = extendedTypesEnabled;
    this.#emulate353 = emulate353TTLNodes;
  }

  of(high: number, low: number): OwnerKind {
    if (high === 0 && low === 0) return 'persistent';
    if (high >= 0) return 'ephemeral';
    if (high === CONTAINER_OWNER_HIGH && low === 0) return 'container';
    if (this.#emulate353) return 'ttl';
    if (this.#extended && (high & TTL_OWNER_TOP_BYTE) === TTL_OWNER_TOP_BYTE) return 'ttl';
    return 'ephemeral';
  }

  /** Time to live in milliseconds of an owner that is of kind ttl. */
  ttlMs(high: number, low: number): number {
    const bits = this.#extended && (high & TTL_OWNER_TOP_BYTE) === TTL_OWNER_TOP_BYTE ? high & 0xff : high & 0x7fffffff;
    return bits * 4294967296 + (low >>> 0);
  }
}

/** Owner halves of containers and TTL znodes. */
export const CONTAINER_OWNER: { readonly high: number; readonly low: number } = { high: CONTAINER_OWNER_HIGH, low: 0 };

export function ttlOwnerHigh(ttlMs: number): number {
  return TTL_OWNER_TOP_BYTE | Math.floor(ttlMs / 4294967296);
}

/** Appends a znode's Stat as clients see it. */
export function writeStat(out: Writer, store: NodeStore, slot: number, kinds: OwnerKinds): void {
  const record = store.record(slot);
  const base = store.base(slot);
  writeStatWords(out, record, base, record[base + Field.dataLength], record[base + Field.childCount], kinds);
}

/** As `writeStat`, from fifteen stat words at `base` that need not lie in the store. */
export function writeStatWords(
  out: Writer,
  record: Int32Array,
  base: number,
  dataLength: number,
  childCount: number,
  kinds: OwnerKinds,
): void {
  const at = out.reserve(STAT_BYTES);
  const view = out.view;
  for (let word = 0; word < 9; word++) view.setInt32(at + word * 4, record[base + word]);
  view.setInt32(at + 36, Math.imul(2, record[base + Field.cversion]) - childCount);
  view.setInt32(at + 40, record[base + Field.aversion]);
  const high = record[base + Field.owner];
  const low = record[base + Field.owner + 1];
  const ephemeral = (high !== 0 || low !== 0) && kinds.of(high, low) === 'ephemeral';
  view.setInt32(at + 44, ephemeral ? high : 0);
  view.setInt32(at + 48, ephemeral ? low : 0);
  view.setInt32(at + 52, Math.max(0, dataLength));
  view.setInt32(at + 56, childCount);
  view.setInt32(at + 60, record[base + Field.pzxid]);
  view.setInt32(at + 64, record[base + Field.pzxid + 1]);
  out.length = at + STAT_BYTES;
}
