import type { Entry } from './entry.ts';

export const RECONFIGURATION: readonly Entry[] = [
  {
    id: 'R01',
    title: 'Servers that are restarted with longer lists, one by one, elect a leader that cannot commit',
    proofs: [
      {
        file: 'packages/server/test/election/memberships.test.ts',
        name: 'is helped by a server that has a vote only in the membership that the others know',
      },
      {
        file: 'packages/server/test/election/scenarios.test.ts',
        name: 'a newer configuration is learned from votes, only while looking and only when that is enabled',
      },
      {
        file: 'packages/server/test/election/scenarios.test.ts',
        name: 'while a reconfiguration is under way, both configurations must agree',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/election/electorate.ts',
        text: 'return this.committed.isQuorum(acked) && (this.#proposed === null || this.#proposed.isQuorum(acked));',
        edits: [
          {
            file: 'core/election/electorate.js',
            find: 'return this.committed.isQuorum(acked) && (this.#proposed === null || this.#proposed.isQuorum(acked));',
            put: 'return this.committed.isQuorum(acked);',
          },
        ],
      },
    ],
  },
  {
    id: 'R02',
    title: "The membership of a snapshot takes the place of the server's own, or the other way round",
    proofs: [
      {
        file: 'packages/server/test/zab/learned-membership.test.ts',
        name: 'a server with an old list counts by that of its leader once it has its state, and not by its own',
      },
      {
        file: 'packages/server/test/zab/learned-membership.test.ts',
        name: 'a server with a newer list than its leader keeps it, whatever the state and NEWLEADER say',
      },
      {
        file: 'packages/server/test/zab/learned-membership.test.ts',
        name: 'until UPTODATE has come neither list alone elects',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/roles/learned-membership.ts',
        text: 'return this.#announced !== null && this.#stage.commit(this.#announced) && this.#mustStartOver(before, null);',
        edits: [
          {
            file: 'core/roles/learned-membership.js',
            find: 'return this.#announced !== null && this.#stage.commit(this.#announced) && this.#mustStartOver(before, null);',
            put: 'return false;',
          },
        ],
      },
      {
        file: 'packages/server/src/core/roles/learned-membership.ts',
        text: 'stage.see(this.#announced);',
        edits: [{ file: 'core/roles/learned-membership.js', find: 'stage.see(this.#announced);', put: '' }],
      },
      {
        file: 'packages/server/src/core/stage.ts',
        text: 'if (membership.version <= this.committed.version) return false;',
        edits: [
          {
            file: 'core/stage.js',
            find: 'if (membership.version <= this.committed.version)',
            put: 'if (false)',
          },
        ],
      },
      {
        file: 'packages/server/src/core/roles/learning.ts',
        text: 'serving.refreshConfig(this.#stage.committed);',
        edits: [{ file: 'core/roles/learning.js', find: 'serving.refreshConfig(this.#stage.committed);', put: '' }],
      },
    ],
  },
  {
    id: 'R03',
    title: 'After a reconfiguration servers keep different memberships in their files',
    proofs: [
      {
        file: 'packages/server/test/disk/config-files.test.ts',
        name: 'are the old or the new ones after a crash anywhere, and the new ones once a call has returned',
      },
      {
        file: 'packages/server/test/disk/config-files.test.ts',
        name: 'name the newest membership, and drop a proposal once it is committed or overtaken, not before',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/adapters/disk/config-files.ts',
        text: 'writeDurably(this.#disk, dirname(path), basename(path), bytes);',
      },
      {
        file: 'packages/server/src/adapters/disk/durable-file.ts',
        text: 'disk.renameSync(draft, path);',
        edits: [
          {
            file: 'adapters/disk/durable-file.js',
            find: 'disk.renameSync(draft, path);\n    disk.syncDirSync(folder);',
            put: 'disk.renameSync(draft, path);',
          },
        ],
      },
    ],
  },
  {
    id: 'R04',
    title: 'A membership that was never committed goes on counting',
    proofs: [
      {
        file: 'packages/server/test/zab/commit-rule.test.ts',
        name: 'from a reconfiguration on both memberships must have a quorum; what is before it needs the old one alone',
      },
      {
        file: 'packages/server/test/election/memberships.test.ts',
        name: 'is not helped by one that may have forgotten what it acknowledged',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/zab/commit-rule.ts',
        text: 'return Math.max(reconfigZxid - 1, Math.min(first, second));',
        edits: [
          {
            file: 'core/zab/commit-rule.js',
            find: 'return Math.max(reconfigZxid - 1, Math.min(first, second));',
            put: 'return first;',
          },
        ],
      },
    ],
  },
  {
    id: 'R05',
    title: 'While a reconfiguration is under way one quorum alone commits',
    proofs: [
      {
        file: 'packages/server/test/zab/commit-rule.test.ts',
        name: 'from a reconfiguration on both memberships must have a quorum; what is before it needs the old one alone',
      },
      {
        file: 'packages/server/test/zab/first-reconfiguration.test.ts',
        name: 'held by the old quorum alone it commits nothing, and its leader goes on; held by both it is committed',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/zab/commit-rule.ts',
        text: 'if (proposed === null || first < reconfigZxid) return first;',
        edits: [
          { file: 'core/zab/commit-rule.js', find: 'if (proposed === null || first < reconfigZxid)', put: 'if (true)' },
        ],
      },
    ],
  },
  {
    id: 'R06',
    title: 'A leader that takes itself out of the ensemble goes too early, or never',
    proofs: [{ scenario: 'R06' }],
  },
  {
    id: 'R07',
    title: 'A newcomer with a wrong list elects itself',
    proofs: [
      { file: 'packages/server/test/election/scenarios.test.ts', name: 'votes of, and for, strangers are not counted' },
      {
        file: 'packages/server/test/election/blank-voter.test.ts',
        name: 'one blank voter elects nobody and does not vote, however long it waits',
      },
      {
        file: 'packages/server/test/election/memberships.test.ts',
        name: 'is not elected, and elects only with a quorum of the others, when it ${what}',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/election/fast-election.ts',
        text: 'if (!electorate.isVoter(from)) {',
        edits: [
          { file: 'core/election/fast-election.js', find: 'if (!electorate.isVoter(from)) {', put: 'if (false) {' },
        ],
      },
      {
        file: 'packages/server/src/core/election/fast-election.ts',
        text: 'if (!electorate.isVoter(vote.leader)) {',
        edits: [
          {
            file: 'core/election/fast-election.js',
            find: 'if (!electorate.isVoter(vote.leader)) {',
            put: 'if (false) {',
          },
        ],
      },
      {
        file: 'packages/server/src/core/election/fast-election.ts',
        text: 'const elects = this.#votesHere() && electorate.isVoter(candidate.leader);',
        edits: [
          {
            file: 'core/election/fast-election.js',
            find: 'const elects = this.#votesHere() && electorate.isVoter(candidate.leader);',
            put: 'const elects = this.#votesHere();',
          },
        ],
      },
      {
        file: 'packages/server/src/core/election/fast-election.ts',
        text: 'if (!this.#electorate!.mayWin(vote.leader) || !beats(vote, this.#proposal)) return false;',
        edits: [
          {
            file: 'core/election/fast-election.js',
            find: 'if (!this.#electorate.mayWin(vote.leader) || !beats(vote, this.#proposal))',
            put: 'if (!beats(vote, this.#proposal))',
          },
        ],
      },
      {
        file: 'packages/server/src/core/election/franchise.ts',
        text: 'const quorum = electorate.isQuorum((sid) => sid === this.#sid || this.#blank.has(sid));',
        edits: [
          {
            file: 'core/election/franchise.js',
            find: 'const quorum = electorate.isQuorum((sid) => sid === this.#sid || this.#blank.has(sid));',
            put: 'const quorum = true;',
          },
        ],
      },
    ],
  },
  {
    id: 'R08',
    title: 'An observer that becomes a voter counts for what it has not on its disk',
    proofs: [
      {
        file: 'packages/server/test/zab/steady-learner.test.ts',
        name: 'steady/all-transaction-types as server 4: it joins, observes, and follows, ${how}',
      },
      {
        file: 'packages/server/test/zab/learner-rules.test.ts',
        name: 'the epoch is entered, and NEWLEADER acknowledged, only with all of the history on the disk (D4, D5)',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/roles/learning.ts',
        text: 'if (this.#pipeline.durableZxid < this.#newLeaderZxid) return;',
        edits: [
          {
            file: 'core/roles/learning.js',
            find: 'if (this.#pipeline.durableZxid < this.#newLeaderZxid)\n            return;',
            put: 'if (false)\n            return;',
          },
        ],
      },
    ],
  },
  {
    id: 'R09',
    title: 'A reconfiguration and an election connection wait for each other',
    proofs: [{ scenario: 'E09' }],
  },
  {
    id: 'R10',
    title: 'A reconfiguration under load drops clients, or moves them all at once',
    proofs: [
      {
        file: 'packages/server/test/client/moving.test.ts',
        name: 'accepts at the new address alone, and keeps the connections that it has',
      },
      { file: 'packages/server/test/client/moving.test.ts', name: 'stays where it is when the new address is taken' },
      {
        file: 'packages/client/test/core/server-ring.test.ts',
        name: 'clients of ${before} spread evenly over ${after}',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/adapters/client/listener.ts',
        text: 'const address = await this.#listen(server, port, host);',
        edits: [
          {
            file: 'adapters/client/listener.js',
            find: 'const address = await this.#listen(server, port, host);',
            put: 'this.#server.close();\n        const address = await this.#listen(server, port, host);',
          },
        ],
      },
    ],
  },
];
