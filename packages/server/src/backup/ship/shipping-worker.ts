/** The thread that carries backups out: beside `shipping-worker.js` there is nothing to import. */
import { parentPort, workerData } from 'node:worker_threads';
import { readLogOrItsBeginning } from '../../adapters/disk/history-files.ts';
import { createNodeDisk } from '../../adapters/disk/node-disk.ts';
import type { FromWorker, ToWorker } from './messages.ts';
import type { ShipSettings } from './ship-settings.ts';
import { ShipThread } from './ship-thread.ts';

const port = parentPort;
if (port === null) throw new Error('shipping-worker runs as a thread of the server');
const settings = workerData as ShipSettings;
const folders = { disk: createNodeDisk(), ...settings.folders };
const thread = new ShipThread(settings, {
  history: { readLog: (afterZxid) => readLogOrItsBeginning(folders, afterZxid) },
  environment: process.env,
  send: (message: FromWorker) => port.postMessage(message),
});
port.on('message', (message: ToWorker) => thread.receive(message));
void thread.run().finally(() => port.close());
