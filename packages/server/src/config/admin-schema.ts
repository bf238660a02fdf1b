import type { AdminValues } from './admin-values.ts';
import type { ConfigValues } from './config-values.ts';
import { flag, integer, type Setting, text } from './setting.ts';

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
};
