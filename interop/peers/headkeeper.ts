/** Headkeeper itself, from this checkout, started as its users start it: the command with a zoo.cfg. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '@headkeeper/testkit';
import { writeZooCfg } from './apache-zookeeper.ts';
import { repositoryRoot } from './peer-cache.ts';
import { type ServerProcess, startServerProcess } from './server-process.ts';

/** The `headkeeper` command of this checkout, or of another one: `$HEADKEEPER_BIN`. */
export const headkeeperBin: string =
  process.env.HEADKEEPER_BIN ?? join(repositoryRoot, 'packages/cli/bin/headkeeper.js');

export interface HeadkeeperOptions {
  /** Client port on 127.0.0.1; a free one when not given. */
  readonly port?: number;
  /** Snapshots and transaction logs; created when missing. zoo.cfg and the server's log are put beside it. */
  readonly dataDir: string;
  /** Lines added to zoo.cfg; they replace the defaults of the same key. */
  readonly extraConfig?: Readonly<Record<string, string>>;
  readonly startTimeoutMs?: number;
}

/** Starts a standalone Headkeeper and waits until it answers `srvr`. */
export async function startHeadkeeper(options: HeadkeeperOptions): Promise<ServerProcess> {
  if (!existsSync(headkeeperBin)) throw new Error(`${headkeeperBin} is missing: build the checkout first`);
  const port = options.port ?? (await freePort());
  const config = writeZooCfg(options.dataDir, port, options.extraConfig ?? {});
  return startServerProcess({
    name: 'Headkeeper',
    argv: [process.execPath, headkeeperBin, 'server', config],
    port,
    logFile: `${options.dataDir}.log`,
    ...(options.startTimeoutMs === undefined ? {} : { startTimeoutMs: options.startTimeoutMs }),
  });
}
