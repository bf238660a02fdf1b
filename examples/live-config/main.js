// Starts a server and the service, and changes its configuration.
import { EventEmitter, once } from 'node:events';
import { connect } from '@headkeeper/client';
import { TestServer } from '@headkeeper/testing';
import { openConfig, startService } from './service.js';

const server = await TestServer.start();
const [client, operator] = await Promise.all([connect(server.connectString), connect(server.connectString)]);
const revisions = new EventEmitter();
const first = once(revisions, '0');
const { http, following, url } = await startService(client, (revision) => revisions.emit(String(revision)));
const config = openConfig(operator);

async function ask() {
  console.log(`the service says: ${await (await fetch(url)).text()}`);
}

async function change(made, what) {
  const revision = made + 1;
  const told = once(revisions, String(revision));
  await what();
  await told;
  console.log(`revision ${revision}:`);
  await ask();
}

await first;
await ask();
await change(0, () => config.update({ greeting: 'good morning', times: 2 }, { note: 'the day begins' }));
await change(1, () => config.update({ greeting: 'good night', times: 1 }, { note: 'it ends' }));
await config.update({ times: 99 }).catch((error) => console.log(`refused: ${error.message}`));
await change(2, () => config.rollback(1));
for (const { revision, note } of await config.history()) console.log(`history: ${revision} ${note}`);

http.close();
http.closeAllConnections();
await Promise.all([client.close(), operator.close()]);
await following;
await server.stop();
