import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  beginPacket,
  endPacket,
  JuteError,
  type JuteErrorReason,
  packetLength,
  QuorumPacket,
  type QuorumPacketName,
  QuorumPacketType,
  quorumPacketNameOf,
  Writer,
  writePacket,
} from '@headkeeper/protocol';
import fc from 'fast-check';
import { fromHex, toHex } from '../vectors.ts';
import { bytesOf, type CapturedMessage, direction, longOf, readCaptures } from './captures.ts';

/** jute.maxbuffer and the extra size that servers allow each other. */
/** Records that deepEqual takes for what the decoders make. */
const PLAIN = { noNullPrototype: true } as const;
const LIMIT = 2097150;
const NAMES: ReadonlyMap<string, QuorumPacketName> = new Map(
  (Object.keys(QuorumPacketType) as QuorumPacketName[]).map((name) => [name.toUpperCase(), name]),
);
const captures = readCaptures('election', 'sync', 'steady', 'sasl');
const packets = captures.flatMap(({ file, connection }) =>
  connection.messages.filter(({ kind }) => NAMES.has(kind)).map((message) => ({ file, message })),
);

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function read(bytes: Uint8Array, start = 0, end = bytes.length): QuorumPacket {
  const packet = new QuorumPacket();
  packet.read(bytes, viewOf(bytes), start, end);
  return packet;
}

function written(packet: QuorumPacket): string {
  const out = new Writer(1);
  const data = packet.data();
  const identities = packet.identities();
  if (identities === null) {
    writePacket(out, packet.type, packet.zxid, data);
  } else {
    assert.ok(data !== null);
    const at = beginPacket(out, packet.type, packet.zxid);
    out.raw(data);
    endPacket(out, at, identities);
  }
  return toHex(out.written());
}

function refuses(reason: JuteErrorReason, hex: string, limit = LIMIT): void {
  const bytes = fromHex(hex);
  assert.throws(
    () => packetLength(viewOf(bytes), 0, bytes.length, limit),
    (error) => error instanceof JuteError && error.reason === reason,
    hex,
  );
}

test('every captured packet reads as its description says and is written again byte by byte', () => {
  const seen = new Set<string>();
  for (const { file, message } of packets) {
    const { kind, hex, decoded } = message;
    const bytes = fromHex(hex);
    const where = `${file} ${kind} ${hex.slice(0, 60)}`;
    assert.equal(packetLength(viewOf(bytes), 0, bytes.length, LIMIT), bytes.length, where);
    const packet = read(bytes);
    assert.equal(quorumPacketNameOf(packet.type), NAMES.get(kind), where);
    assert.equal(packet.zxid, longOf(decoded.zxid), where);
    if ('dataLength' in decoded) assert.equal(packet.data()?.length ?? null, decoded.dataLength, where);
    if ('authinfo' in decoded) assert.deepEqual(packet.identities(), decoded.authinfo, where);
    assert.equal(written(packet), hex, where);
    seen.add(kind);
  }
  assert.equal(packets.length, 1471);
  assert.deepEqual(
    [...NAMES.keys()].filter((kind) => !seen.has(kind)),
    [],
    'every type occurs',
  );
});

test('whole streams are cut where the packets end, but for the snapshots in them', () => {
  let cut = 0;
  for (const { file, connection } of captures) {
    if (connection.kind === 'election' || connection.omitted !== undefined) continue;
    for (const dir of ['>', '<'] as const) {
      const messages = direction(connection, dir);
      if (!messages.every(({ kind }) => NAMES.has(kind) || kind === 'SNAPSHOT_STREAM')) continue;
      const bytes = bytesOf(messages);
      const view = viewOf(bytes);
      let at = 0;
      for (const { kind, hex } of messages) {
        const length = kind === 'SNAPSHOT_STREAM' ? hex.length / 2 : packetLength(view, at, bytes.length, LIMIT);
        assert.equal(length, hex.length / 2, `${file} ${kind} at ${at}`);
        at += length;
        cut++;
      }
      assert.equal(at, bytes.length);
    }
  }
  assert.ok(cut > 1000, `${cut} messages`);
});

/** One packet of each shape: lengths of data and of identities tell them apart. */
const shapes: readonly CapturedMessage[] = [
  ...new Map(
    packets.map(({ message }) => [
      `${message.kind} ${message.decoded.dataLength} ${JSON.stringify(message.decoded.authinfo)?.length}`,
      message,
    ]),
  ).values(),
];

test('a packet that has not arrived as a whole has no length yet, wherever it is cut', () => {
  for (const { hex } of shapes) {
    const bytes = fromHex(hex);
    const view = viewOf(bytes);
    for (let end = 0; end < bytes.length; end++) assert.equal(packetLength(view, 0, end, LIMIT), 0, `${hex} at ${end}`);
  }
});

test('what is not a whole packet is not read as one', () => {
  for (const { hex } of shapes) {
    const bytes = fromHex(hex);
    const packet = read(bytes);
    for (let end = 0; end < bytes.length; end++) {
      assert.throws(() => {
        packet.read(bytes, viewOf(bytes), 0, end);
        packet.identities();
      }, JuteError);
    }
  }
});

const identity = fc.record({ scheme: fc.string({ unit: 'grapheme' }), id: fc.string({ unit: 'grapheme' }) }, PLAIN);
const anyPacket = fc.record({
  type: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  zxid: fc.oneof(fc.maxSafeInteger(), fc.constantFrom(-1, 0, 0x100000000, -(2 ** 63))),
  data: fc.option(fc.uint8Array({ maxLength: 80 })),
  identities: fc.option(fc.array(identity, { maxLength: 4 })),
});

test('any packets, one behind the other at any offset', () => {
  fc.assert(
    fc.property(fc.array(anyPacket, { maxLength: 6 }), fc.nat(9), (list, offset) => {
      const out = new Writer(1);
      out.raw(new Uint8Array(offset).fill(0xff));
      for (const { type, zxid, data, identities } of list) {
        if (identities === null) {
          writePacket(out, type, zxid, data);
          continue;
        }
        const at = beginPacket(out, type, zxid);
        if (data !== null) out.raw(data);
        endPacket(out, at, identities);
      }
      const bytes = out.written();
      const packet = new QuorumPacket();
      let at = offset;
      for (const { type, zxid, data, identities } of list) {
        const length = packetLength(out.view, at, bytes.length, LIMIT);
        packet.read(bytes, out.view, at, at + length);
        assert.equal(packet.type, type);
        assert.equal(packet.zxid, zxid);
        // With identities the data is written in place, where null has no place.
        assert.deepEqual(packet.data(), data ?? (identities === null ? null : new Uint8Array(0)));
        assert.deepEqual(packet.identities(), identities);
        at += length;
      }
      assert.equal(at, bytes.length);
    }),
  );
});

test('part of an array becomes the data', () => {
  const out = new Writer();
  writePacket(out, QuorumPacketType.proposal, 0x100000002, fromHex('00010203'), 1, 3);
  assert.equal(toHex(out.written()), '000000020000000100000002000000020102ffffffff');
});

test('a zxid of -1 keeps all its bits', () => {
  const out = new Writer();
  writePacket(out, QuorumPacketType.upToDate, -1);
  assert.equal(toHex(out.written()), '0000000cffffffffffffffffffffffffffffffff');
  assert.equal(read(out.toBytes()).zxid, -1);
});

test('null and empty data differ, and null and empty identities', () => {
  const header = '000000050000000200000000';
  const forms: [string, number | null, number | null][] = [
    [`${header}ffffffffffffffff`, null, null],
    [`${header}00000000ffffffff`, 0, null],
    [`${header}ffffffff00000000`, null, 0],
    [`${header}0000000000000000`, 0, 0],
  ];
  for (const [hex, data, identities] of forms) {
    const packet = read(fromHex(hex));
    assert.equal(packet.data()?.length ?? null, data);
    assert.equal(packet.dataIsNull, data === null);
    assert.equal(packet.dataStart, packet.dataEnd);
    assert.equal(packet.identities()?.length ?? null, identities);
  }
});

test('null strings of an identity read as empty ones', () => {
  const bytes = fromHex('00000001ffffffffffffffffffffffff00000001ffffffffffffffff');
  assert.equal(packetLength(viewOf(bytes), 0, bytes.length, LIMIT), bytes.length);
  assert.deepEqual(read(bytes).identities(), [{ scheme: '', id: '' }]);
});

test('bad lengths are refused as soon as they are there', () => {
  const header = '000000020000000100000001';
  refuses('negative-length', `${header}fffffffe`);
  refuses('negative-length', `${header}80000000`);
  refuses('over-limit', `${header}7fffffff`);
  refuses('over-limit', `${header}001fffff`);
  refuses('negative-length', `${header}ffffffff${'fffffffe'}`);
  refuses('over-limit', `${header}ffffffff${'7fffffff'}`);
  refuses('negative-length', `${header}ffffffff${'00000001'}fffffffe`);
  refuses('over-limit', `${header}ffffffff${'00000001'}001fffff`);
  refuses('negative-length', `${header}ffffffff${'00000001'}000000026970fffffffe`);
  const read2 = (hex: string): QuorumPacket => read(fromHex(hex));
  assert.throws(() => read2(`${header}fffffffe${'ffffffff'}`), JuteError);
  assert.throws(() => read2(`${header}ffffffff${'fffffffe'}`), JuteError);
  assert.throws(() => read2(`${header}ffffffff${'00000001'}fffffffe${'00000000'}`).identities(), JuteError);
});

test('the limit is for the data, and for the identities together', () => {
  const out = new Writer();
  writePacket(out, QuorumPacketType.proposal, 1, new Uint8Array(LIMIT));
  assert.equal(packetLength(out.view, 0, out.length, LIMIT), LIMIT + 20);
  assert.equal(packetLength(out.view, 0, 16, LIMIT), 0);
  assert.throws(() => packetLength(out.view, 0, 16, LIMIT - 1), JuteError);

  // 12 bytes each, behind a count of 4.
  const identities = Array.from({ length: 8 }, () => ({ scheme: 'ip', id: '::' }));
  out.length = 0;
  endPacket(out, beginPacket(out, QuorumPacketType.request, -1), identities);
  assert.equal(packetLength(out.view, 0, out.length, 100), out.length);
  assert.throws(() => packetLength(out.view, 0, out.length, 99), JuteError);
  refuses('over-limit', '00000001ffffffffffffffff00000000000000ff', 100);
});

test('types have names', () => {
  assert.equal(quorumPacketNameOf(12), 'upToDate');
  assert.equal(quorumPacketNameOf(0), undefined);
  assert.equal(quorumPacketNameOf(20), undefined);
});
