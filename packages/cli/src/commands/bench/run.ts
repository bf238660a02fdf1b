import process from 'node:process';
import { CommandError, ExitCode } from '../../exit-codes.ts';
import { parseHostPort } from '../../host-port.ts';
import { Load } from './load.ts';
import type { BenchOptions } from './options.ts';

const PROGRESS_MS = 1000;

/**
 * Runs a load and prints what it measured.
 *
 * @throws CommandError when a connection is lost, or when requests were answered with errors (after the result).
 */
export async function runBench(options: BenchOptions): Promise<void> {
  const load = new Load(options, options.server.split(',').map(parseHostPort));
  const fillBegan = performance.now();
  await load.prepare();
  if (options.mode === 'fill') {
    printFill(options, (performance.now() - fillBegan) / 1000, load.errors);
  } else {
    await load.connect();
    if (options.warmUp > 0) await load.run(options.warmUp * 1000);
    const progress = options.progress && process.stderr.isTTY ? showProgress(load) : undefined;
    const began = performance.now();
    await load.run(options.seconds * 1000);
    clearInterval(progress);
    print(options, load, (performance.now() - began) / 1000);
    load.close();
  }
  if (load.errors > 0) throw new CommandError(`${load.errors} requests were answered with errors`, ExitCode.loadErrors);
}

function showProgress(load: Load): NodeJS.Timeout {
  let seconds = 0;
  let before = 0;
  return setInterval(() => {
    const { count } = load.histogram;
    seconds++;
    process.stderr.write(`\r${seconds} s: ${count - before} operations in the last second, ${load.errors} errors   \r`);
    before = count;
  }, PROGRESS_MS);
}

function printFill(options: BenchOptions, seconds: number, errors: number): void {
  const perSecond = Math.round(options.keys / seconds);
  const result = { mode: 'fill', keys: options.keys, seconds: round(seconds), per_s: perSecond, errors };
  process.stdout.write(
    options.json
      ? `${JSON.stringify(result)}\n`
      : `fill: ${options.keys} znodes in ${round(seconds)} s, ${perSecond} per second, ${errors} errors\n`,
  );
}

function print(options: BenchOptions, load: Load, seconds: number): void {
  const { histogram, errors, reads, writes } = load;
  const [p50, p90, p99, p999] = [0.5, 0.9, 0.99, 0.999].map((share) => histogram.percentile(share));
  const { mode, connections, window, valueBytes: value } = options;
  const result = {
    mode,
    connections,
    window,
    value,
    seconds: round(seconds),
    ops: histogram.count,
    ops_per_s: Math.round(histogram.count / seconds),
    errors,
    p50_us: p50,
    p90_us: p90,
    p99_us: p99,
    p999_us: p999,
    max_us: histogram.max,
    reads,
    writes,
  };
  process.stdout.write(
    options.json
      ? `${JSON.stringify(result)}\n`
      : `${mode}, ${connections} connections, window ${window}: ${result.ops_per_s} operations a second\n` +
          `latency in microseconds: p50 ${p50}  p90 ${p90}  p99 ${p99}  p99.9 ${p999}  max ${histogram.max}\n` +
          `${histogram.count} operations in ${round(seconds)} s (${reads} reads, ${writes} writes), ${errors} errors\n`,
  );
}

function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
