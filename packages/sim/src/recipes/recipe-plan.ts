import { RandomStream } from '@headkeeper/testkit';

/** What is drawn for the clients of one run with recipes, besides the plan of the ensemble. Times in milliseconds. */
export interface RecipePlan {
  readonly clients: number;
  readonly sessionTimeoutMs: number;
  readonly driftMillionths: number;
  /** Microseconds. */
  readonly timerLateness: number;
  readonly faults: ClientFaultRates;
  /** Names of the workloads. */
  readonly workloads: readonly string[];
  readonly holdMs: number;
}

/** How often each fault happens, as mean pauses over all clients; 0: never in this run. */
export interface ClientFaultRates {
  readonly pause: number;
  readonly kill: number;
  /** A client closes its session and begins another. */
  readonly stop: number;
  /** A client is cut off from all servers for a while. */
  readonly isolate: number;
  /** In a million: a connection is cut behind what is written to it. */
  readonly cut: number;
}

export interface RecipeWishes {
  /** Only this workload. */
  readonly workload?: string;
  readonly clients?: number;
}

/** Which objects the clients of a run share is drawn, too: a lock alone is another test than a lock among much else. */
export function drawRecipePlan(seed: number, all: readonly string[], wishes: RecipeWishes = {}): RecipePlan {
  const random = new RandomStream(seed, 'recipes');
  const clients = random.between(2, 6);
  const count = random.pick([1, 2, 3, 5]);
  const drawn = random.shuffled(all).slice(0, count);
  const rate = (mean: number): number => (random.below(2) === 0 ? mean << random.below(3) : 0);
  return {
    clients: wishes.clients ?? clients,
    workloads: wishes.workload === undefined ? drawn : [wishes.workload],
    sessionTimeoutMs: random.pick([4000, 4000, 6000, 10_000]),
    driftMillionths: random.pick([0, 1000, 10_000]),
    timerLateness: random.pick([50, 1000]),
    holdMs: random.pick([1, 20, 300]),
    faults: {
      pause: rate(5000),
      kill: rate(10_000),
      stop: rate(15_000),
      isolate: rate(5000),
      cut: random.pick([0, 0, 2000, 20_000, 100_000]),
    },
  };
}
