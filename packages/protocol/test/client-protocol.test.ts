import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  beginFrame,
  type Codec,
  connectRequest,
  connectResponse,
  decodeReplyBody,
  decodeRequest,
  encodeEvent,
  encodeReply,
  encodeRequest,
  endFrame,
  FourLetterWord,
  FrameSplitter,
  fourLetterNameOf,
  JuteError,
  multiHeader,
  OpCode,
  type OpName,
  Reader,
  type ReplyHeader,
  type RequestName,
  replyHeader,
  requestHeader,
  requests,
  responses,
  Writer,
  watcherEvent,
} from '@headkeeper/protocol';
import { fromHex, readVectorJson, toHex } from './vectors.ts';

interface GoldenFrame {
  readonly name: string;
  readonly direction: 'client->server' | 'server->client';
  readonly hex: string;
  readonly decoded: Record<string, unknown>;
}

/** Frames whose payload cannot be read by the codec of its operation, with what is asserted instead. */
const REFUSED_REQUESTS: Readonly<Record<string, string>> = {
  'truncated-request/request': 'truncated',
  'multi-unsupported-op/request': 'malformed',
  'unknown-opcode/request': 'malformed',
};

const LONGS = new Set('zxid lastZxidSeen relativeZxid curConfigId ttl czxid mzxid ctime mtime pzxid'.split(' '));
const IDS = new Set(['sessionId', 'ephemeralOwner']);

const golden = readVectorJson<GoldenFrame[]>('client-protocol.json');

test('the file of golden frames is whole', () => {
  assert.equal(golden.length, 152);
  assert.equal(new Set(golden.map((frame) => frame.name)).size, 152);
});

for (const frame of golden) test(`golden frame ${frame.name}`, () => check(frame));

function check(frame: GoldenFrame): void {
  const bytes = fromHex(frame.hex);
  if (frame.name.startsWith('4lw-')) {
    checkFourLetterWord(frame, bytes);
    return;
  }
  const frames = [...new FrameSplitter(0x10_0000).push(bytes)];
  assert.equal(frames.length, 1);
  const payload = frames[0]!;
  assert.equal(payload.length, frame.decoded.length);
  if (frame.name.startsWith('connect-') || frame.name.startsWith('connect/')) checkHandshake(frame, payload);
  else if (frame.direction === 'client->server') checkRequest(frame, payload);
  else if (frame.decoded.op === undefined) checkEvent(frame, payload);
  else checkReply(frame, payload);
}

function checkFourLetterWord(frame: GoldenFrame, bytes: Uint8Array): void {
  assert.equal(Buffer.from(bytes).toString('ascii'), frame.decoded.text);
  if (frame.direction !== 'client->server') return;
  const name = fourLetterNameOf(new Reader(bytes).int());
  assert.equal(name, frame.decoded.text);
  assert.equal(Buffer.from(bytes).readInt32BE(), FourLetterWord[name!]);
}

function checkHandshake(frame: GoldenFrame, payload: Uint8Array): void {
  const { length: _, ...fields } = frame.decoded;
  const expected = { readOnly: null, ...(fields as object), passwd: fromHex(fields.passwd as string) };
  const codec = (frame.direction === 'client->server' ? connectRequest : connectResponse) as Codec<unknown>;
  const value = decodeWhole(codec, payload);
  assert.deepEqual(value, ours(expected));
  assertFramed(frame, (out) => codec.encode(out, value));
}

function checkRequest(frame: GoldenFrame, payload: Uint8Array): void {
  const header = ours(frame.decoded.header) as { xid: number; type: number };
  const reason = REFUSED_REQUESTS[frame.name];
  if (reason !== undefined) {
    assert.deepEqual(requestHeader.decode(new Reader(payload)), header);
    assert.throws(
      () => decodeRequest(new Reader(payload)),
      (error) => error instanceof JuteError && error.reason === reason,
    );
    return;
  }
  const reader = new Reader(payload);
  const request = decodeRequest(reader);
  assert.equal(reader.remaining(), 0);
  assert.equal(request.xid, header.xid);
  assert.equal(request.op, frame.decoded.op);
  assert.equal(OpCode[request.op], header.type);
  assert.deepEqual(request.body, expectedBody(frame.decoded.body, -1));
  assertFramed(frame, (out) => encodeRequest(out, request.xid, request.op, request.body as never));
}

function checkReply(frame: GoldenFrame, payload: Uint8Array): void {
  const reader = new Reader(payload);
  const header: ReplyHeader = replyHeader.decode(reader);
  assert.deepEqual(header, ours(frame.decoded.header));
  if (frame.decoded.op === 'unknown') {
    assert.equal(reader.remaining(), 0);
    assertFramed(frame, (out) => replyHeader.encode(out, header));
    return;
  }
  const op = frame.decoded.op as OpName;
  const body = decodeReplyBody(reader, header, op);
  assert.equal(reader.remaining(), 0);
  assert.deepEqual(body, expectedBody(frame.decoded.body, 0));
  assertFramed(frame, (out) => encodeReply(out, header, op, body as never));
}

function checkEvent(frame: GoldenFrame, payload: Uint8Array): void {
  const reader = new Reader(payload);
  const header = replyHeader.decode(reader);
  assert.deepEqual(header, ours(frame.decoded.header));
  const event = watcherEvent.decode(reader);
  assert.equal(reader.remaining(), 0);
  assert.deepEqual(event, ours(frame.decoded.body));
  assertFramed(frame, (out) => encodeEvent(out, header.zxid, event));
}

function decodeWhole(codec: Codec<unknown>, payload: Uint8Array): unknown {
  const reader = new Reader(payload);
  const value = codec.decode(reader);
  assert.equal(reader.remaining(), 0);
  return value;
}

function assertFramed(frame: GoldenFrame, encode: (out: Writer) => void): void {
  const out = new Writer(1);
  const at = beginFrame(out);
  encode(out);
  endFrame(out, at);
  assert.equal(toHex(out.written()), frame.hex);
}

/** The golden file spells out the headers inside a multi and its end marker; our records leave them to the codec. */
function expectedBody(body: unknown, err: number): unknown {
  const multi = body as { ops?: MultiPart[]; results?: MultiPart[] } | null;
  if (multi?.ops !== undefined) return { ops: withoutHeaders(multi.ops, err) };
  if (multi?.results !== undefined) return { results: withoutHeaders(multi.results, err) };
  return ours(body);
}

interface MultiPart {
  readonly header: { readonly type: number; readonly done: boolean; readonly err: number };
  readonly body?: { readonly err?: number };
}

function withoutHeaders(parts: MultiPart[], err: number): unknown[] {
  assert.deepEqual(parts.at(-1)!.header, { type: -1, done: true, err: -1 });
  return parts.slice(0, -1).map(({ header, body }) => {
    assert.deepEqual(header, { type: header.type, done: false, err: header.type === -1 ? body!.err : err });
    return { type: header.type, body: ours(body ?? null) };
  });
}

/** Turns the JSON spelling of values (strings for longs, hex for ids, {len, text|hex} for buffers) into ours. */
function ours(value: unknown, key = ''): unknown {
  if (typeof value === 'string') {
    if (LONGS.has(key)) return Number(value);
    return IDS.has(key) ? BigInt.asIntN(64, BigInt(value)) : value;
  }
  if (value instanceof Uint8Array || value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((element) => ours(element));
  const fields = value as Record<string, unknown>;
  if (typeof fields.len === 'number') {
    const bytes = typeof fields.text === 'string' ? Buffer.from(fields.text) : Buffer.from(fields.hex as string, 'hex');
    assert.equal(bytes.length, fields.len);
    return new Uint8Array(bytes);
  }
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, ours(field, name)]));
}

test('the refused multi can be taken apart with the records of its parts', () => {
  const frame = golden.find(({ name }) => name === 'multi-unsupported-op/request')!;
  const reader = new Reader(fromHex(frame.hex), 4);
  const { ops } = frame.decoded.body as { ops: { header: unknown; body: unknown }[] };
  const header = requestHeader.decode(reader);
  const parts = [multiHeader.decode(reader), requests.setACL.decode(reader), multiHeader.decode(reader)] as const;
  assert.equal(reader.remaining(), 0);
  assert.deepEqual(parts, [ops[0]!.header, ours(ops[0]!.body), ops[1]!.header]);
  assertFramed(frame, (out) => {
    requestHeader.encode(out, header);
    multiHeader.encode(out, parts[0]);
    requests.setACL.encode(out, parts[1]);
    multiHeader.encode(out, parts[2]);
  });
});

test('the tables have a codec for every operation', () => {
  const names = Object.keys(OpCode) as OpName[];
  const requestNames: RequestName[] = names.filter((name) => name !== 'notification' && name !== 'error');
  assert.deepEqual(Object.keys(requests).sort(), requestNames.sort());
  assert.deepEqual(Object.keys(responses).sort(), names.sort());
});
