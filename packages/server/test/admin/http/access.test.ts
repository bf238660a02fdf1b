import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Access, type Caller } from '../../../src/admin/http/access.ts';
import { parseServerConfig } from '../../../src/config/parse.ts';
import type { Serving } from '../../../src/core/serving.ts';
import { AdminHarness, digest } from './admin-harness.ts';

/** Somebody whose headers are not looked at further. */
const NOBODY_ASKED = (): Serving => {
  throw new Error('nobody was to be asked');
};

describe('where a caller is', () => {
  const access = (proxies: readonly string[]): Access =>
    new Access({ remoteAccess: 'secure', proxies, serving: NOBODY_ASKED });
  const caller = (one: Access, address: string, headers: Record<string, string>, isEncrypted = false): Caller =>
    one.callerOf({ address, isEncrypted, proved: [] }, headers);

  it('is told by the connection', () => {
    const own = access([]);
    assert.equal(caller(own, '127.0.0.1', {}).isLocal, true);
    assert.equal(caller(own, '0:0:0:0:0:0:0:1', {}).isLocal, true);
    assert.equal(caller(own, '10.0.0.1', {}).isLocal, false);
    assert.equal(caller(own, '10.0.0.1', {}, true).isSecure, true);
  });

  it('is elsewhere when a proxy on this machine says that it speaks for somebody', () => {
    for (const name of ['x-forwarded-for', 'forwarded', 'x-real-ip', 'via', 'cf-connecting-ip']) {
      const one = caller(access([]), '127.0.0.1', { [name]: '127.0.0.1' });
      assert.deepEqual([one.isLocal, one.isSecure, one.address], [false, false, '127.0.0.1'], name);
    }
  });

  it('is told by the proxies that are trusted, and by nobody else (CVE-2024-51504)', () => {
    const own = access(['10.0.0.0/24', '127.0.0.1']);
    const of = (peer: string, hops: string): string => caller(own, peer, { 'x-forwarded-for': hops }).address;
    assert.equal(of('10.0.0.7', '192.0.2.1'), '192.0.2.1');
    assert.equal(of('10.0.0.7', '127.0.0.1, 192.0.2.1, 10.0.0.8'), '192.0.2.1', 'what the client wrote itself');
    assert.equal(of('10.0.1.7', '192.0.2.1'), '10.0.1.7', 'no proxy of ours');
    assert.equal(of('10.0.0.7', 'unknown'), '10.0.0.7');
    assert.equal(of('127.0.0.1', '192.0.2.1'), '192.0.2.1');
    assert.equal(caller(own, '127.0.0.1', { 'x-forwarded-for': '127.0.0.1' }).isLocal, false);
  });

  it('cannot be asked of proxies that are not named', () => {
    const text = 'dataDir=/d\nclientPort=2181\nIPAuthenticationProvider.usexforwardedfor=true';
    assert.throws(() => parseServerConfig(text, { file: null }), /expected admin\.trustedProxies beside it/);
  });
});

/** Every call counts as from another machine: it says that it was passed on. */
const FROM_ELSEWHERE = { 'X-Forwarded-For': '192.0.2.1' };

describe('callers on other machines', { timeout: 60_000 }, () => {
  const guarded = new AdminHarness();
  const open = new AdminHarness(['admin.remoteAccess=apache']);
  const proxied = new AdminHarness([
    'IPAuthenticationProvider.usexforwardedfor=true',
    'admin.trustedProxies=127.0.0.1',
    'DigestAuthenticationProvider.superDigest=super:xQJmxLMiHGwaqBvst5y6rkB6HQs=',
  ]);
  before(() => Promise.all([guarded.start(), open.start(), proxied.start()]));
  after(() => Promise.all([guarded.end(), open.end(), proxied.end()]));

  it('get the health of a server and nothing else without TLS', async () => {
    for (const path of ['/livez', '/readyz', '/readyz/disk']) {
      assert.equal((await guarded.fetch(path, { headers: FROM_ELSEWHERE })).status, 200, path);
    }
    for (const path of ['/commands', '/openapi.json', '/commands/ruok', '/commands/monitor', '/commands/nosuch']) {
      const response = await guarded.fetch(path, { headers: FROM_ELSEWHERE });
      assert.equal(response.status, 403, path);
      assert.match(await response.text(), /through TLS only/);
    }
    const post = await guarded.fetch('/commands/create_snapshot', {
      method: 'POST',
      headers: { ...FROM_ELSEWHERE, ...digest('super', 'admin') },
    });
    assert.equal(post.status, 403);
  });

  it('get what those on this machine get with admin.remoteAccess=apache', async () => {
    assert.equal((await open.fetch('/commands/ruok', { headers: FROM_ELSEWHERE })).status, 200);
    assert.equal((await open.fetch('/commands/snapshot', { headers: FROM_ELSEWHERE })).status, 401);
  });

  it('must prove who they are, and may do what that identity may', async () => {
    const ask = async (path: string, headers: Record<string, string>, method = 'GET'): Promise<number> => {
      const response = await proxied.fetch(path, { method, headers: { ...FROM_ELSEWHERE, ...headers } });
      await response.arrayBuffer();
      return response.status;
    };
    assert.equal(await ask('/commands/ruok', {}), 401);
    assert.equal(await ask('/commands/ruok', { Authorization: 'ip' }), 401, 'an address proves nothing');
    assert.equal(await ask('/commands/ruok', digest('anybody', 'anything')), 401, 'everybody can claim that');
    assert.equal(await ask('/commands/ruok', digest('super', 'wrong')), 401);
    assert.equal(await ask('/commands/ruok', digest('super', 'admin')), 200);
    assert.equal(await ask('/commands/create_snapshot', digest('anybody', 'anything'), 'POST'), 401);
    assert.equal(await ask('/commands/create_snapshot', digest('super', 'admin'), 'POST'), 200);
  });
});

describe('a port that other machines can reach', { timeout: 60_000 }, () => {
  it('is told of in a warning', async () => {
    const harness = await new AdminHarness(['admin.serverAddress=0.0.0.0']).start();
    const warnings = harness.logged.filter(({ level }) => level === 'warn').map(({ message }) => message);
    assert.ok(
      warnings.some((message) => message.includes('/livez and /readyz') && message.includes('admin.forceHttps')),
      warnings.join('\n'),
    );
    await harness.end();
  });
});
