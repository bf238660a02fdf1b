import { Database } from '../../src/core/database.ts';
import { SnapshotDecoder } from '../../src/core/log/snapshot-decoder.ts';
import { RecoveredState } from '../../src/core/recovered-state.ts';
import type { CoreSettings } from '../../src/core/settings.ts';
import { type DumpedNode, nodesOf } from '../core/tree-dump.ts';
import { type CapturedMessage, fromHex, zxidOf } from './captures.ts';

export interface Content {
  readonly nodes: DumpedNode[];
  readonly sessions: string[];
}

/** Sessions and znodes; but /zookeeper/config, which each server writes for itself (13.7). */
export function contentOf(database: Database): Content {
  const sessions: string[] = [];
  database.sessions.forEach((session) => {
    sessions.push(`${session.idHigh}:${session.idLow} ${session.timeoutMs}`);
  });
  return {
    nodes: nodesOf(database.tree).filter(({ path }) => path !== '/zookeeper/config'),
    sessions: sessions.sort(),
  };
}

/** The state that a captured leader sent behind SNAP, as the beginning of a history; null when it sent none. */
export function capturedState(messages: readonly CapturedMessage[], settings: CoreSettings): RecoveredState | null {
  const stream = messages.find(({ kind }) => kind === 'SNAPSHOT_STREAM');
  const snap = messages.find(({ kind }) => kind === 'SNAP');
  if (stream === undefined || snap === undefined) return null;
  const state = new RecoveredState(new Database(settings));
  const decoder = new SnapshotDecoder(state, 1 << 20, true);
  decoder.push(fromHex(stream.hex));
  if (!decoder.isComplete || decoder.rest.length > 0) throw new Error('the captured state is not whole');
  state.loaded(zxidOf(snap), null);
  return state;
}
