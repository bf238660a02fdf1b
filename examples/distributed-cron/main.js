// Starts a server, the store and three workers, and stops one in the middle of its job for longer than its session lasts.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { TestServer } from '@headkeeper/testing';
import { startStore } from './store.js';

const TICKS_BEFORE = 3;
const TICKS_AFTER = 3;

const server = await TestServer.start();
const workers = new Map();
const ticks = new Set();
let asleep = null;
let ticksAsleep = 0;

const store = await startStore(({ tick, name, isFenced }) => {
  if (isFenced) {
    console.log(`${name} wakes up and is refused`);
    finish();
    return;
  }
  console.log(ticks.has(tick) ? `${name} has done a tick twice` : `${name} has done a tick`);
  ticks.add(tick);
  if (name === asleep) {
    // It was faster than the signal: another one will do.
    workers.get(name).kill('SIGCONT');
    asleep = null;
    ticksAsleep = 0;
  }
  if (asleep !== null && ++ticksAsleep === TICKS_AFTER) workers.get(asleep).kill('SIGCONT');
});

for (const name of ['ada', 'ben', 'cleo']) {
  const script = path.join(import.meta.dirname, 'worker.js');
  const words = [script, server.connectString, store.url, name];
  const worker = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  workers.set(name, worker);
  createInterface(worker.stdout).on('line', () => {
    if (asleep !== null || ticks.size < TICKS_BEFORE) return;
    asleep = name;
    console.log(`(stopping ${name} in the middle of its job)`);
    worker.kill('SIGSTOP');
  });
}

async function finish() {
  for (const worker of workers.values()) worker.kill('SIGKILL');
  store.http.close();
  store.http.closeAllConnections();
  await server.stop();
}
