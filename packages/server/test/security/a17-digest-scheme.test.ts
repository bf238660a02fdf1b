import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode, encodeUtf8 } from '@headkeeper/protocol';
import { CoreHarness, type RawClient } from '@headkeeper/testkit';
import { creation } from '../core/requests.ts';
import { ALICE_ONLY, alice, digestId } from './people.ts';

function authenticate(client: RawClient, credentials: string): number {
  return client.call('auth', { type: 0, scheme: 'digest', auth: encodeUtf8(credentials) }).err;
}

test('only the very password opens what a digest guards, however near another comes', () => {
  const harness = new CoreHarness();
  alice(harness).must('create', creation('/private', 0, 'x', ALICE_ONLY));
  const wrong = [
    ...['alice:wonder-0f3', 'alice:wonder-0f3a ', 'alice:Wonder-0f3a', 'Alice:wonder-0f3a', 'alice', 'alice:'],
    ...['alice:wonder-0f3a\0', 'alice:wonder-0f3a:', ':alice:wonder-0f3a', 'bob:wonder-0f3a', ''],
    // The hash itself proves nothing: who has read it in a backup is not let in.
    ALICE_ONLY[0]?.id as string,
  ];
  const stranger = harness.connect();
  for (const credentials of wrong) {
    authenticate(stranger, credentials);
    assert.equal(stranger.call('getData', { path: '/private', watch: false }).err, ErrorCode.noAuth, credentials);
  }
  authenticate(stranger, 'alice:wonder-0f3a');
  assert.equal(stranger.call('getData', { path: '/private', watch: false }).err, 0);
});

test('the super user is who knows the password, not who knows the digest or the name', () => {
  const harness = new CoreHarness({ superDigest: digestId('super:power') });
  alice(harness).must('create', creation('/private', 0, 'x', ALICE_ONLY));
  for (const credentials of ['super:poor', 'super', 'super:', digestId('super:power'), 'Super:power', 'super:power ']) {
    const client = harness.connect();
    authenticate(client, credentials);
    assert.equal(client.call('getData', { path: '/private', watch: false }).err, ErrorCode.noAuth, credentials);
  }
  const client = harness.connect();
  authenticate(client, 'super:power');
  assert.equal(client.call('getData', { path: '/private', watch: false }).err, 0);
});

test('without a super digest nobody is super', () => {
  const harness = new CoreHarness();
  alice(harness).must('create', creation('/private', 0, 'x', ALICE_ONLY));
  for (const scheme of ['super', 'digest', 'sasl', 'x509', 'world', 'auth']) {
    for (const credentials of ['', 'super:', 'super:undefined', 'null', 'super:null', 'anyone']) {
      const client = harness.connect();
      client.call('auth', { type: 0, scheme, auth: encodeUtf8(credentials) });
      if (client.closed) continue;
      assert.equal(client.call('getData', { path: '/private', watch: false }).err, ErrorCode.noAuth, scheme);
    }
  }
});

test('a stronger hash can be had, and then the weaker one opens nothing', () => {
  for (const digestAlgorithm of ['SHA256', 'SHA512'] as const) {
    const harness = new CoreHarness({ digestAlgorithm });
    const owner = alice(harness);
    owner.must('create', creation('/weak', 0, 'x', ALICE_ONLY));
    assert.equal(owner.call('getData', { path: '/weak', watch: false }).err, ErrorCode.noAuth);
    owner.must('create', creation('/strong', 0, 'x', [{ perms: 31, scheme: 'auth', id: '' }]));
    owner.must('getData', { path: '/strong', watch: false });
  }
});
