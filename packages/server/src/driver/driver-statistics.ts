import { Observations } from '../core/statistics/observations.ts';

/** How long the core and the sending take, in whole milliseconds, each step or turn of the loop alike. */
export class DriverStatistics {
  /** Steps that made txns: from their event until what they made is with the journal. */
  readonly writingSteps: Observations = new Observations();
  /** Steps that a finished sync brought about: txns are committed, applied, answered. */
  readonly committingSteps: Observations = new Observations();
  /** Handing packets for other servers to the network. */
  readonly sending: Observations = new Observations();
}
