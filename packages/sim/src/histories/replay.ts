import { ErrorCode } from '@headkeeper/protocol';
import { zxidText } from '../check/violation.ts';
import { CONTAINER_OWNER, ModelTree, parentOf, ttlOwner } from '../model/model-tree.ts';
import type { AssembledHistory, Operation } from './assembly.ts';
import type { Findings } from './finding.ts';
import { type EventName, isWrite, type SubRequest, type TxnLine, type WriteRequest } from './lines.ts';

/** What watchers can see of one txn, in order. */
export interface Change {
  readonly zxid: number;
  readonly type: EventName;
  readonly path: string;
}

/** What a write must have been answered. */
export interface Verdict {
  readonly error: number;
  readonly path: string;
  readonly results: readonly number[];
}

/** Errors that depend on the server that a session was attached to. */
export const OF_THE_SESSION: ReadonlySet<number> = new Set([ErrorCode.sessionExpired, ErrorCode.sessionMoved]);
/** Model znodes need a time; no time is judged. */
const TIME = 0;

/** What the tree was after each txn, computed from what was asked for. */
export class Replay {
  readonly tree: ModelTree = new ModelTree();
  readonly changes: Change[] = [];
  readonly verdicts: Map<number, Verdict> = new Map();
  /** When sessions ended, by zxid. */
  readonly ended: Map<string, number> = new Map();
  readonly #sessions: Map<string, Set<string>> = new Map();
  readonly #history: AssembledHistory;
  readonly #findings: Findings;

  constructor(history: AssembledHistory, findings: Findings) {
    this.#history = history;
    this.#findings = findings;
    /** Sessions whose writes are written down. */
    const recorded = new Set<string>();
    for (const { call } of history.operations) if (isWrite(call)) recorded.add(call.session);
    const seen = new Set<string>();
    let last = 0;
    for (const txn of history.txns) {
      const { zxid, session, xid } = txn;
      findings.expect(zxid > last, 'order', () => `${zxidText(zxid)} is committed behind ${zxidText(last)}`);
      last = Math.max(last, zxid);
      const key = `${session} ${xid}`;
      const isFirst = xid === 0 || !seen.has(key);
      findings.expect(isFirst, 'exactly once', () => `request ${xid} of ${session} is done again at ${zxidText(zxid)}`);
      seen.add(key);
      this.#apply(txn, recorded.has(session));
    }
  }

  #apply(txn: TxnLine, isRecorded: boolean): void {
    this.tree.begin();
    switch (txn.do) {
      case 'createSession':
        this.#createSession(txn);
        return;
      case 'closeSession':
        this.#closeSession(txn);
        return;
      case 'deleteContainer':
        this.#reap(txn);
        return;
      case 'reconfig':
        if (txn.in !== undefined && 'path' in txn.in) this.#changed(txn.zxid, 'NodeDataChanged', txn.in.path);
        return;
      default:
        this.#write(txn, isRecorded);
    }
  }

  #createSession({ session, zxid }: TxnLine): void {
    const isNew = !this.#sessions.has(session) && !this.ended.has(session);
    this.#findings.expect(isNew, 'sessions', () => `session ${session} is made again at ${zxidText(zxid)}`);
    this.#sessions.set(session, new Set());
  }

  #closeSession({ session, zxid }: TxnLine): void {
    const owned = this.#sessions.get(session);
    if (owned === undefined) {
      const wasThere = this.ended.has(session);
      this.#findings.expect(wasThere, 'sessions', () => `${zxidText(zxid)} ends session ${session}, which never was`);
      return;
    }
    for (const path of owned) this.#remove(path, zxid);
    this.#sessions.delete(session);
    this.ended.set(session, zxid);
  }

  #reap({ zxid, in: asked }: TxnLine): void {
    const path = asked !== undefined && 'path' in asked ? asked.path : '';
    const znode = this.tree.latest(path);
    if (znode === null || znode.children > 0) return;
    const isKind = znode.owner === CONTAINER_OWNER || znode.owner < 0n;
    this.#findings.expect(isKind, 'writes', () => `${zxidText(zxid)} reaps ${path}, which is not to be reaped`);
    this.#remove(path, zxid);
  }

  #write(txn: TxnLine, isRecorded: boolean): void {
    const { zxid, session } = txn;
    const operation = this.#history.askedBy.get(zxid);
    const isAsked = operation !== undefined || !isRecorded;
    this.#findings.expect(
      isAsked,
      'integrity',
      () => `${zxidText(zxid)}: nobody asked for this ${txn.do} of ${session}`,
    );
    const asked = operation !== undefined && isWrite(operation.call) ? operation.call : requestOf(txn);
    const refusal = txn.do === 'error' ? (txn.error ?? operation?.answer?.error) : undefined;
    // Refused, and why is not known.
    if (txn.do === 'error' && refusal === undefined) return;
    if (asked === null || !this.#sessions.has(session) || (refusal !== undefined && OF_THE_SESSION.has(refusal))) {
      this.#findings.expect(
        txn.do === 'error' || this.#sessions.has(session) || asked === null,
        'sessions',
        () => `${zxidText(zxid)}: session ${session}, which is over, writes`,
      );
      return;
    }
    const verdict = this.#evaluate(asked, session, zxid);
    this.verdicts.set(zxid, verdict);
    // A multi that fails is a txn like any other, with the error of each operation in it.
    const { error } = verdict;
    this.#findings.expect(error === (refusal ?? ErrorCode.ok), 'writes', () => {
      const is = refusal === undefined ? txn.do : `error ${refusal}`;
      const says = error === ErrorCode.ok ? 'does it' : `refuses it (${error})`;
      return `${zxidText(zxid)} is ${is}; the model ${says}: ${describe(operation, asked)}`;
    });
  }

  #evaluate(asked: WriteRequest, session: string, zxid: number): Verdict {
    const { length } = this.changes;
    const effects: (() => void)[] = [];
    const isMulti = asked.do === 'multi';
    const steps: readonly SubRequest[] = isMulti ? asked.in.ops : [asked as SubRequest];
    const results: number[] = [];
    let path = '';
    for (const step of steps) {
      const done = this.#step(step, session, zxid, effects);
      path = done.path;
      results.push(done.error);
      if (done.error !== ErrorCode.ok) break;
    }
    const isFailed = results.length > 0 && results.at(-1) !== ErrorCode.ok;
    if (isFailed) {
      this.tree.rollBack(zxid);
      this.changes.length = length;
    } else for (const effect of effects) effect();
    if (!isMulti) return { error: results[0] as number, path, results: [] };
    // Those behind the one that failed, and were not tried.
    while (results.length < steps.length) results.push(ErrorCode.runtimeInconsistency);
    return { error: ErrorCode.ok, path: '', results };
  }

  #step(
    step: SubRequest,
    session: string,
    zxid: number,
    effects: (() => void)[],
  ): { readonly error: number; readonly path: string } {
    const { tree } = this;
    const { path } = step.in;
    switch (step.do) {
      case 'create': {
        const { mode, data } = step.in;
        const parent = tree.latest(parentOf(path.endsWith('/') ? `${path}_` : path));
        if (parent === null) return { error: ErrorCode.noNode, path };
        const isSequential = mode === 'persistentSequential' || mode === 'ephemeralSequential';
        const name = isSequential ? path + String(parent.creations).padStart(10, '0') : path;
        const isOwned = mode === 'ephemeral' || mode === 'ephemeralSequential';
        const special = mode === 'container' ? CONTAINER_OWNER : mode === 'ttl' ? ttlOwner(1) : 0n;
        const owner = isOwned ? BigInt.asIntN(64, BigInt(session)) : special;
        const error = tree.create(name, zxid, TIME, { data, acl: '', owner });
        if (error !== ErrorCode.ok) return { error, path: name };
        if (isOwned) effects.push(() => this.#sessions.get(session)?.add(name));
        this.#changed(zxid, 'NodeCreated', name);
        this.#changed(zxid, 'NodeChildrenChanged', parentOf(name));
        return { error, path: name };
      }
      case 'delete': {
        const owner = BigInt.asUintN(64, tree.latest(path)?.owner ?? 0n);
        const error = tree.delete(path, step.in.version, zxid);
        if (error !== ErrorCode.ok) return { error, path };
        effects.push(() => this.#sessions.get(`0x${owner.toString(16)}`)?.delete(path));
        this.#changed(zxid, 'NodeDeleted', path);
        this.#changed(zxid, 'NodeChildrenChanged', parentOf(path));
        return { error, path };
      }
      case 'setData': {
        const error = tree.setData(path, step.in.data, step.in.version, zxid, TIME);
        if (error === ErrorCode.ok) this.#changed(zxid, 'NodeDataChanged', path);
        return { error, path };
      }
      case 'setACL':
        return { error: tree.setAcl(path, '', step.in.version, zxid), path };
      default:
        return { error: tree.check(path, step.in.version), path };
    }
  }

  #remove(path: string, zxid: number): void {
    this.tree.remove(path, zxid);
    this.#changed(zxid, 'NodeDeleted', path);
    this.#changed(zxid, 'NodeChildrenChanged', parentOf(path));
  }

  #changed(zxid: number, type: EventName, path: string): void {
    this.changes.push({ zxid, type, path });
  }
}

/** What a txn was asked for by, as far as it tells that itself; null: it changes nothing that is known. */
function requestOf(txn: TxnLine): WriteRequest | null {
  if (txn.do === 'error' || txn.do === 'check' || txn.in === undefined) return null;
  return { do: txn.do, in: txn.in } as WriteRequest;
}

function describe(operation: Operation | undefined, asked: WriteRequest): string {
  const who = operation === undefined ? 'a txn of the log' : `${operation.call.client}, call ${operation.call.id}`;
  return `${who}: ${asked.do} ${JSON.stringify(asked.in).slice(0, 200)}`;
}
