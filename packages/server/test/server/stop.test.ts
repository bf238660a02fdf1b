import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SeededRandom, SimDisk, TreeModel } from '@headkeeper/testkit';
import { freshState, SimClock, type SimServer, startAfter } from './sim-server.ts';
import { Workload } from './workload.ts';

describe('a graceful stop of the whole server', () => {
  it('answers everything that is logged, in whatever the stop comes upon', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const disk = new SimDisk(seed);
      const clock = new SimClock();
      const random = new SeededRandom(seed);
      const model = new TreeModel(freshState(), 0);
      const server: SimServer = startAfter(disk, clock, seed, { model, sessions: [], shown: 0 });
      const workload = new Workload(server, model, [], random, { shown: 0 });
      for (let round = 5 + random.below(20); round > 0; round--) {
        for (let i = random.below(4); i >= 0; i--) workload.act();
        server.turn(random.below(8));
        workload.sweep();
      }
      for (let i = random.below(4); i >= 0; i--) workload.act();
      workload.sweep();
      let ended: Error | null | undefined;
      server.server.driver.stop((error) => {
        ended = error;
      });
      server.rest();
      assert.equal(ended, null, `seed ${seed}`);
      assert.deepEqual(server.errors, []);
      assert.equal(workload.unanswered, 0, `seed ${seed}: a client that is still there waits for an answer`);
      clock.now += 1000;
      const again = startAfter(disk, clock, seed + 1, workload);
      assert.equal(again.server.lastZxid, workload.model.lastZxid, 'something logged is not there');
    }
  });
});
