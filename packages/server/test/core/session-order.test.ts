import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Identity } from '@headkeeper/protocol';
import fc from 'fast-check';
import { SessionOrder } from '../../src/core/order/session-order.ts';
import { Held } from '../../src/core/overload/overload-counters.ts';

type Entry =
  | { readonly kind: 'write' }
  | { readonly kind: 'request'; readonly bytes: Uint8Array; readonly identities: readonly Identity[] }
  | { readonly kind: 'failure'; readonly xid: number; readonly error: number };

const anyEntry: fc.Arbitrary<Entry> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ kind: 'write' as const }) },
  {
    weight: 4,
    arbitrary: fc
      .record({
        kind: fc.constant('request' as const),
        bytes: fc.oneof(
          { weight: 8, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 40 }) },
          { weight: 1, arbitrary: fc.integer({ min: 1, max: 90_000 }).map((n) => new Uint8Array(n).fill(n)) },
        ),
        identities: fc.constantFrom<readonly Identity[]>([], [{ scheme: 'ip', id: '::1' }]),
      })
      .map((entry) => ({ ...entry })),
  },
  {
    weight: 1,
    arbitrary: fc
      .record({ kind: fc.constant('failure' as const), xid: fc.integer(), error: fc.integer({ max: -1 }) })
      .map((entry) => ({ ...entry })),
  },
);

function push(order: SessionOrder, entry: Entry): void {
  if (entry.kind === 'write') order.pushWrite();
  else if (entry.kind === 'failure') order.pushFailure(entry.xid, entry.error);
  else {
    // Not at the beginning of its memory, which is somebody else's again right afterwards.
    const memory = new Uint8Array(entry.bytes.length + 8).fill(0xee);
    memory.set(entry.bytes, 3);
    order.pushRequest(memory, 3, 3 + entry.bytes.length, entry.identities, 0);
    memory.fill(0xff);
  }
}

function take(order: SessionOrder): Entry {
  const kind = order.headKind();
  order.take();
  if (kind === 'write') return { kind };
  assert.notEqual(kind, 'sync');
  if (kind === 'failure') return { kind, xid: order.xid, error: order.error };
  return { kind: 'request', bytes: order.bytes.slice(order.start, order.end), identities: order.identities };
}

test('entries come out as they went in, however many wait', () => {
  const anyBurst = fc.record({
    entries: fc.array(anyEntry, { maxLength: 70, size: 'max' }),
    takes: fc.integer({ min: 0, max: 80 }),
  });
  fc.assert(
    fc.property(fc.array(anyBurst, { maxLength: 12 }), (bursts) => {
      const held = new Held();
      const order = new SessionOrder(held);
      const model: Entry[] = [];
      const check = (): void => {
        const waiting = model.reduce((sum, one) => sum + (one.kind === 'request' ? one.bytes.length : 0), 0);
        assert.deepEqual([order.size, order.waitingBytes], [model.length, waiting]);
        assert.deepEqual([held.requests, held.inputBytes], [model.length, waiting]);
      };
      for (const { entries, takes } of bursts) {
        for (const entry of entries) {
          push(order, entry);
          model.push(entry);
          check();
        }
        for (let i = 0; i < takes && model.length > 0; i++) {
          assert.deepEqual(take(order), model.shift());
          check();
        }
      }
      for (const rest = model.length >> 1; model.length > rest; ) assert.deepEqual(take(order), model.shift());
      check();
      order.abandon();
      assert.deepEqual([order.size, held], [0, new Held()]);
    }),
    { numRuns: 60 },
  );
});

test('each of the first entries survives every growth', () => {
  for (const count of [15, 16, 17, 31, 32, 33, 64, 65]) {
    for (const kind of ['write', 'request', 'failure'] as const) {
      const order = new SessionOrder(new Held());
      const entries: Entry[] = Array.from({ length: count }, (_, i) =>
        kind === 'write'
          ? { kind }
          : kind === 'failure'
            ? { kind, xid: i, error: -5 - i }
            : { kind, bytes: new Uint8Array(i + 1).fill(i), identities: [] },
      );
      for (const entry of entries) push(order, entry);
      for (const entry of entries) assert.deepEqual(take(order), entry);
    }
  }
});
