import assert from 'node:assert/strict';
import { it } from 'node:test';
import { SeededRandom, SimDisk, TreeModel } from '@headkeeper/testkit';
import { listLogs, listSnapshots, readWhole } from '../../src/adapters/disk/recovery-files.ts';
import { LogFileReader } from '../../src/core/log/log-reader.ts';
import { zxidOfBody } from '../../src/core/log/record-codec.ts';
import { freshState, SimClock, SimServer, startAfter } from './sim-server.ts';
import { Workload } from './workload.ts';

const [LOGS, SNAPSHOTS] = ['/log/version-2', '/data/version-2'] as const;

/** Takes a txn out of the logs, and what is behind it in the same file. */
function cutAt(disk: SimDisk, zxid: number): void {
  for (const { name } of listLogs(disk, LOGS)) {
    const path = `${LOGS}/${name}`;
    const reader = new LogFileReader(1 << 20, (_bytes, view, start, _end, offset) => {
      if (zxidOfBody(view, start) !== zxid) return;
      const file = disk.openWriteSync(path);
      file.truncateSync(offset);
      file.dataSyncSync();
      file.closeSync();
    });
    reader.push(readWhole(disk, path));
  }
}

it('a server whose newest snapshot is ahead of its log knows of the gap between that and what it logs from now on', () => {
  const disk = new SimDisk(4);
  const clock = new SimClock();
  const model = new TreeModel(freshState(), 0);
  const server = startAfter(disk, clock, 1, { model, sessions: [], shown: 0 });
  const workload = new Workload(server, model, [], new SeededRandom(4), { shown: 0 });
  for (let round = 0; round < 20; round++) {
    workload.act();
    server.rest();
    workload.sweep();
  }
  server.server.driver.snapshot();
  server.rest();
  disk.endProcess();
  const zxid = listSnapshots(disk, SNAPSHOTS).at(-1)?.zxid as number;
  assert.ok(zxid > 1);
  for (const [isCut, gap] of [
    [false, 0],
    [true, zxid],
  ] as const) {
    const copy = disk.fork();
    if (isCut) cutAt(copy, zxid);
    clock.now += 1000;
    const again = new SimServer(copy, clock, 1);
    again.rest();
    assert.ok(again.ready);
    assert.equal(again.server.lastZxid, model.lastZxid);
    assert.equal(again.server.replica.serving.database.logGapZxid, gap);
  }
});
