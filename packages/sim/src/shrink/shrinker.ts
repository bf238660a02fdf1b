import type { RequestKind } from '../client/request-mix.ts';
import type { RunOptions, RunResult } from '../run.ts';
import type { Cuts, FaultKind, HabitKind } from './cuts.ts';

export interface Shrunk {
  readonly cuts: Cuts;
  readonly result: RunResult;
  readonly runs: number;
}

/** Runs an option's seed; the simulator, or a stand-in for it. */
export type Run = (options: RunOptions) => RunResult;

const MINUTES: readonly number[] = [0.05, 0.1, 0.2, 0.5, 1, 2, 5];
const SIZES: readonly number[] = [1, 2, 3, 4, 5, 6, 7];
const CHANCES: readonly HabitKind[] = [
  'moveChance',
  'closeChance',
  'vanishChance',
  'restChance',
  'lastWordsChance',
  'watchChance',
];

/**
 * Reduces a run that breaks a law: leaves out part after part, and keeps what still breaks the same law. Ends when nothing
 * more can be left out, or when `mayGoOn` says so.
 */
export function shrink(options: RunOptions, first: RunResult, run: Run, mayGoOn: () => boolean): Shrunk {
  return new Shrinker(options, first, run, mayGoOn).shrink();
}

class Shrinker {
  readonly #options: RunOptions;
  readonly #run: Run;
  readonly #mayGoOn: () => boolean;
  #cuts: Cuts;
  #result: RunResult;
  #runs = 0;

  constructor(options: RunOptions, first: RunResult, run: Run, mayGoOn: () => boolean) {
    this.#options = options;
    this.#run = run;
    this.#mayGoOn = mayGoOn;
    this.#cuts = options.cuts ?? {};
    this.#result = first;
  }

  shrink(): Shrunk {
    for (let before = ''; before !== JSON.stringify(this.#cuts) && this.#mayGoOn(); ) {
      before = JSON.stringify(this.#cuts);
      this.#shorten();
      this.#leaveOutKinds();
      this.#makeSmaller();
      this.#leaveOutFaults();
    }
    return { cuts: this.#cuts, result: this.#result, runs: this.#runs };
  }

  #try(more: Cuts): boolean {
    if (!this.#mayGoOn()) return false;
    const { failure } = this.#result;
    const cuts = { ...this.#cuts, ...more };
    const result = this.#run({ ...this.#options, cuts });
    this.#runs++;
    const isSame = result.failure?.law === failure?.law && result.failure?.failureClass === failure?.failureClass;
    if (!isSame) return false;
    this.#cuts = cuts;
    this.#result = result;
    return true;
  }

  #shorten(): void {
    const { minutes } = this.#result;
    MINUTES.some((shorter) => shorter < minutes && this.#try({ minutes: shorter }));
  }

  #leaveOutKinds(): void {
    const { plan } = this.#result;
    const faults = (Object.keys(plan.faults) as (keyof typeof plan.faults)[]).filter(
      (kind): kind is FaultKind => kind !== 'aimsAtLeader' && plan.faults[kind] > 0,
    );
    const requests = (Object.keys(plan.weights) as RequestKind[]).filter((kind) => plan.weights[kind] > 0);
    if (plan.aim !== null) this.#try({ aimless: true });
    this.#try({ calm: true });
    this.#each(faults, (left) => ({ faults: [...(this.#cuts.faults ?? []), ...left] }));
    this.#each(
      CHANCES.filter((chance) => plan.habits[chance] > 0),
      (left) => ({ habits: [...(this.#cuts.habits ?? []), ...left] }),
    );
    // Somebody must ask for something.
    this.#each(
      requests.filter((kind) => kind !== 'create'),
      (left) => ({ requests: [...(this.#cuts.requests ?? []), ...left] }),
    );
  }

  #makeSmaller(): void {
    const { plan } = this.#result;
    SIZES.some((clients) => clients < plan.clients && this.#try({ clients }));
    if (plan.observers > 0) this.#try({ observers: 0 });
    SIZES.some((voters) => voters < plan.voters && this.#try({ voters }));
  }

  #leaveOutFaults(): void {
    this.#each(this.#result.faults.injected, (left) => ({ skipped: [...(this.#cuts.skipped ?? []), ...left] }));
  }

  /** Tries to leave out all of a list, then halves, quarters and so on down to each alone. */
  #each<T>(list: readonly T[], cut: (left: readonly T[]) => Cuts): void {
    let rest = list;
    for (let size = list.length; size > 0; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let at = 0; at < rest.length && this.#mayGoOn(); ) {
        const left = rest.slice(at, at + size);
        if (this.#try(cut(left))) rest = [...rest.slice(0, at), ...rest.slice(at + size)];
        else at += size;
      }
    }
  }
}
