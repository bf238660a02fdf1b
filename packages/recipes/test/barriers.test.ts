import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Client } from '@headkeeper/client';
import { Barrier, type BarrierMember, DoubleBarrier, type HoldLostError } from '@headkeeper/recipes';
import { aborted, World } from './support/world.ts';

const PATH = '/barriers/one';

describe('barrier', { timeout: 60_000 }, () => {
  it('holds those who come while it is closed, and nobody while it is open', async () => {
    await using world = await World.start();
    const [a, b] = (await world.clients(2)).map((client) => new Barrier(client, PATH)) as [Barrier, Barrier];
    await a.wait();
    await a.close();
    await b.close();
    let isThrough = false;
    const waiting = b.wait().then(() => {
      isThrough = true;
    });
    await assert.rejects(a.wait({ timeoutMs: 30 }), { code: 'requestTimeout' });
    assert.equal(isThrough, false);
    await world.observer.setData(PATH, 'still closed');
    await assert.rejects(a.wait({ timeoutMs: 30 }), { code: 'requestTimeout' });
    assert.equal(isThrough, false);
    await a.open();
    await waiting;
    await a.open();
  });

  it('is waited at over an expired session and a lost connection', async () => {
    await using world = await World.start();
    const client = await world.client();
    const barrier = new Barrier(client, PATH);
    await barrier.close();
    const waiting = barrier.wait();
    const lost = client.session.id;
    await world.expire(client);
    while (client.session.id === lost || client.session.id === 0n) await client.sync();
    world.server.disconnectClients();
    await new Barrier(world.observer, PATH).open();
    await waiting;
  });
});

describe('double barrier', { timeout: 60_000 }, () => {
  it('lets nobody in before all have come, and nobody out before all leave', async () => {
    await using world = await World.start();
    const clients = await world.clients(3);
    for (let use = 0; use < 3; use++) {
      const barriers = clients.map((client, at) => new DoubleBarrier(client, PATH, 3, { id: `n${at}` }));
      const events: string[] = [];
      const enter = async (barrier: DoubleBarrier): Promise<BarrierMember> => {
        const member = await barrier.enter();
        events.push('in');
        return member;
      };
      const entering = barriers.slice(0, 2).map(enter);
      await world.children(PATH, 2);
      assert.equal(events.length, 0);
      events.push('last comes');
      const members = await Promise.all([...entering, enter(barriers[2] as DoubleBarrier)]);
      assert.deepEqual(events.splice(0), ['last comes', 'in', 'in', 'in']);
      const [lowest] = await world.children(PATH, 4);
      const owner = (await world.observer.exists(`${PATH}/${lowest}`))?.ephemeralOwner;
      const leave = async (member: BarrierMember): Promise<void> => {
        await member.leave();
        events.push('out');
      };
      const leaving = members.slice(0, 2).map(leave);
      // The lowest stays until it is alone, the last has not been told to leave, and `ready` is there until all have left.
      await world.children(PATH, owner === clients[2]?.session.id ? 2 : 3);
      assert.equal(events.length, 0);
      events.push('last leaves');
      await Promise.all([...leaving, leave(members[2] as BarrierMember)]);
      assert.deepEqual(events, ['last leaves', 'out', 'out', 'out']);
      await world.children(PATH, 0);
    }
  });

  it('takes back one who gives up, and does not count him', async () => {
    await using world = await World.start();
    const [a, b] = (await world.clients(2)).map((client) => new DoubleBarrier(client, PATH, 2)) as [
      DoubleBarrier,
      DoubleBarrier,
    ];
    await assert.rejects(a.enter({ timeoutMs: 300 }), { code: 'requestTimeout' });
    await world.children(PATH, 0);
    const entering = b.enter();
    await world.children(PATH, 1);
    const members = await Promise.all([entering, a.enter()]);
    await Promise.all(members.map((member) => member.leave()));
  });

  it('lets one come again whose session ends while it waits', async () => {
    await using world = await World.start();
    const [a, b] = (await world.clients(2)) as [Client, Client];
    const entering = new DoubleBarrier(a, PATH, 2).enter();
    const [before] = await world.children(PATH, 1);
    await world.expire(a);
    for (;;) if ((await world.children(PATH, 1))[0] !== before) break;
    const members = await Promise.all([entering, new DoubleBarrier(b, PATH, 2).enter()]);
    await Promise.all(members.map((member) => member.leave()));
  });

  it('tells one that is in of its lost session, and does not keep the others waiting', async () => {
    await using world = await World.start();
    const [a, b] = (await world.clients(2)) as [Client, Client];
    const [lost, other] = (await Promise.all([a, b].map((client) => new DoubleBarrier(client, PATH, 2).enter()))) as [
      BarrierMember,
      BarrierMember,
    ];
    await world.expire(a);
    assert.equal(((await aborted(lost.signal)) as HoldLostError).reason, 'sessionExpired');
    await other.leave();
    await lost.leave();
    assert.equal(other.signal.aborted, false);
  });

  it('waits, leaving, for nobody who has come back meanwhile', async () => {
    await using world = await World.start();
    const [a, b] = (await world.clients(2)) as [Client, Client];
    const [lost, other] = (await Promise.all([a, b].map((client) => new DoubleBarrier(client, PATH, 2).enter()))) as [
      BarrierMember,
      BarrierMember,
    ];
    await world.expire(a);
    await aborted(lost.signal);
    await other.leave();
    const again = new DoubleBarrier(b, PATH, 2).enter();
    await world.children(PATH, 1);
    // `again` waits for this one.
    await lost.leave({ timeoutMs: 5000 });
    const members = await Promise.all([again, new DoubleBarrier(a, PATH, 2).enter()]);
    await Promise.all(members.map((member) => member.leave()));
  });

  it('waits, leaving, for nobody of a later round, and leaves the barrier open for those', async () => {
    await using world = await World.start();
    const [a, b, c] = (await world.clients(3)) as [Client, Client, Client];
    const enter = (...clients: Client[]): Promise<BarrierMember[]> =>
      Promise.all(clients.map((client) => new DoubleBarrier(client, PATH, 2).enter()));
    const [lost, other] = (await enter(a, b)) as [BarrierMember, BarrierMember];
    // Behind the first look at who is inside.
    await a.exists(PATH);
    await world.expire(a);
    await aborted(lost.signal);
    await other.leave();
    const later = await enter(b, c);
    await lost.leave({ timeoutMs: 5000 });
    assert.notEqual(await world.observer.exists(`${PATH}/ready`), null);
    await Promise.all(later.map((member) => member.leave()));
    await world.children(PATH, 0);
  });

  it('waits, leaving, for nobody who comes behind an old request that has closed the barrier too early', async () => {
    await using world = await World.start();
    const [a, b] = (await world.clients(2)).map((client) => new DoubleBarrier(client, PATH, 2)) as [
      DoubleBarrier,
      DoubleBarrier,
    ];
    const members = await Promise.all([a.enter(), b.enter()]);
    await world.observer.delete(`${PATH}/ready`);
    const names = ['0', 'g'].map((first) => `${PATH}/${first}`.padEnd(PATH.length + 33, '0'));
    for (const name of names) await world.observer.create(name);
    await Promise.all(members.map((member) => member.leave()));
    for (const name of names) assert.notEqual(await world.observer.exists(name), null);
  });

  it('counts nobody twice who has given up without an answer and comes again', async () => {
    await using world = await World.start();
    await world.observer.create('/barriers');
    await world.observer.create(PATH);
    const relay = await world.relay();
    const barrier = new DoubleBarrier(await world.client({}, relay), PATH, 2);
    const lost = relay.loseAnswer(1);
    const coming = barrier.enter({ timeoutMs: 300 });
    coming.catch(() => {});
    await lost;
    relay.shut();
    await assert.rejects(coming, { code: 'requestTimeout' });
    const again = barrier.enter({ timeoutMs: 1000 });
    relay.open();
    await assert.rejects(again, { code: 'requestTimeout' });
    await world.children(PATH, 0);
  });

  it('is closed by whoever comes when all have died inside', async () => {
    await using world = await World.start();
    const [a, b] = (await world.clients(2)).map((client) => new DoubleBarrier(client, PATH, 2)) as [
      DoubleBarrier,
      DoubleBarrier,
    ];
    await world.observer.create('/barriers');
    await world.observer.create(PATH);
    await world.observer.create(`${PATH}/ready`);
    await assert.rejects(a.enter({ timeoutMs: 100 }), { code: 'requestTimeout' });
    const members = await Promise.all([a.enter(), b.enter()]);
    await Promise.all(members.map((member) => member.leave()));
  });

  it('is not entered by one who found it open and comes when all have left', async () => {
    await using world = await World.start();
    await world.observer.create('/barriers');
    await world.observer.create(PATH);
    await world.observer.create(`${PATH}/${'0'.repeat(32)}`);
    await world.observer.create(`${PATH}/ready`);
    const relay = await world.relay();
    const barrier = new DoubleBarrier(await world.client({}, relay), PATH, 2);
    // It has asked for `ready` and for who is inside, and now comes.
    const lost = relay.loseRequest(2);
    const entering = barrier.enter({ timeoutMs: 2000 });
    entering.catch(() => {});
    await lost;
    relay.shut();
    await world.observer.delete(`${PATH}/${'0'.repeat(32)}`);
    await world.observer.delete(`${PATH}/ready`);
    relay.open();
    await assert.rejects(entering, { code: 'requestTimeout' });
  });

  it('is entered over a lost answer to the creation', async () => {
    await using world = await World.start();
    await world.observer.create('/barriers');
    await world.observer.create(PATH);
    const relay = await world.relay();
    const client = await world.client({}, relay);
    const entering = new DoubleBarrier(client, PATH, 2).enter();
    await world.children(PATH, 1);
    relay.loseAnswers();
    const other = new DoubleBarrier(world.observer, PATH, 2).enter();
    await world.children(PATH, 3);
    relay.cut();
    const members = await Promise.all([entering, other]);
    await Promise.all(members.map((member) => member.leave()));
    await world.children(PATH, 0);
  });

  it('refuses numbers of members that make no sense', async () => {
    await using world = await World.start();
    assert.throws(() => new DoubleBarrier(world.observer, PATH, 0), RangeError);
  });
});
