import type { RecoverySource } from '../../core/log/recovery-source.ts';
import { Observations } from '../../core/statistics/observations.ts';
import type { SnapshotSink, SnapshotStore } from '../../ports.ts';
import { JournalStatistics } from './journal-statistics.ts';

/** What is done with the data directory, and how long that takes, in milliseconds. */
export class StorageStatistics {
  readonly journal: JournalStatistics = new JournalStatistics();
  /** From the beginning of a snapshot until its file is durable under its name. */
  readonly snapshotTime: Observations = new Observations();
  /** Reading the state from the disk: all of it, the snapshot, the logs behind it. */
  readonly loadTime: Observations = new Observations();
  readonly snapshotLoadTime: Observations = new Observations();
  readonly logLoadTime: Observations = new Observations();
  readonly txnsLoaded: Observations = new Observations();
  /** Errors over which the process ends. */
  unrecoverableErrors = 0;
  readonly #nowMs: () => number;

  /** `nowMs`: monotonic milliseconds. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** A store whose snapshots are timed. */
  timing(store: SnapshotStore): SnapshotStore {
    return {
      begin: (zxid, drained) => {
        const beganMs = this.#nowMs();
        return this.#timedSink(store.begin(zxid, drained), beganMs);
      },
    };
  }

  #timedSink(sink: SnapshotSink, beganMs: number): SnapshotSink {
    return {
      write: (bytes, written) => sink.write(bytes, written),
      abort: () => sink.abort(),
      finish: (done) =>
        sink.finish((error) => {
          if (error === null) this.snapshotTime.add(Math.round(this.#nowMs() - beganMs));
          done(error);
        }),
    };
  }

  /** Runs `load` over a source whose reading is timed. */
  load<Loaded extends { readonly replayed: number }>(
    source: RecoverySource,
    load: (source: RecoverySource) => Loaded,
  ): Loaded {
    const beganMs = this.#nowMs();
    let snapshotMs = 0;
    let logMs = 0;
    const loaded = load({
      snapshots: () => source.snapshots(),
      quickCheck: (name) => source.quickCheck(name),
      logs: () => source.logs(),
      readSnapshot: (name, onChunk) => {
        const fromMs = this.#nowMs();
        source.readSnapshot(name, onChunk);
        snapshotMs += this.#nowMs() - fromMs;
      },
      readLog: (name, onChunk) => {
        const fromMs = this.#nowMs();
        source.readLog(name, onChunk);
        logMs += this.#nowMs() - fromMs;
      },
    });
    this.loadTime.add(Math.round(this.#nowMs() - beganMs));
    this.snapshotLoadTime.add(Math.round(snapshotMs));
    this.logLoadTime.add(Math.round(logMs));
    this.txnsLoaded.add(loaded.replayed);
    return loaded;
  }
}
