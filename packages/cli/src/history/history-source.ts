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
   * Makes the newest kept state that is not behind `baseZxid`, and applies every txn up to `toZxid`. `wrap` gives a sink that
   * looks at what passes and hands it on; it is called again, with a new state, when something turns out to be damaged and
   * another way is tried.
   */
  replay(baseZxid: number, toZxid: number, wrap?: (state: RecoveredState) => StateSink): Promise<Database>;
}

/** TTL znodes are told apart, as a history holds some only where they were switched on. */
export function replaySettings(): CoreSettings {
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

let settings: CoreSettings | null = null;

/** An empty state to recover into. */
export function newRecoveredState(): RecoveredState {
  return new RecoveredState(new Database(replaySettings()));
}

/** The state right after `zxid`. */
export function stateAt(source: HistorySource, zxid: number): Promise<Database> {
  return source.replay(zxid, zxid);
}
