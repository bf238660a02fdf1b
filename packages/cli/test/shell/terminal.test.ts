import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { after, afterEach, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { HEADKEEPER } from '../headkeeper-process.ts';
import { ServedFolder } from '../served-folder.ts';
import { Terminal } from './terminal.ts';

const GUIDE = fileURLToPath(new URL('../../../../../docs/guides/shell.md', import.meta.url));
const UP = '\x1b[A';
const CTRL_C = '\x03';
const CTRL_D = '\x04';

describe('the shell in a terminal', () => {
  let served: ServedFolder;
  let home: string;
  const open: Terminal[] = [];

  before(async () => {
    served = await ServedFolder.start();
    home = mkdtempSync(path.join(tmpdir(), 'headkeeper-shell-'));
    const client = await served.connect();
    await client.create('/app');
    await client.create('/app/config', '{"port":80,"hosts":["a","b"]}');
    await client.create('/app/counter', '7');
    await client.create('/app/with space', 'x');
    await client.create('/binary', Uint8Array.of(0, 1, 2, 255));
    await client.close();
  });
  afterEach(() => {
    for (const terminal of open.splice(0)) terminal.kill();
  });
  after(async () => {
    await served.remove();
    rmSync(home, { recursive: true, force: true });
  });

  function shell(env: Readonly<Record<string, string>> = {}, server: string = served.address): Terminal {
    const argv = [process.execPath, HEADKEEPER, 'shell', '-timeout', '4000', '-server', server];
    const terminal = new Terminal(argv, { HOME: home, XDG_STATE_HOME: '', ...env });
    open.push(terminal);
    return terminal;
  }

  /** What the screen shows, with the port that is another in each run. */
  function shown(text: string): string {
    return text.replaceAll(served.address, 'localhost:2181');
  }

  it('completes commands, znodes and options, and shows values so that people can read them', async () => {
    const terminal = shell();
    await terminal.prompt(/\(CONNECTED\) 0\]$/);
    terminal.type('getA\t');
    await terminal.prompt(/\] getA$/);
    terminal.type('\t');
    await terminal.until((text) => /getAcl\s+getAllChildrenNumber/.test(text), 'both commands');
    terminal.type('\x15ge\x15get /ap\t');
    await terminal.prompt(/\] get \/app\/$/);
    terminal.type('conf\t');
    await terminal.prompt(/\] get \/app\/config$/);
    terminal.type('\r');
    const screen = await terminal.prompt(/\(CONNECTED\) 1\]$/);
    assert.match(screen, /\{\n {2}"port": 80,\n {2}"hosts": \[\n {4}"a",\n {4}"b"\n {2}\]\n\}/);
    assert.ok(terminal.raw.includes('\x1b[34m"port"\x1b[39m: \x1b[36m80\x1b[39m'), 'colours');
    terminal.type('get "/app/w\t');
    await terminal.prompt(/\] get "\/app\/with space"$/);
    terminal.type('\r');
    await terminal.prompt(/\(CONNECTED\) 2\]$/);
    terminal.type('get /binary\r');
    const dump = await terminal.prompt(/\(CONNECTED\) 3\]$/);
    assert.match(dump, /\|00000000\| 00 01 02 ff {37}\|\.\.\.\. {12}\|/);
    terminal.type('tree /app\r');
    const tree = await terminal.prompt(/\(CONNECTED\) 4\]$/);
    assert.match(tree, /\/app\n├── config\n├── counter\n└── with space\n/);
    terminal.type(CTRL_D);
    assert.equal(await terminal.ended, 0);
  });

  it('steps aside for what happens meanwhile, and keeps what is being typed', async () => {
    const terminal = shell();
    await terminal.prompt(/\(CONNECTED\) 0\]$/);
    terminal.type('get -w /app/counter\r');
    await terminal.prompt(/\(CONNECTED\) 1\]$/);
    terminal.type('half a li');
    await terminal.prompt(/\] half a li$/);
    const client = await served.connect();
    await client.setData('/app/counter', '8');
    await client.close();
    const screen = await terminal.until(
      (text) => /NodeDataChanged[^\n]*\n\[zk[^\n]* half a li$/.test(text),
      'the event',
    );
    assert.match(
      shown(screen),
      /^7\n\nWATCHER::\n\nWatchedEvent state:SyncConnected type:NodeDataChanged path:\/app\/counter/m,
    );
    assert.equal(screen.match(/half a li/g)?.length, 1, screen);
    terminal.type(CTRL_C);
    await terminal.prompt(/\(CONNECTED\) 1\]$/);
    terminal.type('quit\r');
    assert.equal(await terminal.ended, 0);
  });

  it('shows the state of the connection while a server is away, and goes on when it is back', async () => {
    const terminal = shell();
    await terminal.prompt(/\(CONNECTED\) 0\]$/);
    await served.stop();
    await terminal.prompt(/\(CONNECTING\) 0\]$/);
    terminal.type('get /app\r');
    const lost = await terminal.prompt(/\(CONNECTING\) 1\]$/);
    assert.match(lost, /KeeperErrorCode = ConnectionLoss for \/app/);
    await served.start();
    await terminal.prompt(/\(CONNECTED\) 1\]$/);
    terminal.type('ls /app\r');
    const screen = await terminal.prompt(/\(CONNECTED\) 2\]$/);
    assert.match(screen, /\[config, counter, with space\]/);
    terminal.type(CTRL_D);
    assert.equal(await terminal.ended, 0);
  });

  it('gives up a command with Ctrl-C, and itself with Ctrl-D', async () => {
    const terminal = shell();
    await terminal.prompt(/\(CONNECTED\) 0\]$/);
    terminal.type('watch -r /app\r');
    await terminal.until((text) => text.endsWith('watch -r /app'), 'the command');
    const client = await served.connect();
    // Until it is heard of: the watch may not be set yet.
    for (let i = 0; !/~ \/app\/counter/.test(terminal.screen.text); i++) {
      await client.setData('/app/counter', String(i));
      await terminal.until(() => true, 'anything');
    }
    await client.close();
    terminal.type(CTRL_C);
    await terminal.prompt(/\(CONNECTED\) 1\]$/);
    terminal.type('foo\r');
    await terminal.prompt(/\(CONNECTED\) 2\]$/);
    terminal.type(CTRL_D);
    assert.equal(await terminal.ended, 127, 'the last command tells');
  });

  it('keeps its lines for the next shell, without identities', async () => {
    const first = shell();
    await first.prompt(/\(CONNECTED\) 0\]$/);
    first.type('ls /app\r');
    await first.prompt(/\(CONNECTED\) 1\]$/);
    first.type('addauth digest user:secret\r');
    await first.prompt(/\(CONNECTED\) 2\]$/);
    first.type(UP);
    await first.prompt(/\] ls \/app$/);
    first.type(`${CTRL_C}${CTRL_D}`);
    await first.ended;
    const kept = readFileSync(path.join(home, '.headkeeper_history'), 'utf8');
    assert.match(kept, /ls \/app\n$/);
    assert.doesNotMatch(kept, /secret/);
    const second = shell();
    await second.prompt(/\(CONNECTED\) 0\]$/);
    second.type(UP);
    await second.prompt(/\] ls \/app$/);
    second.type(`${CTRL_C}${CTRL_D}`);
    assert.equal(await second.ended, 0);
  });

  it('looks as the guide shows it', async () => {
    const own = await ServedFolder.start();
    const client = await own.connect();
    await client.create('/app');
    await client.create('/app/config', '{"port":80,"hosts":["a","b"]}');
    await client.create('/app/workers');
    await client.create('/app/workers/w1', 'up', { mode: 'ephemeral' });
    await client.create('/icon', Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a));
    const guide = readFileSync(GUIDE, 'utf8');
    const terminal = shell({}, own.address);
    const look = (): void => {
      const screen = terminal.screen.text.replaceAll(own.address, 'localhost:2181');
      assert.ok(guide.includes(`\n${screen}\n`), `the guide does not show:\n${screen}`);
    };
    const answered = async (line: string, next: number): Promise<void> => {
      terminal.type(`${line}\r`);
      await terminal.prompt(new RegExp(`\\((CONNECTED|CONNECTING)\\) ${next}\\]$`));
    };
    try {
      await terminal.prompt(/\(CONNECTED\) 0\]$/);
      await answered('get /app/config', 1);
      await answered('tree /app', 2);
      look();
      await answered('get /icon', 3);
      await answered('stat /none', 4);
      await answered('cp /app /copy', 5);
      await answered('set /copy/config {}', 6);
      await answered('diff /app /copy', 7);
      look();
      await own.stop();
      await terminal.prompt(/\(CONNECTING\) 7\]$/);
      await answered('ls /', 8);
      await own.start();
      await terminal.prompt(/\(CONNECTED\) 8\]$/);
      look();
    } finally {
      terminal.kill();
      await client.close();
      await own.remove();
    }
  });

  it('lends the terminal to an editor, and sets what it wrote unless somebody else did', async () => {
    const editor = path.join(home, 'editor.sh');
    writeFileSync(editor, '#!/bin/sh\necho EDITING\nread answer\nprintf "%s" "$answer" > "$1"\n', { mode: 0o755 });
    const terminal = shell({ VISUAL: editor });
    await terminal.prompt(/\(CONNECTED\) 0\]$/);
    terminal.type('edit /app/config\r');
    await terminal.until((text) => text.endsWith('\nEDITING'), 'the editor');
    terminal.type('edited\r');
    await terminal.until((text) => /\/app\/config is set, version \d+/.test(text), 'the new version');
    await terminal.prompt(/\(CONNECTED\) 1\]$/);
    terminal.type('get /app/config\r');
    assert.match(await terminal.prompt(/\(CONNECTED\) 2\]$/), /^edited$/m);
    terminal.type(CTRL_D);
    await terminal.ended;
  });
});
