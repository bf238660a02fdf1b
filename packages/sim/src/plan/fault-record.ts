import { FaultMatrix } from '../matrix/fault-matrix.ts';
import { type Conveyance, type Phase, phaseOf } from '../matrix/phase.ts';
import type { SimNode } from '../node/sim-node.ts';

/** What faults a run has come by: each by its name, and whom they struck when. */
export class FaultRecord {
  readonly matrix: FaultMatrix = new FaultMatrix();
  /** Names of the faults that were injected, in order, such as `crash 3`. */
  readonly injected: string[] = [];
  readonly #conveyanceOf: (sid: number) => Conveyance;

  constructor(conveyanceOf: (sid: number) => Conveyance) {
    this.#conveyanceOf = conveyanceOf;
  }

  /** Called right before a fault strikes a server. */
  strikes(fault: string, node: SimNode): void {
    this.matrix.struck(fault, this.phaseOf(node));
  }

  phaseOf(node: SimNode): Phase {
    return phaseOf(node, this.#conveyanceOf(node.sid));
  }
}
