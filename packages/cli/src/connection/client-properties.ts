import { readFileSync } from 'node:fs';
import type { ClientOptions, TlsOptions } from '@headkeeper/client';
import { CommandError, ExitCode } from '../exit-codes.ts';

type Properties = ReadonlyMap<string, string>;

/** Where properties of the client stand. */
export interface PropertySources {
  /** A file of them, or null. */
  readonly clientConfiguration: string | null;
  /** `name=value`, given one by one. */
  readonly properties: readonly string[];
}

/** What the file of properties and the properties given one by one make of the client; the latter win. */
export type PropertyOptions = Pick<ClientOptions, 'requestTimeoutMs' | 'maxReplyBytes' | 'sasl' | 'tls'>;

/**
 * Reads the client's properties (feature inventory, A.13). The modules that know the formats are loaded only when there is
 * something to read.
 *
 * @throws CommandError that names the file or property.
 */
export async function propertyOptions(
  { clientConfiguration, properties }: PropertySources,
  env: Readonly<Record<string, string | undefined>>,
): Promise<PropertyOptions> {
  const flags = ['CLIENT_JVMFLAGS', 'JVMFLAGS'].filter((name) => env[name]?.includes('-D') === true);
  if (clientConfiguration === null && properties.length === 0 && flags.length === 0) return {};
  const { propertiesFromFlags, readProperties } = await import('@headkeeper/server/client-files');
  const given = new Map<string, string>();
  for (const name of flags) {
    for (const property of propertiesFromFlags(env[name] as string, name)) given.set(property.name, property.value);
  }
  if (clientConfiguration !== null) {
    const text = readText(clientConfiguration, 'client configuration');
    try {
      for (const { key, value } of readProperties(text)) given.set(key, value);
    } catch (error) {
      throw wrong(`${clientConfiguration}: ${(error as Error).message}`);
    }
  }
  for (const text of properties) {
    const equals = text.indexOf('=');
    if (equals <= 0) throw wrong(`-D${text} is not of the form -Dname=value`);
    given.set(text.slice(0, equals), text.slice(equals + 1));
  }
  const tls = isTrue(given, 'zookeeper.client.secure') ? await tlsOf(given) : undefined;
  const sasl = given.get('zookeeper.sasl.client') === 'false' ? undefined : await saslOf(given);
  const requestTimeoutMs = wholeOf(given, 'zookeeper.request.timeout');
  const maxReplyBytes = wholeOf(given, 'jute.maxbuffer');
  return {
    ...(tls === undefined ? {} : { tls }),
    ...(sasl === undefined ? {} : { sasl }),
    // 0 is Apache's "wait for ever"; the session's timeout bounds it here.
    ...(requestTimeoutMs === undefined || requestTimeoutMs === 0 ? {} : { requestTimeoutMs }),
    ...(maxReplyBytes === undefined ? {} : { maxReplyBytes }),
  };
}

async function tlsOf(properties: Properties): Promise<TlsOptions> {
  const { loadKeyStore, loadTrustStore, readPasswordFile, TlsStoreError, openSslCipherName } = await import(
    '@headkeeper/server/client-files'
  );
  const store = (name: 'keyStore' | 'trustStore') => {
    const path = properties.get(`zookeeper.ssl.${name}.location`);
    if (path === undefined || path === '') return null;
    const passwordFile = properties.get(`zookeeper.ssl.${name}.passwordPath`);
    const password = properties.get(`zookeeper.ssl.${name}.password`);
    const type = properties.get(`zookeeper.ssl.${name}.type`)?.toUpperCase();
    if (type !== undefined && type !== '' && type !== 'PEM' && type !== 'PKCS12' && type !== 'JKS') {
      throw wrong(`zookeeper.ssl.${name}.type is ${type}: PEM, PKCS12 and JKS stores can be read`);
    }
    return {
      path,
      password: passwordFile ? readPasswordFile(passwordFile) : (password ?? null),
      type: (type || null) as 'PEM' | 'PKCS12' | 'JKS' | null,
    };
  };
  try {
    const [own, trusted] = [store('keyStore'), store('trustStore')];
    const versions = protocolsOf(properties);
    const suites = properties.get('zookeeper.ssl.ciphersuites');
    return {
      ...(own === null ? {} : loadKeyStore(own)),
      ...(trusted === null ? {} : { ca: loadTrustStore(trusted) }),
      ...(versions[0] === undefined ? {} : { minVersion: versions[0] }),
      ...(versions.at(-1) === undefined ? {} : { maxVersion: versions.at(-1) as 'TLSv1.2' | 'TLSv1.3' }),
      ...(suites
        ? {
            ciphers: suites
              .split(',')
              .map((name) => openSslCipherName(name.trim()))
              .join(':'),
          }
        : {}),
      ...(properties.get('zookeeper.ssl.hostnameVerification') === 'false' ? { verifyServerName: false } : {}),
    };
  } catch (error) {
    if (error instanceof TlsStoreError) throw wrong(error.message);
    throw error;
  }
}

/** In rising order. */
function protocolsOf(properties: Properties): ('TLSv1.2' | 'TLSv1.3')[] {
  const key = properties.get('zookeeper.ssl.enabledProtocols')
    ? 'zookeeper.ssl.enabledProtocols'
    : 'zookeeper.ssl.protocol';
  const names = (properties.get(key) ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const known = names.filter((name) => name === 'TLSv1.2' || name === 'TLSv1.3');
  if (known.length < names.length) throw wrong(`${key} may name TLSv1.2 and TLSv1.3, not "${names.join(',')}"`);
  return known.sort();
}

async function saslOf(properties: Properties): Promise<ClientOptions['sasl']> {
  const file = properties.get('java.security.auth.login.config');
  if (file === undefined || file === '') return undefined;
  const { JaasError, loginCredentials, parseJaas } = await import('@headkeeper/server/client-files');
  try {
    const section = properties.get('zookeeper.sasl.clientconfig') ?? 'Client';
    const { user, password } = loginCredentials(parseJaas(readText(file, 'JAAS file')), section);
    return { username: user, password };
  } catch (error) {
    if (error instanceof JaasError) throw wrong(`${file}: ${error.message}`);
    throw error;
  }
}

function isTrue(properties: Properties, name: string): boolean {
  const value = properties.get(name) ?? 'false';
  if (value !== 'true' && value !== 'false') throw wrong(`${name} has to be true or false, not "${value}"`);
  return value === 'true';
}

function wholeOf(properties: Properties, name: string): number | undefined {
  const text = properties.get(name);
  if (text === undefined) return undefined;
  // Java takes hexadecimal for jute.maxbuffer, and its manual shows it.
  if (!/^(\d{1,10}|0x[0-9a-f]{1,8})$/i.test(text)) throw wrong(`${name} has to be a whole number, not "${text}"`);
  return Number(text);
}

function readText(file: string, what: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw wrong(`cannot read the ${what} ${file}: ${(error as Error).message}`);
  }
}

function wrong(message: string): CommandError {
  return new CommandError(message, ExitCode.usage);
}
