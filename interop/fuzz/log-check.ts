import { readFileSync, statSync } from 'node:fs';

/** Bytes of log that strangers may bring about. */
const MOST_LOG = 256 * 1024;
const ERROR_LEVEL = 50;

/** Nothing is an error, and strangers cannot fill the disk with lines. */
export function logFaults(file: string, rows: (readonly [string, string])[]): string[] {
  const faults: string[] = [];
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const level = Number(/^\{"level":(\d+)/.exec(line)?.[1] ?? 0);
    if (level >= ERROR_LEVEL || /^\s+at |Error:|Warning:/.test(line)) faults.push(`logged: ${line.slice(0, 300)}`);
  }
  const bytes = statSync(file).size;
  rows.push(['log', `${bytes} bytes`]);
  if (bytes > MOST_LOG) faults.push(`the log has ${bytes} bytes`);
  return faults.slice(0, 10);
}
