import { createHash } from 'node:crypto';
import { type Client, connect } from '@headkeeper/client';
import { SUPER } from './bystanders.ts';

export interface TreePrint {
  readonly znodes: number;
  readonly hash: string;
  /** One for each znode. */
  readonly lines: readonly string[];
}

/** A hash of every znode with its data, its list and its Stat, as a client who may see everything is told of them. */
export async function treePrint(address: string): Promise<TreePrint> {
  const client = await connect(address, { sessionTimeoutMs: 30_000, auth: [{ scheme: 'digest', auth: SUPER }] });
  try {
    const lines: string[] = [];
    await visit(client, '/', lines);
    return {
      znodes: lines.length,
      lines,
      hash: createHash('sha256').update(lines.sort().join('\n')).digest('hex').slice(0, 16),
    };
  } finally {
    await client.close();
  }
}

async function visit(client: Client, path: string, lines: string[]): Promise<void> {
  const [{ data, stat }, { acl }, { children }] = await Promise.all([
    client.getData(path),
    client.getACL(path),
    client.getChildren(path),
  ]);
  const content = data === null ? null : createHash('sha1').update(data).digest('hex');
  // A start writes the membership's time anew.
  const what =
    path === '/zookeeper/config' ? [path] : [path, content, acl, { ...stat, ephemeralOwner: `${stat.ephemeralOwner}` }];
  lines.push(JSON.stringify(what));
  for (const child of children) await visit(client, path === '/' ? `/${child}` : `${path}/${child}`, lines);
}
