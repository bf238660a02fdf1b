/**
 * Ports for servers that are killed and come back. They lie below the range from which the system takes the ports of
 * outgoing connections: otherwise one of these could hold a server's port when it wants to listen again. A file for each
 * port tells other runs on this machine that it is taken, also while nobody listens on it.
 */

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isFree } from '@headkeeper/testkit';

const LOWEST = 12_000;
const HIGHEST = 31_999;

const folder = join(tmpdir(), 'headkeeper-ports');
const taken: string[] = [];

let next = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));

/** Returns so many ports of 127.0.0.1, each free a moment ago, and this process's own until it ends. */
export async function takePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    next = next === HIGHEST ? LOWEST : next + 1;
    if (reserve(next) && (await isFree(next))) ports.push(next);
  }
  return ports;
}

function reserve(port: number): boolean {
  if (taken.length === 0) {
    mkdirSync(folder, { recursive: true });
    process.once('exit', () => {
      for (const file of taken) rmSync(file, { force: true });
    });
  }
  const file = join(folder, String(port));
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' });
  } catch {
    if (ownerLives(file)) return false;
    // Left by a run that was killed. Whoever removes it first may have it; the other goes on to the next port.
    rmSync(file, { force: true });
    return false;
  }
  taken.push(file);
  return true;
}

function ownerLives(file: string): boolean {
  try {
    process.kill(Number(readFileSync(file, 'utf8')), 0);
    return true;
  } catch {
    return false;
  }
}
