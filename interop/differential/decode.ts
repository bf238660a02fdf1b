import { ErrorCode, OpCode, Reader } from '@headkeeper/protocol';
import type { Bytes } from './frames.ts';

/** A decoded value: plain data that compares field by field. */
export type Value = string | number | boolean | null | readonly Value[] | { readonly [field: string]: Value };

/** The fields of a Stat. Session ids and times are handed to the side that knows how to map them. */
export interface SideMapping {
  zxid(value: number): Value;
  session(value: bigint): Value;
  /** Checks and masks the times of a Stat. */
  times(czxid: number, ctime: number, mzxid: number, mtime: number): Value;
}

export interface DecodedReply {
  readonly kind: 'reply';
  readonly xid: number;
  readonly zxid: Value;
  readonly err: number;
  readonly body: Value;
}

export interface DecodedEvent {
  readonly kind: 'event';
  readonly zxid: Value;
  readonly err: number;
  readonly type: number;
  readonly state: number;
  readonly path: Bytes | null;
}

export interface DecodedHandshake {
  readonly kind: 'handshake';
  readonly protocolVersion: number;
  readonly timeOut: number;
  readonly sessionId: bigint;
  readonly password: string | null;
  readonly readOnly: Value;
}

const ERROR_NAMES = new Map<number, string>(Object.entries(ErrorCode).map(([name, code]) => [code, name]));

/** `noNode`, or the number itself where it has no name. */
export function errorName(code: number): string {
  return ERROR_NAMES.get(code) ?? String(code);
}

class FieldReader {
  readonly reader: Reader;
  readonly mapping: SideMapping;

  constructor(payload: Uint8Array, mapping: SideMapping) {
    this.reader = new Reader(payload);
    this.mapping = mapping;
  }

  text(): Bytes | null {
    const raw = this.reader.buffer();
    return raw === null ? null : Buffer.from(raw.buffer, raw.byteOffset, raw.length).toString('latin1');
  }

  list(each: () => Value): Value {
    const count = this.reader.vectorCount(1);
    if (count < 0) return null;
    const items: Value[] = [];
    for (let i = 0; i < count; i++) items.push(each());
    return items;
  }

  /** A list whose order means nothing: sorted, so that it compares as a set. */
  set(each: () => Value): Value {
    const items = this.list(each);
    if (!Array.isArray(items)) return items;
    return items
      .map((item) => [JSON.stringify(item), item] as const)
      .sort(byKey)
      .map(([, item]) => item);
  }

  stat(): Value {
    const r = this.reader;
    const czxid = r.long();
    const mzxid = r.long();
    const ctime = r.long();
    const mtime = r.long();
    return {
      czxid: this.mapping.zxid(czxid),
      mzxid: this.mapping.zxid(mzxid),
      times: this.mapping.times(czxid, ctime, mzxid, mtime),
      version: r.int(),
      cversion: r.int(),
      aversion: r.int(),
      ephemeralOwner: this.mapping.session(r.longBig()),
      dataLength: r.int(),
      numChildren: r.int(),
      pzxid: this.mapping.zxid(r.long()),
    };
  }

  /** An `auth` entry is stored as the connection's identities, in no particular order: runs of digests are sorted. */
  acl(): Value {
    const entries = this.list(() => ({ perms: this.reader.int(), scheme: this.text(), id: this.text() }));
    if (!Array.isArray(entries)) return entries;
    const list = entries as { perms: number; scheme: Bytes | null; id: Bytes | null }[];
    for (let from = 0; from < list.length; from++) {
      let to = from;
      while (to < list.length && list[to]?.scheme === 'digest' && list[to]?.perms === list[from]?.perms) to++;
      if (to - from > 1) list.splice(from, to - from, ...list.slice(from, to).sort((a, b) => byText(a.id, b.id)));
      from = Math.max(from, to - 1);
    }
    return list;
  }

  multi(): Value {
    const results: Value[] = [];
    for (;;) {
      const type = this.reader.int();
      const done = this.reader.boolean();
      const err = this.reader.int();
      if (done) return { results, endType: type, endErr: err };
      results.push({ type, err: errorName(err), result: this.multiResult(type) });
    }
  }

  multiResult(type: number): Value {
    switch (type) {
      case OpCode.create:
        return { path: this.text() };
      case OpCode.create2:
        return { path: this.text(), stat: this.stat() };
      case OpCode.setData:
        return { stat: this.stat() };
      case OpCode.delete:
      case OpCode.check:
        return null;
      case OpCode.getData:
        return { data: this.text(), stat: this.stat() };
      case OpCode.getChildren:
        return { children: this.set(() => this.text()) };
      case OpCode.error:
        return { err: errorName(this.reader.int()) };
      default:
        throw new Error(`result type ${type} in a multi`);
    }
  }

  body(op: number): Value {
    switch (op) {
      case OpCode.create:
      case OpCode.sync:
        return { path: this.text() };
      case OpCode.create2:
      case OpCode.createContainer:
      case OpCode.createTTL:
        return { path: this.text(), stat: this.stat() };
      case OpCode.exists:
      case OpCode.setData:
      case OpCode.setACL:
        return { stat: this.stat() };
      case OpCode.getData:
      case OpCode.reconfig:
        return { data: this.text(), stat: this.stat() };
      case OpCode.getACL:
        return { acl: this.acl(), stat: this.stat() };
      case OpCode.getChildren:
        return { children: this.set(() => this.text()) };
      case OpCode.getChildren2:
        return { children: this.set(() => this.text()), stat: this.stat() };
      case OpCode.multi:
      case OpCode.multiRead:
        return this.multi();
      case OpCode.addWatch:
        return { err: errorName(this.reader.int()) };
      case OpCode.getEphemerals:
        return { ephemerals: this.set(() => this.text()) };
      case OpCode.getAllChildrenNumber:
        return { total: this.reader.int() };
      case OpCode.whoAmI:
        return { clientInfo: this.set(() => ({ scheme: this.text(), user: this.text() })) };
      case OpCode.sasl:
        return { token: this.text() };
      default:
        return null;
    }
  }
}

function byText(a: Bytes | null, b: Bytes | null): number {
  return (a ?? '') < (b ?? '') ? -1 : 1;
}

function byKey(a: readonly [string, Value], b: readonly [string, Value]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;
}

function hex(payload: Uint8Array): string {
  return Buffer.from(payload).toString('hex');
}

/**
 * A reply to a request of type `op`. What does not decode, or leaves bytes over, is kept as hex, so that it compares
 * equal only to the very same bytes.
 */
export function decodeReply(payload: Uint8Array, op: number, mapping: SideMapping): DecodedReply | Value {
  if (payload.length < 16) return { undecodable: hex(payload) };
  const fields = new FieldReader(payload, mapping);
  const xid = fields.reader.int();
  const zxid = mapping.zxid(fields.reader.long());
  const err = fields.reader.int();
  let body: Value = null;
  try {
    // An error has no body, but for Apache's multiRead that gives up midway.
    if (err === 0 || (op === OpCode.multiRead && fields.reader.remaining() > 0)) body = fields.body(op);
    if (fields.reader.remaining() > 0) body = { body, rest: hex(payload.subarray(fields.reader.pos)) };
  } catch (error) {
    body = { undecodable: hex(payload.subarray(16)), reason: error instanceof Error ? error.message : String(error) };
  }
  return { kind: 'reply', xid, zxid, err, body };
}

export function isEvent(payload: Buffer): boolean {
  return payload.length >= 4 && payload.readInt32BE(0) === -1;
}

export function decodeEvent(payload: Uint8Array, mapping: SideMapping): DecodedEvent | Value {
  try {
    const fields = new FieldReader(payload, mapping);
    fields.reader.int();
    const zxid = mapping.zxid(fields.reader.long());
    const err = fields.reader.int();
    const type = fields.reader.int();
    const state = fields.reader.int();
    const path = fields.text();
    if (fields.reader.remaining() > 0) return { undecodableEvent: hex(payload) };
    return { kind: 'event', zxid, err, type, state, path };
  } catch {
    return { undecodableEvent: hex(payload) };
  }
}

/** The handshake's answer, or null if it does not have that form. */
export function decodeHandshake(payload: Uint8Array): DecodedHandshake | null {
  try {
    const reader = new Reader(payload);
    const protocolVersion = reader.int();
    const timeOut = reader.int();
    const sessionId = reader.longBig();
    const raw = reader.buffer();
    const password = raw === null ? null : hex(raw);
    const readOnly = reader.remaining() > 0 ? reader.byte() : 'absent';
    if (reader.remaining() > 0) return null;
    return { kind: 'handshake', protocolVersion, timeOut, sessionId, password, readOnly };
  } catch {
    return null;
  }
}
