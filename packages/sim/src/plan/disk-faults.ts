import { RandomStream } from '@headkeeper/testkit';

/** What disks do that breaks their promises, or refuses. */
export const DISK_FAULTS = [
  'rot',
  'unreadable',
  'lostTail',
  'lostWrite',
  'misdirectedWrite',
  'failedSync',
  'lyingDisk',
  'fullDisk',
  'oldDisk',
] as const;

/** Those that break no promise: the disk says that it has not done what it was asked for. */
export const REFUSALS: readonly DiskFault[] = ['failedSync', 'fullDisk'];

export type DiskFault = (typeof DISK_FAULTS)[number];

/** Mean pauses between two of a kind in milliseconds; 0: never in this run. */
export type DiskFaultRates = { readonly [fault in DiskFault]: number };

export interface DrawnDiskFaults {
  readonly rates: DiskFaultRates;
  /** So many voters may have damaged disks at a time. */
  readonly damagedVoters: number;
}

const MEAN_MS = 6000;
/** One in so many runs strikes most voters too: then the laws about what is lost have something to excuse, or not. */
const MOST_EVERY = 6;

/** Which of them exist in a run, and how often; of `voters` servers. From a stream of its own, so that runs without them stay as they are. */
export function drawDiskFaults(seed: number, voters: number, isWished: boolean): DrawnDiskFaults {
  const random = new RandomStream(seed, 'disk faults');
  const always = random.pick(DISK_FAULTS);
  const exist = isWished && (voters >= 3 || voters === 1);
  const rates = {} as { [fault in DiskFault]: number };
  for (const fault of DISK_FAULTS) {
    const isDrawn = random.below(2) === 0 || fault === always;
    const mean = MEAN_MS << random.below(4);
    // A server alone could not go on with what is broken.
    rates[fault] = exist && isDrawn && (voters > 1 || REFUSALS.includes(fault)) ? mean : 0;
  }
  const minority = Math.floor((voters - 1) / 2);
  return { rates, damagedVoters: exist && voters > 1 ? (random.below(MOST_EVERY) === 0 ? voters : minority) : 0 };
}
