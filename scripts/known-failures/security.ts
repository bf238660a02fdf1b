import type { Entry } from './entry.ts';

/** Known weaknesses, with the sixteen CVEs of Apache ZooKeeper; SECURITY.md says more of each. */
export const SECURITY: readonly Entry[] = [
  {
    id: 'A01',
    title: 'Anybody who reaches the quorum port joins the ensemble',
    proofs: [
      {
        file: 'packages/server/test/security/cve-2018-8012-quorum-join.test.ts',
        name: 'a process with an id of the ensemble, that proves nothing, reaches no leader',
      },
      {
        file: 'packages/server/test/security/cve-2018-8012-quorum-join.test.ts',
        name: 'a vote of somebody who proves nothing is no vote, whatever zxid it claims',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/adapters/peer/quorum-sasl.ts',
        text: "return this.#isRequired ? refused(null, 'it does not authenticate') : passed(0, null);",
        edits: [
          {
            file: 'adapters/peer/quorum-sasl.js',
            find: "return this.#isRequired ? refused(null, 'it does not authenticate') : passed(0, null);",
            put: 'return passed(0, null);',
          },
        ],
      },
    ],
  },
  {
    id: 'A02',
    title: 'A name without its instance part passes the authentication between servers',
    proofs: [
      {
        file: 'packages/server/test/security/cve-2023-44981-quorum-sasl.test.ts',
        name: 'a name that is not exactly one of those configured is nobody, with the password of another too',
      },
      {
        file: 'packages/server/test/security/cve-2023-44981-quorum-sasl.test.ts',
        name: 'who proves one name cannot be another',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/adapters/peer/quorum-sasl.ts',
        text: 'if (password === undefined || !isProved)',
        edits: [
          {
            file: 'adapters/peer/quorum-sasl.js',
            find: 'if (password === undefined || !isProved)',
            put: 'if (!isProved)',
          },
        ],
      },
    ],
  },
  {
    id: 'A03',
    title: 'Reading an access control list shows the hashes of passwords',
    proofs: [
      {
        file: 'packages/server/test/security/cve-2019-0201-get-acl.test.ts',
        name: 'who may only read sees no hash of a password, on no way',
      },
      {
        file: 'packages/server/test/security/cve-2019-0201-get-acl.test.ts',
        name: 'who may neither read nor administer a znode learns nothing of its list',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/ops/get-acl.ts',
        text: 'if (serving.allowed(aclId, Permission.admin, identities))',
        edits: [
          {
            file: 'core/ops/get-acl.js',
            find: 'if (serving.allowed(aclId, Permission.admin, identities))',
            put: 'if (true)',
          },
        ],
      },
    ],
  },
  {
    id: 'A04',
    title: 'Persistent watches tell of znodes that the watcher may not read',
    proofs: [
      {
        file: 'packages/server/test/security/cve-2024-23944-persistent-watches.test.ts',
        name: 'no event of a znode that may not be read reaches a watcher, not of its end either',
      },
      {
        file: 'packages/server/test/security/cve-2024-23944-persistent-watches.test.ts',
        name: 'the list of before its deletion guards a znode, and the list of a parent its children',
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
  {
    id: 'A05',
    title: 'Watches that are set again after a reconnect tell of znodes that may not be read',
    proofs: [
      {
        file: 'packages/server/test/security/cve-2026-59739-set-watches.test.ts',
        name: 'a replay tells nothing of znodes that may not be read: not that they changed, nor that they are there',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/ops/set-watches.ts',
        text: 'if (changed && serving.allowedOn(slot, Permission.read, identities)) {',
        edits: [
          {
            file: 'core/ops/set-watches.js',
            find: 'if (changed && serving.allowedOn(slot, Permission.read, identities)) {',
            put: 'if (changed) {',
          },
        ],
      },
    ],
  },
  {
    id: 'A06',
    title: 'A client sends an operation that only servers have',
    proofs: [
      {
        file: 'packages/server/test/security/cve-2026-79993-internal-opcodes.test.ts',
        name: 'no opcode does anything for a stranger inside a session, and those of servers are unknown',
      },
      {
        file: 'packages/server/test/security/cve-2026-79993-internal-opcodes.test.ts',
        name: 'no opcode of servers is carried out as a part of a multi or a multiRead',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/ops/table.ts',
        text: '[OpCode.delete, deleteOperation],',
        edits: [
          {
            file: 'core/ops/table.js',
            find: '[OpCode.delete, deleteOperation],',
            put: '[OpCode.delete, deleteOperation], [OpCode.deleteContainer, deleteOperation],',
          },
        ],
      },
    ],
  },
  {
    id: 'A07',
    title: 'An operator with some rights takes or replaces the whole state',
    proofs: [
      {
        file: 'packages/server/test/security/cve-2025-58457-admin-rights.test.ts',
        name: 'the right one goes on to the command itself',
      },
      {
        file: 'packages/server/test/admin/http/authorization.test.ts',
        name: 'wants every permission, each by itself (CVE-2025-58457)',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/admin/http/authorization.ts',
        text: 'needed.every(',
        edits: [{ file: 'admin/http/authorization.js', find: 'needed.every(', put: 'needed.some(' }],
      },
    ],
  },
  {
    id: 'A08',
    title: "An operator's address is believed from a header",
    proofs: [
      {
        file: 'packages/server/test/security/cve-2024-51504-admin-address.test.ts',
        name: 'is that of the socket, whatever headers say',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/admin/http/admin-server.ts',
        text: "address: addressOf(socket.remoteAddress ?? ''),",
        edits: [
          {
            file: 'admin/http/admin-server.js',
            find: "address: addressOf(socket.remoteAddress ?? ''),",
            put: "address: String(request.headers['x-forwarded-for'] ?? socket.remoteAddress),",
          },
        ],
      },
    ],
  },
  {
    id: 'A09',
    title: 'Words that go through all watches stop a server',
    proofs: [
      {
        file: 'packages/server/test/security/cve-2017-5637-costly-words.test.ts',
        name: 'by default only what is cheap is answered, and a refusal costs nothing',
      },
      { file: 'packages/server/test/client/long-words.test.ts', name: 'let others have their turns in between' },
    ],
    guards: [
      {
        file: 'packages/server/src/admin/four-letter.ts',
        text: 'if (!allowed.includes(word))',
        edits: [{ file: 'admin/four-letter.js', find: 'if (!allowed.includes(word))', put: 'if (false)' }],
      },
    ],
  },
  {
    id: 'A10',
    title: 'Text that nobody expected overflows the shell',
    proofs: [
      {
        file: 'packages/cli/test/shell/cve-2016-5017-shell-parsers.test.ts',
        name: '${name}: any text is taken or refused in words',
      },
      {
        file: 'packages/server/test/security/file-parsers.test.ts',
        name: 'any zoo.cfg is read, or refused by a ConfigError',
      },
    ],
    guards: [
      {
        file: 'packages/cli/src/shell/parse-line.ts',
        text: 'throw new ShellError(`A quote is not closed',
        edits: [
          {
            package: 'cli',
            file: 'shell/parse-line.js',
            find: 'throw new ShellError(`A quote is not closed',
            put: 'throw new RangeError(`A quote is not closed',
          },
        ],
      },
    ],
  },
  {
    id: 'A11',
    title: 'What the DNS says of an address counts as the name of a server',
    proofs: [
      {
        file: 'packages/server/test/security/cve-2026-24281-reverse-dns.test.ts',
        name: 'looking it up has to be asked for',
      },
      {
        file: 'packages/server/test/security/cve-2026-24281-reverse-dns.test.ts',
        name: 'the name that the DNS gives for an address makes nobody a server of the ensemble, and is not asked for',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/config/tls-family.ts',
        text: '`${prefix}allowReverseDnsLookup`,',
        edits: [
          { file: 'config/tls-family.js', find: 'allowReverseDnsLookup`, false', put: 'allowReverseDnsLookup`, true' },
        ],
      },
    ],
  },
  {
    id: 'A12',
    title: 'One mode of TLS does not check the names of hosts',
    proofs: [
      {
        file: 'packages/server/test/security/cve-2026-59969-fips-host-names.test.ts',
        name: 'a certificate for another name is refused in every mode, in both directions',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/adapters/tls/tls-context.ts',
        text: 'else if (!hostnameVerification || !clientHostnameVerification)',
        edits: [
          {
            file: 'adapters/tls/tls-context.js',
            find: 'else if (!hostnameVerification || !clientHostnameVerification)',
            put: 'else if (true)',
          },
        ],
      },
    ],
  },
  {
    id: 'A13',
    title: 'Passwords and keys stand in the log',
    proofs: [
      {
        file: 'packages/server/test/security/cve-2026-24308-secrets-in-logs.test.ts',
        name: 'no secret of the configuration is in what a server prints or answers',
      },
      {
        file: 'packages/server/test/security/cve-2014-0085-password-in-log.test.ts',
        name: 'no password, and nothing that proves one, is in what a server prints, however much it prints',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/config/parse.ts',
        text: "return SETTING_BY_KEY.get(key)?.[1].secret ? '***' : value;",
        edits: [
          {
            file: 'config/parse.js',
            find: "return SETTING_BY_KEY.get(key)?.[1].secret ? '***' : value;",
            put: 'return value;',
          },
        ],
      },
      {
        file: 'packages/server/src/core/auth/authentication.ts',
        text: 'const shown = colon < data.length ? user : null;',
        edits: [
          {
            file: 'core/auth/authentication.js',
            find: 'const shown = colon < data.length ? user : null;',
            put: 'const shown = user;',
          },
        ],
      },
    ],
  },
  {
    id: 'A14',
    title: 'A name with a tab forges fields of the audit log',
    proofs: [
      {
        file: 'packages/server/test/security/cve-2026-84439-audit-injection.test.ts',
        name: 'no text of a stranger makes a field or a record in JSON, in ${where}',
      },
      {
        file: 'packages/server/test/security/cve-2026-84439-audit-injection.test.ts',
        name: "no text of a stranger makes a field or a record in Apache's format, in ${where}",
      },
    ],
    guards: [
      {
        file: 'packages/server/src/visible-text.ts',
        text: 'return text.replace(HIDDEN_OR_BACKSLASH,',
        edits: [
          {
            file: 'visible-text.js',
            find: 'return text.replace(HIDDEN_OR_BACKSLASH,',
            put: 'return text; text.replace(HIDDEN_OR_BACKSLASH,',
          },
        ],
      },
    ],
  },
  {
    id: 'A15',
    title: 'A name with a line end forges a line of the log',
    proofs: [
      {
        file: 'packages/server/test/security/cve-2026-84501-log-forgery.test.ts',
        name: 'nothing that strangers say can begin a line of the log, or do anything to who reads it',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/adapters/system/log.ts',
        text: 'hooks: { streamWrite: harmless }',
        edits: [{ file: 'adapters/system/log.js', find: 'hooks: { streamWrite: harmless }', put: 'hooks: {}' }],
      },
    ],
  },
  {
    id: 'A16',
    title: 'A session is taken over with its number, which everybody can see',
    proofs: [
      {
        file: 'packages/server/test/security/a16-session-take-over.test.ts',
        name: "Apache's password of a session, computed from its number, opens nothing",
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/session/password.ts',
        text: 'for (const mode of this.#settings.sessionPasswordAccept) {',
        edits: [
          {
            file: 'core/session/password.js',
            find: 'for (const mode of this.#settings.sessionPasswordAccept) {',
            put: "for (const mode of ['apache', 'keyed']) {",
          },
        ],
      },
    ],
  },
  {
    id: 'A17',
    title: 'Hashed passwords are weak, can be replayed, and be guessed without end',
    proofs: [
      {
        file: 'packages/server/test/security/a17-digest-scheme.test.ts',
        name: 'the super user is who knows the password, not who knows the digest or the name',
      },
      {
        file: 'packages/server/test/core/authentication.test.ts',
        name: "counts guesses of the superuser's digest, though each makes an identity",
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/auth/authentication.ts',
        text: 'if (sameSecret(id, superDigest))',
        edits: [{ file: 'core/auth/authentication.js', find: 'if (sameSecret(id, superDigest))', put: 'if (true)' }],
      },
    ],
  },
  {
    id: 'A18',
    title: 'Refusals tell what is there',
    proofs: [
      {
        file: 'packages/server/test/security/a18-existence-oracles.test.ts',
        name: 'a znode that may not be read says that it is there, and not one thing more',
      },
      {
        file: 'packages/server/test/security/a18-existence-oracles.test.ts',
        name: 'its version cannot be found out by writes that are refused, alone or in a multi',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/ops/check.ts',
        text: 'if (!p.allowed(node.aclId, Permission.read))',
        edits: [{ file: 'core/ops/check.js', find: 'if (!p.allowed(node.aclId, Permission.read))', put: 'if (false)' }],
      },
    ],
  },
  {
    id: 'A19',
    title: 'The door of the operators is open to everybody',
    proofs: [
      {
        file: 'packages/server/test/security/cve-2025-58457-admin-rights.test.ts',
        name: 'is off unless it is asked for, and then listens on this machine alone',
      },
      {
        file: 'packages/server/test/admin/http/access.test.ts',
        name: 'must prove who they are, and may do what that identity may',
      },
      {
        file: 'packages/server/test/admin/http/access.test.ts',
        name: 'get the health of a server and nothing else without TLS',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/admin/http/access.ts',
        text: "if (caller.isLocal || this.#options.remoteAccess === 'apache') return null;",
        edits: [
          {
            file: 'admin/http/access.js',
            find: "if (caller.isLocal || this.#options.remoteAccess === 'apache')\n            return null;",
            put: 'if (true)\n            return null;',
          },
        ],
      },
    ],
  },
  {
    id: 'A20',
    title: 'A login that fails leaves the connection open; parts of identities count',
    proofs: [
      {
        file: 'packages/server/test/security/a20-authentication-order.test.ts',
        name: 'an authentication that fails ends the connection, and what was sent behind it is not carried out',
      },
      {
        file: 'packages/server/test/security/a20-authentication-order.test.ts',
        name: 'an identity is whole or nothing: parts of one, and one under another scheme, grant nothing',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/ops/auth.ts',
        text: 'serving.close(connection);',
        edits: [{ file: 'core/ops/auth.js', find: '        serving.close(connection);', put: '' }],
      },
    ],
  },
  {
    id: 'A21',
    title: 'TLS at its edges: slow handshakes, both kinds on one port, stores that went bad',
    proofs: [
      {
        file: 'packages/server/test/security/a21-tls-edges.test.ts',
        name: 'serves while a thousand handshakes are under way that never end',
      },
      { file: 'packages/server/test/security/a21-tls-edges.test.ts', name: 'lets nobody renegotiate for ever' },
    ],
    guards: [
      {
        file: 'packages/server/src/adapters/tls/tls-acceptor.ts',
        text: 'this.#refuse(oldest, new TooManyHandshakes());',
        edits: [
          {
            file: 'adapters/tls/tls-acceptor.js',
            find: 'this.#refuse(oldest, new TooManyHandshakes());',
            put: 'raw.destroy(); handler.failed(new TooManyHandshakes()); return;',
          },
        ],
      },
    ],
  },
  {
    id: 'A22',
    title: 'A server of the ensemble is malicious or broken',
    proofs: [
      {
        file: 'packages/server/test/zab/hostile-peers.test.ts',
        name: 'an epoch that no server can reach is not believed',
      },
      {
        file: 'packages/server/test/zab/hostile-peers.test.ts',
        name: 'learners that do not say who they are keep nobody out',
      },
      {
        file: 'packages/server/test/zab/hostile-peers.test.ts',
        name: 'a session whose creation a learner asks for in words that cannot be read is none',
      },
      {
        command: 'node interop/dist/fuzz/peer-main.js',
        file: 'interop/fuzz/peer-main.ts',
        part: 'mutated packets at the ports between servers of an ensemble that goes on',
      },
    ],
    guards: [
      {
        file: 'packages/server/src/core/zab/learner-greeting.ts',
        text: 'return accepted >= limits.largestEpoch ?',
        edits: [
          {
            file: 'core/zab/learner-greeting.js',
            find: 'return accepted >= limits.largestEpoch ?',
            put: 'return false ?',
          },
        ],
      },
      {
        file: 'packages/server/src/core/roles/leader-writes.ts',
        text: 'if (r.remaining() >= TIMEOUT_BYTES && serving.sessions.find(idHigh, idLow) === null && !this.#creating.has(key)) {',
        edits: [
          {
            file: 'core/roles/leader-writes.js',
            find: 'if (r.remaining() >= TIMEOUT_BYTES && serving.sessions.find(idHigh, idLow) === null && !this.#creating.has(key)) {',
            put: 'if (serving.sessions.find(idHigh, idLow) === null && !this.#creating.has(key)) {',
          },
        ],
      },
    ],
  },
  {
    id: 'A23',
    title: 'Names are taken for something else: properties of objects, ends of text, other bytes',
    proofs: [
      {
        file: 'packages/server/test/security/a23-names.test.ts',
        name: 'every name is only a name: in paths, in lists, in data, over a restart and in a snapshot',
      },
      {
        file: 'packages/server/test/security/a23-names.test.ts',
        name: 'bytes that are no path make no znode: NUL, surrogates, over-long UTF-8, dots',
      },
    ],
    guards: [
      {
        file: 'packages/protocol/src/path.ts',
        text: 'export function checkPathBytes(',
        edits: [
          {
            package: 'protocol',
            file: 'path.js',
            find: 'export function checkPathBytes(bytes, start, end) {',
            put: 'export function checkPathBytes(bytes, start, end) { if (bytes[start] === 0x2f && end - start > 1) return true;',
          },
        ],
      },
    ],
  },
];
