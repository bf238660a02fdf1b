import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type DiskOperation, SeededRandom, SimDisk, SimulatedDiskError, TreeModel } from '@headkeeper/testkit';
import { UNFINISHED_SNAPSHOT_PREFIX } from '../../src/adapters/disk/file-names.ts';
import { ServerExit, StartError } from '../../src/start-error.ts';
import { freshState, SimClock, SimServer, startAfter } from './sim-server.ts';
import { Workload } from './workload.ts';

const OPERATIONS: readonly DiskOperation[] = ['write', 'sync', 'create', 'rename', 'syncDir'];

/** A server in its first life, with its clients, on a disk that is about to fail. */
function serveOn(disk: SimDisk, seed: number): { server: SimServer; workload: Workload; clock: SimClock } {
  const clock = new SimClock();
  const model = new TreeModel(freshState(), 0);
  const server = startAfter(disk, clock, seed, { model, sessions: [], shown: 0 });
  const workload = new Workload(server, model, [], new SeededRandom(seed), { shown: 0 });
  return { server, workload, clock };
}

/** Lets clients work until the server gives up, and some time longer; whether it gave up. */
function workUntilFatal(server: SimServer, workload: Workload, seed: number): boolean {
  const random = new SeededRandom(seed + 1000);
  for (let round = 0; round < 40 && server.fatal === null; round++) {
    for (let i = 0; i < 3; i++) workload.act();
    server.turn(random.below(10));
    workload.sweep();
  }
  const { answers } = workload;
  for (let round = 0; round < 5 && server.fatal !== null; round++) {
    workload.act();
    server.rest();
    assert.equal(workload.answers, answers, 'answered after it had given up');
  }
  return server.fatal !== null;
}

describe('the whole server on a failing disk', () => {
  for (const operation of OPERATIONS) {
    it(`gives up at a failed ${operation}, acknowledges nothing more, and loses nothing`, () => {
      let failures = 0;
      for (let nth = 1; nth <= 30; nth++) {
        const disk = new SimDisk(nth);
        const { server, workload, clock } = serveOn(disk, nth);
        disk.failOn(operation, nth, nth % 2 === 0 ? 'EIO' : 'ENOSPC');
        if (!workUntilFatal(server, workload, nth)) continue;
        failures++;
        assert.equal(server.fatal?.exitCode, ServerExit.disk, server.fatal?.message);
        for (const end of ['killed', 'lose'] as const) {
          const left = disk.fork(nth);
          if (end === 'lose') left.crash('lose');
          clock.now += 1000;
          const again = startAfter(left, clock, nth, workload);
          // What the page cache alone knew must not have come back: a crash right now changes nothing.
          const { lastZxid } = again.server;
          left.crash('lose');
          const { model } = workload;
          const last = startAfter(left, clock, nth, { model, sessions: [], shown: lastZxid });
          assert.equal(last.server.lastZxid, lastZxid);
        }
      }
      assert.ok(failures >= 5, `${operation} failed the server only ${failures} times`);
    });
  }

  it('gives up on a full disk, does no harm while it stays full, and recovers once there is room', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const disk = new SimDisk(seed);
      const { server, workload, clock } = serveOn(disk, seed);
      disk.capacity = 12_000 + seed * 900;
      assert.ok(workUntilFatal(server, workload, seed), 'the disk was never full');
      assert.equal(server.fatal?.exitCode, ServerExit.disk, server.fatal?.message);
      const left = disk.fork(seed);
      left.crash('torn', seed);
      clock.now += 1000;
      const early = startOrNull(left);
      if (early?.ready) assert.equal(early.state().text(), workload.model.at(early.server.lastZxid).text());
      left.crash('lose');
      left.capacity = Number.POSITIVE_INFINITY;
      const again = startAfter(left, clock, seed, workload);
      assert.ok(again.server.lastZxid >= workload.shown);
    }
  });

  it('gives up when a snapshot cannot be written, whichever operation of it fails', () => {
    const failed = new Set<string>();
    for (let nth = 1; ; nth++) {
      const disk = new SimDisk(nth);
      const { server, workload, clock } = serveOn(disk, nth);
      for (let i = 0; i < 20; i++) workload.act();
      server.rest();
      let left = nth;
      disk.beforeOperation = (_count, operation, path) => {
        if (!path.includes(UNFINISHED_SNAPSHOT_PREFIX) || --left > 0) return;
        disk.beforeOperation = null;
        failed.add(operation);
        throw new SimulatedDiskError('EIO', operation, path);
      };
      server.server.driver.snapshot();
      server.rest();
      if (left > 0) break;
      assert.equal(server.fatal?.exitCode, ServerExit.disk, `operation ${nth}: ${server.fatal?.message}`);
      const { answers } = workload;
      workload.act();
      server.rest();
      assert.equal(workload.answers, answers, 'answered after it had given up');
      const copy = disk.fork(nth);
      copy.crash('lose');
      clock.now += 1000;
      startAfter(copy, clock, nth, workload);
    }
    for (const operation of ['create', 'write', 'sync', 'rename']) assert.ok(failed.has(operation), operation);
  });

  it('does not start when the first snapshot cannot be written', () => {
    for (const operation of ['create', 'write', 'sync', 'rename', 'syncDir'] as const) {
      for (let nth = 1; ; nth++) {
        const disk = new SimDisk(nth);
        disk.failOn(operation, nth, 'ENOSPC');
        const server = startOrNull(disk);
        if (server?.ready === true) break;
        assert.equal(server?.fatal?.exitCode ?? ServerExit.disk, ServerExit.disk);
        // The next start has room and goes on from what the first one left.
        assert.ok(startOrNull(disk)?.ready, `${operation} ${nth} left a directory that does not start`);
      }
    }
  });
});

/** Null when the directory is refused. */
function startOrNull(disk: SimDisk): SimServer | null {
  try {
    const server = new SimServer(disk, new SimClock(), 1);
    server.rest();
    return server;
  } catch (error) {
    assert.ok(error instanceof StartError, String(error));
    assert.equal(error.exitCode, ServerExit.dataDirectory);
    return null;
  }
}
