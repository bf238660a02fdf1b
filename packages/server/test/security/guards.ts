/** A change of emitted code that takes one guard away: `find` stands exactly once in the file. */
export interface Guard {
  /** Of `packages/server/test/security`, or the whole path of the test below `packages`, without its ending. */
  readonly test: string;
  readonly package: 'server' | 'protocol' | 'cli';
  /** Below its `dist/src/`. */
  readonly file: string;
  readonly find: string;
  readonly put: string;
}

/** For each regression test what it guards; `without-guards.ts` takes one after the other away, and the test must fail. */
export const GUARDS: readonly Guard[] = [
  {
    test: 'cve-2014-0085-password-in-log',
    package: 'server',
    file: 'core/auth/authentication.js',
    find: 'const shown = colon < data.length ? user : null;',
    put: 'const shown = user;',
  },
  {
    test: 'cli/test/shell/cve-2016-5017-shell-parsers',
    package: 'cli',
    file: 'shell/parse-line.js',
    find: 'throw new ShellError(`A quote is not closed',
    put: 'throw new RangeError(`A quote is not closed',
  },
  {
    test: 'cve-2017-5637-costly-words',
    package: 'server',
    file: 'admin/four-letter.js',
    find: 'if (!allowed.includes(word))',
    put: 'if (false)',
  },
  {
    test: 'cve-2018-8012-quorum-join',
    package: 'server',
    file: 'adapters/peer/quorum-sasl.js',
    find: "return this.#isRequired ? refused(null, 'it does not authenticate') : passed(0, null);",
    put: 'return passed(0, null);',
  },
  {
    test: 'cve-2019-0201-get-acl',
    package: 'server',
    file: 'core/ops/get-acl.js',
    find: 'if (serving.allowed(aclId, Permission.admin, identities))',
    put: 'if (true)',
  },
  {
    test: 'cve-2023-44981-quorum-sasl',
    package: 'server',
    file: 'adapters/peer/quorum-sasl.js',
    find: 'if (password === undefined || !isProved)',
    put: 'if (!isProved)',
  },
  {
    test: 'cve-2024-23944-persistent-watches',
    package: 'server',
    file: 'core/serving.js',
    find: 'if (acl !== null && !this.settings.skipAcl && !permits(acl, Permission.read, connection.identities))',
    put: 'if (false)',
  },
  {
    test: 'cve-2024-51504-admin-address',
    package: 'server',
    file: 'admin/http/admin-server.js',
    find: "address: addressOf(socket.remoteAddress ?? ''),",
    put: "address: String(request.headers['x-forwarded-for'] ?? socket.remoteAddress),",
  },
  {
    test: 'cve-2025-58457-admin-rights',
    package: 'server',
    file: 'admin/http/authorization.js',
    find: 'needed.every(',
    put: 'needed.some(',
  },
  {
    test: 'cve-2026-24281-reverse-dns',
    package: 'server',
    file: 'config/tls-family.js',
    find: 'allowReverseDnsLookup`, false',
    put: 'allowReverseDnsLookup`, true',
  },
  {
    test: 'cve-2026-24308-secrets-in-logs',
    package: 'server',
    file: 'config/parse.js',
    find: "return SETTING_BY_KEY.get(key)?.[1].secret ? '***' : value;",
    put: 'return value;',
  },
  {
    test: 'cve-2026-59739-set-watches',
    package: 'server',
    file: 'core/ops/set-watches.js',
    find: 'if (changed && serving.allowedOn(slot, Permission.read, identities)) {',
    put: 'if (changed) {',
  },
  {
    test: 'cve-2026-59969-fips-host-names',
    package: 'server',
    file: 'adapters/tls/tls-context.js',
    find: 'else if (!hostnameVerification || !clientHostnameVerification)',
    put: 'else if (true)',
  },
  {
    test: 'cve-2026-79993-internal-opcodes',
    package: 'server',
    file: 'core/ops/table.js',
    find: '[OpCode.delete, deleteOperation],',
    put: '[OpCode.delete, deleteOperation], [OpCode.deleteContainer, deleteOperation],',
  },
  {
    test: 'cve-2026-84439-audit-injection',
    package: 'server',
    file: 'visible-text.js',
    find: 'return text.replace(HIDDEN_OR_BACKSLASH,',
    put: 'return text; text.replace(HIDDEN_OR_BACKSLASH,',
  },
  {
    test: 'cve-2026-84501-log-forgery',
    package: 'server',
    file: 'adapters/system/log.js',
    find: 'hooks: { streamWrite: harmless }',
    put: 'hooks: {}',
  },
  {
    test: 'a16-session-take-over',
    package: 'server',
    file: 'core/session/password.js',
    find: 'for (const mode of this.#settings.sessionPasswordAccept) {',
    put: "for (const mode of ['apache', 'keyed']) {",
  },
  {
    test: 'a17-digest-scheme',
    package: 'server',
    file: 'core/auth/authentication.js',
    find: 'if (sameSecret(id, superDigest))',
    put: 'if (true)',
  },
  {
    test: 'a18-existence-oracles',
    package: 'server',
    file: 'core/ops/check.js',
    find: 'if (!p.allowed(node.aclId, Permission.read))',
    put: 'if (false)',
  },
  {
    test: 'a20-authentication-order',
    package: 'server',
    file: 'core/ops/auth.js',
    find: '        serving.close(connection);',
    put: '',
  },
  {
    test: 'a21-tls-edges',
    package: 'server',
    file: 'adapters/tls/tls-acceptor.js',
    find: 'this.#refuse(oldest, new TooManyHandshakes());',
    put: 'raw.destroy(); handler.failed(new TooManyHandshakes()); return;',
  },
  {
    test: 'a23-names',
    package: 'protocol',
    file: 'path.js',
    find: 'export function checkPathBytes(bytes, start, end) {',
    put: 'export function checkPathBytes(bytes, start, end) { if (bytes[start] === 0x2f && end - start > 1) return true;',
  },
  {
    test: 'file-parsers',
    package: 'server',
    file: 'adapters/tls/der-reader.js',
    find: 'throw new DerError(`tag ',
    put: 'throw new RangeError(`tag ',
  },
  {
    test: 'o12-log-flood',
    package: 'server',
    file: 'limits-assembly.js',
    find: "const report = boundedReports(clock, ({ message }) => log.warn({}, message), 'refusals and cuts of connections');",
    put: 'const report = ({ message }) => log.warn({}, message);',
  },
  {
    test: 'o12-peer-log-flood',
    package: 'server',
    file: 'ensemble-assembly.js',
    find: "const noteOfPeer = boundedNotes(clock, told, 'words on connections with other servers', PEER_NOTES);",
    put: 'const noteOfPeer = told;',
  },
];
