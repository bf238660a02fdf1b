/** The client programs, each run against one server; what they print ends with "N passed, N failed". */

import { join } from 'node:path';
import { installApacheZooKeeper } from '../peers/apache-zookeeper.ts';
import { buildCClient, buildGoClient } from '../peers/client-programs.ts';
import { runToEnd } from '../peers/command.ts';
import { installKazoo } from '../peers/kazoo.ts';
import { repositoryRoot } from '../peers/peer-cache.ts';
import type { ClientOutcome } from './client-outcome.ts';
import { runZkCli } from './zk-cli.ts';

export interface ClientRun {
  readonly name: string;
  /** Runs every check of the client against `127.0.0.1:PORT`. */
  run(address: string): Promise<ClientOutcome>;
}

const programTimeoutMs = 240_000;

/** Every client; the first run of each installs it. */
export const clientRuns: readonly ClientRun[] = [
  {
    name: 'Java client 3.9.5',
    run: async (address) => {
      const classpath = await installApacheZooKeeper('3.9.5');
      const program = join(repositoryRoot, 'interop/clients/java/InteropClient.java');
      return judged(['java', '-Dzookeeper.log.threshold=OFF', '-cp', classpath, program, address]);
    },
  },
  { name: 'zkCli 3.9.5', run: runZkCli },
  {
    name: 'kazoo',
    run: async (address) => {
      const { python, source } = await installKazoo();
      const program = join(repositoryRoot, 'interop/clients/python/interop_client.py');
      return judged([python, '-B', program, address], { PYTHONPATH: source });
    },
  },
  { name: 'C client', run: async (address) => judged([await buildCClient(), address]) },
  { name: 'Go client', run: async (address) => judged([await buildGoClient(), address]) },
];

/** A program's own count, which its exit code must confirm; a program that ends otherwise has failed. */
export async function judged(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<ClientOutcome> {
  const { code, output, timedOut } = await runToEnd(argv, { env, timeoutMs: programTimeoutMs });
  const count = /^(\d+) passed, (\d+) failed$/m.exec(output);
  const passed = Number(count?.[1] ?? 0);
  const failed = Number(count?.[2] ?? 0);
  if (code === 0 && failed === 0 && passed > 0) return { passed, failed, output };
  const note = timedOut ? 'ran out of time' : `exit code ${code}`;
  return { passed, failed: Math.max(failed, 1), output: `${output}\n${note}` };
}
