import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isFree } from '@headkeeper/testkit';

const MAIN = fileURLToPath(new URL('./member-main.js', import.meta.url));
const WORD_TIMEOUT_MS = 1000;
/** Long enough for a busy machine. */
const PATIENCE_MS = 20_000;
const POLL_MS = 20;

export interface MemberPorts {
  readonly quorum: number;
  readonly election: number;
  readonly client: number;
}

/** One server of an ensemble on the loopback interface, with its files, and its process while it runs. */
export class MemberProcess {
  readonly sid: number;
  readonly folder: string;
  readonly dataDir: string;
  readonly config: string;
  /** Where it listens; to be changed with a reconfiguration that moves it. */
  ports: MemberPorts;
  readonly #logFile: string;
  #child: ChildProcess | null = null;

  constructor(folder: string, sid: number, ports: MemberPorts) {
    this.sid = sid;
    this.folder = folder;
    this.ports = ports;
    this.dataDir = join(folder, `data-${sid}`);
    this.config = join(folder, `server-${sid}.cfg`);
    this.#logFile = join(folder, `server-${sid}.log`);
    mkdirSync(this.dataDir);
    writeFileSync(join(this.dataDir, 'myid'), `${sid}\n`);
    writeFileSync(this.#logFile, '');
  }

  get name(): string {
    return `server ${this.sid}`;
  }

  /** Its `server.N` line. */
  line(role: 'participant' | 'observer' = 'participant'): string {
    const { quorum, election, client } = this.ports;
    return `server.${this.sid}=127.0.0.1:${quorum}:${election}:${role};127.0.0.1:${client}`;
  }

  /** Writes its configuration anew. */
  configure(lines: readonly string[]): void {
    const common = [
      ...[`dataDir=${this.dataDir}`, 'tickTime=500', 'initLimit=20', 'syncLimit=10', 'maxClientCnxns=0'],
      ...['reconfigEnabled=true', 'skipACL=yes', '4lw.commands.whitelist=*'],
    ];
    writeFileSync(this.config, `${[...common, ...lines].join('\n')}\n`);
  }

  start(): this {
    const log = openSync(this.#logFile, 'a');
    const child = spawn(process.execPath, [MAIN, this.config], { stdio: ['ignore', 'ignore', log] });
    closeSync(log);
    this.#child = child;
    const reap = (): void => void child.kill('SIGKILL');
    process.once('exit', reap);
    child.once('exit', () => process.removeListener('exit', reap));
    return this;
  }

  get isRunning(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  async #end(name: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === null || !this.isRunning) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill(name);
    await ended;
  }

  /** What it has logged in all its lives. */
  get log(): string {
    return readFileSync(this.#logFile, 'utf8');
  }

  /** The file beside its configuration, or null. */
  file(suffix: string): string | null {
    const name = `server-${this.sid}.cfg${suffix}`;
    return readdirSync(this.folder).includes(name) ? readFileSync(join(this.folder, name), 'utf8') : null;
  }

  /** Names of the files of memberships beside its configuration. */
  get dynamicFiles(): string[] {
    const start = `server-${this.sid}.cfg.dynamic`;
    return readdirSync(this.folder)
      .filter((name) => name.startsWith(start))
      .map((name) => name.slice(start.length));
  }

  /** The answer to a four-letter word; empty when there is none. */
  word(word: string): Promise<string> {
    return new Promise((resolve) => {
      const socket = connect({ host: '127.0.0.1', port: this.ports.client });
      let answer = '';
      socket.setEncoding('utf8').on('data', (text: string) => {
        answer += text;
      });
      socket.setTimeout(WORD_TIMEOUT_MS, () => socket.destroy());
      socket.on('connect', () => socket.write(word));
      socket.on('error', () => {});
      socket.on('close', () => resolve(answer));
    });
  }

  /** leader, follower, observer, or null while it does not serve. */
  async mode(): Promise<string | null> {
    return /^Mode: (\S+)$/m.exec(await this.word('srvr'))?.[1] ?? null;
  }

  async isIn(mode: string): Promise<void> {
    await until(`${this.name} is a ${mode}`, async () => (await this.mode()) === mode, [this]);
  }
}

/** Waits until `check` holds; fails with what the servers logged. */
export async function until(
  what: string,
  check: () => boolean | Promise<boolean>,
  members: readonly MemberProcess[] = [],
  patienceMs: number = PATIENCE_MS,
): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await check())) {
    if (performance.now() > deadline) {
      const logs = members.map((member) => `--- ${member.name}\n${member.log.slice(-3000)}`);
      throw new Error(`not in time: ${what}\n${logs.join('\n')}`);
    }
    await pause(POLL_MS);
  }
}

/** Waits until exactly one of the servers leads and all others that run serve; returns it. */
export async function leaderOf(members: readonly MemberProcess[]): Promise<MemberProcess> {
  let leader: MemberProcess | null = null;
  await until(
    'one leads and all serve',
    async () => {
      const running = members.filter((member) => member.isRunning);
      const modes = await Promise.all(running.map((member) => member.mode()));
      leader =
        modes.filter((mode) => mode === 'leader').length === 1 ? (running[modes.indexOf('leader')] ?? null) : null;
      return leader !== null && modes.every((mode) => mode !== null);
    },
    members,
  );
  return leader as unknown as MemberProcess;
}

/** Ports below those that systems give to outgoing connections, which could take one while its server is down. */
const FIRST_PORT = 12_000;
const PORTS = 20_000;
const given: Set<number> = new Set();

/** Three TCP ports of the loopback interface that were free a moment ago, never the same ones again. */
export async function freePorts(): Promise<MemberPorts> {
  return { quorum: await freePort(), election: await freePort(), client: await freePort() };
}

async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS);
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
}
