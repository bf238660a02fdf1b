/** Who clients prove to be, and what they may do then (client-protocol reference, 8.1 to 8.6). */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { type Acl, ErrorCode, Permission, WORLD_ANYONE_ALL } from '@headkeeper/protocol';
import { CoreHarness, type RawClient } from '@headkeeper/testkit';
import { readChallenge, writeResponse } from '../../src/core/sasl/digest-md5.ts';
import { type AuthenticationSettings, type CoreSettings, PLAIN_AUTHENTICATION } from '../../src/core/settings.ts';
import { limits } from '../../src/limits.ts';

const SERVICE = { realm: 'zk-sasl-md5', uri: 'zookeeper/zk-sasl-md5' };
const USERS: ReadonlyMap<string, string> = new Map([
  ['ann', 'secret'],
  ['root', 'power'],
  ['"quoted\\', 'ü,="'],
]);
/** super:admin */
const SUPER_DIGEST = 'super:xQJmxLMiHGwaqBvst5y6rkB6HQs=';
const EMPTY = new Uint8Array(0);

function md5(bytes: Uint8Array): Uint8Array {
  return createHash('md5').update(bytes).digest();
}

interface World {
  readonly harness: CoreHarness;
  /** How many nonces have been made. */
  readonly nonces: () => number;
}

function world(authentication: Partial<AuthenticationSettings> = {}, settings: Partial<CoreSettings> = {}): World {
  let nonces = 0;
  const harness = new CoreHarness(
    {
      superDigest: SUPER_DIGEST,
      ...settings,
      authentication: { ...PLAIN_AUTHENTICATION, schemes: new Set(['digest', 'sasl']), ...authentication },
    },
    [],
    { nonce: () => `nonce ${nonces++}`, passwordOf: (user) => USERS.get(user) ?? null, ticketExchange: () => null },
  );
  return { harness, nonces: () => nonces };
}

function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text));
}

function textOf(token: Uint8Array | null | undefined): string {
  return Buffer.from(token ?? EMPTY).toString();
}

/** The client's second token, changed by `change` before it is sent; returns the reply. */
function logIn(client: RawClient, user: string, password: string, change = (token: string) => token) {
  const challenge = readChallenge(SERVICE, textOf(client.must('sasl', { token: EMPTY }).token));
  const token = change(writeResponse(md5, SERVICE, { user, password }, challenge, 'cnonce'));
  return client.call('sasl', { token: bytesOf(token) });
}

function identitiesOf(client: RawClient): string[] {
  return (client.must('whoAmI', null).clientInfo ?? []).map(({ authScheme, user }) => `${authScheme}:${user}`);
}

function digest(client: RawClient, credentials: string) {
  return client.call('auth', { type: 0, scheme: 'digest', auth: bytesOf(credentials) });
}

/** Sends a ping as clients do; xid and error of its answer. */
function ping(client: RawClient): (number | undefined)[] {
  client.send(client.encode('ping', null, -2));
  const reply = client.received.pop();
  return reply?.kind === 'reply' ? [reply.xid, reply.err] : [];
}

function only(scheme: string, id: string): Acl[] {
  return [{ perms: Permission.all, scheme, id }];
}

describe('8.2: certificates, scheme x509', () => {
  const ANN = { scheme: 'x509', id: 'CN=ann,O=Example' };
  const schemes = new Set(['digest', 'x509']);
  const prove = (client: RawClient): number => client.call('auth', { type: 0, scheme: 'x509', auth: EMPTY }).err;

  it('are identities from the beginning, for entries by name and by auth', () => {
    const { harness } = world({ schemes });
    const client = harness.open('127.0.0.1', [ANN]).connect();
    assert.deepEqual(identitiesOf(client), ['ip:127.0.0.1', 'x509:CN=ann,O=Example']);
    client.must('create', { path: '/a', data: EMPTY, acl: only('x509', ANN.id), flags: 0 });
    client.must('create', { path: '/b', data: EMPTY, acl: only('auth', ''), flags: 0 });
    assert.deepEqual(client.must('getACL', { path: '/b' }).acl, only('x509', ANN.id));
    assert.equal(harness.connect().call('getData', { path: '/a', watch: false }).err, ErrorCode.noAuth);
    assert.equal(client.call('getData', { path: '/a', watch: false }).err, 0);
  });

  it('make a superuser of the one that is named', () => {
    const { harness } = world({ schemes });
    const owner = harness.open('127.0.0.1', [ANN]).connect();
    owner.must('create', { path: '/a', data: EMPTY, acl: only('x509', ANN.id), flags: 0 });
    const root = { scheme: 'x509', id: 'CN=root' };
    const client = harness.open('127.0.0.1', [{ scheme: 'super', id: root.id }, root]).connect();
    assert.equal(client.call('getData', { path: '/a', watch: false }).err, 0);
  });

  it('answer an auth request of the scheme, which is refused without one', () => {
    const { harness } = world({ schemes });
    assert.equal(prove(harness.open('127.0.0.1', [ANN]).connect()), 0);
    assert.equal(prove(harness.connect()), ErrorCode.authFailed);
    assert.equal(prove(world().harness.open('127.0.0.1', [ANN]).connect()), ErrorCode.authFailed);
  });

  it('are enough where the scheme is enforced', () => {
    const { harness } = world({ schemes, enforcedSchemes: new Set(['x509']) });
    assert.equal(harness.open('127.0.0.1', [ANN]).connect().call('exists', { path: '/', watch: false }).err, 0);
    assert.notEqual(harness.connect().call('exists', { path: '/', watch: false }).err, 0);
  });
});

describe('8.4: SASL DIGEST-MD5', () => {
  it('proves a user, and proves the server to him', () => {
    const { harness } = world();
    const client = harness.connect();
    const challenge = client.call('sasl', { token: EMPTY });
    assert.equal(textOf(challenge.body?.token), 'realm="zk-sasl-md5",nonce="nonce 0",charset=utf-8,algorithm=md5-sess');
    assert.equal(challenge.zxid, 0);
    const other = harness.connect();
    const reply = logIn(other, 'ann', 'secret');
    assert.equal(reply.err, 0);
    assert.match(textOf(reply.body?.token), /^rspauth=[0-9a-f]{32}$/);
    assert.deepEqual(identitiesOf(other), ['ip:127.0.0.1', 'sasl:ann']);
    assert.deepEqual(harness.failedLogins, []);
  });

  it('takes any name and password', () => {
    const client = world().harness.connect();
    assert.equal(logIn(client, '"quoted\\', 'ü,="').err, 0);
    assert.deepEqual(identitiesOf(client), ['ip:127.0.0.1', 'sasl:"quoted\\']);
  });

  it('lets entries of scheme sasl be made, by name and by auth, and in by them', () => {
    const { harness } = world();
    const client = harness.connect();
    logIn(client, 'ann', 'secret');
    client.must('create', { path: '/a', data: EMPTY, acl: only('sasl', 'ann'), flags: 0 });
    client.must('create', { path: '/b', data: EMPTY, acl: only('auth', ''), flags: 0 });
    assert.deepEqual(client.must('getACL', { path: '/b' }).acl, only('sasl', 'ann'));
    assert.equal(harness.connect().call('getData', { path: '/a', watch: false }).err, ErrorCode.noAuth);
    assert.equal(client.call('getData', { path: '/a', watch: false }).err, 0);
  });

  const wrong: [string, (client: RawClient) => { err: number; body: unknown; zxid: number }, RegExp][] = [
    ['a wrong password', (c) => logIn(c, 'ann', 'Secret'), /wrong name or password/],
    ['an unknown user', (c) => logIn(c, 'eve', 'secret'), /wrong name or password/],
    ['an unknown user with no password', (c) => logIn(c, 'eve', ''), /wrong name or password/],
    ['another authzid', (c) => logIn(c, 'ann', 'secret', (t) => t.replace('authzid="ann"', 'authzid="root"')), /wrong/],
    ['another nonce', (c) => logIn(c, 'ann', 'secret', (t) => t.replace('nonce 0', 'nonce 7')), /wrong/],
    ['another realm', (c) => logIn(c, 'ann', 'secret', (t) => t.replace('realm="zk', 'realm="xk')), /wrong/],
    ['another qop', (c) => logIn(c, 'ann', 'secret', (t) => t.replace('qop=auth', 'qop=auth-conf')), /qop/],
    [
      'another service',
      (c) => logIn(c, 'ann', 'secret', (t) => t.replace('zookeeper/', 'zookeeper-quorum/')),
      /service/,
    ],
    ['garbage', (c) => logIn(c, 'ann', 'secret', () => '\0\u{1F600}'), /cannot be read/],
    ['a token too long', (c) => logIn(c, 'ann', 'secret', (t) => `${t},x="${'x'.repeat(4096)}"`), /too many bytes/],
    ['a response first', (c) => c.call('sasl', { token: bytesOf('username="ann"') }), /before the challenge/],
  ];
  for (const [name, attempt, reason] of wrong) {
    it(`refuses ${name}: -115, no token, zxid 0, and closes`, () => {
      const { harness } = world();
      const client = harness.connect();
      const reply = attempt(client);
      assert.deepEqual([reply.err, reply.zxid, reply.body], [ErrorCode.authFailed, 0, { token: null }]);
      assert.equal(client.closed, true);
      assert.equal(harness.replica.serving.statistics.authFailures, 1);
      assert.equal(harness.failedLogins.length, 1);
      assert.match(harness.failedLogins[0]?.reason ?? '', reason);
    });
  }

  it('refuses a proof of another authzid even when the client has computed it for that', () => {
    const client = world().harness.connect();
    const challenge = readChallenge(SERVICE, textOf(client.must('sasl', { token: EMPTY }).token));
    const token = writeResponse(md5, SERVICE, { user: 'ann', password: 'secret' }, challenge, 'c');
    const asRoot = forAuthzid(token, challenge.nonce, 'root');
    assert.equal(client.call('sasl', { token: bytesOf(asRoot) }).err, ErrorCode.authFailed);
    const second = world().harness.connect();
    const again = readChallenge(SERVICE, textOf(second.must('sasl', { token: EMPTY }).token));
    const asAnn = forAuthzid(token, again.nonce, 'ann');
    assert.equal(second.call('sasl', { token: bytesOf(asAnn) }).err, 0, 'the computation itself is right');
  });

  it('takes one answer to a nonce: neither a replay, nor a second try, nor one on another connection', () => {
    const { harness, nonces } = world();
    const client = harness.connect();
    let sent = '';
    logIn(client, 'ann', 'secret', (token) => {
      sent = token;
      return token;
    });
    assert.equal(client.call('sasl', { token: bytesOf(sent) }).err, ErrorCode.authFailed);
    assert.equal(client.closed, true);
    const thief = harness.connect();
    thief.must('sasl', { token: EMPTY });
    assert.equal(thief.call('sasl', { token: bytesOf(sent) }).err, ErrorCode.authFailed);
    assert.equal(nonces(), 2);
  });

  it('closes a connection that begins and does not finish', () => {
    const { harness } = world();
    const [slow, done] = [harness.connect({ timeOut: 40_000 }), harness.connect({ timeOut: 40_000 })];
    slow.must('sasl', { token: EMPTY });
    logIn(done, 'ann', 'secret');
    for (let ms = 0; ms < limits.saslExchangeMs; ms += 10_000) {
      assert.equal(slow.closed, false);
      for (const client of [slow, done]) client.must('ping', null);
      harness.run(10_000);
    }
    assert.equal(slow.closed, true);
    assert.equal(done.closed, false);
  });

  it('keeps clients that have failed when it is told to, without an identity', () => {
    const client = world({ allowsSaslFailedClients: true }).harness.connect();
    const reply = logIn(client, 'ann', 'wrong');
    assert.deepEqual([reply.err, reply.body?.token], [0, null]);
    assert.equal(client.closed, false);
    assert.deepEqual(identitiesOf(client), ['ip:127.0.0.1']);
    assert.equal(client.call('sasl', { token: EMPTY }).body?.token, null, 'there is no second exchange');
    assert.deepEqual(identitiesOf(client), ['ip:127.0.0.1']);
  });

  it('answers nothing where nobody can log in, and the connection goes on', () => {
    const client = new CoreHarness().connect();
    const reply = client.call('sasl', { token: EMPTY });
    assert.deepEqual([reply.err, reply.zxid, reply.body?.token], [0, 0, null]);
    client.must('ping', null);
  });

  it('makes super users of those that are named', () => {
    const { harness } = world({ saslSuperUsers: new Set(['root']) });
    const owner = harness.connect();
    digest(owner, 'own:er');
    owner.must('create', { path: '/a', data: EMPTY, acl: only('auth', ''), flags: 0 });
    const [root, ann] = [harness.connect(), harness.connect()];
    logIn(root, 'root', 'power');
    logIn(ann, 'ann', 'secret');
    assert.deepEqual(identitiesOf(root).sort(), ['ip:127.0.0.1', 'sasl:root', 'super:']);
    assert.equal(root.call('getData', { path: '/a', watch: false }).err, 0);
    assert.equal(ann.call('getData', { path: '/a', watch: false }).err, ErrorCode.noAuth);
  });
});

describe('8.6: enforced authentication', () => {
  const enforced = { enforcedSchemes: new Set(['sasl']) };

  it('answers every request but auth and sasl with -124 and zxid 0, and closes', () => {
    for (const [op, body] of [
      ['closeSession', null],
      ['getData', { path: '/', watch: false }],
      ['create', { path: '/a', data: EMPTY, acl: [...WORLD_ANYONE_ALL], flags: 0 }],
      ['multi', { ops: [] }],
      ['sync', { path: '/' }],
      ['whoAmI', null],
    ] as const) {
      const client = world(enforced).harness.connect();
      const reply = client.call(op, body as never);
      assert.deepEqual([reply.err, reply.zxid], [ErrorCode.sessionClosedRequireSaslAuth, 0], op);
      assert.equal(client.closed, true, op);
    }
    assert.deepEqual(ping(world(enforced).harness.connect()), [-2, ErrorCode.sessionClosedRequireSaslAuth]);
  });

  it('serves those that have proved one of the schemes, and nobody for another', () => {
    const { harness } = world(enforced);
    const client = harness.connect();
    assert.equal(logIn(client, 'ann', 'secret').err, 0);
    client.must('ping', null);
    const byDigest = harness.connect();
    assert.equal(digest(byDigest, 'a:b').err, 0);
    assert.deepEqual(ping(byDigest), [-2, ErrorCode.sessionClosedRequireSaslAuth]);
    const both = world({ enforcedSchemes: new Set(['sasl', 'digest']) }).harness.connect();
    digest(both, 'a:b');
    both.must('ping', null);
  });

  it('says -124 to a failed login when only SASL will do, even where failed clients are kept', () => {
    const client = world({ ...enforced, allowsSaslFailedClients: true }).harness.connect();
    const reply = logIn(client, 'ann', 'wrong');
    assert.deepEqual([reply.err, reply.body], [ErrorCode.sessionClosedRequireSaslAuth, { token: null }]);
    assert.equal(client.closed, true);
  });

  it('answers nothing that came behind the refused request in the same packet', () => {
    const { harness } = world(enforced);
    const client = harness.connect();
    client.askAll([client.encode('ping', null, -2), client.encode('getData', { path: '/', watch: false })]);
    assert.equal(client.received.length, 1);
    assert.equal(client.closed, true);
  });
});

describe('8.6: access control lists checked before a txn is made', () => {
  it('refuses by the state it has: -102 and -114 with zxid 0, and no txn', () => {
    const { harness } = world({ checksAclEagerly: true });
    const owner = harness.connect();
    digest(owner, 'own:er');
    owner.must('create', { path: '/a', data: EMPTY, acl: only('auth', ''), flags: 0 });
    owner.must('create', { path: '/a/b', data: EMPTY, acl: [...WORLD_ANYONE_ALL], flags: 0 });
    const stranger = harness.connect();
    const before = harness.appendedZxid;
    const acl = [...WORLD_ANYONE_ALL];
    for (const [op, body, error] of [
      ['create', { path: '/a/c', data: EMPTY, acl, flags: 0 }, ErrorCode.noAuth],
      ['create2', { path: '/a/c', data: EMPTY, acl, flags: 0 }, ErrorCode.noAuth],
      ['delete', { path: '/a/b', version: -1 }, ErrorCode.noAuth],
      ['setData', { path: '/a', data: EMPTY, version: -1 }, ErrorCode.noAuth],
      ['setACL', { path: '/a', acl, version: -1 }, ErrorCode.noAuth],
      ['create', { path: '/d', data: EMPTY, acl: only('nonsense', ''), flags: 0 }, ErrorCode.invalidACL],
      ['setACL', { path: '/a/b', acl: [], version: -1 }, ErrorCode.invalidACL],
    ] as const) {
      const reply = stranger.call(op, body as never);
      assert.deepEqual([reply.err, reply.zxid], [error, 0], op);
    }
    assert.equal(harness.appendedZxid, before);
    // Its own failures stay what they are, and cost a txn.
    assert.equal(stranger.call('delete', { path: '/none', version: -1 }).err, ErrorCode.noNode);
    assert.equal(stranger.call('setData', { path: '/a/b', data: EMPTY, version: 7 }).err, ErrorCode.badVersion);
    assert.equal(harness.appendedZxid, before + 2);
    stranger.must('setData', { path: '/a/b', data: EMPTY, version: -1 });
  });

  it('leaves a write to the order of txns that comes behind another of the same client', () => {
    const { harness } = world({ checksAclEagerly: true });
    const client = harness.connect();
    const adminOnly = [{ perms: Permission.admin, scheme: 'world', id: 'anyone' }];
    client.must('create', { path: '/a', data: EMPTY, acl: adminOnly, flags: 0 });
    const child = { path: '/a/child', data: EMPTY, acl: [...WORLD_ANYONE_ALL], flags: 0 };
    assert.equal(client.call('create', child).err, ErrorCode.noAuth);
    client.askAll([
      client.encode('setACL', { path: '/a', acl: [...WORLD_ANYONE_ALL], version: -1 }),
      client.encode('create', child),
    ]);
    const errors = client.received.splice(0).map((frame) => (frame.kind === 'reply' ? frame.err : frame.kind));
    assert.deepEqual(errors, [0, 0]);
  });
});

describe('8.2: auth requests', () => {
  it('refuses digest identities and entries when the scheme is off', () => {
    const { harness } = world({ schemes: new Set(['sasl']) });
    const client = harness.connect();
    const acl = only('digest', 'a:b');
    assert.equal(client.call('create', { path: '/a', data: EMPTY, acl, flags: 0 }).err, ErrorCode.invalidACL);
    assert.equal(digest(client, 'a:b').err, ErrorCode.authFailed);
    assert.equal(client.closed, true);
  });

  it('A20: an auth request that fails closes the connection and grants nothing of what it held', () => {
    for (const scheme of ['world', 'super', 'sasl', 'x509', 'ensemble', '', 'constructor']) {
      const { harness } = world();
      const client = harness.connect();
      assert.equal(client.call('auth', { type: 0, scheme, auth: bytesOf('super:admin') }).err, ErrorCode.authFailed);
      assert.equal(client.closed, true, scheme);
    }
    const { harness } = world();
    const client = harness.connect();
    for (let i = 1; i < limits.identities; i++) digest(client, `u${i}:p`);
    // There is room for one of the two identities that the superuser gets: he gets neither.
    assert.equal(identitiesOf(client).length, limits.identities);
    assert.equal(digest(client, 'super:admin').err, ErrorCode.authFailed);
    assert.equal(client.closed, true);
  });

  it('scheme ensemble: the right name or none will do, another one closes without a word', () => {
    const { harness } = world({ schemes: new Set(['ensemble']), ensembleNames: new Set(['blue', 'green']) });
    const give = (name: string): RawClient => {
      const client = harness.connect();
      client.ask('auth', { type: 0, scheme: 'ensemble', auth: bytesOf(name) });
      return client;
    };
    for (const name of ['blue', 'green', '']) assert.equal(give(name).closed, false, name);
    const lost = give('red\n\u001b[31m');
    assert.equal(lost.closed, true);
    assert.deepEqual(lost.received, []);
    assert.deepEqual(harness.replica.serving.authentication.ensembleNames, { success: 2, fail: 1, skip: 1 });
    assert.ok(!JSON.stringify(harness.failedLogins).includes('31m'), 'nothing of the name is logged');
    assert.deepEqual(identitiesOf(give('blue')), ['ip:127.0.0.1']);
  });
});

describe('A17: passwords cannot be tried without end', () => {
  it('turns an address away that has failed too often, without a word, and forgives it with time', () => {
    const { harness } = world();
    const from = (address: string): RawClient => harness.open(address).connect();
    for (let i = 0; i < limits.failedAuthentications; i++) {
      assert.equal(logIn(from('10.0.0.1'), 'ann', `guess ${i}`).err, ErrorCode.authFailed);
    }
    const late = from('10.0.0.1');
    late.ask('sasl', { token: EMPTY });
    assert.equal(late.closed, true);
    assert.deepEqual(late.received, []);
    assert.equal(logIn(from('10.0.0.2'), 'ann', 'secret').err, 0, 'others are not held back');
    harness.pass(limits.failedAuthenticationMs);
    assert.equal(logIn(from('10.0.0.1'), 'ann', 'secret').err, 0);
  });

  it("counts guesses of the superuser's digest, though each makes an identity", () => {
    const { harness } = world();
    for (let i = 0; i < limits.failedAuthentications; i++) {
      const client = harness.connect();
      assert.equal(digest(client, `super:guess${i}`).err, 0);
      assert.deepEqual(identitiesOf(client), ['ip:127.0.0.1', 'digest:super']);
      harness.disconnect(client.connection);
    }
    const late = harness.connect();
    late.ask('auth', { type: 0, scheme: 'digest', auth: bytesOf('super:admin') });
    assert.equal(late.closed, true, 'even the right one has to wait');
    const other = harness.connect();
    assert.equal(digest(other, 'ann:any').err, 0, 'other users are not held back');
    harness.pass(limits.failedAuthenticationMs);
    const patient = harness.connect();
    assert.equal(digest(patient, 'super:admin').err, 0);
    assert.ok(identitiesOf(patient).includes('super:'));
  });

  it('counts all addresses of an IPv6 network as one, and remembers a bounded number of them', () => {
    const { harness } = world();
    for (let i = 0; i < limits.failedAuthentications; i++) {
      const address = `2001:db8:0:1:${i.toString(16)}:0:0:1`;
      assert.equal(logIn(harness.open(address).connect(), 'ann', 'guess').err, ErrorCode.authFailed);
    }
    const late = harness.open('2001:db8:0:1:ffff:0:0:1').connect();
    late.ask('sasl', { token: EMPTY });
    assert.equal(late.closed, true);
    assert.equal(logIn(harness.open('2001:db8:0:2:0:0:0:1').connect(), 'ann', 'secret').err, 0);
  });
});

/** ann's response with a nonce and an authzid, its proof computed anew by RFC 2831, 2.1.2.1. */
function forAuthzid(token: string, nonce: string, authzid: string): string {
  const hex = (input: string | Buffer): string => createHash('md5').update(input).digest('hex');
  const secret = createHash('md5').update('ann:zk-sasl-md5:secret').digest();
  const a1 = hex(Buffer.concat([secret, Buffer.from(`:${nonce}:c:${authzid}`)]));
  const proof = hex(`${a1}:${nonce}:00000001:c:auth:${hex('AUTHENTICATE:zookeeper/zk-sasl-md5')}`);
  return token
    .replace(/nonce="nonce \d+"/, `nonce="${nonce}"`)
    .replace(/response=[0-9a-f]+/, `response=${proof}`)
    .replace(/authzid="ann"/, `authzid="${authzid}"`);
}
