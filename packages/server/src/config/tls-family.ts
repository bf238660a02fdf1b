import type { ConfigValues } from './config-values.ts';
import { flag, integer, type Setting, text, WRONG } from './setting.ts';
import type { ClientAuth, StoreType, TlsFamily, TlsFamilyValues, TlsVersion } from './tls-values.ts';

const STORE_TYPES: readonly StoreType[] = ['PEM', 'PKCS12', 'JKS'];
const TLS_VERSIONS: readonly TlsVersion[] = ['TLSv1.2', 'TLSv1.3'];
const CLIENT_AUTHS: readonly ClientAuth[] = ['none', 'want', 'need'];

/** What tells the two families of TLS settings apart. */
export interface TlsFamilyRow<Name extends string> {
  /** Names of the settings begin with it. */
  readonly name: Name;
  /** Keys begin with it: `ssl.` or `ssl.quorum.`. */
  readonly prefix: string;
  /** Who connects, as the documentation calls it. */
  readonly peer: string;
  readonly clientHostnameVerification: boolean;
}

/** The rows of one family of TLS settings (feature inventory, section A.10). */
export function tlsFamilySettings<Name extends string>(
  row: TlsFamilyRow<Name>,
): { readonly [Key in keyof TlsFamilyValues<Name>]: Setting<TlsFamilyValues<Name>[Key], ConfigValues> } {
  const { prefix, peer } = row;
  const settings: { readonly [Key in keyof TlsFamily]: Setting<TlsFamily[Key], ConfigValues> } = {
    keyStore: path(`${prefix}keyStore.location`, "File with this server's certificate and key."),
    keyStorePassword: secret(`${prefix}keyStore.password`, 'Password of that file.'),
    keyStorePasswordPath: path(`${prefix}keyStore.passwordPath`, 'File that holds that password.'),
    keyStoreType: storeType(`${prefix}keyStore.type`),
    trustStore: path(`${prefix}trustStore.location`, 'File with the certificates that are trusted.'),
    trustStorePassword: secret(`${prefix}trustStore.password`, 'Password of that file.'),
    trustStorePasswordPath: path(`${prefix}trustStore.passwordPath`, 'File that holds that password.'),
    trustStoreType: storeType(`${prefix}trustStore.type`),
    tlsProtocol: {
      key: `${prefix}protocol`,
      unit: '',
      default: () => null,
      expected: TLS_VERSIONS.join(' or '),
      read: (value) => TLS_VERSIONS.find((version) => version === value) ?? WRONG,
      doc: `The one version of TLS that is spoken, when ${prefix}enabledProtocols does not name more. By default 1.3 and 1.2.`,
    },
    tlsProtocols: {
      key: `${prefix}enabledProtocols`,
      unit: '',
      default: () => null,
      expected: `one or more of ${TLS_VERSIONS.join(', ')}, separated by commas`,
      read: (value) => {
        const names = value.split(',').map((name) => name.trim());
        const versions = TLS_VERSIONS.filter((version) => names.includes(version));
        return names.every((name) => TLS_VERSIONS.some((version) => version === name))
          ? Object.freeze(versions)
          : WRONG;
      },
      doc: `Versions of TLS that are spoken. By default that of ${prefix}protocol.`,
    },
    cipherSuites: {
      key: `${prefix}ciphersuites`,
      unit: '',
      default: () => null,
      expected: 'names of cipher suites, separated by commas',
      read: (value) => {
        const names = value.split(',').map((name) => name.trim());
        return names.every((name) => /^[A-Z0-9_-]+$/.test(name)) ? Object.freeze(names) : WRONG;
      },
      doc: "Cipher suites that are offered, under Java's names or OpenSSL's. By default those of the runtime.",
    },
    hostnameVerification: flag(
      `${prefix}hostnameVerification`,
      true,
      "Whether another server's certificate must be for the address that it is reached at.",
    ),
    clientHostnameVerification: flag(
      `${prefix}clientHostnameVerification`,
      row.clientHostnameVerification,
      `Whether the certificate of a ${peer} that connects must be for the address that it comes from.`,
    ),
    reverseDnsLookup: flag(
      `${prefix}allowReverseDnsLookup`,
      false,
      'Whether a certificate for whatever name the DNS gives for such an address will do.',
    ),
    clientAuth: {
      key: `${prefix}clientAuth`,
      unit: '',
      default: 'need',
      expected: CLIENT_AUTHS.join(' or '),
      read: (value) => CLIENT_AUTHS.find((one) => one === value.toLowerCase()) ?? WRONG,
      doc: `Whether a ${peer} that connects shows a certificate.`,
    },
    crl: flag(
      `${prefix}crl`,
      false,
      `Whether revoked certificates are refused. Needs ${prefix}crl.location: lists are not fetched over the network.`,
    ),
    crlLocation: path(
      `${prefix}crl.location`,
      'Ours. File of revocation lists in PEM, one for every authority that has signed a certificate in question.',
    ),
    ocsp: {
      ...flag<ConfigValues>(
        `${prefix}ocsp`,
        false,
        `Whether an authority is asked over the network. Must be false: the runtime cannot; use ${prefix}crl.`,
      ),
      expected: `false: authorities cannot be asked over the network; use ${prefix}crl and ${prefix}crl.location`,
      read: (value) => (value.toLowerCase() === 'false' ? false : WRONG),
    },
    handshakeDetectionMs: integer({
      key: `${prefix}handshakeDetectionTimeoutMillis`,
      unit: 'milliseconds',
      default: 5000,
      from: 1,
      doc: 'Time that a connection to a unified port has to show whether it speaks TLS; then it counts as plain.',
    }),
  };
  const named = Object.entries(settings).map(([key, setting]) => [settingName(row.name, key), setting]);
  return Object.fromEntries(named) as ReturnType<typeof tlsFamilySettings<Name>>;
}

/** The values of one family, under its plain names. */
export function tlsFamilyOf<Name extends string>(values: TlsFamilyValues<Name>, name: Name): TlsFamily {
  const all = new Map(Object.entries(values));
  const plain = FAMILY_KEYS.map((key) => [key, all.get(settingName(name, key))]);
  return Object.fromEntries(plain) as TlsFamily;
}

function settingName(name: string, key: string): string {
  return `${name}${key.charAt(0).toUpperCase()}${key.slice(1)}`;
}

const FAMILY_KEYS: readonly (keyof TlsFamily)[] = [
  'keyStore',
  'keyStorePassword',
  'keyStorePasswordPath',
  'keyStoreType',
  'trustStore',
  'trustStorePassword',
  'trustStorePasswordPath',
  'trustStoreType',
  'tlsProtocol',
  'tlsProtocols',
  'cipherSuites',
  'hostnameVerification',
  'clientHostnameVerification',
  'reverseDnsLookup',
  'clientAuth',
  'crl',
  'crlLocation',
  'ocsp',
  'handshakeDetectionMs',
];

function path(key: string, doc: string): Setting<string | null, ConfigValues> {
  return text<string | null, ConfigValues>({
    key,
    default: () => null,
    expected: 'the path of a file',
    pattern: /./,
    doc,
  });
}

function secret(key: string, doc: string): Setting<string | null, ConfigValues> {
  return {
    key,
    unit: '',
    default: () => null,
    expected: 'a password',
    read: (value) => (value === '' ? WRONG : value),
    secret: true,
    doc,
  };
}

function storeType(key: string): Setting<StoreType | null, ConfigValues> {
  return {
    key,
    unit: '',
    default: () => null,
    expected: `${STORE_TYPES.join(' or ')} (keytool -importkeystore makes PKCS12 of other kinds)`,
    read: (value) => STORE_TYPES.find((type) => type === value.toUpperCase()) ?? WRONG,
    doc: 'Its kind. By default what the end of its name says: .pem, .p12, .pfx or .jks.',
  };
}
