/**
 * The four-letter words of Apache ZooKeeper and Headkeeper, with the same client: the same lines and fields in the same
 * order, whatever the numbers.
 *
 *   node interop/dist/operator/words.js
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { EnsembleSession } from '../ensemble/ensemble-session.ts';
import { type ScenarioOutcome, Steps } from '../ensemble/steps.ts';
import { startApacheZooKeeper } from '../peers/apache-zookeeper.ts';
import { startHeadkeeper } from '../peers/headkeeper.ts';
import { programOptions } from '../peers/program-options.ts';
import type { ServerProcess } from '../peers/server-process.ts';

/** All but `mntr`, which has a comparison of its own, in the order in which they are asked for. */
const WORDS: readonly string[] = [
  ...['ruok', 'isro', 'conf', 'cons', 'stat', 'srvr', 'dirs', 'dump', 'envi', 'hash', 'wchs', 'wchc', 'wchp'],
  ...['gtmk', 'stmk', 'crst', 'srst'],
];
/** Entries of `envi` that only Headkeeper has. */
const OWN = /^(node|headkeeper)\.version=/;
/** Apache counts the connection that asks the word among the clients'; Headkeeper does not. */
const ASKER = /^ \/[^[]*\[0\]\(queued=0,recved=1,sent=0\)$/;
const ASKER_IN_DUMP = /^1 expire at [^\n]*\n\tip: [^\n]* sessionId: 0x0\n/m;
/** A time at which nobody expires any more stays for a while on Apache. */
const EMPTIED = /^0 expire at /;
/** Watches are sets. */
const UNORDERED: ReadonlySet<string> = new Set(['wchc', 'wchp']);
/** More than one 128th of them: so many digests are kept. */
const WRITES = 300;

export async function compareWords(tell: (line: string) => void): Promise<ScenarioOutcome> {
  const steps = new Steps('four-letter words of Apache and Headkeeper', tell);
  const folder = mkdtempSync(join(tmpdir(), 'headkeeper-words-'));
  const answers = new Map<string, Map<string, string>>();
  try {
    for (const [kind, start] of [
      ['Apache', startApacheZooKeeper],
      ['Headkeeper', startHeadkeeper],
    ] as const) {
      await steps.step(kind, async () => {
        const server = await start({ dataDir: join(folder, kind) });
        answers.set(kind, await asked(server).finally(() => server.stop()));
      });
    }
    for (const word of WORDS) {
      await steps.step(`${word}: the same`, async () => {
        const theirs = comparable(word, answers.get('Apache')?.get(word) ?? '');
        const ours = comparable(word, answers.get('Headkeeper')?.get(word) ?? '');
        return theirs === ours ? [] : [`on Apache\n${theirs}\non Headkeeper\n${ours}`];
      });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return steps.outcome();
}

async function asked(server: ServerProcess): Promise<Map<string, string>> {
  const session = new EnsembleSession('watcher', { ports: [server.port], sessionMs: 30_000 });
  const acl = [{ perms: 31, scheme: 'world', id: 'anyone' }];
  const create = (path: string, flags: number): Promise<unknown> =>
    session.ask('create', { path, data: new Uint8Array(0), acl, flags });
  await create('/p', 0);
  await create('/e1', 1);
  for (let i = 0; i < WRITES; i++) await session.ask('setData', { path: '/p', data: new Uint8Array(1), version: -1 });
  await session.ask('getData', { path: '/p', watch: true });
  await session.ask('exists', { path: '/none', watch: true });
  await session.ask('getChildren', { path: '/', watch: true });
  const answers = new Map<string, string>();
  for (const word of WORDS) answers.set(word, await ask(server.port, word));
  await session.close();
  return answers;
}

function ask(port: number, word: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port });
    let text = '';
    socket.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
    socket.write(word === 'stmk' ? Buffer.from('stmk\0\0\0\0\0\0\x01\x32', 'latin1') : word);
  });
}

/** What must be the same: names and signs, not numbers, times and texts of the machine's. */
function comparable(word: string, text: string): string {
  const lines = text
    .replace(ASKER_IN_DUMP, '')
    .split('\n')
    .filter((line) => !OWN.test(line) && !ASKER.test(line) && !EMPTIED.test(line))
    .map((line) =>
      line
        .replace(/^Zookeeper version: .*/, 'Zookeeper version: *')
        .replace(/^([a-z]+(\.[a-z]+)*)=.*/i, '$1=*')
        .replace(/at [A-Z][a-z]{2} [A-Z][a-z]{2} \d\d .* \d{4}:/, 'at *:')
        .replace(/lop=\w+/, 'lop=*')
        .replace(/0x[0-9a-f]+/g, '0x*')
        .replace(/^[0-9a-f]+: -?\d+$/, '*: *')
        .replace(/-?\d+(\.\d+)?(E-?\d+)?/g, '*'),
    );
  return (UNORDERED.has(word) ? lines.sort() : lines).join('\n');
}

if (process.argv[1]?.endsWith('operator/words.js')) {
  programOptions(import.meta.filename, {});
  const { passed, faults } = await compareWords((line) => console.log(line));
  console.log(`${passed.length} passed, ${faults.length} failed`);
  process.exitCode = faults.length === 0 ? 0 : 1;
}
