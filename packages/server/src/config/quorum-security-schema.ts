import type { ConfigValues } from './config-values.ts';
import type { ClientAuth, QuorumSecurityValues, StoreType, TlsVersion } from './quorum-security-values.ts';
import { flag, integer, type Setting, text, WRONG } from './setting.ts';

const STORE_TYPES: readonly StoreType[] = ['PEM', 'PKCS12'];
const TLS_VERSIONS: readonly TlsVersion[] = ['TLSv1.2', 'TLSv1.3'];
const CLIENT_AUTHS: readonly ClientAuth[] = ['none', 'want', 'need'];

/** The rows of the settings by which servers trust each other (feature inventory, sections A.10 and A.11). */
export const QUORUM_SECURITY_SETTINGS: {
  readonly [Name in keyof QuorumSecurityValues]: Setting<QuorumSecurityValues[Name], ConfigValues>;
} = {
  sslQuorum: flag('sslQuorum', false, 'Whether connections between servers use TLS.'),
  portUnification: flag(
    'portUnification',
    false,
    'Whether the ports for other servers take plain connections beside TLS: the way to switch TLS on server by server.',
  ),
  sslQuorumReloadCertFiles: flag(
    'sslQuorumReloadCertFiles',
    false,
    'Whether certificates between servers are read again when their files change.',
  ),
  quorumKeyStore: path('ssl.quorum.keyStore.location', "File with this server's certificate and key."),
  quorumKeyStorePassword: secret('ssl.quorum.keyStore.password', 'Password of that file.'),
  quorumKeyStorePasswordPath: path('ssl.quorum.keyStore.passwordPath', 'File that holds that password.'),
  quorumKeyStoreType: storeType('ssl.quorum.keyStore.type'),
  quorumTrustStore: path('ssl.quorum.trustStore.location', 'File with the certificates that are trusted.'),
  quorumTrustStorePassword: secret('ssl.quorum.trustStore.password', 'Password of that file.'),
  quorumTrustStorePasswordPath: path('ssl.quorum.trustStore.passwordPath', 'File that holds that password.'),
  quorumTrustStoreType: storeType('ssl.quorum.trustStore.type'),
  quorumTlsProtocol: {
    key: 'ssl.quorum.protocol',
    unit: '',
    default: () => null,
    expected: TLS_VERSIONS.join(' or '),
    read: (value) => TLS_VERSIONS.find((version) => version === value) ?? WRONG,
    doc: 'The one version of TLS that is spoken, when ssl.quorum.enabledProtocols does not name more. By default 1.3 and 1.2.',
  },
  quorumTlsProtocols: {
    key: 'ssl.quorum.enabledProtocols',
    unit: '',
    default: () => null,
    expected: `one or more of ${TLS_VERSIONS.join(', ')}, separated by commas`,
    read: (value) => {
      const names = value.split(',').map((name) => name.trim());
      const versions = TLS_VERSIONS.filter((version) => names.includes(version));
      return names.every((name) => TLS_VERSIONS.some((version) => version === name)) ? Object.freeze(versions) : WRONG;
    },
    doc: 'Versions of TLS that are spoken. By default that of ssl.quorum.protocol.',
  },
  quorumCipherSuites: {
    key: 'ssl.quorum.ciphersuites',
    unit: '',
    default: () => null,
    expected: 'names of cipher suites, separated by commas',
    read: (value) => {
      const names = value.split(',').map((name) => name.trim());
      return names.every((name) => /^[A-Z0-9_-]+$/.test(name)) ? Object.freeze(names) : WRONG;
    },
    doc: "Cipher suites that are offered, under Java's names or OpenSSL's. By default those of the runtime.",
  },
  quorumHostnameVerification: flag(
    'ssl.quorum.hostnameVerification',
    true,
    "Whether another server's certificate must be for the address that it is reached at.",
  ),
  quorumClientHostnameVerification: flag(
    'ssl.quorum.clientHostnameVerification',
    true,
    'Whether the certificate of a server that connects must be for the address that it comes from.',
  ),
  quorumReverseDnsLookup: flag(
    'ssl.quorum.allowReverseDnsLookup',
    false,
    'Whether a certificate for whatever name the DNS gives for such an address will do. On Apache it does by default.',
  ),
  quorumClientAuth: {
    key: 'ssl.quorum.clientAuth',
    unit: '',
    default: 'need',
    expected: CLIENT_AUTHS.join(' or '),
    read: (value) => CLIENT_AUTHS.find((one) => one === value.toLowerCase()) ?? WRONG,
    doc: 'Whether a server that connects shows a certificate.',
  },
  quorumHandshakeDetectionMs: integer({
    key: 'ssl.quorum.handshakeDetectionTimeoutMillis',
    unit: 'milliseconds',
    default: 5000,
    from: 1,
    doc: 'Time that a connection to a unified port has to show whether it speaks TLS.',
  }),
  quorumSasl: flag('quorum.auth.enableSasl', false, 'Whether servers authenticate to each other by SASL (DIGEST-MD5).'),
  quorumLearnerRequiresSasl: flag(
    'quorum.auth.learnerRequireSasl',
    false,
    'Whether this server authenticates on connections that it makes.',
  ),
  quorumServerRequiresSasl: flag(
    'quorum.auth.serverRequireSasl',
    false,
    'Whether this server refuses connections that do not authenticate.',
  ),
  quorumLearnerLoginContext: name(
    'quorum.auth.learner.saslLoginContext',
    'QuorumLearner',
    'Section of the JAAS file with the name and password for connections that this server makes.',
  ),
  quorumServerLoginContext: name(
    'quorum.auth.server.saslLoginContext',
    'QuorumServer',
    'Section of the JAAS file with the names and passwords that this server accepts.',
  ),
  loginConfig: path('java.security.auth.login.config', 'The JAAS file.'),
};

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

function name(key: string, fallback: string, doc: string): Setting<string, ConfigValues> {
  return text<string, ConfigValues>({
    key,
    default: fallback,
    expected: 'the name of a section',
    pattern: /^[\w.-]+$/,
    doc,
  });
}

function storeType(key: string): Setting<StoreType | null, ConfigValues> {
  return {
    key,
    unit: '',
    default: () => null,
    expected: `${STORE_TYPES.join(' or ')} (keytool -importkeystore turns JKS into PKCS12)`,
    read: (value) => STORE_TYPES.find((type) => type === value.toUpperCase()) ?? WRONG,
    doc: 'Its kind. By default what the end of its name says: .pem, .p12 or .pfx.',
  };
}
