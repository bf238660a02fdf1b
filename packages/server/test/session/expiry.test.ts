import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ExpiryQueue } from '../../src/core/session/expiry.ts';

/** The rule of section 7.1 in a Map: slot -> expiry. */
class ExpiryModel {
  readonly expiries = new Map<number, number>();
  readonly #tick: number;

  constructor(tick: number) {
    this.#tick = tick;
  }

  touch(slot: number, now: number, timeout: number): void {
    this.expiries.set(slot, (Math.floor((now + timeout) / this.#tick) + 1) * this.#tick);
  }

  expire(now: number): number[] {
    const due = [...this.expiries].filter(([, expiry]) => expiry <= now).map(([slot]) => slot);
    for (const slot of due) this.expiries.delete(slot);
    return due.sort((a, b) => a - b);
  }
}

const anySlot = fc.constantFrom(0, 1, 2, 3, 63, 64, 500);
const anyStep = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('touch' as const),
      slot: anySlot,
      timeout: fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 0, max: 0x7fffffff })),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), slot: anySlot }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('pass' as const),
      time: fc.oneof(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 60_000 })),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('expire' as const) }) },
);

test('any sequence of touches, removals and expiries does what the plain model does', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(1, 7, 20, 2000),
      fc.integer({ min: 0, max: 2 ** 40 }),
      fc.array(anyStep, { maxLength: 100 }),
      (tick, start, steps) => {
        const queue = new ExpiryQueue(tick);
        const model = new ExpiryModel(tick);
        let now = start;
        for (const step of steps) {
          if (step.do === 'touch') {
            queue.touch(step.slot, now, step.timeout);
            model.touch(step.slot, now, step.timeout);
          } else if (step.do === 'remove') {
            queue.remove(step.slot);
            model.expiries.delete(step.slot);
          } else if (step.do === 'pass') now += step.time;
          else
            assert.deepEqual(
              [...queue.expire(now)].sort((a, b) => a - b),
              model.expire(now),
            );
          assert.equal(queue.size, model.expiries.size);
          for (const slot of [0, 63, 500]) assert.equal(queue.expiryOf(slot), model.expiries.get(slot) ?? null);
        }
      },
    ),
    { numRuns: 500 },
  );
});

test('7.1: a silent session of 4000 ms with a tick of 2000 lives 4 to 6 seconds', () => {
  for (const touched of [10_000, 10_001, 11_999]) {
    const queue = new ExpiryQueue(2000);
    queue.touch(3, touched, 4000);
    assert.equal(queue.expiryOf(3), 16_000);
    assert.deepEqual([...queue.expire(15_999)], []);
    assert.deepEqual([...queue.expire(16_000)], [3]);
    assert.deepEqual([...queue.expire(18_000)], []);
  }
});

test('a session touched by a clock behind the last expiry still expires at the next tick', () => {
  const queue = new ExpiryQueue(2000);
  assert.deepEqual([...queue.expire(10_000)], []);
  queue.touch(1, 3000, 1000);
  assert.deepEqual([...queue.expire(12_000)], [1]);
});

test('100,000 sessions in one bucket expire together, earlier buckets first', () => {
  const queue = new ExpiryQueue(2000);
  for (let slot = 0; slot < 100_000; slot++) queue.touch(slot, 0, slot === 77 ? 3000 : 5000);
  const expired = queue.expire(20_000);
  assert.equal(expired.length, 100_000);
  assert.equal(new Set(expired).size, 100_000);
  assert.equal(expired[0], 77);
  assert.equal(queue.size, 0);
});

test('however long nobody asked, all that is due expires, and nothing else', () => {
  for (const pause of [1, 1022, 1023, 1024, 1025, 5000]) {
    const queue = new ExpiryQueue(10);
    for (let slot = 0; slot < 6000; slot++) queue.touch(slot, slot * 10, 0);
    const due = Array.from({ length: pause }, (_, slot) => slot);
    assert.deepEqual(
      [...queue.expire(pause * 10)].sort((a, b) => a - b),
      due,
    );
    assert.equal(queue.size, 6000 - pause);
  }
});
