import { createServer, type Server } from 'node:net';
import { TestingError } from '../testing-error.ts';

export const HOST = '127.0.0.1';
/**
 * Where free ports are looked for: below those that operating systems give to outgoing connections, so that nobody takes a
 * port while its server is down.
 */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;
const ATTEMPTS = 200;

/**
 * Finds so many TCP ports of the loopback interface that are free, each by listening on it for a moment.
 *
 * @throws TestingError when there are none.
 */
export async function findPorts(count: number): Promise<number[]> {
  const taken: Server[] = [];
  const ports = new Set<number>();
  for (let attempt = 0; ports.size < count && attempt < ATTEMPTS; attempt++) {
    const candidates = new Set<number>();
    while (candidates.size < count - ports.size) {
      const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
      if (!ports.has(port)) candidates.add(port);
    }
    await Promise.all(
      [...candidates].map(async (port) => {
        const server = await listenAt(port);
        if (server === null) return;
        taken.push(server);
        ports.add(port);
      }),
    );
  }
  for (const server of taken) server.close();
  if (ports.size < count) {
    throw new TestingError(`no ${count} free TCP ports were found between ${FIRST_PORT} and ${LAST_PORT} of ${HOST}`);
  }
  return [...ports];
}

/** A server that listens there, or null when it cannot. */
function listenAt(port: number): Promise<Server | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen({ port, host: HOST, exclusive: true }, () => resolve(server));
  });
}
