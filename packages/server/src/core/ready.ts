import type { Connection } from './connection.ts';

/** Whole framed records for the journal: `bytes[start, end)`, valid and unchanged until they are reported durable. */
export interface Append {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly firstZxid: number;
  readonly lastZxid: number;
}

/** What a snapshot in progress wants. `begin` names the file; `chunks` belong to the driver. */
export interface SnapshotWork {
  begin: number | null;
  chunks: Uint8Array[];
  /** The file is complete. */
  end: boolean;
}

/**
 * The work that steps have left for the driver, in the order in which it must be carried out: first `roll`, then `append`
 * (whose completion comes back as a `durable` event), then the outputs, then the closings, then the snapshot's bytes.
 *
 * Nothing in `output` depends on anything in `append`: a reply to a write exists only once its txn has been reported
 * durable. What must wait for the disk is not yet in any output.
 */
export interface Ready {
  readonly generation: number;
  /** The next append begins a new log file. */
  roll: boolean;
  append: Append[];
  /** Connections with bytes in `out`. */
  output: Connection[];
  /** Connections to be closed once their output is sent. */
  close: Connection[];
  snapshot: SnapshotWork;
}
