import { type Acl, decodeTxn, type MultiTxnEntry, OpCode, Reader, type Txn } from '@headkeeper/protocol';
import type { RecoveredState, StateSink } from '@headkeeper/server/internal';
import { DatabaseTree } from './database-tree.ts';
import { isBelow, type ZnodeKind } from './znode.ts';

/** What a znode held, before or after a change. */
export interface Held {
  readonly data: Uint8Array | null;
  readonly acl: readonly Acl[];
  readonly kind: ZnodeKind;
}

export type ChangeOperation =
  | 'create'
  | 'createContainer'
  | 'createTTL'
  | 'delete'
  | 'deleteContainer'
  | 'setData'
  | 'setACL'
  | 'reconfig'
  | 'closeSession';

/** One znode changed by one txn. */
export interface Change {
  readonly zxid: number;
  /** By the clock of the server that led then; milliseconds since 1970. */
  readonly timeMs: number;
  /** 0 for what servers do on their own. */
  readonly session: bigint;
  readonly operation: ChangeOperation;
  /** Whether it was part of a multi. */
  readonly inMulti: boolean;
  readonly path: string;
  /** Null when there was no such znode. */
  readonly before: Held | null;
  /** Null when there is none any more. */
  readonly after: Held | null;
}

/** Which changes are wanted. */
export interface ChangeFilter {
  /** The znode, and with `recursive` everything below it. */
  readonly path: string;
  readonly recursive: boolean;
  /** Whether a txn lies between the two points asked for. */
  includes(zxid: number, timeMs: number): boolean;
}

/** Follows a replay and tells of every change that passes the filter, with what was there before. */
export class ChangeRecorder implements StateSink {
  readonly state: RecoveredState;
  readonly #tree: DatabaseTree;
  readonly #filter: ChangeFilter;
  readonly #tell: (change: Change) => void;
  readonly #input: Reader = new Reader(new Uint8Array(0));

  constructor(state: RecoveredState, filter: ChangeFilter, tell: (change: Change) => void) {
    this.state = state;
    this.#tree = new DatabaseTree(state.database);
    this.#filter = filter;
    this.#tell = tell;
  }

  loadSession(...session: Parameters<StateSink['loadSession']>): void {
    this.state.loadSession(...session);
  }

  loadAcl(...acl: Parameters<StateSink['loadAcl']>): void {
    this.state.loadAcl(...acl);
  }

  loadNode(...node: Parameters<StateSink['loadNode']>): string | null {
    return this.state.loadNode(...node);
  }

  nodesLoaded(): string | null {
    return this.state.nodesLoaded();
  }

  loaded(...end: Parameters<StateSink['loaded']>): void {
    this.state.loaded(...end);
  }

  applyTxn(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    this.#input.reset(bytes, view, start, end);
    const txn = decodeTxn(this.#input);
    if (this.#filter.includes(txn.header.zxid, txn.header.time)) this.#record(txn);
    this.state.applyTxn(bytes, view, start, end);
  }

  #record(txn: Txn): void {
    const { op, body } = txn;
    const step = new Step(txn, this.#tree, this.#filter, this.#tell);
    switch (op) {
      case 'multi':
        if (body.txns.some(({ type }) => type === OpCode.error)) return;
        for (const entry of body.txns) recordEntry(step, entry);
        return;
      case 'create':
      case 'create2':
        step.create('create', body, body.ephemeral ? 'ephemeral' : 'persistent');
        return;
      case 'createContainer':
        step.create(op, body, 'container');
        return;
      case 'createTTL':
        step.create(op, body, 'ttl');
        return;
      case 'delete':
      case 'deleteContainer':
        step.remove(op, body.path);
        return;
      case 'setData':
      case 'reconfig':
        step.setData(op, body.path, body.data);
        return;
      case 'setACL':
        step.setAcl(body.path, body.acl);
        return;
      case 'closeSession':
        for (const path of this.#endedWith(txn.header.clientId, body.paths2Delete ?? [])) {
          step.remove(op, path);
        }
        return;
      default:
      // Sessions that begin, errors and lone checks change no znode.
    }
  }

  #endedWith(session: bigint, listed: readonly string[]): ReadonlySet<string> {
    const high = Number(BigInt.asIntN(32, session >> 32n));
    const low = Number(BigInt.asIntN(32, session));
    return new Set([...listed, ...this.#tree.ephemeralsOf(high, low)]);
  }
}

function recordEntry(step: Step, entry: MultiTxnEntry): void {
  switch (entry.type) {
    case OpCode.create:
    case OpCode.create2:
      step.create('create', entry.body, entry.body.ephemeral ? 'ephemeral' : 'persistent', true);
      return;
    case OpCode.createContainer:
      step.create('createContainer', entry.body, 'container', true);
      return;
    case OpCode.createTTL:
      step.create('createTTL', entry.body, 'ttl', true);
      return;
    case OpCode.delete:
      step.remove('delete', entry.body.path, true);
      return;
    case OpCode.setData:
      step.setData('setData', entry.body.path, entry.body.data, true);
      return;
    default:
    // A check changes nothing.
  }
}

/** The changes of one txn. Those of a multi see each other, and none of them is in the tree yet. */
class Step {
  readonly #txn: Txn;
  readonly #tree: DatabaseTree;
  readonly #filter: ChangeFilter;
  readonly #tell: (change: Change) => void;
  readonly #changed: Map<string, Held | null> = new Map();

  constructor(txn: Txn, tree: DatabaseTree, filter: ChangeFilter, tell: (change: Change) => void) {
    this.#txn = txn;
    this.#tree = tree;
    this.#filter = filter;
    this.#tell = tell;
  }

  create(
    operation: ChangeOperation,
    body: { readonly path: string; readonly data: Uint8Array | null; readonly acl: readonly Acl[] | null },
    kind: ZnodeKind,
    inMulti = false,
  ): void {
    this.#change(operation, body.path, inMulti, () => ({ data: copy(body.data), acl: body.acl ?? [], kind }));
  }

  remove(operation: ChangeOperation, path: string, inMulti = false): void {
    this.#change(operation, path, inMulti, () => null);
  }

  setData(operation: ChangeOperation, path: string, data: Uint8Array | null, inMulti = false): void {
    this.#change(operation, path, inMulti, (before) => ({ ...(before ?? UNKNOWN), data: copy(data) }));
  }

  setAcl(path: string, acl: readonly Acl[] | null): void {
    this.#change('setACL', path, false, (before) => ({ ...(before ?? UNKNOWN), acl: acl ?? [] }));
  }

  #change(
    operation: ChangeOperation,
    path: string,
    inMulti: boolean,
    next: (before: Held | null) => Held | null,
  ): void {
    const { path: top, recursive } = this.#filter;
    if (path !== top && !(recursive && isBelow(path, top))) return;
    const known = this.#changed.get(path);
    const before = known === undefined ? this.#tree.get(path) : known;
    const after = next(before === null ? null : { data: before.data, acl: before.acl, kind: before.kind });
    this.#changed.set(path, after);
    const { zxid, time, clientId } = this.#txn.header;
    this.#tell({ zxid, timeMs: time, session: clientId, operation, inMulti, path, before, after });
  }
}

/** Of a znode that a fuzzy snapshot does not hold any more. */
const UNKNOWN: Held = { data: null, acl: [], kind: 'persistent' };

function copy(data: Uint8Array | null): Uint8Array | null {
  return data === null ? null : data.slice();
}
