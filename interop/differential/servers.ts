import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@headkeeper/testkit';
import { type ApacheVersion, startApacheZooKeeper, writeZooCfg } from '../peers/apache-zookeeper.ts';
import { startHeadkeeper } from '../peers/headkeeper.ts';
import { type ServerProcess, startServerProcess } from '../peers/server-process.ts';
import { SUPER_DIGEST } from './acls.ts';

/** What can stand on either side. */
export type ServerKind = ApacheVersion | 'headkeeper';

/**
 * Settings that take clocks out of the comparison (no session expires, no container is collected, while a run lasts) and
 * switch on what is to be compared. Nothing is lost by not forcing the log to disk: no run restarts a server.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  tickTime: '600000',
  minSessionTimeout: '36000000',
  maxSessionTimeout: '86400000',
  snapCount: '10000000',
  extendedTypesEnabled: 'true',
  enforceQuota: 'true',
  forceSync: 'no',
  'DigestAuthenticationProvider.superDigest': SUPER_DIGEST,
};

const PROPERTIES: Readonly<Record<string, string>> = {
  'znode.container.checkIntervalMs': '86400000',
  'zookeeper.log.threshold': 'OFF',
};

const HEADKEEPER_SETTINGS: Readonly<Record<string, string>> = { 'znode.container.checkIntervalMs': '86400000' };

export interface StartedServer {
  readonly process: ServerProcess;
  /** Stops it and removes its data. */
  end(): Promise<void>;
}

export async function startServer(kind: ServerKind): Promise<StartedServer> {
  const folder = mkdtempSync(join(tmpdir(), 'headkeeper-differential-'));
  const dataDir = join(folder, 'data');
  const server =
    kind === 'headkeeper'
      ? await startHeadkeeper({ dataDir, extraConfig: { ...SETTINGS, ...HEADKEEPER_SETTINGS } })
      : await startApacheZooKeeper({ dataDir, version: kind, extraConfig: SETTINGS, properties: PROPERTIES });
  return endable(server, folder);
}

/** Starts a Headkeeper that lies elsewhere: the `headkeeper.js` of a copy of the build. */
export async function startHeadkeeperFrom(bin: string): Promise<StartedServer> {
  const folder = mkdtempSync(join(tmpdir(), 'headkeeper-differential-'));
  const dataDir = join(folder, 'data');
  const port = await freePort();
  const config = writeZooCfg(dataDir, port, { ...SETTINGS, ...HEADKEEPER_SETTINGS });
  const argv = [process.execPath, bin, 'server', config];
  const server = await startServerProcess({ name: 'Headkeeper (copy)', argv, port, logFile: `${dataDir}.log` });
  return endable(server, folder);
}

/** A server that ends by itself is told of with its log, which is then removed. */
function endable(server: ServerProcess, folder: string): StartedServer {
  let wanted = false;
  server.ended.then((code) => {
    if (!wanted)
      console.error(`${server.name} has ended (${code ?? 'signal'}): ${readFileSync(server.logFile, 'utf8')}`);
  });
  return {
    process: server,
    async end() {
      wanted = true;
      await server.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
