/** What differs from node to node and from run to run. Times in microseconds unless the name says otherwise. */
export interface NodeSettings {
  readonly sid: number;
  /** The machine's address. */
  readonly address: string;
  /** The text of the server's configuration file. */
  readonly config: string;
  /**
   * What an operator writes into the file of a server that its members do not list; null: the configuration never changes, and
   * is no file on the machine's disk.
   */
  readonly relisted: (() => string) | null;
  readonly tickTimeMs: number;
  /** Committed txns kept in memory for learners. */
  readonly commitLogCount: number;
  readonly driftMillionths: number;
  /** Old snapshots and logs are removed this often, in milliseconds; 0: never. */
  readonly purgeMs: number;
  /** The secret of session passwords, the same on all servers. */
  readonly sessionKey: Uint8Array;
  /** How long one step of the disk takes. */
  readonly diskDelay: number;
  /** How late timers fire on average. */
  readonly timerLateness: number;
  /** How long a turn of the server's loop lasts on average. */
  readonly turnDelay: number;
}

export const CLIENT_PORT = 2181;
export const QUORUM_PORT = 2888;
export const ELECTION_PORT = 3888;
/** Where every simulated server keeps its data. */
export const DATA_DIR = '/data';
export const LOG_DIR = '/log';
/** Where a server's configuration lies, if it is a file. */
export const CONFIG_DIR = '/conf';
export const CONFIG_FILE = 'zoo.cfg';
