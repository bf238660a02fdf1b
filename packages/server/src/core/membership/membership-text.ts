import type { Hierarchy, Member, MembershipParts } from './member.ts';
import { formatMember, MemberTextError, parseMember } from './member-text.ts';

/** A text that is no membership. The message says what was expected; `line` is where, from 1; 0 is the text as a whole. */
export class MembershipError extends Error {
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.name = 'MembershipError';
    this.line = line;
  }
}

interface Line {
  readonly number: number;
  readonly key: string;
  readonly value: string;
}

/**
 * Reads the text form of a membership (quorum-protocol reference, 13.1): `server.N`, `group.N`, `weight.N` and `version`
 * lines in the syntax of Java properties, without its continued lines.
 *
 * Stricter than Apache's server, which lets the last of two lines with the same key win and takes negative weights.
 *
 * @throws MembershipError
 */
export function parseMembershipText(text: string): MembershipParts {
  const members = new Map<number, Member>();
  const lineOf = new Map<string, number>();
  const groupLines: Line[] = [];
  const weights = new Map<number, number>();
  let version = 0;
  for (const line of readLines(text)) {
    const earlier = lineOf.get(line.key);
    if (earlier !== undefined) throw refusal(line, `expected one line of this name, found another in line ${earlier}`);
    lineOf.set(line.key, line.number);
    if (line.key === 'version') {
      version = parseVersion(line);
      continue;
    }
    const id = parseId(line);
    if (line.key.startsWith('server.')) members.set(id, parseServer(line, id));
    else if (line.key.startsWith('group.')) groupLines.push(line);
    else weights.set(id, parseWeight(line));
  }
  const sorted = sortedByKey(members);
  if (![...members.values()].some((member) => member.role === 'participant')) {
    const found = members.size === 0 ? 'no server' : 'observers only';
    throw new MembershipError(0, `expected at least one server.N that is a participant, found ${found}`);
  }
  const plain = groupLines.length === 0 && weights.size === 0;
  return { members: sorted, hierarchy: plain ? null : readHierarchy(sorted, groupLines, weights, lineOf), version };
}

/**
 * The generated form without its version: a line for each server, group and weight, ascending. Two memberships are the
 * same exactly when these texts are, but for the case of host names.
 */
export function formatMembers({ members, hierarchy }: MembershipParts): string {
  const lines: string[] = [];
  for (const member of members.values()) lines.push(`server.${member.sid}=${formatMember(member)}`);
  if (hierarchy !== null) {
    for (const [gid, sids] of hierarchy.groups) lines.push(`group.${gid}=${sids.join(':')}`);
    for (const [sid, weight] of hierarchy.weights) lines.push(`weight.${sid}=${weight}`);
  }
  return lines.join('\n');
}

/** The last line of the generated form. */
export function formatVersion(version: number): string {
  return `version=${version.toString(16)}`;
}

function* readLines(text: string): Generator<Line> {
  let number = 0;
  for (const raw of text.split(/\r\n|\n|\r/)) {
    number++;
    const content = raw.trim();
    if (content === '' || content.startsWith('#') || content.startsWith('!')) continue;
    const [, key = content, value = ''] = /^([^\s=:]+)\s*[=:\s]\s*(.*)$/.exec(content) ?? [];
    // A writer of properties may have put a backslash before each colon.
    yield { number, key, value: value.replace(/\\(.)/g, '$1') };
  }
}

/** The N of `server.N`, `group.N` or `weight.N`. */
function parseId(line: Line): number {
  const id = /^(?:server|group|weight)\.(\d{1,16})$/.exec(line.key)?.[1];
  if (id !== undefined && Number.isSafeInteger(Number(id))) return Number(id);
  throw refusal(line, 'expected server.N, group.N, weight.N or version, where N is a number from 0');
}

function parseServer(line: Line, sid: number): Member {
  try {
    return parseMember(sid, line.value);
  } catch (error) {
    if (!(error instanceof MemberTextError)) throw error;
    throw refusal(line, error.message);
  }
}

function parseVersion(line: Line): number {
  const version = Number.parseInt(line.value, 16);
  if (/^[0-9a-f]{1,16}$/i.test(line.value) && Number.isSafeInteger(version)) return version;
  throw refusal(line, 'expected a hexadecimal zxid without prefix');
}

function parseWeight(line: Line): number {
  const weight = Number(line.value);
  if (/^\d{1,10}$/.test(line.value)) return weight;
  throw refusal(line, 'expected a whole number from 0');
}

/**
 * Every participant must be in exactly one group and weighs 1 unless a line says more. Whoever else is in a group must
 * have a weight line; such a weight counts in the group's total though nobody ever votes with it, as with Apache's server.
 */
function readHierarchy(
  members: ReadonlyMap<number, Member>,
  groupLines: readonly Line[],
  given: ReadonlyMap<number, number>,
  lineOf: ReadonlyMap<string, number>,
): Hierarchy {
  const groups = new Map<number, number[]>();
  const weights = new Map(given);
  const groupOf = new Map<number, number>();
  for (const line of groupLines) {
    const gid = parseId(line);
    const sids: number[] = [];
    for (const part of line.value.split(':')) {
      const sid = Number(part);
      if (!/^\d{1,16}$/.test(part) || !Number.isSafeInteger(sid)) {
        throw refusal(line, `expected server ids with a ":" between them, found "${part}"`);
      }
      const other = groupOf.get(sid);
      if (other !== undefined)
        throw refusal(line, `expected server ${sid} in one group only, it is in group.${other} too`);
      if (members.get(sid)?.role !== 'participant' && !given.has(sid)) {
        throw refusal(line, `expected participants, found ${sid}, which is none and has no weight.${sid} line`);
      }
      groupOf.set(sid, gid);
      sids.push(sid);
    }
    groups.set(
      gid,
      sids.sort((a, b) => a - b),
    );
  }
  for (const { sid, role } of members.values()) {
    if (role !== 'participant') continue;
    if (!groupOf.has(sid)) {
      const where = lineOf.get(`server.${sid}`) ?? 0;
      throw new MembershipError(
        where,
        `server.${sid}: expected every participant in a group, add ${sid} to a group.N line`,
      );
    }
    if (!weights.has(sid)) weights.set(sid, 1);
  }
  return { groups: sortedByKey(groups), weights: sortedByKey(weights) };
}

function sortedByKey<T>(map: ReadonlyMap<number, T>): Map<number, T> {
  return new Map([...map].sort(([a], [b]) => a - b));
}

function refusal(line: Line, message: string): MembershipError {
  return new MembershipError(line.number, `${line.key}=${line.value}: ${message}`);
}
