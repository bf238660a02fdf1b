/** A change of emitted code: `find` stands exactly once in the file. */
export interface Edit {
  /** Of `packages`; `server` unless given. */
  readonly package?: 'server' | 'client' | 'recipes';
  /** Below its `dist/src/`. */
  readonly file: string;
  readonly find: string;
  readonly put: string;
}

/** A bug put into the server on purpose, to see whether random seeds find it. */
export interface PlantedBug {
  readonly name: string;
  /** What it is known as (known-failures, quorum-protocol reference 14). */
  readonly source: string;
  /** Profile of seeds in which it is looked for, or, for recipes, the workload; null: any. */
  readonly profile: string | null;
  readonly edits: readonly Edit[];
}

const LEARNING = 'core/roles/learning.js';
const LEADING = 'core/roles/leading.js';

/** Each removes one guard; where the driver's assertion would stop it at once, that is taken out, too. */
export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: 'ack before fsync',
    source: 'D8, I8: a txn is acknowledged when it has come, not when it is durable',
    profile: null,
    edits: [
      {
        file: LEARNING,
        find: '        const { durableZxid } = this.#pipeline;\n        if (durableZxid <= this.#ackedZxid)',
        put: '        const durableZxid = this.#pipeline.appendedZxid;\n        if (durableZxid <= this.#ackedZxid)',
      },
      {
        file: LEARNING,
        find: '        link.needsZxid = Math.max(link.needsZxid, durableZxid);',
        put: '',
      },
      {
        file: LEARNING,
        find: "        if (this.#phase === 'serving')\n            this.#pipeline.clients.resumeStalled();",
        put: "        if (this.#phase === 'serving') {\n            this.#pipeline.clients.resumeStalled();\n            this.#acknowledgeTxns();\n        }",
      },
    ],
  },
  {
    name: 'epoch used twice',
    source: 'D3, I4: a new leader takes the greatest epoch it hears of instead of the one behind it',
    profile: null,
    edits: [
      {
        file: LEADING,
        find: 'this.#epoch = this.#maxAccepted + 1;',
        put: 'this.#epoch = Math.max(1, this.#maxAccepted);',
      },
    ],
  },
  {
    name: 'commit without quorum',
    source: 'I1: whatever any one server has acknowledged is committed',
    profile: null,
    edits: [
      {
        file: 'core/zab/commit-rule.js',
        find: '            if (membership.isQuorum(this.#has))\n                return this.#wanted;',
        put: '            return this.#wanted;',
      },
    ],
  },
  {
    name: 'skipped TRUNC',
    source: 'S12, S16: a learner keeps txns that its leader does not have',
    profile: null,
    edits: [
      {
        file: LEARNING,
        find: '        if (zxid === appendedZxid) {\n            this.#sync(link);',
        put: '        if (zxid <= appendedZxid) {\n            this.#sync(link);',
      },
    ],
  },
  {
    name: 'epoch raised before the history is durable',
    source: 'S02, ZOOKEEPER-4643: currentEpoch is stored when NEWLEADER comes',
    profile: null,
    edits: [
      {
        file: LEARNING,
        find: "        this.#phase = 'persisting';",
        put: "        this.#stage.enterEpoch(this.#epoch);\n        this.#phase = 'persisting';",
      },
    ],
  },
  {
    name: 'NEWLEADER acknowledged before the history is durable',
    source: 'S01, ZOOKEEPER-4646',
    profile: null,
    edits: [
      {
        file: LEARNING,
        find: '        if (this.#pipeline.durableZxid < this.#newLeaderZxid)\n            return;',
        put: '',
      },
      {
        file: LEARNING,
        find: '        link.needsZxid = Math.max(link.needsZxid, this.#newLeaderZxid);',
        put: '',
      },
    ],
  },
  {
    name: 'vote without history',
    source: 'the server id alone decides an election, and nobody checks the leader',
    profile: null,
    edits: [
      {
        file: 'core/election/vote.js',
        find: '    if (a.peerEpoch !== b.peerEpoch)\n        return a.peerEpoch > b.peerEpoch;\n    if (a.zxid !== b.zxid)\n        return a.zxid > b.zxid;',
        put: '',
      },
      { file: LEADING, find: 'if (currentEpoch !== -1 && knowsMore) {', put: 'if (false) {' },
    ],
  },
  {
    name: 'established without quorum',
    source: 'D7: a leader serves before a quorum has its history',
    profile: null,
    edits: [
      {
        file: LEADING,
        find: "if (this.#phase !== 'sync' || !this.#isQuorum(this.#synced))",
        put: "if (this.#phase !== 'sync')",
      },
    ],
  },
  {
    name: 'DIFF by number',
    source: 'E10, ZOOKEEPER-1154: inside the window of numbers counts as inside the history',
    profile: null,
    edits: [
      {
        file: 'core/zab/sync-plan.js',
        find: '    if (window.knows(peerZxid))',
        put: '    if (peerZxid >= window.base && peerZxid <= window.last)',
      },
    ],
  },
  {
    name: 'sessions not touched',
    source: 'I9: followers forget to tell the leader whom they heard of',
    profile: null,
    edits: [
      {
        file: 'core/roles/forwarding.js',
        find: '            out.longHalves(session.idHigh, session.idLow);\n            out.int(session.touchedTimeoutMs);',
        put: '',
      },
    ],
  },
  {
    name: 'client taken back in time',
    source: 'I12: a server that is behind takes a client that has seen more',
    profile: null,
    edits: [
      {
        file: 'core/clients.js',
        find: 'handshake === null || handshake.lastZxidSeen > serving.lastZxid',
        put: 'handshake === null',
      },
    ],
  },
  {
    name: 'sync without asking',
    source: 'E14: a leader answers sync by its own belief',
    profile: null,
    edits: [
      {
        file: 'core/roles/quorum-writes.js',
        find: '    sync(connection, _xid, _r) {',
        put: "    sync(connection, _xid, _r) {\n        if (connection !== null)\n            return 'now';",
      },
    ],
  },
  {
    name: 'state received and not installed',
    source: 'S10, ZOOKEEPER-3642: memory keeps a state that the disk never got',
    profile: null,
    edits: [
      {
        file: LEARNING,
        find: 'if (this.#install !== null || this.#isLost) {',
        put: 'if (false) {',
      },
    ],
  },
  {
    name: 'promise not stored',
    source: 'D1: an epoch is accepted in memory only',
    profile: null,
    edits: [
      {
        file: 'driver/peer-runner.js',
        find: '        this.#options.epochs.write(work.hardState);',
        put: '',
      },
    ],
  },
];
