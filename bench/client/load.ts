/**
 * One client in a process of its own, reading one znode for so many seconds with so many requests in flight:
 *
 *   node bench/dist/client/load.js NAME PEERS ADDRESS PATH SECONDS WINDOW
 *
 * Prints one line of JSON: reads, seconds, CPU seconds of this process, and the median latency in microseconds.
 */

import { openTarget, type TargetName } from './targets.ts';

const [name, peers, address, path, seconds, window] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
  string,
];
const WARM_UP_MS = 1_000;

const target = await openTarget(name as TargetName, peers, address, path);
await run(WARM_UP_MS, Number(window));
const cpuBefore = process.cpuUsage();
const begun = performance.now();
const { reads, latencies } = await run(Number(seconds) * 1_000, Number(window));
const elapsed = (performance.now() - begun) / 1_000;
const cpu = process.cpuUsage(cpuBefore);
latencies.sort((a, b) => a - b);
console.log(
  JSON.stringify({
    reads,
    seconds: elapsed,
    cpuSeconds: (cpu.user + cpu.system) / 1e6,
    medianMicroseconds: (latencies[latencies.length >> 1] ?? 0) * 1_000,
  }),
);
await target.close();
process.exit(0);

/** Latencies are taken only when one request is made at a time: a clock for each would be a load of its own. */
function run(ms: number, inFlight: number): Promise<{ reads: number; latencies: number[] }> {
  const until = performance.now() + ms;
  const latencies: number[] = [];
  let reads = 0;
  let open = inFlight;
  let isOver = false;
  return new Promise((resolve, reject) => {
    const next = (): void => {
      const asked = inFlight === 1 ? performance.now() : 0;
      target.read((error) => {
        if (error !== null) {
          reject(error);
          return;
        }
        reads++;
        if (inFlight === 1) latencies.push(performance.now() - asked);
        // The clock is looked at now and then.
        if (inFlight === 1 || reads % 64 === 0) isOver = performance.now() >= until;
        if (!isOver) next();
        else if (--open === 0) resolve({ reads, latencies });
      });
    };
    for (let i = 0; i < inFlight; i++) next();
  });
}
