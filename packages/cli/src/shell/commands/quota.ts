import type { Arguments } from '../parse-arguments.ts';
import { delQuota, readQuota, setQuota } from '../quota.ts';
import { ShellError } from '../shell-error.ts';
import type { Command } from './command.ts';

const KINDS = { n: 'count', b: 'bytes', N: 'countHardLimit', B: 'byteHardLimit' } as const;

type Letter = keyof typeof KINDS;

/** The one of the four options that was given. */
function onlyKind(args: Arguments): Letter | null {
  const [first, second] = (Object.keys(KINDS) as Letter[]).filter((letter) => args.has(letter));
  if (second !== undefined) {
    throw new ShellError(
      `The option '${second}' was specified but an option from this group has already been selected: '${first}'`,
    );
  }
  return first ?? null;
}

export const setQuotaCommand: Command = {
  name: 'setquota',
  usage: '-n|-b|-N|-B val path',
  about: 'limits how many znodes (-n) or bytes (-b) there are at and below a znode: -N and -B are enforced',
  options: { n: 'value', b: 'value', N: 'value', B: 'value' },
  least: 1,
  completes: ['path'],
  async run({ client, calls, print }, args) {
    const [path] = args.words as [string];
    const letter = onlyKind(args);
    if (letter === null) {
      throw new ShellError(
        'Missing required option: [-n num soft quota, -b bytes soft quota, -N num hard quota, -B bytes hard quota]',
      );
    }
    const value = Number(args.value(letter));
    if (!/^-?\d+$/.test(args.value(letter) ?? '') || !Number.isSafeInteger(value)) {
      throw new ShellError('NumberFormatException happens when parsing the option value');
    }
    const warnings = await setQuota(client, path, { [KINDS[letter]]: value }, calls);
    for (const warning of warnings) print(`[Warning]: ${warning}`, { warning });
  },
};

export const delQuotaCommand: Command = {
  name: 'delquota',
  usage: '[-n|-b|-N|-B] path',
  about: 'takes one of the limits away, or all of them',
  options: { n: 'flag', b: 'flag', N: 'flag', B: 'flag' },
  least: 1,
  completes: ['path'],
  async run({ client, calls, print }, args) {
    const [path] = args.words as [string];
    const letter = onlyKind(args);
    const was = await delQuota(client, path, letter === null ? null : KINDS[letter], calls);
    if (!was) print(`Quota does not exist for ${path}`, { path, quota: null });
  },
};

export const listQuotaCommand: Command = {
  name: 'listquota',
  usage: 'path',
  about: 'prints the limits of a znode, and how much there is',
  options: {},
  least: 1,
  completes: ['path'],
  async run({ client, calls, output, isJson, print, note }, args) {
    const [path] = args.words as [string];
    const found = await readQuota(client, path, calls);
    if (!isJson) output.err(`absolute path is ${found.limitsPath}`);
    if (found.limits === null) {
      note(`quota for ${path} does not exist.`, { path, quota: null });
      return;
    }
    print(`Output quota for ${path} ${found.limits}`, { path, quota: found.limits, usage: found.stats });
    if (!isJson) output.out(`Output stat for ${path} ${found.stats}`);
  },
};
