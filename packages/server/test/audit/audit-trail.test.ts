import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ErrorCode, OpCode } from '@headkeeper/protocol';
import { CoreHarness } from '@headkeeper/testkit';
import { type AuditEvent, AuditTrail } from '../../src/core/audit-trail.ts';
import { type CoreSettings, PLAIN_AUTHENTICATION } from '../../src/core/settings.ts';

const OPEN = [{ perms: 31, scheme: 'world', id: 'anyone' }];
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function watched(settings: Partial<CoreSettings> = {}): { harness: CoreHarness; events: AuditEvent[] } {
  const harness = new CoreHarness(settings);
  const events: AuditEvent[] = [];
  harness.replica.serving.audit = new AuditTrail((event) => events.push(event));
  return { harness, events };
}

const brief = (events: readonly AuditEvent[]): unknown[] =>
  events.map(({ operation, path, mode, error }) => [operation, path, mode, error]);

describe('what the audit log hears of', () => {
  it('is each change with who asked for it, and each that failed with the path that was asked for', () => {
    const { harness, events } = watched();
    const client = harness.connect();
    assert.equal(client.call('auth', { type: 0, scheme: 'digest', auth: bytes('ann:secret') }).err, 0);
    client.call('create', { path: '/a', data: null, acl: OPEN, flags: 0 });
    client.call('create', { path: '/a', data: null, acl: OPEN, flags: 0 });
    client.call('create2', { path: '/a/s-', data: null, acl: OPEN, flags: 3 });
    client.call('setData', { path: '/a', data: bytes('x'), version: -1 });
    client.call('setData', { path: '/gone', data: null, version: -1 });
    client.call('setACL', { path: '/a', acl: OPEN, version: -1 });
    client.call('getData', { path: '/a', watch: false });
    client.call('delete', { path: '/a', version: -1 });
    assert.deepEqual(brief(events), [
      ['create', '/a', 0, 0],
      ['create', '/a', 0, ErrorCode.nodeExists],
      ['create', '/a/s-0000000000', 3, 0],
      ['setData', '/a', null, 0],
      ['setData', '/gone', null, ErrorCode.noNode],
      ['setAcl', '/a', null, 0],
      ['delete', '/a', null, ErrorCode.notEmpty],
    ]);
    assert.deepEqual(events[5]?.acl, OPEN);
    assert.deepEqual(
      events[0]?.identities?.map(({ scheme }) => scheme),
      ['ip', 'digest'],
    );
  });

  it('is each part of a multi, or only that it failed', () => {
    const { harness, events } = watched();
    const client = harness.connect();
    const create = (path: string, flags: number) =>
      ({ type: OpCode.create, body: { path, data: null, acl: OPEN, flags } }) as const;
    client.call('multi', { ops: [create('/m', 0), create('/m/s-', 2)] });
    client.call('multi', { ops: [create('/n', 0), create('/m', 0)] });
    assert.deepEqual(brief(events), [
      ['create', '/m', 0, 0],
      ['create', '/m/s-0000000000', 2, 0],
      ['multiOperation', null, null, ErrorCode.nodeExists],
    ]);
  });

  it('is the end of ephemerals, by the server itself', () => {
    const { harness, events } = watched();
    const client = harness.connect();
    client.call('create', { path: '/e', data: null, acl: OPEN, flags: 1 });
    client.call('closeSession', null);
    assert.deepEqual(brief(events).at(-1), ['ephemeralZNodeDeletionOnSessionCloseOrExpire', '/e', null, 0]);
    assert.equal(events.at(-1)?.identities, null);
  });

  it('is a change whose client does not wait for the answer', () => {
    const { harness, events } = watched();
    const client = harness.connect();
    harness.autoDurable = false;
    client.ask('create', { path: '/hit-and-run', data: null, acl: OPEN, flags: 0 });
    client.disconnect();
    assert.equal(events.length, 0);
    harness.durable();
    assert.deepEqual(brief(events), [['create', '/hit-and-run', 0, 0]]);
    assert.deepEqual(
      events.map(({ address }) => address),
      ['127.0.0.1'],
    );
  });

  it('is what this server refuses by its own state, before there is a txn', () => {
    const { harness, events } = watched({ authentication: { ...PLAIN_AUTHENTICATION, checksAclEagerly: true } });
    const client = harness.connect();
    const readOnly = [{ perms: 1, scheme: 'world', id: 'anyone' }];
    client.call('create', { path: '/closed', data: null, acl: readOnly, flags: 0 });
    assert.equal(client.call('setData', { path: '/closed', data: null, version: -1 }).err, ErrorCode.noAuth);
    assert.deepEqual(brief(events).at(-1), ['setData', '/closed', null, ErrorCode.noAuth]);
    assert.equal(events.at(-1)?.zxid, null);
  });

  it('is failed authentication, with the scheme and without the credentials', () => {
    const { harness, events } = watched();
    const client = harness.connect();
    client.ask('auth', { type: 0, scheme: 'nosuch', auth: bytes('pass-word') });
    assert.deepEqual(brief(events), [['authentication', null, null, ErrorCode.authFailed]]);
    assert.equal(events[0]?.scheme, 'nosuch');
    assert.doesNotMatch(JSON.stringify(events), /pass-word/);
  });
});
