import type { RequestKind } from '../client/request-mix.ts';
import type { ClientHabits } from '../client/sim-client.ts';
import type { FaultRates, RunPlan } from '../plan/swarm.ts';

/** Faults of a kind that can be left out, chances of what a client does on top, and kinds of requests. */
export type FaultKind = Exclude<keyof FaultRates, 'aimsAtLeader'>;
export type HabitKind = Extract<keyof ClientHabits, `${string}Chance`>;

/** What is left out of the run of a seed. All other random choices stay as they are, as far as that is possible. */
export interface Cuts {
  /** Virtual minutes under faults. */
  readonly minutes?: number;
  readonly voters?: number;
  readonly observers?: number;
  readonly clients?: number;
  /** Nothing is aimed at phases. */
  readonly aimless?: boolean;
  /** Clocks do not drift, pieces are not split, timers are hardly late, and every packet takes about as long as the others. */
  readonly calm?: boolean;
  readonly faults?: readonly FaultKind[];
  readonly habits?: readonly HabitKind[];
  readonly requests?: readonly RequestKind[];
  /** Single faults, by their names. */
  readonly skipped?: readonly string[];
}

export function withCuts(plan: RunPlan, cuts: Cuts): RunPlan {
  const zero = (names: readonly string[] | undefined): object =>
    Object.fromEntries((names ?? []).map((name) => [name, 0]));
  return {
    ...plan,
    voters: cuts.voters ?? plan.voters,
    observers: cuts.observers ?? plan.observers,
    clients: cuts.clients ?? plan.clients,
    aim: cuts.aimless === true ? null : plan.aim,
    ...(cuts.calm === true ? { driftMillionths: 0, splitChance: 0, timerLateness: 1, linkJitter: 1, purgeMs: 0 } : {}),
    faults: { ...plan.faults, ...zero(cuts.faults) },
    habits: { ...plan.habits, ...zero(cuts.habits) },
    weights: { ...plan.weights, ...zero(cuts.requests) },
    skippedFaults: new Set(cuts.skipped ?? []),
  };
}
