import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ErrorCode } from '@headkeeper/protocol';
import { CoreHarness, type RawClient } from '@headkeeper/testkit';
import { type ConnectionThrottleSettings, NO_THROTTLES, type OverloadSettings } from '../../src/core/settings.ts';
import { creation, setting } from './requests.ts';

function harnessWith(changes: Partial<OverloadSettings>, local = false): CoreHarness {
  return new CoreHarness({ overload: { ...NO_THROTTLES, ...changes }, localSessionsEnabled: local });
}

function throttled(changes: Partial<ConnectionThrottleSettings>, local = false): CoreHarness {
  return harnessWith({ connections: { ...NO_THROTTLES.connections, ...changes } }, local);
}

function counters(harness: CoreHarness): CoreHarness['replica']['serving']['statistics']['overload'] {
  return harness.replica.serving.statistics.overload;
}

/** Whether a new connection gets a session. */
function enters(harness: CoreHarness, as: RawClient | null = null): boolean {
  const client = harness.open();
  client.handshake(as === null ? {} : { sessionId: as.sessionId, passwd: as.passwd });
  assert.equal(client.closed, client.received.length === 0);
  return !client.closed;
}

function admitted(harness: CoreHarness, tries: number, as: RawClient | null = null): number {
  return Array.from({ length: tries }, () => enters(harness, as)).filter(Boolean).length;
}

const gets = (client: RawClient, count: number): Uint8Array[] =>
  Array.from({ length: count }, () => client.encode('exists', { path: '/', watch: false }));
const sets = (client: RawClient, count: number): Uint8Array[] =>
  Array.from({ length: count }, () => client.encode('setData', setting('/n', '')));

describe('handshakes', () => {
  test('are not throttled by default', () => {
    assert.equal(admitted(throttled({}), 500), 500);
  });

  test('take tokens, which come back with time; who finds none is closed without an answer', () => {
    const harness = throttled({ tokens: 5, fillTimeMs: 100, fillCount: 2 });
    assert.equal(admitted(harness, 8), 5);
    assert.equal(counters(harness).connectionsRejected, 3);
    const { count, sum, min, max } = counters(harness).tokenDeficit;
    assert.deepEqual([count, sum, min, max], [5, 15, 1, 5]);
    harness.pass(100);
    assert.equal(admitted(harness, 1), 0, 'Apache fills it behind the time, not at it');
    harness.pass(1);
    assert.equal(admitted(harness, 8), 2);
    harness.pass(100_000);
    assert.equal(admitted(harness, 8), 5, 'and no more than there were');
  });

  test('cost what their kind does where weights are on, and the tokens are of global sessions', () => {
    const weights = { tokens: 2, isWeighted: true, fillTimeMs: 1_000_000 };
    assert.equal(admitted(throttled(weights), 9), 2);
    assert.equal(admitted(throttled(weights, true), 9), 6);
    const harness = throttled(weights);
    const first = harness.connect();
    assert.equal(admitted(harness, 9, first), 1, 'a session that comes back costs two of three');
    assert.equal(counters(harness).connectionsRejected, 8);
  });

  test('are refused by chance, more and more while there are no tokens, and less and less when there are', () => {
    const harness = throttled({ tokens: 1, fillTimeMs: 10, freezeMs: 5, dropIncrease: 0.1, dropDecrease: 0.05 });
    const { clients } = harness.replica;
    for (let i = 0; i < 400; i++) {
      harness.pass(3);
      enters(harness);
    }
    assert.ok(clients.throttle.dropProbability > 0.3, `${clients.throttle.dropProbability}`);
    const before = clients.throttle.dropProbability;
    for (let i = 0; i < 5; i++) {
      harness.pass(1000);
      enters(harness);
    }
    assert.ok(clients.throttle.dropProbability < before - 0.2, `${clients.throttle.dropProbability}`);
  });

  test('are closed when they take too long, counted, and only then', () => {
    const harness = harnessWith({ handshakeMs: 500 });
    const silent = harness.open();
    const client = harness.connect();
    harness.pass(499);
    harness.tick();
    assert.equal(silent.closed, false);
    harness.pass(1);
    harness.tick();
    const { sessionless } = harness.replica.serving.statistics.work;
    assert.deepEqual([silent.closed, client.closed, sessionless], [true, false, 1]);
  });
});

describe('requests on their way', () => {
  test('above globalOutstandingLimit keep connections with unanswered ones waiting, and no other', () => {
    const harness = harnessWith({ outstandingRequests: 10 });
    const [busy, other, idle] = [harness.connect(), harness.connect(), harness.connect()];
    busy.must('create', creation('/n'));
    harness.autoDurable = false;
    busy.askAll(sets(busy, 50));
    other.askAll(sets(other, 50));
    const { held } = harness.replica.serving.admission;
    assert.ok(held.requests <= 12, `${held.requests} requests are on their way`);
    assert.ok(harness.replica.wantsPause(busy.connection));
    assert.ok(harness.replica.wantsPause(other.connection));
    assert.equal(idle.call('ping', null).err, 0);
    assert.equal(idle.call('exists', { path: '/', watch: false }).err, 0);
    harness.durable();
    assert.ok(other.waiting < 50, 'both have their share of what there is room for');
    harness.autoDurable = true;
    harness.durable();
    assert.deepEqual([busy.waiting, other.waiting, held.requests], [0, 0, 0]);
    assert.equal(harness.replica.wantsPause(busy.connection), false);
  });

  test('one connection with a thousand requests does not keep others from theirs', () => {
    const harness = harnessWith({ outstandingRequests: 10 });
    const [deep, shallow] = [harness.connect(), harness.connect()];
    deep.must('create', creation('/n'));
    harness.autoDurable = false;
    deep.askAll(sets(deep, 1000));
    shallow.askAll(sets(shallow, 20));
    let rounds = 0;
    for (; shallow.waiting > 0; rounds++) harness.durable();
    assert.ok(rounds <= 8, `${rounds} batches`);
    assert.ok(deep.waiting > 900);
  });

  test('above requestThrottleLimit all wait, in their order', () => {
    const harness = harnessWith({ requestLimit: 3 });
    const [writer, reader] = [harness.connect(), harness.connect()];
    writer.must('create', creation('/n'));
    harness.autoDurable = false;
    writer.askAll(sets(writer, 5));
    reader.askAll(gets(reader, 2));
    assert.equal(reader.waiting, 2);
    assert.equal(harness.replica.serving.admission.held.requests, 3);
    assert.equal(counters(harness).requestThrottleWaits, 2);
    assert.ok(harness.replica.wantsPause(reader.connection));
    harness.durable();
    harness.durable();
    assert.deepEqual([writer.waiting, reader.waiting], [0, 0]);
    assert.equal(harness.replica.wantsPause(reader.connection), false);
  });

  test('that wait longer than throttledOpWaitTime are answered THROTTLEDOP, in their turn; pings are not', () => {
    const harness = harnessWith({ requestLimit: 1, throttledOpWaitMs: 100 });
    const [writer, reader] = [harness.connect(), harness.connect()];
    writer.must('create', creation('/n'));
    for (const [waitMs, expected] of [
      [100, 0],
      [101, ErrorCode.throttledOp],
    ] as const) {
      harness.autoDurable = false;
      writer.askAll(sets(writer, 1));
      reader.askAll([...gets(reader, 1), reader.encode('ping', null)]);
      reader.take();
      harness.pass(waitMs);
      harness.durable();
      const answers = reader.take();
      assert.deepEqual(
        answers.map((answer) => answer.kind === 'reply' && [answer.op, answer.err]),
        [
          ['exists', expected],
          ['ping', 0],
        ],
      );
    }
    assert.equal(counters(harness).throttledOps, 1);
    assert.equal(reader.call('exists', { path: '/', watch: false }).err, 0);
  });

  test('that are older than their session timeout are dropped with their connection, where that is asked for', () => {
    for (const dropsStale of [true, false]) {
      const harness = harnessWith({ requestLimit: 1, staleByLatency: true, dropsStale });
      const [writer, reader] = [harness.connect(), harness.connect({ timeOut: 4000 })];
      writer.must('create', creation('/n'));
      harness.autoDurable = false;
      writer.askAll(sets(writer, 1));
      reader.askAll(gets(reader, 2));
      harness.pass(4001);
      harness.durable();
      assert.equal(reader.closed, dropsStale);
      assert.equal(reader.waiting, dropsStale ? 2 : 0);
      const { staleRequests, staleRequestsDropped, staleReplies } = counters(harness);
      assert.deepEqual([staleRequestsDropped, staleRequests], dropsStale ? [1, 0] : [0, 2]);
      assert.equal(staleReplies, 0);
    }
  });

  test('of a connection that is gone are dropped and counted, and so are replies to it', () => {
    const harness = harnessWith({ requestLimit: 2 });
    const [writer, reader] = [harness.connect(), harness.connect()];
    writer.must('create', creation('/n'));
    harness.autoDurable = false;
    writer.askAll(sets(writer, 2));
    reader.askAll(gets(reader, 4));
    reader.disconnect();
    assert.equal(counters(harness).staleRequestsDropped, 1);
    writer.disconnect();
    harness.durable();
    assert.equal(counters(harness).staleReplies, 2);
    const { requests, inputBytes } = harness.replica.serving.admission.held;
    assert.deepEqual([requests, inputBytes], [0, 0]);
  });
});

describe('large requests', () => {
  const LARGE = 'x'.repeat(20_000);

  test('above largeRequestMaxBytes close their connection, and make room when they are answered', () => {
    const harness = harnessWith({ largeRequestBytes: 10_000, largeRequestsBytes: 50_000 });
    const [one, two, small] = [harness.connect(), harness.connect(), harness.connect()];
    one.must('create', creation('/n'));
    harness.autoDurable = false;
    one.ask('setData', setting('/n', LARGE));
    one.ask('setData', setting('/n', LARGE));
    assert.equal(one.closed, false);
    const announced = two.encode('setData', setting('/n', LARGE));
    // Its length alone is enough.
    two.send(announced.subarray(0, 4));
    assert.ok(two.closed);
    assert.equal(counters(harness).largeRequestsRejected, 1);
    small.ask('setData', setting('/n', 'x'.repeat(9000)));
    harness.durable();
    assert.deepEqual([one.waiting, small.waiting], [0, 0]);
    harness.autoDurable = true;
    assert.equal(one.call('setData', setting('/n', LARGE)).err, 0);
    assert.equal(harness.replica.serving.admission.held.largeBytes, 0);
  });

  test('of a connection that is gone are not counted any more', () => {
    const harness = harnessWith({ largeRequestBytes: 10_000, largeRequestsBytes: 50_000 });
    const [one, two] = [harness.connect(), harness.connect()];
    one.must('create', creation('/n'));
    harness.autoDurable = false;
    one.ask('setData', setting('/n', LARGE));
    one.ask('setData', setting('/n', LARGE));
    one.disconnect();
    two.ask('setData', setting('/n', LARGE));
    assert.equal(two.closed, false);
  });
});
