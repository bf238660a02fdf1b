import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode } from '@headkeeper/protocol';
import { CoreHarness } from '@headkeeper/testkit';
import { creation, make, member, setting, summary, version } from '../core/requests.ts';
import { ALICE_ONLY, alice, wasTold } from './people.ts';

const { noAuth, noNode } = ErrorCode;

/** What a stranger meets: a znode that may not be read, with children and an ephemeral, beside nothing. */
function world() {
  const harness = new CoreHarness();
  const owner = alice(harness);
  make(owner, '/open');
  owner.must('create', creation('/private', 0, 'secret-data', ALICE_ONLY));
  owner.must('create', creation('/private/secret-child', 0, 'secret-data', ALICE_ONLY));
  owner.must('create', creation('/private/secret-ephemeral', 1, '', ALICE_ONLY));
  for (let i = 0; i < 3; i++) owner.must('setData', setting('/private', 'secret-data'));
  return { harness, owner, stranger: harness.connect() };
}

test('a znode that may not be read says that it is there, and not one thing more', () => {
  const { stranger } = world();
  const watch = false;
  for (const [path, expected] of [
    ['/private', noAuth],
    ['/private/secret-child', noAuth],
    ['/private/missing', noNode],
    ['/missing', noNode],
  ] as const) {
    const errors = [
      stranger.call('exists', { path, watch }).err,
      stranger.call('getData', { path, watch }).err,
      stranger.call('getACL', { path }).err,
      stranger.call('getChildren', { path, watch }).err,
      stranger.call('getChildren2', { path, watch }).err,
      stranger.call('getAllChildrenNumber', { path }).err,
    ];
    assert.deepEqual(
      errors,
      Array.from({ length: 6 }, () => expected),
      path,
    );
  }
  assert.ok(!wasTold(stranger, 'secret'), 'no name, no data, no digest');
});

test('its version cannot be found out by writes that are refused, alone or in a multi', () => {
  const { harness, stranger } = world();
  for (const at of [-1, 0, 1, 2, 3, 4, 100]) {
    assert.equal(stranger.call('setData', setting('/private', 'x', at)).err, noAuth);
    assert.equal(stranger.call('setACL', { path: '/private', acl: ALICE_ONLY, version: at }).err, noAuth);
    assert.equal(stranger.call('delete', version('/private/secret-child', at)).err, noAuth);
    for (const part of [
      member.check('/private', at),
      member.setData('/private', 'x', at),
      member.delete('/private/secret-child', at),
    ]) {
      const answer = stranger.call('multi', { ops: [member.create('/open/x'), part] });
      const results = JSON.stringify(answer.body, (_key, value: unknown) =>
        typeof value === 'bigint' ? `${value}` : value,
      );
      assert.ok(results.includes(String(noAuth)) && !results.includes(String(ErrorCode.badVersion)), results);
    }
  }
  const { appendedZxid } = harness;
  assert.equal(stranger.call('exists', { path: '/open/x', watch: false }).err, noNode);
  assert.equal(harness.appendedZxid, appendedZxid);
});

test('under a parent that may not be changed nothing tells which children there are', () => {
  const { stranger } = world();
  for (const name of ['secret-child', 'missing']) {
    assert.equal(stranger.call('create', creation(`/private/${name}`)).err, noAuth, name);
    const answer = stranger.call('multi', { ops: [member.create(`/private/${name}`)] });
    assert.ok(JSON.stringify(answer.body).includes(String(noAuth)), name);
    assert.equal(stranger.call('delete', version(`/private/${name}`)).err, noAuth, name);
  }
});

test('nobody learns of the ephemerals, the watches or the identities of others', () => {
  const { owner, stranger } = world();
  owner.must('addWatch', { path: '/private', mode: 1 });
  for (const prefixPath of ['', '/', '/private', null]) {
    assert.deepEqual(stranger.must('getEphemerals', { prefixPath }).ephemerals, []);
  }
  assert.equal(stranger.call('checkWatches', { path: '/private', type: 3 }).err, ErrorCode.noWatcher);
  assert.equal(stranger.call('removeWatches', { path: '/private', type: 3 }).err, ErrorCode.noWatcher);
  assert.deepEqual(
    stranger.must('whoAmI', null).clientInfo?.map(({ authScheme }) => authScheme),
    ['ip'],
  );
  stranger.must('sync', { path: '/private' });
  owner.must('setData', setting('/private', 'y'));
  assert.deepEqual(summary(owner.take()), ['event 3 /private'], 'and nobody takes their watches away');
});
