import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError } from '../../src/config/config-error.ts';
import { parseServerConfig } from '../../src/config/parse.ts';
import { toCoreSettings } from '../../src/config/server-config.ts';
import type { AuthenticationSettings } from '../../src/core/settings.ts';

const MINIMAL = 'dataDir=/data\nclientPort=2181\n';
const APACHE = 'org.apache.zookeeper.server.auth.';

function read(lines: string, logsIn = false): AuthenticationSettings & { readonly warnings: readonly string[] } {
  const config = parseServerConfig(`${MINIMAL}${lines}`, { file: 'zoo.cfg' });
  const settings = toCoreSettings(config, {
    hashSeed: 1,
    sessionPasswordKey: new Uint8Array(16),
    defaultSessionPassword: 'keyed',
    logsIn,
  });
  return { ...settings.authentication, warnings: config.warnings };
}

function refusal(lines: string): string {
  try {
    read(lines);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems.join('\n');
  }
  throw new Error('it was not refused');
}

test("Apache's providers are known by their classes, with their package or without", () => {
  const lines = ['SASL', 'X509', 'Digest', 'IP', 'Ensemble']
    .map((name, i) => `authProvider.${i}=${i % 2 === 0 ? APACHE : ''}${name}AuthenticationProvider`)
    .join('\n');
  const { schemes, warnings } = read(lines);
  assert.deepEqual([...schemes].sort(), ['digest', 'ensemble', 'sasl', 'x509']);
  assert.deepEqual(warnings, []);
  assert.deepEqual([...read('').schemes], ['digest']);
  assert.deepEqual([...read(`zookeeper.authProvider.sasl=${APACHE}SASLAuthenticationProvider`).schemes].sort(), [
    'digest',
    'sasl',
  ]);
});

test('a class of somebody else is warned about, by name, with what is built in', () => {
  const { schemes, warnings } = read('authProvider.2=com.example.Guard\n');
  assert.deepEqual([...schemes], ['digest']);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] as string, /^zoo\.cfg:3: authProvider\.2=com\.example\.Guard .*SASLAuthenticationProvider/);
  assert.match(refusal('authProvider.1=\n'), /zoo\.cfg:3: authProvider\.1: expected the name of a class/);
});

test('schemes come with what is configured for them, and digest can be turned off', () => {
  assert.deepEqual([...read('', true).schemes].sort(), ['digest', 'sasl']);
  assert.deepEqual([...read('ensembleAuthName=blue, green\n').schemes].sort(), ['digest', 'ensemble']);
  assert.deepEqual([...read('ensembleAuthName=blue, green\n').ensembleNames], ['blue', 'green']);
  assert.deepEqual(
    [...read('secureClientPort=2281\nssl.keyStore.location=/k.pem\nssl.clientAuth=none\n').schemes].sort(),
    ['digest', 'x509'],
  );
  const off = `DigestAuthenticationProvider.enabled=false\nauthProvider.1=${APACHE}DigestAuthenticationProvider\n`;
  assert.deepEqual([...read(off).schemes], []);
});

test('super users of SASL are those of superUser and of each superUser.<suffix>', () => {
  const { saslSuperUsers } = read('superUser=ann\nsuperUser.1=bob\nzookeeper.superUser.x=zk/host@REALM\n');
  assert.deepEqual([...saslSuperUsers].sort(), ['ann', 'bob', 'zk/host@REALM']);
  assert.match(refusal('superUser.1=\n'), /superUser\.1: expected a user/);
});

test('enforced schemes must be some that a client can have', () => {
  assert.deepEqual([...read('').enforcedSchemes], []);
  const both = 'enforce.auth.enabled=true\nenforce.auth.schemes=';
  assert.deepEqual([...read(`${both}digest,ip\n`).enforcedSchemes], ['digest', 'ip']);
  assert.deepEqual([...read(`sasl.usersFile=/u\n${both}sasl\n`, true).enforcedSchemes], ['sasl']);
  assert.deepEqual([...read('sasl.usersFile=/u\nsessionRequireClientSASLAuth=true\n', true).enforcedSchemes], ['sasl']);
  assert.match(refusal('enforce.auth.enabled=true\n'), /zoo\.cfg:3: .*expected enforce\.auth\.schemes beside it/);
  assert.match(refusal(`${both}x509\n`), /the scheme x509 is not available: expected some of digest, ip$/);
  for (const lines of ['sessionRequireClientSASLAuth=true\n', `${both}sasl\n`]) {
    assert.match(refusal(lines), /nobody could log in by SASL: expected users in sasl\.usersFile/);
  }
  const idle = read('enforce.auth.schemes=digest\n');
  assert.deepEqual([...idle.enforcedSchemes], []);
  assert.match(idle.warnings[0] as string, /no effect without enforce\.auth\.enabled=true/);
});

test('what would let every SASL user act as one of them is not done, and said so', () => {
  const { warnings } = read('zookeeper.letAnySaslUserDoX=ann\n');
  assert.match(warnings[0] as string, /letAnySaslUserDoX .*has no effect: it would make all SASL users equal/);
});

test('keys without what they need say so, and no secret is shown', () => {
  assert.match(refusal('sasl.serverconfig=Clients\n'), /expected java\.security\.auth\.login\.config beside it/);
  const { warnings } = read('SASLAuthenticationProvider.superPassword=hush-hush\n');
  assert.match(warnings[0] as string, /has no effect while no SASL users are configured/);
  assert.ok(!warnings.join().includes('hush-hush'));
});
