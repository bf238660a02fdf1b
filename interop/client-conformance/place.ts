/** Where the suite runs: servers of one kind, alone or three, that can be killed and come back. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApacheVersion, startApacheZooKeeper } from '#peers/apache-zookeeper';
import { startHeadkeeper } from '#peers/headkeeper';
import type { ServerProcess } from '#peers/server-process';
import { Ensemble } from '../ensemble/ensemble.ts';
import type { MemberKind } from '../ensemble/member.ts';

export type ServerKind = 'headkeeper' | `apache-${ApacheVersion}`;

export const serverKinds: readonly ServerKind[] = [
  'headkeeper',
  'apache-3.9.5',
  'apache-3.8.6',
  'apache-3.7.2',
  'apache-3.6.4',
  'apache-3.5.10',
];

export interface Place {
  readonly name: string;
  /** Minor version of Apache ZooKeeper whose features the servers have. */
  readonly minor: number;
  readonly connectString: string;
  /** Kills the server that a client is connected to. A single one is started again on its data at once. */
  killServer(port: number): Promise<void>;
  /** Starts what was killed. */
  heal(): Promise<void>;
  end(): Promise<void>;
}

const SETTINGS = { extendedTypesEnabled: 'true', 'znode.container.checkIntervalMs': '1000' };
const PROPERTIES = { 'zookeeper.extendedTypesEnabled': 'true', 'znode.container.checkIntervalMs': '1000' };

export async function openPlace(kind: ServerKind, size: 1 | 3): Promise<Place> {
  const minor = kind === 'headkeeper' ? 9 : Number(/3\.(\d+)/.exec(kind)?.[1]);
  return size === 1 ? openSingle(kind, minor) : openEnsemble(kind, minor);
}

async function openSingle(kind: ServerKind, minor: number): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'headkeeper-conformance-'));
  const dataDir = join(folder, 'data');
  const start = (port?: number): Promise<ServerProcess> => {
    const common = { dataDir, ...(port === undefined ? {} : { port }) };
    if (kind === 'headkeeper') return startHeadkeeper({ ...common, extraConfig: { ...SETTINGS, tickTime: '500' } });
    const version = kind.slice('apache-'.length) as ApacheVersion;
    return startApacheZooKeeper({ ...common, version, properties: PROPERTIES, extraConfig: { tickTime: '500' } });
  };
  let server = await start();
  return {
    name: kind,
    minor,
    connectString: server.address,
    killServer: async () => {
      await server.kill();
      server = await start(server.port);
    },
    heal: () => Promise.resolve(),
    end: async () => {
      await server.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function openEnsemble(kind: ServerKind, minor: number): Promise<Place> {
  const one = (kind === 'headkeeper' ? kind : kind.slice('apache-'.length)) as MemberKind;
  const options = {
    tickTime: 500,
    settings: { '4lw.commands.whitelist': '*', ...(one === 'headkeeper' ? SETTINGS : {}) },
  };
  const ensemble = await Ensemble.start({ kinds: [one, one, one], ...options, properties: PROPERTIES });
  return {
    name: `three of ${kind}`,
    minor,
    connectString: ensemble.members.map(({ clientPort }) => `127.0.0.1:${clientPort}`).join(','),
    killServer: async (port) => {
      const member = ensemble.members.find(({ clientPort }) => clientPort === port);
      if (member === undefined) throw new Error(`no server has the port ${port}`);
      await member.kill();
    },
    heal: async () => {
      for (const member of ensemble.members) if (!member.running) await member.start();
      await ensemble.waitUntilWhole();
    },
    end: () => ensemble.end(true),
  };
}
