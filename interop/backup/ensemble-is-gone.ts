/**
 * Follows docs/guides/ensemble-is-gone.md word by word: an ensemble ships to a folder, all of it is destroyed, and the commands
 * of the page, in the order in which they stand there, bring it back. What they print must be what the page shows, but for
 * numbers, times and names.
 *
 *   node interop/dist/backup/ensemble-is-gone.js [--print]     with --print the page's commands with their output
 */

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ensemble } from '../ensemble/ensemble.ts';
import { EnsembleSession } from '../ensemble/ensemble-session.ts';
import { type ScenarioOutcome, Steps } from '../ensemble/steps.ts';
import { compareTrees, treeOf } from '../ensemble/tree.ts';
import { until } from '../ensemble/waiting.ts';
import { headkeeperBin } from '../peers/headkeeper.ts';
import { repositoryRoot } from '../peers/peer-cache.ts';
import { programOptions } from '../peers/program-options.ts';

const PAGE = 'docs/guides/ensemble-is-gone.md';
/** A command that waits for the ensemble takes this long at most, in milliseconds. */
const COMMAND_MS = 90_000;
const ZNODES = 300;
/** Where the servers settle who ships: their ephemerals come and go. */
const OWN = /^\/zookeeper(?:\/backup.*)?$/;

interface PageCommand {
  readonly line: number;
  readonly command: string;
  /** What the page shows behind it. */
  readonly shown: readonly string[];
}

/** The commands in the `console` blocks of the page, with the output that it shows. */
function commandsOf(page: string): PageCommand[] {
  const commands: { line: number; command: string; shown: string[] }[] = [];
  let isConsole = false;
  for (const [index, line] of page.split('\n').entries()) {
    if (line.startsWith('```')) isConsole = line === '```console';
    else if (isConsole && line.startsWith('$ ')) commands.push({ line: index + 1, command: line.slice(2), shown: [] });
    else if (isConsole) commands.at(-1)?.shown.push(line);
  }
  return commands;
}

/** The same for any two runs: numbers, times, names of hosts, who leads and the widths of columns are not compared. */
export function comparable(text: string): string[] {
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) =>
      line
        .replace(/\/\S*?\/(?=server-|restored|zookeeper)/g, '/')
        .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
        .replace(/\b(?:zk\d|127\.0\.0\.1):\d+/g, 'HOST')
        .replace(/0x[0-9a-f]+|\d[\d,.]*/g, '#')
        .replace(/# (?:B|kB|MB|min|ms|s)\b/g, '#')
        .replace(/(?:# )+ago \(TIME\)|\bnever\b/g, 'AGO')
        .replace(/\b(?:follower|leader)\b/g, 'ROLE')
        .replace(/\b(backup|ephemeral|piece|session|tree|txn|znode)s\b/g, '$1')
        .replace(/\s+/g, ' ')
        .replace(/#(?: #)+/g, '#')
        .trimEnd(),
    );
  return lines.filter((line, index) => line !== lines[index - 1]);
}

/** `print`: is handed the commands with their output, which is then not compared; null as a rule. */
export async function followPage(
  tell: (line: string) => void,
  print: ((text: string) => void) | null,
): Promise<ScenarioOutcome> {
  const steps = new Steps('the ensemble is gone', tell);
  const folder = mkdtempSync(join(tmpdir(), 'headkeeper-gone-'));
  const target = join(folder, 'zookeeper');
  const settings = { 'backup.target': target, 'backup.exposure': '1s' };
  const ensemble = await Ensemble.create({
    kinds: ['headkeeper', 'headkeeper', 'headkeeper'],
    tickTime: 500,
    settings,
  });
  const shell = new PageShell(folder, {
    BACKUP: target,
    DATA: ensemble.folder,
    SERVERS: ensemble.members.map(({ clientPort }) => `127.0.0.1:${clientPort}`).join(','),
  });
  let before = new Map<string, string>();
  try {
    await steps.step('an ensemble that ships', async () => {
      await ensemble.startAll();
      await fill(ensemble);
      before = await treeOf(ensemble.member(1));
      await untilShipped(shell, ensemble, target);
    });
    await steps.step('everything destroyed', async () => {
      await Promise.all(ensemble.members.map((member) => member.kill()));
      for (const member of ensemble.members) rmSync(member.dataDir, { recursive: true });
    });
    for (const { line, command, shown } of commandsOf(readFileSync(join(repositoryRoot, PAGE), 'utf8'))) {
      await steps.step(`line ${line}: ${command}`, async () => {
        const output = await shell.run(command);
        if (print === null) return differences(shown, output);
        print(`$ ${command}\n${output.trimEnd()}`);
        return [];
      });
    }
    await steps.step('the same tree on every server', async () => {
      const after = await treeOf(ensemble.member(3));
      const faults = await compareTrees(ensemble);
      let same = 0;
      for (const [path, line] of before) {
        if (OWN.test(path)) continue;
        if (after.get(path) === line) same++;
        else faults.push(`${path}: ${line}, now ${after.get(path)}`);
      }
      return same > ZNODES ? faults : [...faults, `only ${same} znodes to compare`];
    });
    return steps.outcome();
  } finally {
    await shell.endServers(ensemble);
    await ensemble.end(!steps.failed);
    if (!steps.failed) rmSync(folder, { recursive: true, force: true });
  }
}

async function fill(ensemble: Ensemble): Promise<void> {
  const session = new EnsembleSession('filling', { ports: ensemble.members.map(({ clientPort }) => clientPort) });
  await session.ensure('/app');
  for (let i = 0; i < ZNODES; i++) await session.ensure(`/app/znode-${i}`);
  await session.close();
}

/** The txns of the session that wrote are safe as well: nothing is lost here, so that the trees can be compared. */
async function untilShipped(shell: PageShell, ensemble: Ensemble, target: string): Promise<void> {
  const zxid = (await ensemble.member(1).zxid()) ?? 0;
  await until('everything shipped', 60_000, async () => {
    const status = await shell.run(`headkeeper backup status --target ${target} --json 2>/dev/null`);
    const safe = /"zxid":"(0x[0-9a-f]+)"/.exec(status)?.[1];
    return safe !== undefined && Number(safe) >= zxid;
  });
}

function differences(shown: readonly string[], output: string): string[] {
  const wanted = comparable(shown.join('\n'));
  const found = comparable(output);
  if (wanted.join('\n') === found.join('\n')) return [];
  return ['the page shows', ...wanted, 'and the output was', ...found, 'that is', ...output.trimEnd().split('\n')];
}

/** Runs commands one after the other as an operator types them; variables stay, but those of the page have other values. */
class PageShell {
  readonly #folder: string;
  readonly #values: Readonly<Record<string, string>>;
  #settings = '';

  constructor(folder: string, values: Readonly<Record<string, string>>) {
    this.#folder = folder;
    this.#values = values;
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    const program = `#!/bin/sh\nexec "${process.execPath}" "${headkeeperBin}" "$@"\n`;
    writeFileSync(join(bin, 'headkeeper'), program, { mode: 0o755 });
    symlinkSync(join(repositoryRoot, 'bin/zkServer.sh'), join(bin, 'zkServer.sh'));
  }

  run(command: string): Promise<string> {
    const name = /^([A-Z]+)=/.exec(command)?.[1];
    if (name !== undefined) {
      const value = this.#values[name];
      if (value === undefined) return Promise.reject(new Error(`the page sets ${name}, which is not known here`));
      this.#settings += `${name}='${value}'\n`;
      return Promise.resolve('');
    }
    return this.#shell(`${this.#settings}${command}`);
  }

  /** Ends the servers that the page has started, by the files that tell their processes. */
  async endServers(ensemble: Ensemble): Promise<void> {
    for (const { dataDir } of ensemble.members) {
      await this.#shell(`kill -9 "$(cat '${dataDir}/zookeeper_server.pid')" 2>/dev/null || true`);
    }
  }

  #shell(script: string): Promise<string> {
    return new Promise((resolvePromise, reject) => {
      const child = spawn('/bin/sh', ['-c', `exec 2>&1\n${script}`], {
        cwd: this.#folder,
        env: {
          ...process.env,
          PATH: `${join(this.#folder, 'bin')}:${process.env.PATH}`,
          ZOO_LOG_DIR: join(this.#folder, 'logs'),
          NODE: process.execPath,
        },
        stdio: ['ignore', 'pipe', 'inherit'],
        timeout: COMMAND_MS,
      });
      let output = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
      child.on('error', reject);
      child.on('close', (_code, signal) => {
        if (signal === null) resolvePromise(output);
        else reject(new Error(`${script}: ended by ${signal} after ${COMMAND_MS} ms\n${output}`));
      });
    });
  }
}

if (import.meta.filename === process.argv[1]) {
  const values = programOptions(import.meta.filename, { print: { type: 'boolean', default: false } });
  const { faults } = await followPage(values.print ? () => {} : console.log, values.print ? console.log : null);
  process.exitCode = faults.length === 0 ? 0 : 1;
  if (!values.print) console.log(faults.length === 0 ? 'all is well' : `${faults.length} faults`);
}
