import type { FourLetterName } from '@headkeeper/protocol';
import type { TxnDigest } from '../core/tree/digest-log.ts';
import type { EnsembleFacts } from './ensemble-facts.ts';
import { environmentEntries } from './environment.ts';
import { fourDecimals, javaDate, javaDouble, javaHex, javaSocketAddress } from './java-text.ts';
import { monitorEntries } from './metrics/monitor.ts';
import type { ConnectionStatus, ExpiryBucket, ServerStatus } from './server-status.ts';
import { ANNOUNCED_VERSION } from './version.ts';

/** Apache's trace mask as it is after start; Headkeeper keeps none, so it never changes. */
export const TRACE_MASK = 306;

export const NOT_SERVING = 'This ZooKeeper instance is not currently serving requests';

/** What a word answers while the server serves: a text, or the lines of one that can be as large as all that clients hold. */
const ANSWERS: { readonly [Word in FourLetterName]: (status: ServerStatus) => string | Iterable<string> } = {
  conf: configuration,
  cons: connectionLines,
  crst: (status) => {
    status.resetConnectionStats();
    return 'Connection stats reset.\n';
  },
  dirs: (status) => `datadir_size: ${status.dataDirSize()}\nlogdir_size: ${status.logDirSize()}\n`,
  dump,
  envi: environment,
  gtmk: () => String(TRACE_MASK),
  hash: (status) =>
    status
      .digests()
      .map((one) => `${one.zxid.toString(16)}: ${digestNumber(one)}\n`)
      .join(''),
  isro: (status) => (status.mode === 'read-only' ? 'ro' : 'rw'),
  mntr: monitor,
  ruok: () => 'imok',
  srst: (status) => {
    status.resetServerStats();
    return 'Server stats reset.\n';
  },
  srvr: (status) => `${head(status)}${statistics(status)}`,
  stat: statLines,
  stmk: () => String(TRACE_MASK),
  wchc: watchesBySession,
  wchp: watchesByPath,
  wchs: (status) => {
    const { connections, paths, watches } = status.watchSummary();
    return `${connections} connections watching ${paths} paths\nTotal watches:${watches}\n`;
  },
};

/**
 * What Apache ZooKeeper 3.9.5 answers to a four-letter word (feature inventory, section B.1). Where that is not a text but its
 * lines, they are made as they are asked for, so that others have their turns in between.
 *
 * @param allowed the words of `4lw.commands.whitelist`.
 * @param status null while the server does not serve.
 */
export function fourLetterAnswer(
  word: FourLetterName,
  allowed: readonly FourLetterName[],
  status: ServerStatus | null,
): string | Iterable<string> {
  if (!allowed.includes(word)) return `${word} is not executed because it is not in the whitelist.\n`;
  if (status !== null) return ANSWERS[word](status);
  switch (word) {
    case 'ruok':
      return 'imok';
    case 'isro':
      return 'null';
    case 'envi':
      return environment();
    case 'gtmk':
    case 'stmk':
      return String(TRACE_MASK);
    default:
      return `${NOT_SERVING}\n`;
  }
}

/** The digest as a signed 64-bit number, which is how Apache shows it. */
export function digestNumber({ high, low }: TxnDigest): bigint {
  return (BigInt(high | 0) << 32n) | BigInt(low >>> 0);
}

function head(status: ServerStatus): string {
  const version = `Zookeeper version: ${ANNOUNCED_VERSION}\n`;
  return status.mode === 'read-only' ? `${version}READ-ONLY mode; serving only read-only clients\n` : version;
}

function statistics(status: ServerStatus): string {
  const { min, average, max } = status.latency;
  return [
    `Latency min/avg/max: ${min}/${javaDouble(fourDecimals(average))}/${max}`,
    `Received: ${status.packetsReceived}`,
    `Sent: ${status.packetsSent}`,
    `Connections: ${status.connectionCount}`,
    `Outstanding: ${status.outstandingRequests}`,
    `Zxid: 0x${javaHex(status.lastZxid)}`,
    `Mode: ${status.mode}`,
    `Node count: ${status.znodeCount}`,
    ...proposalSizes(status),
    '',
  ].join('\n');
}

function proposalSizes({ ensemble }: ServerStatus): string[] {
  if (ensemble === null || ensemble.leading === null) return [];
  const { last, min, max } = ensemble.leading.proposalSize;
  return [`Proposal sizes last/min/max: ${last}/${min}/${max}`];
}

function configuration(status: ServerStatus): string {
  const conf = status.configuration;
  return lines([
    ['clientPort', conf.clientPort],
    ['secureClientPort', status.clientPorts.secureClientPort],
    ['dataDir', conf.snapshotDir],
    ['dataDirSize', status.dataDirSize()],
    ['dataLogDir', conf.logDir],
    ['dataLogSize', status.logDirSize()],
    ['tickTime', conf.tickTimeMs],
    ['maxClientCnxns', conf.maxClientCnxns],
    ['minSessionTimeout', conf.minSessionTimeoutMs],
    ['maxSessionTimeout', conf.maxSessionTimeoutMs],
    ['clientPortListenBacklog', conf.clientPortListenBacklog],
    ['serverId', status.ensemble?.sid ?? 0],
    ...(status.ensemble === null ? [] : ensembleConfiguration(status.ensemble)),
  ]).concat(status.ensemble === null ? '' : `membership: \n${status.ensemble.membership.toText()}`);
}

function ensembleConfiguration(facts: EnsembleFacts): [string, string | number][] {
  const own = facts.membership.members.get(facts.sid);
  const endpoint = own?.endpoints[0];
  return [
    ['initLimit', facts.initLimitTicks],
    ['syncLimit', facts.syncLimitTicks],
    ['electionAlg', 3],
    ['electionPort', endpoint?.electionPort ?? -1],
    ['quorumPort', endpoint?.quorumPort ?? -1],
    ['peerType', own?.role === 'observer' ? 1 : 0],
  ];
}

function environment(): string {
  return `Environment:\n${lines(environmentEntries())}`;
}

function lines(entries: readonly (readonly [string, string | number])[]): string {
  return entries.map(([name, value]) => `${name}=${value}\n`).join('');
}

function* connectionLines(status: ServerStatus): Generator<string> {
  for (const connection of status.connections()) yield `${connectionText(connection, false)}\n`;
  yield '\n';
}

function* statLines(status: ServerStatus): Generator<string> {
  yield `${head(status)}Clients:\n`;
  for (const connection of status.connections()) yield `${connectionText(connection, true)}\n`;
  yield `\n${statistics(status)}`;
}

function* watchesBySession(status: ServerStatus): Generator<string> {
  for (const [id, paths] of status.watchesBySession()) {
    yield `0x${javaHex(id)}\n`;
    for (const path of paths) yield `\t${path}\n`;
  }
  yield '\n';
}

function* watchesByPath(status: ServerStatus): Generator<string> {
  for (const [path, ids] of status.watchesByPath()) {
    yield `${path}\n`;
    for (const id of ids) yield `\t0x${javaHex(id)}\n`;
  }
  yield '\n';
}

function connectionText(connection: ConnectionStatus, brief: boolean): string {
  const { remoteAddress, remotePort, session } = connection;
  let text =
    ` ${javaSocketAddress(remoteAddress, remotePort)}[${connection.interestOps.toString(16)}]` +
    `(queued=${connection.outstanding},recved=${connection.received},sent=${connection.sent}`;
  if (!brief && session !== null) {
    text += `,sid=0x${javaHex(session.id)},lop=${session.lastOperation},est=${session.establishedAt}`;
    text += `,to=${session.timeoutMs}`;
    if (session.lastCxid >= 0) text += `,lcxid=0x${javaHex(session.lastCxid)}`;
    text += `,lzxid=0x${javaHex(session.lastZxid)},lresp=${session.lastResponseAt},llat=${session.lastLatencyMs}`;
    const { min, average, max } = session.latency;
    text += `,minlat=${min},avglat=${Math.trunc(average)},maxlat=${max}`;
  }
  return `${text})`;
}

function* dump(status: ServerStatus): Generator<string> {
  yield 'SessionTracker dump:\nSession ';
  yield* buckets(status.sessionExpiry(), status.sessionCount, (id) => `0x${javaHex(id)}`);
  const ephemerals = status.ephemerals();
  yield `ephemeral nodes dump:\nSessions with Ephemerals (${ephemerals.size}):\n`;
  for (const [id, paths] of ephemerals) {
    yield `0x${javaHex(id)}:\n`;
    for (const path of paths) yield `\t${path}\n`;
  }
  yield 'Connections dump:\nConnections ';
  yield* buckets(status.connectionExpiry(), status.connectionCount, (connection) => {
    const address = javaSocketAddress(connection.remoteAddress, connection.remotePort);
    return `ip: ${address} sessionId: 0x${javaHex(connection.session?.id ?? 0n)}`;
  });
}

function* buckets<Thing>(
  expiry: readonly ExpiryBucket<Thing>[],
  total: number,
  textOf: (thing: Thing) => string,
): Generator<string> {
  yield `Sets (${expiry.length})/(${total}):\n`;
  for (const { at, things } of expiry) {
    yield `${things.length} expire at ${javaDate(at)}:\n`;
    for (const thing of things) yield `\t${textOf(thing)}\n`;
  }
}

function monitor(status: ServerStatus): string {
  return monitorEntries(status)
    .map(([name, value]) => `zk_${name}\t${value}\n`)
    .join('');
}
