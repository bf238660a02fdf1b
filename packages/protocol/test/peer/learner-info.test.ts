import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  decodeLearnerInfo,
  JuteError,
  LEARNER_PROTOCOL_VERSION,
  QuorumPacket,
  Writer,
  writeLearnerInfo,
} from '@headkeeper/protocol';
import fc from 'fast-check';
import { fromHex, toHex } from '../vectors.ts';
import { longOf, readCaptures } from './captures.ts';

const COMPLETE = '0000000000000003000100000000000100000039';

test('the first packet of every captured learner', () => {
  let count = 0;
  for (const { connection } of readCaptures('election', 'sync', 'steady')) {
    for (const { kind, hex, decoded } of connection.messages) {
      if (kind !== 'FOLLOWERINFO' && kind !== 'OBSERVERINFO') continue;
      const bytes = fromHex(hex);
      const packet = new QuorumPacket();
      packet.read(bytes, new DataView(bytes.buffer), 0, bytes.length);
      const info = decodeLearnerInfo(packet.data());
      assert.deepEqual(info, {
        sid: decoded.serverId,
        protocolVersion: decoded.protocolVersion,
        configVersion: longOf(decoded.configVersion),
      });
      const out = new Writer();
      writeLearnerInfo(out, info.sid as number, info.configVersion);
      assert.deepEqual(out.toBytes(), packet.data());
      count++;
    }
  }
  assert.equal(count, 21);
});

test('what a shorter form lacks has its default', () => {
  const sid = 3;
  const of = (bytes: number): unknown => decodeLearnerInfo(fromHex(COMPLETE.slice(0, 2 * bytes)));
  assert.deepEqual(decodeLearnerInfo(null), { sid: null, protocolVersion: 1, configVersion: 0 });
  for (let bytes = 0; bytes < 8; bytes++) assert.throws(() => of(bytes), JuteError);
  for (let bytes = 8; bytes < 12; bytes++) assert.deepEqual(of(bytes), { sid, protocolVersion: 1, configVersion: 0 });
  for (let bytes = 12; bytes < 20; bytes++) {
    assert.deepEqual(of(bytes), { sid, protocolVersion: LEARNER_PROTOCOL_VERSION, configVersion: 0 });
  }
  assert.deepEqual(of(20), { sid, protocolVersion: LEARNER_PROTOCOL_VERSION, configVersion: 0x100000039 });
});

test('any learner', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.maxSafeInteger(), (sid, configVersion) => {
      const out = new Writer(1);
      writeLearnerInfo(out, sid, configVersion);
      assert.equal(toHex(out.written()).length, 40);
      const protocolVersion = LEARNER_PROTOCOL_VERSION;
      assert.deepEqual(decodeLearnerInfo(out.toBytes()), { sid, protocolVersion, configVersion });
    }),
  );
});
