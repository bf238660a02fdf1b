import type { FatalExit } from '@headkeeper/server/internal';
import type { CrashKind } from '@headkeeper/testkit';
import { Violation } from '../check/violation.ts';
import { Cluster } from '../cluster.ts';
import type { NodeEnd, SimNode } from '../node/sim-node.ts';

/** How a process ended. */
export interface End {
  readonly sid: number;
  readonly how: NodeEnd | 'stopped' | 'fatal';
  readonly message: string;
  /** What the process ended with when it ended by itself; else 0. */
  readonly exitCode: number;
}

/** An ensemble in which nothing happens but what a script says: whoever goes down stays down. */
export class ScriptedCluster extends Cluster {
  readonly ends: End[] = [];
  /** Servers that may end by themselves, or log errors. */
  readonly mayFail: Set<number> = new Set();
  /** Servers whose trees were changed behind their backs, until their processes end. */
  readonly forged: Set<number> = new Set();
  /** What a crash leaves of what was not synced. */
  crashLeaves: CrashKind = 'lose';

  override startLater(): void {}

  override ended(node: SimNode, end: NodeEnd | 'stopped' | 'fatal', fatal: FatalExit | null): void {
    const watched = this.servers[node.sid - 1];
    watched.applied.forget();
    watched.comparedZxid = -1;
    this.forged.delete(node.sid);
    const message = fatal?.message ?? '';
    this.ends.push({ sid: node.sid, how: end, message, exitCode: fatal?.exitCode ?? 0 });
    this.world.tell(() => `server ${node.sid} ends: ${end}`);
    if (end === 'fatal' && !this.mayFail.has(node.sid)) {
      throw new Violation('crash', 'a server ends by itself', `server ${node.sid}: ${message}`);
    }
  }

  override complained(node: SimNode, text: string): void {
    if (!this.mayFail.has(node.sid)) super.complained(node, text);
  }

  override mayDiffer(node: SimNode): boolean {
    return this.mayFail.has(node.sid);
  }

  override isForged(node: SimNode): boolean {
    return this.forged.has(node.sid);
  }

  override crashKind(): CrashKind {
    return this.crashLeaves;
  }
}
