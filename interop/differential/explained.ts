import { errorOf } from './answers.ts';
import type { DecodedReply } from './decode.ts';
import type { Difference } from './difference.ts';

/** A difference between Headkeeper and Apache ZooKeeper that is meant to be there. */
export interface Explanation {
  readonly id: string;
  readonly request: string;
  readonly apache: string;
  readonly headkeeper: string;
  readonly reason: string;
  /** Recognises it in a random run; absent where the run never sends such requests. */
  readonly matches?: (difference: Difference) => boolean;
  /** The two servers are in the same state afterwards, so that the run can go on. */
  readonly harmless?: boolean;
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

/**
 * The whole list. `docs/differences.md` is rendered from it, and nothing else is accepted by the differential test.
 */
export const EXPLANATIONS: readonly Explanation[] = [
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
      (difference.left.frames.at(-1) as unknown as DecodedReply).err === 0 &&
      difference.fields.length === 1 &&
      /^frames: event [134](, event [134])* \/ nothing$/.test(difference.fields[0] as string),
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
          errorOf(difference.right.frames.at(-1) as unknown as DecodedReply) === 'invalidACL')),
    harmless: true,
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
    harmless: true,
  },
  {
    id: 'watch-without-path',
    request: 'addWatch with a null path',
    apache: 'replies 0 and keeps a watch that can never fire',
    headkeeper: 'replies -8 BADARGUMENTS',
    reason: 'It is a mistake of the client, better told than kept.',
    matches: (difference) => isRequest(difference, 'addWatch') && isFrames(difference, 'reply', 'reply badArguments'),
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
    request: 'setData of zookeeper_stats to null or to text without numbers, then a change below the quota',
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
node interop/dist/differential/main.js --start 3.9.5,headkeeper --steps 100000 --seed 1
\`\`\`

What has no order in the protocol compares as a set: children, ephemerals, identities, the events of one session's end.

${entries.join('\n')}`;
}
