import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryTarget } from '@headkeeper/testkit';
import { exactSnapshot } from '../../../src/backup/exact-snapshot.ts';
import { RecordedHistory, signal } from '../recorded-history.ts';
import { Scene, Ship, until } from './scene.ts';

const history = RecordedHistory.record(23, 400);

/** Somebody beside the shipper puts a full backup of the state after `count` txns. */
async function putFull(scene: Scene, count: number): Promise<void> {
  const repository = await scene.open();
  const facts = { zxid: history.zxidAt(count - 1), txnTimeMs: null, takenMs: Date.now(), by: 'another' };
  await repository.putFull(exactSnapshot(history.stateAfter(count), true), { ...facts, compression: 'gzip' }, signal);
}

/** Moves all objects to another target; what is there already stays. */
/** Moves everything but `left`, which stays. */
async function move(from: MemoryTarget, to: MemoryTarget, left: string | null = null): Promise<void> {
  for (const name of from.names()) {
    if (name === left) continue;
    const chunks: Uint8Array[] = [];
    for await (const chunk of from.get(name, signal)) chunks.push(chunk);
    await to.put(name, Buffer.concat(chunks), signal);
    await from.remove(name, signal);
  }
}

async function shipped(scene: Scene, count: number): Promise<Ship> {
  const ship = Ship.onDuty(scene);
  for (const each of [count - 50, count]) {
    await ship.shipTo(each);
  }
  return ship;
}

describe('taking over', () => {
  it('goes on where the log ends, not where a full backup has run ahead of it', async () => {
    const scene = new Scene(history);
    await (await shipped(scene, 100)).finish();
    await putFull(scene, 150);
    const next = Ship.onDuty(scene);
    await next.shipTo(200);
    await next.finish();
    await scene.assertComplete(200);
    for (const count of [101, 130, 149]) await scene.assertRestores(count);
  });

  it('ships at once what has been waiting for it', async () => {
    const scene = new Scene(history);
    await (await shipped(scene, 100)).finish();
    const next = new Ship(scene, { pace: { gatherMs: 3_600_000 } });
    next.reach(200);
    await until(() => next.opened === 1, 'standing by');
    next.shipper.setDuty(true);
    await next.shippedTo(200);
    assert.equal(next.opened, 1);
    await next.finish();
    await scene.assertComplete(200);
  });

  it('opens the target anew when it is another one than while it stood by', async () => {
    const scene = new Scene(history);
    await (await shipped(scene, 100)).finish();
    const next = new Ship(scene);
    next.reach(150);
    await until(() => next.opened === 1, 'standing by');
    await move(scene.memory, new MemoryTarget());
    next.shipper.setDuty(true);
    await until(() => next.record.report.shippedZxid === history.zxidAt(149), 'a new backup');
    await next.finish();
    await scene.assertRestores(150);
  });

  it('makes no backup while it stands by', async () => {
    const scene = new Scene(history);
    const ship = new Ship(scene);
    ship.reach(50);
    await until(() => ship.opened === 1, 'standing by');
    assert.deepEqual(scene.memory.names(), []);
    ship.shipper.setDuty(true);
    await ship.shippedTo(50);
    await ship.finish();
  });

  it('goes on at the full backup when the log does not reach back to where it ends', async () => {
    const scene = new Scene(history);
    await (await shipped(scene, 100)).finish();
    await putFull(scene, 150);
    const next = new Ship(scene);
    next.log.purged = 120;
    next.shipper.setDuty(true);
    await next.shipTo(200);
    await next.finish();
    await scene.assertRestores(200);
    await scene.assertRestores(100);
    assert.deepEqual(
      (await scene.verify()).problems.map(({ kind }) => kind),
      ['gap'],
    );
  });
});

describe('a manifest that is half written', () => {
  it('does not make the target seem to be ahead', async () => {
    const scene = new Scene(history);
    await (await shipped(scene, 100)).finish();
    await putFull(scene, 300);
    const ahead = scene.names('full/').findLast((name) => name.endsWith('.json')) ?? '';
    scene.memory.tamper(ahead, (scene.memory.bytesOf(ahead) ?? new Uint8Array(0)).slice(0, 50));
    const ship = Ship.onDuty(scene);
    await ship.shipTo(200);
    await ship.finish();
    await scene.assertRestores(200);
  });
});

describe('a target that is emptied, or changed for another, while it is shipped to', () => {
  it('is noticed, and the operator is told; once it is back shipping goes on without a gap', async () => {
    const scene = new Scene(history);
    const ship = Ship.onDuty(scene, { pace: { rollUpMs: 5 } });
    await ship.shipTo(100);
    const away = new MemoryTarget();
    // With nothing left it would begin a new backup there.
    await move(
      scene.memory,
      away,
      scene.names('full/').find((name) => name.endsWith('.json')),
    );
    ship.reach(150);
    await until(() => ship.record.report.blocked !== null, 'nothing was noticed');
    assert.match(ship.record.report.blocked ?? '', /parts of a backup .* but no headkeeper-backup.json/);
    await move(away, scene.memory);
    await ship.shipTo(400);
    await ship.finish();
    await scene.assertComplete(400);
  });

  it('is told from one that shows an old listing', async () => {
    const scene = new Scene(history);
    const ship = Ship.onDuty(scene, { pace: { rollUpMs: 2 } });
    ship.reach(100);
    await until(() => ship.record.report.fulls === 1, 'a full backup');
    await scene.target.freezeListing();
    for (const count of [200, 300]) {
      await ship.shipTo(count);
    }
    const lists = (): number => scene.target.requests.filter(({ operation }) => operation === 'list').length;
    const before = lists();
    await until(() => lists() > before + 5, 'rounds of care');
    assert.deepEqual(
      ship.notes.filter((note) => note.includes('looked at anew')),
      [],
    );
    await ship.finish();
    await scene.assertComplete(300);
  });

  it('is begun anew when all is gone while nothing is written', async () => {
    const scene = new Scene(history);
    const ship = Ship.onDuty(scene, { pace: { rollUpMs: 5 } });
    ship.reach(100);
    await until(() => ship.record.report.fulls === 1, 'a full backup');
    await ship.shippedTo(100);
    await move(scene.memory, new MemoryTarget());
    await until(() => ship.record.report.fulls === 2, 'a full backup that begins anew');
    await ship.shipTo(200);
    await ship.finish();
    await scene.assertComplete(200);
  });

  it('gets a full backup when those it had are gone', async () => {
    const scene = new Scene(history);
    const ship = Ship.onDuty(scene, { pace: { rollUpMs: 5 } });
    ship.reach(100);
    await until(() => ship.record.report.fulls === 1, 'a full backup');
    for (const name of scene.names('full/')) await scene.memory.remove(name, signal);
    await until(() => ship.record.report.fulls === 2, 'another full backup');
    await ship.shipTo(200);
    await ship.finish();
    await scene.assertRestores(200);
  });
});
