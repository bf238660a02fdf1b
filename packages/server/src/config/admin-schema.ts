import type { AdminValues } from './admin-values.ts';
import type { ConfigValues } from './config-values.ts';
import { isBlock } from './ip-block.ts';
import { choice, flag, integer, type Setting, text, WRONG } from './setting.ts';

const REMOTE_ACCESS: readonly ('secure' | 'apache')[] = ['secure', 'apache'];

/** The rows of the settings of the operators' HTTP server; names and defaults are Apache's where `doc` does not say otherwise. */
export const ADMIN_SETTINGS: { readonly [Name in keyof AdminValues]: Setting<AdminValues[Name], ConfigValues> } = {
  adminServerPort: {
    ...integer<ConfigValues>({
      key: 'admin.serverPort',
      unit: '',
      default: 8080,
      from: 0,
      to: 65535,
      doc: 'Its TCP port; 0 takes any free one. With admin.enableServer=true and without this 8080.',
    }),
    default: () => null,
  },
  adminEnabled: {
    ...flag<ConfigValues>(
      'admin.enableServer',
      false,
      'Whether the HTTP server for operators runs. By default only where admin.serverPort is given; on Apache always.',
    ),
    default: (values) => values.adminServerPort !== null,
  },
  adminServerAddress: text<string, ConfigValues>({
    key: 'admin.serverAddress',
    default: '127.0.0.1',
    expected: 'a host name or an IP address',
    pattern: /^[^\s/]+$/,
    doc: "Address that it is bound to. By default this machine's own; on Apache all addresses, 0.0.0.0.",
  }),
  adminCommandUrl: text<string, ConfigValues>({
    key: 'admin.commandURL',
    default: '/commands',
    expected: 'a path such as /commands',
    pattern: /^(\/[A-Za-z0-9._~-]+)+$/,
    doc: 'The path in front of the commands.',
  }),
  adminIdleTimeoutMs: integer({
    key: 'admin.idleTimeout',
    unit: 'milliseconds',
    default: 30_000,
    from: 1,
    doc: 'A connection to it on which nothing moves for this long is closed.',
  }),
  adminRateLimiterIntervalMs: integer({
    key: 'admin.rateLimiterIntervalInMS',
    unit: 'milliseconds',
    default: 300_000,
    from: 0,
    doc: 'Pause between two snapshots, and between two restores, that are asked for over HTTP; 0: none.',
  }),
  adminSnapshotEnabled: flag('admin.snapshot.enabled', true, 'Whether snapshots may be taken over HTTP.'),
  adminRestoreEnabled: flag('admin.restore.enabled', true, 'Whether the state may be replaced over HTTP.'),
  adminPortUnification: flag(
    'admin.portUnification',
    false,
    'Whether its port takes HTTPS beside HTTP. Key and certificate are those of ssl.quorum.keyStore.location.',
  ),
  adminForceHttps: flag('admin.forceHttps', false, 'Whether its port takes HTTPS alone.'),
  adminNeedClientAuth: flag(
    'admin.needClientAuth',
    false,
    'Whether callers through HTTPS have to show a certificate that the trust store knows; it is then their identity of scheme x509.',
  ),
  adminRemoteAccess: choice(
    'admin.remoteAccess',
    REMOTE_ACCESS,
    'secure',
    'Ours. What callers on other machines need. `secure`: TLS, and an identity that is proved: a certificate, the superuser, or one in the access control list of `/`; `/livez` and `/readyz` are for everybody. `apache`: no more than those on this machine.',
  ),
  adminUseForwardedFor: flag(
    'IPAuthenticationProvider.usexforwardedfor',
    false,
    "Whether the header X-Forwarded-For says where a caller is. Only that of admin.trustedProxies is believed, which must be set then, where Apache believes everybody's.",
  ),
  adminTrustedProxies: {
    key: 'admin.trustedProxies',
    unit: '',
    default: Object.freeze<string[]>([]),
    expected: 'IP addresses or blocks such as 10.0.0.0/8, separated by commas',
    read: (value) => {
      const blocks = value.split(',').map((block) => block.trim());
      return blocks.every((block) => isBlock(block)) ? Object.freeze(blocks) : WRONG;
    },
    doc: 'Ours. The proxies whose X-Forwarded-For is believed. Calls that come through one count as from another machine.',
  },
};
