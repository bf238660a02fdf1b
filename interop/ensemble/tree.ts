/** Whole trees of several servers, compared to the last field. */

import { createHash } from 'node:crypto';
import type { Stat } from '@headkeeper/protocol';
import { ConnectionLost, RawSession } from '../crash/raw-session.ts';
import type { Ensemble } from './ensemble.ts';
import type { Member } from './member.ts';

/** Requests under way at a time. */
const WINDOW = 200;

/** What each server writes for itself (the configuration, with the local time). */
const LOCAL: ReadonlySet<string> = new Set(['/zookeeper/config']);

/** Tells how often to try again when a server closes the connection, as after an election. */
const ATTEMPTS = 5;

/**
 * Reads the tree of every server, after a `sync`. Nothing may write meanwhile.
 * @returns differences from the first server's tree; none when all are the same
 */
export async function compareTrees(ensemble: Ensemble): Promise<string[]> {
  const [first, ...others] = ensemble.members;
  if (first === undefined) throw new RangeError('no servers');
  const expected = await treeOf(first);
  if (expected.size < 3) return [`${first.name} has only ${expected.size} znodes`];
  const differences: string[] = [];
  for (const member of others) {
    const found = await treeOf(member);
    for (const [path, line] of expected) {
      const other = found.get(path);
      if (other !== line) differences.push(`${path}: ${first.name} ${line}, ${member.name} ${other ?? 'nothing'}`);
    }
    for (const [path, line] of found) {
      if (!expected.has(path)) differences.push(`${path}: ${first.name} nothing, ${member.name} ${line}`);
    }
  }
  return differences;
}

/** Every znode of a server by its path: all fields of its Stat, digests of its data and its ACL. */
export async function treeOf(member: Member): Promise<Map<string, string>> {
  for (let attempt = 1; ; attempt++) {
    const session = await RawSession.attach(member.clientPort, null, 0, { silenceMs: 10_000 }).catch(() => null);
    try {
      if (session === null) throw new ConnectionLost();
      await session.request('sync', { path: '/' });
      const tree = await walk(session);
      await session.request('closeSession', null);
      return tree;
    } catch (error) {
      if (!(error instanceof ConnectionLost) || attempt === ATTEMPTS) throw error;
    } finally {
      session?.destroy();
    }
  }
}

async function walk(session: RawSession): Promise<Map<string, string>> {
  const tree = new Map<string, string>();
  let level = ['/'];
  while (level.length > 0) {
    const next: string[] = [];
    for (let at = 0; at < level.length; at += WINDOW) {
      await Promise.all(
        level.slice(at, at + WINDOW).map(async (path) => {
          const node = await read(session, path);
          if (!LOCAL.has(path)) tree.set(path, node.line);
          for (const name of node.children) next.push(path === '/' ? `/${name}` : `${path}/${name}`);
        }),
      );
    }
    level = next;
  }
  return tree;
}

async function read(session: RawSession, path: string): Promise<{ line: string; children: readonly string[] }> {
  const [data, acl] = await Promise.all([
    session.request('getData', { path, watch: false }),
    session.request('getACL', { path }),
  ]);
  // Not ours to read, or gone: it must be so everywhere.
  if (data.body === null) return { line: `error ${data.error}`, children: [] };
  const content = data.body.data === null ? 'null' : digest(data.body.data);
  const line = `${statText(data.body.stat)} data=${content} acl=${JSON.stringify(acl.body?.acl ?? acl.error)}`;
  if (data.body.stat.numChildren === 0) return { line, children: [] };
  const { body } = await session.request('getChildren', { path, watch: false });
  return { line, children: body?.children ?? [] };
}

function statText(stat: Stat): string {
  const { czxid, mzxid, pzxid, ctime, mtime, version, cversion, aversion, ephemeralOwner, dataLength, numChildren } =
    stat;
  const zxids = [czxid, mzxid, pzxid].map((zxid) => zxid.toString(16)).join(',');
  const numbers = [ctime, mtime, version, cversion, aversion, dataLength, numChildren].join(',');
  return `${zxids} ${numbers} owner=${ephemeralOwner.toString(16)}`;
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}
