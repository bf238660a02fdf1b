import type {
  AnyRequest,
  EventName,
  Line,
  ObjectRequest,
  Result,
  ReturnLine,
  SessionLine,
  TxnLine,
} from '../../src/histories/lines.ts';

/** Makes histories by hand. Each line comes a millisecond after the one before it. */
export class Story {
  readonly lines: Line[] = [{ kind: 'history', version: 1, source: 'by hand', wireOrder: true }];
  #at = 0;
  readonly #ids: Map<string, number> = new Map();

  get #now(): number {
    this.#at += 1000;
    return this.#at;
  }

  session(client: string, state: SessionLine['state'] = 'connected', isNew = state === 'connected'): this {
    const session = sessionOf(client);
    this.lines.push({ kind: 'session', client, at: this.#now, session, state, ...(isNew ? { isNew } : {}) });
    return this;
  }

  /** Returns the id of the call. */
  call(client: string, request: AnyRequest | ObjectRequest, more: object = {}): number {
    const id = (this.#ids.get(client) ?? 0) + 1;
    this.#ids.set(client, id);
    const base = { kind: 'call' as const, client, at: this.#now, session: sessionOf(client), id, xid: id };
    this.lines.push({ ...base, ...more, ...request });
    return id;
  }

  answer(
    client: string,
    id: number,
    zxid: number,
    out?: Result,
    outcome: ReturnLine['outcome'] = 'ok',
    error?: number,
  ): this {
    const base = { kind: 'return' as const, client, at: this.#now, session: sessionOf(client), id, outcome, zxid };
    this.lines.push({ ...base, ...(out === undefined ? {} : { out }), ...(error === undefined ? {} : { error }) });
    return this;
  }

  txn(client: string, zxid: number, xid: number, what: TxnLine['do'], error?: number): this {
    const txn = { kind: 'txn' as const, zxid, session: sessionOf(client), xid, do: what };
    this.lines.push(error === undefined ? txn : { ...txn, error });
    return this;
  }

  /** The membership changes, and with it /zookeeper/config: asked for by somebody whose requests are not written down. */
  reconfig(zxid: number): this {
    this.lines.push({ kind: 'txn', zxid, session: '0x0', xid: 0, do: 'reconfig', in: { path: '/zookeeper/config' } });
    return this;
  }

  event(client: string, type: EventName, path: string): this {
    this.lines.push({ kind: 'event', client, at: this.#now, session: sessionOf(client), type, path });
    return this;
  }

  /** A session is made, and its client attached. */
  begins(client: string, zxid: number): this {
    return this.txn(client, zxid, 0, 'createSession').session(client);
  }

  /** A write from call to answer, which became the txn that was asked for. */
  write(client: string, zxid: number, request: AnyRequest, out?: Result): this {
    const id = this.call(client, request);
    return this.txn(client, zxid, id, request.do as TxnLine['do']).answer(client, id, zxid, out);
  }

  read(client: string, zxid: number, request: AnyRequest, out?: Result): this {
    return this.answer(client, this.call(client, request), zxid, out);
  }

  /** A read of a znode that is not there. */
  readNothing(client: string, zxid: number, request: AnyRequest): this {
    return this.answer(client, this.call(client, request), zxid, undefined, 'refused', -101);
  }
}

export function sessionOf(client: string): string {
  return `0x${(client.codePointAt(0) ?? 0).toString(16)}`;
}

export const create = (path: string, data = 'd', mode: 'persistent' | 'ephemeral' = 'persistent'): AnyRequest => {
  return { do: 'create', in: { path, data, mode } };
};
export const set = (path: string, data: string, version = -1): AnyRequest => {
  return { do: 'setData', in: { path, data, version } };
};
export const remove = (path: string): AnyRequest => ({ do: 'delete', in: { path, version: -1 } });
export const get = (path: string, watch = false): AnyRequest => ({ do: 'getData', in: { path, watch } });
export const exists = (path: string, watch = false): AnyRequest => ({ do: 'exists', in: { path, watch } });
export const children = (path: string, watch = false): AnyRequest => ({ do: 'getChildren', in: { path, watch } });
export const sync: AnyRequest = { do: 'sync', in: { path: '/' } };
export const addWatch = (path: string, mode: 'persistent' | 'persistentRecursive'): AnyRequest => {
  return { do: 'addWatch', in: { path, mode } };
};
