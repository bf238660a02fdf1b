import { decodeTxn, EventType, OpCode, Reader } from '@headkeeper/protocol';
import {
  type AnyRequest,
  type CallLine,
  type ClientLine,
  type EventName,
  type Line,
  type ObjectRequest,
  type Result,
  type ReturnLine,
  type SessionLine,
  sessionText,
  type TxnLine,
} from './lines.ts';

const HEADER_BYTES = 32;
const CONFIG_PATH = '/zookeeper/config';

/** Writes a history down as it happens. */
export class Recorder {
  readonly lines: Line[];
  readonly #now: () => number;

  /** `now`: microseconds. */
  constructor(source: string, now: () => number) {
    this.#now = now;
    this.lines = [{ kind: 'history', version: 1, source, wireOrder: true }];
  }

  get now(): number {
    return this.#now();
  }

  add(line: ClientLine): void {
    this.lines.push(line);
  }

  /** A txn is committed: header, body, digest. */
  committed(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const session = view.getBigInt64(0);
    const zxid = view.getInt32(12) * 4294967296 + view.getUint32(16);
    const type = view.getInt32(28);
    const isReconfiguration = type === OpCode.reconfig || (type === OpCode.setData && session === 0n);
    const act = isReconfiguration ? 'reconfig' : nameOf(type);
    const line: TxnLine = { kind: 'txn', zxid, session: sessionText(session), xid: view.getInt32(8), do: act };
    if (type === OpCode.deleteContainer) {
      const txn = decodeTxn(new Reader(bytes));
      const path = txn.op === 'deleteContainer' || txn.op === 'delete' ? (txn.body.path ?? '') : '';
      this.lines.push({ ...line, in: { path } });
    } else if (type === OpCode.error) this.lines.push({ ...line, error: view.getInt32(HEADER_BYTES) });
    else if (isReconfiguration) this.lines.push({ ...line, in: { path: CONFIG_PATH } });
    else this.lines.push(line);
  }
}

const NAMES: ReadonlyMap<number, TxnLine['do']> = new Map([
  [OpCode.create, 'create'],
  [OpCode.create2, 'create'],
  [OpCode.createContainer, 'create'],
  [OpCode.createTTL, 'create'],
  [OpCode.delete, 'delete'],
  [OpCode.deleteContainer, 'deleteContainer'],
  [OpCode.error, 'error'],
  [OpCode.setData, 'setData'],
  [OpCode.setACL, 'setACL'],
  [OpCode.check, 'check'],
  [OpCode.multi, 'multi'],
  [OpCode.createSession, 'createSession'],
  [OpCode.closeSession, 'closeSession'],
]);

function nameOf(type: number): TxnLine['do'] {
  const name = NAMES.get(type);
  if (name === undefined) throw new Error(`histories have no txn of type ${type}`);
  return name;
}

const EVENTS: ReadonlyMap<number, EventName> = new Map([
  [EventType.nodeCreated, 'NodeCreated'],
  [EventType.nodeDeleted, 'NodeDeleted'],
  [EventType.nodeDataChanged, 'NodeDataChanged'],
  [EventType.nodeChildrenChanged, 'NodeChildrenChanged'],
]);

/** What may be said of a call besides what it asks for. */
export type CallDetails = Partial<Pick<CallLine, 'server' | 'xid' | 'on' | 'since'>>;

/** One client's part of a history. */
export class ClientRecord {
  readonly #recorder: Recorder;
  readonly #client: string;
  #session = '0x0';
  #id = 0;
  /** Requests without an answer, on the present connection; true: a read. */
  readonly #open: Map<number, boolean> = new Map();

  constructor(recorder: Recorder, client: string) {
    this.#recorder = recorder;
    this.#client = client;
  }

  get #base(): { client: string; at: number; session: string } {
    return { client: this.#client, at: this.#recorder.now, session: this.#session };
  }

  get now(): number {
    return this.#recorder.now;
  }

  /** A request leaves. `isRead`: without an answer it was nothing. */
  request(request: AnyRequest, isRead: boolean, details: CallDetails = {}): number {
    const id = this.#call(request, details);
    this.#open.set(id, isRead);
    return id;
  }

  /** An operation on an object begins. */
  begin(request: ObjectRequest): number {
    return this.#call(request, {});
  }

  note(id: number, taking: string): void {
    this.#recorder.add({ kind: 'note', ...this.#base, id, taking });
  }

  /** The answer to a request, with ZooKeeper's error number. */
  answered(id: number, zxid: number, error: number, out: Result | undefined): void {
    this.#open.delete(id);
    const told = out === undefined || error !== 0 ? {} : { out };
    const verdict = error === 0 ? { outcome: 'ok' as const } : { outcome: 'refused' as const, error };
    this.#recorder.add({ kind: 'return', ...this.#base, id, ...verdict, zxid, ...told });
  }

  /** An operation on an object ends. */
  end(id: number, outcome: ReturnLine['outcome'], out?: Result): void {
    this.#recorder.add({ kind: 'return', ...this.#base, id, outcome, ...(out === undefined ? {} : { out }) });
  }

  event(type: number, path: string): void {
    this.#recorder.add({ kind: 'event', ...this.#base, type: EVENTS.get(type) as EventName, path });
  }

  attached(session: bigint, details: Pick<SessionLine, 'isNew' | 'server' | 'timeoutMs'>): void {
    this.#session = sessionText(session);
    this.#recorder.add({ kind: 'session', ...this.#base, state: 'connected', ...details });
  }

  /** The connection is given up: nothing that comes on it is heard any more. */
  lost(): void {
    for (const [id, isRead] of this.#open) {
      this.#recorder.add({ kind: 'return', ...this.#base, id, outcome: isRead ? 'never' : 'unknown' });
    }
    this.#open.clear();
    if (this.#session !== '0x0') this.#recorder.add({ kind: 'session', ...this.#base, state: 'disconnected' });
  }

  over(state: 'expired' | 'closed'): void {
    this.#recorder.add({ kind: 'session', ...this.#base, state });
  }

  #call(request: AnyRequest | ObjectRequest, details: CallDetails): number {
    const id = ++this.#id;
    this.#recorder.add({ kind: 'call', ...this.#base, id, ...details, ...request } as CallLine);
    return id;
  }
}
