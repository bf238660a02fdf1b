/**
 * A client as a process of its own: ours, kazoo or Apache's (clients/). It carries out commands, one a line on its standard
 * input, each with a number, and does not wait for one before it sends the next:
 *
 *   ID create PATH DATA MODE    MODE: 0 persistent, 1 ephemeral, 2 sequential, 3 both
 *   ID set PATH DATA VERSION    VERSION -1: any
 *   ID delete PATH VERSION
 *   ID read PATH WATCH          WATCH 1: with a watch, whose event is told under this ID
 *   ID fresh PATH               `sync`, then a read behind it
 *   ID children PATH            `sync`, then the names behind it
 *
 * and says what became of them, one JSON object a line, times in microseconds of the machine's monotonic clock:
 *
 *   {"id","out","session","call","ret",...}   OUT: ok, with what the answer held; noNode, nodeExists, badVersion; notApplied: the
 *                                  client knows that nothing was done; unknown. `stale`: the sync went by another connection
 *   {"event":"watch","id","type"}  a watch fired; type `dropped`: the client has forgotten it, with its connection
 *   {"event":"connected" | "disconnected" | "expired","session","at"}
 */

import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { installApacheZooKeeper } from '../peers/apache-zookeeper.ts';
import { nameFor } from '../peers/client-programs.ts';
import { run } from '../peers/command.ts';
import { installKazoo } from '../peers/kazoo.ts';
import { type Language, LineProcess, type Program } from '../peers/line-process.ts';
import { installOnce, repositoryRoot } from '../peers/peer-cache.ts';
import { nowUs } from './history.ts';

export type Command = 'create' | 'set' | 'delete' | 'read' | 'fresh' | 'children';

export interface Answer {
  readonly out: 'ok' | 'noNode' | 'nodeExists' | 'badVersion' | 'notApplied' | 'unknown';
  readonly session: string;
  /** Microseconds, by the client's own clock, which is everybody's. */
  readonly call: number;
  readonly ret: number;
  readonly path?: string;
  readonly data?: string;
  readonly version?: number;
  readonly czxid?: number;
  readonly mzxid?: number;
  readonly owner?: string;
  readonly children?: readonly string[];
  readonly stale?: boolean;
}

export type ClientEvent =
  | { readonly event: 'connected' | 'disconnected' | 'expired'; readonly session: string; readonly at: number }
  | {
      readonly event: 'watch';
      readonly id: number;
      readonly type: string;
      readonly session: string;
      readonly at: number;
    };

export interface ClientProcessOptions {
  readonly name: string;
  readonly language: Language;
  readonly connectString: string;
  readonly sessionMs: number;
  readonly heard: (event: ClientEvent) => void;
}

const PATIENCE_MS = 60_000;
const ENDS_WITHIN_MS = 8_000;
const sources = join(repositoryRoot, 'interop/chaos/clients');

export class ClientProcess {
  readonly name: string;
  readonly language: Language;
  /** Of the latest event or answer. */
  session = '0x0';
  readonly #process: LineProcess;
  readonly #waiting: Map<number, (answer: Answer) => void> = new Map();
  readonly #heard: (event: ClientEvent) => void;
  #first: () => void = () => {};
  #next = 0;

  private constructor(program: Program, options: ClientProcessOptions) {
    this.#process = new LineProcess(program, (line) => this.#said(line));
    this.name = options.name;
    this.language = options.language;
    this.#heard = options.heard;
    this.#process.closed.then(() => this.#over());
  }

  /** Starts a process and waits for its first session. */
  static async start(options: ClientProcessOptions): Promise<ClientProcess> {
    const { argv, env } = await programOf(options.language);
    const client = new ClientProcess(
      { argv: [...argv, options.connectString, String(options.sessionMs)], env },
      options,
    );
    await new Promise<void>((resolve, reject) => {
      const fail = (): void => reject(new Error(`${client.name} has no session\n${client.errors}`));
      const timer = setTimeout(fail, PATIENCE_MS);
      client.#first = () => {
        clearTimeout(timer);
        resolve();
      };
      client.#process.closed.then(fail);
    });
    return client;
  }

  get ended(): boolean {
    return this.#process.isClosed;
  }

  /** What it printed as errors: a client must not. */
  get errors(): string {
    return this.#process.errors;
  }

  /** The number of the next command. */
  takeId(): number {
    return ++this.#next;
  }

  /** An answer comes in any case: `unknown` when the process ends first. */
  ask(id: number, command: Command, path: string, ...words: readonly (string | number)[]): Promise<Answer> {
    return new Promise((resolve) => {
      const call = nowUs();
      const unknown = (): void => resolve({ out: 'unknown', session: this.session, call, ret: nowUs() });
      if (this.ended) return unknown();
      this.#waiting.set(id, (answer) => (answer === NONE ? unknown() : resolve(answer)));
      this.#process.send([id, command, path, ...words].join(' '));
    });
  }

  kill(): Promise<void> {
    return this.#process.kill();
  }

  /** Closes its session and ends. */
  end(): Promise<void> {
    return this.#process.end(ENDS_WITHIN_MS);
  }

  #said(line: string): void {
    // The last line of a process that was killed may be half a line.
    if (!line.endsWith('}')) return;
    const said = JSON.parse(line) as (Answer & { readonly id: number }) | ClientEvent;
    if (said.session !== '0x0') this.session = said.session;
    if ('event' in said) {
      this.#heard(said);
      if (said.event === 'connected') this.#first();
      return;
    }
    const waiting = this.#waiting.get(said.id);
    this.#waiting.delete(said.id);
    waiting?.(said);
  }

  #over(): void {
    for (const waiting of this.#waiting.values()) waiting(NONE);
    this.#waiting.clear();
  }
}

const NONE: Answer = { out: 'unknown', session: '', call: 0, ret: 0 };

/** Makes sure that everything the clients need is there. */
export async function installClients(): Promise<void> {
  await Promise.all([javaClassPath(), installKazoo()]);
}

async function programOf(language: Language): Promise<Program> {
  switch (language) {
    case 'typescript':
      return { argv: [process.execPath, join(repositoryRoot, 'interop/dist/chaos/clients/chaos-client.js')], env: {} };
    case 'java': {
      const small = ['-Xmx96m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Dzookeeper.log.threshold=ERROR'];
      return { argv: ['java', ...small, '-cp', await javaClassPath(), 'ChaosClient'], env: {} };
    }
    case 'python': {
      const { python, source } = await installKazoo();
      return { argv: [python, '-B', join(sources, 'chaos_client.py')], env: { PYTHONPATH: source } };
    }
  }
}

/** Compiles the Java program if it has changed. */
async function javaClassPath(): Promise<string> {
  const apache = await installApacheZooKeeper();
  const source = join(sources, 'ChaosClient.java');
  const folder = await installOnce(nameFor('chaos-client', [source]), async (fresh) => {
    mkdirSync(join(fresh, 'classes'));
    copyFileSync(source, join(fresh, 'ChaosClient.java'));
    await run(['javac', '-proc:none', '-cp', apache, '-d', join(fresh, 'classes'), source]);
  });
  return `${join(folder, 'classes')}:${apache}`;
}
