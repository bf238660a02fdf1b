/** The files that a container begins with. */
export interface ContainerFiles {
  /** Text of `zoo.cfg`. */
  readonly config: string;
  /** Text of `myid`. */
  readonly myid: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** A single server, as the official image of Apache ZooKeeper begins. */
const ONE_SERVER = 'server.1=localhost:2888:3888;2181';
/** Says that the number at the end of the host's name, counted from 0, tells the id: `headkeeper-0` is server 1. */
const ID_OF_HOST = 'hostname';

/** The keys of `zoo.cfg` behind the variables of the official image; ours, where it has none, are noted as such. */
const KEYS: readonly (readonly [variable: string, key: string, byDefault: string])[] = [
  ['ZOO_TICK_TIME', 'tickTime', '2000'],
  ['ZOO_INIT_LIMIT', 'initLimit', '5'],
  ['ZOO_SYNC_LIMIT', 'syncLimit', '2'],
  ['ZOO_MAX_CLIENT_CNXNS', 'maxClientCnxns', '60'],
  ['ZOO_STANDALONE_ENABLED', 'standaloneEnabled', 'true'],
  ['ZOO_ADMINSERVER_ENABLED', 'admin.enableServer', 'true'],
  ['ZOO_AUTOPURGE_SNAPRETAINCOUNT', 'autopurge.snapRetainCount', '3'],
  // The image of Apache's keeps everything for ever, unless told otherwise.
  ['ZOO_AUTOPURGE_PURGEINTERVAL', 'autopurge.purgeInterval', '1'],
];

/** Where the files of a container are, under the names of the official image. */
export function containerFolders(env: Environment): { conf: string; data: string; dataLog: string } {
  return {
    conf: env.ZOO_CONF_DIR || '/conf',
    data: env.ZOO_DATA_DIR || '/data',
    dataLog: env.ZOO_DATA_LOG_DIR || '/datalog',
  };
}

/**
 * What the variables of the official image say, as files: `ZOO_SERVERS` (lines separated by blanks), `ZOO_MY_ID`,
 * `ZOO_TICK_TIME` and the like, `ZOO_4LW_COMMANDS_WHITELIST`, and `ZOO_CFG_EXTRA`, more lines separated by blanks.
 *
 * @throws RangeError when `ZOO_MY_ID` is `hostname` and the name of the host has no number at its end.
 */
export function containerFiles(env: Environment, hostname: string): ContainerFiles {
  const { data, dataLog } = containerFolders(env);
  const words = env.ZOO_4LW_COMMANDS_WHITELIST;
  const lines = [
    '# Written from the environment at the first start of the container; it is left alone afterwards.',
    `dataDir=${data}`,
    `dataLogDir=${dataLog}`,
    ...KEYS.map(([variable, key, byDefault]) => `${key}=${env[variable] || byDefault}`),
    ...(words ? [`4lw.commands.whitelist=${words}`] : []),
    ...blankSeparated(env.ZOO_SERVERS || ONE_SERVER),
    ...blankSeparated(env.ZOO_CFG_EXTRA ?? ''),
  ];
  return { config: `${lines.join('\n')}\n`, myid: `${idOf(env.ZOO_MY_ID, hostname)}\n` };
}

function blankSeparated(text: string): string[] {
  return text.split(/\s+/).filter((line) => line !== '');
}

function idOf(given: string | undefined, hostname: string): string {
  if (given !== ID_OF_HOST) return given || '1';
  const ordinal = /-(\d+)$/.exec(hostname)?.[1];
  if (ordinal === undefined) {
    throw new RangeError(
      `ZOO_MY_ID=${ID_OF_HOST}: expected a number at the end of the host's name, which is ${hostname}`,
    );
  }
  return String(Number(ordinal) + 1);
}
