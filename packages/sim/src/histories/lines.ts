/** The lines of a history (docs/internals/histories.md). Times are microseconds, sessions `0x` and hexadecimal digits. */

/** A Stat as far as it was told. */
export interface ToldStat {
  readonly czxid?: number;
  readonly mzxid?: number;
  readonly pzxid?: number;
  readonly version?: number;
  readonly cversion?: number;
  readonly aversion?: number;
  readonly ephemeralOwner?: string;
  readonly dataLength?: number;
  readonly numChildren?: number;
}

export type CreateModeName =
  | 'persistent'
  | 'ephemeral'
  | 'persistentSequential'
  | 'ephemeralSequential'
  | 'container'
  | 'ttl';
export type WatchModeName = 'persistent' | 'persistentRecursive';
export type WatchTypeName = 'any' | 'data' | 'children' | WatchModeName;

interface PathAndWatch {
  readonly path: string;
  readonly watch: boolean;
}

interface PathAndVersion {
  readonly path: string;
  readonly version: number;
}

/** What is asked for, by operation of ZooKeeper. */
export interface Requests {
  create: { readonly path: string; readonly data: string | null; readonly mode: CreateModeName };
  setData: PathAndVersion & { readonly data: string | null };
  delete: PathAndVersion;
  setACL: PathAndVersion;
  check: PathAndVersion;
  multi: { readonly ops: readonly SubRequest[] };
  getData: PathAndWatch;
  exists: PathAndWatch;
  getChildren: PathAndWatch;
  sync: { readonly path: string };
  addWatch: { readonly path: string; readonly mode: WatchModeName };
  removeWatches: { readonly path: string; readonly type: WatchTypeName };
  setWatches: {
    readonly zxid: number;
    readonly data: readonly string[];
    readonly exists: readonly string[];
    readonly children: readonly string[];
    readonly persistent: readonly string[];
    readonly persistentRecursive: readonly string[];
  };
  closeSession: Record<never, never>;
}

export type RequestKind = keyof Requests;
type Request<Kind extends RequestKind> = { [Each in Kind]: { readonly do: Each; readonly in: Requests[Each] } }[Kind];
export type AnyRequest = Request<RequestKind>;
export type SubRequest = Request<'create' | 'setData' | 'delete' | 'setACL' | 'check'>;
export type WriteRequest = Request<'create' | 'setData' | 'delete' | 'setACL' | 'multi'>;

/** What is asked of an object. */
export interface ObjectRequest {
  readonly do: 'add' | 'read' | 'remove' | 'list' | 'put' | 'take' | 'acquire' | 'release' | 'write';
  readonly in: { readonly by?: number; readonly value?: string; readonly token?: number };
  readonly on: string;
}

interface OfClient {
  readonly client: string;
  readonly at: number;
  readonly session: string;
}

interface CallBase extends OfClient {
  readonly kind: 'call';
  /** Grows from call to call of a client. */
  readonly id: number;
  readonly server?: string;
  /** Of the request, where it is known. */
  readonly xid?: number;
  /** `model:name` of the object that the search judges it by. */
  readonly on?: string;
  /** Call time of the sync that a current read stands behind. */
  readonly since?: number;
}

export type RequestCall = CallBase & AnyRequest;
export type CallLine = RequestCall | (CallBase & ObjectRequest);

/** What came back. */
export interface Result {
  readonly path?: string;
  readonly stat?: ToldStat;
  readonly data?: string | null;
  readonly children?: readonly string[];
  /** Of a multi: the error of each operation. */
  readonly results?: readonly number[];
  readonly value?: string | number | null;
  readonly values?: readonly string[];
  readonly token?: number;
}

export interface ReturnLine extends OfClient {
  readonly kind: 'return';
  readonly id: number;
  readonly outcome: 'ok' | 'refused' | 'unknown' | 'never';
  readonly error?: number;
  readonly zxid?: number;
  readonly out?: Result;
}

export interface NoteLine extends OfClient {
  readonly kind: 'note';
  readonly id: number;
  readonly taking: string;
}

export type EventName = 'NodeCreated' | 'NodeDeleted' | 'NodeDataChanged' | 'NodeChildrenChanged';

export interface EventLine extends OfClient {
  readonly kind: 'event';
  readonly type: EventName;
  readonly path: string;
  readonly zxid?: number;
}

export interface SessionLine extends OfClient {
  readonly kind: 'session';
  readonly state: 'connected' | 'disconnected' | 'expired' | 'closed';
  readonly isNew?: boolean;
  readonly server?: string;
  readonly timeoutMs?: number;
}

export interface TxnLine {
  readonly kind: 'txn';
  readonly zxid: number;
  readonly session: string;
  readonly xid: number;
  readonly time?: number;
  readonly do:
    | WriteRequest['do']
    | 'createSession'
    | 'closeSession'
    | 'error'
    | 'deleteContainer'
    | 'reconfig'
    | 'check';
  readonly in?: WriteRequest['in'] | { readonly path: string };
  /** Of an error: ZooKeeper's number. */
  readonly error?: number;
}

export interface HistoryLine {
  readonly kind: 'history';
  readonly version: 1;
  readonly source: string;
  readonly wireOrder?: boolean;
}

export type ClientLine = CallLine | ReturnLine | NoteLine | EventLine | SessionLine;
export type Line = HistoryLine | ClientLine | TxnLine;

const OBJECT_OPERATIONS: ReadonlySet<string> = new Set([
  'add',
  'read',
  'remove',
  'list',
  'put',
  'take',
  'acquire',
  'release',
  'write',
]);

/** Whether a call is one of ZooKeeper's requests, not an operation on an object. */
export function isRequest(call: CallLine): call is RequestCall {
  return !OBJECT_OPERATIONS.has(call.do);
}

const WRITES: ReadonlySet<string> = new Set(['create', 'setData', 'delete', 'setACL', 'multi']);

export function isWrite(call: CallLine): call is RequestCall & WriteRequest {
  return WRITES.has(call.do);
}

/** A session's id as lines have it. */
export function sessionText(id: bigint): string {
  return `0x${BigInt.asUintN(64, id).toString(16)}`;
}
