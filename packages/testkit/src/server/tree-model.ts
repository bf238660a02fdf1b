import {
  type Acl,
  CreateMode,
  type CreateRequest,
  type CreateTTLRequest,
  decodeUtf8,
  ErrorCode,
  type MultiOperation,
  type MultiRequest,
  OpCode,
  type PathVersionRequest,
  type SetACLRequest,
  type SetDataRequest,
  type Stat,
} from '@headkeeper/protocol';

/** A write as a client asks for it. Paths are valid and not null. */
export type TreeWrite =
  | { readonly op: 'create' | 'create2' | 'createContainer'; readonly body: CreateRequest }
  | { readonly op: 'createTTL'; readonly body: CreateTTLRequest }
  | { readonly op: 'delete' | 'check'; readonly body: PathVersionRequest }
  | { readonly op: 'setData'; readonly body: SetDataRequest }
  | { readonly op: 'setACL'; readonly body: SetACLRequest }
  | { readonly op: 'multi'; readonly body: MultiRequest };

/** What the client must be answered. */
export interface WriteOutcome {
  readonly zxid: number;
  readonly error: number;
  /** Of the znode created or changed. */
  readonly path: string;
  /** Of a multi: the error of each operation. */
  readonly results: readonly number[];
}

interface ModelNode {
  readonly data: string | null;
  readonly acl: string;
  readonly czxid: number;
  readonly mzxid: number;
  readonly pzxid: number;
  readonly ctime: number;
  readonly mtime: number;
  readonly version: number;
  readonly aversion: number;
  /** Children ever created. */
  readonly creations: number;
  readonly children: number;
  /** The owner word of the znode's stat: a session, or the mark of a container or a TTL. */
  readonly owner: bigint;
}

/** The mark of containers. */
const CONTAINER = -(2n ** 63n);
const TTL_MARK = 0xff00000000000000n;
const SEQUENCE_DIGITS = 10;

export function aclText(list: readonly Acl[]): string {
  return list.map(({ perms, scheme, id }) => `${scheme}:${id}:${perms}`).join(',');
}

/** The tree and the sessions after one txn. Never changed once its txn is complete. */
export class ModelState {
  readonly nodes: Map<string, ModelNode>;
  /** Timeouts by session id. */
  readonly sessions: Map<bigint, number>;
  #text: string | null = null;

  constructor(nodes: Iterable<[string, ModelNode]>, sessions: Iterable<[bigint, number]>) {
    this.nodes = new Map(nodes);
    this.sessions = new Map(sessions);
  }

  /** Everything, one line for each session and each znode outside /zookeeper: equal states have equal texts. */
  text(): string {
    this.#text ??= this.#describe();
    return this.#text;
  }

  #describe(): string {
    const lines: string[] = [];
    for (const [path, node] of this.nodes) {
      if (!path.startsWith('/zookeeper')) lines.push(`${path} ${JSON.stringify(node, bigintAsText)}`);
    }
    for (const [id, timeout] of this.sessions) {
      const owned = [...this.nodes].filter(([, node]) => node.owner === id).map(([path]) => path);
      lines.push(`session ${id} ${timeout} ${owned.sort().join(' ')}`);
    }
    return lines.sort().join('\n');
  }

  /** The Stat that clients see, or null when there is no such znode. */
  stat(path: string): Stat | null {
    const node = this.nodes.get(path);
    if (node === undefined) return null;
    const { czxid, mzxid, pzxid, ctime, mtime, version, aversion, owner, children } = node;
    return {
      czxid,
      mzxid,
      ctime,
      mtime,
      version,
      cversion: 2 * node.creations - children,
      aversion,
      ephemeralOwner: owner > 0n ? owner : 0n,
      dataLength: node.data?.length ?? 0,
      numChildren: children,
      pzxid,
    };
  }
}

function bigintAsText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

/**
 * What a server's state must be, in plain Maps: every state by the zxid of its txn. Writes are told to it in the order in
 * which they reach the server, which numbers them in that order, so it knows each answer before the server gives it.
 * Data must be ASCII, so that its length in bytes is that of the text; quotas and permissions that refuse are left out.
 */
export class TreeModel {
  readonly #states: Map<number, ModelState>;
  #lastZxid: number;

  /** Begins with `state` at `zxid`. */
  constructor(state: ModelState, zxid: number) {
    this.#states = new Map([[zxid, state]]);
    this.#lastZxid = zxid;
  }

  /** The last txn that was told. */
  get lastZxid(): number {
    return this.#lastZxid;
  }

  get latest(): ModelState {
    return this.at(this.#lastZxid);
  }

  at(zxid: number): ModelState {
    const state = this.#states.get(zxid);
    if (state === undefined) throw new Error(`nobody asked for txn 0x${zxid.toString(16)}`);
    return state;
  }

  /** A model that goes on from an earlier txn, with everything after it never having happened. */
  rewound(zxid: number): TreeModel {
    return new TreeModel(this.at(zxid), zxid);
  }

  createSession(id: bigint, timeoutMs: number): WriteOutcome {
    const next = this.#begin();
    next.sessions.set(id, timeoutMs);
    return this.#end(next, ErrorCode.ok, '', []);
  }

  closeSession(id: bigint): WriteOutcome {
    const next = this.#begin();
    for (const [path, node] of this.latest.nodes) if (node.owner === id) removeNode(next, path, this.#lastZxid + 1);
    next.sessions.delete(id);
    return this.#end(next, ErrorCode.ok, '', []);
  }

  /** A write of a session that is not closed. `timeMs` is the server's wall clock. */
  write(session: bigint, write: TreeWrite, timeMs: number): WriteOutcome {
    const next = this.#begin();
    const zxid = this.#lastZxid + 1;
    if (write.op === 'multi') return this.#multi(next, session, write.body.ops, zxid, timeMs);
    const { error, path } = apply(next, session, OpCode[write.op], write.body, zxid, timeMs);
    return this.#end(error === ErrorCode.ok ? next : this.latest, error, path, []);
  }

  #multi(
    next: ModelState,
    session: bigint,
    ops: readonly MultiOperation[],
    zxid: number,
    timeMs: number,
  ): WriteOutcome {
    const results: number[] = [];
    for (const { type, body } of ops) {
      const { error } = apply(next, session, typeInMulti(type, body), body as CreateRequest, zxid, timeMs);
      results.push(error);
      if (error !== ErrorCode.ok) break;
    }
    const failed = results.at(-1) !== ErrorCode.ok && results.length > 0;
    while (results.length < ops.length) results.push(ErrorCode.runtimeInconsistency);
    return this.#end(failed ? this.latest : next, ErrorCode.ok, '', results);
  }

  #begin(): ModelState {
    return new ModelState(this.latest.nodes, this.latest.sessions);
  }

  #end(state: ModelState, error: number, path: string, results: readonly number[]): WriteOutcome {
    this.#lastZxid++;
    this.#states.set(this.#lastZxid, state);
    return { zxid: this.#lastZxid, error, path, results };
  }
}

/** Inside a multi the flag of a create says what is made, outside it the opcode does. */
function typeInMulti(type: number, body: object): number {
  return 'flags' in body && body.flags === CreateMode.container ? OpCode.createContainer : type;
}

type AnyBody = CreateRequest | CreateTTLRequest | PathVersionRequest | SetDataRequest | SetACLRequest;

function apply(
  state: ModelState,
  session: bigint,
  type: number,
  body: AnyBody,
  zxid: number,
  timeMs: number,
): { error: number; path: string } {
  const path = body.path as string;
  if ('flags' in body) return createNode(state, session, type, body, zxid, timeMs);
  const node = state.nodes.get(path);
  if (node === undefined) return { error: ErrorCode.noNode, path };
  const version = type === OpCode.setACL ? node.aversion : node.version;
  if (body.version !== -1 && body.version !== version) return { error: ErrorCode.badVersion, path };
  if (type === OpCode.delete) {
    if (node.children > 0) return { error: ErrorCode.notEmpty, path };
    removeNode(state, path, zxid);
  } else if ('acl' in body) {
    state.nodes.set(path, { ...node, acl: aclText(body.acl as readonly Acl[]), aversion: node.aversion + 1 });
  } else if ('data' in body) {
    const { data } = body;
    state.nodes.set(path, { ...node, data: textOf(data), version: node.version + 1, mzxid: zxid, mtime: timeMs });
  }
  return { error: ErrorCode.ok, path };
}

function createNode(
  state: ModelState,
  session: bigint,
  type: number,
  body: CreateRequest | CreateTTLRequest,
  zxid: number,
  timeMs: number,
): { error: number; path: string } {
  const { flags } = body;
  let path = body.path as string;
  const parentPath = parentOf(path);
  const parent = state.nodes.get(parentPath);
  if (parent === undefined) return { error: ErrorCode.noNode, path };
  const sequential =
    flags === CreateMode.persistentSequential ||
    flags === CreateMode.ephemeralSequential ||
    flags === CreateMode.persistentSequentialWithTTL;
  if (sequential) path += String(parent.creations).padStart(SEQUENCE_DIGITS, '0');
  if (state.nodes.has(path)) return { error: ErrorCode.nodeExists, path };
  if (parent.owner > 0n) return { error: ErrorCode.noChildrenForEphemerals, path };
  let owner = 0n;
  if (type === OpCode.createContainer) owner = CONTAINER;
  else if ('ttl' in body) owner = BigInt.asIntN(64, TTL_MARK | BigInt(body.ttl));
  else if (flags === CreateMode.ephemeral || flags === CreateMode.ephemeralSequential) owner = session;
  state.nodes.set(parentPath, {
    ...parent,
    creations: parent.creations + 1,
    children: parent.children + 1,
    pzxid: zxid,
  });
  state.nodes.set(path, {
    data: textOf(body.data),
    acl: aclText(body.acl as readonly Acl[]),
    czxid: zxid,
    mzxid: zxid,
    pzxid: zxid,
    ctime: timeMs,
    mtime: timeMs,
    version: 0,
    aversion: 0,
    creations: 0,
    children: 0,
    owner,
  });
  return { error: ErrorCode.ok, path };
}

function removeNode(state: ModelState, path: string, zxid: number): void {
  state.nodes.delete(path);
  const parentPath = parentOf(path);
  const parent = state.nodes.get(parentPath) as ModelNode;
  state.nodes.set(parentPath, { ...parent, children: parent.children - 1, pzxid: zxid });
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

function textOf(data: Uint8Array | null): string | null {
  return data === null ? null : decodeUtf8(data, 0, data.length);
}
