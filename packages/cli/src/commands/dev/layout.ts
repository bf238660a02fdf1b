import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { CommandError, ExitCode } from '../../exit-codes.ts';
import type { HostPort } from '../../host-port.ts';

/** One server of a local ensemble: where its files and clients are. */
export interface LocalMember {
  readonly sid: number;
  readonly folder: string;
  readonly configFile: string;
  readonly client: HostPort;
}

const HOST = '127.0.0.1';
const QUORUM_OFFSET = 100;
const ELECTION_OFFSET = 200;
const HIGHEST_PORT = 65_535;
/** Servers that a local ensemble can have: their kinds of ports must not meet. */
export const MOST_MEMBERS = 99;
const WORDS = 'conf,cons,dirs,dump,envi,isro,mntr,ruok,srvr,stat,wchs';

/**
 * Makes a folder for each server with its `zoo.cfg` and `myid`; what is there is kept, but for `zoo.cfg`, which is written
 * anew.
 *
 * @param firstPort client port of server 1; the others follow, and the ports between servers 100 and 200 above.
 * @throws CommandError when a port is taken, or there is none with such a number.
 */
export async function layOut(folder: string, count: number, firstPort: number): Promise<LocalMember[]> {
  const sids = Array.from({ length: count }, (_, at) => at + 1);
  const lastPort = firstPort + ELECTION_OFFSET + count - 1;
  if (lastPort > HIGHEST_PORT) {
    const what = `${count} servers from --port ${firstPort} on need ports up to ${lastPort}`;
    throw new CommandError(`${what}; the last one is ${HIGHEST_PORT}`, ExitCode.usage);
  }
  for (const sid of sids) {
    for (const offset of [0, QUORUM_OFFSET, ELECTION_OFFSET]) await requireFree(firstPort + offset + sid - 1);
  }
  const lines = sids.map((sid) => {
    const at = firstPort + sid - 1;
    return `server.${sid}=${HOST}:${at + QUORUM_OFFSET}:${at + ELECTION_OFFSET};${HOST}:${at}`;
  });
  return sids.map((sid) => {
    const own = path.join(folder, `server-${sid}`);
    const dataDir = path.join(own, 'data');
    const configFile = path.join(own, 'zoo.cfg');
    mkdirSync(dataDir, { recursive: true });
    const settings = [
      `dataDir=${dataDir.replaceAll('\\', '\\\\')}`,
      'tickTime=2000',
      'initLimit=10',
      'syncLimit=5',
      'standaloneEnabled=false',
      'autopurge.purgeInterval=1',
      `4lw.commands.whitelist=${WORDS}`,
    ];
    writeFileSync(configFile, `${[...settings, ...lines].join('\n')}\n`);
    if (!existsSync(path.join(dataDir, 'myid'))) writeFileSync(path.join(dataDir, 'myid'), `${sid}\n`);
    return { sid, folder: own, configFile, client: { host: HOST, port: firstPort + sid - 1 } };
  });
}

function requireFree(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'something listens there' : error.message;
      reject(
        new CommandError(`port ${port} cannot be used: ${why}; headkeeper dev --port chooses others`, ExitCode.usage),
      );
    });
    server.listen(port, HOST, () => server.close(() => resolve()));
  });
}
