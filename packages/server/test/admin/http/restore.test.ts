import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { MemberSession } from '../../ensemble/member-session.ts';
import { AdminHarness, digest } from './admin-harness.ts';

const ANYBODY = digest('anybody', 'anything');
const OPEN = [{ perms: 31, scheme: 'world', id: 'anyone' }];

interface Snapshot {
  readonly zxid: number;
  readonly bytes: Uint8Array;
}

async function take(harness: AdminHarness): Promise<Snapshot> {
  const response = await harness.fetch('/commands/snapshot', { headers: ANYBODY });
  assert.equal(response.status, 200);
  const bytes = new Uint8Array(await response.arrayBuffer());
  assert.equal(Number(response.headers.get('snapshot_size')), bytes.length);
  return { zxid: Number(response.headers.get('last_zxid')), bytes };
}

async function post(harness: AdminHarness, bytes: Uint8Array): Promise<{ status: number; answer: Answer }> {
  const body = new Uint8Array(bytes);
  const response = await harness.fetch('/commands/restore', { method: 'POST', headers: ANYBODY, body });
  return { status: response.status, answer: (await response.json()) as Answer };
}

interface Answer {
  readonly last_zxid?: number;
  readonly command: string;
  readonly error: string | null;
}

async function within<T>(harness: AdminHarness, act: (session: MemberSession) => Promise<T>): Promise<T> {
  const session = await harness.session();
  try {
    return await act(session);
  } finally {
    session.end();
  }
}

/** What the znode holds now. */
const read = (harness: AdminHarness, path: string): Promise<string | null> =>
  within(harness, (session) => session.read(path));

const lastZxid = async (harness: AdminHarness): Promise<number> => {
  const stats = (await harness.ask('server_stats')).server_stats as { last_processed_zxid: number };
  return stats.last_processed_zxid;
};

describe('restoring a server that runs', { timeout: 120_000 }, () => {
  let harness: AdminHarness;
  beforeEach(async () => {
    harness = await new AdminHarness().start();
  });
  afterEach(() => harness.end());

  it('brings the tree back as it was, under a zxid that nobody has seen, for good', async () => {
    await within(harness, (session) => session.create('/config', 'right'));
    const snapshot = await take(harness);
    await within(harness, async (session) => {
      await session.call('delete', { path: '/config', version: -1 });
      await session.create('/later', '');
    });
    const before = await lastZxid(harness);
    const { status, answer } = await post(harness, snapshot.bytes);
    assert.deepEqual([status, answer.command, answer.error], [200, 'restore', null]);
    assert.ok((answer.last_zxid ?? 0) > before, `${answer.last_zxid} after ${before}`);
    for (const round of ['at once', 'after a restart']) {
      assert.equal(await read(harness, '/config'), 'right', round);
      assert.equal(await read(harness, '/later'), null, round);
      await harness.restart();
    }
    assert.equal(await within(harness, (session) => session.create('/goes-on', '')), 0);
  });

  it('sends connected clients away; sessions of the snapshot go on', async () => {
    const session = await harness.session();
    await session.call('create', { path: '/mine', data: new Uint8Array(0), acl: OPEN, flags: 1 });
    const snapshot = await take(harness);
    assert.equal((await post(harness, snapshot.bytes)).status, 200);
    while (session.isOpen) await new Promise((resolve) => setImmediate(resolve));
    assert.notEqual(await read(harness, '/mine'), null, 'the session of the ephemeral may still come back');
  });

  it('gives a server that has seen less the zxid of the snapshot', async () => {
    await within(harness, async (session) => {
      for (let i = 0; i < 50; i++) await session.create(`/n${i}`, '');
    });
    const snapshot = await take(harness);
    const other = await new AdminHarness().start();
    try {
      const { answer } = await post(other, snapshot.bytes);
      assert.equal(answer.last_zxid, snapshot.zxid);
      assert.equal(await lastZxid(other), snapshot.zxid);
      assert.equal(await read(other, '/n49'), '');
    } finally {
      await other.end();
    }
  });

  it('refuses what is damaged, and nothing has changed', async () => {
    await within(harness, (session) => session.create('/config', 'right'));
    const { bytes } = await take(harness);
    await within(harness, (session) => session.create('/later', 'kept'));
    const before = await lastZxid(harness);
    const broken: Uint8Array[] = [new Uint8Array(0), new TextEncoder().encode('garbage'), bytes.slice(0, -1)];
    for (let at = 0; at < bytes.length; at += 7) broken.push(bytes.slice(0, at));
    for (let at = 0; at < bytes.length; at += 7) broken.push(flipped(bytes, at));
    let refused = 0;
    for (const [index, body] of broken.entries()) {
      const { status, answer } = await post(harness, body);
      // The header's database id, and the slashes behind the checksums, mean nothing.
      if (status === 200) continue;
      refused++;
      assert.equal(status, 500, `${index}`);
      assert.match(answer.error ?? '', /the snapshot cannot be used, the state is unchanged/);
      if (refused === 1) assert.equal(await lastZxid(harness), before);
    }
    assert.ok(refused > broken.length - 4, `${refused} of ${broken.length}`);
    assert.equal((await harness.ask('monitor')).restore_error_count, refused);
    assert.deepEqual(readdirSync(join(harness.dataDir, 'headkeeper.restore')), []);
  });

  it('takes nothing from a body that breaks off', async () => {
    await within(harness, (session) => session.create('/config', 'right'));
    const before = await lastZxid(harness);
    const { port = 0 } = harness.server.adminAddress ?? {};
    const socket = connect({ host: '127.0.0.1', port });
    socket.write(
      'POST /commands/restore HTTP/1.1\r\nHost: x\r\nAuthorization: digest a:b\r\nContent-Length: 100000\r\n\r\nZKSN',
    );
    while (!existsSync(join(harness.dataDir, 'headkeeper.restore/upload')))
      await new Promise((resolve) => setImmediate(resolve));
    const { status } = await post(harness, new Uint8Array(10));
    assert.equal(status, 409, 'one restore at a time');
    socket.destroy();
    for (;;) if ((await post(harness, new Uint8Array(10))).status === 500) break;
    assert.equal(await lastZxid(harness), before);
    assert.equal(await read(harness, '/config'), 'right');
  });

  it('replaces the state under clients that go on writing', async () => {
    await within(harness, (session) => session.create('/config', 'right'));
    const snapshot = await take(harness);
    let stop = false;
    const written: string[] = [];
    const writer = (async () => {
      for (let i = 0; !stop; i++) {
        try {
          await within(harness, async (session) => {
            for (; !stop; i++) {
              if ((await session.create(`/w${i}`, '')) === 0) written.push(`/w${i}`);
            }
          });
        } catch {
          // Sent away.
        }
      }
    })();
    try {
      for (let round = 0; round < 5; round++) {
        while (written.length < (round + 1) * 20) await new Promise((resolve) => setImmediate(resolve));
        assert.equal((await post(harness, snapshot.bytes)).status, 200);
      }
    } finally {
      stop = true;
      await writer;
    }
    await harness.restart();
    assert.equal(await read(harness, '/config'), 'right');
    assert.equal(await read(harness, written[0] as string), null);
    assert.equal((await harness.ask('monitor')).digest_mismatches_count, 0);
  });
});

describe('taking a snapshot', { timeout: 60_000 }, () => {
  it('gives the exact state of its zxid while clients write', async () => {
    const harness = await new AdminHarness().start();
    const other = await new AdminHarness().start();
    try {
      const paths: string[] = [];
      let stop = false;
      const session = await harness.session();
      const first = (await lastZxid(harness)) + 1;
      const writer = (async () => {
        for (let i = 0; !stop; i++) {
          paths.push(`/w${i}`);
          assert.equal(await session.create(`/w${i}`, ''), 0);
        }
      })();
      for (let round = 0; round < 3; round++) {
        const more = paths.length + 20;
        while (paths.length < more) await new Promise((resolve) => setImmediate(resolve));
        const acknowledged = await lastZxid(harness);
        const { zxid, bytes } = await take(harness);
        assert.ok(zxid >= acknowledged, 'it has what was there when it was asked for');
        assert.equal((await post(other, bytes)).status, 200);
        assert.notEqual(await read(other, `/w${zxid - first}`), null, 'the last one');
        assert.equal(await read(other, `/w${zxid - first + 1}`), null, 'and no more');
      }
      stop = true;
      await writer;
      session.end();
    } finally {
      await harness.end();
      await other.end();
    }
  });

  it('can be had without its bytes', async () => {
    const harness = await new AdminHarness().start();
    try {
      const response = await harness.fetch('/commands/snapshot?streaming=false', { headers: ANYBODY });
      assert.equal(response.headers.get('last_zxid'), '0x0');
      assert.ok(Number(response.headers.get('snapshot_size')) > 400);
      assert.deepEqual(await response.json(), { command: 'snapshot', error: null });
    } finally {
      await harness.end();
    }
  });
});

describe('who may not', { timeout: 60_000 }, () => {
  const harness = new AdminHarness(['admin.rateLimiterIntervalInMS=600000', 'admin.restore.enabled=false']);
  before(() => harness.start());
  after(() => harness.end());

  const status = async (command: string, method: string, headers: Record<string, string> = {}): Promise<number> =>
    (await harness.fetch(`/commands/${command}`, { method, headers, ...(method === 'POST' ? { body: 'x' } : {}) }))
      .status;

  it('is told in the order of Apache: credentials, permissions, the switch, the pause', async () => {
    assert.equal(await status('snapshot', 'GET'), 401);
    assert.equal(await status('restore', 'POST'), 401);
    assert.equal(await status('restore', 'POST', ANYBODY), 503);
    assert.equal(await status('snapshot', 'GET', ANYBODY), 200);
    assert.equal(await status('snapshot', 'GET', ANYBODY), 429);
    assert.equal((await harness.ask('monitor')).snapshot_rate_limited_count, 1);
    await within(harness, (session) =>
      session.call('setACL', { path: '/', acl: [{ ...OPEN[0], perms: 1 } as never], version: -1 }),
    );
    assert.equal(await status('snapshot', 'GET', ANYBODY), 403);
    assert.equal(await status('restore', 'POST', ANYBODY), 403);
    assert.equal(await status('backup?now=true', 'POST', ANYBODY), 403);
  });
});

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = (copy[at] ?? 0) ^ 0x40;
  return copy;
}
