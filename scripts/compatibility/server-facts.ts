import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseServerConfig, startServer } from '@headkeeper/server';

/** What a running server says of itself. */
export interface ServerFacts {
  /** The primary names of the AdminServer's commands. */
  readonly commands: ReadonlySet<string>;
}

const QUIET = { info: () => {}, warn: () => {}, error: () => {} };

/** Starts a server that leads an ensemble of one, asks its AdminServer, and stops it. */
export async function serverFacts(): Promise<ServerFacts> {
  const folder = mkdtempSync(path.join(tmpdir(), 'headkeeper-facts-'));
  try {
    const [quorum, election] = await freePorts(2);
    const text = [
      ...[`dataDir=${folder}/data`, 'clientPort=0', 'clientPortAddress=127.0.0.1', 'tickTime=100'],
      ...['initLimit=50', 'syncLimit=50', 'standaloneEnabled=false', 'admin.serverPort=0'],
      `server.1=127.0.0.1:${quorum}:${election}`,
    ].join('\n');
    const server = await startServer(parseServerConfig(text, { file: null, readFile: () => '1' }), { log: QUIET });
    try {
      return await ask(`http://127.0.0.1:${server.adminAddress?.port}/commands`);
    } finally {
      await server.stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function ask(base: string): Promise<ServerFacts> {
  const index = await (await fetch(base)).text();
  const commands = new Set([...index.matchAll(/<a href="[^"]*\/([\w-]+)">/g)].map((found) => found[1] as string));
  return { commands };
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = servers.map(
    (server) =>
      new Promise<number>((resolve) => {
        server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
      }),
  );
  const free = await Promise.all(ports);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return free;
}
