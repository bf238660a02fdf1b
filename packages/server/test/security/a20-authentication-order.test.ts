import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode, encodeUtf8 } from '@headkeeper/protocol';
import { CoreHarness } from '@headkeeper/testkit';
import { creation } from '../core/requests.ts';
import { ALICE_ID, ALICE_ONLY, alice, EVERYBODY } from './people.ts';

test('an authentication that fails ends the connection, and what was sent behind it is not carried out', () => {
  const harness = new CoreHarness();
  const client = harness.connect();
  client.askAll([
    client.encode('auth', { type: 0, scheme: 'nonsense', auth: encodeUtf8('a:b') }, -4),
    client.encode('create', creation('/behind')),
  ]);
  assert.ok(client.closed);
  assert.deepEqual(
    client.take().map((one) => (one.kind === 'reply' ? one.err : one.kind)),
    [ErrorCode.authFailed],
  );
  assert.equal(harness.connect().call('exists', { path: '/behind', watch: false }).err, ErrorCode.noNode);
});

test('an identity is whole or nothing: parts of one, and one under another scheme, grant nothing', () => {
  const harness = new CoreHarness();
  const owner = alice(harness);
  const [user, hash] = ALICE_ID.split(':') as [string, string];
  for (const [name, id] of Object.entries({
    user: `${user}:x`,
    empty: `:${hash}`,
    other: `bob:${hash}`,
    lower: `${user}:${hash.toLowerCase()}`,
  })) {
    const acl = [{ perms: 31, scheme: 'digest', id }];
    owner.must('create', creation(`/${name}`, 0, '', acl));
    assert.equal(owner.call('getData', { path: `/${name}`, watch: false }).err, ErrorCode.noAuth, name);
  }
  // An address that reads like the identity, and an identity that reads like the address.
  const client = harness.open('10.0.0.1').connect();
  client.must('auth', { type: 0, scheme: 'digest', auth: encodeUtf8('10.0.0.2') });
  owner.must('create', creation('/by-address', 0, '', [{ perms: 31, scheme: 'ip', id: '10.0.0.2' }]));
  assert.equal(client.call('getData', { path: '/by-address', watch: false }).err, ErrorCode.noAuth);
  const right = harness.open('10.0.0.2').connect();
  right.must('getData', { path: '/by-address', watch: false });
});

test('one of several identities that has the right is enough, in any order, and each right must be one that somebody has', () => {
  const harness = new CoreHarness();
  const acl = [
    { perms: 1, scheme: 'digest', id: ALICE_ID },
    { perms: 2, scheme: 'ip', id: '10.0.0.0/24' },
  ];
  harness.connect().must('create', creation('/both', 0, '', acl));
  for (const order of [
    ['alice:wonder-0f3a', 'bob:b'],
    ['bob:b', 'alice:wonder-0f3a'],
  ]) {
    const client = harness.open('10.0.0.9').connect();
    assert.equal(client.call('getData', { path: '/both', watch: false }).err, ErrorCode.noAuth);
    for (const credentials of order) client.must('auth', { type: 0, scheme: 'digest', auth: encodeUtf8(credentials) });
    client.must('getData', { path: '/both', watch: false });
    client.must('setData', { path: '/both', data: null, version: -1 });
    assert.equal(client.call('setACL', { path: '/both', acl: EVERYBODY, version: -1 }).err, ErrorCode.noAuth);
  }
});

test('access control lists can be switched off in one way only, and that has to be said', async () => {
  const { parseServerConfig } = await import('../../src/config/parse.ts');
  const parse = (line: string) => parseServerConfig(`dataDir=/d\nclientPort=2181\n${line}`, { file: null }).skipAcl;
  assert.equal(parse(''), false);
  assert.equal(parse('skipACL=yes'), true);
  for (const skipAcl of [false, true]) {
    const harness = new CoreHarness({ skipAcl });
    alice(harness).must('create', creation('/private', 0, '', ALICE_ONLY));
    const error = harness.connect().call('getData', { path: '/private', watch: false }).err;
    assert.equal(error, skipAcl ? 0 : ErrorCode.noAuth);
  }
});
