import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Call } from '../../src/core/call.ts';
import { CallQueue } from '../../src/core/call-queue.ts';

interface Fake {
  readonly n: number;
  isSettled: boolean;
}

const asCall = (fake: Fake): Call => fake as unknown as Call;
const ns = (calls: Iterable<Call>): number[] => [...calls].map((call) => (call as unknown as Fake).n);

test('a queue does what an array would, and frees the places of calls that were given up', () => {
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.constant('push' as const) },
    { weight: 3, arbitrary: fc.constant('shift' as const) },
    { weight: 3, arbitrary: fc.constant('settle' as const) },
    { weight: 1, arbitrary: fc.constant('drain' as const) },
    { weight: 1, arbitrary: fc.constant('unshift' as const) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const queue = new CallQueue();
      let model: Fake[] = [];
      let n = 0;
      for (const what of steps) {
        if (what === 'push') {
          const fake = { n: n++, isSettled: false };
          model.push(fake);
          queue.push(asCall(fake));
        } else if (what === 'unshift') {
          const fakes = [0, 1].map(() => ({ n: n++, isSettled: false }));
          model = [...fakes, ...model];
          queue.unshift(fakes.map(asCall));
        } else if (what === 'settle') {
          const open = model.filter(({ isSettled }) => !isSettled);
          const fake = open[open.length >> 1];
          if (fake === undefined) continue;
          fake.isSettled = true;
          queue.gaveUp();
        } else if (what === 'drain') {
          assert.deepEqual(
            ns(queue.drain().filter((call) => !call.isSettled)),
            ns(model.filter((f) => !f.isSettled).map(asCall)),
          );
          model = [];
        } else {
          let taken = queue.shift();
          while (taken?.isSettled) taken = queue.shift();
          let due = model.shift();
          while (due?.isSettled) due = model.shift();
          assert.equal((taken as unknown as Fake | undefined)?.n, due?.n);
        }
        assert.deepEqual(ns(queue.open()), ns(model.filter(({ isSettled }) => !isSettled).map(asCall)));
      }
    }),
  );
});

test('a queue whose calls are all given up is empty', () => {
  const queue = new CallQueue();
  const fakes = Array.from({ length: 10_000 }, (_, n) => ({ n, isSettled: false }));
  for (const fake of fakes) queue.push(asCall(fake));
  for (const fake of fakes) {
    fake.isSettled = true;
    queue.gaveUp();
  }
  assert.equal(queue.size, 0);
});

test('long runs through a queue keep their order', () => {
  const queue = new CallQueue();
  let out = 0;
  for (let n = 0; n < 20_000; n++) {
    queue.push(asCall({ n, isSettled: false }));
    if (n % 3 !== 0) assert.equal((queue.shift() as unknown as Fake).n, out++);
  }
  assert.equal(queue.size, 20_000 - out);
  assert.equal((queue.peek() as unknown as Fake).n, out);
});
