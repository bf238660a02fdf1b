import type { PlantedBug } from '../planted/planted-bug.ts';

/** Bugs that break no law between servers, and that the clients' histories must show. */
export const CLIENT_BUGS: readonly PlantedBug[] = [
  {
    name: 'sync that asks nobody',
    source: 'E14: every server answers sync by its own belief: a read behind it may be stale',
    profile: null,
    edits: [
      {
        file: 'core/roles/forwarding.js',
        find: "        this.#syncs.push(connection);\n        return 'later';",
        put: "        this.#syncs.pop();\n        return 'now';",
      },
      {
        file: 'core/roles/forwarding.js',
        find: '        this.#forward(connection, session.idHigh, session.idLow, xid, OpCode.sync, r);\n',
        put: '',
      },
      {
        file: 'core/roles/quorum-writes.js',
        find: '    sync(connection, _xid, _r) {',
        put: "    sync(connection, _xid, _r) {\n        if (connection !== null)\n            return 'now';",
      },
    ],
  },
  {
    name: 'versions that nobody compares',
    source: 'lost update: a conditional write is done on whatever version there is',
    profile: null,
    edits: [{ file: 'core/ops/set-data.js', find: 'return ErrorCode.badVersion;', put: 'void 0;' }],
  },
];
