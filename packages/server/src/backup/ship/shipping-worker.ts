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
/** Linux adds about a tenth of a millisecond. */
const BREATH_MS = 0.3;
/** Nobody ever changes it. */
const STILL = new Int32Array(new SharedArrayBuffer(4));

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
    // The whole thread sleeps. A timer of the event loop takes ten times as long, and so the bites between had to be larger:
    // however low its priority is, Linux lets a thread that runs go on for milliseconds while others of the processor wait.
    breathe: () => {
      Atomics.wait(STILL, 0, 0, BREATH_MS);
      return new Promise((resolve) => setImmediate(resolve));
    },
  },
  random: () => unguessableBytes(4).readUInt32LE() / RANDOM_RANGE,
  send: (message: FromWorker) => port.postMessage(message),
});
port.on('message', (message: ToWorker) => thread.receive(message));
void thread.run().finally(() => port.close());
