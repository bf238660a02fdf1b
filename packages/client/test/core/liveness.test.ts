import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Liveness } from '../../src/core/liveness.ts';

test('a session is not called uncertain while it is certain, however early the timer goes off', () => {
  let now = 0;
  const timers: { at: number; call: () => void }[] = [];
  const ports = {
    nowMs: () => now,
    after: (ms: number, call: () => void) => {
      timers.push({ at: now + ms, call });
      return { cancel: () => {} };
    },
  };
  const certain: number[] = [];
  const liveness: Liveness = new Liveness(ports, {
    silent: () => assert.fail('there is a connection'),
    uncertain: () => certain.push(liveness.certainForMs),
  });
  const connection = { heardAt: 0, sentAt: 0, sendPing: () => {} };
  liveness.attached(connection as never, 1_000);
  liveness.detached();
  const { at, call } = timers.at(-1) as (typeof timers)[number];
  assert.equal(at, 1_000);
  now = 999.6;
  call();
  assert.deepEqual(certain, []);
  now = 1_000.7;
  (timers.at(-1) as (typeof timers)[number]).call();
  assert.deepEqual(certain, [0]);
});
