import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VirtualTime } from '@headkeeper/testkit';
import { BackupService } from '../../../src/backup/ship/backup-service.ts';
import type { FromWorker, ShipReport, ToWorker } from '../../../src/backup/ship/messages.ts';
import { emptyReport } from '../../../src/backup/ship/ship-record.ts';
import type { WorkerEvents } from '../../../src/backup/ship/worker-host.ts';
import { defaultServerConfig } from '../../../src/config/server-config.ts';

interface Thread {
  readonly events: WorkerEvents;
  readonly heard: ToWorker[];
  killed: boolean;
}

interface Line {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
}

const REPORT: ShipReport = emptyReport('/backups');

class Scene {
  readonly time: VirtualTime = new VirtualTime();
  readonly threads: Thread[] = [];
  readonly lines: Line[] = [];
  committed: number | null = null;
  readonly service: BackupService;

  constructor(snapshot: () => Promise<number> = () => Promise.resolve(7)) {
    const policy = { ...defaultServerConfig('/data'), backupTarget: '/backups' };
    const folders = { dataDir: '/d', dataLogDir: '/d', snapshotFolder: '/d/version-2', logFolder: '/d/version-2' };
    const say =
      (level: Line['level']) =>
      (_facts: object, message: string): void => {
        this.lines.push({ level, message });
      };
    this.service = new BackupService({
      settings: { policy, folders, environment: {}, name: 'server 1' },
      committedZxid: () => this.committed,
      snapshot,
      startWorker: (_settings, events) => {
        const thread: Thread = { events, heard: [], killed: false };
        this.threads.push(thread);
        return { send: (message) => thread.heard.push(message), kill: () => (thread.killed = true) };
      },
      clock: this.time,
      timers: this.time,
      log: { info: say('info'), warn: say('warn'), error: say('error') },
    });
  }

  get thread(): Thread {
    return this.threads.at(-1) as Thread;
  }

  says(message: FromWorker): void {
    this.thread.events.message(message);
  }

  reports(change: Partial<ShipReport>): void {
    this.says({ kind: 'report', report: { ...REPORT, ...change } });
  }

  count(level: Line['level'], pattern: RegExp): number {
    return this.lines.filter((line) => line.level === level && pattern.test(line.message)).length;
  }
}

describe('the backups of a server', () => {
  it('are told what is committed, soon and only when it has changed', () => {
    const scene = new Scene();
    scene.committed = 5;
    scene.time.advance(1000);
    scene.committed = 9;
    scene.time.advance(1000);
    const told = scene.thread.heard.filter(({ kind }) => kind === 'committed');
    assert.deepEqual(told, [
      { kind: 'committed', zxid: 5 },
      { kind: 'committed', zxid: 9 },
    ]);
  });

  it('show how far they are behind, and since when', () => {
    const scene = new Scene();
    scene.service.setDuty('shipping', 'server 1');
    scene.committed = 5;
    scene.time.advance(1000);
    scene.reports({ shippedZxid: 5 });
    assert.equal(scene.service.status().lagTxns, 0);
    scene.committed = 9;
    scene.time.advance(3000);
    const { lagTxns, lagMs } = scene.service.status();
    assert.equal(lagTxns, 4);
    assert.ok(lagMs > 2500 && lagMs <= 3000, `${lagMs}`);
    scene.reports({ shippedZxid: 9 });
    assert.equal(scene.service.status().lagMs, 0);
  });

  it('count what is behind from the beginning of the duty', () => {
    const scene = new Scene();
    scene.service.setDuty('standby', 'server 2');
    for (let zxid = 1; zxid < 100; zxid++) {
      scene.committed = zxid;
      scene.time.advance(1000);
    }
    assert.equal(scene.service.status().lagMs, 0);
    scene.service.setDuty('shipping', 'server 1');
    scene.committed = 100;
    scene.time.advance(1000);
    assert.ok(scene.service.status().lagMs <= 1000);
  });

  it('are started again when their thread fails, later and later, and nothing is forgotten', () => {
    const scene = new Scene();
    scene.service.setDuty('shipping', 'server 1');
    scene.committed = 5;
    scene.time.advance(500);
    scene.reports({ segments: 3, bytesShipped: 100, shippedZxid: 4 });
    for (const wait of [1000, 2000, 4000]) {
      const { length } = scene.threads;
      scene.thread.events.ended(new Error('out of memory'));
      scene.time.advance(wait - 1);
      assert.equal(scene.threads.length, length);
      scene.time.advance(1);
      assert.equal(scene.threads.length, length + 1);
    }
    assert.equal(scene.count('error', /thread of the backups has failed.*out of memory/), 3);
    assert.deepEqual(scene.thread.heard, [
      { kind: 'duty', duty: 'shipping' },
      { kind: 'committed', zxid: 5 },
    ]);
    scene.reports({ segments: 2, bytesShipped: 10, shippedZxid: 5 });
    const status = scene.service.status();
    assert.deepEqual([status.segments, status.bytesShipped, status.failures], [5, 110, 3]);
  });

  it('say when they fail, remind of it with longer and longer pauses, and say when it is over', () => {
    const scene = new Scene();
    scene.service.setDuty('shipping', 'server 1');
    const lastFailure = { atMs: 1, message: 'the bucket is gone' };
    for (let failures = 1; failures <= 600; failures++) {
      scene.reports({ failures, failuresInARow: failures, lastFailure });
      scene.time.advance(1000);
    }
    // At once, after 1, 3 and 7 minutes.
    assert.equal(scene.count('warn', /clients are served as ever: the bucket is gone/), 4);
    scene.reports({ failures: 600, lastFailure });
    scene.time.advance(5000);
    assert.equal(scene.count('info', /backups work again/), 1);
    assert.equal(scene.lines.length, 6);
  });

  it('say what an operator has to do, as an error, whenever that changes', () => {
    const scene = new Scene();
    scene.service.setDuty('shipping', 'server 1');
    for (const blocked of ['no room', 'no room', 'wrong key']) {
      scene.reports({ blocked });
      scene.time.advance(1000);
    }
    assert.equal(scene.count('error', /until somebody acts: no room/), 1);
    assert.equal(scene.count('error', /until somebody acts: wrong key/), 1);
  });

  it('say when they are behind although nothing fails', () => {
    const scene = new Scene();
    scene.service.setDuty('shipping', 'server 1');
    scene.committed = 5;
    scene.time.advance(20_000);
    assert.equal(scene.count('warn', /the target is too slow/), 1);
  });

  it('answer for snapshots, and for why there is none', async () => {
    const scene = new Scene();
    scene.says({ kind: 'wantSnapshot', request: 1 });
    await Promise.resolve();
    assert.deepEqual(scene.thread.heard.at(-1), { kind: 'snapshot', request: 1, zxid: 7, problem: '' });
    const without = new Scene(() => Promise.reject(new Error('no leader')));
    without.says({ kind: 'wantSnapshot', request: 2 });
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(without.thread.heard.at(-1), { kind: 'snapshot', request: 2, zxid: null, problem: 'no leader' });
  });

  it('are taken on order, or say why not', async () => {
    const scene = new Scene();
    await assert.rejects(scene.service.backupNow(), /no leader/);
    scene.committed = 5;
    const done = { zxid: 5, takenMs: 1, bytes: 2, object: 'full/x' };
    const good = scene.service.backupNow();
    scene.says({ kind: 'backedUp', request: 1, done, problem: '' });
    assert.deepEqual(await good, done);
    const bad = scene.service.backupNow();
    scene.says({ kind: 'backedUp', request: 2, done: null, problem: 'no room' });
    await assert.rejects(bad, /no room/);
    const lost = scene.service.backupNow();
    scene.thread.events.ended(null);
    await assert.rejects(lost, /thread of the backups has failed/);
    await assert.rejects(scene.service.backupNow(), /try again/);
  });

  it('end when what is committed is shipped, or when that takes too long', async () => {
    const scene = new Scene();
    scene.committed = 5;
    const stopped = scene.service.stop();
    assert.deepEqual(scene.thread.heard.slice(-2), [{ kind: 'committed', zxid: 5 }, { kind: 'finish' }]);
    scene.says({ kind: 'finished' });
    await stopped;
    assert.ok(scene.thread.killed);
    scene.thread.events.ended(null);
    scene.time.advance(120_000);
    assert.equal(scene.threads.length, 1);

    const slow = new Scene();
    const gaveUp = slow.service.stop();
    slow.time.advance(2000);
    await gaveUp;
    assert.ok(slow.thread.killed);
  });
});
