import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  beginsRepair,
  decodeNotification,
  decodeRepairAnswer,
  decodeRepairRequest,
  encodeNotification,
  encodeRepairRequest,
  hasRepairTrailer,
  JuteError,
  MOST_RANGES,
  type RepairAnswer,
  type RepairRequest,
  repairMessageLength,
  Writer,
  withRepairTrailer,
  writeRepairAnswer,
} from '../../src/index.ts';

const VOTE = {
  state: 0,
  leader: 2,
  zxid: 7,
  electionEpoch: 3,
  peerEpoch: 1,
  version: 2,
  config: 'server.1=a:1:2',
} as const;

describe('the word behind a vote', () => {
  it('is seen, and changes nothing for who does not know it', () => {
    const vote = encodeNotification(VOTE);
    const told = withRepairTrailer(vote);
    assert.equal(hasRepairTrailer(vote), false);
    assert.equal(hasRepairTrailer(told), true);
    assert.deepEqual(decodeNotification(told), decodeNotification(vote));
  });

  it('is none in a vote that is short, or a lie about its length', () => {
    const told = withRepairTrailer(encodeNotification(VOTE));
    for (let length = 0; length < told.length; length++)
      assert.equal(hasRepairTrailer(told.subarray(0, length)), false);
    new DataView(told.buffer).setInt32(40, 0x7fffffff);
    assert.equal(hasRepairTrailer(told), false);
  });
});

describe('messages of a repair', () => {
  const requests: RepairRequest[] = [
    { kind: 'records', sid: 3, ranges: [] },
    { kind: 'records', sid: 3, ranges: Array.from({ length: MOST_RANGES }, (_, i) => ({ from: i, to: 2 ** 52 + i })) },
    { kind: 'snapshot', sid: 1, upTo: 2 ** 40 },
  ];

  it('requests come as they were sent, once they are whole', () => {
    for (const request of requests) {
      const bytes = encodeRepairRequest(request);
      assert.ok(beginsRepair(bytes));
      assert.deepEqual(decodeRepairRequest(bytes), request);
      for (let length = 0; length < Math.min(bytes.length, 200); length++) {
        assert.equal(decodeRepairRequest(bytes.subarray(0, length)), null);
      }
    }
  });

  it('requests that make no sense are refused', () => {
    const bytes = encodeRepairRequest({ kind: 'records', sid: 3, ranges: [{ from: 1, to: 2 }] });
    const spoilt = (at: number, value: number): Uint8Array => {
      const copy = bytes.slice();
      new DataView(copy.buffer).setInt32(at, value);
      return copy;
    };
    assert.equal(beginsRepair(spoilt(0, 11)), false);
    for (const [at, value] of [
      [0, 11],
      [12, -1],
      [12, 1 << 20],
      [16, 2],
      [28, -1],
      [28, MOST_RANGES + 1],
      [28, 2],
    ] as const) {
      assert.throws(() => decodeRepairRequest(spoilt(at, value)), JuteError, `${value} at ${at}`);
    }
  });

  it('answers come as they were sent', () => {
    const body = new Uint8Array([1, 2, 3]);
    const record = { kind: 'record', zxid: 9, before: -1, beforeLength: 5, beforeAdler: 0xfffffff0 } as const;
    const answers: RepairAnswer[] = [
      { ...record, adler: 0xffffffff, body },
      { kind: 'head', name: 'snapshot.1f' },
      { kind: 'piece', bytes: body },
      { kind: 'refused', why: 'no' },
      { kind: 'end' },
    ];
    const out = new Writer();
    for (const answer of answers) writeRepairAnswer(out, answer);
    let at = 0;
    const found: RepairAnswer[] = [];
    while (at < out.length) {
      const length = repairMessageLength(out.view, at, out.length, 100) as number;
      found.push(decodeRepairAnswer(out.bytes, at, at + length));
      at += length;
    }
    assert.equal(at, out.length);
    assert.deepEqual(JSON.stringify(found), JSON.stringify(answers));
    assert.throws(() => repairMessageLength(out.view, 0, out.length, 10), JuteError);
    assert.equal(repairMessageLength(out.view, 0, 15, 10), null);
  });
});
