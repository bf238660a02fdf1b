import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CreateMode, ErrorCode, encodeUtf8, WORLD_ANYONE_ALL } from '@headkeeper/protocol';
import { type Answer, MemoryClient, SimDisk } from '@headkeeper/testkit';
import { SimClock, SimServer } from './sim-server.ts';

const HANDSHAKE = {
  protocolVersion: 0,
  lastZxidSeen: 0,
  timeOut: 10_000,
  sessionId: 0n,
  passwd: null,
  readOnly: false,
} as const;

describe('txns larger than any request', () => {
  it('are read again: a session that closes with more names of ephemerals than a request may hold', () => {
    const disk = new SimDisk(1);
    const clock = new SimClock();
    const server = new SimServer(disk, clock, 1);
    server.rest();
    const client = new MemoryClient(server.server.driver);
    client.connect(HANDSHAKE, () => {});
    server.rest();
    const answers: Answer[] = [];
    for (let i = 0; i < 3; i++) {
      const body = {
        path: `/${i}${'x'.repeat(900_000)}`,
        data: encodeUtf8('alive'),
        acl: WORLD_ANYONE_ALL,
        flags: CreateMode.ephemeral,
      };
      client.request('create', body, (answer) => answers.push(answer));
    }
    client.request('closeSession', null, (answer) => answers.push(answer));
    server.rest();
    assert.deepEqual(
      answers.map(({ error }) => error),
      new Array(4).fill(ErrorCode.ok),
    );
    disk.crash('lose');
    const again = new SimServer(disk, clock, 1);
    again.rest();
    assert.equal(again.server.lastZxid, answers.at(-1)?.zxid);
    assert.equal(again.state().text(), server.state().text());
  });

  it('are refused: a multi whose access control lists grow with the identities of its client', () => {
    const disk = new SimDisk(1);
    const clock = new SimClock();
    const server = new SimServer(disk, clock, 1);
    server.rest();
    const client = new MemoryClient(server.server.driver);
    client.connect(HANDSHAKE, () => {});
    server.rest();
    const answers: Answer[] = [];
    for (let i = 0; i < 60; i++) {
      const auth = encodeUtf8(`user-${i}-${'u'.repeat(200)}:password`);
      client.request('auth', { type: 0, scheme: 'digest', auth }, (answer) => answers.push(answer));
    }
    const acl = [{ perms: 31, scheme: 'auth', id: '' }];
    const ops = Array.from({ length: 400 }, (_, i) => ({
      type: 1 as const,
      body: { path: `/${i}`, data: null, acl, flags: CreateMode.persistent },
    }));
    client.request('multi', { ops }, (answer) => answers.push(answer));
    server.rest();
    assert.equal(answers.at(-1)?.error, ErrorCode.marshallingError);
    disk.crash('lose');
    const again = new SimServer(disk, clock, 1);
    again.rest();
    assert.equal(again.state().text(), server.state().text());
  });
});
