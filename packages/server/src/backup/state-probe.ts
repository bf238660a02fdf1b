import type { Acl } from '@headkeeper/protocol';
import { zxidOfBody } from '../core/log/record-codec.ts';
import type { StateSink, TreeDigest } from '../core/log/state-sink.ts';
import type { RecoveredState } from '../core/recovered-state.ts';
import { timeOfBody } from './segment-builder.ts';

/**
 * Passes on what fills a state, up to a zxid, and remembers what the state itself does not tell.
 */
export class StateProbe implements StateSink {
  readonly state: RecoveredState;
  readonly #toZxid: number;
  #sawDigest = false;
  #sawNone = false;
  /** Header time of the last txn applied, milliseconds since 1970; null when none was. */
  lastTimeMs: number | null = null;

  constructor(state: RecoveredState, toZxid: number = Number.MAX_SAFE_INTEGER) {
    this.state = state;
    this.#toZxid = toZxid;
  }

  /** Whether what was read carries digests; taken for granted when nothing could tell. */
  get hasDigests(): boolean {
    return this.#sawDigest || !this.#sawNone;
  }

  loadSession(idHigh: number, idLow: number, timeoutMs: number): void {
    this.state.loadSession(idHigh, idLow, timeoutMs);
  }

  loadAcl(aclId: number, list: Acl[]): void {
    this.state.loadAcl(aclId, list);
  }

  loadNode(...node: Parameters<StateSink['loadNode']>): string | null {
    return this.state.loadNode(...node);
  }

  nodesLoaded(): string | null {
    return this.state.nodesLoaded();
  }

  loaded(zxid: number, digest: TreeDigest | null): void {
    if (digest !== null) this.#sawDigest = true;
    this.state.loaded(zxid, digest);
  }

  applyTxn(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    if (zxidOfBody(view, start) > this.#toZxid) return;
    this.state.applyTxn(bytes, view, start, end);
    this.lastTimeMs = timeOfBody(view, start);
    const { applier } = this.state.database;
    if (applier.hasDigest) this.#sawDigest = true;
    // Txns that failed carry none in any case.
    else if (applier.type !== -1) this.#sawNone = true;
  }
}
