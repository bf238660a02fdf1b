// Starts a server and three workers, and kills the leader twice.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { TestServer } from '@headkeeper/testing';

const server = await TestServer.start();
const workers = new Map();
let kills = 0;

for (const name of ['ada', 'ben', 'cleo']) {
  const script = path.join(import.meta.dirname, 'worker.js');
  const worker = spawn(process.execPath, [script, server.connectString, name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  workers.set(name, worker);
  createInterface(worker.stdout).on('line', (line) => {
    console.log(line);
    if (line.includes(' leads, ')) leads(name);
  });
}

async function leads(name) {
  if (kills < 2) {
    kills++;
    console.log(`(killing ${name})`);
    workers.get(name).kill('SIGKILL');
    workers.delete(name);
    return;
  }
  console.log('the last one leads: done');
  for (const worker of workers.values()) worker.kill();
  await server.stop();
}
