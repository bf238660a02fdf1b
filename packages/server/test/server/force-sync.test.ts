import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SeededRandom, SimDisk, TreeModel } from '@headkeeper/testkit';
import { freshState, SimClock, SimServer } from './sim-server.ts';
import { Workload } from './workload.ts';

const UNSYNCED = 'forceSync=no\n';

/** Starts, and says how many bytes it has written over what was in the logs. */
function start(disk: SimDisk, clock: SimClock, settings: string): { server: SimServer; rewritten: number } {
  let rewritten = 0;
  disk.writeFault = (path, _position, length) => {
    if (/\/log\.[0-9a-f]+$/.test(path)) rewritten += length;
    return null;
  };
  const server = new SimServer(disk, clock, 1, settings);
  server.rest();
  disk.writeFault = null;
  assert.ok(server.ready);
  return { server, rewritten };
}

/** The next process of a machine that goes on. */
function endProcess(disk: SimDisk, clock: SimClock): void {
  disk.endProcess();
  clock.now += 1000;
}

describe('a server that waits for no disk', () => {
  it('does not write its logs once more when it starts; the first start that waits again does', () => {
    const disk = new SimDisk(1);
    const clock = new SimClock();
    const model = new TreeModel(freshState(), 0);
    const { server } = start(disk, clock, UNSYNCED);
    const workload = new Workload(server, model, [], new SeededRandom(1), { shown: 0 });
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 3; i++) workload.act();
      server.rest();
      workload.sweep();
    }
    const { lastZxid } = model;
    assert.ok(lastZxid > 20);
    for (const [settings, isRewritten] of [
      [UNSYNCED, false],
      [UNSYNCED, false],
      ['', true],
    ] as const) {
      endProcess(disk, clock);
      const again = start(disk, clock, settings);
      assert.equal(again.server.server.lastZxid, lastZxid);
      assert.equal(again.server.state().text(), model.at(lastZxid).text());
      assert.equal(again.rewritten > 0, isRewritten, `${again.rewritten} bytes`);
    }
  });
});
