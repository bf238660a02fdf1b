import { resolve } from 'node:path';
import { ConfigError, parseServerConfig, type ServerConfig, type ServerLog } from '@headkeeper/server/embedding';
import { HOST } from './network/ports.ts';
import { TestingError } from './testing-error.ts';

/** How a server for tests is to be; everything may be left out. */
export interface TestServerOptions {
  /** TCP port of clients, 1 to 65535. Default: any free one. */
  readonly port?: number;
  /** A folder that the server keeps its data in, which must not be in use; it stays there. Default: in memory. */
  readonly dir?: string;
  /**
   * Settings as in `zoo.cfg`, by their keys, for instance `{ 'jute.maxbuffer': 4096 }`. They win over what test servers have
   * by default: `tickTime` 100, `minSessionTimeout` 200, `maxSessionTimeout` 3600000, `maxClientCnxns` 0, all four-letter
   * words.
   */
  readonly settings?: Readonly<Record<string, string | number | boolean>>;
  /** Hears what the server logs; `console` is one. Default: nobody. */
  readonly log?: ServerLog;
}

/** How an ensemble for tests is to be. */
export interface TestEnsembleOptions {
  /** TCP port of the first server's clients; the others have those behind it. Default: any free ones. */
  readonly port?: number;
  /** A folder in which each server has one, `server1` and so on; they stay there. Default: in memory. */
  readonly dir?: string;
  /** As for a `TestServer`, for all servers; beside those there are `initLimit` 50 and `syncLimit` 5. */
  readonly settings?: TestServerOptions['settings'];
  /** Hears what the servers log. Default: nobody. */
  readonly log?: ServerLog;
}

/** A server's place in its ensemble. */
export interface MemberPlace {
  readonly sid: number;
  /** Client, quorum and election port of every server, by its id. */
  readonly ports: ReadonlyMap<number, MemberPorts>;
}

export interface MemberPorts {
  readonly client: number;
  readonly quorum: number;
  readonly election: number;
}

export const MOST_SERVERS = 9;
export const TICK_MS = 100;

const DEFAULTS: Readonly<Record<string, string | number>> = {
  tickTime: TICK_MS,
  minSessionTimeout: 200,
  maxSessionTimeout: 3_600_000,
  maxClientCnxns: 0,
  '4lw.commands.whitelist': '*',
  preAllocSize: 64,
};
const ENSEMBLE_DEFAULTS: Readonly<Record<string, string | number>> = {
  initLimit: 50,
  syncLimit: 5,
  leaderConnectDelayDuringRetryMs: 5,
};
/** What the test server itself decides. */
const OWN_KEYS: ReadonlySet<string> = new Set(['dataDir', 'dataLogDir', 'clientPort', 'clientPortAddress']);

const OPTION_NAMES: ReadonlySet<string> = new Set(['port', 'dir', 'settings', 'log']);

/**
 * Refuses options that make no sense.
 *
 * @throws TestingError
 */
export function checkOptions(options: TestServerOptions | TestEnsembleOptions, servers: number): void {
  const { port, dir, log } = options;
  for (const name of Object.keys(options)) {
    if (!OPTION_NAMES.has(name))
      throw new TestingError(`unknown option ${name}: there are ${[...OPTION_NAMES].join(', ')}`);
  }
  if (!Number.isSafeInteger(servers) || servers < 1 || servers > MOST_SERVERS) {
    throw new TestingError(`an ensemble has 1 to ${MOST_SERVERS} servers, not ${servers}`);
  }
  if (port !== undefined && (!Number.isSafeInteger(port) || port < 1 || port + servers - 1 > 65_535)) {
    throw new TestingError(
      `port: expected a number from 1 to ${65_536 - servers}, or nothing for any free one; not ${port}`,
    );
  }
  if (dir === '') throw new TestingError('dir: expected the path of a folder, or nothing to keep the data in memory');
  if (log !== undefined && typeof log.info !== 'function') {
    throw new TestingError('log: expected something with info, warn and error, such as console');
  }
}

/**
 * The configuration of one server.
 *
 * @param dataDir where it has its data; a made-up path for one in memory.
 * @throws TestingError naming every setting that is wrong or unknown.
 */
export function configOf(
  settings: TestServerOptions['settings'],
  dataDir: string,
  clientPort: number,
  place: MemberPlace | null,
): ServerConfig {
  const given = settings ?? {};
  for (const key of Object.keys(given)) {
    if (OWN_KEYS.has(key)) throw new TestingError(`settings: ${key} is given by the options dir and port`);
    if (key.startsWith('server.')) {
      throw new TestingError(`settings: ${key} is given by how many servers TestEnsemble.start is told to start`);
    }
  }
  const folder = resolve(dataDir);
  const values = { ...DEFAULTS, ...(place === null ? {} : ENSEMBLE_DEFAULTS), ...given };
  const lines = Object.entries(values).map(([key, value]) => `${key}=${value}`);
  lines.push(`clientPort=${clientPort}`, `clientPortAddress=${HOST}`);
  if (place !== null) {
    if (place.ports.size === 1) lines.push('standaloneEnabled=false');
    for (const [sid, ports] of place.ports) {
      lines.push(`server.${sid}=${HOST}:${ports.quorum}:${ports.election};${HOST}:${ports.client}`);
    }
  }
  const dataDirSetting = { name: 'dataDir', value: folder, origin: 'the option dir', overridesFile: false };
  try {
    const config = parseServerConfig(lines.join('\n'), {
      file: null,
      properties: [dataDirSetting],
      readFile: (path) => (place !== null && path === `${folder}/myid` ? `${place.sid}` : null),
    });
    const wrong = Object.keys(given).flatMap((key) =>
      config.warnings.filter((warning) => warning.includes(`${key} is unknown`)),
    );
    if (wrong.length > 0) throw new ConfigError(wrong);
    return config;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new TestingError(`settings: ${error.message}`, error);
  }
}
