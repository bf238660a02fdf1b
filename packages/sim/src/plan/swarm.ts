import { RandomStream } from '@headkeeper/testkit';
import type { RequestKind, RequestWeights } from '../client/request-mix.ts';
import type { ClientHabits } from '../client/sim-client.ts';
import { PASSING_PHASES, type Phase } from '../matrix/phase.ts';
import { type DiskFaultRates, drawDiskFaults } from './disk-faults.ts';

export type Profile = 'lite' | 'sync' | 'election' | 'sessions' | 'everything';

export const PROFILES: readonly Profile[] = ['lite', 'sync', 'election', 'sessions', 'everything'];

/** How often each fault happens, as mean pauses in milliseconds; 0: never in this run. */
export interface FaultRates extends DiskFaultRates {
  readonly crash: number;
  readonly kill: number;
  readonly stop: number;
  readonly pause: number;
  readonly partition: number;
  readonly clientPartition: number;
  readonly halfOpen: number;
  readonly reset: number;
  readonly stall: number;
  readonly slowDisk: number;
  readonly clockStep: number;
  /** A machine loses its disk, while all others have everything. */
  readonly wipe: number;
  /** One operation of a server's disk fails. */
  readonly diskError: number;
  /** In a million: a machine crashes before an operation of its disk. */
  readonly crashAtDisk: number;
  /** In a million, for each whole sector of a write: a machine crashes right behind it, before anything is synced. */
  readonly crashBehindWrite: number;
  /** Whether leaders are the preferred victims. */
  readonly aimsAtLeader: boolean;
}

/** Everything that is drawn for one run. Times in milliseconds unless the name says otherwise. */
export interface RunPlan {
  readonly profile: Profile;
  readonly voters: number;
  readonly observers: number;
  readonly clients: number;
  readonly tickTimeMs: number;
  readonly initLimit: number;
  readonly syncLimit: number;
  readonly snapCount: number;
  readonly preAllocKilobytes: number;
  readonly commitLogCount: number;
  readonly purgeMs: number;
  readonly driftMillionths: number;
  /** Microseconds. */
  readonly diskDelay: number;
  readonly linkDelay: number;
  readonly linkJitter: number;
  readonly splitChance: number;
  readonly timerLateness: number;
  readonly faults: FaultRates;
  readonly habits: ClientHabits;
  readonly weights: RequestWeights;
  readonly longestData: number;
  /** One write in so many has data of up to that length; the others are short. */
  readonly longDataEvery: number;
  /** Further lines of the servers' configuration. */
  readonly settings: readonly string[];
  /** Mean pause between two changes of the membership; 0: the servers keep theirs, and no files of it. */
  readonly reconfigureMs: number;
  /** Servers that are in this phase are struck there, besides what comes at random; null: nothing is aimed. */
  readonly aim: Phase | null;
  /** What strikes them there; null: whatever is drawn. */
  readonly strike: string | null;
  /** Names of faults that are left out, such as `crash 3`: what a failure does not need (docs/internals/simulation.md). */
  readonly skippedFaults: ReadonlySet<string>;
  /** Mean pause between two restores, or new epochs, of a serving leader; 0: never. */
  readonly restoreMs: number;
  /** So many voters may have damaged disks at a time; 0: disks lose, decay and lie never. */
  readonly damagedVoters: number;
}

/** What the caller wants to have its own way. */
export interface PlanWishes {
  readonly voters?: number;
  readonly observers?: number;
  readonly profile?: Profile;
  readonly clients?: number;
  /** Requests a second of all clients together. */
  readonly rate?: number;
  /** What faults are aimed at. */
  readonly aim?: Phase;
  /** The fault that is aimed, of those that are injected; any without it. */
  readonly strike?: string;
  /** Whether the membership changes. */
  readonly reconfigure?: boolean;
  /** Whether the states of serving leaders are replaced. */
  readonly restore?: boolean;
  /** Whether disks lose, decay, lie, are full or come back old. */
  readonly disk?: boolean;
}

/** Draws the plan of a run: which faults exist at all, how often, and how everything is built. */
export function drawPlan(seed: number, wishes: PlanWishes = {}): RunPlan {
  const random = new RandomStream(seed, 'plan');
  // Everything is drawn, wished or not, so that a wish does not shift what is drawn behind it.
  const drawnProfile = random.pick(PROFILES);
  const drawnVoters = random.pick([1, 3, 3, 3, 3, 5, 5, 7, 2, 4]);
  const drawnObservers = random.below(4) === 0 ? random.between(1, 2) : 0;
  const drawnClients = random.between(2, 8);
  const drawnRate = random.pick([2, 5, 10, 10, 20]);
  const profile = wishes.profile ?? drawnProfile;
  const voters = wishes.voters ?? drawnVoters;
  const observers = wishes.observers ?? (voters > 1 ? drawnObservers : 0);
  const clients = wishes.clients ?? drawnClients;
  const rate = wishes.rate ?? drawnRate;
  const isLite = profile === 'lite';
  const isSync = profile === 'sync';
  const reconfigureMs = drawReconfigurations(seed, voters, wishes);
  const diskFaults = drawDiskFaults(seed, reconfigureMs > 0 ? 0 : voters, wishes.disk === true);
  return {
    profile,
    voters,
    observers,
    clients,
    tickTimeMs: 2000,
    initLimit: 10,
    syncLimit: 5,
    snapCount: isSync ? 12 : random.pick([12, 30, 100]),
    preAllocKilobytes: random.pick([4, 4, 16]),
    commitLogCount: isSync ? random.pick([4, 10]) : random.pick([5, 20, 500]),
    purgeMs: random.pick([10_000, 30_000, 30_000, 0]),
    driftMillionths: isLite ? 0 : random.pick([0, 1000, 10_000]),
    diskDelay: random.pick([100, 500, 3000]),
    linkDelay: random.pick([50, 300, 5000]),
    linkJitter: random.pick([50, 500, 5000]),
    splitChance: isLite ? 0 : random.pick([0, 20_000, 300_000]),
    timerLateness: random.pick([50, 1000]),
    faults: {
      ...drawFaults(random, profile),
      diskError: drawDiskErrors(seed, profile),
      crashBehindWrite: drawTornWrites(seed),
      ...diskFaults.rates,
    },
    habits: {
      timeoutMs: random.pick([6000, 10_000, 30_000]),
      thinkMs: Math.max(1, Math.floor((clients * 1000) / rate)),
      window: isSync || profile === 'sessions' ? random.pick([4, 16]) : random.pick([1, 1, 4, 16]),
      moveChance: random.pick([0, 5000, profile === 'sessions' ? 60_000 : 20_000]),
      ...drawQuirks(seed),
      closeChance: random.pick([0, 3000, profile === 'sessions' ? 40_000 : 10_000]),
      vanishChance: random.pick([0, 1000, profile === 'sessions' ? 20_000 : 3000]),
      watchChance: random.pick([0, 200_000, 500_000]),
      addWatchChance: drawPersistentWatches(seed),
    },
    weights: drawWeights(random, profile),
    longestData: random.pick([20, 300, 3000]),
    longDataEvery: new RandomStream(seed, 'long data').pick([8, 8, 2]),
    settings: drawSettings(seed),
    aim: wishes.aim ?? drawAim(seed, voters, observers),
    strike: wishes.strike ?? null,
    skippedFaults: new Set(),
    reconfigureMs,
    restoreMs: drawRestores(seed, wishes),
    damagedVoters: diskFaults.damagedVoters,
  };
}

/**
 * Only on request: a leader that is removed and dies before anybody hears of it leaves the others with a quorum that needs it,
 * and the operator who is to put it back is not simulated. From a stream of its own, so that runs without it stay the same.
 */
function drawReconfigurations(seed: number, voters: number, wishes: PlanWishes): number {
  const random = new RandomStream(seed, 'reconfigurations');
  const meanMs = random.pick([1000, 4000, 15_000]);
  return voters >= 3 && wishes.reconfigure === true ? meanMs : 0;
}

/** In half of the runs: most phases are over so soon that what comes at random hardly ever meets them. */
function drawAim(seed: number, voters: number, observers: number): Phase | null {
  const random = new RandomStream(seed, 'aim');
  const meets = (phase: Phase): boolean => {
    if (phase.startsWith('alone')) return voters === 1;
    return voters > 1 && (observers > 0 || !phase.startsWith('observing'));
  };
  const aim = random.pick(PASSING_PHASES.filter(meets));
  return random.below(2) === 0 ? null : aim;
}

/** What clients do at times besides asking. From a stream of its own, so that the others stay the same. */
function drawQuirks(seed: number): Pick<ClientHabits, 'restChance' | 'lastWordsChance'> {
  const random = new RandomStream(seed, 'quirks');
  return { restChance: random.pick([0, 5000, 20_000]), lastWordsChance: random.pick([0, 300_000, 1_000_000]) };
}

/** Lines of the configuration. With the usual values a run of minutes hardly ever meets what they govern. */
function drawSettings(seed: number): string[] {
  const random = new RandomStream(seed, 'settings');
  return [
    `znode.container.checkIntervalMs=${random.pick([200, 1000, 60_000])}`,
    `snapshotSizeFactor=${random.pick([0.33, 5, 100])}`,
  ];
}

/** In half of the runs; from a stream of its own, so that the others stay the same. */
function drawPersistentWatches(seed: number): number {
  return new RandomStream(seed, 'persistent watches').pick([0, 0, 20_000, 100_000]);
}

/** Only on request, so that runs without it stay the same. */
function drawRestores(seed: number, wishes: PlanWishes): number {
  const meanMs = new RandomStream(seed, 'restores').pick([1000, 4000, 15_000]);
  return wishes.restore === true ? meanMs : 0;
}

/** From a stream of its own, so that the other faults stay the same. */
function drawDiskErrors(seed: number, profile: Profile): number {
  const random = new RandomStream(seed, 'disk errors');
  const mean = 10_000 << random.below(4);
  return random.below(3) === 0 && profile !== 'lite' ? mean : 0;
}

/** Without them hardly any start meets a write that is half done: a sync follows soon. From a stream of its own, as above. */
function drawTornWrites(seed: number): number {
  return new RandomStream(seed, 'torn writes').pick([0, 0, 5000, 30_000]);
}

function drawFaults(
  random: RandomStream,
  profile: Profile,
): Omit<FaultRates, 'diskError' | 'crashBehindWrite' | keyof DiskFaultRates> {
  const isLite = profile === 'lite';
  const isSync = profile === 'sync';
  const isSessions = profile === 'sessions';
  /** A fault exists in half of the runs; how often it happens then differs by a factor of up to eight. */
  const rate = (mean: number, exists = 2): number => (random.below(exists) === 0 ? mean << random.below(4) : 0);
  const crash = rate(isLite ? 4000 : 8000);
  const faults = {
    crash,
    kill: rate(8000),
    stop: rate(20_000, 3),
    pause: rate(8000),
    partition: rate(6000, profile === 'election' || isSync ? 1 : 2),
    clientPartition: rate(isSessions ? 3000 : 15_000, isSessions ? 1 : 2),
    halfOpen: rate(15_000, 3),
    reset: rate(isSync ? 1000 : 6000, isSync ? 1 : 2),
    stall: rate(isSessions ? 1000 : 6000, isSessions ? 1 : 2),
    slowDisk: rate(isSync ? 5000 : 15_000, isSync ? 1 : 2),
    clockStep: rate(20_000, 3),
    wipe: rate(15_000, 3),
    crashAtDisk: random.pick([0, 200, 2000]),
    aimsAtLeader: profile === 'election' || profile === 'sync' || random.below(3) === 0,
  };
  if (!isLite) return faults;
  const none = { stop: 0, pause: 0, partition: 0, clientPartition: 0, halfOpen: 0 };
  return { ...faults, ...none, crash: crash || 8000, reset: 0, stall: 0, slowDisk: 0, clockStep: 0, wipe: 0 };
}

function drawWeights(random: RandomStream, profile: Profile): RequestWeights {
  const full = {
    create: 8,
    ephemeral: 5,
    sequential: 4,
    container: 5,
    delete: 8,
    setData: 14,
    setAcl: 2,
    multi: 5,
    read: 25,
    sync: profile === 'election' ? 20 : 6,
  };
  const weights: Record<RequestKind, number> = { ...full };
  for (const kind of Object.keys(full) as RequestKind[]) {
    if (kind !== 'create' && kind !== 'setData' && kind !== 'read' && random.below(5) === 0) weights[kind] = 0;
  }
  return weights;
}

/** The configuration file of one server. */
export function configText(plan: RunPlan, addresses: readonly string[]): string {
  if (addresses.length <= 1) return [...commonLines(plan), 'clientPort=2181'].join('\n');
  const members = addresses.map((address, i) =>
    memberLine(i + 1, address, i < plan.voters ? 'participant' : 'observer'),
  );
  return [...ensembleLines(plan), ...members].join('\n');
}

function ensembleLines(plan: RunPlan): string[] {
  return [...commonLines(plan), `initLimit=${plan.initLimit}`, `syncLimit=${plan.syncLimit}`];
}

function commonLines(plan: RunPlan): string[] {
  return [
    'dataDir=/data',
    'dataLogDir=/log',
    `tickTime=${plan.tickTimeMs}`,
    'maxSessionTimeout=1000000',
    'extendedTypesEnabled=true',
    `snapCount=${plan.snapCount}`,
    `preAllocSize=${plan.preAllocKilobytes}`,
    ...plan.settings,
    ...(plan.reconfigureMs > 0 ? ['reconfigEnabled=true', 'standaloneEnabled=false', 'skipACL=yes'] : []),
  ];
}

/** What a configuration says of one server. */
export function memberLine(sid: number, address: string, role: 'participant' | 'observer'): string {
  return `server.${sid}=${address}:2888:3888:${role};2181`;
}

/** A configuration for a server that starts, or starts again, without being listed: with the members of now and itself. */
export function relistedText(plan: RunPlan, sid: number, members: readonly string[]): string {
  const own = memberLine(sid, `10.0.0.${sid}`, 'participant');
  const others = members.filter((line) => !line.startsWith(`server.${sid}=`));
  return [...ensembleLines(plan), ...others, own].join('\n');
}
