import { Writer } from '@headkeeper/protocol';

/**
 * Request bodies, built so that malformed ones can be made as easily as good ones.
 *
 * Every string is a *byte string*: one character per byte (latin1). What goes on the wire is exactly those bytes, so
 * malformed UTF-8 is just another value, and what comes back compares byte for byte.
 */
export type Bytes = string;

export interface AclEntry {
  readonly perms: number;
  readonly scheme: Bytes | null;
  readonly id: Bytes | null;
}

/** An ACL list as sent: null is a null vector; a number is a bare count with no entries behind it. */
export type AclVector = readonly AclEntry[] | null | number;

/** The byte string of a text: its UTF-8 bytes. */
export function bytes(text: string): Bytes {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** A writer of request fields whose strings are byte strings. */
export class Body {
  readonly writer: Writer = new Writer(256);

  int(value: number): this {
    this.writer.int(value);
    return this;
  }

  long(value: bigint): this {
    this.writer.longBig(BigInt.asIntN(64, value));
    return this;
  }

  bool(value: boolean): this {
    this.writer.boolean(value);
    return this;
  }

  byte(value: number): this {
    this.writer.byte(value);
    return this;
  }

  /** A ustring or a buffer: both are a length and bytes. */
  text(value: Bytes | null): this {
    this.writer.buffer(value === null ? null : Buffer.from(value, 'latin1'));
    return this;
  }

  texts(values: readonly (Bytes | null)[] | null | number): this {
    if (values === null) return this.int(-1);
    if (typeof values === 'number') return this.int(values);
    this.int(values.length);
    for (const value of values) this.text(value);
    return this;
  }

  acl(acl: AclVector): this {
    if (acl === null) return this.int(-1);
    if (typeof acl === 'number') return this.int(acl);
    this.int(acl.length);
    for (const entry of acl) this.int(entry.perms).text(entry.scheme).text(entry.id);
    return this;
  }

  raw(source: Uint8Array): this {
    this.writer.raw(source);
    return this;
  }

  done(): Uint8Array {
    return this.writer.toBytes();
  }
}

/** A frame: length prefix, request header, body. */
export function requestFrame(xid: number, op: number, body: Uint8Array): Uint8Array {
  const writer = new Writer(body.length + 12);
  writer.int(body.length + 8);
  writer.int(xid);
  writer.int(op);
  writer.raw(body);
  return writer.written();
}

/** A frame around arbitrary bytes; `length` overrides the prefix. */
export function rawFrame(payload: Uint8Array, length: number = payload.length): Uint8Array {
  const writer = new Writer(payload.length + 4);
  writer.int(length);
  writer.raw(payload);
  return writer.written();
}

export interface Handshake {
  readonly protocolVersion: number;
  readonly lastZxidSeen: bigint;
  readonly timeOut: number;
  readonly sessionId: bigint;
  readonly password: Uint8Array | null;
  /** Null: the byte is left out, as old clients do. */
  readonly readOnly: boolean | null;
}

export function handshakeBody(handshake: Handshake): Uint8Array {
  const body = new Body()
    .int(handshake.protocolVersion)
    .long(handshake.lastZxidSeen)
    .int(handshake.timeOut)
    .long(handshake.sessionId);
  body.writer.buffer(handshake.password);
  if (handshake.readOnly !== null) body.bool(handshake.readOnly);
  return body.done();
}
