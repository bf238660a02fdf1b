import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { Pkcs12Error, pkcs12Certificates } from '../../src/adapters/tls/pkcs12.ts';
import { JaasError, loginCredentials, parseJaas } from '../../src/client-files.ts';
import { ConfigError } from '../../src/config/config-error.ts';
import { parseServerConfig } from '../../src/config/parse.ts';
import { SETTINGS } from '../../src/config/schema.ts';

const MOST_MS = 3_000;
const LONG = 5_000;

/** Runs a parser; what it throws must be of its own kind, and it must not take long. */
function bounded(what: string, expected: new (...args: never[]) => Error, parse: () => unknown): void {
  const begun = performance.now();
  try {
    parse();
  } catch (error) {
    assert.ok(error instanceof expected, `${what}: ${(error as Error).stack}`);
  }
  const took = performance.now() - begun;
  assert.ok(took < MOST_MS, `${what} takes ${took.toFixed(0)} ms`);
}

const config = (text: string): void =>
  bounded(JSON.stringify(text.slice(0, 300)), ConfigError, () =>
    parseServerConfig(text, { file: 'zoo.cfg', readFile: () => text }),
  );
const jaas = (text: string): void =>
  bounded(JSON.stringify(text.slice(0, 300)), JaasError, () => loginCredentials(parseJaas(text), 'Server'));

const keys = [
  ...Object.values(SETTINGS).map(({ key }) => key),
  'server.1',
  'server.2',
  'group.1',
  'weight.1',
  '__proto__',
];
const values = [
  ...[
    '',
    '1',
    '-1',
    '0',
    '2147483648',
    '1e9',
    '0x10',
    'true',
    'yes',
    '/d',
    'a:b',
    'h:1:2',
    'h:1:2:observer;h:3',
    '[::1]:1:2',
  ],
  ...['h:1:2|i:3:4', ';', ':::', '\u0000', '\\', 'é', 'x'.repeat(10_000), 'constructor', '1:2:3'],
];

test('any zoo.cfg is read, or refused by a ConfigError', () => {
  const line = fc.oneof(
    fc.tuple(fc.constantFrom(...keys), fc.constantFrom(...values)).map(([key, value]) => `${key}=${value}`),
    fc
      .tuple(fc.constantFrom(...keys), fc.string({ unit: 'binary' }))
      .map(([key, value]) => `zookeeper.${key}=${value}`),
    fc.string({ unit: 'binary' }),
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), (lines) => config(lines.join('\n'))),
    { numRuns: 60 },
  );
  for (const bit of ['\\', '=', ' ', '#', '\\u', '\\\n', ':', '!', 'a', '\u0000', 'server.1=', 'a=b\n', '\t\\']) {
    config(bit.repeat(LONG));
    for (const key of ['dataDir', 'server.1', 'admin.commandURL', '4lw.commands.whitelist'])
      config(`${key}=${bit.repeat(LONG)}`);
  }
});

test('any JAAS file is read, or refused by a JaasError that shows no password', () => {
  const bits = [
    'Server',
    '{',
    '}',
    ';',
    '=',
    '"',
    "'",
    '\\',
    '/*',
    '*/',
    '//',
    '#',
    '\n',
    ' ',
    'username',
    'password',
    'required',
    '\0',
  ];
  const whole =
    'Server { org.apache.zookeeper.server.auth.DigestLoginModule required username="u" password="s3cret"; };';
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.constantFrom(...bits), fc.string({ unit: 'binary', maxLength: 5 })), { maxLength: 60 }),
      (parts) => jaas(parts.join(' ')),
    ),
    { numRuns: 400 },
  );
  fc.assert(
    fc.property(fc.nat(whole.length), fc.constantFrom(...bits), (at, bit) => {
      const spoiled = whole.slice(0, at) + bit + whole.slice(at + 1);
      try {
        loginCredentials(parseJaas(spoiled), 'Server');
      } catch (error) {
        assert.ok(error instanceof JaasError && !error.message.includes('s3cret'), (error as Error).message);
      }
    }),
  );
  for (const bit of bits) jaas(bit.repeat(LONG));
});

test('any key store is read, or refused by a Pkcs12Error', () => {
  const store = readFileSync(fileURLToPath(import.meta.resolve('@headkeeper/testkit/vectors/tls/trust.p12')));
  const read = (bytes: Buffer): void =>
    bounded(bytes.subarray(0, 100).toString('hex'), Pkcs12Error, () => pkcs12Certificates(bytes, 'changeit'));
  assert.ok(pkcs12Certificates(store, 'changeit').length > 0);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => read(Buffer.from(bytes))),
    { numRuns: 400 },
  );
  fc.assert(
    fc.property(fc.nat(store.length - 1), fc.nat(255), fc.nat(store.length), (at, byte, end) => {
      const spoiled = Buffer.from(store.subarray(0, end));
      if (at < end) spoiled[at] = byte;
      read(spoiled);
    }),
    { numRuns: 400 },
  );
  // Structures in structures, as deep as the file is long.
  for (const tag of [0x30, 0xa0, 0x04]) read(Buffer.alloc(LONG, Buffer.from([tag, 0x82, 0xff, 0xff])));
});
