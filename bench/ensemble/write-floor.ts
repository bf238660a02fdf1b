/** What of a write's time is the machine's: the messages and syncs of one write in an ensemble of three, without servers. */

import { join } from 'node:path';
import { run } from '#peers/command';
import { repositoryRoot } from '#peers/peer-cache';
import { compile } from '../load-generator.ts';

const SECONDS = 5;

export interface WriteFloor {
  readonly opsPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

/** Takes some seconds. `folder`: on the disk that the servers have. */
export async function writeFloor(folder: string): Promise<WriteFloor> {
  const program = await compile('write-floor', join(repositoryRoot, 'bench/ensemble/write-floor.c'));
  const printed = JSON.parse(await run([program, folder, String(SECONDS)])) as Record<string, number>;
  return { opsPerSecond: printed.ops_per_second!, p50Us: printed.p50_us!, p99Us: printed.p99_us! };
}
