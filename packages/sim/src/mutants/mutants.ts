/** One replacement in an emitted file of the server; `from` must stand there exactly once. */
export interface Edit {
  /** Below `packages/server/dist/src`. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** A bug that is put into the server on purpose, to see whether the simulator finds it. */
export interface Mutant {
  readonly name: string;
  /** The law that it breaks, and the known failure that it stands for. */
  readonly breaks: string;
  readonly edits: readonly Edit[];
}

/** The driver's own assertion about what leaves must not be what finds a mutant of the protocol. */
const NO_ASSERTION: Edit = {
  file: 'driver/peer-runner.js',
  from: 'link.needsZxid > this.#port.durableZxid ||',
  to: 'false && link.needsZxid > this.#port.durableZxid ||',
};

/** Some depth of the protocol each; a tester that lets one of them live proves nothing. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: 'ack-before-fsync',
    breaks: 'honest acknowledgement (S01): the journal reports what it has only written',
    edits: [
      { file: 'adapters/disk/journal-files.js', from: '                file.dataSync(synced);', to: 'synced(null);' },
    ],
  },
  {
    name: 'epoch-not-stored',
    breaks: 'epochs on disk (law 16): a promise is only remembered',
    edits: [
      {
        file: 'driver/peer-runner.js',
        from: 'this.#options.epochs.write(work.hardState);',
        to: '',
      },
    ],
  },
  {
    name: 'epoch-before-history',
    breaks: 'S01, S02: NEWLEADER is acknowledged, and the epoch entered, before the history is durable',
    edits: [
      {
        file: 'core/roles/learning.js',
        from: 'if (this.#pipeline.durableZxid < this.#newLeaderZxid)',
        to: 'if (false)',
      },
      {
        file: 'core/roles/learning.js',
        from: 'link.needsZxid = Math.max(link.needsZxid, this.#newLeaderZxid);',
        to: '',
      },
      NO_ASSERTION,
    ],
  },
  {
    name: 'no-epoch-check',
    breaks: 'I4: a leader chooses an epoch that has been promised before',
    edits: [
      {
        file: 'core/roles/leading.js',
        from: 'this.#epoch = this.#maxAccepted + 1;',
        to: 'this.#epoch = Math.max(1, this.#maxAccepted);',
      },
    ],
  },
  {
    name: 'commit-without-quorum',
    breaks: 'I1: one acknowledgement commits',
    edits: [{ file: 'core/zab/commit-rule.js', from: 'membership.isQuorum(this.#has)', to: 'true' }],
  },
  {
    name: 'skipped-trunc',
    breaks: 'S12, S14: a learner keeps what its leader tells it to cut off',
    edits: [
      {
        file: 'core/roles/learning.js',
        from: 'if (zxid === appendedZxid) {',
        to: 'if (zxid <= appendedZxid) {',
      },
    ],
  },
  {
    name: 'diff-for-strangers',
    breaks: 'E10: a learner with txns of its own gets a plain DIFF',
    edits: [
      {
        file: 'core/zab/sync-plan.js',
        from: "return { kind: 'trunc', to };",
        to: "return { kind: 'diff', from: to };",
      },
    ],
  },
  {
    name: 'open-gate',
    breaks: 'I1: a leader takes in learners that know more than it does',
    edits: [
      {
        file: 'core/roles/leading.js',
        from: 'if (currentEpoch !== -1 && knowsMore) {',
        to: 'if (false) {',
      },
      {
        file: 'core/election/vote.js',
        from: 'return a.peerEpoch > b.peerEpoch;',
        to: 'return a.leader > b.leader;',
      },
    ],
  },
  {
    name: 'votes-by-id',
    breaks: 'I16: votes compare ids alone, so a server that may not lead is elected again and again',
    edits: [
      {
        file: 'core/election/vote.js',
        from: 'if (a.peerEpoch !== b.peerEpoch)\n        return a.peerEpoch > b.peerEpoch;',
        to: 'if (a.leader !== b.leader)\n        return a.leader > b.leader;',
      },
    ],
  },
  {
    name: 'stale-acks',
    breaks: 'quorum durability: the acknowledgements of a connection that is gone still count after a TRUNC',
    edits: [{ file: 'core/roles/leading.js', from: 'this.#rule.forget(handler.sid);', to: '' }],
  },
  {
    name: 'hasty-sync',
    breaks: 'I13: a leader answers syncs without asking whether it still leads',
    edits: [
      {
        file: 'core/roles/quorum-writes.js',
        from: 'if (!isQuorum(sids))\n                return;',
        to: '',
      },
    ],
  },
  {
    name: 'hasty-expiry',
    breaks: 'I9: sessions expire after half of their timeout',
    edits: [
      {
        file: 'core/session/expiry.js',
        from: 'const bucket = Math.floor((now + timeoutMs) / this.#tickTimeMs) + 1;',
        to: 'const bucket = Math.floor((now + timeoutMs / 2) / this.#tickTimeMs) + 1;',
      },
    ],
  },
  {
    name: 'moved-sessions',
    breaks: 'I12: what comes late from the server that a session has left takes effect',
    edits: [
      {
        file: 'core/roles/leader-writes.js',
        from: 'refusal = ErrorCode.sessionMoved;',
        to: 'refusal = ErrorCode.ok;',
      },
      {
        file: 'core/roles/leader-writes.js',
        from: 'if (session.owner !== OWN)\n            return ErrorCode.sessionMoved;',
        to: '',
      },
    ],
  },
  {
    name: 'forgotten-watches',
    breaks: 'I11: a watch that is set again after a reconnect does not fire for what was missed',
    edits: [
      {
        file: 'core/ops/set-watches.js',
        from: 'if (changed && serving.allowedOn(slot, Permission.read, identities)) {',
        to: 'if (false) {',
      },
    ],
  },
];
