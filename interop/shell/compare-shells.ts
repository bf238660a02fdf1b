/** Our shell beside Apache's: the same lines typed into both, on servers of their own, and the answers compared. */

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { type ApacheVersion, installApacheZooKeeper, startApacheZooKeeper } from '../peers/apache-zookeeper.ts';
import { headkeeperBin, startHeadkeeper } from '../peers/headkeeper.ts';
import { installJline } from '../peers/jline.ts';
import type { ServerProcess } from '../peers/server-process.ts';
import { atTerminal, type TerminalSession } from './at-terminal.ts';
import { LINES, ONE_SHOTS, TERMINAL_LINES } from './lines.ts';

export interface ShellComparison {
  readonly title: string;
  readonly passed: readonly string[];
  readonly faults: readonly string[];
  /** One `get` from the start of the shell to its end, milliseconds: ours, Apache's, and `node` with nothing to do. */
  readonly oneShotMs: { readonly ours: number; readonly apache: number; readonly bareNode: number };
}

/** Times are medians of so many. */
const RUNS = 20;

interface Answer {
  readonly out: string;
  readonly err: string;
}

interface Ended extends Answer {
  readonly code: number;
}

/** Lines after each one that is compared, whose known answers show where one answer ends: one on each stream. */
const MARKS = ['printwatches', 'delquota'];
const MARK_OUT = 'printwatches is on\n';
const MARK_ERR = /^delquota \[-n\|-b\|-N\|-B\] path\n/m;

const EVENTS = /\nWATCHER::\n|\nWatchedEvent state:(\S+) type:(\S+) path:(\S+)(?: zxid: -?\d+)?\n/g;

/**
 * @param serverKind whose servers both shells talk to.
 * @param shellVersion Apache's shell.
 * @param work an empty folder's name, for the servers.
 */
export async function compareShells(
  serverKind: 'headkeeper' | 'apache',
  shellVersion: ApacheVersion,
  work: string,
): Promise<ShellComparison> {
  const classpath = await installApacheZooKeeper(shellVersion);
  const shellOf = (path: string): string[] => {
    const java = ['-XX:TieredStopAtLevel=1', '-Dzookeeper.log.threshold=OFF', '-cp', path];
    return ['java', ...java, 'org.apache.zookeeper.ZooKeeperMain'];
  };
  const apache = shellOf(classpath);
  const withJline = shellOf(`${await installJline()}:${classpath}`);
  const ours = [process.execPath, headkeeperBin, 'shell'];
  const servers = await Promise.all(['a', 'b'].map((name) => startServer(serverKind, join(work, name))));
  try {
    const passed: string[] = [];
    const faults: string[] = [];
    const [theirsAt, oursAt] = servers.map(({ address }) => ['-server', address]) as [string[], string[]];
    const [theirLines, ourLines] = await Promise.all([typed([...apache, ...theirsAt]), typed([...ours, ...oursAt])]);
    for (const [at, line] of LINES.entries()) {
      const fault = judge(line.text, theirLines.answers[at], ourLines.answers[at], line.differs !== undefined);
      if (fault === null) passed.push(line.text);
      else faults.push(fault);
    }
    compareOne('events of watches', theirLines.events, ourLines.events, passed, faults);
    compareOne('exit code of a pipe', String(theirLines.code), String(ourLines.code), passed, faults);
    for (const { words, text } of ONE_SHOTS) {
      const [theirs, mine] = await Promise.all([
        run([...apache, ...theirsAt, ...words], ''),
        run([...ours, ...oursAt, ...words], ''),
      ]);
      const shown = ({ code, out, err }: Ended) => `exit code ${code}\n${normalOut(out)}--\n${normalErr(err)}`;
      compareOne(`one-shot ${text}`, shown(theirs), shown(mine), passed, faults);
    }
    await compareAtTerminal([...withJline, ...theirsAt], [...ours, ...oursAt], passed, faults);
    const get = ['get', '/b'];
    const oneShotMs = {
      ours: await medianMs([...ours, ...oursAt, ...get], RUNS),
      apache: await medianMs([...apache, ...theirsAt, ...get], 3),
      bareNode: await medianMs([process.execPath, '-e', '0'], RUNS),
    };
    return { oneShotMs, title: `the shell beside Apache's ${shellVersion} on ${serverKind}`, passed, faults };
  } finally {
    await Promise.all(servers.map((server) => server.kill()));
  }
}

/** Prompts, answers and the exit code, each shell at a terminal of its own. */
async function compareAtTerminal(
  apache: readonly string[],
  ours: readonly string[],
  passed: string[],
  faults: string[],
): Promise<void> {
  const [theirs, mine] = await Promise.all(
    [apache, ours].map((argv) => atTerminal([...argv, '-waitforconnection'], TERMINAL_LINES, EVENTS)),
  );
  const shown = (session: TerminalSession | undefined, at: number): string => {
    const { prompt, answer } = session?.shown[at] ?? { prompt: 'no prompt', answer: 'nothing more' };
    return `${prompt.replace(/127\.0\.0\.1:\d+/, 'HOST')}\n${normalErr(normalOut(answer))}`;
  };
  for (const [at, line] of TERMINAL_LINES.entries()) {
    compareOne(`at a terminal: ${line}`, shown(theirs, at), shown(mine, at), passed, faults);
  }
  compareOne('exit code at a terminal', String(theirs?.code), String(mine?.code), passed, faults);
}

/** Median of the time from start to end. */
async function medianMs(argv: readonly string[], runs: number): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < runs; i++) {
    const begun = performance.now();
    await run(argv, '');
    times.push(performance.now() - begun);
  }
  return times.sort((a, b) => a - b)[runs >> 1] as number;
}

function startServer(kind: 'headkeeper' | 'apache', dataDir: string): Promise<ServerProcess> {
  const extraConfig = { extendedTypesEnabled: 'true' };
  return kind === 'headkeeper'
    ? startHeadkeeper({ dataDir, extraConfig })
    : startApacheZooKeeper({ dataDir, extraConfig });
}

function compareOne(title: string, theirs: string, ours: string, passed: string[], faults: string[]): void {
  if (theirs === ours) passed.push(title);
  else faults.push(`${title}\n  Apache's: ${JSON.stringify(theirs)}\n  ours:     ${JSON.stringify(ours)}`);
}

/** Null when the answers are as they should be. */
function judge(line: string, theirs: Answer | undefined, ours: Answer | undefined, differs: boolean): string | null {
  const shown = (answer: Answer | undefined) =>
    answer === undefined ? 'no answer' : `${normalOut(answer.out)}--\n${normalErr(answer.err)}`;
  const isSame = shown(theirs) === shown(ours);
  if (differs && ours === undefined) return `${line}\n  ours gives no answer`;
  if (differs && theirs !== undefined && isSame) return `${line}\n  the answers are the same by now: ${shown(ours)}`;
  if (differs || isSame) return null;
  return `${line}\n  Apache's: ${JSON.stringify(shown(theirs))}\n  ours:     ${JSON.stringify(shown(ours))}`;
}

interface Typed {
  readonly answers: readonly (Answer | undefined)[];
  readonly events: string;
  readonly code: number;
}

/** Types all lines into one shell; those that end Apache's shell with an exception are left out there. */
async function typed(argv: readonly string[]): Promise<Typed> {
  const isApache = argv[0] === 'java';
  const isTyped = LINES.map(({ differs }) => !(isApache && differs?.includes('exception') === true));
  const input = LINES.filter((_, at) => isTyped[at]).flatMap(({ text }) => [text, ...MARKS]);
  const { code, out, err } = await run(argv, `${input.join('\n')}\n`);
  const { text, events } = withoutEvents(out);
  const outs = text.split(MARK_OUT);
  const errs = err.split(MARK_ERR);
  let next = 0;
  const answers = isTyped.map((was) => {
    if (!was) return undefined;
    const answer = { out: outs[next] ?? 'nothing more', err: errs[next] ?? 'nothing more' };
    next++;
    return answer;
  });
  return { answers, events: events.join('\n'), code };
}

/** Events (without a zxid before 3.9) come when they come: they are compared by themselves, without those that only Apache's shell makes itself. */
function withoutEvents(out: string): { readonly text: string; readonly events: string[] } {
  const events: string[] = [];
  const text = out.replace(EVENTS, (...match) => {
    const [, state, type, path] = match as [string, string?, string?, string?];
    if (type !== undefined && !type.endsWith('WatchRemoved')) events.push(`${state} ${type} ${path}`);
    return '';
  });
  return { text, events };
}

function normalOut(out: string): string {
  return withoutEvents(out)
    .text.replace(/^(Connecting to .*|Welcome to .*|JLine support is .*)\n/gm, '')
    .replace(/^([cm]time) = .*$/gm, '$1 = T')
    .replace(/^([cmp]Zxid|ephemeralOwner) = 0x[0-9a-f]+$/gm, '$1 = Z')
    .replace(/^\d+ - (printwatches|delquota)\n/gm, '')
    .replace(/^\d+ - /gm, 'N - ');
}

/** Without what explains the options after a usage line, the names of Java's exceptions, and the lists of all commands. */
function normalErr(err: string): string {
  return err
    .replace(/^ZooKeeper -server host.*\n(\t.*\n)*/gm, 'usage\n')
    .replace(/^org\.apache\.commons\.cli\.\w+: /gm, '')
    .replace(/^ -.*\n/gm, '')
    .replace(/^KeeperErrorCode = InvalidACL\n/gm, '')
    .replace(/^\n/gm, '');
}

function run(argv: readonly string[], input: string): Promise<Ended> {
  const [command = '', ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code: code ?? -1, out, err });
    });
  });
}
