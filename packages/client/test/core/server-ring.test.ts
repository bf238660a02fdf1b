import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '@headkeeper/testkit';
import fc from 'fast-check';
import { ServerRing } from '../../src/core/server-ring.ts';
import type { ServerAddress } from '../../src/ports.ts';

const server = (port: number): ServerAddress => ({ host: 'h', port });
const servers = (...ports: number[]): ServerAddress[] => ports.map(server);

function seeded(seed: number): (limit: number) => number {
  const random = new SeededRandom(seed);
  return (limit) => random.below(limit);
}

test('every round tries each server once', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), fc.integer(), (count, seed) => {
      const ring = new ServerRing(servers(...Array.from({ length: count }, (_, i) => i + 1)), seeded(seed));
      for (let round = 0; round < 3; round++) {
        const seen = new Set(Array.from({ length: count }, () => ring.next().port));
        assert.equal(seen.size, count);
      }
    }),
  );
});

test('the order is drawn anew for each client', () => {
  const firsts = new Map<number, number>();
  for (let seed = 0; seed < 3_000; seed++) {
    const { port } = new ServerRing(servers(1, 2, 3), seeded(seed)).next();
    firsts.set(port, (firsts.get(port) ?? 0) + 1);
  }
  for (const count of firsts.values()) assert.ok(Math.abs(count - 1_000) < 150, `${[...firsts]}`);
});

test('pauses stand between rounds, grow to a second, and begin anew after a server that was of use', () => {
  const ring = new ServerRing(servers(1, 2), () => 0);
  const pauses: number[] = [];
  for (let i = 0; i < 14; i++) {
    pauses.push(ring.pauseMs(i === 0));
    ring.next();
  }
  assert.deepEqual(pauses, [0, 0, 50, 0, 100, 0, 200, 0, 400, 0, 500, 0, 500, 0]);
  ring.wasUseful();
  assert.equal(ring.pauseMs(true), 0);
});

test('questions are no attempts, and the server that is preferred comes next', () => {
  const ring = new ServerRing(servers(1, 2, 3), () => 0);
  for (let i = 0; i < 9; i++) ring.turn();
  assert.equal(ring.pauseMs(true), 0);
  ring.prefer(server(2));
  assert.equal(ring.next().port, 2);
  ring.prefer(server(9));
});

/** Where clients that were spread evenly over `before` are when all of them have heard of `after`. */
function spread(before: readonly number[], after: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>(after.map((port) => [port, 0]));
  const clients = 6_000;
  for (let i = 0; i < clients; i++) {
    const ring = new ServerRing(servers(...before), seeded(i));
    const current = server(before[i % before.length] as number);
    const moves = ring.replace(servers(...after), current);
    const { port } = moves ? ring.next() : current;
    counts.set(port, (counts.get(port) ?? 0) + after.length / clients);
  }
  return counts;
}

for (const [before, after] of [
  [
    [1, 2, 3],
    [1, 2, 3, 4, 5],
  ],
  [
    [1, 2, 3, 4, 5],
    [1, 2, 3],
  ],
  [
    [1, 2, 3],
    [1, 2, 4],
  ],
  [
    [1, 2, 3, 4],
    [1, 5],
  ],
  [
    [1, 2],
    [3, 4],
  ],
] as const) {
  test(`clients of ${before} spread evenly over ${after}`, () => {
    for (const share of spread(before, after).values())
      assert.ok(Math.abs(share - 1) < 0.1, `${[...spread(before, after)]}`);
  });
}

test('the same list again moves nobody', () => {
  const ring = new ServerRing(servers(1, 2, 3), () => 0);
  assert.equal(ring.replace(servers(3, 2, 1), server(2)), false);
  assert.equal(ring.replace(servers(1, 2), null), false);
  assert.equal(ring.size, 2);
});
