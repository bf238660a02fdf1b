import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RecordedHistory } from '../recorded-history.ts';
import { Scene, Ship, until } from './scene.ts';

const history = RecordedHistory.record(31, 400).inEpochs([70, 210]);

/** Ships 100 txns, then breaks the target, then writes on. */
async function broken(scene: Scene, fail: (scene: Scene) => void): Promise<Ship> {
  const ship = Ship.onDuty(scene);
  await ship.shipTo(60);
  await ship.shipTo(100);
  fail(scene);
  ship.reach(300);
  await until(() => ship.record.report.failuresInARow >= 3, 'failures');
  return ship;
}

async function recovered(scene: Scene, ship: Ship): Promise<void> {
  scene.target.failing(null);
  scene.target.odds({});
  await ship.shipTo(400);
  assert.equal(ship.record.report.failuresInARow, 0);
  assert.equal(ship.record.report.blocked, null);
  await ship.finish();
  await scene.assertComplete(400);
}

describe('a target', () => {
  it('that cannot be reached is tried again until it can; nothing is missing then', async () => {
    const scene = new Scene(history);
    const ship = await broken(scene, ({ target }) => target.failing('unreachable'));
    assert.match(ship.record.report.lastFailure?.message ?? '', /unreachable/);
    assert.equal(ship.record.report.blocked, null);
    await scene.assertComplete(100);
    await recovered(scene, ship);
    assert.equal(ship.record.report.fulls, 1);
  });

  it('that is full is an obstacle that the operator is told of, until there is room', async () => {
    const scene = new Scene(history);
    const ship = await broken(scene, ({ target }) => target.failing('full'));
    assert.match(ship.record.report.blocked ?? '', /full/);
    await scene.assertComplete(100);
    await recovered(scene, ship);
  });

  it('that refuses this server is one, too', async () => {
    const scene = new Scene(history);
    const ship = await broken(scene, ({ target }) => target.failing('denied'));
    assert.match(ship.record.report.blocked ?? '', /denied/);
    await recovered(scene, ship);
  });

  it('that loses connections in the middle and answers loses no txn', async () => {
    const scene = new Scene(history, 5);
    scene.target.odds({ fails: 10, lostInTheMiddle: 15, answerLost: 15, slow: 10, slowMs: 3 });
    const ship = Ship.onDuty(scene);
    for (let count = 5; count <= 400; count += 5) {
      await ship.shipTo(count);
    }
    assert.ok(ship.record.report.failures > 10);
    scene.target.odds({});
    await ship.finish();
    await scene.assertComplete(400);
  });

  it('that keeps half of a manifest loses nothing: what it stands for is shipped again', async () => {
    const scene = new Scene(history);
    const ship = Ship.onDuty(scene);
    await ship.shipTo(60);
    scene.nextManifest({ kind: 'half-written' });
    await ship.shipTo(200);
    assert.equal(ship.record.report.failures, 1);
    await ship.finish();
    // The next one sees the half manifest and does not count it.
    const next = Ship.onDuty(scene);
    await next.shipTo(400);
    await next.finish();
    assert.equal(next.record.report.fulls, 0);
    await scene.assertRestores(400);
    const { problems } = await scene.verify();
    assert.deepEqual(
      problems.map(({ kind }) => kind),
      ['damaged'],
    );
  });

  it('with half a manifest at its end is taken to end before it', async () => {
    const scene = new Scene(history);
    const ship = Ship.onDuty(scene);
    await ship.shipTo(60);
    scene.nextManifest({ kind: 'half-written' });
    ship.reach(200);
    await until(() => ship.record.report.failures === 1, 'a failure');
    ship.shipper.abandon();
    await ship.ended;
    const next = Ship.onDuty(scene);
    await next.shipTo(300);
    await next.shipTo(400);
    await next.finish();
    await scene.assertRestores(400);
  });

  it('that is slow gets fewer and longer pieces, in order', async () => {
    const scene = new Scene(history);
    scene.target.odds({ slow: 100, slowMs: 20 });
    const ship = Ship.onDuty(scene);
    for (let count = 1; count <= 400; count++) {
      ship.reach(count);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await ship.shippedTo(400);
    assert.ok(ship.record.report.segments < 40, `${ship.record.report.segments} pieces`);
    scene.target.odds({});
    await ship.finish();
    await scene.assertComplete(400);
  });

  it('that shows an old listing gets some of the log twice, and no more', async () => {
    const scene = new Scene(history);
    const first = Ship.onDuty(scene);
    await first.shipTo(60);
    await scene.target.freezeListing();
    await first.shipTo(250);
    await first.finish();
    const second = Ship.onDuty(scene);
    await second.shipTo(300);
    scene.target.thawListing();
    await second.shipTo(400);
    await second.finish();
    await scene.assertComplete(400);
  });

  it('that fails full backups only keeps getting the log', async () => {
    const scene = new Scene(history);
    const ship = Ship.onDuty(scene, { fullIntervalMs: 10 });
    ship.reach(60);
    await until(() => ship.record.report.fulls === 1, 'a full backup');
    const { snapshots } = ship;
    ship.readsFail = true;
    for (let count = 100; count <= 400; count += 50) {
      await ship.shipTo(count);
    }
    await until(() => ship.snapshots > snapshots + 2 && ship.record.report.failuresInARow > 1, 'failing full backups');
    ship.readsFail = false;
    const { fulls } = ship.record.report;
    await until(() => ship.record.report.fulls > fulls, 'another full backup');
    await ship.finish();
    await scene.assertComplete(400);
  });
});
