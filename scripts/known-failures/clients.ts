import type { Entry } from './entry.ts';

export const CLIENTS: readonly Entry[] = [
  {
    id: 'C01',
    title: 'A sync is answered by a leader that is one no more',
    proofs: [
      {
        file: 'packages/server/test/zab/steady-leader.test.ts',
        name: 'a sync is answered once voters have shown, by answering a ping, that this server still leads',
      },
      { scenario: 'E14' },
    ],
    guards: [
      {
        file: 'packages/server/src/core/roles/quorum-writes.ts',
        text: 'if (!isQuorum(sids)) return;',
        edits: [
          { file: 'core/roles/quorum-writes.js', find: 'if (!isQuorum(sids))\n                return;', put: '' },
        ],
      },
    ],
  },
  {
    id: 'C02',
    title: 'A follower that has lost its leader serves old data for longer than promised',
    proofs: [
      {
        file: 'packages/server/test/zab/learner-rules.test.ts',
        name: 'a leader that is silent for syncLimit is left; before that it has initLimit',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/roles/learning.ts',
        text: "this.#hear(this.#phase === 'acknowledged' || this.#phase === 'serving' ? syncLimitTicks : initLimitTicks);",
        edits: [
          {
            file: 'core/roles/learning.js',
            find: "this.#hear(this.#phase === 'acknowledged' || this.#phase === 'serving' ? syncLimitTicks : initLimitTicks);",
            put: 'this.#hear(1e9);',
          },
        ],
      },
    ],
  },
  {
    id: 'C03',
    title: 'A client that has seen more is served by a server that has less',
    proofs: [
      {
        file: 'packages/server/test/core/sessions.test.ts',
        name: 'a client that has seen a later zxid must try another server',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/clients.ts',
        text: 'if (handshake === null || handshake.lastZxidSeen > serving.lastZxid) {',
        edits: [
          {
            file: 'core/clients.js',
            find: 'if (handshake === null || handshake.lastZxidSeen > serving.lastZxid) {',
            put: 'if (handshake === null) {',
          },
        ],
      },
    ],
  },
  {
    id: 'C04',
    title: "A read overtakes its session's own write",
    proofs: [
      {
        file: 'packages/server/test/core/ordering.test.ts',
        name: 'replies come in the order of requests: writes, reads, failures, what cannot be decoded, unknown operations',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/clients.ts',
        text: 'connection.order.pushRequest(r.bytes, start, r.end, connection.identities, serving.nowMs);',
        edits: [
          {
            file: 'core/clients.js',
            find: 'if (connection.order.size > 0) {\n                connection.order.pushRequest',
            put: 'if (false) {',
          },
        ],
      },
    ],
  },
  {
    id: 'C05',
    title: 'A later write takes effect although an earlier one of the same session was lost',
    proofs: [
      {
        file: 'packages/client/test/session/requests.test.ts',
        name: 'a lost connection rejects writes with outcome unknown and asks reads again, those that wait keep their order',
      },
      { file: 'packages/server/test/core/ordering.test.ts', name: 'a stream may be cut anywhere' },
    ],
    guards: [
      {
        file: 'packages/client/src/core/session.ts',
        text: "else if (call.operation.isWrite) this.#giveUp(call, 'connectionLoss', 'unknown');",
        edits: [
          {
            package: 'client',
            file: 'core/session.js',
            find: 'else if (call.operation.isWrite)',
            put: 'else if (false)',
          },
        ],
      },
    ],
  },
  {
    id: 'C06',
    title: 'Clients see what is not committed, or a state that is still being loaded',
    proofs: [
      {
        file: 'packages/server/test/zab/commit-rule.test.ts',
        name: 'a txn may be committed when a majority of the voters has it, whoever they are',
      },
      {
        file: 'packages/server/test/core/ordering.test.ts',
        name: 'nothing can be read, and nothing is answered, before it is durable',
      },
      {
        file: 'packages/server/test/zab/leader-rules.test.ts',
        name: 'nothing is committed on the word of the leader’s memory: its own disk counts like any other',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/zab/commit-rule.ts',
        text: 'if (membership.isQuorum(this.#has)) return this.#wanted;',
        edits: [
          {
            file: 'core/zab/commit-rule.js',
            find: 'if (membership.isQuorum(this.#has))\n                return this.#wanted;',
            put: 'return this.#wanted;',
          },
        ],
      },
    ],
  },
  {
    id: 'C07',
    title: 'Parts of a multi are visible, or answered with what is not theirs',
    proofs: [
      {
        file: 'packages/server/test/core/writes.test.ts',
        name: 'a multi is all or nothing, and each operation sees those before it',
      },
      {
        file: 'packages/server/test/core/writes.test.ts',
        name: 'inside a multi the flag says what a create makes, and the type of its result',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/ops/multi.ts',
        text: 'if (failure === 0) p.pending.rollBack();',
        edits: [
          { file: 'core/ops/multi.js', find: 'if (failure === 0)\n                p.pending.rollBack();', put: '' },
        ],
      },
    ],
  },
  {
    id: 'C08',
    title: 'A number of a sequential znode is given twice',
    proofs: [
      {
        file: 'packages/server/test/core/writes.test.ts',
        name: 'sequence numbers count creations, shared by all prefixes',
      },
      {
        file: 'packages/server/test/core/random.test.ts',
        name: 'a snapshot taken while requests go on leads, with the log behind it, to the same state',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/ops/create.ts',
        text: 'const cversion = (parent.stat[Field.cversion] + 1) | 0;',
        edits: [
          {
            file: 'core/ops/create.js',
            find: 'const cversion = (parent.stat[Field.cversion] + 1) | 0;',
            put: 'const cversion = parent.stat[Field.cversion];',
          },
        ],
      },
    ],
  },
  {
    id: 'C09',
    title: 'A change that is replayed counts twice in the version',
    proofs: [
      {
        file: 'packages/server/test/tree/data-tree.property.test.ts',
        name: 'what replay over a fuzzy snapshot meets is no error',
      },
      {
        file: 'packages/server/test/core/random.test.ts',
        name: 'a snapshot taken while requests go on leads, with the log behind it, to the same state',
      },
    ],
    guards: [{ file: 'packages/server/src/core/tree/apply.ts', text: 'this.error = this.#tree.setData(' }],
    byDesign:
      'the record of a change holds the version that it makes, and a snapshot is of one point in time: no change is applied over itself',
  },
  {
    id: 'C10',
    title: 'The first answer after a crash is older than the last before it',
    proofs: [
      { file: 'packages/server/test/disk/crash.test.ts', name: 'loses nothing acknowledged, ${mode}' },
      {
        file: 'packages/server/test/core/ordering.test.ts',
        name: 'nothing can be read, and nothing is answered, before it is durable',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/adapters/disk/journal-files.ts',
        text: 'file.dataSync(synced);',
        edits: [{ file: 'adapters/disk/journal-files.js', find: 'file.dataSync(synced);', put: 'synced(null);' }],
      },
    ],
  },
  {
    id: 'C11',
    title: 'A change whose answer was lost is reported as not made',
    proofs: [
      {
        file: 'packages/client/test/session/requests.test.ts',
        name: 'a lost connection rejects writes with outcome unknown and asks reads again, those that wait keep their order',
      },
    ],
    guards: [
      {
        file: 'packages/client/src/core/session.ts',
        text: "this.#giveUp(call, 'connectionLoss', 'unknown');",
        edits: [
          {
            package: 'client',
            file: 'core/session.js',
            find: "this.#giveUp(call, 'connectionLoss', 'unknown');",
            put: "this.#giveUp(call, 'connectionLoss', 'not applied');",
          },
        ],
      },
    ],
  },
  {
    id: 'C12',
    title: 'A server without a quorum takes what only a leader may',
    proofs: [
      {
        file: 'packages/server/test/zab/sessions-over-servers.test.ts',
        name: 'a server without a quorum that serves readers takes no write, whatever it is',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/roles/read-only-writes.ts',
        text: 'return ErrorCode.notReadOnly;',
        edits: [{ file: 'core/roles/read-only-writes.js', find: 'return ErrorCode.notReadOnly;', put: 'return 0;' }],
      },
    ],
  },
];
