/** What it takes an ensemble of its own to see: a server that is cut off from the others and serves reads, and other members. */

import assert from 'node:assert/strict';
import { type Client, type ClientOptions, connect, isZooKeeperError } from '@headkeeper/client';
import { superDigest } from '../data-directory/round-trip.ts';
import { Ensemble, type EnsembleOptions } from '../ensemble/ensemble.ts';
import type { Member, MemberKind } from '../ensemble/member.ts';
import { until } from '../ensemble/waiting.ts';
import type { Verdict } from './case.ts';
import type { ServerKind } from './place.ts';

export const ensembleTitles = [
  'read-only mode: a server that hears no other serves reads to those who ask for it, and its client finds one that takes writes',
  'reconfig: a server leaves, comes back as an observer, and becomes a voter again',
] as const;

const TICK_MS = 500;
/** Longer than a server takes to find out that it is cut off, and an election. */
const PATIENCE_MS = 30_000;
const SUPER: ClientOptions = { auth: [{ scheme: 'digest', auth: 'super:test' }] };

/** One verdict for each title. */
export async function ensembleVerdicts(kind: ServerKind): Promise<readonly Verdict[]> {
  const member = (kind === 'headkeeper' ? kind : kind.slice('apache-'.length)) as MemberKind;
  const common = { kinds: [member, member, member], tickTime: TICK_MS };
  const partitioned = {
    ...common,
    // Without local sessions Apache's servers in read-only mode take nobody.
    settings: { localSessionsEnabled: 'true', ...(member === 'headkeeper' ? { 'readonlymode.enabled': 'true' } : {}) },
    // Apache takes it from nowhere else.
    properties: { 'readonlymode.enabled': 'true' },
  };
  const settings = { 'DigestAuthenticationProvider.superDigest': superDigest, reconfigEnabled: 'true' };
  return [await verdict(partitioned, readOnly), await verdict({ ...common, settings }, reconfigure)];
}

async function verdict(
  options: EnsembleOptions,
  run: (ensemble: Ensemble, open: Open) => Promise<void>,
): Promise<Verdict> {
  const clients: Client[] = [];
  let ensemble: Ensemble | null = null;
  try {
    ensemble = await Ensemble.start(options);
    await run(ensemble, async (members, more = {}) => {
      const client = await connect(addressOf(members), {
        sessionTimeoutMs: 10 * TICK_MS,
        connectTimeoutMs: PATIENCE_MS,
        requestTimeoutMs: PATIENCE_MS,
        ...more,
      });
      clients.push(client);
      return client;
    });
    return 'passed';
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  } finally {
    await Promise.all(clients.map((client) => client.close()));
    await ensemble?.end(true);
  }
}

type Open = (members: readonly Member[], options?: ClientOptions) => Promise<Client>;

function addressOf(members: readonly Member[]): string {
  return members.map(({ clientPort }) => `127.0.0.1:${clientPort}`).join(',');
}

async function readOnly(ensemble: Ensemble, open: Open): Promise<void> {
  const { members } = ensemble;
  const cutOff = members.at(-1) as Member;
  const others = members.filter((member) => member !== cutOff);
  const first = await open(others);
  await first.create('/both', 'before');
  const local = await open([cutOff]);
  await local.sync();
  await local.close();

  // To the one that is left it is as if the network had gone: relays would not do, for servers make election connections
  // to the address that the other one says, too.
  for (const member of others) member.pause();
  await until('a server in read-only mode', PATIENCE_MS, async () => (await cutOff.mode()) === 'read-only');
  const reader = await open([cutOff], { readOnly: true });
  assert.equal(reader.state, 'connectedReadOnly');
  assert.equal(textOf(await reader.getData('/both')), 'before');
  assert.deepEqual([...(await reader.getChildren('/')).children].sort(), ['both', 'zookeeper']);
  for (const write of [() => reader.setData('/both', 'x'), () => reader.create('/new'), () => reader.delete('/both')]) {
    await assert.rejects(write(), (error) => {
      return isZooKeeperError(error, 'notReadOnly') && error.outcome === 'not applied';
    });
  }
  await assert.rejects(open([cutOff], { connectTimeoutMs: 2_000 }), (error) =>
    isZooKeeperError(error, 'connectionLoss'),
  );

  // It looks for a server that takes writes, and finds one as soon as there is one.
  const isWritable = new Promise<void>((resolve) => {
    reader.onEvent((event) => {
      if (event.type === 'connected' && !event.readOnly) resolve();
    });
  });
  reader.updateServers(addressOf(members));
  for (const member of others) member.resume();
  await isWritable;
  // Who has stood still may take it before finding out that its leader is gone, and part with it once more.
  await until('a write', PATIENCE_MS, () => isWritten(reader));
  assert.equal(reader.state, 'connected');
  assert.equal(textOf(await reader.getData('/both')), 'before');
  await ensemble.waitUntilWhole();
  const again = await open([cutOff], { readOnly: true });
  await again.sync();
  assert.equal(again.state, 'connected');
  assert.equal(textOf(await again.getData('/new')), 'by the reader');
}

/** Writes `/new`; false when the connection was lost before the answer came. */
async function isWritten(client: Client): Promise<boolean> {
  try {
    await client.create('/new', 'by the reader');
    return true;
  } catch (error) {
    if (isZooKeeperError(error, 'connectionLoss')) return false;
    // Then an attempt before was applied.
    if (isZooKeeperError(error, 'nodeExists')) return true;
    throw error;
  }
}

async function reconfigure(ensemble: Ensemble, open: Open): Promise<void> {
  const { members } = ensemble;
  const leader = await ensemble.waitUntilWhole();
  const mover = members.find((member) => member !== leader) as Member;
  const others = members.filter((member) => member !== mover);
  const line = (role: string): string => {
    const { sid, quorumPort, electionPort, clientPort } = mover;
    return `server.${sid}=127.0.0.1:${quorumPort}:${electionPort}:${role};127.0.0.1:${clientPort}`;
  };
  const admin = await open(others, SUPER);
  const stranger = await open(others);
  const before = await admin.getConfig();
  assert.deepEqual([...before.servers.keys()].sort(), [1, 2, 3]);
  const told = new Promise<string>((resolve) => {
    void admin.getConfig({ watch: ({ type }) => resolve(type) });
  });
  await assert.rejects(stranger.reconfig({ leaving: [mover.sid] }), (error) => isZooKeeperError(error, 'noAuth'));

  const without = await admin.reconfig({ leaving: [mover.sid], fromVersion: before.version });
  assert.equal(without.servers.has(mover.sid), false);
  assert.equal(without.servers.size, 2);
  assert.ok(without.version > before.version);
  assert.equal(await told, 'dataChanged');
  await assert.rejects(admin.reconfig({ joining: [line('observer')], fromVersion: before.version }), (error) =>
    isZooKeeperError(error, 'badVersion'),
  );

  const observed = await admin.reconfig({ joining: [line('observer')], fromVersion: without.version });
  assert.equal(observed.servers.size, 3);
  assert.match(observed.servers.get(mover.sid) ?? '', /:observer;/);
  const atObserver = await open([mover]);
  await admin.create('/reconfigured', 'x');
  await atObserver.sync();
  assert.equal(textOf(await atObserver.getData('/reconfigured')), 'x');

  const whole = await admin.reconfig({ joining: [line('participant')] });
  assert.match(whole.servers.get(mover.sid) ?? '', /:participant;/);
  assert.deepEqual((await stranger.getConfig()).servers, whole.servers);
  await admin.setData('/reconfigured', 'y');
}

function textOf({ data }: { readonly data: Uint8Array | null }): string {
  return new TextDecoder().decode(data ?? new Uint8Array());
}
