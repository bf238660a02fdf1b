import { limits } from '../limits.ts';
import type { ClientTlsValues } from './client-tls-values.ts';
import type { ConfigValues } from './config-values.ts';
import { choice, flag, integer, type Setting, text, WRONG } from './setting.ts';
import { tlsFamilySettings } from './tls-family.ts';

/** Kinds of alternative names, as RFC 5280 numbers them: 0 to this. */
const LARGEST_NAME_KIND = 8;
const LARGEST_GROUP = 99;

/** The rows of the settings of TLS with clients (feature inventory, sections A.3, A.9 and A.10). */
export const CLIENT_TLS_SETTINGS: {
  readonly [Name in keyof ClientTlsValues]: Setting<ClientTlsValues[Name], ConfigValues>;
} = {
  secureClientPort: {
    ...integer<ConfigValues>({
      key: 'secureClientPort',
      unit: '',
      default: -1,
      from: 0,
      to: 65535,
      minusOneIsDefault: true,
      doc: 'TCP port of clients that speak TLS; 0 takes any free one. By default there is none.',
    }),
    default: () => -1,
  },
  secureClientPortAddress: text<string | null, ConfigValues>({
    key: 'secureClientPortAddress',
    default: () => null,
    expected: 'a host name or an IP address',
    pattern: /^[^\s/]+$/,
    doc: 'Address that the secure client port is bound to. By default all addresses of the machine.',
  }),
  clientPortUnification: flag(
    'client.portUnification',
    false,
    'Whether clientPort takes TLS beside plain connections: the way to switch TLS on client by client.',
  ),
  ...tlsFamilySettings({
    name: 'ssl',
    prefix: 'ssl.',
    peer: 'client',
    clientHostnameVerification: false,
  }),
  clientCertReload: flag(
    'client.certReload',
    false,
    'Whether certificates for clients are read again when their files change.',
  ),
  outstandingHandshakeLimit: {
    ...integer<ConfigValues>({
      key: 'outstandingHandshake.limit',
      aliases: ['netty.server.outstandingHandshake.limit'],
      unit: 'handshakes',
      default: limits.tlsHandshakes,
      from: 1,
      minusOneIsDefault: true,
      doc: 'TLS handshakes that may be under way on one port; for one more the oldest is given up. On Apache without limit by default, and those beyond it are closed.',
    }),
  },
  earlyDropHandshakes: flag(
    'netty.server.earlyDropSecureConnectionHandshakes',
    false,
    'Whether a connection is closed before its TLS handshake while the server does not serve.',
  ),
  sslAuthProvider: choice<'x509', 'x509', ConfigValues>(
    'ssl.authProvider',
    ['x509'],
    'x509',
    'What makes an identity of the certificate of a client.',
  ),
  x509SuperUser: text<string | null, ConfigValues>({
    key: 'X509AuthenticationProvider.superUser',
    default: () => null,
    expected: 'the subject of a certificate, such as CN=admin,O=example',
    pattern: /./,
    doc: 'The client, by its identity in scheme x509, that no access control list holds back.',
  }),
  x509IdType: {
    key: 'ssl.x509.clientCertIdType',
    unit: '',
    default: 'subject',
    expected: 'SAN or subject',
    read: (value) => {
      const lower = value.toLowerCase();
      return lower === 'san' ? 'SAN' : lower === 'subject' ? 'subject' : WRONG;
    },
    doc: "What the identity of a certificate is: its subject, or SAN, one of its subject's alternative names.",
  },
  x509SanMatchType: {
    ...integer<ConfigValues>({
      key: 'ssl.x509.clientCertIdSanMatchType',
      unit: '',
      default: -1,
      from: 0,
      to: LARGEST_NAME_KIND,
      doc: 'With SAN the kind of name, as RFC 5280 numbers them: 1 e-mail, 2 DNS, 6 URI, 7 IP address. Must be set then.',
    }),
    default: () => null,
  },
  x509SanMatchRegex: regularExpression('ssl.x509.clientCertIdSanMatchRegex', 'With SAN what the name must match.'),
  x509SanExtractRegex: regularExpression(
    'ssl.x509.clientCertIdSanExtractRegex',
    'With SAN the part of the name that is the identity.',
  ),
  x509SanExtractGroup: integer({
    key: 'ssl.x509.clientCertIdSanExtractMatcherGroupIndex',
    unit: '',
    default: 0,
    from: 0,
    to: LARGEST_GROUP,
    doc: 'With SAN the group of that expression that is the identity; 0: all that it matches.',
  }),
};

function regularExpression(key: string, doc: string): Setting<string, ConfigValues> {
  return {
    key,
    unit: '',
    default: '.*',
    expected: 'a regular expression',
    read: (value) => (isExpression(value) ? value : WRONG),
    doc,
  };
}

function isExpression(text: string): boolean {
  try {
    new RegExp(text, 'u');
    return text !== '';
  } catch {
    return false;
  }
}
