import { limits } from '../limits.ts';
import { SessionTable } from './session/sessions.ts';
import type { CoreSettings } from './settings.ts';
import { TxnApplier } from './tree/apply.ts';
import { DigestLog } from './tree/digest-log.ts';
import { DataTree } from './tree/tree.ts';
import { CommittedLog } from './zab/committed-log.ts';

/**
 * The replicated state: tree, sessions, and the way in which txns change them. One object, so that a state received from
 * a leader or read again from the disk can take the place of the one before.
 */
export class Database {
  readonly settings: CoreSettings;
  readonly tree: DataTree;
  readonly sessions: SessionTable = new SessionTable();
  readonly applier: TxnApplier;
  readonly digests: DigestLog = new DigestLog();
  /** Zxid of the last txn applied. */
  lastZxid = 0;
  /**
   * Whether the state was read from a sound snapshot and a log without a gap, and yet txns say other digests: then the leader that
   * made them has another tree.
   */
  contradictsLeader = false;
  /** A txn that the log on the disk is known to lack, for a snapshot held it: the log leads nobody there from before. 0: none is. */
  logGapZxid = 0;
  /** The txns applied last, for learners that are behind; empty on a standalone server. */
  recent: CommittedLog;

  constructor(settings: CoreSettings) {
    this.settings = settings;
    this.tree = new DataTree(settings);
    this.tree.keepEphemerals(this.sessions);
    this.applier = new TxnApplier(this.tree, this.sessions);
    this.recent = new CommittedLog(settings.commitLogCount, limits.committedLogBytes, 0);
  }

  /** The state is that of a snapshot at `zxid`; txns follow. */
  startAt(zxid: number): void {
    this.lastZxid = zxid;
    this.recent = new CommittedLog(this.settings.commitLogCount, limits.committedLogBytes, zxid);
  }

  /**
   * Removes ephemerals without a session, which Apache does at every start, too. Returns how many: the state then differs
   * from that of its snapshot and log.
   */
  removeOrphans(): number {
    let removed = 0;
    for (const slot of this.sessions.orphans()) {
      // With TTL znodes switched off these count as ephemerals, and one may have gone with the one above it.
      if (!this.tree.store.isLive(slot)) continue;
      const path = this.applier.pathOf(slot);
      this.tree.delete(path, 0, path.length, this.lastZxid);
      removed++;
    }
    return removed;
  }
}
