/** What a run of recipes has come by; a run that meets nothing proves nothing. */
export interface RecipeCounts {
  runs: number;
  events: number;
  simulatedMicros: number;
  /** Steps of tasks, and those that ended with an error that may happen. */
  steps: number;
  refusals: number;
  /** Requests that were answered. */
  answers: number;
  /** Locks, leaderships and leases that were got. */
  grants: number;
  /** Grants to another process than the one before. */
  handOvers: number;
  /** Grants while somebody did not know yet that its session was over: what fencing is for. */
  overlaps: number;
  /** Writes with a token that the store took, and those that it refused. */
  fencedWrites: number;
  fencedOff: number;
  increments: number;
  itemsPut: number;
  itemsTaken: number;
  /** Items that were removed by name. */
  itemsRemoved: number;
  /** States that streams and caches have shown. */
  states: number;
  watchEvents: number;
  /** Barriers that were passed. */
  passed: number;
  /** Changes whose outcome nobody was told. */
  unknownOutcomes: number;
  sessionsExpired: number;
  reconnects: number;
  cuts: number;
  clientPauses: number;
  clientKills: number;
  clientStops: number;
  serverCrashes: number;
  partitions: number;
  elections: number;
}

export function noRecipeCounts(): RecipeCounts {
  return {
    runs: 0,
    events: 0,
    simulatedMicros: 0,
    steps: 0,
    refusals: 0,
    answers: 0,
    grants: 0,
    handOvers: 0,
    overlaps: 0,
    fencedWrites: 0,
    fencedOff: 0,
    increments: 0,
    itemsPut: 0,
    itemsTaken: 0,
    itemsRemoved: 0,
    states: 0,
    watchEvents: 0,
    passed: 0,
    unknownOutcomes: 0,
    sessionsExpired: 0,
    reconnects: 0,
    cuts: 0,
    clientPauses: 0,
    clientKills: 0,
    clientStops: 0,
    serverCrashes: 0,
    partitions: 0,
    elections: 0,
  };
}

export function addRecipeCounts(sum: RecipeCounts, more: RecipeCounts): void {
  for (const key of Object.keys(sum) as (keyof RecipeCounts)[]) sum[key] += more[key];
}
