import type { Codec } from './codec.ts';

/**
 * What follows the reply header (xid -1) of a watch event (client-protocol reference, section 6.1).
 *
 * ```text
 * type   int
 * state  int
 * path   ustring
 * ```
 */
export interface WatcherEvent {
  /** An `EventType`. */
  readonly type: number;
  /** Always 3 (SyncConnected) from a server. */
  readonly state: number;
  readonly path: string | null;
}

export const watcherEvent: Codec<WatcherEvent> = {
  encode(out, value) {
    out.int(value.type);
    out.int(value.state);
    out.string(value.path);
  },
  decode(input) {
    return { type: input.int(), state: input.int(), path: input.string() };
  },
};
