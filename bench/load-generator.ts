/**
 * The program that makes the load, the same for both servers: zkload, built from a C source that is not part of this
 * repository, or `headkeeper bench` where that source is not at hand. Both take the same options.
 */

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { run, runToEnd } from '#peers/command';
import { headkeeperBin } from '#peers/headkeeper';
import { cCompiler, installOnce, repositoryRoot, requireCommands } from '#peers/peer-cache';

export interface LoadGenerator {
  /** What the report says about it. */
  readonly description: string;
  readonly argv: readonly string[];
}

/** One measured load. */
export interface LoadResult {
  readonly opsPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
}

/** The load's own terms: mode, connections, requests in flight on each. */
export interface Load {
  readonly mode: 'get' | 'set' | 'create' | 'mix' | 'connect' | 'fanout';
  readonly connections: number;
  readonly window: number;
}

/**
 * Builds zkload from `source`, else from $ZKLOAD_SOURCE, else from ../shared/bench/zkload.c beside the checkout.
 * @throws Error when a source that was named does not exist or does not compile
 */
export async function loadGenerator(source: string | undefined): Promise<LoadGenerator> {
  const named = source ?? process.env.ZKLOAD_SOURCE;
  const file = named === undefined ? join(repositoryRoot, '../shared/bench/zkload.c') : resolve(named);
  if (!existsSync(file)) {
    if (named !== undefined) throw new Error(`there is no ${file}`);
    return { description: 'headkeeper bench', argv: [process.execPath, headkeeperBin, 'bench', '--no-progress'] };
  }
  return { description: 'zkload', argv: [await compile('zkload', file)] };
}

/** Compiles one C file into the cache of peers, named by its contents and those of the headers that it includes by path. */
export async function compile(name: string, file: string, libraries: readonly string[] = []): Promise<string> {
  await requireCommands([cCompiler]);
  const source = readFileSync(file, 'utf8');
  const hash = createHash('sha256').update(source);
  for (const [, header] of source.matchAll(/^#include "(.+)"$/gm)) {
    hash.update(readFileSync(resolve(dirname(file), header ?? '')));
  }
  const digest = hash.digest('hex').slice(0, 12);
  const folder = await installOnce(`${name}-${digest}`, async (fresh) => {
    await run(['gcc', '-O2', '-o', join(fresh, name), file, '-lm', ...libraries]);
  });
  return join(folder, name);
}

/**
 * Runs one load and returns its figures.
 * @throws Error when a request failed or the generator did
 */
export async function runLoad(
  generator: LoadGenerator,
  address: string,
  load: Load,
  seconds: number,
): Promise<LoadResult> {
  const shape = ['-m', load.mode, '-c', String(load.connections), '-w', String(load.window), '-t', String(seconds)];
  const argv = [...generator.argv, '-j', '-s', address, ...shape, '-v', '100', '-p', prefixOf(load.mode)];
  const output = await run(argv, { timeoutMs: (seconds + 60) * 1000 });
  const result: unknown = JSON.parse(output.trimEnd().split('\n').at(-1) ?? '');
  const figure = (name: string): number => {
    const value = (result as Record<string, unknown>)[name];
    if (typeof value !== 'number') throw new Error(`${argv.join(' ')} printed no ${name}: ${output}`);
    return value;
  };
  if (figure('ops') === 0 || figure('errors') !== 0) throw new Error(`${argv.join(' ')}: ${output}`);
  return {
    opsPerSecond: figure('ops_per_s'),
    p50Us: figure('p50_us'),
    p99Us: figure('p99_us'),
    maxUs: figure('max_us'),
  };
}

/** Sequential creates get a parent of their own: its list of children grows and grows. */
function prefixOf(mode: Load['mode']): string {
  return mode === 'create' ? '/bench-create' : '/bench';
}

/** Creates `count` znodes of 100 bytes below one parent. */
export async function fill(generator: LoadGenerator, address: string, count: number): Promise<void> {
  const argv = [
    ...generator.argv,
    '-j',
    '-s',
    address,
    '-m',
    'fill',
    '-k',
    String(count),
    '-v',
    '100',
    '-p',
    '/million',
  ];
  const { code, output } = await runToEnd(argv, { timeoutMs: 540_000 });
  if (code !== 0) throw new Error(`${argv.join(' ')} exited with ${code}: ${output}`);
}
