import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CreateMode, ErrorCode, OpCode } from '@headkeeper/protocol';
import { CoreHarness, type RawClient } from '@headkeeper/testkit';
import type { Event } from '../../src/core/events.ts';
import type { Ready } from '../../src/core/ready.ts';
import { NO_THROTTLES } from '../../src/core/settings.ts';
import { limits } from '../../src/limits.ts';
import { creation, setting } from './requests.ts';

type Told = Event extends infer E ? (E extends Event ? Omit<E, 'nowMs' | 'wallMs'> : never) : never;

/** One step of the core, whose work nobody carries out but the test. */
function step(harness: CoreHarness, event: Told): Ready {
  const { nowMs, wallMs, replica } = harness;
  replica.step({ ...event, nowMs, wallMs } as Event);
  return replica.takeReady();
}

function together(requests: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(requests));
}

const exists = (client: RawClient, count: number): Uint8Array =>
  together(Array.from({ length: count }, () => client.encode('exists', { path: '/', watch: false })));
const answers = (ready: Ready, client: RawClient): number => {
  const out = ready.output.find(({ id }) => id === client.connection)?.out;
  const count = out === undefined ? 0 : out.length / EXISTS_ANSWER;
  if (out !== undefined) out.length = 0;
  return count;
};
/** Length, header and Stat. */
const EXISTS_ANSWER = 20 + 68;

describe('one turn of the loop', () => {
  test('has room for so many requests; what is more of a connection than its portion waits for the next, and no other', () => {
    const harness = new CoreHarness();
    const { requestsPerTurn, requestsPerConnection } = limits;
    const [one, two, three] = [harness.connect(), harness.connect(), harness.connect()];
    const data = (client: RawClient, count: number): Ready =>
      step(harness, { kind: 'clientData', connection: client.connection, bytes: exists(client, count) });
    step(harness, { kind: 'turn' });
    assert.equal(answers(data(one, requestsPerTurn + 500), one), requestsPerTurn + requestsPerConnection);
    assert.ok(harness.replica.wantsPause(one.connection));
    assert.equal(answers(data(two, 500), two), requestsPerConnection);
    assert.equal(answers(data(three, 1), three), 1);
    assert.ok(harness.replica.serving.admission.wantsTurn);
    const next = step(harness, { kind: 'turn' });
    assert.equal(answers(next, one), 500 - requestsPerConnection);
    assert.equal(answers(next, two), 500 - requestsPerConnection);
    assert.equal(harness.replica.wantsPause(one.connection), false);
    step(harness, { kind: 'turn' });
    assert.equal(harness.replica.serving.admission.wantsTurn, false);
  });

  test('sends to so many connections; the others follow, and who is closed gets his first', () => {
    const harness = new CoreHarness();
    const watchers = Array.from({ length: limits.outputsPerStep + 100 }, () => harness.connect());
    const writer = harness.connect();
    writer.must('create', creation('/n'));
    for (const watcher of watchers) watcher.must('exists', { path: '/n', watch: true });
    harness.autoDurable = false;
    writer.ask('setData', setting('/n', 'x'));
    const zxid = harness.appendedZxid;
    const ready = step(harness, { kind: 'durable', generation: harness.replica.generation, zxid });
    assert.deepEqual([ready.output.length, ready.more], [limits.outputsPerStep, true]);
    const last = watchers.at(-1) as RawClient;
    const tooLong = Uint8Array.of(0x7f, 0, 0, 0);
    // Without the watcher's event the close would overtake it.
    const closing = step(harness, { kind: 'clientData', connection: last.connection, bytes: tooLong });
    assert.deepEqual(
      closing.close.map(({ id }) => id),
      [last.connection],
    );
    assert.ok(closing.output.some(({ id, out }) => id === last.connection && out.length > 0));
    const told = new Set([...ready.output, ...closing.output].map(({ id }) => id));
    assert.equal(told.size, watchers.length + 1);
    assert.equal(closing.more, false);
  });

  test('applies so many bytes; until the rest is applied nothing else happens, and pings are answered', () => {
    const harness = new CoreHarness();
    const [writer, other] = [harness.connect(), harness.connect()];
    writer.must('create', creation('/n'));
    harness.autoDurable = false;
    const large = 'x'.repeat(100_000);
    const count = Math.ceil((3 * limits.appliedBytesAtOnce) / large.length);
    for (let i = 0; i < count; i++) writer.ask('setData', setting('/n', large));
    const zxid = harness.appendedZxid;
    const { replica } = harness;
    step(harness, { kind: 'durable', generation: replica.generation, zxid });
    assert.ok(replica.isBusy);
    assert.ok(replica.serving.lastZxid < zxid);
    const { connection } = other;
    other.expect('ping', -2);
    const ping = Uint8Array.of(0, 0, 0, 8, 0xff, 0xff, 0xff, 0xfe, 0, 0, 0, OpCode.ping);
    assert.equal(replica.clients.answerPings(connection, exists(other, 1)), false);
    assert.equal(replica.clients.answerPings(connection, ping), true);
    assert.equal(replica.takeReady().output.length, 1);
    assert.throws(() => step(harness, { kind: 'tick' }), /long work/);
    let slices = 0;
    for (; replica.isBusy; slices++) step(harness, { kind: 'work' });
    assert.ok(slices >= 2);
    assert.equal(replica.serving.lastZxid, zxid);
  });

  test('ends a session with more ephemerals than that in slices, as it ends one with fewer', () => {
    for (const count of [limits.ephemeralsAtOnce, limits.ephemeralsAtOnce + 300]) {
      for (const how of ['close', 'expire'] as const) {
        const harness = new CoreHarness();
        const [owner, other] = [harness.connect({ timeOut: 4000 }), harness.connect({ timeOut: 40_000 })];
        const ops = (from: number) =>
          Array.from({ length: Math.min(1000, count - from) }, (_, i) => ({
            type: OpCode.create,
            body: creation(`/e${from + i}`, CreateMode.ephemeral),
          }));
        for (let from = 0; from < count; from += 1000) owner.must('multi', { ops: ops(from) });
        other.must('addWatch', { path: '/', mode: 1 });
        other.take();
        const { replica, log } = harness;
        const logged = log.length;
        if (how === 'close') {
          const bytes = owner.encode('closeSession', null);
          step(harness, { kind: 'clientData', connection: owner.connection, bytes });
        } else {
          harness.pass(8000);
          step(harness, { kind: 'tick' });
        }
        assert.equal(replica.isBusy, count > limits.ephemeralsAtOnce);
        assert.equal(replica.serving.tree.store.size, count + 4, 'nothing has gone yet');
        if (!replica.isBusy) continue;
        harness.step({ kind: 'work' });
        assert.equal(log.length, logged + 1, 'one txn');
        assert.equal(replica.serving.sessions.size, 1);
        assert.equal(replica.serving.statistics.digestMismatches, 0);
        assert.equal(other.take().length, count, 'each is told of');
        assert.deepEqual(other.must('getChildren', { path: '/', watch: false }).children, ['zookeeper']);
        assert.deepEqual(harness.restarted().connect().must('getChildren', { path: '/', watch: false }).children, [
          'zookeeper',
        ]);
      }
    }
  });
});

describe('what clients make the server hold', () => {
  test('a handshake is short', () => {
    const harness = new CoreHarness();
    const frame = (length: number): Uint8Array => {
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setInt32(0, length);
      return bytes;
    };
    const [fits, tooLong] = [harness.open(), harness.open()];
    fits.send(frame(limits.handshakeBytes));
    tooLong.send(frame(limits.handshakeBytes + 1));
    assert.deepEqual([fits.closed, tooLong.closed], [false, true]);
    const client = harness.connect();
    client.send(frame(limits.handshakeBytes + 1));
    assert.equal(client.closed, false);
  });

  test('while the disk is behind a large request waits even as the first one, and a small one does not', () => {
    const harness = new CoreHarness();
    const [busy, large, small] = [harness.connect(), harness.connect(), harness.connect()];
    busy.must('create', creation('/n'));
    harness.autoDurable = false;
    while (!harness.replica.wantsPause(busy.connection)) busy.ask('setData', setting('/n', 'x'.repeat(1_000_000)));
    const before = harness.appendedZxid;
    large.ask('setData', setting('/n', 'x'.repeat(limits.smallRequestBytes)));
    assert.equal(harness.appendedZxid, before);
    assert.ok(harness.replica.wantsPause(large.connection));
    small.ask('setData', setting('/n', 'x'.repeat(limits.smallRequestBytes - 100)));
    assert.equal(harness.appendedZxid, before + 1);
    harness.durable();
    harness.durable();
    assert.deepEqual([busy.waiting, large.waiting, small.waiting], [0, 0, 0]);
  });

  test('so many txns may be under way before connections with unanswered requests wait', () => {
    const harness = new CoreHarness({ overload: { ...NO_THROTTLES, outstandingRequests: 1_000_000 } });
    const clients = Array.from({ length: 6 }, () => harness.connect());
    clients[0]?.must('create', creation('/n'));
    harness.autoDurable = false;
    for (const client of clients) {
      for (let i = 0; i < 4000; i += 1000) {
        client.askAll(Array.from({ length: 1000 }, () => client.encode('setData', setting('/n', ''))));
      }
    }
    const { outstanding } = harness.replica;
    assert.ok(outstanding > limits.outstandingProposals);
    assert.ok(outstanding <= limits.outstandingProposals + clients.length, `${outstanding}`);
    harness.autoDurable = true;
    harness.durable();
    assert.ok(clients.every(({ waiting }) => waiting === 0));
  });

  test('who waited gets a share in, and then the next one does', () => {
    const harness = new CoreHarness({ overload: { ...NO_THROTTLES, outstandingRequests: 100 } });
    const [first, ...clients] = Array.from({ length: 11 }, () => harness.connect()) as [RawClient, ...RawClient[]];
    first.must('create', creation('/n'));
    harness.autoDurable = false;
    for (const client of [first, ...clients]) {
      client.askAll(Array.from({ length: 200 }, () => client.encode('setData', setting('/n', ''))));
    }
    harness.durable();
    const got = clients.map(({ waiting }) => 200 - waiting);
    assert.ok(got.every((answered) => answered <= 2 + limits.requestsPerShare));
    for (let rounds = 0; rounds < 40; rounds++) harness.durable();
    assert.ok(clients.every(({ waiting }) => waiting === 0));
  });

  test('when input that waits is too much in all, those with most of it are cut off', () => {
    const harness = new CoreHarness();
    const most = limits.heldInputBytes;
    const part = new Uint8Array(1_000_000);
    new DataView(part.buffer).setInt32(0, harness.settings.juteMaxBuffer);
    const clients: RawClient[] = [];
    const { held } = harness.replica.serving.admission;
    while (!clients.some(({ closed }) => closed)) {
      const client = harness.connect();
      clients.push(client);
      client.send(clients.length === 3 ? part : part.subarray(0, 900_000));
      assert.ok(held.inputBytes <= most);
    }
    assert.deepEqual(
      clients.flatMap(({ closed }, i) => (closed ? [i] : [])),
      [2],
    );
    assert.ok(held.inputBytes > most - 2_000_000);
    assert.equal(harness.replica.serving.statistics.overload.connectionsCutOff, 1);
  });

  test('a list of children that is too long for any client is refused', () => {
    const harness = new CoreHarness();
    const client = harness.connect();
    const name = 'n'.repeat(200_000);
    client.must('create', creation('/p'));
    for (let bytes = 0; bytes <= limits.outputMaximum; bytes += name.length) {
      client.must('create', creation(`/p/${name}${bytes}`));
    }
    assert.equal(client.call('getChildren', { path: '/p', watch: false }).err, ErrorCode.marshallingError);
    assert.equal(client.call('exists', { path: '/p', watch: false }).err, 0);
  });

  test('a connection has so many watches, and is told of one too many', () => {
    const harness = new CoreHarness();
    const [client, other] = [harness.connect(), harness.connect()];
    const { serving } = harness.replica;
    assert.equal(serving.watchLimits.perConnection, limits.watchesPerConnection);
    const full = 1234;
    serving.watchLimits = { ...serving.watchLimits, perConnection: full };
    const paths = (from: number, count: number): string[] => Array.from({ length: count }, (_, i) => `/w${from + i}`);
    const set = (existWatches: string[]) =>
      client.call('setWatches', { relativeZxid: 0, dataWatches: [], existWatches, childWatches: [] }).err;
    const each = 500;
    let there = 0;
    for (; there + each <= full; there += each) assert.equal(set(paths(there, each)), 0);
    assert.equal(set(paths(there, full - there)), 0);
    assert.equal(client.call('exists', { path: '/one-more', watch: true }).err, ErrorCode.throttledOp);
    assert.equal(client.call('getData', { path: '/', watch: true }).err, ErrorCode.throttledOp);
    assert.equal(client.call('getChildren', { path: '/', watch: true }).err, ErrorCode.throttledOp);
    assert.equal(client.call('addWatch', { path: '/', mode: 0 }).err, ErrorCode.throttledOp);
    assert.equal(set(['/one-more']), ErrorCode.throttledOp);
    assert.equal(client.call('exists', { path: '/', watch: false }).err, 0);
    assert.equal(other.call('getData', { path: '/', watch: true }).err, 0);
    assert.equal(harness.replica.serving.statistics.overload.watchesRefused, 5);
    client.must('removeWatches', { path: '/w0', type: 3 });
    assert.equal(client.call('getData', { path: '/', watch: true }).err, 0);
  });

  test('watched paths have so many bytes', () => {
    const harness = new CoreHarness();
    const path = (i: number): string => `/${String(i).padStart(7, '0')}${'p'.repeat(100_000)}`;
    const client = harness.connect();
    const { serving } = harness.replica;
    const { watches } = serving;
    assert.equal(serving.watchLimits.pathBytes, limits.watchedPathBytes);
    const most = 3_000_000;
    serving.watchLimits = { ...serving.watchLimits, pathBytes: most };
    for (let i = 0; watches.pathBytes < most; i++) {
      assert.equal(client.call('exists', { path: path(i), watch: true }).err, ErrorCode.noNode);
    }
    assert.equal(client.call('exists', { path: '/n', watch: true }).err, ErrorCode.throttledOp);
    assert.ok(watches.pathBytes < most + 300_000);
  });
});
