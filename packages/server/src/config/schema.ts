import { type FourLetterName, FourLetterWord } from '@headkeeper/protocol';
import { ADMIN_SETTINGS } from './admin-schema.ts';
import { AUDIT_SETTINGS } from './audit-schema.ts';
import type { AuthFamilies } from './auth-families.ts';
import { AUTH_SETTINGS } from './auth-schema.ts';
import { BACKUP_SETTINGS } from './backup-schema.ts';
import { CLIENT_TLS_SETTINGS } from './client-tls-schema.ts';
import type { ConfigValues, LogLevel, SessionPasswordMode } from './config-values.ts';
import { ENSEMBLE_SETTINGS } from './ensemble-schema.ts';
import { INSIGHT_SETTINGS } from './insight-schema.ts';
import { LIMITS_SETTINGS } from './limits-schema.ts';
import type { EnsembleConfig } from './members.ts';
import { METRICS_SETTINGS } from './metrics-schema.ts';
import { QUORUM_SECURITY_SETTINGS } from './quorum-security-schema.ts';
import { choice, choices, flag, integer, type Setting, text, type USE_DEFAULT, WRONG, yesOrNo } from './setting.ts';
import { STORAGE_SETTINGS } from './storage-schema.ts';
import { readTime } from './units.ts';

export type { ConfigValues, LogLevel, SessionPasswordMode };

/** The text of a value, and where it was given: a file and its line, a variable, the command line. */
export interface GivenValue {
  readonly text: string;
  readonly where: string;
}

/** A server's whole configuration, frozen. */
export interface ServerConfig extends ConfigValues {
  /** null: a standalone server. */
  readonly ensemble: EnsembleConfig | null;
  readonly auth: AuthFamilies;
  /** The file it came from; null for the embedded default. */
  readonly file: string | null;
  /** What was given, by key: settings, and the lines of the members. Secrets stand in it as they are. */
  readonly given: ReadonlyMap<string, GivenValue>;
  /** What an operator should know: one sentence each. */
  readonly warnings: readonly string[];
}

/** Words that only read, and cost little: what the embedded default configuration allows. */
export const CHEAP_READING_WORDS: readonly FourLetterName[] = [
  'conf',
  'cons',
  'dirs',
  'dump',
  'envi',
  'isro',
  'mntr',
  'ruok',
  'srvr',
  'stat',
  'wchs',
];

const FOUR_LETTER_NAMES = Object.freeze(Object.keys(FourLetterWord).sort() as FourLetterName[]);
const SESSION_PASSWORD_MODES: readonly SessionPasswordMode[] = ['apache', 'keyed'];
const LOG_LEVELS: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];
const DIGEST_ALGORITHMS: readonly string[] = [
  'MD5',
  'SHA1',
  'SHA-1',
  'SHA-224',
  'SHA-256',
  'SHA-384',
  'SHA-512',
  'SHA-512/224',
  'SHA-512/256',
  'SHA3-224',
  'SHA3-256',
  'SHA3-384',
  'SHA3-512',
];
const INT_MIN = -2147483648;

/**
 * The table of settings: defaults and ranges are those of Apache ZooKeeper 3.9 (feature inventory, sections A.1 to A.12),
 * except where `doc` says otherwise. The order is the order in which documentation shows them.
 */
export const SETTINGS: { readonly [Name in keyof ConfigValues]: Setting<ConfigValues[Name], ConfigValues> } = {
  dataDir: text<string, ConfigValues>({
    key: 'dataDir',
    default: null,
    expected: 'the path of a folder',
    pattern: /./,
    doc: 'Folder of snapshots and, unless dataLogDir is given, of transaction logs. Must be set.',
  }),
  dataLogDir: text<string, ConfigValues>({
    key: 'dataLogDir',
    default: (values) => values.dataDir,
    expected: 'the path of a folder',
    pattern: /./,
    doc: 'Folder of transaction logs; best on a disk of its own. By default dataDir.',
  }),
  clientPort: {
    ...integer<ConfigValues>({
      key: 'clientPort',
      unit: '',
      default: -1,
      from: 0,
      to: 65535,
      minusOneIsDefault: true,
      doc: 'TCP port of clients; 0 takes any free one. By default there is none; then secureClientPort must be set.',
    }),
    default: () => -1,
  },
  clientPortAddress: text<string | null, ConfigValues>({
    key: 'clientPortAddress',
    default: () => null,
    expected: 'a host name or an IP address',
    pattern: /^[^\s/]+$/,
    doc: 'Address that the client port is bound to. By default all addresses of the machine.',
  }),
  clientPortListenBacklog: integer({
    key: 'clientPortListenBacklog',
    unit: 'connections',
    default: -1,
    from: -1,
    doc: 'Connections that may wait to be accepted, as far as the operating system allows (net.core.somaxconn); -1: 4096.',
  }),
  clientTcpKeepAlive: flag('clientTcpKeepAlive', false, 'Whether TCP keep-alive is on for client connections.'),
  maxClientCnxns: integer({
    key: 'maxClientCnxns',
    unit: 'connections',
    default: 60,
    from: INT_MIN,
    doc: 'Connections that one IP address may have on the client port, and on the secure one; 0 or less means no limit.',
  }),
  maxCnxns: integer({
    key: 'maxCnxns',
    unit: 'connections',
    default: 0,
    from: INT_MIN,
    doc: 'Connections that the client port accepts in all, and so the secure client port; 0 or less means no limit.',
  }),
  tickTimeMs: integer({
    key: 'tickTime',
    unit: 'milliseconds',
    default: 3000,
    from: 1,
    doc: 'The unit of time: sessions expire at multiples of it.',
  }),
  minSessionTimeoutMs: integer({
    key: 'minSessionTimeout',
    unit: 'milliseconds',
    default: (values) => values.tickTimeMs * 2,
    from: 0,
    minusOneIsDefault: true,
    doc: 'Shortest session timeout that a client can get. By default 2 ticks.',
  }),
  maxSessionTimeoutMs: integer({
    key: 'maxSessionTimeout',
    unit: 'milliseconds',
    default: (values) => values.tickTimeMs * 20,
    from: 0,
    minusOneIsDefault: true,
    doc: 'Longest session timeout that a client can get. By default 20 ticks.',
  }),
  sessionlessConnectionTimeoutMs: integer({
    key: 'nio.sessionlessCnxnTimeout',
    unit: 'milliseconds',
    default: 10_000,
    from: 1,
    doc: 'A connection that has not opened a session after this long is closed.',
  }),
  sessionPasswordIssue: choice(
    'sessionPassword.issue',
    SESSION_PASSWORD_MODES,
    'default',
    "Ours. Kind of password that sessions get. Apache's can be computed by anyone who knows the session id; keyed ones " +
      'cannot. By default keyed in a data directory that Headkeeper created, apache (with a warning) in one of Apache.',
  ),
  sessionPasswordAccept: choices(
    'sessionPassword.accept',
    SESSION_PASSWORD_MODES,
    'default',
    'Ours. Kinds of password that a returning session may show; must contain the kind that is issued. By default that one.',
  ),
  juteMaxBuffer: integer({
    key: 'jute.maxbuffer',
    unit: 'bytes',
    default: 0xfffff,
    from: 128,
    doc: 'Largest request that is read. A larger one closes its connection.',
  }),
  juteMaxBufferExtra: integer({
    key: 'jute.maxbuffer.extrasize',
    unit: 'bytes',
    default: (values) => Math.max(1024, values.juteMaxBuffer),
    from: 0,
    minimum: 1024,
    doc: 'Added to jute.maxbuffer when records are read back from disk. By default jute.maxbuffer.',
  }),
  ...LIMITS_SETTINGS,
  snapCount: integer({
    key: 'snapCount',
    unit: 'transactions',
    default: 100_000,
    from: INT_MIN,
    minimum: 2,
    doc: 'A snapshot is taken after a random count of transactions between half of this and all of it.',
  }),
  snapSizeLimitBytes: integer({
    key: 'snapSizeLimitInKb',
    unit: 'kilobytes',
    default: 4_194_304 * 1024,
    from: INT_MIN,
    to: 4_398_046_511_104,
    scale: 1024,
    doc: 'A snapshot is taken, too, after a random amount of log between half of this and all of it; 0 or less: no limit.',
  }),
  preAllocBytes: integer({
    key: 'preAllocSize',
    unit: 'kilobytes',
    default: 65_536 * 1024,
    from: INT_MIN,
    scale: 1024,
    doc:
      'Log files are extended ahead of the records with zeros, in steps of 1 MiB: at most this much ahead, and never more ' +
      'than 4 MiB (below 4 MiB, in steps of a quarter of it). 0 or less: not at all.',
  }),
  purgeSnapRetainCount: integer({
    key: 'autopurge.snapRetainCount',
    unit: 'snapshots',
    default: 3,
    from: INT_MIN,
    minimum: 3,
    doc: 'Snapshots that a purge keeps, with the logs that they need.',
  }),
  purgeIntervalMs: {
    key: 'autopurge.purgeInterval',
    unit: 'hours',
    default: 0,
    expected: 'a whole number of hours, or one with a unit ms, s, m, h or d',
    read: readPurgeInterval,
    doc: 'Time between purges of old snapshots and logs; 0 or less: none. Logs that backups still need are kept back for a while.',
  },
  flushDelayMs: integer({
    key: 'flushDelay',
    unit: 'milliseconds',
    default: 0,
    from: 0,
    doc: 'Accepted for compatibility: Headkeeper always writes everything that is waiting with one sync, at once.',
  }),
  maxBatchSize: integer({
    key: 'maxBatchSize',
    unit: 'transactions',
    default: 1000,
    from: 1,
    doc: 'Accepted for compatibility: what is waiting goes with one sync, however much it is.',
  }),
  ...STORAGE_SETTINGS,
  digestEnabled: flag('digest.enabled', true, 'Whether logs and snapshots carry a running digest of the tree.'),
  serializeLastProcessedZxid: flag(
    'serializeLastProcessedZxid.enabled',
    true,
    'Whether a snapshot ends with the zxid that it stands for, as since 3.9.',
  ),
  snapshotTrustEmpty: flag(
    'snapshot.trust.empty',
    false,
    'Whether a directory with logs and no snapshot is accepted (upgrades from 3.4).',
  ),
  dataDirAutocreate: flag('datadir.autocreate', true, 'Whether missing data directories are created.'),
  dbAutocreate: flag(
    'db.autocreate',
    true,
    'Whether an empty data directory becomes an empty tree without a file named initialize in it.',
  ),
  extendedTypesEnabled: flag('extendedTypesEnabled', false, 'Whether TTL znodes exist.'),
  emulate353TTLNodes: flag('emulate353TTLNodes', false, 'Whether TTL znodes are read in the form of 3.5.3.'),
  containerCheckIntervalMs: integer({
    key: 'znode.container.checkIntervalMs',
    unit: 'milliseconds',
    default: 60_000,
    from: 1,
    doc: 'Time between looks for containers and TTL znodes to be deleted.',
  }),
  containerMaxPerMinute: integer({
    key: 'znode.container.maxPerMinute',
    unit: 'znodes',
    default: 10_000,
    from: 1,
    doc: 'How many of them are deleted per minute at most.',
  }),
  containerMaxNeverUsedIntervalMs: integer({
    key: 'znode.container.maxNeverUsedIntervalMs',
    unit: 'milliseconds',
    default: 0,
    from: 0,
    doc: 'A container that never had a child is deleted after this long; 0 keeps it.',
  }),
  enforceQuota: flag('enforceQuota', false, 'Whether hard quotas refuse writes.'),
  skipAcl: yesOrNo('skipACL', false, 'Whether access control lists are ignored.'),
  superDigest: {
    ...text<string | null, ConfigValues>({
      key: 'DigestAuthenticationProvider.superDigest',
      default: () => null,
      expected: 'user:digest, the digest in Base64',
      pattern: /^[^:\s]+:[A-Za-z0-9+/]+={0,2}$/,
      doc: 'The digest identity that no access control list holds back.',
    }),
    secret: true,
  },
  digestAlgorithm: choice(
    'DigestAuthenticationProvider.digestAlg',
    DIGEST_ALGORITHMS,
    'SHA1',
    'Hash of digest identities, by its Java name.',
  ),
  fourLetterWords: {
    key: '4lw.commands.whitelist',
    unit: '',
    default: Object.freeze<FourLetterName[]>(['srvr']),
    expected: `* or words separated by commas, out of ${FOUR_LETTER_NAMES.join(' ')}`,
    read: readFourLetterWords,
    doc: 'Four-letter words that are answered; srvr always is. `npm start` answers all that only read and cost little.',
  },
  ...ENSEMBLE_SETTINGS,
  ...QUORUM_SECURITY_SETTINGS,
  ...CLIENT_TLS_SETTINGS,
  ...AUTH_SETTINGS,
  ...ADMIN_SETTINGS,
  ...AUDIT_SETTINGS,
  ...INSIGHT_SETTINGS,
  ...METRICS_SETTINGS,
  ...BACKUP_SETTINGS,
  configWatch: flag(
    'config.watch',
    false,
    'Ours. Whether the server looks at its configuration file every two seconds and reloads it, as SIGHUP does, when it has changed.',
  ),
  logLevel: choice('log.level', LOG_LEVELS, 'info', 'Ours. Least severe messages that are logged.'),
};

function readPurgeInterval(value: string): number | typeof USE_DEFAULT | typeof WRONG {
  const ms = readTime(value, 'h');
  return ms === WRONG ? WRONG : Math.max(0, ms);
}

function readFourLetterWords(value: string): readonly FourLetterName[] | typeof USE_DEFAULT | typeof WRONG {
  const allowed = new Set<FourLetterName>(['srvr']);
  for (const part of value.split(',')) {
    const name = part.trim();
    if (name === '*') return FOUR_LETTER_NAMES;
    const word = FOUR_LETTER_NAMES.find((known) => known === name);
    if (word !== undefined) allowed.add(word);
    else if (name !== '') return WRONG;
  }
  return Object.freeze([...allowed]);
}
