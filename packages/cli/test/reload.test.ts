import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { finished, start } from './headkeeper-process.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'headkeeper-reload-'));
const file = path.join(folder, 'zoo.cfg');

function write(...lines: string[]): void {
  const own = [`dataDir=${folder}/data`, 'clientPort=0', 'clientPortAddress=127.0.0.1', 'preAllocSize=64'];
  writeFileSync(file, [...own, ...lines, ''].join('\n'));
}

/** The answer to a four-letter word. */
function ask(port: number, word: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    connect(port, '127.0.0.1', function (this: { write(text: string): void }) {
      this.write(word);
    })
      .setEncoding('utf8')
      .on('data', (text: string) => {
        answer += text;
      })
      .on('error', reject)
      .on('close', () => resolve(answer));
  });
}

class Server {
  readonly child: ChildProcess = start(['server', file]);
  readonly #port: Promise<number>;
  #said = '';
  #wake = (): void => {};

  constructor() {
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#said += text;
      this.#wake();
    });
    this.#port = new Promise((resolve) => {
      this.child.stdout?.on('data', (text: Buffer) => {
        const found = /serves ZooKeeper clients on 127\.0\.0\.1:(\d+)/.exec(String(text))?.[1];
        if (found !== undefined) resolve(Number(found));
      });
    });
  }

  async ask(word: string): Promise<string> {
    return ask(await this.#port, word);
  }

  /** Waits until it has said so on standard error, since the last call; returns all that it has said since. */
  async heard(wanted: RegExp): Promise<string> {
    while (!wanted.test(this.#said)) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const text = this.#said;
    this.#said = '';
    return text;
  }

  async stop(): Promise<void> {
    const end = finished(this.child);
    this.child.kill('SIGTERM');
    assert.equal((await end).code, 0);
  }
}

after(() => rmSync(folder, { recursive: true }));

describe('SIGHUP', () => {
  let server: Server;
  before(() => {
    write('4lw.commands.whitelist=conf', 'maxClientCnxns=20', 'log.level=warn');
    server = new Server();
  });
  after(() => server.stop());

  it('puts into force what can change, and names what needs a restart', async () => {
    assert.match(await server.ask('conf'), /maxClientCnxns=20\n/);
    assert.match(await server.ask('ruok'), /not in the whitelist/);
    write('4lw.commands.whitelist=conf,ruok', 'maxClientCnxns=30', 'log.level=info', 'tickTime=1234');
    server.child.kill('SIGHUP');
    const text = await server.heard(/maxSessionTimeout=24680 counts only after a restart\n/);
    assert.match(text, /^headkeeper: tickTime=1234 counts only after a restart$/m);
    assert.match(text, /^headkeeper: reloaded: maxClientCnxns: 20 -> 30$/m);
    assert.match(text, /^headkeeper: reloaded: log\.level: warn -> info$/m);
    assert.match(text, /"msg":"a setting has changed"/, 'the level of the log is the new one already');
    assert.equal(await server.ask('ruok'), 'imok');
    assert.match(await server.ask('conf'), /tickTime=3000\n.*maxClientCnxns=30\n/s);
  });

  it('changes nothing when the file is bad or gone, and says why', async () => {
    write('4lw.commands.whitelist=conf', 'maxClientCnxns=lots');
    server.child.kill('SIGHUP');
    await server.heard(/nothing has changed:\n.*zoo\.cfg:6: maxClientCnxns=lots: expected/);
    assert.equal(await server.ask('ruok'), 'imok');
    rmSync(file);
    server.child.kill('SIGHUP');
    await server.heard(/nothing has changed:\n.*cannot read the configuration: ENOENT/);
    assert.equal(await server.ask('ruok'), 'imok');
  });
});

describe('config.watch', () => {
  it('reloads when the file has changed', async () => {
    write('config.watch=true', 'maxCnxns=20');
    const server = new Server();
    await server.ask('srvr');
    // What is written before the server has looked for the first time is no change to it.
    let limit = 3000;
    const writing = setInterval(() => write('config.watch=true', `maxCnxns=${limit++}`), 300);
    await server.heard(/reloaded: maxCnxns: 20 -> 30\d\d/);
    clearInterval(writing);
    await server.stop();
  });
});
