import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  decodeNotification,
  encodeNotification,
  MIN_LONG,
  NOTIFICATION_VERSION,
  type Notification,
  ServerState,
} from '@headkeeper/protocol';
import fc from 'fast-check';
import { fromHex, readVectorJson, toHex } from '../vectors.ts';
import { longOf, readCaptures } from './captures.ts';

/** Records that deepEqual takes for what the decoders make. */
const PLAIN = { noNullPrototype: true } as const;
const FRAME_PREFIX = 8;
const STATES = ['LOOKING', 'FOLLOWING', 'LEADING', 'OBSERVING'];
const CONFIG = 'server.1=a:1:2:participant\nversion=0';
const SAMPLE: Notification = {
  state: ServerState.looking,
  leader: 3,
  zxid: 0x100000002,
  electionEpoch: 5,
  peerEpoch: 1,
  version: NOTIFICATION_VERSION,
  config: CONFIG,
};

interface Layout {
  readonly name: string;
  readonly hex: string;
  readonly decoded: Readonly<Record<string, unknown>>;
  readonly result: string;
}

test('every captured notification reads as its description says and is written again byte by byte', () => {
  let count = 0;
  for (const { file, connection } of readCaptures('election')) {
    for (const { kind, hex, decoded } of connection.messages) {
      if (kind !== 'NOTIFICATION') continue;
      const payload = hex.slice(FRAME_PREFIX);
      const n = decodeNotification(fromHex(payload));
      assert.deepEqual(n, {
        state: STATES.indexOf(decoded.state as string),
        leader: decoded.leader,
        zxid: longOf(decoded.zxid),
        electionEpoch: longOf(decoded.round),
        peerEpoch: longOf(decoded.peerEpoch),
        version: decoded.version,
        config: decoded.config,
      });
      assert.equal(toHex(encodeNotification(n)), payload, file);
      count++;
    }
  }
  assert.equal(count, 48);
});

test('the votes of an observer hold the smallest long in every bit', () => {
  const observers = readCaptures('election')
    .filter(({ file }) => file === 'election/observer.json')
    .flatMap(({ connection }) => connection.messages)
    .filter(({ kind, decoded }) => kind === 'NOTIFICATION' && decoded.zxid === '0x8000000000000000');
  assert.ok(observers.length > 0);
  for (const { hex } of observers) {
    const n = decodeNotification(fromHex(hex.slice(FRAME_PREFIX)));
    assert.equal(n?.leader, MIN_LONG);
    assert.equal(n?.zxid, MIN_LONG);
    assert.equal(n?.peerEpoch, MIN_LONG);
  }
});

test('each layout is taken as a running Apache server takes it', () => {
  const { layouts } = readVectorJson<{ layouts: Layout[] }>('election/notification-layouts.json');
  assert.equal(layouts.length, 5);
  for (const { name, hex, decoded, result } of layouts) {
    const n = decodeNotification(fromHex(hex));
    if (result.startsWith('dropped')) {
      assert.equal(n, null, name);
      continue;
    }
    assert.ok(n !== null, name);
    assert.equal(n.state, STATES.indexOf(decoded.state as string), name);
    assert.equal(n.leader, decoded.leader, name);
    assert.equal(n.zxid, longOf(decoded.zxid), name);
    assert.equal(n.electionEpoch, longOf(decoded.round), name);
    assert.equal(n.peerEpoch, longOf(decoded.peerEpoch), name);
    assert.equal(n.version, { 28: 0, 40: 0 }[hex.length / 2] ?? Number.parseInt(hex.slice(72, 80), 16), name);
    assert.equal(n.config === null, hex.length / 2 < 44, name);
    if (n.config !== null) assert.equal(toHex(encodeNotification(n)), hex, name);
  }
});

test('without a peerEpoch that of the zxid counts, sign included', () => {
  const old = (zxid: string): string => `00000000${'0000000000000003'}${zxid}${'0000000000000001'}`;
  assert.equal(decodeNotification(fromHex(old('0000000700000009')))?.peerEpoch, 7);
  assert.equal(decodeNotification(fromHex(old('ffffffffffffffff')))?.peerEpoch, -1);
});

test('of all truncations only the two old layouts are votes', () => {
  const bytes = encodeNotification(SAMPLE);
  const accepted: number[] = [];
  for (let end = 0; end <= bytes.length; end++) {
    // The bytes behind the cut are there and must not be looked at.
    if (decodeNotification(bytes.subarray(0, end)) !== null) accepted.push(end);
  }
  assert.deepEqual(accepted, [28, 40, bytes.length]);
});

test('a version below 2 has no configuration, whatever follows', () => {
  const bytes = encodeNotification({ ...SAMPLE, version: 1 });
  assert.equal(decodeNotification(bytes)?.config, null);
  assert.equal(decodeNotification(bytes.subarray(0, 41))?.version, 1);
});

test('a configuration of a bad length is malformed, bytes behind it are not', () => {
  const withLength = (length: number): Uint8Array => {
    const bytes = encodeNotification(SAMPLE);
    new DataView(bytes.buffer).setInt32(40, length);
    return bytes;
  };
  assert.equal(decodeNotification(withLength(-1)), null);
  assert.equal(decodeNotification(withLength(CONFIG.length + 1)), null);
  assert.equal(decodeNotification(withLength(2 ** 31 - 1)), null);
  assert.equal(decodeNotification(withLength(3))?.config, 'ser');
  assert.equal(decodeNotification(withLength(0))?.config, '');
});

test('an unknown state is malformed', () => {
  for (const state of [-1, 4, 2 ** 31 - 1]) {
    const bytes = encodeNotification(SAMPLE);
    new DataView(bytes.buffer).setInt32(0, state);
    assert.equal(decodeNotification(bytes), null);
  }
});

test('no configuration is sent as an empty one', () => {
  const bytes = encodeNotification({ ...SAMPLE, config: null });
  assert.equal(bytes.length, 44);
  assert.equal(decodeNotification(bytes)?.config, '');
});

test('any notification, read from the middle of a larger array', () => {
  const long = fc.oneof(fc.maxSafeInteger(), fc.constantFrom(MIN_LONG, -1, 0, 2 ** 32));
  const notification = fc.record(
    {
      state: fc.constantFrom(...Object.values(ServerState)),
      leader: long,
      zxid: long,
      electionEpoch: long,
      peerEpoch: long,
      version: fc.integer({ min: 2, max: 2 ** 31 - 1 }),
      config: fc.string({ unit: 'grapheme' }),
    },
    PLAIN,
  );
  fc.assert(
    fc.property(notification, fc.nat(7), (n, offset) => {
      const payload = encodeNotification(n);
      const larger = new Uint8Array(payload.length + offset + 3).fill(0xff);
      larger.set(payload, offset);
      assert.deepEqual(decodeNotification(larger.subarray(offset, offset + payload.length)), n);
    }),
  );
});

test('configurations by turns are each read and written as they are, also from memory that changes afterwards', () => {
  const texts = ['', CONFIG, CONFIG.replace('1', '2'), `${CONFIG}ä`, CONFIG, '', 'x'.repeat(20_000), CONFIG];
  for (const config of [...texts, ...texts]) {
    const bytes = encodeNotification({ ...SAMPLE, config });
    assert.equal(toHex(bytes.subarray(44)), toHex(Buffer.from(config)));
    const memory = Buffer.from(bytes);
    assert.equal(decodeNotification(memory)?.config, config);
    memory.fill(0x41);
    assert.equal(decodeNotification(bytes)?.config, config);
  }
});
