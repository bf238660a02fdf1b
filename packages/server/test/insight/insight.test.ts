import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { CoreHarness } from '@headkeeper/testkit';
import { JournalStatistics } from '../../src/adapters/disk/journal-statistics.ts';
import type { SlowRequest } from '../../src/core/serving.ts';
import { AdminHarness, digest } from '../admin/http/admin-harness.ts';

const OPEN = [{ perms: 31, scheme: 'world', id: 'anyone' }];

describe('a close look at what clients do', { timeout: 60_000 }, () => {
  const harness = new AdminHarness(['pathStats.sampleRate=1']);
  before(() => harness.start());
  after(() => harness.end());
  const post = async (command: string): Promise<number> => {
    const init = { method: 'POST', headers: digest('ops', 'secret') };
    return (await harness.fetch(`/commands/${command}`, init)).status;
  };

  it('counts paths from when it is asked to until it is asked to stop', async () => {
    const session = await harness.session();
    assert.match(String((await harness.ask('hot_keys')).error), /pathStats\.enabled/);
    assert.equal((await harness.fetch('/commands/hot_keys?enabled=true', { method: 'POST' })).status, 401);
    assert.equal(await post('hot_keys?enabled=perhaps'), 400);
    assert.equal(await post('hot_keys?enabled=true'), 200);
    await session.create('/hot', '');
    for (let i = 0; i < 5; i++) await session.call('getData', { path: '/hot', watch: false });
    const { paths, one_in: oneIn } = await harness.ask('hot_keys');
    assert.deepEqual([paths, oneIn], [[{ path: '/hot', reads: 5, writes: 1 }], 1]);
    assert.equal(await post('hot_keys?enabled=false'), 200);
    assert.match(String((await harness.ask('hot_keys')).error), /not counted/);
    session.end();
  });

  it('shows who talks most', async () => {
    const session = await harness.session();
    const asked = harness.ask('top_talkers?seconds=1');
    let isOver = false;
    const over = asked.then(() => {
      isOver = true;
    });
    while (!isOver) await session.call('getData', { path: '/', watch: false });
    await over;
    const [first] = (await asked).connections as { requests: number; bytes_received: number; bytes_sent: number }[];
    assert.ok(first !== undefined && first.requests > 0 && first.bytes_received > 0 && first.bytes_sent > 0);
    assert.equal((await harness.fetch('/commands/top_talkers?seconds=0')).status, 400);
    session.end();
  });
});

describe('slow requests', () => {
  it('are told of with what they were and who asked', () => {
    const core = new CoreHarness();
    const told: SlowRequest[] = [];
    const { serving } = core.replica;
    serving.slowRequestMs = 100;
    serving.slowRequest = (request) => told.push(request);
    const client = core.connect();
    core.autoDurable = false;
    const write = (path: string, ms: number): void => {
      client.ask('create', { path, data: null, acl: OPEN, flags: 0 });
      core.nowMs += ms;
      core.durable();
    };
    write('/quick', 99);
    write('/slow', 100);
    assert.deepEqual(
      told.map(({ path, latencyMs, address, error }) => [path, latencyMs, address, error]),
      [['/slow', 100, '127.0.0.1', 0]],
    );
  });
});

describe('slow syncs', () => {
  it('are counted and told of beyond the threshold', () => {
    const journal = new JournalStatistics();
    const told: number[] = [];
    journal.slowerThanMs = 50;
    journal.slow = (tookMs) => told.push(tookMs);
    journal.synced(1, 0, 0, 0, 50);
    journal.synced(1, 0, 0, 0, 51);
    assert.deepEqual([told, journal.slowSyncs], [[51], 1]);
  });
});
