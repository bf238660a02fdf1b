import { edit, type PlantedBug } from '../planted-bug.ts';

const LEARNING = 'core/roles/learning.js';
const LEADING = 'core/roles/leading.js';

/** Quorums, commits and acknowledgements in the steady state. */
export const COMMIT_BUGS: readonly PlantedBug[] = [
  {
    name: 'ack before fsync',
    source: 'D8, I8: a txn is acknowledged when it has come, not when it is durable',
    profile: null,
    edits: [
      edit(
        LEARNING,
        '        const { durableZxid } = this.#pipeline;\n        if (durableZxid <= this.#ackedZxid)',
        '        const durableZxid = this.#pipeline.appendedZxid;\n        if (durableZxid <= this.#ackedZxid)',
      ),
      edit(LEARNING, '        link.needsZxid = Math.max(link.needsZxid, durableZxid);', ''),
      edit(
        LEARNING,
        "        if (this.#phase === 'serving')\n            this.#pipeline.clients.resumeStalled();",
        "        if (this.#phase === 'serving') {\n            this.#pipeline.clients.resumeStalled();\n            this.#acknowledgeTxns();\n        }",
      ),
    ],
  },
  {
    name: 'commit without quorum',
    source: 'I1: whatever any one server has acknowledged is committed',
    profile: null,
    edits: [
      edit(
        'core/zab/commit-rule.js',
        '            if (membership.isQuorum(this.#has))\n                return this.#wanted;',
        '            return this.#wanted;',
      ),
    ],
  },
  {
    name: 'old acknowledgements count',
    source: 'S26: what a follower acknowledged before it was told to cut its log still counts',
    profile: 'sync',
    edits: [edit(LEADING, '        this.#rule.forget(handler.sid);\n', '')],
  },
  {
    name: 'one quorum for two memberships',
    source: 'R05: behind a reconfiguration that is under way the old quorum alone commits',
    profile: null,
    reconfigure: true,
    edits: [
      edit(
        'core/zab/commit-rule.js',
        '        if (proposed === null || first < reconfigZxid)\n            return first;',
        '        return first;',
      ),
    ],
  },
  {
    name: 'membership in force before it is committed',
    source: 'R04: quorums are counted by the membership that was seen last alone',
    profile: null,
    reconfigure: true,
    edits: [
      edit(
        'core/stage.js',
        'return this.lastSeen.version > this.committed.version ? [this.committed, this.lastSeen] : [this.committed];',
        'return [this.lastSeen];',
      ),
    ],
  },
  {
    name: 'a leader without followers goes on',
    source: 'E17, ZOOKEEPER-2380: the quorum is lost, and the leader neither leads nor leaves',
    profile: null,
    edits: [edit(LEADING, 'if (!this.#isQuorum(present))', 'if (false)')],
  },
  {
    name: 'sync without asking',
    source: 'E14, C01, ZOOKEEPER-1675: a leader answers sync by its own belief',
    profile: null,
    edits: [
      edit(
        'core/roles/quorum-writes.js',
        '    sync(connection, _xid, _r) {',
        "    sync(connection, _xid, _r) {\n        if (connection !== null)\n            return 'now';",
      ),
    ],
  },
];
