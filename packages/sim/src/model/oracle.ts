import { CreateMode, decodeTxn, ErrorCode, type MultiOperation, OpCode, Reader } from '@headkeeper/protocol';
import { aclText, type TreeWrite } from '@headkeeper/testkit';
import { law, zxidText } from '../check/violation.ts';
import { dataText } from './byte-text.ts';
import { CONTAINER_OWNER, ModelTree, ttlOwner } from './model-tree.ts';

/** What the client of a committed write must be answered. */
export interface Outcome {
  readonly session: bigint;
  readonly xid: number;
  readonly error: number;
  /** Of the znode created or changed. */
  readonly path: string;
  /** Of a multi: the error of each operation. */
  readonly results: readonly number[];
}

/** A session of the replicated state. */
export interface ModelSession {
  readonly timeoutMs: number;
  readonly createdZxid: number;
  /** Its last txn's cxid, and that of its last success. */
  lastXid: number;
  /** Ephemerals that it owns. */
  readonly owned: Set<string>;
}

/** Who asked for a write, and what for. */
export interface Asked {
  readonly write: TreeWrite | null;
  /** Writes and the close of a session, by order within the connection that sent it. */
  readonly connection: number;
  readonly order: number;
}

/** Errors that depend on which server a session is attached to, which the model does not know. */
const OF_THE_SESSION: ReadonlySet<number> = new Set([ErrorCode.sessionExpired, ErrorCode.sessionMoved]);
const HEADER_BYTES = 32;

/**
 * The laws of the service in plain data: what the tree and the sessions are after each committed txn, computed from what
 * clients asked for, not from what the txn says. A txn that nobody asked for, that happens twice or out of its session's
 * order, or with another result than the model's, is a violation.
 */
export class Oracle {
  readonly tree: ModelTree = new ModelTree();
  /** Live sessions. */
  readonly sessions: Map<bigint, ModelSession> = new Map();
  /** When sessions ended, by zxid. */
  readonly ended: Map<bigint, number> = new Map();
  /** Sessions that do nothing but change the membership, which is none of the model's. */
  readonly operators: Set<bigint> = new Set();
  readonly #outcomes: Map<number, Outcome> = new Map();
  readonly #asked: Map<bigint, Map<number, Asked>> = new Map();
  /** Asked for and not yet seen, in order, by connection: what is committed of a connection is a prefix. */
  readonly #orders: Map<number, number> = new Map();
  /** Hears of sessions that the servers have closed by themselves. */
  expired: (session: bigint, zxid: number) => void = () => {};
  /** Writes committed so far. */
  writes = 0;

  /** A client sends a write, or (null) the close of its session. */
  asks(session: bigint, xid: number, asked: Asked): void {
    let requests = this.#asked.get(session);
    if (requests === undefined) {
      requests = new Map();
      this.#asked.set(session, requests);
    }
    requests.set(xid, asked);
  }

  outcome(zxid: number): Outcome | undefined {
    return this.#outcomes.get(zxid);
  }

  /** Takes the next committed txn: header, body and digest. */
  commit(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const session = view.getBigInt64(0);
    const xid = view.getInt32(8);
    const zxid = view.getInt32(12) * 4294967296 + view.getUint32(16);
    const time = Number(view.getBigInt64(20));
    const type = view.getInt32(28);
    this.tree.begin();
    if (type === OpCode.createSession) this.#createSession(session, zxid, view.getInt32(HEADER_BYTES));
    else if (type === OpCode.closeSession) this.#closeSession(session, xid, zxid);
    else if (type === OpCode.deleteContainer) this.#reap(bytes, zxid, time);
    // The last txn of a leader that hands over.
    else if (type === OpCode.error && session === 0n) return;
    else if ((type === OpCode.setData && session === 0n) || this.operators.has(session)) return;
    else this.#write(session, xid, zxid, time, type, type === OpCode.error ? view.getInt32(HEADER_BYTES) : 0);
  }

  #createSession(session: bigint, zxid: number, timeoutMs: number): void {
    law(!this.ended.has(session), 'sessions', () => `session ${session} is created again at ${zxidText(zxid)}`);
    const known = this.sessions.get(session);
    law(known === undefined, 'sessions', () => `session ${session} is created twice, at ${zxidText(zxid)}`);
    this.sessions.set(session, { timeoutMs, createdZxid: zxid, lastXid: 0, owned: new Set() });
  }

  #closeSession(session: bigint, xid: number, zxid: number): void {
    const known = this.sessions.get(session);
    if (known === undefined) {
      law(this.ended.has(session), 'sessions', () => `${zxidText(zxid)} closes session ${session}, which never was`);
      return;
    }
    for (const path of known.owned) this.tree.remove(path, zxid);
    this.sessions.delete(session);
    this.ended.set(session, zxid);
    const asked = this.#asked.get(session)?.get(xid);
    if (asked !== undefined && asked.write === null) {
      this.#inOrder(asked, session, xid, zxid);
      this.#outcomes.set(zxid, { session, xid, error: ErrorCode.ok, path: '', results: [] });
    } else {
      law(
        xid === 0,
        'integrity',
        () => `${zxidText(zxid)}: nobody asked to close session ${session} by request ${xid}`,
      );
      this.expired(session, zxid);
    }
  }

  /** Servers delete containers and znodes whose time has come; both must be without children. */
  #reap(bytes: Uint8Array, zxid: number, time: number): void {
    const txn = decodeTxn(new Reader(bytes));
    const path = txn.op === 'deleteContainer' || txn.op === 'delete' ? (txn.body.path ?? '') : '';
    const znode = this.tree.latest(path);
    if (znode === null || znode.children > 0) return;
    const isDue = znode.owner === CONTAINER_OWNER ? znode.creations > 0 : znode.owner < 0n && znode.mtime < time;
    law(isDue, 'integrity', () => `${zxidText(zxid)} reaps ${path}, which is neither container nor due`);
    this.tree.remove(path, zxid);
  }

  #write(session: bigint, xid: number, zxid: number, time: number, type: number, told: number): void {
    const asked = this.#asked.get(session)?.get(xid);
    law(asked !== undefined, 'integrity', () => `${zxidText(zxid)}: nobody asked for request ${xid} of ${session}`);
    this.writes++;
    const known = this.sessions.get(session);
    if (known === undefined || OF_THE_SESSION.has(told)) {
      const isError = type === OpCode.error;
      law(isError, 'sessions', () => `${zxidText(zxid)}: session ${session}, which is closed, writes (request ${xid})`);
      this.#outcomes.set(zxid, { session, xid, error: told, path: '', results: [] });
      return;
    }
    law(xid > known.lastXid, 'client order', () => {
      return `${zxidText(zxid)}: request ${xid} of session ${session} takes effect after ${known.lastXid}`;
    });
    known.lastXid = xid;
    this.#inOrder(asked, session, xid, zxid);
    const { write } = asked;
    law(write !== null, 'integrity', () => `${zxidText(zxid)}: request ${xid} of ${session} was no write`);
    const outcome = this.#evaluate(session, xid, write, zxid, time);
    const fails = outcome.error !== ErrorCode.ok;
    const same = fails ? type === OpCode.error && told === outcome.error : type !== OpCode.error;
    law(same, 'integrity', () => {
      const seen = type === OpCode.error ? `error ${told}` : `type ${type}`;
      return `${zxidText(zxid)}: ${write.op} of ${session} has ${seen}, the model says ${outcome.error} (${outcome.path})`;
    });
    this.#outcomes.set(zxid, outcome);
  }

  /** Of the requests of one connection, those that take effect are a prefix. */
  #inOrder(asked: Asked, session: bigint, xid: number, zxid: number): void {
    const before = this.#orders.get(asked.connection) ?? 0;
    law(asked.order === before + 1, 'client order', () => {
      return `${zxidText(zxid)}: request ${xid} of ${session} is number ${asked.order} of its connection, ${before} were done`;
    });
    this.#orders.set(asked.connection, asked.order);
  }

  #evaluate(session: bigint, xid: number, write: TreeWrite, zxid: number, time: number): Outcome {
    const changes: (() => void)[] = [];
    if (write.op !== 'multi') {
      const { error, path } = this.#apply(changes, session, OpCode[write.op], write.body, zxid, time);
      if (error !== ErrorCode.ok) this.tree.rollBack(zxid);
      else for (const change of changes) change();
      return { session, xid, error, path, results: [] };
    }
    const results: number[] = [];
    const { ops } = write.body;
    for (const { type, body } of ops) {
      const { error } = this.#apply(changes, session, typeInMulti(type, body), body as AnyBody, zxid, time);
      results.push(error);
      if (error !== ErrorCode.ok) break;
    }
    const isFailed = results.length > 0 && results.at(-1) !== ErrorCode.ok;
    if (isFailed) this.tree.rollBack(zxid);
    else for (const change of changes) change();
    while (results.length < ops.length) results.push(ErrorCode.runtimeInconsistency);
    return { session, xid, error: ErrorCode.ok, path: '', results };
  }

  /** `changes` collects what else is to be done once the whole txn has succeeded. */
  #apply(
    changes: (() => void)[],
    session: bigint,
    type: number,
    body: AnyBody,
    zxid: number,
    time: number,
  ): { error: number; path: string } {
    const { tree } = this;
    const path = body.path as string;
    if ('flags' in body) return this.#create(changes, session, type, body, zxid, time);
    if (type === OpCode.delete) {
      const owner = tree.latest(path)?.owner ?? 0n;
      const error = tree.delete(path, body.version, zxid);
      if (error === ErrorCode.ok) changes.push(() => this.sessions.get(owner)?.owned.delete(path));
      return { error, path };
    }
    if (type === OpCode.check) return { error: tree.check(path, body.version), path };
    if ('acl' in body) return { error: tree.setAcl(path, aclText(body.acl ?? []), body.version, zxid), path };
    const data = 'data' in body ? dataText(body.data) : null;
    return { error: tree.setData(path, data, body.version, zxid, time), path };
  }

  #create(
    changes: (() => void)[],
    session: bigint,
    type: number,
    body: CreateBody,
    zxid: number,
    time: number,
  ): { error: number; path: string } {
    const { tree } = this;
    const { flags } = body;
    let path = body.path as string;
    const isSequential =
      flags === CreateMode.persistentSequential ||
      flags === CreateMode.ephemeralSequential ||
      flags === CreateMode.persistentSequentialWithTTL;
    if (isSequential) {
      const parent = tree.latest(path.slice(0, path.lastIndexOf('/')) || '/');
      if (parent === null) return { error: ErrorCode.noNode, path };
      path += String(parent.creations).padStart(10, '0');
    }
    let owner = 0n;
    if (type === OpCode.createContainer) owner = CONTAINER_OWNER;
    else if (body.ttl !== undefined) owner = ttlOwner(body.ttl);
    else if (flags === CreateMode.ephemeral || flags === CreateMode.ephemeralSequential) owner = session;
    const made = { data: dataText(body.data), acl: aclText(body.acl ?? []), owner };
    const error = tree.create(path, zxid, time, made);
    if (error === ErrorCode.ok && owner === session) changes.push(() => this.sessions.get(session)?.owned.add(path));
    return { error, path };
  }
}

type CreateBody = {
  readonly path: string | null;
  readonly data: Uint8Array | null;
  readonly acl: Parameters<typeof aclText>[0] | null;
  readonly flags: number;
  readonly ttl?: number;
};

type AnyBody =
  | CreateBody
  | {
      readonly path: string | null;
      readonly version: number;
      readonly data?: Uint8Array | null;
      readonly acl?: Parameters<typeof aclText>[0] | null;
    };

/** Inside a multi the flag of a create says what is made, outside it the opcode does. */
function typeInMulti(type: number, body: MultiOperation['body']): number {
  return 'flags' in body && body.flags === CreateMode.container ? OpCode.createContainer : type;
}
