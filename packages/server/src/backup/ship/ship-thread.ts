import { readSnapshotFile, snapshotPath } from '../../adapters/disk/snapshot-stream.ts';
import { limitBandwidth } from '../bandwidth-limit.ts';
import { readKeyFile } from '../encryption.ts';
import { pruneBackup } from '../prune.ts';
import { BackupRepository } from '../repository.ts';
import type { RetentionRules } from '../retention.ts';
import type { BackupTarget } from '../target.ts';
import { openTarget } from '../target-opening.ts';
import type { ShipClock } from './bell.ts';
import type { HistoryReader } from './log-tail.ts';
import type { FromWorker, ToWorker } from './messages.ts';
import { ShipRecord } from './ship-record.ts';
import { paceFor, type ShipSettings } from './ship-settings.ts';
import { Shipper } from './shipper.ts';

export interface ShipThreadPorts {
  readonly history: HistoryReader;
  readonly clock: ShipClock;
  /** From 0 to 1, 1 excluded. */
  readonly random: () => number;
  readonly send: (message: FromWorker) => void;
}

interface Asked {
  readonly resolve: (zxid: number) => void;
  readonly reject: (error: Error) => void;
}

/** What runs in the thread: the shipper, and its side of the talk with the server. */
export class ShipThread {
  readonly #shipper: Shipper;
  readonly #settings: ShipSettings;
  readonly #send: (message: FromWorker) => void;
  readonly #asked: Map<number, Asked> = new Map();
  #requests = 0;

  constructor(settings: ShipSettings, ports: ShipThreadPorts) {
    const { policy, folders, name } = settings;
    const { clock, random } = ports;
    this.#settings = settings;
    this.#send = ports.send;
    this.#shipper = new Shipper({
      open: (mayCreate, signal) => openRepository(settings, clock, mayCreate, signal),
      history: ports.history,
      requestSnapshot: (signal) => this.#requestSnapshot(signal),
      readSnapshot: (zxid) => readSnapshotFile(snapshotPath(folders.snapshotFolder, zxid)),
      prune: async (repository, signal) => {
        const { warnings } = await pruneBackup(repository, { rules: rulesOf(policy), dryRun: false, signal });
        for (const warning of warnings) this.#send({ kind: 'note', message: warning });
      },
      clock,
      random,
      pace: paceFor(policy.backupExposureMs),
      fullIntervalMs: policy.backupFullIntervalMs,
      facts: { by: name, compression: policy.backupCompression },
      record: new ShipRecord(policy.backupTarget, (report) => this.#send({ kind: 'report', report })),
      note: (message) => this.#send({ kind: 'note', message }),
    });
  }

  /** Resolves when shipping has ended, which it was told to. */
  async run(): Promise<void> {
    // Who takes over has no time to load a library first. What is wrong with the target shows when it is used.
    openPlace(this.#settings).then(
      (target) => target.close(),
      () => {},
    );
    await this.#shipper.run();
    this.#send({ kind: 'finished' });
  }

  receive(message: ToWorker): void {
    switch (message.kind) {
      case 'committed':
        this.#shipper.committed(message.zxid);
        break;
      case 'duty':
        this.#shipper.setDuty(message.duty === 'shipping');
        break;
      case 'snapshot':
        this.#answerSnapshot(message.request, message.zxid, message.problem);
        break;
      case 'backupNow':
        this.#backupNow(message.request);
        break;
      case 'finish':
        this.#shipper.finish();
    }
  }

  #backupNow(request: number): void {
    this.#shipper.backupNow().then(
      (done) => this.#send({ kind: 'backedUp', request, done, problem: '' }),
      (error: Error) => this.#send({ kind: 'backedUp', request, done: null, problem: error.message }),
    );
  }

  #requestSnapshot(signal: AbortSignal): Promise<number> {
    const request = ++this.#requests;
    return new Promise((resolve, reject) => {
      const given = (): void => this.#answerSnapshot(request, null, 'shipping has ended');
      signal.addEventListener('abort', given, { once: true });
      const done = (): void => signal.removeEventListener('abort', given);
      this.#asked.set(request, {
        resolve: (zxid) => {
          done();
          resolve(zxid);
        },
        reject: (error) => {
          done();
          reject(error);
        },
      });
      this.#send({ kind: 'wantSnapshot', request });
    });
  }

  #answerSnapshot(request: number, zxid: number | null, problem: string): void {
    const asked = this.#asked.get(request);
    this.#asked.delete(request);
    if (zxid === null) asked?.reject(new Error(problem));
    else asked?.resolve(zxid);
  }
}

function openPlace({ policy, environment }: ShipSettings): Promise<BackupTarget> {
  const place = {
    url: policy.backupTarget,
    endpoint: policy.backupS3Endpoint,
    region: policy.backupS3Region,
    pathStyle: policy.backupS3PathStyle,
  };
  return openTarget(place, environment);
}

async function openRepository(
  settings: ShipSettings,
  clock: ShipClock,
  mayCreate: boolean,
  signal: AbortSignal,
): Promise<BackupRepository> {
  const { policy } = settings;
  const key = policy.backupKeyFile === null ? null : await readKeyFile(policy.backupKeyFile);
  const opened = await openPlace(settings);
  const limitClock = { now: () => clock.monotonicMs(), pause: clock.pause };
  const target = policy.backupBandwidth === 0 ? opened : limitBandwidth(opened, policy.backupBandwidth, limitClock);
  try {
    if (mayCreate) return await BackupRepository.openOrCreate(target, key, clock.wallMs(), signal);
    return await BackupRepository.open(target, key, signal);
  } catch (error) {
    await target.close();
    throw error;
  }
}

function rulesOf(policy: ShipSettings['policy']): RetentionRules {
  return {
    count: policy.backupKeepCount,
    days: policy.backupKeepDays,
    hourly: policy.backupKeepHourly,
    daily: policy.backupKeepDaily,
    weekly: policy.backupKeepWeekly,
  };
}
