/** One server of an ensemble: its folder, its ports, and the process of the kind that it is at the moment. */

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ApacheVersion, installApacheZooKeeper, writeZooCfg } from '../peers/apache-zookeeper.ts';
import { headkeeperBin } from '../peers/headkeeper.ts';
import { fourLetterWord, type LaunchedServer, launchServer } from '../peers/server-process.ts';

export type MemberKind = 'headkeeper' | ApacheVersion;

export type Mode = 'leader' | 'follower' | 'observer' | 'read-only' | 'standalone';

export interface MemberOptions {
  readonly sid: number;
  readonly kind: MemberKind;
  readonly observer: boolean;
  /** Holds the data folder, zoo.cfg and the log. */
  readonly folder: string;
  readonly clientPort: number;
  readonly quorumPort: number;
  readonly electionPort: number;
}

/** Longest wait for the answer to a four-letter word, in milliseconds: a paused server must not hold up the run. */
const WORD_TIMEOUT_MS = 500;

export class Member {
  readonly sid: number;
  readonly observer: boolean;
  readonly clientPort: number;
  readonly quorumPort: number;
  readonly electionPort: number;
  readonly dataDir: string;
  readonly config: string;
  readonly logFile: string;
  kind: MemberKind;
  /** The lines of zoo.cfg for the next start, beside those of every server. */
  settings: Readonly<Record<string, string>> = {};
  /** Java system properties, for Apache's kinds. */
  properties: Readonly<Record<string, string>> = {};
  /** Added to the environment of the next start. */
  env: Readonly<Record<string, string>> = {};
  #process: LaunchedServer | null = null;

  constructor(options: MemberOptions) {
    this.sid = options.sid;
    this.kind = options.kind;
    this.observer = options.observer;
    this.clientPort = options.clientPort;
    this.quorumPort = options.quorumPort;
    this.electionPort = options.electionPort;
    this.dataDir = join(options.folder, `server-${options.sid}`);
    this.config = `${this.dataDir}.cfg`;
    this.logFile = `${this.dataDir}.log`;
    this.#fresh();
  }

  get name(): string {
    return `server ${this.sid} (${this.kind})`;
  }

  get running(): boolean {
    return this.#process?.running === true;
  }

  get process(): LaunchedServer {
    if (this.#process === null) throw new Error(`${this.name} was never started`);
    return this.#process;
  }

  /** Starts the process; does not wait. `keepConfig`: with the zoo.cfg that the server has made of the first one. */
  async start(keepConfig: boolean = false): Promise<void> {
    if (this.running) throw new Error(`${this.name} is running`);
    if (!keepConfig) writeZooCfg(this.dataDir, this.clientPort, this.settings);
    const { name, clientPort: port, logFile, env } = this;
    this.#process = launchServer({ name, port, logFile, env, argv: await this.#command() });
  }

  /** SIGTERM. Returns the exit code. */
  stop(): Promise<number | null> {
    return this.process.stop();
  }

  /** SIGKILL. */
  kill(): Promise<void> {
    return this.process.kill();
  }

  /** SIGSTOP: the process does nothing any more, its connections stay. */
  pause(): void {
    this.process.signal('SIGSTOP');
  }

  resume(): void {
    this.process.signal('SIGCONT');
  }

  /** Forgets all data, as on a new disk. */
  wipe(): void {
    if (this.running) throw new Error(`${this.name} is running`);
    rmSync(this.dataDir, { recursive: true });
    this.#fresh();
  }

  /** What the server says it is; null when it does not answer or does not serve. */
  async mode(): Promise<Mode | null> {
    return (/^Mode: (\S+)$/m.exec(await this.word('srvr'))?.[1] as Mode | undefined) ?? null;
  }

  /** The last zxid that it has applied, or null when it does not serve. */
  async zxid(): Promise<number | null> {
    const found = /^Zxid: (0x[0-9a-f]+)$/m.exec(await this.word('srvr'));
    return found === null ? null : Number(found[1]);
  }

  /** The answer to a four-letter word; empty when there is none. */
  word(word: string): Promise<string> {
    if (!this.running) return Promise.resolve('');
    return fourLetterWord(this.clientPort, word, WORD_TIMEOUT_MS).catch(() => '');
  }

  /** How much it has logged so far; for `logSince`. */
  logLength(): number {
    return readFileSync(this.logFile).length;
  }

  logSince(length: number): string {
    return readFileSync(this.logFile).subarray(length).toString();
  }

  #fresh(): void {
    mkdirSync(this.dataDir, { recursive: true });
    writeFileSync(join(this.dataDir, 'myid'), `${this.sid}\n`);
    writeFileSync(this.logFile, '', { flag: 'a' });
  }

  async #command(): Promise<string[]> {
    if (this.kind === 'headkeeper') return [process.execPath, headkeeperBin, 'server', this.config];
    const properties = Object.entries(this.properties).map(([key, value]) => `-D${key}=${value}`);
    return [
      ...['java', '-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Dzookeeper.jmx.log4j.disable=true'],
      ...[...properties, '-cp', await installApacheZooKeeper(this.kind)],
      ...['org.apache.zookeeper.server.quorum.QuorumPeerMain', this.config],
    ];
  }
}
