import type { CallOptions, Client } from '@headkeeper/client';
import { parentPath } from '../history/znode.ts';
import type { CarriedOut } from '../plan/carry-out.ts';
import type { WritePlan } from '../plan/write-plan.ts';
import type { Context } from './commands/command.ts';
import { ShellError } from './shell-error.ts';

/** Writes a plan, and tells what it leaves alone. */
export async function writePlanned({ client, output }: Context, plan: WritePlan): Promise<CarriedOut> {
  for (const { path, why } of plan.left) output.err(`${path} is left out: ${why}`);
  const { carryOut } = await import('../plan/carry-out.ts');
  return carryOut(client, plan.differences);
}

/** @throws ShellError when there is nothing that the znode could be a child of. */
export async function requireParent(client: Client, path: string, calls: CallOptions): Promise<void> {
  const parent = parentPath(path);
  if ((await client.exists(parent, calls)) === null) throw new ShellError(`Node does not exist: ${parent}`);
}
