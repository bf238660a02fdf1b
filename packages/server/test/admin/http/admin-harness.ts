import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseServerConfig } from '../../../src/config/parse.ts';
import { type RunningServer, startServer } from '../../../src/main.ts';
import type { ServerLog } from '../../../src/start-error.ts';
import { MemberSession } from '../../ensemble/member-session.ts';

export interface Logged {
  readonly level: 'info' | 'warn' | 'error';
  readonly facts: object;
  readonly message: string;
}

/** A standalone server in this process, with its operators' HTTP server, on a folder of its own. */
export class AdminHarness {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'headkeeper-admin-'));
  readonly logged: Logged[] = [];
  readonly #lines: readonly string[];
  #server: RunningServer | null = null;

  /** `lines`: what its configuration has beside the ports. */
  constructor(lines: readonly string[] = []) {
    this.#lines = lines;
  }

  get server(): RunningServer {
    if (this.#server === null) throw new Error('the server does not run');
    return this.#server;
  }

  get dataDir(): string {
    return join(this.folder, 'data');
  }

  async start(): Promise<this> {
    const text = [
      ...[`dataDir=${this.dataDir}`, 'clientPort=0', 'clientPortAddress=127.0.0.1', 'tickTime=500'],
      ...['admin.serverPort=0', 'admin.rateLimiterIntervalInMS=0', '4lw.commands.whitelist=*', ...this.#lines],
    ].join('\n');
    this.#server = await startServer(parseServerConfig(text, { file: null }), { log: this.#log() });
    return this;
  }

  /** Stops the server and starts it again on the same folder. */
  async restart(): Promise<void> {
    await this.server.stop();
    await this.start();
  }

  async end(): Promise<void> {
    await this.#server?.stop();
    rmSync(this.folder, { recursive: true });
  }

  session(): Promise<MemberSession> {
    return MemberSession.open({ name: 'the server', ports: { client: this.server.address.port } });
  }

  get base(): string {
    const { adminAddress } = this.server;
    if (adminAddress === null) throw new Error('the HTTP server is off');
    return `http://127.0.0.1:${adminAddress.port}`;
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`${this.base}${path}`, init);
  }

  /** The fields of a command's answer. */
  async ask(command: string): Promise<Record<string, unknown>> {
    return (await (await this.fetch(`/commands/${command}`)).json()) as Record<string, unknown>;
  }

  #log(): ServerLog {
    const note =
      (level: Logged['level']) =>
      (facts: object, message: string): void => {
        this.logged.push({ level, facts, message });
      };
    return { info: note('info'), warn: note('warn'), error: note('error') };
  }
}

/** What the header of somebody with a password looks like. */
export function digest(user: string, password: string): { readonly Authorization: string } {
  return { Authorization: `digest ${user}:${password}` };
}
