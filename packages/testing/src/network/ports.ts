import { createServer, type Server } from 'node:net';
import { TestingError } from '../testing-error.ts';

export const HOST = '127.0.0.1';
/**
 * Where free ports are looked for: below those that operating systems give to outgoing connections, so that nobody takes a
 * port while its server is down.
 */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;
/**
 * Ports come in blocks of so many. Who listens on the first of a block, until his process or thread ends, owns the others:
 * no two test runs of a machine use the same port, not even while its server is down.
 */
const BLOCK_PORTS = 120;
const BLOCKS = (LAST_PORT - FIRST_PORT) / BLOCK_PORTS;

/** The ports of our blocks; the next to be given away is the one that was so longest ago. */
const ours: number[] = [];

/**
 * Finds so many TCP ports of the loopback interface that are free, each by listening on it for a moment.
 *
 * @throws TestingError when there are none.
 */
export async function findPorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  for (;;) {
    for (let left = ours.length; left > 0 && found.size < count; left--) {
      const port = ours.shift() as number;
      ours.push(port);
      if (!found.has(port) && (await isFree(port))) found.add(port);
    }
    if (found.size === count) return [...found];
    if (!(await claimBlock())) {
      throw new TestingError(`no ${count} free TCP ports were found between ${FIRST_PORT} and ${LAST_PORT} of ${HOST}`);
    }
  }
}

/** Adds a block that nobody owns to ours; false when every block has an owner. */
async function claimBlock(): Promise<boolean> {
  const start = Math.floor(Math.random() * BLOCKS);
  for (let attempt = 0; attempt < BLOCKS; attempt++) {
    const first = FIRST_PORT + ((start + attempt) % BLOCKS) * BLOCK_PORTS;
    const claim = await listenAt(first);
    if (claim === null) continue;
    claim.unref();
    for (let port = first + 1; port < first + BLOCK_PORTS; port++) ours.push(port);
    return true;
  }
  return false;
}

async function isFree(port: number): Promise<boolean> {
  const server = await listenAt(port);
  if (server === null) return false;
  await new Promise((resolve) => server.close(resolve));
  return true;
}

/** A server that listens there, or null when it cannot. */
function listenAt(port: number): Promise<Server | null> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', () => resolve(null));
    server.listen({ port, host: HOST, exclusive: true }, () => resolve(server));
  });
}
