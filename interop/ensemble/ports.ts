/**
 * Ports for servers that are killed and come back. They lie below the range from which the system takes the ports of
 * outgoing connections: otherwise one of these could hold a server's port when it wants to listen again.
 */

import { createServer } from 'node:net';

const LOWEST = 12_000;
const HIGHEST = 31_999;

let next = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));

/** Returns so many ports of 127.0.0.1, each free a moment ago, and none twice in this process for a long time. */
export async function takePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    next = next === HIGHEST ? LOWEST : next + 1;
    if (await isFree(next)) ports.push(next);
  }
  return ports;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
