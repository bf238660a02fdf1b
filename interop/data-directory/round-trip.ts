/** A data directory written by one server and read by another: the trees must be the same to the last field. */

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ApacheVersion,
  apacheVersion,
  installApacheZooKeeper,
  startApacheZooKeeper,
} from '../peers/apache-zookeeper.ts';
import { run } from '../peers/command.ts';
import { startHeadkeeper } from '../peers/headkeeper.ts';
import { repositoryRoot } from '../peers/peer-cache.ts';
import { fourLetterWord, type ServerProcess } from '../peers/server-process.ts';

export type DataServer = 'headkeeper' | `apache ${ApacheVersion}`;

/** `super:test`, so that the walk can read every znode. */
export const superDigest = 'super:D/InIHSb7yEEbrWz8b9l71RjZJU=';

const never = 3_600_000;

/** Starts a server on the folder; small snapshots, and a sweep for TTL nodes and containers every `sweepMs`. */
export function startOn(server: DataServer, dataDir: string, sweepMs: number): Promise<ServerProcess> {
  const extraConfig = {
    snapCount: '40',
    extendedTypesEnabled: 'true',
    'DigestAuthenticationProvider.superDigest': superDigest,
  };
  const sweep = { 'znode.container.checkIntervalMs': String(sweepMs) };
  if (server === 'headkeeper') return startHeadkeeper({ dataDir, extraConfig: { ...extraConfig, ...sweep } });
  const version = server.slice('apache '.length) as ApacheVersion;
  return startApacheZooKeeper({ dataDir, version, extraConfig, properties: sweep });
}

/** Runs one part of the client program, which writes or reads a tree with everything in it. */
export async function treeProgram(
  mode: 'fill' | 'leave' | 'walk' | 'expire',
  server: Pick<ServerProcess, 'address'>,
): Promise<string> {
  const classpath = await installApacheZooKeeper(apacheVersion);
  const program = join(repositoryRoot, 'interop/data-directory/DataDirectory.java');
  return run(['java', '-Dzookeeper.log.threshold=OFF', '-cp', classpath, program, mode, server.address], {
    timeoutMs: 150_000,
  });
}

async function lastZxid(server: ServerProcess): Promise<string> {
  const answer = await fourLetterWord(server.port, 'srvr', 5000);
  return /^Zxid: (\S+)$/m.exec(answer)?.[1] ?? `no zxid in ${answer}`;
}

/**
 * Lets `writer` write every kind of transaction, ends it by `ending`, starts `reader` on the same folder.
 * @returns the differences between the two trees, none when they are the same
 */
export async function roundTrip(
  writer: DataServer,
  reader: DataServer,
  ending: 'stopped' | 'killed',
): Promise<readonly string[]> {
  const dataDir = join(mkdtempSync(join(tmpdir(), 'headkeeper-round-trip-')), 'data');
  let server = await startOn(writer, dataDir, 500);
  let written: string;
  let zxid: string;
  try {
    await treeProgram('fill', server);
    await server.stop();
    server = await startOn(writer, dataDir, never);
    await treeProgram('leave', server);
    written = await treeProgram('walk', server);
    zxid = await lastZxid(server);
  } finally {
    await (ending === 'killed' ? server.kill() : server.stop());
  }
  const differences: string[] = [];
  server = await startOn(reader, dataDir, never);
  try {
    const zxidRead = await lastZxid(server);
    if (zxidRead !== zxid) differences.push(`last zxid: ${writer} ${zxid}, ${reader} ${zxidRead}`);
    differences.push(...compareLines(written, await treeProgram('walk', server)));
  } finally {
    await server.stop();
  }
  server = await startOn(reader, dataDir, 500);
  try {
    await treeProgram('expire', server);
  } finally {
    await server.stop();
  }
  return differences;
}

/** What differs between two walks. */
export function compareLines(written: string, read: string): string[] {
  const left = new Set(written.trimEnd().split('\n'));
  const right = new Set(read.trimEnd().split('\n'));
  if (left.size < 50) return [`only ${left.size} znodes were written`];
  return [
    ...[...left].filter((line) => !right.has(line)).map((line) => `- ${line}`),
    ...[...right].filter((line) => !left.has(line)).map((line) => `+ ${line}`),
  ];
}
