import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RawClient } from '@headkeeper/testkit';

const MAIN = fileURLToPath(new URL('../ensemble/member-main.js', import.meta.url));
const CLIENTS = /"host":"[^"]*","port":(\d+),[^\n]*"msg":"serving"/;
const OPERATORS = /"port":(\d+)[^\n]*"msg":"operators' commands/;

/** A standalone server in a process of its own, with everything that it prints. */
export class ServedProcess {
  output = '';
  readonly folder: string;
  readonly #child: ChildProcess;
  readonly #sockets: Socket[] = [];
  #wake: () => void = () => {};

  private constructor(lines: readonly string[]) {
    this.folder = mkdtempSync(join(tmpdir(), 'headkeeper-security-'));
    const file = join(this.folder, 'zoo.cfg');
    const own = [`dataDir=${join(this.folder, 'data')}`, 'clientPort=0', 'clientPortAddress=127.0.0.1', 'tickTime=500'];
    writeFileSync(file, `${[...own, 'admin.serverPort=0', ...lines].join('\n')}\n`);
    this.#child = spawn(process.execPath, [MAIN, file], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
        this.#wake();
      });
    }
    this.#child.on('exit', () => this.#wake());
  }

  /** Starts one with these lines in its zoo.cfg beside the ports; resolves when both doors are open. */
  static async start(lines: readonly string[] = []): Promise<ServedProcess> {
    const served = new ServedProcess(lines);
    await served.until(() => CLIENTS.test(served.output) && OPERATORS.test(served.output));
    return served;
  }

  get clientPort(): number {
    return Number(CLIENTS.exec(this.output)?.[1]);
  }

  get adminPort(): number {
    return Number(OPERATORS.exec(this.output)?.[1]);
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Waits for output; throws when the process ends first. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      if (!this.isRunning) throw new Error(`the server has ended:\n${this.output}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Sends bytes to a port and returns what comes until the server closes, or is silent for `silentMs`. */
  async say(port: number, bytes: Uint8Array | string, silentMs = 2_000): Promise<string> {
    const socket = connect(port, '127.0.0.1');
    this.#sockets.push(socket);
    let answer = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      answer += text;
    });
    socket.on('error', () => {});
    socket.setTimeout(silentMs, () => socket.destroy());
    socket.write(bytes);
    await once(socket, 'close');
    return answer;
  }

  /** A client on a connection of its own. */
  client(): SocketClient {
    const client = new SocketClient(this.clientPort);
    this.#sockets.push(client.socket);
    return client;
  }

  /** Ends the process as an operator would, and removes its folder. */
  async end(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (this.isRunning) {
      this.#child.kill('SIGTERM');
      await once(this.#child, 'exit');
    }
    rmSync(this.folder, { recursive: true });
  }
}

/** The raw client over a socket. */
export class SocketClient {
  readonly socket: Socket;
  readonly raw: RawClient;
  #wake: () => void = () => {};

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.raw = new RawClient(0, {
      deliver: (_, bytes) => void this.socket.write(bytes),
      disconnect: () => this.socket.destroy(),
    });
    this.socket.on('data', (bytes) => {
      this.raw.arrived(bytes);
      this.#wake();
    });
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.raw.closed = true;
      this.#wake();
    });
  }

  /** Waits until something has come, or the connection is closed; returns what came first. */
  async hear(): Promise<RawClient['received'][number] | null> {
    while (this.raw.received.length === 0 && !this.raw.closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.raw.received.shift() ?? null;
  }

  /** Waits for the end of the connection. */
  async ended(): Promise<void> {
    while (!this.raw.closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
