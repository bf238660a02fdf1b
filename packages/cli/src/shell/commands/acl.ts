import { isZooKeeperError } from '@headkeeper/client';
import { aclJson } from '../../history/value-text.ts';
import { aclText, statJson, statText } from '../format.ts';
import { parseAcl } from '../parse-acl.ts';
import { versionOf } from '../parse-arguments.ts';
import { explain, requireZnode, ShellError } from '../shell-error.ts';
import type { Command, Context } from './command.ts';

export const getAcl: Command = {
  name: 'getAcl',
  usage: '[-s] path',
  about: 'prints the access control list of a znode: -s with its stat',
  options: { s: 'flag' },
  least: 1,
  completes: ['path'],
  async run({ client, calls, output, isJson, print }, args) {
    const [path] = args.words as [string];
    const { acl, stat } = await client.getACL(path, calls);
    print(aclText(acl), { path, acl: aclJson(acl), ...(args.has('s') ? { stat: statJson(stat) } : {}) });
    if (args.has('s') && !isJson) output.out(statText(stat));
  },
};

export const setAcl: Command = {
  name: 'setAcl',
  usage: '[-s] [-v version] [-R] path acl',
  about: 'sets the access control list of a znode, -R and of all below it',
  options: { s: 'flag', v: 'value', R: 'flag' },
  least: 2,
  completes: ['path'],
  async run(context, args) {
    const { client, calls, print } = context;
    const [path, text] = args.words as [string, string];
    const acl = parseAcl(text);
    const version = versionOf(args);
    if (args.has('R')) {
      await setAllAcls(context, path, (at) => client.setACL(at, acl, { ...calls, version }));
      return;
    }
    const stat = await client.setACL(path, acl, { ...calls, version });
    print(args.has('s') ? statText(stat) : null, { path, stat: statJson(stat) });
  },
};

/** Goes on with the others where one cannot be set, and says so at the end. */
async function setAllAcls(context: Context, path: string, setOne: (path: string) => Promise<unknown>): Promise<void> {
  const { client, calls, signal, output, print } = context;
  const { walk } = await import('@headkeeper/client');
  await requireZnode(client, path, signal);
  let count = 0;
  let failed = 0;
  for await (const at of walk(client, path, calls)) {
    try {
      await setOne(at);
      count++;
    } catch (error) {
      if (isZooKeeperError(error, 'noNode')) continue;
      if (!isZooKeeperError(error, 'noAuth', 'badVersion')) throw error;
      output.err(explain(error));
      failed++;
    }
  }
  if (failed > 0) throw new ShellError(`${failed} of ${count + failed} access control lists could not be set`);
  print(null, { path, count });
}
