import type { Entry } from './entry.ts';

export const OVERLOAD: readonly Entry[] = [
  {
    id: 'O01',
    title: 'Many clients send more than the server can do',
    proofs: [
      {
        file: 'packages/server/test/core/held.test.ts',
        name: 'so many txns may be under way before connections with unanswered requests wait',
      },
      {
        file: 'packages/server/test/core/throttles.test.ts',
        name: 'one connection with a thousand requests does not keep others from theirs',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/overload/admission.ts',
        text: 'return path.isBehind || this.held.requests > this.#outstandingLimit;',
        edits: [
          {
            file: 'core/overload/admission.js',
            find: 'return path.isBehind || this.held.requests > this.#outstandingLimit;',
            put: 'return false;',
          },
        ],
      },
    ],
  },
  {
    id: 'O02',
    title: 'What waits for a slow learner grows without end',
    proofs: [
      {
        file: 'packages/server/test/zab/sessions-over-servers.test.ts',
        name: 'a learner that does not take its state is dropped when too much waits behind it',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/roles/leading.ts',
        text: "if (handler.queue.length > limits.learnerQueueBytes) this.#drop(handler, 'too much waits behind its state');",
        edits: [
          {
            file: 'core/roles/leading.js',
            find: 'if (handler.queue.length > limits.learnerQueueBytes)',
            put: 'if (false)',
          },
        ],
      },
    ],
  },
  {
    id: 'O03',
    title: 'A client asks for much and reads nothing',
    proofs: [
      {
        file: 'packages/server/test/client/output.test.ts',
        name: 'cuts off a peer that lets more than the maximum pile up, and no other',
      },
      {
        file: 'packages/server/test/core/limits.test.ts',
        name: 'requests for more output than fits wait until the network has taken what there is',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/clients.ts',
        text: 'if (connection.out.length >= limits.outputHighWater) connection.outputFull = true;',
        edits: [
          {
            file: 'core/clients.js',
            find: 'if (connection.out.length >= limits.outputHighWater)\n                connection.outputFull = true;',
            put: '',
          },
        ],
      },
      {
        file: 'packages/server/src/adapters/client/client-socket.ts',
        text: 'if (socket.writableLength > limits.outputMaximum) {',
      },
    ],
  },
  {
    id: 'O04',
    title: 'One change is told to very many watchers in one go',
    proofs: [
      {
        file: 'packages/server/test/core/held.test.ts',
        name: 'sends to so many connections; the others follow, and who is closed gets his first',
      },
      {
        file: 'packages/server/test/watch/watches.scale.test.ts',
        name: 'one event names 10,000 connections, each once',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/replica.ts',
        text: 'if (isServing && dirty.length > limits.outputsPerStep) return this.#takeSomeOutput();',
        edits: [
          {
            file: 'core/replica.js',
            find: 'if (isServing && dirty.length > limits.outputsPerStep)',
            put: 'if (false)',
          },
        ],
      },
    ],
  },
  {
    id: 'O05',
    title: 'All clients come back at once',
    proofs: [
      {
        file: 'packages/server/test/core/throttles.test.ts',
        name: 'take tokens, which come back with time; who finds none is closed without an answer',
      },
      {
        file: 'packages/server/test/security/a21-tls-edges.test.ts',
        name: 'serves while a thousand handshakes are under way that never end',
      },
      {
        command: 'node bench/dist/limits.js --storms',
        file: 'bench/limits/storms.ts',
        part: 'ten thousand connections at once; fifty thousand sessions that come back after their leader was killed',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/clients.ts',
        text: 'if (handshake !== null && !connection.isOwn && !this.throttle.takes(handshake, serving)) {',
        edits: [
          {
            file: 'core/clients.js',
            find: 'if (handshake !== null && !connection.isOwn && !this.throttle.takes(handshake, serving)) {',
            put: 'if (false) {',
          },
        ],
      },
    ],
  },
  {
    id: 'O06',
    title: 'A multi or a list of children is larger than anybody can take',
    proofs: [
      {
        file: 'packages/server/test/core/held.test.ts',
        name: 'a list of children that is too long for any client is refused',
      },
      { file: 'packages/server/test/core/limits.test.ts', name: 'a multiRead whose results are too large is refused' },
    ],
    guards: [
      {
        file: 'packages/server/src/core/ops/get-children.ts',
        text: 'if (connection.out.length - before > limits.outputMaximum) {',
        edits: [
          {
            file: 'core/ops/get-children.js',
            find: 'if (connection.out.length - before > limits.outputMaximum) {',
            put: 'if (false) {',
          },
        ],
      },
    ],
  },
  {
    id: 'O07',
    title: 'One turn of the event loop takes seconds',
    proofs: [
      {
        file: 'packages/server/test/core/held.test.ts',
        name: 'applies so many bytes; until the rest is applied nothing else happens, and pings are answered',
      },
      {
        file: 'packages/server/test/core/limits.test.ts',
        name: 'a slice of a snapshot is short also when the znodes are large',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/pipeline.ts',
        text: 'if (bytes > limits.appliedBytesAtOnce || this.#takesLong(next)) {',
        edits: [
          {
            file: 'core/pipeline.js',
            find: 'if (bytes > limits.appliedBytesAtOnce || this.#takesLong(next)) {',
            put: 'if (this.#takesLong(next)) {',
          },
        ],
      },
    ],
  },
  {
    id: 'O08',
    title: 'Memory is taken for a length that a stranger has made up',
    proofs: [
      {
        file: 'packages/server/test/core/bad-input.test.ts',
        name: 'a half frame costs what has arrived, not what it promises',
      },
      {
        file: 'packages/server/test/peer/election-links.test.ts',
        name: 'E06: lengths that cannot be close the connection',
      },
      {
        command: 'node interop/dist/fuzz/main.js',
        file: 'interop/fuzz/main.ts',
        part: 'every length at 0, -1, the limit and beyond',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/adapters/peer/election-frames.ts',
        text: 'if (length < 1 || length > MAX_FRAME_BYTES)',
        edits: [
          {
            file: 'adapters/peer/election-frames.js',
            find: 'if (length < 1 || length > MAX_FRAME_BYTES)',
            put: 'if (false)',
          },
        ],
      },
    ],
  },
  {
    id: 'O09',
    title: 'Several states are sent, and a snapshot written, all at once',
    proofs: [
      {
        file: 'packages/server/test/core/snapshot-schedule.test.ts',
        name: 'gives way and begins again behind the feed',
      },
      {
        file: 'packages/server/test/core/snapshot-schedule.test.ts',
        name: 'gives way only once, so that it comes to its end whatever learners do',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/snapshot-schedule.ts',
        text: 'if (this.#ended || this.#gaveWay) return null;',
        edits: [
          {
            file: 'core/snapshot-schedule.js',
            find: 'if (this.#ended || this.#gaveWay)\n                return null;',
            put: 'if (this.#ended)\n                return null;',
          },
        ],
      },
    ],
  },
  {
    id: 'O10',
    title: 'A learner falls behind faster than it is brought up to date',
    proofs: [
      {
        file: 'packages/server/test/zab/hostile-peers.test.ts',
        name: 'a state that takes longer than initLimit to send is sent to its end, as long as it is taken (O10)',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/roles/learner-sync.ts',
        text: 'for (const { link } of this.#feeding) link.lastHeardMs = this.#stage.nowMs;',
        edits: [
          {
            file: 'core/roles/learner-sync.js',
            find: 'for (const { link } of this.#feeding)\n            link.lastHeardMs = this.#stage.nowMs;',
            put: 'for (const { link } of [])\n            link.lastHeardMs = this.#stage.nowMs;',
          },
        ],
      },
    ],
  },
  {
    id: 'O11',
    title: 'Descriptors run out',
    proofs: [
      {
        file: 'packages/server/test/system/descriptors.test.ts',
        name: 'clients get all descriptors but those in reserve, and half of few',
      },
      {
        file: 'packages/server/test/peer/tcp-network.test.ts',
        name: 'E07: a server that runs out of descriptors drops whom it cannot take, and accepts again when it has some',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/adapters/system/descriptors.ts',
        text: 'return Math.max(1, all - Math.min(limits.reservedDescriptors, Math.floor(all / 2)));',
        edits: [
          {
            file: 'adapters/system/descriptors.js',
            find: 'return Math.max(1, all - Math.min(limits.reservedDescriptors, Math.floor(all / 2)));',
            put: 'return Math.max(1, all);',
          },
        ],
      },
    ],
  },
  {
    id: 'O12',
    title: 'Strangers fill the log, or the metrics',
    proofs: [
      {
        file: 'packages/server/test/security/o12-log-flood.test.ts',
        name: 'does not grow with every connection that is refused',
      },
      {
        file: 'packages/server/test/security/o12-peer-log-flood.test.ts',
        name: 'does not grow with every learner that comes and goes',
      },
      {
        file: 'packages/server/test/security/o12-peer-log-flood.test.ts',
        name: 'does not grow with every request for its history',
      },
      {
        file: 'packages/server/test/core/namespaces.test.ts',
        name: 'namespaces that are too many, or have too long a name, are counted together',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/limits-assembly.ts',
        text: 'const report = boundedReports(clock, ({ message }) => log.warn({}, message),',
        edits: [
          {
            file: 'limits-assembly.js',
            find: "const report = boundedReports(clock, ({ message }) => log.warn({}, message), 'refusals and cuts of connections');",
            put: 'const report = ({ message }) => log.warn({}, message);',
          },
        ],
      },
      {
        file: 'packages/server/src/ensemble-assembly.ts',
        text: "const noteOfPeer = boundedNotes(clock, told, 'words on connections with other servers', PEER_NOTES);",
        edits: [
          {
            file: 'ensemble-assembly.js',
            find: "const noteOfPeer = boundedNotes(clock, told, 'words on connections with other servers', PEER_NOTES);",
            put: 'const noteOfPeer = told;',
          },
        ],
      },
    ],
  },
  {
    id: 'O13',
    title: 'Clients that try again keep the server too busy to answer them',
    proofs: [
      {
        file: 'packages/client/test/core/server-ring.test.ts',
        name: 'pauses stand between rounds, grow to a second, and begin anew after a server that was of use',
      },
      {
        file: 'packages/client/test/session/establishing.test.ts',
        name: 'a server that closes each connection soon after its session is established is not stormed',
      },
    ],
    guards: [
      {
        file: 'packages/client/src/core/server-ring.ts',
        text: 'if (!Number.isInteger(round)) return 0;',
        edits: [
          { package: 'client', file: 'core/server-ring.js', find: 'if (!Number.isInteger(round))', put: 'return 0;' },
        ],
      },
    ],
  },
];
