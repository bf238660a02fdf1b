/** What a contention run consists of. contention.ts has the list. */

import type { Crew } from './crew.ts';

export interface ScenarioOptions {
  readonly rounds: number;
  /** Processes to kill on the way. */
  readonly kills: number;
}

export interface Verdict {
  /** Rounds that were judged. */
  readonly rounds: number;
  readonly faults: readonly string[];
}

export interface Scenario {
  /** For the report. */
  readonly name: string;
  /** Its part of all rounds; the parts of all scenarios make 1. */
  readonly share: number;
  /** Runs the rounds with the crew, which is idle before and after. */
  run(crew: Crew, options: ScenarioOptions): Promise<Verdict>;
  /** Runs a few rounds with something planted that must not go unseen: a verdict without a fault is the judge's failure. */
  runBroken(crew: Crew): Promise<Verdict>;
}
