import type { Entry } from './entry.ts';

export const WATCHES: readonly Entry[] = [
  {
    id: 'W01',
    title: 'Watches of different kinds on one path, or on paths that hold each other, disturb one another',
    proofs: [
      {
        file: 'packages/server/test/watch/watches.test.ts',
        name: 'W01: modes on one path live side by side, and a fired one-shot leaves the others',
      },
      {
        file: 'packages/server/test/watch/watches.property.test.ts',
        name: 'W01-W03: any sequence of operations does what the plain model does',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/watch/watches.ts',
        text: 'const kept = watches.get(watch, KINDS) & ~ONE_SHOT_KINDS;',
        edits: [
          {
            file: 'core/watch/watches.js',
            find: 'const kept = watches.get(watch, KINDS) & ~ONE_SHOT_KINDS;',
            put: 'const kept = 0;',
          },
        ],
      },
    ],
  },
  {
    id: 'W02',
    title: 'A recursive watch is told of changed children',
    proofs: [
      {
        file: 'packages/server/test/watch/watches.test.ts',
        name: 'W02: a recursive watch hears 1, 2 and 3 of the whole subtree and never 4',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/watch/watches.ts',
        text: 'if (eventType === EventType.nodeChildrenChanged) {',
        edits: [
          {
            file: 'core/watch/watches.js',
            find: 'if (eventType === EventType.nodeChildrenChanged) {',
            put: 'if (false) {',
          },
        ],
      },
    ],
  },
  {
    id: 'W03',
    title: 'The removal of one kind of watch takes another one with it',
    proofs: [
      {
        file: 'packages/server/test/watch/watches.test.ts',
        name: 'W03: each type of removeWatches takes its own kind and leaves the others',
      },
      {
        file: 'packages/server/test/watch/watches.property.test.ts',
        name: 'W01-W03: any sequence of operations does what the plain model does',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/watch/watches.ts',
        text: 'const kept = before & ~kinds;',
        edits: [{ file: 'core/watch/watches.js', find: 'const kept = before & ~kinds;', put: 'const kept = 0;' }],
      },
    ],
  },
  {
    id: 'W04',
    title: 'Watches that stay lose, or hear twice, what follows a reconnect',
    proofs: [
      {
        file: 'packages/server/test/core/watching.test.ts',
        name: 'setWatches tells what was missed and watches the rest',
      },
      {
        file: 'packages/server/test/core/reconnecting.test.ts',
        name: 'watches that stay hear of all that follows the reconnect, once, and of nothing before',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/ops/set-watches.ts',
        text: 'serving.watches.add(connection.id, bytes, start, end, WatchKind.persistent);',
        edits: [
          {
            file: 'core/ops/set-watches.js',
            find: 'serving.watches.add(connection.id, bytes, start, end, WatchKind.persistent);',
            put: '',
          },
        ],
      },
    ],
  },
  {
    id: 'W05',
    title: 'One event that was delivered hides another one that was not',
    proofs: [
      {
        file: 'packages/server/test/core/reconnecting.test.ts',
        name: 'a connection that is lost behind any frame costs no event of a one-shot watch, and doubles none',
      },
      {
        file: 'packages/client/test/session/establishing.test.ts',
        name: 'a session goes on elsewhere with its id, its password, and the highest zxid of an answer',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/ops/set-watches.ts',
        text: 'const changed = serving.tree.longOf(slot, Field.mzxid) > relativeZxid;',
        edits: [
          {
            file: 'core/ops/set-watches.js',
            find: 'const changed = serving.tree.longOf(slot, Field.mzxid) > relativeZxid;',
            put: 'const changed = false;',
          },
        ],
      },
    ],
  },
  {
    id: 'W06',
    title: 'A reconnect fires watches although nothing has changed',
    proofs: [
      {
        file: 'packages/server/test/core/reconnecting.test.ts',
        name: 'a reconnect with the zxid of any answer fires nothing that has not changed',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/ops/set-watches.ts',
        text: 'const changed = serving.tree.longOf(slot, Field.mzxid) > relativeZxid;',
        edits: [
          {
            file: 'core/ops/set-watches.js',
            find: 'const changed = serving.tree.longOf(slot, Field.mzxid) > relativeZxid;',
            put: 'const changed = true;',
          },
        ],
      },
    ],
  },
  {
    id: 'W07',
    title: 'A znode that came and went while its watcher was away',
    proofs: [
      {
        file: 'packages/server/test/core/reconnecting.test.ts',
        name: 'what came and went while a client was away is the one thing that a watch for its creation misses',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/ops/set-watches.ts',
        text: 'if (slot === NONE) serving.watches.add(connection.id, bytes, start, end, kind);',
        edits: [
          {
            file: 'core/ops/set-watches.js',
            find: 'if (slot === NONE)\n        serving.watches.add(connection.id, bytes, start, end, kind);',
            put: 'if (slot === NONE)\n        return;',
          },
        ],
      },
    ],
  },
  {
    id: 'W08',
    title: 'An answer that shows a change comes before the event of it',
    proofs: [
      {
        file: 'packages/server/test/core/ordering.test.ts',
        name: 'events come before the reply that shows the change, on every connection, in the order of zxids',
      },
      {
        file: 'packages/client/test/session/watches.test.ts',
        name: 'answers and events reach their callers in the order in which they came, all in one turn',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/serving.ts',
        text: 'connection.out.raw(this.#event.bytes, 0, this.#event.length);',
        edits: [
          {
            file: 'core/serving.js',
            find: 'connection.out.raw(this.#event.bytes, 0, this.#event.length);',
            put: '(connection.late ??= []).push(this.#event.toBytes());',
          },
          // They leave with the others all the same, behind the answers.
          {
            file: 'core/replica.js',
            find: 'const output = dirty.slice();',
            put: 'const output = dirty.slice(); for (const c of output) for (const e of c.late?.splice(0) ?? []) c.out.raw(e);',
          },
        ],
      },
    ],
  },
  {
    id: 'W09',
    title: 'A change of children is hidden by what a recovery made of the parent',
    proofs: [
      {
        file: 'packages/server/test/core/random.test.ts',
        name: 'a snapshot taken while requests go on leads, with the log behind it, to the same state',
      },
      {
        file: 'packages/server/test/tree/snapshot-writer.property.test.ts',
        name: 'a snapshot is the tree at its beginning, whatever happens while it is written',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/tree/snapshot-writer.ts',
        text: 'beforeChange(slot: number): void {',
        edits: [
          { file: 'core/tree/snapshot-writer.js', find: 'beforeChange(slot) {', put: 'beforeChange(slot) { return;' },
        ],
      },
    ],
  },
  {
    id: 'W10',
    title: 'Connections that are gone leave their watches behind',
    proofs: [
      { file: 'packages/server/test/core/watching.test.ts', name: 'watches go with their connection' },
      {
        file: 'packages/server/test/watch/watches.test.ts',
        name: 'W10: closing connections leaves nothing behind, whatever they watched',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/serving.ts',
        text: 'this.watches.removeConnection(connection.id);',
        edits: [{ file: 'core/serving.js', find: 'this.watches.removeConnection(connection.id);', put: '' }],
      },
    ],
  },
  {
    id: 'W11',
    title: 'A watcher that reads slowly loses events in the middle',
    proofs: [
      {
        file: 'packages/server/test/client/output.test.ts',
        name: 'gives away memory that still waits: a slow reader gets exactly what was sent',
      },
      {
        file: 'packages/server/test/client/slow-readers.test.ts',
        name: 'is cut off when it has taken nothing for outputStallMs, and no other',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/adapters/client/unsent-output.ts',
        text: 'nowMs - known.sinceMs >= limits.outputStallMs',
        edits: [
          {
            file: 'adapters/client/unsent-output.js',
            find: 'else if (nowMs - known.sinceMs >= limits.outputStallMs) {',
            put: 'else if (false) {',
          },
        ],
      },
      {
        file: 'packages/server/src/adapters/client/client-socket.ts',
        text: 'out.replaceMemory(FRESH_BYTES);\n    this.#port.waits(this);',
        edits: [
          {
            file: 'adapters/client/client-socket.js',
            find: 'out.replaceMemory(FRESH_BYTES);\n        this.#port.waits(this);',
            put: 'out.length = 0;\n        this.#port.waits(this);',
          },
        ],
      },
    ],
  },
  {
    id: 'W12',
    title: 'Watches below a chroot come back under other names',
    proofs: [
      {
        file: 'packages/client/test/session/watches.test.ts',
        name: 'below a chroot: requests, answers, events, and what is not below it',
      },
      {
        file: 'packages/client/test/session/watches.test.ts',
        name: 'a gap is told with the path that the caller gave',
      },
    ],
    guards: [
      {
        file: 'packages/client/src/core/session.ts',
        text: 'const path = this.#chroot.below(serverPath);',
        edits: [
          {
            package: 'client',
            file: 'core/session.js',
            find: 'const path = this.#chroot.below(serverPath);',
            put: 'const path = serverPath;',
          },
        ],
      },
    ],
  },
  {
    id: 'W13',
    title: 'A watch tells of a znode that its owner may not read any more',
    proofs: [
      {
        file: 'packages/server/test/security/cve-2024-23944-persistent-watches.test.ts',
        name: 'the right that counts is that at delivery',
      },
      {
        file: 'packages/server/test/core/watching.test.ts',
        name: 'an event is delivered only to who may read its znode, and uses up the watch all the same',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/serving.ts',
        text: 'if (acl !== null && !this.settings.skipAcl && !permits(acl, Permission.read, connection.identities))',
        edits: [
          {
            file: 'core/serving.js',
            find: 'if (acl !== null && !this.settings.skipAcl && !permits(acl, Permission.read, connection.identities))',
            put: 'if (false)',
          },
        ],
      },
    ],
  },
];
