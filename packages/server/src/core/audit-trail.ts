import { type Acl, ErrorCode, type Identity, JuteError, OpCode, Reader } from '@headkeeper/protocol';
import { limits } from '../limits.ts';
import type { Connection, Session } from './connection.ts';
import { readAclList } from './tree/acl-record.ts';

/** Session, cxid, zxid, time and type in front of a txn's body. */
const HEADER_BYTES = 32;
const CXID_AT = 8;
const TYPE_AT = 28;
const NO_BYTES = new Uint8Array(0);

/** What is told, under the names that Apache's audit log has for it, and those of what it does not tell. */
export type AuditOperation =
  | 'create'
  | 'delete'
  | 'setData'
  | 'setAcl'
  | 'multiOperation'
  | 'reconfig'
  | 'ephemeralZNodeDeletionOnSessionCloseOrExpire'
  | 'authentication';

/** Somebody tried to change something, and what came of it; or proved not to be who he says. */
export interface AuditEvent {
  readonly operation: AuditOperation;
  /** Wall clock, milliseconds. */
  readonly wallMs: number;
  readonly sessionHigh: number;
  readonly sessionLow: number;
  /** Who asked, as far as he was known when he asked; null: the server did it by itself. */
  readonly identities: readonly Identity[] | null;
  /** IP address; null beside `identities` null. */
  readonly address: string | null;
  /** null where the request names none, or could not be read. */
  readonly path: string | null;
  /** Flags of a create; null for anything else. */
  readonly mode: number | null;
  /** The list that a setACL asked for. */
  readonly acl: readonly Acl[] | null;
  /** 0, or why it failed: one of protocol's `ErrorCode`. */
  readonly error: number;
  /** Of the txn; null where there is none. */
  readonly zxid: number | null;
  /** What the credentials were for, when they failed. */
  readonly scheme: string | null;
}

/** Hears of each event inside a step: must only take note of it. */
export type AuditListener = (event: AuditEvent) => void;

/** A request on its way to be a txn. */
interface Asked {
  readonly cxid: number;
  /** The end of this server's history when it came: its own txn is behind that. */
  readonly afterZxid: number;
  readonly opcode: number;
  readonly path: string | null;
  readonly mode: number | null;
  /** Modes of a multi's parts, one for each; null for one that creates nothing. */
  readonly modes: readonly (number | null)[] | null;
  readonly acl: readonly Acl[] | null;
  readonly identities: readonly Identity[];
  readonly address: string;
}

const OPERATIONS: ReadonlyMap<number, AuditOperation> = new Map([
  [OpCode.create, 'create'],
  [OpCode.create2, 'create'],
  [OpCode.createContainer, 'create'],
  [OpCode.createTTL, 'create'],
  [OpCode.delete, 'delete'],
  [OpCode.deleteContainer, 'delete'],
  [OpCode.setData, 'setData'],
  [OpCode.setACL, 'setAcl'],
  [OpCode.multi, 'multiOperation'],
  [OpCode.reconfig, 'reconfig'],
]);

/**
 * Finds out what this server's clients have changed: keeps of each write who asked for it and what, until its txn has been
 * applied and says what came of it (feature inventory, E.4). That a client has gone meanwhile hides nothing.
 */
export class AuditTrail {
  readonly #listener: AuditListener;
  /** By session, oldest first. */
  readonly #asked: Map<number, Map<number, Asked[]>> = new Map();
  #count = 0;
  readonly #reader: Reader = new Reader(NO_BYTES);

  constructor(listener: AuditListener) {
    this.#listener = listener;
  }

  /** A write has come whose body `r` stands at; the reader is not moved. `historyEnd`: the last txn taken in. */
  asked(connection: Connection, opcode: number, cxid: number, r: Reader, historyEnd: number): void {
    const { idHigh, idLow } = connection.session as Session;
    if (this.#count >= limits.auditedRequests) this.#forgetOldest();
    const sameLow = this.#asked.get(idLow) ?? new Map<number, Asked[]>();
    const queue = sameLow.get(idHigh) ?? [];
    sameLow.set(idHigh, queue);
    this.#asked.set(idLow, sameLow);
    const { identities, address } = connection;
    queue.push({ cxid, afterZxid: historyEnd, opcode, identities, address, ...this.#read(opcode, r) });
    this.#count++;
  }

  /** The write asked last on this session was refused without a txn. */
  withdraw({ idHigh, idLow }: Session): void {
    if (this.#asked.get(idLow)?.get(idHigh)?.pop() !== undefined) this.#count--;
  }

  /** A write whose body `r` stands at has been refused before it could become a txn; the reader is not moved. */
  refused(connection: Connection, opcode: number, r: Reader, error: number, wallMs: number): void {
    const operation = OPERATIONS.get(opcode);
    if (operation === undefined) return;
    const { idHigh, idLow } = connection.session as Session;
    const { identities, address } = connection;
    const { path, mode, acl } = this.#read(opcode, r);
    this.#listener({
      ...{ operation, wallMs, identities, address, path, mode, acl, error },
      ...{ sessionHigh: idHigh, sessionLow: idLow, zxid: null, scheme: null },
    });
  }

  /** A txn, `bytes[start, ...)`, has been applied; `error` is what came of it. */
  applied(
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
    zxid: number,
    error: number,
    wallMs: number,
  ): void {
    const sessionHigh = view.getInt32(start);
    const sessionLow = view.getInt32(start + 4);
    const queue = this.#asked.get(sessionLow)?.get(sessionHigh);
    if (queue === undefined) return;
    const cxid = view.getInt32(start + CXID_AT);
    const at = queue.findIndex((one) => one.cxid === cxid && zxid > one.afterZxid);
    if (at < 0) return;
    const asked = queue[at] as Asked;
    // Txns of a session come in the order of its requests: what was asked before has become none.
    queue.splice(0, at + 1);
    this.#count -= at + 1;
    if (queue.length === 0) this.#forget(sessionHigh, sessionLow);
    const operation = OPERATIONS.get(asked.opcode);
    if (operation === undefined) return;
    const told = { wallMs, sessionHigh, sessionLow, ...whoOf(asked), acl: asked.acl, zxid, scheme: null };
    if (view.getInt32(start + TYPE_AT) === OpCode.error) {
      const path = operation === 'reconfig' ? null : asked.path;
      this.#listener({ ...told, operation, path, mode: asked.mode, error });
      return;
    }
    const r = this.#reader;
    r.reset(bytes, view, start + HEADER_BYTES, end);
    if (asked.opcode === OpCode.multi) this.#multi(r, asked, told);
    else this.#listener({ ...told, operation, path: r.string(), mode: asked.mode, error });
  }

  /** Each part of a multi that was carried out; or, of one that failed, only that it did. */
  #multi(r: Reader, asked: Asked, told: Omit<AuditEvent, 'operation' | 'path' | 'mode' | 'error'>): void {
    const count = r.vectorCount(8);
    const parts: AuditEvent[] = [];
    for (let i = 0; i < count; i++) {
      const type = r.int();
      const length = Math.max(0, r.length());
      const after = r.pos + length;
      if (type === OpCode.error) {
        const error = r.int();
        r.pos = after;
        // Those before the one that failed have no error of their own.
        if (error === ErrorCode.ok) continue;
        this.#listener({ ...told, operation: 'multiOperation', path: null, mode: null, error });
        return;
      }
      const operation = OPERATIONS.get(type);
      if (operation !== undefined) {
        parts.push({ ...told, operation, path: r.string(), mode: asked.modes?.[i] ?? null, error: ErrorCode.ok });
      }
      r.pos = after;
    }
    for (const part of parts) this.#listener(part);
  }

  /** A session has ended, and with it these ephemerals, whoever it was a client of. */
  sessionEnded(sessionHigh: number, sessionLow: number, paths: readonly string[], zxid: number, wallMs: number): void {
    const queue = this.#asked.get(sessionLow)?.get(sessionHigh);
    if (queue !== undefined) {
      this.#count -= queue.length;
      this.#forget(sessionHigh, sessionLow);
    }
    for (const path of paths) {
      this.#listener({
        operation: 'ephemeralZNodeDeletionOnSessionCloseOrExpire',
        ...{ wallMs, sessionHigh, sessionLow, path, zxid },
        ...{ identities: null, address: null, mode: null, acl: null, error: ErrorCode.ok, scheme: null },
      });
    }
  }

  /** A client has given credentials of this scheme that prove nothing. */
  authenticationFailed(connection: Connection, scheme: string | null, wallMs: number): void {
    const { session, identities, address } = connection;
    this.#listener({
      operation: 'authentication',
      ...{ wallMs, identities, address, scheme },
      ...{ sessionHigh: session?.idHigh ?? 0, sessionLow: session?.idLow ?? 0 },
      ...{ path: null, mode: null, acl: null, error: ErrorCode.authFailed, zxid: null },
    });
  }

  #forget(idHigh: number, idLow: number): void {
    const sameLow = this.#asked.get(idLow);
    sameLow?.delete(idHigh);
    if (sameLow?.size === 0) this.#asked.delete(idLow);
  }

  /** Requests whose txns never came: their sessions went on elsewhere. */
  #forgetOldest(): void {
    const [idLow, sameLow] = this.#asked.entries().next().value as [number, Map<number, Asked[]>];
    for (const queue of sameLow.values()) this.#count -= queue.length;
    this.#asked.delete(idLow);
  }

  #read(opcode: number, r: Reader): Pick<Asked, 'path' | 'mode' | 'modes' | 'acl'> {
    const body = this.#reader;
    body.reset(r.bytes, r.view, r.pos, r.end);
    const nothing = { path: null, mode: null, modes: null, acl: null };
    try {
      if (opcode === OpCode.multi) return { ...nothing, modes: modesOf(body) };
      if (opcode === OpCode.reconfig) return nothing;
      const path = body.string();
      if (opcode === OpCode.setACL) return { ...nothing, path, acl: readAclList(body) };
      return isCreate(opcode) ? { ...nothing, path, mode: flagsOf(body) } : { ...nothing, path };
    } catch (failure) {
      if (!(failure instanceof JuteError)) throw failure;
      return nothing;
    }
  }
}

function whoOf({ identities, address }: Asked): Pick<AuditEvent, 'identities' | 'address'> {
  return { identities, address };
}

function isCreate(opcode: number): boolean {
  return OPERATIONS.get(opcode) === 'create';
}

/** The reader stands behind the path. */
function flagsOf(r: Reader): number {
  skipBuffer(r);
  readAclList(r);
  return r.int();
}

function modesOf(r: Reader): (number | null)[] {
  const modes: (number | null)[] = [];
  for (;;) {
    const opcode = r.int();
    const done = r.boolean();
    r.skip(4);
    if (done) return modes;
    skipBuffer(r);
    if (isCreate(opcode)) {
      modes.push(flagsOf(r));
      if (opcode === OpCode.createTTL) r.skip(8);
    } else {
      modes.push(null);
      if (opcode === OpCode.setData) skipBuffer(r);
      r.skip(4);
    }
  }
}

function skipBuffer(r: Reader): void {
  r.skip(Math.max(0, r.length()));
}
