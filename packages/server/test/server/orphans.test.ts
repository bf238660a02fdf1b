import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ErrorCode, encodeUtf8, WORLD_ANYONE_ALL } from '@headkeeper/protocol';
import { type Answer, MemoryClient, SimDisk } from '@headkeeper/testkit';
import { createSnapshotStore } from '../../src/adapters/disk/snapshot-files.ts';
import { SnapshotEncoder } from '../../src/core/log/snapshot-encoder.ts';
import { SimClock, SimServer } from './sim-server.ts';

const HANDSHAKE = {
  protocolVersion: 0,
  lastZxidSeen: 0,
  timeOut: 10_000,
  sessionId: 0n,
  passwd: null,
  readOnly: false,
} as const;

/** A directory whose snapshot holds the ephemeral /e of a session that does not exist, as old servers could leave it. */
function diskWithOrphan(): SimDisk {
  const disk = new SimDisk(1);
  for (const folder of ['/data', '/data/version-2', '/log', '/log/version-2']) disk.makeFolderSync(folder);
  const encoder = new SnapshotEncoder(64);
  encoder.begin(0);
  encoder.beginAcls(0);
  encoder.beginNodes();
  const nothing = new Uint8Array(0);
  encoder.node(nothing, 0, 0, nothing, 0, 0, -1, new Int32Array(15), 0);
  const stat = new Int32Array(15);
  stat.set([0, 3, 0, 3], 0);
  stat.set([0x1000000, 77], 11);
  encoder.node(encodeUtf8('/e'), 0, 2, nothing, 0, 0, -1, stat, 0);
  encoder.end(null, null);
  const sink = createSnapshotStore({ disk, folder: '/data/version-2' }).begin(5, () => {});
  for (let chunk = encoder.takeChunk(); chunk !== null; chunk = encoder.takeChunk()) sink.write(chunk);
  sink.finish((error) => assert.equal(error, null));
  disk.run();
  return disk;
}

describe('ephemerals without a session', () => {
  it('are gone for good: what takes their place outlives the next start', () => {
    const disk = diskWithOrphan();
    const clock = new SimClock();
    const server = new SimServer(disk, clock, 1);
    server.rest();
    assert.ok(server.ready);
    assert.equal(server.state().nodes.has('/e'), false);
    const client = new MemoryClient(server.server.driver);
    client.connect(HANDSHAKE, () => {});
    server.rest();
    const answers: Answer[] = [];
    const body = { path: '/e', data: encodeUtf8('mine'), acl: WORLD_ANYONE_ALL, flags: 0 };
    client.request('create', body, (answer) => answers.push(answer));
    server.rest();
    assert.equal(answers[0]?.error, ErrorCode.ok);
    disk.crash('lose');
    clock.now += 1000;
    const again = new SimServer(disk, clock, 1);
    again.rest();
    assert.equal(again.state().text(), server.state().text());
    assert.equal(again.state().nodes.get('/e')?.data, 'mine');
  });
});
