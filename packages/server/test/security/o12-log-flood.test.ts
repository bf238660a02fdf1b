import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { AdminHarness } from '../admin/http/admin-harness.ts';
import { SocketClient } from './served-process.ts';

const STRANGERS = 300;
/** In the first minute; what is left out is counted. */
const MOST_LINES = 25;

describe('the log of a server that strangers knock at', { timeout: 60_000 }, () => {
  const harness = new AdminHarness(['maxClientCnxns=1']);
  before(() => harness.start());
  after(() => harness.end());

  it('does not grow with every connection that is refused', async () => {
    const { port } = harness.server.address;
    const session = await harness.session();
    const before = harness.logged.length;
    for (let i = 0; i < STRANGERS; i++) {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {});
      await once(socket, 'close');
    }
    const lines = harness.logged.slice(before);
    assert.ok(
      lines.some(({ message }) => /refused/.test(message)),
      'it is told',
    );
    assert.ok(lines.length <= MOST_LINES, `${lines.length} lines`);
    session.end();
  });

  it('does not grow with every login that fails', async () => {
    const before = harness.logged.length;
    for (let i = 0; i < STRANGERS; i++) {
      const client = new SocketClient(harness.server.address.port);
      client.raw.handshake();
      await client.hear();
      client.raw.ask('auth', { type: 0, scheme: `nonsense-${i}`, auth: new Uint8Array(1) });
      client.raw.ask('sasl', { token: new Uint8Array(1) });
      await client.ended();
    }
    assert.ok(harness.logged.length - before <= MOST_LINES, `${harness.logged.length - before} lines`);
  });

  it('does not grow with words that are not allowed, bad frames, or bad requests of operators', async () => {
    const before = harness.logged.length;
    for (let i = 0; i < STRANGERS; i++) {
      for (const bytes of ['abcd', '\0\0\0\x05abcde', '\x7f\xff\xff\xff', 'ruok']) {
        const socket = connect(harness.server.address.port, '127.0.0.1');
        socket.on('error', () => {});
        socket.end(bytes, 'latin1');
        socket.resume();
        await once(socket, 'close');
      }
      await harness.fetch(`/commands/nothing-${i}`, { headers: { Authorization: 'digest a:b' } });
    }
    assert.ok(harness.logged.length - before <= MOST_LINES, `${harness.logged.length - before} lines`);
  });
});
