// Starts a server, three backends and the proxy, asks through it, and kills a backend.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { connect } from '@headkeeper/client';
import { TestServer } from '@headkeeper/testing';
import { startProxy } from './proxy.js';

const server = await TestServer.start();
const client = await connect(server.connectString);
const { http, provider, url } = await startProxy(client);
const changes = provider.changes();

const backends = ['one', 'two', 'three'].map((id) => {
  const script = path.join(import.meta.dirname, 'backend.js');
  return spawn(process.execPath, [script, server.connectString, id], { stdio: 'inherit' });
});
for (const _ of backends) {
  const { value } = await changes.next();
  console.log(`the proxy knows ${value.instance.id}`);
}

async function ask(times) {
  for (let i = 0; i < times; i++) {
    const answer = await fetch(url);
    console.log(`${answer.status} ${await answer.text()}`);
  }
}

await ask(3);
console.log('(killing one)');
backends[0].kill('SIGKILL');
await ask(6);
const { value } = await changes.next();
console.log(`the proxy knows that ${value.previous.id} is gone`);

for (const backend of backends) backend.kill();
await provider.close();
http.close();
http.closeAllConnections();
await client.close();
await server.stop();
