import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RecordedHistory } from '../recorded-history.ts';
import { RecordedLog, Scene, Ship, until } from './scene.ts';

const history = RecordedHistory.record(21, 400);
const later = history.inEpochs([50, 120]);

describe('shipping', () => {
  it('begins with a full backup and goes on with the log, to the last txn', async () => {
    const scene = new Scene(history);
    const ship = Ship.onDuty(scene);
    for (const count of [3, 40, 41, 200, 400]) {
      await ship.shipTo(count);
    }
    await ship.finish();
    await scene.assertComplete(400);
    assert.equal(ship.record.report.fulls, 1);
    assert.equal(ship.record.report.failures, 0);
  });

  it('ships nothing that is not committed, though it is in the log', async () => {
    const scene = new Scene(history);
    const ship = Ship.onDuty(scene);
    ship.reach(400, 100);
    await ship.shippedTo(100);
    await ship.finish();
    await scene.assertComplete(100);
  });

  it('ships nothing while nobody says what is committed, or another one has the duty', async () => {
    const scene = new Scene(history);
    const ship = new Ship(scene);
    ship.log.written = 400;
    ship.shipper.setDuty(true);
    ship.shipper.setDuty(false);
    ship.reach(400);
    await ship.finish();
    assert.deepEqual(scene.memory.names(), []);
  });

  it('ships what is committed before it ends', async () => {
    const scene = new Scene(history);
    const ship = Ship.onDuty(scene, { pace: { gatherMs: 60_000 } });
    ship.reach(10);
    await until(() => ship.record.report.fulls === 1, 'a full backup');
    ship.reach(400);
    await ship.finish();
    await scene.assertComplete(400);
  });

  it('goes through the beginnings of epochs', async () => {
    const scene = new Scene(later);
    const ship = Ship.onDuty(scene);
    await ship.shipTo(30);
    await ship.shipTo(400);
    await ship.finish();
    await scene.assertComplete(400);
  });

  it('goes on behind what was shipped before a restart, without another full backup', async () => {
    const scene = new Scene(later);
    const first = Ship.onDuty(scene);
    await first.shipTo(130);
    await first.finish();
    const second = Ship.onDuty(scene);
    await second.shipTo(400);
    await second.finish();
    assert.equal(second.record.report.fulls, 0);
    await scene.assertComplete(400);
  });

  it('goes on after a crash between the upload of a piece and its manifest', async () => {
    const scene = new Scene(history);
    const first = Ship.onDuty(scene);
    await first.shipTo(100);
    scene.nextManifest({ kind: 'fails', failure: 'unreachable' });
    first.reach(150);
    await until(() => first.record.report.failures > 0, 'a failure');
    first.shipper.abandon();
    await first.ended;
    const second = Ship.onDuty(scene);
    await second.shipTo(400);
    await second.finish();
    await scene.assertComplete(400);
    const repository = await scene.open();
    assert.equal((await repository.catalogue(new AbortController().signal)).leftovers.length > 0, true);
  });

  it('lets two ship at once: they agree', async () => {
    const scene = new Scene(later);
    const ships = [Ship.onDuty(scene), Ship.onDuty(scene)];
    for (let count = 10; count <= 400; count += 39) {
      for (const ship of ships) ship.reach(count);
      await Promise.all(ships.map((ship) => ship.shippedTo(count)));
    }
    for (const ship of ships) await ship.finish();
    await scene.assertComplete(400);
  });

  it('hands over without a gap', async () => {
    const scene = new Scene(later);
    const ships = [new Ship(scene), new Ship(scene), new Ship(scene)];
    let at = 0;
    for (let count = 20; count <= 400; count += 19) {
      for (const ship of ships) ship.reach(count);
      const turn = ships[at++ % 3] as Ship;
      for (const ship of ships) ship.shipper.setDuty(ship === turn);
      await turn.shippedTo(count);
    }
    for (const ship of ships) await ship.finish();
    await scene.assertComplete(400);
    assert.equal(ships[1]?.record.report.fulls, 0);
  });
});

describe('full backups', () => {
  it('are taken at their interval, whatever the wall clock says', async () => {
    const scene = new Scene(history);
    const ship = Ship.onDuty(scene, { fullIntervalMs: 30 });
    ship.reach(100);
    await until(() => ship.record.report.fulls === 2, 'two full backups');
    scene.wallOffsetMs = -10 * 365 * 86_400_000;
    await until(() => ship.record.report.fulls === 4, 'full backups after the clock went back');
    scene.wallOffsetMs = 10 * 365 * 86_400_000;
    await until(() => ship.record.report.fulls === 6, 'full backups after the clock went ahead');
    await ship.shipTo(400);
    await ship.finish();
    await scene.assertComplete(400);
  });

  it('wait for the rest of the interval after a restart, and no longer than it by a clock that went back', async () => {
    const scene = new Scene(history);
    const first = Ship.onDuty(scene);
    first.reach(10);
    await until(() => first.record.report.fulls === 1, 'a full backup');
    await first.finish();
    scene.wallOffsetMs = -365 * 86_400_000;
    const second = Ship.onDuty(scene, { fullIntervalMs: 30 });
    second.reach(10);
    await until(() => second.record.report.fulls === 1, 'a full backup by the clock that went back');
    await second.finish();
  });

  it('are taken on order, by a server that does not ship, too', async () => {
    const scene = new Scene(history);
    const shipping = Ship.onDuty(scene);
    await shipping.shipTo(50);
    const other = new Ship(scene);
    other.reach(80);
    const done = await other.shipper.backupNow();
    assert.equal(done.zxid, history.zxidAt(79));
    await Promise.all([other.finish(), shipping.finish()]);
    await scene.assertRestores(80);
  });
});

describe('care', () => {
  it('rounds small pieces up and removes them a round later', async () => {
    const scene = new Scene(later);
    const ship = Ship.onDuty(scene, { pace: { gatherMs: 0 } });
    for (let count = 1; count <= 300; count++) {
      await ship.shipTo(count);
    }
    await ship.finish();
    const small = scene.names('log/').length;
    const second = Ship.onDuty(scene, { pace: { rollUpMs: 5 } });
    await second.shipTo(400);
    await until(() => scene.names('log/').length < small / 10, 'fewer pieces');
    await second.finish();
    await scene.assertComplete(400);
  });

  it('leaves small pieces alone when the log does not hold them any more', async () => {
    const scene = new Scene(history);
    const ship = Ship.onDuty(scene, { pace: { gatherMs: 0 } });
    for (let count = 1; count <= 60; count++) {
      await ship.shipTo(count);
    }
    await ship.finish();
    const second = new Ship(scene, { pace: { rollUpMs: 2 } });
    second.log.purged = 50;
    second.shipper.setDuty(true);
    await second.shipTo(400);
    const lists = (): number => scene.target.requests.filter(({ operation }) => operation === 'list').length;
    const before = lists();
    await until(() => lists() > before + 3, 'rounds of care');
    await second.finish();
    await scene.assertComplete(400);
  });
});

describe('a history that does not go on', () => {
  it('begins anew with a full backup when the log was purged before it was shipped; the gap is named', async () => {
    const scene = new Scene(history);
    const ship = Ship.onDuty(scene);
    await ship.shipTo(50);
    await ship.shipTo(100);
    scene.target.failing('unreachable');
    ship.reach(300);
    await until(() => ship.record.report.failures > 2, 'failures');
    ship.log.purged = 200;
    scene.target.failing(null);
    await until(() => ship.record.report.fulls === 2, 'a second full backup');
    await ship.shipTo(400);
    await ship.finish();
    const { problems, newestRestorableZxid } = await scene.verify();
    assert.deepEqual(
      problems.map(({ kind }) => kind),
      ['gap'],
    );
    assert.equal(newestRestorableZxid, history.zxidAt(399));
    await scene.assertRestores(400);
    await scene.assertRestores(100);
    assert.ok(ship.notes.some((note) => note.includes('gap')));
  });

  it('is not shipped while the target is ahead, and is as soon as this server has caught up', async () => {
    const scene = new Scene(history);
    const other = Ship.onDuty(scene);
    await other.shipTo(200);
    await other.finish();
    const names = scene.memory.names();
    const ship = Ship.onDuty(scene);
    ship.reach(150);
    await until(() => ship.record.report.blocked !== null, 'an obstacle');
    assert.match(ship.record.report.blocked ?? '', /holds transactions up to 0xc8 and this server has only 0x96/);
    assert.deepEqual(scene.memory.names(), names);
    await ship.shipTo(400);
    assert.equal(ship.record.report.blocked, null);
    await ship.finish();
    await scene.assertComplete(400);
  });

  it('is not shipped into the backup of another one', async () => {
    const scene = new Scene(history);
    const other = Ship.onDuty(scene);
    await other.shipTo(100);
    await other.shipTo(200);
    await other.finish();
    const names = scene.memory.names();
    const ship = Ship.onDuty(scene, { log: new RecordedLog(RecordedHistory.record(22, 400)) });
    ship.reach(300);
    await until(() => ship.record.report.blocked !== null, 'an obstacle');
    assert.match(ship.record.report.blocked ?? '', /another transaction 0xc8/);
    await ship.finish();
    assert.deepEqual(scene.memory.names(), names);
  });
});
