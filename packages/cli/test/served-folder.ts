import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Client } from '@headkeeper/client';
import { parseServerConfig, type RunningServer, startServer } from '@headkeeper/server';
import type { Credentials } from '../src/connection/credentials.ts';
import { openSession } from '../src/connection/open-session.ts';

const SILENT = { info: () => {}, warn: () => {}, error: () => {}, fatal: () => {}, debug: () => {} };

/** A server in this process, with a folder of its own that is removed with it. */
export class ServedFolder {
  readonly folder: string;
  readonly dataDir: string;
  readonly #settings: readonly string[];
  #server: RunningServer | null = null;
  #port = 0;

  private constructor(settings: readonly string[]) {
    this.folder = mkdtempSync(path.join(tmpdir(), 'headkeeper-history-'));
    this.dataDir = path.join(this.folder, 'data');
    mkdirSync(this.dataDir);
    this.#settings = settings;
  }

  /** @param settings further lines of its zoo.cfg. */
  static async start(...settings: string[]): Promise<ServedFolder> {
    const served = new ServedFolder(settings);
    await served.start();
    return served;
  }

  /** The connect string. */
  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  async start(): Promise<void> {
    const text = [
      `dataDir=${this.dataDir}`,
      `clientPort=${this.#port}`,
      'clientPortAddress=127.0.0.1',
      'zookeeper.extendedTypesEnabled=true',
      'admin.enableServer=false',
      ...this.#settings,
    ].join('\n');
    this.#server = await startServer(parseServerConfig(text, { file: null }), { log: SILENT });
    this.#port = this.#server.address.port;
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
    this.#server = null;
  }

  connect(...identities: Credentials[]): Promise<Client> {
    return openSession(this.address, 1, identities);
  }

  file(name: string): string {
    return path.join(this.folder, name);
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function bytes(text: string): Uint8Array {
  return Buffer.from(text, 'utf8');
}

/** JSON Lines. */
export function lines<T>(text: string): T[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}
