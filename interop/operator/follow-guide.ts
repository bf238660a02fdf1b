/**
 * Follows docs/guides/operate.md as a new operator would, in a scratch folder: the commands of its `console` blocks, in the order
 * in which they stand there. What they print must contain the lines that the page shows, in their order, but for numbers.
 *
 *   node interop/dist/operator/follow-guide.js [--install] [--print]
 *
 * With --install the command is installed from the tarballs of this checkout, as the page says (a minute more); else the
 * checkout's own is used. With --print the commands are shown with their output.
 */

import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@headkeeper/testkit';
import { type ScenarioOutcome, Steps } from '../ensemble/steps.ts';
import { run } from '../peers/command.ts';
import { headkeeperBin } from '../peers/headkeeper.ts';
import { repositoryRoot } from '../peers/peer-cache.ts';
import { programOptions } from '../peers/program-options.ts';

const PAGE = 'docs/guides/operate.md';
const COMMAND_MS = 60_000;
/** The folder and the ports of the page; others take their places here. */
const PAGE_FOLDER = '/srv/headkeeper';
const PAGE_PORTS: readonly number[] = [2181, 2182, 2281, 2282, 8080];

interface PageCommand {
  readonly line: number;
  readonly command: string;
  readonly shown: readonly string[];
}

/** The commands of the page; one goes on in the lines behind it that begin with `> `. */
export function commandsOf(page: string): PageCommand[] {
  const commands: { line: number; command: string; shown: string[] }[] = [];
  let isConsole = false;
  for (const [index, line] of page.split('\n').entries()) {
    const last = commands.at(-1);
    if (line.startsWith('```')) isConsole = line === '```console';
    else if (isConsole && line.startsWith('$ ')) commands.push({ line: index + 1, command: line.slice(2), shown: [] });
    else if (isConsole && line.startsWith('> ') && last !== undefined) last.command += `\n${line.slice(2)}`;
    else if (isConsole) last?.shown.push(line);
  }
  return commands;
}

/** What the page shows and the output has not, in its order; numbers and widths are not compared. */
export function missingLines(shown: readonly string[], output: string): string[] {
  const comparable = (line: string): string =>
    line
      .replace(/\d[\d.]*/g, '#')
      .replace(/\s+/g, ' ')
      .trim();
  const found = output.split('\n').map(comparable);
  const missing: string[] = [];
  let at = 0;
  for (const line of shown) {
    const wanted = comparable(line);
    const next = found.findIndex((one, index) => index >= at && one.includes(wanted));
    if (next < 0) missing.push(line);
    else at = next + 1;
  }
  return missing;
}

/** `install`: from tarballs. `print`: is handed the commands with their output; null as a rule. */
export async function followOperatorsGuide(
  tell: (line: string) => void,
  install: boolean,
  print: ((text: string) => void) | null,
): Promise<ScenarioOutcome> {
  const steps = new Steps("the operator's guide", tell);
  const work = mkdtempSync(join(tmpdir(), 'headkeeper-operator-'));
  const folder = join(work, 'headkeeper');
  const bin = join(work, 'bin');
  mkdirSync(bin);
  symlinkSync(join(repositoryRoot, 'bin/zkServer.sh'), join(bin, 'zkServer.sh'));
  const place = { work, folder, program: headkeeperBin };
  try {
    await steps.step('install', async () => {
      const program = install ? await installed(work) : headkeeperBin;
      place.program = program;
      writeFileSync(join(bin, 'headkeeper'), `#!/bin/sh\nexec "${process.execPath}" "${program}" "$@"\n`, {
        mode: 0o755,
      });
      return [];
    });
    const ports = new Map(await Promise.all(PAGE_PORTS.map(async (port) => [port, await freePort()] as const)));
    const here = (text: string): string =>
      text
        .replaceAll(PAGE_FOLDER, folder)
        .replace(/\b(?:2181|2182|2281|2282|8080)\b/g, (port) => String(ports.get(Number(port))));
    for (const { line, command, shown } of commandsOf(readFileSync(join(repositoryRoot, PAGE), 'utf8'))) {
      await steps.step(`line ${line}: ${command.split('\n')[0]}`, async () => {
        const output = await type(here(command), place);
        print?.(`$ ${command}\n${output.trimEnd()}`);
        const missing = missingLines(shown.map(here), output);
        return missing.length === 0 ? [] : ['the page shows', ...missing, 'and the output was', ...output.split('\n')];
      });
    }
    return steps.outcome();
  } finally {
    const pid = join(folder, 'data/zookeeper_server.pid');
    if (existsSync(pid)) await type(`kill -9 $(cat ${pid}) 2>/dev/null || true`, place);
    if (!steps.failed) rmSync(work, { recursive: true, force: true });
  }
}

/** Packs the checkout and installs the tarballs; returns the installed command. */
async function installed(work: string): Promise<string> {
  const packages = join(work, 'packages');
  await run(['npm', 'run', '--silent', 'pack-packages', '--', packages], { cwd: repositoryRoot });
  const tarballs = readdirSync(packages).filter((name) => /^headkeeper-(?:protocol-|client-|server-)?\d/.test(name));
  const options = ['install', '--no-audit', '--no-fund', '--omit=dev', '--ignore-scripts', '--prefix', work];
  await run(['npm', ...options, ...tarballs.map((name) => join(packages, name))]);
  return join(work, 'node_modules/headkeeper/bin/headkeeper.js');
}

interface Place {
  readonly work: string;
  /** The folder that the page has chosen. */
  readonly folder: string;
  /** The command's own file. */
  readonly program: string;
}

/** Runs a command as an operator types it, in the folder that the page has chosen. */
function type(command: string, { work, folder, program }: Place): Promise<string> {
  const begin = existsSync(folder) ? `cd '${folder}'\n` : '';
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-c', `exec 2>&1\nDIR='${folder}'\n${begin}${command}`], {
      cwd: work,
      env: {
        ...process.env,
        PATH: `${join(work, 'bin')}:${process.env.PATH}`,
        HEADKEEPER: program,
        NODE: process.execPath,
        ZOO_LOG_DIR: join(folder, 'logs'),
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
      if (signal === null) resolve(output);
      else reject(new Error(`${command}: ended by ${signal} after ${COMMAND_MS} ms\n${output}`));
    });
  });
}

if (import.meta.filename === process.argv[1]) {
  const values = programOptions(import.meta.filename, {
    install: { type: 'boolean', default: false },
    print: { type: 'boolean', default: false },
  });
  const print = values.print ? console.log : null;
  const { faults } = await followOperatorsGuide(values.print ? () => {} : console.log, values.install, print);
  process.exitCode = faults.length === 0 ? 0 : 1;
  console.log(faults.length === 0 ? 'all is well' : faults.join('\n'));
}
