import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatServer, parseConnectString } from '../../src/core/connect-string.ts';
import { isZooKeeperError } from '../../src/core/errors.ts';

test('servers, ports, IPv6 and a chroot', () => {
  assert.deepEqual(parseConnectString('a'), { servers: [{ host: 'a', port: 2181 }], chroot: '' });
  assert.deepEqual(parseConnectString(' a:1 , [::1]:2,[fe80::1], /app/x '.trim()), {
    servers: [
      { host: 'a', port: 1 },
      { host: '::1', port: 2 },
      { host: 'fe80::1', port: 2181 },
    ],
    chroot: '/app/x',
  });
  assert.equal(parseConnectString('a:1/').chroot, '');
});

test('what is wrong is named', () => {
  for (const [text, said] of [
    ['', /names no server/],
    ['/app', /names no server/],
    ['a:0', /port of "a:0"/],
    ['a:70000', /port of "a:70000"/],
    ['a:x', /"a:x" in "a:x" is no server/],
    ['::1:2181', /is no server; expected host:port or \[IPv6\]:port/],
    ['[::1', /is no server/],
    ['a b:1', /is no server/],
    ['a:1/x/', /chroot "\/x\/" .* ends with \//],
    ['a:1//', /chroot/],
    ['a:1/./b', /chroot/],
  ] as const) {
    assert.throws(
      () => parseConnectString(text),
      (error) => isZooKeeperError(error, 'invalidArgument') && said.test(error.message),
      text,
    );
  }
  assert.throws(
    () => parseConnectString(undefined as never),
    (error) => isZooKeeperError(error, 'invalidArgument'),
  );
});

test('what was formatted is read again', () => {
  const host = fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6());
  const server = fc.record({ host, port: fc.integer({ min: 1, max: 65_535 }) }, { noNullPrototype: true });
  fc.assert(
    fc.property(fc.array(server, { minLength: 1 }), fc.constantFrom('', '/a', '/a/b'), (servers, chroot) => {
      assert.deepEqual(parseConnectString(servers.map(formatServer).join(',') + chroot), { servers, chroot });
    }),
  );
});
