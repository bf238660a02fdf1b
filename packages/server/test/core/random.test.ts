import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeUtf8 } from '@headkeeper/protocol';
import { createHashing } from '@headkeeper/server/internal';
import { CoreHarness, type RawClient, type Received } from '@headkeeper/testkit';
import fc from 'fast-check';
import { Database } from '../../src/core/database.ts';
import { SnapshotDecoder } from '../../src/core/log/snapshot-decoder.ts';
import { RecoveredState } from '../../src/core/recovered-state.ts';
import { Replica } from '../../src/core/replica.ts';
import type { DataTree } from '../../src/core/tree/tree.ts';
import { listsInUse } from '../tree/random-changes.ts';
import { type AnyRequest, anyRequest } from './random-requests.ts';
import { nodesOf, treeOf } from './tree-dump.ts';

/** A request, and how far the disk gets afterwards: not at all, by some txns, or all the way. */
interface Step {
  readonly request: AnyRequest;
  readonly durable: number;
}

const anyStep: fc.Arbitrary<Step> = fc.record({
  request: anyRequest,
  durable: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.constantFrom(1, 2, 5, Number.POSITIVE_INFINITY)),
});

/** Clients of a server; whoever closed its session comes back with a new one. */
class Clients {
  readonly harness: CoreHarness = new CoreHarness();
  readonly answers: Received[][] = [[], [], []];
  readonly #clients: RawClient[];

  constructor() {
    this.#clients = [0, 1, 2].map((at) => this.harness.connect({ timeOut: 10_000 + at }));
    this.#clients[1]?.must('auth', { type: 0, scheme: 'digest', auth: new Uint8Array([0x75, 0x3a, 0x68]) });
  }

  send({ client, op, body }: AnyRequest): void {
    const at = this.#clients[client] as RawClient;
    if (op !== 'closeSession') at.ask(op, body);
    else {
      at.ask(op, null);
      this.harness.durable();
      assert.ok(at.closed, 'closing a session closes its connection');
      this.collect();
      this.#clients[client] = this.harness.open();
      this.#clients[client].handshake({ timeOut: 10_000 + client });
      this.harness.durable();
    }
    this.collect();
  }

  collect(): void {
    for (const [at, client] of this.#clients.entries()) this.answers[at]?.push(...client.take());
  }

  waiting(): number {
    return this.#clients.reduce((sum, client) => sum + client.waiting, 0);
  }
}

/** Replies and events of one client, without those that another disk speed may let out earlier or later. */
function replies(answers: readonly Received[]): Received[] {
  return answers.filter((one) => one.kind !== 'event').map(withoutReadZxid);
}

const TXN_HEADER_BYTES = 32;
const DIGEST_BYTES = 12;

/** Header, length and digest of every txn; the order in which a closed session's ephemerals are named is not defined. */
function txnsOf(harness: CoreHarness): [Uint8Array, number, Uint8Array][] {
  return harness.log.map(({ body }) => [body.slice(0, TXN_HEADER_BYTES), body.length, body.slice(-DIGEST_BYTES)]);
}

const WRITES = new Set(['create', 'create2', 'createContainer', 'createTTL', 'delete', 'setData', 'setACL', 'multi']);

/** A read is answered from a later state when the disk is faster: only writes must be answered alike. */
function withoutReadZxid(one: Received): Received {
  if (one.kind !== 'reply' || (one.op !== null && WRITES.has(one.op))) return one;
  return { ...one, zxid: 0, err: 0, body: null };
}

test('writes are answered as if each had been applied at once, however slow the disk is', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { minLength: 1, maxLength: 60, size: 'max' }), (steps) => {
      const slow = new Clients();
      const fast = new Clients();
      slow.harness.autoDurable = false;
      for (const { request, durable } of steps) {
        fast.send(request);
        slow.send(request);
        if (durable > 0) {
          slow.harness.durable(Math.min(slow.harness.appendedZxid, slow.harness.durableZxid + durable));
          slow.collect();
        }
      }
      slow.harness.durable();
      slow.collect();
      assert.equal(slow.waiting(), 0);
      for (const at of [0, 1, 2]) {
        assert.deepEqual(replies(slow.answers[at] as Received[]), replies(fast.answers[at] as Received[]));
      }
      const state = treeOf(fast.harness.replica.serving);
      assert.deepEqual(treeOf(slow.harness.replica.serving), state);
      assert.equal(
        slow.harness.replica.serving.statistics.digestMismatches,
        0,
        'every txn carries the digest of its tree',
      );
      assert.equal(fast.harness.replica.serving.statistics.digestMismatches, 0);
      assert.deepEqual(txnsOf(slow.harness), txnsOf(fast.harness));
      assert.deepEqual(treeOf(slow.harness.restarted().replica.serving), state, 'the log leads to the same state');
      for (const { harness } of [slow, fast]) {
        const { tree } = harness.replica.serving;
        removeAll(tree);
        const lists = listsInUse(nodesOf(tree).map((node) => node.acl));
        assert.equal(tree.acls.size, lists, 'a list goes with its last znode');
      }
    }),
    { numRuns: 200 },
  );
});

const SYSTEM = new Set(['', '/zookeeper', '/zookeeper/config', '/zookeeper/quota']);

/** Removes what clients have made, deepest first. */
function removeAll(tree: DataTree): void {
  for (const { path } of nodesOf(tree).reverse()) {
    const bytes = encodeUtf8(path);
    if (!SYSTEM.has(path)) tree.delete(bytes, 0, bytes.length, 1);
  }
}

/** What recovery makes of a snapshot and of the txns of the log behind it. */
function recovered(harness: CoreHarness, snapshot: CoreHarness['snapshots'][number]): Replica {
  const state = new RecoveredState(new Database(harness.settings));
  const decoder = new SnapshotDecoder(state, 1 << 21);
  for (const chunk of snapshot.chunks) decoder.push(chunk);
  const { digest } = decoder.finish();
  assert.equal(digest?.zxid, snapshot.zxid);
  state.loaded(snapshot.zxid, digest);
  for (const { zxid, body } of harness.log) {
    if (zxid > snapshot.zxid) {
      state.applyTxn(body, new DataView(body.buffer, body.byteOffset, body.byteLength), 0, body.length);
    }
  }
  assert.deepEqual(state.digestMismatches, []);
  const replica = new Replica(harness.settings, createHashing(), state.database);
  replica.start(0, harness.nowMs, harness.wallMs);
  return replica;
}

test('a snapshot taken while requests go on leads, with the log behind it, to the same state', () => {
  const anyStepOrSlice = fc.oneof(
    { weight: 6, arbitrary: anyStep },
    { weight: 1, arbitrary: fc.record({ znodes: fc.integer({ min: 1, max: 300 }) }) },
  );
  fc.assert(
    fc.property(
      fc.array(anyStepOrSlice, { minLength: 10, maxLength: 120, size: 'max' }),
      fc.nat(100),
      (steps, begin) => {
        const clients = new Clients();
        const { harness } = clients;
        const root = harness.connect({ timeOut: 40_000 });
        for (let n = 0; n < 600; n++) {
          const acl = [{ perms: 31, scheme: 'world', id: 'anyone' }];
          root.ask('create', { path: `/filler${n}`, data: new Uint8Array(n % 50), acl, flags: 0 });
        }
        harness.autoDurable = false;
        for (const [at, step] of steps.entries()) {
          if (at === begin % steps.length) harness.beginSnapshot();
          if ('znodes' in step) {
            if (harness.replica.snapshotRunning) harness.slice(step.znodes);
            continue;
          }
          clients.send(step.request);
          if (step.durable > 0) {
            harness.durable(Math.min(harness.appendedZxid, harness.durableZxid + step.durable));
          }
        }
        harness.durable();
        while (harness.replica.snapshotRunning) harness.slice(256);
        const [snapshot] = harness.snapshots;
        assert.ok(snapshot?.ended);
        assert.deepEqual(treeOf(recovered(harness, snapshot).serving), treeOf(harness.replica.serving));
      },
    ),
    { numRuns: 25 },
  );
});
