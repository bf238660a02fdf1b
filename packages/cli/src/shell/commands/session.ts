import { isZooKeeperError } from '@headkeeper/client';
import { packageVersion } from '../../version.ts';
import { keeperErrorCode, ShellError } from '../shell-error.ts';
import type { Command } from './command.ts';

export const addAuth: Command = {
  name: 'addauth',
  usage: 'scheme auth',
  about: 'shows the servers an identity, such as digest user:password',
  options: {},
  least: 1,
  async run({ client, calls, print }, args) {
    const [scheme, auth] = args.words as [string, string?];
    client.addAuth(scheme, auth ?? '');
    // A server answers in order: after this it has looked at the identity.
    try {
      await client.whoAmI(calls);
    } catch (error) {
      if (isZooKeeperError(error, 'authFailed', 'closed')) throw new ShellError(keeperErrorCode('authFailed', null));
      if (!isZooKeeperError(error, 'unimplemented', 'connectionLoss')) throw error;
    }
    print(null, { scheme });
  },
};

export const whoAmI: Command = {
  name: 'whoami',
  usage: '',
  about: 'prints whom the server takes this session for',
  options: {},
  least: 0,
  async run({ client, calls, print }) {
    const identities = await client.whoAmI(calls);
    const lines = identities.map(({ scheme, user }) => `${scheme}: ${user}`);
    print(['Auth scheme: User', ...lines].join('\n'), { identities });
  },
};

export const version: Command = {
  name: 'version',
  usage: '',
  about: 'prints the version of this shell',
  options: {},
  least: 0,
  offline: true,
  async run({ print }) {
    print(`Headkeeper CLI version: ${packageVersion()}`, { version: packageVersion() });
  },
};

export const sync: Command = {
  name: 'sync',
  usage: 'path',
  about: 'makes sure that what is read next is as new as anything written before',
  options: {},
  least: 1,
  completes: ['path'],
  async run({ client, calls, print }, args) {
    const [path] = args.words as [string];
    await client.sync(path, calls);
    print('Sync is OK', { path, synced: true });
  },
};

export const getEphemerals: Command = {
  name: 'getEphemerals',
  usage: 'path',
  about: "lists this session's ephemerals, those below a znode if one is given",
  options: {},
  least: 0,
  completes: ['path'],
  async run({ client, calls, print }, args) {
    const prefix = args.words[0] ?? '/';
    if (!prefix.startsWith('/')) throw new ShellError('Path must start with / character');
    const ephemerals = await client.getEphemerals(prefix, calls);
    print(`[${ephemerals.join(', ')}]`, { ephemerals });
  },
};

export const getAllChildrenNumber: Command = {
  name: 'getAllChildrenNumber',
  usage: 'path',
  about: 'prints how many znodes there are below one',
  options: {},
  least: 1,
  completes: ['path'],
  async run({ client, calls, print }, args) {
    const [path] = args.words as [string];
    const count = await client.countDescendants(path, calls);
    print(String(count), { path, count });
  },
};

export const connectCommand: Command = {
  name: 'connect',
  usage: 'host:port',
  about: 'begins another session, with other servers if they are given',
  options: {},
  least: 0,
  offline: true,
  run: ({ shell }, args) => shell.connect(args.words[0] ?? null),
};

export const close: Command = {
  name: 'close',
  usage: '',
  about: 'ends the session; its ephemerals go',
  options: {},
  least: 0,
  run: ({ shell }) => shell.close(),
};
