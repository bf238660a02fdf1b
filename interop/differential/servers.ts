import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApacheVersion, startApacheZooKeeper } from '../peers/apache-zookeeper.ts';
import { startHeadkeeper } from '../peers/headkeeper.ts';
import type { ServerProcess } from '../peers/server-process.ts';
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
  const process =
    kind === 'headkeeper'
      ? await startHeadkeeper({ dataDir, extraConfig: { ...SETTINGS, ...HEADKEEPER_SETTINGS } })
      : await startApacheZooKeeper({ dataDir, version: kind, extraConfig: SETTINGS, properties: PROPERTIES });
  return {
    process,
    async end() {
      await process.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
