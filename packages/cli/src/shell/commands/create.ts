import type { CreateMode } from '@headkeeper/client';
import { parseAcl } from '../parse-acl.ts';
import { ShellError } from '../shell-error.ts';
import type { Command } from './command.ts';

const LARGEST_TTL_MS = 2 ** 40 - 1;

export const create: Command = {
  name: 'create',
  usage: '[-s] [-e] [-c] [-t ttl] path [data] [acl]',
  about: 'makes a znode: -s sequential, -e ephemeral, -c container, -t with a time to live in milliseconds',
  options: { s: 'flag', e: 'flag', c: 'flag', t: 'value' },
  least: 1,
  completes: ['path'],
  async run({ client, calls, note }, args) {
    const [path, data, acl] = args.words as [string, string?, string?];
    const [isSequential, isEphemeral, isContainer] = [args.has('s'), args.has('e'), args.has('c')];
    const ttl = args.value('t');
    if (isContainer && (isEphemeral || isSequential)) {
      throw new ShellError('-c cannot be combined with -s or -e. Containers cannot be ephemeral or sequential.');
    }
    if (ttl !== undefined && !/^-?\d{1,18}$/.test(ttl)) throw new ShellError('-t argument must be a long value');
    if (ttl !== undefined && isEphemeral) throw new ShellError('TTLs cannot be used with Ephemeral znodes');
    if (ttl !== undefined && isContainer) throw new ShellError('TTLs cannot be used with Container znodes');
    if (ttl !== undefined && (Number(ttl) <= 0 || Number(ttl) > LARGEST_TTL_MS)) {
      throw new ShellError(`ttl must be positive and cannot be larger than: ${LARGEST_TTL_MS}`);
    }
    const lasting: CreateMode = isContainer ? 'container' : isEphemeral ? 'ephemeral' : 'persistent';
    const created = await client.create(path, data ?? null, {
      ...calls,
      mode: isSequential ? (`${lasting}Sequential` as CreateMode) : lasting,
      ...(ttl === undefined ? {} : { ttlMs: Number(ttl) }),
      ...(acl === undefined ? {} : { acl: parseAcl(acl) }),
    });
    note(`Created ${created.path}`, { created: created.path });
  },
};
