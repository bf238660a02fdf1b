import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type OpName, Reader, type RequestName } from '@headkeeper/protocol';
import { CoreHarness, type RawClient } from '@headkeeper/testkit';
import { goldenJson } from '../log/golden.ts';
import { creation } from './requests.ts';

interface GoldenFrame {
  readonly name: string;
  readonly hex: string;
  readonly decoded: {
    readonly header: { readonly xid: number };
    readonly op?: OpName | 'unknown';
    readonly body: unknown;
  };
}

const frames = new Map(goldenJson<GoldenFrame[]>('client-protocol.json').map((frame) => [frame.name, frame]));

function golden(name: string): GoldenFrame {
  const frame = frames.get(name);
  assert.ok(frame !== undefined, `there is a golden frame ${name}`);
  return frame;
}

function bytesOf(name: string): Uint8Array {
  return new Uint8Array(Buffer.from(golden(name).hex, 'hex'));
}

/** Offset of the Stat in a reply to this operation, counted from the end of the frame; null when it has none. */
const STAT_AT_END: ReadonlySet<string> = new Set(
  'exists getData setData getACL setACL getChildren2 create2 createContainer createTTL'.split(' '),
);
/** Zxids and times of a Stat, and its owner: offset and length. */
const VARYING_IN_STAT = [
  [0, 32],
  [44, 8],
  [60, 8],
] as const;

/** The frame with zeros where the reference (section 12) says that it varies. */
function masked(frame: Uint8Array, name: string): string {
  const bytes = frame.slice();
  const kind = name.split('/')[1] as string;
  if (kind === 'response') return maskedHandshake(bytes);
  const { op, header } = golden(name).decoded;
  if (op !== 'unknown' && header.xid !== -4) bytes.fill(0, 8, 16);
  if (kind.startsWith('event')) return hex(bytes.fill(0, 8, 16));
  if (op !== undefined && STAT_AT_END.has(op) && bytes.length > 20) maskStat(bytes, bytes.length - 68);
  if (op === 'multi' || op === 'multiRead') maskResults(bytes);
  return hex(bytes);
}

function maskStat(bytes: Uint8Array, at: number): void {
  for (const [offset, length] of VARYING_IN_STAT) bytes.fill(0, at + offset, at + offset + length);
}

function maskedHandshake(bytes: Uint8Array): string {
  // An answer that refuses is the same everywhere.
  if (new Reader(bytes, 8).int() !== 0) bytes.fill(0, 12, 20).fill(0, 24, 40);
  return hex(bytes);
}

/** Masks the Stat of each result. */
function maskResults(bytes: Uint8Array): void {
  const r = new Reader(bytes, 20);
  while (r.remaining() > 0) {
    const type = r.int();
    if (r.boolean()) return;
    r.skip(4);
    if (type === -1) r.skip(4);
    if (type === 1 || type === 15) r.skip(r.length());
    if (type === 4) r.skip(r.length());
    if (type === 8) for (let left = r.int(); left > 0; left--) r.skip(r.length());
    if (type === 4 || type === 5 || type === 15) {
      maskStat(bytes, r.pos);
      r.skip(68);
    }
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** Sends the golden request; what comes back must be the golden event and reply. */
function replay(client: RawClient, name: string, answers: readonly string[] = ['reply']): void {
  const { header, op } = golden(`${name}/request`).decoded;
  client.expect(op === 'unknown' ? null : (op as RequestName), header.xid);
  const before = client.bytes.length;
  client.send(bytesOf(`${name}/request`));
  const arrived = split(Buffer.concat(client.bytes.slice(before)));
  assert.deepEqual(
    arrived.map((frame, i) => masked(frame, `${name}/${answers[i] ?? answers.at(-1)}`)),
    answers.map((answer) => masked(bytesOf(`${name}/${answer}`), `${name}/${answer}`)),
    name,
  );
}

function split(stream: Uint8Array): Uint8Array[] {
  const all: Uint8Array[] = [];
  const r = new Reader(stream);
  while (r.remaining() > 0) {
    const start = r.pos;
    r.skip(r.int());
    all.push(stream.slice(start, r.pos));
  }
  return all;
}

const DEFAULTS = { extendedTypesEnabled: false, enforceQuota: false };

test('golden handshakes', () => {
  const harness = new CoreHarness(DEFAULTS);
  for (const name of ['connect', 'connect-python', 'connect-old-client', 'connect-can-be-read-only']) {
    const client = harness.open();
    client.send(bytesOf(`${name}/request`));
    const [answer] = client.bytes as [Uint8Array];
    assert.equal(masked(answer, `${name}/response`), masked(bytesOf(`${name}/response`), `${name}/response`), name);
  }
  const expired = harness.open();
  expired.send(bytesOf('connect-expired/request'));
  assert.equal(hex(Buffer.concat(expired.bytes)), golden('connect-expired/response').hex);
  assert.ok(expired.closed);
  const ahead = harness.open();
  ahead.send(bytesOf('connect-zxid-ahead/request'));
  assert.deepEqual([ahead.bytes.length, ahead.closed], [0, true]);
});

test('a golden re-attach', () => {
  const harness = new CoreHarness(DEFAULTS);
  // The session id of the capture, as if a server before this one had made it.
  harness.replica.serving.sessions.add(0x01000018, 0xa50e0000 | 0, 10_000);
  harness.replica.serving.setLastZxid(16);
  const client = harness.open();
  client.send(bytesOf('connect-renew/request'));
  assert.equal(hex(Buffer.concat(client.bytes)), golden('connect-renew/response').hex);
});

test('golden requests of one Java client, in the order of their capture', () => {
  const harness = new CoreHarness(DEFAULTS);
  const client = harness.connect();
  replay(client, 'create');
  replay(client, 'create2-ephemeral-sequential');
  replay(client, 'createContainer-null-data');
  replay(client, 'createTTL-unimplemented');
  replay(client, 'create-nodeexists');
  replay(client, 'getData');
  replay(client, 'getData-watch');
  replay(client, 'exists-nonode');
  replay(client, 'exists');
  client.must('getChildren', { path: '/v', watch: false });
  client.must('getChildren2', { path: '/v', watch: true });
  replay(client, 'setData-badversion');
  replay(client, 'setData-with-watch-event', ['event', 'reply']);
  replay(client, 'getACL');
  replay(client, 'sync');
  replay(client, 'multi-success', ['event', 'reply']);
  replay(client, 'multi-failure');
  client.must('addWatch', { path: '/nowhere', mode: 0 });
  replay(client, 'addWatch-persistent-recursive');
  replay(client, 'addWatch-persistent');
  replay(client, 'create-under-recursive-watch', ['event', 'reply']);
  replay(client, 'delete', ['event', 'reply']);
  replay(client, 'delete-notempty');
  replay(client, 'getEphemerals');
  replay(client, 'getAllChildrenNumber');
  replay(client, 'auth-digest');
  replay(client, 'create-auth-acl');
  replay(client, 'setACL');
  replay(client, 'setData-noauth');
  replay(client, 'getData-config-standalone');
  replay(client, 'checkWatches');
  replay(client, 'ping');
  replay(client, 'setWatches2');
  replay(client, 'removeWatches');
  replay(client, 'removeWatches-nowatcher');
  replay(client, 'closeSession');
  assert.ok(client.closed);
});

test('golden requests that stand alone', () => {
  const harness = new CoreHarness(DEFAULTS);
  const client = harness.connect();
  replay(client, 'sasl-on-server-without-sasl');
  client.must('create', creation('/v'));
  client.must('create', creation('/v/child'));
  replay(client, 'create-bad-path');
  replay(client, 'multi-empty');
  replay(client, 'multi-unsupported-op');
  replay(client, 'getEphemerals-empty');
  replay(client, 'reconfig-disabled');
  replay(client, 'truncated-request');
  client.must('create', creation('/nulld', 0, null));
  replay(client, 'getData-null-data');
  replay(client, 'setWatches-xid-8', ['event', 'event2', 'reply']);
  replay(client, 'unknown-opcode');
  assert.ok(client.closed, 'an unknown operation closes the connection');
  const stranger = harness.connect();
  replay(stranger, 'auth-unknown-scheme');
  assert.ok(stranger.closed, 'a refused identity closes the connection');
});

test('golden requests of a server with extended types and enforced quotas', () => {
  const harness = new CoreHarness();
  const client = harness.connect();
  replay(client, 'createTTL');
  replay(client, 'createTTL-sequential');
  client.must('create', creation('/q'));
  client.must('create', creation('/zookeeper/quota/q'));
  client.must('create', creation('/zookeeper/quota/q/zookeeper_limits', 0, 'count=-1,bytes=-1=;countHardLimit=1'));
  client.must('create', creation('/zookeeper/quota/q/zookeeper_stats', 0, 'count=1,bytes=0'));
  replay(client, 'create-quota-exceeded');
  replay(client, 'getData-quota-stats');
});

test('children are the same set, in any order', () => {
  const client = new CoreHarness(DEFAULTS).connect();
  replay(client, 'create');
  replay(client, 'create2-ephemeral-sequential');
  replay(client, 'createContainer-null-data');
  const { children } = golden('getChildren/reply').decoded.body as { children: string[] };
  assert.deepEqual(client.must('getChildren', { path: '/v', watch: false }).children?.toSorted(), children);
  assert.deepEqual(client.must('getChildren2', { path: '/v', watch: false }).children?.toSorted(), children);
});
