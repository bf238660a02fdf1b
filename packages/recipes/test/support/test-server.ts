import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Client, type ClientOptions, connect } from '@headkeeper/client';
import { Relay } from './relay.ts';

const HEADKEEPER = path.join(import.meta.dirname, '../../../../cli/bin/headkeeper.js');

/** A server for one file of tests, and clients that are closed with it. */
export class ServedTests {
  readonly #folder: string = mkdtempSync(path.join(tmpdir(), 'headkeeper-recipes-'));
  readonly #clients: Client[] = [];
  readonly #relays: Relay[] = [];
  #child: ChildProcess | null = null;
  #port = 0;

  async start(): Promise<void> {
    const words = ['clientPort=0', 'preAllocSize=64', 'tickTime=100', 'admin.enableServer=false'];
    const child = spawn(process.execPath, [HEADKEEPER, 'server', ...words.flatMap((word) => ['-D', word])], {
      cwd: this.#folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#child = child;
    this.#port = await new Promise((resolve, reject) => {
      let said = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        const port = /serves ZooKeeper clients on \S+:(\d+), /.exec(said)?.[1];
        if (port !== undefined) resolve(Number(port));
      });
      child.on('close', () => reject(new Error(`the server ended: ${said}`)));
    });
  }

  get connectString(): string {
    return `127.0.0.1:${this.#port}`;
  }

  async connect(options: ClientOptions = {}, connectString: string = this.connectString): Promise<Client> {
    const client = await connect(connectString, { sessionTimeoutMs: 4000, ...options });
    this.#clients.push(client);
    return client;
  }

  /** A client whose connection the test can break. */
  async connectThrough(options: ClientOptions = {}): Promise<{ client: Client; relay: Relay }> {
    const relay = await Relay.to(this.#port);
    this.#relays.push(relay);
    return { client: await this.connect(options, `127.0.0.1:${relay.port}`), relay };
  }

  async stop(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    for (const relay of this.#relays) relay.close();
    const child = this.#child;
    if (child !== null) {
      const ended = new Promise((resolve) => child.on('close', resolve));
      child.kill('SIGKILL');
      await ended;
    }
    rmSync(this.#folder, { recursive: true });
  }
}

/** Ends a client's session behind its back, as the servers do when they have not heard of it for too long. */
export async function endSession(client: Client, connectString: string): Promise<void> {
  const { id, password } = client.session;
  const other = await connect(connectString, { session: { id, password } });
  await other.close();
}
