import { randomBytes } from 'node:crypto';
import { defaultServerConfig } from '@headkeeper/server';
import {
  type CoreSettings,
  Database,
  RecoveredState,
  type StateSink,
  toCoreSettings,
} from '@headkeeper/server/internal';
import type { Moment } from './moment.ts';

/** Where the past is kept: a backup, or the files of a server. Every method throws CommandError for what it cannot give. */
export interface HistorySource {
  /** For messages. */
  readonly description: string;
  /** What is not quite as it should be and does not stand in the way; sentences for people. */
  readonly warnings: readonly string[];
  /** The last txn of the state at a moment. */
  zxidAt(moment: Moment): Promise<number>;
  /** The oldest state that can be made. */
  oldestZxid(): Promise<number>;
  /**
   * Fills what `newState` makes with the newest kept state that is not behind `baseZxid`, then hands it every txn up to
   * `toZxid`. `newState` is called again when a snapshot turns out to be damaged half way.
   */
  replay<S extends StateSink>(baseZxid: number, toZxid: number, newState: () => S): Promise<S>;
  close(): Promise<void>;
}

/** An empty state to replay into. TTL znodes are told apart, as a history holds some only where they were switched on. */
export function newRecoveredState(): RecoveredState {
  return new RecoveredState(new Database(replaySettings()));
}

let settings: CoreSettings | null = null;

function replaySettings(): CoreSettings {
  settings ??= {
    ...toCoreSettings(defaultServerConfig('.'), {
      hashSeed: randomBytes(4).readUInt32LE(),
      sessionPasswordKey: randomBytes(32),
      defaultSessionPassword: 'keyed',
    }),
    extendedTypesEnabled: true,
  };
  return settings;
}

/** The state right after `zxid`. */
export async function stateAt(source: HistorySource, zxid: number): Promise<Database> {
  const { database } = await source.replay(zxid, zxid, newRecoveredState);
  return database;
}
