import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RandomStream } from '@headkeeper/testkit';
import { EventQueue } from '../src/world/event-queue.ts';
import { ForbiddenInWorld, withoutReality } from '../src/world/forbidden.ts';
import { World } from '../src/world/world.ts';

describe('the queue of events', () => {
  it('gives them by time and forgets the cancelled ones', () => {
    const queue = new EventQueue();
    const random = new RandomStream(1, 'queue');
    const times: number[] = [];
    for (let i = 0; i < 5000; i++) {
      const at = random.below(1000);
      const handle = queue.push(at, random.next(), 1, 0, () => {});
      if (random.below(3) === 0) queue.cancel(handle);
      else times.push(at);
    }
    const seen: number[] = [];
    while (queue.size > 0) if (queue.pop() !== null) seen.push(queue.at);
    assert.deepEqual(
      seen,
      times.sort((a, b) => a - b),
    );
  });

  it('shuffles equal times by the seed', () => {
    const orderOf = (seed: number): string => {
      const world = new World(seed);
      const order: number[] = [];
      for (let i = 0; i < 10; i++) world.at(5, 1, 0, () => order.push(i));
      world.runUntil(10);
      assert.equal(world.now, 10);
      return order.join();
    };
    assert.equal(orderOf(1), orderOf(1));
    assert.notEqual(orderOf(1), orderOf(2));
  });
});

describe('streams of random numbers', () => {
  it('do not depend on one another', () => {
    const alone = new RandomStream(7, 'b');
    const first = [alone.next(), alone.next(), alone.next()];
    const other = new RandomStream(7, 'a');
    other.next();
    const again = new RandomStream(7, 'b');
    assert.deepEqual([again.next(), again.next(), again.next()], first);
    assert.notEqual(other.next(), first[1]);
  });

  it('are spread evenly, and waits have the mean that was asked for', () => {
    const random = new RandomStream(3, 'even');
    const counts = new Array<number>(10).fill(0);
    let waits = 0;
    for (let i = 0; i < 100_000; i++) {
      const at = random.below(10);
      counts[at] = (counts[at] ?? 0) + 1;
      waits += random.wait(1000);
    }
    for (const count of counts) assert.ok(Math.abs(count - 10_000) < 500, `${counts}`);
    assert.ok(Math.abs(waits / 100_000 - 1000) < 60, `${waits / 100_000}`);
  });
});

describe('reality', () => {
  it('is out of reach during a run, and back afterwards', () => {
    withoutReality(() => {
      assert.throws(() => Date.now(), ForbiddenInWorld);
      assert.throws(() => new Date(), ForbiddenInWorld);
      assert.throws(() => Math.random(), ForbiddenInWorld);
      assert.throws(() => setTimeout(() => {}, 1), ForbiddenInWorld);
      assert.throws(() => performance.now(), ForbiddenInWorld);
    });
    assert.ok(Date.now() > 0);
    assert.ok(performance.now() > 0);
  });
});
