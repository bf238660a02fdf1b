import type { TxnApplier } from '@headkeeper/server/internal';
import type { DurableState } from './durable-state.ts';
import { type AppliedTxn, type History, txnHash } from './history.ts';
import { law, zxidText } from './violation.ts';

const TWO_32 = 4294967296;

/** What a server is, as far as the laws care. */
export type NodeRole =
  /** It serves nobody: it starts, looks for a leader, or synchronises. */
  | 'idle'
  /** It serves, and what it applies has been committed by another. */
  | 'serving'
  /** What it applies is committed by that: an established leader, or a standalone server. */
  | 'leading';

/** The txns that one server's state is made of, compared with the history that all share. */
export class AppliedTxns {
  readonly #who: number;
  readonly #history: History;
  readonly #durable: DurableState;
  #applier: TxnApplier | null = null;
  /** Applied and not (yet) known to be committed. */
  #tail: AppliedTxn[] = [];
  /** The first txn that differs from the history; 0: none. */
  #divergedAt = 0;
  /** The first txn behind which others are missing, and what was applied before it; null: there is none. */
  #hole: { readonly zxid: number; readonly before: number } | null = null;
  readonly #mayHaveHoles: () => boolean;
  /** Whether the server has been found to serve with the present state. */
  #hasServed = false;

  /** `mayHaveHoles`: whether txns may be missing in the middle of its log without its fault. */
  constructor(who: number, history: History, durable: DurableState, mayHaveHoles: () => boolean) {
    this.#mayHaveHoles = mayHaveHoles;
    this.#who = who;
    this.#history = history;
    this.#durable = durable;
  }

  /** The process is gone. */
  forget(): void {
    this.#applier = null;
    this.#tail = [];
    this.#divergedAt = 0;
    this.#hole = null;
    this.#hasServed = false;
  }

  /** A txn has been applied. */
  applied(applier: TxnApplier, before: number, bytes: Uint8Array, start: number, end: number): void {
    if (applier !== this.#applier) {
      this.forget();
      this.#applier = applier;
    }
    const { zxid } = applier;
    const hash = txnHash(bytes, start, end);
    const known = this.#history.hashOf(zxid);
    if (known === undefined) {
      const txn: AppliedTxn = { zxid, hash, bytes: bytes.slice(start, end), before };
      this.#tail.push(txn);
      this.#history.keep(txn);
    } else if (known !== hash) this.#diverges(zxid);
    else this.#follows(zxid, before);
  }

  /** Within an epoch the server itself looks at the numbers. With that in which an epoch begins there is no txn. */
  #follows(zxid: number, before: number): void {
    if (this.#hole !== null || before === zxid - 1 || before % TWO_32 === 0) return;
    if (this.#history.lastBefore(zxid) !== before && !this.#mayHaveHoles()) this.#hole = { zxid, before };
  }

  /** After an event: what the server is now says what its state, changed through `applier`, must be. */
  settle(role: NodeRole, applier: TxnApplier, lastZxid: number): void {
    // A state received whole has replaced the one that was made of txns.
    if (applier !== this.#applier) this.forget();
    this.#applier = applier;
    if (role === 'idle') {
      this.#hasServed = false;
      return;
    }
    if (this.#hasServed && this.#tail.length === 0 && this.#divergedAt === 0) return;
    if (role === 'leading' && !this.#hasServed) this.#appendFromSnapshot(lastZxid);
    this.#hasServed = true;
    const tail = this.#tail;
    this.#tail = [];
    for (const { zxid, hash, bytes, before } of tail) {
      const known = this.#history.hashOf(zxid);
      if (known === undefined && role === 'leading') this.#history.append(zxid, hash, bytes);
      else if (known !== hash) this.#diverges(zxid);
      this.#follows(zxid, before);
    }
    law(this.#hole === null, 'agreement', () => {
      const { zxid, before } = this.#hole as { zxid: number; before: number };
      return `server ${this.#who} serves a state with ${zxidText(zxid)} right behind ${zxidText(before)}, without what is between them`;
    });
    law(this.#divergedAt === 0, 'agreement', () => {
      const last = zxidText(this.#history.last);
      return `server ${this.#who} serves a state with ${zxidText(this.#divergedAt)}, which is not in the history up to ${last}`;
    });
  }

  /** A leader that has ended since has called its txns committed up to this one, and applied them in its last step. */
  commitUpTo(zxid: number): void {
    const beyond = this.#tail.findIndex((txn) => txn.zxid > zxid);
    const committed = this.#tail.splice(0, beyond === -1 ? this.#tail.length : beyond);
    for (const { zxid: each, hash, bytes } of committed) {
      const known = this.#history.hashOf(each);
      if (known === undefined) this.#history.append(each, hash, bytes);
      law(known === undefined || known === hash, 'agreement', () => {
        return `server ${this.#who} has led and committed another ${zxidText(each)} than the one in the history`;
      });
    }
  }

  /** What a leader has when it is established is committed by that, also what it has loaded from its own snapshot. */
  #appendFromSnapshot(lastZxid: number): void {
    const end = this.#tail[0]?.before || lastZxid;
    this.#history.appendUpTo(end, (zxid) => this.#durable.hashOf(zxid));
  }

  #diverges(zxid: number): void {
    if (this.#divergedAt === 0 || zxid < this.#divergedAt) this.#divergedAt = zxid;
  }
}
