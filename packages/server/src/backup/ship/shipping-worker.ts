/** The thread that carries backups out: beside `shipping-worker.js` there is nothing to import. */
import { setTimeout as pause } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { readLogOrItsBeginning } from '../../adapters/disk/history-files.ts';
import { createNodeDisk } from '../../adapters/disk/node-disk.ts';
import { createClock } from '../../adapters/system/clock.ts';
import { giveWay } from '../../adapters/system/thread-priority.ts';
import { unguessableBytes } from '../../adapters/system/unguessable.ts';
import type { FromWorker, ToWorker } from './messages.ts';
import type { ShipSettings } from './ship-settings.ts';
import { ShipThread } from './ship-thread.ts';

const RANDOM_RANGE = 2 ** 32;
const port = parentPort;
if (port === null) throw new Error('shipping-worker runs as a thread of the server');
giveWay();
const settings = workerData as ShipSettings;
const folders = { disk: createNodeDisk(), ...settings.folders };
const thread = new ShipThread(settings, {
  history: { readLog: (afterZxid) => readLogOrItsBeginning(folders, afterZxid) },
  clock: {
    ...createClock(),
    pause: (ms, signal) => pause(ms, undefined, { signal }),
    breathe: () => new Promise((resolve) => setTimeout(resolve, 1)),
  },
  random: () => unguessableBytes(4).readUInt32LE() / RANDOM_RANGE,
  send: (message: FromWorker) => port.postMessage(message),
});
port.on('message', (message: ToWorker) => thread.receive(message));
void thread.run().finally(() => port.close());
