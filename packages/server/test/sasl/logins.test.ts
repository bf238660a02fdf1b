import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { failedLoginReports, type OpenLogins, openLogins } from '../../src/authentication-assembly.ts';
import { ConfigError } from '../../src/config/config-error.ts';
import { parseServerConfig } from '../../src/config/parse.ts';

const MODULE = 'org.apache.zookeeper.server.auth.DigestLoginModule required';
const KERBEROS = 'com.sun.security.auth.module.Krb5LoginModule required';
const folder = mkdtempSync(join(tmpdir(), 'headkeeper-logins-'));
after(() => rmSync(folder, { recursive: true }));

let files = 0;
function file(text: string | Buffer, mode = 0o600): string {
  const path = join(folder, `file-${files++}`);
  writeFileSync(path, text, { mode });
  return path;
}

/** Opens what these lines of zoo.cfg name; its warnings beside it. */
function open(lines: string): { logins: OpenLogins | null; warnings: string[] } {
  const warnings: string[] = [];
  const config = parseServerConfig(`dataDir=/data\nclientPort=2181\n${lines}`, { file: 'zoo.cfg' });
  const log = { info: () => {}, warn: (_: object, message: string) => warnings.push(message) };
  const logins = openLogins(config, log);
  logins?.stop();
  return { logins, warnings };
}

function jaas(sections: string, mode = 0o600): string {
  return `java.security.auth.login.config=${file(sections, mode)}\n`;
}

function refusal(lines: string): string {
  try {
    open(lines);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.join('\n');
    throw error;
  }
  throw new Error('it was not refused');
}

test('nobody can log in where nothing says who, and a JAAS file may be for the other servers only', () => {
  assert.deepEqual(open(''), { logins: null, warnings: [] });
  const quorum = jaas(`QuorumServer {\n ${MODULE} user_a="b";\n};`);
  assert.equal(open(`${quorum}quorum.auth.enableSasl=true\n`).warnings.length, 0);
  const alone = open(quorum);
  assert.equal(alone.logins, null);
  assert.match(alone.warnings[0] as string, /no section Server: no client can log in/);
  assert.match(refusal(`${quorum}sessionRequireClientSASLAuth=true\n`), /expected a section Server with the users/);
  assert.match(refusal(`${quorum}sasl.serverconfig=Clients\n`), /no section Clients/);
});

test('users come from the JAAS file and from the file of users, which counts before it', () => {
  const listed = jaas(`Server {\n ${MODULE} user_ann="one" user_bob="two";\n};`);
  const users = `sasl.usersFile=${file('bob:three\ncarl:four\n')}\n`;
  const { logins, warnings } = open(listed + users);
  assert.deepEqual(
    ['ann', 'bob', 'carl', 'dora', 'super', '__proto__'].map((user) => logins?.passwordOf(user)),
    ['one', 'three', 'four', null, null, null],
  );
  assert.deepEqual(warnings, []);
  assert.equal(logins?.ticketExchange(), null);
  assert.notEqual(logins?.nonce(), logins?.nonce());
  assert.ok((logins?.nonce().length ?? 0) >= 40);
  const withSuper = open(`${users}SASLAuthenticationProvider.superPassword=five\n`).logins;
  assert.equal(withSuper?.passwordOf('super'), 'five');
});

test('files that everybody can read are warned about, those that cannot be read stop the start', () => {
  const users = file('ann:one\n', 0o644);
  assert.match(open(`sasl.usersFile=${users}\n`).warnings[0] as string, /everybody on this machine can read/);
  assert.match(open(jaas(`Server {\n ${MODULE} user_a="b";\n};`, 0o644)).warnings[0] as string, /everybody/);
  assert.match(refusal('sasl.usersFile=/nowhere/users\n'), /\/nowhere\/users: ENOENT/);
  assert.match(refusal('java.security.auth.login.config=/nowhere/jaas\n'), /\/nowhere\/jaas: ENOENT/);
  assert.match(refusal(jaas('Server {')), /the JAAS file ends/);
});

test('a section for Kerberos needs a keytab with a key of its principal, and rules that can be read', () => {
  const keytab = (name: string): Buffer => {
    const text = (value: string): Buffer => Buffer.concat([Buffer.from([0, value.length]), Buffer.from(value)]);
    const body = Buffer.concat([
      Buffer.from([0, 2]),
      text('EXAMPLE.ORG'),
      text(name),
      text('host'),
      Buffer.alloc(8),
      Buffer.from([1, 0, 18, 0, 32]),
      Buffer.alloc(32, 7),
    ]);
    return Buffer.concat([Buffer.from([5, 2, 0, 0, 0, body.length]), body]);
  };
  const section = (path: string, principal: string): string =>
    jaas(`Server {\n ${KERBEROS} useKeyTab=true storeKey=true keyTab="${path}" principal="${principal}";\n};`);
  const path = file(keytab('zookeeper'));
  for (const principal of ['zookeeper/host', 'zookeeper/host@EXAMPLE.ORG', '*']) {
    const { logins, warnings } = open(section(path, principal));
    assert.deepEqual(warnings, []);
    const step = logins?.ticketExchange()?.take(Uint8Array.of(1));
    assert.equal(step?.outcome, 'refused');
    assert.equal(logins?.passwordOf('ann'), null);
  }
  assert.match(
    refusal(section(path, 'zookeeper/other')),
    /no AES key of zookeeper\/other .* of zookeeper\/host@EXAMPLE/,
  );
  assert.match(refusal(section('/nowhere/keytab', '*')), /\/nowhere\/keytab: ENOENT/);
  assert.match(refusal(section(file('no keytab'), '*')), /it is no keytab/);
  assert.match(refusal(jaas(`Server {\n ${KERBEROS} useTicketCache=true;\n};`)), /needs useKeyTab=true and keyTab=/);
  const rules = 'security.auth_to_local=RULE:nonsense\n';
  assert.match(refusal(section(path, '*') + rules), /security\.auth_to_local: "RULE:nonsense" begins with no rule/);
});

test('failed logins are told, twenty a minute, and what a client calls itself cannot forge a line', () => {
  const lines: string[] = [];
  const clock = { monotonicMs: () => 0, wallMs: () => 0 };
  const told = failedLoginReports(clock, { info: () => {}, warn: (_: object, message: string) => lines.push(message) });
  for (let i = 0; i < 1000; i++) told({ address: '10.0.0.1', scheme: 'sasl', user: 'a\nb"', reason: 'wrong' });
  assert.equal(lines.length, 20);
  assert.equal(lines[0], 'a client failed to authenticate: 10.0.0.1, scheme sasl, user "a\\nb\\"": wrong');
});
