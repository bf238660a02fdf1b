import type { Entry } from './entry.ts';

export const SESSIONS: readonly Entry[] = [
  {
    id: 'X01',
    title: 'A follower is cut off in the middle of the end of a session, and keeps its ephemeral for ever',
    proofs: [{ scenario: 'X01' }],
  },
  {
    id: 'X02',
    title: 'The ephemeral of an ended session is still there on one server of three',
    proofs: [{ scenario: 'S13' }, { scenario: 'X15' }],
  },
  {
    id: 'X03',
    title: 'An ephemeral of a txn that was lost stays on a server that rejoins',
    proofs: [{ scenario: 'X03' }],
  },
  {
    id: 'X04',
    title: 'What was cut off comes back with a snapshot that is newer than the cut',
    proofs: [
      {
        file: 'packages/server/test/disk/truncate.test.ts',
        name: 'removes damaged snapshots beyond, and does not begin from one',
      },
      {
        file: 'packages/server/test/disk/history.property.test.ts',
        name: 'is what was done to it, through any sequence of appends, truncations, installs and crashes',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/adapters/disk/history-files.ts',
        text: 'for (const { name } of beyond.reverse()) disk.removeSync(`${snapshotFolder}/${name}`);',
        edits: [
          {
            file: 'adapters/disk/history-files.js',
            find: 'for (const { name } of beyond.reverse())',
            put: 'for (const { name } of [])',
          },
        ],
      },
    ],
  },
  {
    id: 'X05',
    title: 'An ephemeral is created for a session that has been ended',
    proofs: [
      {
        file: 'packages/server/test/core/sessions.test.ts',
        name: 'closing a session takes along the ephemerals that are created and not yet durable',
      },
      {
        file: 'packages/server/test/core/session-ends.test.ts',
        name: 'a session that is being ended creates nothing behind its end, in either order',
      },
      {
        file: 'packages/server/test/zab/sessions-over-servers.test.ts',
        name: 'an ephemeral that a learner forwards behind the end of its session is refused',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/preparation.ts',
        text: 'return this.session !== null && !this.session.closing;',
        edits: [
          {
            file: 'core/preparation.js',
            find: 'return this.session !== null && !this.session.closing;',
            put: 'return this.session !== null;',
          },
        ],
      },
    ],
  },
  {
    id: 'X06',
    title: 'The end of many sessions at once keeps the others from being heard',
    proofs: [
      {
        file: 'packages/server/test/core/session-ends.test.ts',
        name: 'the end of half of all sessions ends none of the others, though their pings come behind it',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/clients.ts',
        text: 'if (session !== null && this.#path !== null) this.#touch(this.#path, session, connection.timeoutMs);',
        edits: [{ file: 'core/clients.js', find: 'if (session !== null && this.#path !== null)', put: 'if (false)' }],
      },
    ],
  },
  {
    id: 'X07',
    title: 'A new leader ends sessions by what an earlier one had heard',
    proofs: [
      {
        file: 'packages/server/test/core/sessions.test.ts',
        name: 'sessions get a full timeout after a restart, ephemerals without a session go',
      },
      { scenario: 'X15' },
    ],
    guards: [{ file: 'packages/server/src/core/roles/leader-writes.ts', text: 'session.owner = NOBODY;' }],
  },
  {
    id: 'X08',
    title: 'A leader that was stopped for a while ends the sessions of all',
    proofs: [
      {
        file: 'packages/server/test/zab/hostile-peers.test.ts',
        name: 'a leader that was stopped for less than its followers wait ends no session before it has read what came meanwhile (X08)',
      },
      {
        file: 'packages/server/test/zab/hostile-peers.test.ts',
        name: 'a learner that is gone when a stopped leader goes on takes with it whom it has heard: sessions get their full timeout (X08)',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/roles/leading.ts',
        text: 'if (this.#transfer === null && nowMs >= this.#expiryRestsUntilMs) this.#writes.tick();',
        edits: [
          {
            file: 'core/roles/leading.js',
            find: 'if (this.#transfer === null && nowMs >= this.#expiryRestsUntilMs)',
            put: 'if (true)',
          },
        ],
      },
      {
        file: 'packages/server/src/core/roles/leading.ts',
        text: 'this.#writes.prolong();',
        edits: [{ file: 'core/roles/leading.js', find: 'this.#writes.prolong();', put: ';' }],
      },
    ],
  },
  {
    id: 'X09',
    title: 'A session that has moved still acts through its former server',
    proofs: [
      {
        file: 'packages/server/test/zab/learner-rules.test.ts',
        name: 'a client that comes back on a new connection has left the one before: nothing of that is forwarded any more',
      },
      {
        file: 'packages/server/test/zab/sessions-over-servers.test.ts',
        name: 'what a former server forwards of a session that has moved is refused',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/roles/leader-writes.ts',
        text: 'if (session.owner !== sid) refusal = ErrorCode.sessionMoved;',
        edits: [{ file: 'core/roles/leader-writes.js', find: 'if (session.owner !== sid)', put: 'if (false)' }],
      },
    ],
  },
  {
    id: 'X10',
    title: 'A client is told that its session goes on when it is another one',
    proofs: [
      { file: 'packages/server/test/core/sessions.test.ts', name: 'unknown and closed sessions are refused' },
      {
        file: 'packages/server/test/core/sessions.test.ts',
        name: 'a wrong password is refused and does not close the rightful connection',
      },
      { file: 'packages/client/test/session/establishing.test.ts', name: 'an expired session is told of and renewed' },
    ],
    guards: [
      {
        file: 'packages/server/src/core/clients.ts',
        text: 'else if (this.#passwords.accepts(sessionHigh, sessionLow, handshake.password)) {',
        edits: [
          {
            file: 'core/clients.js',
            find: 'else if (this.#passwords.accepts(sessionHigh, sessionLow, handshake.password)) {',
            put: 'else if (true) {',
          },
        ],
      },
    ],
  },
  {
    id: 'X11',
    title: 'The request for a session is lost with the leader, and its client waits in vain',
    proofs: [
      {
        file: 'packages/server/test/zab/sessions-over-servers.test.ts',
        name: 'a client that waits for its session when the leader goes is let go at once',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/clients.ts',
        text: "if (keep && connection.state === 'open' && connection.order.size === 0 && !connection.leaving) continue;",
        edits: [
          {
            file: 'core/clients.js',
            find: "if (keep && connection.state === 'open' && connection.order.size === 0 && !connection.leaving)",
            put: 'if (keep)',
          },
        ],
      },
    ],
  },
  {
    id: 'X12',
    title: 'A session with so many watches that it can never be resumed',
    proofs: [
      { file: 'packages/client/test/session/watches.test.ts', name: 'many watches go in several requests' },
      {
        file: 'packages/server/test/core/held.test.ts',
        name: 'a connection has so many watches, and is told of one too many',
      },
    ],
    guards: [
      {
        file: 'packages/client/src/core/session.ts',
        text: 'this.watches.pieces(WATCHES_PIECE_BYTES)',
        edits: [
          {
            package: 'client',
            file: 'core/session.js',
            find: 'this.watches.pieces(WATCHES_PIECE_BYTES)',
            put: 'this.watches.pieces(1 << 30)',
          },
        ],
      },
    ],
  },
  {
    id: 'X13',
    title: 'Numbers of sessions are taken for kinds of znodes',
    proofs: [
      {
        file: 'packages/server/test/core/session-ends.test.ts',
        name: 'the ephemerals of any server are ephemerals, with extended types and without',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/tree/stat.ts',
        text: "if (this.#extended && (high & TTL_OWNER_TOP_BYTE) === TTL_OWNER_TOP_BYTE) return 'ttl';",
        edits: [
          {
            file: 'core/tree/stat.js',
            find: 'if (this.#extended && (high & TTL_OWNER_TOP_BYTE) === TTL_OWNER_TOP_BYTE)\n',
            put: 'if (this.#extended)',
          },
        ],
      },
    ],
  },
  {
    id: 'X14',
    title: 'A local session that becomes a global one leaves znodes behind',
    proofs: [
      {
        file: 'packages/server/test/core/session-ends.test.ts',
        name: 'a local session that becomes one of all over its first ephemeral leaves nothing: ${end}',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/clients.ts',
        text: 'path.upgrade(session);',
        edits: [{ file: 'core/clients.js', find: 'path.upgrade(session);', put: '' }],
      },
    ],
  },
  {
    id: 'X15',
    title: 'Sessions of clients that never come back outlive the sudden death of the leader',
    proofs: [{ scenario: 'X15' }],
  },
  {
    id: 'X16',
    title: 'A container is deleted although a child is on its way',
    proofs: [
      {
        file: 'packages/server/test/core/writes.test.ts',
        name: 'the reaper leaves a znode alone that has a pending change',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/reaper.ts',
        text: 'if (isChanging(proposals, body.bytes, 4, body.length)) continue;',
        edits: [
          { file: 'core/reaper.js', find: 'if (isChanging(proposals, body.bytes, 4, body.length))', put: 'if (false)' },
        ],
      },
    ],
  },
  {
    id: 'X17',
    title: 'A follower has more sessions than one answer to a ping can name',
    proofs: [
      {
        file: 'packages/server/test/zab/sessions-over-servers.test.ts',
        name: 'a follower with very many sessions names them in packets that a leader takes',
      },
      {
        file: 'packages/server/test/zab/sessions-over-servers.test.ts',
        name: 'sessions that a learner names before its answer to a ping are no answer',
      },
      {
        file: 'packages/server/test/zab/sessions-over-servers.test.ts',
        name: 'a ping is answered, though of many sessions that were heard of some have ended since',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/roles/forwarding.ts',
        text: 'const end = Math.min(next + most, heard.length);',
        edits: [
          {
            file: 'core/roles/forwarding.js',
            find: 'const end = Math.min(next + most, heard.length);',
            put: 'const end = heard.length;',
          },
        ],
      },
      {
        file: 'packages/server/src/core/roles/learner-requests.ts',
        text: "if (handler.stage === 'live' && link.packet.zxid !== MORE_SESSIONS) handler.pongs++;",
        edits: [
          {
            file: 'core/roles/learner-requests.js',
            find: "if (handler.stage === 'live' && link.packet.zxid !== MORE_SESSIONS)",
            put: "if (handler.stage === 'live')",
          },
        ],
      },
    ],
  },
];
