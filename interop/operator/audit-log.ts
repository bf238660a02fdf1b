/**
 * The audit logs of Apache ZooKeeper and Headkeeper after the same requests: the same lines, but for session ids, the order of a
 * session's identities and of its ephemerals, hashes of passwords, and what Headkeeper tells beside.
 *
 *   node interop/dist/operator/audit-log.js
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { encodeUtf8, OpCode, WORLD_ANYONE_ALL } from '@headkeeper/protocol';
import { EnsembleSession } from '../ensemble/ensemble-session.ts';
import { type ScenarioOutcome, Steps } from '../ensemble/steps.ts';
import { startApacheZooKeeper } from '../peers/apache-zookeeper.ts';
import { startHeadkeeper } from '../peers/headkeeper.ts';
import { programOptions } from '../peers/program-options.ts';

const DATA = encodeUtf8('x');
const ACL = WORLD_ANYONE_ALL;
/** Apache's logger, in the lines of its server's log. */
const APACHE_LINE = / (INFO|ERROR) +org\.apache\.zookeeper\.audit\.Slf4jAuditLogger - (.*)$/;
const OUR_LINE = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (INFO|ERROR) o\.a\.z\.a\.Slf4jAuditLogger: (.*)$/;

export async function compareAuditLogs(tell: (line: string) => void): Promise<ScenarioOutcome> {
  const steps = new Steps('audit logs of Apache and Headkeeper', tell);
  const folder = mkdtempSync(join(tmpdir(), 'headkeeper-audit-'));
  const lines: Record<string, string[]> = {};
  try {
    await steps.step('Apache', async () => {
      const server = await startApacheZooKeeper({
        dataDir: join(folder, 'apache'),
        properties: { 'zookeeper.audit.enable': 'true', 'zookeeper.extendedTypesEnabled': 'true' },
      });
      await requests(server.port).finally(() => server.stop());
      lines.apache = read(server.logFile, APACHE_LINE);
    });
    await steps.step('Headkeeper', async () => {
      const file = join(folder, 'audit.log');
      const server = await startHeadkeeper({
        dataDir: join(folder, 'headkeeper'),
        extraConfig: { 'audit.enable': 'true', 'audit.file': file, extendedTypesEnabled: 'true' },
      });
      await requests(server.port).finally(() => server.stop());
      lines.ours = read(file, OUR_LINE);
    });
    await steps.step('the same lines', async () => {
      const [theirs, ours] = [comparable(lines.apache ?? []), comparable(lines.ours ?? [])];
      steps.note(`${theirs.length} lines`);
      const faults = theirs.flatMap((line, at) =>
        line === ours[at] ? [] : [`${line}   on Apache, ${ours[at] ?? 'nothing'}   on Headkeeper`],
      );
      if (theirs.length < MOST_CERTAIN) faults.push(`only ${theirs.length} lines`);
      return [...faults, ...ours.slice(theirs.length).map((line) => `only Headkeeper has ${line}`)];
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return steps.outcome();
}

const MOST_CERTAIN = 25;

async function requests(port: number): Promise<void> {
  const session = new EnsembleSession('auditor', { ports: [port] });
  const create = (path: string, flags: number): Promise<unknown> =>
    session.ask('create', { path, data: DATA, acl: ACL, flags });
  await create('/a', 0);
  await create('/a', 0);
  await create('/a/b/c', 0);
  await session.ask('auth', { type: 0, scheme: 'digest', auth: encodeUtf8('ann:secret') });
  await create('/a/s-', 2);
  await create('/e', 1);
  await create('/es-', 3);
  await session.ask('create2', { path: '/a/2', data: DATA, acl: ACL, flags: 0 });
  await session.ask('createContainer', { path: '/c', data: DATA, acl: ACL, flags: 4 });
  await session.ask('createTTL', { path: '/t', data: DATA, acl: ACL, flags: 5, ttl: 100_000 });
  await session.ask('setData', { path: '/a', data: DATA, version: -1 });
  await session.ask('setData', { path: '/a', data: DATA, version: 77 });
  await session.ask('setData', { path: '/none', data: DATA, version: -1 });
  const open = { perms: 31, scheme: 'world', id: 'anyone' };
  await session.ask('setACL', { path: '/a', acl: [{ perms: 5, scheme: 'ip', id: '10.0.0.0/8' }, open], version: -1 });
  await session.ask('setACL', { path: '/a', acl: [{ perms: 31, scheme: 'auth', id: '' }], version: -1 });
  await session.ask('setACL', { path: '/a', acl: [{ perms: 31, scheme: 'nosuch', id: '' }], version: -1 });
  await session.ask('delete', { path: '/none', version: -1 });
  await session.ask('delete', { path: '/a/2', version: -1 });
  const body = (path: string, flags: number) => ({ path, data: DATA, acl: ACL, flags });
  await session.ask('multi', {
    ops: [
      { type: OpCode.create, body: body('/m', 0) },
      { type: OpCode.setData, body: { path: '/m', data: DATA, version: -1 } },
      { type: OpCode.check, body: { path: '/m', version: 1 } },
      { type: OpCode.create, body: body('/m/e', 1) },
      { type: OpCode.delete, body: { path: '/m/e', version: -1 } },
    ],
  });
  await session.ask('multi', {
    ops: [
      { type: OpCode.create, body: body('/n', 0) },
      { type: OpCode.create, body: body('/m', 0) },
    ],
  });
  await session.ask('reconfig', { joiningServers: '', leavingServers: '', newMembers: '', curConfigId: -1 });
  await session.ask('getData', { path: '/c', watch: false });
  await create('/e2', 1);
  await session.close();
}

function read(file: string, pattern: RegExp): string[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, level, message] = pattern.exec(line) ?? [];
      return message === undefined ? [] : [`${level} ${message}`];
    });
}

/** What must be the same, with the ephemerals of a session's end in the order of their names. */
function comparable(lines: readonly string[]): string[] {
  const same = lines.map((line) =>
    line
      .replace(/\bsession=0x[0-9a-f]+/, 'session=*')
      .replace(/\buser=([^\t]*)/, (_, users: string) => `user=${users.split(',').sort().join(',')}`)
      // Apache shows the hash of a digest identity, Headkeeper does not.
      .replace(/\bacl=[^\t]*/, (acl) => acl.replace(/(digest:[^:]*):[^:]*:/g, '$1:x:')),
  );
  const isEnd = (line: string): boolean => line.includes('operation=ephemeralZNodeDeletion');
  const ends = same.filter(isEnd).sort();
  return [...same.filter((line) => !isEnd(line)), ...ends];
}

if (process.argv[1]?.endsWith('operator/audit-log.js')) {
  programOptions(import.meta.filename, {});
  const { passed, faults } = await compareAuditLogs((line) => console.log(line));
  console.log(`${passed.length} passed, ${faults.length} failed`);
  process.exitCode = faults.length === 0 ? 0 : 1;
}
