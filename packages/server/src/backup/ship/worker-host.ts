import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { FromWorker, ToWorker } from './messages.ts';
import type { ShipSettings } from './ship-settings.ts';

/** A running thread. */
export interface WorkerLink {
  send(message: ToWorker): void;
  /** Ends it at once. */
  kill(): void;
}

export interface WorkerEvents {
  message(message: FromWorker): void;
  /** The thread is gone; null: it has ended by itself. Called once, last. */
  ended(error: Error | null): void;
}

/**
 * Starts the thread. Its file lies beside this one: that is so in a build of many files and in the bundle, which has it as an
 * entry of its own.
 */
export function startWorker(settings: ShipSettings, events: WorkerEvents): WorkerLink {
  const file = new URL('./shipping-worker.js', import.meta.url);
  if (!existsSync(fileURLToPath(file))) throw new Error(`${fileURLToPath(file)} is missing: build or install again`);
  const worker = new Worker(file, { workerData: settings, name: 'backup' });
  let failure: Error | null = null;
  worker.on('message', (message: FromWorker) => events.message(message));
  worker.on('error', (error: Error) => {
    failure = error;
  });
  worker.on('exit', (code) => events.ended(failure ?? (code === 0 ? null : new Error(`it ended with code ${code}`))));
  return {
    send: (message) => worker.postMessage(message),
    kill: () => void worker.terminate(),
  };
}
