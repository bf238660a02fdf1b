import { OpCode, Reader, Writer } from '@headkeeper/protocol';
import { deleteContainer } from './ops/delete.ts';
import type { Proposals } from './proposals.ts';
import type { Serving } from './serving.ts';
import type { CoreSettings } from './settings.ts';
import { Field } from './tree/node-store.ts';

const MINUTE_MS = 60_000;

/** Proposes the deletion of containers that have lost their last child and of TTL znodes whose time is over (3.3). */
export class Reaper {
  readonly #settings: CoreSettings;
  #nextCheckMs = 0;

  constructor(settings: CoreSettings) {
    this.#settings = settings;
  }

  start(nowMs: number): void {
    this.#nextCheckMs = nowMs + this.#settings.containerCheckIntervalMs;
  }

  run(serving: Serving, proposals: Proposals): void {
    if (serving.nowMs < this.#nextCheckMs) return;
    const interval = this.#settings.containerCheckIntervalMs;
    this.#nextCheckMs = serving.nowMs + interval;
    let left = Math.max(1, Math.floor((this.#settings.containerMaxPerMinute * interval) / MINUTE_MS));
    for (const slot of this.#candidates(serving)) {
      if (left-- === 0) return;
      const { store } = serving.tree;
      const body = new Writer(4 + store.pathLength(slot));
      body.int(store.pathLength(slot));
      body.length += store.pathLength(slot);
      store.writePathBackwards(slot, body.bytes, body.length);
      if (isChanging(proposals, body.bytes, 4, body.length)) continue;
      const r = new Reader(body.bytes, 0, body.length);
      proposals.propose(deleteContainer, OpCode.deleteContainer, 0, null, null, 0, 0, r, []);
    }
  }

  #candidates(serving: Serving): number[] {
    const { store, kinds, containers, ttlNodes } = serving.tree;
    const unusedMs = this.#settings.containerMaxNeverUsedIntervalMs;
    const found: number[] = [];
    for (const slot of containers) {
      if (store.get(slot, Field.childCount) > 0) continue;
      const wasUsed = store.get(slot, Field.cversion) > 0;
      if (wasUsed || (unusedMs > 0 && this.#ageMs(serving, slot) > unusedMs)) found.push(slot);
    }
    for (const slot of ttlNodes) {
      if (store.get(slot, Field.childCount) > 0) continue;
      const ttlMs = kinds.ttlMs(store.get(slot, Field.owner), store.get(slot, Field.owner + 1));
      if (ttlMs > 0 && this.#ageMs(serving, slot) > ttlMs) found.push(slot);
    }
    return found;
  }

  /** Milliseconds since the last change of a znode's data. */
  #ageMs(serving: Serving, slot: number): number {
    return serving.wallMs - serving.tree.longOf(slot, Field.mtime);
  }
}

/** Whether a change of the znode is on its way: it may be in use again, or be another znode by then. */
function isChanging(proposals: Proposals, path: Uint8Array, start: number, end: number): boolean {
  const { pending } = proposals.preparation;
  const changing = pending.find(path, start, end).attached;
  pending.endOperation();
  return changing;
}
