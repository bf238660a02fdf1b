import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isZooKeeperError } from '@headkeeper/client';
import { type HoldLostError, LeaderLatch, LeaderSelector, type Leadership } from '@headkeeper/recipes';
import { aborted, World } from './support/world.ts';

const PATH = '/elections/one';

describe('leader latch', { timeout: 60_000 }, () => {
  it('has one leader, and after it the one who joined next', async () => {
    await using world = await World.start();
    const [a, b, c] = (await world.clients(3)).map((client, at) => new LeaderLatch(client, PATH, { id: `n${at}` })) as [
      LeaderLatch,
      LeaderLatch,
      LeaderLatch,
    ];
    const first = await a.lead();
    b.join();
    await world.children(PATH, 2);
    const third = c.lead();
    await world.children(PATH, 3);
    assert.deepEqual([a.isLeader, b.isLeader, c.isLeader], [true, false, false]);
    assert.equal((await c.leader())?.id, 'n0');
    assert.deepEqual(
      (await a.participants()).map(({ id }) => id),
      ['n0', 'n1', 'n2'],
    );
    await a.close();
    assert.equal(a.isLeader, false);
    assert.equal(((await aborted(first.signal)) as HoldLostError).reason, 'givenUp');
    const second = await b.lead();
    assert.ok(second.token > first.token);
    await b.close();
    assert.ok((await third).token > second.token);
    await c.close();
    await world.children(PATH, 0);
    assert.throws(() => c.join(), /was closed/);
  });

  it('joins again, as the last one, after its session has expired', async () => {
    await using world = await World.start();
    const [a, b] = (await world.clients(2)) as [typeof world.observer, typeof world.observer];
    const [one, two] = [new LeaderLatch(a, PATH), new LeaderLatch(b, PATH)];
    const lost = await one.lead();
    const waiting = two.lead();
    await world.children(PATH, 2);
    await world.expire(a);
    assert.equal(((await aborted(lost.signal)) as HoldLostError).reason, 'sessionExpired');
    assert.equal(one.isLeader, false);
    await waiting;
    await world.children(PATH, 2);
    await two.close();
    const again = await one.lead();
    assert.ok(again.token > lost.token);
    await one.close();
  });

  it('is no leader while its session may have ended, and the same one again when it has not', async () => {
    await using world = await World.start();
    const client = await world.client({ sessionTimeoutMs: 600 });
    const latch = new LeaderLatch(client, PATH);
    const changes: boolean[] = [];
    let first: Leadership | null = null;
    for await (const isLeader of latch.changes()) {
      changes.push(isLeader);
      if (isLeader && first === null) {
        first = latch.leadership as Leadership;
        // The client does not hear of the server, which hears of the client by the session's own clock: it stands still, too.
        world.server.pause();
        await aborted(first.signal);
        assert.equal(latch.isLeader, false);
        world.server.resume();
      } else if (isLeader) break;
    }
    assert.ok(changes.length >= 2 && changes[0] === false && changes.at(-1) === true);
    await latch.close();
  });

  it('goes on standing for election when a wait is given up, and tells what ends it', async () => {
    await using world = await World.start();
    const [a, b] = (await world.clients(2)) as [typeof world.observer, typeof world.observer];
    const [one, two] = [new LeaderLatch(a, PATH), new LeaderLatch(b, PATH)];
    await one.lead();
    await assert.rejects(two.lead({ timeoutMs: 30 }), (error) => isZooKeeperError(error, 'requestTimeout'));
    await world.children(PATH, 2);
    const changes = two.changes();
    assert.equal((await changes.next()).value, false);
    const next = changes.next();
    await b.close();
    await assert.rejects(next, (error) => isZooKeeperError(error, 'closed'));
    await assert.rejects(two.lead(), (error) => isZooKeeperError(error, 'closed'));
    await two.close();
    await world.children(PATH, 1);
  });

  it('ends its stream of changes with the latch and with the signal', async () => {
    await using world = await World.start();
    const latch = new LeaderLatch(await world.client(), PATH);
    const seen: boolean[] = [];
    for await (const isLeader of latch.changes()) {
      seen.push(isLeader);
      if (isLeader) await latch.close();
    }
    assert.equal(seen.at(-1), true);
    const other = new LeaderLatch(await world.client(), PATH);
    const controller = new AbortController();
    for await (const isLeader of other.changes({ signal: controller.signal })) if (isLeader) controller.abort();
    await other.close();
  });
});

describe('leader selector', { timeout: 60_000 }, () => {
  it('gives everybody a term, one at a time', async () => {
    await using world = await World.start();
    const selectors = (await world.clients(3)).map((client, at) => new LeaderSelector(client, PATH, { id: `n${at}` }));
    const controllers = selectors.map(() => new AbortController());
    const terms = [0, 0, 0];
    let leaders = 0;
    const serve = (selector: LeaderSelector, at: number): Promise<void> => {
      const { signal, abort } = { signal: controllers[at]!.signal, abort: () => controllers[at]!.abort() };
      return selector.runAgain(async () => {
        assert.equal(++leaders, 1);
        assert.equal((await selector.leader())?.id, selector.id);
        leaders--;
        if (++terms[at]! === 3) abort();
      }, signal);
    };
    await Promise.all(selectors.map(serve));
    assert.deepEqual(terms, [3, 3, 3]);
    assert.deepEqual(await selectors[0]!.participants(), []);
    assert.equal(await selectors[0]!.leader(), null);
  });

  it('stands again after a leadership that was lost, and hands on what the work throws', async () => {
    await using world = await World.start();
    const client = await world.client();
    const selector = new LeaderSelector(client, PATH);
    let terms = 0;
    const serving = selector.runAgain(async ({ signal }) => {
      if (++terms === 2) throw new Error('no more');
      await world.expire(client);
      await aborted(signal);
    }, new AbortController().signal);
    await assert.rejects(serving, /no more/);
    assert.equal(terms, 2);
    await world.children(PATH, 0);
  });

  it('uses the names of kazoo when it is told so', async () => {
    await using world = await World.start();
    const selector = new LeaderSelector(await world.client(), PATH, { layout: 'kazoo', id: 'me' });
    await selector.run(async ({ path }) => {
      assert.match(path, /\/[\da-f]{32}__lock__0000000000$/);
      assert.equal((await selector.leader())?.id, 'me');
    });
  });
});
