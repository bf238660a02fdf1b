import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatHostPort, parseHostPort } from '../src/host-port.ts';

describe('addresses', () => {
  it('are read in the forms that clients use', () => {
    const forms: [string, string, number][] = [
      ['zk1.example.org:2182', 'zk1.example.org', 2182],
      ['localhost', 'localhost', 2181],
      ['10.0.0.1:1', '10.0.0.1', 1],
      ['[::1]:2199', '::1', 2199],
      ['[fe80::1%eth0]', 'fe80::1%eth0', 2181],
      ['::1', '::1', 2181],
      ['2001:db8::1:2181', '2001:db8::1:2181', 2181],
    ];
    for (const [text, host, port] of forms) {
      const address = parseHostPort(text);
      assert.deepEqual(address, { host, port }, text);
      assert.deepEqual(parseHostPort(formatHostPort(address)), address);
    }
  });

  it('are refused when they are none', () => {
    for (const text of ['', ':2181', 'a:', 'a:0', 'a:65536', 'a:b', 'a b', 'a:1:2', '[::1', '[::1]x', 'a:123456']) {
      assert.throws(() => parseHostPort(text), { exitCode: 2 }, text);
    }
  });
});
