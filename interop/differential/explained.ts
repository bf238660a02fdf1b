import { ErrorCode, isValidUtf8 } from '@headkeeper/protocol';
import { errorOf } from './answers.ts';
import type { DecodedReply } from './decode.ts';
import type { Answer, Difference } from './difference.ts';
import { type Bytes, bytes } from './frames.ts';

/** A difference between Headkeeper and Apache ZooKeeper that is meant to be there. */
export interface Explanation {
  readonly id: string;
  readonly request: string;
  readonly apache: string;
  readonly headkeeper: string;
  readonly reason: string;
  /** Recognises it in a random run; absent where the run never sends such requests. */
  readonly matches?: (difference: Difference) => boolean;
  /**
   * What is still the same on both servers, so that the run can go on: `all`, or `all but watches` of the connection, which
   * is then dropped. Absent: they must be levelled.
   */
  readonly same?: 'all' | 'all but watches';
}

function isFrames(difference: Difference, left: string, right: string): boolean {
  return difference.fields.length === 1 && difference.fields[0] === `frames: ${left} / ${right}`;
}

function isRequest(difference: Difference, ...names: readonly string[]): boolean {
  return names.some((name) => difference.signature.startsWith(`${name} | `));
}

const CREATES: readonly string[] = ['create', 'create2', 'createContainer', 'createTTL'];

/** An entry with a null where its provider needs an id, as requests are shown. */
const NULL_IN_ACL = /\d:(null|"[^"]*"):null|\d:null:/;

/** The second of two auth entries with the same permissions has no id. */
const AUTH_ENTRIES_ALIKE = /(?<=[[ ])(-?\d+:"auth":)[^\]]*(?<= )\1null/;

function lastReply(answer: Answer): DecodedReply {
  return answer.frames.at(-1) as unknown as DecodedReply;
}

/** The bytes of the path that a request of one path is shown with. */
function pathOf(request: string): Uint8Array {
  const shown = /"(?:[^"\\]|\\.)*"/.exec(request)?.[0] ?? '""';
  const path = JSON.parse(shown.replace(/\\x(..)/g, '\\u00$1')) as Bytes;
  return Uint8Array.from(path, (character) => character.charCodeAt(0));
}

function totalOf(answer: Answer): number {
  return (lastReply(answer).body as { total: number }).total;
}

/** Two surrogates, each in three bytes. */
const SURROGATES = /\xed([\xa0-\xaf])([\x80-\xbf])\xed([\xb0-\xbf])([\x80-\xbf])/g;

/** One character beyond U+FFFF in UTF-8. */
const SUPPLEMENTARY = /[\xf0-\xf4][\x80-\xbf]{3}/g;

/** The same bytes with each pair of surrogates as the one character that it stands for. */
function withoutSurrogates(text: Bytes): Bytes {
  return text.replace(SURROGATES, (pair) => {
    const [high, low] = [unitAt(pair, 0), unitAt(pair, 3)];
    return bytes(String.fromCharCode(high, low));
  });
}

/** The UTF-16 unit that three bytes encode. */
function unitAt(text: Bytes, at: number): number {
  return 0xd000 | ((text.charCodeAt(at + 1) & 0x3f) << 6) | (text.charCodeAt(at + 2) & 0x3f);
}

/**
 * The whole list. `docs/differences.md` is rendered from it, and nothing else is accepted by the differential test.
 */
const EXPLANATIONS: readonly Explanation[] = [
  {
    id: 'catch-up-needs-read',
    request: 'setWatches, setWatches2: a path that has changed since and that the connection may not read',
    apache: 'sends the event',
    headkeeper: 'sends nothing and keeps the watch',
    reason:
      'The event tells that the node exists and has changed, which the other requests and ordinary events do not tell ' +
      'without READ (CVE-2026-59739).',
    matches: (difference) =>
      isRequest(difference, 'setWatches', 'setWatches2') &&
      lastReply(difference.left).err === 0 &&
      difference.fields.length === 1 &&
      /^frames: event [134](, event [134])* \/ nothing$/.test(difference.fields[0] as string),
    same: 'all but watches',
  },
  {
    id: 'watches-all-or-none',
    request: 'setWatches, setWatches2 with a null list or a null path',
    apache:
      'takes list after list and path after path until it stumbles over the null, sends the events and keeps the watches ' +
      'so far, and replies -5 MARSHALLINGERROR; a null among the paths of the two persistent lists it keeps as a watch',
    headkeeper: 'replies -5 MARSHALLINGERROR, sends nothing and keeps no watch',
    reason:
      'Of a request that is refused nothing is carried out; a client that is told of a failure sets its watches anew.',
    matches: (difference) =>
      isRequest(difference, 'setWatches', 'setWatches2') &&
      difference.request.includes('null') &&
      difference.fields.length === 1 &&
      /^frames: (event [1-4](, event [1-4])* \/ nothing|(event [1-4], )*reply \/ reply marshallingError)$/.test(
        difference.fields[0] as string,
      ) &&
      lastReply(difference.right).err === ErrorCode.marshallingError,
    same: 'all but watches',
  },
  {
    id: 'null-in-acl',
    request: 'create*, setACL: an entry without a scheme or an id, where Apache stumbles over the null',
    apache: 'replies -5 MARSHALLINGERROR, to a multi as a whole',
    headkeeper: 'replies -114 INVALIDACL, in a multi to that part',
    reason:
      'The request decodes; what is wrong is the access control list. Clients treat both as a failure of the request.',
    matches: (difference) =>
      NULL_IN_ACL.test(difference.request) &&
      ((isRequest(difference, ...CREATES, 'setACL') &&
        isFrames(difference, 'reply marshallingError', 'reply invalidACL')) ||
        (isRequest(difference, 'multi') &&
          isFrames(difference, 'reply marshallingError', 'reply') &&
          errorOf(lastReply(difference.right)) === 'invalidACL')),
    same: 'all',
  },
  {
    id: 'auth-entries-alike',
    request: 'create*, setACL: an auth entry with a null id after another auth entry with the same permissions',
    apache: 'stumbles when it compares the two, and replies -5 MARSHALLINGERROR, to a multi as a whole',
    headkeeper: 'takes null as it takes any other id',
    reason: 'The id of an auth entry means nothing.',
    matches: (difference) =>
      isRequest(difference, ...CREATES, 'setACL', 'multi') &&
      AUTH_ENTRIES_ALIKE.test(difference.request) &&
      difference.fields.length === 1 &&
      /^frames: reply marshallingError \/ (event [1-4], )*reply( \S+)?$/.test(difference.fields[0] as string),
  },
  {
    id: 'multi-read-remains',
    request: 'multiRead that cannot be carried out',
    apache: 'replies -5 with the results so far behind the header',
    headkeeper: 'replies -5 without a body',
    reason: 'A reply with an error has no body; no client reads this one.',
    matches: (difference) =>
      isRequest(difference, 'multiRead') &&
      difference.fields.length === 1 &&
      difference.fields[0] === 'reply.body: record / null',
    same: 'all',
  },
  {
    id: 'watch-without-path',
    request: 'addWatch with a null path',
    apache: 'replies 0 and keeps a watch that can never fire',
    headkeeper: 'replies -8 BADARGUMENTS',
    reason: 'It is a mistake of the client, better told than kept.',
    matches: (difference) => isRequest(difference, 'addWatch') && isFrames(difference, 'reply', 'reply badArguments'),
    same: 'all but watches',
  },
  {
    id: 'stat-after-usage',
    request: 'create2 of the zookeeper_stats of a quota',
    apache:
      'replies with the Stat from before it has written the usage into the node: the dataLength is that of the data sent',
    headkeeper: 'replies with the Stat of the node as it is',
    reason: 'The next request sees that Stat on either server.',
    matches: (difference) =>
      isRequest(difference, ...CREATES) &&
      /^[^"]*"[^"]*\/zookeeper_stats" /.test(difference.request) &&
      difference.fields.length === 1 &&
      difference.fields[0] === 'reply.body.stat.dataLength: number / number',
    same: 'all',
  },
  {
    id: 'root-counts-itself',
    request: 'getAllChildrenNumber with an empty path',
    apache: 'counts every znode, the root too',
    headkeeper: 'counts the descendants of the root, as for the path /',
    reason: 'The empty path is the root, and no other znode counts itself.',
    matches: (difference) =>
      isRequest(difference, 'getAllChildrenNumber') &&
      difference.fields.length === 1 &&
      difference.fields[0] === 'reply.body.total: number / number' &&
      /^(\S+ \d+: )?getAllChildrenNumber (""|.*\(first int 0\))/.test(difference.request) &&
      totalOf(difference.left) === totalOf(difference.right) + 1,
    same: 'all',
  },
  {
    id: 'malformed-watch-paths',
    request: 'checkWatches, removeWatches of a path in malformed UTF-8 where a watch was left on another such path',
    apache: 'takes the two for one when they are the same with U+FFFD in place of what is malformed',
    headkeeper: 'tells them apart by their bytes, and replies -121 NOWATCHER',
    reason: 'No znode has such a path, so that these watches cannot fire.',
    matches: (difference) =>
      isRequest(difference, 'checkWatches', 'removeWatches') &&
      isFrames(difference, 'reply', 'reply noWatcher') &&
      !isValidUtf8(pathOf(difference.request)),
    same: 'all but watches',
  },
  {
    id: 'supplementary-characters',
    request:
      'text with characters beyond U+FFFF that comes back: paths of sync and setWatches, ids of getACL and whoAmI',
    apache: 'sends each of its two UTF-16 surrogates in three bytes, which is not UTF-8',
    headkeeper: 'sends UTF-8, the bytes that it was sent',
    reason: "Readers of UTF-8, Apache's own among them, see replacement characters in the other form.",
    matches: (difference) =>
      difference.fields.every((field) => field.endsWith(': string / string')) &&
      withoutSurrogates(JSON.stringify(difference.left.frames)) === JSON.stringify(difference.right.frames),
    same: 'all',
  },
  {
    id: 'supplementary-characters-in-a-multi',
    request:
      'access control lists set in a multi with characters beyond U+FFFF in an id, and all lists after a restart',
    apache: 'reads each such character back from its log as two U+FFFD: the entry fits nobody any more',
    headkeeper: 'keeps the id',
    reason: 'An access control list means the same however it was set.',
    matches: (difference) =>
      isRequest(difference, 'getACL') &&
      difference.fields.length === 1 &&
      difference.fields[0] === 'reply.body.acl[].id: string / string' &&
      JSON.stringify(difference.left.frames) ===
        JSON.stringify(difference.right.frames).replace(SUPPLEMENTARY, bytes('\ufffd\ufffd')),
  },
  {
    id: 'quota-of-blank-elements',
    request: 'a change at a path with elements of nothing but spaces, such as "/ /a" or "/a/ /b"',
    apache: 'leaves these elements out when it looks for the quota: it takes that of /a or /a/b',
    headkeeper: 'takes the quotas of the nodes above the path',
    reason: 'A quota is for the subtree that it names.',
  },
  {
    id: 'digits-of-other-scripts',
    request: 'create*, setACL: an ip entry whose numbers are written in digits other than 0 to 9',
    apache: 'accepts any Unicode decimal digit',
    headkeeper: 'replies -114 INVALIDACL',
    reason: 'No address is written so; Apache gets it from the library that reads its numbers.',
  },
  {
    id: 'ttl-without-ttl-flag',
    request: 'createTTL with a flag other than 5 and 6 and a negative ttl',
    apache: 'stops, and stops again at each start while the log is replayed',
    headkeeper: 'replies -8 BADARGUMENTS',
    reason: 'A client must not be able to stop a server.',
  },
  {
    id: 'quota-of-the-root',
    request: 'create /zookeeper/quota/zookeeper_limits; delete /zookeeper/zookeeper_limits',
    apache: 'stops',
    headkeeper: 'treats them as ordinary nodes',
    reason: 'A client must not be able to stop a server. The root has no quota.',
  },
  {
    id: 'unparsable-quota-stats',
    request:
      'zookeeper_stats with null or unreadable data, and a change below the quota that no limit is asked for: a deletion, or one of a kind without a limit',
    apache: 'stops when it adds to the numbers',
    headkeeper: 'takes missing numbers for none',
    reason: 'A client must not be able to stop a server.',
  },
  {
    id: 'delete-container-by-client',
    request: 'deleteContainer',
    apache: 'deletes any childless node that is not ephemeral, whatever its access control list says',
    headkeeper: 'replies -6 UNIMPLEMENTED and closes the connection',
    reason: 'The operation belongs to the server; from a client it goes around every permission.',
  },
  {
    id: 'create-session-by-client',
    request: 'createSession (type -10) on an established connection',
    apache: 'replies with a second handshake',
    headkeeper: 'replies -6 UNIMPLEMENTED and closes the connection',
    reason: 'The operation belongs to the server; no client can make sense of the answer.',
  },
  {
    id: 'wrong-password-closes',
    request: 'a handshake for a session that has a connection, with a wrong password',
    apache: 'closes the rightful connection, then refuses',
    headkeeper: 'refuses, and leaves the rightful connection alone',
    reason: 'Session ids are public; nobody may cut off others with a guess.',
  },
];

export function explanationOf(difference: Difference): Explanation | null {
  for (const explanation of EXPLANATIONS) if (explanation.matches?.(difference) === true) return explanation;
  return null;
}

/** The text of `docs/differences.md`. */
export function renderExplanations(): string {
  const entries = EXPLANATIONS.map(
    (each) =>
      `### ${each.request}\n\n` +
      `- Apache ZooKeeper 3.9.5 ${each.apache}.\n` +
      `- Headkeeper ${each.headkeeper}.\n` +
      `- ${each.reason} ${each.matches === undefined ? 'The random run never sends it.' : 'The random run meets it.'} (\`${each.id}\`)\n`,
  );
  return `# Differences from Apache ZooKeeper

A client sees these differences between a standalone Headkeeper and a standalone Apache ZooKeeper 3.9.5, and no others that
we know of. The list is rendered from \`interop/differential/explained.ts\` (\`node interop/dist/differential/main.js
--write-docs\`); the differential test accepts nothing that is not on it. That test sends the same random requests to both
servers and compares every reply, error code, zxid, Stat and event, but for times, session ids and passwords:

\`\`\`
node interop/dist/differential/main.js --start 3.9.5,headkeeper --steps 20000 --seed 1,2,3,4,5
\`\`\`

What has no order in the protocol compares as a set: children, ephemerals, identities, the events of one session's end.

${entries.join('\n')}
## The AdminServer

\`interop/backup/admin-apache.ts\` compares the operators' HTTP servers. These differences are meant:

- It is off unless \`admin.serverPort\` or \`admin.enableServer=true\` is given, and bound to 127.0.0.1 unless
  \`admin.serverAddress\` says otherwise. Apache's listens on 0.0.0.0:8080 by default.
- \`restore\` gives the state a zxid beyond all that the server has had, and answers that one, unless the snapshot's own lies beyond.
  Apache's goes back to the zxid of the snapshot.
- \`restore\` on the leader restores the whole ensemble; another member answers 409. Apache's members are restored one by one.
- \`restore\` of a damaged snapshot, or one whose tree has not the digest that it states, changes nothing.
- The pause between two snapshots is in milliseconds, as documented; Apache counts microseconds.
- Failures have their reason in \`error\`, where Apache's is null. A wrong method gets 405, where Apache's answers 500.
- \`initial_configuration\` shows no passwords. \`system_properties\` shows what the machine is, not the settings.
- \`hash\` lists no digests: none are kept. \`observers\` counts no packets. \`monitor\` has the metrics that there are.
- \`/livez\`, \`/readyz\` and \`backup\` are Headkeeper's own. TLS, \`x509\` and \`admin.portUnification\` are not there yet.

## Authentication

\`interop/secure/sasl.ts\` lets the same clients log in to both servers. These differences are meant:

- A SASL client that asks for another authorization id than its user is refused. Apache's server ignores what it asks for.
- A connection has one SASL exchange of 30 seconds; what comes after its end is refused.
- Failed attempts are limited by address, 30 at once and one a second; beyond that the connection is closed without an answer.
- The scheme \`sasl\` is on as soon as users are configured, \`ensemble\` as soon as names are, without \`authProvider\` lines.
- \`sasl.usersFile\` is Headkeeper's own. \`SASLAuthenticationProvider.superPassword\` needs no user \`super\` in the lists.
- A digest whose scheme is turned off, and enforced schemes that no client can have, stop the start or are refused; nothing is let
  in silently.
- \`enableEagerACLCheck\` does not look at writes behind another of the same connection, which Apache may refuse by a state that the earlier one
  changes, ahead of its answer.
- GSSAPI (Kerberos) knows AES keys only, reads the keytab itself and no \`krb5.conf\`.
- \`letAnySaslUserDoX\` and authentication providers in Java are not there.
`;
}
