import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Backlog, UnsentOutput } from '../../src/adapters/client/unsent-output.ts';
import { limits } from '../../src/limits.ts';
import { dialClient, fillUp, HANDSHAKE, serve } from './harness.ts';

for (const age of ['new', 'old'] as const) {
  describe(`a client that does not read, on a connection that is ${age}`, () => {
    it('is cut off when it has taken nothing for outputStallMs, and no other', async (t) => {
      const served = await serve(t);
      const { opened } = await dialClient(t, served, age);
      const { peer: reader, opened: read } = await dialClient(t, served, age);
      fillUp(opened.link, 1);
      const sent = fillUp(read.link, 1);
      assert.equal((await reader.read().hears(sent.length)).length, sent.length);
      // From the first look on, which may find that the network has taken something since.
      const passing = setInterval(() => {
        served.clock.now += limits.outputStallMs / 5;
      }, 150);
      t.after(() => clearInterval(passing));
      await served.clients.until(() => opened.closed === 1);
      assert.equal(read.closed, 0);
      assert.equal(served.cutOff.length, 1);
      assert.match(served.cutOff[0]?.reason ?? '', /^it has taken nothing for \d+ ms while \d+ bytes wait for it$/);
    });

    it('is cut off before others when too much waits for all of them', async (t) => {
      const served = await serve(t, { mostUnsentBytes: Math.min(limits.unsentBytes, 5_000_000) });
      const [small, large, last] = [
        await dialClient(t, served, age),
        await dialClient(t, served, age),
        await dialClient(t, served, age),
      ];
      fillUp(small.opened.link, 1_000_000);
      fillUp(large.opened.link, 3_000_000);
      fillUp(last.opened.link, 2_000_000);
      await served.clients.until(() => large.opened.closed === 1);
      assert.deepEqual([small.opened.closed, last.opened.closed], [0, 0]);
      assert.match(served.cutOff[0]?.reason ?? '', /more than for any other/);
    });
  });
}

it('slow is who takes nothing, not who takes little', () => {
  const cut: Backlog[] = [];
  const unsent = new UnsentOutput(1_000_000, (_, backlog) => cut.push(backlog));
  const slow = { unsentBytes: 500_000, taken: '0', destroy: () => {} };
  const dead = { unsentBytes: 10, taken: '0', destroy: () => {} };
  unsent.waits(slow, 0);
  unsent.waits(dead, 0);
  for (let ms = 0; ms <= limits.outputStallMs; ms += 1000) {
    slow.unsentBytes--;
    slow.taken = String(ms);
    // More of what nobody takes is no progress.
    dead.unsentBytes += 10;
    unsent.waits(dead, ms);
    unsent.sweep(ms);
  }
  assert.deepEqual(cut, [dead]);
});

it('a connection that sends without end leaves others their turn', async (t) => {
  const served = await serve(t);
  const deep = await dialClient(t, served, 'old');
  const other = await dialClient(t, served, 'old');
  const much = Buffer.alloc(3_000_000, 1);
  const said = deep.peer.say(much);
  await other.peer.say('x');
  await served.clients.until(() => other.opened.bytes.length === HANDSHAKE.length + 1);
  assert.ok(deep.opened.bytes.length < 32 * limits.readBytes, `${deep.opened.bytes.length} bytes came first`);
  await said;
  await served.clients.until(() => deep.opened.bytes.length === HANDSHAKE.length + much.length);
});
