import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import type { Acl } from '@headkeeper/protocol';
import { CoreHarness } from '@headkeeper/testkit';
import { Access } from '../../../src/admin/http/access.ts';
import type { Serving } from '../../../src/core/serving.ts';
import { PLAIN_AUTHENTICATION } from '../../../src/core/settings.ts';
import { limits } from '../../../src/limits.ts';

function idOf(credentials: string): string {
  const hash = createHash('sha1').update(credentials).digest('base64');
  return `${credentials.split(':')[0]}:${hash}`;
}

/** A state whose `/` has this access control list. */
function guarded(acl: readonly Acl[], settings: ConstructorParameters<typeof CoreHarness>[0] = {}): Serving {
  const harness = new CoreHarness(settings);
  const client = harness.connect();
  assert.equal(client.call('setACL', { path: '/', acl, version: -1 }).err, 0);
  return harness.replica.serving;
}

const status = (header: string | undefined, serving: Serving, address = '10.0.0.1'): number => {
  const access = new Access({ remoteAccess: 'apache', proxies: [], serving: () => serving });
  return access.refusal({ address, isLocal: false, isSecure: false, proved: [] }, header)?.status ?? 200;
};

describe('who may take or replace the whole tree', () => {
  const world = [{ perms: 31, scheme: 'world', id: 'anyone' }];
  const root = [{ perms: 31, scheme: 'digest', id: idOf('root:secret') }];

  it('asks for credentials even where everybody may do everything', () => {
    const serving = guarded(world);
    assert.equal(status(undefined, serving), 401);
    assert.equal(status('digest somebody:something', serving), 200);
    assert.equal(status('ip', serving), 200);
  });

  it('refuses schemes and headers that prove nothing', () => {
    const serving = guarded(world);
    for (const header of ['', 'digest', 'Basic cm9vdDpyb290', 'x509', 'world anyone', 'digest a:b c', 'super x']) {
      assert.equal(status(header, serving), 401, header);
    }
  });

  it('wants the right password', () => {
    const serving = guarded(root);
    assert.equal(status('digest root:secret', serving), 200);
    assert.equal(status('digest root:wrong', serving), 403);
    assert.equal(status('digest root', serving), 403);
    assert.equal(status('ip', serving), 403);
  });

  it('wants every permission, each by itself (CVE-2025-58457)', () => {
    for (const missing of [1, 2, 4, 8, 16]) {
      const serving = guarded([{ perms: 31 & ~missing, scheme: 'digest', id: idOf('root:secret') }, ...world.slice(1)]);
      assert.equal(status('digest root:secret', serving), 403, `without ${missing}`);
    }
    const readable = guarded([...root, { perms: 1, scheme: 'world', id: 'anyone' }]);
    assert.equal(status('digest other:one', readable), 403);
  });

  it('takes permissions together that several entries give', () => {
    const serving = guarded([
      { perms: 15, scheme: 'digest', id: idOf('root:secret') },
      { perms: 16, scheme: 'world', id: 'anyone' },
    ]);
    assert.equal(status('digest root:secret', serving), 200);
  });

  it('believes the address of the socket', () => {
    const serving = guarded([{ perms: 31, scheme: 'ip', id: '10.1.0.0/16' }]);
    assert.equal(status('ip', serving, '10.1.2.3'), 200);
    assert.equal(status('ip 10.1.2.3', serving, '10.2.2.3'), 403);
  });

  it('lets the superuser through', () => {
    const serving = guarded(root, { superDigest: idOf('super:power') });
    assert.equal(status('digest super:power', serving), 200);
    assert.equal(status('digest super:poor', serving), 403);
  });

  it("does not let the superuser's password be tried without end", () => {
    const serving = guarded(root, { superDigest: idOf('super:power') });
    for (let i = 0; i < limits.failedAuthentications; i++) assert.equal(status(`digest super:${i}`, serving), 403);
    assert.equal(status('digest super:power', serving), 401);
    assert.equal(status('digest super:power', serving, '10.0.0.2'), 200);
    assert.equal(status('digest root:secret', serving), 200);
  });

  it('knows no digests where the scheme is off', () => {
    const serving = guarded(world, { authentication: { ...PLAIN_AUTHENTICATION, schemes: new Set() } });
    assert.equal(status('digest somebody:something', serving), 401);
  });

  it('reads passwords beyond ASCII as their bytes', () => {
    const serving = guarded([{ perms: 31, scheme: 'digest', id: idOf('zoé:mötley') }]);
    assert.equal(status(`digest ${Buffer.from('zoé:mötley').toString('latin1')}`, serving), 200);
  });
});
