/**
 * The operators' HTTP servers of Apache ZooKeeper and Headkeeper, asked with curl: the same fields for each command, the same
 * status codes, and a snapshot that one has given restored by the other, to the last field of each Stat. `headkeeper backup now`
 * backs both up through them.
 *
 *   node interop/dist/backup/admin-apache.js
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { isDeepStrictEqual } from 'node:util';
import { freePort } from '@headkeeper/testkit';
import { compareLines, superDigest, treeProgram } from '../data-directory/round-trip.ts';
import { type ScenarioOutcome, Steps } from '../ensemble/steps.ts';
import { adminSettings, startApacheZooKeeper } from '../peers/apache-zookeeper.ts';
import { run } from '../peers/command.ts';
import { headkeeperBin, startHeadkeeper } from '../peers/headkeeper.ts';
import { programOptions } from '../peers/program-options.ts';
import type { ServerProcess } from '../peers/server-process.ts';

const SOON_MS = '500';
const NEVER_MS = '3600000';
const SUPER = 'Authorization: digest super:test';
const SETTINGS: Readonly<Record<string, string>> = {
  extendedTypesEnabled: 'true',
  'DigestAuthenticationProvider.superDigest': superDigest,
  'admin.rateLimiterIntervalInMS': '1',
  // A session whose client is gone lives on until both trees are compared, however slow the machine is.
  minSessionTimeout: '600000',
  maxSessionTimeout: '600000',
};

/** Everything that Apache's server lists. */
const COMMANDS: readonly string[] = [
  ...['configuration', 'connection_stat_reset', 'connections', 'dirs', 'dump', 'environment', 'get_trace_mask', 'hash'],
  ...['initial_configuration', 'is_read_only', 'last_snapshot', 'leader', 'observers', 'ruok', 'server_stats', 'stats'],
  ...['observer_connection_stat_reset', 'set_trace_mask', 'set_trace_mask?traceMask=x', 'stat_reset', 'voting_view'],
  ...['watch_summary', 'watches', 'watches_by_path', 'zabstate', 'nosuch', 'conf', 'srvr', 'wchp', 'isro'],
];
/** What only a Java machine has, or only Headkeeper. */
const OWN_FIELDS: ReadonlySet<string> = new Set(['node.version', 'headkeeper.version']);

/** Requests whose status and, where they have one, envelope must be the same. */
const REQUESTS: readonly (readonly string[])[] = [
  ['commands/snapshot'],
  ['commands/snapshot', '-H', 'Authorization: digest'],
  ['commands/snapshot', '-H', 'Authorization: Basic cm9vdDp4'],
  ['commands/snapshot', '-H', 'Authorization: x509'],
  ['commands/snapshot', '-H', 'Authorization: digest a:b c'],
  ['commands/snapshot', '-H', 'Authorization: digest nobody:x'],
  ['commands/snap?streaming=false', '-H', SUPER],
  ['commands/restore', '-X', 'POST'],
  ['commands/restore', '-X', 'POST', '-H', 'Authorization: digest nobody:x', '--data-binary', 'x'],
  ['commands/ruok', '-X', 'TRACE'],
  ['commands/ruok', '-X', 'PUT'],
  ['commands/ruok', '-X', 'DELETE'],
  ['commands/'],
];

interface Side {
  readonly kind: 'apache' | 'headkeeper';
  readonly server: ServerProcess;
  readonly base: string;
  readonly folder: string;
}

export async function adminServers(tell: (line: string) => void): Promise<ScenarioOutcome> {
  const steps = new Steps('admin servers of Apache and Headkeeper', tell);
  const folder = mkdtempSync(join(tmpdir(), 'headkeeper-admin-'));
  const sides: Side[] = [];
  try {
    await steps.step('both start, with the same tree', async () => {
      for (const kind of ['apache', 'headkeeper'] as const) {
        const { server } = await start(kind, folder, SOON_MS);
        await treeProgram('fill', server).finally(() => server.stop());
        const side = await start(kind, folder, NEVER_MS);
        sides.push(side);
        await treeProgram('leave', side.server);
      }
    });
    const [apache, headkeeper] = sides;
    if (apache === undefined || headkeeper === undefined) return steps.outcome();
    for (const command of COMMANDS) {
      await steps.step(`${command}: the same fields`, () => sameFields(apache, headkeeper, command));
    }
    await steps.step('monitor: only names that Apache has', async () => {
      const known = new Set(Object.keys(await answer(apache, 'monitor')));
      const ours = Object.keys(await answer(headkeeper, 'monitor'));
      return ours.filter((name) => !known.has(name) && !name.startsWith('backup_'));
    });
    for (const request of REQUESTS) {
      await steps.step(`${request.join(' ')}: the same answer`, async () => {
        const [theirs, ours] = [await status(apache, request), await status(headkeeper, request)];
        return theirs === ours ? [] : [`${theirs} on Apache, ${ours} on Headkeeper`];
      });
    }
    for (const side of sides) {
      await steps.step(`${side.server.name}, backed up through its admin server and restored`, async () => {
        const { zxid, differences } = await backedUp(side);
        steps.note(`zxid ${zxid}`);
        return differences;
      });
    }
    for (const side of sides) {
      await steps.step(`${side.server.name}, exported through its admin server: as from its files`, async () => {
        const auth = ['--auth', 'digest:super:test'];
        const live = await exported(['--server', side.base, ...auth]);
        const kinds = new Set(live.map(({ kind }) => kind));
        const missing = ['container', 'ttl', 'ephemeral', 'persistent'].filter((kind) => !kinds.has(kind));
        const past = await exported(['--data-dir', join(side.folder, side.kind)]);
        const differences = live.filter((znode, at) => !isDeepStrictEqual(znode, past[at])).map(({ path }) => path);
        if (live.length !== past.length) differences.push(`${live.length} znodes instead of ${past.length}`);
        return [...missing.map((kind) => `no ${kind}`), ...differences];
      });
    }
    for (const [giver, taker] of [
      [apache, headkeeper],
      [headkeeper, apache],
    ] as const) {
      const title = `a snapshot of ${giver.server.name} restored into ${taker.server.name}`;
      await steps.step(title, async () => {
        const zxid = await handOver(giver, taker);
        steps.note(`restored under zxid 0x${zxid.toString(16)}`);
        return compareLines(await treeProgram('walk', giver.server), await treeProgram('walk', taker.server));
      });
    }
  } finally {
    await Promise.all(sides.map(({ server }) => server.stop()));
    rmSync(folder, { recursive: true, force: true });
  }
  return steps.outcome();
}

/** `sweepMs`: how often TTL znodes and containers are looked for. */
async function start(kind: 'apache' | 'headkeeper', folder: string, sweepMs: string): Promise<Side> {
  const dataDir = join(folder, kind);
  const adminPort = await freePort();
  const server =
    kind === 'apache'
      ? await startApacheZooKeeper({
          ...{ dataDir, adminPort, extraConfig: SETTINGS },
          properties: { 'znode.container.checkIntervalMs': sweepMs },
        })
      : await startHeadkeeper({
          dataDir,
          extraConfig: { ...SETTINGS, ...adminSettings(adminPort), 'znode.container.checkIntervalMs': sweepMs },
        });
  return { kind, server, base: `http://127.0.0.1:${adminPort}`, folder };
}

async function exported(from: readonly string[]): Promise<readonly { readonly path: string; readonly kind: string }[]> {
  const text = await run([process.execPath, headkeeperBin, 'export', '/', ...from]);
  return (JSON.parse(text) as { znodes: { path: string; kind: string }[] }).znodes;
}

/** Backs a server up with the command, without its files, and compares it with a server that starts on what comes of that. */
async function backedUp(side: Side): Promise<{ readonly zxid: string; readonly differences: string[] }> {
  const place = mkdtempSync(join(side.folder, 'backup-'));
  const target = ['--target', join(place, 'target'), '--json'];
  const auth = ['--auth', 'digest:super:test'];
  const command = async (words: readonly string[]): Promise<Record<string, unknown>> =>
    JSON.parse(await run([process.execPath, headkeeperBin, ...words])) as Record<string, unknown>;
  const { zxid } = await command(['backup', 'now', '--server', side.base, ...auth, ...target]);
  const { sound } = await command(['backup', 'verify', ...target]);
  if (sound !== true) return { zxid: String(zxid), differences: ['the backup is not sound'] };
  const { lagTxns } = await command(['backup', 'status', '--server', side.base, '--max-lag', '1s', ...target]);
  if (lagTxns !== 0) return { zxid: String(zxid), differences: [`the backup is behind by ${String(lagTxns)} txns`] };
  const dataDir = join(place, 'data');
  // The sessions go on, and their ephemerals with them.
  await command(['restore', '--data-dir', dataDir, '--no-bump-epoch', ...target]);
  const restored = await startHeadkeeper({
    dataDir,
    extraConfig: { ...SETTINGS, 'znode.container.checkIntervalMs': NEVER_MS },
  });
  try {
    const differences = compareLines(await treeProgram('walk', side.server), await treeProgram('walk', restored));
    return { zxid: String(zxid), differences };
  } finally {
    await restored.stop();
  }
}

/** Takes a snapshot of one server with curl and posts it to the other; the zxid that this one answers. */
async function handOver(giver: Side, taker: Side): Promise<number> {
  const file = join(giver.folder, 'snapshot');
  await run(['curl', '-sf', '-o', file, '-H', SUPER, `${giver.base}/commands/snapshot`]);
  const type = 'Content-Type: application/octet-stream';
  const text = await run([
    ...['curl', '-s', '-H', SUPER, '-H', type, '--data-binary', `@${file}`],
    `${taker.base}/commands/restore`,
  ]);
  const { last_zxid: zxid, error } = JSON.parse(text) as { last_zxid?: number; error: string | null };
  if (zxid === undefined || error !== null) throw new Error(text);
  return zxid;
}

async function answer(side: Side, command: string): Promise<Record<string, unknown>> {
  return JSON.parse(await run(['curl', '-s', `${side.base}/commands/${command}`])) as Record<string, unknown>;
}

async function sameFields(apache: Side, headkeeper: Side, command: string): Promise<string[]> {
  const theirs = shape(await answer(apache, command));
  const ours = shape(await answer(headkeeper, command));
  return [
    ...[...theirs].filter((field) => !ours.has(field)).map((field) => `only Apache has ${field}`),
    ...[...ours].filter((field) => !theirs.has(field)).map((field) => `only Headkeeper has ${field}`),
  ];
}

/** The paths of all fields with the kinds of their values; what is named by an id, a time or a path counts once. */
function shape(value: unknown, at = ''): Set<string> {
  if (Array.isArray(value)) return new Set(value.flatMap((each) => [...shape(each, `${at}[]`)]));
  if (typeof value !== 'object' || value === null) return new Set([`${at}: ${value === null ? 'null' : typeof value}`]);
  const fields = Object.entries(value).filter(([name]) => !OWN_FIELDS.has(name));
  return new Set(fields.flatMap(([name, each]) => [...shape(each, `${at}.${/^[\d/]/.test(name) ? '*' : name}`)]));
}

/** Status, and the error of the envelope where there is one. */
async function status(side: Side, [path, ...options]: readonly string[]): Promise<string> {
  const text = await run([
    'curl',
    '-s',
    '-o',
    join(side.folder, 'body'),
    '-w',
    '%{http_code} %{content_type}',
    ...options,
    `${side.base}/${path}`,
  ]);
  const [code, type] = text.split(' ');
  // Apache tells no reasons for failures of its own.
  if (type !== 'application/json' || Number(code) >= 500) return String(code);
  const body = await run(['cat', join(side.folder, 'body')]);
  return `${code} ${String((JSON.parse(body) as { error: string | null }).error)}`;
}

if (process.argv[1]?.endsWith('backup/admin-apache.js')) {
  programOptions(import.meta.filename, {});
  const { passed, faults } = await adminServers((line) => console.log(line));
  console.log(`${passed.length} passed, ${faults.length} failed`);
  process.exitCode = faults.length === 0 ? 0 : 1;
}
