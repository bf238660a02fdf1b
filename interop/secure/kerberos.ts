/**
 * Clients that log in with tickets of Kerberos (GSSAPI):
 *
 *   node interop/dist/secure/kerberos.js
 *
 * A key centre (MIT's krb5kdc) on 127.0.0.1, and Headkeeper with its keytab. The Java client shows a ticket alone, the C
 * client (Cyrus SASL, MIT's library) asks for proof of the server as well, with each kind of key; nobody else is let in.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '@headkeeper/testkit';
import { runToEnd } from '../peers/command.ts';
import { installCurator } from '../peers/curator.ts';
import { startHeadkeeper } from '../peers/headkeeper.ts';
import { installDebianPackages, repositoryRoot } from '../peers/peer-cache.ts';
import { programOptions } from '../peers/program-options.ts';
import { buildSaslCClient } from './sasl-c-client.ts';

const REALM = 'EXAMPLE.ORG';
const KEY_TYPES = ['aes256-cts', 'aes128-cts', 'aes256-sha2', 'aes128-sha2'];
const MODULE =
  'com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true storeKey=true useTicketCache=false';

/** @returns what went well, and what did not. */
export async function kerberosClients(
  tell: (line: string) => void,
): Promise<{ readonly passed: number; readonly faults: readonly string[] }> {
  if (!existsSync('/usr/sbin/krb5kdc')) {
    await installDebianPackages(['krb5-kdc', 'krb5-admin-server', 'krb5-user', 'libsasl2-modules-gssapi-mit']);
  }
  const folder = mkdtempSync(join(tmpdir(), 'headkeeper-kerberos-'));
  const centre = await startCentre(folder);
  let passed = 0;
  const faults: string[] = [];
  const check = async (title: string, body: () => Promise<void>): Promise<void> => {
    try {
      await body();
      passed++;
      tell(`ok ${title}`);
    } catch (error) {
      faults.push(`${title}: ${(error as Error).message}`);
      tell(`FAIL ${title}: ${(error as Error).message}`);
    }
  };
  const server = await startHeadkeeper({
    dataDir: join(folder, 'data'),
    extraConfig: {
      'java.security.auth.login.config': writeJaas(folder, 'Server', 'server', 'zookeeper/localhost'),
      sessionRequireClientSASLAuth: 'true',
      'security.auth_to_local': `RULE:[1:$1@$0](bob@${REALM})s/@.*/robert/ DEFAULT`,
    },
  });
  try {
    const address = `localhost:${server.port}`;
    await check('the Java client', () => java(folder, centre.config(), address, 'ann', 'sasl:ann@EXAMPLE.ORG'));
    await check('a rule for the name', () =>
      java(folder, centre.config(), address, 'bob', 'sasl:bobrobert@EXAMPLE.ORG'),
    );
    for (const type of KEY_TYPES) {
      await check(`the C client, ${type}`, () =>
        c(folder, centre.config(type), address, 'localhost', 'ann@EXAMPLE.ORG'),
      );
    }
    await check('a ticket for another service', () => c(folder, centre.config(), address, 'other', null));
  } finally {
    await server.kill();
    centre.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  return { passed, faults };
}

interface KeyCentre {
  /** A client's configuration, with keys of one kind or any. */
  config(keyType?: string): string;
  stop(): void;
}

/** A realm with the services `zookeeper/localhost`, `zookeeper/other`, and the users `ann` and `bob`. */
async function startCentre(folder: string): Promise<KeyCentre> {
  const port = await freePort();
  const config = (keyType?: string): string => {
    const path = join(folder, `krb5-${keyType ?? 'any'}.conf`);
    const kinds = ['permitted_enctypes', 'default_tkt_enctypes', 'default_tgs_enctypes'];
    const limited = keyType === undefined ? [] : kinds.map((kind) => ` ${kind} = ${keyType}`);
    const names = ['dns_lookup_kdc', 'dns_lookup_realm', 'rdns', 'dns_canonicalize_hostname'].map(
      (key) => ` ${key} = false`,
    );
    const lines = ['[libdefaults]', ` default_realm = ${REALM}`, ' udp_preference_limit = 1', ...names, ...limited];
    writeFileSync(path, `${lines.join('\n')}\n[realms]\n ${REALM} = {\n  kdc = 127.0.0.1:${port}\n }\n`);
    return path;
  };
  const profile = join(folder, 'kdc.conf');
  const types = KEY_TYPES.map((type) => `${type}:normal`).join(' ');
  const files = `  database_name = ${folder}/db\n  key_stash_file = ${folder}/stash\n  acl_file = ${folder}/acl`;
  writeFileSync(
    profile,
    `[kdcdefaults]\n kdc_listen = 127.0.0.1:${port}\n kdc_tcp_listen = 127.0.0.1:${port}\n` +
      `[realms]\n ${REALM} = {\n${files}\n  supported_enctypes = ${types}\n }\n`,
  );
  const env = { KRB5_CONFIG: config(), KRB5_KDC_PROFILE: profile };
  await must(['kdb5_util', 'create', '-s', '-r', REALM, '-P', 'master'], env);
  const services = ['zookeeper/localhost', 'zookeeper/other'];
  for (const principal of [...services, 'ann', 'bob']) {
    await must(['kadmin.local', '-r', REALM, '-q', `addprinc -randkey ${principal}`], env);
  }
  for (const [name, principal] of [
    ['server', services[0]],
    ['ann', 'ann'],
    ['bob', 'bob'],
  ]) {
    await must(['kadmin.local', '-r', REALM, '-q', `ktadd -k ${folder}/${name}.keytab ${principal}`], env);
  }
  const process_ = spawn('krb5kdc', ['-n'], { env: { ...process.env, ...env }, stdio: 'ignore' });
  await reachable(port);
  return { config, stop: () => process_.kill() };
}

async function reachable(port: number): Promise<void> {
  for (let tries = 0; ; tries++) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connectTcp(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (open) return;
    if (tries === 100) throw new Error('the key centre does not start');
    await delay(100);
  }
}

function writeJaas(folder: string, section: string, name: string, principal: string): string {
  const path = join(folder, `${name}.jaas`);
  const key = `keyTab="${folder}/${name}.keytab" principal="${principal}@${REALM}"`;
  writeFileSync(path, `${section} {\n  ${MODULE} ${key};\n};\n`, { mode: 0o600 });
  return path;
}

async function java(folder: string, krb5: string, address: string, user: string, expected: string): Promise<void> {
  const classpath = await installCurator();
  const settings = {
    'java.security.krb5.conf': krb5,
    'java.security.auth.login.config': writeJaas(folder, 'Client', user, user),
    'org.slf4j.simpleLogger.defaultLogLevel': 'off',
  };
  const flags = Object.entries(settings).map(([key, value]) => `-D${key}=${value}`);
  const program = join(repositoryRoot, 'interop/secure/TicketClient.java');
  const { output } = await runToEnd(['java', ...flags, '-cp', classpath, program, address], { timeoutMs: 60_000 });
  assert.ok(output.split('\n').includes(expected), output.slice(-2000));
}

/** `expected`: what its entries are for; null: it must be refused. */
async function c(folder: string, krb5: string, address: string, host: string, expected: string | null): Promise<void> {
  const cache = join(folder, 'tickets');
  mkdirSync(cache, { recursive: true });
  const env = { KRB5_CONFIG: krb5, KRB5CCNAME: join(cache, krb5.replaceAll('/', '-')) };
  await must(['kinit', '-kt', `${folder}/ann.keytab`, 'ann'], env);
  const program = await buildSaslCClient('ticket_client');
  const { code, output } = await runToEnd([program, address, host], { env, timeoutMs: 30_000 });
  if (expected === null) assert.notEqual(code, 0, output);
  else assert.equal(output.trim().split('\n').at(-1), `sasl:${expected}`);
}

async function must(argv: readonly string[], env: Readonly<Record<string, string>>): Promise<void> {
  const { code, output } = await runToEnd(argv, { env, timeoutMs: 30_000 });
  if (code !== 0) throw new Error(`${argv.join(' ')} ends with ${code}\n${output}`);
}

if (import.meta.filename === process.argv[1]) {
  programOptions(import.meta.filename, {});
  const { faults } = await kerberosClients(console.log);
  process.exitCode = faults.length === 0 ? 0 : 1;
}
